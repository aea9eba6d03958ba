//! The container engine: connecting, making, looking, removing.
