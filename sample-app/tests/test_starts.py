"""What learners start from is this app with faults: everything else of it is the same, byte for byte."""

import pytest
from conftest import SAMPLE_APP

START = SAMPLE_APP.parent / "exercises"
FLAWED = {
    "Dockerfile": "02-image",
    "requirements.txt": "02-image",
    "compose.yaml": "03-local-loop",
    "reading_list/health.py": "02-image",
    "reading_list/audit.py": "04-hardening",
}


def _started_from():
    return {
        str(path.relative_to(chapter / "app")): path
        for chapter in sorted(START.iterdir())
        for path in (chapter / "app").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_chapters_share_no_file():
    files = [
        path.relative_to(chapter / "app")
        for chapter in START.iterdir()
        for path in (chapter / "app").rglob("*")
        if path.is_file()
    ]
    assert len(files) == len(set(files))


@pytest.mark.parametrize("name, path", _started_from().items())
def test_a_start_differs_from_the_finished_app_in_its_faults_alone(name, path):
    finished = SAMPLE_APP / name
    if not finished.exists():
        assert name == "start.sh"
    elif name in FLAWED:
        assert path == START / FLAWED[name] / "app" / name
        assert path.read_bytes() != finished.read_bytes()
        assert "TODO" in path.read_text() or name == "requirements.txt"
    else:
        assert path.read_bytes() == finished.read_bytes()
