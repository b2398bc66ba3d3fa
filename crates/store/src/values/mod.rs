//! What callers, changes and snapshots all speak of: flags, names, limits, sets of UIDs. Plain values, without an account.

pub(crate) mod flags;
pub(crate) mod name;
pub(crate) mod quota;
pub(crate) mod special_use;
pub(crate) mod uid_set;
