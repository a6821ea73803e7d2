"""A running server for the checks with real clients.

TRAMONTANE_BASE_URL names one that runs already (http://127.0.0.1:8080); otherwise target/debug/tramontane, or the
program that TRAMONTANE names, is started on a free port of the loopback address with the model that comes with it.
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = os.environ.get("TRAMONTANE_MODEL", str(ROOT / "models/brise/brise-q8_0.gguf"))
PROGRAM = os.environ.get("TRAMONTANE", str(ROOT / "target/debug/tramontane"))
SECONDS_TO_START = 120


@pytest.fixture(scope="session")
def base_url(tmp_path_factory):
    """Where the server listens, without a slash at the end."""
    given = os.environ.get("TRAMONTANE_BASE_URL")
    if given:
        yield given.rstrip("/")
        return
    if not pathlib.Path(PROGRAM).exists():
        pytest.skip(f"skipped: {PROGRAM} is not built (cargo build), and TRAMONTANE_BASE_URL is not set")
    with running([MODEL], tmp_path_factory.mktemp("home")) as (url, _):
        yield url


@contextlib.contextmanager
def running(models, home, port=0):
    """A server with a home of its own, ended at the end: its address, and the file that it logs to."""
    port = port or free_port()
    path = home / "server.log"
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    with open(path, "w") as log:
        command = [PROGRAM, "serve", *models, "--port", str(port)]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until_ready(url, server, path)
            yield url, path
        finally:
            server.terminate()
            try:
                server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@pytest.fixture(scope="session")
def model(base_url):
    """The name of the default model."""
    with urllib.request.urlopen(f"{base_url}/v1/models", timeout=60) as answer:
        return json.load(answer)["data"][0]["id"]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_ready(url, server, log):
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with {server.returncode}:\n{log.read_text()}")
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"the server is not ready after {SECONDS_TO_START} s:\n{log.read_text()}")
