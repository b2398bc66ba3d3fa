//! What runs beside the mail: backups, reclaiming disk space, replacing keys.

pub(crate) mod backup;
pub(crate) mod compaction;
pub(crate) mod rekey;
pub(crate) mod reseal;
