//! `account …`: an owner's account, custody and secrets. No secret is ever an argument: each is asked for.

use clap::{Args, Subcommand, ValueEnum};
use vault::Custody;

use super::NodeChoice;
use super::officers::Hands;

/// `account`
#[derive(Debug, Args)]
pub(crate) struct AccountArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AccountCommand,
}

/// `account …`
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account; asks for the owner's first password.
    Add {
        /// The address.
        address: String,
        /// Who can open the mailbox at rest: strict, standard or owner.
        #[arg(long, default_value = "strict", value_name = "CUSTODY")]
        custody: Custody,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Close an account; asks for the owner's password. Its mail opens for nobody from then on.
    Close(Whose),
    /// List the accounts of this home.
    List(NodeChoice),
    /// Say in plain words who can open a mailbox, or change it with the owner's password.
    Custody {
        /// The address.
        address: String,
        /// The new custody: strict, standard or owner.
        #[arg(long, value_name = "CUSTODY")]
        to: Option<Custody>,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Change the password.
    Password(Whose),
    /// Replace the key to which mail is sealed, because somebody may have it: with the owner's password, or by two officers.
    RotateKey {
        /// The address.
        address: String,
        /// Somebody may have a password or app password of before, too: end app passwords, web sessions and recovery codes,
        /// so that they open nothing of what is kept from now on. Change the password first.
        #[arg(long, conflicts_with = "by")]
        everything: bool,
        /// Two officers in the place of the owner (strict and standard custody).
        #[arg(long = "by", value_name = "NAME", num_args = 1)]
        by: Vec<terms::OfficerName>,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Random passwords for mail clients, one each.
    AppPassword {
        /// What to do.
        #[command(subcommand)]
        command: AppPasswordCommand,
    },
    /// Codes of an authenticator app beside the password.
    Totp {
        /// What to do.
        #[command(subcommand)]
        command: TotpCommand,
    },
    /// Show how much an account has and may have, or set its limits.
    Quota {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// The most bytes: a number, with k, M, G or T if you like; `none`; or `default` for what node.toml says.
        size: Option<String>,
        /// The most messages, in the same way.
        #[arg(long, value_name = "COUNT")]
        messages: Option<String>,
    },
    /// Bring back what the owner deleted in the last days; asks for the owner's password.
    Undelete {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// List what can be restored, with numbers, and restore nothing.
        #[arg(long)]
        list: bool,
        /// Only what was in this mailbox last.
        #[arg(long, value_name = "NAME")]
        mailbox: Option<String>,
        /// Everything.
        #[arg(long, conflicts_with = "numbers")]
        all: bool,
        /// Numbers from the list.
        numbers: Vec<u32>,
    },
    /// Recovery codes, for a password that is forgotten and an app that is lost.
    Recovery {
        /// What to do.
        #[command(subcommand)]
        command: RecoveryCommand,
    },
    /// Web sessions.
    Sessions {
        /// What to do.
        #[command(subcommand)]
        command: SessionsCommand,
    },
    /// A new password for an owner who forgot it: two officers, a notice, a delay.
    Reset {
        /// What to do.
        #[command(subcommand)]
        command: ResetCommand,
    },
}

/// Whose account, and at which node.
#[derive(Debug, Args)]
pub(crate) struct Whose {
    /// The address.
    pub address: String,
    /// The node.
    #[command(flatten)]
    pub node: NodeChoice,
}

/// `account app-password …`
#[derive(Debug, Subcommand)]
pub(crate) enum AppPasswordCommand {
    /// Make one; it is shown once.
    Add {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// What the owner calls it, e.g. "phone"
        #[arg(long)]
        name: String,
        /// What it serves for.
        #[arg(long = "for", value_name = "PROTOCOL", value_delimiter = ',', default_value = "imap,smtp")]
        scopes: Vec<Scope>,
        /// End it after so many days.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3660))]
        days: Option<u32>,
    },
    /// List them, with the day of their last use in the last week.
    List(Whose),
    /// End one.
    Revoke {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// Its number in the list.
        #[arg(long)]
        id: u32,
    },
}

/// What an app password serves for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Scope {
    /// Reading mail.
    Imap,
    /// Sending mail.
    Smtp,
    /// The owner's pages.
    Pages,
}

/// `account totp …`
#[derive(Debug, Subcommand)]
pub(crate) enum TotpCommand {
    /// Ask for codes: shows the secret for the app once, and asks for the code that it shows.
    On(Whose),
    /// Ask for codes no more.
    Off(Whose),
    /// Whether the password alone signs in to mail clients although codes are on.
    MailPassword {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// Let it, or not.
        #[arg(long)]
        allow: bool,
    },
}

/// `account recovery …`
#[derive(Debug, Subcommand)]
pub(crate) enum RecoveryCommand {
    /// Make new codes; they are shown once, and earlier ones serve no more.
    New(Whose),
    /// Set a new password with a code, which is used up.
    Use(Whose),
}

/// `account sessions …`
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// List them.
    List(Whose),
    /// End one, or all.
    End {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// Its number in the list; all when absent.
        #[arg(long)]
        id: Option<u32>,
    },
}

/// `account reset …`
#[derive(Debug, Subcommand)]
pub(crate) enum ResetCommand {
    /// Begin a reset; asks both officers for their own passphrases, and tells the owner.
    Begin {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// Who agree: two officers.
        #[command(flatten)]
        hands: Hands,
        /// The owner lost the authenticator app too: ask for codes no more afterwards.
        #[arg(long)]
        without_codes: bool,
    },
    /// Say how far a reset is.
    Show(Whose),
    /// Set the new password, once the delay is over; asks both officers for their own passphrases.
    Finish {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// Who agree: two officers.
        #[command(flatten)]
        hands: Hands,
    },
    /// Stop a reset.
    Stop(Whose),
}
