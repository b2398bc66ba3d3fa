//! The owner's pages below `/account`: where the mail lives and whose law reaches it, custody, and the secrets that guard
//! it. Plain forms, no script.
//!
//! ```text
//! visit.rs   what is known before any secret is tried: cookie, form token, network     decide
//! ask.rs     a form's octets, read into one of a closed list of acts                    decide
//! act.rs     the act, through the vault                                                 do
//! page.rs    the pages                                                                  say
//! ```
//!
//! A session's cookie shows the page; to change anything takes the password again, and a code where codes are on, so that a
//! stolen session locks nobody out. The pages never speak of holds (invariant 13) and always say that the law may require
//! copies that may not be mentioned.

mod act;
mod ask;
mod page;
mod visit;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as UrlPath, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mailroom::{Mailroom, Opening};
use terms::AccountId;
use vault::{Attempt, OwnerError, OwnerProof, OwnerSecrets, Scopes, SessionToken, VaultError};

use self::act::{CodeSecret, Done, Outcome};
use self::ask::{Ask, FORM_BYTES_MAX, Form};
use self::page::{CodesPage, DonePage, Overview, RecoverPage, RefusedPage, SignInPage, Visitor, shown};
use self::visit::{Cookies, Origin, SESSION_MILLIS, browser_name, form_token, is_form_of, is_from_here};

/// No script, no picture, no frame; the one sheet of styles and the forms are this door's own.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// After how long a recovery code is refused: more than any part of looking for it takes.
const REFUSAL_TIME: Duration = Duration::from_millis(200);

/// What the owner's pages need of the node.
#[derive(Clone)]
pub struct AccountPages {
    /// Where owners and their mail are known, once the node is unlocked.
    pub mail: Opening,
    /// A TLS proxy on this machine stands before the door: cookies are for TLS only, and the last address of the proxy's
    /// X-Forwarded-For is the visitor's. Without a proxy that header is the visitor's own word, and is not read.
    pub is_behind_proxy: bool,
}

impl fmt::Debug for AccountPages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountPages").field("is_behind_proxy", &self.is_behind_proxy).finish_non_exhaustive()
    }
}

/// What every page says of the node.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub name: String,
    pub jurisdiction: String,
    pub jurisdiction_name: String,
}

struct Room {
    mail: Opening,
    is_behind_proxy: bool,
    place: Place,
    cookies: Cookies,
}

/// The owner's pages.
pub(super) fn router(pages: AccountPages, place: Place) -> Router {
    let cookies = Cookies::new(&place.jurisdiction, pages.is_behind_proxy);
    let AccountPages { mail, is_behind_proxy } = pages;
    let back = || async { Redirect::to("/account") };
    Router::new()
        .route("/account", get(overview))
        .route("/account/", get(back))
        .route("/account/account.css", get(style))
        .route("/account/sign-in", get(back).post(sign_in))
        .route("/account/recover", get(recovery).post(recover))
        .route("/account/{act}", get(back).post(change))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(map_response(guarded))
        .with_state(Arc::new(Room { mail, is_behind_proxy, place, cookies }))
}

/// Nothing is kept by a browser or a proxy, nothing refers outside. The referrer goes to this door alone: with none at all a
/// browser would send forms with `Origin: null`.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    (kind, include_str!("../templates/account/account.css")).into_response()
}

/// Runs blocking work: the vault computes Argon2id and reads files.
async fn blocking(work: impl FnOnce() -> Response + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(response) => response,
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong here. Try again.\n").into_response(),
    }
}

/// `GET /account`: everything of an owner who is signed in, else the form that signs in.
async fn overview(State(room): State<Arc<Room>>, headers: HeaderMap) -> Response {
    blocking(move || match room.cookies.session(&headers) {
        None => room.sign_in_page(StatusCode::OK, ""),
        Some(token) => room.overview(&token).unwrap_or_else(|error| room.refused(&error)),
    })
    .await
}

/// `POST /account/sign-in`.
async fn sign_in(State(room): State<Arc<Room>>, headers: HeaderMap, body: Bytes) -> Response {
    blocking(move || {
        let form = match room.form(&headers, &body) {
            Ok(form) => form,
            Err((status, words)) => return room.sign_in_page(status, words),
        };
        match room.open_session(&headers, &form) {
            Ok(token) => with_cookie(to_overview(), room.cookies.give(&token)),
            Err(error) => {
                let (status, words) = in_words(&error);
                waits(room.sign_in_page(status, &words), &error)
            }
        }
    })
    .await
}

/// `GET /account/recover`: the form for a forgotten password.
async fn recovery(State(room): State<Arc<Room>>) -> Response {
    room.recover_page(StatusCode::OK, "")
}

/// `POST /account/recover`. A refusal comes after the same time, whatever was wrong: only the owner of an account has a code
/// to try, and nobody is told whether there is one.
async fn recover(State(room): State<Arc<Room>>, headers: HeaderMap, body: Bytes) -> Response {
    let refusal = tokio::time::sleep(REFUSAL_TIME);
    let response = blocking(move || match room.recover(&headers, &body) {
        Ok(response) => response,
        Err(error) => {
            let (status, words) = match error {
                VaultError::Owner(OwnerError::WrongRecoveryCode) | VaultError::Owner(OwnerError::NoSuchAccount(_)) => (
                    StatusCode::FORBIDDEN,
                    "The address or the recovery code is wrong. Each recovery code serves once.".to_owned(),
                ),
                error => in_words(&error),
            };
            room.recover_page(status, &words)
        }
    })
    .await;
    if !response.status().is_success() {
        refusal.await;
    }
    response
}

/// `POST /account/<act>`: every change of an owner who is signed in.
async fn change(
    State(room): State<Arc<Room>>,
    UrlPath(act): UrlPath<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    blocking(move || room.change(&act, &headers, &body).unwrap_or_else(|error| room.refused(&error))).await
}

impl Room {
    /// The form, when it is one and comes from here.
    fn form(&self, headers: &HeaderMap, body: &[u8]) -> Result<Form, (StatusCode, ask::Fault)> {
        if !is_from_here(headers) {
            return Err((StatusCode::FORBIDDEN, "This form came from another site, so nothing was done."));
        }
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if kind.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "This is no form."));
        }
        Form::read(body).map_err(|fault| (StatusCode::UNPROCESSABLE_ENTITY, fault))
    }

    /// The mailroom, unless the node is locked.
    fn mailroom(&self) -> Result<&Mailroom, VaultError> {
        self.mail.mailroom().ok_or(VaultError::Locked)
    }

    fn open_session(&self, headers: &HeaderMap, form: &Form) -> Result<SessionToken, VaultError> {
        let mailroom = self.mailroom()?;
        let attempt = Attempt {
            claim: mailroom.claim(form.text("address").trim())?,
            scope: Scopes::PAGES,
            network: Origin::of(headers, self.is_behind_proxy).of_sign_in(),
        };
        let (password, code) = (form.secret("password"), form.code("code"));
        let browser = browser_name(headers);
        let opened = mailroom.vault.open_session(&attempt, &password, code.as_ref(), &browser, SESSION_MILLIS)?;
        Ok(opened.0)
    }

    /// A new password by a recovery code.
    fn recover(&self, headers: &HeaderMap, body: &[u8]) -> Result<Response, VaultError> {
        let form = match self.form(headers, body) {
            Ok(form) => form,
            Err((status, words)) => return Ok(self.recover_page(status, words)),
        };
        let new = match ask::new_password(&form) {
            Ok(new) => new,
            Err(fault) => return Ok(self.recover_page(StatusCode::UNPROCESSABLE_ENTITY, fault)),
        };
        let mailroom = self.mailroom()?;
        let attempt = Attempt {
            claim: mailroom.claim(form.text("address").trim())?,
            scope: Scopes::PAGES,
            network: Origin::of(headers, self.is_behind_proxy).of_sign_in(),
        };
        mailroom.vault.recover_as(&attempt, &form.code("code").unwrap_or_else(|| "".into()), &new)?;
        Ok(self.done(&act::recovered()))
    }

    fn recover_page(&self, status: StatusCode, fault: &str) -> Response {
        shown(status, &RecoverPage { place: &self.place, fault })
    }

    /// Whose session it is: account, number, what can be revoked, and the first address.
    fn owner(&self, token: &SessionToken) -> Result<(AccountId, u32, OwnerSecrets, String), VaultError> {
        let (account, session, secrets) = self.mailroom()?.vault.session_secrets(token)?;
        // An account that was closed has no keys, so that it does not come here.
        let record = self.mailroom()?.store.account(account).map_err(|_| VaultError::Owner(OwnerError::NoSession))?;
        let address = record.addresses.first().map(ToString::to_string).unwrap_or_default();
        Ok((account, session, secrets, address))
    }

    fn overview(&self, token: &SessionToken) -> Result<Response, VaultError> {
        let (account, session, secrets, address) = self.owner(token)?;
        let guard = self.mailroom()?.vault.account_guard(account)?;
        let page = Overview {
            place: &self.place,
            visitor: Visitor { address: &address, form: &form_token(token) },
            guard: &guard,
            app_passwords: &secrets.app_passwords,
            sessions: &secrets.sessions,
            session,
            reset: self.mailroom()?.vault.pending_reset(account)?,
            usage: self.mailroom()?.store.usage(account).map_err(|_| VaultError::Away)?,
            restorable_days: self.mailroom()?.store.policy().restorable_days,
        };
        Ok(shown(StatusCode::OK, &page))
    }

    fn change(&self, act: &str, headers: &HeaderMap, body: &[u8]) -> Result<Response, VaultError> {
        let token = self.cookies.session(headers).ok_or(VaultError::Owner(OwnerError::NoSession))?;
        let (account, session, _, address) = self.owner(&token)?;
        let form = match self.form(headers, body) {
            Ok(form) => form,
            Err((status, words)) => return Ok(self.refused_page(status, words)),
        };
        if !is_form_of(&token, form.text("form")) {
            let words = "This form is not of your session, so nothing was done. Open the page again.";
            return Ok(self.refused_page(StatusCode::FORBIDDEN, words));
        }
        let ask = match Ask::read(act, &form) {
            None => return Ok(self.refused_page(StatusCode::NOT_FOUND, "There is no such page.")),
            Some(Err(fault)) => return Ok(self.refused_page(StatusCode::UNPROCESSABLE_ENTITY, fault)),
            Some(Ok(ask)) => ask,
        };
        if matches!(ask, Ask::SignOut) {
            self.mailroom()?.vault.leave_session(&token)?;
        }
        let network = Origin::of(headers, self.is_behind_proxy).of_proof();
        let proof = OwnerProof { password: form.secret("password"), code: form.code("code"), network };
        // A code of the app that was mistyped is typed again beside the same secret.
        let again = match &ask {
            Ask::CodesOn { secret, .. } => Some(CodeSecret::new(&address, secret.clone())),
            _ => None,
        };
        let form_again = form_token(&token);
        let visitor = || Visitor { address: &address, form: &form_again };
        match (act::act(self.mailroom()?, (account, session, &address), &proof, ask), again) {
            (Ok(Outcome::Done(done)), _) => Ok(self.done(&done)),
            (Ok(Outcome::CodeSecret(made)), _) => {
                let page = CodesPage { place: &self.place, visitor: visitor(), made: &made, fault: "" };
                Ok(shown(StatusCode::OK, &page))
            }
            (
                Err(error @ (VaultError::Owner(OwnerError::WrongCode) | VaultError::Owner(OwnerError::WrongPassword))),
                Some(made),
            ) => {
                let (status, fault) = in_words(&error);
                let page = CodesPage { place: &self.place, visitor: visitor(), made: &made, fault: &fault };
                Ok(shown(status, &page))
            }
            (Err(error), _) => Err(error),
        }
    }

    fn done(&self, done: &Done) -> Response {
        let page = shown(StatusCode::OK, &DonePage { place: &self.place, done });
        if done.is_over { with_cookie(page, self.cookies.take()) } else { page }
    }

    fn sign_in_page(&self, status: StatusCode, fault: &str) -> Response {
        shown(status, &SignInPage { place: &self.place, fault })
    }

    fn refused_page(&self, status: StatusCode, words: &str) -> Response {
        shown(status, &RefusedPage { place: &self.place, words })
    }

    fn refused(&self, error: &VaultError) -> Response {
        let (status, words) = in_words(error);
        match error {
            VaultError::Owner(OwnerError::NoSession) => {
                with_cookie(self.sign_in_page(status, &words), self.cookies.take())
            }
            _ => waits(self.refused_page(status, &words), error),
        }
    }
}

/// To the page itself, so that a reload sends no password again.
fn to_overview() -> Response {
    Redirect::to("/account").into_response()
}

fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    match cookie {
        Some(cookie) => {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
            response
        }
        None => (StatusCode::INTERNAL_SERVER_ERROR, "The session could not be given to the browser.\n").into_response(),
    }
}

fn waits(mut response: Response, error: &VaultError) -> Response {
    if let VaultError::Owner(OwnerError::SlowDown(millis)) = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(millis / 1000 + 1));
    }
    response
}

/// The vault's refusal in the words of the page. Faults of the node are told without what the vault says of its files.
fn in_words(error: &VaultError) -> (StatusCode, String) {
    match error {
        // One answer for an unknown address, a wrong password and a wrong or missing code.
        VaultError::Owner(OwnerError::WrongPassword) | VaultError::Owner(OwnerError::NoSuchAccount(_)) => (
            StatusCode::FORBIDDEN,
            "The address, the password or the code is wrong. Each code of an app serves once: wait for the next."
                .into(),
        ),
        VaultError::Owner(OwnerError::NoSession) => {
            (StatusCode::FORBIDDEN, "The session is over. Sign in again.".into())
        }
        VaultError::Owner(OwnerError::SlowDown(_)) => (StatusCode::TOO_MANY_REQUESTS, capital(&error.to_string())),
        VaultError::Owner(OwnerError::Name)
        | VaultError::Owner(OwnerError::Ends)
        | VaultError::Owner(OwnerError::TooManyAppPasswords)
        | VaultError::Owner(OwnerError::NoSuchSecret(_))
        | VaultError::EmptyPassphrase
        | VaultError::Owner(OwnerError::WrongCode) => (StatusCode::UNPROCESSABLE_ENTITY, capital(&error.to_string())),
        VaultError::Locked | VaultError::Away => {
            (StatusCode::SERVICE_UNAVAILABLE, "The node cannot open mailboxes at the moment. Try again later.".into())
        }
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "The node could not do this. Try again, or call the provider.".into()),
    }
}

/// A sentence of the vault's as a sentence of the page.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).chain(['.']).collect()).unwrap_or_default()
}
