//! What the command line prints of `import` and `export`.

use std::fmt::Write;

use mailroom::export::ExportReport;
use mailroom::import::{Failure, ImportReport};

pub(crate) fn imported(report: &ImportReport) -> String {
    transferred("imported", report.imported, report.bytes, report.already_in, (report.failed, &report.failures))
}

pub(crate) fn exported(report: &ExportReport) -> String {
    transferred("exported", report.exported, report.bytes, report.already_there, (report.failed, &report.failures))
}

fn transferred(done: &str, messages: u64, bytes: u64, already: u64, (failed, named): (u64, &[Failure])) -> String {
    let mut text = format!("{messages} messages {done}, {bytes} bytes");
    if already > 0 {
        let _ = write!(text, "; {already} were already there");
    }
    if failed > 0 {
        let _ = write!(text, "; {failed} failed:");
    }
    for failure in named {
        let _ = write!(text, "\n  {}: {}", failure.what, failure.why);
    }
    // A report names the first failures only.
    match failed.saturating_sub(named.len() as u64) {
        0 => {}
        unnamed => {
            let _ = write!(text, "\n  and {unnamed} more");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use mailroom::import::{Failure, ImportReport};

    #[test]
    fn a_report_says_what_failed() {
        let mut report = ImportReport { imported: 7, bytes: 900, ..ImportReport::default() };
        assert_eq!(super::imported(&report), "7 messages imported, 900 bytes");
        report.already_in = 2;
        report.failed = 3;
        report.failures = vec![Failure { what: "a.eml".to_owned(), why: "too large".to_owned() }];
        assert_eq!(
            super::imported(&report),
            "7 messages imported, 900 bytes; 2 were already there; 3 failed:\n  a.eml: too large\n  and 2 more"
        );
    }
}
