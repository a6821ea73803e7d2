"""Mistral's own SDK."""

import json

import httpx
import pytest
from mistralai.client import Mistral
from mistralai.client.errors import HTTPValidationError, SDKError
from pydantic import BaseModel

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Paris", "Lyon"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
ASK = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def client(base_url):
    return Mistral(server_url=base_url, api_key="none")


def test_an_answer_repeats_with_its_seed(client, model):
    def answer():
        return client.chat.complete(model=model, messages=ASK, max_tokens=16, random_seed=7)

    first = answer()
    assert first.object == "chat.completion"
    assert first.choices[0].finish_reason in ("stop", "length")
    assert first.choices[0].message.content == answer().choices[0].message.content
    assert first.usage.total_tokens == first.usage.prompt_tokens + first.usage.completion_tokens


def test_a_stream_is_the_answer_in_pieces(client, model):
    asked = dict(model=model, messages=ASK, max_tokens=16, temperature=0)
    whole = client.chat.complete(**asked).choices[0].message.content
    pieces, last = [], None
    with client.chat.stream(**asked) as events:
        for event in events:
            last = event.data
            pieces.append(last.choices[0].delta.content or "")
    assert "".join(pieces) == whole
    assert last.choices[0].finish_reason in ("stop", "length")
    assert last.usage.completion_tokens > 0


def test_a_tool_is_called_and_answered(client, model):
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    asked = dict(model=model, tools=[WEATHER], temperature=0, max_tokens=200)
    answer = client.chat.complete(messages=messages, tool_choice="any", parallel_tool_calls=False, **asked)
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls
    assert call.function.name == "get_weather" and len(call.id) == 9
    assert json.loads(call.function.arguments)["city"] in ("Paris", "Lyon")
    messages += [choice.message, {"role": "tool", "tool_call_id": call.id, "name": "get_weather", "content": "sunny"}]
    again = client.chat.complete(messages=messages, model=model, tools=[WEATHER], max_tokens=8)
    assert again.choices

    streamed = []
    with client.chat.stream(messages=messages[:1], tool_choice="any", parallel_tool_calls=False, **asked) as events:
        for event in events:
            streamed += event.data.choices[0].delta.tool_calls or []
    assert [call.function.arguments for call in streamed] == [choice.message.tool_calls[0].function.arguments]


def test_an_answer_follows_a_schema(client, model):
    class Answer(BaseModel):
        yes: bool

    parsed = client.chat.parse(Answer, model=model, messages=ASK, max_tokens=64, temperature=0)
    assert isinstance(parsed.choices[0].message.parsed, Answer)


def test_a_beginning_is_continued(client, model):
    messages = [*ASK, {"role": "assistant", "content": "Hello,", "prefix": True}]
    answer = client.chat.complete(model=model, messages=messages, max_tokens=4, temperature=0)
    content = answer.choices[0].message.content
    assert content.startswith("Hello,") and len(content) > len("Hello,")
    with client.chat.stream(model=model, messages=messages, max_tokens=4, temperature=0) as events:
        assert "".join(event.data.choices[0].delta.content or "" for event in events) == content


def test_what_is_expected_changes_no_byte(client, model):
    asked = dict(model=model, messages=ASK, max_tokens=16, temperature=0)
    whole = client.chat.complete(**asked).choices[0].message.content
    for guess in (whole, "Something else."):
        guessed = client.chat.complete(prediction={"type": "content", "content": guess}, **asked)
        assert guessed.choices[0].message.content == whole


@pytest.mark.parametrize("choice", ["auto", "none", "any", "required", {"type": "function", "function": {"name": "get_weather"}}])
def test_tools_are_chosen_as_asked(client, model, choice):
    answer = client.chat.complete(
        model=model, messages=ASK, tools=[WEATHER], tool_choice=choice, temperature=0, max_tokens=200
    )
    calls = answer.choices[0].message.tool_calls or []
    assert not (calls and choice == "none") and (calls or choice in ("auto", "none"))
    assert all(json.loads(call.function.arguments)["city"] in ("Paris", "Lyon") for call in calls)


def test_reasoning_is_chunks_of_content_or_refused(client, model):
    try:
        answer = client.chat.complete(model=model, messages=ASK, prompt_mode="reasoning", max_tokens=64)
    except SDKError as refused:
        assert refused.status_code == 400 and "prompt_mode" in refused.body
        return
    content = answer.choices[0].message.content
    assert isinstance(content, str) or all(chunk.type in ("thinking", "text") for chunk in content)


def test_a_field_that_is_not_known_is_named(base_url, model):
    body = {"model": model, "messages": ASK, "random_seed": 1, "frobnicate": 1}
    answer = httpx.post(f"{base_url}/v1/chat/completions", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "frobnicate"] and answer.json()["param"] == "frobnicate"


def test_texts_become_vectors(client, model):
    answer = client.embeddings.create(model=model, inputs=["one", "two"])
    assert len(answer.data) == 2 and len(answer.data[0].embedding) == len(answer.data[1].embedding)
    assert abs(sum(x * x for x in answer.data[0].embedding) - 1) < 1e-3


def test_a_gap_is_filled_or_the_model_cannot(client, model):
    card = client.models.retrieve(model_id=model)
    asked = dict(model=model, prompt="def add(a, b):\n", suffix="\n    return c", max_tokens=8, temperature=0)
    if card.capabilities.completion_fim:
        whole = client.fim.complete(**asked).choices[0].message.content
        with client.fim.stream(**asked) as events:
            assert "".join(event.data.choices[0].delta.content or "" for event in events) == whole
    else:
        with pytest.raises(SDKError) as refused:
            client.fim.complete(**asked)
        assert refused.value.status_code == 400


def test_models_say_what_they_can_do(client, model):
    (card, *_) = client.models.list().data
    assert card.id == model and card.capabilities.completion_chat and card.max_context_length > 0


def test_errors_are_the_sdks(client, model):
    with pytest.raises(SDKError) as missing:
        client.chat.complete(model="no-such-model", messages=ASK)
    assert missing.value.status_code == 404
    assert json.loads(missing.value.body)["object"] == "error"
    with pytest.raises(HTTPValidationError) as unknown:
        client.chat.complete(model=model, messages=ASK, max_tokens=-1)
    (detail,) = unknown.value.data.detail
    assert detail.loc == ["body", "max_tokens"]
    with pytest.raises(SDKError) as image:
        content = [{"type": "image_url", "image_url": "http://127.0.0.1:1/x.png"}]
        client.chat.complete(model=model, messages=[{"role": "user", "content": content}])
    assert image.value.status_code == 400
