//! The inclusion and consistency vectors of transparency-dev/merkle (Apache-2.0, LICENSE beside them), 98 of each, most
//! of them forgeries. The files are unchanged except that there is one JSON object per line instead of one file each;
//! `name` is the original path.

use data_encoding::BASE64;
use ledger::{Hash, verify_consistency, verify_inclusion};
use serde_json::Value;

fn cases(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

/// Some vectors have "don't care" for a root, which is padded with zeros. `None` for anything else that is not a hash.
fn hash(value: &Value) -> Option<Hash> {
    let mut bytes = BASE64.decode(value.as_str()?.as_bytes()).ok()?;
    if bytes.starts_with(b"don't care") {
        bytes.resize(32, 0);
    }
    bytes.try_into().ok().map(Hash)
}

fn proof(case: &Value) -> Option<Vec<Hash>> {
    case["proof"].as_array().unwrap().iter().map(hash).collect()
}

fn check(cases: Vec<Value>, accepts: impl Fn(&Value) -> Option<bool>) {
    assert_eq!(cases.len(), 98);
    assert!(cases.iter().any(|case| case["wantErr"] == false));
    for case in cases {
        let accepted = accepts(&case).unwrap_or(false);
        assert_eq!(accepted, case["wantErr"] == false, "{}: {}", case["name"], case["desc"]);
    }
}

#[test]
fn inclusion() {
    check(cases(include_str!("../vectors/inclusion.json")), |case| {
        let (index, size) = (case["leafIdx"].as_u64()?, case["treeSize"].as_u64()?);
        Some(verify_inclusion(&hash(&case["leafHash"])?, index, size, &proof(case)?, &hash(&case["root"])?).is_ok())
    });
}

#[test]
fn consistency() {
    check(cases(include_str!("../vectors/consistency.json")), |case| {
        let (old, new) = (case["size1"].as_u64()?, case["size2"].as_u64()?);
        let (old_root, new_root) = (hash(&case["root1"])?, hash(&case["root2"])?);
        Some(verify_consistency(old, &old_root, new, &new_root, &proof(case)?).is_ok())
    });
}
