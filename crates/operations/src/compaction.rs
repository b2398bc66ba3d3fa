//! Reclaiming the disk space of deleted mail, which a running node also does by itself each hour.

use serde::{Deserialize, Serialize};

use crate::error::OperationError;
use crate::keys::KeysError;
use crate::node::Node;
use crate::operation::{Operation, Progress, Unit};
use crate::status::Packs;

/// Reclaims disk space from deleted mail.
#[derive(Debug, Serialize, Deserialize)]
pub struct Compact {}

/// Disk space was reclaimed. What is still being read follows when its last reader is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compaction {
    /// Segments that were emptied.
    pub segments: u64,
    /// Their bytes.
    pub bytes_emptied: u64,
    /// Bytes of live mail that were rewritten for that.
    pub bytes_rewritten: u64,
    /// The segments now.
    pub packs: Packs,
}

impl Operation for Compact {
    type Target = Node;
    type Output = Compaction;
    type Error = OperationError;

    fn run(self, node: &Node, progress: &mut dyn FnMut(Progress)) -> Result<Compaction, OperationError> {
        let done = node.mailroom.store.compact(&node.config.store.plan(), &mut |done, total| {
            progress(Progress { unit: Unit::Bytes, done, total, failed: 0 });
            true
        });
        let done = done.map_err(KeysError::from)?;
        Ok(Compaction {
            segments: done.segments,
            bytes_emptied: done.bytes_emptied,
            bytes_rewritten: done.bytes_rewritten,
            packs: node.mailroom.store.pack_status().into(),
        })
    }
}
