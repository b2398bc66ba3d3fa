//! The words of the command line.

pub(crate) mod account;
pub(crate) mod hands;
pub(crate) mod keys;
pub(crate) mod officers;
pub(crate) mod show;
pub(crate) mod token;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use terms::{Jurisdiction, OfficerName};

use self::account::AccountArgs;

/// A mail server in which every mailbox lives under the law of one place.
#[derive(Debug, Parser)]
#[command(version, about, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start three nodes (IE, US, DE) on loopback with accounts, officers and sample mail.
    Demo(DemoArgs),
    /// Make or run one node.
    Node(Box<NodeArgs>),
    /// Back a node or its keys up, and practise getting it back.
    Backup(keys::BackupArgs),
    /// Make a node in an empty directory of a backup; asks for the node's passphrase.
    Restore(keys::RestoreArgs),
    /// Enrol and remove officers, prove and print their shares.
    Officer(officers::OfficerArgs),
    /// Make accounts, show and change how each is guarded.
    Account(AccountArgs),
    /// Check what a node has stored: every checksum, the sequence of commits, what refers to what, the keys' files, the ledger. Exit code 1: damage; 2: not checked.
    Fsck(FsckArgs),
    /// Bring mail in from an mbox, a Maildir, a folder of .eml files, or one file.
    Import(ImportArgs),
    /// Write an account's mail out, byte for byte as it came.
    Export(ExportArgs),
    /// Serve a demand at a node.
    Demand(DemandArgs),
    /// Show and carry on the cases of a node.
    Case(CaseArgs),
    /// Decide, check and print the law.
    Law(LawArgs),
    /// Verify a ledger.
    Ledger(LedgerArgs),
    /// Verify a package.
    Package(PackageArgs),
    /// The vault's process. A node starts it; its standard input is a socket of the node.
    #[command(hide = true)]
    VaultProcess {
        /// The vault's folder, an absolute path.
        dir: PathBuf,
    },
    /// The process that talks to a token for the vault. A node starts it; its standard input is a socket of the node.
    #[command(hide = true)]
    TokenProcess,
}

/// `fsck`
#[derive(Debug, Args)]
pub(crate) struct FsckArgs {
    /// Check one account with its owner's password: open every message, and compare what is derived from it.
    #[arg(long, value_name = "ADDRESS")]
    pub account: Option<String>,
    /// Then drop the account's index and make it anew.
    #[arg(long, requires = "account")]
    pub repair_index: bool,
    #[command(flatten)]
    pub node: NodeChoice,
}

/// Which node a command means.
#[derive(Debug, Args)]
pub(crate) struct NodeChoice {
    /// The node's data directory, e.g. ./demo-data/IE
    #[arg(long, env = "BAILIWICK_NODE", value_name = "DIR", default_value = "./demo-data/IE")]
    pub node: PathBuf,
    /// Print the result as one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// `demo`
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// The folder of the demo; made when it is not there, continued when it is.
    #[arg(long, value_name = "DIR", default_value = "./demo-data")]
    pub dir: PathBuf,
    /// Delete the demo that is in the folder and begin anew.
    #[arg(long)]
    pub fresh: bool,
    /// Print one line of JSON when ready, and nothing else.
    #[arg(long)]
    pub json: bool,
    /// The first port: IE listens from BASE, US from BASE+100, DE from BASE+200.
    #[arg(long, value_name = "BASE", value_parser = clap::value_parser!(u16).range(1..=65_200))]
    pub ports: Option<u16>,
}

/// `node`
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: NodeCommand,
}

/// `node …`
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Make a node: its vault with the first officers, its ledger, its store.
    Init(InitArgs),
    /// Run a node until it is told to stop (SIGINT, SIGTERM).
    Run {
        /// The node's data directory.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Stop too when standard input ends: for a parent that wants no orphans.
        #[arg(long)]
        with_parent: bool,
        /// Print one line of JSON when ready.
        #[arg(long)]
        json: bool,
    },
    /// Say what a node is and how it fares.
    Status(NodeChoice),
    /// Give the space of deleted mail back now, which a running node does by itself each hour.
    Compact(NodeChoice),
    /// Let the desk of a restored node work again: two officers, each with the own passphrase.
    OpenDesk {
        /// Who agrees.
        #[command(flatten)]
        hands: officers::Hands,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Replace a key, while everything goes on; an interrupted replacement is carried on.
    Rotate {
        /// Which.
        #[command(subcommand)]
        key: RotateCommand,
    },
    /// Unlock a running node by hand: two of the people who were named, one after the other within ten minutes.
    Unlock {
        /// Who types.
        #[arg(long, value_name = "NAME", required_unless_present_any = ["recovery", "token"])]
        holder: Option<OfficerName>,
        /// Type the node's own passphrase instead, which was written down when the node was made.
        #[arg(long, conflicts_with_all = ["holder", "token"])]
        recovery: bool,
        /// Type the PIN of the node's token instead.
        #[arg(long, conflicts_with = "holder")]
        token: bool,
        /// Which node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Name the people of whom two unlock the node by hand.
    Hands {
        /// What to do.
        #[command(subcommand)]
        command: hands::HandsCommand,
    },
    /// Let a PKCS#11 token unlock the node.
    Token {
        /// What to do.
        #[command(subcommand)]
        command: token::TokenCommand,
    },
    /// Replace the node's passphrase by a fresh one; asks for the old one. Copies of the old one open nothing that comes later.
    Passphrase(NodeChoice),
    /// Measure what a guess at a password may cost on this machine, and set it for what is sealed from now on.
    Tune {
        /// The node's data directory. Restart the node afterwards.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
    },
}

/// `node rotate …`
#[derive(Debug, Subcommand)]
pub(crate) enum RotateCommand {
    /// The service key: needs the node's passphrase.
    Service(NodeChoice),
    /// The key that signs the ledger: whoever has the old one finds the new one beside the ledger.
    Signing(NodeChoice),
    /// The escrow key: needs two officers.
    Escrow {
        /// Who agrees.
        #[command(flatten)]
        hands: officers::Hands,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
}

/// `node init`
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The new data directory.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Where the mailboxes live, e.g. IE
    #[arg(long)]
    pub jurisdiction: Jurisdiction,
    /// The home's IANA time zone, in which its deadlines run, e.g. Europe/Dublin
    #[arg(long)]
    pub zone: String,
    /// The company that runs the node, as the rules and the letters name it.
    #[arg(long)]
    pub operator: String,
    /// The node's name in greetings and certificates, e.g. mail.ie.example
    #[arg(long)]
    pub hostname: String,
    /// A domain that lives here; may be given more than once.
    #[arg(long = "domain", required = true)]
    pub domains: Vec<String>,
    /// An officer; two to nine of them. Each is asked for a passphrase.
    #[arg(long = "officer", required = true)]
    pub officers: Vec<OfficerName>,
    /// Somebody who may unlock the node by hand, with another one; two to nine of them. Without any, the node unlocks itself
    /// with a passphrase from a file.
    #[arg(long = "key-holder", value_name = "NAME")]
    pub key_holders: Vec<OfficerName>,
    /// Let a PKCS#11 token unlock the node: the path of its module, e.g. /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so
    #[arg(long = "token", value_name = "MODULE", requires = "label")]
    pub token_module: Option<PathBuf>,
    /// Which token, and where its PIN comes from.
    #[command(flatten)]
    pub token: token::WhichToken,
    /// The address on which the doors listen.
    #[arg(long, default_value = "127.0.0.1")]
    pub address: IpAddr,
    /// The first port: smtp at +25, lmtp at +24, imap at +43, imaps at +93, http at +80.
    #[arg(long, default_value_t = 25_000, value_parser = clap::value_parser!(u16).range(1..=65_400))]
    pub ports: u16,
}

/// `import`
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// An mbox file, a Maildir, a folder of .eml files, or one message file.
    pub source: PathBuf,
    /// Whose mail it becomes.
    #[arg(long, value_name = "ADDRESS")]
    pub account: String,
    /// The mailbox under which it goes.
    #[arg(long, default_value = "INBOX")]
    pub mailbox: String,
    /// The node.
    #[command(flatten)]
    pub node: NodeChoice,
}

/// `export`
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The directory to write to; an earlier export there is continued.
    pub target: PathBuf,
    /// Whose mail; asks for the owner's password.
    #[arg(long, value_name = "ADDRESS")]
    pub account: String,
    /// The node.
    #[command(flatten)]
    pub node: NodeChoice,
}

/// `demand`
#[derive(Debug, Args)]
pub(crate) struct DemandArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DemandCommand,
}

/// `demand …`
#[derive(Debug, Subcommand)]
pub(crate) enum DemandCommand {
    /// Open a case for the demand in FILE.
    Serve {
        /// The demand as TOML (docs/law.md).
        file: PathBuf,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
}

/// `case`
#[derive(Debug, Args)]
pub(crate) struct CaseArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CaseCommand,
}

/// `case …`
#[derive(Debug, Subcommand)]
pub(crate) enum CaseCommand {
    /// A line for each case.
    List(NodeChoice),
    /// Facts, decision, reasons, deadline, and the next action.
    Show {
        /// The case's number.
        case: u64,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Approve the order of a case; asks for the officer's own passphrase.
    Approve {
        /// The case's number.
        case: u64,
        /// Who approves.
        #[arg(long, value_name = "NAME")]
        officer: OfficerName,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Collect what the clearance opens, and seal the package.
    Collect {
        /// The case's number.
        case: u64,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Write the letter that says why nothing, or not all, is handed over.
    Refuse {
        /// The case's number.
        case: u64,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
}

/// `law`
#[derive(Debug, Args)]
pub(crate) struct LawArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LawCommand,
}

/// `law …`
#[derive(Debug, Subcommand)]
pub(crate) enum LawCommand {
    /// Decide the demand in FILE as of a day, opening no case: a what-if that mints nothing.
    Decide {
        /// The demand as TOML (docs/law.md).
        file: PathBuf,
        /// The day, YYYY-MM-DD.
        #[arg(long, value_name = "DAY")]
        on: Option<String>,
        /// Decide without a node: the facts of a home in FILE, under the law set that is built in.
        #[arg(long, value_name = "FILE", conflicts_with = "node")]
        home: Option<PathBuf>,
        /// The node whose facts and law set decide.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Print the proof tree of a case: rules applied, rules defeated and by what, facts used, facts missing.
    Explain {
        /// The number of a case at the node, or a case file of a law set.
        case: String,
        /// For a case file: the directory of its law set; the one around it when absent.
        #[arg(long, value_name = "DIR")]
        law: Option<PathBuf>,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Decide a case again with the set of its day and with today's, and show what differs.
    Replay {
        /// The number of a case at the node, or a case file of a law set.
        case: String,
        /// For a case file: the directory of its law set; the one around it when absent.
        #[arg(long, value_name = "DIR")]
        law: Option<PathBuf>,
        /// For a case file: the directory of today's set; the one built in when absent.
        #[arg(long, value_name = "DIR")]
        with: Option<PathBuf>,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Show what a new set changes: its rules, the case files that both have, the recorded cases of a node.
    Diff {
        /// A directory, or the digest of a set that the node has had in use.
        old: String,
        /// The same.
        new: String,
        /// For two directories: ask the node for its recorded cases, too. A digest always asks it.
        #[arg(long)]
        recorded: bool,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Take the law set in DIR into use at the node; its cases pass and counsel signed it.
    Adopt {
        /// The directory.
        dir: PathBuf,
        /// Counsel's signature, as `law sign` writes it.
        #[arg(long, value_name = "FILE")]
        signature: PathBuf,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Bring counsel's signature under one rule to the node: decisions may rest on that rule then.
    Confirm {
        /// The signature, as `law sign RULE` writes it.
        signature: PathBuf,
        /// The node.
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Make counsel's key; asks for a passphrase and prints the public half for node.toml.
    CounselKey {
        /// The new file.
        file: PathBuf,
        /// Counsel's name in signatures, e.g. counsel.example
        #[arg(long)]
        name: String,
    },
    /// Sign a law set, or one rule of it as it stands; asks for the passphrase of counsel's key.
    Sign(LawSignArgs),
    /// Name the changes of a rule that no case notices: it is gone, or its first or last day is another.
    Days {
        /// A directory with a law set; the one built in when absent.
        #[arg(long, value_name = "DIR")]
        law: Option<PathBuf>,
        /// Write a case for each, where the facts of another case serve, into the rule's `cases` folder under --law.
        #[arg(long, requires = "law")]
        write: bool,
    },
    /// Write the law as pages for counsel: the set by instrument, State and day, each rule with its source and cases.
    Render {
        /// The directory to write to; begin reading with its index.html.
        dir: PathBuf,
        /// A directory with a law set; the one built in when absent.
        #[arg(long, value_name = "DIR")]
        law: Option<PathBuf>,
    },
    /// Run every case of the law set; report what no case reaches and what contradicts.
    Check {
        /// A directory with a law set; the one built in when absent.
        #[arg(long, value_name = "DIR")]
        law: Option<PathBuf>,
    },
}

/// `law sign`
#[derive(Debug, Args)]
pub(crate) struct LawSignArgs {
    /// The rule; the whole set when absent.
    pub rule: Option<String>,
    /// The directory of the set; the one built in when absent.
    #[arg(long, value_name = "DIR")]
    pub law: Option<PathBuf>,
    /// Counsel's key, as `law counsel-key` makes it.
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// Where the signature goes.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// `ledger`
#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LedgerCommand,
}

/// `ledger …`
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Recompute every hash of the ledger in DIR and check its checkpoint.
    Verify {
        /// The directory: a node's `ledger` directory or a mirror of it.
        dir: PathBuf,
        /// A checkpoint of the log that you kept: check that the log still begins with what it signed.
        #[arg(long, value_name = "CHECKPOINT")]
        since: Option<PathBuf>,
        /// The home's published key; the one in DIR when absent.
        #[arg(long, value_name = "FILE")]
        vkey: Option<PathBuf>,
    },
}

/// `package`
#[derive(Debug, Args)]
pub(crate) struct PackageArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PackageCommand,
}

/// `package …`
#[derive(Debug, Subcommand)]
pub(crate) enum PackageCommand {
    /// Check a package, needing no server: every byte, every item, every proof.
    Verify {
        /// A sealed package (.tar.age), an opened one (.tar), or an unpacked bag.
        package: PathBuf,
        /// The age identity file that opens a sealed package.
        #[arg(long, value_name = "FILE")]
        identity: Option<PathBuf>,
        /// The home's published key; the one in the package when absent.
        #[arg(long, value_name = "FILE")]
        vkey: Option<PathBuf>,
        /// The home's published history of keys (`keys` beside its ledger), when the key has changed since.
        #[arg(long, value_name = "FILE")]
        keys: Option<PathBuf>,
    },
}
