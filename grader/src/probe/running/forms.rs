//! The forms in which an answer about a container is right. Pure.

use grader_core::evidence::Form;
use grader_engine::{Cgroup, ContainerState, RootMounts};

fn form(value: impl Into<String>, source: impl Into<String>) -> Form {
    Form { value: value.into(), source: source.into() }
}

/// Where the root file system is mounted: as the engine says, as the machine's mount table says, and what
/// older guides call its mount id.
pub(super) fn mounts(state: &ContainerState, mounts: &RootMounts) -> Vec<Form> {
    let mut forms = Vec::new();
    if let Some(merged) = &state.merged_dir {
        forms.push(form(merged, "GraphDriver.Data.MergedDir of docker inspect"));
        if let Some(id) = merged.strip_suffix("/merged").and_then(|folder| folder.rsplit('/').next()) {
            forms.push(form(id, "the name of its folder: the mount id"));
        }
    }
    for place in &mounts.places {
        if forms.iter().all(|known| known.value != *place) {
            forms.push(form(place, "mountinfo of the machine"));
        }
    }
    // Containerd's store has no merged folder that the engine would name: the snapshot is what it knows.
    if state.merged_dir.is_none()
        && let Some(upper) = &mounts.upper_dir
    {
        forms.push(form(upper, "upperdir of its root mount"));
        if let Some(snapshot) = upper.strip_suffix("/fs") {
            forms.push(form(snapshot, "the snapshot of its root mount"));
        }
    }
    forms
}

/// The path as in `/proc/PID/cgroup`, alone or as its line, and with the folder where the tree is mounted.
pub(super) fn cgroups(groups: &[Cgroup]) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut add = |value: String, source: &str| {
        if forms.iter().all(|known| known.value != value) {
            forms.push(form(value, source));
        }
    };
    // At the top there is no container's group, only our own view of one.
    for group in groups.iter().filter(|group| group.path != "/") {
        let path = &group.path;
        let names = group.controllers.join(",");
        add(path.clone(), "/proc/PID/cgroup");
        add(format!("{}:{names}:{path}", group.hierarchy), "/proc/PID/cgroup, the whole line");
        if group.hierarchy == 0 {
            add(format!("/sys/fs/cgroup{path}"), "the tree of version 2");
            add(format!("/sys/fs/cgroup/unified{path}"), "the tree of version 2 beside version 1");
        } else {
            for folder in group.controllers.iter().chain([&names]) {
                let folder = folder.strip_prefix("name=").unwrap_or(folder);
                add(format!("/sys/fs/cgroup/{folder}{path}"), "the tree of a controller");
            }
        }
    }
    forms
}

/// Which versions a process's groups are of.
pub(super) fn version(groups: &[Cgroup]) -> &'static str {
    let old = groups.iter().any(|group| group.hierarchy != 0);
    let new = groups.iter().any(|group| group.hierarchy == 0);
    match (old, new) {
        (true, true) => "hybrid",
        (true, false) => "1",
        (false, _) => "2",
    }
}

/// A namespace's number, alone and as its link has it.
pub(super) fn namespace(kind: &str, number: u64) -> Vec<Form> {
    let source = format!("/proc/PID/ns/{kind}");
    vec![form(number.to_string(), &source), form(format!("{kind}:[{number}]"), &source)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(hierarchy: u32, controllers: &[&str], path: &str) -> Cgroup {
        let controllers = controllers.iter().map(|name| (*name).to_owned()).collect();
        Cgroup { hierarchy, controllers, path: path.into() }
    }

    fn values(forms: &[Form]) -> Vec<&str> {
        forms.iter().map(|form| form.value.as_str()).collect()
    }

    #[test]
    fn a_path_is_right_with_and_without_its_tree() {
        let groups = [
            group(4, &["memory"], "/docker/x"),
            group(2, &["cpu", "cpuacct"], "/docker/x"),
            group(0, &[], "/docker/x"),
        ];
        let forms = cgroups(&groups);
        for right in [
            "/docker/x",
            "4:memory:/docker/x",
            "0::/docker/x",
            "/sys/fs/cgroup/memory/docker/x",
            "/sys/fs/cgroup/cpu,cpuacct/docker/x",
            "/sys/fs/cgroup/cpu/docker/x",
        ] {
            assert!(values(&forms).contains(&right), "{right}: {:?}", values(&forms));
        }
        assert_eq!(version(&groups), "hybrid");
    }

    #[test]
    fn version_2_has_one_line() {
        let groups = [group(0, &[], "/system.slice/docker-x.scope")];
        let forms = cgroups(&groups);
        assert!(values(&forms).contains(&"/sys/fs/cgroup/system.slice/docker-x.scope"));
        assert_eq!(version(&groups), "2");
        // Seen from inside of its own namespace there is nothing to tell it by.
        assert!(cgroups(&[group(0, &[], "/")]).is_empty());
    }

    #[test]
    fn a_number_and_its_link_are_the_same() {
        assert_eq!(values(&namespace("mnt", 4026532180)), ["4026532180", "mnt:[4026532180]"]);
    }
}
