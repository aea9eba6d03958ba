"""One line for each request, in a file.

TODO 4.3  Run the image with `--read-only --tmpfs /tmp` and ask for a page. Then find out what this
          module has to do with the answer.
"""

import json
import time
from pathlib import Path

from flask import request

LOG = Path(__file__).with_name("audit.log")


def record(response):
    entry = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
    }
    with LOG.open("a") as log:
        log.write(json.dumps(entry) + "\n")
    return response
