"""The parts of a conversation, and how they are put together.

An `Exchange` is one question and its answer. A generator makes exchanges; `conversation` strings them together with
a system prompt and tools. `check` says how an evaluator marks the last answer (see `../judge.py`); `keys` decide
whether the conversation is trained on or held out (`held_out`).
"""

import hashlib
from dataclasses import dataclass, field

HELD_OUT_PER_MILLE = 25


@dataclass
class Exchange:
    """`user` as typed, `answer` as text or as a list of chunks, the key of the held-out split, how to mark it."""

    user: str
    answer: object
    key: str
    lang: str
    check: dict = field(default_factory=dict)


@dataclass
class Talk:
    """A whole conversation in the shape of the chat APIs (`messages`, `tools`), with what the split and the marking need."""

    category: str
    lang: str
    messages: list
    keys: list
    check: dict
    tools: list | None = None


def conversation(category: str, exchanges: list[Exchange], system: object = None, tools: list | None = None) -> Talk:
    """Exchanges in order; the last one is what is marked."""
    messages = [{"role": "system", "content": system}] if system else []
    for exchange in exchanges:
        messages.append({"role": "user", "content": exchange.user})
        messages.append({"role": "assistant", "content": exchange.answer})
    last = exchanges[-1]
    check = {"lang": last.lang, **last.check}
    return Talk(category, last.lang, messages, [e.key for e in exchanges], check, tools)


def thinking(thought: str, answer: str) -> list:
    """An assistant's content with a thinking chunk before the answer."""
    return [{"type": "thinking", "thinking": thought, "closed": True}, {"type": "text", "text": answer}]


def held_out(talk: Talk) -> bool:
    """Whether any of the conversation's keys falls in the part that is never trained on.

    Very short questions ("bonjour") are what everybody types: they are always trained on.
    """
    return any(len(key) > 9 and _bucket(key) < HELD_OUT_PER_MILLE for key in talk.keys)


def _bucket(key: str) -> int:
    return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little") % 1000
