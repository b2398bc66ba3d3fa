//! Sessions as data: each file in `tests/sessions` is a conversation that is compared with the machine's octet by
//! octet.
//!
//! ```text
//! # why this file is here
//! @ lmtp            LMTP instead of SMTP          @ no-tls     STARTTLS is not offered
//! @ size N          the limit in octets           @ as-is      feed flights whole only: the file is about timing
//! S: line           the machine says this line
//! C: line           the client says this line and CRLF; lines in a row are one flight
//! C= octets         the client says just these octets; \r \n \t \0 \\ \xNN, and `text`*N for repetition
//! M: from to… with "octets"     the door is given a message to keep
//! T:                TLS begins
//! X:                the door is told to close
//! ```
//!
//! The scripted door knows the mailboxes whose local part begins with `ann` or `bob`; `full…` is full, `later…` fails
//! at RCPT, `fails…` and `loops…` fail at the end of data, and `Postmaster` lives here unless `@ no-postmaster`.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use smtp::{
    Answer, CipherSuite, Config, DeliveryOutcome, Message, Need, Protocol, Recipient, Refusal, Session, Step, Waiting,
};
use terms::AccountId;

struct Script {
    config: Config,
    postmaster: bool,
    as_is: bool,
    flights: Vec<Vec<u8>>,
    expected: String,
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(body) = rest.strip_prefix('`')
            && let Some((repeated, after)) = body.split_once("`*")
        {
            let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
            let count: usize = after[..digits].parse().unwrap();
            out.extend(unescape(repeated).repeat(count));
            rest = &after[digits..];
            continue;
        }
        if c != '\\' {
            out.extend_from_slice(c.to_string().as_bytes());
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (byte, length) = match rest.as_bytes()[1] {
            b'r' => (b'\r', 2),
            b'n' => (b'\n', 2),
            b't' => (b'\t', 2),
            b'0' => (0, 2),
            b'x' => (u8::from_str_radix(&rest[2..4], 16).unwrap(), 4),
            other => (other, 2),
        };
        out.push(byte);
        rest = &rest[length..];
    }
    out
}

fn escape(octets: &[u8]) -> String {
    let mut out = String::new();
    for &octet in octets {
        match octet {
            b'\r' => out.push_str("\\r"),
            b'\n' => out.push_str("\\n"),
            b'\t' => out.push_str("\\t"),
            0 => out.push_str("\\0"),
            b'\\' => out.push_str("\\\\"),
            b' '..=b'~' => out.push(char::from(octet)),
            _ => write!(out, "\\x{octet:02x}").unwrap(),
        }
    }
    out
}

fn load(text: &str) -> Script {
    let mut script = Script {
        config: Config {
            protocol: Protocol::Smtp,
            hostname: "mail.ie.example".into(),
            peer: [192, 0, 2, 1].into(),
            message_size_bytes_max: 10_000,
            starttls: true,
        },
        postmaster: true,
        as_is: false,
        flights: Vec::new(),
        expected: String::new(),
    };
    let mut speaking = false;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let said = match line.split_at(2.min(line.len())) {
            ("C:", rest) => Some([rest.strip_prefix(' ').unwrap_or(rest).as_bytes(), b"\r\n"].concat()),
            ("C=", rest) => Some(unescape(rest.strip_prefix(' ').unwrap_or(rest))),
            ("@ ", "lmtp") => {
                script.config.protocol = Protocol::Lmtp;
                continue;
            }
            ("@ ", "no-tls") => {
                script.config.starttls = false;
                continue;
            }
            ("@ ", "no-postmaster") => {
                script.postmaster = false;
                continue;
            }
            ("@ ", "as-is") => {
                script.as_is = true;
                continue;
            }
            ("@ ", size) => {
                script.config.message_size_bytes_max = size.strip_prefix("size ").unwrap().parse().unwrap();
                continue;
            }
            _ => None,
        };
        let was_speaking = std::mem::replace(&mut speaking, said.is_some());
        match said {
            Some(octets) if was_speaking => script.flights.last_mut().unwrap().extend(octets),
            Some(octets) => {
                // Each turn of the client is marked in the transcript: earlier output must not move past it.
                writeln!(script.expected, "C").unwrap();
                script.flights.push(octets);
            }
            None => writeln!(script.expected, "{}", line.trim_end()).unwrap(),
        }
    }
    script
}

fn address(recipient: &Recipient) -> String {
    match recipient {
        Recipient::Mailbox(address) => address.to_string(),
        Recipient::Postmaster => "Postmaster".to_owned(),
    }
}

fn look_up(recipient: &Recipient, postmaster: bool) -> Result<AccountId, Refusal> {
    let name = address(recipient).to_lowercase();
    match name.split('@').next().unwrap() {
        "postmaster" if postmaster => Ok(AccountId([9; 16])),
        local if local.starts_with("later") => Err(Refusal::TryAgain),
        local if local.starts_with("full") => Err(Refusal::MailboxFull),
        local if ["ann", "bob", "fails", "loops", "\"ann"].iter().any(|known| local.starts_with(known)) => {
            Ok(AccountId([1; 16]))
        }
        _ => Err(Refusal::NoSuchMailbox),
    }
}

fn keep(message: &Message) -> Vec<DeliveryOutcome> {
    let outcome = |name: &str| match name {
        name if name.starts_with("fails") => DeliveryOutcome::Refused(Refusal::TryAgain),
        name if name.starts_with("loops") => DeliveryOutcome::Refused(Refusal::Loop),
        _ => DeliveryOutcome::Stored,
    };
    message.recipients.iter().map(|accepted| outcome(&address(&accepted.recipient))).collect()
}

/// Plays a script; each flight is fed in pieces of the lengths that `piece` gives. Returns a transcript.
fn play(script: &Script, mut piece: impl FnMut() -> usize) -> String {
    let mut session = Session::new(script.config.clone());
    let mut happened = String::new();
    let mut said = Vec::new();
    let mut flights = script.flights.iter();
    let mut rest: &[u8] = &[];
    loop {
        let step = session.step();
        if !matches!(step, Step::Write(_)) {
            for line in String::from_utf8(std::mem::take(&mut said)).unwrap().split_terminator("\r\n") {
                writeln!(happened, "S: {line}").unwrap();
            }
        }
        match step {
            Step::Write(octets) => said.extend(octets),
            Step::Need(Need::Recipient(recipient)) => {
                let found = look_up(&recipient, script.postmaster);
                session.answer(Answer::Recipient(found));
            }
            Step::Need(Need::Message(message)) => {
                let envelope = &message.envelope;
                let from = envelope.sender.as_ref().map_or("<>".to_owned(), |sender| format!("<{sender}>"));
                let to: Vec<String> =
                    message.recipients.iter().map(|a| format!("<{}>", address(&a.recipient))).collect();
                let (to, with, octets) = (to.join(" "), envelope.with(), escape(&message.original));
                writeln!(happened, "M: {from} {to} {with} \"{octets}\"").unwrap();
                session.answer(Answer::Message(keep(&message)));
            }
            Step::StartTls => {
                writeln!(happened, "T:").unwrap();
                session.answer(Answer::Secured(CipherSuite::parse("TLS_AES_128_GCM_SHA256").unwrap()));
            }
            Step::Close => {
                writeln!(happened, "X:").unwrap();
                return happened;
            }
            Step::Wait(waiting) => {
                assert_ne!(waiting, Waiting::Answer);
                if rest.is_empty() {
                    match flights.next() {
                        Some(flight) => rest = flight,
                        None => return happened,
                    }
                    writeln!(happened, "C").unwrap();
                }
                let (now, later) = rest.split_at(piece().clamp(1, rest.len()));
                session.feed(now);
                rest = later;
            }
        }
    }
}

fn scripts() -> Vec<(String, Script)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sessions");
    let mut found: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, load(&std::fs::read_to_string(path).unwrap()))
        })
        .collect()
}

#[test]
fn every_session_runs_as_written() {
    let scripts = scripts();
    assert!(scripts.len() >= 30, "session files are missing");
    for (name, script) in &scripts {
        let happened = play(script, || usize::MAX);
        assert_eq!(
            happened.lines().collect::<Vec<_>>(),
            script.expected.lines().collect::<Vec<_>>(),
            "{name}; transcript:\n{happened}"
        );
        if !script.as_is {
            let happened = play(script, || 1);
            assert_eq!(
                happened.lines().collect::<Vec<_>>(),
                script.expected.lines().collect::<Vec<_>>(),
                "{name}, octet by octet:\n{happened}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn however_it_is_cut(seed in prop::collection::vec(1usize..40, 1..12)) {
        for (name, script) in scripts().iter().filter(|(_, script)| !script.as_is) {
            let mut at = 0;
            let happened = play(script, || {
                at += 1;
                seed[at % seed.len()]
            });
            prop_assert_eq!(happened.lines().collect::<Vec<_>>(), script.expected.lines().collect::<Vec<_>>(), "{}", name);
        }
    }

    /// Whatever the input, the machine does not panic, loop, or keep more than it may.
    #[test]
    fn whatever_comes(pieces in prop::collection::vec(
        prop_oneof![
            Just(b"EHLO x\r\n".to_vec()), Just(b"MAIL FROM:<a@b>\r\n".to_vec()), Just(b"RCPT TO:<ann@b>\r\n".to_vec()),
            Just(b"DATA\r\n".to_vec()), Just(b"\r\n.\r\n".to_vec()), Just(b"STARTTLS\r\n".to_vec()),
            Just(b"RSET\r\n".to_vec()), Just(b"LHLO x\r\n".to_vec()), Just(vec![b'x'; 3000]),
            prop::collection::vec(any::<u8>(), 0..40),
        ], 0..60), lmtp in any::<bool>())
    {
        let mut script = load("");
        if lmtp {
            script.config.protocol = Protocol::Lmtp;
        }
        script.flights = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        play(&script, || 7);
    }
}

#[test]
fn an_endless_message_costs_no_memory() {
    let mut script = load("");
    script.config.message_size_bytes_max = 1000;
    let mut session = Session::new(script.config);
    for line in ["EHLO x\r\n", "MAIL FROM:<> SIZE=999\r\n", "RCPT TO:<ann@x>\r\n", "DATA\r\n"] {
        while !matches!(session.step(), Step::Wait(_)) {}
        session.feed(line.as_bytes());
        while let step = session.step()
            && !matches!(step, Step::Wait(_))
        {
            if let Step::Need(Need::Recipient(_)) = step {
                session.answer(Answer::Recipient(Ok(AccountId([0; 16]))));
            }
        }
    }
    for _ in 0..1000 {
        session.feed(&[b'x'; 4096]);
        assert_eq!(session.step(), Step::Wait(Waiting::Data));
        assert!(session.held_bytes() <= 8192);
    }
    session.feed(b"\r\n.\r\n");
    let Step::Write(reply) = session.step() else { panic!() };
    assert!(reply.starts_with(b"552 5.3.4 "));
}

#[test]
fn a_door_without_memory_gives_up_the_message() {
    let mut session = Session::new(load("").config);
    let mut said = Vec::new();
    let mut run = |session: &mut Session| {
        loop {
            match session.step() {
                Step::Write(octets) => said.extend(octets),
                Step::Need(Need::Recipient(_)) => session.answer(Answer::Recipient(Ok(AccountId([0; 16])))),
                _ => return String::from_utf8(std::mem::take(&mut said)).unwrap(),
            }
        }
    };
    run(&mut session);
    for line in ["EHLO x\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<ann@x>\r\n", "DATA\r\n", "some of it\r\n"] {
        session.feed(line.as_bytes());
        run(&mut session);
    }
    assert!(session.held_bytes() > 0);
    session.shed();
    assert_eq!(session.held_bytes(), 0);
    session.feed(b"the rest\r\n.\r\n");
    assert!(run(&mut session).starts_with("452 4.3.1 "));
    session.feed(b"NOOP\r\n");
    assert!(run(&mut session).starts_with("250 "));
}

#[test]
fn farewells() {
    for (farewell, code) in [
        (smtp::Farewell::Stopping, "421 4.3.2 "),
        (smtp::Farewell::Silence, "421 4.4.2 "),
        (smtp::Farewell::TooManyConnections, "421 4.7.0 "),
    ] {
        let mut session = Session::new(load("").config);
        while !matches!(session.step(), Step::Wait(_)) {}
        session.part(farewell);
        session.feed(b"NOOP\r\n");
        let Step::Write(octets) = session.step() else { panic!() };
        assert!(String::from_utf8(octets).unwrap().starts_with(code));
        assert_eq!(session.step(), Step::Close);

        let mut session = Session::turned_away(load("").config, farewell);
        let Step::Write(octets) = session.step() else { panic!() };
        assert!(String::from_utf8(octets).unwrap().starts_with(code));
        assert_eq!(session.step(), Step::Close);
    }
}
