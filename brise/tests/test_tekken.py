"""Our tekken.json and v13 rendering against mistral-common (skipped where it is not installed)."""

import json
import random
from pathlib import Path

import pytest

from brise.data import build
from brise.tekken import Tekken, train

mistral_common = pytest.importorskip("mistral_common")
_TEXTS = ["", "Hello, world!", "  hi\n\n123 é 你好 👍", "def f(x):\n    return x+1\n", "a/b//c\n/d", "[INST] not special </s>", "L’été où j'ai… «\u00a0vu\u00a0»", "e\u0301 \u202e مرحبا", "x" * 300]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    shipped = Path(__file__).parents[1] / "tekken.json"
    if shipped.exists():
        return shipped
    path = tmp_path_factory.mktemp("tokenizer") / "tekken.json"
    path.write_text(json.dumps(train(build.corpus_texts(5, 12_000), 8192), ensure_ascii=False))
    return path


def test_ids_equal_mistral_common(path):
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    theirs, ours = Tekkenizer.from_file(path), Tekken(path)
    assert theirs.n_words == ours.vocab_size and theirs.num_special_tokens == ours.num_special
    texts = _TEXTS + build.corpus_texts(11, 300)
    wrong = [t for t in texts if theirs.encode(t, bos=False, eos=False) != ours.encode(t)]
    assert not wrong
    assert not [t for t in texts if ours.decode(ours.encode(t)) != t]


def test_rendering_equals_mistral_common(path):
    from mistral_common.protocol.instruct.request import ChatCompletionRequest
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    theirs, ours = MistralTokenizer.from_file(str(path)), Tekken(path)
    rng, wrong = random.Random(21), []
    for _ in range(600):
        talk = build.one(rng)
        for end in range(1, len(talk.messages) + 1):
            if talk.messages[end - 1]["role"] not in ("user", "tool") or (end < len(talk.messages) and talk.messages[end]["role"] == "tool"):
                continue
            messages = talk.messages[:end]
            request = ChatCompletionRequest(messages=_as_openai(messages), tools=talk.tools)
            expected = theirs.encode_chat_completion(request).tokens
            if expected != ours.render(messages, talk.tools)[0]:
                wrong.append(messages)
    assert not wrong, wrong[:2]


def test_only_the_assistant_is_learnt(path):
    ours = Tekken(path)
    messages = [{"role": "system", "content": "S"}, {"role": "user", "content": "a"}, {"role": "assistant", "content": "b c"}]
    ids, learnt = ours.render(messages)
    assert [i for i, flag in zip(ids, learnt) if flag] == [*ours.encode("b c"), ours.eos]


def _as_openai(messages):
    """Call ids are invented: v13 does not render them."""
    out, pending, count = [], [], 0
    for message in messages:
        message = dict(message)
        if message.get("tool_calls"):
            pending = [f"call{count + i:05d}" for i in range(len(message["tool_calls"]))]
            count += len(pending)
            message["tool_calls"] = [
                {"id": i, "type": "function", "function": {"name": c["name"], "arguments": json.dumps(c["arguments"], ensure_ascii=False)}}
                for i, c in zip(pending, message["tool_calls"])
            ]
        if message["role"] == "tool":
            message["tool_call_id"] = pending.pop(0)
        out.append(message)
    return out
