//! What the owner's pages show, and nothing that decides.

use askama::Template;
use store::Usage;
use terms::UnixMillis;
use vault::{AccountGuard, AppPasswordInfo, CUSTODY_TABLE, Custody, CustodyRow, PendingReset, SessionInfo};

use super::change::{Confirmation, SetupKey};
use crate::web::view::Masthead;

/// The owner who is looking.
pub(super) struct Viewer<'a> {
    pub address: &'a str,
    /// The token of the session's forms.
    pub form: &'a str,
}

#[derive(Template)]
#[template(path = "account/sign-in.html")]
pub(super) struct SignInPage<'a> {
    pub masthead: &'a Masthead,
    /// What went wrong, or empty.
    pub error: &'a str,
}

/// The form for a forgotten password.
#[derive(Template)]
#[template(path = "account/recover.html")]
pub(super) struct RecoverPage<'a> {
    pub masthead: &'a Masthead,
    /// What went wrong, or empty.
    pub error: &'a str,
}

#[derive(Template)]
#[template(path = "account/overview.html")]
pub(super) struct OverviewPage<'a> {
    pub masthead: &'a Masthead,
    pub viewer: Viewer<'a>,
    pub guard: &'a AccountGuard,
    pub app_passwords: &'a [AppPasswordInfo],
    pub sessions: &'a [SessionInfo],
    /// The number of the session that looks.
    pub session: u32,
    pub reset: Option<PendingReset>,
    pub usage: Usage,
    /// For how many days what was deleted can be restored.
    pub restorable_days: u32,
}

impl OverviewPage<'_> {
    fn custodies(&self) -> [Custody; 3] {
        Custody::ALL
    }

    fn table(&self) -> &'static [CustodyRow] {
        CUSTODY_TABLE
    }

    fn is_mine(&self, custody: &Custody) -> bool {
        self.guard.custody == *custody
    }

    fn answer(&self, row: &CustodyRow, custody: &Custody) -> &'static str {
        row.of(*custody)
    }

    /// How much is used, and of how much.
    fn used(&self) -> String {
        let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1_000_000.0);
        let of = |most: Option<String>| most.map(|most| format!(" of {most}")).unwrap_or_default();
        let Usage { bytes, messages, bytes_max, messages_max, .. } = self.usage;
        let (bytes_max, messages_max) = (bytes_max.map(megabytes), messages_max.map(|most| most.to_string()));
        format!("{}{} in {messages}{} messages", megabytes(bytes), of(bytes_max), of(messages_max))
    }

    fn is_this(&self, session: &u32) -> bool {
        self.session == *session
    }
}

#[derive(Template)]
#[template(path = "account/confirmation.html")]
pub(super) struct ConfirmationPage<'a> {
    pub masthead: &'a Masthead,
    pub confirmation: &'a Confirmation,
}

/// The key for an authenticator app, with the form that brings back a code of it.
#[derive(Template)]
#[template(path = "account/setup-key.html")]
pub(super) struct SetupKeyPage<'a> {
    pub masthead: &'a Masthead,
    pub viewer: Viewer<'a>,
    pub key: &'a SetupKey,
    /// What went wrong, or empty.
    pub error: &'a str,
}

/// A day, as it is written everywhere here: `2026-11-25`.
fn day(at: &UnixMillis) -> String {
    at.rfc3339().chars().take(10).collect()
}

/// A minute in UTC: `2026-11-25 14:05 UTC`.
fn minute(at: &UnixMillis) -> String {
    let text = at.rfc3339();
    format!("{} {} UTC", text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default())
}
