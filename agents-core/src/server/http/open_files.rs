//! The limit of open files of the process.

/// The number of files that an open database uses.
const PER_DATABASE: usize = 3;

/// Raises the limit of open files to the maximum that the system allows. Sockets are files, and the usual
/// default is meant for programs with few of them.
pub(in crate::server) fn raise() {
    #[cfg(unix)]
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!(%error, "the limit of open files was not raised");
    }
}

/// A check of how close a host is to the limit of open files.
#[derive(Debug)]
pub(in crate::server) struct FileWatch {
    most: Option<u64>,
    warned: bool,
}

impl FileWatch {
    pub(in crate::server) fn new() -> Self {
        #[cfg(unix)]
        let most = rlimit::Resource::NOFILE.get().ok().map(|(most, _)| most);
        #[cfg(not(unix))]
        let most = None;
        Self { most, warned: false }
    }

    /// Warns once when most of the files are in use.
    pub(in crate::server) fn look(&mut self, connections: usize, databases: usize) {
        let taken = connections.saturating_add(databases.saturating_mul(PER_DATABASE)) as u64;
        if !self.warned && self.is_near(taken) {
            self.warned = true;
            tracing::warn!(
                taken,
                most = self.most,
                "most of the files that the process may open are in use: raise the limit (`ulimit -n`, `LimitNOFILE`)"
            );
        }
    }

    /// Returns whether three quarters of the files are in use.
    fn is_near(&self, taken: u64) -> bool {
        self.most.is_some_and(|most| taken >= most - most / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_of_the_files_are_three_quarters() {
        let watch = FileWatch { most: Some(1000), warned: false };
        assert!(!watch.is_near(749) && watch.is_near(750));
        let mut watch = FileWatch { most: Some(100), warned: false };
        watch.look(14, 20);
        assert!(!watch.warned);
        watch.look(15, 20);
        assert!(watch.warned, "a socket is a file, and a database is three");
        assert!(!FileWatch { most: None, warned: false }.is_near(u64::MAX));
    }
}
