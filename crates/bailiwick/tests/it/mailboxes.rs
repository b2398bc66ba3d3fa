//! Quota and undelete at the real program: IMAP, SMTP, LMTP and the command line, across a restart.

use crate::support::{Single, lines};

const ADDRESS: &str = "ann@ie.example";
const PASSWORD: &str = "a good password";

fn append(subject: &str, bytes: usize) -> String {
    let text = format!("Subject: {subject}\r\n\r\n{}", "x".repeat(bytes));
    format!("a APPEND INBOX {{{}+}}\r\n{text}", text.len())
}

/// A conversation of who signed in; without the greeting.
fn imap(node: &Single, says: &[&str]) -> Vec<String> {
    let login = format!("a LOGIN {ADDRESS} \"{PASSWORD}\"");
    lines(node.door("imap"), &[&[login.as_str()], says].concat()).split_off(2)
}

fn send(node: &Single, door: &str, hello: &str, size: usize) -> Vec<String> {
    let mail = format!("MAIL FROM:<x@elsewhere.example> SIZE={size}");
    lines(node.door(door), &[hello, &mail, &format!("RCPT TO:<{ADDRESS}>")])
}

#[test]
fn quota_and_undelete() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("node");
    Single::init(&dir, &[], "");
    let settings = std::fs::read_to_string(dir.join("node.toml")).unwrap();
    assert!(settings.contains("[mailboxes]\nrestorable_days = 14\n"), "{settings}");
    let settings = settings.replace("imap_loopback_without_tls = false", "imap_loopback_without_tls = true");
    std::fs::write(dir.join("node.toml"), settings.replace("[mailboxes]", "[mailboxes]\nquota_messages = 50")).unwrap();
    let node = Single::run(&dir);
    node.ask(&["account", "add", ADDRESS], PASSWORD).unwrap();

    // The node's limit, then one of its own.
    let usage = node.ask(&["account", "quota", ADDRESS], "").unwrap();
    assert_eq!((&usage["bytes_max"], &usage["messages_max"]), (&serde_json::Value::Null, &50.into()));
    let usage = node.ask(&["account", "quota", ADDRESS, "10k", "--messages", "none"], "").unwrap();
    assert_eq!((&usage["bytes_max"], &usage["messages_max"]), (&10240.into(), &serde_json::Value::Null));
    assert!(node.ask(&["account", "quota", ADDRESS, "ten"], "").unwrap_err().contains("a limit is a number"));
    let said = imap(&node, &[&append("one", 4000), &append("two", 4000), &append("three", 4000), "a NOOP"]);
    assert!(said[0].starts_with("a OK") && said[1].starts_with("a OK"), "{said:?}");
    assert!(said[2].starts_with("a NO [OVERQUOTA]"), "{said:?}");
    let copied = imap(&node, &["a SELECT INBOX", "a COPY 1 INBOX", "a GETQUOTAROOT INBOX"]);
    assert!(copied[1].starts_with("a NO [OVERQUOTA]") && copied[2].starts_with("a OK"), "{copied:?}");

    // Before the data where the size is announced or the quota is used up; small mail goes in.
    let refused = "452 4.2.2 Mailbox full, try again later";
    for (door, hello) in [("smtp", "EHLO elsewhere.example"), ("lmtp", "LHLO elsewhere.example")] {
        assert_eq!(send(&node, door, hello, 4000)[3], refused);
        assert!(send(&node, door, hello, 100)[3].starts_with("250"));
    }
    let long = format!(
        "Subject: x\r\n\r\n{}\r\n.",
        "y".repeat(990)
            .repeat(5)
            .as_bytes()
            .chunks(990)
            .map(|line| std::str::from_utf8(line).unwrap())
            .collect::<Vec<_>>()
            .join("\r\n")
    );
    let said =
        lines(node.door("lmtp"), &["LHLO a.example", "MAIL FROM:<>", &format!("RCPT TO:<{ADDRESS}>"), "DATA", &long]);
    assert_eq!(said[5], refused, "a size that nobody announced is found when it is stored");

    // Deleted mail does not count, is listed for its owner only, and comes back.
    let gone =
        imap(&node, &["a SELECT INBOX", "a STORE 1:2 +FLAGS.SILENT (\\Deleted)", "a EXPUNGE", &append("three", 4000)]);
    assert!(gone.iter().all(|line| line.starts_with("a OK")), "{gone:?}");
    assert!(node.ask(&["account", "undelete", ADDRESS, "--list"], "wrong password").is_err());
    let list = |node: &Single| node.ask(&["account", "undelete", ADDRESS, "--list"], PASSWORD).unwrap();
    let listed = list(&node);
    let subjects: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["one", "two"]);
    assert!(node.ask(&["account", "undelete", ADDRESS], PASSWORD).unwrap_err().contains("say what to restore"));
    let full = node.ask(&["account", "undelete", ADDRESS, "--all"], PASSWORD).unwrap_err();
    assert!(full.contains("quota"), "{full}");
    let restored = node.ask(&["account", "undelete", ADDRESS, "2"], PASSWORD).unwrap();
    assert_eq!((&restored["restored"], &restored["mailboxes"]["INBOX"]), (&1.into(), &1.into()));
    drop(node);

    let node = Single::run(&dir);
    assert_eq!(list(&node).as_array().unwrap().len(), 1);
    let raised = node.ask(&["account", "quota", ADDRESS, "none"], "").unwrap();
    assert_eq!(raised["messages"], 2);
    node.ask(&["account", "undelete", ADDRESS, "--mailbox", "INBOX"], PASSWORD).unwrap();
    assert_eq!(list(&node).as_array().unwrap().len(), 0);
    let found = imap(&node, &["a SELECT INBOX", "a FETCH 3 (BODY.PEEK[HEADER.FIELDS (SUBJECT)])"]);
    assert!(found[1].starts_with("a OK"), "{found:?}");
    assert_eq!(node.ask(&["account", "quota", ADDRESS], "").unwrap()["messages"], 3);

    // The owner's page says how much there is, and brings deleted mail back for the password.
    imap(&node, &["a SELECT INBOX", "a STORE 1 +FLAGS.SILENT (\\Deleted)", "a EXPUNGE"]);
    let secrets = format!("address={}&password={}", ADDRESS.replace('@', "%40"), PASSWORD.replace(' ', "+"));
    let signed_in = http(&node, "POST", "/account/sign-in", "", &secrets);
    let (_, cookie) = signed_in.split_once("set-cookie: ").unwrap();
    let cookie = cookie.split(';').next().unwrap();
    let page = http(&node, "GET", "/account", cookie, "");
    assert!(page.contains("in 2 messages") && page.contains("14 days"), "{page}");
    let form = page.split_once("name=\"form\" value=\"").unwrap().1.split('"').next().unwrap();
    let undelete = |password: &str| {
        let body = format!("form={form}&days=1&password={}", password.replace(' ', "+"));
        http(&node, "POST", "/account/undelete", cookie, &body)
    };
    assert!(undelete("wrong password").starts_with("HTTP/1.1 403"));
    assert!(undelete(PASSWORD).contains("Mail restored"));
    assert!(undelete(PASSWORD).contains("Nothing to restore"));
    assert_eq!(node.ask(&["account", "quota", ADDRESS], "").unwrap()["messages"], 3);
}

/// One request and its answer.
fn http(node: &Single, method: &str, path: &str, cookie: &str, body: &str) -> String {
    use std::io::{Read, Write};
    let door = node.door("http");
    let mut stream = std::net::TcpStream::connect(door).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {door}\r\nConnection: close\r\nCookie: {cookie}\r\n");
    let kind = "Content-Type: application/x-www-form-urlencoded";
    stream.write_all(format!("{head}{kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}
