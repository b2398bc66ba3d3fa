//! A backup of keys, as it leaves the vault.

/// A backup of the keys. None of it opens without the node's passphrase, and [`sealed`](KeyBackup::sealed) not without the
/// key of its day.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyBackup {
    /// The day on which it was made, counted from 1970-01-01.
    pub day: u32,
    /// The key of that day, sealed under the service key. To be kept apart from `sealed`, and destroyed after the window.
    pub day_key: Vec<u8>,
    /// Every account's, officer's and held key, sealed under the key of the day.
    pub sealed: Vec<u8>,
    /// The node's own file: the service key under the passphrase. It opens no mail.
    pub node: Vec<u8>,
}

impl std::fmt::Debug for KeyBackup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyBackup(day {}, {} bytes)", self.day, self.sealed.len())
    }
}
