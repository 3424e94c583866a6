//! The server from the command line: a catalog that takes the place of the one that is served.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStderr, Stdio},
    time::{Duration, Instant},
};

use support::{Place, rule};

const ONE: &str = "3f6a3f4e-0000-4000-8000-000000000021";
const TWO: &str = "3f6a3f4e-0000-4000-8000-000000000022";

fn simple(id: &str) -> String {
    rule(id, &["attack.t1059"], "test", "selection:\n  CommandLine|contains: word\ncondition: selection")
}

/// A server that ends with the test.
struct Served {
    child: Child,
    said: BufReader<ChildStderr>,
    address: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    fn of(place: &Place) -> Self {
        let mut command = place.command(&["serve", "--addr", "127.0.0.1:0", "--db", "catalog.db"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line.split_whitespace().find_map(|word| word.strip_prefix("http://")).expect(&line);
        let address = address.trim_end_matches('/').to_owned();
        Self { child, said, address }
    }

    /// The next sentence that it says; waits for it.
    fn says(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    fn status(&self, path: &str) -> u16 {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Waits until a page has a status.
    fn waits(&self, path: &str, status: u16) {
        let begun = Instant::now();
        while self.status(path) != status {
            assert!(begun.elapsed() < Duration::from_secs(20), "{path} never has {status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
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
