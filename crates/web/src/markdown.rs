//! ATT&CK's Markdown, as little of it as its texts use: no HTML, links only to the web.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, Render as _};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use ruleatlas_model::Reference;
use ruleatlas_views::{AttackPieceKind, attack_pieces};

use crate::text::{take_chars, visualize_control_chars, web_address};

/// Stands before and behind a citation's number while the text is parsed; taken out of the text itself.
const MARK: char = '\u{f8ff}';
/// Elements open at one time.
const MAX_DEPTH: usize = 32;
/// Characters of a text that are read; ATT&CK's longest has under 5,000.
const MAX_CHARS: usize = 20_000;

/// The paragraphs of a text, the first apart. A `(Citation: …)` becomes a small numbered link to what it cites; one
/// that leads nowhere falls away.
pub(crate) fn paragraphs(text: &str, references: &[Reference]) -> (Markup, Option<Markup>) {
    let text = with_numbers(take_chars(text, MAX_CHARS), references);
    let mut writer = Writer { references, blocks: Vec::new(), html: String::new(), open: Vec::new(), skipped: 0 };
    for event in Parser::new(&text) {
        writer.event(event);
    }
    writer.finish_block();
    let mut blocks = writer.blocks.into_iter();
    let first = PreEscaped(blocks.next().unwrap_or_default());
    let rest: String = blocks.collect();
    (first, (!rest.is_empty()).then_some(PreEscaped(rest)))
}

/// The text with every citation as its reference's number between two marks.
fn with_numbers(text: &str, references: &[Reference]) -> String {
    let text = text.replace(MARK, "");
    let mut numbered = String::with_capacity(text.len());
    for piece in attack_pieces(&text, references) {
        let AttackPieceKind::Citation(name) = piece.kind else {
            numbered.push_str(piece.written);
            continue;
        };
        let known = references.iter().position(|reference| reference.name == name);
        match known.filter(|known| web_address(&references[*known].url).is_some()) {
            Some(known) => {
                let _ = write!(numbered, "{MARK}{known}{MARK}");
            }
            None => numbered.truncate(numbered.trim_end_matches(' ').len()),
        }
    }
    numbered
}

struct Writer<'a> {
    references: &'a [Reference],
    blocks: Vec<String>,
    html: String,
    /// The closing tags of what is open.
    open: Vec<&'static str>,
    /// Elements too deep to be opened.
    skipped: usize,
}

impl Writer<'_> {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(end) => self.end(end),
            Event::Text(text) => self.text(&text),
            Event::Code(text) => {
                self.html.push_str("<code>");
                self.plain(&text);
                self.html.push_str("</code>");
            }
            // The only HTML that ATT&CK writes is `<code>` and line breaks.
            Event::InlineHtml(tag) | Event::Html(tag) => match tag.trim() {
                "<code>" if !self.open.contains(&"</code>") => self.open("<code>", "</code>"),
                "</code>" if self.open.last() == Some(&"</code>") => self.close(),
                "<br>" | "<br/>" | "<br />" => self.html.push_str("<br>"),
                other => self.plain(other),
            },
            Event::SoftBreak => self.html.push(' '),
            Event::HardBreak => self.html.push_str("<br>"),
            _ => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        if self.open.len() >= MAX_DEPTH {
            self.skipped += 1;
            return;
        }
        match tag {
            Tag::Paragraph => self.open("<p>", "</p>"),
            Tag::Heading { .. } => self.open("<p><strong>", "</strong></p>"),
            Tag::List(Some(_)) => self.open("<ol>", "</ol>"),
            Tag::List(None) => self.open("<ul>", "</ul>"),
            Tag::Item => self.open("<li>", "</li>"),
            Tag::Emphasis => self.open("<em>", "</em>"),
            Tag::Strong => self.open("<strong>", "</strong>"),
            Tag::CodeBlock(_) => self.open("<pre>", "</pre>"),
            Tag::Link { dest_url, .. } => match local(dest_url).or_else(|| web_address(dest_url).map(str::to_owned)) {
                Some(address) => {
                    self.html.push_str("<a rel=\"noreferrer\" href=\"");
                    self.plain(&address);
                    self.open("\">", "</a>");
                }
                None => self.open("", ""),
            },
            _ => self.open("", ""),
        }
    }

    fn end(&mut self, _: TagEnd) {
        if self.skipped > 0 {
            self.skipped -= 1;
            return;
        }
        // A `<code>` left open ends with what it stands in.
        if self.open.last() == Some(&"</code>") {
            self.close();
        }
        self.close();
        if self.open.is_empty() {
            self.finish_block();
        }
    }

    fn open(&mut self, start: &str, end: &'static str) {
        self.html.push_str(start);
        self.open.push(end);
    }

    fn close(&mut self) {
        self.html.push_str(self.open.pop().unwrap_or_default());
    }

    fn finish_block(&mut self) {
        while !self.open.is_empty() {
            self.close();
        }
        if !self.html.is_empty() {
            self.blocks.push(std::mem::take(&mut self.html));
        }
    }

    /// Text in which citations are numbers between marks.
    fn text(&mut self, text: &str) {
        for (at, part) in text.split(MARK).enumerate() {
            let cited =
                part.parse::<usize>().ok().filter(|_| at % 2 == 1).and_then(|number| self.references.get(number));
            match cited {
                Some(reference) => {
                    let number = part.parse::<usize>().map_or(0, |number| number + 1);
                    let title = visualize_control_chars(&reference.name);
                    let link = maud::html! {
                        sup.cite { a rel="noreferrer" href=(reference.url.trim()) title=(title) { (number) } }
                    };
                    self.html.push_str(&link.into_string());
                }
                None => self.plain(part),
            }
        }
    }

    fn plain(&mut self, text: &str) {
        visualize_control_chars(text).as_ref().render_to(&mut self.html);
    }
}

/// The own page of a technique that the text links to at ATT&CK's site.
fn local(address: &str) -> Option<String> {
    let id = address.strip_prefix("https://attack.mitre.org/techniques/")?.trim_end_matches('/');
    let is_id =
        id.starts_with('T') && id.len() <= 12 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'/');
    is_id.then(|| format!("/technique/{}", id.replace('/', ".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        let references = [
            Reference { name: "Known 2020".to_owned(), url: "https://example.org/\"a".to_owned() },
            Reference { name: "Bad".to_owned(), url: "javascript:alert(1)".to_owned() },
        ];
        let (first, rest) = paragraphs(text, &references);
        first.into_string() + &rest.map(PreEscaped::into_string).unwrap_or_default()
    }

    #[test]
    fn citations_become_numbers_or_fall_away() {
        assert_eq!(
            html("Seen.(Citation: Known 2020) Also (Citation: Bad), (Citation: Unknown)."),
            "<p>Seen.<sup class=\"cite\"><a rel=\"noreferrer\" href=\"https://example.org/&quot;a\" title=\"Known 2020\">1</a></sup> Also,.</p>"
        );
    }

    #[test]
    fn techniques_are_linked_here() {
        assert_eq!(
            html("[Web Protocols](https://attack.mitre.org/techniques/T1071/001) and [x](javascript:alert(1))"),
            "<p><a rel=\"noreferrer\" href=\"/technique/T1071.001\">Web Protocols</a> and x</p>"
        );
    }

    #[test]
    fn html_is_text_but_for_code() {
        assert_eq!(
            html("a <code>b<i></code> <script>x</script>"),
            "<p>a <code>b&lt;i&gt;</code> &lt;script&gt;x&lt;/script&gt;</p>"
        );
        assert_eq!(html("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
        assert_eq!(html("*a <code>b*"), "<p><em>a <code>b</code></em></p>");
    }

    #[test]
    fn deep_nesting_is_flat_and_closed() {
        let deep = html(&format!("{}x", "> - ".repeat(400)));
        assert_eq!(deep.matches("<ul>").count(), deep.matches("</ul>").count());
    }
}
