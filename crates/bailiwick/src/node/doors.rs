//! The doors of a running node, and the signals that close them.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use doors::{Admission, control, imap, smtp, tls};
use operations::config::{Listen, jurisdiction_name};
use operations::node::{ClosedNode, Node};
use pages::SiteConfig;
use serde::{Deserialize, Serialize};
use terms::Jurisdiction;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::running::Running;
use super::{DRAIN, RunError, health, timers};

/// Opens every door, and closes them when it is told to stop.
pub(super) async fn open_doors(node: Arc<Running>, with_parent: bool, json: bool) -> Result<(), RunError> {
    let closed = &node.handle.closed;
    let config = &closed.config;
    let listen = config.listen;
    let tls =
        tls::Identity::load_or_create(closed.disk(), &closed.dir.join("tls"), &config.hostname, &durable::SystemClock)
            .map_err(|error| RunError::Tls(error.to_string()))?;
    let server_config = tls.server_config().map_err(|error| RunError::Tls(error.to_string()))?;
    let [smtp_listener, lmtp_listener, imap_listener, imaps_listener, http_listener] = [
        bind("smtp", listen.smtp).await?,
        bind("lmtp", listen.lmtp).await?,
        bind("imap", listen.imap).await?,
        bind("imaps", listen.imaps).await?,
        bind("http", listen.http).await?,
    ];
    let control_listener = control::bind(&Node::control_path(&closed.dir)).map_err(RunError::Control)?;

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
    let page = SiteConfig {
        name: config.name.clone(),
        jurisdiction: config.jurisdiction.to_string(),
        jurisdiction_name: jurisdiction_name(&config.jurisdiction),
        domains: config.domains.clone(),
        law: node.site.clone(),
        ledger_dir: closed.dir.join("ledger"),
        mail: mail.clone(),
        is_behind_tls_proxy: config.http_behind_tls_proxy,
    };
    let http_shutdown = shutdown.clone();
    let admission = Admission::new(doors::CONNECTIONS_MAX);
    doors.spawn(async move {
        let _ = pages::serve(http_listener, page, move |peer| admission.enter(peer), http_shutdown).await;
    });
    doors.spawn(control::serve(control_listener, node.clone(), shutdown.clone()));
    doors.spawn(timers::keep_cadence(node.clone(), shutdown.clone()));
    doors.spawn(timers::forget_sign_ins(node.clone(), shutdown.clone()));
    doors.spawn(timers::trim_memory(shutdown.clone()));
    doors.spawn(timers::forget_deleted(node.clone(), shutdown.clone()));
    doors.spawn(timers::reclaim_space(node.clone(), shutdown.clone()));
    doors.spawn(timers::follow_for_backups(node.clone(), shutdown.clone()));
    doors.spawn(health::watch_store(node.clone(), shutdown.clone()));
    doors.spawn(timers::watch_vault(node.clone(), shutdown));

    announce(closed, json)?;
    wait_for_the_end(with_parent).await;
    tracing::info!("stopping");
    let _ = stop.send(true);
    let _ = tokio::time::timeout(DRAIN, async { while doors.join_next().await.is_some() {} }).await;
    let _ = std::fs::remove_file(Node::control_path(&closed.dir));
    Ok(())
}

async fn bind(door: &'static str, address: SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => RunError::PortTaken { door, address },
        std::io::ErrorKind::PermissionDenied => RunError::PortDenied { door, address },
        _ => RunError::Port { door, address, error },
    })
}

/// The line of JSON of a node that is ready.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ready {
    jurisdiction: Jurisdiction,
    smtp: SocketAddr,
    lmtp: SocketAddr,
    imap: SocketAddr,
    imaps: SocketAddr,
    http: SocketAddr,
    /// The certificate that its clients trust.
    ca: PathBuf,
}

/// Says that the node is ready: a line for a person on standard error, or JSON for a parent on standard output.
fn announce(node: &ClosedNode, json: bool) -> Result<(), RunError> {
    let listen = node.config.listen;
    if json {
        let Listen { smtp, lmtp, imap, imaps, http } = listen;
        let jurisdiction = node.config.jurisdiction.clone();
        let ready = Ready { jurisdiction, smtp, lmtp, imap, imaps, http, ca: node.dir.join("tls").join("ca.pem") };
        let line = serde_json::to_string(&ready).map_err(|error| RunError::Output(error.into()))?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{line}").and_then(|()| out.flush()).map_err(RunError::Output)
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
