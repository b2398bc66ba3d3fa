//! The story: one mailbox in Ireland, one warrant from New York on four days, and one order of an Irish court.
//!
//! Runs the real program: three nodes, 200 messages of real mail, the command line. Then it reads every byte that the
//! nodes wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use crate::support::{Demo, corpus, day_from_now, files, root, run};
use serde_json::Value;

const SUBJECT: &str = "subject@ie.example";
const PASSWORD: &str = "correct horse battery";
/// 2026-03-01T00:00:00Z. Message number i arrives i hours later.
const FIRST_ARRIVAL: u64 = 1_772_323_200;
const MESSAGES: usize = 200;

#[test]
fn one_mailbox_one_warrant_one_order() {
    let scratch = tempfile::tempdir().unwrap();
    let demo = Demo::start(&scratch.path().join("demo"), &[]);
    let mail = real_mail(&scratch.path().join("maildir"));
    demo.ask("IE", &["account", "add", SUBJECT], PASSWORD).unwrap();
    let imported = demo
        .ask("IE", &["import", "--account", SUBJECT, scratch.path().join("maildir").to_str().unwrap()], "")
        .unwrap();
    assert_eq!(imported["imported"], MESSAGES, "{imported}");

    what_the_warrant_reaches_on_three_days(&demo, scratch.path());
    the_warrant_served_today_goes_to_counsel(&demo, scratch.path());
    let kept = scratch.path().join("checkpoint");
    std::fs::copy(demo.data("IE").join("ledger/checkpoint"), &kept).unwrap();
    the_irish_order_is_answered(&demo, scratch.path(), &mail);
    the_ledger_is_public_and_continues(&demo, &kept);
    let demo_dir = demo.dir.clone();
    assert!(demo.interrupt().success(), "Ctrl-C ends the demo cleanly");
    nothing_of_the_mail_is_readable(&demo_dir, &mail);
}

/// 200 real messages as a Maildir whose file times are the arrival times. Falls back to the sample mail when the corpus is
/// not beside the checkout, and says so.
fn real_mail(maildir: &Path) -> Vec<Vec<u8>> {
    let new = maildir.join("new");
    for name in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(maildir.join(name)).unwrap();
    }
    let (source, copies) = match corpus() {
        Some(corpus) => (corpus.join("spamassassin/easy-ham-1"), 1),
        None => {
            println!("the corpus is not here: the story uses the sample mail, numbered");
            (root().join("crates/bailiwick/demo/mail"), 25)
        }
    };
    let mut mail = Vec::new();
    for copy in 0..copies {
        for path in files(&source) {
            if mail.len() == MESSAGES || path.extension().is_none_or(|ending| ending != "eml") {
                continue;
            }
            let mut bytes = std::fs::read(&path).unwrap();
            if copies > 1 {
                bytes.extend_from_slice(format!("\nThis is copy number {copy} of the sample mail.\n").as_bytes());
            }
            let number = mail.len();
            let file = new.join(format!("{number:04}.story"));
            std::fs::write(&file, &bytes).unwrap();
            let arrival = SystemTime::UNIX_EPOCH + Duration::from_secs(FIRST_ARRIVAL + 3600 * number as u64);
            std::fs::File::options().append(true).open(&file).unwrap().set_modified(arrival).unwrap();
            mail.push(bytes);
        }
    }
    assert_eq!(mail.len(), MESSAGES);
    mail
}

/// An example demand of the project, with the account of the story.
fn demand(name: &str, scratch: &Path, change: impl Fn(&mut toml::Table)) -> PathBuf {
    let text = std::fs::read_to_string(root().join("law/examples").join(name)).unwrap();
    let mut table: toml::Table = text.parse().unwrap();
    table.insert("accounts".into(), vec![SUBJECT].into());
    change(&mut table);
    let path = scratch.join(name);
    std::fs::write(&path, toml::to_string(&table).unwrap()).unwrap();
    path
}

fn decide(demo: &Demo, file: &Path, on: &str) -> Value {
    let answer = demo.ask("IE", &["law", "decide", "--on", on, file.to_str().unwrap()], "").unwrap();
    answer["decisions"][0].clone()
}

/// The units of a category, by copy.
fn units<'a>(decision: &'a Value, category: &str) -> BTreeMap<&'a str, &'a Value> {
    let units = decision["units"].as_array().unwrap().iter();
    units.filter(|unit| unit["category"] == category).map(|unit| (unit["copy"].as_str().unwrap(), unit)).collect()
}

const PARENTS_RECORD: &str = "the parent's own customer record";

fn what_the_warrant_reaches_on_three_days(demo: &Demo, scratch: &Path) {
    let warrant = demand("us-warrant.toml", scratch, |_| {});
    let cited = |unit: &Value, text: &str| unit["citations"].to_string().contains(text);

    let decision = decide(demo, &warrant, "2014-08-01");
    for unit in units(&decision, "content").values() {
        assert_eq!(unit["outcome"], "COMPELLED", "2014: {unit:#}");
        assert_eq!(unit["contested"], true, "2014: {unit:#}");
        assert!(cited(unit, "15 F. Supp. 3d 466"), "{unit:#}");
    }

    let decision = decide(demo, &warrant, "2016-07-15");
    let content = units(&decision, "content");
    assert!(!content.is_empty());
    for unit in content.values() {
        assert_eq!(unit["outcome"], "NOT_COMPELLED_REDIRECT", "2016: {unit:#}");
        assert!(cited(unit, "829 F.3d 197"), "{unit:#}");
        let route = unit["redirect"].to_string();
        assert!(route.contains("2008") && route.contains("75") && route.contains("both"), "{route}");
    }
    assert_eq!(units(&decision, "subscriber")[PARENTS_RECORD]["outcome"], "COMPELLED", "2016: {decision:#}");

    let decision = decide(demo, &warrant, "2018-03-24");
    for unit in units(&decision, "content").values() {
        assert_eq!(unit["outcome"], "COMPELLED", "2018: {unit:#}");
        assert!(cited(unit, "2713"), "{unit:#}");
    }
    let motions = decision["challenges"].as_array().unwrap();
    assert!(
        motions.iter().any(|motion| motion["state"] == "closed" && motion["citations"].to_string().contains("2703(h)"))
    );
    assert!(motions.iter().all(|motion| motion["state"] == "closed"), "no motion is open: {motions:#?}");
    assert_eq!(demo.ask("IE", &["case", "list"], "").unwrap(), serde_json::json!([]), "a what-if mints nothing");
}

fn the_warrant_served_today_goes_to_counsel(demo: &Demo, scratch: &Path) {
    let warrant = demand("us-warrant.toml", scratch, |_| {});
    let served = demo.ask("IE", &["demand", "serve", warrant.to_str().unwrap()], "").unwrap();
    let case = &served["cases"][0];
    assert_eq!(case["outcome"], "REFER_COUNSEL");
    assert_eq!(case["held"], true, "the mail is preserved");
    let decision = &case["decision"];
    let content = units(decision, "content");
    let conflict = content.values().find_map(|unit| unit["conflict"].as_object()).expect("two laws disagree");
    let (compels, bars) = (&conflict["compels_because"], &conflict["bars_because"]);
    assert!(compels.to_string().contains("2713") && bars.to_string().contains("48"), "both trees: {conflict:#?}");

    let number = case["case"].to_string();
    let shown = demo.print("IE", &["case", "show", &number]);
    for words in ["REFER_COUNSEL", "2713", "Article 48", "PRESERVE", "COMPELLED"] {
        assert!(shown.contains(words), "`case show` names {words}:\n{shown}");
    }
    let passphrase = demo.passphrase("IE", "niamh");
    let refused = demo.ask("IE", &["case", "approve", &number, "--officer", "niamh"], &passphrase).unwrap_err();
    assert!(refused.contains("REFER_COUNSEL"), "nothing is approved: {refused}");

    let letter = demo.ask("IE", &["case", "refuse", &number], "").unwrap();
    let letter = letter["letter"].as_str().unwrap();
    for words in ["Mutual Assistance", "2008", "preserved"] {
        assert!(letter.contains(words), "the letter names {words}:\n{letter}");
    }
}

fn the_irish_order_is_answered(demo: &Demo, scratch: &Path, mail: &[Vec<u8>]) {
    // The order asks for 2026-03-03 to 2026-03-05, days of Ireland, which is on UTC in March.
    let identity = scratch.join("authority.key");
    let recipient = keygen(&identity);
    let answer_by = day_from_now(28);
    let order = demand("ie-s75-order.toml", scratch, |table| {
        let asks = table["asks"].as_table_mut().unwrap();
        asks.insert("from".into(), toml::Value::Datetime("2026-03-03".parse().unwrap()));
        asks.insert("until".into(), toml::Value::Datetime("2026-03-05".parse().unwrap()));
        table["facts"].as_table_mut().unwrap().insert("stated_answer_by".into(), answer_by.clone());
        table["delivery"].as_table_mut().unwrap().insert("age_recipient".into(), recipient.clone().into());
    });
    let served = demo.ask("IE", &["demand", "serve", order.to_str().unwrap()], "").unwrap();
    let case = &served["cases"][0];
    assert_eq!(case["outcome"], "COMPELLED", "{:#}", case["decision"]);
    let number = case["case"].to_string();

    let shown = demo.print("IE", &["case", "show", &number]);
    assert!(shown.contains(&answer_by.to_string()), "`case show` says by when:\n{shown}");
    let early = demo.ask("IE", &["case", "collect", &number], "").unwrap_err();
    assert!(early.contains("approve"), "nothing is collected before two officers approved: {early}");
    let approve = |officer: &str, passphrase: &str| {
        demo.ask("IE", &["case", "approve", &number, "--officer", officer], passphrase)
    };
    approve("niamh", "not the passphrase").unwrap_err();
    approve("mallory", "nobody of this name").unwrap_err();
    let niamh = demo.passphrase("IE", "niamh");
    approve("niamh", &niamh).unwrap();
    let twice = approve("niamh", &niamh).unwrap_err();
    assert!(twice.contains("another officer"), "one officer twice: {twice}");
    demo.ask("IE", &["case", "collect", &number], "").unwrap_err();
    approve("oisin", &niamh).unwrap_err();
    approve("oisin", &demo.passphrase("IE", "oisin")).unwrap();

    let collected = demo.ask("IE", &["case", "collect", &number], "").unwrap();
    let package = PathBuf::from(collected["path"].as_str().unwrap());
    let expected: BTreeSet<&[u8]> = (48..48 + 72).map(|number| mail[number].as_slice()).collect();
    assert_eq!(collected["package"]["messages"], 72);
    verify_package(&package, &identity, &expected, scratch);

    let shown = demo.ask("IE", &["case", "show", &number], "").unwrap();
    let events = shown["events"].as_array().unwrap();
    let kinds: Vec<&str> = events.iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["demand", "decision", "hold", "order", "approval", "approval", "collect", "seal"]);
    assert!(events.iter().all(|event| event["index"].is_u64()), "every event is proven");
}

/// The HTTP door serves the page and every file of the ledger as it is on the disk; the log verifies, and still begins
/// with what a reader kept of it.
fn the_ledger_is_public_and_continues(demo: &Demo, kept: &Path) {
    let door = demo.node("IE")["http"].as_str().unwrap();
    let ledger = demo.data("IE").join("ledger");
    let (head, page) = http_get(door, "/");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-security-policy: default-src 'none'"), "{head}");
    let page = String::from_utf8(page).unwrap();
    for words in ["Ireland", "Which law governs", "/ledger/checkpoint", "Witnessed by ourselves only"] {
        assert!(page.contains(words), "the page says {words}: {page}");
    }
    let mut served = 0;
    for file in files(&ledger) {
        let name = file.strip_prefix(&ledger).unwrap().to_str().unwrap();
        if name == "lock" {
            continue;
        }
        let (head, body) = http_get(door, &format!("/ledger/{name}"));
        assert!(head.starts_with("HTTP/1.1 200"), "{name}: {head}");
        assert!(body == std::fs::read(&file).unwrap(), "{name} is served as it lies");
        served += 1;
    }
    assert!(served > 5, "{served} files");
    for path in ["/ledger/../vault/node.key", "/ledger/%2e%2e/node.toml", "/ledger/tile", "/desk", "/ledger/"] {
        assert!(http_get(door, path).0.starts_with("HTTP/1.1 404"), "{path}");
    }

    let verify =
        |since: &Path| run(&["ledger", "verify", "--since", since.to_str().unwrap(), ledger.to_str().unwrap()], "");
    let report = verify(kept);
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
    assert!(String::from_utf8_lossy(&report.stdout).contains("begins with"));
    let foreign = demo.data("DE").join("ledger/checkpoint");
    assert!(!verify(&foreign).status.success(), "another log's checkpoint is not a beginning of this one");
}

/// The head and the body of an answer.
fn http_get(door: &str, path: &str) -> (String, Vec<u8>) {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(door).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {door}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
}

/// An age identity as `age-keygen` writes it; its recipient is returned.
fn keygen(path: &Path) -> String {
    let identity = disclosure::AgeIdentity::generate();
    std::fs::write(path, identity.to_file(terms::UnixMillis(0)).expose()).unwrap();
    identity.recipient().to_string()
}

/// The package verifies, holds exactly the expected messages, and one flipped byte is noticed.
fn verify_package(package: &Path, identity: &Path, expected: &BTreeSet<&[u8]>, scratch: &Path) {
    let verify = |package: &Path| {
        run(&["package", "verify", "--identity", identity.to_str().unwrap(), package.to_str().unwrap()], "")
    };
    let sound = verify(package);
    assert!(
        sound.status.success(),
        "{}{}",
        String::from_utf8_lossy(&sound.stdout),
        String::from_utf8_lossy(&sound.stderr)
    );

    let mut bytes = std::fs::read(package).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let flipped = scratch.join("flipped.tar.age");
    std::fs::write(&flipped, &bytes).unwrap();
    assert!(!verify(&flipped).status.success(), "one flipped byte is noticed");

    // Opened with the library here and with the stock tools where they are installed.
    let bag = scratch.join("bag");
    let key: disclosure::AgeIdentity = std::fs::read_to_string(identity).unwrap().parse().unwrap();
    let opened = disclosure::unpack(package, &key, &bag).unwrap();
    let found: BTreeSet<Vec<u8>> = files(&opened)
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "eml"))
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert_eq!(found.len(), expected.len());
    assert!(
        found.iter().all(|message| expected.contains(message.as_slice())),
        "exactly the range, with the original bytes"
    );
    if crate::support::has_tool("age") && crate::support::has_tool("tar") {
        let by_age = scratch.join("by-age");
        std::fs::create_dir(&by_age).unwrap();
        let script =
            "age -d -i \"$1\" \"$2\" | tar -x -C \"$3\" && cd \"$3\"/* && sha256sum --quiet -c manifest-sha256.txt";
        let status =
            Command::new("sh").args(["-ec", script, "sh"]).args([identity, package, &by_age]).status().unwrap();
        assert!(status.success(), "age, tar and sha256sum open and check it");
    }
    if crate::support::has_tool("bagit.py") {
        let status = Command::new("bagit.py").args(["--quiet", "--validate"]).arg(&opened).status().unwrap();
        assert!(status.success(), "bagit.py accepts the bag");
    }
}

/// Looks for pieces of the mail in every byte that the nodes wrote: none in plain anywhere, and at the other nodes none in
/// sealed form either.
fn nothing_of_the_mail_is_readable(demo: &Path, mail: &[Vec<u8>]) {
    let mut plain: Vec<Vec<u8>> = vec![SUBJECT.as_bytes().to_vec(), b"subject@".to_vec()];
    for message in mail {
        // A piece of the body and the subject line's words.
        let at = message.len() * 2 / 3;
        if message.len() > at + 32 {
            plain.push(message[at..at + 32].to_vec());
        }
        let text = String::from_utf8_lossy(message);
        if let Some(subject) = text.lines().find_map(|line| line.strip_prefix("Subject: "))
            && subject.len() >= 16
        {
            plain.push(subject.as_bytes().to_vec());
        }
    }
    // A piece that is only spaces or dashes says nothing.
    plain.retain(|needle| needle.iter().collect::<BTreeSet<_>>().len() > 6);
    assert!(plain.len() > 200, "there is something to look for");
    let found = finder(&plain);
    assert!(mail.iter().filter(|message| found(message).is_some()).count() > 150, "the search finds what is there");

    let packs: Vec<PathBuf> =
        files(&demo.join("IE/store")).into_iter().filter(|path| path.to_string_lossy().contains("pack")).collect();
    let sealed: Vec<Vec<u8>> = packs
        .iter()
        .flat_map(|path| {
            let bytes = std::fs::read(path).unwrap();
            let step = (bytes.len() / 2000).max(64);
            (64..bytes.len().saturating_sub(32)).step_by(step).map(|at| bytes[at..at + 32].to_vec()).collect::<Vec<_>>()
        })
        // Padding, if there is any, is not a message.
        .filter(|piece| piece.iter().collect::<BTreeSet<_>>().len() > 12)
        .collect();
    assert!(sealed.len() > 500, "the Irish packs hold sealed mail: {packs:?}");
    let found_sealed = finder(&sealed);

    for place in ["IE", "US", "DE"] {
        for file in files(&demo.join(place)) {
            // The law set is public text, and says `subject` as the law does.
            if file.strip_prefix(demo.join(place)).unwrap().starts_with("law") {
                continue;
            }
            let bytes = std::fs::read(&file).unwrap();
            if let Some(needle) = found(&bytes) {
                panic!("{} holds {:?} in plain", file.display(), String::from_utf8_lossy(&plain[needle]));
            }
            if place != "IE" {
                assert_eq!(found_sealed(&bytes), None, "{} holds sealed mail of another home", file.display());
            }
        }
    }
}

/// Finds any of many needles, by their first eight bytes.
fn finder(needles: &[Vec<u8>]) -> impl Fn(&[u8]) -> Option<usize> {
    let mut heads: std::collections::HashMap<[u8; 8], Vec<usize>> = std::collections::HashMap::new();
    for (index, needle) in needles.iter().enumerate() {
        heads.entry(needle[..8].try_into().unwrap()).or_default().push(index);
    }
    move |bytes: &[u8]| {
        bytes.windows(8).enumerate().find_map(|(at, head)| {
            let head: [u8; 8] = head.try_into().unwrap();
            heads.get(&head)?.iter().copied().find(|index| bytes[at..].starts_with(&needles[*index]))
        })
    }
}
