//! A home of another format is refused before anything in it is read, with words that say what to do.

use crate::support::{Single, run};
use terms::HOME_FORMAT;

#[test]
fn a_home_of_another_format_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("node");
    Single::init(&dir, &[], "");
    let path = dir.join("node.toml");
    let settings = std::fs::read_to_string(&path).unwrap();
    // Another version may have other settings, too: the number alone decides.
    let other = HOME_FORMAT + 1;
    let changed =
        settings.replacen(&format!("format = {HOME_FORMAT}"), &format!("format = {other}\nunknown_setting = true"), 1);
    assert_ne!(changed, settings);
    std::fs::write(&path, &changed).unwrap();
    let node = dir.to_str().unwrap();
    for args in [&["node", "run", "--node", node][..], &["fsck", "--node", node], &["node", "status", "--node", node]] {
        let output = run(args, "");
        let words = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(!output.status.success(), "{args:?}: {words}");
        let said = format!("written in format {other}, this program reads {HOME_FORMAT}");
        for part in [said.as_str(), "`bailiwick export`", "`bailiwick import`"] {
            assert!(words.contains(part), "{args:?}: {words}");
        }
    }
    std::fs::write(&path, &settings).unwrap();
    drop(Single::run(&dir));
}
