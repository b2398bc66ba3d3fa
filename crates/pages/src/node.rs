//! The page that says what this node is, whose law governs it, and where its ledger stands.

use std::path::Path;
use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use mailroom::lanes::Sharer;

use crate::config::SiteConfig;
use crate::web::error::PageError;
use crate::web::view::{self, Masthead};

#[derive(Template)]
#[template(path = "node.html")]
struct NodePage<'a> {
    masthead: &'a Masthead,
    domains: &'a [String],
    is_locked: bool,
    checkpoint: Option<Checkpoint>,
    /// The ledger's verifier key in C2SP signed-note form, as it is published now: it can change while the node runs.
    vkey: String,
    law_digest: String,
}

/// The three lines of a C2SP checkpoint that a reader wants to see.
struct Checkpoint {
    origin: String,
    size: String,
    root: String,
}

impl Checkpoint {
    fn read(dir: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(dir.join("checkpoint")).ok()?;
        let mut lines = text.lines().map(str::to_owned);
        Some(Self { origin: lines.next()?, size: lines.next()?, root: lines.next()? })
    }
}

/// `GET /`.
pub(crate) async fn page(State(config): State<Arc<SiteConfig>>) -> Result<Response, PageError> {
    let lane = config.mail.lanes().store.clone();
    view::blocking(&lane, Sharer::Node, move || {
        view::html(&NodePage {
            masthead: &config.masthead(),
            domains: &config.domains,
            checkpoint: Checkpoint::read(&config.ledger_dir),
            vkey: std::fs::read_to_string(config.ledger_dir.join("vkey")).unwrap_or_default(),
            law_digest: config.law.site().digest(),
            is_locked: config.mail.mailroom().is_none(),
        })
    })
    .await
}
