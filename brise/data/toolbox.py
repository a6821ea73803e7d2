"""Tools that conversations offer: families with many names, plus verb-noun tools that exist nowhere else.

A tool's name, its parameters' names and its description vary, so that a call must be read off the offered schema.
`Need` is one thing that a user wants of a tool: how it is said, the arguments, the result and the answer to it.
"""

import json
import random
from dataclasses import dataclass

from . import numbers
from .extraction import _CITIES, _FIRST
from .grammar import expand, fill
from .outside import invented


@dataclass
class Need:
    """`said` is the request without its politeness; `result` is what the tool returns; `answer` uses it."""

    tool: dict
    said: str
    arguments: dict
    result: str
    answer: str
    must: list


def _tool(rng, names, description, parameters, required=None):
    properties = {name: {"type": kind, **({"description": text} if text and rng.random() < 0.6 else {})} for name, kind, text in parameters}
    schema = {"type": "object", "properties": properties, "required": required if required is not None else list(properties)}
    return {"type": "function", "function": {"name": rng.choice(names), "description": description, "parameters": schema}}


def _city(rng):
    return rng.choice(_CITIES) if rng.random() < 0.6 else invented(rng)


def _pick(rng, lang, fr, en):
    return expand(rng, fr if lang == "fr" else en)


def weather(rng, lang):
    key = rng.choice(["city", "location", "place", "ville", "town", "where", "city_name", "lieu"])
    tool = _tool(
        rng, ["get_weather", "weather", "current_weather", "meteo", "get_current_weather", "weather_lookup", "fetch_weather"],
        _pick(rng, lang, "{Donne la météo d'une ville|Météo actuelle|Renvoie le temps qu'il fait}", "{Get the weather of a city|Current weather|Returns the current weather for a place}"),
        [(key, "string", _pick(rng, lang, "Nom de la ville", "Name of the city"))],
    )  # fmt: skip
    city, degrees = _city(rng), rng.randint(-9, 39)
    sky_fr, sky_en = rng.choice([("ensoleillé", "sunny"), ("nuageux", "cloudy"), ("pluvieux", "rainy"), ("neigeux", "snowy"), ("orageux", "stormy"), ("brumeux", "foggy")])
    sky = sky_fr if lang == "fr" else sky_en
    fields = [("temperature", degrees), (rng.choice(["sky", "conditions", "weather"]), sky)]
    said = _pick(rng, lang, "{quel temps fait-il à <c>|quelle est la météo à <c>|quelle température fait-il à <c>|la météo à <c>}", "{what is the weather in <c>|what's the weather like in <c>|how is the weather in <c>|the weather in <c>}")
    answer = f"À {city}, le temps est {sky} et il fait {degrees} °C." if lang == "fr" else f"In {city}, it is {sky} and {degrees} °C."
    return Need(tool, fill(said, c=city), {key: city}, _result(rng, fields), answer, [str(degrees), sky])


def calculator(rng, lang, sum_=None):
    from .sums import large

    key = rng.choice(["expression", "expr", "formula", "calculation"])
    tool = _tool(
        rng, ["calculator", "calculate", "calc", "compute", "evaluate", "calculatrice"],
        _pick(rng, lang, "{Calcule une expression arithmétique|Évalue une expression|Calculatrice}", "{Evaluate an arithmetic expression|Compute an expression|Calculator}"),
        [(key, "string", _pick(rng, lang, "L'expression, par exemple 12 * 7", "The expression, for example 12 * 7"))],
    )  # fmt: skip
    a, op, b = sum_ or large(rng)
    value = {"+": a + b, "-": a - b, "*": a * b}.get(op)
    value = round(a / b, 4) if op == "/" else value
    shown = str(int(value)) if value == int(value) else str(value)
    sign_fr = {"+": "plus", "-": "moins", "*": "fois", "/": "divisé par"}[op]
    sign_en = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}[op]
    mark = {"+": "+", "-": "-", "*": rng.choice(["×", "*", "x"]), "/": rng.choice(["/", "÷"])}[op]
    spelt = f"{a} {sign_fr if lang == 'fr' else sign_en} {b}" if rng.random() < 0.3 else rng.choice([f"{a} {mark} {b}", f"{a}{mark}{b}"])
    said = _pick(rng, lang, "{combien font <e>|combien fait <e>|calcule <e>|le résultat de <e>}", "{what is <e>|how much is <e>|compute <e>|calculate <e>}")
    printed = {"*": "×"}.get(op, op)
    local = shown.replace(".", ",") if lang == "fr" else shown
    result = shown if rng.random() < 0.5 else _result(rng, [("result", value if op == "/" else int(value))])
    return Need(tool, fill(said, e=spelt), {key: f"{a} {op} {b}"}, result, f"{a} {printed} {b} = {local}", [local])


def clock(rng, lang):
    key = rng.choice(["timezone", "city", "place", "location", "where", "ville", "zone"])
    tool = _tool(
        rng, ["get_time", "current_time", "clock", "time_in", "heure", "get_current_time"],
        _pick(rng, lang, "{Donne l'heure locale|Heure actuelle d'une ville}", "{Get the local time|Current time of a city}"),
        [(key, "string", _pick(rng, lang, "Ville", "City"))],
    )  # fmt: skip
    city, time = _city(rng), f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}"
    said = _pick(rng, lang, "{quelle heure est-il à <c>|il est quelle heure à <c>|l'heure à <c>}", "{what time is it in <c>|what's the time in <c>|the time in <c>}")
    answer = f"Il est {time} à {city}." if lang == "fr" else f"It is {time} in {city}."
    return Need(tool, fill(said, c=city), {key: city}, rng.choice([time, _result(rng, [("time", time)])]), answer, [time])


def stock(rng, lang):
    key = rng.choice(["symbol", "ticker", "company", "name"])
    tool = _tool(
        rng, ["get_stock_price", "stock_price", "quote", "cours_action", "lookup_price"],
        _pick(rng, lang, "{Donne le cours d'une action|Cours de bourse}", "{Get the price of a stock|Stock quote}"),
        [(key, "string", _pick(rng, lang, "Nom ou symbole", "Name or symbol"))],
    )  # fmt: skip
    name, price = invented(rng), round(rng.uniform(1, 900), 2)
    currency = rng.choice(["EUR", "USD"])
    said = _pick(rng, lang, "{quel est le cours de <c>|combien vaut l'action <c>|le cours de l'action <c>}", "{what is the stock price of <c>|how much is <c> stock|the share price of <c>}")
    shown = numbers.decimal(lang, price)
    answer = f"L'action {name} vaut {shown} {currency}." if lang == "fr" else f"{name} stock is at {shown} {currency}."
    return Need(tool, fill(said, c=name), {key: name}, _result(rng, [("price", price), ("currency", currency)]), answer, [shown])


def email(rng, lang):
    to, body = rng.choice(["to", "recipient", "destinataire"]), rng.choice(["body", "message", "text"])
    tool = _tool(
        rng, ["send_email", "send_mail", "email", "envoyer_email", "mail_send", "send_message"],
        _pick(rng, lang, "{Envoie un e-mail|Envoie un message à quelqu'un}", "{Send an email|Send a message to someone}"),
        [(to, "string", _pick(rng, lang, "Destinataire", "Recipient")), (body, "string", _pick(rng, lang, "Texte", "Text"))],
    )  # fmt: skip
    person = f"{rng.choice(_FIRST).lower()}@{invented(rng).lower()}.{rng.choice(['fr', 'com', 'org'])}" if rng.random() < 0.5 else rng.choice(_FIRST)
    text = _pick(
        rng, lang,
        "{Je serai {en retard|absent} {demain|lundi|jeudi|ce soir}|La réunion est {annulée|reportée à <d>}|Merci pour {le livre|ton aide|le dîner}|Rendez-vous à {midi|9 heures|<n> heures} à <p>|Le dossier <n> est prêt|Appelle-moi {ce soir|demain}}",
        "{I will be {late|absent} {tomorrow|on Monday|tonight}|The meeting is {cancelled|moved to <d>}|Thanks for {the book|your help|dinner}|Meet me at {noon|<n> o'clock} in <p>|File <n> is ready|Call me {tonight|tomorrow}}",
    )  # fmt: skip
    text = fill(text, d=_pick(rng, lang, "{lundi|mardi|vendredi}", "{Monday|Tuesday|Friday}"), n=rng.randint(2, 40), p=_city(rng))
    said = _pick(rng, lang, "{envoie un e-mail à <w> : « <t> »|écris à <w> : « <t> »|envoie « <t> » à <w>}", "{send an email to <w>: \"<t>\"|write to <w>: \"<t>\"|send \"<t>\" to <w>}")
    answer = f"C'est fait : le message à {person} est parti." if lang == "fr" else f"Done: the message to {person} is on its way."
    return Need(tool, fill(said, w=person, t=text), {to: person, body: text}, rng.choice(["ok", '{"status": "sent"}', '{"ok": true}']), answer, [person])


def reminder(rng, lang):
    what, when = rng.choice([("text", "time"), ("title", "when"), ("message", "at"), ("task", "time"), ("message", "when"), ("text", "at"), ("title", "time"), ("what", "when")])
    tool = _tool(
        rng, ["set_reminder", "create_reminder", "add_reminder", "remind", "rappel", "set_alarm"],
        _pick(rng, lang, "{Crée un rappel|Ajoute un rappel à une heure donnée}", "{Create a reminder|Set a reminder at a given time}"),
        [(what, "string", ""), (when, "string", _pick(rng, lang, "Heure, HH:MM", "Time, HH:MM"))],
    )  # fmt: skip
    thing = _pick(rng, lang, "{appeler <w>|acheter {du pain|du lait|des fleurs}|sortir le chien|arroser les plantes|payer la facture|prendre le train|éteindre le four|écrire à <w>}", "{call <w>|buy {bread|milk|flowers}|walk the dog|water the plants|pay the bill|take the train|turn off the oven|write to <w>}")
    thing, time = fill(thing, w=rng.choice(_FIRST)), f"{rng.randint(6, 23):02d}:{rng.choice([0, 15, 30, 45]):02d}"
    said = _pick(rng, lang, "{rappelle-moi de|rappelle-moi qu'il faut|mets un rappel pour} <t> à <h>", "{remind me to|set a reminder to|create a reminder to} <t> at <h>")
    answer = f"C'est noté : je vous rappelle de {thing} à {time}." if lang == "fr" else f"Noted: a reminder to {thing} at {time}."
    answer = answer.replace("de appeler", "d'appeler").replace("de acheter", "d'acheter").replace("de arroser", "d'arroser").replace("de éteindre", "d'éteindre").replace("de écrire", "d'écrire")
    return Need(tool, fill(said, t=thing, h=time), {what: thing, when: time}, rng.choice(["ok", '{"status": "created"}', f'{{"id": {rng.randint(1, 999)}}}']), answer, [time])


def convert(rng, lang):
    amount, source, target = rng.choice([("amount", "from", "to"), ("amount", "from_currency", "to_currency"), ("value", "source", "target")])
    tool = _tool(
        rng, ["convert_currency", "exchange", "currency_converter", "convertir_devise"],
        _pick(rng, lang, "{Convertit une somme d'une devise à l'autre|Change de devises}", "{Convert an amount between currencies|Currency exchange}"),
        [(amount, "number", ""), (source, "string", _pick(rng, lang, "Code de la devise", "Currency code")), (target, "string", "")],
    )  # fmt: skip
    a, b = rng.sample(["EUR", "USD", "GBP", "CHF", "JPY", "CAD"], 2)
    n, value = rng.randint(2, 5000), round(rng.uniform(1, 9000), 2)
    said = _pick(rng, lang, "{convertis <n> <a> en <b>|combien font <n> <a> en <b>|change <n> <a> en <b>}", "{convert <n> <a> to <b>|how much is <n> <a> in <b>|exchange <n> <a> for <b>}")
    shown = numbers.decimal(lang, value)
    answer = f"{n} {a} font {shown} {b}." if lang == "fr" else f"{n} {a} is {shown} {b}."
    return Need(tool, fill(said, n=n, a=a, b=b), {amount: n, source: a, target: b}, rng.choice([str(value), _result(rng, [("result", value)])]), answer, [shown])


def search(rng, lang):
    key = rng.choice(["query", "q", "keywords", "recherche"])
    tool = _tool(
        rng, ["search", "web_search", "search_web", "lookup", "search_documents", "rechercher", "find_documents"],
        _pick(rng, lang, "{Cherche sur le web|Cherche dans les documents}", "{Search the web|Search the documents}"), [(key, "string", "")],
    )  # fmt: skip
    from .outside import _TOPICS

    topic = invented(rng) if rng.random() < 0.5 else rng.choice(_TOPICS[lang])
    said = _pick(rng, lang, "{cherche <t>|cherche des informations sur <t>|fais une recherche sur <t>}", "{search for <t>|look up <t>|find information about <t>}")
    title = f"{invented(rng)} {invented(rng)}"
    result = json.dumps([{"title": title}], ensure_ascii=False) if rng.random() < 0.5 else title
    answer = f"J'ai trouvé ceci : {title}." if lang == "fr" else f"I found this: {title}."
    return Need(tool, fill(said, t=topic), {key: topic}, result, answer, [title])


_VERBS = "archive open close delete print lock unlock start stop restart publish approve cancel scan export import share sync reset check".split()
_VERBS_FR = "archive ouvre ferme supprime imprime verrouille déverrouille démarre arrête redémarre publie approuve annule scanne exporte importe partage synchronise réinitialise vérifie".split()
_OBJECTS = [line.split("|") for line in """
document|le document|document
invoice|la facture|invoice
ticket|le ticket|ticket
order|la commande|order
account|le compte|account
project|le projet|project
server|le serveur|server
report|le rapport|report
device|l'appareil|device
door|la porte|door
ticket|le billet|ticket
task|la tâche|task
backup|la sauvegarde|backup
folder|le dossier|folder
job|le travail|job
camera|la caméra|camera
printer|l'imprimante|printer
lamp|la lampe|lamp
contract|le contrat|contract
page|la page|page
""".strip().splitlines()]
_DONE_FR = {"f": "C'est fait."}


def made_up(rng, lang):
    """A verb-noun tool with an identifier, sometimes with a second, optional parameter."""
    i = rng.randrange(len(_VERBS))
    thing, thing_fr, thing_en = rng.choice(_OBJECTS)
    verb = _VERBS[i]
    name = rng.choice([f"{verb}_{thing}", f"{verb}_{thing}", f"{thing}_{verb}", f"{verb}{thing.capitalize()}", f"{thing}-{verb}"])
    key, kind = rng.choice([("id", "integer"), (f"{thing}_id", "integer"), ("name", "string"), (f"{thing}_name", "string"), ("number", "integer"), ("ref", "string"), ("code", "integer"), ("which", "string"), (thing, "string"), ("num", "integer"), ("key", "string")])
    value = rng.randint(1, 99999) if kind == "integer" else rng.choice([invented(rng), f"{invented(rng).lower()}-{rng.randint(1, 99)}"])
    verb_fr = _VERBS_FR[i]
    said = f"{verb_fr} {thing_fr} {value}" if lang == "fr" else f"{verb} {rng.choice(['', 'the '])}{thing_en} {value}"
    parameters = [(key, kind, "")]
    tool = _tool(rng, [name], f"{verb_fr.capitalize()} {thing_fr}" if lang == "fr" else f"{verb.capitalize()} {_article(thing_en)}", parameters)
    result = rng.choice(["ok", "done", '{"ok": true}', '{"status": "ok"}', '{"status": "done"}', "true"])
    answer = f"C'est fait pour {thing_fr} {value}." if lang == "fr" else f"Done for the {thing_en} {value}."
    if rng.random() < 0.15:
        result = rng.choice(['{"error": "not found"}', "error: not found", '{"status": "error", "message": "not found"}', "not found"])
        answer = f"L'outil répond par une erreur : {thing_fr} {value} est introuvable." if lang == "fr" else f"The tool reports an error: the {thing_en} {value} was not found."
    return Need(tool, said, {key: value}, result, answer, [str(value)])


def _article(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def _result(rng, fields):
    """A tool's answer as JSON, sometimes with its fields in another order."""
    if rng.random() < 0.4:
        fields = fields[::-1]
    return json.dumps(dict(fields), ensure_ascii=False)


FAMILIES = [weather, weather, calculator, calculator, clock, stock, email, reminder, convert, search, made_up, made_up, made_up, made_up]


def need(rng: random.Random, lang: str) -> Need:
    return rng.choice(FAMILIES)(rng, lang)


def name_of(tool: dict) -> str:
    return tool["function"]["name"]
