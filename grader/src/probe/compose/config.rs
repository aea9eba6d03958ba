//! Reads what Compose has normalised: which services there are, and what each is.

use std::{collections::BTreeMap, path::Path};

use grader_core::evidence::{ComposeMount, ComposeService, DependsOn, HostNamed, WatchEntry};
use grader_engine::ImageFacts;
use serde_json::{Map, Value};

/// The services of a configuration, in the order of their names.
pub(super) fn services(config: &Value) -> impl Iterator<Item = (&String, &Value)> {
    config.get("services").and_then(Value::as_object).into_iter().flatten()
}

/// A text of it.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// A list of it; empty if there is none.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A table of it; empty if there is none.
pub(super) fn table<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// The variables that a service is given. Compose writes each `$` twice.
pub(super) fn environment(service: &Value) -> BTreeMap<String, String> {
    table(service, "environment")
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.replace("$$", "$"))))
        .collect()
}

/// Its health test as a list of words, or its image's; `None` if there is none.
pub(super) fn health_test(service: &Value, image: Option<&ImageFacts>) -> Option<Vec<String>> {
    let own = service.get("healthcheck");
    if own.and_then(|own| own.get("disable")).and_then(Value::as_bool) == Some(true) {
        return None;
    }
    let words: Vec<String> = own
        .map(|own| list(own, "test"))
        .unwrap_or_default()
        .iter()
        .filter_map(|word| Some(word.as_str()?.replace("$$", "$")))
        .collect();
    let words = if words.is_empty() { image?.config.healthcheck.clone()?.test } else { words };
    (!words.is_empty() && words[0] != "NONE").then_some(words)
}

/// What a service is, with its image where that is there.
pub(super) fn service(
    name: &str,
    service: &Value,
    config: &Value,
    image: Option<&ImageFacts>,
) -> ComposeService {
    let context = service.get("build").and_then(|build| text(build, "context")).unwrap_or("");
    ComposeService {
        name: name.to_owned(),
        kind: kind(text(service, "image"), image).to_owned(),
        image: text(service, "image").map(str::to_owned),
        built: service.get("build").is_some(),
        depends_on: table(service, "depends_on")
            .map(|(other, how)| DependsOn {
                service: other.clone(),
                condition: text(how, "condition").unwrap_or("service_started").to_owned(),
            })
            .collect(),
        health_test: health_test(service, image),
        mounts: mounts(service, config, image),
        ports: list(service, "ports").iter().map(port).collect(),
        user: text(service, "user").map(str::to_owned),
        env_names: environment(service).into_keys().collect(),
        hosts: hosts(service),
        watch: watched(service)
            .map(|entry| WatchEntry {
                path: below(text(entry, "path").unwrap_or(""), context),
                action: text(entry, "action").unwrap_or("").to_owned(),
                target: text(entry, "target").map(str::to_owned),
            })
            .collect(),
    }
}

/// What its `watch` looks at.
pub(super) fn watched(service: &Value) -> impl Iterator<Item = &Value> {
    service.get("develop").map(|develop| list(develop, "watch")).unwrap_or_default().iter()
}

/// A path as it is below a folder; `.` for the folder itself.
pub(super) fn below(path: &str, folder: &str) -> String {
    match Path::new(path).strip_prefix(folder) {
        Ok(rest) if rest.as_os_str().is_empty() => ".".to_owned(),
        Ok(rest) => rest.to_string_lossy().into_owned(),
        Err(_) => path.to_owned(),
    }
}

fn kind(reference: Option<&str>, image: Option<&ImageFacts>) -> &'static str {
    let exposes =
        |port: &str| image.is_some_and(|image| image.config.exposed_ports.iter().any(|known| known == port));
    let called = |names: &[&str]| reference.is_some_and(|name| names.iter().any(|part| name.contains(part)));
    if exposes("5432/tcp") || called(&["postgres", "postgis", "pgvector", "timescale"]) {
        "postgres"
    } else if exposes("6379/tcp") || called(&["redis", "valkey", "keydb", "dragonfly"]) {
        "redis"
    } else {
        "other"
    }
}

fn mounts(service: &Value, config: &Value, image: Option<&ImageFacts>) -> Vec<ComposeMount> {
    let mut mounts: Vec<ComposeMount> = list(service, "volumes")
        .iter()
        .map(|mount| {
            let source = text(mount, "source").map(str::to_owned);
            let volume = source.as_ref().and_then(|name| config.get("volumes")?.get(name));
            let device = volume
                .and_then(|volume| text(volume.get("driver_opts")?, "device"))
                .filter(|device| device.starts_with('/'));
            let kind = match text(mount, "type").unwrap_or("volume") {
                // A volume of the local driver that is a folder of the host is a bind by another name.
                "volume" if device.is_some() => "bind",
                "volume" if source.is_none() => "anonymous",
                other => other,
            };
            ComposeMount {
                kind: kind.to_owned(),
                source,
                target: text(mount, "target").unwrap_or("").trim_end_matches('/').to_owned(),
                external: volume.is_some_and(is_external),
            }
        })
        .collect();
    for path in list(service, "tmpfs").iter().filter_map(Value::as_str) {
        let target = path.split(':').next().unwrap_or(path).to_owned();
        mounts.push(ComposeMount { kind: "tmpfs".into(), target, ..ComposeMount::default() });
    }
    for target in image_volumes(service, image) {
        mounts.push(ComposeMount { kind: "anonymous".into(), target, ..ComposeMount::default() });
    }
    mounts
}

/// Whether a volume or network is said to be someone else's.
pub(super) fn is_external(value: &Value) -> bool {
    match value.get("external") {
        Some(Value::Bool(external)) => *external,
        Some(Value::Object(_)) => true,
        _ => false,
    }
}

/// The volumes that its image declares and that the service puts nothing in the place of.
pub(super) fn image_volumes(service: &Value, image: Option<&ImageFacts>) -> Vec<String> {
    let taken: Vec<&str> =
        list(service, "volumes").iter().filter_map(|mount| text(mount, "target")).collect();
    image
        .map(|image| image.config.volumes.clone())
        .unwrap_or_default()
        .into_iter()
        .map(|path| path.trim_end_matches('/').to_owned())
        .filter(|path| !taken.iter().any(|other| other.trim_end_matches('/') == path))
        .collect()
}

fn port(port: &Value) -> String {
    let number = |key: &str| match port.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let host = text(port, "host_ip").map(|host| format!("{host}:")).unwrap_or_default();
    format!("{host}{}:{}/{}", number("published"), number("target"), text(port, "protocol").unwrap_or("tcp"))
}

/// Hosts in the values of its variables. Of a value nothing but the host is kept: the rest may be a secret.
fn hosts(service: &Value) -> Vec<HostNamed> {
    environment(service)
        .into_iter()
        .filter_map(|(variable, value)| {
            let host = match value.split_once("://") {
                Some((_, rest)) => host_of(rest),
                None if variable.to_ascii_uppercase().ends_with("HOST") => host_of(&value),
                None => None,
            }?;
            Some(HostNamed { variable, host })
        })
        .collect()
}

/// The host of `user:password@host:port/path?query`, at most 253 characters of those that hosts have.
fn host_of(rest: &str) -> Option<String> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(six) => six.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    (!host.is_empty() && host.len() <= 253 && host.chars().all(fits)).then(|| host.to_owned())
}

/// The table of services, to be changed.
pub(super) fn tables<'a>(config: &'a mut Value, key: &str) -> Option<&'a mut Map<String, Value>> {
    config.get_mut(key).and_then(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_url_the_host_alone_is_kept() {
        for (value, host) in [
            ("postgresql://app:pa@ss@db:5432/app", Some("db")),
            ("redis://cache", Some("cache")),
            ("http://[::1]:80/", Some("::1")),
            ("postgresql:///app", None),
        ] {
            let service = json!({ "environment": { "URL": value, "SECRET": "db" } });
            let found = hosts(&service).into_iter().map(|found| found.host).next();
            assert_eq!(found.as_deref(), host, "{value}");
        }
    }

    #[test]
    fn a_named_volume_that_is_a_folder_of_the_host_is_a_bind() {
        let config =
            json!({ "volumes": { "data": { "driver_opts": { "o": "bind", "device": "/srv/pg" } } } });
        let service = json!({ "volumes": [{ "type": "volume", "source": "data", "target": "/data/" }] });
        let found = mounts(&service, &config, None);
        assert_eq!((found[0].kind.as_str(), found[0].target.as_str()), ("bind", "/data"));
    }

    #[test]
    fn a_health_check_that_is_switched_off_is_none() {
        assert_eq!(health_test(&json!({ "healthcheck": { "disable": true } }), None), None);
        assert_eq!(health_test(&json!({ "healthcheck": { "test": ["NONE"] } }), None), None);
        let shell = json!({ "healthcheck": { "test": ["CMD-SHELL", "pg_isready -U $$POSTGRES_USER"] } });
        assert_eq!(health_test(&shell, None).unwrap()[1], "pg_isready -U $POSTGRES_USER");
    }
}
