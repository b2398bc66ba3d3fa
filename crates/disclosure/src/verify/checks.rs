//! The checks. Each is a function from the contents to its finding; the table below gives the order.

use std::collections::BTreeSet;

use ledger::{Checkpoint, KeyHistory, Opening, Receipt, Verifier};
use serde::de::DeserializeOwned;
use terms::Digest;

use super::Check;
use super::contents::Contents;
use crate::bag::{self, Algorithm};
use crate::listing::{CUSTODY_FORMAT, Counts, Custody, ITEMS_FORMAT, Listed, ListedFile, Listing, ListingOutcome};

type Finding = Result<String, String>;

/// The contents, and what several checks need from them.
struct Case<'c> {
    contents: &'c Contents,
    /// The home's key: as given by the caller, or else from the package.
    key: Result<Verifier, String>,
    key_given: bool,
    /// If the key has since been replaced: the most entries that it may have signed.
    retired_at: Option<u64>,
    listing: Result<Listing, String>,
    openings: Result<Vec<Opening>, String>,
}

/// A name for the report, and the check.
type Named = (&'static str, fn(&Case) -> Finding);

const CHECKS: &[Named] = &[
    ("bag", declaration),
    ("tag files", tag_files),
    ("payload", payload),
    ("key", key),
    ("signature", signature),
    ("ledger", ledger),
    ("items", items),
    ("scope", scope),
    ("demand", demand),
    ("decision", decision),
    ("custody", custody),
    ("certificate", certificate),
];

pub(super) fn all(contents: &Contents, key: Option<&Verifier>, history: &KeyHistory) -> Vec<Check> {
    let own = || -> Result<Verifier, String> {
        let text = contents.text(bag::VKEY)?;
        text.strip_suffix('\n').unwrap_or(text).parse().map_err(|error| format!("{}: {error}", bag::VKEY))
    };
    let listing = json::<Listing>(contents, bag::ITEMS).and_then(|listing| match listing.format == ITEMS_FORMAT {
        true => Ok(listing),
        false => Err(format!("{} has the unknown format {}", bag::ITEMS, listing.format)),
    });
    // A key of the same home, earlier or later than the given one.
    let related = |own: &Verifier| key.is_none_or(|key| history.leads(own, key) || history.leads(key, own));
    let key_of_package = own().ok().filter(related);
    let case = Case {
        contents,
        retired_at: key_of_package.as_ref().and_then(|key| history.size_max(key)),
        key: key_of_package.or_else(|| key.cloned()).map_or_else(own, Ok),
        key_given: key.is_some(),
        listing,
        openings: openings(contents),
    };
    CHECKS.iter().map(|(name, check)| Check { name, finding: check(&case) }).collect()
}

fn json<T: DeserializeOwned>(contents: &Contents, path: &str) -> Result<T, String> {
    serde_json::from_slice(contents.bytes(path)?).map_err(|error| format!("{path} cannot be read: {error}"))
}

fn demand_that(ok: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if ok { Ok(()) } else { Err(why()) }
}

/// RFC 8493 sections 2.1.1 and 2.2.2.
fn declaration(case: &Case) -> Finding {
    let contents = case.contents;
    demand_that(contents.text(bag::DECLARATION)? == bag::DECLARATION_TEXT, || {
        format!("{} does not declare a BagIt 1.0 bag in UTF-8", bag::DECLARATION)
    })?;
    let oxum = bag::payload_oxum(&contents.files);
    demand_that(contents.info("Payload-Oxum")? == oxum, || {
        format!("the payload is {oxum} (bytes.files), but {} states another size", bag::INFO)
    })?;
    let sealed_at = contents.info("Bailiwick-Sealed-At")?;
    if let Some(mtime) = contents.mtime {
        let moment = terms::UnixMillis(i64::try_from(mtime).unwrap_or(i64::MAX).saturating_mul(1000));
        demand_that(moment.rfc3339() == sealed_at, || "the tar file and the bag have different times".to_owned())?;
    }
    Ok(format!("BagIt 1.0, sealed at {sealed_at}, payload {oxum}"))
}

/// Section 2.2.1: the tag manifests name every tag file but themselves.
fn tag_files(case: &Case) -> Finding {
    let files = || {
        let files = case.contents.files.iter();
        files.filter(|(path, _)| !bag::is_payload(path) && !bag::is_tag_manifest(path))
    };
    let names: Vec<&str> = files().map(|(path, _)| path.as_str()).collect();
    let mut expected = [&bag::SIGNED[..], &[bag::SIGNATURE]].concat();
    expected.sort_unstable();
    demand_that(names == expected, || format!("the tag files are {names:?}, but should be {expected:?}"))?;
    for algorithm in Algorithm::ALL {
        fits(case.contents, algorithm.tag_manifest(), &bag::manifest(algorithm, files()))?;
    }
    Ok(format!("{} tag files match their manifests (SHA-256, SHA-512)", names.len()))
}

/// Section 2.1.3: both manifests name every payload file and nothing else.
fn payload(case: &Case) -> Finding {
    let files = || case.contents.files.iter().filter(|(path, _)| bag::is_payload(path));
    for algorithm in Algorithm::ALL {
        fits(case.contents, algorithm.manifest(), &bag::manifest(algorithm, files()))?;
    }
    Ok(format!("{} files match both manifests (SHA-256, SHA-512)", files().count()))
}

/// Compares a manifest with what it must be; if it differs, names the files concerned.
fn fits(contents: &Contents, path: &str, expected: &str) -> Result<(), String> {
    let found = contents.text(path)?;
    if found == expected {
        return Ok(());
    }
    let (found, expected): (BTreeSet<&str>, BTreeSet<&str>) = (found.lines().collect(), expected.lines().collect());
    let of = |line: &&str| line.split_once("  ").map_or((*line).to_owned(), |(_, path)| path.to_owned());
    let paths: BTreeSet<String> = found.symmetric_difference(&expected).map(of).collect();
    match paths.len() {
        0 => Err(format!("{path} is not in canonical form")),
        _ => Err(format!("{path} does not match: {}", paths.into_iter().take(5).collect::<Vec<_>>().join(", "))),
    }
}

fn key(case: &Case) -> Finding {
    let key = case.key.as_ref()?;
    demand_that(case.contents.text(bag::VKEY)? == format!("{key}\n"), || {
        format!("the package was made under a key other than {key}")
    })?;
    Ok(match case.key_given {
        true if case.retired_at.is_some() => format!("{key}, which is in the home's published key history"),
        true => format!("{key}, as given"),
        false => format!("{key}: taken from the package itself; compare it with the one that the home publishes"),
    })
}

fn signature(case: &Case) -> Finding {
    let contents = case.contents;
    let signed = case.key.as_ref()?.verify_note(contents.text(bag::SIGNATURE)?).map_err(|error| error.to_string())?;
    let name = bag::statement_name(signed).ok_or("it is not a signature over a package")?;
    demand_that(signed == bag::statement(name, &contents.files), || "it covers other manifests".to_owned())?;
    demand_that(contents.name.as_deref().is_none_or(|folder| folder == name), || {
        format!("the package was called {name}")
    })?;
    Ok(format!("package {name}: manifests and description are signed by the home"))
}

/// The openings in the package, by the index in their file names.
fn openings(contents: &Contents) -> Result<Vec<Opening>, String> {
    let indexes = contents.kept.keys().filter_map(|path| {
        let index: u64 = path.strip_prefix("data/ledger/")?.strip_suffix(".salt")?.parse().ok()?;
        (bag::salt_path(index) == *path).then_some(index)
    });
    indexes.map(|index| opening(contents, index)).collect()
}

fn opening(contents: &Contents, index: u64) -> Result<Opening, String> {
    let path = bag::salt_path(index);
    let salt = contents.text(&path)?.strip_suffix('\n').and_then(terms::unhex);
    let salt = salt.and_then(|salt| salt.try_into().ok()).ok_or_else(|| format!("{path} is not a salt"))?;
    Ok(Opening { salt, body: contents.bytes(&bag::body_path(index))?.to_vec() })
}

/// Every opening is an entry of the home's ledger, under the package's checkpoint.
fn ledger(case: &Case) -> Finding {
    let (contents, key) = (case.contents, case.key.as_ref()?);
    let note = contents.text(bag::CHECKPOINT)?;
    let checkpoint = Checkpoint::verify(note, key).map_err(|error| format!("{}: {error}", bag::CHECKPOINT))?;
    demand_that(case.retired_at.is_none_or(|size_max| checkpoint.size <= size_max), || {
        format!("{} covers more entries than this key signed before it was retired", bag::CHECKPOINT)
    })?;
    let mut expected: BTreeSet<String> = [bag::VKEY, bag::CHECKPOINT].map(str::to_owned).into();
    let mut proven = 0;
    for path in contents.kept.keys().filter(|path| path.ends_with(".tlog-proof")) {
        let receipt = Receipt::from_tlog_proof(contents.text(path)?).map_err(|error| format!("{path}: {error}"))?;
        let opening = opening(contents, receipt.index)?;
        demand_that(*path == bag::proof_path(receipt.index) && receipt.checkpoint == note, || {
            format!("{path} proves a different entry or leads to a different checkpoint")
        })?;
        ledger::verify_opening(&opening, &receipt, key).map_err(|error| format!("{path}: {error}"))?;
        expected.extend([bag::proof_path, bag::body_path, bag::salt_path].map(|path| path(receipt.index)));
        proven += 1;
    }
    let found = contents.files.keys().filter(|path| path.starts_with("data/ledger/"));
    if let Some(stray) = found.into_iter().find(|path| !expected.contains(*path)) {
        return Err(format!("{stray} has no proof"));
    }
    demand_that(proven > 0, || "it contains no ledger entries".to_owned())?;
    Ok(format!(
        "entries of this case: {proven}, each proven to be in the ledger {} ({} entries)",
        key.name(),
        checkpoint.size
    ))
}

/// Every item in scope is accounted for, and every file belongs to an item.
fn items(case: &Case) -> Finding {
    let listing = case.listing.as_ref()?;
    let mut counts = Counts::default();
    let mut listed_files = BTreeSet::new();
    for (number, item) in (1..).zip(&listing.items) {
        demand_that(item.number == number, || format!("item {number} is numbered {}", item.number))?;
        item_fits(case.contents, item).map_err(|why| format!("item {number} {why}"))?;
        counts.add(item.outcome);
        listed_files.extend([&item.original, &item.sidecar].into_iter().flatten().map(|file| file.path.as_str()));
    }
    demand_that(counts == listing.counts, || "the counts do not match the items".to_owned())?;
    let stray = case.contents.files.keys().find(|path| {
        (path.starts_with("data/messages/") || path.starts_with("data/sidecar/"))
            && !listed_files.contains(path.as_str())
    });
    if let Some(path) = stray {
        return Err(format!("{path} belongs to no item"));
    }
    for (label, count) in [
        ("Bailiwick-Items-In-Scope", counts.in_scope),
        ("Bailiwick-Items-Produced", counts.produced),
        ("Bailiwick-Items-Withheld", counts.withheld),
        ("Bailiwick-Items-Failed", counts.failed),
    ] {
        demand_that(case.contents.info(label)? == count.to_string(), || {
            format!("{label} is {count} according to the listing")
        })?;
    }
    let Counts { in_scope, produced, withheld, failed } = counts;
    Ok(format!("{in_scope} in scope: {produced} produced, {withheld} withheld, {failed} failed"))
}

fn item_fits(contents: &Contents, item: &Listed) -> Result<(), String> {
    let text = item.arrival.map(terms::UnixMillis::rfc3339);
    demand_that(item.arrival_utc == text, || "has two different arrival times".to_owned())?;
    if item.outcome != ListingOutcome::Produced {
        return demand_that(item.original.is_none() && item.sidecar.is_none() && item.reason.is_some(), || {
            "is not produced, so it must have a reason and no files".to_owned()
        });
    }
    let file_fits = |file: &ListedFile, path: String| {
        demand_that(file.path == path && contents.files.get(&path) == Some(&file.digests), || {
            format!("does not match {}", file.path)
        })
    };
    if let Some(original) = &item.original {
        file_fits(original, bag::original_path(item.number))?;
    }
    let sidecar = item.sidecar.as_ref().ok_or("has no sidecar")?;
    file_fits(sidecar, bag::sidecar_path(item.number))?;
    let says = contents.sidecars.get(&sidecar.path).ok_or("has a sidecar that cannot be read")?;
    let original = item.original.as_ref().map(|file| &file.digests.sha256);
    demand_that(says.number == item.number && says.id == item.id && says.original_sha256.as_ref() == original, || {
        "has another item's sidecar".to_owned()
    })
}

/// Nothing was produced beyond what was ordered.
fn scope(case: &Case) -> Finding {
    let listing = case.listing.as_ref()?;
    let scope = &listing.scope;
    for item in &listing.items {
        demand_that(item.arrival.is_none_or(|arrival| scope.holds(arrival)), || {
            format!("item {} arrived outside the ordered dates", item.number)
        })?;
        let ordered = scope.categories.contains(&terms::Category::Content) && item.arrival.is_some();
        demand_that(item.original.is_none() || ordered, || {
            format!("item {} is content, which was not ordered", item.number)
        })?;
    }
    let categories: Vec<&str> = scope.categories.iter().map(|category| category.as_str()).collect();
    Ok(format!(
        "all items are within the dates {} to {}; categories: {}",
        scope.from,
        scope.until,
        categories.join(", ")
    ))
}

/// A digest is the same in the listing, in the bag's description, and in a ledger entry.
fn anchored(case: &Case, what: &str, digest: &Digest, label: &str) -> Result<(), String> {
    demand_that(case.contents.info(label)? == digest.to_string(), || {
        format!("{} and {} have different digests of the {what}", bag::INFO, bag::ITEMS)
    })?;
    let openings = case.openings.as_ref()?;
    demand_that(openings.iter().any(|opening| bag::names(&opening.body, digest)), || {
        format!("no ledger entry in the package contains the digest of the {what}")
    })
}

fn demand(case: &Case) -> Finding {
    let listing = case.listing.as_ref()?;
    anchored(case, "demand", &listing.demand, "Bailiwick-Demand-SHA256")?;
    let reference = case.contents.info("External-Identifier")?;
    Ok(format!("SHA-256 {}, reference {reference}, recorded in the ledger", listing.demand))
}

fn decision(case: &Case) -> Finding {
    let listing = case.listing.as_ref()?;
    let file = case.contents.files.get(bag::DECISION).ok_or_else(|| format!("{} is missing", bag::DECISION))?;
    demand_that(file.sha256 == listing.decision.to_string(), || {
        format!("{} is not the decision named in the listing", bag::DECISION)
    })?;
    case.contents.text(bag::DECISION_TEXT)?;
    anchored(case, "decision", &listing.decision, "Bailiwick-Decision-SHA256")?;
    demand_that(case.contents.info("Bailiwick-Law-SHA256")? == listing.law.to_string(), || {
        format!("{} and {} name different law sets", bag::INFO, bag::ITEMS)
    })?;
    Ok(format!("SHA-256 {}, recorded in the ledger, under the law set {}", listing.decision, listing.law))
}

fn custody(case: &Case) -> Finding {
    let custody: Custody = json(case.contents, bag::CUSTODY)?;
    demand_that(custody.format == CUSTODY_FORMAT, || format!("{} has an unknown format", bag::CUSTODY))?;
    demand_that(!custody.steps.is_empty(), || "it is empty".to_owned())?;
    let sealed_at = custody.sealed_at.rfc3339();
    demand_that(case.contents.info("Bailiwick-Sealed-At")? == sealed_at && custody.sealed_at_utc == sealed_at, || {
        format!("{} and {} have different sealing times", bag::CUSTODY, bag::INFO)
    })?;
    demand_that(custody.steps.iter().all(|step| step.at_utc == step.at.rfc3339()), || {
        "an event has two different times".to_owned()
    })?;
    Ok(format!("events: {}; sealed to {}", custody.steps.len(), custody.sealed_to))
}

fn certificate(case: &Case) -> Finding {
    let listing = case.contents.files.get(bag::ITEMS).ok_or_else(|| format!("{} is missing", bag::ITEMS))?;
    demand_that(case.contents.text(bag::CERTIFICATE)?.contains(&listing.sha256), || {
        format!("it does not contain the SHA-256 of {}", bag::ITEMS)
    })?;
    Ok(format!("contains the SHA-256 of {}; it proves nothing until a person has signed it", bag::ITEMS))
}
