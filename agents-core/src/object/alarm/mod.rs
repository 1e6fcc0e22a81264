//! Alarms: their facts and times, and the service that wakes objects for them.
//!
//! The service is one task for each host, with one index on the disk for all objects.
//! The alarm within a handler, and its retries, are in `object/context/alarm`.
//!
//! The index may be early but is never late. Before an object commits an alarm, the index has that alarm or
//! an earlier one on the disk. When an alarm is deleted or moved back, the index is updated after the commit.
//! An object that is woken too early reports its true alarm, and the index is corrected. So the start of a
//! host scans no objects, and no alarm is lost between two files.
//!
//! A damaged index is rebuilt while objects work and alarms fire. When the index cannot be written, for
//! example because the disk is full, the reports of objects are kept in memory and override its entries. So
//! no object is woken repeatedly for an alarm that is done.

pub(in crate::object) mod index_entry;
pub(in crate::object) mod service;
mod task;
pub(in crate::object) mod time;

pub(crate) use service::AlarmService;
pub use time::{AlarmInfo, AlarmTime};
