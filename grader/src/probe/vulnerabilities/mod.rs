//! What a scanner knows of an image. Start at [`look`].
//!
//! Trivy does the scanning; the grader decides what it sees: the very image, as an archive of the
//! engine's, and none of the learner's settings, lists of exceptions or caches. Whether scanner and
//! database are what they should be shows in a vulnerability that they must find first; whether the
//! scanner saw every package shows in the image's own records, which are read here.

mod database;
mod format;
mod kept;
mod records;
mod report;
mod scanner;

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use futures_util::TryStreamExt;
use grader_core::{
    Fault,
    evidence::{ToolSeen, VulnerabilitiesEvidence},
    workbook::VulnerabilitiesSpec,
};
use grader_engine::{EngineError, ImageFacts};
use tokio::io::AsyncWriteExt;

pub(crate) use database::{DOWNLOAD, DatabaseState};
pub(crate) use scanner::{ScannerState, installed};

use super::{Place, Stop};
use crate::workspace::Scratch;

pub(super) async fn look(
    spec: &VulnerabilitiesSpec,
    place: &Place<'_>,
) -> Result<VulnerabilitiesEvidence, Stop> {
    place.doing("asking for Trivy and its database");
    let found = scanner::usable(spec).await?;
    place.asked(ToolSeen {
        name: "trivy".into(),
        path: found.program.path().display().to_string(),
        version: found.said.clone(),
    });
    let database = database::usable(spec)?;
    let image = place.image(&spec.image).await?;
    let scratch = Scratch::make(place.workspace.root()).map_err(|error| no_room(&error))?;
    let scanner = scanner::Scanner::in_folder(found.program.clone(), scratch.path(), &database)
        .map_err(|error| no_room(&error))?;
    place.doing(format!("letting Trivy find {} first", spec.known.id));
    scanner.finds_known(&spec.known, &database).await?;
    place.doing(format!("exporting {}", spec.image));
    let archive = scratch.path().join("image.tar");
    export(place, &image, &archive).await?;
    place.doing(format!("scanning {}", spec.image));
    let report = scanner.scan(&archive).await?;
    report.is_of(&image)?;
    place.doing(format!("reading the records of packages in {}", spec.image));
    let records = read_records(archive).await?;
    let sha256 = scanner::digest(found.program.path()).await?;
    Ok(report.evidence(spec, &image, &found, sha256, &database, &records))
}

/// Writes the image's archive, as `docker save` would.
async fn export(place: &Place<'_>, image: &ImageFacts, into: &Path) -> Result<(), Stop> {
    let mut file = tokio::fs::File::create(into).await.map_err(|error| no_room(&error))?;
    let mut pieces = place.engine()?.engine().export(&image.id);
    while let Some(piece) = pieces.try_next().await.map_err(|error: EngineError| Stop::from(error))? {
        file.write_all(&piece).await.map_err(|error| no_room(&error))?;
    }
    file.flush().await.map_err(|error| no_room(&error))
}

async fn read_records(archive: PathBuf) -> Result<records::Records, Stop> {
    let what = "the image's archive could not be read";
    let read = tokio::task::spawn_blocking(move || records::read(&mut File::open(archive)?));
    match read.await {
        Ok(Ok(records)) => Ok(records),
        Ok(Err(error)) => Err(Stop::fault(what, &error)),
        Err(error) => Err(Stop::fault(what, &error)),
    }
}

fn no_room(error: &std::io::Error) -> Stop {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return Stop::blocked("there is no room for the image's archive", "docker builder prune");
    }
    Stop::fault("a folder for the scan could not be written", error)
}

fn faulty(what: impl Into<String>, detail: impl Into<String>) -> Stop {
    Stop::Fault(Fault { what: what.into(), detail: detail.into() })
}
