//! The words of `node token`, and those of `node init` that are about a token.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::NodeChoice;

/// Which token, which of its keys, and where the PIN comes from.
#[derive(Debug, Args)]
pub(crate) struct WhichToken {
    /// The token's label.
    #[arg(long = "token-label", id = "label", value_name = "LABEL")]
    pub label: Option<String>,
    /// Use the RSA key of this CKA_ID (hexadecimal), which is in the token already. Without it one is made there.
    #[arg(long = "token-key-id", id = "key-id", value_name = "HEX", requires = "label")]
    pub key_id: Option<String>,
    /// A file that holds the PIN at each start, readable by the node's user alone. Without a file or credential somebody
    /// types the PIN after each start: `node unlock --token`.
    #[arg(
        long = "token-pin-file",
        id = "pin-file",
        value_name = "FILE",
        requires = "label",
        conflicts_with = "pin-credential"
    )]
    pub pin_file: Option<PathBuf>,
    /// The name of a systemd credential that holds the PIN at each start.
    #[arg(long = "token-pin-credential", id = "pin-credential", value_name = "NAME", requires = "label")]
    pub pin_credential: Option<String>,
    /// The token is reached over a network. Else its module is given none, but sockets of this machine.
    #[arg(long = "token-network", id = "network", requires = "label")]
    pub network: bool,
}

/// `node token …`
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a key in the token that unlocks the node from now on, in the place of the passphrase file or of another token;
    /// asks for the node's passphrase, and for the PIN where no file holds it.
    Add {
        /// The path of the token's PKCS#11 module.
        #[arg(long, value_name = "MODULE", requires = "label")]
        module: PathBuf,
        /// Which token, and where its PIN comes from.
        #[command(flatten)]
        token: WhichToken,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Let the token unlock the node no more; asks for the node's passphrase. Two people unlock it then by hand, if some were
    /// named.
    Remove {
        /// The label of the token that node.toml names.
        label: String,
        /// Write the passphrase to secrets/passphrase again, and unlock by that: a key beside its lock, unless the file is
        /// mounted from elsewhere.
        #[arg(long)]
        to_passphrase_file: bool,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
}
