//! The pages of an owner: what they show, and nothing that decides.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use store::Usage;
use terms::UnixMillis;
use vault::{AccountGuard, AppPasswordInfo, CUSTODY_TABLE, Custody, CustodyRow, PendingReset, SessionInfo};

use super::Place;
use super::act::{CodeSecret, Done};

/// Who is looking: nobody, or the owner whose address this is, with the token of the session's forms.
pub(super) struct Visitor<'a> {
    pub address: &'a str,
    pub form: &'a str,
}

/// The form that signs in.
#[derive(Template)]
#[template(path = "account/sign-in.html")]
pub(super) struct SignInPage<'a> {
    pub place: &'a Place,
    /// What went wrong, or empty.
    pub fault: &'a str,
}

/// The form for a forgotten password.
#[derive(Template)]
#[template(path = "account/recover.html")]
pub(super) struct RecoverPage<'a> {
    pub place: &'a Place,
    /// What went wrong, or empty.
    pub fault: &'a str,
}

/// Everything of an owner.
#[derive(Template)]
#[template(path = "account/overview.html")]
pub(super) struct Overview<'a> {
    pub place: &'a Place,
    pub visitor: Visitor<'a>,
    pub guard: &'a AccountGuard,
    pub app_passwords: &'a [AppPasswordInfo],
    pub sessions: &'a [SessionInfo],
    /// The number of the session that looks.
    pub session: u32,
    pub reset: Option<PendingReset>,
    /// How much the mailboxes have, and may have.
    pub usage: Usage,
    /// For how many days what was deleted can be restored.
    pub restorable_days: u32,
}

impl Overview<'_> {
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

    /// How much there is, and may be.
    fn room(&self) -> String {
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

/// What was done.
#[derive(Template)]
#[template(path = "account/done.html")]
pub(super) struct DonePage<'a> {
    pub place: &'a Place,
    pub done: &'a Done,
}

/// The secret for an app, with the form that brings back a code of it.
#[derive(Template)]
#[template(path = "account/codes.html")]
pub(super) struct CodesPage<'a> {
    pub place: &'a Place,
    pub visitor: Visitor<'a>,
    pub made: &'a CodeSecret,
    pub fault: &'a str,
}

/// What was refused, with a way back.
#[derive(Template)]
#[template(path = "account/refused.html")]
pub(super) struct RefusedPage<'a> {
    pub place: &'a Place,
    pub words: &'a str,
}

/// A page as an answer.
pub(super) fn shown(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be made.\n").into_response(),
    }
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
