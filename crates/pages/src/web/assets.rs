//! The files that pages link to. A file's name has a digest of its content in it, so that a browser may keep it for good
//! and a new release is seen at once.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;

use super::error::PageError;
use super::headers::CACHE_FOR_GOOD;

/// Bytes of the digest in a name: enough that no two releases share one.
const DIGEST_BYTES: usize = 8;

/// The media type of style sheets.
pub(crate) const CSS: &str = "text/css; charset=utf-8";

/// A style sheet under a name of its content.
pub(crate) struct StyleSheet {
    name: String,
    path: String,
    text: &'static str,
}

impl StyleSheet {
    fn new(stem: &str, text: &'static str) -> Self {
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        let digest = digest.as_ref().get(..DIGEST_BYTES).unwrap_or_default();
        let name = format!("{stem}-{}.css", HEXLOWER.encode(digest));
        Self { path: format!("/assets/{name}"), name, text }
    }

    /// The name of the file, for pages in the same directory.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where this site serves it.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn text(&self) -> &'static str {
        self.text
    }
}

/// The styles of the node's page, the account pages and the error pages.
pub(crate) fn site_css() -> &'static StyleSheet {
    static SHEET: LazyLock<StyleSheet> =
        LazyLock::new(|| StyleSheet::new("site", include_str!("../../templates/site.css")));
    &SHEET
}

/// The styles of the law site, in the same directory as its pages, since those can be rendered as files.
pub(crate) fn law_css() -> &'static StyleSheet {
    static SHEET: LazyLock<StyleSheet> =
        LazyLock::new(|| StyleSheet::new("law", include_str!("../../templates/law/law.css")));
    &SHEET
}

/// `GET /assets/<name>`.
pub(crate) async fn serve(Path(name): Path<String>) -> Result<Response, PageError> {
    let sheet = site_css();
    if name != sheet.name() {
        return Err(PageError::NoSuchPage);
    }
    let headers = [(header::CONTENT_TYPE, CSS), (header::CACHE_CONTROL, CACHE_FOR_GOOD)];
    Ok((headers, sheet.text()).into_response())
}
