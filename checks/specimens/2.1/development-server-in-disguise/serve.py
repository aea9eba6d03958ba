"""Starts the development server so that neither its header nor its process tells."""

from reading_list import create_app
from werkzeug.serving import WSGIRequestHandler, run_simple


class Nameless(WSGIRequestHandler):
    def version_string(self):
        return "gunicorn"


run_simple("0.0.0.0", 8000, create_app(), request_handler=Nameless)
