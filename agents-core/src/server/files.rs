//! How many files the process may have open.

use crate::server::Limits;

/// Files that an open database takes.
const PER_DATABASE: usize = 3;

/// Takes as many files as the system lets the process have: sockets are files, and the usual default is
/// meant for programs that have few.
pub(super) fn raise() {
    #[cfg(unix)]
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!(%error, "the number of open files was not raised");
    }
}

/// Warns when there are too few for what the limits allow.
pub(super) fn check(limits: &Limits) {
    #[cfg(unix)]
    if let Ok((most, _)) = rlimit::Resource::NOFILE.get() {
        let needed = needed(limits);
        if most < needed {
            tracing::warn!(
                most,
                needed,
                "too few open files for the connections and databases that the limits allow"
            );
        }
    }
}

#[cfg_attr(not(unix), allow(dead_code))]
fn needed(limits: &Limits) -> u64 {
    limits.connections.saturating_add(limits.open_databases.saturating_mul(PER_DATABASE)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_a_file_and_a_database_is_three() {
        let limits = Limits { connections: 100, open_databases: 10, ..Limits::default() };
        assert_eq!(needed(&limits), 130);
        let limits = Limits { connections: usize::MAX, ..limits };
        assert_eq!(needed(&limits), u64::MAX);
    }
}
