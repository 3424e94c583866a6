//! Microsoft's rules and hunting queries for Sentinel and Defender, in all forms in which they are published: YAML rule
//! files and custom detections, JSON of templates, APIs and workbooks, Bicep and Terraform, files that hold a query and
//! nothing else, and Markdown pages with queries in blocks or among the text.
//!
//! A folder may hold one repository or several as subfolders: nothing depends on where a file lies but words of its
//! path that say what kind of text it is.
//!
//! The keys of a YAML rule are those of Sentinel's
//! [query style guide](https://github.com/Azure/Azure-Sentinel/wiki/Query-Style-Guide), those of a template the
//! properties of `Microsoft.SecurityInsights/alertRules`.

mod arm;
mod bicep;
mod elsewhere;
mod hcl;
mod json;
mod object;
mod page;
mod query;
mod rule;
mod terraform;
mod unfenced;
mod variant;

use std::borrow::Cow;

use ruleatlas_core::{Context, NoContext};
use ruleatlas_model::{Kind, Language, Rule, Status, Vendor};
use rustc_hash::FxHashSet;

use crate::{Draft, Format, Outcome, RawTag, SourceFile, attack::technique_ids_in};

/// The format of Kusto rules.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KustoRules {
    /// Whether a text is a query of the language: what decides on texts that nobody marked as one.
    pub is_query: fn(Language, &str) -> bool,
}

impl Format for KustoRules {
    fn extensions(&self) -> &'static [&'static str] {
        &["yaml", "yml", "md", "json", "jsonl", "ndjson", "workbook", "bicep", "tf"]
    }

    fn has_windows_text(&self) -> bool {
        true
    }

    fn context<'a>(&self, files: &'a [SourceFile]) -> Box<dyn Context + 'a> {
        Box::new(elsewhere::Referenced::of(files))
    }

    fn read(&self, file: &SourceFile, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        self.read_in(file, &NoContext, sink)
    }

    fn read_in(&self, file: &SourceFile, context: &dyn Context, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
        if context.is_part(&file.path) {
            return no_rule("the query of a rule in a template");
        }
        let Some(text) = file.text() else { return no_rule("no text") };
        let text = text.trim_start_matches('\u{feff}');
        let source = File { text, path: &file.path, is_query: self.is_query };
        match file.extension().as_str() {
            "yaml" | "yml" => rule::read(source, sink),
            "md" | "markdown" => page::read(source, sink),
            "json" | "jsonl" | "ndjson" | "workbook" => json::read(source, sink),
            "bicep" => bicep::read(source, context, sink),
            "tf" => terraform::read(source, context, sink),
            "kql" | "klq" | "csl" | "kusto" | "func" | "txt" => query::read(source, sink),
            // A name without an ending, or with a dot that begins none. A rule that lost its ending is one.
            ending if ending.len() > 5 || ending.contains(' ') || ending.is_empty() => {
                if rule::looks_like_one(text) {
                    rule::read(source, sink)
                } else if text.starts_with("# ") {
                    page::read(source, sink)
                } else {
                    query::read(source, sink)
                }
            }
            _ => no_rule("a kind of file that holds no rules"),
        }
    }
}

fn no_rule(reason: &'static str) -> Outcome {
    Outcome::NotARule(Cow::Borrowed(reason))
}

/// The file that is read.
#[derive(Clone, Copy)]
struct File<'a> {
    text: &'a str,
    path: &'a str,
    is_query: fn(Language, &str) -> bool,
}

impl<'a> File<'a> {
    /// The file's name without its ending.
    fn stem(self) -> &'a str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        match name.rsplit_once('.') {
            Some((stem, ending))
                if !stem.is_empty() && (ending.len() <= 5 || ending == "workbook") && !ending.contains(' ') =>
            {
                stem
            }
            _ => name,
        }
    }

    /// Whether one of the folders is called so.
    fn is_in(self, name: &str) -> bool {
        self.path.rsplit('/').skip(1).any(|folder| folder.eq_ignore_ascii_case(name))
    }

    /// Whether a text without a mark is a query.
    fn is_query(self, text: &str) -> bool {
        (self.is_query)(Language::Kusto, text)
    }

    /// A rule of the file, of which its place and what the path says are known.
    fn blank(self, kind: Kind) -> Rule {
        let mut rule = Rule::blank(Vendor::Kusto, Language::Kusto, self.path);
        rule.kind = kind;
        rule.status = self.is_in("deprecated").then_some(Status::Deprecated);
        rule
    }

    /// The id of a rule that carries none.
    fn id(self) -> String {
        format!("{}/{}", Vendor::Kusto, self.path)
    }

    /// Why nothing in the file is a detection, where its folder says so.
    fn no_detection(self) -> Option<&'static str> {
        const FOLDERS: [(&str, &str); 5] = [
            ("Functions", "a function, no detection"),
            ("Parsers", "a parser, no detection"),
            ("Workbooks", "a dashboard, no detection"),
            ("Dashboards", "a dashboard, no detection"),
            ("Playbooks", "a playbook, no detection"),
        ];
        FOLDERS.into_iter().find(|(name, _)| self.is_in(name)).map(|(_, reason)| reason)
    }
}

/// The technique ids that a running text names, each as a tag that says so. `line` is the text's first line.
fn inferred_tags(text: &str, line: u32) -> Vec<RawTag> {
    let mut tags: Vec<RawTag> = Vec::new();
    let mut seen = FxHashSet::default();
    for (number, words) in (line..).zip(text.lines()) {
        for id in technique_ids_in(words) {
            if seen.insert(id.clone()) {
                tags.push(RawTag::inferred(id, number));
            }
        }
    }
    tags
}

/// The comments of a query, a line each; lines without one are empty.
fn comments(query: &str) -> String {
    let comment = |line: &str| line.split_once("//").map_or("", |(_, comment)| comment).trim().to_owned();
    query.lines().map(comment).collect::<Vec<_>>().join("\n")
}
