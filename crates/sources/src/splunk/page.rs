//! A Markdown page: its fenced blocks that are searches, marked as such or by what they begin with, and what the page says
//! around them.

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::{inferred_tag, no_rule, query};
use crate::{Draft, Outcome, SourceFile, attack::technique_ids_in, heading, unique::unique_by};

/// The marks of blocks that hold a search.
const MARKS: [&str; 4] = ["spl", "splunk", "splunk-spl", "splunk_spl"];
/// Marks that do not say what the text is: a search by what it begins with is read.
const OTHER_MARKS: [&str; 9] = ["", "sql", "txt", "text", "plain", "plaintext", "none", "code", "query"];

/// Commands that a search without a filter in front of them begins with.
const FIRST_COMMANDS: [&str; 15] = [
    "dbinspect",
    "datamodel",
    "from",
    "inputlookup",
    "loadjob",
    "makeresults",
    "metadata",
    "metasearch",
    "mstats",
    "multisearch",
    "pivot",
    "rest",
    "savedsearch",
    "search",
    "tstats",
];

/// Fields of which a search begins with one.
const FIRST_FIELDS: [&str; 5] = ["index", "sourcetype", "eventtype", "datamodel", "source"];

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
    let Page { blocks, title, ids: page_ids, shared } = Page::of(text);
    if blocks.is_empty() {
        return no_rule("a page without a fenced block that is a search");
    }
    let title = title.unwrap_or_else(|| heading::words(stem));
    let is_alone = blocks.len() == 1;
    for (place, block) in blocks.into_iter().enumerate() {
        let mut rule = query::blank(&file.path, block.line);
        if !is_alone {
            rule.id = format!("{}#{place}", rule.id);
        }
        // The page's title tells pages apart, the heading above a block tells the blocks of one page apart.
        let own = block.headings.iter().rev().find(|heading| **heading != title && !heading::is_generic(heading));
        rule.title = match own {
            Some(own) if !is_alone => format!("{title} ({own})"),
            _ if !is_alone => format!("{title} ({})", place + 1),
            _ => title.clone(),
        };
        rule.description = block.lead.trim().chars().take(MAX_DESCRIPTION).collect();
        let near = format!("{}\n{}", block.headings.join("\n"), block.lead);
        let mut tags = query::comment_tags(&block.text, block.line);
        // A page with one search is about that search, wherever it says so.
        let ids = match is_alone {
            true => page_ids.clone(),
            false => technique_ids_in(&near).into_iter().chain(shared.iter().cloned()).collect(),
        };
        tags.extend(ids.into_iter().map(|id| inferred_tag(id, block.line)));
        let tags = unique_by(tags, |tag| tag.text.clone());
        rule.query = block.text;
        sink(Draft { rule, tags, tree: None, sources: Vec::new() });
    }
    Outcome::Rules
}

/// What a page holds.
struct Page {
    /// Its blocks that are searches.
    blocks: Vec<Block>,
    /// Its first heading that names something.
    title: Option<String>,
    /// The techniques that its text names.
    ids: Vec<String>,
    /// Those under headings like `MITRE ATT&CK`, without a search of their own: they are said of all searches.
    shared: Vec<String>,
}

impl Page {
    fn of(text: &str) -> Self {
        let mut reader = Reader::new(text);
        let options = Options::ENABLE_TABLES | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            reader.event(event, range.start);
        }
        reader.end_section();
        let Reader { blocks, title, prose, shared, .. } = reader;
        Self { blocks, title, ids: technique_ids_in(&prose), shared: technique_ids_in(&shared) }
    }
}

/// A page as far as it was read.
struct Reader<'t> {
    blocks: Vec<Block>,
    title: Option<String>,
    /// The text outside blocks, and the part of it that is about all searches.
    prose: String,
    shared: String,
    /// The headings above, each with its depth.
    above: Vec<(u8, String)>,
    /// The text since the heading or the block before.
    lead: String,
    /// Whether the section has a block.
    has_block: bool,
    in_heading: bool,
    /// The block that is open, and whether it was marked as a search.
    open: Option<(Block, Mark)>,
    line: Lines<'t>,
}

/// What the mark of a block says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Search,
    Nothing,
    OtherLanguage,
}

impl Mark {
    fn of(kind: &CodeBlockKind<'_>) -> Self {
        let CodeBlockKind::Fenced(mark) = kind else { return Self::OtherLanguage };
        let mark = mark.split([' ', ',', '{', '}', '.']).find(|part| !part.is_empty()).unwrap_or_default();
        let is_among = |marks: &[&str]| marks.iter().any(|known| known.eq_ignore_ascii_case(mark));
        match () {
            () if is_among(&MARKS) => Self::Search,
            () if is_among(&OTHER_MARKS) => Self::Nothing,
            () => Self::OtherLanguage,
        }
    }
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        Self {
            blocks: Vec::new(),
            title: None,
            prose: String::new(),
            shared: String::new(),
            above: Vec::new(),
            lead: String::new(),
            has_block: false,
            in_heading: false,
            open: None,
            line: Lines { text, at: 0, line: 1 },
        }
    }

    fn event(&mut self, event: Event<'_>, at: usize) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                self.end_section();
                self.in_heading = true;
                self.above.retain(|(depth, _)| *depth < level as u8);
                self.above.push((level as u8, String::new()));
            }
            Event::End(TagEnd::Heading(_)) => {
                self.in_heading = false;
                self.prose.push('\n');
                let heading = self.above.last().map_or("", |(_, heading)| heading.trim());
                if self.title.is_none() && heading::is_title(heading) {
                    self.title = Some(heading.to_owned());
                }
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let headings = self.above.iter().map(|(_, heading)| heading.trim().to_owned());
                let headings = headings.filter(|heading| !heading.is_empty()).collect();
                let line = self.line.of(at).saturating_add(1);
                let block = Block { headings, line, lead: String::new(), text: String::new() };
                self.open = Some((block, Mark::of(&kind)));
            }
            Event::End(TagEnd::CodeBlock) => {
                let Some((block, mark)) = self.open.take() else { return };
                let is_search = match mark {
                    Mark::Search => !block.text.trim().is_empty(),
                    Mark::Nothing => begins_as_search(&block.text),
                    Mark::OtherLanguage => false,
                };
                if is_search {
                    self.has_block = true;
                    self.blocks.push(Block { lead: std::mem::take(&mut self.lead), ..block });
                }
            }
            Event::Text(words) | Event::Code(words) => match &mut self.open {
                Some((block, _)) => block.text.push_str(&words),
                None => {
                    self.prose.push_str(&words);
                    match self.above.last_mut().filter(|_| self.in_heading) {
                        Some((_, heading)) => heading.push_str(&words),
                        None => self.lead.push_str(&words),
                    }
                }
            },
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.prose.push_str(&dest_url);
                self.prose.push(' ');
            }
            Event::SoftBreak | Event::HardBreak | Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell) => {
                self.prose.push('\n');
                self.lead.push('\n');
            }
            _ => {}
        }
    }

    /// What stands under a heading that only says what kind of text it is, without a search, is said of all searches;
    /// what is only referred to is not.
    fn end_section(&mut self) {
        let lead = std::mem::take(&mut self.lead);
        let has_block = std::mem::take(&mut self.has_block);
        let heading = self.above.last().map_or("", |(_, heading)| heading.trim());
        let refers = ["refer", "resource", "related", "link", "reading"];
        let is_reference = refers.iter().any(|word| heading.to_lowercase().contains(word));
        if !has_block && heading::is_generic(heading) && !is_reference {
            self.shared.push_str(&lead);
            self.shared.push('\n');
        }
    }
}

/// Whether a text that nobody marked begins as a search does: with a command that gives events, or with a field that
/// chooses the data.
fn begins_as_search(text: &str) -> bool {
    let text = text.trim_start_matches(|character: char| character.is_whitespace() || character == '(');
    if let Some(command) = text.strip_prefix('|') {
        let command = command.trim_start();
        let end = command.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(command.len());
        return FIRST_COMMANDS
            .iter()
            .any(|known| command.get(..end).is_some_and(|word| word.eq_ignore_ascii_case(known)));
    }
    let text = text.strip_prefix("search ").map_or(text, str::trim_start);
    let end = text.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let is_compared =
        rest.starts_with('=') && !rest.starts_with("==") || rest.starts_with("IN ") || rest.starts_with("IN(");
    // Other languages have a `source` that is set to something, too.
    let is_sure = !word.eq_ignore_ascii_case("source") || text.contains('|') || text.contains("EventCode");
    let is_data = is_compared && is_sure && FIRST_FIELDS.iter().any(|field| field.eq_ignore_ascii_case(word));
    // A macro at the start, with something done to what it gives.
    let is_macro = text.starts_with('`') && !text.starts_with("``") && (text.contains("\n|") || text.contains("` |"));
    is_data || is_macro
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
