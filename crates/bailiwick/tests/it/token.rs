//! A node that a PKCS#11 token unlocks: SoftHSM, as the program reaches any other.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Single, client, has_tool, lines, wait_for};
use durable::{Disk, RealDisk, Visibility};

const PIN: &str = "271828";
const RCPT: [&str; 3] = ["EHLO x.example", "MAIL FROM:<a@x.example>", "RCPT TO:<ann@ie.example>"];

/// Where Debian and others have the module.
const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

/// A machine with a SoftHSM of its own, a token in it, and a file with the token's PIN.
struct Machine {
    scratch: tempfile::TempDir,
    module: &'static str,
}

impl Machine {
    /// `None` where there is no SoftHSM.
    fn new() -> Option<Self> {
        if !has_tool("softhsm2-util") {
            return None;
        }
        let module = MODULES.into_iter().find(|path| Path::new(path).exists()).unwrap();
        let machine = Self { scratch: tempfile::tempdir().unwrap(), module };
        machine.tokens_in("tokens");
        machine.make_token("bailiwick");
        machine.set_pin(PIN);
        Some(machine)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        RealDisk.write_atomic(&self.path(name), text.as_bytes(), Visibility::Private).unwrap();
    }

    /// Whatever tokens are in this folder are plugged in, and no others.
    fn tokens_in(&self, folder: &str) {
        let folder = self.path(folder);
        RealDisk.create_dir_all(&folder).unwrap();
        self.write("softhsm2.conf", &format!("directories.tokendir = {}\nlog.level = ERROR\n", folder.display()));
    }

    fn make_token(&self, label: &str) {
        let mut command = Command::new("softhsm2-util");
        command.args(["--init-token", "--free", "--label", label, "--so-pin", "31415926", "--pin", PIN]);
        let made = client(command.env("SOFTHSM2_CONF", self.path("softhsm2.conf")), self.scratch.path());
        assert!(made.status.success(), "{made:?}");
    }

    fn set_pin(&self, pin: &str) {
        self.write("pin", &format!("{pin}\n"));
    }

    /// A new node that the token unlocks by itself; the passphrase that was shown.
    fn init(&self, dir: &Path) -> String {
        let pin = self.path("pin");
        let which = ["--token", self.module, "--token-label", "bailiwick", "--token-pin-file", pin.to_str().unwrap()];
        let said = Single::init_in(&[("SOFTHSM2_CONF", &self.path("softhsm2.conf"))], dir, &which, "");
        let shown = said.lines().find(|line| line.starts_with("    ") && line.matches('-').count() == 4).unwrap();
        shown.trim().to_owned()
    }

    fn run(&self, dir: &Path) -> Single {
        Single::run_in(&[("SOFTHSM2_CONF", &self.path("softhsm2.conf"))], dir)
    }
}

fn state(node: &Single) -> String {
    node.ask(&["node", "status"], "").unwrap()["vault"].as_str().unwrap().to_owned()
}

fn rcpt(node: &Single) -> String {
    lines(node.door("smtp"), &RCPT)[3].clone()
}

/// Starts, restarts and a vault that dies need nobody, although no secret on the disk opens anything by itself. The token's
/// module is in neither process of the node, and the PIN in no log, argument or environment.
#[test]
fn it_starts_without_anybody() {
    let Some(machine) = Machine::new() else { return };
    let dir = machine.path("IE");
    let passphrase = machine.init(&dir);
    assert!(!dir.join("secrets/passphrase").exists());
    let node = machine.run(&dir);
    assert_eq!(state(&node), "unlocked");
    node.ask(&["account", "add", "ann@ie.example"], "correct horse battery").unwrap();
    let (process, vault) = (node.process(), node.vault_process());
    for file in ["maps", "environ", "cmdline"] {
        for process in [node.parent(), process, vault] {
            let bytes = std::fs::read(format!("/proc/{process}/{file}")).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("libsofthsm2") && !text.contains(PIN), "{file} of {process}");
        }
    }
    assert!(Command::new("kill").args(["-KILL", &vault.to_string()]).status().unwrap().success());
    wait_for("another vault", || node.vault_process() != vault && state(&node) == "unlocked");
    assert!(rcpt(&node).starts_with("250 "));
    drop(node);

    let node = machine.run(&dir);
    assert!(rcpt(&node).starts_with("250 "));
    drop(node);
    // The passphrase is the way in when the token is lost.
    machine.tokens_in("nothing");
    let node = machine.run(&dir);
    assert!(rcpt(&node).starts_with("451 4.3.0 Mailbox store unavailable (locked)"));
    node.ask(&["node", "unlock", "--recovery"], &passphrase).unwrap();
    assert!(rcpt(&node).starts_with("250 "));
    for secret in [PIN, &passphrase] {
        assert!(!node.log().contains(secret));
    }
}

/// A thief who has every byte of the disk, the PIN among them, and not the token.
#[test]
fn a_copy_of_the_disk_opens_nothing() {
    let Some(machine) = Machine::new() else { return };
    let (dir, copy) = (machine.path("IE"), machine.path("copy"));
    machine.init(&dir);
    let mut command = Command::new("cp");
    assert!(client(command.args(["-r"]).arg(&dir).arg(&copy), machine.scratch.path()).status.success());
    let said = |folder: &str| {
        machine.tokens_in(folder);
        let node = machine.run(&copy);
        assert_eq!(state(&node), "locked");
        let refused = node.ask(&["node", "unlock", "--token"], PIN).unwrap_err();
        assert!(rcpt(&node).starts_with("451 4.3.0 Mailbox store unavailable (locked)"));
        refused
    };
    assert!(said("nothing").contains("no token with the label"));
    // Another token, of the same label and PIN.
    machine.tokens_in("theirs");
    machine.make_token("bailiwick");
    assert!(said("theirs").contains("is it another token of the same label?"));
    // Two of them.
    machine.make_token("bailiwick");
    assert!(said("theirs").contains("several tokens"));
    machine.tokens_in("tokens");
    assert_eq!(state(&machine.run(&copy)), "unlocked", "with the token it is the node");
}

/// A token that is plugged in later unlocks the node without a restart.
#[test]
fn a_node_waits_for_its_token() {
    let Some(machine) = Machine::new() else { return };
    let dir = machine.path("IE");
    machine.init(&dir);
    machine.tokens_in("nothing");
    let node = machine.run(&dir);
    assert!(rcpt(&node).starts_with("451 4.3.0 Mailbox store unavailable (locked)"));
    assert!(node.log().contains("the node is locked: no token with the label"));
    machine.tokens_in("tokens");
    wait_for("the token", || state(&node) == "unlocked");
}

/// A wrong PIN is shown to the token once, however often the node starts, until a person has shown the right one.
#[test]
fn a_wrong_pin_is_tried_once() {
    let Some(machine) = Machine::new() else { return };
    let dir = machine.path("IE");
    machine.init(&dir);
    machine.set_pin("161803");
    let node = machine.run(&dir);
    assert!(rcpt(&node).starts_with("451 4.3.0 Mailbox store unavailable (locked)"));
    // Twice as long as the node waits before it looks again.
    std::thread::sleep(std::time::Duration::from_secs(5));
    assert_eq!(node.log().matches("the token refuses the PIN").count(), 1, "{}", node.log());
    drop(node);
    machine.set_pin(PIN);
    let node = machine.run(&dir);
    assert_eq!(state(&node), "locked", "nobody looks whether the file is better now");
    drop(node);

    // Also when the node has forgotten: the token has not.
    RealDisk.remove(&dir.join("run/pin-refused")).unwrap();
    let node = machine.run(&dir);
    assert_eq!(state(&node), "locked");
    assert!(node.log().contains("the last PIN shown to the token was wrong"), "{}", node.log());

    let unlock = |pin: &str| node.ask(&["node", "unlock", "--token"], pin);
    assert!(unlock("161803").unwrap_err().contains("the token refuses the PIN"));
    assert_eq!(unlock(PIN).unwrap()["vault"], "unlocked");
    drop(node);
    assert_eq!(state(&machine.run(&dir)), "unlocked");
    for pin in [PIN, "161803"] {
        assert!(!std::fs::read_to_string(dir.join("node.log")).unwrap().contains(pin));
    }
    // A PIN that others can read is not used.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(machine.path("pin"), open).unwrap();
    let output = crate::support::run_in(
        &[("SOFTHSM2_CONF", &machine.path("softhsm2.conf"))],
        &["account", "list", "--node", dir.to_str().unwrap()],
        "",
    );
    assert!(String::from_utf8_lossy(&output.stderr).contains("chmod 600"), "{output:?}");
}

/// The node is killed while its service key is being replaced, and starts by its token; with the old key and the new.
#[test]
fn a_rotation_needs_no_token() {
    let Some(machine) = Machine::new() else { return };
    let dir = machine.path("IE");
    let passphrase = machine.init(&dir);
    let before = RealDisk.read(&dir.join("vault/node.token")).unwrap();
    let node = machine.run(&dir);
    node.ask(&["account", "add", "ann@ie.example"], "correct horse battery").unwrap();
    machine.tokens_in("nothing");
    std::thread::scope(|scope| {
        let rotation = scope.spawn(|| node.ask(&["node", "rotate", "service"], &passphrase));
        wait_for("a second key", || {
            dir.join("vault/older/2.keys").exists() && RealDisk.read(&dir.join("vault/node.token")).unwrap() != before
        });
        assert!(Command::new("kill").args(["-KILL", &node.parent().to_string()]).status().unwrap().success());
        rotation.join().unwrap().unwrap_err();
    });
    drop(node);
    machine.tokens_in("tokens");
    let node = machine.run(&dir);
    assert!(rcpt(&node).starts_with("250 "), "{}", node.log());
}

/// A node that had its passphrase in a file gets a token; the file is gone then, and the ledger knows.
#[test]
fn a_node_gets_a_token() {
    let Some(machine) = Machine::new() else { return };
    let dir = machine.path("IE");
    Single::init(&dir, &[], "");
    let passphrase = std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap();
    // Empty entries that come by themselves would be counted.
    let settings = std::fs::read_to_string(dir.join("node.toml")).unwrap();
    let quiet = settings.replace("ledger_dummy_minutes = 60", "ledger_dummy_minutes = 600000");
    assert_ne!(quiet, settings);
    machine.write("IE/node.toml", &quiet);
    let node = machine.run(&dir);
    let add = |label: &str, passphrase: &str, pin: &str| {
        let input = format!("{passphrase}\n{pin}\n");
        node.ask(&["node", "token", "add", "--module", machine.module, "--token-label", label], &input)
    };
    // A person without the passphrase, the token and its PIN leaves nothing, in the ledger neither.
    let size = || node.ask(&["node", "status"], "").unwrap()["ledger_size"].as_u64().unwrap();
    let before = size();
    assert!(add("none", &passphrase, PIN).unwrap_err().contains("no token with the label"));
    assert!(add("bailiwick", &passphrase, "161803").unwrap_err().contains("refuses the PIN"));
    assert!(add("bailiwick", "wrong", PIN).unwrap_err().contains("passphrase is wrong"));
    assert!(dir.join("secrets/passphrase").exists(), "nothing has changed");
    assert_eq!(size(), before);
    assert!(add("bailiwick", &passphrase, PIN).unwrap()["entry"].is_u64());
    assert!(!dir.join("secrets/passphrase").exists());

    // Nobody named a file with the PIN, so a person types it: also when the vault dies.
    let vault = node.vault_process();
    assert!(Command::new("kill").args(["-KILL", &vault.to_string()]).status().unwrap().success());
    wait_for("a locked node", || state(&node) == "locked");
    wait_for("a vault", || node.ask(&["node", "unlock", "--token"], PIN).is_ok());
    drop(node);
    let node = machine.run(&dir);
    assert_eq!(state(&node), "locked");
    assert_eq!(node.ask(&["node", "unlock", "--token"], PIN).unwrap()["vault"], "unlocked");
}

/// The token goes again: to two key holders, or back to a file; not when nothing else would unlock the node.
#[test]
fn a_token_is_taken_away() {
    let Some(machine) = Machine::new() else { return };
    let dir = machine.path("IE");
    let passphrase = machine.init(&dir);
    let node = machine.run(&dir);
    let remove = |node: &Single, more: &[&str], passphrase: &str| {
        node.ask(&[&["node", "token", "remove"], more].concat(), passphrase)
    };
    let sealed = RealDisk.read(&dir.join("vault/node.token")).unwrap();
    assert!(remove(&node, &["bailiwick"], &passphrase).unwrap_err().contains("the only way"));
    assert!(remove(&node, &["another"], &passphrase).unwrap_err().contains("\"bailiwick\""));
    let people = [("ann", "ann's hand passphrase"), ("ben", "ben's hand passphrase")];
    let words = format!("{passphrase}\n{}\n{}\n", people[0].1, people[1].1);
    node.ask(&["node", "key-holders", "set", "--holder", "ann", "--holder", "ben"], &words).unwrap();
    assert!(remove(&node, &["bailiwick"], "wrong").unwrap_err().contains("passphrase is wrong"));
    assert_eq!(RealDisk.read(&dir.join("vault/node.token")).unwrap(), sealed, "nothing has changed");
    let size = || node.ask(&["node", "status"], "").unwrap()["ledger_size"].as_u64().unwrap();
    let before = size();
    let removed = remove(&node, &["bailiwick"], &passphrase).unwrap();
    assert!(removed["entry"].as_u64().unwrap() >= before && size() > before, "{removed}");
    assert!(!dir.join("vault/node.token").exists());
    let settings = std::fs::read_to_string(dir.join("node.toml")).unwrap();
    assert!(!settings.contains("[vault.token]") && settings.contains("unlock = \"by-hand\""), "{settings}");
    assert!(remove(&node, &["bailiwick"], &passphrase).unwrap_err().contains("names no token"));
    drop(node);

    // The token is plugged in and its PIN is there: it unlocks nothing. Two people do.
    let node = machine.run(&dir);
    assert_eq!(state(&node), "locked");
    assert!(node.ask(&["node", "unlock", "--token"], PIN).is_err());
    for (name, words) in people {
        node.ask(&["node", "unlock", "--holder", name], words).unwrap();
    }
    assert_eq!(state(&node), "unlocked");

    // It comes back, and goes to a file although there are people.
    let pin = machine.path("pin");
    let which = ["--token-label", "bailiwick", "--token-pin-file", pin.to_str().unwrap()];
    let add = [&["node", "token", "add", "--module", machine.module], &which[..]].concat();
    node.ask(&add, &passphrase).unwrap();
    // Interrupted before the configuration: what the token opens is gone, and node.toml still names it.
    RealDisk.remove(&dir.join("vault/node.token")).unwrap();
    drop(node);
    let node = machine.run(&dir);
    assert_eq!(state(&node), "locked");
    node.ask(&["node", "unlock", "--recovery"], &passphrase).unwrap();
    remove(&node, &["bailiwick", "--to-passphrase-file"], &passphrase).unwrap();
    drop(node);
    machine.tokens_in("nothing");
    assert_eq!(state(&machine.run(&dir)), "unlocked");
    assert_eq!(std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap(), passphrase);
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&dir.join("secrets/passphrase").metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

/// The PIN as systemd gives it to a service: a file in a folder that the environment names.
#[test]
fn the_pin_is_a_credential_of_systemd() {
    let Some(machine) = Machine::new() else { return };
    let dir = machine.path("IE");
    Single::init(&dir, &[], "");
    let passphrase = std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap();
    let node = machine.run(&dir);
    let which = ["--token-label", "bailiwick", "--token-pin-credential", "hsm-pin"];
    let add = [&["node", "token", "add", "--module", machine.module], &which[..]].concat();
    node.ask(&add, &format!("{passphrase}\n{PIN}\n")).unwrap();
    drop(node);

    let (module, folder) = (machine.path("softhsm2.conf"), machine.path("credentials"));
    let with = [("SOFTHSM2_CONF", module.as_path()), ("CREDENTIALS_DIRECTORY", folder.as_path())];
    let refused = |environment: &[(&str, &Path)]| {
        let run = crate::support::run_in(environment, &["node", "run", "--node", dir.to_str().unwrap()], "");
        assert!(!run.status.success());
        String::from_utf8_lossy(&run.stderr).into_owned()
    };
    assert!(refused(&with[..1]).contains("no CREDENTIALS_DIRECTORY"));
    RealDisk.create_dir_all(&folder).unwrap();
    assert!(refused(&with).contains("hsm-pin"), "the folder has no such file");
    // systemd.exec(5): read-only for the service, and the group bits are the mask of an access list.
    std::fs::write(folder.join("hsm-pin"), PIN).unwrap();
    let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o440);
    std::fs::set_permissions(folder.join("hsm-pin"), mode).unwrap();
    let node = Single::run_in(&with, &dir);
    assert_eq!(state(&node), "unlocked");
    let vault = node.vault_process();
    assert!(Command::new("kill").args(["-KILL", &vault.to_string()]).status().unwrap().success());
    wait_for("another vault", || node.vault_process() != vault && state(&node) == "unlocked");
    // The name of the folder is in the node's environment, as systemd puts it there; the PIN is not.
    for file in ["environ", "cmdline"] {
        for process in [node.parent(), node.process(), node.vault_process()] {
            let bytes = std::fs::read(format!("/proc/{process}/{file}")).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains(PIN), "{file} of {process}");
        }
    }
    assert!(!node.log().contains(PIN));
    assert!(!std::fs::read_to_string(dir.join("node.toml")).unwrap().contains(PIN));
}

/// A module that is none, and one that ends its process, take nothing down with them.
#[test]
fn a_strange_module() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("IE");
    Single::init(&dir, &[], "");
    let passphrase = std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap();
    let node = Single::run(&dir);
    for module in ["/nowhere/module.so", "/etc/hostname", crate::support::PROGRAM] {
        let add = ["node", "token", "add", "--module", module, "--token-label", "x"];
        let said = node.ask(&add, &format!("{passphrase}\n{PIN}\n")).unwrap_err();
        assert!(said.contains("module"), "{module}: {said}");
    }
    assert_eq!(state(&node), "unlocked");
}

/// A module that tries what none of them needs, writes down how each went, and is not a PKCS#11 module otherwise.
const HOSTILE: &str = r#"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(FILE *out, const char *what, long said) {
    fprintf(out, "%s %s\n", what, said == -1 && errno == EPERM ? "refused" : "let through");
}

unsigned long C_GetFunctionList(void **list) {
    char *none[] = { NULL };
    FILE *out = fopen(getenv("HOSTILE_LOG"), "w");
    tell(out, "unix", socket(AF_UNIX, SOCK_STREAM, 0));
    tell(out, "tcp", socket(AF_INET, SOCK_STREAM, 0));
    tell(out, "udp6", socket(AF_INET6, SOCK_DGRAM, 0));
    tell(out, "netlink", socket(AF_NETLINK, SOCK_RAW, 0));
    tell(out, "uring", syscall(SYS_io_uring_setup, 1, none));
    tell(out, "execve", execve("/nowhere", none, none));
    pid_t child = fork();
    if (child == 0) _exit(0);
    tell(out, "fork", child);
    tell(out, "ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    tell(out, "peek", syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
    tell(out, "dumpable", prctl(PR_SET_DUMPABLE, 1));
    fprintf(out, "dumps %d\n", prctl(PR_GET_DUMPABLE));
    fclose(out);
    return 5; /* CKR_GENERAL_ERROR */
}
"#;

/// What foreign code in the token's process can do with the PIN that it saw.
#[test]
fn a_hostile_module_has_no_way_out() {
    if !has_tool("cc") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let path = |name: &str| scratch.path().join(name);
    std::fs::write(path("hostile.c"), HOSTILE).unwrap();
    let mut cc = Command::new("cc");
    cc.args(["-shared", "-fPIC", "-o"]).args([path("hostile.so"), path("hostile.c")]);
    let compiled = client(&mut cc, scratch.path());
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let dir = path("IE");
    Single::init(&dir, &[], "");
    let passphrase = std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap();
    let log = path("log");
    let node = Single::run_in(&[("HOSTILE_LOG", &log)], &dir);
    let (module, input) = (path("hostile.so"), format!("{passphrase}\n{PIN}\n"));
    let add = |more: &[&str]| {
        let add = ["node", "token", "add", "--module", module.to_str().unwrap(), "--token-label", "x"];
        let said = node.ask(&[&add[..], more].concat(), &input).unwrap_err();
        assert!(said.contains("module"), "{said}");
        std::fs::read_to_string(&log).unwrap()
    };
    let tried = |refused: &str| {
        let of = |what: &str| if refused.contains(what) { "refused" } else { "let through" };
        let all = ["unix", "tcp", "udp6", "netlink", "uring", "execve", "fork", "ptrace", "peek", "dumpable"];
        all.map(|what| format!("{what} {}\n", of(what))).concat() + "dumps 0\n"
    };
    assert_eq!(add(&[]), tried("tcp udp6 netlink uring execve fork ptrace peek dumpable"));
    assert_eq!(add(&["--token-network"]), tried("uring execve fork ptrace peek dumpable"));
    assert_eq!(state(&node), "unlocked");
}
