//! `watch` without an engine: whatever way a file changes, the last state is judged, once and soon.

mod cli;

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use cli::Bench;
use rustix::{
    fs::{Mode, OFlags},
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

/// Dough that can be shaped.
const GOOD: &str = "flour_g = 500\nwater_g = 325\n";

/// Dough that cannot.
const WET: &str = "flour_g = 500\nwater_g = 490\n";

/// What no line takes on the busiest machine.
const FAR_TOO_LONG: Duration = Duration::from_secs(30);

/// Longer than any change takes to be noticed where files are looked at.
const A_WHILE: Duration = Duration::from_secs(3);

/// A watch that goes on, and what it says line by line.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Watching {
    fn start(bench: &Bench, arguments: &[&str]) -> Self {
        let mut command = bench.command(&[&["watch"], arguments].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
        let (tell, lines) = channel();
        let words = BufReader::new(child.stderr.take().expect("its words"));
        thread::spawn(move || {
            for line in words.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, said: Vec::new() }
    }

    /// Waits for a line that begins so, and returns it.
    #[track_caller]
    fn until(&mut self, begin: &str) -> String {
        let from = Instant::now();
        loop {
            let left = FAR_TOO_LONG.saturating_sub(from.elapsed());
            let Ok(line) = self.lines.recv_timeout(left) else { panic!("no `{begin}`: {:#?}", self.said) };
            self.said.push(line.clone());
            if line.starts_with(begin) {
                return line;
            }
        }
    }

    /// Insists that it does nothing for a while.
    #[track_caller]
    fn rests(&mut self, how_long: Duration) {
        match self.lines.recv_timeout(how_long) {
            Err(RecvTimeoutError::Timeout) => {}
            other => panic!("it did not rest: {other:?} after {:#?}", self.said),
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("a process id")).expect("a process");
        kill_process(pid, signal).expect("it is there");
    }

    #[track_caller]
    fn ends_with(mut self, code: i32) {
        let status = self.child.wait().expect("it ends");
        assert_eq!(status.code(), Some(code));
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // A test that failed on the way leaves no process.
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

/// All passed, so that a watch has nothing to do at its start.
fn baked() -> Bench {
    let bench = Bench::baking();
    bench.write("answers/1.1.toml", GOOD);
    bench.write("answers/1.2.md", "The gluten rests.\n");
    bench.write("answers/2.1.toml", "crumb_c = 96\n");
    let checked = bench.run(&["check", "--all"]);
    assert_eq!(checked.status.code(), Some(0), "{}", String::from_utf8_lossy(&checked.stdout));
    bench
}

#[test]
fn a_saved_file_is_judged_within_a_second() {
    let bench = baked();
    let mut watching = Watching::start(&bench, &[]);
    watching.until("done: nothing is due");
    let saved = Instant::now();
    bench.write("answers/1.1.toml", WET);
    let line = watching.until("watching: ");
    let began = saved.elapsed();
    assert_eq!(line, "watching: answers/1.1.toml changed, checking 1.1");
    watching.until("done: 1 failed");
    assert!(saved.elapsed() < Duration::from_secs(1), "{:?}", saved.elapsed());
    assert!(began < Duration::from_millis(500), "{began:?}");
    watching.rests(Duration::from_secs(1));
}

#[test]
fn a_file_that_is_saved_by_a_rename_is_judged_once() {
    let bench = baked();
    for way in [&[][..], &["--poll"]] {
        let mut watching = Watching::start(&bench, way);
        watching.until("done: nothing is due");
        bench.write("answers/.1.1.toml.swp", "swap");
        bench.write("answers/1.1.toml~", GOOD);
        bench.write("answers/new", WET);
        fs::rename(bench.path("here/answers/new"), bench.path("here/answers/1.1.toml")).expect("a rename");
        watching.until("watching: answers/1.1.toml changed, checking 1.1");
        watching.until("done: 1 failed");
        watching.rests(A_WHILE);
        bench.write("answers/1.1.toml", GOOD);
        watching.until("done: 1 passed");
    }
}

#[test]
fn a_folder_that_was_deleted_and_made_again_is_watched_still() {
    let bench = baked();
    for way in [&[][..], &["--poll"]] {
        let mut watching = Watching::start(&bench, way);
        watching.until("done: nothing is due");
        let (answers, aside) = (bench.path("here/answers"), bench.path("aside"));
        fs::rename(&answers, &aside).expect("a rename");
        watching.until("done: 3 blocked");
        fs::create_dir(&answers).expect("a folder");
        bench.write("answers/1.1.toml", GOOD);
        watching.until("done: 1 passed");
        // What was moved away is watched no more.
        fs::write(aside.join("1.1.toml"), WET).expect("a file");
        watching.rests(A_WHILE);
        fs::remove_dir_all(&answers).expect("it goes");
        fs::rename(&aside, &answers).expect("a rename");
        watching.until("done: 2 passed, 1 failed");
        bench.write("answers/1.1.toml", GOOD);
        watching.until("watching: answers/1.1.toml changed, checking 1.1");
        watching.until("done: 1 passed");
        watching.signal(Signal::TERM);
        watching.ends_with(143);
    }
}

#[test]
fn a_storm_of_ten_thousand_files_is_one_run_of_the_last_state() {
    let bench = baked();
    let mut watching = Watching::start(&bench, &["1.1"]);
    watching.until("done: nothing is due");
    for nth in 0..10_000 {
        bench.write(&format!("answers/note-{nth}.md"), "a note\n");
        if nth % 100 == 0 {
            bench.write("answers/1.1.toml", WET);
        }
    }
    bench.write("answers/1.1.toml", GOOD);
    watching.until("watching: answers/1.1.toml changed, checking 1.1");
    watching.until("done: 1 passed");
    watching.rests(Duration::from_secs(2));
}

#[test]
fn what_nobody_reads_stirs_nothing() {
    let bench = baked();
    let mut watching = Watching::start(&bench, &[]);
    watching.until("done: nothing is due");
    fs::create_dir_all(bench.path("here/app/node_modules/x")).expect("a folder");
    for path in ["notes.md", "answers/9.9.toml", "app/node_modules/x/index.js", ".grader/mine", ".git/index"]
    {
        bench.write(path, "x");
    }
    watching.rests(Duration::from_secs(2));
}

#[test]
fn names_that_change_are_taken_up_and_a_broken_file_of_them_is_told() {
    let bench = baked();
    let mut watching = Watching::start(&bench, &[]);
    watching.until("done: nothing is due");
    let names = fs::read_to_string(bench.path("here/workspace.toml")).expect("names");
    bench.write("workspace.toml", "format = 1\n[ap]\n");
    watching.until("fix: edit workspace.toml where it is marked");
    bench.write("workspace.toml", &names);
    // No check of this workbook asks for one of the names.
    watching.rests(Duration::from_secs(1));
    bench.write("answers/1.1.toml", WET);
    watching.until("done: 1 failed");
}

#[test]
fn once_judges_what_is_due_and_ends_with_the_exit_code_of_a_check() {
    let bench = Bench::baking();
    let output = bench.run(&["watch", "--once", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(text.lines().count(), 1, "one document, one line: {text}");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["results"][0]["exercise"], "1.1", "the one that is next");
    let said = String::from_utf8(output.stderr).expect("text");
    assert!(said.starts_with("watching: at the start, checking 1.1\n"), "{said}");
    assert!(said.ends_with("done: 1 failed\n"), "{said}");
    let output = baked().run(&["watch", "--once"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"done: nothing is due\n");
}

#[test]
fn every_run_is_recorded_and_a_second_failure_says_what_changed() {
    let bench = baked();
    let mut watching = Watching::start(&bench, &[]);
    watching.until("done: nothing is due");
    for water in [490, 480] {
        bench.write("answers/1.1.toml", &format!("flour_g = 500\nwater_g = {water}\n"));
        watching.until("done: 1 failed");
    }
    watching.signal(Signal::INT);
    watching.ends_with(130);
    let shown = bench.run(&["show", "1.1"]);
    let card = String::from_utf8(shown.stdout).expect("text");
    assert!(card.contains("changed     noted.taken.water_g: 490 → 480\n"), "{card}");
}

/// A watch on a terminal that is its own.
struct OnTerminal {
    child: Child,
    terminal: OwnedFd,
    theirs: OwnedFd,
    screen: Receiver<Vec<u8>>,
    seen: String,
}

impl OnTerminal {
    fn start(bench: &Bench) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).and_then(|()| unlockpt(&terminal)).expect("its other end");
        let name = ptsname(&terminal, Vec::new()).expect("its name");
        let theirs =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
        let plain = bench.command(&["watch"]);
        // Makes the terminal the program's own: keys are read only from one's own.
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(plain.get_program()).args(plain.get_args()).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
        command.current_dir(plain.get_current_dir().expect("a folder"));
        let end = || Stdio::from(theirs.try_clone().expect("another end"));
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().expect("it runs");
        let mut reader = File::from(terminal.try_clone().expect("another end"));
        let (tell, screen) = channel();
        thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut part) {
                if tell.send(part[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, terminal, theirs, screen, seen: String::new() }
    }

    /// Waits until these words are on the screen, after what was waited for before.
    #[track_caller]
    fn until(&mut self, words: &str) {
        let from = Instant::now();
        loop {
            if let Some(at) = self.seen.find(words) {
                self.seen.drain(..at + words.len());
                return;
            }
            let left = FAR_TOO_LONG.saturating_sub(from.elapsed());
            let Ok(part) = self.screen.recv_timeout(left) else { panic!("no `{words}`: {}", self.seen) };
            self.seen.push_str(&String::from_utf8_lossy(&part));
        }
    }

    fn press(&self, keys: &str) {
        File::from(self.terminal.try_clone().expect("another end")).write_all(keys.as_bytes()).expect("keys");
    }

    /// Whether a line is read as a whole and shown as it is typed, as a shell expects.
    fn is_as_it_was(&self) -> bool {
        let mode = tcgetattr(&self.theirs).expect("its mode").local_modes;
        mode.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    #[track_caller]
    fn ends_with(&mut self, code: i32) {
        let status = self.child.wait().expect("it ends");
        assert_eq!(status.code(), Some(code));
        assert!(self.is_as_it_was(), "the terminal is not as it was");
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _ended = self.child.wait();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn keys_do_what_they_say_and_the_terminal_is_as_it_was() {
    let bench = Bench::baking();
    let mut watch = OnTerminal::start(&bench);
    watch.until("done: 1 failed");
    watch.until("keys: n next");
    assert!(!watch.is_as_it_was(), "keys come at once");
    watch.press("h");
    watch.until("hint 1 of 3");
    watch.press("n");
    watch.until("grader reset 1.1");
    watch.press("o");
    watch.until("looked at");
    watch.press("c");
    watch.until("watching: asked for, checking 1.1");
    watch.until("done: 1 failed");
    watch.press("q");
    watch.ends_with(0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_leaves_the_terminal_as_it_was() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130), (Signal::HUP, 129)] {
        let bench = Bench::baking();
        let mut watch = OnTerminal::start(&bench);
        watch.until("keys: n next");
        let pid = Pid::from_raw(i32::try_from(watch.child.id()).expect("an id")).expect("a process");
        kill_process(pid, signal).expect("it is there");
        watch.ends_with(code);
    }
    // As a person does it.
    let bench = Bench::baking();
    let mut watch = OnTerminal::start(&bench);
    watch.until("keys: n next");
    watch.press("\u{3}");
    watch.ends_with(130);
}

#[cfg(target_os = "linux")]
#[test]
fn a_watch_that_waits_costs_nothing_to_speak_of() {
    let bench = baked();
    for way in [&[][..], &["--poll"]] {
        let mut watching = Watching::start(&bench, way);
        watching.until("done: nothing is due");
        let spent = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", watching.child.id())).expect("its times");
            let after = stat.rsplit_once(") ").expect("a name in brackets").1.to_owned();
            let ticks: Vec<u64> =
                after.split(' ').skip(11).take(2).map(|n| n.parse().expect("ticks")).collect();
            ticks.iter().sum::<u64>()
        };
        let before = spent();
        thread::sleep(Duration::from_secs(8));
        // 8 s are 800 ticks: half a percent is 4.
        assert!(spent() - before <= 4, "{} ticks in 8 s", spent() - before);
    }
}
