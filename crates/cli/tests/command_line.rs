//! Completions and manual pages follow the definition of the command line.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail anywhere")]

mod support;

use std::fs;

use support::Place;

#[test]
fn every_shell_completes_commands_and_their_options() {
    let place = Place::with(&[]);
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completions", shell]).ends(0).out;
        for word in ["technique", "accept-loss", "no-subtechniques"] {
            assert!(script.contains(word), "{shell} does not complete `{word}`");
        }
    }
    place.run(&["completions", "tcl"]).ends(2).says(&["tcl", "bash"]);
}

#[test]
fn every_command_has_a_manual_page() {
    let place = Place::with(&[]);
    let overview = place.run(&["man"]).ends(0).out;
    assert!(overview.contains("ruleatlas"), "{overview}");
    place.run(&["man", "--out", "pages"]).ends(0);
    let help = place.run(&["--help"]).ends(0).out;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let mut pages = 0;
    for line in commands.filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let name = line.split_whitespace().next().unwrap();
        if name != "help" {
            let page = fs::read_to_string(place.path(&format!("pages/ruleatlas-{name}.1"))).unwrap();
            assert!(
                page.contains(&format!("ruleatlas\\-{name}")) || page.contains(&format!("ruleatlas-{name}")),
                "{page}"
            );
            pages += 1;
        }
    }
    assert!(pages > 15, "{help}");
}
