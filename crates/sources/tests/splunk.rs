//! Splunk's searches where people keep them: apps, the REST interface, Security Essentials, files, and both layouts of
//! security content.

use ruleatlas_model::{Kind, Rule, Severity, Status, Vendor};
use ruleatlas_sources::{Outcome, SourceFile, format_of};

struct Read {
    rule: Rule,
    tags: Vec<String>,
    sources: Vec<String>,
}

fn files(files: &[(&str, &str)]) -> Vec<SourceFile> {
    files.iter().map(|(path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec())).collect()
}

/// The rules of all files of a source, and what became of each file.
#[allow(clippy::expect_used)]
fn read(source: &[SourceFile]) -> (Vec<Read>, Vec<Outcome>) {
    let format = format_of(Vendor::Splunk, |_, _| false);
    let context = format.context(source);
    let mut read = Vec::new();
    let mut outcomes = Vec::new();
    for file in source {
        outcomes.push(format.read_in(file, &*context, &mut |draft| {
            let tags = draft.tags.into_iter().map(|tag| tag.text).collect();
            let sources = draft.sources.into_iter().map(|source| source.name).collect();
            read.push(Read { rule: draft.rule, tags, sources });
        }));
    }
    (read, outcomes)
}

fn one(path: &str, text: &str) -> Read {
    let (mut read, outcomes) = read(&files(&[(path, text)]));
    assert_eq!((read.len(), outcomes), (1, vec![Outcome::Rules]), "{text}");
    read.remove(0)
}

fn ids(read: &[Read]) -> Vec<&str> {
    read.iter().map(|read| read.rule.id.as_str()).collect()
}

const SAVED: &str = r#"# the searches of a laboratory
[default]
dispatch.earliest_time = -70m@m

[Threat - Odd archiver - Rule]
action.correlationsearch.enabled = 1
action.correlationsearch.label = Odd archiver
action.correlationsearch.annotations = {"mitre_attack": ["T1560.001", "T1039"], "analytic_story": ["Exfiltration"], "data_source": ["Sysmon EventID 1"]}
action.correlationsearch.metadata = {"deprecated": "0", "detection_id": "11111111-2222-4333-8444-555555555555"}
action.notable = 1
action.notable.param.severity = high
action.notable.param.security_domain = endpoint
action.notable.param.rule_description = second choice
action.escu.known_false_positives = Backups.
action.escu.creation_date = 2025-03-04
cron_schedule = */5 * * * *
description = An archiver writes to a share, \
which is odd.
disabled = 0
search = `lab_index` process_name="7z.exe" \
| stats count by dest
is_scheduled = 1

[Weekly report]
search = index=web | timechart count
disabled = 1

[Only settings]
disabled = 1
"#;

#[test]
fn a_saved_search_is_read_with_its_settings() {
    let source = files(&[("my_app/default/savedsearches.conf", SAVED)]);
    let (read, outcomes) = read(&source);
    assert_eq!(outcomes, [Outcome::Rules]);
    assert_eq!(ids(&read), ["splunk/11111111-2222-4333-8444-555555555555", "splunk/Weekly report"]);
    let Read { rule, tags, sources } = &read[0];
    assert_eq!((rule.title.as_str(), rule.line), ("Odd archiver", 5));
    assert_eq!(rule.query, "`lab_index` process_name=\"7z.exe\" \n| stats count by dest");
    assert_eq!(rule.description, "An archiver writes to a share, \nwhich is odd.");
    assert_eq!((rule.severity, rule.status, rule.kind), (Some(Severity::High), Some(Status::Stable), Kind::Rule));
    assert_eq!(
        (rule.date.as_deref(), rule.false_positives.as_slice()),
        (Some("2025-03-04"), &["Backups.".to_owned()][..])
    );
    assert_eq!(
        (tags.as_slice(), sources.as_slice()),
        (&["T1560.001".to_owned(), "T1039".to_owned()][..], &["Sysmon EventID 1".to_owned()][..])
    );
    assert_eq!(rule.tags, ["T1560.001", "T1039", "Exfiltration", "endpoint"]);
    assert_eq!(rule.extra.get("cron_schedule").unwrap(), "*/5 * * * *");
    assert_eq!(rule.extra.get("dispatch.earliest_time").unwrap(), "-70m@m");
    assert_eq!(rule.extra.get("app").unwrap(), "my_app");
    assert!(!rule.extra.has("search") && rule.diagnostics.is_empty());
    let report = &read[1].rule;
    assert_eq!((report.kind, report.status, report.severity), (Kind::Hunting, Some(Status::Experimental), None));
}

#[test]
fn the_local_layer_of_an_app_wins() {
    let local = "[Threat - Odd archiver - Rule]\nsearch = index=other\naction.notable.param.severity = low\n\
                 [Weekly report]\ndisabled = 1\n[Mine]\nsearch = index=mine\nalert.severity = 4\nactions = email\n";
    let source = files(&[
        ("my_app/default/savedsearches.conf", SAVED),
        ("my_app/local/savedsearches.conf", local),
        ("other_app/local/savedsearches.conf", "[Weekly report]\ndisabled = 0\n"),
    ]);
    let (read, outcomes) = read(&source);
    assert_eq!(outcomes[..2], [Outcome::Rules, Outcome::Rules]);
    assert_eq!(outcomes[2], Outcome::NotARule("no search in it".into()));
    let shown: Vec<_> =
        read.iter().map(|read| (read.rule.path.as_str(), read.rule.title.as_str(), read.rule.status)).collect();
    assert_eq!(
        shown,
        [
            ("my_app/default/savedsearches.conf", "Weekly report", Some(Status::Deprecated)),
            ("my_app/local/savedsearches.conf", "Odd archiver", Some(Status::Stable)),
            ("my_app/local/savedsearches.conf", "Mine", None),
        ]
    );
    let archiver = &read[1];
    assert_eq!((archiver.rule.query.as_str(), archiver.rule.severity), ("index=other", Some(Severity::Low)));
    assert_eq!(archiver.tags, ["T1560.001", "T1039"]);
    assert_eq!((read[2].rule.severity, read[2].rule.kind), (Some(Severity::High), Kind::Rule));

    let settings = files(&[
        ("default/savedsearches.conf", SAVED),
        ("local/savedsearches.conf", "[Weekly report]\ndisabled = 0\n"),
    ]);
    let (read, outcomes) = self::read(&settings);
    assert_eq!(read[1].rule.status, Some(Status::Stable));
    assert_eq!(outcomes[1], Outcome::NotARule("settings of searches that stand in another file".into()));
}

#[test]
fn two_searches_of_one_id_are_told_apart() {
    let metadata = "action.correlationsearch.metadata = {\"detection_id\": \"x\"}\nsearch = a\n";
    let (read, _) = read(&files(&[("savedsearches.conf", &format!("[a]\n{metadata}[b]\n{metadata}"))]));
    assert_eq!(ids(&read), ["splunk/x", "splunk/x#1"]);
}

#[test]
fn annotations_that_cannot_be_read_are_said() {
    let text = |annotations: &str| format!("[a]\naction.correlationsearch.annotations = {annotations}\nsearch = x\n");
    let read = one("savedsearches.conf", &text("{\"mitre_attack\": [\"T1039\""));
    assert!(read.tags.is_empty());
    assert_eq!(
        (read.rule.diagnostics[0].code.as_ref(), read.rule.diagnostics[0].line),
        ("annotations not read", Some(2))
    );
    for (annotations, tags) in [
        ("{\"mitre_attack\": \"T1039\"}", vec!["T1039"]),
        ("{\"mitre_attack\": [[\"T1039\"], 7]}", vec!["T1039", "7"]),
        ("{\"mitre_attack_id\": [\"T1039\"], \"nist\": [\"DE.AE\"]}", vec!["T1039"]),
        ("", vec![]),
    ] {
        assert_eq!(one("savedsearches.conf", &text(annotations)).tags, tags, "{annotations}");
    }
    let listed = one("savedsearches.conf", &text("[\"T1039\"]"));
    assert_eq!((listed.tags.len(), listed.rule.diagnostics[0].code.as_ref()), (0, "annotations not read"));
    let mapped =
        "[a]\naction.escu.mappings = {\"mitre_attack\": [\"T1078\"]}\naction.escu.search_type = support\nsearch = x\n";
    let read = one("savedsearches.conf", mapped);
    assert_eq!((read.tags, read.rule.kind), (vec!["T1078".to_owned()], Kind::Baseline));
    let old = "[a]\naction.correlationsearch.metadata = {\"deprecated\": \"1\"}\nsearch = x\n";
    assert_eq!(one("savedsearches.conf", old).rule.status, Some(Status::Deprecated));
    let odd = "[a]\naction.notable.param.severity = odd\nalert.severity = 5\nsearch = x\n";
    let read = one("savedsearches.conf", odd);
    assert_eq!((read.rule.severity, read.rule.diagnostics[0].line), (Some(Severity::Critical), Some(2)));
}

#[test]
fn an_app_brings_its_macros_and_lookups() {
    let source = files(&[
        (
            "one/default/macros.conf",
            "[lab]\ndefinition = index=shipped\n[two(2)]\nargs = a, b\ndefinition = x=$a$ OR \\\ny=$b$\n[text]\niseval = 1\ndefinition = \"a\" . \"b\"\n[odd(1)]\ndefinition = x\n",
        ),
        ("one/local/macros.conf", "[lab]\ndefinition = index=one\n"),
        (
            "one/default/transforms.conf",
            "[tools]\nfilename = tools.csv\ncase_sensitive_match = 0\nmatch_type = WILDCARD(tool)\nmin_matches = 1\ndefault_match = none\n[kv]\nexternal_type = kvstore\n",
        ),
        ("one/lookups/tools.csv", "tool,kind\na*,x\n"),
        ("one/lookups/bare.csv", "name\nq\n"),
        ("two/default/macros.conf", "[lab]\ndefinition = index=two\n"),
        ("two/default/transforms.conf", "[tools]\nfilename = tools.csv\n"),
        ("two/lookups/tools.csv", "tool,kind\nb,y\n"),
    ]);
    let format = format_of(Vendor::Splunk, |_, _| false);
    let context = format.context(&source);
    let one = context.of_file("one/default/savedsearches.conf").unwrap();
    let two = context.of_file("two/local/savedsearches.conf").unwrap();
    let elsewhere = context.of_file("three/savedsearches.conf").unwrap();
    let definition = |context: &dyn ruleatlas_core::Context, name: &str, arguments: usize| {
        context.macro_definition(name, arguments).map(|found| found.definition.to_owned())
    };
    assert_eq!(definition(&*one, "lab", 0).as_deref(), Some("index=one"));
    assert_eq!(definition(&*two, "lab", 0).as_deref(), Some("index=two"));
    assert_eq!(definition(&*elsewhere, "lab", 0).as_deref(), Some("index=one"));
    assert_eq!(definition(&*one, "two", 2).as_deref(), Some("x=$a$ OR \ny=$b$"));
    assert_eq!(one.macro_definition("two", 2).unwrap().parameters, ["a", "b"]);
    assert_eq!(
        (definition(&*one, "text", 0), definition(&*one, "odd", 1), definition(&*one, "two", 1)),
        (None, None, None)
    );
    let tools = one.lookup("tools").unwrap();
    assert_eq!((&tools.rows[0], tools.case_insensitive), (&vec!["a*".to_owned(), "x".to_owned()], true));
    assert_eq!((&tools.wildcard_columns[..], tools.default_match.as_deref()), (&["tool".to_owned()][..], Some("none")));
    assert_eq!(two.lookup("tools").unwrap().rows[0], ["b", "y"]);
    assert_eq!(two.lookup("tools.csv").unwrap().rows[0], ["b", "y"]);
    assert_eq!(elsewhere.lookup("bare.csv").unwrap().rows[0], ["q"]);
    assert!(one.lookup("kv").is_none());
}

#[test]
fn an_app_brings_its_event_types() {
    let source = files(&[
        ("one/default/eventtypes.conf", "[logon]\nsearch = sourcetype=a code=1\n[old]\nsearch = x=1\ndisabled = 1\n"),
        ("one/local/eventtypes.conf", "[logon]\nsearch = sourcetype=a code=2\n"),
        ("two/default/eventtypes.conf", "[logon]\nsearch = code=3\n[tagged]\npriority = 1\n"),
    ]);
    let format = format_of(Vendor::Splunk, |_, _| false);
    let context = format.context(&source);
    let of = |app: &str, name: &str| {
        let context = context.of_file(&format!("{app}/default/savedsearches.conf")).unwrap();
        context.event_type(name).map(str::to_owned)
    };
    assert_eq!(of("one", "logon").as_deref(), Some("sourcetype=a code=2"));
    assert_eq!(of("two", "logon").as_deref(), Some("code=3"));
    assert_eq!(of("three", "logon").as_deref(), Some("sourcetype=a code=2"));
    assert_eq!((of("one", "old"), of("two", "tagged"), of("one", "gone")), (None, None, None));
}

#[test]
fn an_app_brings_its_tags() {
    let source = files(&[
        (
            "one/default/tags.conf",
            "[eventtype=logon]\nauthentication = enabled\nold = disabled\n[host=10%2E0.0.1]\nlab = enabled\n",
        ),
        ("one/local/tags.conf", "[eventtype=logon]\nold = enabled\n[eventtype=vpn]\nAuthentication = enabled\n"),
        ("two/default/tags.conf", "[eventtype=web]\nauthentication = enabled\n[nothing]\nlab = enabled\n"),
    ]);
    let format = format_of(Vendor::Splunk, |_, _| false);
    let context = format.context(&source);
    let of = |app: &str, tag: &str| {
        let context = context.of_file(&format!("{app}/default/savedsearches.conf")).unwrap();
        context.tagged(tag).iter().map(|(field, value)| format!("{field}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("one", "authentication"), "eventtype=logon eventtype=vpn");
    assert_eq!(of("two", "AUTHENTICATION"), "eventtype=web");
    assert_eq!(of("three", "authentication"), "eventtype=logon eventtype=vpn eventtype=web");
    assert_eq!(
        (of("one", "lab"), of("one", "old"), of("one", "gone")),
        ("host=10.0.0.1".into(), "eventtype=logon".into(), String::new())
    );
}

#[test]
fn other_files_of_an_app_say_what_they_are() {
    for (path, what) in [
        ("a/default/macros.conf", "macros"),
        ("a/default/transforms.conf", "lookups and extractions"),
        ("a/default/eventtypes.conf", "event types"),
        ("a/default/tags.conf", "tags"),
        ("a/default/app.conf", "configuration without searches"),
        ("a/default/savedsearches.conf", "no search in it"),
        ("a/lookups/t.csv", "the table of a lookup"),
        ("a/metadata/default.meta", "a kind of file that holds no rules"),
        ("a/README", "a kind of file that holds no rules"),
        ("a/default/data/models/m.json", "no search in it"),
        ("a/x.spl", "nothing in it"),
    ] {
        assert_eq!(read(&files(&[(path, "")])).1, [Outcome::NotARule(what.into())], "{path}");
    }
}

#[test]
fn answers_of_the_rest_interface_are_read() {
    let text = r#"{"links": {}, "origin": "https://host:8089/services/saved/searches", "entry": [
        {"name": "Odd archiver", "id": "https://host:8089/servicesNS/nobody/lab/saved/searches/Odd", "acl": {"app": "lab", "sharing": "app"},
         "content": {"search": "index=a process_name=7z.exe", "description": "d", "disabled": true, "cron_schedule": "* * * * *", "alert.severity": 4, "alert.track": true,
                     "action.correlationsearch.annotations": "{\"mitre_attack\": [\"T1560\"]}"}},
        {"name": "Empty", "content": {"search": "", "disabled": false}},
        {"name": "Report", "content": {"search": "index=b", "disabled": false}}], "paging": {"total": 3}}"#;
    let (read, outcomes) = read(&files(&[("searches.json", text)]));
    assert_eq!((outcomes, ids(&read)), (vec![Outcome::Rules], vec!["splunk/Odd archiver", "splunk/Report"]));
    let Read { rule, tags, .. } = &read[0];
    assert_eq!((rule.severity, rule.status, rule.kind), (Some(Severity::High), Some(Status::Experimental), Kind::Rule));
    assert_eq!((tags.as_slice(), rule.extra.get("app").unwrap()), (&["T1560".to_owned()][..], "lab".into()));
    assert_eq!((read[1].rule.status, read[1].rule.kind), (Some(Status::Stable), Kind::Hunting));

    let content = r#"{"detections": [{"name": "n", "id": "11111111-2222-4333-8444-555555555555", "type": "TTP", "search": "index=a",
                     "tags": {"mitre_attack_id": ["T1560"]}}]}"#;
    let (found, _) = self::read(&files(&[("detections.json", content)]));
    assert_eq!(ids(&found), ["splunk/11111111-2222-4333-8444-555555555555"]);
    assert_eq!((found[0].tags.as_slice(), found[0].rule.kind), (&["T1560".to_owned()][..], Kind::Rule));

    let rows = "{\"result\": {\"title\": \"One\", \"search\": \"index=a\", \"disabled\": \"0\", \"eai:acl.app\": \"lab\"}}\n\
                {\"result\": {\"title\": \"One\", \"search\": \"index=b\"}}\n";
    let (read, _) = self::read(&files(&[("rows.json", rows)]));
    assert_eq!(ids(&read), ["splunk/One", "splunk/One#1"]);
    assert_eq!(read[0].rule.extra.get("app").unwrap(), "lab");
}

#[test]
fn sample_searches_are_read_with_what_describes_them() {
    let samples = r#"{"Odd archiver - Live": {"label": "Odd archiver - Live", "value": "index=a process_name=7z.exe", "description": ["line"]},
                      "Without a search": {"label": "x"}}"#;
    let showcase = r#"{"summaries": {"odd_archiver": {"name": "Odd archiver", "description": "Says more.", "severity": "High", "knownFP": "Backups.",
                      "mitre_technique": "T1560|T1039", "mitre_tactic": "TA0009", "examples": [{"name": "Odd archiver - Live", "label": "Live Data"}]}}}"#;
    let data = "SSE/appserver/static/components/data";
    let (samples_path, showcase_path) = (format!("{data}/sampleSearches/a.json"), format!("{data}/ShowcaseInfo.json"));
    let (read, outcomes) = read(&files(&[(&showcase_path, showcase), (&samples_path, samples)]));
    assert!(matches!(&outcomes[0], Outcome::NotARule(_)) && outcomes[1] == Outcome::Rules, "{outcomes:?}");
    let [Read { rule, tags, .. }] = read.as_slice() else { panic!("{} rules", read.len()) };
    assert_eq!((rule.id.as_str(), rule.description.as_str()), ("splunk/Odd archiver - Live", "Says more."));
    assert_eq!((rule.severity, tags.join(" ")), (Some(Severity::High), "T1560 T1039 TA0009".to_owned()));
}

#[test]
fn a_file_with_a_search_is_a_hunt() {
    let Read { rule, tags, .. } =
        one("hunts/odd archiver.spl", "index=a process_name=7z.exe ```T1560.001: staged``` | stats count");
    assert_eq!((rule.id.as_str(), rule.title.as_str()), ("splunk/hunts/odd archiver.spl", "odd archiver"));
    assert_eq!(
        (rule.kind, tags, rule.description.as_str()),
        (Kind::Hunting, vec!["T1560.001".to_owned()], "T1560.001: staged")
    );
}

#[test]
fn marked_blocks_of_a_page_are_searches() {
    let page = "---\ntitle: x\n---\n# Odd archiver\n\nAbout [it](https://attack.mitre.org/techniques/T1560/001/).\n\n```spl\nindex=a process_name=7z.exe\n| stats count\n```\n\n```python\nprint()\n```\n";
    let Read { rule, tags, .. } = one("hunts/archiver.md", page);
    assert_eq!((rule.id.as_str(), rule.title.as_str(), rule.line), ("splunk/hunts/archiver.md", "Odd archiver", 9));
    assert_eq!(
        (rule.query.as_str(), rule.description.as_str()),
        ("index=a process_name=7z.exe\n| stats count\n", "About it.")
    );
    assert_eq!((tags, rule.kind), (vec!["T1560.001".to_owned()], Kind::Hunting));

    let page = "# Hunts\n## First (T1560)\n~~~ Splunk\nindex=a\n~~~\n## Second\nT1039 too.\n``` {.spl}\nindex=b\n```\n``` {spl title=x}\nindex=c ```T1078```\n```\n```spl\n\n```\n";
    let (read, _) = read(&files(&[("a.md", page)]));
    let shown: Vec<_> =
        read.iter().map(|read| (read.rule.title.as_str(), read.rule.line, read.tags.join(" "))).collect();
    assert_eq!(shown[0], ("Hunts (First (T1560))", 4, "T1560".to_owned()));
    assert!(shown.iter().any(|(title, _, tags)| *title == "Hunts (Second)" && tags == "T1078"), "{shown:?}");
    for (path, text) in [("README.md", "```spl\nindex=a\n```\n"), ("a.md", "```\nls -la\n```\n"), ("a.md", "")] {
        assert!(matches!(self::read(&files(&[(path, text)])).1[0], Outcome::NotARule(_)), "{path} {text}");
    }
    self::read(&files(&[("a.md", &format!("{}```spl\nindex=a", "> ".repeat(20_000)))]));
    one("a.md", &format!("{}\n\n```spl\nindex=a", "[".repeat(100_000)));
}

#[test]
fn a_page_is_called_by_what_it_is_about_and_unmarked_blocks_are_read_by_their_beginning() {
    let page = "# MITRE ATT&CK Technique(s)\n\n| ID | Name |\n|---|---|\n| T1047 | WMI |\n\n## Remote WMI\n```spl\nindex=a x=1\n```\n\n\
                ### Search\n```\n| tstats count from datamodel=Endpoint.Processes\n```\n\n\
                ```sql\nSELECT * FROM index\n```\n```text\n(sourcetype=\"pan:traffic\" dest_port=22) | stats count\n```\n\
                ```conf\n[s]\nsearch = index=a\n```\n```\nsource = setup.sh\n```\n```\n`sysmon` EventCode=1\n| stats count\n```\n\n\
                ## References\nLike T1021.\n";
    let (read, _) = self::read(&files(&[("hunts/remote_wmi.md", page)]));
    let shown: Vec<_> = read.iter().map(|read| (read.rule.title.as_str(), read.tags.join(" "))).collect();
    let expected = ["Remote WMI (1)", "Remote WMI (2)", "Remote WMI (3)", "Remote WMI (4)"];
    assert_eq!(shown, expected.map(|title| (title, "T1047".to_owned())));
    assert_eq!(read[3].rule.query, "`sysmon` EventCode=1\n| stats count\n");
    let read = one("hunts/odd_archiver.md", "## Detection Search\n```\nindex=a x=1\n```\n");
    assert_eq!(read.rule.title, "odd archiver");
}

const NEW: &str = "name: n\nid: i\ntype: TTP\nstatus: production\nsearch: index=a x=1\n";

#[test]
fn techniques_are_read_in_both_layouts_of_security_content() {
    for (text, expected) in [
        ("mitre_attack_id:\n- T1059.005\nasset_type: Endpoint\nanalytic_story:\n- A story\n", vec!["T1059.005"]),
        ("mitre_attack_id: T1059\n", vec!["T1059"]),
        ("tags:\n  mitre_attack_id:\n  - T1059\n", vec!["T1059"]),
        ("tags:\n  mitre_attack_id:\n  - T1059\nmitre_attack_id:\n- T1059\n- T1078\n", vec!["T1059", "T1078"]),
        ("tags:\n  analytic_story: [A]\nmitre_attack_id: [[T1059], {id: T1078}]\n", vec!["T1059", "T1078"]),
        ("tags: []\nmitre_attack:\n- T1059\n", vec!["T1059"]),
        ("tags: T1059\n", vec!["T1059"]),
        ("tags: [own word, T1059]\n", vec!["own word", "T1059"]),
    ] {
        let read = one("detections/a.yml", &format!("{NEW}{text}"));
        assert_eq!(read.tags, expected, "{text}");
    }
    let text = "mitre_attack_id:\n- T1059.005\nasset_type: Endpoint\nanalytic_story:\n- A story\nsecurity_domain: endpoint\nproduct:\n- Splunk Enterprise\nrba:\n  message: m\n  risk_objects:\n  - {field: dest, type: system, score: 30}\ndrilldown_searches:\n- name: View\n  search: '%original_detection_search%'\ndata_source:\n- Sysmon EventID 1 AND Sysmon EventID 3\n";
    let Read { rule, sources, .. } = one("detections/a.yml", &format!("{NEW}{text}"));
    assert_eq!(rule.tags, ["T1059.005", "A story", "Endpoint", "endpoint"]);
    assert_eq!(sources, ["Sysmon EventID 1", "Sysmon EventID 3"]);
    assert_eq!(rule.extra.get("rba").unwrap()["risk_objects"][0]["score"], "30");
    assert!(rule.extra.has("drilldown_searches") && rule.extra.has("product"));
}

#[test]
fn several_documents_in_one_file_are_several_rules() {
    let (read, _) = read(&files(&[("a.yml", &format!("{NEW}---\n{NEW}---\nname: m\ndefinition: x\n"))]));
    assert_eq!(ids(&read), ["splunk/i", "splunk/i#1"]);
}

#[test]
fn hostile_files_do_no_harm() {
    let deep = format!("{{\"search\": {}1{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(matches!(read(&files(&[("a.json", &deep)])).1[0], Outcome::Unreadable(..)));
    for text in [
        "{\"search\":",
        "[1, {\"search\": 5, \"name\": []}]",
        "{\"a\": {\"value\": {}}}",
        "{\"entry\": [{\"name\": \"n\", \"content\": {\"search\": null}}]}",
        "\"search\"",
    ] {
        read(&files(&[("a.json", text), ("ShowcaseInfo.json", text)]));
    }
    for text in [
        "[",
        "[a]\nsearch",
        "[a]\nsearch = \\",
        "[a]\r\nsearch = x\\\r\n",
        "search = x",
        "[default]\nsearch = x\n[a]\n[b]\n",
        "[a]\nsearch = x\ndisabled = maybe\nalert.severity = many\n",
    ] {
        read(&files(&[
            ("default/savedsearches.conf", text),
            ("local/savedsearches.conf", text),
            ("default/macros.conf", text),
            ("default/transforms.conf", text),
        ]));
    }
    let stanzas: String = (0..20_000).map(|n| format!("[s{n}]\nsearch = x\n")).collect();
    let defaults: String = (0..20_000).map(|n| format!("d{n} = x\n")).collect();
    let begun = std::time::Instant::now();
    let (found, _) = read(&files(&[
        ("default/savedsearches.conf", &format!("{defaults}{stanzas}")),
        ("local/savedsearches.conf", &stanzas),
    ]));
    assert_eq!(found.len(), 20_000);
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}
