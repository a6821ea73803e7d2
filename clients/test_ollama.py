"""Ollama's own SDK."""

import ollama
import pytest

ASK = [{"role": "user", "content": "Say hello."}]
STILL = {"temperature": 0, "num_predict": 16}


@pytest.fixture(scope="module")
def client(base_url):
    return ollama.Client(host=base_url)


def get_weather(city: str) -> str:
    """The weather in a city.

    Args:
      city: Its name
    """
    return f"sunny in {city}"


def test_a_chat_streams_to_the_same_text(client, model):
    whole = client.chat(model, messages=ASK, options=STILL)
    assert whole.done and whole.done_reason in ("stop", "length") and whole.eval_count > 0
    assert whole.total_duration > 0 and whole.message.role == "assistant"
    lines = list(client.chat(model, messages=ASK, options=STILL, stream=True))
    assert "".join(line.message.content for line in lines) == whole.message.content
    assert lines[-1].done and lines[-1].eval_count == whole.eval_count


def test_a_prompt_is_answered_or_continued(client, model):
    for raw in (False, True):
        whole = client.generate(model, "Once upon a time", raw=raw, options=STILL)
        lines = client.generate(model, "Once upon a time", raw=raw, options=STILL, stream=True)
        assert "".join(line.response for line in lines) == whole.response


def test_tools_and_their_results_are_taken(client, model):
    answer = client.chat(model, messages=ASK, tools=[get_weather], options=STILL)
    assert answer.message.role == "assistant"
    call = {"function": {"name": "get_weather", "arguments": {"city": "Paris"}}}
    messages = [
        *ASK,
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "sunny", "tool_name": "get_weather"},
    ]
    assert client.chat(model, messages=messages, tools=[get_weather], options=STILL).done


def test_an_answer_follows_a_schema(client, model):
    schema = {
        "type": "object",
        "properties": {"yes": {"type": "boolean"}},
        "required": ["yes"],
        "additionalProperties": False,
    }
    answer = client.chat(model, messages=ASK, format=schema, options={"temperature": 0, "num_predict": 64})
    assert answer.message.content.replace(" ", "") in ('{"yes":true}', '{"yes":false}')


def test_thoughts_stand_apart_or_are_refused(client, model):
    try:
        answer = client.chat(model, messages=ASK, think=True, options={"temperature": 0, "num_predict": 64})
    except ollama.ResponseError as error:
        assert error.status_code == 400 and "think" in error.error
        return
    assert answer.message.thinking and "[THINK]" not in answer.message.content


def test_a_gap_is_filled_or_the_model_cannot(client, model):
    if "insert" in client.show(model).capabilities:
        assert client.generate(model, "def add(a, b):\n", suffix="\n    return c", options=STILL).done
    else:
        with pytest.raises(ollama.ResponseError):
            client.generate(model, "def add(a, b):\n", suffix="\n    return c", options=STILL)


def test_texts_become_vectors(client, model):
    vectors = client.embed(model, ["one", "two"]).embeddings
    assert len(vectors) == 2 and abs(sum(x * x for x in vectors[0]) - 1) < 1e-3
    assert client.embeddings(model, "one").embedding == vectors[0]


def test_models_are_listed_and_shown(client, model):
    (first, *_) = client.list().models
    assert first.model == model and first.size > 0
    assert "completion" in client.show(model).capabilities
    client.generate(model, keep_alive="10m")
    assert client.ps().models[0].model == model


def test_errors_are_the_sdks(client, model):
    with pytest.raises(ollama.ResponseError) as missing:
        client.chat("no-such-model", messages=ASK)
    assert missing.value.status_code == 404
    with pytest.raises(ollama.ResponseError) as option:
        client.chat(model, messages=ASK, options={"mirostat": 2})
    assert option.value.status_code == 400 and "options.mirostat" in option.value.error
    for change in (lambda: client.pull(model), lambda: client.delete(model), lambda: client.copy(model, "x")):
        with pytest.raises(ollama.ResponseError) as refused:
            change()
        assert refused.value.status_code == 501
