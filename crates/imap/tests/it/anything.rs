//! Arbitrary input. The machine never panics, never asks for anything before sign-in, stays within its memory limits,
//! and responds the same however the octets are split.

use imap::Step;
use proptest::prelude::*;

use crate::sessions::Talk;

/// Words that get the parser far.
const WORDS: &[&str] = &[
    "a ",
    "b",
    "* ",
    " ",
    "\r\n",
    "\r\n",
    "\n",
    "NOOP",
    "FETCH ",
    "UID ",
    "SEARCH ",
    "STORE ",
    "COPY ",
    "APPEND ",
    "SELECT ",
    "LIST ",
    "STATUS ",
    "INBOX",
    "1",
    "1:*",
    "*:4",
    "$",
    "0",
    "4294967295",
    "99999999999999999999",
    "(",
    ")",
    "[",
    "]",
    "<",
    ">",
    ".",
    "\"",
    "\\",
    "{",
    "}",
    "{3}\r\n",
    "{3+}\r\n",
    "{0+}\r\n",
    "{5000+}\r\n",
    "{99999999999+}\r\n",
    "abc",
    "BODY",
    "BODY.PEEK",
    "HEADER.FIELDS ",
    "TEXT",
    "MIME",
    "BINARY.SIZE",
    "FLAGS",
    "+FLAGS",
    "-FLAGS.SILENT ",
    "\\Seen",
    "\\Recent",
    "$Junk",
    "NOT ",
    "OR ",
    "HEADER ",
    "SINCE ",
    "1-Jan-2026",
    "RETURN ",
    "MIN",
    "SAVE",
    "ALL",
    "IDLE\r\n",
    "DONE\r\n",
    "%",
    "*/",
    "&AOk-",
    "&",
    "\u{e9}",
    "\0",
    "EXPUNGE",
    "CLOSE",
    "LOGOUT",
    "AUTHENTICATE PLAIN ",
    "AGFubgBi",
    "=",
    "+",
    "CREATE ",
    "RENAME ",
    "MOVE ",
    "ENABLE IMAP4rev2",
    "\" 1-Jan-2026 00:00:00 +0000\" ",
    "CAPABILITY",
    "STARTTLS",
    "~{3}",
];

fn input() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        8 => proptest::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    let command = proptest::collection::vec(word, 0..12).prop_map(|words| words.concat());
    let line = prop_oneof![
        3 => command.clone().prop_map(|rest| [b"a ".as_slice(), &rest, b"\r\n"].concat()),
        1 => command,
    ];
    proptest::collection::vec(line, 0..8).prop_map(|lines| lines.concat())
}

fn talk(signed_in: bool) -> Talk {
    let mut talk = if signed_in { Talk::signed_in(false) } else { Talk::new(true, false) };
    if signed_in {
        talk.send(b"s SELECT INBOX\r\n");
    }
    talk
}

/// Feeds `pieces` and returns all output.
fn said(mut talk: Talk, pieces: &[&[u8]]) -> (Vec<u8>, bool) {
    for piece in pieces {
        talk.send(piece);
    }
    (talk.heard(), talk.is_closed())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_same_however_it_is_cut(bytes in input(), signed_in: bool, cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let whole = said(talk(signed_in), &[&bytes]);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(&said(talk(signed_in), &pieces), &whole);
        let octets: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&said(talk(signed_in), &octets), &whole);
    }

    #[test]
    fn every_line_is_a_response(bytes in input()) {
        let (said, _) = said(talk(true), &[&bytes]);
        // Apart from literals, lines begin with a tag, `*` or `+`, and there is no NUL.
        prop_assert!(said.is_empty() || said.ends_with(b"\r\n"));
    }
}

#[test]
fn a_stranger_gets_little_memory() {
    let mut talk = Talk::new(true, false);
    for _ in 0..1000 {
        talk.send(&[b'x'; 1000]);
        assert!(talk.session.held_bytes() < 16 * 1024);
    }
}

#[test]
fn a_refused_literal_is_not_kept() {
    let mut talk = Talk::signed_in(false);
    talk.send(b"a APPEND INBOX {10000000+}\r\n");
    assert_eq!(talk.heard(), b"a NO [TOOBIG] Message exceeds the maximum size\r\n");
    for _ in 0..10_000 {
        talk.send(&[b'x'; 1000]);
        assert!(talk.session.held_bytes() < 16 * 1024);
    }
    talk.send(b"\r\nb NOOP\r\n");
    assert_eq!(talk.heard(), b"b OK NOOP done\r\n");
}

#[test]
fn a_lost_answer_fails_only_its_command() {
    let mut talk = Talk::signed_in(false);
    talk.session.feed(b"a STATUS INBOX (MESSAGES)\r\nb NOOP\r\n");
    assert!(matches!(talk.session.step(), Step::Need(_)));
    talk.run();
    let said = String::from_utf8(talk.heard()).unwrap();
    assert!(said.starts_with("a NO [UNAVAILABLE] ") && said.ends_with("\r\nb OK NOOP done\r\n"), "{said}");
}

#[test]
fn pending_output_is_written_in_pieces() {
    let mut talk = Talk::signed_in(false);
    for _ in 0..30 {
        talk.backend.deliver("INBOX", &[], "big", &"y".repeat(15_000));
    }
    talk.send(b"s SELECT INBOX\r\n");
    talk.heard();
    talk.session.feed(b"a FETCH 1:* (BODY.PEEK[])\r\n");
    let mut all = 0;
    loop {
        match talk.session.step() {
            Step::Write(bytes) => {
                assert!(bytes.len() <= imap::limits::WRITE_BYTES);
                all += bytes.len();
                assert!(talk.session.held_bytes() < 2 * imap::limits::WRITE_BYTES);
            }
            Step::Need(need) => {
                let answer = talk.backend.perform(need);
                talk.session.answer(answer);
            }
            Step::Wait => break,
            _ => panic!(),
        }
    }
    assert!(all > 450_000);
}
