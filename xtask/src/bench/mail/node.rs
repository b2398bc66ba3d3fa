//! Our side: a node as `bailiwick node init` makes it, with the door for a proxy on this machine open, so that the same
//! client without TLS can drive it.

use std::path::Path;
use std::process::Command;

use super::service::{PASSWORD, run, write};

/// The domain of all users.
pub(crate) const DOMAIN: &str = "bench.example";

/// Makes the node.
pub(crate) fn found(dir: &Path, binary: &Path, base: u16) -> Result<(), String> {
    let node = dir.join("node");
    let mut init = Command::new(binary);
    init.args(["node", "init", "--node"]).arg(&node).args(["--jurisdiction", "IE", "--zone", "Europe/Dublin"]);
    init.args(["--operator", "Benchmark", "--hostname", "mail.bench.example", "--domain", DOMAIN]);
    init.args(["--officer", "one", "--officer", "two", "--ports", &base.to_string()]);
    run(&mut init, "passphrase of one\npassphrase of two\n")?;
    let path = node.join("node.toml");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut settings: toml::Table = text.parse().map_err(|error| format!("{}: {error}", path.display()))?;
    settings.insert("imap_loopback_without_tls".to_owned(), true.into());
    settings.insert("connections_max".to_owned(), 5000.into());
    write(&path, &settings.to_string())
}

/// Makes accounts at the running node.
pub(crate) fn add_accounts(dir: &Path, binary: &Path, users: &[String]) -> Result<(), String> {
    for user in users {
        let mut add = Command::new(binary);
        add.args(["account", "add", user, "--node"]).arg(dir.join("node"));
        run(&mut add, &format!("{PASSWORD}\n"))?;
    }
    Ok(())
}

/// How it is started.
pub(crate) fn arguments(command: &mut Command, binary: &Path, dir: &Path) {
    command.arg(binary).args(["node", "run", "--with-parent", "--node"]).arg(dir.join("node"));
    // A line for each message goes to nobody: Dovecot writes its own to a file as well, but ours would be counted twice.
    command.env("BAILIWICK_LOG", "warn");
}
