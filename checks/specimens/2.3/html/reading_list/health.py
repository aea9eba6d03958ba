import os

from flask import Blueprint

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz():
    return f"<h1>All is well</h1><p>git_sha: {os.environ['GIT_SHA']}</p>"
