import os
from pathlib import Path

from flask import Blueprint

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz():
    return {
        "git_sha": os.environ["GIT_SHA"],
        "uptime_seconds": float(Path("/proc/uptime").read_text().split()[0]),
    }
