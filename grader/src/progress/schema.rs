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
    attempt   INTEGER NOT NULL REFERENCES attempts ON DELETE CASCADE,
    assertion TEXT NOT NULL,
    PRIMARY KEY (attempt, assertion)
) STRICT, WITHOUT ROWID;

-- One row for each exercise, so that a list costs the same after ten attempts and ten thousand.
CREATE TABLE exercises (
    exercise   TEXT PRIMARY KEY,
    attempts   INTEGER NOT NULL,
    last       INTEGER NOT NULL REFERENCES attempts,
    first_pass INTEGER REFERENCES attempts
) STRICT, WITHOUT ROWID;

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
    apply(connection, MIGRATIONS)
}

fn apply(connection: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    // A newer format than all of these has none to come.
    let next = |format: i64| usize::try_from(format).ok().and_then(|format| migrations.get(format));
    while next(format(connection)?).is_some() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        // Asked again under the lock: another process may have been first.
        let found = format(&transaction)?;
        if let Some(migration) = next(found) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_database_becomes_newer_in_whole_steps() {
        let mut connection = Connection::open_in_memory().unwrap();
        let steps =
            ["CREATE TABLE a (x)", "CREATE TABLE b (x); INSERT INTO a VALUES (1)", "CREATE TABLE c (x)"];
        apply(&mut connection, &steps[..1]).unwrap();
        assert_eq!(format(&connection).unwrap(), 1);

        // The second half of a step fails: the first half has not happened either.
        assert!(apply(&mut connection, &[steps[0], steps[1], "CREATE TABLE d (x); nonsense"]).is_err());
        assert_eq!(format(&connection).unwrap(), 2);
        assert!(connection.prepare("SELECT * FROM d").is_err());

        apply(&mut connection, &steps).unwrap();
        assert_eq!(format(&connection).unwrap(), 3);
        let rows: i64 = connection.query_row("SELECT count(*) FROM a", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1, "no step ran twice");
    }
}
