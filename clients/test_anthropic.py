"""Anthropic's own SDK."""

import anthropic
import pytest
from pydantic import BaseModel

WEATHER = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "enum": ["Paris", "Lyon"]}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}
ASK = [{"role": "user", "content": "Say hello."}]


@pytest.fixture(scope="module")
def client(base_url):
    return anthropic.Anthropic(base_url=base_url, api_key="none", max_retries=0)


def test_an_answer_has_its_form(client, model):
    message = client.messages.create(model=model, max_tokens=16, messages=ASK, system="Be brief.")
    assert message.type == "message" and message.role == "assistant"
    assert message.stop_reason in ("end_turn", "max_tokens")
    assert message.usage.output_tokens > 0
    assert all(block.type == "text" for block in message.content)


def test_a_stream_is_the_answer_in_pieces(client, model):
    asked = dict(model=model, max_tokens=16, messages=ASK, extra_body={"temperature": 0})
    whole = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == "".join(block.text for block in whole.content)
    assert final.usage.output_tokens == whole.usage.output_tokens
    assert final.stop_reason == whole.stop_reason


def test_a_stop_sequence_is_named(client, model):
    asked = dict(model=model, max_tokens=32, messages=ASK, extra_body={"temperature": 0})
    text = client.messages.create(**asked).content[0].text
    stop = text.strip()[2:4]
    message = client.messages.create(stop_sequences=[stop], **asked)
    assert message.stop_reason == "stop_sequence" and message.stop_sequence == stop


def test_a_tool_is_called_and_answered(client, model):
    messages = [{"role": "user", "content": "What is the weather in Paris?"}]
    choice = {"type": "any", "disable_parallel_tool_use": True}
    asked = dict(model=model, max_tokens=200, tools=[WEATHER], extra_body={"temperature": 0})
    message = client.messages.create(messages=messages, tool_choice=choice, **asked)
    assert message.stop_reason == "tool_use"
    call = message.content[-1]
    assert call.type == "tool_use" and call.name == "get_weather" and call.input["city"] in ("Paris", "Lyon")
    with client.messages.stream(messages=messages, tool_choice=choice, **asked) as stream:
        streamed = stream.get_final_message().content[-1]
    assert streamed.input == call.input
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    messages += [{"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    assert client.messages.create(model=model, max_tokens=8, messages=messages, tools=[WEATHER]).usage


def test_an_answer_follows_a_schema(client, model):
    class Answer(BaseModel):
        yes: bool

    message = client.messages.parse(model=model, max_tokens=64, messages=ASK, output_format=Answer)
    assert isinstance(message.parsed_output, Answer)


def test_an_answer_goes_on_with_the_clients_words(client, model):
    messages = [*ASK, {"role": "assistant", "content": "Hello,"}]
    assert client.messages.create(model=model, max_tokens=4, messages=messages).usage.output_tokens > 0


def test_tokens_are_counted(client, model):
    counted = client.messages.count_tokens(model=model, messages=ASK, system="Be brief.", tools=[WEATHER])
    message = client.messages.create(model=model, max_tokens=1, messages=ASK, system="Be brief.", tools=[WEATHER])
    usage = message.usage
    assert counted.input_tokens == usage.input_tokens + usage.cache_read_input_tokens


def test_models_are_listed(client, model):
    models = client.models.list()
    assert models.data[0].id == model and models.data[0].created_at.year >= 1970
    assert client.models.retrieve(model).id == model


def test_thinking_is_done_or_refused(client, model):
    try:
        message = client.messages.create(
            model=model, max_tokens=64, messages=ASK, thinking={"type": "enabled", "budget_tokens": 32}
        )
        assert message.content
    except anthropic.BadRequestError as error:
        assert "think" in error.message


def test_thoughts_and_words_stream_as_blocks_of_their_own(client, model):
    asked = dict(model=model, max_tokens=200, messages=ASK, thinking={"type": "enabled", "budget_tokens": 32})
    try:
        with client.messages.stream(**asked) as stream:
            kinds = [event.type for event in stream]
            message = stream.get_final_message()
    except anthropic.BadRequestError as error:
        assert "think" in error.message
        return
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop"
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == len(message.content)
    assert [block.type for block in message.content] in (["thinking", "text"], ["text"], ["thinking"])


@pytest.mark.parametrize("choice", [{"type": "auto"}, {"type": "none"}, {"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_tools_are_chosen_as_asked(client, model, choice):
    message = client.messages.create(model=model, max_tokens=200, messages=ASK, tools=[WEATHER], tool_choice=choice)
    calls = [block for block in message.content if block.type == "tool_use"]
    assert not (calls and choice["type"] == "none") and (calls or choice["type"] in ("auto", "none"))
    assert all(call.input["city"] in ("Paris", "Lyon") for call in calls)


def test_a_prompt_that_does_not_fit_is_known_as_such(client, model):
    with pytest.raises(anthropic.BadRequestError) as error:
        client.messages.create(model=model, max_tokens=1, messages=[{"role": "user", "content": "word " * 100_000}])
    assert error.value.body["error"]["message"].startswith("prompt is too long")


def test_errors_are_the_sdks(client, model):
    with pytest.raises(anthropic.NotFoundError) as missing:
        client.messages.create(model="no-such-model", max_tokens=1, messages=ASK)
    assert missing.value.body["error"]["type"] == "not_found_error"
    with pytest.raises(anthropic.BadRequestError) as image:
        source = {"type": "url", "url": "http://127.0.0.1:1/x.png"}
        content = [{"type": "image", "source": source}]
        client.messages.create(model=model, max_tokens=1, messages=[{"role": "user", "content": content}])
    assert "messages[0].content[0].type" in str(image.value)
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(model=model, max_tokens=1, messages=ASK, extra_body={"lost": 1})
    with pytest.raises(anthropic.BadRequestError):
        client.messages.create(
            model=model, max_tokens=1, messages=ASK, extra_headers={"anthropic-beta": "computer-use-2025-01-24"}
        )
