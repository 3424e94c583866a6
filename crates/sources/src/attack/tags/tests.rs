//! How tags are read.

use std::collections::BTreeMap;

use ruleatlas_model::{Redirect, Resolution, Tactic};

use super::*;

fn attack() -> Attack {
    let tactic = |id: &str, short_name: &str, name: &str| Tactic {
        id: id.into(),
        short_name: short_name.into(),
        name: name.into(),
        domain: AttackDomain::Enterprise,
        order: 0,
        deprecated: false,
        description: String::new(),
    };
    let named = |id: &str, name: &str, parent: Option<&str>| Technique {
        name: name.into(),
        parent: parent.map(str::to_owned),
        ..Technique::blank(id)
    };
    let ids = [
        ("T1059", "Command and Scripting Interpreter", None),
        ("T1059.001", "PowerShell", Some("T1059")),
        ("T1562.001", "Disable or Modify Tools", None),
    ];
    Attack {
        version: "18.1".into(),
        techniques: ids.map(|(id, name, parent)| (id.to_owned(), named(id, name, parent))).into(),
        tactics: vec![
            tactic("TA0011", "command-and-control", "Command and Control"),
            tactic("TA0005", "defense-evasion", "Defense Evasion"),
        ],
        redirects: BTreeMap::from([(
            "T1685".to_owned(),
            Redirect { to: vec!["T1562.001".into()], resolution: Resolution::Crosswalk },
        )]),
        tactic_redirects: BTreeMap::from([("stealth".to_owned(), vec!["defense-evasion".to_owned()])]),
        ..Attack::default()
    }
}

fn techniques(read: &Tags) -> Vec<&str> {
    TechniqueTag::ids(&read.techniques)
}

#[test]
fn a_technique_is_found_in_every_spelling() {
    for (tag, expected) in [
        ("attack.t1059.001", "T1059.001"),
        ("attack.T1059", "T1059"),
        ("Attack.t1059", "T1059"),
        ("T1059.001", "T1059.001"),
        ("TA0002:T1059", "T1059"),
        ("TA0002: T1059.001", "T1059.001"),
        ("attack.t1685", "T1562.001"),
    ] {
        let read = read_tag(&attack(), tag, TagPlace::Any);
        assert_eq!(techniques(&read), [expected], "{tag}");
        assert_eq!(read.techniques[0].tag, tag);
        assert!(read.diagnostics.iter().all(|said| said.code != MALFORMED), "{tag}: {:?}", read.diagnostics);
    }
}

#[test]
fn an_ill_formed_technique_is_read_and_said_in_every_place() {
    for (tag, expected) in [
        ("T1059.1", &["T1059.001"][..]),
        ("attack.t1059_001", &["T1059.001"]),
        ("attack.t1059.1", &["T1059.001"]),
        ("t1059_001", &["T1059.001"]),
        ("t1059", &["T1059"]),
        ("T1059/001", &["T1059.001"]),
        ("T1059001", &["T1059.001"]),
        ("TT1059", &["T1059"]),
        ("T1059.001, T1562.001", &["T1059.001", "T1562.001"]),
        ("T1059 T1562.001", &["T1059", "T1562.001"]),
        ("attack.t1059, attack.t1562.001", &["T1059", "T1562.001"]),
        ("https://attack.mitre.org/techniques/T1059/001/", &["T1059.001"]),
        ("T1059.001 - PowerShell", &["T1059.001"]),
        ("MITRE ATT&CK: T1059", &["T1059"]),
        ("TA0011: t1059", &["T1059"]),
        ("T1059\u{200b}.1", &["T1059.001"]),
    ] {
        for place in [TagPlace::Any, TagPlace::Attack, TagPlace::Technique, TagPlace::Tactic] {
            let read = read_tag(&attack(), tag, place);
            assert_eq!(techniques(&read), expected, "{tag} {place:?}");
            let said: Vec<_> = read.diagnostics.iter().filter(|said| said.code == MALFORMED).collect();
            assert!(said.len() == 1 && said[0].message.contains(expected[0]), "{tag} {place:?}: {read:?}");
        }
    }
}

#[test]
fn what_names_a_technique_only_under_a_key_for_it_is_read_there() {
    for (tag, expected) in [
        ("Command and Scripting Interpreter", &["T1059"][..]),
        ("command-and-scripting-interpreter", &["T1059"]),
        ("PowerShell", &["T1059.001"]),
        ("Command and Scripting Interpreter: PowerShell", &["T1059.001"]),
        ("TA0011: PowerShell", &["T1059.001"]),
        ("1059", &["T1059"]),
        ("1059.001", &["T1059.001"]),
        ("tactic T1059", &["T1059"]),
    ] {
        let read = read_tag(&attack(), tag, TagPlace::Technique);
        assert_eq!((techniques(&read), read.diagnostics.len()), (expected.to_vec(), 1), "{tag}: {read:?}");
        assert_eq!(techniques(&read_tag(&attack(), tag, TagPlace::Any)), [""; 0], "{tag}");
    }
    // Two techniques of one name: none is guessed.
    let mut several = attack();
    several.techniques.insert("T1600".into(), Technique { name: "PowerShell".into(), ..Technique::blank("T1600") });
    let read = read_tag(&several, "PowerShell", TagPlace::Technique);
    assert!(read.techniques.is_empty() && read.diagnostics[0].message.contains("T1059.001, T1600"), "{read:?}");
    // One of another matrix does not count beside one of the enterprise matrix.
    if let Some(other) = several.techniques.get_mut("T1600") {
        other.domain = AttackDomain::Mobile;
    }
    assert_eq!(techniques(&read_tag(&several, "PowerShell", TagPlace::Technique)), ["T1059.001"]);
}

#[test]
fn what_cannot_be_read_is_said() {
    for tag in ["T012", "T10591", "T1059x", "S0002", "something", "\u{422}1059", "1059.1", "N/A"] {
        let read = read_tag(&attack(), tag, TagPlace::Technique);
        assert_eq!((read.techniques.len(), read.diagnostics.len()), (0, 1), "{tag}: {read:?}");
        assert!(read.diagnostics[0].code == MALFORMED && read.diagnostics[0].message.contains("left out"));
    }
    let atlas = read_tag(&attack(), "AML.T0051.000", TagPlace::Technique);
    assert_eq!((atlas.techniques.len(), atlas.diagnostics[0].code.as_ref()), (0, "ATLAS technique"));
    for tag in ["T012", "T10591"] {
        assert_eq!(read_tag(&attack(), tag, TagPlace::Any).diagnostics.len(), 1, "{tag}");
    }
    let long = "T012,".repeat(100_000);
    let read = read_tag(&attack(), &long, TagPlace::Technique);
    assert_eq!(read.diagnostics.len(), MAX_PARTS + 1);
    assert!(read.diagnostics.iter().all(|said| said.message.len() < 400));
    for nothing in ["", " ", "-", "[]"] {
        assert_eq!(read_tag(&attack(), nothing, TagPlace::Technique), Tags::default());
    }
}

#[test]
fn a_tactic_in_a_technique_s_place_is_read_and_said() {
    for tag in ["TA0011", "Command and Control", "attack.command-and-control"] {
        let read = read_tag(&attack(), tag, TagPlace::Technique);
        assert_eq!((read.tactics.len(), read.techniques.len(), read.diagnostics.len()), (1, 0, 1), "{tag}: {read:?}");
        assert_eq!(read_tag(&attack(), tag, TagPlace::Tactic).diagnostics, [], "{tag}");
    }
    let read = read_tag(&attack(), "DefenseEvasion, CommandAndControl", TagPlace::Tactic);
    assert_eq!(read.tactics, ["defense-evasion", "command-and-control"]);
    let read = read_tag(&attack(), "Sneaking", TagPlace::Tactic);
    assert_eq!((read.tactics.len(), read.diagnostics.len()), (0, 1));
    let read = read_tag(&Attack::default(), "CommandAndControl", TagPlace::Tactic);
    assert_eq!(read.tactics, ["command-and-control"]);
}

#[test]
fn a_tactic_is_found_in_every_spelling() {
    for (tag, expected) in [
        ("attack.command-and-control", "command-and-control"),
        ("attack.command_and_control", "command-and-control"),
        ("TA0011", "command-and-control"),
        ("ta0011:T1059", "command-and-control"),
        ("Command and Control", "command-and-control"),
        ("Command and Control:Application Layer", "command-and-control"),
        ("CommandAndControl", "command-and-control"),
        ("attack.stealth", "defense-evasion"),
        ("Stealth", "defense-evasion"),
    ] {
        assert_eq!(read_tag(&attack(), tag, TagPlace::Any).tactics, [expected], "{tag}");
    }
}

#[test]
fn what_nobody_knows_is_said_and_what_is_no_technique_or_tactic_is_not() {
    let unknown = ["attack.t9999", "T9999.001", "attack.sneaking", "TA9999"];
    let read = read_tags(&attack(), unknown);
    assert_eq!(read.diagnostics.len(), unknown.len(), "{read:?}");
    assert!(read.techniques.iter().all(|tag| tag.resolution == Resolution::Unknown && tag.techniques.is_empty()));
    assert_eq!(read.diagnostics[0].message, "ATT&CK 18.1 and the crosswalk know no technique `attack.t9999`");

    let foreign = [
        "attack.s0002",
        "attack.g0016",
        "attack.ds0005",
        "cve.2021-44228",
        "car.2013-05-009",
        "detection.dfir",
        "Top 10, T2 hosts",
        "",
        ":",
    ];
    assert_eq!(read_tags(&attack(), foreign), Tags::default());
}

#[test]
fn tags_are_read_once_each() {
    let read = read_tags(&attack(), ["TA0011:T1059", "attack.stealth", "attack.defense_evasion", "TA0011:T1059"]);
    assert_eq!(read.techniques.len(), 1);
    assert_eq!(read.tactics, ["command-and-control", "defense-evasion"]);
}

#[test]
fn ids_stand_alone_in_text() {
    let text = "T1059.001, (T1003) https://attack.mitre.org/techniques/T1547/011/ attack.t1110 T1059.001; a_T1021_002.kql \
                and T1078. Not XT1000, T10000, T123, AML.T0051, T1000a, t1000, 2020-01-01T0800Z; T1071.0012";
    let expected = ["T1059.001", "T1003", "T1547.011", "T1110", "T1021.002", "T1078", "T1071"];
    assert_eq!(technique_ids_in(text), expected);
    assert_eq!(technique_ids_in("é T1059é T1003"), ["T1059", "T1003"]);
}
