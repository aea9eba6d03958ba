//! Probes: each looks at one kind of thing and returns evidence; none judges.
