//! The tables of the progress database, and how an older database becomes a newer one.
//!
//! [`MIGRATIONS`] is counted by `PRAGMA user_version`; each entry runs in one exclusive transaction,
//! so that a killed process leaves the older database or the newer one, never something between.
//! A new kind of [`RunEvent`](super::RunEvent) is an entry too (an empty one): it tells an older
//! grader that it would not understand what it reads.

use rusqlite::{Connection, TransactionBehavior};

/// Marks a database as the grader's: the letters `grdr`.
pub(super) const APPLICATION: i64 = 0x6772_6472;

/// What made each format out of the one before. Append only: never edit or remove an entry.
const MIGRATIONS: &[&str] = &[FIRST];

/// The newest format that this grader reads and writes.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

const FIRST: &str = "
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('workspace', lower(hex(randomblob(16)))), ('recording', '0');

-- What lists and cards need of an attempt; short, so that many fit on a page.
-- AUTOINCREMENT: the number of an attempt that was not kept is never given again.
CREATE TABLE attempts (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    exercise    TEXT NOT NULL,
    title       TEXT NOT NULL,
    check_hash  TEXT NOT NULL,
    started     TEXT NOT NULL,
    duration_ms INTEGER NOT NULL,
    verdict     TEXT NOT NULL CHECK (verdict IN ('passed', 'failed', 'blocked', 'error')),
    subject     TEXT NOT NULL,
    kept        INTEGER NOT NULL DEFAULT 0 CHECK (kept IN (0, 1))
) STRICT;
CREATE INDEX attempts_of_exercise ON attempts (exercise, number);

CREATE TABLE judgements (
    attempt  INTEGER PRIMARY KEY REFERENCES attempts ON DELETE CASCADE,
    format   INTEGER NOT NULL,
    verdict  TEXT NOT NULL,
    outcomes TEXT NOT NULL
) STRICT;

CREATE TABLE evidence (
    attempt INTEGER PRIMARY KEY REFERENCES attempts ON DELETE CASCADE,
    format  INTEGER NOT NULL,
    json    TEXT NOT NULL
) STRICT;

-- An attempt's evidence judged by another check: beside the attempt, never over it.
CREATE TABLE rejudgements (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    attempt    INTEGER NOT NULL REFERENCES attempts ON DELETE CASCADE,
    title      TEXT NOT NULL,
    check_hash TEXT NOT NULL,
    at         TEXT NOT NULL,
    word       TEXT NOT NULL CHECK (word IN ('passed', 'failed', 'blocked', 'error')),
    format     INTEGER NOT NULL,
    verdict    TEXT NOT NULL,
    outcomes   TEXT NOT NULL
) STRICT;
CREATE INDEX rejudgements_of_attempt ON rejudgements (attempt, id);

-- Which assertions held in which attempt, by its newest judgement.
CREATE TABLE held (
    exercise  TEXT NOT NULL,
    assertion TEXT NOT NULL,
    attempt   INTEGER NOT NULL REFERENCES attempts ON DELETE CASCADE,
    PRIMARY KEY (exercise, assertion, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX held_in_attempt ON held (attempt);

-- One row for each exercise, so that a list costs the same after ten attempts and ten thousand.
CREATE TABLE exercises (
    exercise   TEXT PRIMARY KEY,
    attempts   INTEGER NOT NULL,
    last       INTEGER NOT NULL REFERENCES attempts,
    first_pass INTEGER REFERENCES attempts
) STRICT, WITHOUT ROWID;
CREATE INDEX exercises_by_last ON exercises (last);
CREATE INDEX exercises_by_first_pass ON exercises (first_pass);

CREATE TABLE hints (
    exercise TEXT PRIMARY KEY,
    taken    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    number           INTEGER PRIMARY KEY AUTOINCREMENT,
    id               TEXT NOT NULL UNIQUE,
    exercises        TEXT NOT NULL,
    started          TEXT NOT NULL,
    ended            TEXT,
    how              TEXT CHECK (how IN ('finished', 'cancelled', 'died')),
    cancel_requested INTEGER NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    CHECK ((ended IS NULL) = (how IS NULL))
) STRICT;
CREATE INDEX runs_not_ended ON runs (number) WHERE ended IS NULL;

-- AUTOINCREMENT: whoever has read up to a number must never meet it again.
CREATE TABLE events (
    seq   INTEGER PRIMARY KEY AUTOINCREMENT,
    run   INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    at    TEXT NOT NULL,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_run ON events (run);

-- Outlives its run: what a killed run left in an engine is removed by the next one.
CREATE TABLE made (
    run        TEXT NOT NULL,
    endpoint   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    made_at    TEXT NOT NULL,
    removed_at TEXT,
    PRIMARY KEY (run, endpoint, kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX made_not_removed ON made (run) WHERE removed_at IS NULL;

CREATE TRIGGER attempts_are_never_edited
BEFORE UPDATE OF number, exercise, title, check_hash, started, duration_ms, verdict, subject ON attempts
BEGIN SELECT RAISE(ABORT, 'attempts are never edited'); END;
CREATE TRIGGER judgements_are_never_edited BEFORE UPDATE ON judgements
BEGIN SELECT RAISE(ABORT, 'attempts are never edited'); END;
CREATE TRIGGER evidence_is_never_edited BEFORE UPDATE ON evidence
BEGIN SELECT RAISE(ABORT, 'attempts are never edited'); END;
";

/// Brings a database to the newest format, whichever of ours it has.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    while format(connection)? < NEWEST {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        // Asked again under the lock: another process may have been first.
        let found = format(&transaction)?;
        if let Some(migration) = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found)) {
            transaction.execute_batch(migration)?;
            transaction.pragma_update(None, "user_version", found + 1)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

/// The format of a database; 0 for one without any of our tables.
pub(super) fn format(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whose a database is, as it says itself.
pub(super) fn application(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}
