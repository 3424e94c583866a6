//! Atomic Red Team: small tests, a file a technique. Their commands are not read, and never run.

use rayon::prelude::*;
use ruleatlas_model::{Basis, Control, ControlSource, Diagnostic};
use ruleatlas_yaml::Node;

use crate::{
    ControlSet, SourceFile, SourceKind,
    controls::{items, left_out, technique_id, texts, yaml},
};

const KIND: SourceKind = SourceKind::Atomic;

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
    }
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
        assert!(!format!("{set:?}").contains("Get-Nothing"), "commands are not read");
    }

    #[test]
    fn files_that_hold_no_tests_are_said_or_passed_over() {
        let files = [file("atomics/T1.yaml", "a: b"), file("T1999.yaml", "a: b"), file("Indexes/index.yaml", "a: b")];
        let mut said = Vec::new();
        assert!(read(&files, &mut said).controls.is_empty());
        assert_eq!(said.len(), 1, "{said:?}");
    }
}
