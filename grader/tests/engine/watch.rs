//! `watch` on a real engine: what changes there is judged again, and what the grader makes itself is not.

use std::{path::Path, process::Command, thread, time::Duration};

use rustix::process::Signal;

use crate::support::{Act, Bench, Course, Proxy, bench::Going, engine};

/// Longer than the watch takes to look names up.
const A_WHILE: Duration = Duration::from_secs(4);

fn named(name: &str) -> engine::Image {
    engine::Image::named(&format!("grader-test/{name}:{}", std::process::id()))
}

fn docker(arguments: &[&str]) {
    engine::run(Path::new("/"), "docker", arguments);
}

/// How many runs there were.
fn runs(said: &str) -> usize {
    said.lines().filter(|line| line.starts_with("watching: ")).count()
}

#[test]
fn an_image_that_gets_or_loses_its_name_is_judged_again_and_our_own_containers_are_not() {
    let image = named("watched");
    docker(&["tag", engine::guest(), &image.0]);
    let bench = Bench::with(&Course::stays(), &format!("[app]\nimage = \"{}\"\n", image.0));
    let mut going = bench.start(&["watch", "--plain"]);
    going.until_it_says("done: 1 passed");
    docker(&["image", "rm", &image.0]);
    going.until_it_says("done: 1 blocked");
    docker(&["tag", engine::guest(), &image.0]);
    thread::sleep(2 * A_WHILE);
    going.signal(Signal::TERM);
    let ended = going.end();
    assert_eq!(ended.code, 143, "{ended:?}");
    assert_eq!(runs(&ended.stderr), 3, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("is another image, checking 1.1").count(), 2, "{}", ended.stderr);
    bench.nothing_left_within(Duration::from_secs(5));
}

#[test]
fn a_container_of_the_learners_is_noticed() {
    // What of it is judged is another test's affair.
    let probe = "kind = \"containers\"\nas = \"seen\"\nimage = \"{app.image}\"\n\
                 [[probe]]\nkind = \"image\"\nas = \"app\"";
    let course = Course::default().engine("1.1", probe, "app.id != ''");
    let bench = Bench::new(&course);
    let mut going = bench.start(&["watch", "--plain"]);
    going.until_it_says("done: ");
    let name = format!("grader-test-watched-{}", std::process::id());
    docker(&["create", "--name", &name, engine::guest()]);
    going.until_it_says(&format!("container {name} of {} changed, checking 1.1", engine::guest()));
    docker(&["rm", &name]);
    thread::sleep(A_WHILE);
    going.signal(Signal::TERM);
    let ended = going.end();
    assert_eq!((ended.code, runs(&ended.stderr)), (143, 3), "{}", ended.stderr);
}

#[test]
fn an_engine_that_comes_back_is_followed_again_and_what_was_missed_is_judged() {
    let image = named("missed");
    docker(&["tag", engine::guest(), &image.0]);
    let proxy = Proxy::new();
    let settings = format!("[app]\nimage = \"{}\"\n", image.0);
    let bench = Bench::with(&Course::stays(), &settings).at(&proxy.host());
    let mut going = bench.start(&["watch", "--plain"]);
    going.until_it_says("done: 1 passed");
    proxy.at("GET", "/images/", Act::Cut);
    going.until_it_says("note: no engine is there");
    docker(&["image", "rm", &image.0]);
    proxy.heal();
    going.until_it_says("note: the engine is there");
    going.until_it_says("is another image, checking 1.1");
    going.until_it_says("done: 1 blocked");
    thread::sleep(A_WHILE);
    going.signal(Signal::TERM);
    let ended = going.end();
    assert_eq!(ended.code, 143, "{ended:?}");
    // Said once, however long it was away.
    assert_eq!(ended.stderr.matches("no engine is there").count(), 1, "{}", ended.stderr);
}

#[test]
fn where_the_limit_on_watches_is_reached_it_looks_again_and_again() {
    // A limit of their own for those in it, and no harm to others on this machine.
    for (limit, number) in [("max_inotify_watches", 1), ("max_inotify_instances", 0)] {
        let bench = Bench::new(&Course::default().answer("1.1"));
        bench.write("answers/1.1.toml", "n = 2");
        let plain = bench.command(&["watch", "--plain"]);
        let script = format!("echo {number} > /proc/sys/user/{limit} && exec \"$0\" \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", &script]).arg(plain.get_program());
        command.args(plain.get_args()).current_dir(bench.workspace()).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut going = Going::start(command);
        going.until_it_says("done: 1 failed");
        bench.write("answers/1.1.toml", "n = 1");
        going.until_it_says("done: 1 passed");
        going.signal(Signal::TERM);
        let ended = going.end();
        let line = "note: the files are looked at again and again: the system's limit on watches of files is reached\n";
        assert_eq!((ended.code, ended.stderr.matches(line).count()), (143, 1), "{limit}: {}", ended.stderr);
    }
}
