//! Limits that take more commands than a script should have.

use smtp::{
    Answer, Config, DEFERRALS_MAX, ERRORS_MAX, Need, Protocol, RECIPIENTS_MAX, Refusal, Session, Step, Waiting,
};
use terms::AccountId;

/// Sends recipients in one transaction until the session closes; how many.
fn refused_until_closed(answer: Result<AccountId, Refusal>) -> usize {
    let config = Config {
        protocol: Protocol::Smtp,
        hostname: "mail.ie.example".into(),
        peer: [192, 0, 2, 1].into(),
        message_size_bytes_max: 10_000,
        starttls: true,
    };
    let mut session = Session::new(config);
    session.feed(b"EHLO mx.example\r\nMAIL FROM:<a@x.example>\r\n");
    let (mut sent, mut said) = (0, String::new());
    loop {
        match session.step() {
            Step::Write(octets) => said.push_str(&String::from_utf8(octets).unwrap()),
            Step::Need(Need::Recipient(_)) => session.answer(Answer::Recipient(answer)),
            Step::Wait(Waiting::Command) if sent < 100_000 => {
                session.feed(b"RCPT TO:<ann@ie.example>\r\n");
                sent += 1;
            }
            Step::Close => {
                assert!(said.ends_with("421 4.7.0 Too many errors, closing connection\r\n"), "{sent}");
                return sent;
            }
            step => panic!("{step:?} after {sent}"),
        }
    }
}

#[test]
fn recipients_that_are_refused_are_errors_in_the_end() {
    let (errors, deferrals) = (ERRORS_MAX as usize, DEFERRALS_MAX as usize);
    assert_eq!(refused_until_closed(Err(Refusal::NoSuchMailbox)), errors);
    assert_eq!(refused_until_closed(Err(Refusal::MailboxFull)), deferrals + errors);
    // As long as a list is, its sender may send all of it at once, and the rest in other transactions.
    assert_eq!(refused_until_closed(Ok(AccountId([1; 16]))), RECIPIENTS_MAX + deferrals + errors);
}
