//! The law set in use, as the HTTP door shows it.

use desk::LawInUse;
use operations::node::NodeError;
use pages::law::LawSite;
use rules::{HomeFacts, LawSet};

/// The law set in use, as a site.
///
/// # Errors
/// The set does not load. Cases that cannot be read keep nobody from the rules: the site is then without cases, and the
/// debug log says why.
pub(super) fn law_site(
    LawInUse { files, adopted_by, signed }: LawInUse,
    home: &HomeFacts,
) -> Result<LawSite, NodeError> {
    let set = LawSet::load(&files)?;
    let open = |files: &[(String, String)]| LawSite::new(set.clone(), files, home.home.clone(), home.zone.clone());
    let site = open(&files).or_else(|errors| {
        tracing::error!("the pages of the law show no cases: {errors}");
        open(&[])
    });
    Ok(site?.signed(adopted_by, signed))
}
