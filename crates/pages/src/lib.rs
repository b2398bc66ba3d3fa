//! What a browser sees of a node: a page that says what it is, the law it decides by, the ledger's files exactly as C2SP
//! tlog-tiles serves them, and below `/account` the pages of a mailbox owner. Plain forms, no script.
//!
//! ```text
//! node.rs       GET /            what this node is
//! ledger.rs     GET /ledger/     the log's files, for programs
//! law.rs        GET /law/        the law site; `law render` writes the same pages into a directory
//! account.rs    /account         an owner's mailbox: where it is, who can open it, the secrets that protect it
//! web/          headers, errors, sessions, forged forms, reading of forms, style sheets: once, for all of them
//! ```
//!
//! Only the owner's pages need a sign-in, and only they name a person: the ledger's leaves are salted
//! commitments. The site speaks plain HTTP and therefore listens on loopback only, where a TLS proxy may be in front of it;
//! the configuration refuses any other address.
//!
//! # A new page
//!
//! 1. A template in `templates/`, extending `base.html`. No `style` attribute, no `<style>`, no script: the policy in
//!    `web/headers.rs` forbids them, and `tests/it/markup.rs` finds them. Styles go into `templates/site.css`.
//! 2. A struct with `#[derive(Template)]`, with a field `masthead` for `base.html`, and a handler
//!    `async fn … -> Result<Response, PageError>` that ends in `view::html(&page)`; `node.rs` is the shortest example. Work
//!    that waits for a disk or the vault goes inside `view::blocking`.
//! 3. A line `.route(…)` in the router of the part that it belongs to (`account.rs`, `law/published.rs`, or here).
//!    Headers and error pages are added to every route.
//! 4. What can go wrong is a variant of `PageError` (`web/error.rs`) with its status and its sentence. A page that accepts a
//!    form reads it with `csrf::posted`; one that changes an account takes a `SessionForm` and asks for the password again.
//! 5. A row in the table of `tests/it/routes.rs`: the test names every route that the table lacks, and calls each with right
//!    and wrong methods and broken forms.

mod account;
mod config;
pub mod law;
mod ledger;
mod node;
mod web;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use self::config::SiteConfig;
use self::web::connection::Connections;
use self::web::error::PageError;
use self::web::{assets, error, headers};

/// Serves until `shutdown` turns true. `admit` gives a peer its place, which is held as long as the connection lasts; a
/// peer that gets none is not read from.
///
/// # Errors
/// The listener's own.
pub async fn serve<P: Send + Unpin + 'static>(
    listener: TcpListener,
    config: SiteConfig,
    admit: impl Fn(IpAddr) -> Option<P> + Send + 'static,
    mut shutdown: watch::Receiver<bool>,
) -> std::io::Result<()> {
    axum::serve(Connections::new(listener, admit), router(config))
        .with_graceful_shutdown(async move {
            let _ = shutdown.wait_for(|stop| *stop).await;
        })
        .await
}

/// Everything that is served. The outermost layer sets the headers, so that nothing is answered without them; the ledger's
/// files are for programs and keep their plain-text errors.
fn router(config: SiteConfig) -> Router {
    let masthead = Arc::new(config.masthead());
    let config = Arc::new(config);
    Router::new()
        .route("/", get(node::page))
        .route("/assets/{name}", get(assets::serve))
        .with_state(config.clone())
        .merge(law::router(config.law.clone()))
        .merge(account::router(&config, masthead.clone()))
        .fallback(|| async { PageError::NoSuchPage })
        .layer(from_fn(headers::one_host))
        .layer(from_fn_with_state(masthead, error::pages))
        .merge(ledger::router(config).layer(from_fn(headers::one_host)))
        .layer(map_response(headers::secure))
}
