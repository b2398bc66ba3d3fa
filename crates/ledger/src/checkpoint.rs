//! The signed head of the log (<https://c2sp.org/tlog-checkpoint>).

use crate::LedgerError;
use crate::hash::Hash;
use crate::note::{Signer, Verifier};

/// Origin, size and root of a log at one point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The identity of the log.
    pub origin: String,
    /// The number of entries.
    pub size: u64,
    /// The root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The three signed lines. No extension lines: the specification advises against them.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// The signed note of this checkpoint.
    ///
    /// # Errors
    /// [`LedgerError::Signature`] if the signer's key is not the verifier's.
    pub fn sign(&self, verifier: &Verifier, signer: &dyn Signer) -> Result<String, LedgerError> {
        verifier.sign_note(&self.text(), signer)
    }

    /// The checkpoint in `note`, if `verifier` signed it and its origin is the verifier's name.
    ///
    /// # Errors
    /// [`LedgerError::Malformed`] or [`LedgerError::Signature`].
    pub fn verify(note: &str, verifier: &Verifier) -> Result<Self, LedgerError> {
        let checkpoint = Self::parse(verifier.verify_note(note)?)?;
        if checkpoint.origin == verifier.name() { Ok(checkpoint) } else { Err(LedgerError::Signature) }
    }

    /// Parses the text of a checkpoint. Extension lines are allowed and ignored.
    fn parse(text: &str) -> Result<Self, LedgerError> {
        const SHAPE: LedgerError = LedgerError::Malformed("a checkpoint is the lines origin, size and root");
        let mut lines = text.strip_suffix('\n').ok_or(SHAPE)?.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(SHAPE);
        };
        let decimal = size.bytes().all(|b| b.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        if origin.is_empty() || !decimal || lines.any(str::is_empty) {
            return Err(SHAPE);
        }
        Ok(Self {
            origin: origin.to_owned(),
            size: size.parse().map_err(|_| SHAPE)?,
            root: root.parse().map_err(|_| SHAPE)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
        let good = format!("example.com/behind-the-sofa\n20852163\n{root}\n");
        let checkpoint = Checkpoint::parse(&good).unwrap();
        assert_eq!(checkpoint.text(), good);
        assert!(Checkpoint::parse(&format!("{good}extension\n")).is_ok());
        for bad in [
            String::new(),
            "\n".into(),
            good.trim_end().into(),
            format!("\n1\n{root}\n"),
            format!("o\n01\n{root}\n"),
            format!("o\n+1\n{root}\n"),
            format!("o\n\n{root}\n"),
            format!("o\n99999999999999999999\n{root}\n"),
            format!("o\n1\n{root}x\n"),
            format!("o\n1\n{root}\n\n"),
        ] {
            assert!(Checkpoint::parse(&bad).is_err(), "{bad:?}");
        }
    }
}
