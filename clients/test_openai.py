"""The `openai` package, as people use it, against a running server."""

import base64
import json
import struct
from typing import Literal

import openai
import pytest
from pydantic import BaseModel

GET_WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a city",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "enum": ["Paris", "Lyon"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


class Place(BaseModel):
    city: Literal["Paris", "Lyon"]
    warm: bool


class GetWeather(BaseModel):
    """Weather of a city."""

    city: Literal["Paris", "Lyon"]


@pytest.fixture(scope="module")
def client(base_url):
    return openai.OpenAI(base_url=f"{base_url}/v1", api_key="none", timeout=120, max_retries=0)


def test_chat(client, model):
    answer = client.chat.completions.create(model=model, messages=QUESTION, temperature=0)
    assert answer.object == "chat.completion"
    assert answer.id.startswith("chatcmpl-")
    assert answer.system_fingerprint
    [choice] = answer.choices
    assert (choice.index, choice.finish_reason, choice.message.role) == (0, "stop", "assistant")
    assert choice.message.content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.usage.prompt_tokens_details.cached_tokens >= 0
    assert answer.usage.completion_tokens_details.reasoning_tokens == 0


def test_the_same_seed_gives_the_same_answer(client, model):
    ask = lambda **more: client.chat.completions.create(
        model=model, messages=QUESTION, temperature=1.5, max_tokens=16, **more
    )
    first = ask()
    assert ask(seed=first.seed).choices[0].message.content == first.choices[0].message.content


def test_stream(client, model):
    whole = client.chat.completions.create(model=model, messages=QUESTION, temperature=0, seed=1)
    chunks = list(
        client.chat.completions.create(
            model=model, messages=QUESTION, temperature=0, seed=1, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert text == whole.choices[0].message.content
    assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_stream_as_a_context(client, model):
    with client.chat.completions.stream(model=model, messages=QUESTION, temperature=0) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content


def test_several_answers_and_stops(client, model):
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, n=3, temperature=1, seed=5, max_completion_tokens=8, stop=["zzz", "yyy"]
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert all(choice.finish_reason in ("stop", "length") for choice in answer.choices)


def test_logprobs(client, model):
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, temperature=0, logprobs=True, top_logprobs=3, logit_bias={"5": -100}
    )
    tokens = answer.choices[0].logprobs.content
    assert b"".join(bytes(token.bytes) for token in tokens).decode() == answer.choices[0].message.content
    assert all(len(token.top_logprobs) == 3 and token.logprob <= 0 for token in tokens)


def test_a_stop_ends_the_answer_before_it(client, model):
    ask = lambda **more: client.chat.completions.create(model=model, messages=QUESTION, temperature=0, **more).choices[0]
    whole = ask().message.content
    stop = whole[3:6]
    stopped = ask(stop=stop)
    assert (stopped.message.content, stopped.finish_reason) == (whole[: whole.index(stop)], "stop")


def test_a_bias_keeps_a_token_out(client, model):
    ask = lambda **more: client.chat.completions.create(
        model=model, messages=QUESTION, temperature=0, max_tokens=1, logprobs=True, **more
    )
    word = ask().choices[0].logprobs.content[0].token
    [number] = client.post("/../tokenize", cast_to=object, body={"model": model, "content": word, "add_special": False})["tokens"]
    assert ask(logit_bias={str(number): -100}).choices[0].logprobs.content[0].token != word


@pytest.mark.parametrize("choice", ["auto", "none", None])
def test_tools_are_the_models_choice(client, model, choice):
    more = {"tool_choice": choice} if choice else {}
    answer = client.chat.completions.create(
        model=model, messages=QUESTION, tools=[GET_WEATHER], temperature=0, max_tokens=1000, **more
    )
    calls = answer.choices[0].message.tool_calls or []
    assert not (calls and choice == "none")
    assert all(json.loads(call.function.arguments)["city"] in ("Paris", "Lyon") for call in calls)
    assert bool(calls) == (answer.choices[0].finish_reason == "tool_calls")


def test_several_tools_and_calls(client, model):
    other = json.loads(json.dumps(GET_WEATHER).replace("get_weather", "get_time"))
    answer = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "Weather and time in Paris and Lyon?"}],
        tools=[GET_WEATHER, other],
        tool_choice="required",
        parallel_tool_calls=True,
        temperature=0,
        max_tokens=1000,
    )
    calls = answer.choices[0].message.tool_calls
    assert len({call.id for call in calls}) == len(calls) > 0
    assert all(call.id.isalnum() and len(call.id) == 9 for call in calls)
    assert {call.function.name for call in calls} <= {"get_weather", "get_time"}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_tools(client, model, choice):
    messages = [{"role": "user", "content": "What is the weather like in Paris?"}]
    ask = lambda **more: client.chat.completions.create(
        model=model, messages=messages, tools=[GET_WEATHER], temperature=0, **more
    )
    answer = ask(tool_choice=choice, parallel_tool_calls=False)
    assert answer.choices[0].finish_reason == "tool_calls"
    [call] = answer.choices[0].message.tool_calls
    assert call.function.name == "get_weather" and len(call.id) == 9
    assert json.loads(call.function.arguments)["city"] in ("Paris", "Lyon")
    messages.append(answer.choices[0].message)
    messages.append({"role": "tool", "tool_call_id": call.id, "content": "18 degrees"})
    again = ask(tool_choice="none")
    assert again.choices[0].message.tool_calls is None
    assert again.choices[0].message.content


def test_tools_stream(client, model):
    messages = [{"role": "user", "content": "What is the weather like in Paris?"}]
    with client.chat.completions.stream(
        model=model, messages=messages, tools=[GET_WEATHER], tool_choice="required", temperature=0
    ) as stream:
        kinds = {event.type for event in stream}
        message = stream.get_final_completion().choices[0].message
    assert "tool_calls.function.arguments.done" in kinds
    assert message.tool_calls[0].function.parsed_arguments["city"] in ("Paris", "Lyon")


def test_parse(client, model):
    answer = client.chat.completions.parse(model=model, messages=QUESTION, response_format=Place, max_tokens=1000)
    assert isinstance(answer.choices[0].message.parsed, Place)
    tools = [openai.pydantic_function_tool(GetWeather)]
    answer = client.chat.completions.parse(
        model=model, messages=QUESTION, tools=tools, tool_choice="required", max_tokens=1000
    )
    assert isinstance(answer.choices[0].message.tool_calls[0].function.parsed_arguments, GetWeather)


def test_json_object(client, model):
    messages = [{"role": "user", "content": "Answer in JSON: where is Paris?"}]
    answer = client.chat.completions.create(
        model=model, messages=messages, response_format={"type": "json_object"}, temperature=0, max_tokens=1000
    )
    if answer.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(answer.choices[0].message.content), dict)


def test_completions(client, model):
    answer = client.completions.create(model=model, prompt=["The capital", "A cat"], max_tokens=4, temperature=0, n=2)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    answer = client.completions.create(model=model, prompt="The capital", logprobs=2, max_tokens=4, echo=False)
    assert len(answer.choices[0].logprobs.tokens) == len(answer.choices[0].logprobs.token_logprobs)
    text = "".join(
        chunk.choices[0].text
        for chunk in client.completions.create(model=model, prompt="The capital", max_tokens=4, stream=True)
    )
    assert text


def test_a_gap_is_filled_or_the_model_cannot(client, model):
    asked = dict(model=model, prompt="def add(a, b):\n", suffix="\n    return c", max_tokens=8, temperature=0)
    try:
        whole = client.completions.create(**asked)
    except openai.BadRequestError as error:
        assert error.param == "suffix"
        return
    text = "".join(chunk.choices[0].text for chunk in client.completions.create(stream=True, **asked))
    assert text == whole.choices[0].text


def test_responses(client, model):
    answer = client.responses.create(model=model, input="What is the capital of France?", temperature=0)
    assert answer.status == "completed" and answer.output_text
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    conversation = [{"role": "user", "content": "What is the capital of France?"}]
    conversation += answer.output
    conversation.append({"role": "user", "content": "And of Italy?"})
    again = client.responses.create(
        model=model, input=conversation, instructions="Be brief.", store=False, include=["reasoning.encrypted_content"]
    )
    assert again.output_text is not None and again.previous_response_id is None


def test_responses_stream(client, model):
    with client.responses.stream(model=model, input="What is the capital of France?", temperature=0) as stream:
        events = list(stream)
        final = stream.get_final_response()
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == final.output_text


def test_responses_tools_and_parse(client, model):
    tool = {"type": "function", **GET_WEATHER["function"]}
    conversation = [{"role": "user", "content": "What is the weather like in Paris?"}]
    answer = client.responses.create(
        model=model, input=conversation, tools=[tool], tool_choice="required", parallel_tool_calls=False
    )
    call = answer.output[-1]
    assert call.type == "function_call" and json.loads(call.arguments)["city"] in ("Paris", "Lyon")
    conversation += answer.output
    conversation.append({"type": "function_call_output", "call_id": call.call_id, "output": "18 degrees"})
    answer = client.responses.create(model=model, input=conversation, tools=[tool], tool_choice="none")
    assert answer.output_text
    parsed = client.responses.parse(model=model, input="Where?", text_format=Place, max_output_tokens=1000)
    assert isinstance(parsed.output_parsed, Place)


def test_embeddings(client, model):
    # The package asks for base64 where nobody says otherwise, and makes doubles of the floats.
    answer = client.embeddings.create(model=model, input=["a cat", "a dog"])
    floats = client.embeddings.create(model=model, input=["a cat", "a dog"], encoding_format="float")
    as_f32 = lambda vector: struct.pack(f"<{len(vector)}f", *vector)
    assert [as_f32(one.embedding) for one in answer.data] == [as_f32(one.embedding) for one in floats.data]
    assert abs(sum(x * x for x in answer.data[0].embedding) - 1) < 1e-4
    raw = client.embeddings.create(model=model, input="a cat", encoding_format="base64").data[0].embedding
    assert (base64.b64decode(raw) if isinstance(raw, str) else as_f32(raw)) == as_f32(answer.data[0].embedding)


def test_answers_are_named_in_the_log(client, model):
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=QUESTION, max_tokens=1, extra_headers={"x-request-id": "my-own-id"}
    )
    assert raw.headers["x-request-id"] == "my-own-id"
    assert client.chat.completions.with_raw_response.create(model=model, messages=QUESTION, max_tokens=1).request_id


def test_models(client, model):
    assert model in [one.id for one in client.models.list()]
    assert client.models.retrieve(model).id == model


def test_errors(client, model):
    with pytest.raises(openai.NotFoundError) as error:
        client.chat.completions.create(model="no-such-model", messages=QUESTION)
    assert error.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model=model, messages=QUESTION, temperature=9)
    assert error.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model=model, messages=QUESTION, extra_body={"frobnicate": 1})
    assert (error.value.param, error.value.code) == ("frobnicate", "unknown_parameter")
    with pytest.raises(openai.BadRequestError) as error:
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "word " * 100_000}])
    assert error.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError) as error:
        client.responses.create(model=model, input="x", previous_response_id="resp_1")
    assert error.value.param == "previous_response_id"
    with pytest.raises(openai.BadRequestError) as error:
        client.embeddings.create(model=model, input="x", dimensions=3)
    assert error.value.param == "dimensions"


@pytest.mark.parametrize("closed", ["early", "late"])
def test_a_stream_can_be_left(client, model, closed):
    stream = client.chat.completions.create(model=model, messages=QUESTION, stream=True)
    for chunk in stream:
        if closed == "early":
            break
    stream.close()
    assert client.chat.completions.create(model=model, messages=QUESTION, max_tokens=1).choices
