//! Atomic Red Team: small tests, a file a technique. Their commands are read as text, and never run.

use rayon::prelude::*;
use ruleatlas_model::{Basis, Control, ControlSource, Diagnostic};
use ruleatlas_yaml::Node;

use crate::{
    ControlSet, SourceFile, SourceKind,
    controls::{items, left_out, technique_id, texts, yaml},
};

const KIND: SourceKind = SourceKind::Atomic;
/// Bytes of a test's commands, its arguments filled in.
const MAX_SCRIPT_BYTES: usize = 1 << 20;

/// Whether a file of an Atomic Red Team source is read: payloads lie beside the tests, and virus scanners take them away.
pub(crate) fn is_read(path: &str) -> bool {
    is_technique(path) || !path.contains('/')
}

/// Reads the tests.
pub(crate) fn read(files: &[SourceFile], diagnostics: &mut Vec<Diagnostic>) -> ControlSet {
    let mut set = ControlSet::new(ControlSource::Atomic);
    let read: Vec<_> = files.par_iter().filter(|file| is_technique(&file.path)).map(technique).collect();
    for (found, said) in read {
        diagnostics.extend(said);
        let Some((technique, tests)) = found else { continue };
        set.known.push(technique.clone());
        for test in tests {
            let place = set.add(test);
            set.cite(place, &technique, Basis::Official, Vec::new());
        }
    }
    set
}

/// `T1059.001/T1059.001.yaml`, wherever it lies.
fn is_technique(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).is_some_and(|name| technique_id(name).is_some())
}

type Found = (String, Vec<Control>);

fn technique(file: &SourceFile) -> (Option<Found>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let Some(document) = yaml(KIND, file, &mut diagnostics) else { return (None, diagnostics) };
    let Some(id) = document.get("attack_technique").and_then(Node::text_or_null).and_then(technique_id) else {
        diagnostics.push(left_out(KIND, &file.path, None, "its `attack_technique` is no id of a technique"));
        return (None, diagnostics);
    };
    let tests = items(document.get("atomic_tests"));
    let tests = (1..).zip(tests).map(|(at, node)| test(node, at, &id, file)).collect();
    (Some((id, tests)), diagnostics)
}

fn test(node: &Node<'_>, at: usize, technique: &str, file: &SourceFile) -> Control {
    let text = |key: &str| node.get(key).and_then(Node::text_or_null).unwrap_or_default().trim().to_owned();
    let executor = node.get("executor");
    let of_executor =
        |key: &str| executor.and_then(|executor| executor.get(key)).and_then(Node::text_or_null).map(str::trim);
    let (guid, name) = (text("auto_generated_guid"), text("name"));
    let page = file.path.rsplit_once('.').map_or(file.path.as_str(), |(page, _)| page);
    let script = of_executor("command").filter(|command| !command.is_empty());
    Control {
        source: ControlSource::Atomic,
        // A test that is new upstream has no GUID yet.
        id: if guid.is_empty() { format!("{technique}#{at}") } else { guid },
        url: format!("https://www.atomicredteam.io/atomic-red-team/atomics/{technique}#{}", anchor(at, &name)),
        name,
        path: format!("{page}.md"),
        description: text("description"),
        tactic: None,
        platforms: texts(node.get("supported_platforms")).into_iter().map(str::to_owned).collect(),
        executor: of_executor("name").map(str::to_owned),
        is_elevated: of_executor("elevation_required").is_some_and(|word| word.eq_ignore_ascii_case("true")),
        script: script.and_then(|script| with_defaults(script, node.get("input_arguments"))),
    }
}

/// A script with the default values of the arguments that its test declares; a value is not looked at again, so that none
/// can make another one grow. `None` where it would be longer than [`MAX_SCRIPT_BYTES`].
fn with_defaults(script: &str, arguments: Option<&Node<'_>>) -> Option<String> {
    let default = |name: &str| {
        let argument = arguments?.get(name)?;
        Some(argument.get("default").and_then(Node::text_or_null).unwrap_or_default())
    };
    let mut filled = String::new();
    let mut rest = script;
    while let Some(start) = rest.find("#{") {
        filled.push_str(rest.get(..start)?);
        let inner = rest.get(start + 2..)?;
        let name = inner.find(['}', '\n']).and_then(|end| inner.get(..end)).unwrap_or_default();
        let value = default(name).filter(|_| inner.get(name.len()..).is_some_and(|rest| rest.starts_with('}')));
        match value {
            Some(value) => {
                filled.push_str(value);
                rest = inner.get(name.len() + 1..)?;
            }
            // No argument of the test: a text that only looks like one.
            None => {
                filled.push_str("#{");
                rest = inner;
            }
        }
        if filled.len() > MAX_SCRIPT_BYTES {
            return None;
        }
    }
    filled.push_str(rest);
    Some(filled).filter(|filled| filled.len() <= MAX_SCRIPT_BYTES)
}

/// The anchor of a test's heading, as Markdown sites make it.
fn anchor(at: usize, name: &str) -> String {
    let kept = name.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    let words: String = kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect();
    format!("atomic-test-{at}---{words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> SourceFile {
        SourceFile::from_bytes(path, text.as_bytes().to_vec())
    }

    #[test]
    fn a_test_says_where_and_how_it_runs() {
        let text = "attack_technique: T1999.001\ndisplay_name: Some\natomic_tests:\n- name: Start (a) shell - now\n  \
                    auto_generated_guid: 00000000-0000-0000-0000-000000000001\n  supported_platforms: [windows, linux]\n  \
                    executor:\n    name: powershell \n    elevation_required: true # yes\n    command: |\n      Get-Nothing\n- name: By hand\n  executor:\n    \
                    name: manual\n    steps: do it\n";
        let mut said = Vec::new();
        let set = read(&[file("atomics/T1999.001/T1999.001.yaml", text)], &mut said);
        assert_eq!(said, []);
        let [first, second] = &set.controls[..] else { panic!("{set:?}") };
        assert_eq!((first.executor.as_deref(), first.is_elevated), (Some("powershell"), true));
        assert_eq!(first.platforms, ["windows", "linux"]);
        assert!(first.url.ends_with("/T1999.001#atomic-test-1---start-a-shell---now"), "{}", first.url);
        assert_eq!((second.id.as_str(), second.is_elevated), ("T1999.001#2", false));
        assert_eq!(set.cites.len(), 2);
        assert_eq!([first.script.as_deref(), second.script.as_deref()], [Some("Get-Nothing"), None]);
    }

    #[test]
    fn arguments_have_their_default_values_once() {
        let test = |arguments: &str, command: &str| {
            let text = format!(
                "attack_technique: T1999\natomic_tests:\n- name: a\n  input_arguments:\n{arguments}\n  executor:\n    \
                 name: sh\n    command: |\n      {command}\n"
            );
            let set = read(&[file("atomics/T1999/T1999.yaml", &text)], &mut Vec::new());
            set.controls[0].script.clone()
        };
        let arguments = "    a: {default: '#{b}'}\n    b: {default: 7}\n    c: {description: x}\n";
        assert_eq!(test(arguments, "x #{a} #{b} -#{c}-").as_deref(), Some("x #{b} 7 --"));
        assert_eq!(test(arguments, "#{unknown} #{ #{a").as_deref(), Some("#{unknown} #{ #{a"));
        let long = format!("    a: {{default: '{}'}}\n", "x".repeat(100_000));
        assert_eq!(test(&long, &"#{a}".repeat(20)), None);
    }

    #[test]
    fn files_that_hold_no_tests_are_said_or_passed_over() {
        let files = [file("atomics/T1.yaml", "a: b"), file("T1999.yaml", "a: b"), file("Indexes/index.yaml", "a: b")];
        let mut said = Vec::new();
        assert!(read(&files, &mut said).controls.is_empty());
        assert_eq!(said.len(), 1, "{said:?}");
    }
}
