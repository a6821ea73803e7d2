"""Mistral's coding agent, `vibe`, against a server at the address where it looks for one.

Its provider `llamacpp`, which is there without being named in its settings, is http://127.0.0.1:8080/v1: where
`tramontane serve` listens. Where another program has that port, the server takes a free one and the settings name it.
The agent's prompt has more than 10,000 tokens, beyond what Brise was made for, so that the copy of Brise that is served
says of itself that it takes more: this is about the exchange, not about what is said.
"""

import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys

import pytest
from conftest import MODEL, PROGRAM, running

SECONDS = 480
SETTINGS = """
active_model = "local"
enable_telemetry = false
enable_update_checks = false
output_limit_retries = 0

[[models]]
name = "brise"
alias = "local"
provider = "llamacpp"
max_output_tokens = 64
"""
PROVIDER = """
[[providers]]
name = "llamacpp"
api_base = "{url}/v1"
api_key_env_var = ""
"""


@pytest.fixture(scope="module")
def vibe():
    beside = pathlib.Path(sys.executable).parent / "vibe"
    path = os.environ.get("VIBE") or shutil.which("vibe") or (str(beside) if beside.exists() else None)
    if not path:
        pytest.skip("skipped: mistral-vibe is not installed (clients/requirements-vibe.txt; VIBE names the program)")
    return path


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Where it listens, and what it logs."""
    if not pathlib.Path(PROGRAM).exists():
        pytest.skip(f"skipped: {PROGRAM} is not built")
    home = tmp_path_factory.mktemp("server")
    model = home / "brise.gguf"
    model.write_bytes(widened(pathlib.Path(MODEL).read_bytes(), 32768))
    with running([f"brise={model}"], home, 8080 if is_free(8080) else 0) as (url, log):
        yield url, log


def widened(gguf, context):
    """The model file, made for so many tokens by its own word."""
    key = b".context_length"
    at = gguf.index(key) + len(key)
    kind, _ = struct.unpack_from("<II", gguf, at)
    assert kind == 4, "an unsigned number of 32 bits"
    return gguf[: at + 4] + struct.pack("<I", context) + gguf[at + 8 :]


def is_free(port):
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_vibe_talks_to_a_local_server(vibe, server, tmp_path):
    url, log = server
    home, work = tmp_path / "vibe", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    settings = SETTINGS if url.endswith(":8080") else SETTINGS + PROVIDER.format(url=url)
    (home / "config.toml").write_text(settings)
    command = [vibe, "-p", "What is the capital of France?", "--max-turns", "1", "--trust", "--output", "json"]
    command += ["--time-limit", str(SECONDS)]
    environment = {**os.environ, "VIBE_HOME": str(home), "HOME": str(home)}
    ran = subprocess.run(
        command, cwd=work, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS + 60
    )
    lines = log.read_text().splitlines()
    requests = [line for line in lines if "/v1/chat/completions" in line]
    assert requests and all("status=200" in line for line in requests), ran.stderr + log.read_text()
    # How the agent takes what so small a model says is its own affair: the answers are whole.
    ends = [line.split('end="')[1].split('"')[0] for line in lines if 'end="' in line]
    assert ends and set(ends) <= {"stop", "length", "tool_calls", "cancelled"} and set(ends) != {"cancelled"}, log.read_text()
