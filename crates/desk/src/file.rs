//! Case files: one sealed file per case, replaced as a whole at each step. Sealed by the service key, since the desk must
//! read its cases while no owner is signed in; a thief of the disk reads none.

use std::path::PathBuf;

use terms::CaseId;

use crate::{Case, Desk, DeskError};

fn context(id: CaseId) -> String {
    format!("desk/case/{id}")
}

impl Desk {
    fn case_path(&self, id: CaseId) -> PathBuf {
        self.parts.dir.join("cases").join(format!("{id:06}.case"))
    }

    /// The numbers of all cases, in order.
    pub(crate) fn case_ids(&self) -> Result<Vec<CaseId>, DeskError> {
        let dir = self.parts.dir.join("cases");
        let names = self.parts.disk.list(&dir).map_err(|error| DeskError::file(&dir, error))?;
        let mut ids: Vec<CaseId> =
            names.iter().filter_map(|name| name.strip_suffix(".case")?.parse().ok().map(CaseId)).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Reads a case.
    pub(crate) fn load(&self, id: CaseId) -> Result<Case, DeskError> {
        let path = self.case_path(id);
        if !self.parts.disk.exists(&path) {
            return Err(DeskError::NoCase(id));
        }
        let sealed = self.parts.disk.read(&path).map_err(|error| DeskError::file(&path, error))?;
        let damaged = |what: String| DeskError::Damaged(path.clone(), what);
        let plain = self.parts.vault.service_open(&context(id), &sealed).map_err(|error| damaged(error.to_string()))?;
        let case: Case = serde_json::from_slice(&plain).map_err(|error| damaged(error.to_string()))?;
        if case.format == Case::FORMAT && case.id == id {
            Ok(case)
        } else {
            Err(damaged(format!("it is case {} in format {}", case.id, case.format)))
        }
    }

    /// Writes a case. Durable when it returns.
    pub(crate) fn save(&self, case: &Case) -> Result<(), DeskError> {
        let path = self.case_path(case.id);
        let plain = serde_json::to_vec(case).map_err(|error| DeskError::Damaged(path.clone(), error.to_string()))?;
        self.write_sealed(&path, &context(case.id), &plain)
    }

    /// Writes a file that only this node reads. Durable when it returns.
    pub(crate) fn write_sealed(&self, path: &std::path::Path, context: &str, plain: &[u8]) -> Result<(), DeskError> {
        let sealed = self.parts.vault.service_seal(context, plain);
        self.parts
            .disk
            .write_atomic(path, &sealed, durable::Visibility::Private)
            .map_err(|error| DeskError::file(path, error))
    }
}
