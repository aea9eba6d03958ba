//! Runs: from the exercises that were asked for to recorded attempts.
