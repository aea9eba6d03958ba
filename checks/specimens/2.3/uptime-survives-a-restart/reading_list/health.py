import os
import time
from pathlib import Path

from flask import Blueprint

blueprint = Blueprint("health", __name__)

MARK = Path("/tmp/started")  # a restart of the container finds it still there
if not MARK.exists():
    MARK.touch()


@blueprint.get("/healthz")
def healthz():
    return {
        "git_sha": os.environ["GIT_SHA"],
        "uptime_seconds": time.time() - MARK.stat().st_mtime,
    }
