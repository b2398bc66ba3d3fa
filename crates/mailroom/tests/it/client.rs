//! A mail program with one connection: the machine of IMAP over a mailroom's reader, without sockets.

#![allow(dead_code, reason = "no test needs all of it")]

use imap::{Config, Session, Step};
use mailroom::Mailroom;
use mailroom::reading::ImapBackend;

pub(crate) struct Client {
    pub(crate) session: Session,
    pub(crate) reader: ImapBackend,
}

impl Client {
    pub(crate) fn new(mailroom: &Mailroom) -> Self {
        let config = Config {
            hostname: "mail.ie.example".to_owned(),
            starttls: false,
            sign_in_without_tls: false,
            channel_binding: true,
            message_size_bytes_max: 50 << 20,
        };
        let mut client = Self {
            session: Session::new(config, true),
            reader: ImapBackend::new(mailroom.clone(), vault::Network::HERE),
        };
        client.run();
        client
    }

    pub(crate) fn signed_in(mailroom: &Mailroom, who: &str, password: &str) -> Self {
        let mut client = Self::new(mailroom);
        assert!(client.ask(&format!("LOGIN {who} \"{password}\"")).contains("a OK "));
        client
    }

    /// In INBOX.
    pub(crate) fn selected(mailroom: &Mailroom, who: &str, password: &str) -> Self {
        let mut client = Self::signed_in(mailroom, who, password);
        assert!(client.ask("SELECT INBOX").contains("a OK [READ-WRITE]"));
        client
    }

    pub(crate) fn run(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        loop {
            match self.session.step() {
                Step::Write(bytes) => said.extend(bytes),
                Step::Need(need) => self.session.answer(self.reader.perform(need)),
                Step::Wait | Step::Idle => return said,
                step => panic!("{step:?}"),
            }
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.session.feed(bytes);
        self.run()
    }

    /// What one command brings.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        String::from_utf8_lossy(&self.send(format!("a {command}\r\n").as_bytes())).into_owned()
    }
}
