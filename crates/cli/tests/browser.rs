//! The site of the demo corpus in a real browser, served and as files: what `browser/*.test.mjs` does with it.
//!
//! Needs Chromium, Node.js, and what `npm ci` in `browser/` brings; where one is missing it says so and passes, unless
//! `RULEATLAS_BROWSER=required`. Pictures of every page are left in `target/pictures`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test may fail anywhere")]

mod support;

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use support::Place;

/// Events on which rules of the demo corpus have hits.
const LOG: &str = r#"
{"EventID": 1, "SourceName": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational", "Hostname": "host1.lab.example", "EventTime": "2026-01-02 03:04:05", "Image": "C:\\Windows\\System32\\rundll32.exe", "CommandLine": "rundll32.exe C:\\windows\\System32\\comsvcs.dll, MiniDump 624 C:\\x.dmp full", "ParentImage": "C:\\Windows\\System32\\cmd.exe", "User": "LAB\\ada"}
{"EventID": 1, "SourceName": "Microsoft-Windows-Sysmon", "Channel": "Microsoft-Windows-Sysmon/Operational", "Hostname": "<b>host2", "EventTime": "2026-01-03 13:04:05", "Image": "C:\\Windows\\System32\\rundll32.exe", "CommandLine": "rundll32.exe C:\\windows\\System32\\comsvcs.dll, MiniDump 4 C:\\<img src=x onerror=alert(1)>.dmp full", "ParentImage": "C:\\Windows\\System32\\cmd.exe", "User": "LAB\\bob"}
"#;

/// A server that ends with the test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program of this name on the path.
fn program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// The browser and Node.js, or what is missing.
fn tools(folder: &Path) -> Result<(PathBuf, PathBuf), &'static str> {
    let chromium = program(&["chromium", "chromium-browser", "google-chrome"]).ok_or("Chromium is not installed")?;
    let node = program(&["node"]).ok_or("Node.js is not installed")?;
    if !folder.join("node_modules/playwright-core").is_dir() {
        return Err("`npm ci` was not run in browser/");
    }
    Ok((chromium, node))
}

#[test]
fn the_site_in_a_real_browser() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    let folder = root.join("browser");
    let (chromium, node) = match tools(&folder) {
        Ok(tools) => tools,
        Err(missing) => {
            assert!(std::env::var_os("RULEATLAS_BROWSER").is_none(), "{missing}");
            println!("left out: the tests in a real browser ({missing})");
            return;
        }
    };
    let place = Place::new();
    place.run(&["build", "--demo"]).ends(0);
    place.run(&["site", "--out", "static", "--base", "/atlas"]).ends(0);
    place.write("lab/events.jsonl", LOG);
    place.run(&["hunt", "lab", "--save", "hits.db"]).ends(0);
    let serve = ["serve", "--addr", "127.0.0.1:0", "--db", "catalog.db", "--hits", "hits.db"];
    let mut command = place.command(&serve);
    let mut served = Served(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut said = String::new();
    BufReader::new(served.0.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let site = said.split_whitespace().find(|word| word.starts_with("http://")).expect(&said).trim_end_matches('/');
    let output = Command::new(node)
        .args([
            "--test",
            "--test-concurrency=1",
            "walk.test.mjs",
            "fires.test.mjs",
            "static.test.mjs",
            "pages.test.mjs",
        ])
        .current_dir(&folder)
        .env("RULEATLAS_STATIC", place.path("static"))
        .env("RULEATLAS_SITE", site)
        .env("RULEATLAS_CHROMIUM", chromium)
        .env("RULEATLAS_PICTURES", root.join("target/pictures"))
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
}
