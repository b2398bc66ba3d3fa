//! The owner's page of the real program, by plain HTTP: what an owner sees and changes, and what strangers get.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::support::{Demo, files};
use aws_lc_rs::hmac;

const ADDRESS: &str = "new@ie.example";
const PASSWORD: &str = "a good password";

/// An answer of the door.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The value of a header.
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn cookie(&self) -> Option<&str> {
        self.header("set-cookie")?.split(';').next()
    }

    /// The token of the session's forms.
    fn form(&self) -> String {
        self.hidden("form")
    }

    fn hidden(&self, name: &str) -> String {
        let (_, rest) =
            self.body.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{}", self.body));
        rest.split('"').next().unwrap().to_owned()
    }

    /// What is shown once.
    fn secrets(&self) -> Vec<String> {
        let parts = self.body.split("<code class=\"secret\">").skip(1);
        parts.map(|part| part.split('<').next().unwrap().to_owned()).collect()
    }

    /// The number of what is named so in a list.
    fn number_of(&self, name: &str) -> String {
        let (_, rest) = self.body.split_once(&format!("<strong>{name}</strong>")).unwrap();
        let (_, rest) = rest.split_once("name=\"id\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

/// A browser of one door.
struct Browser {
    door: String,
    cookie: Option<String>,
    more: String,
}

impl Browser {
    fn new(door: &str) -> Self {
        Self { door: door.to_owned(), cookie: None, more: String::new() }
    }

    fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.door).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // A door that has heard enough closes early; that is its right.
        let _ = stream.write_all(request);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn head(&self, method: &str, path: &str) -> String {
        let cookie = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{cookie}{}", self.door, self.more)
    }

    fn get(&self) -> Answer {
        self.raw(format!("{}\r\n", self.head("GET", "/account")).as_bytes())
    }

    fn post(&self, act: &str, fields: &[(&str, &str)]) -> Answer {
        let body = encode(fields);
        let head = self.head("POST", &format!("/account/{act}"));
        let kind = "Content-Type: application/x-www-form-urlencoded";
        self.raw(format!("{head}{kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
    }

    /// Posts with the token of the session's forms.
    fn ask(&self, act: &str, fields: &[(&str, &str)]) -> Answer {
        let form = self.get().form();
        self.post(act, &[&[("form", form.as_str())], fields].concat())
    }

    /// The same with the password.
    fn change(&self, act: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask(act, &[&[("password", PASSWORD)], fields].concat())
    }

    fn sign_in(&mut self, fields: &[(&str, &str)]) -> Answer {
        let answer = self.post("sign-in", fields);
        if answer.status == 303 {
            self.cookie = answer.cookie().map(str::to_owned);
        }
        answer
    }
}

fn encode(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&")
}

/// The code of an authenticator app, `ahead` steps of 30 seconds from now (RFC 6238).
fn code(secret: &str, ahead: u64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let key = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &(now / 30 + ahead).to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes([tag[at] & 127, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:06}", number % 1_000_000)
}

fn done(answer: &Answer, words: &str) {
    assert!(answer.status == 200 && answer.body.contains(words), "{words}: {} {}", answer.head, answer.body);
}

#[test]
fn the_owners_page() {
    let scratch = tempfile::tempdir().unwrap();
    let demo = Demo::start(&scratch.path().join("demo"), &[]);
    demo.ask("IE", &["account", "add", ADDRESS], PASSWORD).unwrap();
    let door = demo.node("IE")["http"].as_str().unwrap().to_owned();
    let credentials = [("address", ADDRESS), ("password", PASSWORD)];

    nobody_gets_in(&door);
    let mut browser = Browser::new(&door);
    browser.more = "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0\r\n".to_owned();
    let signed_in = browser.sign_in(&credentials);
    assert_eq!((signed_in.status, signed_in.header("location")), (303, Some("/account")), "{}", signed_in.body);
    let given = signed_in.header("set-cookie").unwrap();
    assert!(given.ends_with("; Path=/account; Max-Age=43200; HttpOnly; SameSite=Strict"), "{given}");
    it_says_what_is_true(&browser.get());
    forged_forms_do_nothing(&door, &browser);
    let mut shown = app_passwords(&demo, &browser);
    sessions(&door, &browser);
    a_reset_is_shown_and_stopped(&demo, &browser);

    // Custody, with recovery codes shown once.
    let owner = browser.change("custody", &[("to", "owner")]);
    done(&owner, "now in owner custody");
    assert_eq!(owner.secrets().len(), 8);
    shown.extend(owner.secrets());
    done(&browser.change("custody", &[("to", "strict")]), "strict custody");
    assert_eq!(browser.change("custody", &[("to", "nobody")]).status, 422);
    let codes = browser.change("recovery-codes", &[]).secrets();
    assert_eq!(codes.len(), 8);
    let page = browser.get();
    assert!(page.body.contains("8 codes left") && codes.iter().all(|code| !page.body.contains(code)), "shown once");
    shown.extend(codes);

    shown.push(authenticator_codes(&door, &mut browser));

    // Another password: every session ends.
    assert_eq!(browser.change("password", &[("new", "short"), ("again", "short")]).status, 422);
    let changed = browser.change("password", &[("new", "another password"), ("again", "another password")]);
    done(&changed, "Password changed");
    assert!(changed.header("set-cookie").unwrap().contains("=; Path=/account; Max-Age=0"));
    let over = browser.get();
    assert!(over.status == 403 && over.body.contains("Your session has ended"), "{}", over.body);
    assert_eq!(Browser::new(&door).sign_in(&credentials).status, 403);
    let again = [("address", ADDRESS), ("password", "another password")];
    assert_eq!(browser.sign_in(&again).status, 303);

    // Signing out ends the session itself, not only the browser's memory of it.
    let stolen = browser.cookie.clone();
    done(&browser.ask("sign-out", &[]), "Signed out");
    browser.cookie.clone_from(&stolen);
    assert_eq!(browser.get().status, 403);

    shown.extend([PASSWORD.to_owned(), stolen.unwrap().split_once('=').unwrap().1.to_owned()]);
    let dir = demo.dir.clone();
    assert!(demo.interrupt().success());
    for file in files(&dir) {
        let bytes = std::fs::read(&file).unwrap();
        for secret in &shown {
            let found = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!found, "{} has a secret of the pages", file.display());
        }
    }
}

/// One answer for whatever is wrong; and no form but a form.
fn nobody_gets_in(door: &str) {
    let mut browser = Browser::new(door);
    let page = browser.get();
    assert!(
        page.status == 200 && page.header("set-cookie").is_none() && page.body.contains("action=\"/account/sign-in\"")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self'"), "{policy}");
    let wrong = browser.sign_in(&[("address", ADDRESS), ("password", "a bad password")]);
    assert!(wrong.status == 403 && wrong.header("set-cookie").is_none(), "{}", wrong.head);
    for address in ["nobody@ie.example", "nobody@elsewhere.example", "no address", ""] {
        let answer = browser.sign_in(&[("address", address), ("password", "a bad password")]);
        assert_eq!((answer.status, answer.body), (403, wrong.body.clone()), "{address}");
    }
    for (head, body, status) in [
        ("Content-Type: text/plain\r\n", "address=a", 415),
        ("Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: cross-site\r\n", "address=a", 403),
        ("Content-Type: application/x-www-form-urlencoded\r\nOrigin: null\r\n", "address=a", 403),
        ("Content-Type: application/x-www-form-urlencoded\r\n", "address=a&address=b", 422),
        ("Content-Type: application/x-www-form-urlencoded\r\n", &"a".repeat(8 * 1024 + 1), 413),
    ] {
        let request =
            format!("{}{head}Content-Length: {}\r\n\r\n{body}", browser.head("POST", "/account/sign-in"), body.len());
        let answer = browser.raw(request.as_bytes());
        assert_eq!(answer.status, status, "{head}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{head}");
    }
    for cookie in
        ["bailiwick-ie=x", "bailiwick-ie=", "bailiwick-ie=AAAA; bailiwick-ie=BBBB", "\u{7f}=;;=", "bailiwick-ie"]
    {
        browser.cookie = Some(cookie.to_owned());
        assert!(!browser.get().body.contains("Sign out"), "{cookie}");
        assert_ne!(browser.post("recovery-codes", &[("password", PASSWORD)]).status, 200, "{cookie}");
    }
}

fn it_says_what_is_true(page: &Answer) {
    assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
    for words in [
        "stored in Ireland",
        "Mail passes through other countries",
        "copies to be made that we are not allowed to mention",
        ADDRESS,
    ] {
        assert!(page.body.contains(words), "{words}: {}", page.body);
    }
    assert!(page.body.contains("Firefox on Linux</strong> (this one)"), "{}", page.body);
    // Custody: the one table, as docs/custody.md has it.
    let table = std::fs::read_to_string(crate::support::root().join("docs/custody.md")).unwrap();
    let rows = table.lines().filter(|line| line.contains("? |"));
    let mut cells = 0;
    for cell in rows.flat_map(|row| row.split('|').map(str::trim).filter(|cell| !cell.is_empty())) {
        assert!(page.body.replace("&#39;", "'").contains(cell), "{cell}");
        cells += 1;
    }
    assert!(cells >= 24, "{cells} cells");
    // Invariant 13.
    let words = page.body.to_lowercase();
    assert!(["hold", "held", "preserv"].iter().all(|word| !words.contains(word)), "the page mentions holds");
    assert!(!words.contains("<script"));
}

fn forged_forms_do_nothing(door: &str, browser: &Browser) {
    let mut other = Browser::new(door);
    other.sign_in(&[("address", ADDRESS), ("password", PASSWORD)]);
    let foreign = other.get().form();
    for form in ["", "AAAA", &foreign] {
        let answer = browser.post("recovery-codes", &[("form", form), ("password", PASSWORD)]);
        assert!(answer.status == 403 && answer.secrets().is_empty(), "{form}: {}", answer.head);
    }
    let own = browser.get().form();
    let mut elsewhere = Browser::new(door);
    elsewhere.cookie.clone_from(&browser.cookie);
    for more in ["Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n", "Origin: https://evil.example\r\n"]
    {
        elsewhere.more = more.to_owned();
        let answer = elsewhere.post("recovery-codes", &[("form", &own), ("password", PASSWORD)]);
        assert!(answer.status == 403 && answer.secrets().is_empty(), "{more}: {}", answer.head);
    }
    // With the session alone nothing changes: the password is asked for.
    for password in ["", "a bad password"] {
        let answer = browser.post("recovery-codes", &[("form", &own), ("password", password)]);
        assert!(answer.status == 403 && answer.secrets().is_empty(), "{}", answer.head);
    }
    assert_eq!(browser.change("open-everything", &[]).status, 404);
    assert!(browser.get().body.contains("0 codes left"));
    done(&other.ask("sign-out", &[]), "Signed out");
}

/// Added, shown once, listed, used, revoked. Returns what was shown.
fn app_passwords(demo: &Demo, browser: &Browser) -> Vec<String> {
    assert_eq!(browser.change("app-password-add", &[("name", "phone")]).status, 422, "for nothing");
    assert_eq!(browser.change("app-password-add", &[("name", "a\nb"), ("imap", "on")]).status, 422);
    let made = browser.change("app-password-add", &[("name", "<b>phone</b>"), ("pages", "on"), ("days", "30")]);
    done(&made, "App password created");
    let shown = made.secrets();
    assert_eq!(shown.len(), 1);
    let page = browser.get();
    assert!(!page.body.contains(&shown[0]) && !page.body.contains("<b>phone"), "shown once, and escaped");
    let id = page.number_of("&#60;b&#62;phone&#60;/b&#62;");
    let listed = demo.ask("IE", &["account", "app-password", "list", ADDRESS], PASSWORD).unwrap();
    assert_eq!(listed[0]["id"].to_string(), id);

    // It signs in to the pages, and changes nothing.
    let mut phone = Browser::new(&browser.door);
    assert_eq!(phone.sign_in(&[("address", ADDRESS), ("password", &shown[0])]).status, 303);
    assert_eq!(phone.ask("recovery-codes", &[("password", &shown[0])]).status, 403);
    done(&browser.change("app-password-revoke", &[("id", &id)]), "revoked");
    assert_eq!(browser.change("app-password-revoke", &[("id", &id)]).status, 422);
    assert_eq!(Browser::new(&browser.door).sign_in(&[("address", ADDRESS), ("password", &shown[0])]).status, 403);
    done(&phone.ask("sign-out", &[]), "Signed out");
    shown
}

fn sessions(door: &str, browser: &Browser) {
    let mut other = Browser::new(door);
    other.more = "User-Agent: Chrome/140.0 Windows\r\n".to_owned();
    other.sign_in(&[("address", ADDRESS), ("password", PASSWORD)]);
    let id = browser.get().number_of("Chrome on Windows");
    assert!(other.get().body.contains("Sign out"));
    assert_eq!(browser.ask("session-end", &[("id", &id), ("password", "a bad password")]).status, 403);
    done(&browser.change("session-end", &[("id", &id)]), "Session ended");
    assert_eq!(other.get().status, 403, "ended");
    assert!(!browser.get().body.contains("Chrome on Windows"));
    assert_eq!(browser.change("session-end", &[("id", &id)]).status, 422);
}

fn a_reset_is_shown_and_stopped(demo: &Demo, browser: &Browser) {
    let officers = demo.node("IE")["officers"].as_array().unwrap();
    let names: Vec<&str> = officers.iter().map(|officer| officer["name"].as_str().unwrap()).collect();
    let both = format!("{}\n{}", demo.passphrase("IE", names[0]), demo.passphrase("IE", names[1]));
    let quiet = "A password reset was requested";
    assert!(!browser.get().body.contains(quiet));
    demo.ask("IE", &["account", "reset", "begin", ADDRESS, "--by", names[0], "--by", names[1]], &both).unwrap();
    assert!(browser.get().body.contains(quiet));
    assert_eq!(browser.ask("reset-stop", &[("password", "a bad password")]).status, 403);
    assert!(browser.get().body.contains(quiet), "a session alone stops nothing");
    done(&browser.change("reset-stop", &[]), "Password reset cancelled");
    assert!(!browser.get().body.contains(quiet));
    assert!(demo.ask("IE", &["account", "reset", "show", ADDRESS], "").unwrap()["not_before"].is_null());
}

/// On, asked for, off. Returns the app's secret.
fn authenticator_codes(door: &str, browser: &mut Browser) -> String {
    let begun = browser.ask("codes-begin", &[]);
    let secret = begun.secrets().remove(0);
    assert!(begun.body.contains("otpauth://totp/Bailiwick:new%40ie.example?secret="), "{}", begun.body);
    let wrong = browser.change("codes-on", &[("secret", &secret), ("shown", "12345")]);
    assert!(wrong.status == 422 && wrong.hidden("secret") == secret, "typed again beside the same secret");
    done(
        &browser.change("codes-on", &[("secret", &secret), ("shown", &code(&secret, 0))]),
        "Two-factor authentication is on",
    );

    let credentials = [("address", ADDRESS), ("password", PASSWORD)];
    let without = Browser::new(door).sign_in(&credentials);
    let with_wrong = Browser::new(door).sign_in(&[credentials[0], credentials[1], ("code", "12345")]);
    let unknown = Browser::new(door).sign_in(&[("address", "nobody@ie.example"), ("password", "x")]);
    assert_eq!((without.status, &without.body), (403, &unknown.body));
    assert_eq!((with_wrong.status, &with_wrong.body), (403, &unknown.body));
    assert_eq!(browser.change("recovery-codes", &[]).status, 403, "a code is asked for");

    let codes = browser.change("recovery-codes", &[("code", &code(&secret, 1))]).secrets();
    assert_eq!(codes.len(), 8);
    let mut with_code = Browser::new(door);
    assert_eq!(with_code.sign_in(&[credentials[0], credentials[1], ("code", &codes[0])]).status, 303);
    done(&browser.change("codes-mail", &[("code", &codes[1]), ("allow", "yes")]), "without a code");
    assert_eq!(browser.change("codes-off", &[("code", &codes[1])]).status, 403, "used up");
    done(&browser.change("codes-off", &[("code", &codes[2])]), "Two-factor authentication is off");
    secret
}

/// One node alone; dropping it stops it.
struct Node {
    child: Child,
    http: String,
}

impl Node {
    fn run(dir: &Path) -> Self {
        let mut child = Command::new(crate::support::PROGRAM)
            .args(["node", "run", "--with-parent", "--json", "--node"])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: serde_json::Value = serde_json::from_str(&line).unwrap();
        Self { child, http: said["http"].as_str().unwrap().to_owned() }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn behind_a_proxy_the_cookie_is_for_tls() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("demo");
    let config = {
        let demo = Demo::start(&dir, &[]);
        demo.ask("IE", &["account", "add", ADDRESS], PASSWORD).unwrap();
        let config = demo.data("IE").join("node.toml");
        assert!(demo.interrupt().success());
        config
    };
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains("http_behind_tls_proxy = false"), "{text}");
    std::fs::write(&config, text.replace("http_behind_tls_proxy = false", "http_behind_tls_proxy = true")).unwrap();
    let node = Node::run(config.parent().unwrap());
    let mut browser = Browser::new(&node.http);
    browser.more = "X-Forwarded-For: 192.0.2.1\r\n".to_owned();
    let signed_in = browser.sign_in(&[("address", ADDRESS), ("password", PASSWORD)]);
    let cookie = signed_in.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Secure-bailiwick-ie=") && cookie.ends_with("; Secure"), "{cookie}");
    assert!(browser.get().body.contains(ADDRESS));
    // Guesses at any account from one network are slowed down; another network goes on.
    browser.more = "X-Forwarded-For: 192.0.2.1, 198.51.100.9\r\n".to_owned();
    let slowed = (0..200).any(|turn| {
        let address = format!("nobody{turn}@ie.example");
        let answer = browser.sign_in(&[("address", &address), ("password", "x")]);
        answer.status == 429 && answer.header("retry-after").is_some()
    });
    assert!(slowed, "the network of the visitor is counted");
    browser.more = "X-Forwarded-For: 198.51.100.9, 192.0.2.1\r\n".to_owned();
    assert_eq!(browser.sign_in(&[("address", ADDRESS), ("password", PASSWORD)]).status, 303);
}

/// Under owner custody a forgotten password is a recovery code or nothing; strangers hear the same of everybody.
#[test]
fn a_recovery_code_stands_for_a_forgotten_password() {
    let scratch = tempfile::tempdir().unwrap();
    let demo = Demo::start(&scratch.path().join("demo"), &[]);
    demo.ask("IE", &["account", "add", ADDRESS, "--custody", "strict"], PASSWORD).unwrap();
    let door = demo.node("IE")["http"].as_str().unwrap().to_owned();
    let mut browser = Browser::new(&door);
    browser.sign_in(&[("address", ADDRESS), ("password", PASSWORD)]);
    let owner = browser.change("custody", &[("to", "owner")]);
    done(&owner, "now in owner custody");
    let codes = owner.secrets();
    assert!(Browser::new(&door).get().body.contains("href=\"/account/recover\""));
    let form = browser.raw(format!("{}\r\n", Browser::new(&door).head("GET", "/account/recover")).as_bytes());
    assert!(form.status == 200 && form.body.contains("action=\"/account/recover\""), "{}", form.body);

    let stranger = Browser::new(&door);
    let new = "another good password";
    let recover = |address: &str, code: &str, new: &str, again: &str| {
        stranger.post("recover", &[("address", address), ("code", code), ("new", new), ("again", again)])
    };
    let wrong = recover(ADDRESS, "wrong", new, new);
    assert_eq!(wrong.status, 403, "{}", wrong.body);
    for (address, code) in
        [(ADDRESS, ""), ("nobody@ie.example", codes[0].as_str()), ("nobody", "wrong"), ("ann@ie.example", &codes[0])]
    {
        let answer = recover(address, code, new, new);
        assert_eq!((answer.status, answer.body), (403, wrong.body.clone()), "{address}");
    }
    assert_eq!(recover(ADDRESS, &codes[0], "short", "short").status, 422);
    assert_eq!(recover(ADDRESS, &codes[0], new, "not the same").status, 422);
    assert_eq!(browser.get().status, 200, "nothing has changed");

    let spaced = format!(" {} ", codes[0]);
    done(&recover(ADDRESS, &spaced, new, new), "Your new password is set");
    assert_eq!(browser.get().status, 403, "the session is over");
    assert_eq!(browser.sign_in(&[("address", ADDRESS), ("password", PASSWORD)]).status, 403);
    assert_eq!(browser.sign_in(&[("address", ADDRESS), ("password", new)]).status, 303);
    assert!(browser.get().body.contains("7 codes left"));
    assert_eq!(recover(ADDRESS, &codes[0], "a third password", "a third password").body, wrong.body, "once");
    // Another site's form does nothing.
    let mut forged = Browser::new(&door);
    forged.more = "Sec-Fetch-Site: cross-site\r\n".to_owned();
    let answer = forged.post("recover", &[("address", ADDRESS), ("code", &codes[1]), ("new", new), ("again", new)]);
    assert_eq!(answer.status, 403);
    assert!(browser.get().body.contains("7 codes left"));
}
