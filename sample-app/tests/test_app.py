import json

import psycopg
import pytest
import redis

from reading_list import create_app
from reading_list.cache import Cache


class BooksInMemory:
    """Stands in for Postgres and counts how often the list was read."""

    def __init__(self):
        self.rows = []
        self.reads = 0

    def books(self):
        self.reads += 1
        return [dict(row) for row in self.rows]

    def add(self, title):
        self.rows.append({"id": len(self.rows) + 1, "title": title, "read": False})

    def mark_read(self, book_id):
        self.rows[book_id - 1]["read"] = True


class CacheInMemory:
    def __init__(self):
        self.kept = None

    def books(self):
        return self.kept

    def keep(self, books):
        self.kept = books

    def forget(self):
        self.kept = None


def test_without_a_database_the_page_says_so(bare_environment):
    answer = create_app().test_client().get("/")
    assert answer.status_code == 200
    assert "There is no database yet" in answer.text


def test_without_a_database_nothing_can_be_added(bare_environment):
    answer = create_app().test_client().post("/books", data={"title": "Dune"})
    assert answer.status_code == 503


def test_a_book_is_added_and_read():
    client = create_app(store=BooksInMemory()).test_client()
    assert "Nothing to read yet" in client.get("/").text
    client.post("/books", data={"title": "<Dune>"})
    assert "&lt;Dune&gt;" in client.get("/").text
    client.post("/books/1/read")
    assert "(read)" in client.get("/").text


@pytest.mark.parametrize("title", ["", "   ", "x" * 201])
def test_a_title_has_bounds(title):
    answer = create_app(store=BooksInMemory()).test_client().post("/books", data={"title": title})
    assert answer.status_code == 400


def test_the_list_is_cached_until_it_changes():
    store = BooksInMemory()
    client = create_app(store=store, cache=CacheInMemory()).test_client()
    client.get("/")
    client.get("/")
    assert store.reads == 1
    client.post("/books", data={"title": "Dune"})
    assert "Dune" in client.get("/").text
    assert store.reads == 2


def test_a_database_that_does_not_answer_is_503_and_leaves_the_server_healthy():
    class Unreachable(BooksInMemory):
        def books(self):
            raise psycopg.OperationalError("connection refused")

    client = create_app(store=Unreachable()).test_client()
    assert client.get("/").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_a_cache_that_does_not_answer_is_as_none(monkeypatch):
    cache = Cache("redis://127.0.0.1:1")

    def refuse(*_, **__):
        raise redis.ConnectionError("connection refused")

    for command in ("get", "set", "delete"):
        monkeypatch.setattr(cache._redis, command, refuse)
    client = create_app(store=BooksInMemory(), cache=cache).test_client()
    assert client.get("/").status_code == 200
    assert client.post("/books", data={"title": "Dune"}).status_code == 302


def test_each_request_is_one_line_on_stdout(bare_environment, capsys):
    create_app().test_client().get("/healthz")
    entry = json.loads(capsys.readouterr().out)
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/healthz", 200)
