use std::sync::LazyLock;

use grader_core::workbook::Files;
use proptest::prelude::*;

use super::*;

const ROOT: &str = "/w";

/// A workbook with one exercise for each probe, `1.1`, `1.2` and so on.
fn workbook(probes: &[&str]) -> Workbook {
    let mut manifest =
        "format = 1\nid = \"t\"\ntitle = \"t\"\n[[chapter]]\nnumber = 1\ntitle = \"c\"\n".to_owned();
    let mut files = Files::default();
    for (nth, probe) in probes.iter().enumerate() {
        let id = format!("1.{}", nth + 1);
        manifest.push_str(&format!("[[exercise]]\nid = \"{id}\"\ntodo = \"t\"\n"));
        let text = format!(
            r#"format = 1
title = "t"
within = "5s"
looked_at = "'t'"
proves = "t"
leaves_open = "t"
debrief = "t"
[[probe]]
as = "seen"
{probe}
[[probe]]
as = "judged"
kind = "image"
image = "judged-by-all"
[[assert]]
id = "a"
holds = "still"
rule = "judged.id != ''"
expected = "e"
because = "b"
fix = "f"
[[hint]]
text = "h"
"#
        );
        files.insert(format!("checks/{id}.toml"), text.into_bytes());
    }
    files.insert("checks/workbook.toml", manifest.into_bytes());
    Workbook::read(&files).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

const PROBES: [&str; 10] = [
    "kind = \"answers\"\nfile = \"1.1.toml\"",
    "kind = \"prose\"\nfile = \"1.1.md\"\nconcepts = []",
    "kind = \"image\"",
    "kind = \"container\"\nwatch = \"1s\"",
    "kind = \"git\"",
    "kind = \"containers\"\nimage = \"hello-world\"",
    "kind = \"running\"\nfile = \"1.2.toml\"",
    "kind = \"build\"\ncanaries = []",
    "kind = \"compose\"",
    "kind = \"image\"\nimage = \"{app.before}\"",
];

fn names() -> WorkspaceFile {
    let mut names = WorkspaceFile::default_names();
    names.app.env_file = "app/../.env".into();
    names
}

fn plan_of(names: &WorkspaceFile, chosen: Option<&BTreeSet<ExerciseId>>) -> Plan {
    static WORKBOOK: LazyLock<Workbook> = LazyLock::new(|| workbook(&PROBES));
    Plan::of(&WORKBOOK, Path::new(ROOT), names, chosen)
}

fn items(found: BTreeSet<ExerciseId>) -> Vec<u16> {
    found.into_iter().map(|id| id.item).collect()
}

fn touched(path: &str) -> Vec<u16> {
    items(plan_of(&names(), None).affected(&Change::Path(Path::new(ROOT).join(path))))
}

#[test]
fn a_file_touches_those_that_read_it_and_no_others() {
    assert_eq!(touched("answers/1.1.toml"), [1]);
    assert_eq!(touched("answers/1.1.md"), [2]);
    assert_eq!(touched("answers/1.2.toml"), [7]);
    // The build and the Compose project read all that is in the app's folder.
    assert_eq!(touched("app/src/main.py"), [8, 9]);
    assert_eq!(touched("app/compose.yaml"), [8, 9]);
    // What the app is given when it is started.
    assert_eq!(touched(".env"), [4]);
    assert_eq!(touched("notes.md"), [0_u16; 0]);
    assert_eq!(touched("answers/9.9.toml"), [0_u16; 0]);
}

#[test]
fn a_folder_that_comes_or_goes_takes_along_what_is_in_it() {
    assert_eq!(touched("answers"), [1, 2, 7]);
    assert_eq!(touched("app"), [8, 9]);
    assert_eq!(touched(""), [1, 2, 4, 7, 8, 9]);
}

#[test]
fn an_image_touches_those_that_look_it_up_however_it_is_written() {
    let plan = plan_of(&names(), None);
    for name in ["myapp", "myapp:latest", "docker.io/library/myapp"] {
        assert_eq!(items(plan.affected(&Change::Image(name.into()))), [3, 4, 8], "{name}");
    }
    assert_eq!(items(plan.affected(&Change::Image("myapp:before".into()))), [10]);
    assert_eq!(items(plan.affected(&Change::Image("other/myapp".into()))), [0_u16; 0]);
}

#[test]
fn a_container_touches_those_that_ask_for_its_image_or_name_it() {
    let plan = plan_of(&names(), None);
    let named_in = |files: &[&str]| files.iter().map(|file| Path::new(ROOT).join(file)).collect();
    let of = |image: &str, files: &[&str]| {
        items(plan.affected(&Change::Container { image: image.into(), named_in: named_in(files) }))
    };
    assert_eq!(of("hello-world:latest", &[]), [6]);
    assert_eq!(of("redis", &["answers/1.2.toml"]), [7]);
    assert_eq!(of("redis", &["answers/1.1.toml"]), [0_u16; 0]);
    // The image of the app is looked up by name; containers of it are our own.
    assert_eq!(of("myapp", &[]), [0_u16; 0]);
}

#[test]
fn a_commit_touches_those_that_ask_git() {
    assert_eq!(items(plan_of(&names(), None).affected(&Change::Commit)), [5]);
}

#[test]
fn other_names_touch_those_that_are_asked_otherwise_by_them() {
    let before = plan_of(&names(), None);
    let after = |change: &dyn Fn(&mut WorkspaceFile)| {
        let mut names = names();
        change(&mut names);
        items(plan_of(&names, None).asked_otherwise(&before))
    };
    assert_eq!(after(&|_| {}), [0_u16; 0]);
    assert_eq!(after(&|names| names.learner.name = "Ada".into()), [0_u16; 0]);
    assert_eq!(after(&|names| names.app.image = "other".into()), [3, 4, 8]);
    assert_eq!(after(&|names| names.app.before = "old".into()), [10]);
    assert_eq!(after(&|names| drop(names.app.env.insert("A".into(), "b".into()))), [4]);
    assert_eq!(after(&|names| names.app.path = "src".into()), [5, 8, 9]);
}

/// Any change that can be told.
fn change() -> impl Strategy<Value = Change> {
    let part =
        prop::sample::select(vec!["answers", "app", "1.1.toml", "1.2.toml", "x", ".env", "compose.yaml"]);
    let path = prop::collection::vec(part, 0..4)
        .prop_map(|parts| Change::Path(parts.iter().fold(PathBuf::from(ROOT), |path, part| path.join(part))));
    let image = prop::sample::select(vec!["myapp", "myapp:before", "hello-world", "redis:7"]);
    let files = prop::collection::btree_set(
        prop::sample::select(vec!["/w/answers/1.2.toml", "/w/answers/1.1.toml"]).prop_map(PathBuf::from),
        0..3,
    );
    prop_oneof![
        path,
        Just(Change::Commit),
        Just(Change::Everything),
        image.clone().prop_map(|name| Change::Image(name.into())),
        (image, files).prop_map(|(image, named_in)| Change::Container { image: image.into(), named_in }),
    ]
}

proptest! {
    /// Whoever names exercises gets what a change touches, of those that were named.
    #[test]
    fn choosing_only_leaves_out(change in change(), chosen in prop::collection::btree_set(1_u16..=10, 0..10)) {
        let chosen: BTreeSet<ExerciseId> = chosen.into_iter().map(|item| ExerciseId { chapter: 1, item }).collect();
        let all = plan_of(&names(), None).affected(&change);
        let of_chosen = plan_of(&names(), Some(&chosen)).affected(&change);
        prop_assert_eq!(of_chosen, all.intersection(&chosen).copied().collect());
    }

    /// Of everything, nobody is left out; and nothing touches more than everything does.
    #[test]
    fn everything_is_the_most(change in change()) {
        let plan = plan_of(&names(), None);
        let everything = plan.affected(&Change::Everything);
        prop_assert_eq!(everything.len(), PROBES.len());
        prop_assert!(plan.affected(&change).is_subset(&everything));
    }

    /// A folder touches whatever a file in it touches.
    #[test]
    fn a_folder_touches_no_less_than_what_is_in_it(parts in prop::collection::vec(
        prop::sample::select(vec!["answers", "app", "1.1.toml", "1.1.md", "compose.yaml", "x"]), 1..4)
    ) {
        let plan = plan_of(&names(), None);
        let path = parts.iter().fold(PathBuf::from(ROOT), |path, part| path.join(part));
        let folder = path.parent().unwrap().to_owned();
        let inner = plan.affected(&Change::Path(path));
        prop_assert!(inner.is_subset(&plan.affected(&Change::Path(folder))));
    }
}
