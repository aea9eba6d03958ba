//! What kind of program an image holds, found in its contents and in what it starts: never in a name alone.
//!
//! The program that the image starts decides where it can be found: an executable built by Go is Go,
//! whatever lies beside it. Else an interpreter decides, if its own library is there too.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

use grader_core::evidence::{ImageKind, KindFound};
use grader_engine::ImageConfig;
use memchr::memmem;

/// Begins the build information that Go's linker puts into every executable. Source: Go, debug/buildinfo.
const GO_BUILD_INFO: &[u8] = b"\xff Go buildinf:";

/// The most files of interest that are remembered of one layer. More is no image that a check could tell
/// the kind of, and not a crowd in which to hide a program.
const MOST_FOUND: usize = 200_000;

/// What one layer tells.
#[derive(Debug, Default)]
pub(super) struct Contents {
    programs: BTreeMap<String, Program>,
    /// Symbolic and hard links, with what they lead to.
    links: BTreeMap<String, String>,
    removed: BTreeSet<String>,
    emptied: BTreeSet<String>,
    python_library: BTreeSet<String>,
    too_many: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Program {
    /// An ELF executable built by Go.
    Go,
    /// Another ELF executable.
    Native,
    /// A script, with the interpreter that its first line names.
    Script(String),
}

impl Contents {
    /// Whether it holds more programs and links than are remembered, so that its kind cannot be told.
    pub(super) fn has_too_many(&self) -> bool {
        self.too_many
    }

    /// Takes note of a whiteout; says whether it is one.
    pub(super) fn whiteout(&mut self, path: &str) -> bool {
        let name = base_name(path);
        let Some(hidden) = name.strip_prefix(".wh.") else { return false };
        if self.removed.len() + self.emptied.len() > MOST_FOUND {
            self.too_many = true;
            return true;
        }
        let folder = &path[..path.len() - name.len()];
        if hidden == ".wh..opq" {
            self.emptied.insert(folder.to_owned());
        } else {
            self.removed.insert(format!("{folder}{hidden}"));
        }
        true
    }

    /// Whether a path of a lower layer is gone by this one, itself or with a folder above it.
    pub(super) fn hides(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| at);
        self.emptied.contains("")
            || above.clone().any(|at| self.emptied.contains(&path[..=at]))
            || above.chain([path.len()]).any(|end| self.removed.contains(&path[..end]))
    }

    /// Takes note of a symbolic or hard link.
    pub(super) fn link(&mut self, path: &str, target: &[u8], is_hard: bool) {
        if self.is_full() {
            return;
        }
        let target = String::from_utf8_lossy(target).into_owned();
        let target = if is_hard { format!("/{target}") } else { target };
        self.links.insert(path.to_owned(), target);
    }

    /// Takes note of a file, reading of it what it needs.
    pub(super) fn file(&mut self, path: &str, executable: bool, file: &mut impl Read) -> io::Result<()> {
        if self.is_full() {
            return Ok(());
        }
        if path.ends_with("/encodings/__init__.py") || path.ends_with("/encodings/__init__.pyc") {
            self.python_library.insert(path.to_owned());
        }
        if executable && let Some(program) = program(file)? {
            self.programs.insert(path.to_owned(), program);
        }
        Ok(())
    }

    fn is_full(&mut self) -> bool {
        self.too_many |= self.programs.len() + self.links.len() > MOST_FOUND;
        self.too_many
    }
}

/// A path as it stands in a container, without its leading slash.
pub(super) fn plain(path: &[u8]) -> String {
    let path = String::from_utf8_lossy(path);
    path.trim_start_matches("./").trim_matches('/').to_owned()
}

/// What an executable file is, from its bytes; the whole file is searched for Go's mark.
fn program(file: &mut impl Read) -> io::Result<Option<Program>> {
    let mut buffer = vec![0; 1 << 16];
    let mut filled = 0;
    while filled < 4096 {
        match file.read(&mut buffer[filled..])? {
            0 => break,
            read => filled += read,
        }
    }
    if buffer[..filled].starts_with(b"#!") {
        let line = buffer[2..filled].split(|byte| *byte == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let mut words = line.split_whitespace().filter(|word| !word.starts_with('-') && !word.contains('='));
        let interpreter = words.next().unwrap_or("");
        let named = if interpreter.ends_with("/env") { words.next().unwrap_or("") } else { interpreter };
        return Ok(Some(Program::Script(named.to_owned())));
    }
    if !buffer[..filled].starts_with(b"\x7fELF") {
        return Ok(None);
    }
    let finder = memmem::Finder::new(GO_BUILD_INFO);
    loop {
        if finder.find(&buffer[..filled]).is_some() {
            return Ok(Some(Program::Go));
        }
        // The mark may stand across two pieces: the end of one is kept before the next.
        let keep = filled.min(GO_BUILD_INFO.len() - 1);
        buffer.copy_within(filled - keep..filled, 0);
        match file.read(&mut buffer[keep..])? {
            0 => return Ok(Some(Program::Native)),
            read => filled = keep + read,
        }
    }
}

/// The kind of an image, from its layers (base first) and its configuration, and what told it.
pub(super) fn of(layers: &[&Contents], config: &ImageConfig) -> (ImageKind, Vec<KindFound>) {
    let files = Merged::of(layers);
    if let Some((path, program)) = started(&files, config) {
        let found = |what: &str| vec![KindFound { path: format!("/{path}"), what: what.to_owned() }];
        match (program, interpreter(&files, &path, program)) {
            (Program::Go, _) => return (ImageKind::Go, found("the program that it starts, built by Go")),
            (_, Some(ImageKind::Python)) => {
                return (ImageKind::Python, found("the program that it starts, run by Python"));
            }
            (_, Some(ImageKind::Node)) => {
                return (ImageKind::Node, found("the program that it starts, run by Node.js"));
            }
            (Program::Native | Program::Script(_), _) => {}
        }
    }
    by_contents(&files)
}

/// What lies in the image when no program that it starts tells: an interpreter, or a Go executable.
fn by_contents(files: &Merged) -> (ImageKind, Vec<KindFound>) {
    let found = |path: &str, what: &str| vec![KindFound { path: format!("/{path}"), what: what.to_owned() }];
    for (path, program) in &files.programs {
        if *program == Program::Native && is_python(files, path) {
            return (ImageKind::Python, found(path, "a Python interpreter with its library"));
        }
    }
    for (path, program) in &files.programs {
        if *program == Program::Native && base_name(path) == "node" {
            return (ImageKind::Node, found(path, "Node.js"));
        }
    }
    // A Go executable among the system's own tools does not make the image a Go image.
    let own = |path: &str| {
        !["usr/bin/", "usr/sbin/", "bin/", "sbin/", "usr/lib/"].iter().any(|d| path.starts_with(d))
    };
    match files.programs.iter().find(|(path, program)| **program == Program::Go && own(path)) {
        Some((path, _)) => (ImageKind::Go, found(path, "an executable built by Go")),
        None => (ImageKind::Other, Vec::new()),
    }
}

/// The file that the image starts, and what it is.
fn started<'a>(files: &'a Merged, config: &ImageConfig) -> Option<(String, &'a Program)> {
    let arguments = || config.entrypoint.iter().flatten().chain(config.cmd.iter().flatten());
    let mut words: Vec<&str> = arguments().map(String::as_str).collect();
    // A shell that starts something: what it starts is what counts.
    if let [shell, "-c", script] = words.as_slice()
        && ["sh", "bash", "ash", "dash"].contains(&base_name(shell))
    {
        words = script.split_whitespace().skip_while(|word| *word == "exec" || word.contains('=')).collect();
    }
    let first = *words.first()?;
    let search: Vec<String> = if first.contains('/') {
        let folder = if first.starts_with('/') { "" } else { config.working_dir.as_deref().unwrap_or("") };
        vec![format!("{folder}/{first}")]
    } else {
        let path = config.env.iter().find_map(|pair| pair.strip_prefix("PATH="));
        let path = path.unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        path.split(':').map(|folder| format!("{folder}/{first}")).collect()
    };
    search.iter().find_map(|path| {
        let real = files.resolve(path)?;
        files.programs.get(&real).map(|program| (real.clone(), program))
    })
}

/// The interpreter that runs a program, if it is one that makes a kind.
fn interpreter(files: &Merged, path: &str, program: &Program) -> Option<ImageKind> {
    let real = match program {
        Program::Go => return None,
        Program::Native => path.to_owned(),
        Program::Script(named) => {
            let candidates = if named.starts_with('/') {
                vec![named.clone()]
            } else {
                ["usr/local/bin", "usr/bin", "bin"]
                    .iter()
                    .map(|folder| format!("/{folder}/{named}"))
                    .collect()
            };
            candidates.iter().find_map(|path| files.resolve(path))?
        }
    };
    if files.programs.get(&real) != Some(&Program::Native) {
        return None;
    }
    if is_python(files, &real) {
        Some(ImageKind::Python)
    } else if base_name(&real) == "node" {
        Some(ImageKind::Node)
    } else {
        None
    }
}

/// A Python interpreter is one only beside its own library: a file of that name is soon made.
fn is_python(files: &Merged, path: &str) -> bool {
    (base_name(path).starts_with("python3") || base_name(path) == "python")
        && !files.python_library.is_empty()
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The files of interest as the container sees them: upper layers over lower ones, whiteouts obeyed.
#[derive(Debug, Default)]
struct Merged {
    programs: BTreeMap<String, Program>,
    links: BTreeMap<String, String>,
    python_library: BTreeSet<String>,
}

impl Merged {
    fn of(layers: &[&Contents]) -> Self {
        let mut merged = Self::default();
        for layer in layers {
            merged.programs.retain(|path, _| !layer.hides(path));
            merged.links.retain(|path, _| !layer.hides(path));
            merged.python_library.retain(|path| !layer.hides(path));
            for (path, program) in &layer.programs {
                merged.links.remove(path);
                merged.programs.insert(path.clone(), program.clone());
            }
            for (path, target) in &layer.links {
                merged.programs.remove(path);
                merged.links.insert(path.clone(), target.clone());
            }
            merged.python_library.extend(layer.python_library.iter().cloned());
        }
        merged
    }

    /// Follows links, of folders too, to a program; `None` if it leads nowhere.
    fn resolve(&self, path: &str) -> Option<String> {
        let mut parts: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
        let mut real: Vec<String> = Vec::new();
        let mut followed = 0;
        while let Some(part) = parts.pop() {
            match part.as_str() {
                "" | "." => continue,
                ".." => {
                    real.pop();
                    continue;
                }
                _ => real.push(part),
            }
            if let Some(target) = self.links.get(&real.join("/")) {
                followed += 1;
                if followed > 40 {
                    return None;
                }
                real.pop();
                if target.starts_with('/') {
                    real.clear();
                }
                parts.extend(target.split('/').rev().map(str::to_owned));
            }
        }
        let real = real.join("/");
        self.programs.contains_key(&real).then_some(real)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::layer, *};

    fn layer_of(files: &[(&str, &[u8])], links: &[(&str, &str)]) -> Contents {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o755);
            builder.append_data(&mut header, path, *bytes).unwrap();
        }
        for (path, target) in links {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, path, target).unwrap();
        }
        let archive = builder.into_inner().unwrap();
        layer::read(&mut archive.as_slice(), &layer::Sought::default(), u64::MAX).unwrap().0
    }

    fn starts(words: &[&str]) -> ImageConfig {
        ImageConfig {
            cmd: Some(words.iter().map(|word| (*word).to_owned()).collect()),
            ..ImageConfig::default()
        }
    }

    const ELF: &[u8] = b"\x7fELF native";
    const GO: &[u8] = b"\x7fELF \xff Go buildinf: go1.26";

    #[test]
    fn a_console_script_of_python_is_python() {
        let image = layer_of(
            &[
                ("usr/local/bin/gunicorn", b"#!/usr/local/bin/python3\nimport sys"),
                ("usr/local/bin/python3.13", ELF),
                ("usr/local/lib/python3.13/encodings/__init__.py", b""),
            ],
            &[("usr/local/bin/python3", "python3.13")],
        );
        assert_eq!(of(&[&image], &starts(&["gunicorn", "app:app"])).0, ImageKind::Python);
    }

    #[test]
    fn a_go_program_stays_go_whatever_lies_beside_it() {
        let image =
            layer_of(&[("server", GO), ("usr/local/bin/python", ELF), ("x/encodings/__init__.py", b"")], &[]);
        assert_eq!(of(&[&image], &starts(&["/server"])).0, ImageKind::Go);
        assert_eq!(of(&[&image], &starts(&["sh", "-c", "exec /server"])).0, ImageKind::Go);
    }

    #[test]
    fn a_file_called_python_does_not_make_a_python_image() {
        let image = layer_of(&[("srv/server", GO), ("usr/local/bin/python", b"#!/bin/sh\n")], &[]);
        assert_eq!(of(&[&image], &starts(&["python", "app.py"])).0, ImageKind::Go);
    }

    #[test]
    fn what_an_upper_layer_removes_is_not_there() {
        let base = layer_of(&[("usr/bin/node", ELF)], &[]);
        let upper = layer_of(&[("usr/bin/.wh.node", b"")], &[]);
        assert_eq!(of(&[&base], &starts(&["node", "x.js"])).0, ImageKind::Node);
        assert_eq!(of(&[&base, &upper], &starts(&["node", "x.js"])).0, ImageKind::Other);
    }

    #[test]
    fn links_in_a_circle_lead_nowhere() {
        let image = layer_of(&[], &[("a", "b"), ("b", "a")]);
        assert_eq!(of(&[&image], &starts(&["/a"])).0, ImageKind::Other);
    }
}
