"""`/healthz`: which commit this is and for how many seconds the server has been up."""

import os
import time

from flask import Blueprint

blueprint = Blueprint("health", __name__)

# gunicorn.conf.py notes the start of the server; without gunicorn it is when this was imported.
# The clock is monotonic: it never jumps, and all processes of a machine share it.
STARTED = float(os.environ.get("SERVER_STARTED") or time.monotonic())


@blueprint.get("/healthz")
def healthz():
    # The database is not asked: to restart this server would not mend it.
    return {
        "status": "ok",
        "git_sha": os.environ.get("GIT_SHA", "unknown"),
        "uptime_seconds": round(time.monotonic() - STARTED, 3),
    }
