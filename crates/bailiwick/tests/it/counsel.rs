//! Counsel on the command line: a key, signatures under a set and under a rule, and what they change at a node.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{PROGRAM, Single, root, run};
use serde_json::Value;

const PASSPHRASE: &str = "passphrase of counsel\n";
const OWNER: &str = "aoife@ie.example";

/// A node that knows counsel's key, counsel's own folder, and counsel's copy of the law with one sentence more.
struct House {
    scratch: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let house = Self { scratch: tempfile::tempdir().unwrap() };
        copy(&root().join("law"), &house.path("law"));
        house.change("us/silence.toml", |text| format!("{text}\n# read again\n"));
        Single::init(&house.path("node"), &[], "");
        house.ask(&["account", "add", OWNER], "owner password").unwrap();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn change(&self, file: &str, change: impl Fn(&str) -> String) {
        let path = self.path("law").join(file);
        std::fs::write(&path, change(&std::fs::read_to_string(&path).unwrap())).unwrap();
    }

    fn ask(&self, args: &[&str], input: &str) -> Result<Value, String> {
        let output = run(&[args, &["--json", "--node", &self.text("node")]].concat(), input);
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Makes counsel's key and names it in the node's configuration.
    fn counsel(&self) {
        let made = good(&run(&["law", "counsel-key", &self.text("key"), "--name", "counsel.example"], PASSPHRASE));
        let line = made.lines().find(|line| line.starts_with("counsel = ")).unwrap().to_owned();
        let config = self.path("node").join("node.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        std::fs::write(&config, format!("{line}\n{text}")).unwrap();
    }

    fn sign(&self, more: &[&str], out: &str, passphrase: &str) -> Output {
        let (key, out) = (self.text("key"), self.text(out));
        run(&[&["law", "sign", "--key", &key, "--out", &out][..], more].concat(), passphrase)
    }
}

fn good(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// An example demand of the project, with some words changed.
fn demand(house: &House, changes: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string(root().join("law/examples/ie-s75-order.toml")).unwrap();
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replace(old, new);
    }
    std::fs::write(house.path("demand.toml"), text).unwrap();
    house.text("demand.toml")
}

#[test]
fn a_set_is_signed_adopted_and_compared() {
    let house = House::new();
    let (law, signature) = (house.text("law"), house.text("set.sig"));
    let adopt = ["law", "adopt", &law, "--signature", &signature];
    let case = house.ask(&["demand", "serve", &demand(&house, &[])], "").unwrap()["cases"][0]["case"].to_string();
    let before = house.ask(&["law", "replay", &case], "").unwrap();
    let digest = before["law_of_the_day"].as_str().unwrap().to_owned();

    house.counsel();
    let again = run(&["law", "counsel-key", &house.text("key"), "--name", "counsel.example"], PASSPHRASE);
    assert!(!again.status.success(), "a key is never overwritten");
    assert!(!house.sign(&["--law", &law], "set.sig", "another passphrase\n").status.success());
    assert!(house.ask(&adopt, "").is_err(), "there is no signature yet");
    good(&house.sign(&[], "set.sig", PASSPHRASE));
    let other = house.ask(&adopt, "").unwrap_err();
    assert!(other.contains("the signature is not that of counsel.example"), "{other}");
    good(&house.sign(&["--law", &law], "set.sig", PASSPHRASE));
    house.ask(&adopt, "").unwrap();

    let after = house.ask(&["law", "replay", &case], "").unwrap();
    assert_eq!(after["law_of_the_day"].as_str(), Some(digest.as_str()), "the case keeps the set of its day");
    let today = after["law_today"].as_str().unwrap();
    assert_ne!(today, digest);
    let compared = house.ask(&["law", "diff", &digest, today], "").unwrap();
    assert!(compared.is_object(), "{compared}");
    let old = root().join("law");
    let files = house.ask(&["law", "diff", old.to_str().unwrap(), &law], "").unwrap();
    assert_eq!((files["old"].as_str(), files["new"].as_str()), (Some(digest.as_str()), Some(today)), "{files}");
    let none = house.ask(&["law", "diff", "no-such-directory", today], "").unwrap_err();
    assert!(none.contains("no such directory"), "{none}");
    good(&run(&["ledger", "verify", house.path("node").join("ledger").to_str().unwrap()], ""));
}

#[test]
fn a_rule_is_signed_and_confirmed() {
    let house = House::new();
    house.counsel();
    let serve = |house: &House| {
        let order = demand(house, &[("\"ie_s75_order\"", "\"ie_s63_order\"")]);
        let case = house.ask(&["demand", "serve", &order], "").unwrap()["cases"][0]["case"].to_string();
        house.ask(&["law", "explain", &case], "").unwrap()["decision"]["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(serve(&house), "REFER_COUNSEL");
    assert!(!house.sign(&["no.such.rule"], "rule.sig", PASSPHRASE).status.success());
    good(&house.sign(&["ie.1994.s63"], "rule.sig", PASSPHRASE));
    house.ask(&["law", "confirm", &house.text("rule.sig")], "").unwrap();
    assert_eq!(serve(&house), "COMPELLED");
}

/// A reader that has seen enough is not an error of the program.
#[test]
fn output_ends_when_its_reader_goes() {
    for command in ["law check", "law days"] {
        let line = format!("set -o pipefail; '{PROGRAM}' {command} | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}");
        let output = Command::new("bash").args(["-c", &line]).output().unwrap();
        let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(["0", "1"].contains(&said.trim()), "{command}: {said} {errors}");
        assert!(errors.is_empty(), "{command}: {errors}");
    }
}
