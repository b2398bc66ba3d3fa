//! Packs: the bytes of sealed messages, in segment files that only grow (docs/formats/store.md).
//!
//! All accounts share a segment, so that everything that arrives in one moment costs one sync. The rows say how far a segment
//! is acknowledged; anything beyond that, torn or complete, was acknowledged to nobody and is cut off at opening. A segment whose
//! sync failed is abandoned: it is still read, but never written again.

mod era;
mod record;
mod segment;

pub(crate) use era::Era;
pub(crate) use record::{RECORD_HEADER_BYTES, Record, RecordError, frame};
pub(crate) use segment::{PackWriter, Packs, SEGMENT_BYTES, SEGMENT_HEADER_BYTES};
