//! Collect and seal: what the clearance opens becomes a package, sealed to the authority's key.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use disclosure::{AgeRecipient, Certificate, CustodyStep, LedgerExtract, Package, PackageItem, PackageOutcome, Scope};
use durable::{AppendFile, Visibility};
use serde_json::json;
use terms::{CaseId, Category};
use vault::{Clearance, Order};

use crate::answer::opens_mail;
use crate::case::{Case, CaseState, EventKind, PackageRecord};
use crate::desk::Desk;
use crate::error::{DeskError, NotNow};
use crate::held::Held;
use crate::next::next_action;
use crate::proposal;
use crate::results::{CaseSummary, PackageSealed};

impl Desk {
    /// Collects what the case's clearance opens and seals the package. Durable when it returns: the package file, its
    /// digest in the ledger and in the case. The clearance is forgotten: a case has one package.
    ///
    /// # Errors
    /// A case that is not cleared (and what comes next), or whose package is sealed (and where it is); an expired
    /// clearance; the ledger's, the store's, the disk's. A package that was not completed is removed.
    pub fn collect(&self, id: CaseId) -> Result<PackageSealed, DeskError> {
        let _turn = self.turn();
        let sealed_before = self.load(id)?.state() == CaseState::Sealed;
        let mut case = self.resume(id)?;
        let path = self.package_path(&case);
        if case.state() == CaseState::Sealed && !sealed_before {
            // An earlier call sealed it and was interrupted before it could say so.
            return Ok(sealed(&case, &path));
        }
        let (order, clearance) = self.collectable(&case, &path)?;
        let held = if opens_mail(&order.categories) {
            self.held(case.id, order.account, order.from, order.until)?
        } else {
            Held { messages: Vec::new(), missing: Vec::new() }
        };
        let items = held.messages.len() + held.missing.len();
        self.record(&mut case, EventKind::Collect, json!({ "order": order.digest(), "items": items }))?;

        let made = self.seal(&case, &order, &clearance, &held, &path).and_then(|(sealed, messages)| {
            let statement = json!({
                "package": sealed.sha256,
                "manifest": sealed.manifest,
                "produced": sealed.produced,
                "withheld": sealed.withheld,
                "failed": sealed.failed,
            });
            let record = PackageRecord {
                file: package_file(&case),
                digest: sealed.sha256,
                size_bytes: sealed.size_bytes,
                messages,
                failed: sealed.failed,
            };
            self.record_with(&mut case, EventKind::Seal, statement, |case| case.package = Some(record))
        });
        if let Err(error) = made {
            // Unless the case file names the package: then the seal waits for its proof, which the next action obtains.
            if self.load(id).is_ok_and(|case| case.package.is_none()) {
                let _ = self.remove(&path);
            }
            return Err(error);
        }
        self.parts.vault.forget_clearance(order.digest())?;
        Ok(sealed(&case, &path))
    }

    fn collectable(&self, case: &Case, path: &Path) -> Result<(Order, Clearance), DeskError> {
        let (id, now) = (case.id, self.parts.clock.now());
        let error = match (case.state(), &case.order) {
            (CaseState::Cleared, Some(order)) => match self.kept_clearance(case)? {
                Some(clearance) => match proposal::not_before(&case.decision, now) {
                    None => return Ok((order.clone(), clearance)),
                    Some(wait) => DeskError::not_now(id, NotNow::NotBefore(wait.clone()), None),
                },
                None => DeskError::not_now(id, NotNow::NoClearance, next_action(case, false, now)),
            },
            (CaseState::Sealed, _) => DeskError::not_now(id, NotNow::AlreadySealed(path.display().to_string()), None),
            (CaseState::Refused, _) => DeskError::not_now(id, NotNow::LetterWritten, None),
            // Says what is next where there is nothing to approve.
            _ => match self.approvable(case) {
                Ok(_) => DeskError::not_now(id, NotNow::NotApproved, next_action(case, false, now)),
                Err(error) => error,
            },
        };
        Err(error)
    }

    /// Writes the package; returns what was made, and how many messages are in it. One message is in memory at a time.
    fn seal(
        &self,
        case: &Case,
        order: &Order,
        clearance: &Clearance,
        held: &Held,
        path: &Path,
    ) -> Result<(disclosure::Sealed, u64), DeskError> {
        let demand = rules::Demand::parse(&case.demand).map_err(|error| DeskError::Demand(error.to_string()))?;
        let recipient: AgeRecipient =
            demand.delivery.age_recipient.parse().map_err(|error| DeskError::Package(format!("{error}")))?;
        let package = self.package(case, order, demand)?;
        let messages = std::cell::Cell::new(0);
        let count = |item: &io::Result<PackageItem>| {
            if let Ok(PackageItem { outcome: PackageOutcome::Message { .. }, .. }) = item {
                messages.set(messages.get() + 1);
            }
        };
        let items = self.items(case, order, clearance, held).inspect(count);

        let file = |error| DeskError::file(path, error);
        let mut out = self.parts.disk.open_append(path, Visibility::Private).map_err(file)?;
        // What is left of a failed attempt is not a package.
        out.truncate(0).map_err(file)?;
        let mut writer = io::BufWriter::with_capacity(WRITE_BYTES, Appending(out));
        // By the key that signed the ledger head in it, even while that key is being replaced.
        let signer = self.parts.vault.signer_for(&package.ledger.verifier)?;
        let signer = signer
            .ok_or_else(|| DeskError::TryAgain("the node's signing key was just replaced; try again".to_owned()))?;
        let sealed = disclosure::seal(&package, items, signer.as_ref(), &recipient, &mut writer)
            .map_err(|error| DeskError::Package(error.to_string()))?;
        let mut out = writer.into_inner().map_err(|error| file(error.into_error()))?;
        out.0.sync().map_err(file)?;
        Ok((sealed, messages.get()))
    }

    /// The facts of the package, all but its items.
    fn package(&self, case: &Case, order: &Order, demand: rules::Demand) -> Result<Package, DeskError> {
        Ok(Package {
            name: package_name(case),
            home: self.parts.home.clone(),
            case: case.id,
            sealed_at: self.parts.clock.now(),
            organization: self.parts.node_name.clone(),
            authority: demand.authority.name,
            reference: demand.reference,
            demand: case.demand_digest,
            law: case.decision.law,
            scope: Scope {
                account: order.account,
                addresses: vec![case.subject.clone()],
                categories: order.categories.clone(),
                from: order.from,
                until: order.until,
            },
            decision: proposal::canonical(&case.decision)?,
            decision_text: rules::render_decision(&case.decision),
            custody: custody(case),
            ledger: self.ledger_extract(case)?,
            certificate: Certificate {
                template: self.parts.law.now().texts.certificate.clone(),
                custodian: String::new(),
                title: String::new(),
                system: format!(
                    "Bailiwick, version {}, at the node \"{}\".",
                    env!("CARGO_PKG_VERSION"),
                    self.parts.node_name
                ),
                process: if order.categories.contains(&Category::Content) {
                    "Each message was decrypted under a clearance approved by two officers and copied byte for byte, \
                     unconverted."
                } else {
                    "The records were read under a clearance approved by two officers; no message was opened."
                }
                .to_owned(),
            },
        })
    }

    /// The case's entries, proven against one checkpoint.
    fn ledger_extract(&self, case: &Case) -> Result<LedgerExtract, DeskError> {
        let indexes: Vec<u64> = case.events.iter().filter_map(|event| Some(event.receipt.as_ref()?.index)).collect();
        let receipts = self.parts.log.receipts(&indexes)?;
        let openings = case.events.iter().filter(|event| event.receipt.is_some()).map(|event| event.opening.clone());
        Ok(LedgerExtract { verifier: self.parts.log.verifier(), entries: openings.zip(receipts).collect() })
    }

    /// Where the case's package is, or will be.
    pub(crate) fn package_path(&self, case: &Case) -> PathBuf {
        self.dir("packages").join(package_file(case))
    }
}

/// The package is written in pieces of this size: few system calls, little memory.
const WRITE_BYTES: usize = 256 * 1024;

/// A growing file as a [`Write`].
struct Appending(Box<dyn AppendFile>);

impl Write for Appending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.append(&[bytes])?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn sealed(case: &Case, path: &Path) -> PackageSealed {
    PackageSealed {
        summary: CaseSummary::of(case),
        path: path.display().to_string(),
        failed: case.package.as_ref().map_or(0, |package| package.failed),
    }
}

fn package_name(case: &Case) -> String {
    format!("{}-case-{:06}", case.facts.home, case.id.0)
}

fn package_file(case: &Case) -> String {
    format!("{}.tar.age", package_name(case))
}

/// Who did what so far, for the package.
fn custody(case: &Case) -> Vec<CustodyStep> {
    let node = "the node";
    case.events
        .iter()
        .map(|event| {
            let (who, what) = match event.kind {
                EventKind::Demand => (node, "received the demand"),
                EventKind::Decision => (node, "decided the demand under the law set in use"),
                EventKind::Hold => (node, "placed a hold on the data described in the demand, as then stored"),
                EventKind::Order => (node, "drew up the order for approval"),
                EventKind::Approval => ("an officer", "approved the order, signing with their own key"),
                EventKind::Collect => (node, "opened the items covered by the clearance and copied them byte for byte"),
                EventKind::Seal => (node, "sealed the package"),
                EventKind::Letter => (node, "wrote a letter to the authority"),
            };
            let who = event.approval.as_ref().map_or_else(|| who.to_owned(), |a| format!("officer {}", a.officer));
            CustodyStep { at: event.at, who, what: what.to_owned() }
        })
        .collect()
}
