//! `node init`, `node run`, `node status`: making a node and opening its doors.

use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use doors::{Admission, control, imap, smtp, tls};
use pages::{AccountPages, HttpConfig};
use terms::{Entropy, OfficerName, Secret};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::{InitArgs, NodeArgs, NodeCommand, RotateCommand};
use crate::client;
use crate::config::{Config, Cost, Listen, MailboxesConfig, StoreConfig, Unlock, VaultConfig, jurisdiction_name};
use crate::hands;
use crate::node::{ClosedNode, Founding, Node, NodeError, random_passphrase};
use crate::officers;
use crate::passphrase;
use crate::running::{Looked, Running};
use crate::token;

/// How long open sessions may take to end after the node was told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Runs a `node` subcommand.
pub(crate) fn command(args: NodeArgs) -> Result<ExitCode, String> {
    match args.command {
        NodeCommand::Init(args) => init(args),
        NodeCommand::Run { dir, with_parent, json } => run(&dir, with_parent, json),
        NodeCommand::Status(node) => client::status(&node),
        NodeCommand::Compact(node) => client::compact(&node),
        NodeCommand::OpenDesk { hands, node } => crate::backup::open_desk(&hands, &node),
        NodeCommand::Rotate { key: RotateCommand::Service(node) } => crate::keys::rotate_service(&node),
        NodeCommand::Rotate { key: RotateCommand::Signing(node) } => crate::keys::rotate_signing(&node),
        NodeCommand::Rotate { key: RotateCommand::Escrow { hands, node } } => officers::rotate_escrow(&hands, &node),
        NodeCommand::Unlock { token: true, node, .. } => client::unlock_by_token(&node),
        NodeCommand::Unlock { holder, node, .. } => client::unlock(&node, holder),
        NodeCommand::Hands { command } => hands::command(command),
        NodeCommand::Token { command } => token::command(command),
        NodeCommand::Passphrase(node) => passphrase::change(&node),
        NodeCommand::Tune { dir } => tune(&dir),
    }
}

fn init(args: InitArgs) -> Result<ExitCode, String> {
    let home = rules::HomeFacts {
        home: args.jurisdiction.clone(),
        zone: args.zone,
        // One company, here, with no parent: for the operator to correct.
        entities: vec![rules::Entity {
            name: args.operator,
            established: args.jurisdiction.clone(),
            parent_established: None,
            subject_to: [args.jurisdiction.clone()].into(),
            controls_store: true,
            runs_store: true,
            role: None,
            designated: false,
        }],
        copies: Vec::new(),
        facts: toml::Table::new(),
        users: Default::default(),
    };
    let by_hand = !args.key_holders.is_empty();
    let token = token::of_init(args.token_module.as_deref(), &args.token)?;
    let unlock = match (&token, by_hand) {
        (Some(_), _) => Unlock::Token,
        (None, true) => Unlock::ByHand,
        (None, false) => Unlock::PassphraseFile,
    };
    let config = Config {
        format: terms::HOME_FORMAT,
        name: format!("Bailiwick node {}", args.hostname),
        jurisdiction: args.jurisdiction,
        hostname: args.hostname,
        domains: args.domains.iter().map(|domain| domain.to_lowercase()).collect(),
        message_size_bytes_max: smtp::MESSAGE_SIZE_BYTES_MAX,
        ledger_dummy_minutes: 60,
        reset_delay_hours: 24,
        http_behind_tls_proxy: false,
        counsel: None,
        backup_place: Vec::new(),
        mailboxes: MailboxesConfig::default(),
        store: StoreConfig::default(),
        vault: VaultConfig { unlock, cost: Some(Cost::measured()?), token, ..VaultConfig::default() },
        connections_max: doors::CONNECTIONS_MAX,
        imap_loopback_without_tls: false,
        listen: Listen::at(args.address, args.ports),
        home,
    };
    let ask = |who: &str, names: Vec<OfficerName>| {
        let one = |name: OfficerName| {
            let passphrase = hands::passphrase_of(who, &name)?;
            Ok((name, passphrase))
        };
        names.into_iter().map(one).collect::<Result<Vec<_>, String>>()
    };
    let officers = ask("officer", args.officers)?;
    let key_holders = ask("key holder", args.key_holders)?;
    let pin = config.vault.token.as_ref().map(token::pin_now).transpose()?;
    let passphrase = Secret::new(random_passphrase(&vault::SystemEntropy));
    let recovery = passphrase.clone();
    let token = pin.map(|pin| (pin, args.token.key_id.clone()));
    let founding = Founding { config, passphrase, officers, key_holders, token };
    let node = Node::found(&args.dir, founding).map_err(|error| error.to_string())?;
    client::say(format_args!("{}\n", node.ceremony()));
    let dir = args.dir.display();
    client::say(format_args!(
        "The node is made in {dir}. Check {dir}/node.toml, above all [home]: what you declare there decides."
    ));
    if by_hand {
        client::say(format_args!(
            "Two of the key holders unlock it after a start: bailiwick node unlock --node {dir} --holder NAME"
        ));
    }
    if unlock == Unlock::Token {
        client::say(format_args!("{}", token::after_a_start(&dir, node.config.vault.token.as_ref())));
    }
    if unlock != Unlock::PassphraseFile {
        client::say(format_args!(
            "Write this down, seal it, and keep it away from the machine; it unlocks the node when nothing else does, and \
             it is shown only now:\n    {}",
            recovery.expose()
        ));
    } else {
        client::say(format_args!(
            "Move {dir}/secrets/passphrase to a place that backups of {dir} do not reach, if you can."
        ));
    }
    client::say(format_args!("Run it with: bailiwick node run --dir {dir}"));
    Ok(ExitCode::SUCCESS)
}

/// Measures what a guess may cost on this machine and writes it into the node's configuration.
fn tune(dir: &std::path::Path) -> Result<ExitCode, String> {
    // Measured only where there is a node.
    Config::load(dir).map_err(|error| error.to_string())?;
    let cost = Cost::measured()?;
    Config::change(&durable::RealDisk, dir, |config| config.vault.cost = Some(cost))
        .map_err(|error| error.to_string())?;
    client::say(format_args!(
        "Argon2id: {} KiB, {} passes, {} lanes. Set in {}/node.toml for what is sealed after the next start.",
        cost.memory_kib,
        cost.passes,
        cost.lanes,
        dir.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Opens the node's doors and keeps them open until SIGINT, SIGTERM or, with `with_parent`, the end of standard input.
fn run(dir: &std::path::Path, with_parent: bool, json: bool) -> Result<ExitCode, String> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("BAILIWICK_LOG").unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A line that cannot be written, because the disk with the log is full, must not end who wrote it.
        .log_internal_errors(false)
        .init();
    let running = Arc::new(Running::start(dir).map_err(|error| error.to_string())?);
    say_confinement(&running);
    match running.unlock_unattended() {
        Ok(true) => {}
        Ok(false) => tracing::warn!("the node is locked: people unlock it (`bailiwick node unlock`)"),
        // A token may be plugged in later: a node without it is locked, and ends no more than one that waits for people.
        Err(NodeError::Token(error)) => tracing::error!("the node is locked: {error}"),
        Err(error) => return Err(error.to_string()),
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(threads()).build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let result = runtime.block_on(open_doors(running.clone(), with_parent, json));
    // Blocking work in flight ends before the store closes.
    runtime.shutdown_timeout(DRAIN);
    result.map(|()| ExitCode::SUCCESS)
}

/// Says what does not hold for the vault's process.
fn say_confinement(running: &Running) {
    match running.closed.gate.confinement() {
        Ok(Some(confinement)) => {
            for lack in confinement.lacks() {
                tracing::warn!("the vault's process: {lack}");
            }
        }
        Ok(None) => {}
        Err(error) => tracing::error!("the vault's process: {error}"),
    }
}

/// Threads for sessions: they read small things from disk in place, so that some may wait for a disk while others go on.
fn threads() -> usize {
    4 * std::thread::available_parallelism().map_or(1, usize::from).max(2)
}

async fn open_doors(node: Arc<Running>, with_parent: bool, json: bool) -> Result<(), String> {
    let closed = &node.closed;
    let config = &closed.config;
    let listen = config.listen;
    let tls =
        tls::Identity::load_or_create(closed.disk(), &closed.dir.join("tls"), &config.hostname, &durable::SystemClock)
            .map_err(|error| format!("tls: {error}"))?;
    let server_config = tls.server_config().map_err(|error| format!("tls: {error}"))?;
    let [smtp_listener, lmtp_listener, imap_listener, imaps_listener, http_listener] = [
        bind("smtp", listen.smtp).await?,
        bind("lmtp", listen.lmtp).await?,
        bind("imap", listen.imap).await?,
        bind("imaps", listen.imaps).await?,
        bind("http", listen.http).await?,
    ];
    let control_listener =
        control::bind(&Node::control_path(&closed.dir)).map_err(|error| format!("control socket: {error}"))?;

    let (stop, shutdown) = watch::channel(false);
    let mut doors = JoinSet::new();
    let mail = node.mail.clone();
    let smtp_config = |protocol| smtp::SmtpConfig {
        protocol,
        message_size_bytes_max: config.message_size_bytes_max,
        tls: Some(server_config.clone()),
        connections_max: config.connections_max,
    };
    doors.spawn(smtp::serve(smtp_listener, smtp_config(smtp::Protocol::Smtp), mail.clone(), shutdown.clone()));
    doors.spawn(smtp::serve(lmtp_listener, smtp_config(smtp::Protocol::Lmtp), mail.clone(), shutdown.clone()));
    let imap_config = |implicit_tls| imap::ImapConfig {
        tls: server_config.clone(),
        end_point: tls.end_point(),
        implicit_tls,
        message_size_bytes_max: config.message_size_bytes_max,
        loopback_without_tls: config.imap_loopback_without_tls,
        connections_max: config.connections_max,
    };
    doors.spawn(imap::serve(imap_listener, imap_config(false), mail.clone(), shutdown.clone()));
    doors.spawn(imap::serve(imaps_listener, imap_config(true), mail.clone(), shutdown.clone()));
    let page = HttpConfig {
        name: config.name.clone(),
        jurisdiction: config.jurisdiction.to_string(),
        jurisdiction_name: jurisdiction_name(&config.jurisdiction),
        domains: config.domains.clone(),
        law: closed.lectern.clone(),
        ledger_dir: closed.dir.join("ledger"),
        mail: mail.clone(),
        account: AccountPages { mail: mail.clone(), is_behind_proxy: config.http_behind_tls_proxy },
    };
    let http_shutdown = shutdown.clone();
    let admission = Admission::new(doors::CONNECTIONS_MAX);
    doors.spawn(async move {
        let _ = pages::serve(http_listener, page, move |peer| admission.enter(peer), http_shutdown).await;
    });
    doors.spawn(control::serve(control_listener, node.clone(), shutdown.clone()));
    doors.spawn(keep_cadence(node.clone(), shutdown.clone()));
    doors.spawn(forget_sign_ins(node.clone(), shutdown.clone()));
    doors.spawn(forget_deleted(node.clone(), shutdown.clone()));
    doors.spawn(crate::compaction::give_back_space(node.clone(), shutdown.clone()));
    doors.spawn(follow_for_backups(node.clone(), shutdown.clone()));
    doors.spawn(crate::health::watch_store(node.clone(), shutdown.clone()));
    doors.spawn(watch_vault(node.clone(), shutdown));

    announce(closed, json)?;
    wait_for_the_end(with_parent).await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    let _ = tokio::time::timeout(DRAIN, async { while doors.join_next().await.is_some() {} }).await;
    let _ = std::fs::remove_file(Node::control_path(&closed.dir));
    Ok(())
}

async fn bind(door: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => format!(
            "{door}: {address} is in use by another program; stop it, or choose other ports (listen.{door} in \
             node.toml, --ports for the demo)"
        ),
        std::io::ErrorKind::PermissionDenied => {
            format!("{door}: this user may not listen on {address}; ports below 1024 need a privilege")
        }
        _ => format!("{door}: cannot listen on {address}: {error}"),
    })
}

/// Says that the node is ready: a line for a person on standard error, or JSON for a parent on standard output.
fn announce(node: &ClosedNode, json: bool) -> Result<(), String> {
    let listen = node.config.listen;
    if json {
        let line = serde_json::json!({
            "jurisdiction": node.config.jurisdiction,
            "smtp": listen.smtp, "lmtp": listen.lmtp, "imap": listen.imap, "imaps": listen.imaps, "http": listen.http,
            "ca": node.dir.join("tls").join("ca.pem"),
        });
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| error.to_string())
    } else {
        for (door, address) in node.config.listen.all() {
            tracing::info!(door, %address, "listening");
        }
        Ok(())
    }
}

async fn wait_for_the_end(with_parent: bool) {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    let orphaned = async {
        if !with_parent {
            return std::future::pending().await;
        }
        // A thread of its own, since a read of standard input cannot be cancelled; it ends with the process.
        let (gone, heard) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
            let _ = gone.send(());
        });
        let _ = heard.await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
        () = orphaned => {}
    }
}

/// Adds empty ledger entries at random moments of a fixed mean rate, one to eight together as a case does, so that the
/// number of real ones cannot be read off.
async fn keep_cadence(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    let mean = Duration::from_secs(60 * running.closed.config.ledger_dummy_minutes.max(1));
    loop {
        let (wait, count) = next_dummies(mean, &vault::SystemEntropy);
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(wait) => {
                // A locked node signs nothing, and nothing happens there that could be counted.
                let Some(node) = running.node().cloned() else { continue };
                let added = tokio::task::spawn_blocking(move || {
                    node.desk.forget_lapsed()?;
                    (0..count).try_for_each(|_| node.desk.record_dummy())
                })
                .await;
                if !matches!(added, Ok(Ok(()))) {
                    tracing::error!("the ledger took no entry; cases stand still until it does");
                }
            }
        }
    }
}

/// When the next empty entries come and how many: a Poisson process of the given mean, since its waiting times do not tell
/// what came between them.
fn next_dummies(mean: Duration, entropy: &dyn Entropy) -> (Duration, u32) {
    let mut bytes = [0; 5];
    entropy.fill(&mut bytes);
    let unit = (f64::from(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])) + 1.0) / 4_294_967_296.0;
    (mean.mul_f64(-unit.ln()), u32::from(bytes[4] % 8) + 1)
}

/// How often sign-ins that are over their time are forgotten. Between the end of a sign-in's time and this the owner's key
/// is still in memory.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// Forgets remembered sign-ins whose time is over, also on a node where nobody signs in any more, and looks after the keys.
async fn forget_sign_ins(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(FORGET_EVERY) => {
                let Some(node) = running.node().cloned() else { continue };
                let _ = tokio::task::spawn_blocking(move || {
                    node.mailroom.vault.forget_stale_sign_ins();
                    node.look_after_keys();
                })
                .await;
            }
        }
    }
}

/// How often deleted mail whose days are over is let go.
const EXPIRE_EVERY: Duration = Duration::from_secs(3600);

/// Lets go of what owners deleted longer ago than the configuration says; the first time a minute after the start.
async fn forget_deleted(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    let mut wait = Duration::from_secs(60);
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(wait) => {}
        }
        wait = EXPIRE_EVERY;
        let Some(node) = running.node().cloned() else { continue };
        let gone = tokio::task::spawn_blocking(move || node.mailroom.store.forget_deleted()).await;
        match gone {
            Ok(Ok(messages)) if messages > 0 => tracing::info!(messages, "deleted mail whose days were over is gone"),
            Ok(Err(error)) => tracing::error!(%error, "deleted mail is not let go; it is tried again in an hour"),
            _ => {}
        }
    }
}

/// How often the ledger and the desk are copied to the places for backups.
const FOLLOW_EVERY: Duration = Duration::from_secs(60);

/// Copies the ledger and the desk to the places for backups, all the time.
async fn follow_for_backups(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    if running.closed.config.backup_place.is_empty() {
        return;
    }
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(FOLLOW_EVERY) => {}
        }
        let Some(node) = running.node().cloned() else { continue };
        let followed = tokio::task::spawn_blocking(move || crate::backup::follow(&node)).await;
        if let Ok(Err(error)) = followed {
            tracing::error!(%error, "the ledger and the desk are not copied to the places for backups");
        }
    }
}

/// How often the vault is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long to wait before a vault that died is started once more, at most: it dies for a reason.
const RESTART_WAIT_MAX: Duration = Duration::from_secs(60);

/// Starts the vault's process again when it has died, and unlocks it when that needs nobody. Meanwhile the doors say "try
/// again". Sessions of before are over: their owners sign in again.
async fn watch_vault(running: Arc<Running>, mut shutdown: watch::Receiver<bool>) {
    let mut wait = LOOK_EVERY;
    loop {
        tokio::select! {
            () = doors::told(&mut shutdown) => return,
            () = tokio::time::sleep(wait) => {}
        }
        let node = running.clone();
        let looked = tokio::task::spawn_blocking(move || node.look_after_vault()).await;
        match looked {
            Ok(Ok(Looked::Well)) => wait = LOOK_EVERY,
            Ok(Ok(Looked::Restarted)) => {
                tracing::error!("the vault's process had died and was started again; look why");
                wait = (wait * 4).min(RESTART_WAIT_MAX);
            }
            Ok(Err(NodeError::Token(error))) => {
                tracing::error!("the node is locked: {error}");
                wait = (wait * 4).min(RESTART_WAIT_MAX);
            }
            Ok(Err(error)) => {
                tracing::error!("the vault is away: {error}");
                wait = (wait * 4).min(RESTART_WAIT_MAX);
            }
            Err(_) => return,
        }
    }
}
