//! The memory that the process uses.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A moment, to compare later ones with.
///
/// All threads of the process count; run one test in a process where the difference matters.
pub(crate) struct Memory(isize);

impl Memory {
    pub(crate) fn now() -> Self {
        Self(in_use())
    }

    /// Returns how many bytes more are in use than at that moment.
    pub(crate) fn grown(&self) -> usize {
        usize::try_from(in_use() - self.0).unwrap_or(0)
    }
}

fn in_use() -> isize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}
