//! Plain values that callers, changes and snapshots all use: flags, names, limits, sets of UIDs.

pub(crate) mod flags;
pub(crate) mod name;
pub(crate) mod quota;
pub(crate) mod special_use;
pub(crate) mod uid_set;
