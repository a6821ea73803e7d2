"""Marks: whether an answer to a held-out conversation is right, in which language it is, and the table per category.

A conversation's `check` (see `data/talk.py`) names what counts: strings the answer must hold, the last number, the
exact text, the JSON record, the tool calls, a refusal. `same` says how often the answer equals the reference to the letter.
"""

import json
import re
from pathlib import Path

from .model import Brise
from .sample import greedy
from .tekken import Tekken

_REFUSAL = {
    "know": ["tramontane pull ministral-3:3b"],
    "make": ["tramontane pull ministral-3:3b"],
    "care": ["tramontane pull ministral-3:3b"],
    "fresh": ["Internet"],
    "act": ["aucun outil", "no tool"],
}
_FRENCH = set("je tu il elle nous vous le la les un une des du de est sont et en au aux pour que qui ne pas votre vos ce cette se sur dans avec mon ma plus très jours c'est d'accord merci bonjour oui non après avant autre".split())
_ENGLISH = set("i you he she we they the an of is are and in to for that which not your this with my more very days it have has does do thank hello yes no after before other can all here".split())
_THINK = re.compile(r"\[THINK\](.*?)\[/THINK\]", re.DOTALL)


def evaluate(model: Brise, tekken: Tekken, held_out: dict, per_category: int, max_new: int = 220, batch: int = 256) -> dict:
    """Answers and marks at most `per_category` conversations of each category."""
    talks = [talk for group in held_out.values() for talk in group[:per_category]]
    prompts = [tekken.render(t["messages"][:-1], t["tools"])[0] for t in talks]
    answers = greedy(model.eval(), prompts, max_new, tekken.eos, batch)
    table: dict[str, dict] = {}
    for talk, ids in zip(talks, answers):
        answer = tekken.decode(ids)
        reference = tekken.decode(tekken._message(talk["messages"][-1])[:-1])
        row = table.setdefault(talk["category"], {"n": 0, "right": 0, "same": 0, "language": 0, "language_n": 0, "failures": []})
        faults = marks(talk["check"], answer)
        row["n"] += 1
        row["right"] += not [f for f in faults if f != "language"]
        row["same"] += answer == reference
        if talk["check"].get("lang"):
            row["language_n"] += 1
            row["language"] += "language" not in faults
        if faults and len(row["failures"]) < 24:
            row["failures"].append({"faults": faults, "messages": talk["messages"][:-1], "answer": answer, "reference": reference})
    return table


def marks(check: dict, answer: str) -> list[str]:
    """The names of the checks that the answer fails."""
    faults = []
    text = _THINK.sub("", answer)
    if check.get("think") and not _THINK.match(answer):
        faults.append("think")
    if any(m not in text for m in check.get("must", [])):
        faults.append("must")
    if "last_number" in check and _last_number(text) != check["last_number"]:
        faults.append("number")
    if "exact" in check and text.strip() != check["exact"]:
        faults.append("exact")
    if "json" in check and _json(text) != check["json"]:
        faults.append("json")
    if "calls" in check and not _same_calls(answer, check["calls"]):
        faults.append("calls")
    if check.get("no_call") and "[TOOL_CALLS]" in answer:
        faults.append("called")
    if "refusal" in check and not any(m in text for m in _REFUSAL[check["refusal"]]):
        faults.append("refusal")
    if len(text.split()) < check.get("min_words", 0):
        faults.append("short")
    if check.get("lang") and language(text) not in (check["lang"], None):
        faults.append("language")
    return faults


def language(text: str) -> str | None:
    """"fr", "en", or nothing when the text says too little."""
    plain = re.sub(r"`[^`]*`|« [^»]* »|\"[^\"]*\"", " ", text.lower()).replace("l'", "le ").replace("d'", "de ").replace("n'", "ne ").replace("j'", "je ").replace("qu'", "que ")
    words = re.findall(r"[a-zàâäçéèêëîïôöùûüœ']+", plain)
    french = sum(w in _FRENCH for w in words) + sum(any(c in "éèêàùçœ" for c in w) for w in words)
    english = sum(w in _ENGLISH for w in words)
    return None if french == english else ("fr" if french > english else "en")


def show(table: dict) -> str:
    """The table as text, a line per category."""
    lines = [f"{'category':18s} {'n':>5s} {'right':>7s} {'same':>7s} {'language':>9s}"]
    for name, row in sorted(table.items()):
        spoken = f"{100 * row['language'] / row['language_n']:8.1f}%" if row["language_n"] else "        –"
        lines.append(f"{name:18s} {row['n']:5d} {100 * row['right'] / row['n']:6.1f}% {100 * row['same'] / row['n']:6.1f}% {spoken}")
    total, right = sum(r["n"] for r in table.values()), sum(r["right"] for r in table.values())
    spoken = 100 * sum(r["language"] for r in table.values()) / max(1, sum(r["language_n"] for r in table.values()))
    lines.append(f"{'all':18s} {total:5d} {100 * right / max(1, total):6.1f}% {'':7s} {spoken:8.1f}%")
    return "\n".join(lines)


def probe(model: Brise, tekken: Tekken, path: Path) -> list[dict]:
    """Answers to the hand-written first questions of `probes.json`, which nothing was generated from."""
    talks = json.loads(path.read_text())
    prompts = [tekken.render([{"role": "user", "content": t}] if isinstance(t, str) else t["messages"], None if isinstance(t, str) else t.get("tools"))[0] for t in talks]
    answers = greedy(model.eval(), prompts, 200, tekken.eos)
    return [{"asked": t if isinstance(t, str) else t["messages"], "answer": tekken.decode(ids)} for t, ids in zip(talks, answers)]


def _last_number(text: str) -> int | None:
    found = re.findall(r"-?\d+", text.replace(" − ", " - ").replace("- ", " "))
    return int(found[-1]) if found else None


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _same_calls(answer: str, wanted: list[dict]) -> bool:
    head, *calls = answer.split("[TOOL_CALLS]")
    found = []
    for call in calls:
        name, _, arguments = call.partition("[ARGS]")
        found.append({"name": name, "arguments": _json(arguments)})
    key = lambda c: json.dumps(c, sort_keys=True, ensure_ascii=False)  # noqa: E731
    return not head.strip() and sorted(map(key, found)) == sorted(map(key, wanted))
