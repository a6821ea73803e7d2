"""Brise's tokenizer: trained here, kept as a `tekken.json` of version v13, and the v13 instruct rendering.

`train` learns byte-level merges with the Tekken pattern; `Tekken` encodes as mistral-common does (plain text never
becomes a special token); `Tekken.render` turns a conversation into ids and says which of them the assistant wrote.
The tests compare both with mistral-common.
"""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

import tiktoken

PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
NUM_SPECIAL = 64
_NAMED = {
    **dict(enumerate("<unk> <s> </s> [INST] [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS]".split())),
    **dict(enumerate("[TOOL_CALLS] [IMG] <pad> [IMG_BREAK] [IMG_END] [PREFIX] [MIDDLE] [SUFFIX]".split(), start=9)),
    17: "[SYSTEM_PROMPT]", 18: "[/SYSTEM_PROMPT]", 19: "[TOOL_CONTENT]",
    32: "[ARGS]", 33: "[CALL_ID]", 34: "[THINK]", 35: "[/THINK]",
}  # fmt: skip
SPECIALS = [_NAMED.get(i, f"<SPECIAL_{i}>") for i in range(NUM_SPECIAL)]


def train(texts: Iterable[str], vocab_size: int) -> dict:
    """Learns `vocab_size - NUM_SPECIAL` byte-level tokens and returns the contents of a tekken.json."""
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

    learner = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(PATTERN), behavior="isolated")
    learner.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    num_ranks = vocab_size - NUM_SPECIAL
    trainer = trainers.BpeTrainer(vocab_size=num_ranks, initial_alphabet=alphabet, show_progress=False, max_token_length=24)
    learner.train_from_iterator(texts, trainer)
    return _as_tekken(learner.get_vocab(), vocab_size)


class Tekken:
    """Text to ids and back; ids are rank + `num_special`."""

    def __init__(self, path: Path):
        data = json.loads(Path(path).read_text())
        config = data["config"]
        self.num_special = config["default_num_special_tokens"]
        self.vocab_size = config["default_vocab_size"]
        kept = data["vocab"][: self.vocab_size - self.num_special]
        self.token_bytes = [base64.b64decode(entry["token_bytes"]) for entry in kept]
        ranks = {piece: rank for rank, piece in enumerate(self.token_bytes)}
        self.bpe = tiktoken.Encoding("brise", pat_str=config["pattern"], mergeable_ranks=ranks, special_tokens={})
        self.special = {entry["token_str"]: entry["rank"] for entry in data["special_tokens"]}
        self.special_names = {rank: name for name, rank in self.special.items()}
        self.eos = self.special["</s>"]

    def encode(self, text: str) -> list[int]:
        return [rank + self.num_special for rank in self.bpe.encode_ordinary(text)]

    def decode(self, ids: Iterable[int]) -> str:
        """Special tokens appear under their names."""
        return b"".join(self._piece(i) for i in ids).decode("utf-8", errors="replace")

    def render(self, messages: list, tools: list | None = None) -> tuple[list[int], list[bool]]:
        """The v13 rendering, and for each token whether the assistant is to learn to write it."""
        ids, learnt = [self.special["<s>"]], [False]
        tools_due = tools
        for message in messages:
            if message["role"] == "user" and tools_due:
                _append(ids, learnt, self._wrap("[AVAILABLE_TOOLS]", json.dumps(tools_due, ensure_ascii=False), "[/AVAILABLE_TOOLS]"), False)
                tools_due = None
            _append(ids, learnt, self._message(message), message["role"] == "assistant")
        return ids, learnt

    def _message(self, message: dict) -> list[int]:
        role, content = message["role"], message.get("content")
        if role == "system":
            return self._wrap("[SYSTEM_PROMPT]", content, "[/SYSTEM_PROMPT]")
        if role == "user":
            return self._wrap("[INST]", content, "[/INST]")
        if role == "tool":
            return self._wrap("[TOOL_RESULTS]", content, "[/TOOL_RESULTS]")
        ids = self._content(content)
        for call in message.get("tool_calls") or []:
            arguments = json.dumps(call["arguments"], ensure_ascii=False)
            ids += [self.special["[TOOL_CALLS]"], *self.encode(call["name"]), self.special["[ARGS]"], *self.encode(arguments)]
        return [*ids, self.eos]

    def _wrap(self, start: str, content: object, end: str) -> list[int]:
        return [self.special[start], *self._content(content), self.special[end]]

    def _content(self, content: object) -> list[int]:
        if not content:
            return []
        if isinstance(content, str):
            return self.encode(content)
        ids = []
        for chunk in content:
            if chunk["type"] == "thinking":
                ids += [self.special["[THINK]"], *self.encode(chunk["thinking"]), self.special["[/THINK]"]]
            else:
                ids += self.encode(chunk["text"])
        return ids

    def _piece(self, token: int) -> bytes:
        if token < self.num_special:
            return self.special_names[token].encode()
        return self.token_bytes[token - self.num_special]


def _append(ids: list, learnt: list, more: list, is_learnt: bool) -> None:
    ids.extend(more)
    learnt.extend([is_learnt] * len(more))


def _as_tekken(vocab: dict[str, int], vocab_size: int) -> dict:
    to_byte = _byte_of_letter()
    learnt = sorted((i, piece) for piece, i in vocab.items() if len(piece) > 1)
    pieces = [bytes([b]) for b in range(256)] + [bytes(to_byte[c] for c in piece) for _, piece in learnt]
    if len(pieces) != vocab_size - NUM_SPECIAL:
        raise ValueError(f"learnt {len(pieces)} tokens, wanted {vocab_size - NUM_SPECIAL}: give more text")
    config = {
        "pattern": PATTERN,
        "num_vocab_tokens": len(pieces),
        "default_vocab_size": vocab_size,
        "default_num_special_tokens": NUM_SPECIAL,
        "version": "v13",
    }
    special = [{"rank": i, "token_str": name, "is_control": True} for i, name in enumerate(SPECIALS)]
    return {"config": config, "vocab": [_entry(r, p) for r, p in enumerate(pieces)], "special_tokens": special}


def _entry(rank: int, piece: bytes) -> dict:
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    return {"rank": rank, "token_bytes": base64.b64encode(piece).decode(), "token_str": text}


def letter_of_byte() -> list[str]:
    """GPT-2's printable stand-in for every byte, as GGUF's `gpt2` vocabularies spell tokens."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in printable}
    spare = (b for b in range(256) if b not in letters)
    letters.update({b: chr(256 + n) for n, b in enumerate(list(spare))})
    return [letters[b] for b in range(256)]


def _byte_of_letter() -> dict[str, int]:
    return {letter: b for b, letter in enumerate(letter_of_byte())}
