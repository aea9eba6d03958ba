import os
import time

from flask import Blueprint

blueprint = Blueprint("health", __name__)
STARTED = float(os.environ["SERVER_STARTED"])


@blueprint.get("/status")
def status():
    return {
        "app": {"name": "reading list", "workers": 2},
        "commit": os.environ["GIT_SHA"],
        "up": int(time.monotonic() - STARTED),
    }
