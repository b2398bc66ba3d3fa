//! The service key: contexts keep apart, and nothing repeats.

use std::collections::HashSet;
use std::sync::Arc;

use proptest::prelude::*;
use world::{ManualClock, MemoryDisk, SeededEntropy};

use crate::desk::{Desk, create};

thread_local! {
    static DESK: Desk = Desk::new("IE", 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn opens_in_its_context_only(
        context in ".{0,20}",
        other in ".{0,20}",
        plain in prop::collection::vec(any::<u8>(), 0..2000),
        at in any::<prop::sample::Index>(),
    ) {
        DESK.with(|desk| {
            let vault = &desk.vault;
            let hash = |context: &str, data: &[u8]| vault.service_hash(context, data).unwrap();
            let sealed = vault.service_seal(&context, &plain).unwrap();
            prop_assert_eq!(sealed.len(), plain.len() + 42);
            prop_assert_eq!(&vault.service_open(&context, &sealed).unwrap(), &plain);
            prop_assert_eq!(vault.service_open(&other, &sealed).is_ok(), context == other);
            prop_assert_eq!(hash(&context, &plain), hash(&context, &plain));
            prop_assert_eq!(
                hash(&context, &plain) == hash(&other, &plain),
                context == other
            );
            let mut changed = sealed.clone();
            changed[at.index(sealed.len())] ^= 1;
            prop_assert!(vault.service_open(&context, &changed).is_err());
            prop_assert!(vault.service_open(&context, &sealed[..at.index(sealed.len())]).is_err());
            Ok(())
        })?;
    }
}

#[test]
fn the_same_text_never_seals_to_the_same_bytes() {
    let desk = Desk::new("IE", 1);
    let sealed: HashSet<_> = (0..1000).map(|_| desk.vault.service_seal("x", b"text").unwrap()).collect();
    assert_eq!(sealed.len(), 1000);
}

#[test]
fn another_node_opens_nothing_and_a_restart_opens_all() {
    let desk = Desk::new("IE", 1);
    let sealed = desk.vault.service_seal("x", b"text").unwrap();
    let hash = desk.vault.service_hash("x", b"text").unwrap();
    let clock = Arc::new(ManualClock::default());
    let other = create(&MemoryDisk::new(), "IE", &clock, Arc::new(SeededEntropy::new(2))).unwrap();
    assert!(other.service_open("x", &sealed).is_err());
    assert_ne!(other.service_hash("x", b"text").unwrap(), hash);
    let again = desk.reopen().unwrap();
    assert_eq!(again.service_open("x", &sealed).unwrap(), b"text");
    assert_eq!(again.service_hash("x", b"text").unwrap(), hash);
    assert_eq!(again.log_verifier(), desk.vault.log_verifier());
    assert_eq!(again.log_signer().sign(b"note").unwrap(), desk.vault.log_signer().sign(b"note").unwrap());
}

/// What the vault seals for itself is out of reach of another room, whatever context that room names.
#[test]
fn rooms_cannot_open_the_vaults_own_files() {
    let desk = Desk::new("IE", 1);
    let clearance = desk.clear(desk.attempt()).unwrap();
    desk.vault.keep_clearance(&clearance).unwrap();
    let file = format!("clearances/{}.clearance", clearance.order().digest());
    let bytes = durable::Disk::read(&desk.disk, std::path::Path::new(&format!("vault/{file}"))).unwrap();
    assert!(desk.vault.service_open(&file, &bytes).is_err());
}

/// A block gives what each alone gives, in its order, beyond the length of one message too.
#[test]
fn a_block_is_each_of_its_items() {
    let desk = Desk::new("IE", 1);
    let plain = |at: usize| vec![at as u8; if at % 40 == 7 { 3 << 20 } else { at * 211 }];
    let items: Vec<_> = (0..90).map(|at| (format!("context {at}"), plain(at))).collect();
    let sealed = desk.vault.service_seal_all(items.clone()).unwrap();
    let mut again: Vec<_> = items.iter().map(|(context, _)| context.clone()).zip(sealed).collect();
    assert_eq!(desk.vault.service_open(&again[33].0, &again[33].1).unwrap(), plain(33));
    again[5].0 = "context 6".to_owned();
    for (at, opened) in desk.vault.service_open_all(again).unwrap().into_iter().enumerate() {
        assert_eq!(opened, (at != 5).then(|| plain(at)), "{at}");
    }
    let data: Vec<_> = items.into_iter().map(|(_, plain)| plain).collect();
    for (at, hash) in desk.vault.service_hash_all("x", data).unwrap().into_iter().enumerate() {
        assert_eq!(hash, desk.vault.service_hash("x", &plain(at)).unwrap());
    }
    assert!(desk.vault.service_seal_all(Vec::new()).unwrap().is_empty());
}
