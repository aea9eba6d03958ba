"""How gunicorn serves the reading list; gunicorn reads it from the working directory."""

import os
import time

bind = "0.0.0.0:8000"
workers = 2
threads = 4
graceful_timeout = 8  # seconds; `docker stop` kills after 10

# The image's file system may be read-only: heartbeats go to memory, no control socket is made.
worker_tmp_dir = "/dev/shm"
control_socket_disable = True


def on_starting(server):
    """Notes the server's start once, before the workers are made, so that all tell one uptime."""
    os.environ["SERVER_STARTED"] = str(time.monotonic())
