"""Numbers as words, in English and in French (traditional hyphens), and as each language writes digits."""

_EN = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_EN_TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()
_FR = "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf".split()
_FR_TENS = "- - vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt".split()


def words(lang: str, n: int) -> str:
    """The cardinal `n` (0 to 999,999) in words."""
    return _french(n) if lang == "fr" else _english(n)


def decimal(lang: str, value: float, places: int = 2) -> str:
    """A number with at most `places` decimals, with the language's decimal mark and no trailing zeros."""
    text = f"{value:.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", ",") if lang == "fr" else text


def _english(n: int) -> str:
    if n < 20:
        return _EN[n]
    if n < 100:
        return _EN_TENS[n // 10] + (f"-{_EN[n % 10]}" if n % 10 else "")
    if n < 1000:
        rest = n % 100
        return f"{_EN[n // 100]} hundred" + (f" and {_english(rest)}" if rest else "")
    thousands, rest = divmod(n, 1000)
    joint = " and " if 0 < rest < 100 else " "
    return f"{_english(thousands)} thousand" + (f"{joint}{_english(rest)}" if rest else "")


def _french(n: int) -> str:
    if n < 20:
        return _FR[n]
    if n < 100:
        return _french_tens(n)
    if n < 1000:
        hundreds, rest = divmod(n, 100)
        head = "cent" if hundreds == 1 else f"{_FR[hundreds]} cent"
        return f"{head} {_french(rest)}" if rest else head + ("s" if hundreds > 1 else "")
    thousands, rest = divmod(n, 1000)
    head = "mille" if thousands == 1 else f"{_french(thousands).removesuffix('s') if thousands % 100 in (0, 80) else _french(thousands)} mille"
    return f"{head} {_french(rest)}" if rest else head


def _french_tens(n: int) -> str:
    tens, unit = divmod(n, 10)
    stem = _FR_TENS[tens]
    if tens in (7, 9):
        unit += 10
    if unit == 0:
        return stem + ("s" if tens == 8 else "")
    if unit in (1, 11) and tens < 8:
        return f"{stem} et {_FR[unit]}"
    return f"{stem}-{_FR[unit]}"
