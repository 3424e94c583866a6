use ruleatlas_core::{Frontend, Query, cases};
use ruleatlas_model::Kind;

use super::*;

fn files(texts: &[(&str, &str)]) -> Vec<SourceFile> {
    texts.iter().map(|(path, text)| SourceFile::from_bytes(*path, text.as_bytes().to_vec())).collect()
}

/// The rules of one of the files with their tags, and what became of it.
fn read(files: &[SourceFile], path: &str) -> (Vec<(Rule, Vec<String>)>, Outcome) {
    let context = WazuhRules.context(files);
    let own = context.of_file(path);
    let file = files.iter().find(|file| file.path == path).unwrap();
    let mut found = Vec::new();
    let outcome = WazuhRules.read_in(file, own.as_deref().unwrap_or(&*context), &mut |draft| {
        found.push((draft.rule, draft.tags.into_iter().map(|tag| tag.text).collect()));
    });
    (found, outcome)
}

/// What a rule's query is parsed into among the files.
fn parsed(files: &[SourceFile], path: &str, query: &str) -> String {
    let context = WazuhRules.context(files);
    let own = context.of_file(path).unwrap();
    cases::describe(&ruleatlas_wazuh::Wazuh.parse(&Query::new(query), &*own))
}

const SSHD: &str = "<!-- Rules of ours. -->
<var name=\"FREQ\">6</var>
<group name=\"syslog,sshd,\">
  <rule id=\"100100\" level=\"0\" noalert=\"1\">
    <decoded_as>sshd</decoded_as>
    <description>SSHD messages.</description>
  </rule>

  <rule id=\"100101\" level=\"5\">
    <if_sid>100100</if_sid>
    <match>^Failed password</match>
    <description>sshd: a logon
      failed for $(user).</description>
    <mitre><id>T1110</id></mitre>
    <info type=\"link\">https://example.com/a</info>
    <group>authentication_failed,</group>
    <options>no_full_log</options>
  </rule>
</group>

<group name=\"local,\">
  <rule id=\"100102\" level=\"12\" frequency=\"$FREQ\" timeframe=\"120\">
    <if_matched_sid>100101</if_matched_sid>
    <same_srcip />
    <description>Many of them.</description>
  </rule>
</group>
";

#[test]
fn rules_have_their_metadata() {
    let files = files(&[("ruleset/rules/sshd.xml", SSHD)]);
    let (rules, outcome) = read(&files, "ruleset/rules/sshd.xml");
    assert_eq!(outcome, Outcome::Rules);
    let [(first, _), (second, tags), (third, _)] = rules.as_slice() else { panic!("{rules:?}") };
    assert_eq!((first.kind, first.severity, first.line), (Kind::Grouping, None, 4));
    assert!(!first.is_counted());
    assert_eq!((second.id.as_str(), second.title.as_str()), ("wazuh/100101", "sshd: a logon failed for $(user)."));
    assert_eq!((second.kind, second.severity), (Kind::Rule, Some(Severity::Low)));
    assert_eq!(second.tags, ["syslog", "sshd", "authentication_failed"]);
    assert_eq!(
        (tags.as_slice(), second.references.as_slice()),
        (&["T1110".to_owned()][..], &["https://example.com/a".to_owned()][..])
    );
    assert!(second.query.starts_with("<rule id=\"100101\"") && second.query.ends_with("</rule>"));
    assert_eq!((third.kind, third.severity), (Kind::Correlation, Some(Severity::High)));
    let threshold = json!({ "field": ["srcip"], "value": "6", "window": "120s" });
    assert_eq!(third.extra.get("threshold"), Some(threshold));
    let found = parsed(&files, "ruleset/rules/sshd.xml", &third.query);
    assert_eq!(
        found,
        "step 0 [log_type wazuh:sshd]\n0 indicator log starts_with \"Failed password\"\n0 computed event_count by srcip gte \"6\"\n"
    );
}

#[test]
fn rules_stand_on_those_of_other_files_and_see_lists() {
    let local = "<group name=\"local,\"><rule id=\"100200\" level=\"10\"><if_group>authentication_failed</if_group>
        <list field=\"srcip\" lookup=\"address_match_key\">etc/lists/bad-hosts</list><description>d</description></rule></group>";
    let files = files(&[
        ("rules/local.xml", local),
        ("rules/sshd.xml", SSHD),
        ("lists/bad-hosts", "# ours\n192.0.2.1:x\n198.51.100.:y\n"),
    ]);
    let (rules, _) = read(&files, "rules/local.xml");
    let found = parsed(&files, "rules/local.xml", &rules[0].0.query);
    assert_eq!(
        found,
        "step 0 [log_type wazuh:sshd]\n0 indicator log starts_with \"Failed password\"\n0 indicator srcip in \"192.0.2.1\"\n\
         0 indicator srcip starts_with \"198.51.100.\"\n"
    );
    assert_eq!(read(&files, "lists/bad-hosts").1, Outcome::NotARule(Cow::Borrowed("a list that rules look up")));
}

#[test]
fn what_is_no_rule_says_so() {
    for (path, text, reason) in [
        ("a.xml", "<decoder name=\"a\"><prematch>b</prematch></decoder>", "decoders of logs"),
        ("a.xml", "<ossec_config></ossec_config>", "no rule in it"),
        ("a.txt", "x", "no XML file"),
    ] {
        let files = files(&[(path, text)]);
        assert_eq!(read(&files, path).1, Outcome::NotARule(Cow::Borrowed(reason)), "{text}");
    }
}

#[test]
fn a_rule_takes_the_place_of_another_where_it_says_so() {
    let base = "<rule id=\"1\" level=\"3\"><match>a</match></rule>";
    let own = "<rule id=\"1\" level=\"3\" overwrite=\"yes\"><match>b</match></rule><rule id=\"2\" level=\"3\"><if_sid>1</if_sid></rule>";
    let files = files(&[("a.xml", base), ("b.xml", own)]);
    let (rules, _) = read(&files, "b.xml");
    assert_eq!(parsed(&files, "b.xml", &rules[1].0.query), "0 indicator full_log contains \"b\"\n");
}
