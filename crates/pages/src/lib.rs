//! The HTTP door: one page that says what this node is, the law that it decides by, the ledger's files exactly as C2SP
//! tlog-tiles serves them, and below `/account` the pages of an owner.
//!
//! Nothing but the owner's pages needs a sign-in, and nothing but them names a person: the ledger's leaves are salted
//! commitments. The door speaks plain HTTP and therefore listens on loopback only; the configuration refuses anything else.

mod account;
mod connection;
pub mod law;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path as UrlPath, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use mailroom::Opening;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use self::account::AccountPages;
use self::connection::Visits;
pub use self::law::Lectern;

/// What the page says, and where the ledger's files lie.
#[derive(Clone)]
pub struct HttpConfig {
    /// The operator's name for the node.
    pub name: String,
    /// The jurisdiction code, e.g. `IE`.
    pub jurisdiction: String,
    /// The jurisdiction in words, e.g. `Ireland`.
    pub jurisdiction_name: String,
    /// The domains that live here.
    pub domains: Vec<String>,
    /// The law set in use, open for reading below `/law/`.
    pub law: Arc<Lectern>,
    /// The directory that the ledger writes.
    pub ledger_dir: PathBuf,
    /// Tells whether the node is locked.
    pub mail: Opening,
    /// The pages of an owner, below `/account`.
    pub account: AccountPages,
}

#[derive(Template)]
#[template(path = "node.html")]
struct NodePage<'a> {
    config: &'a HttpConfig,
    locked: bool,
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

/// Serves until `shutdown` turns true. `admit` gives a peer its place, which is held as long as the connection lasts;
/// without one nothing is read. Errors are the listener's own.
pub async fn serve<E: Send + Unpin + 'static>(
    listener: TcpListener,
    config: HttpConfig,
    admit: impl Fn(IpAddr) -> Option<E> + Send + 'static,
    mut shutdown: watch::Receiver<bool>,
) -> std::io::Result<()> {
    axum::serve(Visits::new(listener, admit), router(config))
        .with_graceful_shutdown(async move {
            let _ = shutdown.wait_for(|stop| *stop).await;
        })
        .await
}

/// The pages and files of this door.
fn router(config: HttpConfig) -> Router {
    let law = law::published::router(config.law.clone());
    let place = account::Place {
        name: config.name.clone(),
        jurisdiction: config.jurisdiction.clone(),
        jurisdiction_name: config.jurisdiction_name.clone(),
    };
    let account = account::router(config.account.clone(), place);
    Router::new()
        .route("/", get(page))
        .route("/ledger/{*file}", get(ledger_file))
        .fallback(|| async { (StatusCode::NOT_FOUND, "There is no such page here. Try /\n") })
        .with_state(Arc::new(config))
        .merge(law)
        .merge(account)
}

async fn page(State(config): State<Arc<HttpConfig>>) -> Response {
    let vkey = std::fs::read_to_string(config.ledger_dir.join("vkey")).unwrap_or_default();
    let page = NodePage {
        checkpoint: Checkpoint::read(&config.ledger_dir),
        law_digest: config.law.book().digest(),
        config: &config,
        locked: config.mail.mailroom().is_none(),
        vkey,
    };
    match page.render() {
        Ok(html) => guarded(Html(html).into_response()),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "The page could not be made.\n").into_response(),
    }
}

/// No script, no frame, no reference to anything outside.
fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn ledger_file(State(config): State<Arc<HttpConfig>>, UrlPath(file): UrlPath<String>) -> Response {
    let Some((kind, cache)) = public_file(&file) else {
        return (StatusCode::NOT_FOUND, "No such file in the ledger.\n").into_response();
    };
    match tokio::fs::read(config.ledger_dir.join(&file)).await {
        Ok(bytes) => {
            let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)];
            guarded((headers, bytes).into_response())
        }
        Err(_) => (StatusCode::NOT_FOUND, "No such file in the ledger.\n").into_response(),
    }
}

/// The content type and caching of a public ledger file; `None` for every other path. The names are the closed set of
/// C2SP tlog-tiles: `checkpoint`, `vkey`, `keys`, `tile/<level or entries>/<xNNN/>*NNN[.p/W]`.
fn public_file(file: &str) -> Option<(&'static str, &'static str)> {
    const FOR_EVER: &str = "public, max-age=31536000, immutable";
    if ["checkpoint", "vkey", "keys"].contains(&file) {
        return Some(("text/plain; charset=utf-8", "no-cache"));
    }
    let mut parts = file.strip_prefix("tile/")?.split('/').peekable();
    let level = parts.next()?;
    if level != "entries" && !(level.len() <= 2 && level.parse::<u8>().is_ok_and(|n| n < 64)) {
        return None;
    }
    parts.peek()?;
    let digits = |text: &str| text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
    while let Some(part) = parts.next() {
        let more = parts.peek().is_some();
        let fine = match (part.strip_prefix('x'), part.strip_suffix(".p")) {
            (Some(rest), _) => more && digits(rest),
            (None, Some(rest)) => {
                let width = parts.next()?;
                digits(rest) && parts.peek().is_none() && width.parse::<u8>().is_ok_and(|n| n > 0)
            }
            (None, None) => !more && digits(part),
        };
        if !fine {
            return None;
        }
    }
    Some(("application/octet-stream", FOR_EVER))
}

#[cfg(test)]
mod tests {
    use super::public_file;

    #[test]
    fn only_the_ledgers_own_names() {
        for good in [
            "checkpoint",
            "vkey",
            "keys",
            "tile/0/000",
            "tile/0/x001/234",
            "tile/entries/000.p/17",
            "tile/1/x001/x002/003.p/255",
        ] {
            assert!(public_file(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "..",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "tile/0/../../x",
            "tile/0/x001",
            "tile/0/000/000",
            "tile/0/000.p",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/1/2",
            "tile/64/000",
            "tile/secret/000",
            "../vault/service.key",
            "checkpoint/x",
        ] {
            assert!(public_file(bad).is_none(), "{bad}");
        }
    }
}
