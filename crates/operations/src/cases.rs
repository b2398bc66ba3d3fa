//! Demands and their cases, at the desk.

use desk::{CaseDetail, CaseList, DemandServed, DeskError, LetterWritten, OrderApproved, PackageSealed};
use serde::{Deserialize, Serialize};
use terms::{CaseId, OfficerName};

use crate::node::Node;
use crate::operation::{Operation, Progress, SecretText};

/// The longest demand file. Form 1 of Regulation (EU) 2023/1543 with every annex filled is below 200 KB.
pub const DEMAND_BYTES_MAX: usize = 1024 * 1024;

/// Serves a demand, as TOML (docs/law.md): opens a case for each account that it names.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ServeDemand {
    pub text: String,
}

impl Operation for ServeDemand {
    type Target = Node;
    type Output = DemandServed;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<DemandServed, DeskError> {
        node.desk.serve(&self.text)
    }
}

/// Lists the cases.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ListCases {}

impl Operation for ListCases {
    type Target = Node;
    type Output = CaseList;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<CaseList, DeskError> {
        node.desk.list()
    }
}

/// Shows a case in full.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ShowCase {
    pub case: CaseId,
}

impl Operation for ShowCase {
    type Target = Node;
    type Output = CaseDetail;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<CaseDetail, DeskError> {
        node.desk.show(self.case)
    }
}

/// Whether there is an order for this officer to approve, so that nobody is asked for a passphrase in vain.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CheckApprovable {
    pub case: CaseId,
    pub officer: OfficerName,
}

/// There is an order to approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvable {}

impl Operation for CheckApprovable {
    type Target = Node;
    type Output = Approvable;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<Approvable, DeskError> {
        node.desk.check_approvable(self.case, &self.officer).map(|()| Approvable {})
    }
}

/// Approves the order of a case.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct ApproveOrder {
    pub case: CaseId,
    pub officer: OfficerName,
    /// The officer's own.
    pub passphrase: SecretText,
}

impl Operation for ApproveOrder {
    type Target = Node;
    type Output = OrderApproved;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<OrderApproved, DeskError> {
        node.desk.approve(self.case, &self.officer, &self.passphrase.0)
    }
}

/// Collects what the clearance opens and seals the package.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct CollectCase {
    pub case: CaseId,
}

impl Operation for CollectCase {
    type Target = Node;
    type Output = PackageSealed;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<PackageSealed, DeskError> {
        node.desk.collect(self.case)
    }
}

/// Writes the letter that says why nothing, or not everything, is produced.
#[derive(Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names say it")]
pub struct RefuseCase {
    pub case: CaseId,
}

impl Operation for RefuseCase {
    type Target = Node;
    type Output = LetterWritten;
    type Error = DeskError;

    fn run(self, node: &Node, _: &mut dyn FnMut(Progress)) -> Result<LetterWritten, DeskError> {
        node.desk.refuse(self.case)
    }
}
