//! The other side: Debian's Dovecot, as a careful operator would configure it, in its own folder.
//!
//! mdbox with its default fsync; login processes that stay (`service_count = 0`); one round of SHA-256 for a password,
//! which is what a sign-in that our vault remembers costs, so that neither side pays for Argon2id in the rows; LMTP and IMAP
//! processes as many as there are connections.

use std::path::Path;
use std::process::Command;

use super::service::{Kind, PASSWORD, run, write};

/// The Debian packages, and a file of each that shows it is installed.
const PACKAGES: [(&str, &str); 2] =
    [("dovecot-lmtpd", "/usr/lib/dovecot/lmtp"), ("dovecot-imapd", "/usr/lib/dovecot/imap")];
const XAPIAN: (&str, &str) = ("dovecot-fts-xapian", "/usr/lib/dovecot/modules/lib21_fts_xapian_plugin.so");

/// Installs what is missing, where that is allowed.
pub(crate) fn install(xapian: bool) -> Result<(), String> {
    let wanted = PACKAGES.into_iter().chain(xapian.then_some(XAPIAN));
    let missing: Vec<&str> = wanted.filter(|(_, file)| !Path::new(file).exists()).map(|(package, _)| package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("installing {}", missing.join(", "));
    let mut command = Command::new("apt-get");
    command.args(["install", "-y", "-q", "--no-install-recommends"]).args(&missing);
    command.env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut command, "").map(|_| ()).map_err(|error| format!("{error}\ninstall {} first", missing.join(" ")))
}

/// Which user the mail processes run as: Debian's `mail` for root, otherwise the current user.
fn owner() -> Result<(bool, String), String> {
    let name = run(Command::new("id").arg("-un"), "")?;
    Ok(match name.trim() {
        "root" => (true, "mail".to_owned()),
        other => (false, other.to_owned()),
    })
}

/// Writes the configuration, the users and the keys.
pub(crate) fn found(kind: Kind, dir: &Path, base: u16, users: &[String]) -> Result<(), String> {
    let (root, owner) = owner()?;
    for name in ["mail", "run", "state"] {
        std::fs::create_dir_all(dir.join(name)).map_err(|error| error.to_string())?;
    }
    let hash = run(Command::new("doveadm").args(["pw", "-s", "SSHA256", "-p", PASSWORD]), "")?;
    let lines: String = users.iter().map(|user| format!("{user}:{}::::::\n", hash.trim())).collect();
    write(&dir.join("users"), &lines)?;
    let files = |name: &str| dir.join(name).display().to_string();
    let mut request = Command::new("openssl");
    request.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]);
    request.args(["-subj", "/CN=mail.bench.example", "-keyout", &files("key.pem"), "-out", &files("cert.pem")]);
    run(request.stderr(std::process::Stdio::null()), "")?;
    let mut text = settings(dir, base, root, &owner);
    match kind {
        Kind::Crypt => {
            let parameters = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &files("crypt.pem")];
            run(Command::new("openssl").args(parameters), "")?;
            run(Command::new("openssl").args(["pkey", "-in", &files("crypt.pem"), "-pubout", "-out", &files("crypt.pub")]), "")?;
            text.push_str(&format!(
                "mail_plugins = mail_crypt\nplugin {{\n  mail_crypt_global_private_key = <{}\n  \
                 mail_crypt_global_public_key = <{}\n  mail_crypt_save_version = 2\n}}\n",
                files("crypt.pem"),
                files("crypt.pub")
            ));
        }
        Kind::Xapian => text.push_str(
            "mail_plugins = fts fts_xapian\nplugin {\n  fts = xapian\n  fts_xapian = partial=3 full=20\n  fts_autoindex = no\n  \
             fts_enforced = yes\n}\nservice indexer-worker {\n  vsz_limit = 2G\n}\n",
        ),
        Kind::Mdbox | Kind::Node => {}
    }
    write(&dir.join("dovecot.conf"), &text)?;
    if root {
        run(Command::new("chown").args(["-R", "mail:mail"]).arg(dir.join("mail")), "")?;
        run(Command::new("chmod").args(["a+rX"]).arg(dir), "")?;
    }
    Ok(())
}

fn settings(dir: &Path, base: u16, root: bool, owner: &str) -> String {
    let dir = dir.display();
    let group = if root { "mail" } else { "" };
    let unprivileged = match root {
        true => String::new(),
        false => format!(
            "default_internal_user = {owner}\ndefault_login_user = {owner}\nservice anvil {{\n  chroot =\n}}\n\
             service imap-login {{\n  chroot =\n}}\n"
        ),
    };
    let group = if group.is_empty() { String::new() } else { format!(" gid={group}") };
    let (lmtp, imap, imaps) = (base + 24, base + 43, base + 93);
    format!(
        "base_dir = {dir}/run\nstate_dir = {dir}/state\nlog_path = {dir}/dovecot.log\nprotocols = imap lmtp\n\
         listen = 127.0.0.1\ndisable_plaintext_auth = no\nfirst_valid_uid = 1\nauth_mechanisms = plain\n\
         mail_location = mdbox:{dir}/mail/%u\nmail_max_userip_connections = 0\nlmtp_save_to_detail_mailbox = no\n\
         postmaster_address = postmaster@bench.example\nssl = yes\nssl_cert = <{dir}/cert.pem\nssl_key = <{dir}/key.pem\n\
         default_process_limit = 4000\ndefault_client_limit = 10000\n\
         passdb {{\n  driver = passwd-file\n  args = {dir}/users\n}}\n\
         userdb {{\n  driver = static\n  args = uid={owner}{group} home={dir}/mail/%u\n}}\n\
         service imap-login {{\n  service_count = 0\n  process_min_avail = 1\n  process_limit = 4\n  \
         inet_listener imap {{\n    port = {imap}\n  }}\n  inet_listener imaps {{\n    port = {imaps}\n    ssl = yes\n  }}\n}}\n\
         service imap {{\n  process_limit = 4000\n}}\n         service lmtp {{\n  inet_listener lmtp {{\n    port = {lmtp}\n  }}\n}}\n{unprivileged}"
    )
}

/// How it is started.
pub(crate) fn arguments(command: &mut Command, dir: &Path) {
    command.args(["dovecot", "-F", "-c"]).arg(dir.join("dovecot.conf"));
}

/// Puts messages into a user's INBOX, by way of a Maildir that is made beside it and removed.
#[expect(clippy::disallowed_methods, reason = "a scratch folder that the next run deletes")]
pub(crate) fn import<'m>(dir: &Path, user: &str, mail: impl Iterator<Item = &'m [u8]>) -> Result<(), String> {
    let maildir = dir.join("import");
    let failed = |error: std::io::Error| format!("{}: {error}", maildir.display());
    for name in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(maildir.join(name)).map_err(failed)?;
    }
    let mut count = 0;
    for message in mail {
        std::fs::write(maildir.join("new").join(format!("{}.{count}.bench", 1_700_000_000 + count)), message)
            .map_err(failed)?;
        count += 1;
    }
    if count > 0 {
        if owner()?.0 {
            run(Command::new("chown").args(["-R", "mail:mail"]).arg(&maildir), "")?;
        }
        let mut import = Command::new("doveadm");
        import.arg("-c").arg(dir.join("dovecot.conf")).args(["import", "-u", user]);
        import.arg(format!("maildir:{}", maildir.display())).args(["", "ALL"]);
        run(&mut import, "")?;
    }
    std::fs::remove_dir_all(&maildir).map_err(failed)
}
