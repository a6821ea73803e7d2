"""Arithmetic that Brise does itself (small), hands to the shell (large), and units.

Exact by heart: + and − up to 100, × with both factors at most 20, exact ÷ out of the same table. Beyond that the
honest answer is a line of shell, or the calculator tool when one is offered (`tools.py`).
"""

import random

from . import numbers
from .grammar import ask, fill
from .talk import Exchange, thinking

_SIGNS = {"+": ["+", " + "], "-": ["-", " - ", " − "], "*": [" × ", " x ", "*", " * ", "x"], "/": [" / ", "/", " ÷ ", " : "]}
_WORDS = {
    "fr": {"+": [" plus ", " et "], "-": [" moins "], "*": [" fois ", " multiplié par "], "/": [" divisé par "]},
    "en": {"+": [" plus ", " and "], "-": [" minus "], "*": [" times ", " multiplied by "], "/": [" divided by "]},
}
_PRINTED = {"+": "+", "-": "-", "*": "×", "/": "÷"}
_ASK = {
    "fr": "{Combien font|Combien fait|Ça fait combien|Calcule|Quel est le résultat de|Donne-moi|Peux-tu calculer|Que vaut|C'est combien|Résultat de|Dis-moi combien font} <e> ?",
    "en": "{What is|What's|How much is|Calculate|Compute|Work out|Can you compute|Tell me|What does <e> equal? I mean|Result of|Please compute} <e>?",
}


def small(rng: random.Random) -> tuple[int, str, int, int]:
    """Operands and result within what is known by heart."""
    op = rng.choice("+++++----***//")
    if op == "+":
        top = rng.choice([10, 20, 100, 100, 100])
        a, b = rng.randint(0, top), rng.randint(0, top)
        return a, op, b, a + b
    if op == "-":
        top = rng.choice([20, 100, 100, 100])
        a, b = (100 if top == 100 and rng.random() < 0.06 else rng.randint(0, top)), rng.randint(0, top)
        a, b = (a, b) if rng.random() < 0.15 else (max(a, b), min(a, b))
        return a, op, b, a - b
    top = rng.choice([10, 12, 20])
    a, b = rng.randint(0, top), rng.randint(0, top)
    if op == "*":
        return a, op, b, a * b
    b = max(b, 1)
    return a * b, op, b, a


def arithmetic(rng: random.Random, lang: str) -> Exchange:
    draw = rng.random()
    if draw < 0.2:
        return _word_problem(rng, lang)
    if draw < 0.3:
        return _share(rng, lang)
    a, op, b, result = small(rng)
    expression = _spell(rng, lang, a, op, b)
    bare = rng.random() < 0.35
    template = rng.choice(["<e>", "<e> ?", "<e> =", "<e> = ?"]) if bare else _ASK[lang]
    template = template.replace("? I mean <e>?", "?")
    user, key = ask(rng, lang, template, e=expression)
    return Exchange(user, _result(a, op, b, result), sum_key(a, op, b, key), lang, {"must": [str(result)], "last_number": result, "lang": None})


def thought_sum(rng: random.Random, lang: str, plain: bool = False) -> Exchange:
    """A sum answered after a short thought that takes tens and units apart."""
    while True:
        a, op, b, result = small(rng)
        if op in "+-" and a >= b:
            break
    user, key = ask(rng, lang, _ASK[lang].replace("What does <e> equal? I mean|", ""), e=_spell(rng, lang, a, op, b))
    answer = _result(a, op, b, result)
    content = answer if plain else thinking(_steps(lang, a, op, b), answer)
    return Exchange(user, content, sum_key(a, op, b, key), lang, {"must": [str(result)], "last_number": result, "lang": None, "think": not plain})


def _steps(lang, a, op, b):
    tens, units = b // 10 * 10, b % 10
    if tens == 0 or units == 0:
        text = f"{a} {op} {b} = {a + b if op == '+' else a - b}."
    else:
        first = a + tens if op == "+" else a - tens
        last = first + units if op == "+" else first - units
        text = f"{b} = {tens} + {units}. {a} {op} {tens} = {first}. {first} {op} {units} = {last}."
    return ("Calcul : " if lang == "fr" else "Let me see: ") + text


def sum_key(a: int, op: str, b: int, text: str) -> str:
    """Sums and differences of two-digit numbers are held out by their operands, the rest by its wording."""
    return f"small sum {a}{op}{b}" if op in "+-" and a > 9 and b > 9 else text


def _result(a, op, b, result):
    return f"{a} {_PRINTED[op]} {b} = {result}"


def _spell(rng, lang, a, op, b):
    if rng.random() < 0.3:
        sign = rng.choice(_WORDS[lang][op])
        if rng.random() < 0.25:
            return numbers.words(lang, a) + sign + numbers.words(lang, b)
        return f"{a}{sign}{b}"
    return f"{a}{rng.choice(_SIGNS[op])}{b}"


_THINGS = {
    "fr": ["pommes", "billes", "livres", "bonbons", "timbres", "crayons", "poires", "cartes", "gâteaux", "pièces", "fleurs", "photos"],
    "en": ["apples", "marbles", "books", "sweets", "stamps", "pencils", "pears", "cards", "cakes", "coins", "flowers", "photos"],
}
_NAMES = ["Léa", "Tom", "Zoé", "Hugo", "Nina", "Paul", "Emma", "Sam", "Anna", "Louis", "Inès", "Max", "Clara", "Omar", "Lucy", "Ben"]


def _word_problem(rng, lang):
    thing, name = rng.choice(_THINGS[lang]), rng.choice(_NAMES)
    a, b = rng.randint(2, 60), rng.randint(2, 39)
    gain = rng.random() < 0.5
    if not gain and b > a:
        a, b = b, a
    result = a + b if gain else a - b
    if lang == "fr":
        more = "{<n> a <a> <t> et {en achète|en reçoit|en trouve|en gagne} <b>.|<n> possède <a> <t>. {On lui en donne|Son ami lui en donne|Elle en trouve} <b>.}"
        less = "{<n> a <a> <t> et {en donne|en perd|en vend} <b>.|<n> possède <a> <t>. {On lui en prend|Son ami lui en prend} <b>.}"
        tail = " {Combien en a-t-{il|elle} {maintenant|en tout|à la fin}|Combien de <t> {a <n>|reste-t-il|y a-t-il} maintenant} ?"
        tail = " Combien {de <t> a <n>|en a <n>} {maintenant|à présent|à la fin} ?"
        answer = f"{a} {'+' if gain else '-'} {b} = {result}. {name} a {result} {thing}."
    else:
        more = "{<n> has <a> <t> and {buys|gets|finds|wins} <b> more.|<n> had <a> <t>. {A friend gave|Someone gave} <n> <b> more.}"
        less = "{<n> has <a> <t> and {gives away|loses|sells} <b>.|<n> had <a> <t>. {A friend took|Someone took} <b> of them.}"
        tail = " {How many <t> does <n> have {now|left|in the end|}?|How many does <n> have {now|}?}"
        answer = f"{a} {'+' if gain else '-'} {b} = {result}. {name} has {result} {thing}."
    op = "+" if gain else "-"
    user, key = ask(rng, lang, (more if gain else less) + tail, soft=False, n=name, a=a, b=b, t=thing)
    return Exchange(user, answer, sum_key(a, op, b, f"problem {key}"), lang, {"must": [str(result)], "last_number": result})


def _share(rng, lang):
    """Doubles, halves, squares, simple percentages."""
    kind = rng.choice(["double", "half", "square", "percent", "triple"])
    n = rng.randint(1, 60)
    if kind == "double":
        fr, en, out = "le double de <n>", "{twice|double|the double of} <n>", 2 * n
    elif kind == "triple":
        n = rng.randint(1, 33)
        fr, en, out = "le triple de <n>", "{three times|triple} <n>", 3 * n
    elif kind == "half":
        n *= 2
        fr, en, out = "la moitié de <n>", "half of <n>", n // 2
    elif kind == "square":
        n = rng.randint(1, 20)
        fr, en, out = "{le carré de <n>|<n> au carré}", "{the square of <n>|<n> squared}", n * n
    else:
        p = rng.choice([10, 20, 25, 50])
        n = rng.randint(1, 20) * (100 // p if p != 20 else 5)
        fr, en, out = f"{p} % de <n>", f"{p}% of <n>", p * n // 100
    if lang == "fr":
        user, key = ask(rng, lang, "{Quel est|Combien fait|C'est quoi|Calcule|Combien vaut} " + fr + " ?", n=n)
        shown = {"double": f"Le double de {n}", "triple": f"Le triple de {n}", "half": f"La moitié de {n}", "square": f"Le carré de {n}"}
        answer = f"{shown.get(kind) or f'{p} % de {n}'} est {out}."
    else:
        user, key = ask(rng, lang, "{What is|What's|How much is|Calculate} " + en + "?", n=n)
        shown = {"double": f"Twice {n}", "triple": f"Three times {n}", "half": f"Half of {n}", "square": f"The square of {n}"}
        answer = f"{shown.get(kind) or f'{p}% of {n}'} is {out}."
    return Exchange(user, answer, key, lang, {"must": [str(out)], "last_number": out})


def large(rng: random.Random) -> tuple[int, str, int]:
    op = rng.choice("++--***/")
    digits = rng.choice([3, 3, 4, 4, 5, 6])
    a = rng.randrange(10 ** (digits - 1), 10**digits)
    other = rng.choice([2, 3, 4, digits])
    b = rng.randrange(10 ** (other - 1), 10**other)
    if op in "*/" and rng.random() < 0.4:
        a, b = rng.randint(21, 999), rng.randint(21, 999)
    if op in "+-" and rng.random() < 0.3:
        a, b = b, a
    return a, op, b


def large_question(rng: random.Random, lang: str) -> tuple[str, str, int, str, int]:
    """A sum too large to know by heart: user, key, a, op, b."""
    a, op, b = large(rng)
    sign = rng.choice(_WORDS[lang][op]) if rng.random() < 0.25 else rng.choice(_SIGNS[op])
    bare = rng.random() < 0.25
    template = rng.choice(["<e>", "<e> ?", "<e> ="]) if bare else _ASK[lang].replace("What does <e> equal? I mean|", "")
    user, key = ask(rng, lang, template, e=f"{a}{sign}{b}")
    return user, f"large {a}{op}{b}", a, op, b


def large_by_shell(rng: random.Random, lang: str) -> Exchange:
    user, key, a, op, b = large_question(rng, lang)
    command = f"echo $(({a} {op} {b}))" if op != "/" else f"echo 'scale=4; {a} / {b}' | bc"
    template = {
        "fr": "Ce calcul est trop grand pour que je le fasse de tête sans risque d'erreur. Votre terminal le fera : `<c>`",
        "en": "That is too large for me to work out reliably in my head. Your terminal can do it: `<c>`",
    }[lang]
    return Exchange(user, fill(template, c=command), key, lang, {"must": [f"`{command}`"], "lang": lang if len(user) > 20 else None})


# from unit, to unit, factor (or None: temperature), values asked for
_UNITS = [
    (("kilomètres", "kilometres"), ("mètres", "metres"), 1000, range(1, 100)),
    (("mètres", "metres"), ("centimètres", "centimetres"), 100, range(1, 100)),
    (("centimètres", "centimetres"), ("millimètres", "millimetres"), 10, range(1, 100)),
    (("mètres", "metres"), ("millimètres", "millimetres"), 1000, range(1, 50)),
    (("kilos", "kilograms"), ("grammes", "grams"), 1000, range(1, 100)),
    (("litres", "litres"), ("millilitres", "millilitres"), 1000, range(1, 50)),
    (("litres", "litres"), ("centilitres", "centilitres"), 100, range(1, 50)),
    (("tonnes", "tonnes"), ("kilos", "kilograms"), 1000, range(1, 50)),
    (("heures", "hours"), ("minutes", "minutes"), 60, range(1, 25)),
    (("minutes", "minutes"), ("secondes", "seconds"), 60, range(1, 31)),
    (("jours", "days"), ("heures", "hours"), 24, range(1, 15)),
    (("semaines", "weeks"), ("jours", "days"), 7, range(1, 21)),
    (("années", "years"), ("mois", "months"), 12, range(1, 21)),
    (("miles", "miles"), ("kilomètres", "kilometres"), 1.609, [*range(1, 21), 25, 30, 40, 50, 60, 100]),
    (("kilomètres", "kilometres"), ("miles", "miles"), 0.621, [*range(1, 21), 25, 30, 40, 50, 100]),
    (("pouces", "inches"), ("centimètres", "centimetres"), 2.54, [*range(1, 21), 24, 27, 32]),
    (("pieds", "feet"), ("mètres", "metres"), 0.3048, [*range(1, 11), 20, 100]),
    (("livres", "pounds"), ("kilos", "kilograms"), 0.4536, [*range(1, 11), 20, 50, 100]),
    (("kilos", "kilograms"), ("livres", "pounds"), 2.2046, [*range(1, 11), 20, 50, 60, 70, 80, 100]),
    (("mètres", "metres"), ("kilomètres", "kilometres"), 0.001, range(1000, 50001, 1000)),
    (("grammes", "grams"), ("kilos", "kilograms"), 0.001, range(1000, 20001, 500)),
    (("centimètres", "centimetres"), ("mètres", "metres"), 0.01, range(100, 2001, 50)),
    (("minutes", "minutes"), ("heures", "hours"), 1 / 60, range(60, 1201, 60)),
]
_SYMBOLS = {
    "kilometres": "km", "metres": "m", "centimetres": "cm", "millimetres": "mm", "kilograms": "kg", "grams": "g", "litres": "l",
    "millilitres": "ml", "centilitres": "cl", "tonnes": "t", "hours": "h", "minutes": "min", "seconds": "s", "inches": "in", "feet": "ft", "pounds": "lb",
}  # fmt: skip


def units(rng: random.Random, lang: str) -> Exchange:
    if rng.random() < 0.18:
        return _temperature(rng, lang)
    source, target, factor, values = rng.choice(_UNITS)
    n = rng.choice(list(values))
    exact = factor >= 1 and isinstance(factor, int) or factor in (0.001, 0.01, 1 / 60, 2.54)
    result = numbers.decimal(lang, n * factor)
    i = 0 if lang == "fr" else 1
    a, b = source[i], target[i]
    shown_a = _singular(lang, a) if n == 1 else a
    asked_a = _SYMBOLS.get(source[1], shown_a) if rng.random() < 0.3 else shown_a
    asked_b = _SYMBOLS.get(target[1], b) if rng.random() < 0.3 else b
    if lang == "fr":
        question = (
            "{{Convertis|Convertir|Peux-tu convertir|Convertissez} <n> <a> en <b>{.| ?|}|Combien {font|fait} <n> <a> en <b> ?|<n> <a> en <b>{ ?|}"
            "|<n> <a>, ça fait combien {de|en} <b> ?|Combien de <b> dans <n> <a> ?}"
        )
        answer = f"{n} {shown_a} {'=' if exact else '≈'} {result} {b}"
    else:
        question = (
            "{{Convert|Please convert|Can you convert} <n> <a> {to|into|in} <b>{.|?|}|How {much|many} is <n> <a> in <b>?|<n> <a> {in|to} <b>{?|}"
            "|How many <b> {are in|in|are there in} <n> <a>?|What is <n> <a> in <b>?}"
        )
        answer = f"{n} {shown_a} {'=' if exact else '≈'} {result} {b}"
    user, key = ask(rng, lang, question, n=n, a=asked_a, b=asked_b)
    return Exchange(user, answer, key, lang, {"must": [f"{result} {b}"], "lang": None})


def _temperature(rng, lang):
    if rng.random() < 0.6:
        c = rng.randint(-20, 45) if rng.random() < 0.9 else rng.choice([60, 80, 100, 180, 200])
        n, a, result, b = c, "°C", numbers.decimal(lang, c * 1.8 + 32, 1), "°F"
    else:
        f = rng.choice([0, 5, 10, 14, 23, 32, 41, 50, 59, 68, 70, 72, 75, 77, 80, 86, 90, 95, 98, 100, 104, 212, 350, 400])
        n, a, result, b = f, "°F", numbers.decimal(lang, (f - 32) / 1.8, 1), "°C"
    long = {"°C": {"fr": "degrés Celsius", "en": "degrees Celsius"}, "°F": {"fr": "degrés Fahrenheit", "en": "degrees Fahrenheit"}}
    style = rng.random()
    asked_a, asked_b = (a, b) if style < 0.5 else (long[a][lang], long[b][lang].split()[1])
    if lang == "fr":
        question = "{Convertis <n> <a> en <b>{.|}|Combien font <n> <a> en <b> ?|<n> <a> en <b>{ ?|}|<n> <a>, ça fait combien en <b> ?}"
    else:
        question = "{Convert <n> <a> {to|into} <b>{.|}|What is <n> <a> in <b>?|<n> <a> {in|to} <b>{?|}|How much is <n> <a> in <b>?}"
    user, key = ask(rng, lang, question, n=n, a=asked_a, b=asked_b)
    exact = "=" if a == "°C" or float(result.replace(",", ".")) * 1.8 + 32 == n else "≈"
    return Exchange(user, f"{n} {a} {exact} {result} {b}", key, lang, {"must": [f"{result} {b}"], "lang": None})


def _singular(lang, unit):
    if unit == "mois":
        return unit
    if unit == "feet":
        return "foot"
    if unit == "inches":
        return "inch"
    return unit.removesuffix("s")


__all__ = ["arithmetic", "large_by_shell", "large_question", "small", "thought_sum", "units"]
