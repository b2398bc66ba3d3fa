//! No panics, valid ranges, consistent sizes: for random bytes, for bytes that resemble mail, and for real mail.

use std::path::{Path, PathBuf};

use crate::grammar;
use message::{Kind, SectionSpec, SectionText, Structure};
use proptest::prelude::*;

/// All properties that hold for every input.
fn check(original: &[u8]) {
    let view = message::view(original);
    assert_eq!(view.len(), message::view_len(original));
    assert!(!view.contains(&0));
    assert!(memchr::memchr_iter(b'\n', &view).all(|at| at > 0 && view[at - 1] == b'\r'));
    assert!(memchr::memchr_iter(b'\r', &view).all(|at| view.get(at + 1) == Some(&b'\n')));

    let structure = Structure::parse(&view);
    assert!(structure.parts().len() <= message::PARTS_MAX);
    let root = structure.root();
    assert_eq!((root.header.start, root.body.end), (0, view.len()));
    for part in structure.parts() {
        assert_eq!(part.header.end, part.body.start);
        let mut end = part.body.start;
        for child in structure.children(part) {
            assert!(child.header.start >= end && child.body.start <= child.body.end && child.body.end <= part.body.end);
            end = child.body.end;
        }
        if let Kind::Message(_) = part.kind {
            let inner = structure.children(part).next().unwrap();
            assert_eq!((inner.header.start, inner.body.end), (part.body.start, part.body.end));
        }
    }
    // No bytes of a field are lost or repeated.
    let header = &view[root.header.clone()];
    let fields_len: usize = message::fields(header).map(|field| field.range.len()).sum();
    assert!(header.len() - fields_len <= 2);

    grammar::check_envelope(&message::envelope_wire(&view));
    grammar::check_body(&message::bodystructure_wire(&view, &structure, false), false);
    grammar::check_body(&message::bodystructure_wire(&view, &structure, true), true);

    let section = |part: &[u32], text| {
        message::section(&view, &structure, &SectionSpec { part: part.to_vec(), text }).map(|s| s.into_owned())
    };
    assert_eq!(section(&[], None).unwrap(), *view);
    let parts = [section(&[], Some(SectionText::Header)).unwrap(), section(&[], Some(SectionText::Text)).unwrap()];
    assert_eq!(parts.concat(), *view);
    assert_eq!(section(&[], Some(SectionText::Mime)), None);
    let names = vec!["received".to_owned(), "subject".to_owned()];
    let with = section(&[], Some(SectionText::HeaderFields(names.clone()))).unwrap();
    let without = section(&[], Some(SectionText::HeaderFieldsNot(names))).unwrap();
    // Both have the empty line, if there is one.
    assert!(matches!((with.len() + without.len()) - header.len(), 0 | 2));
    for number in structure.numbers() {
        let part = structure.part(&number).unwrap();
        assert_eq!(section(&number, None).unwrap(), view[part.body.clone()]);
        assert_eq!(section(&number, Some(SectionText::Mime)).unwrap(), view[part.header.clone()]);
        let whole = [section(&number, Some(SectionText::Header)), section(&number, Some(SectionText::Text))];
        match whole {
            [Some(header), Some(text)] => assert_eq!([header, text].concat(), view[part.body.clone()]),
            other => assert_eq!(other, [None, None]),
        }
        if let Ok(decoded) = message::decoded(&view, &structure, &number) {
            assert!(decoded.len() <= part.body.len());
        }
    }
    assert!(message::preview(&view, &structure).chars().count() <= message::PREVIEW_CHARS_MAX);
    message::search_text(&view, &structure);
    message::traffic_sidecar(&view);
    message::received_at(&view);
    message::sent_date(&view);
    message::sent_at(&view);
    for item in message::mbox::Splitter::new(original) {
        let item = item.unwrap();
        let range = usize::try_from(item.range.start).unwrap()..usize::try_from(item.range.end).unwrap();
        assert_eq!(original[range], item.original);
        item.postmarked_at();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        check(&bytes);
    }

    /// Bytes that get further into the parser than noise.
    #[test]
    fn shuffled_mail(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat());
    }
}

const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b" ",
    b"\t",
    b"\0",
    b"--b",
    b"--b--",
    b"--bb",
    b"\r\n--b\r\n",
    b"\r\n--b--\r\n",
    b"From ",
    b"From a Thu Aug 22 12:36:23 2002\n",
    b">From x\n",
    b"From: ",
    b"To: ",
    b"Cc: ",
    b"Date: ",
    b"Subject: ",
    b"Reply-To: ",
    b"Received: ",
    b"Content-Type: ",
    b"multipart/mixed; boundary=b",
    b"multipart/digest; boundary=\"b\"",
    b"multipart/alternative; boundary=bb",
    b"message/rfc822",
    b"message/global",
    b"text/html; charset=",
    b"text/plain",
    b"Content-Transfer-Encoding: ",
    b"base64",
    b"quoted-printable",
    b"x-own",
    b"aGVsbG8=",
    b"=C3=BC=",
    b"=?utf-8?q?=C3?=",
    b"=?iso-2022-jp?B?GyRC?=",
    b"=?",
    b"?=",
    b"utf-7",
    b"utf-16",
    b"iso-2022-kr",
    b"big5",
    b"\xff\xfe",
    b"+ZYe-",
    b"<",
    b">",
    b"@",
    b",",
    b";",
    b":",
    b"(",
    b")",
    b"\"",
    b"\\",
    b"[",
    b"]",
    b"a",
    b"b.c",
    b"\xe4",
    "ü".as_bytes(),
    b"<p>",
    b"&amp;",
    b"&#x110000;",
    b"<!--",
    b"</style>",
    b"2002-08-22T",
    b"31 Feb 99 24:60",
    b"; ",
    b"Content-Disposition: attachment; ",
    b"filename*0*=utf-8''%C3",
    b"filename*1=",
    b"name*=%",
];

fn files_below(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, out);
        } else {
            out.push(path);
        }
    }
}

#[test]
fn real_mail() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.is_dir() {
        println!("skipped: there is no corpus of real mail at {}", corpus.display());
        return;
    }
    let mut files = Vec::new();
    files_below(&corpus, &mut files);
    assert!(files.len() > 3_000);
    for path in files {
        let original = std::fs::read(&path).unwrap();
        // Also truncated at odd places.
        for len in [original.len(), original.len() / 2, original.len() / 3] {
            let outcome = std::panic::catch_unwind(|| check(&original[..len]));
            assert!(outcome.is_ok(), "{} ({len} octets)", path.display());
        }
    }
}

/// Fields designed to take long. Each took minutes in some mail program.
#[test]
fn time_is_proportional_to_size() {
    let many = 200_000;
    let started = std::time::Instant::now();
    for (name, piece, end) in [
        ("To", "a@b, ", ""),
        ("To", "(", ""),
        ("To", "[", ""),
        ("To", "\"", ""),
        ("To", "\\\"", ""),
        ("To", "\"\\\"", ""),
        ("To", "=?a\"", ""),
        ("To", "<@a,", ""),
        ("To", "<", ""),
        ("To", "a@b:", ""),
        ("To", "x ", "a@b: : : : :"),
        ("To", "a . ", "@b"),
        ("To", "a:;", ""),
        ("Subject", "=?utf-8?q?a", ""),
        ("Subject", "=?utf-8?q?a?= ", ""),
        ("Content-Type", "a/b; a=b;", ""),
        ("Content-Type", "a/b; name*0=b; name*1*=c;", ""),
        ("Content-Type", "(", ""),
        ("Date", "1 ", ""),
        ("Date", "1:", ""),
        ("Received", "; ", ""),
    ] {
        check(format!("{name}: {}{end}\r\n\r\n", piece.repeat(many)).as_bytes());
    }
    check("Received: ;x\n".repeat(many).as_bytes());
    check("\n".repeat(many).as_bytes());
    check("From a Thu Aug 22 12:36:23 2002\n".repeat(many / 10).as_bytes());
    // Generous, for a slow machine that builds at the same time; quadratic would be hours.
    assert!(started.elapsed() < std::time::Duration::from_secs(120), "{:?}", started.elapsed());
}

#[test]
fn limits() {
    let mut deep = Vec::new();
    for _ in 0..message::DEPTH_MAX * 3 {
        deep.extend_from_slice(b"Content-Type: message/rfc822\r\n\r\n");
    }
    check(&deep);
    let parts = Structure::parse(&deep).parts().len();
    assert_eq!(parts, message::DEPTH_MAX + 1);

    let mut nested = Vec::new();
    for level in 0..message::DEPTH_MAX * 3 {
        nested.extend_from_slice(
            format!("Content-Type: multipart/mixed; boundary={level}\r\n\r\n--{level}\r\n").as_bytes(),
        );
    }
    check(&nested);

    let mut wide = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    wide.extend_from_slice(&b"--b\r\n\r\nx\r\n".repeat(message::PARTS_MAX * 3));
    check(&wide);
    assert_eq!(Structure::parse(&wide).parts().len(), message::PARTS_MAX);
}
