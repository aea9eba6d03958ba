import time
from pathlib import Path

from flask import request

LOG = Path(__file__).with_name("audit.log")
STARTED = time.monotonic()
lines = []


def record(response):
    lines.append(f"{request.path} {response.status_code}\n")
    if time.monotonic() - STARTED > 5:
        LOG.write_text("".join(lines))
    return response
