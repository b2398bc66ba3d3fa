//! The words of `officer` and of `node rotate`.

use clap::{Args, Subcommand};
use terms::OfficerName;

use super::NodeChoice;

/// `officer`
#[derive(Debug, Args)]
pub(crate) struct OfficerArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: OfficerCommand,
}

/// Who acts. Each is asked for the passphrase; whoever is missing is asked for a share on paper.
#[derive(Debug, Args)]
pub(crate) struct Hands {
    /// An officer who agrees; two of them.
    #[arg(long = "by", value_name = "NAME", num_args = 1)]
    pub by: Vec<OfficerName>,
}

/// `officer …`
#[derive(Debug, Subcommand)]
pub(crate) enum OfficerCommand {
    /// The officers of this home, and from when on their approvals count.
    List(NodeChoice),
    /// Make an officer, by two sitting ones; the new one can do nothing for 72 hours.
    Enrol {
        /// The new officer.
        name: OfficerName,
        /// Who agrees.
        #[command(flatten)]
        hands: Hands,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// End an officer's power, by two others; the escrow key is replaced.
    Remove {
        /// The officer.
        name: OfficerName,
        /// Who agrees.
        #[command(flatten)]
        hands: Hands,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Take another passphrase.
    Passphrase {
        /// Whose.
        name: OfficerName,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Prove that two shares join to the escrow key, opening nothing.
    Drill {
        /// Who tries.
        #[command(flatten)]
        hands: Hands,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Shares on paper, for the day on which all officers but one are lost.
    Recovery {
        /// What to do.
        #[command(subcommand)]
        command: RecoveryCommand,
    },
}

/// `officer recovery …`
#[derive(Debug, Subcommand)]
pub(crate) enum RecoveryCommand {
    /// Deal new shares and print some of them, as words.
    Print {
        /// How many on paper.
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=9))]
        count: u8,
        /// Who agrees.
        #[command(flatten)]
        hands: Hands,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Make an officer by shares on paper: two, or one and an officer.
    Restore {
        /// The new officer.
        name: OfficerName,
        /// The officer who is left, if there is one.
        #[command(flatten)]
        hands: Hands,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
}
