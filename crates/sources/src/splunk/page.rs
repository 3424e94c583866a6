//! A Markdown page: its fenced blocks that are marked as searches, and what the page says around them.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::{inferred_tag, no_rule, query};
use crate::{Draft, Outcome, SourceFile, attack::technique_ids_in, unique::unique_by};

/// The marks of blocks that hold a search.
const MARKS: [&str; 4] = ["spl", "splunk", "splunk-spl", "splunk_spl"];
/// How many characters of a page's text describe a search.
const MAX_DESCRIPTION: usize = 4_000;

/// A fenced block and what stands before it.
#[derive(Default)]
struct Block {
    /// The headings above it, the page's own first.
    headings: Vec<String>,
    text: String,
    line: u32,
    /// The text between the heading, or the block before, and this one.
    lead: String,
}

pub(super) fn read(file: &SourceFile, text: &str, sink: &mut dyn FnMut(Draft<'_>)) -> Outcome {
    let stem = file.path.rsplit('/').next().unwrap_or_default();
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    if stem.eq_ignore_ascii_case("readme") {
        return no_rule("a README, whose searches are examples");
    }
    let (blocks, page_tags) = blocks(text);
    if blocks.is_empty() {
        return no_rule("a page without a fenced block that is marked as a search");
    }
    let is_alone = blocks.len() == 1;
    for (place, block) in blocks.into_iter().enumerate() {
        let mut rule = query::blank(&file.path, block.line);
        if !is_alone {
            rule.id = format!("{}#{place}", rule.id);
        }
        // The page's title tells pages apart, the heading above a block tells the blocks of one page apart.
        let title = match block.headings.as_slice() {
            [] => stem.to_owned(),
            [only] => only.clone(),
            [page, .., own] if !is_alone => format!("{page} ({own})"),
            [page, ..] => page.clone(),
        };
        rule.title = title;
        rule.description = block.lead.trim().chars().take(MAX_DESCRIPTION).collect();
        let near = format!("{}\n{}", block.headings.join("\n"), block.lead);
        let mut tags = query::comment_tags(&block.text, block.line);
        let near = technique_ids_in(&near);
        // A page with one search is about that search, wherever it says so.
        let ids = if is_alone { page_tags.clone() } else { near };
        tags.extend(ids.into_iter().map(|id| inferred_tag(id, block.line)));
        let tags = unique_by(tags, |tag| tag.text.clone());
        rule.query = block.text;
        sink(Draft { rule, tags, tree: None, sources: Vec::new() });
    }
    Outcome::Rules
}

/// The marked blocks of a page, and the techniques that its text names.
fn blocks(text: &str) -> (Vec<Block>, Vec<String>) {
    let mut blocks = Vec::new();
    let mut prose = String::new();
    // The headings above, each with its depth.
    let mut above: Vec<(u8, String)> = Vec::new();
    let mut lead = String::new();
    let mut in_heading = false;
    let mut in_code: Option<bool> = None;
    let mut line = Lines { text, at: 0, line: 1 };
    for (event, range) in
        Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS).into_offset_iter()
    {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                in_heading = true;
                above.retain(|(depth, _)| *depth < level as u8);
                above.push((level as u8, String::new()));
                lead.clear();
            }
            Event::End(TagEnd::Heading(_)) => {
                in_heading = false;
                prose.push('\n');
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let is_marked = match &kind {
                    CodeBlockKind::Fenced(mark) => {
                        let mark =
                            mark.split([' ', ',', '{', '}', '.']).find(|part| !part.is_empty()).unwrap_or_default();
                        MARKS.iter().any(|known| known.eq_ignore_ascii_case(mark))
                    }
                    CodeBlockKind::Indented => false,
                };
                in_code = Some(is_marked);
                if is_marked {
                    let headings = above.iter().map(|(_, heading)| heading.trim().to_owned());
                    let headings = headings.filter(|heading| !heading.is_empty()).collect();
                    let line = line.of(range.start).saturating_add(1);
                    blocks.push(Block { headings, line, lead: std::mem::take(&mut lead), text: String::new() });
                }
            }
            Event::End(TagEnd::CodeBlock) => in_code = None,
            Event::Text(words) | Event::Code(words) => match in_code {
                Some(true) => {
                    if let Some(block) = blocks.last_mut() {
                        block.text.push_str(&words);
                    }
                }
                Some(false) => {}
                None => {
                    prose.push_str(&words);
                    match above.last_mut().filter(|_| in_heading) {
                        Some((_, heading)) => heading.push_str(&words),
                        None => lead.push_str(&words),
                    }
                }
            },
            Event::Start(Tag::Link { dest_url, .. }) => {
                prose.push_str(&dest_url);
                prose.push(' ');
            }
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) => {
                prose.push('\n');
                lead.push('\n');
            }
            _ => {}
        }
    }
    blocks.retain(|block: &Block| !block.text.trim().is_empty());
    (blocks, technique_ids_in(&prose))
}

/// Counts lines on the way through a text.
struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    /// The one-based line of a byte, which is no earlier than the one asked for before.
    fn of(&mut self, at: usize) -> u32 {
        let passed = self.text.as_bytes().get(self.at..at).unwrap_or_default();
        let ends = passed.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
        self.at = at.max(self.at);
        self.line
    }
}
