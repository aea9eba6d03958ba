//! `grader schema`: JSON Schemas made from the types.

use grader_core::{
    bundle,
    document::Document,
    workbook::{ProbeKind, check_schema, evidence_schema, manifest_schema, nearest},
    workspace_file,
};
use serde_json::Value;

use super::{
    CliError, Exit, Face,
    args::{SchemaArgs, SchemaOf},
};
use crate::term::clean_line;

pub(super) fn run(face: &Face, args: &SchemaArgs) -> Result<Exit, CliError> {
    if args.kind.is_some() && args.of != SchemaOf::Evidence {
        return Err(CliError::usage(
            "a kind of probe goes with `evidence` alone",
            "grader schema evidence image",
        ));
    }
    face.term.json(&schema(args)?)?;
    Ok(Exit::Done)
}

fn schema(args: &SchemaArgs) -> Result<Value, CliError> {
    Ok(match args.of {
        SchemaOf::Check => check_schema(),
        SchemaOf::Workbook => manifest_schema(),
        SchemaOf::Workspace => workspace_file::schema(),
        SchemaOf::Result => schemars::schema_for!(Document).to_value(),
        SchemaOf::Bundle => bundle::schema(),
        SchemaOf::Evidence => evidence_schema(kind(args.kind.as_deref())?),
    })
}

fn kind(word: Option<&str>) -> Result<ProbeKind, CliError> {
    let words = ProbeKind::ALL.map(ProbeKind::as_str);
    let kinds = words.join(", ");
    let Some(word) = word else {
        return Err(CliError::usage(
            format!("evidence of which kind of probe? There are: {kinds}"),
            "grader schema evidence image",
        ));
    };
    ProbeKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or_else(|| {
        let near = nearest(word, words).unwrap_or(words[0]);
        let what = format!("{} is no kind of probe. There are: {kinds}", clean_line(word));
        CliError::usage(what, format!("grader schema evidence {near}"))
    })
}
