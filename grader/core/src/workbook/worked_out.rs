//! Reads a workbook's files into what they mean.

use std::{cell::LazyCell, collections::BTreeMap};

use serde_json::Value;

use super::{
    Check, Diagnostic, Manifest, SourceFile,
    check_file::{CheckFile, FORMAT, check_schema},
    parse_toml,
    resolve::{Proof, resolve},
};
use crate::{ExerciseId, digest::sha256};

/// The files of a workbook by their path, as `checks/4.2.toml`; where they came from is the caller's affair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Adds a file.
    pub fn insert(&mut self, path: impl Into<String>, bytes: Vec<u8>) {
        self.0.insert(path.into(), bytes);
    }

    /// One file's bytes.
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.0.get(path).map(Vec::as_slice)
    }

    /// Files below a folder, by their path within it.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = (&'a str, &'a [u8])> + 'a {
        self.0.iter().filter_map(move |(path, bytes)| {
            let rest = path.strip_prefix(folder)?.strip_prefix('/')?;
            Some((rest, bytes.as_slice()))
        })
    }

    fn source(&self, path: &str) -> Result<SourceFile, Diagnostic> {
        let bytes = self.get(path).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(SourceFile::new(path, text)),
            Err(_) => Err(Diagnostic::error(&SourceFile::new(path, ""), 0..0, "not UTF-8 text")),
        }
    }
}

/// A workbook whose every check can be used.
#[derive(Debug)]
pub struct Workbook {
    /// Title, chapters and exercises.
    pub manifest: Manifest,
    /// The checks, by exercise.
    pub checks: BTreeMap<ExerciseId, Check>,
}

impl Workbook {
    /// The path of the manifest within a workbook.
    pub const MANIFEST: &'static str = "checks/workbook.toml";

    /// Reads a workbook; on any fault returns all of them.
    pub fn read(files: &Files) -> Result<Self, Vec<Diagnostic>> {
        Self::of(Reading::of(files))
    }

    /// Reads a workbook that [`Workbook::read`] has read before without a fault, as a test does with the one
    /// that is built in: in a tenth of the time, since rules are compiled when they are first needed.
    pub fn read_proven(files: &Files) -> Result<Self, Vec<Diagnostic>> {
        Self::of(Reading::with(files, Proof::Done))
    }

    fn of(reading: Reading) -> Result<Self, Vec<Diagnostic>> {
        match (reading.manifest, reading.faults.is_empty()) {
            (Some((manifest, _)), true) => {
                let checks = reading.checks.into_iter().map(|(id, (check, _))| (id, check)).collect();
                Ok(Self { manifest, checks })
            }
            (_, _) => Err(reading.faults),
        }
    }
}

/// What could be read of a workbook, and every fault that was met.
pub(super) struct Reading {
    pub manifest: Option<(Manifest, SourceFile)>,
    pub checks: BTreeMap<ExerciseId, (Check, SourceFile)>,
    pub faults: Vec<Diagnostic>,
}

impl Reading {
    pub(super) fn of(files: &Files) -> Self {
        Self::with(files, Proof::Wanted)
    }

    fn with(files: &Files, proof: Proof) -> Self {
        let mut reading = Self { manifest: None, checks: BTreeMap::new(), faults: Vec::new() };
        reading.read_manifest(files);
        let schema = LazyCell::new(check_schema);
        let names: Vec<String> = files
            .below("checks")
            .map(|(name, _)| name.to_owned())
            .filter(|name| name.ends_with(".toml") && !name.contains('/') && name != "workbook.toml")
            .collect();
        for name in names {
            reading.read_check(files, &name, &|| &*schema, proof);
        }
        reading
    }

    fn read_manifest(&mut self, files: &Files) {
        if files.get(Workbook::MANIFEST).is_none() {
            let nowhere = SourceFile::new(Workbook::MANIFEST, "");
            self.faults.push(Diagnostic::error(&nowhere, 0..0, "this file is missing: a workbook has it"));
            return;
        }
        let parsed = files
            .source(Workbook::MANIFEST)
            .map_err(|fault| vec![fault])
            .and_then(|source| Ok((Manifest::parse(&source)?, source)));
        match parsed {
            Ok(read) => self.manifest = Some(read),
            Err(faults) => self.faults.extend(faults),
        }
    }

    fn read_check<'s>(&mut self, files: &Files, name: &str, schema: &dyn Fn() -> &'s Value, proof: Proof) {
        let path = format!("checks/{name}");
        let source = match files.source(&path) {
            Ok(source) => source,
            Err(fault) => return self.faults.push(fault),
        };
        let id: ExerciseId = match name.trim_end_matches(".toml").parse() {
            Ok(id) => id,
            Err(_) => {
                let fault =
                    Diagnostic::error(&source, 0..0, format!("`{name}` is not named after an exercise"));
                return self.faults.push(fault.suggest("name it chapter.item.toml, as 4.2.toml"));
            }
        };
        // Without its schema it is read as it is; where that fails, the whole reading says why.
        let as_it_is = (proof == Proof::Done).then(|| toml::from_str(&source.text).ok()).flatten();
        let file: CheckFile = match as_it_is.map_or_else(|| parse_toml(&source, schema(), FORMAT), Ok) {
            Ok(file) => file,
            Err(faults) => return self.faults.extend(faults),
        };
        let hash = sha256(source.text.as_bytes());
        match resolve(id, file, hash, &source, proof) {
            Ok(check) => {
                self.checks.insert(id, (check, source));
            }
            Err(faults) => self.faults.extend(faults),
        }
    }
}
