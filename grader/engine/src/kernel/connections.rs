//! A container's TCP connections, as its kernel has them. Start at [`Kernel::connections`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Access, Kernel, KernelError, about_the_first, first_pid, op::Op};
use crate::Container;

/// One TCP connection, seen from inside. Source: `/proc/PID/net/{tcp,tcp6}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connection {
    /// Its own end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
    /// Whether both ends hold it now; it is being closed or was just closed otherwise.
    pub established: bool,
}

/// States of the kernel's `tcp_states.h` that a connection has had both ends in.
const ESTABLISHED: u8 = 1;
const WAS_ESTABLISHED: [u8; 6] = [4, 5, 6, 8, 9, 11];

impl Kernel {
    /// Lists the connections that a container has, or had up to a minute ago and closed itself.
    ///
    /// # Errors
    /// It does not run, or no way leads to its kernel.
    pub async fn connections(&self, container: &Container) -> Result<Vec<Connection>, KernelError> {
        let pid = first_pid(container).await?;
        let access = self.to_look(container).await?;
        let mut found = table(&access, container, format!("{pid}/net/tcp")).await?;
        match table(&access, container, format!("{pid}/net/tcp6")).await {
            Ok(more) => found.extend(more),
            // A kernel without IPv6 has no such table.
            Err(error) => tracing::debug!(%error, "no table of IPv6"),
        }
        Ok(found)
    }
}

async fn table(access: &Access, container: &Container, path: String) -> Result<Vec<Connection>, KernelError> {
    let text = access
        .ask_one(Op::Read { path })
        .await?
        .map_err(|refusal| about_the_first(container, "list the connections of", refusal.errno))?;
    Ok(String::from_utf8_lossy(&text).lines().skip(1).filter_map(connection).collect())
}

/// `  0: 020011AC:8D6E 030011AC:1538 01 …`: number, own end, other end, state.
fn connection(line: &str) -> Option<Connection> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let (local, remote) = (end(words.next()?)?, end(words.next()?)?);
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let established = state == ESTABLISHED;
    (established || WAS_ESTABLISHED.contains(&state)).then_some(Connection { local, remote, established })
}

/// An address is one or four words in the machine's own order, a port is in the network's.
fn end(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let mut bytes = Vec::with_capacity(16);
    for at in (0..address.len()).step_by(8) {
        bytes.extend(u32::from_str_radix(address.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    }
    let address = match <[u8; 4]>::try_from(bytes.as_slice()) {
        Ok(four) => IpAddr::V4(Ipv4Addr::from(four)),
        Err(_) => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)).to_canonical(),
    };
    Some(SocketAddr::new(address, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_read_as_the_kernel_writes_them() {
        let four = "   1: 020011AC:8D6E 030011AC:1538 01 00000000:00000000 00:00000000 00000000 0 0 1";
        let seen = connection(four).unwrap();
        assert_eq!(seen.remote, "172.17.0.3:5432".parse().unwrap());
        assert!(seen.established);
        let mapped = "   0: 0000000000000000FFFF0000020011AC:8D6E 0000000000000000FFFF0000030011AC:1538 06 0";
        let seen = connection(mapped).unwrap();
        assert_eq!((seen.remote, seen.established), ("172.17.0.3:5432".parse().unwrap(), false));
    }

    #[test]
    fn who_only_listens_or_tries_has_no_connection() {
        for state in ["0A", "02", "07"] {
            let line = format!("   0: 00000000:1F40 00000000:0000 {state} 00000000:00000000");
            assert_eq!(connection(&line), None, "{state}");
        }
        assert_eq!(connection("  sl  local_address rem_address   st"), None);
    }
}
