//! What a thief of everything opens of a closed account, by the real program: images of the whole home before and after with
//! the rows and their write-ahead log as they lie while the node runs, backups of the node and of the keys, the node's
//! passphrase (so the service key), every secret of the owner, and both officers.
//!
//! The window is the real setting; the backup of keys that it outlives is dated forty days back, by a clock of the test's.
//! The same thief opens the mail while the window lasts, and the mail of a neighbour at the end: so the test can tell.
//! Freed blocks, which no copy of files shows, are in `crates/keeper/src/shredded.rs`.

use std::collections::{BTreeSet, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::support::{OFFICER_PASSPHRASES, Single, files, lines, run, wait_for, write_order};
use durable::{RealDisk, SystemClock};
use terms::{Clock, UnixMillis};
use vault::{CostProfile, KeyBackup, SystemEntropy};
use world::ManualClock;

/// In strict custody; in standard custody, whose key the service key wraps too; and one who stays.
const CLOSED: [&str; 2] = ["ann@ie.example", "cara@ie.example"];
const STAYS: &str = "ben@ie.example";
const PASSWORD: &str = "a good password";
const PHRASE: &str = "seventeen green bottles on the quay";
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Between this and the usual window of 30 days lies the age of the backup.
const LONG_WINDOW: &str = "key_window_days = 60";
const AGE_DAYS: i64 = 40;

/// What owners have beside their passwords.
struct Secrets {
    app_password: String,
    recovery_code: String,
}

struct Scene {
    scratch: tempfile::TempDir,
    settings: String,
    secrets: Secrets,
    /// The number of the next folder.
    next: std::cell::Cell<u32>,
}

/// What the thief has.
struct Loot {
    /// Folders that are homes of the node: vault, store and all.
    homes: Vec<PathBuf>,
    /// Places for backups.
    places: Vec<PathBuf>,
    /// Backups of keys.
    keys: Vec<PathBuf>,
    /// Keys of days, or what somebody takes for them.
    day_keys: Vec<PathBuf>,
}

impl Scene {
    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn node(&self) -> PathBuf {
        self.path("node")
    }

    fn passphrase(&self) -> String {
        std::fs::read_to_string(self.node().join("secrets/passphrase")).unwrap()
    }

    /// Every byte of `from`'s files, as they lie now.
    fn image(&self, from: &Path, name: &str) -> PathBuf {
        let to = self.path(name);
        for file in files(from) {
            let target = to.join(file.strip_prefix(from).unwrap());
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::copy(&file, &target).unwrap();
        }
        to
    }

    /// An earlier image with the vault's folder of another.
    fn with_vault_of(&self, image: &Path, vault: &Path, name: &str) -> PathBuf {
        let to = self.image(image, name);
        std::fs::remove_dir_all(to.join("vault")).unwrap();
        self.image(&vault.join("vault"), &format!("{name}/vault"));
        to
    }

    /// Whether the node whose folder this is opens the phrase in the mail of `address`, and by which ways.
    fn ways(&self, home: &Path, address: &str) -> BTreeSet<&'static str> {
        let number = self.next.replace(self.next.get() + 1);
        let home = self.image(home, &format!("tried-{number}"));
        // Places of the test's own node are not this one's to write to.
        let settings = self.settings.split("\n[[backup_place]]").next().unwrap().to_owned();
        std::fs::write(home.join("node.toml"), settings).unwrap();
        std::fs::create_dir_all(home.join("run")).unwrap();
        let node = Single::run(&home);
        let mut ways = BTreeSet::new();
        if read_by_imap(&node, address, PASSWORD) {
            ways.insert("password");
        }
        if read_by_imap(&node, address, &self.secrets.app_password) {
            ways.insert("app password");
        }
        if self.read_by_officers(&node, address, &home) {
            ways.insert("officers");
        }
        // Last, since it changes the password.
        let recover = format!("{}\nanother good password", self.secrets.recovery_code);
        if node.ask(&["account", "recovery", "use", address], &recover).is_ok()
            && read_by_imap(&node, address, "another good password")
        {
            ways.insert("recovery code");
        }
        ways
    }

    /// Two officers answer a demand for the mail; nothing but the package is looked at.
    fn read_by_officers(&self, node: &Single, address: &str, home: &Path) -> bool {
        let [(ann, ann_phrase), (ben, ben_phrase)] = OFFICER_PASSPHRASES;
        let both = format!("{ann_phrase}\n{ben_phrase}\n");
        // A restored node waits for them; any other says that its desk is open.
        let _ = node.ask(&["node", "open-desk", "--by", ann, "--by", ben], &both);
        let identity = disclosure::AgeIdentity::generate();
        write_order(&home.join("demand.toml"), "DMD-1", address, &identity.recipient().to_string());
        let package = || -> Result<PathBuf, String> {
            let served = node.ask(&["demand", "serve", home.join("demand.toml").to_str().unwrap()], "")?;
            let case = served["cases"][0]["case"].to_string();
            for (officer, passphrase) in OFFICER_PASSPHRASES {
                node.ask(&["case", "approve", &case, "--officer", officer], passphrase)?;
            }
            let collected = node.ask(&["case", "collect", &case], "")?;
            Ok(PathBuf::from(collected["path"].as_str().unwrap()))
        };
        let Ok(package) = package() else { return false };
        let Ok(opened) = disclosure::unpack(&package, &identity, &home.join("bag")) else { return false };
        files(&opened).iter().any(|file| has(&std::fs::read(file).unwrap(), PHRASE.as_bytes()))
    }

    /// Restores every backup with every backup of keys and every key of a day; gives the folders that came of it.
    fn restored(&self, loot: &Loot) -> Vec<PathBuf> {
        let mut homes = Vec::new();
        for place in &loot.places {
            for keys in &loot.keys {
                for day_key in &loot.day_keys {
                    let number = self.next.replace(self.next.get() + 1);
                    let to = self.path(&format!("restored-{number}"));
                    let args =
                        [place, Path::new("--node"), &to, Path::new("--keys"), keys, Path::new("--day-key"), day_key];
                    let args = args.map(|part| part.to_str().unwrap());
                    if run(&[&["restore"], &args[..]].concat(), &self.passphrase()).status.success() {
                        homes.push(to);
                    }
                }
            }
        }
        homes
    }

    /// By which ways anyone who has all this opens the mail of `address`, in any home that there is or can be made.
    fn opens(&self, loot: &Loot, address: &str) -> BTreeSet<&'static str> {
        let homes = [loot.homes.clone(), self.restored(loot)].concat();
        homes.iter().flat_map(|home| self.ways(home, address)).collect()
    }

    /// A backup of the keys of `AGE_DAYS` ago: as the node wrote it then (docs/formats/keys.md).
    fn back_up_keys_of_then(&self) -> PathBuf {
        let then = SystemClock.now().0 - AGE_DAYS * DAY_MILLIS;
        let clock = Arc::new(ManualClock::at(UnixMillis(then)));
        let gate = keeper::here(Arc::new(RealDisk), self.node().join("vault"), clock, Arc::new(SystemEntropy));
        let vault = gate.unlock(&self.passphrase().as_str().into(), CostProfile::OWASP).unwrap();
        let KeyBackup { day, node, sealed, .. } = vault.back_up_keys().unwrap();
        let mut bytes = [b"BVB\x01".as_slice(), &day.to_be_bytes()].concat();
        for part in [node, sealed] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
        let file = self.path(&format!("keys/{day}-{then}.keys"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, bytes).unwrap();
        file
    }
}

fn has(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// Whether a mail client that shows this secret reads the phrase.
fn read_by_imap(node: &Single, address: &str, secret: &str) -> bool {
    let mut stream = std::net::TcpStream::connect(node.door("imap")).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let login = format!("a LOGIN {address} \"{secret}\"");
    for line in [&login, "b SELECT INBOX", "c SEARCH BODY \"bottles\"", "d FETCH 1:* BODY.PEEK[TEXT]", "e LOGOUT"] {
        // A door that has refused enough hangs up; that is its right.
        let _ = stream.write_all(format!("{line}\r\n").as_bytes());
    }
    BufReader::new(stream).lines().map_while(Result::ok).any(|line| line.contains(PHRASE))
}

/// How long a piece is that is looked for.
const PIECE: usize = 24;

/// The pieces of these files, but for what the files in `public` have too (the escrow public key is in each).
fn pieces(of: &[Vec<u8>], public: &[PathBuf]) -> Vec<Vec<u8>> {
    let public: Vec<Vec<u8>> = public.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let all = of.iter().flat_map(|bytes| bytes.chunks_exact(PIECE));
    all.filter(|piece| !public.iter().any(|bytes| has(bytes, piece))).map(<[u8]>::to_vec).collect()
}

/// In which files below `folders` any of the pieces lies, at any place.
fn found(folders: &[PathBuf], wanted: &[Vec<u8>]) -> Vec<PathBuf> {
    assert!(!wanted.is_empty());
    let pieces: HashSet<&[u8]> = wanted.iter().map(Vec::as_slice).collect();
    let all = folders.iter().flat_map(|folder| files(folder));
    all.filter(|file| std::fs::read(file).unwrap().windows(PIECE).any(|window| pieces.contains(window))).collect()
}

fn deliver(node: &Single, to: &str, count: usize) {
    for n in 0..count {
        let text = format!("Subject: {n}\r\n\r\n{PHRASE}, {n} times\r\n.");
        let says = ["LHLO a.example", "MAIL FROM:<>", &format!("RCPT TO:<{to}>"), "DATA", &text];
        let said = lines(node.door("lmtp"), &says);
        assert!(said[5].starts_with("250"), "{said:?}");
    }
}

/// A node with three owners, of whom the first has every secret that there is.
fn scene() -> (Scene, Single) {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("node");
    Single::init(&dir, &[], "");
    let settings = std::fs::read_to_string(dir.join("node.toml")).unwrap();
    let settings = settings.replace("imap_loopback_without_tls = false", "imap_loopback_without_tls = true");
    assert!(settings.contains("\nkey_window_days = 30\n"), "{settings}");
    let place = scratch.path().join("place");
    let place = format!("\n[[backup_place]]\npath = \"{}\"\njurisdiction = \"IE\"\nkeep = 9\n", place.display());
    let settings = settings + &place;
    std::fs::write(dir.join("node.toml"), settings.replace("key_window_days = 30", LONG_WINDOW)).unwrap();
    let node = Single::run(&dir);
    let [strict, standard] = CLOSED;
    for (address, custody) in [(strict, "strict"), (standard, "standard"), (STAYS, "strict")] {
        node.ask(&["account", "add", address, "--custody", custody], PASSWORD).unwrap();
        deliver(&node, address, 5);
    }
    let made = node.ask(&["account", "app-password", "add", strict, "--name", "phone"], PASSWORD).unwrap();
    let app_password = made["password"].as_str().unwrap().to_owned();
    let made = node.ask(&["account", "recovery", "new", strict], PASSWORD).unwrap();
    let recovery_code = made["recovery_codes"][0].as_str().unwrap().to_owned();
    // Records fold, and the index is made.
    assert!(read_by_imap(&node, strict, PASSWORD) && read_by_imap(&node, standard, PASSWORD));
    deliver(&node, strict, 1);
    let secrets = Secrets { app_password, recovery_code };
    (Scene { scratch, settings, secrets, next: 0.into() }, node)
}

fn back_up(node: &Single) {
    node.ask(&["backup", "run"], "").unwrap();
}

#[test]
fn after_the_window_nothing_opens_a_closed_account_anywhere() {
    let (scene, node) = scene();
    let [strict, standard] = CLOSED;
    back_up(&node);
    let before = scene.image(&scene.node(), "before");
    let place_before = scene.image(&scene.path("place"), "place-before");
    drop(node);
    let keys_of_then = scene.back_up_keys_of_then();
    let [day_key] = files(&scene.node().join("vault/days")).try_into().unwrap();
    let profiles = |home: &Path| files(&home.join("vault/accounts"));
    let stays = {
        let node = Single::run(&scene.node());
        for address in CLOSED {
            node.ask(&["account", "close", address], PASSWORD).unwrap();
        }
        back_up(&node);
        let kept = profiles(&scene.node());
        drop(node);
        kept
    };
    assert_eq!((profiles(&before).len(), stays.len()), (3, 1));
    // What wraps the accounts' keys, behind the public key; and the key of the day.
    let bytes = |path: &Path| std::fs::read(path).unwrap();
    let public = [stays[0].clone(), scene.node().join("vault/officers.roster")];
    let closed = profiles(&before).into_iter().filter(|file| file.file_name() != stays[0].file_name());
    let closed: Vec<Vec<u8>> = closed.map(|file| bytes(&file)[128..].to_vec()).collect();
    let (wrapped, day) = (pieces(&closed, &public), pieces(&[bytes(&day_key)], &public));

    // The window is not over: nothing opens on the node, and everything by a backup with the key of its day.
    let node = Single::run(&scene.node());
    let stopped = scene.image(&scene.node(), "stopped");
    drop(node);
    assert!(stopped.join("store/rows.sqlite-wal").exists(), "the rows' log as it lies while the node runs");
    let mut loot = Loot { homes: vec![stopped.clone()], places: vec![], keys: vec![keys_of_then], day_keys: vec![] };
    assert_eq!(scene.opens(&loot, strict), BTreeSet::new());
    assert_eq!(scene.opens(&loot, standard), BTreeSet::new());
    loot.places = vec![place_before, scene.path("place")];
    loot.day_keys = files(&stopped.join("vault/days"));
    assert_eq!(scene.opens(&loot, strict), ["password", "app password", "officers", "recovery code"].into());
    assert_eq!(scene.opens(&loot, standard), ["password", "officers"].into());
    let lies = [found(std::slice::from_ref(&stopped), &day), found(std::slice::from_ref(&before), &wrapped)];
    assert_eq!(lies.each_ref().map(Vec::len), [1, 2], "{lies:?}");

    // The window is over: the running node destroys the key of the day. A newer backup of keys is there, too.
    std::fs::write(scene.node().join("node.toml"), &scene.settings).unwrap();
    let node = Single::run(&scene.node());
    wait_for("the end of the day's key", || !day_key.exists());
    let (keys, day_keys) = (scene.text("keys"), scene.text("day-keys"));
    node.ask(&["backup", "run", "--keys", &keys, "--day-keys", &day_keys], "").unwrap();
    let after = scene.image(&scene.node(), "after");
    drop(node);
    assert!(after.join("store/rows.sqlite-wal").exists());
    // What was copied of the vault's folder while the keys were there is no backup: it knows no window (said below).
    loot.homes = vec![
        scene.with_vault_of(&before, &after, "before-and-after"),
        scene.with_vault_of(&stopped, &after, "stopped-and-after"),
        after,
    ];
    loot.keys = files(&scene.path("keys"));
    loot.day_keys = files(&scene.path("day-keys"));
    let [there, copy] = [&files(&loot.homes[2].join("vault/days"))[..], &loot.day_keys[..]].map(|day_keys| {
        assert_eq!(day_keys.len(), 1, "{day_keys:?}");
        bytes(&day_keys[0])
    });
    assert!(loot.keys.len() == 2 && there == copy, "the current day key, and its copy");
    for address in CLOSED {
        assert_eq!(scene.opens(&loot, address), BTreeSet::new(), "{address}");
    }
    // The same thief, the same copies, another account: it is the keys that are gone.
    assert_eq!(scene.opens(&loot, STAYS), ["password", "officers"].into());
    let everything =
        [loot.homes.clone(), loot.places.clone(), vec![scene.path("keys"), scene.path("day-keys")]].concat();
    assert_eq!(found(&everything, &[wrapped, day].concat()), Vec::<PathBuf>::new());
    let phrase = PHRASE.as_bytes()[..PIECE].to_vec();
    assert_eq!(found(&[scene.path("node"), before.clone(), stopped], &[phrase]), Vec::<PathBuf>::new());

    // Said in docs/threat-model.md: with a plain copy of the vault's folder there is no window.
    assert!(scene.ways(&before, strict).contains("password"));
}

/// The power goes between the vault's note and the end of the keys: the next start of the node finishes, since the owner could
/// not ask again.
#[test]
fn an_interrupted_closing_is_finished_at_the_next_start() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("node");
    Single::init(&dir, &[], "");
    let node = Single::run(&dir);
    let [address, other] = [CLOSED[0], STAYS];
    node.ask(&["account", "add", address], PASSWORD).unwrap();
    let accounts = files(&dir.join("vault/accounts"));
    node.ask(&["account", "add", other], PASSWORD).unwrap();
    drop(node);
    {
        let passphrase = std::fs::read_to_string(dir.join("secrets/passphrase")).unwrap();
        let (disk, clock) = (Arc::new(RealDisk), Arc::new(SystemClock));
        let gate = keeper::here(disk, dir.join("vault"), clock, Arc::new(SystemEntropy));
        let vault = gate.unlock(&passphrase.as_str().into(), CostProfile::OWASP).unwrap();
        let account = accounts[0].file_stem().unwrap().to_str().unwrap().parse().unwrap();
        let owner = vault.sign_in(account, &PASSWORD.into()).unwrap();
        vault.begin_closing(&owner, &[], &[]).unwrap();
    }
    assert!(accounts[0].exists() && accounts.len() == 1);
    let node = Single::run(&dir);
    assert!(!accounts[0].exists() && files(&dir.join("vault/closing")).is_empty());
    let rcpt = |to: &str| {
        let says = ["LHLO a.example", "MAIL FROM:<>", &format!("RCPT TO:<{to}>")];
        lines(node.door("lmtp"), &says)[3].clone()
    };
    assert!(rcpt(address).starts_with("550") && rcpt(other).starts_with("250"), "{} {}", rcpt(address), rcpt(other));
    assert!(node.ask(&["account", "app-password", "list", address], PASSWORD).is_err());
}
