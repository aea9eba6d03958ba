//! What progress promises.
