"""The generators: facts that can be computed are computed again here; the split leaks nothing; the judge accepts every reference."""

import ast
import datetime
import operator
import random
import re

from brise.data import build, numbers, shell, sums, talk, world
from brise.data.facts import COUNTRIES, DAYS, MONTH_DAYS
from brise.judge import language, marks
from brise.tekken import SPECIALS

_RNG_SEED = 41


def _talks(count):
    rng = random.Random(_RNG_SEED)
    return [build.one(rng) for _ in range(count)]


def _as_decoded(message):
    """The assistant's message as the tokenizer would spell it."""
    import json

    content = message.get("content") or ""
    if not isinstance(content, str):
        content = "".join(c["text"] if c["type"] == "text" else f"[THINK]{c['thinking']}[/THINK]" for c in content)
    for call in message.get("tool_calls") or []:
        content += f"[TOOL_CALLS]{call['name']}[ARGS]{json.dumps(call['arguments'], ensure_ascii=False)}"
    return content


def test_the_judge_accepts_every_reference():
    wrong = []
    for t in _talks(6000):
        faults = marks(t.check, _as_decoded(t.messages[-1]))
        if faults:
            wrong.append((t.category, faults, t.check, t.messages[-1]))
    assert not wrong, (len(wrong), wrong[:4])


def test_sums_are_right():
    rng = random.Random(1)
    operators = {"+": operator.add, "-": operator.sub, "×": operator.mul, "/": operator.floordiv}
    wrong = []
    for _ in range(4000):
        exchange = sums.arithmetic(rng, rng.choice(["fr", "en"]))
        for a, op, b, c in re.findall(r"(\d+) ([+×/-]) (\d+) = (-?\d+)", exchange.answer):
            if operators[op](int(a), int(b)) != int(c):
                wrong.append(exchange.answer)
    assert not wrong


def test_shell_arithmetic_is_the_question():
    rng = random.Random(1)
    for _ in range(1000):
        exchange = sums.large_by_shell(rng, "en")
        found = re.search(r"\$\(\((.*)\)\)", exchange.answer)
        if found:
            ast.parse(found.group(1), mode="eval")


def test_weekdays_and_months_agree_with_the_calendar():
    assert MONTH_DAYS == [(datetime.date(2025 + m // 12, m % 12 + 1, 1) - datetime.date(2025, m, 1)).days for m in range(1, 13)]
    assert len(DAYS["fr"]) == len(DAYS["en"]) == 7
    rng = random.Random(2)
    for _ in range(300):
        exchange = world._leap(rng, "en")
        year = int(re.search(r"\d{4}", exchange.answer).group())
        is_leap = (datetime.date(year, 3, 1) - datetime.date(year, 2, 28)).days == 2
        assert exchange.answer.startswith("Yes") == is_leap


def test_number_words():
    cases = {
        "fr": {21: "vingt et un", 71: "soixante et onze", 80: "quatre-vingts", 81: "quatre-vingt-un", 91: "quatre-vingt-onze", 99: "quatre-vingt-dix-neuf", 100: "cent", 200: "deux cents",
               201: "deux cent un", 1000: "mille", 2080: "deux mille quatre-vingts", 80000: "quatre-vingt mille", 200000: "deux cent mille", 1999: "mille neuf cent quatre-vingt-dix-neuf"},
        "en": {13: "thirteen", 40: "forty", 85: "eighty-five", 101: "one hundred and one", 1005: "one thousand and five", 9999: "nine thousand nine hundred and ninety-nine"},
    }  # fmt: skip
    wrong = [(lang, n, numbers.words(lang, n)) for lang, rows in cases.items() for n, text in rows.items() if numbers.words(lang, n) != text]
    assert not wrong
    for lang in cases:
        assert len({numbers.words(lang, n) for n in range(10000)}) == 10000


def test_countries_are_distinct():
    assert len({c.en for c in COUNTRIES}) == len({c.fr for c in COUNTRIES}) == len(COUNTRIES)
    assert len({c.capital_en for c in COUNTRIES}) == len(COUNTRIES)
    assert {c.fr_of for c in COUNTRIES if c.en in ("France", "Japan", "Italy", "Haiti", "Cuba", "the Netherlands")} == {
        "de la France", "du Japon", "de l'Italie", "d'Haïti", "de Cuba", "des Pays-Bas"}  # fmt: skip


def test_faults_are_faults_and_corrections_parse():
    """`bash -n` refuses what is wrong by syntax, and accepts every correction."""
    import shutil
    import subprocess

    if not shutil.which("bash"):
        return
    rng = random.Random(3)
    refused = {shell._missing_fi, shell._missing_done, shell._missing_then, shell._missing_do, shell._semicolon, shell._unclosed_quote}
    for fault in shell._FAULTS:
        for _ in range(6):
            wrong, right, *_ = fault(rng)
            check = lambda text: subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True).returncode == 0  # noqa: E731
            assert check(right), right
            if fault in refused:
                assert not check(wrong), wrong


def test_no_special_token_is_spelt_in_an_answer():
    for t in _talks(3000):
        for message in t.messages:
            content = message.get("content")
            if message["role"] == "assistant" and isinstance(content, str):
                assert not any(s in content for s in SPECIALS)


def test_held_out_share_and_no_leak():
    kept, trained = set(), set()
    for t in _talks(12000):
        (kept if talk.held_out(t) else trained).update(t.keys)
    held = {k for k in kept if len(k) > 9 and talk._bucket(k) < talk.HELD_OUT_PER_MILLE}
    assert held and not held & trained


def test_language_is_recognised():
    assert language("Je ne sais pas : je suis un tout petit modèle.") == "fr"
    assert language("I don't know: I am a very small model.") == "en"


def test_both_languages_in_equal_parts():
    french = sum(t.lang == "fr" for t in _talks(8000)) / 8000
    assert 0.47 < french < 0.53
