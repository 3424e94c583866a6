//! D3FEND: which countermeasures counter which technique, as its ontology relates them.
//!
//! A technique of ATT&CK and a countermeasure meet in the digital artifacts that both touch. The ontology is published
//! as Turtle and as JSON-LD; either is read, and of several versions in one folder the newest. How a countermeasure of
//! a technique is found is said in [`derive`].

mod derive;
mod graph;
mod jsonld;
mod turtle;

use ruleatlas_model::{Basis, Control, ControlSource, Diagnostic};

use crate::{
    ControlSet, SourceFile, SourceKind,
    controls::{left_out, unreadable},
};
use graph::Graph;

/// How much of a file's beginning is looked at for what it is.
const HEAD: usize = 8192;

/// The ways of a countermeasure to a technique that are told, those through the technique itself before all others; the
/// rest is counted.
const TOLD: usize = 2;

/// Whether a file of a D3FEND source is read: the published tables and samples are larger than the ontology.
pub(crate) fn is_read(path: &str) -> bool {
    let name = path.to_ascii_lowercase();
    let is_table =
        [".csv", ".html", ".owl", ".rdf", ".xml", ".svg", ".png"].iter().any(|ending| name.ends_with(ending));
    !is_table && (!name.ends_with(".json") || name.ends_with(".jsonld.json") || !name.contains('/'))
}

/// Reads the newest ontology among the files.
pub(crate) fn read(files: &[SourceFile], diagnostics: &mut Vec<Diagnostic>) -> ControlSet {
    let kind = SourceKind::D3fend;
    diagnostics.extend(files.iter().filter_map(|file| unreadable(kind, file)));
    let mut set = ControlSet::new(ControlSource::D3fend);
    let mut found: Vec<(Version, &SourceFile, Form)> =
        files.iter().filter_map(|file| Some((Version::of(file), file, Form::of(file)?))).collect();
    // The newest; of two forms of one version the one that is quicker to read.
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.2.cmp(&b.2)).then_with(|| a.1.path.cmp(&b.1.path)));
    if found.is_empty() {
        let message = "d3fend: no ontology in the source: put d3fend-protege.ttl there, from the repository \
                       d3fend/d3fend-ontology";
        diagnostics.push(Diagnostic::warning("no ontology", message));
    }
    for (at, (version, file, form)) in found.iter().enumerate() {
        let text = file.text().unwrap_or_default();
        let graph = match form {
            Form::Turtle => turtle::read(text),
            Form::JsonLd => jsonld::read(text),
        };
        let graph = match graph {
            Ok(graph) if graph.is_ontology() => graph,
            Ok(_) => {
                diagnostics.push(left_out(kind, &file.path, None, "it holds no techniques and countermeasures"));
                continue;
            }
            Err((line, why)) => {
                diagnostics.push(left_out(kind, &file.path, line, why));
                continue;
            }
        };
        if let Some((_, older, _)) = found.get(at + 1) {
            let message = format!(
                "d3fend: {} is read, the newest of {} ontologies ({} is not)",
                file.path,
                found.len(),
                older.path
            );
            diagnostics.push(Diagnostic::note("newest ontology", message));
        }
        set.version = graph.version().map(str::to_owned).or_else(|| version.shown());
        fill(&mut set, &graph, &file.path);
        return set;
    }
    set
}

fn fill(set: &mut ControlSet, graph: &Graph, path: &str) {
    let derived = derive::Derived::of(graph);
    for counter in &derived.countermeasures {
        set.add(Control {
            source: ControlSource::D3fend,
            id: counter.id.clone(),
            name: counter.name.clone(),
            url: format!("https://d3fend.mitre.org/technique/d3f:{}/", counter.class),
            path: path.to_owned(),
            description: counter.definition.clone(),
            tactic: counter.tactic.clone(),
            platforms: Vec::new(),
            executor: None,
            is_elevated: false,
            script: None,
        });
    }
    for (technique, links) in &derived.techniques {
        set.known.push(technique.clone());
        for (counter, ways) in links {
            let own = ways.iter().filter(|way| derive::is_through(graph, way, technique)).count();
            let told = if own > 0 { own.min(TOLD) } else { ways.len().min(TOLD) };
            let mut how: Vec<String> = ways.iter().take(told).map(|way| derived.told(graph, *counter, way)).collect();
            match ways.len() - told {
                0 => {}
                1 => how.push("and one more way".to_owned()),
                more => how.push(format!("and {more} more ways")),
            }
            set.cites.push(crate::Cite { control: *counter, technique: technique.clone(), basis: Basis::Derived, how });
        }
    }
}

/// In which form an ontology is written; the quicker one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Turtle,
    JsonLd,
}

impl Form {
    fn of(file: &SourceFile) -> Option<Self> {
        let text = file.text()?;
        let head = &text.as_bytes()[..text.len().min(HEAD)];
        let has = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
        match file.extension().as_str() {
            "ttl" if has(b"d3fend.owl#") => Some(Self::Turtle),
            "jsonld" | "json" if has(b"@graph") || has(b"@context") => Some(Self::JsonLd),
            _ => None,
        }
    }
}

/// What a file says of its version: in its name, `1.2.0` before `2022-04-21`, which older ones have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    is_release: bool,
    numbers: Vec<u32>,
}

impl Version {
    fn of(file: &SourceFile) -> Self {
        let name = file.path.rsplit('/').next().unwrap_or(&file.path);
        let parts = |between: char| -> Vec<u32> {
            let groups = name.split(|c: char| !c.is_ascii_digit() && c != between);
            groups
                .map(|group| group.split(between).filter(|part| !part.is_empty()).collect::<Vec<_>>())
                .filter(|parts| parts.len() == 3)
                .find_map(|parts| parts.into_iter().map(|part| part.parse().ok()).collect())
                .unwrap_or_default()
        };
        let release = parts('.');
        if release.is_empty() {
            return Self { is_release: false, numbers: parts('-') };
        }
        Self { is_release: true, numbers: release }
    }

    fn shown(&self) -> Option<String> {
        match (self.is_release, self.numbers.as_slice()) {
            (true, [major, minor, patch]) => Some(format!("{major}.{minor}.{patch}")),
            (false, [year, month, day]) => Some(format!("{year:04}-{month:02}-{day:02}")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
