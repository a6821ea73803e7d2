"""From generators to arrays: the mixture, the held-out split, and the packed tokens that training reads.

Every worker draws its own stream from a seed, so the corpus is a function of (seed, shard, count). `corpus_texts`
gives raw text to the tokenizer's trainer; `build` writes `train.npz` (tokens, lengths) and `held_out.json`.
"""

import hashlib
import json
import random
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from ..tekken import Tekken
from . import calls, chat, extraction, language, outside, shell, stories, styles, sums, turns, world
from .talk import Talk, conversation, held_out

# Each with its weights in the four parts of training: an even mixture first, then three times more of what was learnt least.
_SINGLE = {
    "capital": (world.capital, 7, 8, 8, 12),
    "continent": (world.continent, 2, 4, 5, 9),
    "calendar": (world.calendar, 5, 8, 12, 12),
    "number_words": (world.number_words, 5, 6, 6, 8),
    "arithmetic": (sums.arithmetic, 9, 22, 30, 72),
    "large_sum": (sums.large_by_shell, 3, 2, 3, 6),
    "units": (sums.units, 5, 9, 8, 8),
    "identity": (chat.identity, 6, 8, 9, 14),
    "privacy": (chat.privacy, 3, 2, 2, 4),
    "usage": (chat.usage, 6, 7, 7, 9),
    "smalltalk": (chat.smalltalk, 5, 8, 9, 10),
    "refusal": (outside.refusal, 14, 10, 8, 16),
    "translation": (language.translation, 8, 14, 12, 14),
    "shell": (shell.command, 8, 8, 7, 9),
    "bash_fault": (shell.bash_fault, 6, 6, 6, 8),
    "extraction": (extraction.extraction, 8, 14, 8, 15),
    "story": (stories.story, 3, 2, 2, 2),
}
_WHOLE = {
    "tool_one": (calls.tool_one, 9, 14, 16, 25),
    "tool_many": (calls.tool_many, 6, 12, 18, 20),
    "tool_none": (calls.tool_none, 6, 12, 16, 18),
    "cannot_act": (calls.cannot_act, 2, 2, 2, 2),
    "calculator": (calls.calculator_call, 4, 3, 3, 3),
    "think": (styles.think, 4, 9, 12, 12),
    "system_language": (styles.system_language, 4, 5, 6, 7),
    "system_tone": (styles.system_tone, 5, 8, 14, 16),
    "multi_turn": (turns.references, 7, 8, 10, 14),
    "long_talk": (turns.long_talk, 5, 5, 6, 8),
}
MAX_TOKENS = 1536
HELD_OUT_PER_CATEGORY = 240


def one(rng: random.Random, part: int = 1) -> Talk:
    """A conversation of the mixture of a part of training; French and English are drawn evenly."""
    lang = rng.choice(["fr", "en"])
    names = [*_SINGLE, *_WHOLE]
    weights = [row[part] for row in [*_SINGLE.values(), *_WHOLE.values()]]
    name = rng.choices(names, weights)[0]
    if name in _WHOLE:
        talk = _WHOLE[name][0](rng, lang)
        if talk.messages[0]["role"] != "system" and rng.random() < 0.15:
            talk.messages.insert(0, {"role": "system", "content": styles.plain_system(rng, talk.lang)})
        return talk
    exchange = _SINGLE[name][0](rng, lang)
    system = styles.plain_system(rng, lang) if rng.random() < 0.1 else None
    return conversation(name, [exchange], system)


def corpus_texts(seed: int, count: int) -> list[str]:
    """Plain text of `count` conversations, for the tokenizer's trainer."""
    rng = random.Random(seed)
    texts = []
    for _ in range(count):
        talk = one(rng)
        texts += [json.dumps(talk.tools, ensure_ascii=False)] if talk.tools else []
        texts += [t for message in talk.messages for t in _texts(message)]
    return texts


def build(out: Path, tokenizer: Path, count: int, seed: int, workers: int, part: int = 1) -> dict:
    """Generates, splits, renders and packs; returns the counts that the model card states."""
    shard = -(-count // workers)
    jobs = [(seed * 1000 + i, shard, str(tokenizer), part) for i in range(workers)]
    if workers == 1:
        parts = [_shard(job) for job in jobs]
    else:
        with Pool(workers) as pool:
            parts = pool.map(_shard, jobs, chunksize=1)
    tokens = np.concatenate([p["tokens"] for p in parts])
    lengths = np.concatenate([p["lengths"] for p in parts])
    digests = np.concatenate([p["digests"] for p in parts])
    np.savez(out / "train.npz", tokens=tokens, lengths=lengths)
    kept = _held_out([t for p in parts for t in p["held_out"]])
    (out / "held_out.json").write_text(json.dumps(kept, ensure_ascii=False))
    by_category: dict[str, int] = {}
    for part in parts:
        for name, n in part["categories"].items():
            by_category[name] = by_category.get(name, 0) + n
    counts = {
        "conversations": int(len(lengths)),
        "distinct_conversations": int(len(np.unique(digests))),
        "tokens": int(len(tokens)),
        "french_share": round(sum(p["french"] for p in parts) / max(1, len(lengths)), 4),
        "held_out": sum(len(v) for v in kept.values()),
        "dropped_too_long": sum(p["dropped"] for p in parts),
        "categories": dict(sorted(by_category.items())),
    }
    (out / "counts.json").write_text(json.dumps(counts, indent=1))
    return counts


def _shard(job: tuple[int, int, str, int]) -> dict:
    """One worker's part. A learnt token is stored with the top bit set."""
    seed, count, tokenizer, part = job
    rng, tekken = random.Random(seed), Tekken(Path(tokenizer))
    rows, digests, kept, categories, french, dropped = [], [], {}, {}, 0, 0
    for _ in range(count):
        talk = one(rng, part)
        if held_out(talk):
            group = kept.setdefault(talk.category, {})
            if len(group) < HELD_OUT_PER_CATEGORY:
                group[json.dumps(talk.messages, ensure_ascii=False)] = talk
            continue
        ids, learnt = tekken.render(talk.messages, talk.tools)
        if len(ids) > MAX_TOKENS:
            dropped += 1
            continue
        row = np.array(ids, dtype=np.uint16) | (np.array(learnt, dtype=np.uint16) << 15)
        rows.append(row)
        digests.append(int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), "little"))
        categories[talk.category] = categories.get(talk.category, 0) + 1
        french += talk.lang == "fr"
    return {
        "tokens": np.concatenate(rows),
        "lengths": np.array([len(r) for r in rows], dtype=np.int32),
        "digests": np.array(digests, dtype=np.uint64),
        "held_out": [vars(talk) for group in kept.values() for talk in group.values()],
        "categories": categories,
        "french": french,
        "dropped": dropped,
    }


def _held_out(talks: list[dict]) -> dict[str, list[dict]]:
    """At most HELD_OUT_PER_CATEGORY distinct conversations of each category."""
    kept: dict[str, dict[str, dict]] = {}
    for talk in talks:
        group = kept.setdefault(talk["category"], {})
        if len(group) < HELD_OUT_PER_CATEGORY:
            group.setdefault(json.dumps(talk["messages"], ensure_ascii=False), talk)
    return {name: list(group.values()) for name, group in sorted(kept.items())}


def _texts(message: dict) -> list[str]:
    content = message.get("content")
    texts = [content] if isinstance(content, str) and content else []
    if isinstance(content, list):
        texts += [chunk.get("text") or chunk.get("thinking") for chunk in content]
    texts += [json.dumps(c["arguments"], ensure_ascii=False) for c in message.get("tool_calls") or []]
    texts += [c["name"] for c in message.get("tool_calls") or []]
    return texts
