//! What people read of `import` and `export`.

use mailroom::export::ExportReport;
use mailroom::import::ImportReport;

pub(crate) fn imported(report: &ImportReport) -> String {
    report.to_string()
}

pub(crate) fn exported(report: &ExportReport) -> String {
    report.to_string()
}
