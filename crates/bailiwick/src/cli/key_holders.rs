//! `node key-holders …`: who unlocks a node by hand.

use std::process::ExitCode;

use clap::Subcommand;
use operations::key_holders::{ListKeyHolders, SetKeyHolders};
use terms::OfficerName;

use super::choice::NodeChoice;
use super::client::{ask_and_print, passphrase_of, secret};
use super::error::CliError;
use super::show::key_holders as show;

/// `node key-holders …`
#[derive(Debug, Subcommand)]
pub(crate) enum KeyHoldersCommand {
    /// List the key holders
    List(NodeChoice),
    /// Replace the list of key holders
    ///
    /// Asks for the node's passphrase and for a new passphrase for each of them. A node that unlocked itself with a passphrase
    /// file waits for two of them from its next start.
    Set {
        /// A key holder; two to nine of them, any two of whom unlock the node
        #[arg(long = "holder", value_name = "NAME", required = true)]
        holders: Vec<OfficerName>,
        #[command(flatten)]
        node: NodeChoice,
    },
}

/// `node key-holders …`
pub(super) fn command(command: KeyHoldersCommand) -> Result<ExitCode, CliError> {
    match command {
        KeyHoldersCommand::List(node) => ask_and_print(&node, ListKeyHolders {}, show::list),
        KeyHoldersCommand::Set { holders, node } => {
            let passphrase = secret("Passphrase of the node")?;
            let holders = holders.into_iter().map(|holder| {
                let words = passphrase_of("key holder", &holder)?;
                Ok((holder, words))
            });
            let holders = holders.collect::<Result<_, CliError>>()?;
            let dir = node.path()?.to_owned();
            ask_and_print(&node, SetKeyHolders { holders, passphrase }, |set| show::set(set, &dir))
        }
    }
}
