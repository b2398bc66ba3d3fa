//! The owner's pages below `/account`: where the mail lives and whose law reaches it, custody, and the secrets that protect
//! it. Plain forms, no script.
//!
//! ```text
//! request.rs   a form, read into one of a closed list of changes     decide
//! change.rs    the change, through the vault and the store           do
//! page.rs      the pages                                             say
//! ```
//!
//! A session's cookie shows the page; every change asks for the password again, and for a code where codes are on, so that
//! a stolen session cannot lock the owner out. The pages never mention holds (invariant 13) and always say that the law may require
//! copies that may not be mentioned.

mod change;
mod page;
mod request;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mailroom::lanes::{Lane, Sharer};
use mailroom::{Mailroom, MailroomGate};
use vault::{Attempt, OwnerProof, OwnerSecrets, Scopes, SessionToken};

use self::change::{Changed, Confirmation, Owner, SetupKey};
use self::page::{ConfirmationPage, OverviewPage, RecoverPage, SetupKeyPage, SignInPage, Viewer};
use self::request::ChangeRequest;
use crate::config::SiteConfig;
use crate::web::csrf::{self, SessionForm};
use crate::web::error::PageError;
use crate::web::form::{BODY_BYTES_MAX, PostedForm};
use crate::web::session::{Cookies, SESSION_MILLIS};
use crate::web::view::{self, Masthead, blocking};
use crate::web::visitor::{Visitor, browser_name};

/// How long a refused recovery code takes to be answered: longer than any part of the look-up, so that the time reveals
/// nothing.
const REFUSAL_TIME: Duration = Duration::from_millis(200);

struct AccountPages {
    mail: MailroomGate,
    is_behind_proxy: bool,
    masthead: Arc<Masthead>,
    cookies: Cookies,
}

/// The owner's pages.
pub(crate) fn router(config: &SiteConfig, masthead: Arc<Masthead>) -> Router {
    let pages = AccountPages {
        mail: config.mail.clone(),
        is_behind_proxy: config.is_behind_tls_proxy,
        cookies: Cookies::new(&masthead.jurisdiction, config.is_behind_tls_proxy),
        masthead,
    };
    let to_overview = || async { Redirect::to("/account") };
    Router::new()
        .route("/account", get(overview))
        .route("/account/", get(to_overview))
        .route("/account/sign-in", get(to_overview).post(sign_in))
        .route("/account/recover", get(recovery_form).post(recover))
        .route("/account/{change}", get(to_overview).post(change))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(Arc::new(pages))
}

/// `GET /account`: the overview of the owner who is signed in, else the sign-in form.
async fn overview(State(pages): State<Arc<AccountPages>>, headers: HeaderMap) -> Result<Response, PageError> {
    let (lane, sharer) = (pages.mail.lanes().store.clone(), pages.sharer(&headers));
    blocking(&lane, sharer, move || match pages.cookies.session(&headers) {
        None => pages.sign_in_page(None),
        Some(token) => pages.overview(&token).or_else(|error| pages.refuse(error)),
    })
    .await
}

/// `POST /account/sign-in`.
async fn sign_in(
    State(pages): State<Arc<AccountPages>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let (lane, sharer) = (pages.sign_ins(), pages.sharer(&headers));
    blocking(&lane, sharer, move || match pages.open_session(&headers, &body) {
        // To the page itself, so that a reload sends no password again.
        Ok(token) => with_cookie(Redirect::to("/account").into_response(), pages.cookies.give(&token)),
        Err(error) => pages.sign_in_page(Some(&error)),
    })
    .await
}

/// `GET /account/recover`: the form for a forgotten password.
async fn recovery_form(State(pages): State<Arc<AccountPages>>) -> Result<Response, PageError> {
    pages.recover_page(None)
}

/// `POST /account/recover`. Every refusal takes the same time, whatever was wrong, so that a stranger cannot learn whether an
/// account exists.
async fn recover(
    State(pages): State<Arc<AccountPages>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let refusal = tokio::time::sleep(REFUSAL_TIME);
    let (lane, sharer) = (pages.sign_ins(), pages.sharer(&headers));
    let response = blocking(&lane, sharer, move || {
        pages.recover(&headers, &body).or_else(|error| {
            pages.recover_page(Some(&match error {
                PageError::WrongCredentials => PageError::WrongRecoveryCode,
                error => error,
            }))
        })
    })
    .await;
    if !response.as_ref().is_ok_and(|response| response.status().is_success()) {
        refusal.await;
    }
    response
}

/// `POST /account/<change>`: every change of an owner who is signed in.
async fn change(
    State(pages): State<Arc<AccountPages>>,
    Path(change): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let (lane, sharer) = (pages.sign_ins(), pages.sharer(&headers));
    blocking(&lane, sharer, move || pages.change(&change, &headers, &body).or_else(|error| pages.refuse(error))).await
}

impl AccountPages {
    /// The mailroom, unless the node is locked.
    fn mailroom(&self) -> Result<&Mailroom, PageError> {
        self.mail.mailroom().ok_or(PageError::Unavailable)
    }

    /// Where Argon2id is computed: a change asks for the password, too.
    fn sign_ins(&self) -> Lane {
        self.mail.lanes().sign_ins.clone()
    }

    /// In whose turn a request is answered.
    fn sharer(&self, headers: &HeaderMap) -> Sharer {
        Sharer::stranger(Visitor::of(headers, self.is_behind_proxy).of_sign_in())
    }

    /// Who tries to sign in, and from where.
    fn attempt(&self, headers: &HeaderMap, form: &PostedForm) -> Result<Attempt, PageError> {
        Ok(Attempt {
            claim: self.mailroom()?.claim(form.text("address").trim())?,
            scope: Scopes::PAGES,
            network: Visitor::of(headers, self.is_behind_proxy).of_sign_in(),
        })
    }

    fn open_session(&self, headers: &HeaderMap, body: &[u8]) -> Result<SessionToken, PageError> {
        let form = csrf::posted(headers, body)?;
        let attempt = self.attempt(headers, &form)?;
        let (password, code) = (form.secret("password"), form.code("code"));
        let browser = browser_name(headers);
        let vault = &self.mailroom()?.vault;
        Ok(vault.open_session(&attempt, &password, code.as_ref(), &browser, SESSION_MILLIS)?.0)
    }

    /// Sets a new password with a recovery code.
    fn recover(&self, headers: &HeaderMap, body: &[u8]) -> Result<Response, PageError> {
        let form = csrf::posted(headers, body)?;
        let new = request::new_password(&form)?;
        let attempt = self.attempt(headers, &form)?;
        self.mailroom()?.vault.recover_as(&attempt, &form.code("code").unwrap_or_else(|| "".into()), &new)?;
        self.confirm(&change::recovered())
    }

    /// Whose session it is, and what can be revoked.
    fn owner(&self, token: &SessionToken) -> Result<(Owner, OwnerSecrets), PageError> {
        let (account, session, secrets) = self.mailroom()?.vault.session_secrets(token)?;
        // An account that was closed has no keys, so that it does not come here.
        let record = self.mailroom()?.store.account(account).map_err(|_| PageError::SessionOver)?;
        let address = record.addresses.first().map(ToString::to_string).unwrap_or_default();
        Ok((Owner { account, session, address }, secrets))
    }

    fn overview(&self, token: &SessionToken) -> Result<Response, PageError> {
        let (owner, secrets) = self.owner(token)?;
        let mailroom = self.mailroom()?;
        view::html(&OverviewPage {
            masthead: &self.masthead,
            viewer: Viewer { address: &owner.address, form: &csrf::form_token(token) },
            guard: &mailroom.vault.account_guard(owner.account)?,
            app_passwords: &secrets.app_passwords,
            sessions: &secrets.sessions,
            session: owner.session,
            reset: mailroom.vault.pending_reset(owner.account)?,
            usage: mailroom.store.usage(owner.account).map_err(|_| PageError::Unavailable)?,
            restorable_days: mailroom.store.policy().restorable_days,
        })
    }

    fn change(&self, change: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response, PageError> {
        let token = self.cookies.session(headers).ok_or(PageError::SessionOver)?;
        let (owner, _) = self.owner(&token)?;
        let form = SessionForm::check(&token, csrf::posted(headers, body)?)?;
        let request = ChangeRequest::read(change, &form).ok_or(PageError::NoSuchPage)??;
        if matches!(request, ChangeRequest::SignOut) {
            self.mailroom()?.vault.leave_session(&token)?;
        }
        let network = Visitor::of(headers, self.is_behind_proxy).of_proof();
        let proof = OwnerProof { password: form.secret("password"), code: form.code("code"), network };
        // A code that was mistyped is typed again beside the same key.
        let same_key = match &request {
            ChangeRequest::CodesOn { secret, .. } => Some(SetupKey::new(&owner.address, secret.clone())),
            _ => None,
        };
        let form_token = csrf::form_token(&token);
        let setup_page = |key: &SetupKey, error: Option<&PageError>| {
            let viewer = Viewer { address: &owner.address, form: &form_token };
            said(error, &SetupKeyPage { masthead: &self.masthead, viewer, key, error: message(error) })
        };
        match (change::apply(self.mailroom()?, &owner, &proof, request), same_key) {
            (Ok(Changed::Confirmed(confirmation)), _) => self.confirm(&confirmation),
            (Ok(Changed::SetupKey(key)), _) => setup_page(&key, None),
            (Err(error @ (PageError::Invalid(_) | PageError::WrongCredentials)), Some(key)) => {
                setup_page(&key, Some(&error))
            }
            (Err(error), _) => Err(error),
        }
    }

    fn confirm(&self, confirmation: &Confirmation) -> Result<Response, PageError> {
        let page = view::html(&ConfirmationPage { masthead: &self.masthead, confirmation })?;
        if confirmation.ends_session { with_cookie(page, self.cookies.take()) } else { Ok(page) }
    }

    fn sign_in_page(&self, error: Option<&PageError>) -> Result<Response, PageError> {
        said(error, &SignInPage { masthead: &self.masthead, error: message(error) })
    }

    fn recover_page(&self, error: Option<&PageError>) -> Result<Response, PageError> {
        said(error, &RecoverPage { masthead: &self.masthead, error: message(error) })
    }

    /// Where the session is over, the form that signs in; else the error page.
    fn refuse(&self, error: PageError) -> Result<Response, PageError> {
        match error {
            PageError::SessionOver => with_cookie(self.sign_in_page(Some(&error))?, self.cookies.take()),
            error => Err(error),
        }
    }
}

fn message(error: Option<&PageError>) -> &str {
    error.map_or("", PageError::message)
}

/// A page with what went wrong on it, and with its status.
fn said(error: Option<&PageError>, page: &impl askama::Template) -> Result<Response, PageError> {
    let page = view::html(page)?;
    Ok(match error {
        Some(error) => error.on(page),
        None => page,
    })
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Result<Response, PageError> {
    response.headers_mut().insert(header::SET_COOKIE, cookie.ok_or(PageError::Internal)?);
    Ok(response)
}
