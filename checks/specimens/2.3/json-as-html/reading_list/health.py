import json
import os
import time

from flask import Blueprint

blueprint = Blueprint("health", __name__)
STARTED = float(os.environ["SERVER_STARTED"])


@blueprint.get("/healthz")
def healthz():
    return json.dumps(  # a string, which Flask sends as text/html
        {
            "git_sha": os.environ["GIT_SHA"],
            "uptime_seconds": time.monotonic() - STARTED,
        }
    )
