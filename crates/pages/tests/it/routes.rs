//! Every route, with right and wrong methods and with broken forms: whatever is answered has the security headers.

use std::collections::BTreeSet;
use std::path::Path;

use crate::client::{Answer, FORM, Site};

/// The routes as they stand in the source, each with an address below it, and the statuses of GET, of POST without a form
/// and of POST with a form that says nothing.
const ROUTES: &[(&str, &str, [u16; 3])] = &[
    ("/", "/", [200, 405, 405]),
    ("/assets/{name}", "/assets/none.css", [404, 405, 405]),
    ("/ledger/{*file}", "/ledger/checkpoint", [200, 405, 405]),
    ("/ledger/{*file}", "/ledger/tile/0/000", [200, 405, 405]),
    ("/ledger/{*file}", "/ledger/secret", [404, 405, 405]),
    ("/law", "/law", [308, 405, 405]),
    ("/law/", "/law/", [200, 405, 405]),
    ("/law/{*page}", "/law/what-if.html", [200, 405, 405]),
    ("/law/{*page}", "/law/what-if.html?case=none", [422, 405, 405]),
    ("/law/{*page}", "/law/none.html", [404, 405, 405]),
    ("/account", "/account", [200, 405, 405]),
    ("/account/", "/account/", [303, 405, 405]),
    ("/account/sign-in", "/account/sign-in", [303, 415, 403]),
    ("/account/recover", "/account/recover", [200, 415, 422]),
    ("/account/{change}", "/account/custody", [303, 403, 403]),
    ("/account/{change}", "/account/none", [303, 403, 403]),
];

/// What every answer says, whatever it answers.
fn is_guarded(what: &str, answer: &Answer) {
    let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{what}: {}", answer.head));
    for needed in ["default-src 'none'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(needed), "{what}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{what}: {policy}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{what}");
    assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"), "{what}");
    assert!(answer.header("cache-control").is_some(), "{what}: nobody says what a cache may do");
    if answer.status >= 400 {
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
        // The readers of the ledger are programs: they get plain text.
        if !what.contains(" /ledger/") {
            assert!(answer.is_html() && answer.body.contains("<h1"), "{what}: {}", answer.head);
        }
    }
}

#[tokio::test]
async fn every_route_answers_with_the_headers() {
    let site = Site::open().await;
    for (_, path, [get, bare, empty]) in ROUTES {
        for (method, head, body, status) in [
            ("GET", "", "", *get),
            ("HEAD", "", "", *get),
            ("POST", "", "", *bare),
            ("POST", FORM, "", *empty),
            (
                "POST",
                FORM,
                "a=1&a=2&%ff",
                if *empty == 405 {
                    405
                } else if path.contains("custody") || path.contains("none") {
                    403
                } else {
                    422
                },
            ),
            ("PUT", "", "", 405),
            ("DELETE", "", "", 405),
            ("BREW", "", "", 405),
        ] {
            let what = format!("{method} {path} ({body})");
            let answer = site.ask(method, path, head, body).await;
            assert_eq!(answer.status, status, "{what}: {}", answer.head);
            if method == "HEAD" {
                assert!(answer.body.is_empty() && answer.header("content-security-policy").is_some(), "{what}");
            } else {
                is_guarded(&what, &answer);
            }
            if status == 405 {
                assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "{what}: {}", answer.head);
            }
        }
    }
}

/// RFC 9112 section 3.2: without a Host field, or with two, a request is refused; HTTP/1.0 knew none.
#[tokio::test]
async fn a_request_names_one_host() {
    let site = Site::open().await;
    for path in ["/", "/none", "/ledger/checkpoint"] {
        let known = if path == "/none" { 404 } else { 200 };
        for (version, hosts, status) in [
            ("1.1", "Host: a\r\n", known),
            ("1.1", "", 400),
            ("1.1", "Host: a\r\nHost: a\r\n", 400),
            ("1.0", "", known),
            ("1.0", "Host: a\r\nHost: b\r\n", 400),
        ] {
            let request = format!("GET {path} HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
            let answer = site.raw(request.as_bytes()).await;
            assert_eq!(answer.status, status, "{request}{}", answer.head);
            is_guarded(&format!("GET {path}"), &answer);
        }
    }
}

#[tokio::test]
async fn unknown_routes_and_malformed_requests_answer_with_the_headers() {
    let site = Site::open().await;
    let long = format!("/law/what-if.html?on={}", "9".repeat(40_000));
    let large = "a".repeat(8 * 1024 + 1);
    let foreign = format!("{FORM}Sec-Fetch-Site: cross-site\r\n");
    for (method, path, head, body, status) in [
        ("GET", "/favicon.ico", "", "", 404),
        ("GET", "/desk", "", "", 404),
        ("POST", "/desk", FORM, "a=b", 404),
        ("GET", "/account/custody/x", "", "", 404),
        ("GET", "/ledger/", "", "", 404),
        ("GET", "/law/%ff", "", "", 400),
        ("GET", "/account/%ff", "", "", 303),
        ("POST", "/account/%ff", FORM, "a=b", 400),
        ("GET", "/ledger/%ff", "", "", 400),
        ("GET", "/law/%2e%2e/vault/node.key", "", "", 404),
        ("GET", &long, "", "", 414),
        ("POST", "/account/sign-in", FORM, &large, 413),
        ("POST", "/account/recover", FORM, &large, 413),
        ("POST", "/account/custody", FORM, &large, 413),
        ("POST", "/account/sign-in", &foreign, "address=a", 403),
        ("POST", "/account/sign-in", "Content-Type: text/plain\r\n", "address=a", 415),
    ] {
        let answer = site.ask(method, path, head, body).await;
        let what = format!("{method} {}", path.get(..60).unwrap_or(path));
        assert_eq!(answer.status, status, "{what}: {}\n{}", answer.head, answer.body);
        is_guarded(&what, &answer);
    }
}

#[tokio::test]
async fn a_locked_node_says_so_with_the_headers() {
    let site = Site::locked().await;
    let page = site.get("/").await;
    assert!(page.status == 200 && page.body.contains("This node is locked"), "{}", page.body);
    is_guarded("GET /", &page);
    let answer = site.ask("POST", "/account/sign-in", FORM, "address=ann@ie.example&password=x").await;
    assert_eq!(answer.status, 503, "{}", answer.head);
    is_guarded("POST /account/sign-in", &answer);
}

#[tokio::test]
async fn questions_beyond_the_rate_wait() {
    let site = Site::open().await;
    // What costs least to answer, so that a slow machine gets beyond the rate too.
    let cheap = format!("/law/{}?again", site.law_paths.first().unwrap());
    for _ in 0..500 {
        let answer = site.get(&cheap).await;
        if answer.status == 429 {
            assert!(answer.header("retry-after").is_some(), "{}", answer.head);
            return is_guarded("GET /law/what-if.html", &answer);
        }
    }
    panic!("never asked to wait");
}

#[tokio::test]
async fn style_sheets_are_kept_for_good_under_the_name_of_their_content() {
    let site = Site::open().await;
    for page in ["/", "/account", "/law/", "/nowhere"] {
        let answer = site.get(page).await;
        let (_, rest) = answer.body.split_once("<link rel=\"stylesheet\" href=\"").unwrap();
        let link = rest.split('"').next().unwrap();
        let path = if link.starts_with('/') { link.to_owned() } else { format!("/law/{link}") };
        let sheet = site.get(&path).await;
        assert_eq!(sheet.status, 200, "{page}: {path}");
        is_guarded(&format!("GET {path}"), &sheet);
        assert_eq!(sheet.header("content-type"), Some("text/css; charset=utf-8"), "{path}");
        assert!(sheet.header("cache-control").unwrap().contains("immutable"), "{path}: {}", sheet.head);
        assert!(sheet.body.contains("@media"), "{path}");
    }
}

/// Adding a route without a line in the table fails here.
#[test]
fn the_table_has_every_route_of_the_source() {
    let mut found = BTreeSet::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            found.extend(text.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
    let known: BTreeSet<String> = ROUTES.iter().map(|(route, _, _)| (*route).to_owned()).collect();
    assert_eq!(found, known);
}
