"""How a sentence is varied: alternatives, slots, and the ways people really type.

A template is text with `{this|that|}` for alternatives (they nest) and `<slot>` for values put in afterwards.
`Utterance.key` is the sentence before any typing noise: the held-out split hashes keys, so that a misspelt twin
of a held-out question can never be trained on. Next: `talk.py`, which makes conversations out of utterances.
"""

import random
import re
import unicodedata

_INNERMOST = re.compile(r"\{([^{}]*)\}")
_SLOT = re.compile(r"<([a-z_0-9]+)>")
_GREETED = re.compile(r"^((?:Bonjour|Salut|Bonsoir|Coucou|Hi|Hello|Hey|Good morning),? )([A-ZÀÊÉ])(?=[a-zà-ÿ'])")
_WORD = re.compile(r"[a-zA-ZàâäçéèêëîïôöùûüœÀÉÈ]{4,}")


def expand(rng: random.Random, template: str) -> str:
    """Chooses one alternative for every brace, innermost first."""
    while (found := _INNERMOST.search(template)) is not None:
        choice = rng.choice(found.group(1).split("|"))
        template = template[: found.start()] + choice + template[found.end() :]
    return re.sub(r" {2,}", " ", template).strip(" ")


def fill(text: str, /, **slots: object) -> str:
    """Puts the values in; a slot without a value is an error of the template's author."""
    return _SLOT.sub(lambda m: str(slots[m.group(1)]) if m.group(1) in slots else _unknown(m, text), text)


def say(rng: random.Random, template: str, /, **slots: object) -> str:
    """An assistant's (clean) sentence."""
    return fill(expand(rng, template), **slots)


def normal(text: str) -> str:
    """The form under which two sentences count as the same: no case, accents, punctuation or doubled spaces."""
    flat = unicodedata.normalize("NFKD", text.lower())
    flat = "".join(c for c in flat if not unicodedata.combining(c))
    return " ".join(re.sub(r"[^\w+*/<>=%-]+", " ", flat).split())


def ask(rng: random.Random, lang: str, template: str, /, soft: bool = True, **slots: object) -> tuple[str, str]:
    """A user's sentence as typed, and its key. `soft` values may lose their capitals; hard ones are kept to the letter."""
    clean = expand(rng, template)
    key = normal(fill(clean, **slots))
    typed = _typed(rng, lang, clean)
    lower = rng.random() < 0.22
    if lower:
        typed = typed.lower()
        if soft:
            slots = {name: str(value).lower() for name, value in slots.items()}
    text = fill(typed, **slots)
    if soft and rng.random() < 0.05:
        text = text.upper()
    return text, key


def _unknown(match: re.Match, text: str) -> str:
    raise KeyError(f"no value for <{match.group(1)}> in: {text}")


def _typed(rng: random.Random, lang: str, text: str) -> str:
    if rng.random() < 0.8:
        text = _GREETED.sub(lambda m: m.group(1) + m.group(2).lower(), text)
    if lang == "fr":
        if rng.random() < 0.12:
            text = _without_accents(text)
        if rng.random() < 0.25:
            text = text.replace("'", "’")
        if rng.random() < 0.3:
            text = re.sub(r" ([?!:;])", r"\1", text)
    if rng.random() < 0.08:
        text = _misspell(rng, text)
    if rng.random() < 0.03:
        text = _misspell(rng, text)
    draw = rng.random()
    if draw < 0.22:
        text = re.sub(r"\s*[?.!]+$", "", text)
    elif draw < 0.25:
        text = re.sub(r"([?!])$", lambda m: m.group(1) * rng.randint(2, 3), text)
    elif draw < 0.27:
        text = re.sub(r"[\s?.!]+$", "", text) + "..."
    if rng.random() < 0.02:
        text = " " + text if rng.random() < 0.5 else text + rng.choice([" ", "\n"])
    return text


def _without_accents(text: str) -> str:
    flat = unicodedata.normalize("NFD", text)
    return "".join(c for c in flat if not unicodedata.combining(c))


def _misspell(rng: random.Random, text: str) -> str:
    slots = [m.span() for m in _SLOT.finditer(text)]
    words = [m for m in _WORD.finditer(text) if not any(a <= m.start() < b for a, b in slots)]
    if not words:
        return text
    word = rng.choice(words)
    letters = list(word.group())
    at = rng.randrange(1, len(letters) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        letters[at], letters[at + 1] = letters[at + 1], letters[at]
    elif kind == 1:
        del letters[at]
    elif kind == 2:
        letters.insert(at, letters[at])
    else:
        letters[at] = rng.choice("aeiourstnl")
    return text[: word.start()] + "".join(letters) + text[word.end() :]
