//! The doors of a running node, and how they close.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use ::doors::tls::InUse;
use ::doors::{Admission, Entry, Held, Shares, imap, smtp};
use operations::config::jurisdiction_name;
use pages::SiteConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::link::ParentLink;
use super::running::Running;
use super::{DRAIN, StartError, health, timers};
use crate::words::FromNode;

/// Opens every door, says so to the parent, and closes them when it says stop.
pub(super) async fn open_doors(
    node: Arc<Running>,
    identity: InUse,
    listeners: Vec<std::net::TcpListener>,
    link: &Arc<ParentLink>,
) -> Result<Instant, StartError> {
    let closed = &node.handle.closed;
    let config = &closed.config;
    let server_config = identity.server_config()?;
    let listeners = listeners.into_iter().map(taken).collect::<io::Result<Vec<_>>>()?;
    let [smtp_listener, lmtp_listener, imap_listener, imaps_listener, http_listener]: [TcpListener; 5] =
        listeners.try_into().map_err(|_| io::Error::other("its parent gives it other sockets than it knows"))?;

    let (stop, shutdown) = watch::channel(false);
    let mut doors = JoinSet::new();
    let mail = node.mail.clone();
    let shares = Shares {
        connections_max: config.connections_max,
        connections_per_peer_max: config.connections_per_peer_max,
        trusted_peers: config.trusted_peers.clone(),
        held: Held::new(config.message_size_bytes_max),
    };
    let smtp_config = |protocol| smtp::SmtpConfig {
        protocol,
        message_size_bytes_max: config.message_size_bytes_max,
        tls: Some(server_config.clone()),
        shares: shares.clone(),
    };
    doors.spawn(smtp::serve(smtp_listener, smtp_config(smtp::Protocol::Smtp), mail.clone(), shutdown.clone()));
    doors.spawn(smtp::serve(lmtp_listener, smtp_config(smtp::Protocol::Lmtp), mail.clone(), shutdown.clone()));
    let imap_config = |implicit_tls| imap::ImapConfig {
        tls: server_config.clone(),
        identity: identity.clone(),
        implicit_tls,
        message_size_bytes_max: config.message_size_bytes_max,
        loopback_without_tls: config.imap_loopback_without_tls,
        shares: shares.clone(),
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
    let admission = Admission::new(shares);
    let admit = move |peer| admission.enter(peer).inspect(Entry::has_worked);
    doors.spawn(async move {
        let _ = pages::serve(http_listener, page, admit, http_shutdown).await;
    });
    doors.spawn(timers::keep_cadence(node.clone(), shutdown.clone()));
    doors.spawn(timers::forget_sign_ins(node.clone(), shutdown.clone()));
    doors.spawn(timers::trim_memory(shutdown.clone()));
    doors.spawn(timers::wipe_unused(shutdown.clone()));
    doors.spawn(timers::forget_deleted(node.clone(), shutdown.clone()));
    doors.spawn(timers::reclaim_space(node.clone(), shutdown.clone()));
    doors.spawn(timers::follow_for_backups(node.clone(), shutdown.clone()));
    doors.spawn(health::watch_store(node.clone(), shutdown));

    let (told, stopped) = tokio::sync::oneshot::channel();
    let hearing = link.clone();
    // A thread of its own, since a read cannot be cancelled; it ends with the process.
    std::thread::Builder::new().name("parent".to_owned()).spawn(move || {
        hearing.listen(&node, &identity);
        drop(node);
        let _ = told.send(());
    })?;
    link.tell(0, &FromNode::Ready)?;
    let _ = stopped.await;
    tracing::info!("stopping");
    let ends = Instant::now() + DRAIN;
    let _ = stop.send(true);
    let _ = tokio::time::timeout_at(ends.into(), async { while doors.join_next().await.is_some() {} }).await;
    Ok(ends)
}

/// A listening socket that the parent has opened.
fn taken(listener: std::net::TcpListener) -> io::Result<TcpListener> {
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}
