"""`/healthz`: what Docker asks, and later Azure, to learn whether this server works.

TODO 2.3  "OK" says too little. Answer with a JSON object that tells the git SHA of this build and
          for how many seconds the server has been up. Your workspace.toml names the two keys, and
          the build argument that brings the SHA.
"""

from flask import Blueprint

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz():
    return "OK\n", 200, {"Content-Type": "text/plain"}
