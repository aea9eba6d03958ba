//! Paths by pattern: `*` is any part of a name, `**` any number of folders. Start at [`Globs::matches`].

/// Patterns of paths.
#[derive(Clone, Debug, Default)]
pub(super) struct Globs(Vec<Vec<String>>);

impl Globs {
    /// Patterns, written without a leading slash.
    pub(super) fn new(patterns: &[String]) -> Self {
        let split = |pattern: &String| pattern.trim_matches('/').split('/').map(str::to_owned).collect();
        Self(patterns.iter().map(split).collect())
    }

    /// Whether one of them is this path, written without a leading slash.
    pub(super) fn matches(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').collect();
        self.0.iter().any(|pattern| folders(pattern, &parts))
    }
}

fn folders(pattern: &[String], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((first, rest)), _) if first == "**" => {
            // At the end it is whatever lies below, else any folders, none as well.
            if rest.is_empty() {
                return !path.is_empty();
            }
            (0..path.len()).any(|from| folders(rest, &path[from..]))
        }
        (Some(_), None) => false,
        (Some((first, rest)), Some((part, below))) => {
            name(first.as_bytes(), part.as_bytes()) && folders(rest, below)
        }
    }
}

/// Whether a name fits, with a try for each star only at its last place: linear but for the last star.
fn name(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, n) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str) -> bool {
        Globs::new(&[pattern.to_owned()]).matches(path)
    }

    #[test]
    fn stars_stay_within_a_name_and_double_ones_do_not() {
        assert!(fits("**/bin/gcc*", "usr/bin/gcc-12"));
        assert!(fits("**/bin/gcc", "bin/gcc"));
        assert!(!fits("**/bin/gcc", "usr/bin/gcc/readme"));
        assert!(!fits("**/bin/gcc", "usr/sbin/gcc"));
        assert!(fits("usr/include/**/*.h", "usr/include/stdio.h"));
        assert!(fits("usr/include/**/*.h", "usr/include/x86_64-linux-gnu/sys/types.h"));
        assert!(!fits("usr/include/**/*.h", "usr/local/include/python3.13/Python.h"));
        assert!(fits("**/.cache/pip/**", "root/.cache/pip/http/a/b"));
        assert!(!fits("**/.cache/pip/**", "root/.cache/pip"));
        assert!(fits("**/bin/*-gcc-*", "usr/bin/x86_64-linux-gnu-gcc-12"));
    }
}
