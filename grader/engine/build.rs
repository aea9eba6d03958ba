//! Builds the helper (`helper/main.rs`): a static Linux program of a few kilobytes that is carried
//! inside the grader, since the machine that needs it may reach no registry.
//!
//! It needs nothing but the compiler and its `core` for Linux on the machine's processor. On macOS
//! that is one command (`rustup target add aarch64-unknown-linux-musl`). Without it the grader is
//! built all the same and says, where it would need the helper, that it has none.

use std::{env, ffi::OsString, path::Path, process::Command};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=helper/main.rs");
    println!("cargo::rustc-check-cfg=cfg(grader_helper)");
    match build() {
        Ok(()) => println!("cargo::rustc-cfg=grader_helper"),
        Err(why) => println!("cargo::warning=built without the helper: {why}"),
    }
}

fn build() -> Result<(), String> {
    let machine = variable("CARGO_CFG_TARGET_ARCH")?;
    let system = variable("CARGO_CFG_TARGET_OS")?;
    if !["x86_64", "aarch64"].contains(&machine.as_str()) {
        return Err(format!("it is not written for {machine}"));
    }
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?;
    let out = Path::new(&out).join("helper");
    let musl = format!("{machine}-unknown-linux-musl");
    let gnu = format!("{machine}-unknown-linux-gnu");
    let mut tries = Vec::new();
    if system == "linux" {
        // The target of the grader itself has its `core` installed, whatever it is.
        tries.push((variable("TARGET")?, Linker::Lld));
        if variable("TARGET")? == variable("HOST")? {
            tries.push((variable("TARGET")?, Linker::C));
        }
    }
    tries.extend([(musl.clone(), Linker::Lld), (gnu, Linker::Lld)]);
    let mut last = String::new();
    for (target, linker) in tries {
        match compile(&target, linker, &out) {
            Ok(()) => return Ok(()),
            Err(why) => last = why,
        }
    }
    Err(format!("{last}; try `rustup target add {musl}`"))
}

#[derive(Clone, Copy)]
enum Linker {
    /// Comes with the compiler.
    Lld,
    /// The system's C compiler.
    C,
}

fn compile(target: &str, linker: Linker, out: &Path) -> Result<(), String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let mut command = Command::new(rustc);
    command
        .args(["--edition", "2024", "--crate-type", "bin"])
        .args(["--crate-name", "grader_helper", "--target", target])
        .args(["-C", "opt-level=s", "-C", "panic=abort"])
        .args(["-C", "relocation-model=static", "-C", "strip=symbols"]);
    match linker {
        Linker::Lld => command
            .args(["-C", "link-self-contained=no"])
            .args(["-C", "linker=rust-lld", "-C", "linker-flavor=ld.lld"])
            .args(["-C", "link-args=-static -nostdlib --no-dynamic-linker"]),
        Linker::C => command.args(["-C", "link-args=-static -nostdlib -nostartfiles"]),
    };
    let output = command
        .arg("helper/main.rs")
        .arg("-o")
        .arg(out)
        .output()
        .map_err(|error| format!("the compiler cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let first = text.lines().find(|line| line.starts_with("error"));
    Err(format!("for {target}: {}", first.unwrap_or("the compiler failed")))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}
