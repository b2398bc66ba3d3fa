//! `node …`: making a node, running it, and its keys.

use std::net::IpAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use operations::backup::OpenDesk;
use operations::compaction::Compact;
use operations::config::{Config, Unlock};
use operations::found::{NewNode, NewSecrets, make_node, tune};
use operations::node::{NodeError, random_passphrase};
use operations::passphrase::ChangeNodePassphrase;
use operations::rotation::{RotateServiceKey, RotateSigningKey};
use operations::status::ShowStatus;
use operations::unlock::{Unlock as UnlockPart, UnlockByToken};
use terms::{Jurisdiction, OfficerName, Secret};
use vault::Act;

use super::choice::NodeChoice;
use super::client::{ask_and_print, passphrase_of, print, secret};
use super::error::CliError;
use super::key_holders::KeyHoldersCommand;
use super::officers::{By, consents};
use super::show::node as show;
use super::token::{self, TokenCommand, WhichToken};
use super::{key_holders, officers};

/// `node`
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    #[command(subcommand)]
    pub command: NodeCommand,
}

/// `node …`
#[derive(Debug, Subcommand)]
pub(crate) enum NodeCommand {
    /// Create a node: its vault with the first officers, its ledger, its store
    Init(InitArgs),
    /// Run a node until it receives SIGINT or SIGTERM
    Run {
        /// Also stop when standard input closes, so that a parent process leaves no orphan
        #[arg(long)]
        with_parent: bool,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Show the node's identity and health
    Status(NodeChoice),
    /// Reclaim disk space from deleted mail
    ///
    /// A running node does this by itself every hour.
    Compact(NodeChoice),
    /// Open the desk of a restored node; needs two officers
    OpenDesk {
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// Replace a key while the node keeps running; resumes an interrupted replacement
    Rotate {
        #[command(subcommand)]
        key: RotateCommand,
    },
    /// Unlock a running node with two key holders (within ten minutes)
    Unlock {
        /// The key holder whose passphrase is typed
        #[arg(long, value_name = "NAME", required_unless_present_any = ["recovery", "token"])]
        holder: Option<OfficerName>,
        /// Type the node's own passphrase instead, which was written down when the node was created
        #[arg(long, conflicts_with_all = ["holder", "token"])]
        recovery: bool,
        /// Type the PIN of the node's token instead
        #[arg(long, conflicts_with = "holder")]
        token: bool,
        #[command(flatten)]
        node: NodeChoice,
    },
    /// List or replace the key holders, any two of whom unlock the node
    KeyHolders {
        #[command(subcommand)]
        command: KeyHoldersCommand,
    },
    /// Add or remove a PKCS#11 token that unlocks the node
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
    /// Replace the node's passphrase with a new random one; asks for the present one
    ///
    /// The old one opens nothing that is sealed afterwards.
    Passphrase(NodeChoice),
    /// Measure how expensive password guesses can be made on this machine, and set it for what is sealed from now on
    Tune(NodeChoice),
}

/// `node rotate …`
#[derive(Debug, Subcommand)]
pub(crate) enum RotateCommand {
    /// The service key; needs the node's passphrase
    Service(NodeChoice),
    /// The key that signs the ledger; the new one is published beside the ledger, signed by the old one
    Signing(NodeChoice),
    /// The escrow key; needs two officers
    Escrow {
        #[command(flatten)]
        by: By,
        #[command(flatten)]
        node: NodeChoice,
    },
}

/// `node init`
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The new node's directory: empty or absent
    #[command(flatten)]
    node: NodeChoice,
    /// Where the mailboxes live, e.g. IE
    #[arg(long)]
    pub jurisdiction: Jurisdiction,
    /// The home's IANA time zone, in which its deadlines run, e.g. Europe/Dublin
    #[arg(long)]
    pub zone: String,
    /// The company that runs the node, as rules and letters name it
    #[arg(long)]
    pub operator: String,
    /// The node's name in greetings and certificates, e.g. mail.ie.example
    #[arg(long)]
    pub hostname: String,
    /// A domain that lives here; can be repeated
    #[arg(long = "domain", required = true)]
    pub domains: Vec<String>,
    /// An officer; two to nine of them, each asked for their own passphrase
    #[arg(long = "officer", required = true)]
    pub officers: Vec<OfficerName>,
    /// A key holder; two to nine of them, any two of whom unlock the node. Without key holders the node unlocks itself with
    /// a passphrase from a file
    #[arg(long = "key-holder", value_name = "NAME")]
    pub key_holders: Vec<OfficerName>,
    /// Let a PKCS#11 token unlock the node: the path of its module, e.g. /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so
    #[arg(long = "token", value_name = "MODULE", requires = "label")]
    pub token_module: Option<PathBuf>,
    #[command(flatten)]
    pub token: WhichToken,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub address: IpAddr,
    /// The base port: smtp at +25, lmtp at +24, imap at +43, imaps at +93, http at +80
    #[arg(long, default_value_t = 25_000, value_parser = clap::value_parser!(u16).range(1..=65_400))]
    pub ports: u16,
}

/// `node …`
pub(crate) fn command(args: NodeArgs) -> Result<ExitCode, CliError> {
    match args.command {
        NodeCommand::Init(args) => init(args),
        NodeCommand::Run { with_parent, node } => crate::parent::run(node.path()?, with_parent, node.json)
            .map_err(|error| CliError::Program(error.to_string())),
        NodeCommand::Status(node) => ask_and_print(&node, ShowStatus {}, show::status),
        NodeCommand::Compact(node) => ask_and_print(&node, Compact {}, show::compacted),
        NodeCommand::OpenDesk { by, node } => ask_and_print(&node, OpenDesk { by: consents(&by)? }, show::desk_opened),
        NodeCommand::Rotate { key: RotateCommand::Service(node) } => {
            let passphrase = secret("Passphrase of the node")?;
            ask_and_print(&node, RotateServiceKey { passphrase }, show::service_key)
        }
        NodeCommand::Rotate { key: RotateCommand::Signing(node) } => {
            ask_and_print(&node, RotateSigningKey {}, show::signing_key)
        }
        NodeCommand::Rotate { key: RotateCommand::Escrow { by, node } } => officers::act(&node, Act::RotateEscrow, &by),
        NodeCommand::Unlock { holder, token, node, .. } => unlock(&node, holder, token),
        NodeCommand::KeyHolders { command } => key_holders::command(command),
        NodeCommand::Token { command } => token::command(command),
        NodeCommand::Passphrase(node) => passphrase(&node),
        NodeCommand::Tune(node) => {
            let dir = node.path()?;
            print(node.json, &tune(dir)?, |tuned| show::tuned(tuned, dir))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn init(args: InitArgs) -> Result<ExitCode, CliError> {
    let dir = args.node.path()?;
    let new = NewNode {
        jurisdiction: args.jurisdiction,
        zone: args.zone,
        operator: args.operator,
        hostname: args.hostname,
        domains: args.domains,
        token: token::of_init(args.token_module.as_deref(), &args.token)?,
        by_hand: !args.key_holders.is_empty(),
        listen: (args.address, args.ports),
    };
    let config = new.config()?;
    let ask = |who: &str, names: Vec<OfficerName>| {
        let one = |name: OfficerName| Ok((name.clone(), passphrase_of(who, &name)?.0));
        names.into_iter().map(one).collect::<Result<Vec<_>, CliError>>()
    };
    let officers = ask("officer", args.officers)?;
    let key_holders = ask("key holder", args.key_holders)?;
    let pin = config.vault.token.as_ref().map(token::pin_now).transpose()?;
    let token = pin.map(|pin| (pin.0, args.token.key_id.clone()));
    let made = make_node(dir, config, NewSecrets { officers, key_holders, token })?;
    print(args.node.json, &made, show::made)?;
    Ok(ExitCode::SUCCESS)
}

fn unlock(node: &NodeChoice, holder: Option<OfficerName>, by_token: bool) -> Result<ExitCode, CliError> {
    if by_token {
        return ask_and_print(node, UnlockByToken { pin: secret("PIN of the token")? }, show::unlocked);
    }
    let prompt = match &holder {
        Some(holder) => format!("Passphrase of key holder {holder}"),
        None => "The node's own passphrase".to_owned(),
    };
    let passphrase = secret(&prompt)?;
    ask_and_print(node, UnlockPart { holder, passphrase }, show::unlocked)
}

fn passphrase(node: &NodeChoice) -> Result<ExitCode, CliError> {
    let unlock = Config::load(node.path()?).map_err(NodeError::from)?.vault.unlock;
    let old = secret("Present passphrase of the node")?;
    let new = Secret::new(random_passphrase(&vault::SystemEntropy));
    if unlock != Unlock::PassphraseFile {
        // Before it counts: an answer that is lost on its way would be the only copy.
        eprintln!(
            "Write this down, seal it, and keep it away from the machine. It takes effect when this command succeeds, and is \
             shown only now:\n    {}",
            new.expose()
        );
    }
    ask_and_print(node, ChangeNodePassphrase { old, new: new.into() }, show::passphrase_changed)
}
