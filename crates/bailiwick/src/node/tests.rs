//! An attacker who has taken over a node's own process: what it gives up (`give_up`), tried from inside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What there is in a node's directory that its own process must not read, change or remove.
const CLOSED: [&str; 9] = [
    "node.toml",
    "secrets/passphrase",
    "vault/node.keys",
    "vault/officers/ann.keys",
    "vault/accounts/0000.keys",
    "tls/node.key",
    "tls/operator.key",
    "../officers/ann.key",
    "../DE/secrets/passphrase",
];

/// Not a test by itself.
#[test]
#[ignore = "confines its process, which another test starts"]
fn the_prisoner() {
    let dir = PathBuf::from(std::env::var_os("PRISON").unwrap());
    confine::harden().unwrap();
    let lacks = super::give_up(&dir).unwrap();
    if lacks.iter().any(|lack| lack.contains("Landlock: none")) {
        println!("no Landlock here: files are not restricted");
        return;
    }
    let mut got = Vec::new();
    for name in CLOSED {
        let path = dir.join(name);
        let tries: [(&str, bool); 5] = [
            ("read", fs::read(&path).is_ok()),
            ("write to", fs::File::options().append(true).open(&path).is_ok()),
            ("remove", fs::remove_file(&path).is_ok()),
            ("move", fs::rename(&path, dir.join("run/mine")).is_ok()),
            ("link", fs::hard_link(&path, dir.join("store/mine")).is_ok()),
        ];
        got.extend(tries.iter().filter(|(_, possible)| *possible).map(|(what, _)| format!("{what} {name}")));
    }
    for (what, possible) in [
        ("list the officers", fs::read_dir(dir.join("vault/officers")).is_ok()),
        ("a new file in the vault", fs::write(dir.join("vault/new"), b"x").is_ok()),
        ("a new file beside the folders", fs::write(dir.join("new"), b"x").is_ok()),
        ("change an earlier log", fs::write(dir.join("ledger-before/checkpoint"), b"x").is_ok()),
        ("a program", Command::new("/bin/true").status().is_ok()),
        ("a connection", std::os::unix::net::UnixStream::connect(dir.join("run/control.sock")).is_ok()),
        ("the system's users", fs::read("/etc/passwd").is_ok()),
    ] {
        if possible {
            got.push(what.to_owned());
        }
    }
    assert_eq!(got, Vec::<String>::new());
    for folder in super::FOLDERS {
        fs::write(dir.join(folder).join("own"), b"x").unwrap();
    }
    assert_eq!(fs::read(dir.join("ledger-before/checkpoint")).unwrap(), b"kept");
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn taken_over_it_opens_no_key_file() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    fs::create_dir(&dir).unwrap();
    CLOSED.iter().for_each(|name| put(&dir.join(name), b"a secret"));
    put(&dir.join("ledger-before/checkpoint"), b"kept");
    fs::create_dir_all(dir.join("run")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.join("run/control.sock")).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "node::tests::the_prisoner", "--nocapture", "--test-threads=1"])
        .env("PRISON", &dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    for name in CLOSED {
        assert_eq!(fs::read(dir.join(name)).unwrap(), b"a secret", "{name}");
    }
}
