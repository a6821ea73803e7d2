"""`langchain-openai` against a running server."""

from typing import Literal

import pytest
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from pydantic import BaseModel


class Place(BaseModel):
    """A place."""

    city: Literal["Paris", "Lyon"]
    warm: bool


@tool
def get_weather(city: Literal["Paris", "Lyon"]) -> str:
    """Weather of a city."""
    return f"18 degrees in {city}"


@pytest.fixture(scope="module")
def chat(base_url, model):
    return ChatOpenAI(base_url=f"{base_url}/v1", api_key="none", model=model, temperature=0, max_retries=0)


def test_invoke_and_stream(chat):
    messages = [SystemMessage("Be brief."), HumanMessage("What is the capital of France?")]
    answer = chat.invoke(messages)
    assert answer.content and answer.usage_metadata["output_tokens"] > 0
    assert answer.response_metadata["finish_reason"] == "stop"
    assert "".join(chunk.content for chunk in chat.stream(messages)) == answer.content


def test_tools(chat):
    bound = chat.bind_tools([get_weather], tool_choice="any", strict=True, parallel_tool_calls=False)
    messages = [HumanMessage("What is the weather like in Paris?")]
    answer = bound.invoke(messages)
    [call] = answer.tool_calls
    assert call["name"] == "get_weather" and isinstance(call["args"]["city"], str)
    messages += [answer, ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"], name="get_weather")]
    assert chat.invoke(messages).content


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(chat, method):
    limited = chat.model_copy(update={"max_tokens": 1000})
    assert isinstance(limited.with_structured_output(Place, method=method, strict=True).invoke("Where is it warm?"), Place)


def test_responses_api(base_url, model):
    chat = ChatOpenAI(base_url=f"{base_url}/v1", api_key="none", model=model, use_responses_api=True, max_retries=0)
    answer = chat.invoke("What is the capital of France?")
    assert answer.text
    assert "".join(chunk.text for chunk in chat.stream("What is the capital of France?"))


def test_completion(base_url, model):
    assert OpenAI(base_url=f"{base_url}/v1", api_key="none", model=model, max_tokens=4).invoke("The capital")


def test_embeddings(base_url, model):
    embeddings = OpenAIEmbeddings(
        base_url=f"{base_url}/v1", api_key="none", model=model, check_embedding_ctx_length=False
    )
    vectors = embeddings.embed_documents(["a cat", "a dog"])
    assert len(vectors) == 2 and len(vectors[0]) == len(vectors[1])
