//! An owner's custody and secrets by the command line of the real program.

use crate::support::Demo;

#[test]
fn an_owner_is_guarded_by_the_command_line() {
    let scratch = tempfile::tempdir().unwrap();
    let demo = Demo::start(&scratch.path().join("demo"), &[]);
    let (address, password) = ("new@ie.example", "a good password");
    let ask = |args: &[&str], input: &str| {
        let all: Vec<&str> = ["account"].iter().chain(args).copied().collect();
        demo.ask("IE", &all, input)
    };
    let guard = || ask(&["custody", address], "").unwrap();

    // Custody: in plain words, and changed by the password alone.
    ask(&["add", address], password).unwrap();
    assert_eq!(guard()["custody"], "strict");
    let said = demo.print("IE", &["account", "custody", address]);
    assert!(said.contains("in strict custody") && said.contains("produced under a lawful order?"), "{said}");
    let refused = ask(&["custody", address, "--to", "owner"], "a wrong password").unwrap_err();
    assert!(refused.contains("wrong account or password"), "{refused}");
    let made = ask(&["custody", address, "--to", "owner"], password).unwrap();
    assert_eq!((made["recovery_codes"].as_array().unwrap().len(), &guard()["custody"]), (8, &"owner".into()));
    ask(&["custody", address, "--to", "strict"], password).unwrap();
    let owners = ask(&["add", "own@ie.example", "--custody", "owner"], password).unwrap();
    assert_eq!(owners["recovery_codes"].as_array().unwrap().len(), 8);
    ask(&["add", "x@ie.example", "--custody", "none"], password).unwrap_err();

    // App passwords.
    let phone = ask(&["app-password", "add", address, "--name", "phone", "--days", "30"], password).unwrap();
    let id = phone["id"].to_string();
    let listed = ask(&["app-password", "list", address], password).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["last_used"]), (&"phone".into(), &serde_json::Value::Null));
    assert!(!listed.to_string().contains(phone["password"].as_str().unwrap()), "shown once");
    ask(&["app-password", "revoke", address, "--id", &id], password).unwrap();
    ask(&["app-password", "revoke", address, "--id", &id], password).unwrap_err();
    assert_eq!(ask(&["sessions", "list", address], password).unwrap(), serde_json::json!([]));

    // A forgotten password: by a code, which serves once.
    let codes = ask(&["recovery", "new", address], password).unwrap();
    let code = codes["recovery_codes"][0].as_str().unwrap();
    let left = ask(&["recovery", "use", address], &format!("{code}\nanother password")).unwrap();
    assert_eq!(left["recovery_codes"], 7);
    ask(&["recovery", "use", address], &format!("{code}\nanother password")).unwrap_err();
    ask(&["password", address], &format!("another password\n{password}")).unwrap();
    ask(&["password", address], &format!("{password}\nshort")).unwrap_err();

    // By two officers: begun, told, and stopped by the password.
    let officers = demo.node("IE")["officers"].as_array().unwrap();
    let names: Vec<&str> = officers.iter().map(|officer| officer["name"].as_str().unwrap()).collect();
    let passphrases: Vec<String> = names.iter().map(|name| demo.passphrase("IE", name)).collect();
    let both = format!("{}\n{}", passphrases[0], passphrases[1]);
    let by = ["--by", names[0], "--by", names[1]];
    let with = |what: &str, input: &str| ask(&[&["reset", what, address][..], &by].concat(), input);
    let messages = || {
        let all = ask(&["list"], "").unwrap();
        let one = all.as_array().unwrap().iter().find(|one| one["addresses"][0] == address).unwrap();
        one["messages"].as_u64().unwrap()
    };
    let before = messages();
    assert!(with("begin", &format!("{0}\n{0}", passphrases[0])).is_err());
    with("begin", &both).unwrap();
    assert_eq!(messages(), before + 1, "the notice is in the mailbox");
    let early = with("finish", &format!("{both}\nnew password")).unwrap_err();
    assert!(early.contains("to stop the reset"), "{early}");
    assert!(ask(&["reset", "show", address], "").unwrap()["not_before"].is_string());
    ask(&["app-password", "list", address], password).unwrap();
    assert!(ask(&["reset", "show", address], "").unwrap()["not_before"].is_null(), "stopped by the password");
    with("begin", &both).unwrap();
    ask(&["reset", "stop", address], "").unwrap();
    assert!(with("finish", &format!("{both}\nnew password")).unwrap_err().contains("no password reset"));
    let owner = ask(&["reset", "begin", "own@ie.example", "--by", names[0], "--by", names[1]], &both).unwrap_err();
    assert!(owner.contains("owner custody"), "{owner}");
    assert!(demo.interrupt().success());
}
