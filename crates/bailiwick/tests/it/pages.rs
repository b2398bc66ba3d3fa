//! The law on pages, as counsel gets it: what `law render` writes is what a node serves, and the form decides what
//! `law decide` decides.

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;

use crate::support::{Demo, files, root, run};
use serde_json::Value;

/// The head and the body of an answer.
fn http_get(door: &str, path: &str) -> (String, Vec<u8>) {
    let mut stream = std::net::TcpStream::connect(door).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {door}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end + 4..].to_vec())
}

fn render(into: &Path) {
    let output = run(&["law", "render", into.to_str().unwrap()], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("index.html"), "{said}");
}

#[test]
fn a_node_serves_what_render_writes_and_decides_what_decide_decides() {
    let scratch = tempfile::tempdir().unwrap();
    let written = scratch.path().join("pages");
    render(&written);
    let demo = Demo::start(&scratch.path().join("demo"), &[]);
    let door = demo.node("IE")["http"].as_str().unwrap().to_owned();

    let mut same = 0;
    for file in files(&written) {
        let name = file.strip_prefix(&written).unwrap().to_str().unwrap().to_owned();
        let (head, body) = http_get(&door, &format!("/law/{name}"));
        assert!(head.starts_with("HTTP/1.1 200"), "{name}: {head}");
        assert!(head.contains("content-security-policy: default-src 'none'; style-src 'self'"), "{name}: {head}");
        // The form, and the hint that any day has a page, need a node.
        if !["what-if.html", "days.html"].contains(&name.as_str()) {
            assert!(body == std::fs::read(&file).unwrap(), "{name} is served as it is written");
            same += 1;
        }
    }
    assert!(same > 100, "{same} pages");
    assert!(http_get(&door, "/law").0.contains("location: /law/"));
    assert!(http_get(&door, "/law/").1 == std::fs::read(written.join("index.html")).unwrap());
    assert!(http_get(&door, "/law/day/2015-06-15.html").0.starts_with("HTTP/1.1 200"), "any day has a page");
    for path in ["/law/../vault/node.key", "/law/%2e%2e/node.toml", "/law/rule/..%2findex.html", "/law/x"] {
        assert!(http_get(&door, path).0.starts_with("HTTP/1.1 404"), "{path}");
    }
    assert!(http_get(&door, "/").1.windows(11).any(|part| part == b"href=\"/law/"), "the node's page leads to the law");

    for demand in ["us-warrant.toml", "ie-s75-order.toml"] {
        for day in ["2014-08-01", "2016-07-15", "2018-04-01", "2026-09-02"] {
            the_form_decides_the_same(&demo, &door, demand, day);
        }
    }
}

fn the_form_decides_the_same(demo: &Demo, door: &str, demand: &str, day: &str) {
    let path = root().join("law/examples").join(demand);
    let decided = demo.ask("IE", &["law", "decide", "--on", day, path.to_str().unwrap()], "").unwrap();
    let decision = &decided["decisions"][0];
    let (head, page) = http_get(door, &format!("/law/what-if.html?{}", query(&decision["facts"])));
    let page = String::from_utf8(page).unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("no-store"), "{demand} on {day}: {head} {page}");
    let outcome = decision["outcome"].as_str().unwrap();
    assert!(page.contains(&format!("<p class=\"word\">{outcome}</p>")), "{demand} on {day}: not {outcome}");
    let units = decision["units"].as_array().unwrap();
    assert!(!units.is_empty());
    for (number, unit) in (1..).zip(units) {
        let (_, section) = page.split_once(&format!("id=\"unit-{number}\"")).unwrap();
        let (section, _) = section.split_once("</section>").unwrap();
        let outcome = unit["outcome"].as_str().unwrap();
        assert!(section.contains(&format!(">{outcome}</span>")), "{demand} on {day}, unit {number}: not {outcome}");
        for rule in unit["rules"].as_array().unwrap() {
            assert!(section.contains(rule.as_str().unwrap()), "{demand} on {day}, unit {number}: {rule}");
        }
    }
    assert!(!page.contains(&format!("id=\"unit-{}\"", units.len() + 1)), "{demand} on {day}: one unit too many");
    for deadline in decision["deadlines"].as_array().unwrap() {
        assert!(page.contains(deadline["local"].as_str().unwrap()), "{demand} on {day}: {deadline}");
        for step in deadline["steps"].as_array().unwrap() {
            assert!(page.contains(step.as_str().unwrap()), "{demand} on {day}: {step}");
        }
    }
}

/// The form filled in with the facts of a decision.
fn query(facts: &Value) -> String {
    let mut fields = vec![
        ("on".to_owned(), text(&facts["on"])),
        ("home".to_owned(), text(&facts["home"])),
        ("zone".to_owned(), text(&facts["zone"])),
    ];
    let put = |fields: &mut Vec<(String, String)>, prefix: &str, known: &Value| {
        for (name, known) in known.as_object().unwrap() {
            if name != "item" {
                let (_, value) = known["value"].as_object().unwrap().iter().next().unwrap();
                fields.push((format!("{prefix}.{name}"), text(value)));
            }
        }
    };
    put(&mut fields, "f", &facts["known"]);
    for (place, item) in (1..).zip(facts["items"].as_array().unwrap()) {
        fields.push((format!("i{place}"), text(&item["known"]["item"]["value"]["word"])));
        put(&mut fields, &format!("i{place}"), &item["known"]);
    }
    for (place, copy) in (1..).zip(facts["copies"].as_array().unwrap()) {
        fields.push((format!("c{place}"), text(&copy["name"])));
        for category in copy["holds"].as_array().unwrap() {
            fields.push((format!("c{place}.holds"), text(category)));
        }
        put(&mut fields, &format!("c{place}"), &copy["known"]);
    }
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    fields.join("&")
}

/// A value as a person types it.
fn text(value: &Value) -> String {
    match value {
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn percent(text: &str) -> String {
    let byte =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

/// How long Chromium may take for one picture.
const PICTURE_SECONDS_MAX: &str = "60";

/// Pictures of pages at the width of a desk and of a telephone, for somebody to look at. That a browser draws them at all
/// is what is asserted; whether they are good to read is not for a test.
#[test]
fn chromium_draws_the_pages() {
    if std::env::var_os("BAILIWICK_NIGHTLY").is_none() {
        println!("not drawn: BAILIWICK_NIGHTLY is not set (cargo xtask nightly)");
        return;
    }
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()));
    let Some(chromium) = found else {
        println!("not drawn: there is no Chromium here");
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    render(scratch.path());
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).join("law-pages");
    std::fs::create_dir_all(&pictures).unwrap();
    for page in
        ["index", "picture/irish-mailbox", "case/S48", "instrument/sca_warrant", "rule/us.cloud.2713", "unconfirmed"]
    {
        for (name, width) in [("desk", 1280), ("phone", 390)] {
            let picture = pictures.join(format!("{}-{name}.png", page.replace('/', "-")));
            let _ = std::fs::remove_file(&picture);
            let status = Command::new("timeout")
                .arg(PICTURE_SECONDS_MAX)
                .arg(chromium)
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
                .arg(format!("--user-data-dir={}", scratch.path().join("profile").display()))
                .arg(format!("--window-size={width},2400"))
                .arg(format!("--screenshot={}", picture.display()))
                .arg(format!("file://{}", scratch.path().join(format!("{page}.html")).display()))
                .output()
                .unwrap();
            assert!(status.status.success(), "{page}: {}", String::from_utf8_lossy(&status.stderr));
            let size = std::fs::metadata(&picture).map_or(0, |file| file.len());
            assert!(size > 20_000, "{}: {size} bytes are a blank sheet", picture.display());
            println!("drawn: {}", picture.display());
        }
    }
}
