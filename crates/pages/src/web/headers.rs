//! The headers of every response. One layer around the whole router sets them, so that no page, file, redirect or error
//! can be without.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::PageError;

/// No script, no picture, no frame. Styles come from this site's own files, and forms go back to this site.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What every response says. The referrer goes to this site alone: with none at all a browser would send forms with
/// `Origin: null`, and [`came_from_here`](super::csrf::came_from_here) could not tell them from forged ones.
const ALWAYS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Caching of a response that always has the same content under its name.
pub(crate) const CACHE_FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// Caching of a response that may be different next time, and is the same for everybody.
pub(crate) const CACHE_REVALIDATE: &str = "no-cache";

/// The layer that refuses a request without a Host field, or with two, of which a proxy and we might read different ones
/// (RFC 9112 section 3.2).
pub(crate) async fn one_host(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() >= Version::HTTP_11) {
        return PageError::NoHost.into_response();
    }
    next.run(request).await
}

/// The layer. Nothing is stored by a browser or a proxy unless the handler said that it may be.
pub(crate) async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
