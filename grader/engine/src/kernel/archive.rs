//! An image of one file, as an archive in the form of `docker save`. No registry is needed for it.
//!
//! The same program, name and labels give the same bytes. Source of the form:
//! <https://github.com/moby/docker-image-spec/blob/main/v1.2.md>.

use std::{collections::BTreeMap, io};

use bytes::Bytes;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::context::hex;

/// Where the program lies in the image.
const PATH: &str = "helper";

/// Builds the archive of an image `FROM scratch` that runs this static program.
pub(super) fn of(
    program: &[u8],
    architecture: &str,
    name: &str,
    labels: &BTreeMap<String, String>,
) -> io::Result<Bytes> {
    let layer = packed(&[(PATH, program, 0o755)])?;
    let layer_digest = hex(&Sha256::digest(&layer));
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": { "Entrypoint": [format!("/{PATH}")], "Labels": labels },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer_digest}")] },
        "history": [{ "created": "1970-01-01T00:00:00Z", "created_by": "grader" }],
    })
    .to_string();
    let config_path = format!("{}.json", hex(&Sha256::digest(config.as_bytes())));
    let layer_path = format!("{layer_digest}/layer.tar");
    let manifest = json!([{
        "Config": config_path,
        "RepoTags": [name],
        "Layers": [layer_path],
    }])
    .to_string();
    let archive = packed(&[
        (&config_path, config.as_bytes(), 0o644),
        (&layer_path, &layer, 0o644),
        ("manifest.json", manifest.as_bytes(), 0o644),
    ])?;
    Ok(archive.into())
}

fn packed(files: &[(&str, &[u8], u32)]) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes, mode) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(*mode);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        builder.append_data(&mut header, path, *bytes)?;
    }
    builder.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_archive_names_what_it_holds() {
        let labels = BTreeMap::from([("grader.run".to_owned(), "r".to_owned())]);
        let bytes = of(b"program", "amd64", "grader:x", &labels).unwrap();
        let mut archive = tar::Archive::new(&bytes[..]);
        let paths: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(paths.len(), 3);
        assert_eq!(paths[2], "manifest.json");
        assert!(paths[1].ends_with("/layer.tar"));
    }
}
