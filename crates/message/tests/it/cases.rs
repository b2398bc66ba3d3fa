//! Hand-made messages under `cases/`: `NAME.eml` and what every function makes of it in `NAME.expected`.
//!
//! A new case is a new `.eml`; `UPDATE_CASES=1 cargo test -p message` writes its expectation, to be reviewed before it
//! is committed. In an expectation a line end of the view is a line end, and a byte that is not printable text is
//! `\xNN`.

use std::fmt::Write;
use std::path::Path;

use crate::grammar;
use message::{SectionSpec, SectionText, Structure};

fn shown(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().replace("\r\n", "\n").chars() {
            if c == '\n' || c == '\t' || !c.is_control() {
                out.push(c);
            } else {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

fn everything(original: &[u8]) -> String {
    let view = message::view(original);
    let structure = Structure::parse(&view);
    let mut out = String::new();
    let mut say = |title: &str, bytes: &[u8]| {
        let text = shown(bytes);
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "|\n" };
        let _ = write!(out, "== {title}\n{text}{end}");
    };
    let envelope = message::envelope_wire(&view);
    grammar::check_envelope(&envelope);
    say("envelope", &envelope);
    for (title, extensible) in [("body", false), ("bodystructure", true)] {
        let wire = message::bodystructure_wire(&view, &structure, extensible);
        grammar::check_body(&wire, extensible);
        say(title, &wire);
    }
    let names = vec!["from".to_owned(), "SUBJECT".to_owned(), "x-none".to_owned()];
    let texts = [
        (".HEADER", SectionText::Header),
        (".HEADER.FIELDS (from SUBJECT x-none)", SectionText::HeaderFields(names.clone())),
        (".HEADER.FIELDS.NOT (from SUBJECT x-none)", SectionText::HeaderFieldsNot(names)),
        (".TEXT", SectionText::Text),
        (".MIME", SectionText::Mime),
    ];
    let mut numbers = structure.numbers();
    numbers.insert(0, Vec::new());
    for number in numbers {
        let title = number.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
        let spec = SectionSpec { part: number.clone(), text: None };
        // The whole message is the input.
        if !number.is_empty() {
            say(&format!("BODY[{title}]"), &message::section(&view, &structure, &spec).unwrap());
            match message::decoded(&view, &structure, &number) {
                Ok(decoded) if decoded == message::section(&view, &structure, &spec).unwrap() => {}
                Ok(decoded) => say(&format!("BINARY[{title}]"), &decoded),
                Err(error) => say(&format!("BINARY[{title}]"), format!("{error:?}").as_bytes()),
            }
        }
        for (suffix, text) in &texts {
            let spec = SectionSpec { part: number.clone(), text: Some(text.clone()) };
            if let Some(found) = message::section(&view, &structure, &spec) {
                say(format!("BODY[{title}{suffix}]").replace("[.", "[").as_str(), &found);
            }
        }
    }
    say("preview", message::preview(&view, &structure).as_bytes());
    let text = message::search_text(&view, &structure);
    say("search text, header", text.header.as_bytes());
    say("search text, body", text.body.as_bytes());
    let traffic = message::traffic_sidecar(&view);
    let list = |list: &[String]| list.join(" ");
    say(
        "traffic, from to cc",
        format!("{}\n{}\n{}", list(&traffic.from), list(&traffic.to), list(&traffic.cc)).as_bytes(),
    );
    say("traffic, date and id", format!("{:?} {:?}", traffic.date, traffic.message_id).as_bytes());
    say("sent", format!("{:?}", message::sent_date(&view)).as_bytes());
    out
}

#[test]
fn cases() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut count = 0;
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        count += 1;
        let found = everything(&std::fs::read(&path).unwrap());
        let expected = path.with_extension("expected");
        if std::env::var_os("UPDATE_CASES").is_some() {
            #[expect(clippy::disallowed_methods, reason = "a fixture in the source tree, on request")]
            std::fs::write(&expected, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert!(found == expected, "{}: expected\n{expected}\nfound\n{found}", path.display());
    }
    assert!(count > 10, "the cases are in {}", dir.display());
}
