//! The real disk and the lock of a directory, on a temporary directory.

mod dir_lock;
mod real_disk;
