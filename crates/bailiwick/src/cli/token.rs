//! `node token …`, and what `node init` is told about a token.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use operations::config::TokenConfig;
use operations::node::passphrase;
use operations::operation::SecretText;
use operations::token::{AddToken, RemoveToken};

use super::choice::NodeChoice;
use super::client::{absolute, ask_and_print, secret};
use super::error::CliError;
use super::show::token as show;

// Which token, which of its keys, and where the PIN comes from.
#[derive(Debug, Args)]
pub(crate) struct WhichToken {
    /// The token's label
    #[arg(long = "token-label", id = "label", value_name = "LABEL")]
    pub label: Option<String>,
    /// Use the RSA key with this CKA_ID (hexadecimal) in the token; without it a key is generated in the token
    #[arg(long = "token-key-id", id = "key-id", value_name = "HEX", requires = "label")]
    pub key_id: Option<String>,
    /// A file with the PIN, readable only by the node's user. Without a file or credential, someone must type the PIN after
    /// each start: `node unlock --token`
    #[arg(
        long = "token-pin-file",
        id = "pin-file",
        value_name = "FILE",
        requires = "label",
        conflicts_with = "pin-credential"
    )]
    pub pin_file: Option<PathBuf>,
    /// The name of a systemd credential with the PIN
    #[arg(long = "token-pin-credential", id = "pin-credential", value_name = "NAME", requires = "label")]
    pub pin_credential: Option<String>,
    /// The token is reached over a network. Otherwise its module is denied the network, except for sockets of this machine
    #[arg(long = "token-network", id = "network", requires = "label")]
    pub network: bool,
}

/// `node token …`
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Let a token unlock the node from now on, instead of the passphrase file or another token
    ///
    /// Asks for the node's passphrase, and for the PIN if no file holds it.
    Add {
        /// The path of the token's PKCS#11 module
        #[arg(long, value_name = "MODULE", requires = "label")]
        module: PathBuf,
        #[command(flatten)]
        token: WhichToken,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Stop unlocking the node with the token; asks for the node's passphrase
    ///
    /// Two key holders unlock it afterwards, if there are any.
    Remove {
        /// The label of the token that node.toml names
        label: String,
        /// Write the passphrase to secrets/passphrase again and unlock with that. This leaves the key beside its lock, unless
        /// the file is mounted from elsewhere
        #[arg(long)]
        to_passphrase_file: bool,
        #[command(flatten)]
        node: NodeChoice,
    },
}

/// `node token …`
pub(super) fn command(command: TokenCommand) -> Result<ExitCode, CliError> {
    match command {
        TokenCommand::Add { module, token: which, node } => {
            let token = config(&module, &which)?;
            let passphrase = secret("Passphrase of the node")?;
            let pin = pin_now(&token)?;
            let dir = node.path()?.to_owned();
            let add = AddToken { token, key_id: which.key_id, pin, passphrase };
            ask_and_print(&node, add, |added| show::added(added, &dir))
        }
        TokenCommand::Remove { label, to_passphrase_file, node } => {
            let passphrase = secret("Passphrase of the node")?;
            ask_and_print(&node, RemoveToken { label, to_file: to_passphrase_file, passphrase }, show::removed)
        }
    }
}

/// What `node init` says of a token.
pub(super) fn of_init(module: Option<&Path>, which: &WhichToken) -> Result<Option<TokenConfig>, CliError> {
    match module {
        Some(module) => config(module, which).map(Some),
        None if which.label.is_some() => Err(CliError::TokenWithoutModule),
        None => Ok(None),
    }
}

fn config(module: &Path, which: &WhichToken) -> Result<TokenConfig, CliError> {
    Ok(TokenConfig {
        module: absolute(module)?,
        label: which.label.clone().ok_or(CliError::TokenWithoutLabel)?,
        pin_file: which.pin_file.as_deref().map(absolute).transpose()?,
        pin_credential: which.pin_credential.clone(),
        network: which.network,
    })
}

/// The PIN at the command line: from its file, or typed.
pub(super) fn pin_now(config: &TokenConfig) -> Result<SecretText, CliError> {
    match &config.pin_file {
        Some(file) => Ok(passphrase(file)?.into()),
        None => secret("PIN of the token"),
    }
}
