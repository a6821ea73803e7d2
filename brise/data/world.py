"""Facts asked for: capitals, countries, continents, days, months, numbers in words."""

import random

from . import numbers
from .facts import CONTINENTS, COUNTRIES, DAYS, MONTH_DAYS, MONTHS, NO_CONTINENT, ORDINALS
from .grammar import ask
from .talk import Exchange


def capital(rng: random.Random, lang: str, country=None, follow: bool = False) -> Exchange:
    """Country → capital, or (a third of the time) capital → country."""
    country = country or rng.choice(COUNTRIES)
    if not follow and rng.random() < 0.3:
        return _country_of(rng, lang, country)
    city = country.capital(lang)
    if lang == "fr":
        question = rng.choice(["Et celle <of> ?", "Et pour <name> ?", "Et la capitale <of> ?", "Et <of> ?"]) if follow else _CAPITAL_FR
        user, key = ask(rng, lang, question, of=country.fr_of, name=country.name(lang), bare=country.bare)
        answer = f"La capitale {country.fr_of} est {city}."
    else:
        question = "{And|And what about|What about|And for|And of} <name>?" if follow else _CAPITAL_EN
        user, key = ask(rng, lang, question, name=country.en)
        answer = f"The capital of {country.en} is {city.rstrip('.')}."
    return Exchange(user, answer, key, lang, {"must": [city.rstrip(".")]})


_CAPITAL_FR = (
    "{{Quelle est|C'est quoi|Donne-moi|Dis-moi|Tu connais|Connais-tu|Peux-tu me donner|Rappelle-moi} la capitale <of> ?"
    "|Capitale <of> ?|capitale <bare>|La capitale <of>, c'est quoi ?|Quelle ville est la capitale <of> ?"
    "|{Bonjour|Salut|Bonjour Brise}, {quelle est|c'est quoi} la capitale <of> ?|La capitale <of> {s'il te plaît|svp|stp|s'il vous plaît}"
    "|Comment s'appelle la capitale <of> ?|Je cherche la capitale <of>.|<name> : quelle capitale ?|J'ai oublié la capitale <of>.}"
)
_CAPITAL_EN = (
    "{{What is|What's|Tell me|Give me|Do you know|Can you tell me|Remind me of|Name} the capital {of|city of} <name>{?| please?|}"
    "|Capital of <name>?|capital <name>|Which city is the capital of <name>?|<name>'s capital?|What's <name>'s capital city?"
    "|{Hi|Hello|Hey|Hey Brise}, {what is|what's} the capital of <name>?|What is the capital city of <name>?|I forgot the capital of <name>.}"
)


def _country_of(rng, lang, country):
    city = country.capital(lang)
    if lang == "fr":
        question = (
            "{<city> est la capitale de quel pays ?|De quel pays <city> est-elle la capitale ?|Quel pays a pour capitale <city> ?"
            "|<city>, c'est la capitale de quel pays ?|Dans quel pays se trouve <city> ?|{<city>, c'est dans quel pays|C'est où, <city>|Où se trouve <city>|Où est <city>} ?}"
        )
        user, key = ask(rng, lang, question, city=city)
        answer = f"{city} est la capitale {country.fr_of}."
        return Exchange(user, answer, key, lang, {"must": [country.bare]})
    question = (
        "{<city> is the capital of which country?|Which country has <city> as its capital?|What country is <city> the capital of?"
        "|{Which|What} country is <city> in?|Where is <city>?|In which country is <city>?|<city> is in which country?}"
    )
    user, key = ask(rng, lang, question, city=city)
    return Exchange(user, f"{city} is the capital of {country.en}.", key, lang, {"must": [country.en]})


def continent(rng: random.Random, lang: str) -> Exchange:
    country = rng.choice([c for c in COUNTRIES if c.en not in NO_CONTINENT])
    place = CONTINENTS[country.continent][lang]
    verb = "are" if country.en in ("the Netherlands", "the Philippines", "the United Arab Emirates", "the United States", "the Bahamas", "the Seychelles") else "is"
    if lang == "fr":
        question = (
            "{Sur quel continent se trouve <name> ?|<name>, c'est sur quel continent ?|Dans quel continent est <name> ?"
            "|De quel continent fait partie <name> ?|Quel est le continent <of> ?|Continent <of> ?}"
        )
        user, key = ask(rng, lang, question, name=country.fr, of=country.fr_of)
        head = country.fr[0].upper() + country.fr[1:]
        trouve = "se trouvent" if country.fr.startswith("les ") else "se trouve"
        return Exchange(user, f"{head} {trouve} {place}.", key, lang, {"must": [place.split(" ", 1)[1]]})
    question = (
        "{{What|Which} continent is <name> {in|on|part of}?|On which continent is <name>?|<name> is on which continent?"
        "|{Tell me the continent of|Continent of} <name>?|Is <name> in Europe, Asia, Africa or elsewhere?}"
    )
    user, key = ask(rng, lang, question, name=country.en)
    head = country.en[0].upper() + country.en[1:]
    return Exchange(user, f"{head} {verb} in {place}.", key, lang, {"must": [place]})


def calendar(rng: random.Random, lang: str) -> Exchange:
    return rng.choice([_day_next, _day_shift, _day_shift, _month_next, _month_days, _month_number, _counts, _leap, _leap])(rng, lang)


def _day_next(rng, lang):
    days = DAYS[lang]
    i, step = rng.randrange(7), rng.choice([1, -1])
    day, target = days[i], days[(i + step) % 7]
    if lang == "fr":
        after = (
            "{Quel jour vient après <day> ?|Quel est le jour après <day> ?|Après <day>, c'est quel jour ?|Quel jour suit <day> ?"
            "|{Si on est|Si aujourd'hui c'est} <day>, {demain c'est quel jour|quel jour sera-t-on demain} ?|C'est quoi le lendemain de <day> ?}"
        )
        before = (
            "{Quel jour vient avant <day> ?|Quel est le jour avant <day> ?|Avant <day>, c'est quel jour ?|Quel jour précède <day> ?"
            "|{Si on est|Si aujourd'hui c'est} <day>, {hier c'était quel jour|quel jour étions-nous hier} ?|C'est quoi la veille de <day> ?}"
        )
        user, key = ask(rng, lang, after if step == 1 else before, day=day)
        answer = f"{'Après' if step == 1 else 'Avant'} {day}, c'est {target}."
    else:
        after = (
            "{{Which|What} day comes after <day>?|What is the day after <day>?|After <day> comes which day?|What day follows <day>?"
            "|{If today is|If it's} <day>, {what day is tomorrow|what is tomorrow}?}"
        )
        before = (
            "{{Which|What} day comes before <day>?|What is the day before <day>?|Before <day> comes which day?|What day precedes <day>?"
            "|{If today is|If it's} <day>, {what day was yesterday|what was yesterday}?}"
        )
        user, key = ask(rng, lang, after if step == 1 else before, day=day)
        answer = f"The day {'after' if step == 1 else 'before'} {day} is {target}."
    return Exchange(user, answer, key, lang, {"must": [target]})


def _day_shift(rng, lang):
    i, n = rng.randrange(7), rng.randint(2, 30)
    day, target = DAYS[lang][i], DAYS[lang][(i + n) % 7]
    if lang == "fr":
        question = "{Si on est <day>, quel jour {sera-t-on|on sera} dans <n> jours ?|Nous sommes <day>. Quel jour dans <n> jours ?|Quel jour est-ce <n> jours après <day> ?}"
        user, key = ask(rng, lang, question, day=day, n=n)
        answer = f"{_counted(lang, i, n)}{n} jours après {day}, c'est {target}."
    else:
        question = "{If {today is|it is} <day>, what day {is it|will it be} in <n> days?|Today is <day>. What day is it in <n> days?|What day is <n> days after <day>?}"
        user, key = ask(rng, lang, question, day=day, n=n)
        answer = f"{_counted(lang, i, n)}{n} days after {day} is {target}."
    return Exchange(user, answer, key, lang, {"must": [f"{n} jours après {day}, c'est {target}." if lang == "fr" else f"{n} days after {day} is {target}."]})


def _counted(lang, i, n):
    """The way to the answer, for what is too far to see at once: whole weeks taken off, then the days one by one."""
    weeks, left = divmod(n, 7)
    steps = ", ".join(DAYS[lang][(i + k) % 7] for k in range(1, left + 1))
    if weeks == 0:
        return f"{steps[0].upper()}{steps[1:]}{' :' if lang == 'fr' else ':'} " if left > 1 else ""
    word = {"fr": "semaine" + "s" * (weeks > 1), "en": "week" + "s" * (weeks > 1)}[lang]
    rest = f" {'et' if lang == 'fr' else 'and'} {left} {('jour' if lang == 'fr' else 'day') + 's' * (left > 1)} ({steps})" if left else ""
    return f"{n} {'jours' if lang == 'fr' else 'days'} = {weeks} {word}{rest}. "


def _month_next(rng, lang):
    months = MONTHS[lang]
    i, step = rng.randrange(12), rng.choice([1, -1])
    month, target = months[i], months[(i + step) % 12]
    word = {("fr", 1): "après", ("fr", -1): "avant", ("en", 1): "after", ("en", -1): "before"}[lang, step]
    if lang == "fr":
        question = "{Quel mois vient <word> <month> ?|Quel est le mois <word> <month> ?|Quel mois il y a <word> <month> ?|C'est quoi le mois <word> <month> ?}"
        answer = f"Le mois {word} {month} est {target}."
    else:
        question = "{{Which|What} month comes <word> <month>?|What is the month <word> <month>?|<word> <month>, which month is it?|Tell me the month <word> <month>.}"
        answer = f"The month {word} {month} is {target}."
    user, key = ask(rng, lang, question, month=month, word=word)
    return Exchange(user, answer, key, lang, {"must": [target]})


def _month_days(rng, lang):
    i = rng.randrange(12)
    month, n = MONTHS[lang][i], MONTH_DAYS[i]
    if lang == "fr":
        question = (
            "{Combien de jours {y a-t-il|il y a} {en|au mois de} <month> ?|Combien de jours {compte|a} le mois de <month> ?|<month>, ça fait combien de jours ?"
            "|Il y a combien de jours en <month> ?|Nombre de jours en <month> ?}"
        )
        answer = f"{month[0].upper() + month[1:]} compte {n} jours" + (", et 29 les années bissextiles." if i == 1 else ".")
    else:
        question = (
            "{How many days {are there in|are in|does|has} <month>{ have|}?|How long is <month>?|Number of days in <month>?|How many days in the month of <month>?}"
        )
        answer = f"{month} has {n} days" + (", and 29 in leap years." if i == 1 else ".")
    user, key = ask(rng, lang, question, month=month)
    return Exchange(user, answer, key, lang, {"must": [str(n)]})


def _month_number(rng, lang):
    i = rng.randrange(12)
    month, ordinal = MONTHS[lang][i], ORDINALS[lang][i]
    if rng.random() < 0.5:
        if lang == "fr":
            user, key = ask(rng, lang, "{Quel est le <n> mois de l'année ?|C'est quoi le <n> mois ?|Le <n> mois de l'année, c'est lequel ?|Donne-moi le <n> mois de l'année.}", n=ordinal)
            answer = f"Le {ordinal} mois de l'année est {month}."
        else:
            user, key = ask(rng, lang, "{What is|What's|Which is|Tell me} the <n> month of the year?", n=ordinal)
            answer = f"The {ordinal} month of the year is {month}."
        return Exchange(user, answer, key, lang, {"must": [month]})
    number = i + 1
    if lang == "fr":
        user, key = ask(rng, lang, "{Quel est le numéro du mois de|Le numéro du mois de|Quel numéro a le mois de} <month> ?", month=month)
        answer = f"{month[0].upper() + month[1:]} est le mois numéro {number}."
    else:
        user, key = ask(rng, lang, "{What number is <month>?|What is the number of the month <month>?|<month> is month number what?|Which month number is <month>?}", month=month)
        answer = f"{month} is month number {number}."
    return Exchange(user, answer, key, lang, {"must": [str(number)]})


_COUNTS = {
    "fr": [
        ("{Combien de jours {y a-t-il|il y a} dans une semaine ?|Une semaine, c'est combien de jours ?}", "Une semaine compte 7 jours.", "7"),
        ("{Combien de mois {y a-t-il|il y a} dans {une année|un an} ?|Un an, c'est combien de mois ?}", "Une année compte 12 mois.", "12"),
        ("{Combien de jours {y a-t-il|il y a} dans {une année|un an} ?|Une année, c'est combien de jours ?}", "Une année compte 365 jours, et 366 si elle est bissextile.", "365"),
        ("{Combien d'heures {y a-t-il|il y a} dans {une journée|un jour} ?|Un jour, c'est combien d'heures ?}", "Un jour compte 24 heures.", "24"),
        ("{Combien de minutes {y a-t-il|il y a} dans une heure ?|Une heure, c'est combien de minutes ?}", "Une heure compte 60 minutes.", "60"),
        ("{Combien de secondes {y a-t-il|il y a} dans une minute ?|Une minute, c'est combien de secondes ?}", "Une minute compte 60 secondes.", "60"),
        ("{Combien de semaines {y a-t-il|il y a} dans {une année|un an} ?|Un an, c'est combien de semaines ?}", "Une année compte 52 semaines et un jour.", "52"),
        ("{Quels sont les|Donne-moi les|Cite les|Liste les} jours de la semaine{ ?|.| s'il te plaît}", "Les jours de la semaine sont lundi, mardi, mercredi, jeudi, vendredi, samedi et dimanche.", "mercredi"),
        ("{Quels sont les|Donne-moi les|Cite les|Liste les} mois de l'année{ ?|.| s'il te plaît}", "Les mois de l'année sont janvier, février, mars, avril, mai, juin, juillet, août, septembre, octobre, novembre et décembre.", "juillet"),
        ("{Quelles sont les|Donne-moi les|Cite les} {quatre |4 |}saisons{ ?|.| de l'année ?}", "Les quatre saisons sont le printemps, l'été, l'automne et l'hiver.", "automne"),
        ("{Quel est le premier jour de l'année ?|C'est quand, le jour de l'an ?}", "Le premier jour de l'année est le 1er janvier.", "janvier"),
        ("{Combien de continents {y a-t-il|il y a-t-il|existe-t-il} ?|Il y a combien de continents ?}", "On compte en général sept continents : l'Afrique, l'Amérique du Nord, l'Amérique du Sud, l'Antarctique, l'Asie, l'Europe et l'Océanie.", "sept"),
    ],
    "en": [
        ("{How many days {are there |are |}in a week?|A week is how many days?}", "A week has 7 days.", "7"),
        ("{How many months {are there |are |}in a year?|A year is how many months?}", "A year has 12 months.", "12"),
        ("{How many days {are there |are |}in a year?|A year is how many days?}", "A year has 365 days, and 366 if it is a leap year.", "365"),
        ("{How many hours {are there |are |}in a day?|A day is how many hours?}", "A day has 24 hours.", "24"),
        ("{How many minutes {are there |are |}in an hour?|An hour is how many minutes?}", "An hour has 60 minutes.", "60"),
        ("{How many seconds {are there |are |}in a minute?|A minute is how many seconds?}", "A minute has 60 seconds.", "60"),
        ("{How many weeks {are there |are |}in a year?|A year is how many weeks?}", "A year has 52 weeks and one day.", "52"),
        ("{What are|Give me|List|Name|Tell me} the days of the week{?|.| please|}", "The days of the week are Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday.", "Wednesday"),
        ("{What are|Give me|List|Name|Tell me} the months{ of the year|}{?|.| please|}", "The months of the year are January, February, March, April, May, June, July, August, September, October, November and December.", "July"),
        ("{What are|Give me|List|Name|Tell me} the {four |4 |}seasons{?|.| of the year}", "The four seasons are spring, summer, autumn and winter.", "autumn"),
        ("{What is|When is} the first day of the year?", "The first day of the year is January 1.", "January"),
        ("{How many continents are there?|How many continents exist?}", "There are usually said to be seven continents: Africa, Antarctica, Asia, Europe, North America, Oceania and South America.", "seven"),
    ],
}


def _counts(rng, lang):
    question, answer, must = rng.choice(_COUNTS[lang])
    user, key = ask(rng, lang, question)
    return Exchange(user, answer, key, lang, {"must": [must]})


def _leap(rng, lang):
    year = rng.choice([rng.randint(1990, 2050), rng.randint(1880, 2120)])
    is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if lang == "fr":
        user, key = ask(rng, lang, "{Est-ce que <y> est une année bissextile ?|<y> est-elle bissextile ?|L'année <y> est bissextile ?|<y>, c'est bissextile ?}", y=year)
        answer = f"{'Oui' if is_leap else 'Non'}, {year} {'est' if is_leap else 'n’est pas'} une année bissextile.".replace("’", "'")
        return Exchange(user, answer, key, lang, {"must": ["Oui" if is_leap else "Non"]})
    user, key = ask(rng, lang, "{Is <y> a leap year?|Was <y> a leap year?|<y>: leap year or not?|Tell me if <y> is a leap year.}", y=year)
    answer = f"{'Yes' if is_leap else 'No'}, {year} is {'' if is_leap else 'not '}a leap year."
    return Exchange(user, answer, key, lang, {"must": ["Yes" if is_leap else "No"]})


def number_words(rng: random.Random, lang: str) -> Exchange:
    """Digits to words, words to digits."""
    top = rng.choice([20, 100, 100, 1000, 1000, 10000])
    n = rng.randrange(top)
    text = numbers.words(lang, n)
    split = f"words {lang} {n}" if n >= 100 else None
    if rng.random() < 0.6:
        if lang == "fr":
            question = (
                "{{Écris|Écrivez|Peux-tu écrire|Écris-moi} <n> en {toutes lettres|lettres}{.| ?| s'il te plaît.}|Comment {écrit-on|s'écrit|on écrit} <n> en {toutes |}lettres ?"
                "|<n> en {toutes lettres|lettres}{ ?|}|Mets <n> en lettres.|Quel est le nombre <n> en lettres ?}"
            )
            user, key = ask(rng, lang, question, n=n)
            answer = f"{n} s'écrit « {text} »."
        else:
            question = (
                "{{Write|Spell|Can you write|Please write|Put} <n> in words{.|?| please.}|How do you {write|spell|say} <n> in words?|<n> in words{?|}"
                "|What is <n> {in words|spelled out}?|Spell out <n>{.|}}"
            )
            user, key = ask(rng, lang, question, n=n)
            answer = f'{n} is written "{text}".'
        return Exchange(user, answer, split or key, lang, {"must": [f"« {text} »" if lang == "fr" else f'"{text}"']})
    if lang == "fr":
        question = "{{Écris|Mets|Donne|Écris-moi} « <w> » en chiffres{.|}|<w> en chiffres{ ?|}|{Quel nombre est|Ça fait combien en chiffres,|Comment écrit-on en chiffres} <w> ?}"
        user, key = ask(rng, lang, question, w=text)
        answer = f"En chiffres : {n}."
    else:
        question = "{{Write|Put|Give me} \"<w>\" in {digits|figures|numbers}{.|}|<w> in {digits|figures|numbers}{?|}|{What number is|What is} <w> {in digits|in figures}?}"
        user, key = ask(rng, lang, question, w=text)
        answer = f"In digits: {n}."
    return Exchange(user, answer, split or key, lang, {"must": [str(n)]})
