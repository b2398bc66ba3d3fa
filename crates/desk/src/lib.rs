//! What is done with demands: intake, decision, approvals, clearance, package.
