//! Ledger entries that belong to no case: what officers do with their own keys, and what the node does with its keys.
//!
//! As with an event of a case, the salt is durable before the log has the leaf, so that the entry can be opened later to
//! anyone who may see it.

use ledger::{Opening, Receipt};
use serde::{Deserialize, Serialize};

use crate::{Desk, DeskError};

const FOLDER: &str = "house";

/// An entry as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HouseEntry {
    opening: Opening,
    /// `None` while the log may not have it.
    receipt: Option<Receipt>,
}

fn context(number: u64) -> String {
    format!("desk/house/{number}")
}

impl Desk {
    /// Records `body`, and returns when it is proven. What it announces is to be done only after that.
    ///
    /// # Errors
    /// The ledger's or the disk's; then nothing is to be done.
    pub fn record_house(&self, body: Vec<u8>) -> Result<(Opening, Receipt), DeskError> {
        let _turn = self.turn();
        let number = self.house_numbers()?.last().map_or(1, |last| last + 1);
        let opening = Opening::new(body, self.parts.entropy.as_ref());
        self.write_entry(number, &HouseEntry { opening: opening.clone(), receipt: None })?;
        let receipt = self.parts.log.append(&[opening.commitment()])?.pop();
        let receipt = receipt.ok_or_else(|| DeskError::TryAgain("the ledger gave no proof; try again".to_owned()))?;
        self.write_entry(number, &HouseEntry { opening: opening.clone(), receipt: Some(receipt.clone()) })?;
        Ok((opening, receipt))
    }

    /// These entries, the oldest first: the index, where the log has it, and the text.
    ///
    /// # Errors
    /// The disk's; a damaged entry.
    pub fn house_entries(&self) -> Result<Vec<(Option<u64>, String)>, DeskError> {
        let _turn = self.turn();
        let read = |number: u64| {
            let path = self.entry_path(number);
            let plain = self.read_sealed(&path, &context(number))?;
            let entry: HouseEntry = serde_json::from_slice(&plain).map_err(|error| DeskError::damaged(&path, error))?;
            let text = String::from_utf8_lossy(&entry.opening.body).into_owned();
            Ok((entry.receipt.map(|receipt| receipt.index), text))
        };
        self.house_numbers()?.into_iter().map(read).collect()
    }

    /// Every file of this kind, with its context.
    pub(crate) fn house_files(&self) -> Result<Vec<(std::path::PathBuf, String)>, DeskError> {
        let numbers = self.house_numbers()?;
        Ok(numbers.into_iter().map(|number| (self.entry_path(number), context(number))).collect())
    }

    fn house_numbers(&self) -> Result<Vec<u64>, DeskError> {
        let dir = self.dir(FOLDER);
        self.parts.disk.create_dir_all(&dir).map_err(|error| DeskError::file(&dir, error))?;
        let names = self.parts.disk.list(&dir).map_err(|error| DeskError::file(&dir, error))?;
        let mut numbers: Vec<u64> = names.iter().filter_map(|name| name.strip_suffix(".entry")?.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn entry_path(&self, number: u64) -> std::path::PathBuf {
        self.dir(FOLDER).join(format!("{number:06}.entry"))
    }

    fn write_entry(&self, number: u64, entry: &HouseEntry) -> Result<(), DeskError> {
        let path = self.entry_path(number);
        let plain = serde_json::to_vec(entry).map_err(|error| DeskError::damaged(&path, error))?;
        self.write_sealed(&path, &context(number), &plain)
    }
}
