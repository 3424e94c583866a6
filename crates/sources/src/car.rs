//! The Cyber Analytics Repository: analytics with the techniques that they cover and the tests that they come with.

use rayon::prelude::*;
use ruleatlas_model::{Basis, Control, ControlSource, Diagnostic};
use ruleatlas_yaml::Node;

use crate::{
    ControlSet, SourceFile, SourceKind,
    controls::{items, left_out, technique_id, texts, yaml},
};

const KIND: SourceKind = SourceKind::Car;

/// Reads the analytics, and their tests as a set of its own.
pub(crate) fn read(files: &[SourceFile], diagnostics: &mut Vec<Diagnostic>) -> Vec<ControlSet> {
    let mut analytics = ControlSet::new(ControlSource::Car);
    let mut tests = ControlSet::new(ControlSource::CarTests);
    let read: Vec<_> = files.par_iter().filter(|file| is_analytic(&file.path)).map(analytic).collect();
    for (analytic, said) in read {
        diagnostics.extend(said);
        let Some(analytic) = analytic else { continue };
        // The newest date of any analytic is the repository's.
        for set in [&mut analytics, &mut tests] {
            set.version = set.version.take().max(analytic.date.clone());
            set.known.extend(analytic.covers.iter().flat_map(|cover| cover.names.iter().cloned()));
        }
        let link = |set: &mut ControlSet, place: u32| {
            for cover in &analytic.covers {
                for technique in &cover.techniques {
                    set.cite(
                        place,
                        technique,
                        Basis::Official,
                        cover.level.iter().map(|level| format!("coverage: {level}")).collect(),
                    );
                }
            }
        };
        for (at, test) in (1..).zip(&analytic.tests) {
            let control = Control {
                source: ControlSource::CarTests,
                id: format!("{}#{at}", analytic.control.id),
                name: test.clone(),
                description: analytic.control.name.clone(),
                url: format!("{}#unit-tests", analytic.control.url),
                ..analytic.control.clone()
            };
            let place = tests.add(control);
            link(&mut tests, place);
        }
        let place = analytics.add(analytic.control.clone());
        link(&mut analytics, place);
    }
    vec![analytics, tests]
}

/// `analytics/CAR-2013-02-003.yaml`, wherever the folder lies.
fn is_analytic(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("CAR-") && (name.ends_with(".yaml") || name.ends_with(".yml"))
}

struct Analytic {
    control: Control,
    covers: Vec<Cover>,
    tests: Vec<String>,
    date: Option<String>,
}

/// What of ATT&CK an analytic covers, and how well.
struct Cover {
    /// The sub-techniques, where it names any; else the technique.
    techniques: Vec<String>,
    /// All of them.
    names: Vec<String>,
    level: Option<String>,
}

fn analytic(file: &SourceFile) -> (Option<Analytic>, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let Some(document) = yaml(KIND, file, &mut diagnostics) else { return (None, diagnostics) };
    let text = |key: &str| document.get(key).and_then(Node::text_or_null).unwrap_or_default().trim().to_owned();
    let id = text("id");
    if !id.starts_with("CAR-") {
        diagnostics.push(left_out(KIND, &file.path, None, "no analytic: it has no `id` that begins with CAR-"));
        return (None, diagnostics);
    }
    let covers = items(document.get("coverage")).iter().map(cover).collect();
    let tests = items(document.get("unit_tests")).iter().map(test).collect();
    let date = ["update_date", "submission_date"].map(text).into_iter().map(|date| date.replace('/', "-")).max();
    let control = Control {
        source: ControlSource::Car,
        url: format!("https://car.mitre.org/analytics/{id}/"),
        name: text("title"),
        id,
        path: file.path.clone(),
        description: text("description"),
        tactic: None,
        platforms: texts(document.get("platforms")).into_iter().map(str::to_owned).collect(),
        executor: None,
        is_elevated: false,
        script: None,
    };
    (Some(Analytic { control, covers, tests, date: date.filter(|date| !date.is_empty()) }), diagnostics)
}

fn cover(node: &Node<'_>) -> Cover {
    let technique = node.get("technique").and_then(Node::text_or_null).and_then(technique_id);
    let below: Vec<String> = texts(node.get("subtechniques")).into_iter().filter_map(technique_id).collect();
    let names = technique.iter().chain(&below).cloned().collect();
    let level = node.get("coverage").and_then(Node::text_or_null).map(|level| level.trim().to_owned());
    Cover { techniques: if below.is_empty() { technique.into_iter().collect() } else { below }, names, level }
}

/// What a test does: its words, or its first command.
fn test(node: &Node<'_>) -> String {
    let words = node.get("description").and_then(Node::text_or_null).or_else(|| node.text_or_null());
    let command = || texts(node.get("commands")).into_iter().next();
    words.map(str::trim).filter(|words| !words.is_empty()).or_else(command).unwrap_or("a test without words").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_analytic_covers_what_it_names_most_closely_and_brings_its_tests() {
        let text = "title: Odd shells\nid: CAR-2031-01-001\nsubmission_date: 2031/01/02\nplatforms: [Windows]\n\
                    description: Looks for shells.\ncoverage:\n  - technique: T1059\n    subtechniques: [T1059.003]\n    \
                    coverage: Moderate\n  - technique: T1204\nunit_tests:\n  - description: start a shell\n    commands: [cmd]\n  \
                    - commands:\n      - whoami\n";
        let file = SourceFile::from_bytes("analytics/CAR-2031-01-001.yaml", text.as_bytes().to_vec());
        let mut said = Vec::new();
        let sets = read(&[file], &mut said);
        assert_eq!(said, []);
        let [analytics, tests] = sets.try_into().unwrap();
        let cited = |set: &ControlSet| -> Vec<(u32, String)> {
            set.cites.iter().map(|cite| (cite.control, cite.technique.clone())).collect()
        };
        assert_eq!(cited(&analytics), [(0, "T1059.003".to_owned()), (0, "T1204".to_owned())]);
        assert_eq!(analytics.cites[0].how, ["coverage: Moderate"]);
        assert_eq!(analytics.version.as_deref(), Some("2031-01-02"));
        assert_eq!(analytics.finished().known, ["T1059", "T1059.003", "T1204"]);
        assert_eq!(
            tests.controls.iter().map(|test| test.name.as_str()).collect::<Vec<_>>(),
            ["start a shell", "whoami"]
        );
        assert_eq!(tests.controls[1].id, "CAR-2031-01-001#2");
        assert_eq!(tests.cites.len(), 4);
    }

    #[test]
    fn what_is_no_analytic_is_said() {
        let files = [("CAR-1.yaml", "a: b"), ("CAR-2.yaml", "\t- ["), ("data_model/file.yaml", "x: y")];
        let files = files.map(|(path, text)| SourceFile::from_bytes(path, text.as_bytes().to_vec()));
        let mut said = Vec::new();
        assert!(read(&files, &mut said).iter().all(|set| set.controls.is_empty()));
        assert_eq!(said.len(), 2, "{said:?}");
    }
}
