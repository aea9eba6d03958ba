# How cargo is called by demo and test alike, so that nothing is compiled twice. Sourced, never run.
# shellcheck shell=bash

# No RUSTFLAGS and no other linker: since 1.90 Rust brings the fast lld itself, and what a plain
# `cargo build` made is then of use to these scripts too.
if [[ ${CI:-} == true ]]; then
    # A fresh clone is built once: what incremental builds keep beside it is written for nothing.
    export CARGO_INCREMENTAL=0
fi

target_dir() { printf '%s\n' "${CARGO_TARGET_DIR:-target}"; }
