"""Exits 0 when the server answers /healthz with 200 in time, else 1. Docker's HEALTHCHECK runs it."""

import http.client
import sys


def healthy(port: int) -> bool:
    # Not urllib: it would ask a proxy that is set in the environment.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException) as error:
        print(f"/healthz: {error}")
        return False


if __name__ == "__main__":
    sys.exit(0 if healthy(8000) else 1)
