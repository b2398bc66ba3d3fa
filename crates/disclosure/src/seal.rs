//! Making a package, in one pass: of each item written, only its line in the listing is kept in memory.

use std::io::Write;

use aws_lc_rs::digest;
use ledger::Signer;
use serde::Serialize;
use terms::{Category, Digest};

use crate::DisclosureError;
use crate::bag::{self, Algorithm, BagWriter};
use crate::certificate::fill;
use crate::digests::{Digests, Metered};
use crate::key::AgeRecipient;
use crate::listing::{
    CUSTODY_FORMAT, Counts, Custody, CustodyLine, ITEMS_FORMAT, Listed, ListedFile, Listing, ListingOutcome,
    SIDECAR_FORMAT, Sidecar,
};
use crate::package::{Package, PackageItem, PackageOutcome, Scope};

/// Tells the recipient how to open and check the package with stock tools.
const README_TEXT: &str = include_str!("readme.txt");

/// A finished package.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Sealed {
    /// SHA-256 of the sealed file, for the ledger and the authority's receipt.
    pub sha256: Digest,
    pub size_bytes: u64,
    /// SHA-256 of `manifest-sha256.txt`: it identifies the payload and is the same each time that is sealed.
    pub manifest: Digest,
    /// Items in scope.
    pub in_scope: u64,
    /// Of these, produced.
    pub produced: u64,
    /// Of these, withheld.
    pub withheld: u64,
    /// Of these, failed.
    pub failed: u64,
}

/// Writes the package of `items` to `out`, sealed to `recipient` and signed by `signer`, whose key is the ledger's.
/// Making `out` durable is up to the caller; after an error what was written is unusable.
///
/// Checks everything that [`verify`](crate::verify()) checks of the same facts, so that no package is made that would
/// not verify.
///
/// # Errors
/// [`DisclosureError::Facts`] for facts that contradict each other, including items out of scope;
/// [`DisclosureError::Ledger`] for invalid proofs; [`DisclosureError::Collect`] for errors of `items`;
/// [`DisclosureError::Template`]; [`DisclosureError::Write`].
pub fn seal<E>(
    package: &Package,
    items: impl IntoIterator<Item = Result<PackageItem, E>>,
    signer: &dyn Signer,
    recipient: &AgeRecipient,
    out: impl Write,
) -> Result<Sealed, DisclosureError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let decision = sha256(&package.decision);
    check_facts(package, &decision)?;
    let checkpoint = match package.ledger.entries.first() {
        Some((_, receipt)) => receipt.checkpoint.as_str(),
        None => return Err(DisclosureError::Facts("there are no ledger entries".to_owned())),
    };

    let mut metered = Metered::new(out);
    let sealer = age::Encryptor::with_recipients(std::iter::once(recipient.inner()))
        .map_err(|error| DisclosureError::Facts(error.to_string()))?
        .wrap_output(&mut metered)
        .map_err(DisclosureError::Write)?;
    let mtime = u64::try_from(package.sealed_at.seconds()).unwrap_or(0);
    let mut bag = BagWriter::new(sealer, &package.name, mtime);

    put(&mut bag, bag::DECLARATION, bag::DECLARATION_TEXT.as_bytes())?;
    put(&mut bag, bag::README, README_TEXT.as_bytes())?;
    let mut counts = Counts::default();
    let mut listed = Vec::new();
    for (number, item) in (1..).zip(items) {
        let item = item.map_err(|error| DisclosureError::Collect(error.into()))?;
        let line = put_item(&mut bag, &package.scope, number, item)?;
        counts.add(line.outcome);
        listed.push(line);
    }
    let listing = Listing {
        format: ITEMS_FORMAT.to_owned(),
        home: package.home.clone(),
        case: package.case,
        demand: package.demand,
        decision,
        law: package.law,
        scope: package.scope.clone(),
        counts,
        items: listed,
    };
    let items = put(&mut bag, bag::ITEMS, &json(&listing)?)?;
    put(&mut bag, bag::DECISION, &package.decision)?;
    put(&mut bag, bag::DECISION_TEXT, package.decision_text.as_bytes())?;
    let custody = Custody {
        format: CUSTODY_FORMAT.to_owned(),
        steps: package.custody.iter().map(CustodyLine::from).collect(),
        sealed_at: package.sealed_at,
        sealed_at_utc: package.sealed_at.rfc3339(),
        sealed_to: recipient.to_string(),
    };
    put(&mut bag, bag::CUSTODY, &json(&custody)?)?;
    put(&mut bag, bag::CERTIFICATE, certificate(package, &listing, &items.sha256)?.as_bytes())?;
    put(&mut bag, bag::VKEY, format!("{}\n", package.ledger.verifier).as_bytes())?;
    put(&mut bag, bag::CHECKPOINT, checkpoint.as_bytes())?;
    for (opening, receipt) in &package.ledger.entries {
        put(&mut bag, &bag::body_path(receipt.index), &opening.body)?;
        put(&mut bag, &bag::salt_path(receipt.index), format!("{}\n", terms::hex(&opening.salt)).as_bytes())?;
        put(&mut bag, &bag::proof_path(receipt.index), receipt.to_tlog_proof().as_bytes())?;
    }

    let [sha256_manifest, sha512_manifest] = Algorithm::ALL
        .map(|algorithm| bag::manifest(algorithm, bag.files().iter().filter(|(path, _)| bag::is_payload(path))));
    put(&mut bag, Algorithm::Sha256.manifest(), sha256_manifest.as_bytes())?;
    put(&mut bag, Algorithm::Sha512.manifest(), sha512_manifest.as_bytes())?;
    let info = info(package, &listing, &bag.payload_oxum());
    put(&mut bag, bag::INFO, info.as_bytes())?;
    let statement = bag::statement(&package.name, bag.files());
    let signature = package.ledger.verifier.sign_note(&statement, signer).map_err(DisclosureError::Ledger)?;
    put(&mut bag, bag::SIGNATURE, signature.as_bytes())?;
    let tags = bag.files().clone();
    for algorithm in Algorithm::ALL {
        let manifest = bag::manifest(algorithm, tags.iter().filter(|(path, _)| !bag::is_payload(path)));
        put(&mut bag, algorithm.tag_manifest(), manifest.as_bytes())?;
    }
    bag.finish().and_then(age::stream::StreamWriter::finish).map_err(DisclosureError::Write)?;
    let (size_bytes, sealed) = metered.finish();
    Ok(Sealed {
        sha256: sealed,
        size_bytes,
        manifest: sha256(sha256_manifest.as_bytes()),
        in_scope: counts.in_scope,
        produced: counts.produced,
        withheld: counts.withheld,
        failed: counts.failed,
    })
}

fn put(bag: &mut BagWriter<impl Write>, path: &str, bytes: &[u8]) -> Result<Digests, DisclosureError> {
    bag.file(path, bytes).map_err(DisclosureError::Write)
}

/// Writes the files of an item and returns its line in the listing.
fn put_item(
    bag: &mut BagWriter<impl Write>,
    scope: &Scope,
    number: u64,
    item: PackageItem,
) -> Result<Listed, DisclosureError> {
    if let Some(why) = beyond(scope, &item) {
        return Err(DisclosureError::Facts(format!("item {number} {why}")));
    }
    let mut line = Listed {
        number,
        id: item.id,
        arrival: item.arrival,
        arrival_utc: item.arrival.map(terms::UnixMillis::rfc3339),
        outcome: ListingOutcome::Produced,
        original: None,
        sidecar: None,
        reason: None,
    };
    let (original, data) = match item.outcome {
        PackageOutcome::Message { original, sidecar } => (Some(original), sidecar),
        PackageOutcome::Data { sidecar } => (None, sidecar),
        PackageOutcome::Withheld { reason } => {
            return Ok(Listed { outcome: ListingOutcome::Withheld, reason: Some(reason), ..line });
        }
        PackageOutcome::Failed { reason } => {
            return Ok(Listed { outcome: ListingOutcome::Failed, reason: Some(reason), ..line });
        }
    };
    if let Some(bytes) = original {
        let path = bag::original_path(number);
        let digests = put(bag, &path, &bytes)?;
        line.original = Some(ListedFile { path, digests });
    }
    let sidecar = Sidecar {
        format: SIDECAR_FORMAT.to_owned(),
        number,
        id: line.id.clone(),
        original_sha256: line.original.as_ref().map(|file| file.digests.sha256.clone()),
        data,
    };
    let path = bag::sidecar_path(number);
    let digests = put(bag, &path, &json(&sidecar)?)?;
    line.sidecar = Some(ListedFile { path, digests });
    Ok(line)
}

/// Why an item does not belong in a package of this scope.
fn beyond(scope: &Scope, item: &PackageItem) -> Option<&'static str> {
    if item.arrival.is_some_and(|arrival| !scope.holds(arrival)) {
        return Some("arrived outside the ordered dates");
    }
    match item.outcome {
        PackageOutcome::Message { .. } if !scope.categories.contains(&Category::Content) => {
            Some("is content, which is not among the ordered categories")
        }
        PackageOutcome::Message { .. } if item.arrival.is_none() => Some("is a message without an arrival time"),
        _ => None,
    }
}

/// Checks the facts for consistency before anything is written.
fn check_facts(package: &Package, decision: &Digest) -> Result<(), DisclosureError> {
    let refuse = |why: &str| Err(DisclosureError::Facts(why.to_owned()));
    if !bag::is_name(&package.name) {
        return refuse("the name must be 1 to 64 characters of A-Z a-z 0-9 . _ - and begin with a letter or a digit");
    }
    for text in [&package.organization, &package.authority, &package.reference] {
        if text.trim().is_empty() || text.chars().any(terms::is_hidden) {
            return refuse("provider, authority and reference must be one line each and not empty");
        }
    }
    if package.scope.from >= package.scope.until || package.scope.categories.is_empty() {
        return refuse("the scope is empty");
    }
    if package.custody.is_empty() {
        return refuse("the chain of custody is empty");
    }
    let extract = &package.ledger;
    for (opening, receipt) in &extract.entries {
        ledger::verify_opening(opening, receipt, &extract.verifier).map_err(DisclosureError::Ledger)?;
    }
    let mut indexes: Vec<u64> = extract.entries.iter().map(|(_, receipt)| receipt.index).collect();
    indexes.sort_unstable();
    if indexes.windows(2).any(|pair| pair[0] == pair[1]) {
        return refuse("a ledger entry occurs twice");
    }
    if extract.entries.windows(2).any(|pair| pair[0].1.checkpoint != pair[1].1.checkpoint) {
        return refuse("the ledger proofs lead to different checkpoints; get them together, with Log::receipts");
    }
    let names = |digest: &Digest| extract.entries.iter().any(|(opening, _)| bag::names(&opening.body, digest));
    if !names(&package.demand) {
        return refuse("no ledger entry contains the SHA-256 of the demand");
    }
    if !names(decision) {
        return refuse("no ledger entry contains the SHA-256 of the decision's bytes");
    }
    Ok(())
}

fn certificate(package: &Package, listing: &Listing, items_sha256: &str) -> Result<String, DisclosureError> {
    let counts = &listing.counts;
    let given = &package.certificate;
    fill(
        &given.template,
        &[
            ("package", &package.name),
            ("home", package.home.as_str()),
            ("case", &package.case.to_string()),
            ("organization", &package.organization),
            ("authority", &package.authority),
            ("reference", &package.reference),
            ("sealed_at", &package.sealed_at.rfc3339()),
            ("from", &package.scope.from.rfc3339()),
            ("until", &package.scope.until.rfc3339()),
            ("in_scope", &counts.in_scope.to_string()),
            ("produced", &counts.produced.to_string()),
            ("withheld", &counts.withheld.to_string()),
            ("failed", &counts.failed.to_string()),
            ("items_sha256", items_sha256),
            ("demand_sha256", &listing.demand.to_string()),
            ("decision_sha256", &listing.decision.to_string()),
            ("ledger", &package.ledger.verifier.to_string()),
            ("custodian", &given.custodian),
            ("title", &given.title),
            ("system", &given.system),
            ("process", &given.process),
        ],
    )
}

/// `bag-info.txt` (section 2.2.2 of the RFC), with labels of our own after the reserved ones.
fn info(package: &Package, listing: &Listing, payload_oxum: &str) -> String {
    let sealed_at = package.sealed_at.rfc3339();
    let day = sealed_at.split('T').next().unwrap_or_default();
    let case = format!("{}/{}", package.home, package.case);
    let counts = &listing.counts;
    let lines: [(&str, &str); 16] = [
        ("Source-Organization", &package.organization),
        ("External-Identifier", &package.reference),
        ("External-Description", "Mail and records produced in response to a legal demand"),
        ("Bagging-Date", day),
        ("Payload-Oxum", payload_oxum),
        ("Bag-Software-Agent", concat!("bailiwick ", env!("CARGO_PKG_VERSION"))),
        ("Bailiwick-Case", &case),
        ("Bailiwick-Authority", &package.authority),
        ("Bailiwick-Sealed-At", &sealed_at),
        ("Bailiwick-Demand-SHA256", &listing.demand.to_string()),
        ("Bailiwick-Decision-SHA256", &listing.decision.to_string()),
        ("Bailiwick-Law-SHA256", &listing.law.to_string()),
        ("Bailiwick-Items-In-Scope", &counts.in_scope.to_string()),
        ("Bailiwick-Items-Produced", &counts.produced.to_string()),
        ("Bailiwick-Items-Withheld", &counts.withheld.to_string()),
        ("Bailiwick-Items-Failed", &counts.failed.to_string()),
    ];
    lines.iter().map(|(label, value)| format!("{label}: {value}\n")).collect()
}

fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    Digest(out)
}

/// Indented JSON with a final newline.
fn json(value: &impl Serialize) -> Result<Vec<u8>, DisclosureError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| DisclosureError::Facts(error.to_string()))?;
    bytes.push(b'\n');
    Ok(bytes)
}
