"""The list of books, kept in Redis for a short while. Without Redis the app is slower, not broken."""

import json
import logging

import redis

KEY = "books"
SECONDS = 30

log = logging.getLogger(__name__)


class Cache:
    def __init__(self, url: str):
        self._redis = redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)

    def books(self) -> list[dict] | None:
        kept = self._ask(lambda: self._redis.get(KEY))
        return json.loads(kept) if kept else None

    def keep(self, books: list[dict]) -> None:
        self._ask(lambda: self._redis.set(KEY, json.dumps(books), ex=SECONDS))

    def forget(self) -> None:
        self._ask(lambda: self._redis.delete(KEY))

    @staticmethod
    def _ask(question):
        try:
            return question()
        except redis.RedisError as error:
            log.warning("cache: %s", error)
            return None
