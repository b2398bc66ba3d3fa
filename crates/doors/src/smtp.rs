//! The smtp door.
