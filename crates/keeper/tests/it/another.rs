//! What every test with another implementation does: its vector is written, and a script beside the vectors opens it.

use std::path::{Path, PathBuf};
use std::process::Command;

use durable::Disk;
use serde_json::{Value, json};
use terms::hex;

use crate::desk::Stored;

/// A file of the folder of tests.
pub(crate) fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path)
}

/// Writes a vector where tests may write.
pub(crate) fn write(file: &str, vector: &Value) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
    let text = serde_json::to_string_pretty(vector).unwrap() + "\n";
    durable::RealDisk.write_atomic(&path, text.as_bytes(), durable::Visibility::Shared).unwrap();
    path
}

/// Messages as a vector has them.
pub(crate) fn messages(mail: &[Stored]) -> Vec<Value> {
    let one = |stored: &Stored| {
        json!({
            "id": stored.ask.id.to_string(), "epoch": stored.ask.epoch.0, "arrival": stored.ask.arrival.0,
            "plain": hex(&stored.plain), "sealed": hex(&stored.sealed),
        })
    };
    mail.iter().map(one).collect()
}

/// The script opens every vector. It is skipped where Python or what the script imports is missing.
pub(crate) fn opens(script: &str, vectors: &[PathBuf]) {
    for vector in vectors {
        let output = match Command::new("python3").arg("-B").arg(here(script)).arg(vector).output() {
            Ok(output) => output,
            Err(error) => return println!("skipped: python3 does not run: {error}"),
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => assert!(said.contains("opened"), "{said}"),
            Some(77) => println!("{said}"),
            code => panic!("{script} ended with {code:?} for {}: {said}", vector.display()),
        }
    }
}
