"""Several turns: questions that only make sense after an earlier one, and long conversations of unrelated questions."""

import random

from . import chat, language, numbers, outside, shell, sums, world
from .facts import COUNTRIES, DAYS, MONTHS
from .grammar import ask, expand, normal, say
from .talk import Exchange, Talk, conversation


def references(rng: random.Random, lang: str) -> Talk:
    kind = rng.choice([_capitals, _name, _fact, _sums, _sums, _days, _repeat, _first_question, _first_question, _translate_more, _words_more, _other_language, _name, _fact])
    turns = kind(rng, lang)
    if rng.random() < 0.25 and kind is not _other_language:
        turns.insert(0, chat.smalltalk(rng, lang)) if kind is not _first_question else None
    return conversation("multi_turn", turns)


def long_talk(rng: random.Random, lang: str) -> Talk:
    """Three to twelve unrelated questions; the language may change on the way, and each answer follows its question."""
    turns = []
    for _ in range(rng.randint(3, 12)):
        if rng.random() < 0.12:
            lang = "en" if lang == "fr" else "fr"
        maker = rng.choice(_ANYTHING)
        turns.append(maker(rng, lang))
    return conversation("multi_turn", turns)


_ANYTHING = [
    world.capital, world.capital, world.calendar, world.continent, world.number_words, sums.arithmetic, sums.arithmetic, sums.arithmetic, sums.arithmetic, sums.units, sums.large_by_shell,
    chat.identity, chat.privacy, chat.usage, chat.usage, chat.smalltalk, outside.refusal, outside.refusal, outside.refusal, language.translation, shell.command, shell.bash_fault,
]  # fmt: skip


def _link(exchange: Exchange, before: Exchange) -> Exchange:
    """A follow-up's own words say too little to be a key: the turn before joins it."""
    exchange.key = f"{before.key} > {exchange.key}"
    return exchange


def _capitals(rng, lang):
    turns = []
    for country in rng.sample(COUNTRIES, rng.randint(2, 4)):
        follow = bool(turns)
        exchange = world.capital(rng, lang, country, follow)
        turns.append(_link(exchange, turns[-1]) if follow else exchange)
    return turns


def _name(rng, lang):
    name = rng.choice(outside._FIRST) if rng.random() < 0.6 else outside.invented(rng)
    if lang == "fr":
        user, key = ask(rng, lang, "{{Bonjour, |Salut, |}{je m'appelle|moi c'est|mon nom est|je suis} <n>{.| !}|Appelle-moi <n>.}", soft=False, n=name)
        answer = f"Enchanté, {name} ! Que puis-je faire pour vous ?"
        again, key2 = ask(rng, lang, "{Comment je m'appelle|Quel est mon nom|Tu te souviens de mon nom|C'est quoi mon nom|Quel est mon prénom|Qui suis-je|Tu connais mon nom} ?")
        reply = f"Vous vous appelez {name}."
    else:
        user, key = ask(rng, lang, "{{Hello, |Hi, |}{my name is|I'm|I am|this is} <n>{.|!}|Call me <n>.}", soft=False, n=name)
        answer = f"Nice to meet you, {name}! What can I do for you?"
        again, key2 = ask(rng, lang, "{What is my name|What's my name|Do you remember my name|Tell me my name|Who am I|Do you know my name}?")
        reply = f"Your name is {name}."
    first = Exchange(user, answer, f"name {name} {key}", lang, {"must": [name]})
    last = Exchange(again, reply, f"name {name} {key2}", lang, {"must": [name]})
    return [first, *_between(rng, lang), last] if rng.random() < 0.7 else [first]


def _between(rng, lang):
    makers = [world.capital, sums.arithmetic, chat.usage, chat.privacy, outside.refusal, world.calendar]
    return [rng.choice(makers)(rng, lang) for _ in range(rng.choice([0, 0, 1, 1, 2, 3]))]


def _fact(rng, lang):
    """Something the user says of themselves, and asks back."""
    value, said, asked, back = rng.choice(_FACTS)[lang](rng)
    user, key = ask(rng, lang, said, soft=False, v=value)
    noted = {"fr": "C'est noté !", "en": "Noted!"}[lang]
    again, key2 = ask(rng, lang, asked)
    reply = back.replace("<v>", value)
    first = Exchange(user, noted, f"fact {value} {key}", lang, {"must": [noted]})
    last = Exchange(again, reply, f"fact {value} {key2}", lang, {"must": [value]})
    return [first, *_between(rng, lang), last]


def _colour(lang):
    words = {"fr": "bleu vert rouge jaune noir blanc violet orange gris".split(), "en": "blue green red yellow black white purple orange grey".split()}[lang]
    if lang == "fr":
        return lambda rng: (rng.choice(words), "{Ma couleur préférée est le|J'aime surtout le} <v>.", "{Quelle est ma couleur préférée|C'est quoi ma couleur préférée} ?", "Votre couleur préférée est le <v>.")
    return lambda rng: (rng.choice(words), "{My favourite colour is|I mostly like} <v>.", "{What is my favourite colour|What's my favourite colour|Which colour do I like}?", "Your favourite colour is <v>.")


def _home(lang):
    city = lambda rng: rng.choice(["Lyon", "Paris", "Lille", "London", "Boston", "Dublin", "Nantes", "Rennes", outside.invented(rng), outside.invented(rng)])  # noqa: E731
    if lang == "fr":
        return lambda rng: (city(rng), "{J'habite à|Je vis à|J'habite maintenant à} <v>.", "{Où est-ce que j'habite|Où j'habite|Dans quelle ville est-ce que je vis|Tu sais où j'habite} ?", "Vous habitez à <v>.")
    return lambda rng: (city(rng), "{I live in|My home is in|I now live in} <v>.", "{Where do I live|Which city do I live in|Do you know where I live}?", "You live in <v>.")


def _pet(lang):
    if lang == "fr":
        return lambda rng: (outside.invented(rng), "{Mon chien s'appelle|J'ai un chien, il s'appelle} <v>.", "{Comment s'appelle mon chien|Quel est le nom de mon chien|Tu te souviens du nom de mon chien} ?", "Votre chien s'appelle <v>.")
    return lambda rng: (outside.invented(rng), "{My dog is called|I have a dog called|My dog's name is} <v>.", "{What is my dog called|What is my dog's name|Do you remember my dog's name}?", "Your dog is called <v>.")


def _code(lang):
    if lang == "fr":
        return lambda rng: (str(rng.randint(10, 9999)), "{Retiens ce nombre :|Souviens-toi du nombre|Le code est|Mon numéro est le} <v>.", "{Quel est le nombre|Quel était le nombre|C'était quoi le code|Quel est mon numéro|Redis-moi le nombre} ?", "C'est <v>.")
    return lambda rng: (str(rng.randint(10, 9999)), "{Remember this number:|Keep in mind the number|The code is|My number is} <v>.", "{What is the number|What was the number|What was the code|What is my number|Tell me the number again}?", "It is <v>.")


_FACTS = [{"fr": f("fr"), "en": f("en")} for f in (_colour, _home, _pet, _code)]


def _sums(rng, lang):
    a, b = rng.randint(1, 60), rng.randint(1, 38)
    first_user, key = ask(rng, lang, sums._ASK[lang].replace("What does <e> equal? I mean|", ""), e=f"{a} + {b}")
    turns = [Exchange(first_user, f"{a} + {b} = {a + b}", sums.sum_key(a, "+", b, key), lang, {"must": [str(a + b)], "lang": None})]
    value = a + b
    for _ in range(rng.randint(1, 3)):
        kind = rng.choice(["+", "-", "double"])
        n = rng.randint(1, 30)
        if kind == "-" and n > value:
            kind = "+"
        if kind == "double":
            fr, en, shown, new = "{Et le double|Double ce résultat|Et fois 2|Multiplie par 2} ?", "{And twice that|Double it|Times 2|Multiply by 2}?", f"{value} × 2", value * 2
        elif kind == "+":
            fr, en, shown, new = "{Ajoute <n>|Et plus <n>|Plus <n>|Et si j'ajoute <n>} ?", "{Add <n>|And plus <n>|Plus <n>|And if I add <n>}?", f"{value} + {n}", value + n
        else:
            fr, en, shown, new = "{Enlève <n>|Et moins <n>|Moins <n>|Retire <n>} ?", "{Subtract <n>|And minus <n>|Minus <n>|Take away <n>}?", f"{value} - {n}", value - n
        if new > 198:
            break
        user, key = ask(rng, lang, fr if lang == "fr" else en, n=n)
        follow = _link(Exchange(user, f"{shown} = {new}", key, lang, {"must": [str(new)], "lang": None}), turns[-1])
        follow.key = sums.sum_key(value, kind if kind in "+-" else "*", n, follow.key)
        turns.append(follow)
        value = new
    return turns


def _days(rng, lang):
    names = DAYS[lang] if rng.random() < 0.5 else MONTHS[lang]
    i = rng.randrange(len(names))
    month = len(names) == 12
    if lang == "fr":
        user, key = ask(rng, lang, "Quel {mois|jour} vient après <d> ?".replace("{mois|jour}", "mois" if month else "jour"), d=names[i])
        answer = f"Le mois après {names[i]} est {names[(i + 1) % 12]}." if month else f"Après {names[i]}, c'est {names[(i + 1) % 7]}."
    else:
        user, key = ask(rng, lang, f"{{Which|What}} {'month' if month else 'day'} comes after <d>?", d=names[i])
        answer = f"The {'month' if month else 'day'} after {names[i]} is {names[(i + 1) % len(names)]}."
    turns = [Exchange(user, answer, key, lang, {"must": [names[(i + 1) % len(names)]]})]
    for step in range(2, rng.randint(3, 4)):
        j = i + step
        user, key = ask(rng, lang, "{Et ensuite|Et après|Et celui d'après|Puis} ?" if lang == "fr" else "{And then|And after that|And the next one|Then}?")
        before, target = names[(j - 1) % len(names)], names[j % len(names)]
        if lang == "fr":
            answer = f"Le mois après {before} est {target}." if month else f"Après {before}, c'est {target}."
        else:
            answer = f"The {'month' if month else 'day'} after {before} is {target}."
        turns.append(_link(Exchange(user, answer, key, lang, {"must": [target]}), turns[-1]))
    return turns


def _repeat(rng, lang):
    first = rng.choice([world.capital, world.calendar, sums.arithmetic, shell.command, chat.usage, world.number_words])(rng, lang)
    user, key = ask(rng, lang, "{Répète|Peux-tu répéter|Redis-le|Pardon|Tu peux répéter|Encore une fois|Qu'as-tu dit} ?" if lang == "fr" else "{Repeat|Can you repeat that|Say it again|Pardon|Sorry, what was that|Once more|What did you say}?")
    return [first, _link(Exchange(user, first.answer, key, lang, {"exact": first.answer, "lang": None}), first)]


def _first_question(rng, lang):
    first = rng.choice([world.capital, world.calendar, chat.usage, chat.privacy, world.continent])(rng, lang)
    first.user = first.user.strip()
    user, key = ask(
        rng, lang,
        "{Quelle était ma {première |}question|Qu'est-ce que je t'ai demandé{ d'abord| en premier|}|Qu'ai-je demandé{ au début|}|Rappelle-moi ma première question} ?" if lang == "fr"
        else "{What was my {first |}question|What did I ask{ you| first|}|What did I ask at the beginning|Remind me of my first question}?",
    )  # fmt: skip
    reply = f"Vous avez demandé : « {first.user} »" if lang == "fr" else f'You asked: "{first.user}"'
    between = _between(rng, lang) if "première" in user or "first" in user or "begin" in user else []
    return [first, *between, _link(Exchange(user, reply, key, lang, {"must": [first.user]}), first)]


def _translate_more(rng, lang):
    into_english = rng.random() < 0.5
    turns = []
    for _ in range(rng.randint(2, 3)):
        french, english = language.pair(rng)
        source, target = (french, english) if into_english else (english, french)
        if not turns:
            template = (language._TO_EN if lang == "fr" else language._EN_ASKS_EN) if into_english else (language._TO_FR if lang == "en" else language._FR_ASKS_FR)
        else:
            template = "{Et « <t> » ?|« <t> » ?|Et : <t>|Maintenant « <t> »}" if lang == "fr" else "{And \"<t>\"?|\"<t>\"?|And: <t>|Now \"<t>\"}"
        user, _ = ask(rng, lang, template, soft=False, t=source)
        turns.append(Exchange(user, target, language.pair_key(french, english, f"more {source}"), lang, {"exact": target, "lang": None}))
    return turns


def _words_more(rng, lang):
    n = rng.randrange(1000)
    turns = []
    for _ in range(rng.randint(2, 4)):
        template = ("{Et <n>|<n>|Et pour <n>} ?" if lang == "fr" else "{And <n>|<n>|And for <n>}?") if turns else ("Écris <n> en lettres." if lang == "fr" else "Write <n> in words.")
        user, key = ask(rng, lang, template, n=n)
        text = numbers.words(lang, n)
        answer = f"{n} s'écrit « {text} »." if lang == "fr" else f'{n} is written "{text}".'
        turns.append(Exchange(user, answer, f"words {lang} {n}" if n >= 100 else normal(key + str(len(turns))), lang, {"must": [text], "lang": None}))
        n = rng.randrange(1000)
    return turns


def _other_language(rng, lang):
    """The last answer again, in the other language."""
    entry = rng.choice(rng.choice([chat._IDENTITY, chat._PRIVACY, chat._USAGE]))
    other = "en" if lang == "fr" else "fr"
    question, answer, must = entry[lang]
    user, key = ask(rng, lang, question)
    first = Exchange(user, say(rng, answer), key, lang, {"must": must})
    template = {
        "fr": "{En anglais{ s'il te plaît|}|Dis-le en anglais|Peux-tu le dire en anglais|Traduis ta réponse en anglais|Et en anglais} ?",
        "en": "{In French{ please|}|Say it in French|Can you say it in French|Translate your answer into French|And in French}?",
    }[lang]
    user, key = ask(rng, lang, template)
    _, reply, must = entry[other]
    return [first, _link(Exchange(user, expand(rng, reply), key, other, {"must": must}), first)]
