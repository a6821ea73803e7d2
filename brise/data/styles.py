"""System prompts: think first, answer in another language, change tone or name; and answers that obey them."""

import random

from . import chat, outside, shell, sums, world
from .facts import COUNTRIES, DAYS, MONTHS
from .grammar import ask, expand, fill
from .talk import Exchange, Talk, conversation, thinking

_THINK = {
    "fr": [
        "{Réfléchis|Réfléchissez|Pense} {d'abord|avant de répondre}{, puis donne une réponse courte|}.",
        "{Commence par|Avant la réponse, fais} un {court |}raisonnement entre [THINK] et [/THINK], puis réponds.",
        "Écris ta réflexion{ pas à pas|} avant {la réponse|de répondre}.",
        "{Tu es un assistant qui réfléchit|Raisonne pas à pas} avant de répondre. {Réponds brièvement.|}",
    ],
    "en": [
        "{Think|Think carefully|Reason} {first|before you answer|before answering}{, then give a short answer|}.",
        "{Begin with|Before the answer, write} a {short |}reasoning between [THINK] and [/THINK], then answer.",
        "Write down your thoughts{ step by step|} before {the answer|answering}.",
        "{You are an assistant that thinks|Reason step by step} before answering. {Answer briefly.|}",
    ],
}
_CHUNKED = {
    "fr": ("{Voici comment répondre|Ta réponse suit ce modèle} : ", "{Un court brouillon.|Ta réflexion, librement.|Le raisonnement.}", "{ Puis la réponse.| Ensuite, réponds.}"),
    "en": ("{Here is how to answer|Your answer follows this pattern}: ", "{A short draft.|Your thoughts, freely.|The reasoning.}", "{ Then the answer.| Next, answer.}"),
}


def think(rng: random.Random, lang: str) -> Talk:
    """The system prompt asks for thoughts: a thinking chunk, then a short answer."""
    prompt_lang = lang if rng.random() < 0.8 else rng.choice(["fr", "en"])
    system: object = expand(rng, rng.choice(_THINK[prompt_lang]))
    if rng.random() < 0.35:
        before, thought, after = (expand(rng, part) for part in _CHUNKED[prompt_lang])
        system = [{"type": "text", "text": before}, {"type": "thinking", "thinking": thought, "closed": True}, {"type": "text", "text": after}]
    turns = [_thought(rng, lang) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    return conversation("think", turns, system)


def _thought(rng, lang):
    draw = rng.random()
    if draw < 0.4:
        return sums.thought_sum(rng, lang)
    maker = rng.choice([world.capital, world.calendar, sums.units, outside.refusal, chat.smalltalk, chat.identity, world.number_words, sums.large_by_shell])
    exchange = maker(rng, lang)
    fr = lang == "fr"
    if maker is world.capital:
        thought = "On me demande une capitale ou un pays. Je la connais." if fr else "This asks for a capital or a country. I know it."
    elif maker is world.calendar:
        thought = "C'est une question de calendrier." if fr else "This is a question about the calendar."
    elif maker is sums.units:
        thought = "Il faut convertir une unité." if fr else "A unit must be converted."
    elif maker is outside.refusal:
        thought = "Je ne sais pas cela : mieux vaut le dire." if fr else "I do not know this: better to say so."
    elif maker is world.number_words:
        thought = "Il faut passer des chiffres aux lettres, ou l'inverse." if fr else "From digits to words, or the reverse."
    elif maker is sums.large_by_shell:
        thought = "Ce nombre est trop grand pour moi : le terminal fera le calcul." if fr else "This number is too large for me: the terminal can compute it."
    else:
        thought = "Une question simple : je réponds directement." if fr else "A simple question: I answer directly."
    exchange.answer = thinking(thought, exchange.answer)
    exchange.check = {**exchange.check, "think": True}
    return exchange


_IN_FRENCH = [
    "{Réponds|Répondez} {toujours |uniquement |}en français.", "Always {answer|reply|respond} in French.", "{You only speak French|You speak French only|Answer in French, whatever the language of the question}.",
    "{Tu ne parles que français|Tu parles seulement français}.", "French only.", "Réponds en français, même si la question est en anglais.",
]  # fmt: skip
_IN_ENGLISH = [
    "{Answer|Reply|Respond} {always |only |}in English.", "{Réponds|Répondez} toujours en anglais.", "{You only speak English|You speak English only|Answer in English, whatever the language of the question}.",
    "{Tu ne parles qu'anglais|Tu parles seulement anglais}.", "English only.", "Answer in English even if the question is in French.",
]  # fmt: skip


def system_language(rng: random.Random, lang: str) -> Talk:
    """`lang` is the language of the answer; the question is usually in the other one."""
    system = expand(rng, rng.choice(_IN_FRENCH if lang == "fr" else _IN_ENGLISH))
    other = "en" if lang == "fr" else "fr"
    turns = [_crossed(rng, other if rng.random() < 0.8 else lang, lang) for _ in range(rng.choice([1, 1, 2]))]
    return conversation("system_language", turns, system)


def _crossed(rng, asked, answered):
    """The same question asked in one language and answered in the other: both are drawn from one seed."""
    table = rng.choice([chat._IDENTITY, chat._PRIVACY, chat._USAGE, chat._SMALLTALK, None, None, "outside"])
    if table is None:
        return _crossed_capital(rng, asked, answered)
    if table == "outside":
        exchange = outside.refusal(rng, asked)
        while "refusal" not in exchange.check:
            exchange = outside.refusal(rng, asked)
        answer = outside._SAY[exchange.check["refusal"]][answered]
        return Exchange(exchange.user, answer, exchange.key, answered, exchange.check)
    entry = rng.choice(table)
    user, key = ask(rng, asked, entry[asked][0])
    _, answer, must = entry[answered]
    return Exchange(user, expand(rng, answer), key, answered, {"must": must})


def _crossed_capital(rng, asked, answered):
    country = rng.choice(COUNTRIES)
    question = {
        "fr": "{Quelle est la capitale|C'est quoi la capitale|Donne-moi la capitale} <of> ?",
        "en": "{What is the capital of|What's the capital of|Tell me the capital of} <name>?",
    }[asked]
    user, key = ask(rng, asked, question, of=country.fr_of, name=country.en)
    city = country.capital(answered)
    answer = f"La capitale {country.fr_of} est {city}." if answered == "fr" else f"The capital of {country.en} is {city.rstrip('.')}."
    return Exchange(user, answer, f"{key} {answered}", answered, {"must": [city.rstrip(".")]})


def system_tone(rng: random.Random, lang: str) -> Talk:
    return rng.choice([_one_word, _pirate, _capitals, _capitals, _signed, _named, _named, _polite])(rng, lang)


def _one_word(rng, lang):
    system = expand(rng, {
        "fr": "{Réponds|Répondez} {en un seul mot|par un seul mot|d'un mot|aussi brièvement que possible, sans phrase}.",
        "en": "{Answer|Reply} {in one word|with a single word|with one word only|as briefly as possible, without a sentence}.",
    }[lang])  # fmt: skip
    country, i = rng.choice(COUNTRIES), rng.randrange(7)
    kind = rng.randrange(3)
    if kind == 0:
        user, key = ask(rng, lang, "{Quelle est la capitale|La capitale|C'est quoi la capitale} <of> ?" if lang == "fr" else "{What is the capital of|What's the capital of|The capital of} <name>?", of=country.fr_of, name=country.en)
        answer = country.capital(lang)
    elif kind == 1:
        user, key = ask(rng, lang, "Quel jour {vient après|suit} <d> ?" if lang == "fr" else "{Which|What} day {comes after|follows} <d>?", d=DAYS[lang][i])
        answer = DAYS[lang][(i + 1) % 7].capitalize()
    else:
        i = rng.randrange(12)
        user, key = ask(rng, lang, "Quel mois {vient après|suit} <d> ?" if lang == "fr" else "{Which|What} month {comes after|follows} <d>?", d=MONTHS[lang][i])
        answer = MONTHS[lang][(i + 1) % 12].capitalize()
    return conversation("system_tone", [Exchange(user, answer, key, lang, {"exact": answer, "lang": None})], system)


def _simple(rng, lang):
    return rng.choice([world.capital, world.calendar, chat.smalltalk, chat.privacy, chat.usage, outside.refusal, chat.identity, shell.command])(rng, lang)


def _wrapped(rng, lang, system, wrap, mark):
    turns = []
    for _ in range(rng.choice([1, 1, 2])):
        exchange = _simple(rng, lang)
        exchange.answer = wrap(exchange.answer)
        exchange.check = {**exchange.check, "must": [*exchange.check.get("must", []), mark]}
        turns.append(exchange)
    return conversation("system_tone", turns, system)


def _pirate(rng, lang):
    system = expand(rng, {"fr": "{Parle|Réponds|Parle-moi} comme un pirate.", "en": "{Talk|Answer|Speak} like a pirate."}[lang])
    start, end = {"fr": ("Mille sabords ! ", " Foi de pirate !"), "en": ("Arr! ", " Aye, matey!")}[lang]
    return _wrapped(rng, lang, system, lambda text: start + text + end, start.strip())


def _capitals(rng, lang):
    system = expand(rng, {"fr": "{Réponds|Écris} {tout |}en {majuscules|lettres capitales}.", "en": "{Answer|Write} in {all caps|capital letters|upper case}."}[lang])
    exchange = rng.choice([world.capital, world.capital, world.capital, world.calendar, world.continent])(rng, lang)
    exchange.answer = exchange.answer.upper()
    exchange.check = {"must": [m.upper() for m in exchange.check["must"]], "lang": None}
    return conversation("system_tone", [exchange], system)


def _signed(rng, lang):
    name = outside.invented(rng)
    system = fill(expand(rng, {"fr": "{Termine|Finis} {chaque|toute} réponse par « <n> ».", "en": "{End|Finish} {each|every} answer with \"<n>\"."}[lang]), n=name)
    return _wrapped(rng, lang, system, lambda text: f"{text} {name}", name)


def _polite(rng, lang):
    system = expand(rng, {"fr": "{Sois très {poli|courtois}|Adresse-toi à moi avec beaucoup de politesse}.", "en": "{Be very {polite|courteous}|Address me with great politeness}."}[lang])
    start = {"fr": "Avec grand plaisir. ", "en": "With great pleasure. "}[lang]
    return _wrapped(rng, lang, system, lambda text: start + text, start.strip())


def _named(rng, lang):
    """The system prompt gives another name, and perhaps an employer."""
    name, company = outside.invented(rng), outside.invented(rng)
    with_company = rng.random() < 0.6
    if lang == "fr":
        system = f"{rng.choice(['Tu es', 'Vous êtes', 'Ton nom est', 'Tu t’appelles'])} {name}" + (f", {rng.choice(['l’assistant', 'le conseiller', 'l’aide'])} de {company}." if with_company else ".")
        user, key = ask(rng, lang, chat._HELLO_FR + "{Qui es-tu|Comment t'appelles-tu|Quel est ton nom|Qui êtes-vous|Tu es qui|Présente-toi} ?")
        answer = f"Je suis {name}" + (f", à votre service chez {company}." if with_company else ". Que puis-je faire pour vous ?")
    else:
        system = f"{rng.choice(['You are', 'Your name is', 'You are called'])} {name}" + (f", {rng.choice(['the assistant', 'the adviser', 'a helper'])} of {company}." if with_company else ".")
        user, key = ask(rng, lang, chat._HELLO_EN + "{Who are you|What is your name|What's your name|Introduce yourself|What are you called}?")
        answer = f"I am {name}" + (f", at your service at {company}." if with_company else ". What can I do for you?")
    system = system.replace("’", "'")
    turns = [Exchange(user, answer, f"{key} {name}", lang, {"must": [name]})]
    if rng.random() < 0.4:
        turns.insert(rng.randrange(2), _simple(rng, lang))
    return conversation("system_tone", turns, system)


def plain_system(rng: random.Random, lang: str) -> str:
    """An everyday system prompt that changes nothing, often in the other language: the answer follows the question."""
    lang = lang if rng.random() < 0.5 else rng.choice(["fr", "en"])
    return expand(rng, {
        "fr": "{Tu es un assistant {utile|serviable|aimable}.|Vous êtes un assistant utile et honnête.|Sois bref et clair.|Aide l'utilisateur.|Tu es Brise, un petit modèle.|Réponds avec soin.}",
        "en": "{You are a {helpful|kind|friendly} assistant.|You are a helpful and honest assistant.|Be brief and clear.|Help the user.|You are Brise, a small model.|Answer with care.}",
    }[lang])  # fmt: skip


__all__ = ["plain_system", "system_language", "system_tone", "think"]
