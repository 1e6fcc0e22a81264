//! The amount of memory that the process may use.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// Returns the number of bytes that the process may use: the memory of the machine, or the smaller limit of a
/// control group. Returns `None` if neither can be read.
pub(crate) fn usable() -> Option<u64> {
    static USABLE: OnceLock<Option<u64>> = OnceLock::new();
    *USABLE.get_or_init(|| read(Path::new("/")))
}

/// Reads the amount from the files below `root`, which is the file system of the machine.
fn read(root: &Path) -> Option<u64> {
    let machine = fs::read_to_string(root.join("proc/meminfo")).ok().and_then(|text| total(&text));
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    groups.lines().filter_map(|line| of_group(root, line)).chain(machine).min()
}

/// Returns the memory of the machine.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kib.checked_mul(1024)
}

/// Returns the smallest limit of a control group and its parents. The line has the number of the group, its
/// controllers (none in version 2) and its path.
fn of_group(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (controllers, path) = (parts.next()?, parts.next()?);
    let (mount, file) = match controllers {
        "" => ("sys/fs/cgroup", "memory.max"),
        _ if controllers.split(',').any(|name| name == "memory") => {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        }
        _ => return None,
    };
    // Inside a container the path may be that of the machine and not exist. The container's own group is then
    // the root of the mount.
    let path = Path::new(path.trim_start_matches('/'));
    let limit =
        |group: &Path| fs::read_to_string(root.join(mount).join(group).join(file)).ok()?.trim().parse().ok();
    path.ancestors().filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:       16000000 kB\nMemFree:         1000000 kB\n";
    const MACHINE: u64 = 16_000_000 * 1024;

    fn machine(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        read(root.path())
    }

    #[test]
    fn the_smallest_limit_counts() {
        assert_eq!(machine(&[]), None);
        assert_eq!(machine(&[("proc/meminfo", MEMINFO)]), Some(MACHINE));
        // Version 2, in a container of its own.
        let own = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "0::/\n"),
            ("sys/fs/cgroup/memory.max", "1073741824\n"),
        ];
        assert_eq!(machine(&own), Some(1 << 30));
        // Version 2, a service in a slice that has the limit.
        let slice = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "0::/system.slice/agents.service\n"),
            ("sys/fs/cgroup/system.slice/agents.service/memory.max", "max\n"),
            ("sys/fs/cgroup/system.slice/memory.max", "2147483648\n"),
        ];
        assert_eq!(machine(&slice), Some(1 << 31));
        // Version 1 in a container: the path is that of the machine and does not exist. The second case has
        // no limit.
        let container = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "5:cpu:/docker/abc\n4:memory,hugetlb:/docker/abc\n0::/docker/abc\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n"),
        ];
        assert_eq!(machine(&container), Some(1 << 29));
        let without = [
            ("proc/meminfo", MEMINFO),
            ("proc/self/cgroup", "4:memory:/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ];
        assert_eq!(machine(&without), Some(MACHINE));
    }
}
