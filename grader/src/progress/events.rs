//! The stream of run events as rows, so that every process can follow a check that another one runs.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::{
    Progress, RunEvent,
    error::{Inside, ProgressError},
    form::{from_json, now, parsed, to_json},
};

impl Progress {
    /// Returns the events after a place in the stream, in order: place, run, time, event.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn events_after(&self, seq: i64) -> Result<Vec<(i64, String, Timestamp, RunEvent)>, ProgressError> {
        self.read("read what happened", |connection| {
            let mut query = connection.prepare_cached(
                "SELECT e.seq, r.id, e.at, e.event FROM events e JOIN runs r ON r.number = e.run
                 WHERE e.seq > ?1 ORDER BY e.seq",
            )?;
            let rows = query.query_map([seq], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?, row.get::<_, String>(3)?))
            })?;
            rows.map(|row| {
                let (seq, run, at, event): (i64, _, _, _) = row?;
                let at = parsed(|| format!("the time of event {seq}"), &at)?;
                let event = from_json(|| format!("event {seq}"), &event)?;
                Ok((seq, run, at, event))
            })
            .collect()
        })
    }

    /// Returns the place of the newest event ever; 0 before the first. Who begins to follow, begins there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn newest_event(&self) -> Result<i64, ProgressError> {
        self.read("read the place of the newest event", |connection| {
            let query = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'";
            Ok(connection.prepare_cached(query)?.query_row([], |row| row.get(0))?)
        })
    }
}

pub(super) fn append(transaction: &Transaction<'_>, run: i64, event: &RunEvent) -> Result<i64, Inside> {
    transaction
        .prepare_cached("INSERT INTO events (run, at, event) VALUES (?1, ?2, ?3)")?
        .execute(params![run, now(), to_json("the event", event)?])?;
    Ok(transaction.last_insert_rowid())
}

/// Says whether a run's stream has its end.
pub(super) fn has_end(transaction: &Transaction<'_>, run: i64) -> Result<bool, Inside> {
    let mut query = transaction.prepare_cached("SELECT event FROM events WHERE run = ?1")?;
    let rows = query.query_map([run], |row| row.get::<_, String>(0))?;
    for row in rows {
        let event: RunEvent = from_json(|| "an event of the run".into(), &row?)?;
        match event {
            RunEvent::RunFinished { .. } => return Ok(true),
            RunEvent::RunStarted { .. }
            | RunEvent::CheckStarted { .. }
            | RunEvent::Step(_)
            | RunEvent::ProbeFinished { .. }
            | RunEvent::CheckFinished { .. } => {}
        }
    }
    Ok(false)
}
