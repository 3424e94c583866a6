//! A folder with rules and an ATT&CK bundle of ours, and the program run on them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "every test file takes what it needs, and may fail anywhere"
)]

pub mod served;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use assert_cmd::cargo::CommandCargoExt as _;
use ruleatlas_model::Vendor;
use serde_json::{Value, json};
use tempfile::TempDir;

/// A home of its own: sources, catalog and whatever else the program writes.
pub struct Place {
    folder: TempDir,
}

/// What a run of the program said.
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        let status = output.status.code().expect("the program ends by itself");
        Self { status, out: text(output.stdout), err: text(output.stderr) }
    }

    /// That the run ended with `status`.
    #[track_caller]
    pub fn ends(self, status: i32) -> Self {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// That standard error has all of these.
    #[track_caller]
    pub fn says(self, parts: &[&str]) -> Self {
        for part in parts {
            assert!(self.err.contains(part), "no `{part}` in:\n{}", self.err);
        }
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// With an ATT&CK bundle and rules, by path inside the source.
    pub fn with(rules: &[(&str, &str)]) -> Self {
        let place = Self::new();
        place.write("attack/enterprise-attack.json", bundle().to_string());
        fs::create_dir_all(place.path("sigma")).unwrap();
        for (path, text) in rules {
            place.write(&format!("sigma/{path}"), text);
        }
        place
    }

    pub fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    pub fn write(&self, inside: &str, content: impl AsRef<[u8]>) {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("ruleatlas").unwrap();
        command.args(arguments).current_dir(self.folder.path()).env("COLUMNS", "200");
        command.env("HOME", self.path("home")).env_remove("CLICOLOR_FORCE");
        for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program as it is.
    pub fn plain(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    /// Runs the program on the catalog of this place.
    pub fn run(&self, arguments: &[&str]) -> Said {
        self.plain(&[arguments, &["--db", "catalog.db"]].concat())
    }

    /// The same as on a terminal, where no escape is taken out on the way.
    pub fn coloured(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(&[arguments, &["--db", "catalog.db"]].concat());
        Said::of(command.env("CLICOLOR_FORCE", "1").output().unwrap())
    }

    /// Builds the catalog of the rules and the bundle.
    pub fn build(&self) -> Said {
        self.run(&["build", "--source", "sigma=sigma", "--source", "attack=attack"])
    }

    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).ends(0).json()
    }

    #[track_caller]
    pub fn export(&self, what: &str) -> Vec<Value> {
        self.run(&["export", what]).ends(0).lines()
    }

    /// The bytes of the catalog.
    #[track_caller]
    pub fn bytes(&self) -> Vec<u8> {
        fs::read(self.path("catalog.db")).unwrap()
    }

    /// The names beside the catalog that a broken-off write would leave.
    pub fn leftovers(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with(".ruleatlas-")).collect()
    }
}

/// The folder of real corpora, where the environment names one.
pub fn corpora() -> Option<PathBuf> {
    let found = std::env::var_os("RULEATLAS_CORPORA").map(PathBuf::from);
    if found.is_none() {
        eprintln!("skipped: RULEATLAS_CORPORA names no folder of real rules");
    }
    found
}

/// `KIND=PATH` of a folder.
pub fn source(kind: &str, path: &Path) -> String {
    format!("{kind}={}", path.display())
}

/// A Sigma rule: its id, its tags, what stands behind `status:` and its detection, indented by two.
pub fn rule(id: &str, tags: &[&str], status: &str, detection: &str) -> String {
    let tags: String = tags.iter().map(|tag| format!("  - {tag}\n")).collect();
    let detection: String = detection.lines().map(|line| format!("  {line}\n")).collect();
    format!(
        "title: Rule {id}\nid: {id}\nstatus: {status}\ndescription: A rule of the tests.\nauthor: Tests\n\
         tags:\n{tags}logsource:\n  product: windows\n  category: process_creation\ndetection:\n{detection}level: high\n"
    )
}

/// Techniques with sub-techniques, among them one that later versions of ATT&CK moved.
pub fn bundle() -> Value {
    let outside = |id: &str| json!([{"source_name": "mitre-attack", "external_id": id}]);
    let tactic = |id: &str, name: &str, short: &str| {
        json!({"type": "x-mitre-tactic", "id": format!("x-mitre-tactic--{id}"), "name": name,
               "x_mitre_shortname": short, "description": "", "external_references": outside(id)})
    };
    let mut objects = vec![
        json!({"type": "x-mitre-matrix", "id": "x-mitre-matrix--1", "name": "Enterprise",
               "external_references": outside("enterprise-attack"),
               "tactic_refs": ["x-mitre-tactic--TA0002", "x-mitre-tactic--TA0005"]}),
        tactic("TA0002", "Execution", "execution"),
        tactic("TA0005", "Defense Evasion", "defense-evasion"),
    ];
    for (id, name, short) in [
        ("T1059", "Command and Scripting Interpreter", "execution"),
        ("T1059.001", "PowerShell", "execution"),
        ("T1059.003", "Windows Command Shell", "execution"),
        ("T1562", "Impair Defenses", "defense-evasion"),
        ("T1562.001", "Disable or Modify Tools", "defense-evasion"),
        ("T1105", "Ingress Tool Transfer", "execution"),
    ] {
        objects.push(json!({
            "type": "attack-pattern", "id": format!("attack-pattern--{id}"), "name": name,
            "description": "What it is.\n\nMore of it.", "external_references": outside(id),
            "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": short}],
            "x_mitre_platforms": ["Windows"], "x_mitre_is_subtechnique": id.contains('.'),
        }));
        if let Some((parent, _)) = id.split_once('.') {
            objects.push(json!({
                "type": "relationship", "id": format!("relationship--{id}"), "relationship_type": "subtechnique-of",
                "source_ref": format!("attack-pattern--{id}"), "target_ref": format!("attack-pattern--{parent}"),
            }));
        }
    }
    json!({"type": "bundle", "id": "bundle--1", "objects": objects})
}

/// The kinds and folders of the public rules under a folder, and ATT&CK's: those that are there.
pub fn rule_corpora(corpora: &Path) -> Vec<(&'static str, PathBuf)> {
    let kinds = Vendor::ALL.iter().map(|vendor| vendor.name()).chain(["attack"]);
    kinds.map(|kind| (kind, corpora.join(kind))).filter(|(_, path)| path.is_dir()).collect()
}
