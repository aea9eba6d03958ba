import os
import time

from flask import Blueprint

blueprint = Blueprint("health", __name__)
STARTED = float(os.environ["SERVER_STARTED"])


@blueprint.get("/healthz")
def healthz():
    return {
        "git_sha": os.environ["GIT_SHA"][:7],
        "uptime_seconds": time.monotonic() - STARTED,
    }
