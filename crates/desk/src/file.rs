//! The desk's own files, each sealed and replaced as a whole. Sealed by the service key, since the desk must read its
//! cases while no owner is signed in; a stolen disk reveals none of them.

use std::io;
use std::path::{Path, PathBuf};

use terms::CaseId;

use crate::{Case, Desk, DeskError};

fn context(id: CaseId) -> String {
    format!("desk/case/{id}")
}

fn case_file(id: CaseId) -> String {
    format!("{id:06}.case")
}

impl Desk {
    /// A folder of the desk's directory.
    pub(crate) fn dir(&self, name: &str) -> PathBuf {
        self.parts.dir.join(name)
    }

    fn case_path(&self, id: CaseId) -> PathBuf {
        self.dir("cases").join(case_file(id))
    }

    /// The numbers of all cases, in order.
    pub(crate) fn case_ids(&self) -> Result<Vec<CaseId>, DeskError> {
        let dir = self.dir("cases");
        let names = self.parts.disk.list(&dir).map_err(|error| DeskError::file(&dir, error))?;
        let number = |name: &String| {
            let id = CaseId(name.strip_suffix(".case")?.parse().ok()?);
            (case_file(id) == *name).then_some(id)
        };
        let mut ids: Vec<CaseId> = names.iter().filter_map(number).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Reads a case.
    pub(crate) fn load(&self, id: CaseId) -> Result<Case, DeskError> {
        let path = self.case_path(id);
        if !self.parts.disk.exists(&path) {
            return Err(DeskError::NoCase(id));
        }
        let plain = self.read_sealed(&path, &context(id))?;
        let case: Case = serde_json::from_slice(&plain).map_err(|error| DeskError::damaged(&path, error))?;
        if case.id == id { Ok(case) } else { Err(DeskError::damaged(&path, format_args!("it is case {}", case.id))) }
    }

    /// Writes a case. Durable when it returns.
    pub(crate) fn save(&self, case: &Case) -> Result<(), DeskError> {
        let path = self.case_path(case.id);
        let plain = serde_json::to_vec(case).map_err(|error| DeskError::damaged(&path, error))?;
        self.write_sealed(&path, &context(case.id), &plain)
    }

    /// Writes a file that only this node reads. Durable when it returns.
    pub(crate) fn write_sealed(&self, path: &Path, context: &str, plain: &[u8]) -> Result<(), DeskError> {
        let sealed = self.parts.vault.service_seal(context, plain)?;
        self.parts
            .disk
            // A case contains released shares for a while, so its earlier content must not remain on the disk.
            .replace_shredding(path, &sealed, durable::Visibility::Private)
            .map_err(|error| DeskError::file(path, error))
    }

    /// Reads what [`write_sealed`](Self::write_sealed) wrote in the same context.
    pub(crate) fn read_sealed(&self, path: &Path, context: &str) -> Result<Vec<u8>, DeskError> {
        let sealed = self.parts.disk.read(path).map_err(|error| DeskError::file(path, error))?;
        self.parts.vault.service_open(context, &sealed).map_err(|error| match error {
            error if error.is_temporary() => error.into(),
            error => DeskError::damaged(path, error),
        })
    }

    /// Seals every file of the desk under the service key of this number, where another sealed it. Durable when it returns.
    ///
    /// # Errors
    /// A file that does not open, or the disk.
    pub fn reseal(&self, generation: u8) -> Result<(), DeskError> {
        let _turn = self.turn();
        for id in self.case_ids()? {
            self.reseal_file(&self.case_path(id), &context(id), generation)?;
            self.reseal_file(&self.held_path(id), &crate::held::context(id), generation)?;
            self.reseal_file(&self.letter_path(id), &crate::letter::letter_context(id), generation)?;
        }
        for (path, context) in self.house_files()? {
            self.reseal_file(&path, &context, generation)?;
        }
        Ok(())
    }

    fn reseal_file(&self, path: &Path, context: &str, generation: u8) -> Result<(), DeskError> {
        if !self.parts.disk.exists(path) {
            return Ok(());
        }
        let sealed = self.parts.disk.read(path).map_err(|error| DeskError::file(path, error))?;
        // The second byte of what the service key sealed is the key's number.
        if sealed.get(1) == Some(&generation) {
            return Ok(());
        }
        let plain = self.read_sealed(path, context)?;
        self.write_sealed(path, context, &plain)
    }

    /// Removes a file, if it is there.
    pub(crate) fn remove(&self, path: &Path) -> Result<(), DeskError> {
        match self.parts.disk.shred(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DeskError::file(path, error)),
            _ => Ok(()),
        }
    }
}
