//! The law below `/law/`: the pages of a [`Book`], and the form that decides made-up facts.
//!
//! A page costs work, the form most of all, and whoever reaches this door may ask. So questions are counted, and beyond a
//! steady rate everybody waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as UrlPath, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tokio::time::Instant;

use super::{Book, QUERY_BYTES_MAX, Reader};

/// No script, no picture from elsewhere, no frame; the one sheet of styles and the form are this door's own.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Made-up facts that are decided in one go: an afternoon of a busy counsel.
const QUESTIONS_MAX: u32 = 60;
/// How often one more may be asked: ten a second keep a hundredth of one core busy.
const QUESTION_EVERY: Duration = Duration::from_millis(100);

/// The book that is open at this door. Adopting a set replaces it while the door stands open.
#[derive(Debug)]
pub struct Lectern {
    book: Mutex<Arc<Book>>,
    questions: Mutex<Questions>,
}

#[derive(Debug)]
struct Questions {
    left: u32,
    since: Option<Instant>,
}

impl Lectern {
    /// Opens a book.
    pub fn new(book: Book) -> Self {
        Self { book: Mutex::new(Arc::new(book)), questions: Mutex::new(Questions { left: QUESTIONS_MAX, since: None }) }
    }

    /// Opens another book in its place: the set in use has changed.
    pub fn open(&self, book: Book) {
        *self.book.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(book);
    }

    /// The book that is open.
    pub fn book(&self) -> Arc<Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether one more question may be asked at `now`.
    fn may_ask(&self, now: Instant) -> bool {
        let mut questions = self.questions.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *questions.since.get_or_insert(now);
        let earned = now.saturating_duration_since(since).as_millis() / QUESTION_EVERY.as_millis();
        let earned = u32::try_from(earned).unwrap_or(QUESTIONS_MAX).min(QUESTIONS_MAX);
        if earned > 0 {
            questions.left = questions.left.saturating_add(earned).min(QUESTIONS_MAX);
            questions.since = Some(now);
        }
        let Some(left) = questions.left.checked_sub(1) else { return false };
        questions.left = left;
        true
    }
}

/// The pages of the law.
pub(crate) fn router(lectern: Arc<Lectern>) -> Router {
    Router::new()
        .route("/law", get(|| async { Redirect::permanent("/law/") }))
        .route("/law/", get(|state, query| page(state, UrlPath(String::new()), query)))
        .route("/law/{*page}", get(page))
        .with_state(lectern)
}

async fn page(
    State(lectern): State<Arc<Lectern>>,
    UrlPath(path): UrlPath<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    if query.len() > QUERY_BYTES_MAX {
        return guarded(
            (StatusCode::URI_TOO_LONG, "The form is too long. Leave out what is not known.\n").into_response(),
        );
    }
    if !query.is_empty() && !lectern.may_ask(Instant::now()) {
        let again = [(header::RETRY_AFTER, "1")];
        return guarded(
            (StatusCode::TOO_MANY_REQUESTS, again, "Too many questions at once; ask again.\n").into_response(),
        );
    }
    let Some(page) = lectern.book().page(&path, Reader::Served(&query)) else {
        return guarded((StatusCode::NOT_FOUND, "The law has no such page. Try /law/\n").into_response());
    };
    let status = if page.is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let cache = if page.is_answer { "no-store" } else { "no-cache" };
    guarded(
        (status, [(header::CONTENT_TYPE, page.media_type), (header::CACHE_CONTROL, cache)], page.text).into_response(),
    )
}

fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lectern() -> Lectern {
        let files = crate::law::tests::files();
        let law = rules::LawSet::load(&files).unwrap();
        Lectern::new(Book::new(law, &files, "IE".parse().unwrap(), "Europe/Dublin".to_owned()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn questions_are_rationed_and_come_back() {
        let lectern = lectern();
        let begin = Instant::now();
        assert_eq!((0..1000).filter(|_| lectern.may_ask(begin)).count(), QUESTIONS_MAX as usize);
        assert!(!lectern.may_ask(begin + QUESTION_EVERY / 2));
        assert!(lectern.may_ask(begin + QUESTION_EVERY));
        assert!(!lectern.may_ask(begin + QUESTION_EVERY));
        let later = begin + Duration::from_secs(86_400);
        assert_eq!((0..1000).filter(|_| lectern.may_ask(later)).count(), QUESTIONS_MAX as usize);
    }

    async fn get(lectern: Lectern, target: &str) -> Response {
        page_of(Arc::new(lectern), target).await
    }

    async fn page_of(lectern: Arc<Lectern>, target: &str) -> Response {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.to_owned())));
        page(State(lectern), UrlPath(path.to_owned()), RawQuery(query)).await
    }

    #[tokio::test]
    async fn every_answer_is_guarded_and_says_how_it_went() {
        for (target, status, cache) in [
            ("", 200, Some("no-cache")),
            ("law.css", 200, Some("no-cache")),
            ("rule/no.such.rule.html", 404, None),
            ("../law.css", 404, None),
            ("what-if.html", 200, Some("no-store")),
            ("what-if.html?case=S03", 200, Some("no-store")),
            ("what-if.html?case=S999", 422, Some("no-store")),
            ("what-if.html?on=2016-02-30&i1=content", 422, Some("no-store")),
            (&format!("what-if.html?on={}", "9".repeat(QUERY_BYTES_MAX)), 414, None),
        ] {
            let response = get(lectern(), target).await;
            let shown = target.get(..target.len().min(60)).unwrap();
            assert_eq!(response.status().as_u16(), status, "{shown}");
            let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(header(header::CACHE_CONTROL).as_deref(), cache, "{shown}");
            assert_eq!(header(header::CONTENT_SECURITY_POLICY).as_deref(), Some(POLICY), "{shown}");
            assert_eq!(header(header::X_CONTENT_TYPE_OPTIONS).as_deref(), Some("nosniff"), "{shown}");
            assert_eq!(header(header::REFERRER_POLICY).as_deref(), Some("no-referrer"), "{shown}");
        }
    }
}
