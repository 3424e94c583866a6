//! The marks in ATT&CK's texts: links, code and citations. Everything that shows such a text reads them here.

use ruleatlas_model::Reference;

/// A piece of a text of ATT&CK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttackPiece<'a> {
    /// The piece as written.
    pub written: &'a str,
    /// What it is.
    pub kind: AttackPieceKind<'a>,
}

/// What a piece of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttackPieceKind<'a> {
    /// Text, with whatever else of Markdown it holds.
    Text,
    /// `<code>…</code>` or `` `…` ``: what stands between the marks.
    Code(&'a str),
    /// `[label](address)` with an address of the web.
    Link {
        /// The label.
        label: &'a str,
        /// The address.
        address: &'a str,
    },
    /// `(Citation: name)`: the name.
    Citation(&'a str),
}

/// Bytes that a mark may take: a search for its end must not run over the whole text each time.
const MAX_MARK: usize = 2_000;

/// The pieces of a text, in order and without a gap. `references` are what the text may cite: their names hold
/// parentheses too.
#[must_use]
pub fn attack_pieces<'a>(text: &'a str, references: &[Reference]) -> Vec<AttackPiece<'a>> {
    let mut pieces = Vec::new();
    let (mut rest, mut scanned) = (text, 0);
    let push_text = |pieces: &mut Vec<AttackPiece<'a>>, written: &'a str| {
        if !written.is_empty() {
            pieces.push(AttackPiece { written, kind: AttackPieceKind::Text });
        }
    };
    while let Some(at) = rest.get(scanned..).and_then(|ahead| ahead.find(['[', '(', '<', '`'])) {
        let (before, after) = rest.split_at(scanned + at);
        let window = &after[..after.floor_char_boundary(MAX_MARK)];
        match mark(window, references) {
            Some((kind, behind)) => {
                push_text(&mut pieces, before);
                let (written, behind) = after.split_at(window.len() - behind.len());
                pieces.push(AttackPiece { written, kind });
                (rest, scanned) = (behind, 0);
            }
            None => scanned += at + 1,
        }
    }
    push_text(&mut pieces, rest);
    pieces
}

/// The mark that a text begins with, and what follows it.
fn mark<'a>(after: &'a str, references: &[Reference]) -> Option<(AttackPieceKind<'a>, &'a str)> {
    let link = || link(after).map(|(label, address, behind)| (AttackPieceKind::Link { label, address }, behind));
    let citation = || citation(after, references).map(|(name, behind)| (AttackPieceKind::Citation(name), behind));
    code(after).map(|(code, behind)| (AttackPieceKind::Code(code), behind)).or_else(link).or_else(citation)
}

fn code(after: &str) -> Option<(&str, &str)> {
    let tagged = after.strip_prefix("<code>").and_then(|inside| inside.split_once("</code>"));
    let ticked = || after.strip_prefix('`').and_then(|inside| inside.split_once('`'));
    tagged.or_else(ticked).filter(|(code, _)| !code.trim().is_empty())
}

fn link(after: &str) -> Option<(&str, &str, &str)> {
    let (label, behind) = after.strip_prefix('[')?.split_once("](")?;
    let (address, behind) = behind.split_once(')')?;
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    (is_web && !label.contains(['[', '\n'])).then_some((label, address, behind))
}

fn citation<'a>(after: &'a str, references: &[Reference]) -> Option<(&'a str, &'a str)> {
    let inside = after.strip_prefix("(Citation:")?.trim_start();
    let known = references
        .iter()
        .filter(|reference| inside.strip_prefix(reference.name.as_str()).is_some_and(|rest| rest.starts_with(')')))
        .max_by_key(|reference| reference.name.len());
    match known {
        Some(reference) => Some((&inside[..reference.name.len()], &inside[reference.name.len() + 1..])),
        None => inside.split_once(')').map(|(name, behind)| (name.trim_end(), behind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_pieces() {
        let references = [Reference { name: "A (2020)".into(), url: "https://a/b".into() }];
        let text =
            "Use [cmd](https://x/S0106) or <code>who`ami</code>.(Citation: A (2020)) (Citation: B) é[y](z) `` (see";
        let pieces = attack_pieces(text, &references);
        assert_eq!(pieces.iter().map(|piece| piece.written).collect::<String>(), text);
        let kinds: Vec<AttackPieceKind<'_>> =
            pieces.iter().map(|piece| piece.kind).filter(|kind| *kind != AttackPieceKind::Text).collect();
        assert_eq!(
            kinds,
            [
                AttackPieceKind::Link { label: "cmd", address: "https://x/S0106" },
                AttackPieceKind::Code("who`ami"),
                AttackPieceKind::Citation("A (2020)"),
                AttackPieceKind::Citation("B"),
            ]
        );
    }

    #[test]
    fn marks_that_never_end_are_text() {
        let text = "(Citation: [a](https:// <code> ` é";
        assert_eq!(attack_pieces(text, &[]), [AttackPiece { written: text, kind: AttackPieceKind::Text }]);
        let text = "[(<`".repeat(2_000);
        assert_eq!(attack_pieces(&text, &[]).iter().map(|piece| piece.written.len()).sum::<usize>(), text.len());
    }
}
