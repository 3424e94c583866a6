use ruleatlas_core::{Frontend, Query, cases};

use super::*;

type Read = (Rule, Vec<RawTag>, Vec<DataSource>);

fn files(texts: &[(&str, &str)]) -> Vec<SourceFile> {
    texts.iter().map(|(path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec())).collect()
}

/// The rules of one of the files, and what became of it.
fn read(files: &[SourceFile], path: &str) -> (Vec<Read>, Outcome) {
    let context = FalcoRules.context(files);
    let file = files.iter().find(|file| file.path == path).unwrap();
    let mut found = Vec::new();
    let outcome = FalcoRules.read_in(file, &*context, &mut |draft| found.push((draft.rule, draft.tags, draft.sources)));
    (found, outcome)
}

/// What the query of a file's rule is parsed into.
fn parsed(files: &[SourceFile], path: &str, query: &str) -> String {
    let context = FalcoRules.context(files);
    let own = context.of_file(path).unwrap();
    cases::describe(&ruleatlas_falco::Falco.parse(&Query::new(query), &*own))
}

const BASE: &str = "
- required_engine_version: 0.40.0
- list: editors
  items: [vi, '\"(nano)\"', more_editors]
- list: more_editors
  items: [emacs]
- macro: editing
  condition: proc.name in (editors)
- macro: tuned
  condition: (evt.num=0)
- rule: Editor opened a key
  desc: >
    An editor opened a private key.
  condition: >
    editing and fd.name contains id_rsa
    and not tuned
  output: editor=%proc.name
  priority: Notice
  tags: [maturity_incubating, host, mitre_credential_access, T1552.004, mitre_T1005]
";

#[test]
fn a_rule_has_its_metadata() {
    let files = files(&[("rules/falco_rules.yaml", BASE)]);
    let (rules, outcome) = read(&files, "rules/falco_rules.yaml");
    assert_eq!(outcome, Outcome::Rules);
    let [(rule, tags, sources)] = rules.as_slice() else { panic!("{rules:?}") };
    assert_eq!((rule.id.as_str(), rule.title.as_str()), ("falco/Editor opened a key", "Editor opened a key"));
    assert_eq!((rule.description.as_str(), rule.line), ("An editor opened a private key.", 11));
    assert_eq!((rule.severity, rule.status), (Some(Severity::Low), Some(Status::Test)));
    assert_eq!(rule.query, "editing and fd.name contains id_rsa and not tuned\n");
    assert_eq!(sources, &[DataSource::new(SourceKind::LogType, "falco:syscall")]);
    let read: Vec<(&str, TagPlace)> = tags.iter().map(|tag| (tag.text.as_str(), tag.place)).collect();
    assert_eq!(
        read[2..],
        [("credential_access", TagPlace::Tactic), ("T1552.004", TagPlace::Any), ("T1005", TagPlace::Technique)]
    );
    let found = parsed(&files, "rules/falco_rules.yaml", &rule.query);
    assert_eq!(
        found,
        "0 indicator proc.name in cased \"vi\" \"(nano)\" \"emacs\"\n0 indicator fd.name contains cased \"id_rsa\"\n"
    );
}

#[test]
fn local_files_change_what_other_files_define() {
    let local = "
- macro: tuned
  condition: (proc.pname = git)
- list: more_editors
  items: [nvim]
  override: {items: append}
- rule: Editor opened a key
  condition: and user.name != root
  tags: [mine]
  priority: CRITICAL
  override:
    condition: append
    tags: append
    priority: replace
- rule: Editor opened a key
  enabled: false
";
    let files = files(&[("etc/falco_rules.local.yaml", local), ("rules/falco_rules.yaml", BASE)]);
    let (rules, _) = read(&files, "rules/falco_rules.yaml");
    let (rule, ..) = &rules[0];
    assert_eq!(rule.query, "editing and fd.name contains id_rsa and not tuned\nand user.name != root");
    assert_eq!((rule.severity, rule.tags.last().map(String::as_str)), (Some(Severity::Critical), Some("mine")));
    assert_eq!(rule.extra.get("enabled"), Some(false.into()));
    let found = parsed(&files, "rules/falco_rules.yaml", &rule.query);
    assert!(found.contains("0 indicator proc.name in cased \"vi\" \"(nano)\" \"emacs\" \"nvim\"\n"), "{found}");
    assert!(found.contains("0 exclusion proc.pname eq cased \"git\"\n"), "{found}");
    let (rules, outcome) = read(&files, "etc/falco_rules.local.yaml");
    assert!(rules.is_empty());
    assert_eq!(outcome, Outcome::NotARule(Cow::Borrowed("changes of rules of other files")));
}

#[test]
fn a_file_has_its_own_macros_before_those_of_others() {
    let one = "- macro: m\n  condition: proc.name = a\n- rule: A\n  condition: m and n\n";
    let two =
        "- macro: m\n  condition: proc.name = b\n- macro: n\n  condition: proc.pname = c\n- rule: B\n  condition: m\n";
    let files = files(&[("one.yaml", one), ("two.yaml", two)]);
    let found = parsed(&files, "one.yaml", "m and n");
    assert_eq!(found, "0 indicator proc.name eq cased \"a\"\n0 indicator proc.pname eq cased \"c\"\n");
    assert_eq!(parsed(&files, "two.yaml", "m"), "0 indicator proc.name eq cased \"b\"\n");
}

#[test]
fn exceptions_stand_behind_the_condition() {
    let text = "
- list: mine
  items: [x, y]
- rule: R
  condition: proc.name = a or proc.name = b
  exceptions:
    - name: pairs
      fields: [proc.pname, fd.directory]
      comps: [startswith, in]
      values:
        - [\"my tool\", [/a, '/b c']]
        - [other, mine]
    - name: names
      fields: user.name
      values: [root, mine]
    - name: open
      fields: [container.id]
    - name: wrong
      fields: [a.b, c.d]
      values: [[1]]
- rule: R
  append: true
  exceptions:
    - name: open
      values: [[abc]]
";
    let files = files(&[("r.yaml", text)]);
    let (rules, _) = read(&files, "r.yaml");
    let (rule, ..) = &rules[0];
    assert_eq!(
        rule.query,
        "(proc.name = a or proc.name = b)\nand not ((proc.pname startswith \"my tool\" and fd.directory in (/a, \"/b c\"))\n  \
         or (proc.pname startswith other and fd.directory in (mine)))\nand not (user.name in (root, mine))\nand not \
         ((container.id = abc))\n"
    );
    assert_eq!(rule.diagnostics.len(), 1, "{:?}", rule.diagnostics);
    assert_eq!(rule.diagnostics[0].code, "invalid exception");
    let found = parsed(&files, "r.yaml", &rule.query);
    assert!(
        found.ends_with(
            "0 exclusion user.name in cased \"root\" \"x\" \"y\"\n0 exclusion container.id eq cased \"abc\"\n"
        ),
        "{found}"
    );
}

#[test]
fn files_without_rules_say_what_they_are() {
    for (text, reason) in [
        ("- list: a\n  items: [b]\n", "macros and lists"),
        ("- required_engine_version: 9\n", "macros and lists"),
        ("title: a\n", "no rule in it"),
        ("- rule: a\n  enabled: true\n", "changes of rules of other files"),
        ("", "no rule in it"),
    ] {
        let files = files(&[("a.yaml", text)]);
        assert_eq!(read(&files, "a.yaml").1, Outcome::NotARule(Cow::Borrowed(reason)), "{text}");
    }
    let broken = files(&[("a.yaml", "- rule: [\n")]);
    assert!(matches!(read(&broken, "a.yaml").1, Outcome::Unreadable(..)));
    let nameless = files(&[("a.yaml", "- rule: a\n  desc: b\n")]);
    let (rules, _) = read(&nameless, "a.yaml");
    assert_eq!(rules[0].0.diagnostics[0].code, "missing condition");
}

#[test]
fn lists_and_macros_that_name_themselves_end() {
    let text =
        "- list: a\n  items: [b, x]\n- list: b\n  items: [a, y]\n- macro: m\n  condition: m or proc.name in (a)\n";
    let files = files(&[("a.yaml", text)]);
    let found = parsed(&files, "a.yaml", "m");
    assert!(found.contains("0 indicator proc.name in cased \"a\" \"y\" \"x\"\n"), "{found}");
    assert!(found.contains("macro in itself"), "{found}");
}

#[test]
fn what_is_appended_has_a_limit() {
    let append = format!("- rule: R\n  append: true\n  condition: and a.b = '{}'\n", "x".repeat(300_000));
    let text = format!("- rule: R\n  condition: a.b = c\n{}", append.repeat(9));
    let files = files(&[("a.yaml", &text)]);
    let (rules, _) = read(&files, "a.yaml");
    let (rule, ..) = &rules[0];
    assert!(rule.query.len() < 1 << 20, "{}", rule.query.len());
    assert!(rule.diagnostics.iter().any(|said| said.code == ruleatlas_core::BUDGET));
}
