//! A share of the escrow key on paper: 28 words of the BIP-39 English list, which are told apart by their first four
//! letters. Twelve bits count the deal, 264 are the share, 32 are a check that also knows the home: a word misread, two
//! words swapped, or a paper share of another home or deal is noticed before anything is tried.

use bip39::Language;
use terms::{Jurisdiction, Secret};
use vault::inside::Encoder;
use vault::{OfficerError, VaultError};
use zeroize::Zeroizing;

use crate::crypto::{SHARE_LEN, Share, sha256};

/// Words of a paper share.
const WORDS: usize = 28;

/// Bits that a word stands for: there are 2,048.
const WORD_BITS: usize = 11;

/// Deal (12 bits, in 2 bytes of which the first half byte is not written), share (33 bytes), check (4 bytes).
const LEN: usize = 2 + SHARE_LEN + 4;

/// Bits at the beginning that are not written.
const SKIPPED_BITS: usize = LEN * 8 - WORDS * WORD_BITS;

/// The deal, as far as a paper share names it.
fn short_deal(deal: u32) -> [u8; 2] {
    ((deal & 0x0fff) as u16).to_be_bytes()
}

fn check(home: &Jurisdiction, deal: [u8; 2], share: &[u8]) -> [u8; 4] {
    let context = Encoder::new(b"bailiwick/paper-share/v1").text(home.as_str()).fixed(&deal).finish();
    let hash = Zeroizing::new(sha256(&[&context, share]));
    [hash[0], hash[1], hash[2], hash[3]]
}

/// The words of a share, in lines of seven.
pub(crate) fn to_words(home: &Jurisdiction, deal: u32, share: &Share) -> Secret<String> {
    let deal = short_deal(deal);
    let bytes = Zeroizing::new([&deal[..], share.expose(), &check(home, deal, share.expose())].concat());
    let bit = |at: usize| usize::from(bytes[at / 8] >> (7 - at % 8) & 1);
    let list = Language::English.word_list();
    let mut text = Zeroizing::new(String::with_capacity(WORDS * 9));
    for word in 0..WORDS {
        let start = SKIPPED_BITS + word * WORD_BITS;
        let index = (start..start + WORD_BITS).fold(0, |index, at| index << 1 | bit(at));
        if word > 0 {
            text.push(if word % 7 == 0 { '\n' } else { ' ' });
        }
        text.push_str(list[index]);
    }
    Secret::new(text.as_str().to_owned())
}

/// The share of these words. White space and capitals do not count; a word may be cut after its fourth letter.
///
/// # Errors
/// `OfficerError::PaperShareUnreadable` names what is wrong; `OfficerError::PaperShareOutdated` for an earlier deal.
pub(crate) fn from_words(home: &Jurisdiction, deal: u32, words: &Secret<String>) -> Result<Share, VaultError> {
    let unreadable = |why: String| VaultError::Officer(OfficerError::PaperShareUnreadable(why.into()));
    let mut bytes = Zeroizing::new([0; LEN]);
    let mut count = 0;
    for word in words.expose().split_whitespace() {
        count += 1;
        if count > WORDS {
            continue;
        }
        let index = index_of(word).ok_or_else(|| unreadable(format!("word {count} is not in the list")))?;
        for bit in 0..WORD_BITS {
            let at = SKIPPED_BITS + (count - 1) * WORD_BITS + bit;
            bytes[at / 8] |= ((index >> (WORD_BITS - 1 - bit) & 1) as u8) << (7 - at % 8);
        }
    }
    if count != WORDS {
        return Err(unreadable(format!("there are {count} words, and a share has {WORDS}")));
    }
    let found = [bytes[0], bytes[1]];
    let (share, checked) = bytes[2..].split_at(SHARE_LEN);
    if check(home, found, share) != *checked {
        return Err(unreadable("the words do not belong together, or are of another home".to_owned()));
    }
    if found != short_deal(deal) {
        return Err(VaultError::Officer(OfficerError::PaperShareOutdated));
    }
    Share::from_bytes(share).ok_or_else(|| unreadable("it is not a share".to_owned()))
}

/// The place of a word in the list, by its first four letters.
fn index_of(word: &str) -> Option<usize> {
    let mut word = Zeroizing::new(word.to_lowercase());
    let short = word.char_indices().nth(4).map_or(word.len(), |(at, _)| at);
    let list = Language::English.word_list();
    let exact = list.iter().position(|known| *known == word.as_str());
    exact.or_else(|| {
        word.truncate(short);
        // A whole word of three letters begins longer ones too; cut words have four.
        (word.len() == 4).then(|| list.iter().position(|known| known.starts_with(word.as_str()))).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(place: u8) -> Share {
        let bytes: Vec<u8> = (0..32u8).map(|at| (at * 7).wrapping_add(place)).collect();
        Share::from_bytes(&[&[place][..], &bytes].concat()).unwrap()
    }

    fn home() -> Jurisdiction {
        "IE".parse().unwrap()
    }

    #[test]
    fn words_come_back_as_the_share() {
        for (place, deal) in [(1, 1), (9, 4095), (255, 4096 + 7)] {
            let words = to_words(&home(), deal, &share(place));
            assert_eq!(words.expose().split_whitespace().count(), 28);
            assert_eq!(from_words(&home(), deal, &words).unwrap().expose(), share(place).expose());
            let cut: Vec<String> = words.expose().split_whitespace().map(|w| w.chars().take(4).collect()).collect();
            let typed = Secret::new(cut.join("  ").to_uppercase());
            assert_eq!(from_words(&home(), deal, &typed).unwrap().expose(), share(place).expose());
        }
    }

    #[test]
    fn every_slip_of_the_pen_is_noticed() {
        let words = to_words(&home(), 3, &share(4));
        let words: Vec<&str> = words.expose().split_whitespace().collect();
        let read = |words: &[&str]| from_words(&home(), 3, &Secret::new(words.join(" ")));
        let list = Language::English.word_list();
        for at in 0..words.len() {
            let mut bad = words.clone();
            bad[at] = if bad[at] == list[at] { list[at + 1] } else { list[at] };
            assert!(matches!(read(&bad), Err(VaultError::Officer(OfficerError::PaperShareUnreadable(_)))), "word {at}");
            let mut swapped = words.clone();
            swapped.swap(at, (at + 1) % words.len());
            assert!(swapped == words || read(&swapped).is_err(), "words from {at} swapped");
            assert!(read(&words[..at]).is_err());
        }
        assert!(read(&[&words[..], &["abandon"]].concat()).is_err());
        assert!(read(&[&words[..27], &["bailiwick"]].concat()).is_err());
        let whole = Secret::new(words.join(" "));
        assert!(matches!(from_words(&home(), 4, &whole), Err(VaultError::Officer(OfficerError::PaperShareOutdated))));
        assert!(matches!(
            from_words(&"US".parse().unwrap(), 3, &whole),
            Err(VaultError::Officer(OfficerError::PaperShareUnreadable(_)))
        ));
    }
}
