//! Catalogs built again, and sources fetched with git.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

mod support;

use std::{fs, process::Command, time::Duration};

use support::{Place, Said, rule};

const ONE: &str = "3f6a3f4e-0000-4000-8000-000000000011";
const TWO: &str = "3f6a3f4e-0000-4000-8000-000000000012";

fn simple(id: &str, value: &str) -> String {
    rule(id, &["attack.t1059"], "test", &format!("selection:\n  CommandLine|contains: {value}\ncondition: selection"))
}

fn values(place: &Place) -> Vec<String> {
    place.export("indicators").iter().map(|row| row["value"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn equal_sources_give_equal_bytes() {
    let place = Place::with(&[("one.yml", &simple(ONE, "first")), ("b/two.yml", &simple(TWO, "second"))]);
    place.write("sigma/torn.yml", "a: [");
    place.build().ends(0);
    let first = place.bytes();
    fs::remove_file(place.path("catalog.db")).unwrap();
    place.build().ends(0);
    assert!(first == place.bytes(), "the same sources, built anew");
    let demo = |db: &str| {
        place.plain(&["build", "--demo", "--db", db]).ends(0);
        fs::read(place.path(db)).unwrap()
    };
    assert!(demo("demo1.db") == demo("demo2.db"));
    assert!(first != demo("demo1.db"));
}

#[test]
fn an_unchanged_source_leaves_the_catalog_alone() {
    let place = Place::with(&[("one.yml", &simple(ONE, "first"))]);
    place.build().ends(0);
    let file = fs::File::options().write(true).open(place.path("catalog.db")).unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    file.set_modified(long_ago).unwrap();
    drop(file);
    let before = place.bytes();
    place.build().ends(0).says(&["nothing changed"]);
    assert!(before == place.bytes());
    assert_eq!(fs::metadata(place.path("catalog.db")).unwrap().modified().unwrap(), long_ago, "not even written");
}

#[test]
fn every_change_of_a_source_is_built() {
    let place = Place::with(&[("one.yml", &simple(ONE, "first"))]);
    let rebuilt = |expected: &[&str]| {
        let said = place.build().ends(0);
        assert!(!said.err.contains("nothing changed"), "{}", said.err);
        assert_eq!(values(&place), expected);
    };
    rebuilt(&["first"]);
    place.write("sigma/one.yml", simple(ONE, "other"));
    rebuilt(&["other"]);
    place.write("sigma/two.yml", simple(TWO, "second"));
    rebuilt(&["other", "second"]);
    fs::rename(place.path("sigma/two.yml"), place.path("sigma/three.yml")).unwrap();
    rebuilt(&["other", "second"]);
    assert_eq!(place.json(&["rule", TWO])["path"], "three.yml");
    fs::remove_file(place.path("sigma/three.yml")).unwrap();
    rebuilt(&["other"]);
    let bundle = support::bundle().to_string().replace("Command and Scripting Interpreter", "Interpreter");
    place.write("attack/enterprise-attack.json", bundle);
    rebuilt(&["other"]);
    assert_eq!(place.json(&["technique", "T1059"])["name"], "Interpreter");
    place.run(&["build", "--source", "sigma=sigma"]).ends(0);
    let said = place.run(&["technique", "T1059"]).ends(1);
    assert!(said.err.contains("T1059"), "no ATT&CK any more: {}", said.err);
}

/// A repository of Sigma rules beside the place's other files.
struct Repository<'a> {
    place: &'a Place,
    name: &'a str,
}

impl Repository<'_> {
    fn git(&self, arguments: &[&str]) -> String {
        let folder = self.place.path(self.name);
        fs::create_dir_all(&folder).unwrap();
        let mut git = Command::new("git");
        for setting in
            ["user.name=Test", "user.email=test@example.org", "core.hooksPath=/dev/null", "commit.gpgSign=false"]
        {
            git.args(["-c", setting]);
        }
        for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
            git.env_remove(name);
        }
        let output = git.arg("-C").arg(folder).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, path: &str, text: &str) -> String {
        self.place.write(&format!("{}/{path}", self.name), text);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=One", "--date=2026-01-02T03:04:05Z"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn new<'a>(place: &'a Place, name: &'a str) -> Repository<'a> {
        let repository = Repository { place, name };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.git(&["config", "uploadpack.allowFilter", "true"]);
        repository.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
        repository
    }

    /// Its row in a table of sources.
    fn row(&self) -> String {
        let url = format!("file://{}", self.place.path(self.name).display());
        format!("[[source]]\nname = \"{}\"\nkind = \"sigma\"\nurl = \"{url}\"\nlicense = \"MIT\"\n", self.name)
    }
}

fn sync(place: &Place) -> Said {
    place.run(&["sync", "--sources", "table.toml", "--only-own", "--into", "corpora"])
}

#[test]
fn own_repositories_are_fetched_updated_and_built() {
    let place = Place::new();
    let (ours, theirs) = (Repository::new(&place, "ours"), Repository::new(&place, "theirs"));
    let first = ours.commit("rules/one.yml", &simple(ONE, "first"));
    theirs.commit("two.yml", &simple(TWO, "second"));
    place.write("table.toml", ours.row() + &theirs.row());
    let said = sync(&place).ends(0).says(&["1 of 2: ours", "2 of 2: theirs", &first[..8], "2 rules"]);
    assert_eq!(said.out, "");
    assert_eq!(values(&place), ["first", "second"]);
    let exported = place.json(&["rule", ONE]);
    assert_eq!((&exported["source"], &exported["path"]), (&"ours".into(), &"rules/one.yml".into()));
    assert_eq!(exported["license"], "MIT");
    let upstream = exported["upstream"].as_str().unwrap();
    assert!(upstream.ends_with(&format!("/blob/{first}/rules/one.yml")), "{upstream}");

    let before = place.bytes();
    sync(&place).ends(0).says(&["nothing changed"]);
    assert!(before == place.bytes());

    let second = ours.commit("rules/one.yml", &simple(ONE, "changed"));
    sync(&place).ends(0).says(&["ours: updated", &second[..8]]);
    assert_eq!(values(&place), ["changed", "second"]);
}

#[test]
fn a_source_out_of_reach_keeps_its_old_state() {
    let place = Place::new();
    let (ours, theirs) = (Repository::new(&place, "ours"), Repository::new(&place, "theirs"));
    ours.commit("one.yml", &simple(ONE, "first"));
    theirs.commit("two.yml", &simple(TWO, "second"));
    place.write("table.toml", ours.row() + &theirs.row());
    sync(&place).ends(0);
    ours.commit("one.yml", &simple(ONE, "changed"));
    fs::rename(place.path("theirs"), place.path("gone")).unwrap();
    sync(&place).ends(1).says(&["theirs", "ours: updated"]);
    assert_eq!(values(&place), ["changed", "second"], "the one in reach is new, the other as it was");
    sync(&place).ends(1).says(&["nothing changed"]);
}

#[test]
fn nothing_fetched_is_nothing_built() {
    let place = Place::new();
    let row = "[[source]]\nname = \"ours\"\nkind = \"sigma\"\nurl = \"file:///no/such/place\"\n";
    place.write("table.toml", row);
    sync(&place).ends(1).says(&["ours", "nothing to build"]);
    assert!(!place.path("catalog.db").exists());
    place.run(&["sync", "elastic", "--sources", "table.toml", "--only-own", "--into", "corpora"]).ends(2);
    place.write("table.toml", "[[source]]\nname = \"ours\"\nkind = \"runes\"\n");
    sync(&place).ends(1).says(&["table.toml:3", "runes"]);
}

#[test]
fn a_table_without_a_source_is_named_with_the_remedy() {
    let place = Place::new();
    place.write("none.toml", "");
    let disabled =
        "[[source]]\nname = \"own\"\nkind = \"sigma\"\nurl = \"https://example.org/own.git\"\nenabled = false\n";
    place.write("disabled.toml", disabled);
    for table in ["none.toml", "disabled.toml"] {
        let said = place.run(&["sync", "--sources", table, "--only-own", "--into", "corpora"]).ends(2);
        said.says(&[table, "no source of your own is enabled", "[[source]]", "--only-own"]);
    }
}
