//! Rights: the check before a call, and the report of a rejected write.

pub(super) mod checks;
pub(super) mod permissions;
pub(super) mod rejections;
