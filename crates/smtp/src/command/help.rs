//! HELP (RFC 5321 section 4.1.1.8): the table.

use super::{COMMANDS, Dialog, Next};
use crate::reply::Reply;

pub(crate) fn run(dialog: &mut Dialog, _: &str) -> Next {
    let protocol = dialog.config.protocol;
    let words: Vec<&str> =
        COMMANDS.iter().filter(|command| command.protocols.contains(&protocol)).map(|command| command.word).collect();
    Next::Say(Reply::made(214, "2.0.0", format!("Commands: {}", words.join(" "))))
}
