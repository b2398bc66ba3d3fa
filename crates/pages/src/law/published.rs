//! The law site as a node publishes it below `/law/`, and the form that decides made-up facts.
//!
//! A page costs work, the form most of all, and anyone who reaches this site may ask. So requests with a query are counted,
//! and beyond a steady rate everybody waits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tokio::time::Instant;

use super::{LawSite, Medium, QUERY_BYTES_MAX};
use crate::web::error::PageError;

/// Made-up demands that are decided in one go: an afternoon of a busy counsel.
const QUESTIONS_MAX: u32 = 60;
/// How often one more may be asked: ten a second keep a hundredth of one core busy.
const QUESTION_EVERY: Duration = Duration::from_millis(100);

/// The law set in use, as a site. Adopting another set replaces it while the node serves.
#[derive(Debug)]
pub struct PublishedLaw {
    site: Mutex<Arc<LawSite>>,
    questions: Mutex<Questions>,
}

#[derive(Debug)]
struct Questions {
    left: u32,
    since: Option<Instant>,
}

impl PublishedLaw {
    /// Publishes a site.
    pub fn new(site: LawSite) -> Self {
        Self { site: Mutex::new(Arc::new(site)), questions: Mutex::new(Questions { left: QUESTIONS_MAX, since: None }) }
    }

    /// Publishes another site in its place: the set in use has changed.
    pub fn replace(&self, site: LawSite) {
        *self.site.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(site);
    }

    /// The site that is published now.
    pub fn site(&self) -> Arc<LawSite> {
        self.site.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
pub(crate) fn router(law: Arc<PublishedLaw>) -> Router {
    Router::new()
        .route("/law", get(|| async { Redirect::permanent("/law/") }))
        .route("/law/", get(|state, query| page(state, Path(String::new()), query)))
        .route("/law/{*page}", get(page))
        .with_state(law)
}

async fn page(
    State(law): State<Arc<PublishedLaw>>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let query = query.unwrap_or_default();
    if query.len() > QUERY_BYTES_MAX {
        return Err(PageError::QueryTooLong);
    }
    if !query.is_empty() && !law.may_ask(Instant::now()) {
        return Err(PageError::TooManyQuestions);
    }
    let page = law.site().page(&path, Medium::Served(&query)).ok_or(PageError::NoSuchPage)?;
    let status = if page.is_refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let mut response = (status, [(header::CONTENT_TYPE, page.media_type)], page.text).into_response();
    if let Some(cache) = page.cache {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn law() -> PublishedLaw {
        PublishedLaw::new(crate::law::tests::site())
    }

    #[tokio::test(start_paused = true)]
    async fn questions_are_rationed_and_come_back() {
        let law = law();
        let begin = Instant::now();
        assert_eq!((0..1000).filter(|_| law.may_ask(begin)).count(), QUESTIONS_MAX as usize);
        assert!(!law.may_ask(begin + QUESTION_EVERY / 2));
        assert!(law.may_ask(begin + QUESTION_EVERY));
        assert!(!law.may_ask(begin + QUESTION_EVERY));
        let later = begin + Duration::from_secs(86_400);
        assert_eq!((0..1000).filter(|_| law.may_ask(later)).count(), QUESTIONS_MAX as usize);
    }

    /// The status and the caching of an answer; its other headers are set around all pages (tests/it/routes.rs).
    async fn get(target: &str) -> (u16, Option<String>) {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query.to_owned())));
        let response = page(State(Arc::new(law())), Path(path.to_owned()), RawQuery(query)).await.into_response();
        let cache = response.headers().get(header::CACHE_CONTROL).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), cache)
    }

    #[tokio::test]
    async fn every_answer_says_how_it_went_and_what_a_cache_may_do() {
        let sheet = crate::web::assets::law_css().name();
        for (target, status, cache) in [
            ("", 200, Some("no-cache")),
            (sheet, 200, Some("public, max-age=31536000, immutable")),
            ("rule/no.such.rule.html", 404, None),
            (&format!("../{sheet}"), 404, None),
            ("what-if.html", 200, None),
            ("what-if.html?case=S03", 200, None),
            ("what-if.html?case=S999", 422, None),
            ("what-if.html?on=2016-02-30&i1=content", 422, None),
            (&format!("what-if.html?on={}", "9".repeat(QUERY_BYTES_MAX)), 414, None),
        ] {
            let shown = target.get(..target.len().min(60)).unwrap();
            assert_eq!(get(target).await, (status, cache.map(str::to_owned)), "{shown}");
        }
    }
}
