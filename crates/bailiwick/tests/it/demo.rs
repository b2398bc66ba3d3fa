//! The demo as a newcomer meets it: it starts, goes on where it stopped, starts over, stops cleanly, and says what is wrong.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::{Demo, free_ports, run};

fn fails(args: &[&str]) -> String {
    let output = run(args, "");
    assert!(!output.status.success(), "{args:?} must fail");
    String::from_utf8(output.stderr).unwrap()
}

fn messages(demo: &Demo) -> u64 {
    let accounts = demo.ask("IE", &["account", "list"], "").unwrap();
    accounts.as_array().unwrap().iter().map(|account| account["messages"].as_u64().unwrap()).sum()
}

#[test]
fn it_starts_continues_and_starts_over() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("demo");
    let demo = Demo::start(&dir, &[]);
    let places: Vec<&str> =
        demo.info["nodes"].as_array().unwrap().iter().map(|node| node["jurisdiction"].as_str().unwrap()).collect();
    assert_eq!(places, ["IE", "US", "DE"]);
    for place in places {
        let node = demo.node(place);
        for key in ["smtp", "lmtp", "imap", "imaps", "http", "data", "ca"] {
            assert!(node[key].is_string(), "{place} says its {key}");
        }
        assert!(Path::new(node["ca"].as_str().unwrap()).is_file());
        assert!(node["accounts"].as_array().is_some_and(|accounts| !accounts.is_empty()));
        assert!(node["officers"].as_array().is_some_and(|officers| officers.len() >= 2));
    }
    let sample = messages(&demo);
    assert!(sample > 0, "there is sample mail");
    demo.ask("IE", &["account", "add", "new@ie.example"], "a good password").unwrap();
    let taken = demo.ask("IE", &["account", "add", "New@IE.example"], "a good password").unwrap_err();
    assert!(taken.contains("already"), "{taken}");
    let abroad = demo.ask("IE", &["account", "add", "new@us.example"], "a good password").unwrap_err();
    assert!(abroad.contains("does not live"), "{abroad}");
    let before = demo.node("IE")["accounts"].clone();
    assert!(demo.interrupt().success());

    let demo = Demo::start(&dir, &[]);
    assert_eq!(demo.node("IE")["accounts"], before, "the second start continues");
    assert_eq!(demo.ask("IE", &["account", "list"], "").unwrap().as_array().unwrap().len(), 3);
    assert_eq!(messages(&demo), sample);
    let second = fails(&["demo", "--dir", dir.to_str().unwrap(), "--ports", &free_ports().to_string()]);
    assert!(second.contains("another demo runs in this folder"), "{second}");
    assert!(demo.interrupt().success());

    let demo = Demo::start(&dir, &["--fresh"]);
    assert_ne!(demo.node("IE")["accounts"], before, "--fresh starts over");
    assert_eq!(demo.ask("IE", &["account", "list"], "").unwrap().as_array().unwrap().len(), 2);
    let started = Instant::now();
    assert!(demo.interrupt().success());
    assert!(started.elapsed() < Duration::from_secs(15), "it stops within its own limit");
}

#[test]
fn a_first_start_that_was_broken_off_begins_again() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("demo");
    std::fs::create_dir_all(dir.join("IE/vault")).unwrap();
    std::fs::write(dir.join("demo.json"), r#"{"format":4,"ports":25000,"nodes":[]}"#).unwrap();
    let demo = Demo::start(&dir, &[]);
    assert!(messages(&demo) > 0);
    assert!(demo.interrupt().success());
}

#[test]
fn the_command_line_works_without_a_running_node() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = scratch.path().join("demo");
    let demo = Demo::start(&dir, &[]);
    let data = demo.data("DE");
    assert!(demo.interrupt().success());
    let output = run(&["account", "list", "--json", "--node", data.to_str().unwrap()], "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("greta@de.example"));
}

#[test]
fn it_says_what_is_wrong() {
    let scratch = tempfile::tempdir().unwrap();
    let foreign = scratch.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.txt"), "years of work").unwrap();
    let foreign = foreign.to_str().unwrap();
    for fresh in [&[][..], &["--fresh"][..]] {
        let error = fails(&[&["demo", "--dir", foreign][..], fresh].concat());
        assert!(error.contains("not a demo's"), "{error}");
    }
    assert!(Path::new(foreign).join("thesis.txt").is_file(), "what is not ours is left alone");

    // A folder of real homes looks much like a demo's, and is none.
    let homes = scratch.path().join("homes");
    std::fs::create_dir_all(homes.join("IE")).unwrap();
    std::fs::write(homes.join("IE/precious"), "a home").unwrap();
    for fresh in [&[][..], &["--fresh"][..]] {
        let error = fails(&[&["demo", "--dir", homes.to_str().unwrap()][..], fresh].concat());
        assert!(error.contains("not a demo's"), "{error}");
        assert!(homes.join("IE/precious").is_file(), "a home is left alone");
    }

    let base = free_ports();
    let _taken = TcpListener::bind(("127.0.0.1", base + 143)).unwrap();
    let dir = scratch.path().join("ports");
    let error = fails(&["demo", "--dir", dir.to_str().unwrap(), "--ports", &base.to_string()]);
    assert!(error.contains("in use") && error.contains(&(base + 143).to_string()), "{error}");

    let file = scratch.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(fails(&["demo", "--dir", file.to_str().unwrap()]).contains("is a file"));
    let nowhere = scratch.path().join("nowhere");
    let error = fails(&["case", "list", "--node", nowhere.to_str().unwrap()]);
    assert!(error.contains("is not a node"), "{error}");
}

#[test]
fn no_command_takes_a_demo_for_granted() {
    let scratch = tempfile::tempdir().unwrap();
    let ask = || {
        let output = std::process::Command::new(crate::support::PROGRAM)
            .args(["case", "list"])
            .env_remove("BAILIWICK_NODE")
            .current_dir(scratch.path())
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let nothing = ask();
    assert!(nothing.contains("--node DIR") && nothing.contains("BAILIWICK_NODE"), "{nothing}");
    assert!(!nothing.contains("there is a demo here"), "{nothing}");
    let demo = Demo::start(&scratch.path().join("demo-data"), &[]);
    let near = ask();
    assert!(near.contains("there is a demo here: --node ./demo-data/IE"), "{near}");
    assert!(demo.interrupt().success());
}
