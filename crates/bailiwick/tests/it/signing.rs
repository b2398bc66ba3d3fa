//! The node's signing key is replaced while cases are open: what was handed over before, what was half approved, and what came
//! after verify, with the previous key, with the current one, and from one checkpoint to the next.

use std::path::{Path, PathBuf};

use crate::support::{OFFICER_PASSPHRASES, Single, lines, run, write_order};

const ADDRESS: &str = "ann@ie.example";

struct House {
    scratch: tempfile::TempDir,
    node: Single,
    identity: disclosure::AgeIdentity,
}

impl House {
    fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let dir = scratch.path().join("node");
        Single::init(&dir, &[], "");
        let node = Single::run(&dir);
        node.ask(&["account", "add", ADDRESS], "a good password").unwrap();
        let says =
            ["LHLO a.example", "MAIL FROM:<>", &format!("RCPT TO:<{ADDRESS}>"), "DATA", "Subject: 1\r\n\r\nmail\r\n."];
        assert!(lines(node.door("lmtp"), &says)[5].starts_with("250"));
        let identity = disclosure::AgeIdentity::generate();
        std::fs::write(scratch.path().join("identity"), identity.to_file(terms::UnixMillis(0)).expose()).unwrap();
        Self { scratch, node, identity }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// Serves an order; the case's number.
    fn serve(&self, reference: &str) -> String {
        let (order, to) = (self.path("order.toml"), self.identity.recipient().to_string());
        write_order(&order, reference, ADDRESS, &to);
        let served = self.node.ask(&["demand", "serve", order.to_str().unwrap()], "").unwrap();
        served["cases"][0]["case"].to_string()
    }

    fn approve(&self, case: &str, (officer, passphrase): (&str, &str)) {
        self.node.ask(&["case", "approve", case, "--officer", officer], passphrase).unwrap();
    }

    /// Collects; the package, and the head of the log in it.
    fn collect(&self, case: &str) -> (PathBuf, PathBuf) {
        let collected = self.node.ask(&["case", "collect", case], "").unwrap();
        assert_eq!(collected["package"]["messages"], 1, "{collected:#}");
        let package = PathBuf::from(collected["path"].as_str().unwrap());
        let opened = disclosure::unpack(&package, &self.identity, &self.path(&format!("bag-{case}"))).unwrap();
        (package, opened.join("data/ledger/checkpoint"))
    }

    /// A copy of what the home publishes now.
    fn keep(&self, file: &str, name: &str) -> PathBuf {
        let copy = self.path(name);
        std::fs::copy(self.node.dir.join("ledger").join(file), &copy).unwrap();
        copy
    }

    /// What `package verify` says, and whether the package is sound.
    fn verify(&self, package: &Path, more: &[(&str, &Path)]) -> (bool, String) {
        let identity = self.path("identity");
        let mut args = vec!["package", "verify", package.to_str().unwrap(), "--identity", identity.to_str().unwrap()];
        args.extend(more.iter().flat_map(|(flag, path)| [*flag, path.to_str().unwrap()]));
        let output = run(&args, "");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// Whether the current log, read by a person who trusts `vkey`, continues the head `since`.
    fn continues(&self, since: &Path, vkey: &Path) -> bool {
        let ledger = self.node.dir.join("ledger");
        let args =
            [Path::new("ledger"), Path::new("verify"), &ledger, Path::new("--since"), since, Path::new("--vkey"), vkey];
        run(&args.map(|part| part.to_str().unwrap()), "").status.success()
    }
}

#[test]
fn packages_and_receipts_outlive_the_key_that_signed_them() {
    let house = House::new();
    let [ann, ben] = OFFICER_PASSPHRASES;
    let (one, two) = (house.serve("one"), house.serve("two"));
    house.approve(&one, ann);
    house.approve(&one, ben);
    house.approve(&two, ann);
    let (first, first_head) = house.collect(&one);
    let old_key = house.keep("vkey", "old");
    let old_head = house.keep("checkpoint", "old-head");

    let rotated = house.node.ask(&["node", "rotate", "signing"], "").unwrap();
    assert_ne!(rotated["old"], rotated["new"]);
    let (new_key, keys) = (house.keep("vkey", "new"), house.keep("keys", "keys"));
    // One approval was recorded under the old key and one under the new; and a case that has seen the new one only.
    house.approve(&two, ben);
    let (second, second_head) = house.collect(&two);
    let three = house.serve("three");
    house.approve(&three, ben);
    house.approve(&three, ann);
    let (third, third_head) = house.collect(&three);

    let packages = [(&first, &first_head, &old_key, &new_key), (&second, &second_head, &new_key, &old_key)];
    for (package, head, own, other) in packages.into_iter().chain([(&third, &third_head, &new_key, &old_key)]) {
        for more in [&[][..], &[("--vkey", own.as_path())], &[("--vkey", other), ("--keys", &keys)]] {
            let (sound, said) = house.verify(package, more);
            assert!(sound, "{more:?}: {said}");
        }
        let (sound, said) = house.verify(package, &[("--vkey", other)]);
        assert!(!sound && said.contains("FAIL"), "nothing leads from the one key to the other: {said}");
        for key in [&old_key, &new_key] {
            assert!(house.continues(head, key), "{} by {}", head.display(), key.display());
        }
    }
    assert!(house.continues(&old_head, &old_key) && house.continues(&old_head, &new_key));

    // Twice, and the history leads on over both; after a restart, too.
    house.node.ask(&["node", "rotate", "signing"], "").unwrap();
    let House { scratch, node, identity } = house;
    let dir = node.dir.clone();
    drop(node);
    let house = House { scratch, node: Single::run(&dir), identity };
    let (newest, keys) = (house.keep("vkey", "newest"), house.keep("keys", "keys-of-three"));
    for (package, head) in [(&first, &first_head), (&second, &second_head), (&third, &third_head)] {
        let (sound, said) = house.verify(package, &[("--vkey", &newest), ("--keys", &keys)]);
        assert!(sound, "{said}");
        assert!(house.continues(head, &newest) && house.continues(head, &old_key));
    }
    // A head that a retired key signs for another log is not one of this log.
    let text = std::fs::read_to_string(&first_head).unwrap();
    let (origin, rest) = text.split_once('\n').unwrap();
    let bent = house.path("bent");
    std::fs::write(&bent, format!("{origin}\n9{rest}")).unwrap();
    assert!(!house.continues(&bent, &old_key));
}
