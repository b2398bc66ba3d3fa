//! The http door.
