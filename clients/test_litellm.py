"""`litellm` against a running server, as an OpenAI-compatible provider."""

import os

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import litellm
import pytest

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]


@pytest.fixture(scope="module")
def settings(base_url, model):
    return {"model": f"openai/{model}", "api_base": f"{base_url}/v1", "api_key": "none", "num_retries": 0}


def test_completion_and_stream(settings):
    answer = litellm.completion(messages=QUESTION, temperature=0, **settings)
    assert answer.choices[0].message.content and answer.usage.total_tokens > 0
    pieces = litellm.completion(messages=QUESTION, temperature=0, stream=True, **settings)
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == answer.choices[0].message.content


def test_tools(settings):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": parameters}}]
    answer = litellm.completion(messages=QUESTION, tools=tools, tool_choice="required", max_tokens=1000, **settings)
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"


def test_embedding(settings):
    answer = litellm.embedding(input=["a cat", "a dog"], **settings)
    assert len(answer.data) == 2


def test_a_prompt_that_does_not_fit_is_known_as_such(settings):
    with pytest.raises(litellm.ContextWindowExceededError):
        litellm.completion(messages=[{"role": "user", "content": "word " * 100_000}], **settings)
