"""Short translations between French and English: a small vocabulary, set phrases, and sentences made by grammar."""

import random

from .grammar import ask
from .numbers import words
from .talk import Exchange

# French noun with gender, French plural, English noun, English plural
_NOUNS = [line.split("|") for line in """
chat|m|chats|cat|cats
chien|m|chiens|dog|dogs
oiseau|m|oiseaux|bird|birds
cheval|m|chevaux|horse|horses
poisson|m|poissons|fish|fish
livre|m|livres|book|books
jardin|m|jardins|garden|gardens
arbre|m|arbres|tree|trees
train|m|trains|train|trains
bateau|m|bateaux|boat|boats
pain|m|pains|bread|breads
chapeau|m|chapeaux|hat|hats
couteau|m|couteaux|knife|knives
stylo|m|stylos|pen|pens
vélo|m|vélos|bicycle|bicycles
téléphone|m|téléphones|phone|phones
ordinateur|m|ordinateurs|computer|computers
fromage|m|fromages|cheese|cheeses
gâteau|m|gâteaux|cake|cakes
manteau|m|manteaux|coat|coats
pont|m|ponts|bridge|bridges
lit|m|lits|bed|beds
mur|m|murs|wall|walls
sac|m|sacs|bag|bags
verre|m|verres|glass|glasses
village|m|villages|village|villages
maison|f|maisons|house|houses
voiture|f|voitures|car|cars
table|f|tables|table|tables
chaise|f|chaises|chair|chairs
fleur|f|fleurs|flower|flowers
porte|f|portes|door|doors
fenêtre|f|fenêtres|window|windows
rue|f|rues|street|streets
ville|f|villes|city|cities
lampe|f|lampes|lamp|lamps
pomme|f|pommes|apple|apples
poire|f|poires|pear|pears
chemise|f|chemises|shirt|shirts
robe|f|robes|dress|dresses
clé|f|clés|key|keys
lettre|f|lettres|letter|letters
montagne|f|montagnes|mountain|mountains
rivière|f|rivières|river|rivers
forêt|f|forêts|forest|forests
école|f|écoles|school|schools
église|f|églises|church|churches
boîte|f|boîtes|box|boxes
tasse|f|tasses|cup|cups
souris|f|souris|mouse|mice
vache|f|vaches|cow|cows
chaussure|f|chaussures|shoe|shoes
""".strip().splitlines()]
# masculine, feminine, masculine plural, feminine plural, English
_ADJECTIVES = [line.split("|") for line in """
grand|grande|grands|grandes|big
petit|petite|petits|petites|small
rouge|rouge|rouges|rouges|red
bleu|bleue|bleus|bleues|blue
vert|verte|verts|vertes|green
noir|noire|noirs|noires|black
blanc|blanche|blancs|blanches|white
jaune|jaune|jaunes|jaunes|yellow
vieux|vieille|vieux|vieilles|old
nouveau|nouvelle|nouveaux|nouvelles|new
beau|belle|beaux|belles|beautiful
propre|propre|propres|propres|clean
sale|sale|sales|sales|dirty
cher|chère|chers|chères|expensive
lourd|lourde|lourds|lourdes|heavy
léger|légère|légers|légères|light
""".strip().splitlines()]
# je, tu, il, nous, vous, ils, English base, English third person
_VERBS = [line.split("|") for line in """
vois|vois|voit|voyons|voyez|voient|see|sees
cherche|cherches|cherche|cherchons|cherchez|cherchent|look for|looks for
veux|veux|veut|voulons|voulez|veulent|want|wants
ai|as|a|avons|avez|ont|have|has
achète|achètes|achète|achetons|achetez|achètent|buy|buys
aime|aimes|aime|aimons|aimez|aiment|like|likes
prends|prends|prend|prenons|prenez|prennent|take|takes
vends|vends|vend|vendons|vendez|vendent|sell|sells
dessine|dessines|dessine|dessinons|dessinez|dessinent|draw|draws
regarde|regardes|regarde|regardons|regardez|regardent|look at|looks at
trouve|trouves|trouve|trouvons|trouvez|trouvent|find|finds
""".strip().splitlines()]
_SUBJECTS = [("je", "I", 0), ("il", "he", 2), ("elle", "she", 2), ("nous", "we", 3), ("ils", "they", 5), ("Marie", "Marie", 2), ("Paul", "Paul", 2)]
_WORDS = [line.split("|") for line in """
bonjour|hello
merci|thank you
au revoir|goodbye
oui|yes
non|no
aujourd'hui|today
demain|tomorrow
hier|yesterday
maintenant|now
toujours|always
jamais|never
souvent|often
ici|here
là-bas|over there
beaucoup|a lot
peu|little
l'eau|water
le lait|milk
le sel|salt
le sucre|sugar
le soleil|the sun
la lune|the moon
la mer|the sea
le vent|the wind
la pluie|the rain
la neige|the snow
le feu|fire
la terre|the earth
le ciel|the sky
le matin|the morning
le soir|the evening
la nuit|the night
la semaine|the week
le mois|the month
l'année|the year
la mère|the mother
le père|the father
le frère|the brother
la sœur|the sister
l'enfant|the child
l'ami|the friend
le pays|the country
le travail|work
l'argent|money
le temps|time
manger|to eat
boire|to drink
dormir|to sleep
courir|to run
marcher|to walk
lire|to read
écrire|to write
parler|to speak
chanter|to sing
travailler|to work
jouer|to play
ouvrir|to open
fermer|to close
acheter|to buy
rouge|red
bleu|blue
vert|green
noir|black
blanc|white
heureux|happy
triste|sad
fatigué|tired
chaud|hot
froid|cold
facile|easy
difficile|difficult
rapide|fast
lent|slow
""".strip().splitlines()]
_PHRASES = [line.split("|") for line in """
Comment allez-vous ?|How are you?
Je m'appelle Léa.|My name is Léa.
Où est la gare ?|Where is the station?
Combien ça coûte ?|How much does it cost?
Je ne comprends pas.|I do not understand.
Bonne nuit !|Good night!
Bon appétit !|Enjoy your meal!
À demain !|See you tomorrow!
Quelle heure est-il ?|What time is it?
Je suis fatigué.|I am tired.
J'ai faim.|I am hungry.
J'ai soif.|I am thirsty.
Il fait froid.|It is cold.
Il fait chaud.|It is hot.
Il pleut.|It is raining.
S'il vous plaît.|Please.
Excusez-moi.|Excuse me.
Parlez-vous anglais ?|Do you speak English?
Je voudrais un café.|I would like a coffee.
L'addition, s'il vous plaît.|The bill, please.
Bonne chance !|Good luck!
Joyeux anniversaire !|Happy birthday!
Bon voyage !|Have a good trip!
Je suis désolé.|I am sorry.
Ce n'est pas grave.|It does not matter.
Où habitez-vous ?|Where do you live?
J'habite à Lyon.|I live in Lyon.
Je t'aime.|I love you.
Pouvez-vous m'aider ?|Can you help me?
Je ne sais pas.|I do not know.
C'est très bon.|It is very good.
Le train est en retard.|The train is late.
La porte est ouverte.|The door is open.
Le magasin est fermé.|The shop is closed.
À quelle heure part le train ?|What time does the train leave?
Où sont les toilettes ?|Where are the toilets?
Je cherche un hôtel.|I am looking for a hotel.
Bienvenue !|Welcome!
Félicitations !|Congratulations!
Bon week-end !|Have a good weekend!
""".strip().splitlines()]
_SET_PHRASES = {tuple(pair) for pair in _PHRASES}
_SET_WORDS = {tuple(pair) for pair in _WORDS}
_TO_EN = (
    "{{Traduis|Peux-tu traduire|Traduisez|Traduire} {|la phrase |}« <t> » en anglais{.| ?| s'il te plaît.}|Comment {dit-on|on dit|dire} « <t> » en anglais ?|<t> en anglais{ ?|}"
    "|Traduis en anglais : <t>|Comment se dit « <t> » en anglais ?|« <t> » en anglais, c'est quoi ?|Donne la traduction anglaise de « <t> ».}"
)
_TO_FR = (
    "{{Translate|Can you translate|Please translate} {|the sentence |}\"<t>\" {into|to} French{.|?|}|How do {you|I} say \"<t>\" in French?|<t> in French{?|}"
    "|Translate {into|to} French: <t>|What is \"<t>\" in French?|What's the French for \"<t>\"?|Give the French translation of \"<t>\".}"
)
_EN_ASKS_EN = "{{Translate|Please translate|Can you translate} \"<t>\" {into|to} English{.|?|}|What does \"<t>\" mean in English?|How do {you|I} say \"<t>\" in English?|Translate {into|to} English: <t>}"
_FR_ASKS_FR = "{{Traduis|Peux-tu traduire|Traduisez} « <t> » en français{.| ?}|Que veut dire « <t> » en français ?|Comment {dit-on|on dit} « <t> » en français ?|Traduis en français : <t>}"


def translation(rng: random.Random, lang: str) -> Exchange:
    """The answer is the bare translation. Either direction may be asked for in either language."""
    french, english = pair(rng)
    into_english = rng.random() < 0.5
    source, target = (french, english) if into_english else (english, french)
    if into_english:
        question = _TO_EN if lang == "fr" else _EN_ASKS_EN
    else:
        question = _TO_FR if lang == "en" else _FR_ASKS_FR
    user, key = ask(rng, lang, question, soft=False, t=source)
    return Exchange(user, target, pair_key(french, english, key), lang, {"exact": target, "lang": None})


def pair_key(french: str, english: str, wording: str) -> str:
    """Sentences put together from words are held out as pairs, single words by the wording of the question.

    A set phrase follows from nothing else: all of them are trained on (an empty key is never held out). So does a word
    of the dictionary that has an article ("le père"): it is held out by its wording, as words without one are.
    """
    if (french, english) in _SET_PHRASES:
        return ""
    if (french, english) in _SET_WORDS:
        return wording
    return f"translate {french} > {english}" if " " in french and " " in english else wording


def pair(rng: random.Random) -> tuple[str, str]:
    """A French text and its English twin."""
    draw = rng.random()
    if draw < 0.12:
        french, english = rng.choice(_WORDS)
        return french, english
    if draw < 0.22:
        return tuple(rng.choice(_PHRASES))
    if draw < 0.34:
        return _noun_alone(rng)
    if draw < 0.44:
        return _noun_described(rng)
    if draw < 0.7:
        return _is_sentence(rng)
    return _verb_sentence(rng)


def _noun_alone(rng):
    fr, gender, frs, en, ens = rng.choice(_NOUNS)
    if rng.random() < 0.6:
        return _the(fr, gender), f"the {en}"
    return f"les {frs}", f"the {ens}"


def _noun_described(rng):
    """A noun with an adjective, which French puts before the noun or after it."""
    fr, gender, frs, en, ens = rng.choice(_NOUNS)
    adjective = rng.choice(_ADJECTIVES)
    plural = rng.random() < 0.25
    before = adjective[4] in ("big", "small", "old", "new", "beautiful")
    if adjective[4] in ("old", "new", "beautiful") and not plural and gender == "m" and _the(fr, gender).startswith("l'"):
        return _noun_alone(rng)  # vieil, nouvel, bel: forms that the table does not have
    form = adjective[(2 if plural else 0) + (gender == "f")]
    words_fr = f"{form} {frs if plural else fr}" if before else f"{frs if plural else fr} {form}"
    words_en = f"{adjective[4]} {ens if plural else en}"
    if plural:
        return f"les {words_fr}", f"the {words_en}"
    if rng.random() < 0.5:
        return ("un " if gender == "m" else "une ") + words_fr, _an(words_en)
    return _the(words_fr, gender), f"the {words_en}"


def _is_sentence(rng):
    fr, gender, frs, en, ens = rng.choice(_NOUNS)
    adjective = rng.choice(_ADJECTIVES)
    plural = rng.random() < 0.35
    form = adjective[(2 if plural else 0) + (gender == "f")]
    very_fr, very_en = rng.choice([("", ""), ("", ""), ("très ", "very "), ("trop ", "too ")])
    not_fr, not_en = ("", "")
    if not very_fr and rng.random() < 0.25:
        not_fr, not_en = ("pas ", "not ")
    if plural:
        is_fr = "ne sont" if not_fr else "sont"
        return f"Les {frs} {is_fr} {not_fr}{very_fr}{form}.", f"The {ens} are {not_en}{very_en}{adjective[4]}."
    head = _the(fr, gender)
    is_fr = "n'est" if not_fr else "est"
    return f"{head[0].upper()}{head[1:]} {is_fr} {not_fr}{very_fr}{form}.", f"The {en} is {not_en}{very_en}{adjective[4]}."


def _verb_sentence(rng):
    fr, gender, frs, en, ens = rng.choice(_NOUNS)
    verb = rng.choice(_VERBS)
    subject_fr, subject_en, person = rng.choice(_SUBJECTS)
    third = person == 2
    verb_fr, verb_en = verb[person], verb[7] if third else verb[6]
    kind = rng.randrange(4)
    if kind == 0:
        object_fr, object_en = _the(fr, gender), f"the {en}"
    elif kind == 1:
        if en == "bread":
            object_fr, object_en = "le pain", "the bread"
        else:
            object_fr, object_en = ("un " if gender == "m" else "une ") + fr, _an(en)
    elif kind == 2:
        object_fr, object_en = f"les {frs}", f"the {ens}"
    else:
        n = rng.randint(2, 10)
        object_fr, object_en = f"{words('fr', n)} {frs}", f"{words('en', n)} {ens}"
    head = f"{subject_fr} {verb_fr}"
    if subject_fr == "je" and verb_fr[0] in "aeiou":
        head = f"j'{verb_fr}"
    return f"{head[0].upper()}{head[1:]} {object_fr}.", f"{subject_en[0].upper()}{subject_en[1:]} {verb_en} {object_en}."


def _the(noun, gender):
    if noun[0] in "aeiouéê":
        return f"l'{noun}"
    return ("le " if gender == "m" else "la ") + noun


def _an(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun
