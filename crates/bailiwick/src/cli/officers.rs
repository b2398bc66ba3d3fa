//! `officer …`: officers and their own keys.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use operations::officers::{ActOfTwo, ChangeOfficerPassphrase, ListOfficers};
use operations::operation::{Consent, TwoConsents};
use terms::OfficerName;
use vault::Act;

use super::choice::NodeChoice;
use super::client::{ask_and_print, new_passphrase, secret};
use super::error::CliError;
use super::show::officers as show;

/// `officer`
#[derive(Debug, Args)]
pub(crate) struct OfficerArgs {
    #[command(subcommand)]
    pub command: OfficerCommand,
}

// Who agrees. Each is asked for the passphrase; in place of a missing officer a paper share is asked for.
#[derive(Debug, Args)]
pub(crate) struct By {
    /// An officer who agrees; give it twice. In place of a missing officer a paper share is asked for
    #[arg(long = "by", value_name = "NAME", num_args = 1)]
    by: Vec<OfficerName>,
}

/// `officer …`
#[derive(Debug, Subcommand)]
pub(crate) enum OfficerCommand {
    /// List the officers of this home, and when their approvals start to count
    List(NodeChoice),
    /// Enrol a new officer; needs two present ones. The new officer cannot approve anything for 72 hours
    Enrol {
        /// The new officer
        name: OfficerName,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Remove an officer; needs two others, and replaces the escrow key
    Remove {
        /// The officer
        name: OfficerName,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Change an officer's own passphrase
    Passphrase {
        name: OfficerName,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Prove that two shares combine to the escrow key, without opening anything
    Drill {
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Paper shares, in case all officers but one are lost
    Recovery {
        #[command(subcommand)]
        command: RecoveryCommand,
    },
}

/// `officer recovery …`
#[derive(Debug, Subcommand)]
pub(crate) enum RecoveryCommand {
    /// Deal new shares and print some of them as words
    Print {
        /// How many to print
        #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=9))]
        count: u8,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Enrol an officer with paper shares: two of them, or one and an officer
    Restore {
        /// The new officer
        name: OfficerName,
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: NodeChoice,
    },
}

/// `officer …`
pub(crate) fn command(args: OfficerArgs) -> Result<ExitCode, CliError> {
    match args.command {
        OfficerCommand::List(node) => ask_and_print(&node, ListOfficers {}, show::list),
        OfficerCommand::Enrol { name, by, node } => enrol(name, &by, &node),
        OfficerCommand::Remove { name, by, node } => act(&node, Act::Remove { officer: name }, &by),
        OfficerCommand::Drill { by, node } => act(&node, Act::Drill, &by),
        OfficerCommand::Passphrase { name: officer, node } => {
            let old = secret(&format!("Present passphrase of officer {officer}"))?;
            let new = new_passphrase(&format!("New passphrase of officer {officer}"))?;
            ask_and_print(&node, ChangeOfficerPassphrase { officer, old, new }, show::passphrase_changed)
        }
        OfficerCommand::Recovery { command: RecoveryCommand::Print { count, by, node } } => {
            act(&node, Act::PrintShares { count }, &by)
        }
        OfficerCommand::Recovery { command: RecoveryCommand::Restore { name, by, node } } => enrol(name, &by, &node),
    }
}

fn enrol(officer: OfficerName, by: &By, node: &NodeChoice) -> Result<ExitCode, CliError> {
    let by = consents(by)?;
    let newcomer = Some(new_passphrase(&format!("New passphrase of officer {officer}"))?);
    ask_and_print(node, ActOfTwo { act: Act::Enrol { officer }, newcomer, by }, show::done)
}

/// Two people do something together.
pub(super) fn act(node: &NodeChoice, act: Act, by: &By) -> Result<ExitCode, CliError> {
    ask_and_print(node, ActOfTwo { act, newcomer: None, by: consents(by)? }, show::done)
}

/// Asks each of the two for their consent.
pub(super) fn consents(by: &By) -> Result<TwoConsents, CliError> {
    consents_of(&by.by)
}

/// The same of these officers; in place of those who are missing, paper shares are asked for.
pub(super) fn consents_of(by: &[OfficerName]) -> Result<TwoConsents, CliError> {
    let of = |name: &OfficerName| -> Result<Consent, CliError> {
        let passphrase = secret(&format!("Passphrase of officer {name}"))?;
        Ok(Consent::Officer { name: name.clone(), passphrase })
    };
    let share = || -> Result<Consent, CliError> {
        Ok(Consent::PaperShare { words: secret("The 28 words of a paper share, on one line")? })
    };
    match by {
        [] => Ok([share()?, share()?]),
        [one] => Ok([of(one)?, share()?]),
        [one, two] => Ok([of(one)?, of(two)?]),
        _ => Err(CliError::TooManyOfficers),
    }
}
