//! Which attempts are kept: those that something rests on.

use rusqlite::{Transaction, params};

use super::error::Inside;

/// How many of the newest attempts of each exercise are kept.
pub const LAST_KEPT: u32 = 20;

/// Drops what nothing rests on of an exercise's attempts.
///
/// Kept are the last [`LAST_KEPT`], the first pass, those in a report, and for each assertion the
/// newest attempt in which it held: a `once` assertion would else be lost by trying on.
pub(super) fn prune(transaction: &Transaction<'_>, exercise: &str) -> Result<(), Inside> {
    transaction
        .prepare_cached(
            "DELETE FROM attempts WHERE exercise = ?1 AND kept = 0
             AND number < (SELECT min(number) FROM
                 (SELECT number FROM attempts WHERE exercise = ?1 ORDER BY number DESC LIMIT ?2))
             AND number IS NOT (SELECT first_pass FROM exercises WHERE exercise = ?1)
             AND number NOT IN
                 (SELECT max(h.attempt) FROM attempts a JOIN held h ON h.attempt = a.number
                  WHERE a.exercise = ?1 GROUP BY h.assertion)",
        )?
        .execute(params![exercise, LAST_KEPT])?;
    Ok(())
}
