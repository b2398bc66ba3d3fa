//! Properties of the sealed form: what was sealed opens, and nothing else does.

use std::cell::RefCell;

use proptest::prelude::*;
use terms::{AccountId, EpochId, MessageId, UnixMillis};
use vault::{EpochSealer, KeyAsk, MailError, MessageKey, Part, SealedEpochKey, VaultError, plain_len, sealed_len};

use crate::desk::{Desk, PASSWORD};

const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const HEAD: usize = 33;

thread_local! {
    static DESK: Desk = Desk::new("IE", 1);
    static PAIR: [Desk; 2] = [Desk::new("IE", 1), Desk::new("IE", 2)];
}

/// An epoch of the desk's account.
struct Epoch {
    sealer: EpochSealer,
    sealed: Vec<(EpochId, SealedEpochKey)>,
}

fn epoch(desk: &Desk, epoch: u32) -> Epoch {
    let (sealer, sealed) = EpochSealer::start(desk.account, &desk.public, EpochId(epoch), &*desk.entropy).unwrap();
    Epoch { sealer, sealed: vec![(EpochId(epoch), sealed)] }
}

fn key(desk: &Desk, epoch: &Epoch, ask: KeyAsk) -> MessageKey {
    // The session caches epochs by number; each test epoch has new keys, so each needs a new session.
    let vault = desk.reopen().unwrap();
    let fresh = vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    vault.message_keys(&fresh, &epoch.sealed, &[ask]).unwrap().remove(0)
}

fn ask(epoch: u32, id: u8, arrival: i64) -> KeyAsk {
    KeyAsk { epoch: EpochId(epoch), id: MessageId([id; 16]), arrival: UnixMillis(arrival) }
}

fn plain(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8 ^ (at / CHUNK) as u8).collect()
}

/// A sealed part of `len` bytes and its key.
fn sealed(len: usize) -> (MessageKey, Vec<u8>) {
    DESK.with(|desk| {
        let epoch = epoch(desk, 40);
        let ask = ask(40, 1, 1000);
        let bytes = epoch.sealer.seal(ask.id, ask.arrival, Part::Original, &plain(len)).unwrap();
        (key(desk, &epoch, ask), bytes)
    })
}

fn refused(result: Result<Vec<u8>, VaultError>) -> bool {
    matches!(result, Err(VaultError::Mail(MailError::MessageDoesNotOpen(_))))
}

/// Lengths around the chunk's edges, and others.
fn lengths() -> impl Strategy<Value = usize> {
    prop_oneof![
        0..300usize,
        (0..4usize, -2..3isize).prop_map(|(chunks, off)| (chunks * CHUNK).saturating_add_signed(off)),
        0..4 * CHUNK,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn opens_whole_and_in_pieces(len in lengths(), a in 0..1200u64, b in 0..1200u64) {
        let (key, bytes) = sealed(len);
        let whole = plain(len);
        prop_assert_eq!(bytes.len() as u64, sealed_len(len as u64));
        prop_assert_eq!(plain_len(bytes.len() as u64), Some(len as u64));
        prop_assert_eq!(&key.open(Part::Original, &bytes).unwrap(), &whole);

        let at = |thousandths: u64| thousandths * len as u64 / 1000;
        let (start, end) = (at(a.min(b)), at(a.max(b)));
        let read = RefCell::new(0);
        let mut reader = |offset: u64, len: usize| {
            *read.borrow_mut() += len;
            assert!(len <= 16 * (CHUNK + TAG));
            Ok(bytes[offset as usize..offset as usize + len].to_vec())
        };
        let piece = key.open_range(Part::Original, &mut reader, bytes.len() as u64, start..end).unwrap();
        let bounded = |at: u64| (at as usize).min(len);
        prop_assert_eq!(&piece, &whole[bounded(start)..bounded(end)]);
        prop_assert!(*read.borrow() <= HEAD + (piece.len() / CHUNK + 2) * (CHUNK + TAG));
    }

    #[test]
    fn one_changed_bit_anywhere_is_refused(len in lengths(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let (key, mut bytes) = sealed(len);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(refused(key.open(Part::Original, &bytes)));
    }

    #[test]
    fn any_cut_and_any_addition_is_refused(len in lengths(), at in any::<prop::sample::Index>(), more in 1..70_000usize) {
        let (key, bytes) = sealed(len);
        prop_assert!(refused(key.open(Part::Original, &bytes[..at.index(bytes.len())])));
        let longer = [bytes, vec![0; more]].concat();
        prop_assert!(refused(key.open(Part::Original, &longer)));
    }

    #[test]
    fn any_other_row_of_chunks_is_refused(order in prop::collection::vec(0..4usize, 0..7)) {
        let (key, bytes) = sealed(3 * CHUNK + 10);
        let chunk = |at: usize| &bytes[HEAD + at * (CHUNK + TAG)..bytes.len().min(HEAD + (at + 1) * (CHUNK + TAG))];
        let rebuilt = order.iter().fold(bytes[..HEAD].to_vec(), |out, at| [&out, chunk(*at)].concat());
        prop_assert_eq!(key.open(Part::Original, &rebuilt).is_ok(), order == [0, 1, 2, 3]);
    }

    /// Two keys of whatever account, epoch, message and arrival: each opens its own and not the other's, whole or with the
    /// commitment exchanged.
    #[test]
    fn no_ciphertext_opens_under_two_keys(
        one in (0..2u64, 90..93u32, 0..3u8, 0..3i64),
        two in (0..2u64, 90..93u32, 0..3u8, 0..3i64),
        len in 0..300usize,
    ) {
        let (first, second) = PAIR.with(|desks| {
            let made = |(account, number, id, arrival): (u64, u32, u8, i64)| {
                let desk = &desks[usize::from(account == 1)];
                let (epoch, ask) = (epoch(desk, number), ask(number, id, arrival));
                let bytes = epoch.sealer.seal(ask.id, ask.arrival, Part::Original, &plain(len)).unwrap();
                (key(desk, &epoch, ask), bytes)
            };
            (made(one), made(two))
        });
        let mixed = |head: &[u8], text: &[u8]| [&head[..HEAD], &text[HEAD..]].concat();
        for ((key, mine), (_, other)) in [(&first, &second), (&second, &first)] {
            prop_assert_eq!(key.open(Part::Original, mine).unwrap(), plain(len));
            for swapped in [other.clone(), mixed(mine, other), mixed(other, mine)] {
                prop_assert!(refused(key.open(Part::Original, &swapped)));
            }
        }
    }

    #[test]
    fn lengths_that_nothing_seals_to(len in 0..10u64 * (CHUNK + TAG) as u64) {
        match plain_len(len) {
            Some(plain) => prop_assert_eq!(sealed_len(plain), len),
            None => prop_assert!(len < 49 || (len - 33) % (CHUNK + TAG) as u64 <= 16),
        }
    }
}

#[test]
fn chunks_keep_their_order_and_their_number() {
    let (key, bytes) = sealed(3 * CHUNK + 10);
    let chunk = |at: usize| &bytes[HEAD + at * (CHUNK + TAG)..bytes.len().min(HEAD + (at + 1) * (CHUNK + TAG))];
    let rebuilt = |order: &[usize]| {
        order.iter().fold(bytes[..HEAD].to_vec(), |mut out, at| {
            out.extend_from_slice(chunk(*at));
            out
        })
    };
    assert!(key.open(Part::Original, &rebuilt(&[0, 1, 2, 3])).is_ok());
    let wrong: [&[usize]; 9] =
        [&[], &[0], &[0, 1], &[0, 1, 2], &[1, 0, 2, 3], &[0, 2, 1, 3], &[0, 1, 3], &[0, 0, 1, 2, 3], &[3]];
    for order in wrong {
        assert!(refused(key.open(Part::Original, &rebuilt(order))), "{order:?}");
    }
}

/// The store says how long the part is. When it was cut, the end does not open, whatever is asked.
#[test]
fn a_cut_shows_when_the_end_is_read() {
    let (key, bytes) = sealed(3 * CHUNK);
    let cut = HEAD + 2 * (CHUNK + TAG);
    let mut reader = |offset: u64, len: usize| {
        let at = offset as usize;
        bytes[..cut].get(at..at + len).map(<[u8]>::to_vec).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    };
    let mut range = |len: usize, range| key.open_range(Part::Original, &mut reader, len as u64, range);
    assert!(refused(range(bytes.len(), 0..3 * CHUNK as u64)));
    assert!(refused(range(cut, 0..2 * CHUNK as u64)), "the last chunk there was not sealed as the last");
    assert_eq!(range(bytes.len(), 10..20).unwrap(), plain(20)[10..]);
}

#[test]
fn a_failing_reader_is_not_damage() {
    let (key, bytes) = sealed(10);
    let mut reader = |_, _| Err(std::io::Error::other("cable"));
    let failed = key.open_range(Part::Original, &mut reader, bytes.len() as u64, 0..10);
    assert!(matches!(failed, Err(VaultError::Mail(MailError::MessageUnreadable { .. }))));
    let mut short = |_, len: usize| Ok(vec![0; len - 1]);
    assert!(refused(key.open_range(Part::Original, &mut short, bytes.len() as u64, 0..10)));
}

/// A key opens nothing that was sealed for another account, message, part, epoch or arrival: each has its own key and
/// commitment, so not one ciphertext opens under two of them.
#[test]
fn each_ciphertext_opens_under_one_key_only() {
    let desk = Desk::new("IE", 1);
    let other = Desk::new("IE", 2);
    let mut sealed = Vec::new();
    for desk in [&desk, &other] {
        let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
        for number in [50, 51] {
            let epoch = epoch(desk, number);
            for ask in [ask(number, 1, 1000), ask(number, 2, 1000), ask(number, 3, 1001)] {
                let parts = [Part::Original, Part::Prefix, Part::Record].map(|part| {
                    let bytes = epoch.sealer.seal(ask.id, ask.arrival, part, b"the same text").unwrap();
                    (part, bytes)
                });
                let key = desk.vault.message_keys(&session, &epoch.sealed, &[ask]).unwrap().remove(0);
                let mut late = ask;
                late.arrival = UnixMillis(ask.arrival.0 + 1);
                let late = desk.vault.message_keys(&session, &epoch.sealed, &[late]).unwrap().remove(0);
                sealed.push((key, late, parts));
            }
        }
    }
    for (at, (key, late, _)) in sealed.iter().enumerate() {
        for (of, (_, _, parts)) in sealed.iter().enumerate() {
            for (as_part, _) in parts {
                for (part, bytes) in parts {
                    let opened = key.open(*as_part, bytes);
                    assert_eq!(opened.is_ok(), at == of && as_part == part, "key {at}, sealed {of}");
                    assert!(refused(late.open(*as_part, bytes)), "another arrival");
                }
            }
        }
    }
}

/// With the commitment exchanged for the one that the other key expects, the text still does not open; with the text
/// exchanged, neither.
#[test]
fn a_commitment_fits_one_key_and_one_text() {
    let (one, first) = sealed(500);
    let (two, second) = sealed(500);
    let mixed = |head: &[u8], text: &[u8]| [&head[..HEAD], &text[HEAD..]].concat();
    assert_ne!(first[1..HEAD], second[1..HEAD]);
    for key in [&one, &two] {
        assert!(refused(key.open(Part::Original, &mixed(&first, &second))));
        assert!(refused(key.open(Part::Original, &mixed(&second, &first))));
    }
}

/// An id is used once. A second sealing would repeat nonces; it is refused, also after a commit that failed.
#[test]
fn the_same_part_is_not_sealed_twice_in_an_epoch() {
    let desk = Desk::new("IE", 1);
    let epoch = epoch(&desk, 60);
    let id = MessageId([1; 16]);
    epoch.sealer.seal(id, UnixMillis(1), Part::Original, b"one").unwrap();
    epoch.sealer.seal(id, UnixMillis(1), Part::Prefix, b"one").unwrap();
    for arrival in [1, 2] {
        let again = epoch.sealer.seal(id, UnixMillis(arrival), Part::Original, b"two");
        assert!(matches!(again, Err(VaultError::Mail(MailError::SealedTwice(_)))));
    }
}

#[test]
fn an_epoch_key_opens_for_its_account_and_number_only() {
    let desk = Desk::new("IE", 1);
    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    let keys = |epochs: &[_], number| desk.vault.message_keys(&session, epochs, &[ask(number, 1, 1)]).map(|_| ());
    let mine = epoch(&desk, 70).sealed[0].1.clone();
    let (_, other_account) = EpochSealer::start(AccountId([1; 16]), &desk.public, EpochId(71), &*desk.entropy).unwrap();
    for (number, sealed) in [(71, mine.clone()), (71, other_account)] {
        let refused = keys(&[(EpochId(number), sealed)], number);
        assert!(matches!(refused, Err(VaultError::Mail(MailError::EpochDoesNotOpen(_)))));
    }
    for at in 0..mine.0.len() {
        let mut changed = mine.clone();
        changed.0[at] ^= 1;
        assert!(keys(&[(EpochId(70), changed)], 70).is_err(), "byte {at}");
        let cut = SealedEpochKey(mine.0[..at].to_vec());
        assert!(keys(&[(EpochId(70), cut)], 70).is_err());
    }
    assert!(matches!(keys(&[], 70), Err(VaultError::Mail(MailError::NoEpochKey(EpochId(70))))));
    keys(&[(EpochId(70), mine)], 70).unwrap();
    // Opened once, it need not be given again.
    keys(&[], 70).unwrap();
}

#[test]
fn an_unusable_public_key_is_refused() {
    let desk = Desk::new("IE", 1);
    let refused = EpochSealer::start(desk.account, &vault::AccountPublicKey([0; 32]), EpochId(1), &*desk.entropy);
    assert!(matches!(refused, Err(VaultError::Mail(MailError::UnusableKey))));
}

#[test]
fn debug_prints_no_secret() {
    let desk = Desk::new("IE", 1);
    let session = desk.vault.sign_in(desk.account, &PASSWORD.into()).unwrap();
    let epoch = epoch(&desk, 80);
    let key = desk.vault.message_keys(&session, &epoch.sealed, &[ask(80, 1, 1)]).unwrap().remove(0);
    assert_eq!(format!("{session:?}"), format!("SignedIn({})", desk.account));
    assert_eq!(format!("{key:?}"), format!("MessageKey({})", key.id()));
    assert_eq!(format!("{:?}", epoch.sealer), format!("EpochSealer({}, 80)", desk.account));
    assert_eq!(format!("{:?}", desk.vault), "Vault(IE)");
}
