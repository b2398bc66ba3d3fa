//! The commands: one file each, and the table that lists them.
//!
//! A command reads its argument, looks at the [`Dialog`], changes it, and says what comes [`Next`]. It writes nothing
//! and asks nobody itself.

mod data;
mod greet;
mod help;
mod mail;
mod noop;
mod quit;
mod rcpt;
mod refused;
mod rset;
mod starttls;
mod vrfy;

use terms::Address;

use crate::envelope::{Accepted, Body, CipherSuite, Envelope, Helo, Protocol, Recipient};
use crate::reply::{self, Reply};
use crate::session::Config;

/// A command that this room knows.
pub(crate) struct Command {
    /// Its word, in upper case.
    pub(crate) word: &'static str,
    /// The protocols that have it.
    pub(crate) protocols: &'static [Protocol],
    /// Whether it brings no mail nearer (see [`crate::IDLE_COMMANDS_MAX`]).
    pub(crate) idle: bool,
    /// Reads its argument and decides.
    pub(crate) run: fn(&mut Dialog, &str) -> Next,
}

const BOTH: &[Protocol] = &[Protocol::Smtp, Protocol::Lmtp];
const SMTP: &[Protocol] = &[Protocol::Smtp];
const LMTP: &[Protocol] = &[Protocol::Lmtp];

/// Every command, in the order of HELP. RFC 5321 section 4.1.1, RFC 2033 section 4.1, RFC 3207 section 4.
pub(crate) const COMMANDS: &[Command] = &[
    Command { word: "EHLO", protocols: SMTP, idle: true, run: greet::ehlo },
    Command { word: "HELO", protocols: SMTP, idle: true, run: greet::helo },
    Command { word: "LHLO", protocols: LMTP, idle: true, run: greet::lhlo },
    Command { word: "STARTTLS", protocols: BOTH, idle: true, run: starttls::run },
    Command { word: "MAIL", protocols: BOTH, idle: false, run: mail::run },
    Command { word: "RCPT", protocols: BOTH, idle: false, run: rcpt::run },
    Command { word: "DATA", protocols: BOTH, idle: false, run: data::run },
    Command { word: "RSET", protocols: BOTH, idle: true, run: rset::run },
    Command { word: "NOOP", protocols: BOTH, idle: true, run: noop::run },
    Command { word: "VRFY", protocols: BOTH, idle: true, run: vrfy::run },
    Command { word: "HELP", protocols: BOTH, idle: true, run: help::run },
    Command { word: "QUIT", protocols: BOTH, idle: false, run: quit::run },
];

/// What follows a command.
#[derive(Debug)]
pub(crate) enum Next {
    /// A reply, and the next command.
    Say(Reply),
    /// The recipient must be looked up first.
    Ask(Recipient),
    /// `354`, and the message.
    Receive,
    /// A reply, then TLS.
    StartTls(Reply),
    /// A reply, then the end.
    Close(Reply),
}

/// How the peer greeted.
#[derive(Debug, Clone)]
pub(crate) struct Greeting {
    pub(crate) helo: Helo,
    pub(crate) extended: bool,
}

/// A mail transaction: from MAIL to the end of DATA (RFC 5321 section 3.3).
#[derive(Debug)]
pub(crate) struct Transaction {
    pub(crate) sender: Option<Address>,
    pub(crate) utf8: bool,
    pub(crate) body: Body,
    /// What `SIZE=` declared, in octets.
    pub(crate) declared: Option<u64>,
    pub(crate) recipients: Vec<Accepted>,
}

/// Whether octets pass in the clear.
#[derive(Debug, Clone)]
pub(crate) enum Secrecy {
    Plain,
    Tls(CipherSuite),
}

/// What was said so far, as far as it still counts.
pub(crate) struct Dialog {
    pub(crate) config: Config,
    pub(crate) secrecy: Secrecy,
    pub(crate) greeting: Option<Greeting>,
    pub(crate) transaction: Option<Transaction>,
}

impl Dialog {
    /// The envelope of a transaction, as it is when DATA ends.
    pub(crate) fn envelope(&self, greeting: &Greeting, transaction: &Transaction) -> Envelope {
        Envelope {
            protocol: self.config.protocol,
            extended: greeting.extended,
            helo: greeting.helo.clone(),
            peer: self.config.peer,
            tls: match &self.secrecy {
                Secrecy::Plain => None,
                Secrecy::Tls(suite) => Some(suite.clone()),
            },
            sender: transaction.sender.clone(),
            utf8: transaction.utf8,
            body: transaction.body,
        }
    }
}

/// Finds the command of a line and runs it. Also says whether it was an idle one.
pub(crate) fn obey(dialog: &mut Dialog, line: &[u8]) -> (Next, bool) {
    // RFC 6531 section 3.3 allows UTF-8 in the arguments; nothing allows control characters.
    let text = match std::str::from_utf8(line) {
        Ok(text) if !text.contains(|c: char| c.is_control()) => text,
        _ => return (Next::Say(reply::NOT_UTF8), false),
    };
    // White space before the end of a line is no error (RFC 5321 section 4.1.1).
    let text = text.trim_end_matches(' ');
    let (word, argument) = text.split_once(' ').unwrap_or((text, ""));
    let protocol = dialog.config.protocol;
    let known = |command: &&Command| command.protocols.contains(&protocol) && command.word.eq_ignore_ascii_case(word);
    match COMMANDS.iter().find(known) {
        Some(command) => ((command.run)(dialog, argument), command.idle),
        None => (refused::answer(protocol, word), false),
    }
}
