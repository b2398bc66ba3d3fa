//! The service keys in memory and on the disk: one, or two while one is being replaced.

use terms::UnixMillis;
use vault::VaultError;
use vault::inside::Decoder;
use zeroize::Zeroizing;

use crate::files::{Folder, OLDER, damaged, older_file};
use crate::node::service_key::{Numbered, ServiceKey};

/// The service keys as they are kept in memory, the one that seals first.
pub(crate) struct Keys {
    pub(crate) all: Vec<Numbered>,
    /// When this process began to have two.
    pub(crate) began: UnixMillis,
}

impl Keys {
    pub(crate) fn new(all: Vec<Numbered>, now: UnixMillis) -> Self {
        Self { all, began: now }
    }
}

/// The key that opened `node.keys` and, while one is replaced, the one before it.
pub(crate) fn with_older(folder: &Folder, current: Numbered) -> Result<Vec<Numbered>, VaultError> {
    let file = older_file(current.0);
    let mut keys = vec![current];
    if let Some(sealed) = folder.read(&file)? {
        let plain = ServiceKey::for_vault(&keys).open(&file, &sealed).map_err(|_| damaged(&file))?;
        keys.extend(parse(&Zeroizing::new(plain)).ok_or_else(|| damaged(&file))?);
    }
    // A replacement that was interrupted before `node.keys` left a file under a key that nobody has.
    for name in folder.list(OLDER)? {
        if format!("{OLDER}/{name}") != file {
            folder.remove(&format!("{OLDER}/{name}"))?;
        }
    }
    Ok(keys)
}

fn parse(plain: &[u8]) -> Option<Vec<Numbered>> {
    let mut rest = Decoder::new(&[], plain)?;
    let count = rest.u8()?;
    let keys = (0..count).map(|_| Some((rest.u8()?, Zeroizing::new(rest.array()?)))).collect::<Option<Vec<_>>>()?;
    rest.end()?;
    Some(keys)
}
