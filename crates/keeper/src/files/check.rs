//! Whether the vault's files are as they were written. Anyone who runs a node wants to know before one of them is needed.

use vault::{VaultError, calls};
use zeroize::Zeroizing;

use crate::files::{
    ACCOUNTS, CLEARANCES, DAYS, HELD, HOLDERS_FILE, NODE_FILE, OFFICERS, OLDER, RESETS, ROSTER_FILE, SEEN, TOKEN_FILE,
};
use crate::keeper::Keeper;
use crate::owners::door::MADE_UP_FILE;

impl calls::check::Calls for Keeper {
    fn damaged_files(&self) -> Result<(u64, Vec<String>), VaultError> {
        // No file is replaced in the midst of it.
        let _changing = self.changing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (mut count, mut damaged) = (0, Vec::new());
        let mut look = |file: String, sound: bool| {
            count += 1;
            if !sound {
                damaged.push(file);
            }
        };
        for file in [NODE_FILE, HOLDERS_FILE, TOKEN_FILE] {
            look(file.to_owned(), self.folder.read_summed(file).is_ok());
        }
        for file in self.names(ROSTER_FILE, &[ACCOUNTS, OFFICERS, HELD])? {
            let sound = self.folder.read_checked(&self.own, &file).is_ok();
            look(file, sound);
        }
        for file in self.names(MADE_UP_FILE, &[CLEARANCES, DAYS, SEEN, RESETS, OLDER])? {
            let sound = match self.folder.read(&file) {
                Ok(Some(sealed)) => self.own.open(&file, &sealed).map(Zeroizing::new).is_ok(),
                Ok(None) => true,
                Err(_) => false,
            };
            look(file, sound);
        }
        Ok((count, damaged))
    }
}

impl Keeper {
    /// A file, and the files of these folders.
    fn names(&self, file: &str, folders: &[&str]) -> Result<Vec<String>, VaultError> {
        let mut names = vec![file.to_owned()];
        for folder in folders {
            names.extend(self.folder.list(folder)?.into_iter().map(|name| format!("{folder}/{name}")));
        }
        Ok(names)
    }
}
