"""Fields taken out of a short text and given as JSON, in the order asked for; what the text does not say is null."""

import json
import random

from .grammar import ask, expand, fill
from .outside import invented
from .talk import Exchange

_FIRST = "Marie Jean Pierre Anne Lucas Chloé Hugo Alice Robert Susan Peter Laura Henry Grace Victor Nora Arthur Rosa Simon Léa Camille Louis Emma Jules Sarah Thomas Julie Karim Sofia David Paula Martin Élise Inès Noah Liam Olivia".split()
_LAST = "Martin Bernard Dubois Petit Moreau Garnier Lambert Roux Fournier Girard Smith Jones Brown Taylor Wilson Evans Walker Wright Hall Green Baker Carter Novak Rossi Silva Meyer".split()
_CITIES = "Paris Lyon Marseille Lille Nantes Bordeaux Toulouse Rennes Nice Dijon London Leeds Bristol Dublin Boston Chicago Toronto Berlin Madrid Rome Genève Bruxelles Montréal Québec Austin Denver".split()
_COLOURS = {"fr": "rouge bleu vert noir blanc gris jaune".split(), "en": "red blue green black white grey yellow".split()}
_GOODS = {
    "fr": "livres stylos vélos claviers écrans sacs câbles cahiers manteaux bureaux fauteuils tapis vases chapeaux".split(),
    "en": "chairs tables lamps books pens bicycles keyboards screens cups bags jackets watches cables notebooks".split(),
}
_JOBS = {
    "fr": "ingénieure|comptable|dentiste|architecte|journaliste|pharmacien|boulanger|photographe|bibliothécaire|électricien".split("|"),
    "en": "engineer|accountant|dentist|architect|journalist|pharmacist|baker|photographer|librarian|electrician".split("|"),
}
_MEETINGS = {
    "fr": "réunion d'équipe|revue du projet|conférence|formation|visite du chantier|répétition|séance de travail|assemblée".split("|"),
    "en": "team meeting|project review|dinner|concert|conference|training|site visit|interview|workshop".split("|"),
}
_MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
    "en": "January February March April May June July August September October November December".split(),
}

# kind → (text with slots, its fields: (name in JSON, slot, is it a number))
_TEXTS = {
    "fr": {
        "person": (
            "{{Je m'appelle|Bonjour, je suis|Mon nom est|Ici} <name>, j'ai <age> ans et {j'habite|je vis} à <city>.|<name>, <age> ans, {habite|vit} à <city>.|<name> a <age> ans et {habite|vit à présent} à <city>.}",
            [("nom", "name"), ("âge", "age"), ("ville", "city")],
        ),
        "worker": (
            "{<name> est <job> chez <company> à <city>.|<name> travaille comme <job> chez <company>, à <city>.|Je suis <name>, <job> chez <company> à <city>.}",
            [("nom", "name"), ("métier", "job"), ("entreprise", "company"), ("ville", "city")],
        ),
        "contact": (
            "{Vous pouvez joindre <name> au <phone> ou par e-mail : <email>.|Contact : <name>, <phone>, <email>|Écrivez à <name> (<email>) ou appelez le <phone>.|<name> — tél. <phone> — <email>}",
            [("nom", "name"), ("téléphone", "phone"), ("email", "email")],
        ),
        "order": (
            "{Je voudrais commander|Bonjour, je commande|Commande :|Il nous faut} <quantity> <item> <colour_pl> à livrer à <city>{ avant le <date>|, date : <date>}{.|, merci.}",
            [("quantité", "quantity"), ("article", "item"), ("couleur", "colour_pl"), ("ville", "city"), ("date", "date")],
        ),
        "meeting": (
            "{Prochaine <event>|Rendez-vous : <event>|À noter : <event>} le <date> à <time>{,| } salle <room>.",
            [("événement", "event"), ("date", "date"), ("heure", "time"), ("salle", "room")],
        ),
        "invoice": (
            "{Facture|Facture n°} <number> du <date>, {client|pour} <company>, {montant|total} : <amount> €.",
            [("numéro", "number"), ("date", "date"), ("client", "company"), ("montant", "amount")],
        ),
        "trip": (
            "{Je pars de <city> pour <city2> le <date> à <time>.|Train de <city> à <city2>, le <date>, départ à <time>.|Billet <city> → <city2>, <date>, <time>.}",
            [("départ", "city"), ("arrivée", "city2"), ("date", "date"), ("heure", "time")],
        ),
    },
    "en": {
        "person": (
            "{{My name is|Hello, I am|I'm|This is} <name>, I am <age> years old and I live in <city>.|<name>, aged <age>, lives in <city>.|<name> is <age> and lives in <city>.}",
            [("name", "name"), ("age", "age"), ("city", "city")],
        ),
        "worker": (
            "{<name> is {a|an} <job> at <company> in <city>.|<name> works as {a|an} <job> for <company> in <city>.|I am <name>, <job> at <company> in <city>.}",
            [("name", "name"), ("job", "job"), ("company", "company"), ("city", "city")],
        ),
        "contact": (
            "{You can reach <name> at <phone> or by email: <email>.|Contact: <name>, <phone>, <email>|Write to <name> (<email>) or call <phone>.|<name> — phone <phone> — <email>}",
            [("name", "name"), ("phone", "phone"), ("email", "email")],
        ),
        "order": (
            "{I would like to order|Hello, please send|Order:|We need} <quantity> <colour> <item> delivered to <city> {before <date>|by <date>}{.|, thanks.}",
            [("quantity", "quantity"), ("item", "item"), ("colour", "colour"), ("city", "city"), ("date", "date")],
        ),
        "meeting": (
            "{The <event> takes place|The <event> is|Do not forget the <event>} on <date> at <time>{,| } {in |}room <room>.",
            [("event", "event"), ("date", "date"), ("time", "time"), ("room", "room")],
        ),
        "invoice": (
            "{Invoice|Invoice no.} <number> of <date>, {customer|for} <company>, {amount|total}: <amount> €.",
            [("number", "number"), ("date", "date"), ("customer", "company"), ("amount", "amount")],
        ),
        "trip": (
            "{I leave <city> for <city2> on <date> at <time>.|Train from <city> to <city2>, <date>, leaving at <time>.|Ticket <city> → <city2>, <date>, <time>.}",
            [("from", "city"), ("to", "city2"), ("date", "date"), ("time", "time")],
        ),
    },
}
_ABSENT = {"fr": ["email", "téléphone", "âge", "date", "prix", "adresse"], "en": ["email", "phone", "age", "date", "price", "address"]}
_ASK = {
    "fr": [
        "{Extrais|Extraire|Peux-tu extraire|Donne|Sors} {les champs |}<fields> {de ce texte |du texte |}{en JSON|au format JSON}{ :| :} <text>",
        "<text>{ |\n}{Extrais|Donne-moi|Retourne} <fields> en JSON.",
        "{Transforme|Convertis} {ce texte|cette phrase} en JSON avec {les champs|les clés} <fields> : <text>",
        "Texte : <text>\nChamps : <fields>\n{JSON|Réponds en JSON} :",
    ],
    "en": [
        "{Extract|Please extract|Can you extract|Give|Pull out} {the fields |}<fields> {from this text |from the text |}as JSON: <text>",
        "<text>{ |\n}{Extract|Give me|Return} <fields> as JSON.",
        "{Turn|Convert} {this text|this sentence} into JSON with {the fields|the keys} <fields>: <text>",
        "Text: <text>\nFields: <fields>\n{JSON|Answer in JSON}:",
    ],
}


def extraction(rng: random.Random, lang: str) -> Exchange:
    kind = rng.choice(sorted(_TEXTS[lang]))
    template, fields = _TEXTS[lang][kind]
    values = _values(rng, lang)
    text = fill(expand(rng, template), **values)
    chosen = rng.sample(fields, rng.randint(min(2, len(fields)), len(fields)))
    record = {name: values[slot] for name, slot in chosen}
    if rng.random() < 0.12:
        missing = rng.choice(_ABSENT[lang])
        if missing not in dict(fields):
            record[missing] = None
    names = list(record)
    listed = ", ".join(names) if rng.random() < 0.6 else ", ".join(names[:-1]) + (" et " if lang == "fr" else " and ") + names[-1]
    if rng.random() < 0.15:
        listed = ", ".join(f'"{n}"' for n in names)
    if rng.random() < 0.2 and kind != "contact":
        text = rng.choice([f"« {text} »", f'"{text}"', f"\n{text}"])
    user, _ = ask(rng, lang, rng.choice(_ASK[lang]), soft=False, fields=listed, text=text)
    answer = json.dumps(record, ensure_ascii=False)
    return Exchange(user, answer, f"extract {answer}", lang, {"json": record, "lang": None})


def _values(rng, lang):
    first, last = rng.choice(_FIRST), rng.choice(_LAST) if rng.random() < 0.5 else invented(rng)
    plain = "".join(c for c in f"{first}.{last}".lower() if c.isascii() and (c.isalnum() or c == "."))
    city = rng.choice(_CITIES) if rng.random() < 0.7 else invented(rng)
    city2 = rng.choice([c for c in _CITIES if c != city])
    day, month = rng.randint(1, 28), rng.choice(_MONTHS[lang])
    year = rng.choice(["", "", " 2025", " 2026", " 2027"])
    colour = rng.choice(_COLOURS[lang])
    hour, minute = rng.randint(7, 22), rng.choice([0, 0, 15, 30, 45, rng.randint(0, 59)])
    return {
        "name": f"{first} {last}", "age": rng.randint(4, 95), "city": city, "city2": city2,
        "job": rng.choice(_JOBS[lang]), "company": rng.choice([invented(rng), invented(rng) + rng.choice([" SA", " & Co", " SARL", " Ltd", ""])]),
        "phone": _phone(rng, lang), "email": f"{plain}@{rng.choice(['mail', 'poste', 'exemple', 'example', invented(rng).lower()])}.{rng.choice(['fr', 'com', 'org', 'net'])}",
        "quantity": rng.randint(2, 500), "item": rng.choice(_GOODS[lang]), "colour": colour, "colour_pl": _plural(colour),
        "date": f"{day} {month}{year}", "event": rng.choice(_MEETINGS[lang]), "room": rng.choice([str(rng.randint(1, 420)), rng.choice("ABCDEF") + str(rng.randint(1, 40)), invented(rng)]),
        "time": f"{hour}h{minute:02d}" if lang == "fr" else f"{hour}:{minute:02d}", "number": rng.choice([f"F{rng.randint(100, 9999)}", str(rng.randint(1000, 99999)), f"{rng.randint(2024, 2027)}-{rng.randint(1, 999):03d}"]),
        "amount": rng.choice([rng.randint(5, 9999), round(rng.uniform(5, 3000), 2)]),
    }  # fmt: skip


def _plural(colour):
    return colour if colour.endswith("s") else colour + "s"


def _phone(rng, lang):
    if lang == "fr":
        return "0" + str(rng.randint(1, 7)) + "".join(f" {rng.randint(0, 99):02d}" for _ in range(4))
    return rng.choice([f"+44 20 {rng.randint(1000, 9999)} {rng.randint(1000, 9999)}", f"555-{rng.randint(1000, 9999)}", f"{rng.randint(200, 999)}-{rng.randint(100, 999)}-{rng.randint(1000, 9999)}"])
