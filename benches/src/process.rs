//! The figures of Linux about a process.

use std::fs;
use std::time::Duration;

/// The unit of CPU time: a hundredth of a second on every platform with `/proc`.
const TICKS_PER_SECOND: u64 = 100;

/// A process that is measured from outside.
#[derive(Debug, Clone, Copy)]
pub struct Process(u32);

impl Process {
    /// Returns the process with this id.
    pub fn new(id: u32) -> Self {
        Self(id)
    }

    /// Returns this process.
    pub fn this() -> Self {
        Self(std::process::id())
    }

    /// Returns the CPU time that all threads have used, in user and in kernel mode.
    pub fn cpu(self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).ok()?;
        cpu_of(&stat)
    }

    /// Returns the resident memory, in bytes.
    pub fn memory(self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(kib * 1024)
    }
}

fn cpu_of(stat: &str) -> Option<Duration> {
    // The name is in parentheses and may contain any characters, including spaces and parentheses.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS_PER_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_user_plus_system() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 0 0 20 0 1 0 100 1 1";
        assert_eq!(cpu_of(stat), Some(Duration::from_secs(2)));
        assert_eq!(cpu_of("7"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_memory() {
        assert!(Process::this().memory().unwrap() > 100_000);
        assert!(Process::this().cpu().is_some());
    }
}
