//! A Markdown page: its fenced blocks that are queries, and what the page says around them.

use ruleatlas_model::{Diagnostic, Kind};
use rustc_hash::FxHashMap;

use super::{
    File, comments, inferred_tags, no_rule,
    object::distinct,
    query, unfenced,
    variant::{Side, Variants},
};
use crate::{Draft, Outcome, RawTag, heading};

/// Bytes of what a page says of all its queries, in all of them together.
const MAX_SHARED: usize = 32 << 20;

/// A heading and what stands under it, up to the next.
#[derive(Default)]
struct Section<'a> {
    heading: &'a str,
    /// How many `#` it has.
    depth: usize,
    /// The section before it that it stands in: the last one of fewer `#`.
    parent: Option<usize>,
    text: String,
    /// The one-based line of the first line of its text.
    line: u32,
    /// How much of the text stands before the last block so far.
    read: usize,
}

/// A fenced block.
struct Block<'a> {
    /// What stands behind the fence.
    mark: &'a str,
    text: String,
    /// The one-based line of its first line of text.
    line: u32,
    /// The section that it stands in.
    section: usize,
    /// The line of text before it, where it is short.
    lead: Option<String>,
}

struct Page<'a> {
    sections: Vec<Section<'a>>,
    blocks: Vec<Block<'a>>,
    /// All lines outside blocks; the others are empty.
    prose: String,
}

pub(super) fn read(file: File<'_>, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let mut page = Page::of(file.text);
    if let Some(reason) = file.no_detection().filter(|_| !page.blocks.is_empty()) {
        return no_rule(reason);
    }
    if !page.blocks.iter().any(|block| is_query(file, block)) {
        page.take_unfenced(file);
    }
    if page.blocks.is_empty() {
        return no_rule("a page without a query");
    }
    if let Some(reason) = file.no_detection() {
        return no_rule(reason);
    }
    // A README explains: its queries are examples, but for those under a heading that calls them detections or hunts.
    let is_readme = file.stem().eq_ignore_ascii_case("readme");
    let queries: Vec<&Block<'_>> = page
        .blocks
        .iter()
        .filter(|block| is_query(file, block) && (!is_readme || page.is_called_a_detection(block)))
        .collect();
    if queries.is_empty() {
        return no_rule(match is_readme {
            true => "a README, whose queries are examples",
            false => "a page whose fenced blocks are no queries",
        });
    }
    // What a page adds to or puts in front of its queries is none by itself.
    let (fragments, queries): (Vec<&Block<'_>>, Vec<&Block<'_>>) =
        match queries.iter().all(|block| is_fragment(&block.text)) {
            true => (Vec::new(), queries),
            false => queries.into_iter().partition(|block| is_fragment(&block.text)),
        };
    let mut said: Vec<Diagnostic> = fragments.iter().map(|block| fragment_note(block.line)).collect();
    let title = page.title().map_or_else(|| heading::words(file.stem()), str::to_owned);
    let title = title.as_str();
    let titles = page.titles(title, &queries);
    let page_tags = page.tags();
    let references = query::addresses(&page.section(&["references", "reference"]).lines().collect::<Vec<_>>());
    let false_positives = page.section(&["false positives", "known false positives"]).trim().to_owned();
    // What the page says of all its queries is kept with each: as much as they have room for together.
    let room = MAX_SHARED / queries.len().max(1);
    let cut = |text: &str| text.get(..text.floor_char_boundary(room)).unwrap_or_default().to_owned();
    let description = cut(page.description());
    let false_positives = cut(&false_positives);
    let (mut references, mut page_tags) = (references, page_tags);
    truncate(&mut references, room, String::len);
    truncate(&mut page_tags, room, |tag| tag.text.len());
    let has_detection = page.sections.iter().any(|section| section.heading == "Detection");
    let mut variants = Variants::default();
    for (place, block) in queries.iter().enumerate() {
        let mut rule = file.blank(query::kind(file));
        rule.line = block.line;
        rule.id = file.id();
        if queries.len() > 1 {
            rule.id = format!("{}#{place}", rule.id);
        }
        let heading = page.sections.get(block.section).map_or("", |section| section.heading);
        rule.title = titles.get(place).cloned().unwrap_or_default();
        rule.description.clone_from(&description);
        rule.references.clone_from(&references);
        rule.false_positives = Some(false_positives.clone()).filter(|text| !text.is_empty()).into_iter().collect();
        block.text.clone_into(&mut rule.query);
        if rule.kind == Kind::Hunting && has_detection {
            rule.kind = Kind::Rule;
        }
        let message = "a query on a page carries no id; its place stands for it";
        rule.diagnostics.push(Diagnostic::note("id from path", message).on_line(rule.line));
        rule.diagnostics.append(&mut said);
        rule.variant_of = variants.add(&rule.id, &block.text, Side::of(heading));
        let mut tags = page_tags.clone();
        tags.extend(inferred_tags(&comments(&block.text), block.line));
        sink(Draft { rule, tags: distinct(tags), tree: None, sources: Vec::new() });
    }
    Outcome::Rules
}

/// Keeps the first items, as many as `room` bytes hold.
fn truncate<T>(items: &mut Vec<T>, room: usize, length: impl Fn(&T) -> usize) {
    let mut left = room;
    items.retain(|item| {
        let rest = left.checked_sub(length(item) + size_of::<T>());
        left = rest.unwrap_or_default();
        rest.is_some()
    });
}

/// Marks that say nothing of the language, or that of a language which the query is not: what stands there is read.
const OTHER_MARKS: [&str; 12] =
    ["", "sql", "tsql", "txt", "text", "plain", "plaintext", "none", "code", "cs", "csharp", "query"];

/// Whether a block is a query: marked as one, or without a mark of its own language and one by itself.
fn is_query(file: File<'_>, block: &Block<'_>) -> bool {
    let mark = block.mark.trim_start_matches(['{', '.']);
    let mark = mark.split(|character: char| character.is_whitespace() || "{},:".contains(character)).next();
    let mark = mark.unwrap_or_default().to_ascii_lowercase();
    match mark.as_str() {
        "kql" | "kusto" | "c#" | "csl" => !block.text.trim().is_empty(),
        "" => file.is_query(&block.text),
        mark if OTHER_MARKS.contains(&mark) => {
            !is_sql(&block.text) && file.is_query(&block.text) && block.text.contains('|')
        }
        _ => false,
    }
}

/// Whether a text is a part of a query: stages without a table, or values that have names and nothing else.
fn is_fragment(text: &str) -> bool {
    let code = text.lines().map(|line| line.trim_start()).filter(|line| !line.starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let code = code.trim();
    let is_stage = |(at, _): (usize, &str)| {
        code.get(at + 1..).is_some_and(|rest| rest.trim_start_matches([' ', '\t']).starts_with(char::is_alphabetic))
    };
    let is_let = |text: &str| text.starts_with("let ");
    let tail = code.rsplit_once(';').map_or(code, |(_, tail)| tail).trim();
    let has_values_only = is_let(code) && (tail.is_empty() || is_let(tail));
    code.starts_with('|') || has_values_only && !code.match_indices('|').any(is_stage)
}

fn fragment_note(line: u32) -> Diagnostic {
    let message = format!("the block in line {line} is a part of a query, and no rule by itself");
    Diagnostic::note("part of a query", message).on_line(line)
}

/// Whether a text begins as a statement of SQL does.
fn is_sql(text: &str) -> bool {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("--"));
    let first = lines.into_iter().next().unwrap_or_default();
    let word = first.split(|character: char| !character.is_alphabetic()).next().unwrap_or_default();
    ["select", "with", "insert", "update", "delete", "create", "alter", "drop", "declare", "merge"]
        .iter()
        .any(|statement| statement.eq_ignore_ascii_case(word))
}

impl<'a> Page<'a> {
    fn of(text: &'a str) -> Self {
        let mut page = Self { sections: vec![Section::default()], blocks: Vec::new(), prose: String::new() };
        // The fence that is open, by its marks.
        let mut open: Option<&str> = None;
        if let Some(section) = page.sections.last_mut() {
            section.line = 1;
        }
        let front = front_matter(text);
        for (number, line) in (1_u32..).zip(text.lines()) {
            let trimmed = line.trim();
            let fence = fence(trimmed);
            page.prose.push('\n');
            if number <= front {
                let title = trimmed.strip_prefix("title:").map(|title| title.trim().trim_matches(['"', '\'']).trim());
                if let Some(title) = title.filter(|title| !title.is_empty()) {
                    page.sections.push(Section { heading: title, depth: 1, line: number + 1, ..Section::default() });
                }
                if let Some(section) = page.sections.last_mut() {
                    section.text.push('\n');
                }
                continue;
            }
            match (open, fence) {
                (Some(marks), Some((closing, ""))) if closing.starts_with(marks) => open = None,
                (Some(_), _) => {
                    if let Some(block) = page.blocks.last_mut() {
                        block.text.push_str(line);
                        block.text.push('\n');
                    }
                }
                (None, Some((marks, mark))) => {
                    open = Some(marks);
                    // The query's first word may stand right behind the mark.
                    let glued = mark.get(..3).filter(|head| head.eq_ignore_ascii_case("kql")).and(mark.get(3..));
                    let glued = glued.filter(|rest| rest.starts_with(char::is_alphabetic));
                    let (mark, first) = glued.map_or((mark, ""), |rest| ("kql", rest));
                    let text = if first.is_empty() { String::new() } else { format!("{first}\n") };
                    let line = if first.is_empty() { number + 1 } else { number };
                    let lead = page.sections.last().and_then(|section| lead(section.text.get(section.read..)?));
                    if let Some(section) = page.sections.last_mut() {
                        section.read = section.text.len();
                    }
                    page.blocks.push(Block { mark, text, line, section: page.sections.len() - 1, lead });
                }
                (None, None) => {
                    if let Some((depth, heading)) = heading::read(trimmed) {
                        let mut parent = page.sections.len().checked_sub(1);
                        while let Some(section) = parent.and_then(|at| page.sections.get(at)) {
                            if section.depth < depth {
                                break;
                            }
                            parent = section.parent;
                        }
                        page.sections.push(Section { heading, depth, parent, line: number + 1, ..Section::default() });
                    } else if let Some(section) = page.sections.last_mut() {
                        section.text.push_str(line);
                        section.text.push('\n');
                    }
                    page.prose.pop();
                    page.prose.push_str(line);
                    page.prose.push('\n');
                }
            }
        }
        page
    }

    /// The page's first heading that names something: none that says what kind of text stands under it, and none that
    /// captions a table, unless it is the page's first of its outermost kind.
    fn title(&self) -> Option<&'a str> {
        let named = || self.sections.iter().filter(|section| section.depth > 0 && heading::is_title(section.heading));
        let outermost = self.sections.iter().filter(|section| section.depth > 0).map(|section| section.depth).min();
        let is_caption =
            |section: &&Section<'_>| Some(section.depth) != outermost && section.text.trim_start().starts_with('|');
        named().find(|section| !is_caption(section)).or_else(|| named().next()).map(|section| section.heading)
    }

    /// Takes queries that stand among the text as blocks.
    fn take_unfenced(&mut self, file: File<'_>) {
        for (at, section) in self.sections.iter().enumerate() {
            for (line, text) in unfenced::queries(file, &section.text) {
                let line = section.line.saturating_add(u32::try_from(line).unwrap_or(u32::MAX));
                self.blocks.push(Block { mark: "kql", text, line, section: at, lead: None });
            }
        }
    }

    /// Whether the heading above a block calls its query one that detects or hunts.
    fn is_called_a_detection(&self, block: &Block<'_>) -> bool {
        let heading = self.sections.get(block.section).map_or("", |section| section.heading).to_lowercase();
        heading.contains("detection quer") || heading.contains("hunting quer")
    }

    /// The titles of the page's queries: the page's, with what tells each from the others. That are the headings that
    /// it stands under; where they do not suffice, the query's first comment or what stands before it; and its number
    /// where nothing does.
    fn titles(&self, title: &str, queries: &[&Block<'_>]) -> Vec<String> {
        if queries.len() < 2 {
            return queries.iter().map(|_| title.to_owned()).collect();
        }
        let mut names: Vec<Vec<String>> = queries.iter().map(|block| self.path(block, title)).collect();
        let shared = alike(&names);
        for ((name, block), is_shared) in names.iter_mut().zip(queries).zip(shared) {
            if is_shared {
                let own = query::named(&block.text).map(str::to_owned);
                name.extend(own.or_else(|| block.lead.clone()));
            }
        }
        let shared = alike(&names);
        let mut numbers: FxHashMap<Vec<String>, usize> = FxHashMap::default();
        for (name, is_shared) in names.iter_mut().zip(shared) {
            if is_shared {
                let number = numbers.entry(name.clone()).or_default();
                *number += 1;
                name.push(number.to_string());
            }
        }
        names
            .iter()
            .map(|name| if name.is_empty() { title.to_owned() } else { format!("{title} ({})", name.join(", ")) })
            .collect()
    }

    /// The headings above a block, outermost first, without the page's title and those that say nothing.
    fn path(&self, block: &Block<'_>, title: &str) -> Vec<String> {
        let mut path = Vec::new();
        let mut at = Some(block.section);
        while let Some(section) = at.and_then(|at| self.sections.get(at)) {
            if section.depth > 0 {
                // Blanks inside are as they come.
                let heading = section.heading.split_whitespace().collect::<Vec<_>>().join(" ");
                if section.heading != title && !heading::is_generic(&heading) {
                    path.push(heading);
                }
            }
            at = section.parent;
        }
        path.reverse();
        path
    }

    /// What stands under the first heading of one of these names, in lower case.
    fn section(&self, names: &[&str]) -> &str {
        let is_named = |section: &&Section<'_>| names.contains(&section.heading.to_lowercase().as_str());
        self.sections.iter().find(is_named).map_or("", |section| section.text.as_str())
    }

    /// What the page says under a heading for it, else what stands first.
    fn description(&self) -> &str {
        let named = self.section(&["description", "detection description"]).trim();
        if !named.is_empty() {
            return named;
        }
        self.sections.iter().take(2).map(|section| section.text.trim()).find(|text| !text.is_empty()).unwrap_or("")
    }

    /// The techniques that the page's text names, and the tactics and techniques that its tables mark as covered.
    fn tags(&self) -> Vec<RawTag> {
        let mut tags = Vec::new();
        for (number, line) in (1..).zip(self.prose.lines()) {
            let cells: Vec<&str> =
                line.trim().strip_prefix('|').unwrap_or_default().split('|').map(str::trim).collect();
            let tag = |text: String| RawTag::inferred(text, number);
            let mut in_cells = false;
            for pair in cells.windows(2) {
                let [cell, next] = pair else { continue };
                // A column for the technique, one for the sub-technique's number.
                let is_number = next.len() == 3 && next.bytes().all(|byte| byte.is_ascii_digit());
                let is_id = cell.len() == 5 && cell.starts_with('T');
                if is_id && is_number {
                    tags.push(tag(format!("{cell}.{next}")));
                    in_cells = true;
                }
                // A table of all tactics, in which `v` marks those that the query covers.
                if next.eq_ignore_ascii_case("v") {
                    tags.push(tag((*cell).to_owned()));
                }
            }
            if !in_cells {
                tags.extend(inferred_tags(line, number));
            }
        }
        distinct(tags)
    }
}

/// The marks of a fence and what stands behind them.
fn fence(line: &str) -> Option<(&str, &str)> {
    let mark = line.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let rest = line.trim_start_matches(mark);
    let length = line.len() - rest.len();
    let marks = line.get(..length)?;
    // A line of code in backticks is no fence.
    (length >= 3 && !rest.contains('`')).then_some((marks, rest.trim()))
}

/// How many lines of a page are its front matter: YAML between two lines of three dashes at its head.
fn front_matter(text: &str) -> u32 {
    let mut lines = text.lines().map(str::trim_end);
    if lines.next() != Some("---") {
        return 0;
    }
    lines.take(200).position(|line| line == "---").and_then(|at| u32::try_from(at + 2).ok()).unwrap_or(0)
}

/// Which of some names stand there more than once.
fn alike(names: &[Vec<String>]) -> Vec<bool> {
    let mut counts: FxHashMap<&[String], usize> = FxHashMap::default();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    names.iter().map(|name| counts.get(name.as_slice()).is_some_and(|count| *count > 1)).collect()
}

/// The last line of a text, where it is short enough to name what follows.
fn lead(text: &str) -> Option<String> {
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.trim_matches(|character: char| "*_>-/: ".contains(character) || character.is_whitespace());
    let names = line.chars().any(char::is_alphabetic) && !line.contains("://") && !line.contains('|');
    (names && line.chars().count() <= query::TITLE_LENGTH).then(|| line.trim_end_matches('.').to_owned())
}
