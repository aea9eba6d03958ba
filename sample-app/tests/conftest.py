import sys
from pathlib import Path

import pytest

SAMPLE_APP = Path(__file__).parents[1]
sys.path.insert(0, str(SAMPLE_APP))


@pytest.fixture
def bare_environment(monkeypatch):
    """No database, no cache, no commit: as after a plain `docker run`."""
    for variable in ("DATABASE_URL", "REDIS_URL", "GIT_SHA", "SERVER_STARTED"):
        monkeypatch.delenv(variable, raising=False)
