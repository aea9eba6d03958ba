"""The books, in Postgres."""

import atexit

from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

# Two workers may come here at once, and IF NOT EXISTS does not keep them apart: the lock does.
SCHEMA = """
    SELECT pg_advisory_xact_lock(2025);
    CREATE TABLE IF NOT EXISTS books (
        id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        title text    NOT NULL,
        read  boolean NOT NULL DEFAULT false
    )
"""


class Store:
    """Connects when it is first used, so that the app starts before its database does."""

    def __init__(self, url: str):
        self._has_schema = False
        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=4,
            timeout=5,
            open=False,
            check=ConnectionPool.check_connection,  # survives a restart of the database
            kwargs={"row_factory": dict_row},
        )
        atexit.register(self._pool.close)  # else its threads hold up a stop for seconds

    def books(self) -> list[dict]:
        with self._connection() as connection:
            return connection.execute("SELECT id, title, read FROM books ORDER BY id").fetchall()

    def add(self, title: str) -> None:
        with self._connection() as connection:
            connection.execute("INSERT INTO books (title) VALUES (%s)", (title,))

    def mark_read(self, book_id: int) -> None:
        with self._connection() as connection:
            connection.execute("UPDATE books SET read = true WHERE id = %s", (book_id,))

    def _connection(self):
        self._pool.open()
        if not self._has_schema:
            with self._pool.connection() as connection:
                connection.execute(SCHEMA)
            self._has_schema = True
        return self._pool.connection()
