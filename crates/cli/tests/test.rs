//! Which rules a test would fire.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail anywhere")]

mod support;

use serde_json::{Value, json};
use support::{Place, rule};

const TAGS: &[&str] = &["attack.t1059.001"];

const TESTS: &str = "attack_technique: T1059.001
atomic_tests:
- name: Start a probe
  auto_generated_guid: 00000000-0000-4000-8000-000000000001
  supported_platforms: [windows]
  input_arguments:
    target:
      description: what to look for
      default: alpha
  executor:
    name: command_prompt
    command: |
      probe.exe /find #{target}
- name: By hand
  auto_generated_guid: 00000000-0000-4000-8000-000000000002
  supported_platforms: [windows]
  executor:
    name: manual
    steps: look
- name: Another probe
  auto_generated_guid: 00000000-0000-4000-8000-000000000003
  supported_platforms: [windows]
  executor:
    name: powershell
    command: |
      cmd.exe /c \"probe.exe /list\"
";

fn place() -> Place {
    let find = "s:\n  Image|endswith: '\\probe.exe'\n  CommandLine|contains: 'alpha'\ncondition: s";
    let user =
        "s:\n  Image|endswith: '\\probe.exe'\n  CommandLine|contains: ' /list'\n  IntegrityLevel: System\ncondition: s";
    let never = "s:\n  Image|endswith: '\\other.exe'\ncondition: s";
    let rules = [("find", find), ("user", user), ("never", never)];
    let texts: Vec<(String, String)> =
        rules.iter().map(|(id, detection)| (format!("{id}.yml"), rule(id, TAGS, "test", detection))).collect();
    let texts: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let place = Place::with(&texts);
    place.write("atomic/atomics/T1059.001/T1059.001.yaml", TESTS);
    place.run(&["build", "--source", "sigma=sigma", "--source", "attack=attack", "--source", "atomic=atomic"]).ends(0);
    place
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect()
}

#[test]
fn a_technique_has_its_tests_and_what_they_fire() {
    let place = place();
    for name in ["T1059.001", "t1059"] {
        let view = place.json(&["test", name]);
        assert_eq!([&view["technique"], &view["tests_total"]], [&json!(name.to_uppercase()), &json!(2)]);
        assert_eq!(ids(&view["fires"]), ["sigma/find"], "{view}");
        assert_eq!(ids(&view["would_fire"]), ["sigma/user"]);
        let undecided = &view["would_fire"][0]["undecided"];
        assert_eq!([&undecided[0]["field"], &undecided[0]["missing"]], [&json!("IntegrityLevel"), &json!(true)]);
        assert_eq!(ids(&view["not_fired"]), ["sigma/never", "sigma/user"]);
    }
}

#[test]
fn one_test_has_its_events_with_the_values_that_it_does_not_say() {
    let place = place();
    let view = place.json(&["test", "00000000-0000-4000-8000-000000000001"]);
    assert_eq!([&view["technique"], &view["tests"][0]["name"]], [&Value::Null, &json!("Start a probe")]);
    let probe = view["events"].as_array().unwrap().last().unwrap();
    assert_eq!(probe["fields"]["CommandLine"], "probe.exe /find alpha");
    assert_eq!([&probe["kind"], &probe["inferred"]], [&json!("process"), &json!(["ParentImage", "Image"])]);
    assert_eq!(ids(&view["fires"]), ["sigma/find"]);
    assert_eq!(
        ids(&place.json(&["test", "00000000-0000-4000-8000-000000000001", "--vendor", "elastic"])["fires"]),
        [""; 0]
    );
}

#[test]
fn a_command_line_is_asked_about_without_a_test() {
    let place = place();
    let view = place.json(&["test", "--command-line", "cmd /c \"probe /find alpha\""]);
    assert_eq!(ids(&view["fires"]), ["sigma/find"]);
    let said = place.run(&["test", "--command-line", "probe /find alpha"]).ends(0);
    for part in ["Rules that fire", "sigma/find", "(inferred)"] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(ids(&place.json(&["test", "--command-line", "probe alpha", "--platform", "linux"])["fires"]).is_empty());
}

#[test]
fn what_is_no_test_is_refused() {
    let place = place();
    place.run(&["test", "T1998"]).ends(2).says(&["no test `T1998`", "ruleatlas playbook T1998"]);
    place.run(&["test", "00000000-0000-4000-8000-000000000002"]).ends(2).says(&["no test"]);
    place.run(&["test"]).ends(2);
    place.run(&["test", "--command-line", "x", "--platform", "dos"]).ends(2).says(&["windows, linux, macos"]);
    place.run(&["test", "--command-line", " "]).ends(1).says(&["the command line is empty"]);
    place.run(&["test", "T1059", "--command-line", "x"]).ends(2);
}
