//! Why nothing could be checked.

use serde::{Deserialize, Serialize};

use crate::error::RoomError;

/// Why nothing could be checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the texts say it")]
pub enum FsckError {
    #[error(transparent)]
    Room(RoomError),
}
