//! Templates as responses, and work that may wait, off the threads that serve connections.

use askama::Template;
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};

use super::assets;
use mailroom::lanes::{Lane, Sharer};

use super::error::PageError;

/// What the head of every page says of the node.
#[derive(Debug, Clone)]
pub(crate) struct Masthead {
    pub(crate) name: String,
    /// The code, e.g. `IE`.
    pub(crate) jurisdiction: String,
    /// In words, e.g. `Ireland`.
    pub(crate) jurisdiction_name: String,
}

impl Masthead {
    /// Where the styles of these pages are served.
    pub(crate) fn css(&self) -> &'static str {
        assets::site_css().path()
    }
}

/// A page, with status 200.
pub(crate) fn html(page: &impl Template) -> Result<Response, PageError> {
    page.render().map(|html| Html(html).into_response()).map_err(|_| PageError::Internal)
}

/// Whether a response is a page already.
pub(super) fn is_html(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Runs work that waits for a disk or the vault, in `lane` and in the turn of `sharer`.
pub(crate) async fn blocking<T: Send + 'static>(
    lane: &Lane,
    sharer: Sharer,
    work: impl FnOnce() -> Result<T, PageError> + Send + 'static,
) -> Result<T, PageError> {
    let working = lane.run(sharer, (), |()| work()).map_err(|()| PageError::Busy)?;
    working.await.unwrap_or(Err(PageError::Internal))
}
