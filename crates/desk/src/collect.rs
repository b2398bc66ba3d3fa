//! Collect and seal: what the clearance opens becomes a package, sealed to the authority's key.

use std::io::{self, Write};
use std::path::Path;

use disclosure::{AgeRecipient, Certificate, CustodyStep, Item, LedgerExtract, Outcome, Package, Scope};
use durable::{AppendFile, Visibility};
use serde_json::json;
use store::ScopedMessage;
use terms::{CaseId, Category};
use vault::{Clearance, Order, Part};

use crate::case::PackageRecord;
use crate::{Case, Desk, DeskError, Kind, Said, State, proposal, show};

impl Desk {
    /// Collects what the case's clearance opens and seals the package. Durable when it returns: the package file, its
    /// digest in the ledger and in the case. The clearance is forgotten: a second collection needs new approvals.
    ///
    /// # Errors
    /// A case that is not cleared (and what comes next); an expired clearance; the ledger's, the store's, the disk's. What
    /// was written of a package that failed is overwritten by the next attempt.
    pub fn collect(&self, id: CaseId) -> Result<Said, DeskError> {
        let _turn = self.turn();
        let mut case = self.load(id)?;
        self.settle_records(&mut case)?;
        let (order, clearance) = self.collectable(&case)?;
        let scope = if proposal::opens_mail(&order.categories) {
            self.parts.store.scope(order.account, order.from, order.until)?
        } else {
            Vec::new()
        };
        self.record(&mut case, Kind::Collect, json!({ "order": order.digest(), "items": scope.len() }))?;

        let file = format!("{}.tar.age", package_name(&case));
        let path = self.parts.dir.join("packages").join(&file);
        let sealed = self.seal(&case, &order, &clearance, &scope, &path)?;
        let statement = json!({
            "package": sealed.sha256,
            "manifest": sealed.manifest,
            "produced": sealed.produced,
            "withheld": sealed.withheld,
            "failed": sealed.failed,
        });
        self.record(&mut case, Kind::Seal, statement)?;
        let records = u64::from(order.categories.contains(&Category::Subscriber));
        case.package = Some(PackageRecord {
            file,
            digest: sealed.sha256,
            size_bytes: sealed.size_bytes,
            messages: sealed.produced.saturating_sub(records),
        });
        self.save(&case)?;
        self.parts.vault.forget_clearance(order.digest())?;
        Ok(show::sealed(&case, &path.display().to_string(), sealed.failed))
    }

    fn collectable(&self, case: &Case) -> Result<(Order, Clearance), DeskError> {
        let id = case.id;
        match (case.state(), &case.order) {
            (State::Cleared, Some(order)) => Ok((order.clone(), self.clearance(case)?)),
            (State::Sealed, _) => Err(DeskError::NotNow("the package of this case is sealed already".to_owned())),
            (State::Refused, _) => Err(DeskError::NotNow("this case ended with a letter".to_owned())),
            _ => Err(DeskError::NotNow(format!(
                "two officers have not approved yet; `case approve {id} --officer NAME` is next"
            ))),
        }
    }

    /// Writes the package. One message is in memory at a time.
    fn seal(
        &self,
        case: &Case,
        order: &Order,
        clearance: &Clearance,
        scope: &[ScopedMessage],
        path: &Path,
    ) -> Result<disclosure::Sealed, DeskError> {
        let demand = rules::Demand::parse(&case.demand).map_err(|error| DeskError::Demand(error.to_string()))?;
        let recipient: AgeRecipient =
            demand.delivery.age_recipient.parse().map_err(|error| DeskError::Package(format!("{error}")))?;
        let package = Package {
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
                template: self.parts.texts.certificate.clone(),
                custodian: String::new(),
                title: String::new(),
                system: format!("Bailiwick {}, node {}", env!("CARGO_PKG_VERSION"), self.parts.node_name),
                process: "each message was opened under a clearance of two officers and copied octet for octet as it \
                          arrived; nothing was converted"
                    .to_owned(),
            },
        };
        let record = order.categories.contains(&Category::Subscriber).then(|| self.subscriber(case));
        let messages = scope.iter().map(|message| Ok(self.message(clearance, message)));
        let unstored = order.categories.contains(&Category::Identification).then(not_stored);
        let items = record.into_iter().chain(unstored).map(Ok::<Item, io::Error>).chain(messages);

        let file = |error| DeskError::file(path, error);
        let mut out = self.parts.disk.open_append(path, Visibility::Private).map_err(file)?;
        // What an attempt that failed left here is no package.
        out.truncate(0).map_err(file)?;
        let mut writer = io::BufWriter::with_capacity(WRITE_BYTES, Appending(out));
        let sealed = disclosure::seal(&package, items, self.parts.vault.log_signer().as_ref(), &recipient, &mut writer)
            .map_err(|error| DeskError::Package(error.to_string()))?;
        let mut out = writer.into_inner().map_err(|error| file(error.into_error()))?;
        out.0.sync().map_err(file)?;
        Ok(sealed)
    }

    /// A message in scope: its original octets and what the node knows of it, or why not.
    fn message(&self, clearance: &Clearance, message: &ScopedMessage) -> Item {
        let outcome = match self.parts.store.open_for(clearance, message, Part::Original) {
            Ok(original) => Outcome::Message { sidecar: self.sidecar(clearance, message), original },
            Err(error) => Outcome::Failed { reason: error.to_string() },
        };
        Item { id: message.id.to_string(), arrival: Some(message.arrival), outcome }
    }

    /// What the node knows of a message beside its octets.
    fn sidecar(&self, clearance: &Clearance, message: &ScopedMessage) -> serde_json::Value {
        let trace = self.parts.store.open_for(clearance, message, Part::Prefix).unwrap_or_default();
        json!({
            "arrival": message.arrival.rfc3339(),
            "mailboxes": message.places.iter().map(|place| json!({ "name": place.name, "uid": place.uid })).collect::<Vec<_>>(),
            "deleted_by_owner": message.held_only,
            "trace_headers": String::from_utf8_lossy(&trace),
        })
    }

    /// The subscriber record of this home.
    fn subscriber(&self, case: &Case) -> Item {
        let record = self.parts.store.accounts().into_iter().find(|account| Some(account.id) == case.account);
        let outcome = match record {
            Some(account) => Outcome::Data {
                sidecar: json!({
                    "account": account.id,
                    "addresses": account.addresses,
                    "opened": account.created.rfc3339(),
                }),
            },
            None => Outcome::Failed { reason: "the account's record was not found".to_owned() },
        };
        Item { id: "subscriber".to_owned(), arrival: None, outcome }
    }

    /// The case's entries, proven against one checkpoint.
    fn ledger_extract(&self, case: &Case) -> Result<LedgerExtract, DeskError> {
        let indexes: Vec<u64> = case.steps.iter().filter_map(|step| Some(step.receipt.as_ref()?.index)).collect();
        let receipts = self.parts.log.receipts(&indexes)?;
        let openings = case.steps.iter().filter(|step| step.receipt.is_some()).map(|step| step.opening.clone());
        Ok(LedgerExtract { verifier: self.parts.vault.log_verifier(), entries: openings.zip(receipts).collect() })
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

/// The answer to a demand for sign-in records.
fn not_stored() -> Item {
    let reason = "not stored: this node keeps no records of sign-ins".to_owned();
    Item { id: "identification".to_owned(), arrival: None, outcome: Outcome::Withheld { reason } }
}

fn package_name(case: &Case) -> String {
    format!("{}-case-{:06}", case.facts.home, case.id.0)
}

/// Who did what so far, for the package.
fn custody(case: &Case) -> Vec<CustodyStep> {
    let node = "the node";
    case.steps
        .iter()
        .map(|step| {
            let (who, what) = match step.kind {
                Kind::Demand => (node, "received the demand"),
                Kind::Decision => (node, "decided it under the law set in use"),
                Kind::Hold => (node, "preserved what the demand describes, as it was stored"),
                Kind::Order => (node, "drew up the order for approval"),
                Kind::Approval => ("an officer", "approved the order with an own key"),
                Kind::Collect => (node, "opened what the clearance covers and copied it, octet for octet"),
                Kind::Seal => (node, "sealed the package"),
                Kind::Letter => (node, "wrote a letter to the authority"),
            };
            let who = step.approval.as_ref().map_or_else(|| who.to_owned(), |a| format!("officer {}", a.officer));
            CustodyStep { at: step.at, who, what: what.to_owned() }
        })
        .collect()
}
