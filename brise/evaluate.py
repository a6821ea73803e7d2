"""The shipped model, asked through the program itself: `tramontane serve brise`, then `python -m brise.evaluate`.

Held-out conversations are drawn anew from the generators (seeded; `data/talk.py` keeps them out of training by the hash
of their keys, so any draw will do), sent to the server in Mistral's dialect, and marked by `judge.py`. Prints the table
of the model card as Markdown; `--failures FILE` keeps what went wrong. `--first` asks the questions of
`first_questions.json` instead, written by hand as people begin, and prints those that miss. Needs nothing but Python.
"""

import argparse
import json
import random
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .data.build import one
from .data.talk import Talk, held_out
from .judge import marks


def main() -> None:
    options = _options()
    if options.first:
        first_questions(options)
        return
    talks = draw(options.seed, options.per_category)
    with ThreadPoolExecutor(options.parallel) as pool:
        answers = list(pool.map(lambda talk: ask(options.url, options.model, talk), talks))
    rows: dict[str, dict] = {}
    failures = []
    for talk, answer in zip(talks, answers):
        row = rows.setdefault(talk.category, {"n": 0, "right": 0, "language": 0, "language_n": 0})
        faults = marks(talk.check, answer)
        row["n"] += 1
        row["right"] += not [f for f in faults if f != "language"]
        if talk.check.get("lang"):
            row["language_n"] += 1
            row["language"] += "language" not in faults
        if faults:
            failures.append({"category": talk.category, "faults": faults, "messages": talk.messages[:-1], "answer": answer, "wanted": talk.messages[-1]})
    print(table(rows))
    if options.failures:
        options.failures.write_text(json.dumps(failures, ensure_ascii=False, indent=1))


def first_questions(options: argparse.Namespace) -> None:
    """What people type first, each with a text that the answer must have in it."""
    rows = json.loads((Path(__file__).parent / "first_questions.json").read_text())
    talks = [Talk("first", "", [{"role": "user", "content": row["ask"]}, {"role": "assistant", "content": ""}], [], {}) for row in rows]
    with ThreadPoolExecutor(options.parallel) as pool:
        answers = list(pool.map(lambda talk: ask(options.url, options.model, talk), talks))
    missed = [(row, answer) for row, answer in zip(rows, answers) if row["must"] not in answer]
    for row, answer in missed:
        print(f"{row['ask']}\n    wanted: {row['must']}\n    answer: {answer}")
    print(f"{len(rows) - len(missed)} of {len(rows)} first questions are answered as they should be")


def draw(seed: int, per_category: int) -> list[Talk]:
    """At most `per_category` distinct held-out conversations of each category, the same for the same seed.

    Drawing stops when the rarest category has not grown for a while: some have few held-out items.
    """
    rng, groups, idle = random.Random(seed), {}, 0
    while idle < 60_000:
        talk = one(rng)
        idle += 1
        group = groups.setdefault(talk.category, {})
        if held_out(talk) and len(group) < per_category:
            idle = 0 if group.setdefault(json.dumps(talk.messages), talk) is talk else idle
    return [talk for _, group in sorted(groups.items()) for talk in group.values()]


def ask(url: str, model: str, talk: Talk) -> str:
    """The greedy answer, spelled with control tokens as `judge.py` reads it; a request that the server refuses is a wrong answer."""
    body = {"model": model, "messages": _messages(talk), "temperature": 0, "random_seed": 0, "max_tokens": 220}
    if talk.tools:
        body["tools"] = talk.tools
    request = urllib.request.Request(f"{url}/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=300) as response:
            return _spelled(json.load(response)["choices"][0]["message"])
    except urllib.error.HTTPError as refusal:
        said = refusal.read().decode(errors="replace")
        if refusal.code != 400:
            raise SystemExit(f"{request.full_url} answers {refusal.code}, so there is nothing to mark (--url ends in /v1): {said}") from refusal
        return f"{refusal.code} {said}"


def table(rows: dict) -> str:
    """Markdown, a line per category."""
    share = lambda part, whole: f"{100 * part / whole:.1f} %" if whole else "–"  # noqa: E731
    lines = ["| category | items | right | language |", "|---|---:|---:|---:|"]
    for name, row in sorted(rows.items()):
        lines.append(f"| {name} | {row['n']} | {share(row['right'], row['n'])} | {share(row['language'], row['language_n'])} |")
    total = {key: sum(row[key] for row in rows.values()) for key in ("n", "right", "language", "language_n")}
    lines.append(f"| **all** | {total['n']} | {share(total['right'], total['n'])} | {share(total['language'], total['language_n'])} |")
    return "\n".join(lines)


def _messages(talk: Talk) -> list[dict]:
    """All but the answer, as the API wants them: calls have ids and arguments as text, results name their call."""
    ids, answered, sent = [], 0, []
    for message in talk.messages[:-1]:
        if message.get("tool_calls"):
            message = {**message, "tool_calls": [_call(call, ids) for call in message["tool_calls"]]}
        if message["role"] == "tool":
            message = {**message, "tool_call_id": ids[answered]}
            answered += 1
        sent.append(message)
    return sent


def _call(call: dict, ids: list[str]) -> dict:
    ids.append(f"call{len(ids):05d}")
    return {"id": ids[-1], "type": "function", "function": {"name": call["name"], "arguments": json.dumps(call["arguments"], ensure_ascii=False)}}


def _spelled(message: dict) -> str:
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "".join(_chunk(chunk) for chunk in content)
    for call in message.get("tool_calls") or []:
        content += f"[TOOL_CALLS]{call['function']['name']}[ARGS]{call['function']['arguments']}"
    return content


def _chunk(chunk: dict) -> str:
    if chunk["type"] != "thinking":
        return chunk["text"]
    thought = chunk["thinking"]
    return "[THINK]" + (thought if isinstance(thought, str) else "".join(part["text"] for part in thought)) + "[/THINK]"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080/v1")
    parser.add_argument("--model", default="brise")
    parser.add_argument("--per-category", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20_261)
    parser.add_argument("--parallel", type=int, default=8)
    parser.add_argument("--failures", type=Path)
    parser.add_argument("--first", action="store_true", help="ask the questions of first_questions.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
