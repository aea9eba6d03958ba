import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest
from conftest import SAMPLE_APP

from healthcheck import healthy
from reading_list import create_app


def test_healthz_is_json_with_commit_and_uptime(bare_environment, monkeypatch):
    monkeypatch.setenv("GIT_SHA", "3f9c2ab")
    answer = create_app().test_client().get("/healthz")
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    assert answer.json["status"] == "ok"
    assert answer.json["git_sha"] == "3f9c2ab"
    assert answer.json["uptime_seconds"] >= 0


def test_healthz_without_a_commit_says_unknown(bare_environment):
    assert create_app().test_client().get("/healthz").json["git_sha"] == "unknown"


@pytest.fixture
def server(bare_environment):
    """gunicorn as the image runs it, on a free port; yields the port and how to start another."""
    started = []

    def start():
        port = _free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "reading_list:create_app()"],
            cwd=SAMPLE_APP,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        )
        started.append(process)
        deadline = time.monotonic() + 20
        while not healthy(port):
            assert time.monotonic() < deadline, "the server did not come up"
            time.sleep(0.1)
        return process, port

    yield start
    for process in started:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(timeout=20)


def test_all_workers_tell_one_uptime_that_starts_again_with_the_server(server):
    first, port = server()
    began = time.monotonic()
    offsets = []
    for _ in range(40):  # several connections, so that both workers answer
        offsets.append(_uptime(port) - (time.monotonic() - began))
    assert max(offsets) - min(offsets) < 0.5
    time.sleep(2)
    before = _uptime(port)
    first.terminate()
    first.wait(timeout=20)
    _, port = server()
    assert _uptime(port) < before


def test_the_health_check_notices_a_stopped_server():
    with socket.socket() as listener:  # accepts connections, as a stopped server's kernel does
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        assert not healthy(listener.getsockname()[1])
    assert not healthy(_free_port())


def _uptime(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
        return json.load(answer)["uptime_seconds"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
