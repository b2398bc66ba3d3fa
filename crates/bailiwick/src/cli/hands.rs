//! The words of `node hands`.

use clap::Subcommand;
use terms::OfficerName;

use super::NodeChoice;

/// `node hands …`
#[derive(Debug, Subcommand)]
pub(crate) enum HandsCommand {
    /// Say who they are.
    List(NodeChoice),
    /// Name them, in the place of those who were named before; asks for the node's passphrase and for one of each. A node
    /// that unlocked itself by a passphrase file waits for two of them from its next start on.
    Set {
        /// Somebody who may unlock the node with another one; two to nine of them.
        #[arg(long = "holder", value_name = "NAME", required = true)]
        holders: Vec<OfficerName>,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
}
