//! The server from the command line: a catalog that takes the place of the one that is served.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

mod support;

use std::{fs, io::Write as _, net::TcpStream, process::Command};

use support::{Place, rule, served::Served};

const ONE: &str = "3f6a3f4e-0000-4000-8000-000000000021";
const TWO: &str = "3f6a3f4e-0000-4000-8000-000000000022";

fn simple(id: &str) -> String {
    rule(id, &["attack.t1059"], "test", "selection:\n  CommandLine|contains: word\ncondition: selection")
}

#[test]
fn a_catalog_built_anew_is_shown_and_a_broken_one_is_not() {
    let place = Place::with(&[("one.yml", &simple(ONE))]);
    place.build().ends(0);
    let mut served = Served::of(&place);
    let [one, two] = [ONE, TWO].map(|id| format!("/rule/sigma/{id}"));
    assert_eq!((served.status(&one), served.status(&two)), (200, 404));

    place.write("sigma/two.yml", simple(TWO));
    fs::remove_file(place.path("sigma/one.yml")).unwrap();
    place.build().ends(0);
    served.waits(&two, 200);
    assert_eq!(served.status(&one), 404, "no page of the one before is kept");
    assert!(served.says().contains("1 rule"));

    // What cannot be read changes nothing, and is said once.
    fs::write(place.path("broken"), "no catalog at all").unwrap();
    fs::rename(place.path("broken"), place.path("catalog.db")).unwrap();
    let said = served.says();
    assert!(said.contains("is served on"), "{said}");
    assert_eq!(served.status(&two), 200);
    fs::remove_file(place.path("catalog.db")).unwrap();
    let said = served.says();
    assert!(said.contains("is served on"), "{said}");
    assert_eq!(served.status(&two), 200);

    place.write("sigma/one.yml", simple(ONE));
    place.build().ends(0);
    served.waits(&one, 200);
    let said = served.says();
    assert!(said.contains("built anew"), "{said}");
}

/// What a server with few files to open says while one client holds all the connections that it gets.
#[cfg(target_os = "linux")]
fn answers_beside_many_connections(served: &Served) {
    let mut held: Vec<TcpStream> = (0..100).map(|_| TcpStream::connect(&served.address).unwrap()).collect();
    for stream in &mut held {
        // A head that never ends; a connection that was closed already takes it or not.
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    }
    for _ in 0..5 {
        assert_eq!(served.status("/about"), 200);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn few_files_to_open_lock_nobody_out() {
    let place = Place::with(&[("one.yml", &simple(ONE))]);
    place.build().ends(0);
    let serve = place.command(&["serve", "--addr", "127.0.0.1:0", "--db", "catalog.db"]);
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 48 && exec \"$0\" \"$@\""]).arg(serve.get_program()).args(serve.get_args());
    limited.envs(serve.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited.current_dir(serve.get_current_dir().unwrap());
    answers_beside_many_connections(&Served::run(limited));
}

#[test]
#[cfg(target_os = "linux")]
fn files_that_run_out_while_serving_lock_nobody_out() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        eprintln!("skipped: there is no prlimit");
        return;
    }
    let place = Place::with(&[("one.yml", &simple(ONE))]);
    place.build().ends(0);
    let served = Served::of(&place);
    // From now on accepting fails long before the server's own limit is reached.
    let pid = served.child.id().to_string();
    let limited = Command::new("prlimit").args(["--pid", &pid, "--nofile=40:40"]).status().unwrap();
    assert!(limited.success());
    answers_beside_many_connections(&served);
}

#[test]
fn a_host_that_is_none_is_said() {
    let place = Place::with(&[("one.yml", &simple(ONE))]);
    place.build().ends(0);
    let arguments = ["serve", "--allowed-host", "https://atlas.example.org"];
    place.run(&arguments).ends(2).says(&["https://atlas.example.org", "without scheme and port"]);
}
