//! Who the engine is: facts that do not change while it runs, read once at the connection.

use bollard::models::{SystemInfo, SystemVersion};
use serde::{Deserialize, Serialize};

/// The oldest Engine API that we speak: Docker 20.10's.
pub const OLDEST_API: &str = "1.41";

/// Who the engine is. Sources: `GET /version`, `GET /info`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineFacts {
    /// `Docker Engine` or `Podman Engine`, by the first component that the engine names.
    pub product: String,
    /// The engine's version, as `28.2.2`.
    pub version: String,
    /// The API version that we speak with it, as `1.41`.
    pub api_version: String,
    /// Kernel family of its containers: `linux`, `windows`.
    pub os: String,
    /// The distribution it runs on, in its own words: `Debian GNU/Linux 12 (bookworm)`, `Docker Desktop`.
    pub operating_system: String,
    /// As Go names it: `amd64`, `arm64`.
    pub architecture: String,
    /// The kernel's release.
    pub kernel: String,
    /// Where it was reached: `unix://…` or `tcp://…`.
    pub endpoint: String,
    /// Docker's context that named the endpoint.
    pub context: Option<String>,
    /// The engine runs without root.
    pub rootless: bool,
    /// The engine maps its containers' users to others of the host.
    pub userns_remap: bool,
    /// `1` or `2`; older engines do not say.
    pub cgroup_version: Option<String>,
    /// `cgroupfs`, `systemd` or `none`.
    pub cgroup_driver: String,
    /// As `overlay2`, `overlayfs`.
    pub storage_driver: String,
    /// Who keeps the images.
    pub image_store: ImageStore,
    /// The engine's own id.
    pub engine_id: String,
    /// Processors that its containers may use.
    pub cpus: u64,
    /// Memory of the machine that it runs on, in bytes.
    pub memory_bytes: u64,
    /// Where it keeps images and containers, on its own machine; empty where it does not say.
    pub root_folder: String,
    /// Its clock when it was asked, RFC 3339; null where it does not say.
    pub system_time: Option<String>,
}

/// Who keeps the images: decides what sizes and digests mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageStore {
    /// The engine's own graph drivers: an image's id is the digest of its configuration.
    Graphdriver,
    /// containerd's snapshotters: an image's id is the digest of its manifest or index.
    Containerd,
}

impl EngineFacts {
    pub(crate) fn new(
        endpoint: &crate::Endpoint,
        api_version: String,
        version: SystemVersion,
        info: SystemInfo,
    ) -> Self {
        let components = version.components.unwrap_or_default();
        let podman = components.iter().any(|c| c.name.starts_with("Podman"));
        let security = info.security_options.unwrap_or_default();
        let secured_by = |name: &str| {
            let wanted = format!("name={name}");
            security.iter().any(|option| option.split(',').any(|part| part == wanted))
        };
        // https://docs.docker.com/engine/storage/containerd/: how one tells which store is used.
        let containerd = info.driver_status.iter().flatten().any(|pair| {
            pair.first().is_some_and(|key| key == "driver-type")
                && pair.last().is_some_and(|v| v.starts_with("io.containerd"))
        });
        Self {
            product: if podman { "Podman Engine" } else { "Docker Engine" }.to_owned(),
            version: version.version.unwrap_or_default(),
            api_version,
            os: version.os.or(info.os_type).unwrap_or_default(),
            operating_system: info.operating_system.unwrap_or_default(),
            architecture: go_architecture(&version.arch.or(info.architecture).unwrap_or_default()).to_owned(),
            kernel: version.kernel_version.or(info.kernel_version).unwrap_or_default(),
            endpoint: endpoint.host().to_owned(),
            context: endpoint.context().map(str::to_owned),
            rootless: secured_by("rootless"),
            userns_remap: secured_by("userns"),
            cgroup_version: info
                .cgroup_version
                .map(|version| version.to_string())
                .filter(|text| !text.is_empty()),
            cgroup_driver: info.cgroup_driver.map(|driver| driver.to_string()).unwrap_or_default(),
            storage_driver: info.driver.unwrap_or_default(),
            image_store: if containerd { ImageStore::Containerd } else { ImageStore::Graphdriver },
            engine_id: info.id.unwrap_or_default(),
            cpus: info.ncpu.and_then(|n| n.try_into().ok()).unwrap_or(0),
            memory_bytes: info.mem_total.and_then(|n| n.try_into().ok()).unwrap_or(0),
            root_folder: info.docker_root_dir.unwrap_or_default(),
            system_time: info.system_time.filter(|time| !time.is_empty()),
        }
    }
}

/// Names an architecture as Go, and so an image's configuration, does.
fn go_architecture(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// An API version as two numbers, so that 1.9 is older than 1.41.
pub(crate) fn api_number(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(version: &str, info: &str) -> EngineFacts {
        EngineFacts::new(
            &crate::Endpoint::at("unix:///x.sock").unwrap(),
            "1.41".into(),
            serde_json::from_str(version).unwrap(),
            serde_json::from_str(info).unwrap(),
        )
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(api_number("1.9") < api_number("1.41"));
        assert_eq!(api_number("new"), None);
    }

    #[test]
    fn an_old_rootful_engine() {
        let facts = facts(
            r#"{"Components":[{"Name":"Engine","Version":"20.10.24"}],"Version":"20.10.24","Os":"linux","Arch":"amd64","KernelVersion":"6.1"}"#,
            r#"{"ID":"O2FB","Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"]],"SecurityOptions":["name=seccomp,profile=default"],"CgroupDriver":"cgroupfs","CgroupVersion":"1","NCPU":2,"MemTotal":1024}"#,
        );
        assert_eq!(facts.product, "Docker Engine");
        assert_eq!(facts.image_store, ImageStore::Graphdriver);
        assert!(!facts.rootless && !facts.userns_remap);
        assert_eq!(facts.cgroup_version.as_deref(), Some("1"));
        assert_eq!((facts.cpus, facts.memory_bytes), (2, 1024));
    }

    #[test]
    fn a_new_rootless_engine_with_containerd_store() {
        let facts = facts(
            r#"{"Components":[{"Name":"Engine","Version":"29.0.0"}],"Version":"29.0.0","Os":"linux","Arch":"arm64"}"#,
            r#"{"Driver":"overlayfs","DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]],"SecurityOptions":["name=seccomp,profile=builtin","name=rootless","name=cgroupns"],"CgroupDriver":"systemd","CgroupVersion":"2"}"#,
        );
        assert_eq!(facts.image_store, ImageStore::Containerd);
        assert!(facts.rootless && !facts.userns_remap);
    }

    #[test]
    fn podman_is_named() {
        let facts = facts(
            r#"{"Components":[{"Name":"Podman Engine","Version":"5.2.0"}],"Version":"5.2.0","Os":"linux","Arch":"amd64"}"#,
            "{}",
        );
        assert_eq!(facts.product, "Podman Engine");
        assert_eq!(facts.cgroup_version, None);
    }
}
