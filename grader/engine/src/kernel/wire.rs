//! The wire between us and the helper; `helper/main.rs` has its other side. Pure.

use super::op::{Errno, LONGEST, Op, Refusal, Reply, Step};

/// The longest question that the helper takes, in bytes, with the NUL of a path.
const LONGEST_QUESTION: usize = 16 * 1024;
/// Status, step and length.
const HEAD: usize = 9;

/// Writes a question; `None` when it is longer than any path can be.
pub(crate) fn question(op: &Op) -> Option<Vec<u8>> {
    let (what, rest) = match op {
        Op::Find { container } => (b'F', container.clone().into_bytes()),
        Op::Read { path } => (b'R', path.clone().into_bytes()),
        Op::Link { path } => (b'L', path.clone().into_bytes()),
        Op::List { path } => (b'D', path.clone().into_bytes()),
        Op::Signal { pid, signal, container } => {
            let mut rest = pid.to_le_bytes().to_vec();
            rest.extend(signal.to_le_bytes());
            rest.extend(container.as_bytes());
            (b'S', rest)
        }
        Op::TryWrite { pid, folder, name } => {
            let mut rest = pid.to_le_bytes().to_vec();
            rest.extend(folder.as_bytes());
            rest.push(0);
            rest.extend(name.as_bytes());
            (b'W', rest)
        }
    };
    if rest.len() >= LONGEST_QUESTION {
        return None;
    }
    let length = u32::try_from(rest.len()).ok()?;
    let mut bytes = vec![what];
    bytes.extend(length.to_le_bytes());
    bytes.extend(rest);
    Some(bytes)
}

/// What arrived of the helper's answers.
#[derive(Debug, Default)]
pub(crate) struct Incoming(Vec<u8>);

/// The helper said what it never says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nonsense;

impl Incoming {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Takes the next answer off, when all of it is there.
    pub(crate) fn next(&mut self) -> Result<Option<Reply>, Nonsense> {
        let Some(&[s0, s1, s2, s3, step, l0, l1, l2, l3]) = self.0.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let status = i32::from_le_bytes([s0, s1, s2, s3]);
        let length = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
        if length > LONGEST || status > 0 || (status < 0 && length > 0) {
            return Err(Nonsense);
        }
        let end = HEAD + length;
        if self.0.len() < end {
            return Ok(None);
        }
        let rest = self.0.split_off(end);
        let mut answer = std::mem::replace(&mut self.0, rest);
        if status < 0 {
            return Ok(Some(Err(Refusal { errno: Errno(-status), step: Step::from_byte(step) })));
        }
        Ok(Some(Ok(answer.split_off(HEAD))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_bear_their_length() {
        let read = Op::Read { path: "1/stat".into() };
        assert_eq!(question(&read).unwrap(), b"R\x06\0\0\x001/stat");
        let write = Op::TryWrite { pid: 258, folder: "/tmp".into(), name: "x".into() };
        assert_eq!(question(&write).unwrap(), b"W\x0a\0\0\0\x02\x01\0\0/tmp\0x");
        let endless = Op::Read { path: "x".repeat(LONGEST_QUESTION) };
        assert_eq!(question(&endless), None);
    }

    #[test]
    fn answers_arrive_in_any_pieces() {
        let bytes = b"\0\0\0\0\0\x02\0\0\0hi\xfe\xff\xff\xff\x02\0\0\0\0";
        for size in 1..=bytes.len() {
            let mut incoming = Incoming::default();
            let mut answers = Vec::new();
            for piece in bytes.chunks(size) {
                incoming.push(piece);
                while let Some(answer) = incoming.next().unwrap() {
                    answers.push(answer);
                }
            }
            let refusal = Refusal { errno: Errno::ENOENT, step: Step::Create };
            assert_eq!(answers, [Ok(b"hi".to_vec()), Err(refusal)], "pieces of {size}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let mut incoming = Incoming::default();
        incoming.push(b"\0\0\0\0\0\xff\xff\xff\xff");
        assert_eq!(incoming.next(), Err(Nonsense));
    }
}
