//! The lint: one test for each class of fault, with the exact line that an author reads.

use grader_core::{
    judge::{CEL_FUNCTIONS, FUNCTIONS},
    workbook::{Files, Workbook, lint::lint},
};
use serde_json::json;

use crate::support::{HEAD, HINTS, MANIFEST, assertion, check_of, seen, small};

const GOOD: &str = "rule = \"app.image == 'x'\"";

fn headlines(files: &Files) -> Vec<String> {
    lint(files).iter().map(|fault| fault.headline()).collect()
}

/// The faults of a check with this assertion, without the file's name and the line.
#[track_caller]
fn of_assertion(keys: &str) -> Vec<String> {
    of_check(&format!("{HEAD}{}{HINTS}", assertion(keys)))
}

#[track_caller]
fn of_check(check: &str) -> Vec<String> {
    headlines(&small(check))
        .into_iter()
        .map(|headline| headline.strip_prefix("checks/1.1.toml:").unwrap_or(&headline).to_owned())
        .collect()
}

/// A check whose text differs from a good one in this way.
fn changed(from: &str, to: &str) -> String {
    let check = format!("{HEAD}{}{HINTS}", assertion(GOOD));
    assert!(check.contains(from), "{from}");
    check.replacen(from, to, 1)
}

/// A workbook whose manifest differs from a good one in this way.
fn manifest(from: &str, to: &str) -> Files {
    assert!(MANIFEST.contains(from), "{from}");
    let mut files = small(&format!("{HEAD}{}{HINTS}", assertion(GOOD)));
    files.insert("checks/workbook.toml", MANIFEST.replacen(from, to, 1).into_bytes());
    files
}

#[test]
fn nothing_is_found_where_nothing_is_wrong() {
    assert_eq!(of_assertion(GOOD), Vec::<String>::new());
}

#[test]
fn an_unknown_key() {
    assert_eq!(
        of_check(&changed("debrief =", "debreif =")),
        ["1:1: error: `debrief` is missing", "8:1: error: unknown key `debreif`; did you mean `debrief`?"]
    );
    assert_eq!(of_assertion(&format!("{GOOD}\nhint = \"x\"")), ["31:1: error: unknown key `hint`"]);
    assert_eq!(
        of_check(&changed("keys = [", "key = [")),
        ["19:1: error: unknown key `key`; did you mean `keys`?"]
    );
}

#[test]
fn a_value_of_another_type() {
    assert_eq!(
        of_check(&changed("title = \"It holds\"", "title = 7")),
        ["2:9: error: expected a text in quotes, found a whole number"]
    );
    assert_eq!(
        of_check(&changed("within = \"1m\"", "within = 60")),
        ["4:10: error: expected a text in quotes, found a whole number"]
    );
    assert_eq!(
        of_check(&changed("\"still\"", "\"now\"")),
        ["26:9: error: unknown value `now`; known values: once, still"]
    );
    assert_eq!(
        of_check(&changed("\"engine\"", "\"engines\"")),
        ["3:9: error: unknown value `engines`; did you mean `engine`?"]
    );
    assert_eq!(
        of_check(&changed("within = \"1m\"", "within = \"1 min\"")),
        [
            "4:10: error: `1 min` is no span of time: expected a whole number and ms, s or m, as 500ms, 6s or 2m"
        ]
    );
}

#[test]
fn an_unknown_kind_of_probe() {
    assert_eq!(
        of_check(&changed("kind = \"container\"", "kind = \"contaner\"")),
        ["10:8: error: unknown kind `contaner`; did you mean `container`?"]
    );
    assert_eq!(
        of_check(&changed("kind = \"container\"", "kind = \"vm\"")),
        [
            "10:8: error: unknown kind `vm`; known kinds: image, container, endpoint, health, git, answers, containers, prose, running, build, compose, vulnerabilities"
        ]
    );
}

#[test]
fn a_path_that_no_probe_declares() {
    assert_eq!(
        of_assertion("rule = \"app.stat.running\""),
        ["30:9: error: no probe yields `app.stat.running`; did you mean `app.state.running`?"]
    );
    assert_eq!(
        of_assertion("rule = \"app.state.running && ap.image == 'x'\""),
        ["30:30: error: no probe yields `ap.image`; did you mean `app.image`?"]
    );
    assert_eq!(
        of_assertion("rule = \"app.state.color == 'x'\""),
        [
            "30:9: error: no probe yields `app.state.color`; there is: status, running, exit_code, oom_killed, restarts, error"
        ]
    );
    // In every place where evidence is read.
    assert_eq!(
        of_assertion(&format!("{GOOD}\nactual = \"app.imag\"")),
        ["31:11: error: no probe yields `app.imag`; did you mean `app.image`?"]
    );
    assert_eq!(
        of_assertion(&format!("{GOOD}\nnothing = {{ actual = \"app.imag\" }}")),
        ["31:23: error: no probe yields `app.imag`; did you mean `app.image`?"]
    );
    assert_eq!(
        of_assertion(&format!("{GOOD}\n[[assert.case]]\nwhen = \"app.stat == 'x'\"\nactual = \"app.imag\"")),
        [
            "32:9: error: no probe yields `app.stat`; did you mean `app.state`?",
            "33:11: error: no probe yields `app.imag`; did you mean `app.image`?"
        ]
    );
    assert_eq!(
        of_check(&changed("looked_at = \"app.image\"", "looked_at = \"app.imag\"")),
        ["5:14: error: no probe yields `app.imag`; did you mean `app.image`?"]
    );
    // A key that the check does not ask for is not there.
    assert_eq!(
        of_assertion("rule = \"noted.taken.m.number == 1.0\""),
        ["30:9: error: no probe yields `noted.taken.m.number`; did you mean `noted.taken.n.number`?"]
    );
    assert_eq!(
        of_assertion("rule = \"page.first.taken.shaa.text == 'x'\""),
        [
            "30:9: error: no probe yields `page.first.taken.shaa.text`; did you mean `page.first.taken.sha.text`?"
        ]
    );
}

#[test]
fn a_path_in_each_and_below_it() {
    assert_eq!(
        of_assertion("each = \"$.app.procs[*]\"\nrule = \"self.uid != 0\""),
        [
            "30:8: error: no probe yields `procs`; there is: image, image_reference, container, started_at, options, watched, processes, state, mounts, writes, http, output",
            "31:9: error: no probe yields `self.uid`; there is: image, image_reference, container, started_at, options, watched, processes, state, mounts, writes, http, output",
        ]
    );
    assert_eq!(
        of_assertion("each = \"$.app.process[*]\"\nrule = \"self.uid != 0\"")[0],
        "30:8: error: no probe yields `process`; did you mean `processes`?"
    );
    assert_eq!(
        of_assertion("each = \"$.app.processes[*]\"\nrule = \"self.uuid != 0\""),
        ["31:9: error: no probe yields `self.uuid`; did you mean `self.uid`?"]
    );
    assert_eq!(
        of_assertion("each = \"$.app.processes[?@.uid==0]\"\nrule = \"self.uid != 0\""),
        [
            "30:8: error: only plain paths can be proven, as `$.app.processes[*]`; use a rule to choose among elements"
        ]
    );
    assert_eq!(
        of_assertion("each = \"app.processes\"\nrule = \"self.uid != 0\"")[0].split(':').nth(2),
        Some(" error")
    );
    assert_eq!(
        of_assertion("each = \"$.app.processes[*]\"\nrule = \"app.image == 'x'\""),
        ["31:8: error: this rule never reads `self`: it says the same of each element"]
    );
    assert_eq!(
        of_assertion("rule = \"self.uid != 0\""),
        ["30:9: error: no probe yields `self.uid`; there is: app, image, noted, page"]
    );
}

#[test]
fn a_rule_that_is_no_rule() {
    assert_eq!(of_assertion("rule = \"app.image ==\""), ["30:21: error: not CEL: it ends too early"]);
    assert_eq!(
        of_assertion("rule = \"app.image = 'x'\""),
        ["30:19: error: not CEL: token recognition error at: '= '"]
    );
    assert_eq!(
        of_assertion("rule = \"true\""),
        ["30:8: error: this rule reads no evidence: it holds or fails whatever was seen"]
    );
    assert_eq!(
        of_assertion("rule = \"clos(app.watched.looks, 3, 1)\""),
        ["30:9: error: no function is called `clos`; did you mean `close`?"]
    );
    assert_eq!(
        of_assertion("rule = \"close(app.watched.looks, 3)\""),
        ["30:9: error: `close` has other arguments; call it as `close(a, b, within)`"]
    );
    assert_eq!(
        of_assertion("rule = \"app.processes.filter(p, p.uid == 0).all(p, p.gid == 0)\""),
        [
            "30:45: error: `all()` of a chosen list is true when nothing is chosen; say by `exists` that something is, and by `!….exists` that none of it is wrong"
        ]
    );
    assert_eq!(
        of_assertion("rule = \"has(app.http)\""),
        [
            "30:13: error: `has(app.http)` is always true: a field is there, if only as null; write `app.http != null`"
        ]
    );
    assert_eq!(of_assertion("rule = \"has(image.config.labels.a)\""), Vec::<String>::new());
    // What CEL has for optional values is a second kind of absence, which the judge would not see.
    assert_eq!(of_assertion("rule = \"app.?http == 1\"").len(), 1);
}

#[test]
fn every_function_that_the_lint_knows_can_be_called() {
    for call in [
        "close(1, 1, 1)",
        "agrees(1, 1, 1)",
        "megabytes(1)",
        "seconds(1)",
        "short('x')",
        "counted(1, 'a', 'b')",
    ] {
        evaluates(&format!("{call} == {call}"));
    }
    assert_eq!(FUNCTIONS.len(), 6, "call the new one here as well");
    for call in [
        "size('x')",
        "'x'.contains('x')",
        "'x'.startsWith('x')",
        "'x'.endsWith('x')",
        "'x'.matches('x')",
        "string(1)",
        "int(1.0)",
        "uint(1)",
        "double(1)",
        "bytes('x')",
        "bool('true')",
        "type(1)",
        "dyn(1)",
    ] {
        assert!(CEL_FUNCTIONS.iter().any(|function| call.contains(&format!("{function}("))), "{call}");
        evaluates(&format!("{call} == {call}"));
    }
}

fn evaluates(rule: &str) {
    let check = check_of(&[&format!("rule = \"app.image == 'x' && {rule}\"")]);
    let evidence = seen(json!({ "app": { "image": "x" } }));
    let judgement = grader_core::judge::judge(&check, &evidence, &grader_core::judge::Held::new());
    assert_eq!(judgement.outcomes[0].1.as_str(), "holds", "{rule}: {judgement:?}");
}

#[test]
fn a_placeholder_that_names_nothing() {
    assert_eq!(
        of_check(&changed("as = \"image\"", "as = \"image\"\nimage = \"{app.imgae}\"")),
        ["15:10: error: `{app.imgae}` names nothing in workspace.toml; did you mean `app.image`?"]
    );
    assert_eq!(
        of_check(&changed("take = { sha = \"git_sha\" }", "take = { sha = \"{application.sha}\" }")),
        ["23:17: error: `{application.sha}` names nothing in workspace.toml"]
    );
}

#[test]
fn what_a_probe_takes_from_an_earlier_one() {
    let git = |ask: &str| {
        changed(
            "[[probe]]\nkind = \"endpoint\"",
            &format!(
                "[[probe]]\nkind = \"git\"\nas = \"repository\"\nask = \"{ask}\"\n[[probe]]\nkind = \"endpoint\""
            ),
        )
    };
    assert_eq!(of_check(&git("image.id")), Vec::<String>::new());
    assert_eq!(
        of_check(&git("image.idd")),
        ["23:7: error: no earlier probe yields `image.idd`; did you mean `id`?"]
    );
    // What comes later cannot be asked for.
    assert_eq!(
        of_check(&git("page.first.taken.sha.text")),
        ["23:7: error: no earlier probe yields `page.first.taken.sha.text`"]
    );
}

#[test]
fn a_probe_that_cannot_be_called_so() {
    assert_eq!(
        of_check(&changed("as = \"page\"", "as = \"in\"")),
        ["22:6: error: `in` cannot be a probe's name: it is a word of CEL"]
    );
    assert_eq!(
        of_check(&changed("as = \"page\"", "as = \"Page\"")),
        ["22:6: error: `Page` cannot be a probe's name: use lower case letters, digits and _"]
    );
    assert_eq!(
        of_check(&changed("as = \"page\"", "as = \"image\"")),
        ["22:6: error: `image` is there twice"]
    );
}

#[test]
fn a_probe_that_needs_what_the_check_does_not_use() {
    assert_eq!(
        of_check(&changed("uses = [\"engine\", \"git\"]", "uses = []")),
        [
            "10:8: error: a probe of kind `container` needs `engine` in `uses`",
            "13:8: error: a probe of kind `image` needs `engine` in `uses`",
            "21:8: error: a probe of kind `endpoint` needs `engine` in `uses`",
        ]
    );
}

#[test]
fn an_assertion_twice_and_none() {
    let twice = format!("{HEAD}{}{}{HINTS}", assertion(GOOD), assertion(GOOD));
    assert_eq!(of_check(&twice), ["32:6: error: `it` is there twice"]);
    assert_eq!(of_check(&format!("{HEAD}assert = []\n{HINTS}")).len(), 2);
    let none = format!("assert = []\n{HEAD}{HINTS}");
    assert_eq!(of_check(&none), ["1:1: error: a check without an assertion proves nothing"]);
}

#[test]
fn messages_that_are_too_long_or_empty() {
    let long = "x".repeat(201);
    for (key, line) in [("because", 28), ("fix", 29)] {
        let keys = format!("{GOOD}\n{key} = \"{long}\"");
        let found = of_assertion(&keys);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].ends_with(": error: 201 characters: at most 200 are read; say it in fewer words"),
            "{line} {found:?}"
        );
        assert_eq!(of_assertion(&format!("{GOOD}\n{key} = \"{}\"", "é".repeat(200))), Vec::<String>::new());
    }
    let expected = of_assertion(&format!("{GOOD}\nexpected = \"{}\"", "x".repeat(101)));
    assert!(expected[0].ends_with(": error: 101 characters: at most 100 are read; say it in fewer words"));
    let nothing = of_assertion(&format!("{GOOD}\nnothing = {{ actual = \"'x'\", fix = \"{long}\" }}"));
    assert_eq!(nothing, ["31:35: error: 201 characters: at most 200 are read; say it in fewer words"]);
    let case = of_assertion(&format!(
        "{GOOD}\n[[assert.case]]\nwhen = \"app.state.running\"\nactual = \"'x'\"\nfix = \"{long}\""
    ));
    assert_eq!(case, ["34:7: error: 201 characters: at most 200 are read; say it in fewer words"]);
    assert_eq!(
        of_check(&changed("title = \"It holds\"", "title = \" \"")),
        ["2:9: error: an empty text helps nobody"]
    );
    assert_eq!(
        of_check(&changed("debrief = \"Because.\"", &format!("debrief = \"{}\"", "x".repeat(401)))),
        ["8:11: error: 401 characters: at most 400 are read; say it in fewer words"]
    );
}

#[test]
fn hints_that_are_missing_or_for_nobody() {
    assert_eq!(
        of_check(&changed("[[hint]]\ntext = \"Nearly.\"\n", "")),
        ["32:1: error: 2 hints without `for`: a check has three; what to look at, which way, nearly there"]
    );
    assert_eq!(
        of_check(&format!("hint = []\n{HEAD}{}", assertion(GOOD))),
        ["1:1: error: 0 hints without `for`: a check has three; what to look at, which way, nearly there"]
    );
    assert_eq!(
        of_check(&format!("{}\n[[hint]]\nfor = \"itt\"\ntext = \"x\"\n", changed("x", "x"))),
        ["40:7: error: no assertion is called `itt`; did you mean `it`?"]
    );
}

#[test]
fn exercises_that_need_each_other() {
    let mut files = manifest("", "");
    let exercises = "[[exercise]]\nid = \"1.2\"\ntodo = \"x\"\n[[exercise]]\nid = \"1.3\"\ntodo = \"x\"\n";
    files.insert("checks/workbook.toml", format!("{MANIFEST}{exercises}").into_bytes());
    for (id, needs) in [("1.1", "1.2"), ("1.2", "1.3"), ("1.3", "1.1")] {
        let check = changed("title =", &format!("needs = [\"{needs}\"]\ntitle ="));
        files.insert(format!("checks/{id}.toml"), check.into_bytes());
    }
    assert_eq!(
        headlines(&files),
        [
            "checks/1.1.toml:2:10: error: a circle: 1.1 needs 1.2 needs 1.3 needs 1.1",
            "checks/1.2.toml:2:10: error: a circle: 1.2 needs 1.3 needs 1.1 needs 1.2",
            "checks/1.3.toml:2:10: error: a circle: 1.3 needs 1.1 needs 1.2 needs 1.3",
        ]
    );
    files.insert("checks/1.3.toml", changed("title =", "needs = [\"1.3\", \"9.9\"]\ntitle =").into_bytes());
    assert_eq!(
        headlines(&files),
        [
            "checks/1.3.toml:2:10: error: a circle: 1.3 needs 1.3",
            "checks/1.3.toml:2:17: error: there is no exercise 9.9",
        ]
    );
}

#[test]
fn an_exercise_without_a_check_and_a_check_without_an_exercise() {
    let more = "[[exercise]]\nid = \"1.2\"\ntodo = \"x\"\n";
    let mut files = small(&format!("{HEAD}{}{HINTS}", assertion(GOOD)));
    files.insert("checks/workbook.toml", format!("{MANIFEST}{more}").into_bytes());
    assert_eq!(
        headlines(&files),
        [
            "checks/workbook.toml:11:6: error: exercise 1.2 has no check; write checks/1.2.toml, or set `pending = true`"
        ]
    );
    files.insert("checks/workbook.toml", format!("{MANIFEST}{more}pending = true\n").into_bytes());
    assert_eq!(headlines(&files), Vec::<String>::new());
    files.insert("checks/1.4.toml", format!("{HEAD}{}{HINTS}", assertion(GOOD)).into_bytes());
    assert_eq!(
        headlines(&files),
        ["checks/1.4.toml:1:1: error: there is no exercise 1.4; add it to checks/workbook.toml"]
    );
}

#[test]
fn a_pending_exercise_with_a_check() {
    assert_eq!(
        headlines(&manifest("todo = \"Do it\"", "todo = \"Do it\"\npending = true")),
        ["checks/workbook.toml:8:6: error: exercise 1.1 is pending, but has a check; take `pending` away"]
    );
}

#[test]
fn ids_twice_and_chapters_that_are_not_there() {
    assert_eq!(
        headlines(&manifest(
            "todo = \"Do it\"",
            "todo = \"Do it\"\n[[exercise]]\nid = \"1.1\"\ntodo = \"x\""
        )),
        ["checks/workbook.toml:11:6: error: exercise 1.1 is there twice"]
    );
    assert_eq!(
        headlines(&manifest("number = 1", "number = 2")),
        ["checks/workbook.toml:8:6: error: there is no chapter 1"]
    );
    assert_eq!(
        headlines(&manifest(
            "title = \"One\"",
            "title = \"One\"\n[[chapter]]\nnumber = 1\ntitle = \"Again\""
        )),
        ["checks/workbook.toml:8:10: error: chapter 1 is there twice"]
    );
}

#[test]
fn a_file_of_another_format() {
    assert_eq!(
        headlines(&manifest("format = 1", "format = 2")),
        [
            "checks/workbook.toml:1:10: error: this file has format 2, this grader reads format 1; update the grader"
        ]
    );
    assert_eq!(
        of_check(&changed("format = 1", "format = 7")),
        ["1:10: error: this file has format 7, this grader reads format 1; update the grader"]
    );
    assert_eq!(
        of_check(&changed("format = 1", "format = 0")),
        ["1:10: error: this file has format 0, this grader reads format 1; the first format is 1"]
    );
    // What a newer format has is no fault of its own: first of all the grader is too old.
    assert_eq!(
        of_check(&changed("format = 1", "format = 2\nnewer_key = true")),
        ["1:10: error: this file has format 2, this grader reads format 1; update the grader"]
    );
}

#[test]
fn broken_toml() {
    let found = of_check(&changed("title = \"It holds\"", "title = \"It holds"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("2:"), "{found:?}");
    let found = of_check(&changed("debrief =", "title ="));
    assert_eq!(found, ["8:1: error: duplicate key"]);
}

#[test]
fn a_file_that_is_missing_or_named_otherwise() {
    let mut files = Files::default();
    assert_eq!(
        headlines(&files),
        ["checks/workbook.toml:1:1: error: this file is missing: a workbook has it"]
    );
    files.insert("checks/workbook.toml", MANIFEST.into());
    files.insert("checks/notes.toml", b"x = 1".to_vec());
    assert_eq!(
        headlines(&files),
        [
            "checks/notes.toml:1:1: error: `notes.toml` is not named after an exercise; name it chapter.item.toml, as 4.2.toml",
            "checks/workbook.toml:8:6: error: exercise 1.1 has no check; write checks/1.1.toml, or set `pending = true`",
        ]
    );
}

#[test]
fn starting_files_that_are_not_there() {
    let mut files = manifest("title = \"One\"", "title = \"One\"\nstart = \"01-one\"");
    assert_eq!(headlines(&files), ["checks/workbook.toml:7:9: error: there is nothing in exercises/01-one/"]);
    files.insert("exercises/01-one/app/Dockerfile", b"FROM scratch".to_vec());
    assert_eq!(headlines(&files), Vec::<String>::new());
    let manifest = MANIFEST.replacen("title = \"One\"", "title = \"One\"\nstart = \"01-one\"", 1);
    files.insert(
        "checks/workbook.toml",
        format!("{manifest}files = [\"app\", \"app/Dockerfil\"]\n").into_bytes(),
    );
    assert_eq!(
        headlines(&files),
        [
            "checks/workbook.toml:11:17: error: no chapter's start holds `app/Dockerfil`; did you mean `app/Dockerfile`?"
        ]
    );
}

/// Recorded evidence of one specimen.
fn recorded(image: &str) -> Vec<u8> {
    let evidence = seen(json!({ "app": { "image": image, "state": { "running": true } } }));
    serde_json::to_vec(&json!({ "exercise": "1.1", "evidence": evidence })).unwrap()
}

#[test]
fn a_rule_that_holds_for_all_recorded_evidence() {
    let mut files = small(&format!(
        "{HEAD}{}{}{HINTS}",
        assertion(GOOD),
        assertion("id = \"idle\"\nrule = \"app.state.running\"")
    ));
    assert_eq!(headlines(&files), Vec::<String>::new());
    files.insert("checks/specimens/1.1/good/evidence.json", recorded("x"));
    files.insert("checks/specimens/1.1/bad/evidence.json", recorded("y"));
    assert_eq!(
        headlines(&files),
        [
            "checks/1.1.toml:37:8: error: `idle` holds for all recorded evidence (2 specimens): it proves nothing; add a specimen that it catches, below checks/specimens/1.1/"
        ]
    );
}

#[test]
fn a_rule_that_cannot_be_evaluated_on_recorded_evidence() {
    let mut files = small(&format!("{HEAD}{}{HINTS}", assertion("rule = \"app.image > 7\"")));
    files.insert("checks/specimens/1.1/good/evidence.json", recorded("x"));
    let found = headlines(&files);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with(
            "checks/1.1.toml:30:8: error: cannot be evaluated on recorded evidence: `app.image > 7`: "
        ),
        "{found:?}"
    );
}

#[test]
fn words_that_cannot_be_made_of_recorded_evidence() {
    let mut files =
        small(&format!("{HEAD}{}{HINTS}", assertion(&format!("{GOOD}\nactual = \"app.image + 7\""))));
    files.insert("checks/specimens/1.1/good/evidence.json", recorded("x"));
    files.insert("checks/specimens/1.1/bad/evidence.json", recorded("y"));
    let found = headlines(&files);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        found[0],
        "checks/1.1.toml:25:6: error: `it` has no words for what the specimen `bad` shows; write an `actual` that yields a text for it"
    );
}

#[test]
fn recorded_evidence_that_is_none() {
    let mut files = small(&format!("{HEAD}{}{HINTS}", assertion(GOOD)));
    files.insert("checks/specimens/1.1/good/evidence.json", b"{}".to_vec());
    assert_eq!(
        headlines(&files),
        ["checks/specimens/1.1/good/evidence.json:1:1: error: not recorded evidence of this format"]
    );
}

#[test]
fn every_fault_in_every_file_is_told_at_once_in_order() {
    let mut files = manifest("todo = \"Do it\"", "toodo = \"Do it\"");
    files.insert(
        "checks/1.1.toml",
        changed("app.image == 'x'", "app.imag == 'x' && app.stat == 'y'").into_bytes(),
    );
    files.insert("checks/1.2.toml", changed("title =", "titel =").into_bytes());
    files.insert("checks/1.3.toml", b"format = ".to_vec());
    let found = headlines(&files);
    assert_eq!(
        found[..5],
        [
            "checks/1.1.toml:30:9: error: no probe yields `app.imag`; did you mean `app.image`?",
            "checks/1.1.toml:30:28: error: no probe yields `app.stat`; did you mean `app.state`?",
            "checks/1.2.toml:1:1: error: `title` is missing",
            "checks/1.2.toml:2:1: error: unknown key `titel`; did you mean `title`?",
            "checks/1.3.toml:1:10: error: string values must be quoted, expected literal string",
        ]
    );
    assert_eq!(
        found[5..],
        [
            "checks/workbook.toml:7:1: error: `todo` is missing",
            "checks/workbook.toml:9:1: error: unknown key `toodo`; did you mean `todo`?",
        ]
    );
    // What reads the workbook to use it refuses it for the same reasons.
    assert!(Workbook::read(&files).is_err());
}
