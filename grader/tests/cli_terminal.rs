//! On a real terminal: questions are asked, and a running check is seen.

mod cli;

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use cli::{Bench, bread, obeyed};
use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// What a terminal of so many columns showed, how the program ended, and when the first sign was seen.
struct Shown {
    text: String,
    code: i32,
    first_sign: Duration,
}

fn on_a_terminal(mut command: Command, columns: u16, typed: &str) -> Shown {
    let (terminal, program) = terminal(columns);
    let end = || Stdio::from(program.try_clone().expect("another end"));
    let began = Instant::now();
    let mut child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("the grader runs");
    drop(program);
    drop(command);
    let mut keys = File::from(terminal.try_clone().expect("another end"));
    keys.write_all(typed.as_bytes()).expect("keys");
    let reader = thread::spawn(move || {
        let mut screen = File::from(terminal);
        let (mut seen, mut part, mut first_sign) = (Vec::new(), [0; 4096], None);
        // A terminal whose program has ended gives an error and not an end.
        while let Ok(count @ 1..) = screen.read(&mut part) {
            first_sign.get_or_insert_with(|| began.elapsed());
            seen.extend_from_slice(&part[..count]);
        }
        (seen, first_sign.unwrap_or(Duration::MAX))
    });
    let code = child.wait().expect("it ends").code().expect("an exit code");
    let (seen, first_sign) = reader.join().expect("the screen was read");
    Shown { text: String::from_utf8_lossy(&seen).into_owned(), code, first_sign }
}

/// Both ends of a new terminal: ours, and the program's.
fn terminal(columns: u16) -> (OwnedFd, OwnedFd) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("its other end");
    let name = ptsname(&ours, Vec::new()).expect("its name");
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
    let size = Winsize { ws_row: 40, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&theirs, size).expect("its size");
    (ours, theirs)
}

fn command(bench: &Bench, arguments: &[&str]) -> Command {
    let mut command = bench.command(arguments);
    command.env_remove("GRADER_WIDTH").env("TERM", "xterm-256color");
    command
}

#[test]
fn init_asks_four_questions_and_shows_what_it_will_write() {
    let bench = Bench::new().with("GRADER_WORKBOOK", bread().to_str().unwrap());
    let typed = "My Loaf\nloaf\n\nAda\nada@example.org\ny\n";
    let shown = on_a_terminal(command(&bench, &["init", "course"]), 80, typed);
    assert_eq!(shown.code, 0, "{}", shown.text);
    for part in [
        "Name of your app, and of its image [myapp]: ",
        "`My Loaf` is no name of an image",
        "Its folder [app]: ",
        "Your id, for reports",
        "These files will be written into course:",
        "  answers/1.1.toml",
        "Write them? [Y/n]: ",
        "grader check 1.1",
    ] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    let file = std::fs::read_to_string(bench.path("course/workspace.toml")).unwrap();
    assert!(file.contains("image = \"loaf\"") && file.contains("id = \"ada@example.org\""), "{file}");
}

#[test]
fn a_no_writes_nothing() {
    let bench = Bench::new().with("GRADER_WORKBOOK", bread().to_str().unwrap());
    let shown = on_a_terminal(command(&bench, &["init", "course"]), 80, "\n\n\n\nn\n");
    assert!(shown.code == 3 && shown.text.contains("Nothing was written."), "{}", shown.text);
    assert!(!bench.path("course").exists());
}

#[test]
fn a_running_check_is_seen_at_once_and_leaves_its_card() {
    let bench = Bench::baking();
    for (columns, arguments) in [(80, &["check", "1.1"][..]), (30, &["check", "--all"])] {
        let shown = on_a_terminal(command(&bench, arguments), columns, "");
        assert_eq!(shown.code, 1, "{}", shown.text);
        assert!(shown.first_sign < Duration::from_secs(2), "{:?}", shown.first_sign);
        assert!(shown.text.contains("failed") && shown.text.contains("\u{1b}["), "{}", shown.text);
        assert!(shown.text.contains("looked at"), "{}", shown.text);
    }
}

#[test]
fn plain_quiet_and_colourless_terminals_are_left_alone() {
    let bench = Bench::baking();
    for (arguments, variable) in [
        (&["check", "1.1", "--plain", "--color", "never"][..], ("A", "b")),
        (&["check", "1.1", "--quiet"], ("NO_COLOR", "1")),
        (&["check", "1.1"], ("TERM", "dumb")),
        (&["list"], ("NO_COLOR", "1")),
    ] {
        let mut command = command(&bench, arguments);
        command.env(variable.0, variable.1);
        let shown = on_a_terminal(command, 80, "");
        let text = shown.text.replace('\r', "");
        assert!(!obeyed(text.as_bytes()), "{arguments:?}: {text:?}");
    }
}
