//! The ledger's files over HTTP, as C2SP tlog-tiles names them. Their readers are programs: errors are plain text.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use mailroom::lanes::Sharer;

use crate::config::SiteConfig;
use crate::web::headers::{CACHE_FOR_GOOD, CACHE_REVALIDATE};

/// `GET /ledger/<file>`.
pub(crate) fn router(config: Arc<SiteConfig>) -> Router {
    Router::new().route("/ledger/{*file}", get(file)).with_state(config)
}

async fn file(State(config): State<Arc<SiteConfig>>, Path(file): Path<String>) -> Response {
    let no_such_file = || (StatusCode::NOT_FOUND, "The ledger has no such file.\n").into_response();
    let Some((kind, cache)) = public_file(&file) else { return no_such_file() };
    let path = config.ledger_dir.join(&file);
    let Ok(working) = config.mail.lanes().store.run(Sharer::Node, path, std::fs::read) else {
        let busy = "Too many requests at once. Try again in a moment.\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "2")], busy).into_response();
    };
    match working.await.unwrap_or_else(|_| Err(std::io::ErrorKind::Other.into())) {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)], bytes).into_response(),
        Err(_) => no_such_file(),
    }
}

/// The content type and caching of a public ledger file; `None` for every other path. The names are the closed set of
/// C2SP tlog-tiles: `checkpoint`, `vkey`, `keys`, `tile/<level or entries>/<xNNN/>*NNN[.p/W]`.
fn public_file(file: &str) -> Option<(&'static str, &'static str)> {
    if ["checkpoint", "vkey", "keys"].contains(&file) {
        return Some(("text/plain; charset=utf-8", CACHE_REVALIDATE));
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
    Some(("application/octet-stream", CACHE_FOR_GOOD))
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
