//! The memory in use by the process.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A measurement that later ones are compared with.
///
/// All threads of the process are counted, so a test that needs the exact difference must run alone.
pub(crate) struct Memory(isize);

impl Memory {
    pub(crate) fn now() -> Self {
        Self(in_use())
    }

    /// Returns the number of bytes by which the memory has grown since the measurement.
    pub(crate) fn grown(&self) -> usize {
        usize::try_from(in_use() - self.0).unwrap_or(0)
    }
}

fn in_use() -> isize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}
