//! What can go wrong with a request: each error with its status and its sentence, and the page that says it.
//!
//! A handler returns `Result<_, PageError>`. The response carries the error, and one layer around the pages turns it, and
//! what axum itself refuses, into the error page: handlers know neither statuses nor markup.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use vault::{OwnerError, VaultError};

use super::form::FormError;
use super::view::{self, Masthead};

/// Why a request was not answered as asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PageError {
    /// The address or the body cannot be decoded.
    Malformed,
    /// No Host field, or more than one.
    NoHost,
    NoSuchPage,
    MethodNotAllowed,
    BodyTooLarge,
    QueryTooLong,
    NotAForm,
    /// Another site's page sent the form.
    ForeignForm,
    /// The form was not made for this session.
    StaleForm,
    /// What was typed cannot be used; the sentence says what to change.
    Invalid(String),
    /// There is no session, or it has ended.
    SessionOver,
    /// One answer for an unknown address, a wrong password and a wrong or missing code.
    WrongCredentials,
    WrongRecoveryCode,
    /// Too many wrong passwords; the sentence says how long to wait.
    SlowDown {
        message: String,
        retry_after_seconds: i64,
    },
    /// Too many made-up demands decided in a short time.
    TooManyQuestions,
    /// The node is locked, or its vault is away.
    Unavailable,
    /// Too much other work, of this visitor or in all.
    Busy,
    Internal,
}

impl PageError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Malformed | Self::NoHost => StatusCode::BAD_REQUEST,
            Self::NoSuchPage => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::QueryTooLong => StatusCode::URI_TOO_LONG,
            Self::NotAForm => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ForeignForm
            | Self::StaleForm
            | Self::SessionOver
            | Self::WrongCredentials
            | Self::WrongRecoveryCode => StatusCode::FORBIDDEN,
            Self::SlowDown { .. } | Self::TooManyQuestions => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The sentence for the person at the browser.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::Malformed => "The address or the form could not be read.",
            Self::NoHost => "The request must name one host.",
            Self::NoSuchPage => "There is no page at this address.",
            Self::MethodNotAllowed => "This address does not accept that kind of request.",
            Self::BodyTooLarge => "The form is too large.",
            Self::QueryTooLong => "The form is too long. Leave out what is not known.",
            Self::NotAForm => "This is not a form submission.",
            Self::ForeignForm => "The form was sent from another site. Nothing was changed.",
            Self::StaleForm => {
                "The form does not belong to your session. Nothing was changed. Reload the page and try again."
            }
            Self::Invalid(message) | Self::SlowDown { message, .. } => message,
            Self::SessionOver => "Your session has ended. Sign in again.",
            Self::WrongCredentials => {
                "The address, the password or the code is wrong. Each authenticator code works once; wait for the next one."
            }
            Self::WrongRecoveryCode => "The address or the recovery code is wrong. Each recovery code works once.",
            Self::TooManyQuestions => "Too many requests at once. Try again in a moment.",
            Self::Busy => "Too many people want something at once. Try again in a moment.",
            Self::Unavailable => "Mailboxes cannot be opened at the moment. Try again later.",
            Self::Internal => {
                "The server could not complete this. Try again; if it keeps failing, contact your provider."
            }
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NoSuchPage => "Page not found",
            Self::Unavailable | Self::Busy => "Temporarily unavailable",
            Self::Internal => "Something went wrong",
            _ => "Request not completed",
        }
    }

    fn retry_after_seconds(&self) -> Option<i64> {
        match self {
            Self::SlowDown { retry_after_seconds, .. } => Some(*retry_after_seconds),
            Self::TooManyQuestions => Some(1),
            // The queue for sign-ins, the slowest, is two seconds long.
            Self::Busy => Some(2),
            _ => None,
        }
    }

    /// Gives `page`, which says this error in its own way, the error's status and headers.
    pub(crate) fn on(&self, mut page: Response) -> Response {
        *page.status_mut() = self.status();
        if let Some(seconds) = self.retry_after_seconds() {
            page.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        page
    }

    /// What axum refused before a handler was asked.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NoSuchPage,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::BodyTooLarge,
            status if status.is_client_error() => Self::Malformed,
            _ => Self::Internal,
        }
    }
}

impl IntoResponse for PageError {
    /// The sentence as plain text, with the error beside it for [`pages`].
    fn into_response(self) -> Response {
        let mut response = self.on(format!("{}\n", self.message()).into_response());
        response.extensions_mut().insert(self);
        response
    }
}

impl From<FormError> for PageError {
    fn from(error: FormError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// The vault's refusal for the owner. Faults of the node come without what the vault says of its files.
impl From<VaultError> for PageError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Owner(OwnerError::WrongPassword | OwnerError::NoSuchAccount(_)) => Self::WrongCredentials,
            VaultError::Owner(OwnerError::NoSession) => Self::SessionOver,
            VaultError::Owner(OwnerError::SlowDown(millis)) => {
                Self::SlowDown { message: sentence(&error.to_string()), retry_after_seconds: millis / 1000 + 1 }
            }
            VaultError::EmptyPassphrase
            | VaultError::Owner(
                OwnerError::Name
                | OwnerError::Ends
                | OwnerError::TooManyAppPasswords
                | OwnerError::NoSuchSecret(_)
                | OwnerError::WrongCode,
            ) => Self::Invalid(sentence(&error.to_string())),
            VaultError::Owner(OwnerError::WrongRecoveryCode) => Self::WrongRecoveryCode,
            VaultError::Locked | VaultError::Away => Self::Unavailable,
            VaultError::Busy => Self::Busy,
            _ => Self::Internal,
        }
    }
}

/// An error's text as a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).chain(['.']).collect()).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    masthead: &'a Masthead,
    title: &'static str,
    message: &'a str,
    back: &'static str,
}

/// The layer that shows errors as pages. A page that a handler made itself passes as it is.
pub(crate) async fn pages(State(masthead): State<Arc<Masthead>>, request: Request, next: Next) -> Response {
    let back = match request.uri().path() {
        path if path.starts_with("/account") => "/account",
        path if path.starts_with("/law") => "/law/",
        _ => "/",
    };
    let response = next.run(request).await;
    let status = response.status();
    let error = match response.extensions().get::<PageError>() {
        Some(error) => error.clone(),
        None if view::is_html(&response) || !(status.is_client_error() || status.is_server_error()) => return response,
        None => PageError::of_status(status),
    };
    let page = ErrorPage { masthead: &masthead, title: error.title(), message: error.message(), back };
    let Ok(page) = view::html(&page) else { return response };
    // What the refusal said in its headers (Allow, Retry-After) stays.
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let (shown, body) = page.into_parts();
    parts.headers.extend(shown.headers);
    Response::from_parts(parts, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_vault_refuses_has_a_status_and_a_sentence() {
        for (error, status) in [
            (VaultError::Owner(OwnerError::WrongPassword), 403),
            (VaultError::Owner(OwnerError::WrongRecoveryCode), 403),
            (VaultError::Owner(OwnerError::NoSession), 403),
            (VaultError::Owner(OwnerError::WrongCode), 422),
            (VaultError::Owner(OwnerError::SlowDown(1500)), 429),
            (VaultError::Locked, 503),
            (VaultError::Away, 503),
            (VaultError::Busy, 503),
        ] {
            let error = PageError::from(error);
            assert_eq!(error.status().as_u16(), status, "{error:?}");
            let message = error.message();
            assert!(message.ends_with('.') && message.starts_with(char::is_uppercase), "{message}");
        }
        assert_eq!(PageError::from(VaultError::Owner(OwnerError::SlowDown(1500))).retry_after_seconds(), Some(2));
        assert_eq!(PageError::from(VaultError::Busy).retry_after_seconds(), Some(2));
    }
}
