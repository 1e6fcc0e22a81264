//! Helpers of all layers: the time, sampled log lines, texts on one line, similar names, and the dropping of
//! values of users.
//!
//! Nothing in here knows a layer.

pub(crate) mod clock;
pub(crate) mod nearest;
pub(crate) mod sampled;
pub(crate) mod single_line;
pub(crate) mod unwind;
