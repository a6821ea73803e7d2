"""What Brise knows of the world: countries, days, months, units. Checked by `../tests/test_facts.py`.

A country's French name carries its article, from which "de", "en" and the sentence's start are made.
"""

_COUNTRIES = """
Afghanistan|l'Afghanistan|Kabul|Kaboul|as
Albania|l'Albanie|Tirana|Tirana|eu
Algeria|l'Algérie|Algiers|Alger|af
Andorra|l'Andorre|Andorra la Vella|Andorre-la-Vieille|eu
Angola|l'Angola|Luanda|Luanda|af
Argentina|l'Argentine|Buenos Aires|Buenos Aires|sa
Armenia|l'Arménie|Yerevan|Erevan|as
Australia|l'Australie|Canberra|Canberra|oc
Austria|l'Autriche|Vienna|Vienne|eu
Azerbaijan|l'Azerbaïdjan|Baku|Bakou|as
Bahrain|Bahreïn|Manama|Manama|as
Bangladesh|le Bangladesh|Dhaka|Dacca|as
Barbados|la Barbade|Bridgetown|Bridgetown|na
Belarus|la Biélorussie|Minsk|Minsk|eu
Belgium|la Belgique|Brussels|Bruxelles|eu
Belize|le Belize|Belmopan|Belmopan|na
Benin|le Bénin|Porto-Novo|Porto-Novo|af
Bhutan|le Bhoutan|Thimphu|Thimphou|as
Bosnia and Herzegovina|la Bosnie-Herzégovine|Sarajevo|Sarajevo|eu
Botswana|le Botswana|Gaborone|Gaborone|af
Brazil|le Brésil|Brasília|Brasilia|sa
Bulgaria|la Bulgarie|Sofia|Sofia|eu
Burkina Faso|le Burkina Faso|Ouagadougou|Ouagadougou|af
Cambodia|le Cambodge|Phnom Penh|Phnom Penh|as
Cameroon|le Cameroun|Yaoundé|Yaoundé|af
Canada|le Canada|Ottawa|Ottawa|na
Cape Verde|le Cap-Vert|Praia|Praia|af
Chad|le Tchad|N'Djamena|N'Djaména|af
Chile|le Chili|Santiago|Santiago|sa
China|la Chine|Beijing|Pékin|as
Colombia|la Colombie|Bogotá|Bogota|sa
Costa Rica|le Costa Rica|San José|San José|na
Croatia|la Croatie|Zagreb|Zagreb|eu
Cuba|Cuba|Havana|La Havane|na
Cyprus|Chypre|Nicosia|Nicosie|eu
Denmark|le Danemark|Copenhagen|Copenhague|eu
Djibouti|Djibouti|Djibouti|Djibouti|af
Ecuador|l'Équateur|Quito|Quito|sa
Egypt|l'Égypte|Cairo|Le Caire|af
El Salvador|le Salvador|San Salvador|San Salvador|na
Eritrea|l'Érythrée|Asmara|Asmara|af
Estonia|l'Estonie|Tallinn|Tallinn|eu
Ethiopia|l'Éthiopie|Addis Ababa|Addis-Abeba|af
Fiji|les Fidji|Suva|Suva|oc
Finland|la Finlande|Helsinki|Helsinki|eu
France|la France|Paris|Paris|eu
Gabon|le Gabon|Libreville|Libreville|af
Georgia|la Géorgie|Tbilisi|Tbilissi|as
Germany|l'Allemagne|Berlin|Berlin|eu
Ghana|le Ghana|Accra|Accra|af
Greece|la Grèce|Athens|Athènes|eu
Guatemala|le Guatemala|Guatemala City|Guatemala|na
Guinea|la Guinée|Conakry|Conakry|af
Haiti|Haïti|Port-au-Prince|Port-au-Prince|na
Honduras|le Honduras|Tegucigalpa|Tegucigalpa|na
Hungary|la Hongrie|Budapest|Budapest|eu
Iceland|l'Islande|Reykjavik|Reykjavik|eu
India|l'Inde|New Delhi|New Delhi|as
Indonesia|l'Indonésie|Jakarta|Jakarta|as
Iran|l'Iran|Tehran|Téhéran|as
Iraq|l'Irak|Baghdad|Bagdad|as
Ireland|l'Irlande|Dublin|Dublin|eu
Italy|l'Italie|Rome|Rome|eu
Ivory Coast|la Côte d'Ivoire|Yamoussoukro|Yamoussoukro|af
Jamaica|la Jamaïque|Kingston|Kingston|na
Japan|le Japon|Tokyo|Tokyo|as
Jordan|la Jordanie|Amman|Amman|as
Kazakhstan|le Kazakhstan|Astana|Astana|as
Kenya|le Kenya|Nairobi|Nairobi|af
Kuwait|le Koweït|Kuwait City|Koweït|as
Laos|le Laos|Vientiane|Vientiane|as
Latvia|la Lettonie|Riga|Riga|eu
Lebanon|le Liban|Beirut|Beyrouth|as
Liberia|le Liberia|Monrovia|Monrovia|af
Libya|la Libye|Tripoli|Tripoli|af
Lithuania|la Lituanie|Vilnius|Vilnius|eu
Luxembourg|le Luxembourg|Luxembourg|Luxembourg|eu
Madagascar|Madagascar|Antananarivo|Antananarivo|af
Malawi|le Malawi|Lilongwe|Lilongwe|af
Malaysia|la Malaisie|Kuala Lumpur|Kuala Lumpur|as
Mali|le Mali|Bamako|Bamako|af
Malta|Malte|Valletta|La Valette|eu
Mauritania|la Mauritanie|Nouakchott|Nouakchott|af
Mauritius|l'île Maurice|Port Louis|Port-Louis|af
Mexico|le Mexique|Mexico City|Mexico|na
Moldova|la Moldavie|Chișinău|Chisinau|eu
Mongolia|la Mongolie|Ulaanbaatar|Oulan-Bator|as
Montenegro|le Monténégro|Podgorica|Podgorica|eu
Morocco|le Maroc|Rabat|Rabat|af
Mozambique|le Mozambique|Maputo|Maputo|af
Namibia|la Namibie|Windhoek|Windhoek|af
Nepal|le Népal|Kathmandu|Katmandou|as
New Zealand|la Nouvelle-Zélande|Wellington|Wellington|oc
Nicaragua|le Nicaragua|Managua|Managua|na
Niger|le Niger|Niamey|Niamey|af
Nigeria|le Nigeria|Abuja|Abuja|af
North Korea|la Corée du Nord|Pyongyang|Pyongyang|as
North Macedonia|la Macédoine du Nord|Skopje|Skopje|eu
Norway|la Norvège|Oslo|Oslo|eu
Oman|Oman|Muscat|Mascate|as
Pakistan|le Pakistan|Islamabad|Islamabad|as
Panama|le Panama|Panama City|Panama|na
Paraguay|le Paraguay|Asunción|Asuncion|sa
Peru|le Pérou|Lima|Lima|sa
Poland|la Pologne|Warsaw|Varsovie|eu
Portugal|le Portugal|Lisbon|Lisbonne|eu
Qatar|le Qatar|Doha|Doha|as
Romania|la Roumanie|Bucharest|Bucarest|eu
Russia|la Russie|Moscow|Moscou|eu
Rwanda|le Rwanda|Kigali|Kigali|af
Saudi Arabia|l'Arabie saoudite|Riyadh|Riyad|as
Senegal|le Sénégal|Dakar|Dakar|af
Serbia|la Serbie|Belgrade|Belgrade|eu
Sierra Leone|la Sierra Leone|Freetown|Freetown|af
Slovakia|la Slovaquie|Bratislava|Bratislava|eu
Slovenia|la Slovénie|Ljubljana|Ljubljana|eu
Somalia|la Somalie|Mogadishu|Mogadiscio|af
South Korea|la Corée du Sud|Seoul|Séoul|as
Spain|l'Espagne|Madrid|Madrid|eu
Sudan|le Soudan|Khartoum|Khartoum|af
Suriname|le Suriname|Paramaribo|Paramaribo|sa
Sweden|la Suède|Stockholm|Stockholm|eu
Switzerland|la Suisse|Bern|Berne|eu
Syria|la Syrie|Damascus|Damas|as
Taiwan|Taïwan|Taipei|Taipei|as
Thailand|la Thaïlande|Bangkok|Bangkok|as
Togo|le Togo|Lomé|Lomé|af
Tunisia|la Tunisie|Tunis|Tunis|af
Turkey|la Turquie|Ankara|Ankara|as
Uganda|l'Ouganda|Kampala|Kampala|af
Ukraine|l'Ukraine|Kyiv|Kiev|eu
the United Arab Emirates|les Émirats arabes unis|Abu Dhabi|Abou Dabi|as
the United Kingdom|le Royaume-Uni|London|Londres|eu
the United States|les États-Unis|Washington, D.C.|Washington|na
the Netherlands|les Pays-Bas|Amsterdam|Amsterdam|eu
the Philippines|les Philippines|Manila|Manille|as
the Czech Republic|la République tchèque|Prague|Prague|eu
the Dominican Republic|la République dominicaine|Santo Domingo|Saint-Domingue|na
Uruguay|l'Uruguay|Montevideo|Montevideo|sa
Uzbekistan|l'Ouzbékistan|Tashkent|Tachkent|as
Venezuela|le Venezuela|Caracas|Caracas|sa
Vietnam|le Viêt Nam|Hanoi|Hanoï|as
Yemen|le Yémen|Sanaa|Sanaa|as
Singapore|Singapour|Singapore|Singapour|as
Monaco|Monaco|Monaco|Monaco|eu
Tanzania|la Tanzanie|Dodoma|Dodoma|af
the Gambia|la Gambie|Banjul|Banjul|af
Kyrgyzstan|le Kirghizistan|Bishkek|Bichkek|as
Tajikistan|le Tadjikistan|Dushanbe|Douchanbé|as
Turkmenistan|le Turkménistan|Ashgabat|Achgabat|as
the Bahamas|les Bahamas|Nassau|Nassau|na
San Marino|Saint-Marin|San Marino|Saint-Marin|eu
Liechtenstein|le Liechtenstein|Vaduz|Vaduz|eu
the Seychelles|les Seychelles|Victoria|Victoria|af
South Sudan|le Soudan du Sud|Juba|Djouba|af
Papua New Guinea|la Papouasie-Nouvelle-Guinée|Port Moresby|Port Moresby|oc
Guyana|le Guyana|Georgetown|Georgetown|sa
Lesotho|le Lesotho|Maseru|Maseru|af
the Democratic Republic of the Congo|la République démocratique du Congo|Kinshasa|Kinshasa|af
the Central African Republic|la République centrafricaine|Bangui|Bangui|af
Myanmar|la Birmanie|Naypyidaw|Naypyidaw|as
Burundi|le Burundi|Gitega|Gitega|af
Zambia|la Zambie|Lusaka|Lusaka|af
Zimbabwe|le Zimbabwe|Harare|Harare|af
"""
CONTINENTS = {
    "eu": {"en": "Europe", "fr": "en Europe"},
    "as": {"en": "Asia", "fr": "en Asie"},
    "af": {"en": "Africa", "fr": "en Afrique"},
    "na": {"en": "North America", "fr": "en Amérique du Nord"},
    "sa": {"en": "South America", "fr": "en Amérique du Sud"},
    "oc": {"en": "Oceania", "fr": "en Océanie"},
}
# Between two continents, or an article that reads oddly in a question: a capital is asked for, a continent is not.
NO_CONTINENT = {"Russia", "Turkey", "Georgia", "Armenia", "Azerbaijan", "Cyprus", "Kazakhstan", "Egypt", "Indonesia"}
DAYS = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche".split(),
}
MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
}
MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
ORDINALS = {
    "en": "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split(),
    "fr": "premier deuxième troisième quatrième cinquième sixième septième huitième neuvième dixième onzième douzième".split(),
}
SEASONS = {"en": ["spring", "summer", "autumn", "winter"], "fr": ["le printemps", "l'été", "l'automne", "l'hiver"]}


class Country:
    """One country in both languages, with the French forms that a sentence needs."""

    def __init__(self, line: str):
        self.en, self.fr, self.capital_en, self.capital_fr, self.continent = line.split("|")

    def name(self, lang: str) -> str:
        return self.fr if lang == "fr" else self.en

    def capital(self, lang: str) -> str:
        return self.capital_fr if lang == "fr" else self.capital_en

    @property
    def fr_of(self) -> str:
        return of_french(self.fr)

    @property
    def bare(self) -> str:
        """The French name without its article."""
        for article in ("la ", "le ", "les ", "l'"):
            if self.fr.startswith(article):
                return self.fr[len(article) :]
        return self.fr


def of_french(name: str) -> str:
    """The word for "of" before a French noun phrase: de la France, du Japon, de l'Italie, des Pays-Bas, d'Haïti."""
    if name.startswith("le "):
        return "du " + name[3:]
    if name.startswith("les "):
        return "des " + name[4:]
    if name.startswith(("la ", "l'")):
        return "de " + name
    return ("d'" if name[0] in "AEIOUHÉÎaeiouhé" else "de ") + name


COUNTRIES = [Country(line) for line in _COUNTRIES.strip().splitlines()]
