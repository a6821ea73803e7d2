"""What /openapi.json says, asked of a running server with all that schemathesis makes up: no answer may be a 5xx.

It needs schemathesis, which is not in requirements.txt because it brings much along:

    python -m venv .venv-schemathesis && .venv-schemathesis/bin/pip install -r clients/requirements-schemathesis.txt
    .venv-schemathesis/bin/python -m pytest clients/test_schemathesis.py

Bounded: TRAMONTANE_EXAMPLES cases (25) of what is right and as many of what is wrong for each path, each answer a few
tokens long.
"""

import os
import urllib.request

import pytest

schemathesis = pytest.importorskip("schemathesis", reason="skipped: schemathesis is not installed")
from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from hypothesis.errors import Unsatisfiable  # noqa: E402

EXAMPLES = int(os.environ.get("TRAMONTANE_EXAMPLES", "25"))
SECONDS = 60
# What is never done here says 501 (docs/server.md): that is the answer, not a failure.
REFUSED = {"/v1/rerank", "/api/copy", "/api/create", "/api/delete", "/api/pull", "/api/push"}
TOKENS = 4
# What bounds the length of an answer.
LENGTHS = {
    "/v1/chat/completions": "max_tokens",
    "/v1/completions": "max_tokens",
    "/v1/fim/completions": "max_tokens",
    "/v1/messages": "max_tokens",
    "/v1/responses": "max_output_tokens",
    "/api/chat": "num_predict",
    "/api/generate": "num_predict",
}


def test_no_answer_is_a_failure_of_the_server(base_url, model):
    document = schemathesis.openapi.from_url(f"{base_url}/openapi.json")
    asked, statuses, failures = 0, {}, []
    for result in document.get_all_operations():
        operation = result.ok()
        if operation.path in REFUSED:
            continue
        for mode in schemathesis.GenerationMode:
            before = len(failures)
            for case, answer in answers(operation, mode, model):
                asked += 1
                statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
                if answer.status_code >= 500 and len(failures) == before:
                    failures.append(f"{answer.status_code} {answer.text[:500]}\n{case.as_curl_command()}")
    print(f"\n{asked} requests: {dict(sorted(statuses.items()))}")
    assert asked > EXAMPLES and not failures, "\n\n".join(failures)
    with urllib.request.urlopen(f"{base_url}/health", timeout=SECONDS) as answer:
        assert answer.status == 200


def answers(operation, mode, model):
    """Cases for a path and what the server says to them; every second one names the model, to get further."""
    seen = []

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        if len(seen) % 2 and isinstance(case.body, dict):
            case.body["model"] = model
        bounded(case)
        seen.append((case, case.call(timeout=SECONDS)))

    try:
        ask()
    except Unsatisfiable as error:
        # Nothing wrong can be said to a path that takes nothing.
        assert mode is schemathesis.GenerationMode.NEGATIVE, error
    return seen


def bounded(case):
    """A long answer says nothing more than a short one; lengths that are none stay."""
    body, path = case.body, case.operation.path
    if not isinstance(body, dict) or path not in LENGTHS:
        return
    length = LENGTHS[path]
    if length == "num_predict":
        body = body.get("options") or body.setdefault("options", {})
    if isinstance(body, dict) and (length not in body or is_long(body[length])):
        body[length] = TOKENS


def is_long(value):
    return value is None or (isinstance(value, (int, float)) and value > TOKENS)
