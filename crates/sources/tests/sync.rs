//! The public corpora's clones, against repositories of our own on this disk.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail anywhere, in its helpers too"
)]

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use ruleatlas_model::Vendor;
use ruleatlas_sources::{
    SourceKind,
    sync::{self, Change, Error, Options, Progress, Repository, Revision, SyncReport, sync, sync_with, table},
};
use tempfile::TempDir;

/// The page of a file of a repository at a commit.
fn page(repository: &Repository, commit: &str, path: &str) -> String {
    let at = Revision { commit: commit.to_owned(), date: String::new() };
    repository.origin(&at).page(path).unwrap()
}

/// A repository to clone from, and a folder to clone into.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.origin()).unwrap();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        // As public servers have it: clones may leave out files, and fetch them by their hash.
        place.git(&["config", "uploadpack.allowFilter", "true"]);
        place.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
        place
    }

    fn origin(&self) -> PathBuf {
        self.folder.path().join("origin")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        for setting in
            ["user.name=Test", "user.email=test@example.org", "core.hooksPath=/dev/null", "commit.gpgSign=false"]
        {
            git.args(["-c", setting]);
        }
        for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
            git.env_remove(name);
        }
        let output = git.arg("-C").arg(self.origin()).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Commits files of that content, and gives the commit's hash.
    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.origin().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message=One", "--date=2026-01-02T03:04:05Z"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn source(&self, name: &str) -> Repository {
        Repository {
            login: None,
            name: name.into(),
            kind: SourceKind::Rules(Vendor::Sigma),
            url: format!("file://{}", self.origin().display()),
            branch: None,
            sparse: vec![],
            license: String::new(),
            link: "{url}/blob/{commit}/{path}".into(),
            title: String::new(),
        }
    }

    fn sync(&self, source: &Repository) -> SyncReport {
        sync(std::slice::from_ref(source), &self.data(), &mut |_| {}).pop().unwrap()
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.data().join(path)).ok()
    }

    /// The names in the data folder that no reader should meet.
    fn leftovers(&self) -> Vec<String> {
        let entries = fs::read_dir(self.data()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with('.') && name != ".sync.lock").collect()
    }
}

fn change(report: &SyncReport) -> Change {
    *report.outcome.as_ref().unwrap_or_else(|error| panic!("{error}"))
}

fn error(report: &SyncReport) -> &Error {
    report.outcome.as_ref().expect_err("it should have failed")
}

#[test]
fn a_source_is_cloned_then_updated() {
    let place = Place::new();
    let first = place.commit(&[("rules/a.yml", "one"), ("LICENSE", "free")]);
    let source = place.source("Ours");
    let mut seen = Vec::new();
    let reports = sync(std::slice::from_ref(&source), &place.data(), &mut |progress| {
        seen.push(match progress {
            Progress::Started { index, of, .. } => format!("{index} of {of}"),
            Progress::Git { action, .. } => action.to_owned(),
            Progress::Finished(report) => report.source.clone(),
        });
    });
    assert_eq!(change(&reports[0]), Change::Cloned);
    assert_eq!(seen, ["0 of 1", "clone", "checkout", "Ours"]);
    let revision = reports[0].revision.clone().unwrap();
    assert_eq!(revision.commit, first);
    assert_eq!(revision.date.len(), 10);
    assert_eq!(reports[0].folder, place.data().join("Ours"));
    assert_eq!(place.read("Ours/rules/a.yml").as_deref(), Some("one"));
    assert_eq!(sync::revision(&source, &place.data()), Some(revision));

    assert_eq!(change(&place.sync(&source)), Change::Unchanged);

    place.git(&["rm", "--quiet", "rules/a.yml"]);
    let second = place.commit(&[("rules/b.yml", "two")]);
    let report = place.sync(&source);
    assert_eq!(
        (change(&report), report.revision.as_ref().unwrap().commit.as_str()),
        (Change::Updated, second.as_str())
    );
    assert_eq!((place.read("Ours/rules/a.yml"), place.read("Ours/rules/b.yml").as_deref()), (None, Some("two")));
    assert!(report.to_string().starts_with(&format!("Ours: updated, {} of 20", &second[..8])), "{report}");
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn a_rewritten_history_and_changed_files_are_no_obstacle() {
    let place = Place::new();
    place.commit(&[("a.yml", "one")]);
    let source = place.source("Ours");
    place.sync(&source);
    fs::write(place.data().join("Ours/a.yml"), "meddled with").unwrap();
    place.git(&["checkout", "--quiet", "--orphan", "other"]);
    let commit = place.commit(&[("a.yml", "other")]);
    place.git(&["branch", "--force", "main", "other"]);
    place.git(&["checkout", "--quiet", "main"]);
    let report = place.sync(&source);
    assert_eq!((change(&report), report.revision.unwrap().commit), (Change::Updated, commit));
    assert_eq!(place.read("Ours/a.yml").as_deref(), Some("other"));
}

#[test]
fn only_the_wanted_paths_and_the_notices_are_fetched() {
    let place = Place::new();
    place.commit(&[
        ("rules/deep/a.yml", "a"),
        ("rules-other/b.yml", "b"),
        ("Hunting Queries/c.yml", "c"),
        ("more/rules/d.yml", "d"),
        ("packs/x/Rules/e.yml", "e"),
        ("packs/x/payload.bin", "large"),
        ("README.md", "r"),
        ("LICENSE.txt", "l"),
    ]);
    let mut source = place.source("Ours");
    source.sparse = ["rules", "Hunting Queries", "/packs/*/Rules/*.yml"].map(str::to_owned).to_vec();
    assert_eq!(change(&place.sync(&source)), Change::Cloned);
    for (path, is_there) in [
        ("rules/deep/a.yml", true),
        ("Hunting Queries/c.yml", true),
        ("packs/x/Rules/e.yml", true),
        ("LICENSE.txt", true),
        ("rules-other/b.yml", false),
        ("more/rules/d.yml", false),
        ("packs/x/payload.bin", false),
        ("README.md", false),
    ] {
        assert_eq!(place.data().join("Ours").join(path).exists(), is_there, "{path}");
    }

    let clone = place.data().join("Ours");
    let mut objects = Command::new("git");
    objects.arg("-C").arg(&clone).args(["rev-list", "--objects", "--missing=print", "HEAD"]);
    let objects = String::from_utf8(objects.output().unwrap().stdout).unwrap();
    let absent = |path: &str| objects.contains(&format!("?{}", place.git(&["rev-parse", &format!("HEAD:{path}")])));
    assert!(absent("packs/x/payload.bin") && !absent("LICENSE.txt"), "{objects}");

    // Other wishes are met by the next sync, also without a new commit.
    source.sparse = vec!["more".into()];
    assert_eq!(change(&place.sync(&source)), Change::Updated);
    assert_eq!(
        (place.read("Ours/more/rules/d.yml").as_deref(), place.read("Ours/rules/deep/a.yml")),
        (Some("d"), None)
    );
    source.sparse.clear();
    assert_eq!(change(&place.sync(&source)), Change::Updated);
    assert_eq!(place.read("Ours/README.md").as_deref(), Some("r"));
    assert_eq!(change(&place.sync(&source)), Change::Unchanged);
}

#[test]
fn a_branch_can_be_named_and_changed() {
    let place = Place::new();
    place.commit(&[("a.yml", "main")]);
    place.git(&["checkout", "--quiet", "-b", "dev/next"]);
    place.commit(&[("a.yml", "dev")]);
    place.git(&["checkout", "--quiet", "main"]);
    let mut source = place.source("Ours");
    source.branch = Some("dev/next".into());
    place.sync(&source);
    assert_eq!(place.read("Ours/a.yml").as_deref(), Some("dev"));
    source.branch = Some("main".into());
    assert_eq!(change(&place.sync(&source)), Change::Updated);
    assert_eq!(place.read("Ours/a.yml").as_deref(), Some("main"));
    source.branch = Some("nowhere".into());
    let report = place.sync(&source);
    assert!(error(&report).to_string().contains("check the branch"), "{report}");
    assert_eq!(place.read("Ours/a.yml").as_deref(), Some("main"));
}

#[test]
fn a_source_that_cannot_be_reached_keeps_its_old_state_and_stops_no_other() {
    let (place, other) = (Place::new(), Place::new());
    let commit = place.commit(&[("a.yml", "one")]);
    other.commit(&[("b.yml", "two")]);
    let source = place.source("Ours");
    place.sync(&source);
    fs::rename(place.origin(), place.folder.path().join("gone")).unwrap();

    let mut never_there = place.source("Never");
    never_there.url = format!("file://{}/nothing", place.folder.path().display());
    let reports = sync(&[source.clone(), never_there, other.source("Other")], &place.data(), &mut |_| {});
    assert_eq!(reports[0].revision.as_ref().unwrap().commit, commit);
    assert_eq!(place.read("Ours/a.yml").as_deref(), Some("one"));
    let said = reports[0].to_string();
    assert!(said.contains("git fetch: ") && said.contains("check the address"), "{said}");
    assert!(said.ends_with("stays"), "{said}");
    assert!(matches!(error(&reports[1]), Error::Git { action: "clone", .. }));
    assert_eq!(reports[1].revision, None);
    assert!(!place.data().join("Never").exists());
    assert_eq!(change(&reports[2]), Change::Cloned);
    assert_eq!(place.leftovers(), [""; 0]);

    // The same when the address changes to one that does not answer.
    let mut moved = source;
    moved.url += "-elsewhere";
    let report = place.sync(&moved);
    assert_eq!(report.revision.as_ref().unwrap().commit, commit);
    assert!(report.outcome.is_err());
    assert_eq!(place.read("Ours/a.yml").as_deref(), Some("one"));
}

#[test]
fn files_that_do_not_come_leave_the_old_state_whole() {
    let place = Place::new();
    let first = place.commit(&[("a.yml", "one"), ("b.yml", "one")]);
    let source = place.source("Ours");
    place.sync(&source);
    place.git(&["rm", "--quiet", "a.yml"]);
    place.commit(&[("b.yml", "a text that the server will lose")]);
    // The commit can be fetched, a file of it cannot.
    let blob = place.git(&["rev-parse", "HEAD:b.yml"]);
    fs::remove_file(place.origin().join(".git/objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let report = place.sync(&source);
    assert!(report.outcome.is_err(), "{report}");
    assert_eq!(report.revision.unwrap().commit, first);
    assert_eq!((place.read("Ours/a.yml").as_deref(), place.read("Ours/b.yml").as_deref()), (Some("one"), Some("one")));
}

#[test]
fn a_new_address_is_cloned_anew_and_exchanged() {
    let (place, other) = (Place::new(), Place::new());
    place.commit(&[("a.yml", "one")]);
    let commit = other.commit(&[("b.yml", "two")]);
    let mut source = place.source("Ours");
    place.sync(&source);
    source.url = other.source("").url;
    let report = place.sync(&source);
    assert_eq!((change(&report), report.revision.unwrap().commit), (Change::Cloned, commit));
    assert_eq!((place.read("Ours/a.yml"), place.read("Ours/b.yml").as_deref()), (None, Some("two")));
    assert_eq!(place.leftovers(), [""; 0]);
}

#[test]
fn an_interrupted_sync_is_mended() {
    let place = Place::new();
    place.commit(&[("a.yml", "one")]);
    let source = place.source("Ours");
    place.sync(&source);
    // Ended between the two renames, and another time in the middle of a reset.
    fs::rename(place.data().join("Ours"), place.data().join(".Ours.old")).unwrap();
    fs::create_dir(place.data().join(".Ours.new")).unwrap();
    fs::write(place.data().join(".Ours.old/.git/index.lock"), "").unwrap();
    assert_eq!(change(&place.sync(&source)), Change::Unchanged);
    assert_eq!(place.leftovers(), [""; 0]);
    // Files that it left half changed are repaired though the source does not answer.
    fs::write(place.data().join("Ours/a.yml"), "half").unwrap();
    fs::write(place.data().join("Ours/.git/index.lock"), "").unwrap();
    let gone = place.folder.path().join("gone");
    fs::rename(place.origin(), &gone).unwrap();
    let report = place.sync(&source);
    assert!(matches!(error(&report), Error::Git { action: "fetch", .. }), "{report}");
    assert_eq!(place.read("Ours/a.yml").as_deref(), Some("one"));
    fs::rename(&gone, place.origin()).unwrap();
    // A clone that lost its objects is made again.
    fs::remove_dir_all(place.data().join("Ours/.git/objects")).unwrap();
    assert_eq!(change(&place.sync(&source)), Change::Cloned);
}

#[test]
fn a_folder_that_sync_did_not_make_is_left_alone() {
    let place = Place::new();
    place.commit(&[("a.yml", "one")]);
    fs::create_dir_all(place.data().join("Ours")).unwrap();
    fs::create_dir_all(place.data().join("Empty")).unwrap();
    fs::write(place.data().join("Ours/work.txt"), "mine").unwrap();
    // Around it lies a repository, as when all of a home folder is one.
    Command::new("git").arg("init").arg("--quiet").arg(place.folder.path()).status().unwrap();
    let report = place.sync(&place.source("Ours"));
    assert!(matches!(error(&report), Error::Foreign(_)), "{report}");
    assert!(error(&report).to_string().contains("move it away"));
    assert_eq!((report.revision, place.read("Ours/work.txt").as_deref()), (None, Some("mine")));
    assert_eq!(change(&place.sync(&place.source("Empty"))), Change::Cloned);
}

#[test]
fn hostile_sources_never_reach_git() {
    let place = Place::new();
    place.commit(&[("a.yml", "one")]);
    let rejected = |source: &Repository| {
        let options = Options { git: "/nowhere/git".into(), ..Options::default() };
        let report = sync_with(&options, std::slice::from_ref(source), &place.data(), &mut |_| {}).pop().unwrap();
        matches!(error(&report), Error::Unsafe { .. })
    };
    let long = "x".repeat(65);
    for name in [
        "", ".", "..", "../up", "a/b", "a\\b", ".git", "-x", "a b", "a\0b", "é", "con", "NUL.txt", "com1", "end.",
        &long,
    ] {
        assert!(rejected(&place.source(name)), "{name:?}");
    }
    for url in [
        "",
        "-uploadpack=x",
        "--upload-pack=touch x",
        "ext::sh -c touch% x",
        "ext::sh",
        "http://example.org/x",
        "git://example.org/x",
        "/etc",
        "../x",
        "file://host/x",
        "file:relative",
        "https://",
        "https://-host/x",
        "ssh://-oProxyCommand=x/y",
        "ssh://user@-oProxyCommand=x/y",
        "git@-oProxyCommand=x:y",
        "git@host:-x",
        "git@host::x",
        "-u@host:x",
        "https://a\nb/c",
        "https://a b/c",
        "fd::17",
        "transport::https://example.org/x",
        "git@host",
    ] {
        assert!(rejected(&Repository { url: url.into(), ..place.source("Ours") }), "{url:?}");
    }
    for branch in ["", "-x", "--upload-pack=x", "a..b", "a b", "a:b", "+a", "a\nb", "a~1", "*"] {
        assert!(rejected(&Repository { branch: Some(branch.into()), ..place.source("Ours") }), "{branch:?}");
    }
    for path in ["", "/", "-x", "!a", "#a", "../a", "a/../b", "a\nb", "a\\b"] {
        assert!(rejected(&Repository { sparse: vec![path.into()], ..place.source("Ours") }), "{path:?}");
    }
    for url in [
        "https://example.org/x.git",
        "https://user@example.org:8443/x",
        "ssh://git@example.org/x",
        "git@example.org:a/b.git",
    ] {
        assert!(!rejected(&Repository { url: url.into(), ..place.source("Ours") }), "{url:?}");
    }
}

#[test]
fn two_sources_of_one_name_are_told_apart() {
    let place = Place::new();
    place.commit(&[("a.yml", "one")]);
    let reports = sync(&[place.source("Ours"), place.source("ours")], &place.data(), &mut |_| {});
    assert_eq!(change(&reports[0]), Change::Cloned);
    assert!(matches!(error(&reports[1]), Error::Unsafe { .. }));
}

#[cfg(unix)]
#[test]
fn neither_hooks_nor_links_of_a_repository_have_effect() {
    let place = Place::new();
    place.commit(&[("a.yml", "one")]);
    std::os::unix::fs::symlink("/etc/passwd", place.origin().join("link.yml")).unwrap();
    place.commit(&[]);
    let source = place.source("Ours");
    place.sync(&source);
    assert_eq!(place.read("Ours/link.yml").as_deref(), Some("/etc/passwd"));
    let hooks = place.data().join("Ours/.git/hooks");
    assert!(!hooks.exists());
    fs::create_dir(&hooks).unwrap();
    let mark = place.folder.path().join("ran");
    for name in ["post-checkout", "reference-transaction", "post-index-change"] {
        let hook = hooks.join(name);
        fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
        fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    place.commit(&[("a.yml", "two")]);
    assert_eq!(change(&place.sync(&source)), Change::Updated);
    assert!(!mark.exists());
}

#[test]
fn only_one_sync_works_in_a_folder() {
    let place = Place::new();
    place.commit(&[("a.yml", "one")]);
    fs::create_dir_all(place.data()).unwrap();
    let lock = File::create(place.data().join(".sync.lock")).unwrap();
    lock.lock().unwrap();
    let report = place.sync(&place.source("Ours"));
    assert!(matches!(error(&report), Error::Locked(_)), "{report}");
    assert!(error(&report).to_string().contains("wait until it has ended"));
    lock.unlock().unwrap();
    assert_eq!(change(&place.sync(&place.source("Ours"))), Change::Cloned);
}

#[test]
fn without_git_the_message_says_so() {
    let place = Place::new();
    let options = Options { git: "no-such-program-as-this".into(), ..Options::default() };
    let report = sync_with(&options, &[place.source("Ours")], &place.data(), &mut |_| {}).pop().unwrap();
    assert!(matches!(error(&report), Error::NoGit(_)), "{report}");
    assert!(error(&report).to_string().contains("install git"));
}

#[cfg(unix)]
#[test]
fn a_git_that_does_not_end_is_ended() {
    let place = Place::new();
    let program = place.folder.path().join("slow");
    // Its child holds the pipes open after it was ended, as a helper for a network protocol would.
    fs::write(&program, "#!/bin/sh\nsleep 20\n").unwrap();
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let options = Options { git: program, timeout: Duration::from_millis(100) };
    let start = Instant::now();
    let report = sync_with(&options, &[place.source("Ours")], &place.data(), &mut |_| {}).pop().unwrap();
    assert!(matches!(error(&report), Error::Timeout { action: "clone", .. }), "{report}");
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn an_unusable_data_folder_is_named() {
    let place = Place::new();
    fs::write(place.data(), "a file").unwrap();
    let report = place.sync(&place.source("Ours"));
    assert!(matches!(error(&report), Error::Io { .. }) && error(&report).to_string().contains("data"), "{report}");
    let none: Option<Revision> = sync::revision(&place.source("Ours"), &place.data());
    assert_eq!(none, None);
}

fn user_table(text: &[u8]) -> Result<Vec<Repository>, Error> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.toml");
    fs::write(&file, text).unwrap();
    table(Some(&file))
}

#[test]
fn the_built_in_table_has_every_kind_and_clones_apart() {
    let sources = table(None).unwrap();
    for kind in [
        "sigma",
        "elastic",
        "splunk",
        "kusto",
        "panther",
        "sublime",
        "yaral",
        "logscale",
        "falco",
        "wazuh",
        "anvilogic",
        "attack",
        "d3fend",
        "car",
        "atomic",
        "stratus",
        "events",
    ] {
        assert!(sources.iter().any(|source| source.kind.name() == kind), "{kind}");
    }
    for source in &sources {
        assert!(!source.title.is_empty() && source.url.starts_with("https://"), "{source:?}");
        // Two do not say their licence where it could be looked up; a build takes it from their files.
        let is_unsaid = ["mdecrevoisier", "Cloud-Architekt"].contains(&source.name.as_str());
        assert_eq!(source.license.is_empty(), is_unsaid, "{source:?}");
    }
}

#[test]
fn a_login_in_an_address_is_told_to_git_alone() {
    let sources = user_table(
        b"[[source]]\nname = 'Ours'\nkind = 'kusto'\nurl = 'https://user:hunter2@127.0.0.1:1/soc/rules'\n\n\
          [[source]]\nname = 'Keyed'\nkind = 'sigma'\nurl = 'ssh://git:hunter2@git.example.org/soc/rules'\n",
    )
    .unwrap();
    let [ours, keyed] = sources.split_last_chunk::<2>().unwrap().1;
    assert_eq!(ours.url, "https://127.0.0.1:1/soc/rules");
    assert_eq!(keyed.url, "ssh://git@git.example.org/soc/rules");
    assert_eq!(page(ours, "abc", "x.kql"), "https://127.0.0.1:1/soc/rules/blob/abc/x.kql");
    let folder = tempfile::tempdir().unwrap();
    // Nothing listens there: git says so, with the address.
    let report = sync(std::slice::from_ref(ours), folder.path(), &mut |_| {}).pop().unwrap();
    for shown in [report.to_string(), format!("{report:?}"), format!("{sources:?}")] {
        assert!(!shown.contains("hunter2") && !shown.contains("user:"), "{shown}");
    }
    assert!(report.outcome.is_err(), "{report}");
}

#[test]
fn a_user_s_table_adds_changes_and_removes() {
    let built_in = table(None).unwrap();
    let sources = user_table(
        b"[[source]]\nname = 'sigmahq'\nbranch = 'dev'\nsparse = ['rules']\n\n[[source]]\nname = 'Splunk'\nenabled = false\n\n\
          [[source]]\nname = 'Ours'\nkind = 'kusto'\nurl = 'git@git.example.org:soc/rules.git'\n",
    )
    .unwrap();
    assert_eq!(sources.len(), built_in.len());
    let sigma = &sources[0];
    assert_eq!((sigma.name.as_str(), sigma.branch.as_deref(), sigma.sparse.len()), ("SigmaHQ", Some("dev"), 1));
    assert_eq!((sigma.url.as_str(), sigma.license.as_str()), (built_in[0].url.as_str(), "DRL-1.1"));
    assert!(!sources.iter().any(|source| source.name == "Splunk"));
    let ours = sources.last().unwrap();
    assert_eq!((ours.name.as_str(), ours.kind), ("Ours", SourceKind::Rules(Vendor::Kusto)));
    assert_eq!(page(ours, "abc", "x/ä #1?.kql"), "https://git.example.org/soc/rules/blob/abc/x/%C3%A4%20%231%3F.kql");
}

#[test]
fn a_link_s_parts_are_filled_in_as_they_are() {
    let place = Place::new();
    let mut source = place.source("Ours");
    source.url = "https://example.org/{path}/x.git/".into();
    source.link = "{url}/-/tree/{commit}?f={path}#top".into();
    assert_eq!(page(&source, "{url}", "a"), "https://example.org/{path}/x/-/tree/{url}?f=a#top");
}

#[test]
fn a_malformed_table_is_named_with_its_place() {
    for (text, place, part) in [
        (&b"[[source]]\nname = 'x'\nkind = \n"[..], "own.toml:3:8: ", ""),
        (b"[[source]]\nname = 'x'\nkind = 'yara'\n", "own.toml:3:8: ", "yara"),
        (b"[[source]]\nname = 'x'\nlicence = 'MIT'\n", "own.toml:3:1: ", "licence"),
        (b"[[source]]\nkind = 'sigma'\n", "own.toml:1:1: ", "name"),
        (b"[[source]]\nname = 'x'\n", "own.toml:2:8: ", "needs `kind` and `url`"),
        (b"[[source]]\nname = '../x'\n", "own.toml:2:8: ", "letters"),
        (b"[[source]]\nname = 'x'\nurl = 'ext::sh'\n", "own.toml:3:7: ", "https://"),
        (b"[[source]]\nname = 'x'\nbranch = '-x'\n", "own.toml:3:10: ", "branch"),
        (b"[[source]]\nname = 'x'\nsparse = ['a', '../b']\n", "own.toml:3:16: ", "down from the top"),
        (b"[[source]]\nname = 'x'\nlink = '{url}/{file}'\n", "own.toml:3:8: ", "{path}"),
        (b"[[source]]\nname = 'Splunk'\n[[source]]\nname = 'splunk'\n", "own.toml:4:8: ", "second"),
        (b"# fine\n[[source]]\nname = '\xff'\n", "own.toml:3:9: ", "UTF-8"),
        (b"sources = 1\n", "own.toml:1:1: ", "sources"),
    ] {
        let error = user_table(text).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(place) && message.contains(part), "{message} lacks {place} or {part}");
    }
    let nested = format!("x = {}", "[".repeat(10_000));
    assert!(matches!(user_table(nested.as_bytes()), Err(Error::Table { .. })));
    assert!(matches!(table(Some(Path::new("/nowhere/own.toml"))), Err(Error::Io { .. })));
}
