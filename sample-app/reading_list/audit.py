"""One line for each request, on stdout: the platform collects it, the image writes no file."""

import json
import sys
import time

from flask import request


def record(response):
    entry = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
    }
    print(json.dumps(entry), file=sys.stdout, flush=True)
    return response
