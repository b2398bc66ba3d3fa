//! One process at a time, and an error that names it.

use durable::{DirLock, LockError};

#[test]
fn a_second_process_is_told_who_holds_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let held = DirLock::take(dir.path()).unwrap();
    // flock belongs to the open file, so the same process is refused as well.
    let refused = DirLock::take(dir.path()).unwrap_err();
    assert!(matches!(refused, LockError::Held { process: Some(process), .. } if process == std::process::id()));
    assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
    drop(held);
    DirLock::take(dir.path()).unwrap();
}

#[test]
fn a_missing_directory_is_an_io_error() {
    let dir = tempfile::tempdir().unwrap();
    let error = DirLock::take(&dir.path().join("absent")).unwrap_err();
    assert!(matches!(error, LockError::Io { .. }), "{error}");
}
