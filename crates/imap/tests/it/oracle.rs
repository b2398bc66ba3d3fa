//! Another implementation of the grammar: imap-codec parses every response of every session, strictly.

use imap_codec::decode::Decoder;
use imap_codec::{GreetingCodec, ResponseCodec};

use crate::sessions::{files, play};

/// Lines that the oracle does not support, and their source.
const BEYOND: &[(&str, &str)] = &[
    ("* ESEARCH ", "RFC 9051 section 7.3.4"),
    ("(\"CHILDINFO\" (", "RFC 9051 section 6.3.9.6"),
    ("\"Entwürfe\"", "UTF-8 after ENABLE IMAP4rev2: RFC 9051 section 5.1"),
    ("\"日本語\"", "the same"),
];

#[test]
fn every_response_is_read() {
    let mut wrong = String::new();
    let mut read = 0;
    for path in files() {
        let script = std::fs::read_to_string(&path).unwrap();
        let played = play(&script, false);
        let mut rest = played.said.as_slice();
        if !played.signed_in {
            rest = GreetingCodec::default().decode(rest).unwrap().0;
        }
        while !rest.is_empty() {
            let line = &rest[..rest.iter().position(|byte| *byte == b'\n').unwrap() + 1];
            match ResponseCodec::default().decode(rest) {
                Ok((after, _)) => {
                    rest = after;
                    read += 1;
                }
                Err(error) => {
                    let line = String::from_utf8_lossy(line);
                    if !BEYOND.iter().any(|(part, _)| line.contains(part)) {
                        wrong.push_str(&format!("{}: {error:?}: {line}", path.display()));
                    }
                    rest = &rest[line.len()..];
                }
            }
        }
    }
    assert!(read > 200, "{read}");
    assert!(wrong.is_empty(), "\n{wrong}");
}
