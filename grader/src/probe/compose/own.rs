//! Makes the learner's configuration the check's own: what Compose then makes bears names of the check's
//! project alone, listens on ports of the engine's choice, and reaches nothing of the learner's.

use std::{collections::BTreeMap, path::Path};

use grader_engine::ImageFacts;
use serde_json::{Map, Value, json};

use super::config::{image_volumes, is_external, list, tables, text};
use crate::workspace::stays_within;

/// Keys of a service that name, share or take what is not the project's own.
const SHARED: [&str; 12] = [
    "container_name",
    "external_links",
    "privileged",
    "devices",
    "device_cgroup_rules",
    "pid",
    "ipc",
    "uts",
    "userns_mode",
    "cgroup_parent",
    "mac_address",
    "volumes_from",
];

/// Where what is brought up lies, and what it is.
pub(super) struct Copy<'a> {
    /// The folder that was copied.
    pub from: &'a Path,
    /// Its copy.
    pub to: &'a Path,
    /// An empty folder for whatever would be written outside.
    pub spare: &'a Path,
    /// The app's service.
    pub service: &'a str,
    /// The port on which the app listens.
    pub port: u16,
    /// Images by service, for the volumes that they declare.
    pub images: &'a BTreeMap<String, ImageFacts>,
    /// Which bring-up this is: volumes without a name are new in each.
    pub round: u32,
}

/// The configuration that is brought up, and what is another in it.
pub(super) fn made_own(config: &Value, copy: &Copy<'_>) -> (Value, Vec<String>) {
    let mut own = config.clone();
    let mut changed = Vec::new();
    relocate(&mut own, copy.from, copy.to);
    if let Some(top) = own.as_object_mut() {
        top.remove("name");
    }
    for kind in ["networks", "volumes"] {
        for (name, value) in tables(&mut own, kind).into_iter().flatten() {
            if is_external(value) {
                changed.push(format!("{kind}.{name}: external, replaced by the check's own"));
            }
            // Names, address ranges and folders of the host may be in use, or be the learner's.
            *value = match value.get("internal") {
                Some(internal) => json!({ "internal": internal }),
                None => json!({}),
            };
        }
    }
    for kind in ["secrets", "configs"] {
        for (_, value) in tables(&mut own, kind).into_iter().flatten() {
            if let Some(value) = value.as_object_mut() {
                value.remove("name");
            }
        }
    }
    let mut volumes = Vec::new();
    for (name, service) in tables(&mut own, "services").into_iter().flatten() {
        let Some(service) = service.as_object_mut() else { continue };
        own_service(name, service, copy, &mut volumes, &mut changed);
    }
    if let Some(top) = own.as_object_mut() {
        let table = top.entry("volumes").or_insert_with(|| json!({}));
        if let Some(table) = table.as_object_mut() {
            table.extend(volumes.into_iter().map(|name| (name, json!({}))));
        }
    }
    (own, changed)
}

fn own_service(
    name: &str,
    service: &mut Map<String, Value>,
    copy: &Copy<'_>,
    volumes: &mut Vec<String>,
    changed: &mut Vec<String>,
) {
    for key in SHARED {
        if service.remove(key).is_some_and(|value| value != Value::Bool(false)) {
            changed.push(format!("services.{name}.{key}: left out"));
        }
    }
    if let Some(mode) = service.get("network_mode").and_then(Value::as_str)
        && (mode == "host" || mode == "bridge" || mode.starts_with("container:"))
    {
        changed.push(format!("services.{name}.network_mode: `{mode}` left out"));
        service.remove("network_mode");
        service.insert("networks".into(), json!({ "default": null }));
    }
    // What must not be pulled, and a name that is the learner's own image.
    service.remove("pull_policy");
    if let Some(build) = service.get_mut("build").and_then(Value::as_object_mut) {
        for key in ["tags", "cache_to", "pull"] {
            build.remove(key);
        }
        if service.remove("image").is_some() {
            changed.push(format!("services.{name}.image: a name of the check's own"));
        }
    }
    for (_, network) in service.get_mut("networks").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(network) = network.as_object_mut() {
            for key in ["ipv4_address", "ipv6_address", "link_local_ips", "mac_address"] {
                if network.remove(key).is_some() {
                    changed.push(format!("services.{name}: {key} left to the engine"));
                }
            }
        }
    }
    own_ports(name, service, copy, changed);
    let image = copy.images.get(name);
    let mut mounts = list(&Value::Object(service.clone()), "volumes").to_vec();
    for path in image_volumes(&Value::Object(service.clone()), image) {
        mounts.push(json!({ "type": "volume", "target": path }));
    }
    let built = service.contains_key("build");
    for (at, mount) in mounts.iter_mut().enumerate() {
        let volume = format!("grader-{}-{name}-{at}", copy.round);
        match own_mount(mount, copy, built, image) {
            Mounted::AsItIs => {}
            Mounted::Fresh => {
                // A name, so that it is removed with the project; a new one in each round, since that is
                // what a volume without a name is.
                set(mount, "source", volume.clone());
                volumes.push(volume);
            }
            Mounted::Lasting(why) => {
                let target = text(mount, "target").unwrap_or("").to_owned();
                changed.push(format!("services.{name}: {why} at {target} is a volume of the check's own"));
                let volume = format!("grader-{name}-{at}");
                *mount = json!({ "type": "volume", "source": volume, "target": target });
                volumes.push(volume);
            }
            Mounted::Spare(why) => {
                changed.push(format!("services.{name}: {why}"));
                set(mount, "source", copy.spare.to_string_lossy().into_owned());
            }
        }
    }
    if !mounts.is_empty() {
        service.insert("volumes".into(), Value::Array(mounts));
    }
}

fn own_ports(name: &str, service: &mut Map<String, Value>, copy: &Copy<'_>, changed: &mut Vec<String>) {
    let mut targets: Vec<(u64, String)> = list(&Value::Object(service.clone()), "ports")
        .iter()
        .filter_map(|port| {
            Some((port.get("target")?.as_u64()?, text(port, "protocol").unwrap_or("tcp").to_owned()))
        })
        .collect();
    if !targets.is_empty() {
        changed.push(format!("services.{name}.ports: published at ports of the engine's choice"));
    }
    let apps = (u64::from(copy.port), "tcp".to_owned());
    if name == copy.service && !targets.contains(&apps) {
        targets.push(apps);
    }
    targets.dedup();
    // On a network of another container ports cannot be published.
    if targets.is_empty() || service.contains_key("network_mode") {
        service.remove("ports");
        return;
    }
    let ports = targets
        .into_iter()
        .map(|(target, protocol)| json!({ "target": target, "protocol": protocol, "host_ip": "127.0.0.1" }))
        .collect();
    service.insert("ports".into(), Value::Array(ports));
}

/// What becomes of a mount.
enum Mounted {
    /// It is the project's own already.
    AsItIs,
    /// A volume without a name: new in each round.
    Fresh,
    /// A folder for data, which becomes a volume that outlives its container as the folder does.
    Lasting(&'static str),
    /// An empty folder is in the place of what would be written outside of the copy.
    Spare(&'static str),
}

fn own_mount(mount: &Value, copy: &Copy<'_>, built: bool, image: Option<&ImageFacts>) -> Mounted {
    let source = text(mount, "source");
    match text(mount, "type").unwrap_or("volume") {
        "volume" if source.is_none() => Mounted::Fresh,
        "bind" => {
            let path = Path::new(source.unwrap_or(""));
            let read_only = mount.get("read_only").and_then(Value::as_bool) == Some(true);
            if !read_only && !built && is_for_data(mount, path, image) {
                return Mounted::Lasting("a folder");
            }
            if stays_within(path, copy.to) || (read_only && (path.is_file() || path.is_dir())) {
                return Mounted::AsItIs;
            }
            // A link in the copy may lead to the learner's own folder: what counts is where it leads.
            Mounted::Spare("an empty folder in the place of one outside the copy")
        }
        _ => Mounted::AsItIs,
    }
}

/// Whether a service writes its data into a folder: where its image declares a volume, or into an empty one.
pub(super) fn is_for_data(mount: &Value, path: &Path, image: Option<&ImageFacts>) -> bool {
    let target = text(mount, "target").unwrap_or("").trim_end_matches('/');
    let declared = image.map(|image| image.config.volumes.as_slice()).unwrap_or_default();
    declared
        .iter()
        .any(|volume| Path::new(volume).starts_with(target) || Path::new(target).starts_with(volume))
        || std::fs::read_dir(path).map_or(!path.exists(), |mut entries| entries.next().is_none())
}

fn set(mount: &mut Value, key: &str, value: String) {
    if let Some(mount) = mount.as_object_mut() {
        mount.insert(key.into(), Value::String(value));
    }
}

/// Puts the copy's path in the place of the folder's, wherever a path begins with it; variables are left alone.
fn relocate(value: &mut Value, from: &Path, to: &Path) {
    match value {
        Value::String(text) => {
            let path = Path::new(text.as_str());
            if path.is_absolute()
                && let Ok(rest) = path.strip_prefix(from)
            {
                let moved = if rest.as_os_str().is_empty() { to.to_owned() } else { to.join(rest) };
                *text = moved.to_string_lossy().into_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| relocate(item, from, to)),
        Value::Object(map) => map
            .iter_mut()
            .filter(|(key, _)| *key != "environment" && *key != "target")
            .for_each(|(_, item)| relocate(item, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(config: Value, round: u32) -> (Value, Vec<String>) {
        let images = BTreeMap::new();
        let copy = Copy {
            from: Path::new("/home/ada/app"),
            to: Path::new("/copy"),
            spare: Path::new("/spare"),
            service: "web",
            port: 8000,
            images: &images,
            round,
        };
        made_own(&config, &copy)
    }

    #[test]
    fn names_ports_and_images_of_the_learners_are_not_used() {
        let config = json!({
            "name": "app",
            "services": { "web": {
                "build": { "context": "/home/ada/app", "tags": ["ada/web"] }, "image": "myapp",
                "container_name": "web", "network_mode": "host", "privileged": true,
                "ports": [{ "target": 8000, "published": "8000", "protocol": "tcp", "mode": "ingress" }],
                "environment": { "HERE": "/home/ada/app" },
            } },
            "networks": { "default": { "name": "app_default", "ipam": { "config": [{ "subnet": "10.9.0.0/24" }] } } },
            "volumes": { "data": { "name": "precious", "external": true } },
        });
        let (own, changed) = own(config, 1);
        let web = &own["services"]["web"];
        assert_eq!(web["build"], json!({ "context": "/copy" }));
        for gone in ["image", "container_name", "network_mode", "privileged"] {
            assert_eq!(web.get(gone), None, "{gone}");
        }
        assert_eq!(web["ports"], json!([{ "target": 8000, "protocol": "tcp", "host_ip": "127.0.0.1" }]));
        assert_eq!(web["environment"]["HERE"], "/home/ada/app");
        assert_eq!(own["networks"]["default"], json!({}));
        assert_eq!(own["volumes"]["data"], json!({}));
        assert!(own.get("name").is_none());
        assert!(changed.iter().any(|what| what.starts_with("volumes.data: external")), "{changed:?}");
    }

    #[test]
    fn a_volume_without_a_name_is_a_new_one_in_each_round() {
        let config = json!({ "services": { "db": { "image": "postgres:16",
            "volumes": [{ "type": "volume", "target": "/data" }] } } });
        let source = |round| own(config.clone(), round).0["services"]["db"]["volumes"][0]["source"].clone();
        assert_ne!(source(1), source(2));
        assert_eq!(source(1), source(1));
    }

    #[test]
    fn what_is_outside_of_the_copy_is_not_written_to() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("precious"), "").unwrap();
        let outside = folder.path().to_string_lossy().into_owned();
        let config = json!({ "services": { "web": { "build": { "context": "/home/ada/app" }, "volumes": [
            { "type": "bind", "source": outside, "target": "/a" },
            { "type": "bind", "source": outside, "target": "/b", "read_only": true },
            { "type": "bind", "source": "/home/ada/app/code", "target": "/c" },
            { "type": "bind", "source": "/var/run/docker.sock", "target": "/d", "read_only": true },
        ] } } });
        let (own, _) = own(config, 1);
        let sources: Vec<_> =
            own["services"]["web"]["volumes"].as_array().unwrap().iter().map(|m| &m["source"]).collect();
        assert_eq!(sources, [&json!("/spare"), &json!(outside), &json!("/copy/code"), &json!("/spare")]);
    }

    #[test]
    fn a_link_in_the_copy_does_not_lead_a_container_to_the_learners_folder() {
        let (theirs, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(theirs.path().join("precious"), "").unwrap();
        std::os::unix::fs::symlink(theirs.path(), copy.path().join("data")).unwrap();
        let source = copy.path().join("data").to_string_lossy().into_owned();
        let (images, from) = (BTreeMap::new(), Path::new("/home/ada/app"));
        let place = Copy {
            from,
            to: copy.path(),
            spare: Path::new("/spare"),
            service: "web",
            port: 8000,
            images: &images,
            round: 1,
        };
        let config = json!({ "services": { "web": { "build": { "context": "/home/ada/app" },
            "volumes": [{ "type": "bind", "source": source, "target": "/a" }] } } });
        assert_eq!(made_own(&config, &place).0["services"]["web"]["volumes"][0]["source"], "/spare");
    }
}
