"""A reading list: books in Postgres, the list cached in Redis. Start at `create_app`."""

import os

import psycopg
from flask import Flask, abort, redirect, render_template, request

from . import audit, health
from .cache import Cache
from .store import Store

LONGEST_TITLE = 200


def create_app(store=None, cache=None) -> Flask:
    """Returns the app; without store and cache they are those of DATABASE_URL and REDIS_URL, if set."""
    app = Flask(__name__)
    store = store or _from_environment("DATABASE_URL", Store)
    cache = cache or _from_environment("REDIS_URL", Cache)

    app.register_blueprint(health.blueprint)
    app.after_request(audit.record)

    @app.get("/")
    def index():
        if store is None:
            return render_template("index.html", books=None)
        books = cache.books() if cache else None
        if books is None:
            books = store.books()
            if cache:
                cache.keep(books)
        return render_template("index.html", books=books)

    @app.post("/books")
    def add():
        title = request.form.get("title", "").strip()
        if not 0 < len(title) <= LONGEST_TITLE:
            abort(400, f"A title has 1 to {LONGEST_TITLE} characters.")
        return _change(lambda: store.add(title))

    @app.post("/books/<int:book_id>/read")
    def mark_read(book_id):
        return _change(lambda: store.mark_read(book_id))

    def _change(change):
        if store is None:
            abort(503, "There is no database: set DATABASE_URL.")
        change()
        if cache:
            cache.forget()
        return redirect("/")

    @app.errorhandler(psycopg.OperationalError)
    def no_database(error):
        app.logger.error("database: %s", error)
        return "The database does not answer.\n", 503, {"Content-Type": "text/plain"}

    return app


def _from_environment(variable: str, make):
    url = os.environ.get(variable)
    return make(url) if url else None
