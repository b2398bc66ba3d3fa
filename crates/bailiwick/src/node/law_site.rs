//! The law set in use, as the HTTP door shows it.

use desk::LawInUse;
use operations::node::NodeError;
use pages::law::LawSite;
use rules::{HomeFacts, LawSet};

/// The law set in use, as a book.
///
/// # Errors
/// The set does not load. Cases that cannot be read keep nobody from the rules: the book is then without cases, and the
/// debug log says why.
pub(super) fn book(LawInUse { files, adopted_by, signed }: LawInUse, home: &HomeFacts) -> Result<LawSite, NodeError> {
    let set = LawSet::load(&files)?;
    let open = |files: &[(String, String)]| LawSite::new(set.clone(), files, home.home.clone(), home.zone.clone());
    let book = open(&files).or_else(|errors| {
        tracing::error!("the pages of the law show no cases: {errors}");
        open(&[])
    });
    Ok(book?.signed(adopted_by, signed))
}
