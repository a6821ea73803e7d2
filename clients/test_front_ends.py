"""What popular front ends send where nobody has changed their settings: each request is answered.

The shapes are those of the programs' own sources, with the texts cut short. They are sent as they are, without an SDK that
would repair them; `says` is what is in an answer that is whole.
"""

import json
import pathlib
import urllib.error
import urllib.request

import pytest

SHAPES = json.loads((pathlib.Path(__file__).parent / "front_ends.json").read_text())


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["name"])
def test_a_front_end_is_at_home(base_url, model, shape):
    body = shape.get("body")
    if body is not None:
        body = json.dumps(body).replace('"MODEL"', json.dumps(model)).encode()
    headers = {"content-type": "application/json"} if body is not None else {}
    method = shape.get("method", "GET" if body is None else "POST")
    request = urllib.request.Request(base_url + shape["path"], body, {**headers, **shape.get("headers", {})}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=300) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        pytest.fail(f"{error.code}: {error.read().decode()}")
    assert shape.get("says", "") in text, text
    assert '"error":{' not in text and "event: error" not in text, text
