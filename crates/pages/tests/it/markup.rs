//! No page has a style, a script or a reference to anything outside in its markup: the policy would stop them, and a page
//! that needs one would be broken without a sign.

use std::collections::BTreeSet;
use std::path::Path;

use crate::client::{Answer, FORM, Session, Site};

/// What no markup may have.
fn fault(markup: &str) -> Option<String> {
    let lower = markup.to_lowercase();
    for forbidden in ["<style", "<script", "javascript:", "<img", "<iframe", "<object", "<embed", "@import", "src=\""] {
        if lower.contains(forbidden) {
            return Some(forbidden.to_owned());
        }
    }
    // Attributes, in tags alone: text may mention styles.
    for tag in lower.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        for attribute in tag.split_whitespace().skip(1) {
            if attribute.starts_with("style=") || (attribute.starts_with("on") && attribute.contains("=\"")) {
                return Some(format!("<{tag}>"));
            }
        }
    }
    None
}

fn is_clean(what: &str, answer: &Answer) {
    if answer.is_html() {
        assert_eq!(fault(&answer.body), None, "{what}");
        assert!(answer.body.contains("<link rel=\"stylesheet\" href=\""), "{what} has no styles");
        assert_eq!(answer.body.matches("<h1").count(), 1, "{what}");
    }
}

#[test]
fn a_fault_is_found() {
    for bad in [
        "<p style=\"x\">",
        "<P STYLE=\"x\">",
        "<style>",
        "<a onclick=\"x\">",
        "<script src=x>",
        "<img src=\"x\">",
        "<svg><rect style=\"fill: red\"/></svg>",
    ] {
        assert!(fault(bad).is_some(), "{bad}");
    }
    for good in
        ["<p>style=\"x\"</p>", "<link rel=\"stylesheet\" href=\"x\">", "<rect width=\"1\"/>", "<input name=\"on\">"]
    {
        assert_eq!(fault(good), None, "{good}");
    }
}

#[test]
fn no_template_has_a_style_or_a_script() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")];
    let mut seen = 0;
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "html") {
                let text = std::fs::read_to_string(&path).unwrap();
                assert_eq!(fault(&text), None, "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 30, "{seen} templates");
}

#[tokio::test]
async fn no_page_of_the_law_has_a_style_or_a_script() {
    let site = Site::open().await;
    for path in &site.law_paths {
        is_clean(path, &site.get(&format!("/law/{path}")).await);
    }
    for path in [
        "/",
        "/nowhere",
        "/law/nowhere",
        "/law/day/2015-06-15.html",
        "/law/what-if.html?case=S03",
        "/law/what-if.html?on=x",
    ] {
        is_clean(path, &site.get(path).await);
    }
}

#[tokio::test]
async fn no_page_of_an_owner_has_a_style_or_a_script() {
    let site = Site::open().await;
    for path in ["/account", "/account/recover"] {
        is_clean(path, &site.get(path).await);
    }
    for (path, body) in [
        ("/account/sign-in", "address=ann@ie.example&password=wrong"),
        ("/account/sign-in", "a=1&a=2"),
        ("/account/recover", "address=ann@ie.example&code=x&new=long+enough&again=long+enough"),
        ("/account/custody", "to=owner"),
    ] {
        let answer = site.ask("POST", path, FORM, body).await;
        assert!(answer.status >= 400 && answer.is_html(), "{path} {body}: {}", answer.head);
        is_clean(path, &answer);
    }
    let session = site.sign_in().await;
    let overview = session.get("/account").await;
    assert!(overview.body.contains("Active sessions"), "{}", overview.body);
    is_clean("the overview", &overview);
    let posted = every_change(&session).await;
    let missing: Vec<String> = forms(&overview.body).filter(|change| !posted.contains(change.as_str())).collect();
    assert!(missing.is_empty(), "forms that this test does not post: {missing:?}");
}

/// The changes that a page offers.
fn forms(page: &str) -> impl Iterator<Item = String> + '_ {
    page.split("action=\"/account/").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned())
}

async fn every_change(session: &Session<'_>) -> BTreeSet<&'static str> {
    let mut posted = BTreeSet::from(["codes-on", "sign-out"]);
    let secret = session.change("codes-begin", "").await.hidden("secret");
    let mistyped = session.change("codes-on", &format!("secret={secret}&shown=1")).await;
    assert!(mistyped.status == 422 && mistyped.hidden("secret") == secret, "{}", mistyped.head);
    is_clean("a mistyped code", &mistyped);
    for (change, fields, status) in [
        ("app-password-add", "name=phone&imap=on&days=30", 200),
        ("app-password-add", "name=phone", 422),
        ("app-password-revoke", "id=99", 422),
        ("app-password-revoke", "id=x", 422),
        ("recovery-codes", "", 200),
        ("codes-begin", "", 200),
        ("codes-mail", "allow=perhaps", 422),
        ("codes-off", "", 0),
        ("custody", "to=standard", 200),
        ("custody", "to=nobody", 422),
        ("undelete", "days=1", 200),
        ("undelete", "days=0", 422),
        ("reset-stop", "", 0),
        ("session-end", "id=99", 422),
        ("none", "", 404),
        ("password", "new=short&again=short", 422),
        ("sessions-end", "", 200),
    ] {
        let answer = session.change(change, fields).await;
        let what = format!("{change} {fields}");
        assert!(status == 0 || answer.status == status, "{what}: {}\n{}", answer.head, answer.body);
        assert!(answer.is_html(), "{what}: {}", answer.head);
        is_clean(&what, &answer);
        posted.insert(change);
    }
    // The session is over: whatever is asked now shows the form that signs in.
    let over = session.get("/account").await;
    assert_eq!(over.status, 403, "{}", over.head);
    is_clean("after the end", &over);
    posted
}
