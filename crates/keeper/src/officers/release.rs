//! Signing an approval, and the officer's share that it releases to the others for one order alone.

use std::collections::BTreeMap;

use terms::{Digest, Entropy, Jurisdiction, OfficerName, UnixMillis};
use vault::inside::{Encoder, seal_hybrid};
use vault::{Approval, MailError, OfficerPublic, Order, OrderError, SealedShare, VaultError};

use crate::crypto::{PrivateKey, Share, open_hybrid};
use crate::node::service_key::ServiceKey;
use crate::officers::roster::{OfficerSecrets, Roster};

/// The context under which the service key seals released shares.
pub(crate) const RELEASE: &str = "released share";

/// What an officer's passphrase has opened for one order: held by the keeper only, and of use only with the approval that
/// it was made with. Wiped when dropped.
pub(crate) struct OpenedSecrets {
    pub(crate) officer: OfficerName,
    pub(crate) order: Digest,
    /// Digest of the approval that it was made with.
    pub(crate) approval: Digest,
    pub(crate) share: Share,
    pub(crate) sharing: PrivateKey,
}

/// Signs an approval and releases the officer's share to each other officer.
pub(crate) fn sign_approval(
    order: &Order,
    me: &OfficerPublic,
    secrets: OfficerSecrets,
    roster: &Roster,
    own: &ServiceKey,
    at: UnixMillis,
    entropy: &dyn Entropy,
) -> Result<(Approval, OpenedSecrets), VaultError> {
    let digest = order.digest();
    let (mut released, mut release_digests) = (BTreeMap::new(), BTreeMap::new());
    // A new officer gets no share of anybody while powerless.
    let others = roster.officers.iter().filter(|officer| officer.name != me.name && officer.in_power <= at);
    for other in others {
        let info = release_info(&order.home, digest, &me.name, other);
        let sealed = seal_hybrid(&other.sharing_key, &info, secrets.share.expose(), entropy)
            .map_err(|_| VaultError::Mail(MailError::UnusableKey))?;
        let sealed = SealedShare(own.seal(RELEASE, &sealed, entropy));
        release_digests.insert(other.name.clone(), sealed.digest());
        released.insert(other.name.clone(), sealed);
    }
    let mut approval = Approval {
        home: order.home.clone(),
        case: order.case,
        officer: me.name.clone(),
        order: digest,
        at,
        released,
        release_digests,
        signature: [0; 64],
    };
    approval.signature = secrets.signing.sign(&approval.bytes());
    let opened = OpenedSecrets {
        officer: me.name.clone(),
        order: digest,
        approval: approval.digest(),
        share: secrets.share,
        sharing: secrets.sharing,
    };
    Ok((approval, opened))
}

/// The share that an approval releases to the officer whose secrets `opened` are.
pub(crate) fn released_share(
    approval: &Approval,
    to: &OfficerPublic,
    opened: &OpenedSecrets,
    own: &ServiceKey,
) -> Result<Share, VaultError> {
    let refused = || VaultError::Order(OrderError::ShareDoesNotOpen(approval.officer.clone()));
    let sealed = approval.released.get(&to.name).ok_or_else(refused)?;
    let sealed = own.open(RELEASE, &sealed.0).map_err(|_| refused())?;
    let info = release_info(&approval.home, approval.order, &approval.officer, to);
    let share = open_hybrid(&opened.sharing, &info, &sealed).map_err(|_| refused())?;
    Share::from_bytes(&share).ok_or_else(refused)
}

/// Binds a released share to the home, the order, and both officers.
pub(crate) fn release_info(home: &Jurisdiction, order: Digest, from: &OfficerName, to: &OfficerPublic) -> Vec<u8> {
    Encoder::new(b"bailiwick/release/v1")
        .text(home.as_str())
        .fixed(&order.0)
        .text(from.as_str())
        .text(to.name.as_str())
        .fixed(&to.sharing_key)
        .finish()
}
