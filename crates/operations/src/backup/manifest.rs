//! What a backup consists of: a text that names every piece by its digest, under a tag that only this node's service key
//! makes. Who finds a place for backups can read how much there is, and can neither read mail nor pass something off.

use crate::backup_error::BackupError;
use serde::{Deserialize, Serialize};
use terms::{AccountId, Digest, HOME_FORMAT, OtherFormat, UnixMillis};
use vault::Vault;

/// What the tag is a keyed hash in.
const CONTEXT: &str = "backup/manifest";

/// A backup.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The home's format when the backup was made (docs/formats/home.md).
    pub format: u32,
    /// The home, for people.
    pub home: String,
    /// The node's name, for people.
    pub hostname: String,
    /// When it was made, in milliseconds since 1970.
    pub at: UnixMillis,
    /// The segment that grew last, and how many of its bytes are acknowledged.
    pub tail: (u32, u64),
    /// The accounts' rows.
    pub accounts: Vec<AccountPart>,
    /// The segments.
    pub segments: Vec<SegmentPart>,
    /// Files of the ledger, the desk, the law, and the configuration.
    pub files: Vec<FilePart>,
}

/// The rows of an account.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountPart {
    /// Whose.
    pub account: AccountId,
    /// The pieces, in order.
    pub pieces: Vec<Digest>,
}

/// A segment, as far as it went then.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SegmentPart {
    /// Its number.
    pub number: u32,
    /// Its stretches, one behind the other: how many bytes, and their digest.
    pub stretches: Vec<(u64, Digest)>,
}

/// A file of the node.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FilePart {
    /// Its path below the node's directory, with `/`.
    pub path: String,
    /// What it has.
    pub digest: Digest,
}

impl SegmentPart {
    /// How many bytes.
    pub(super) fn len(&self) -> u64 {
        self.stretches.iter().map(|(len, _)| len).sum()
    }
}

impl Manifest {
    /// Every piece that it names.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &Digest> {
        let accounts = self.accounts.iter().flat_map(|account| &account.pieces);
        accounts.chain(self.files.iter().map(|file| &file.digest))
    }

    /// Refuses a manifest that says that it is of another format than this program reads. Whether this node wrote it, its tag
    /// tells later.
    ///
    /// # Errors
    /// The other format.
    pub(super) fn check_format(bytes: &[u8]) -> Result<(), OtherFormat> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let text = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        // One that cannot be read is none, and is passed over.
        serde_json::from_slice(text).map_or(Ok(()), |Head { format }| OtherFormat::check(format))
    }

    /// Its bytes, tag included.
    ///
    /// # Errors
    /// The vault's.
    pub(super) fn to_bytes(&self, vault: &Vault) -> Result<Vec<u8>, BackupError> {
        let mut text = serde_json::to_vec(self)?;
        let tag = vault.service_hash(CONTEXT, &text)?;
        text.extend_from_slice(format!("\n{}\n", terms::hex(&tag)).as_bytes());
        Ok(text)
    }

    /// The inverse; `None` when it is not what this node wrote, byte for byte.
    ///
    /// # Errors
    /// The vault's.
    pub(super) fn of_bytes(bytes: &[u8], vault: &Vault) -> Result<Option<Self>, BackupError> {
        let lines = bytes.strip_suffix(b"\n").and_then(|bytes| {
            let at = bytes.iter().rposition(|byte| *byte == b'\n')?;
            Some((&bytes[..at], &bytes[at + 1..]))
        });
        let Some((text, tag)) = lines else { return Ok(None) };
        // A rotation of the service key may lie between: any of the keys of this vault will do.
        let tags = vault.service_hashes(CONTEXT, text)?;
        if !tags.iter().any(|known| terms::hex(known).as_bytes() == tag) {
            return Ok(None);
        }
        Ok(serde_json::from_slice(text).ok().filter(|manifest: &Self| manifest.format == HOME_FORMAT))
    }
}
