//! Collect and seal: what the clearance opens becomes a package, sealed to the authority.

use std::io::Write as _;

use terms::CaseId;
