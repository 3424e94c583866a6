use std::ops::Range;

use ruleatlas_syntax::{Parsed, Span, SyntaxError};

use crate::{
    ast::{Aggregation, Condition, Expr},
    error::ErrorKind,
};

/// How deep parentheses may nest.
const MAX_DEPTH: usize = 100;

/// Reads a condition: `not` binds tighter than `and`, `and` tighter than `or`; words of the language in any case. Spans are
/// of the condition's text.
#[must_use]
pub fn parse_condition(text: &str) -> Parsed<Condition, ErrorKind> {
    let end = text.find('|').unwrap_or(text.len());
    let mut parser = Parser { text, tokens: lex(text.get(..end).unwrap_or_default()), at: 0, end, errors: Vec::new() };
    let expr = parser.whole();
    let aggregation = (end < text.len()).then(|| {
        let written = text.get(end + 1..).unwrap_or_default();
        let start = end + 1 + (written.len() - written.trim_start().len());
        Aggregation { text: written.trim().to_owned(), span: Span::new(start, start + written.trim().len()) }
    });
    Parsed { tree: Condition { expr, aggregation }, errors: parser.errors }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    Word,
}

fn lex(text: &str) -> Vec<(Token, Range<usize>)> {
    let mut tokens = Vec::new();
    let mut word = None;
    let flush = |tokens: &mut Vec<_>, word: &mut Option<usize>, end: usize| {
        if let Some(start) = word.take() {
            tokens.push((Token::Word, start..end));
        }
    };
    for (at, character) in text.char_indices() {
        match character {
            '(' | ')' => {
                flush(&mut tokens, &mut word, at);
                let token = if character == '(' { Token::Open } else { Token::Close };
                tokens.push((token, at..at + 1));
            }
            _ if character.is_whitespace() => flush(&mut tokens, &mut word, at),
            _ => {
                word.get_or_insert(at);
            }
        }
    }
    flush(&mut tokens, &mut word, text.len());
    tokens
}

struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    end: usize,
    errors: Vec<SyntaxError<ErrorKind>>,
}

impl Parser<'_> {
    fn whole(&mut self) -> Expr {
        let mut expr = self.or(0);
        while let Some((_, range)) = self.tokens.get(self.at).cloned() {
            // Only a `)` ends an expression before its time.
            self.at += 1;
            self.fault(ErrorKind::UnopenedParenthesis, "a `)` has no `(`", range);
            if self.at < self.tokens.len() {
                let rest = self.rest(ErrorKind::UnopenedParenthesis, "what follows it is not read");
                expr = Expr::And(vec![expr, rest]);
            }
        }
        expr
    }

    fn or(&mut self, depth: usize) -> Expr {
        let mut operands = vec![self.and(depth)];
        while self.take("or") {
            operands.push(self.and(depth));
        }
        one_or(operands, Expr::Or)
    }

    fn and(&mut self, depth: usize) -> Expr {
        let mut operands = vec![self.not(depth)];
        loop {
            if self.take("and") {
                operands.push(self.not(depth));
            } else if self.ends_operand() {
                return one_or(operands, Expr::And);
            } else {
                let start = self.tokens.get(self.at).map_or(self.end, |(_, range)| range.start);
                let faults = self.errors.len();
                while !self.ends_operand() {
                    self.not(depth);
                }
                self.errors.truncate(faults);
                let end = self.tokens.get(self.at.saturating_sub(1)).map_or(self.end, |(_, range)| range.end);
                self.fault(ErrorKind::MissingConnective, "`and` or `or` is missing before this", start..end);
                operands.push(self.broken(start..end));
            }
        }
    }

    fn not(&mut self, depth: usize) -> Expr {
        let mut negated = false;
        while self.take("not") {
            negated = !negated;
        }
        let operand = self.operand(depth);
        if negated { Expr::Not(Box::new(operand)) } else { operand }
    }

    fn operand(&mut self, depth: usize) -> Expr {
        let Some((token, range)) = self.tokens.get(self.at).cloned() else {
            let at = self.end..self.end;
            self.fault(ErrorKind::MissingSelection, "a selection is missing at the end", at.clone());
            return self.broken(at);
        };
        match token {
            Token::Open if depth >= MAX_DEPTH => self.skip_group(ErrorKind::TooDeep, "parentheses nest too deep"),
            Token::Open => {
                self.at += 1;
                let inner = self.or(depth + 1);
                match self.tokens.get(self.at) {
                    Some((Token::Close, _)) => self.at += 1,
                    _ => self.fault(ErrorKind::UnclosedParenthesis, "a `(` is not closed", range),
                }
                inner
            }
            Token::Close => {
                self.fault(ErrorKind::MissingSelection, "a selection is missing before `)`", range.clone());
                self.broken(range)
            }
            Token::Word if self.is_word("and") || self.is_word("or") => {
                self.fault(ErrorKind::MissingSelection, "a selection is missing before this", range.clone());
                self.broken(range)
            }
            Token::Word => {
                self.at += 1;
                if self.is_word("of") {
                    self.quantified(range)
                } else {
                    Expr::Name {
                        name: self.text.get(range.clone()).unwrap_or_default().to_owned(),
                        span: Span::new(range.start, range.end),
                    }
                }
            }
        }
    }

    /// The specification knows `1 of` and `all of`, pySigma `any of` as well.
    fn quantified(&mut self, quantifier: Range<usize>) -> Expr {
        self.at += 1;
        let pattern = match self.tokens.get(self.at) {
            Some((Token::Word, range)) => range.clone(),
            _ => {
                let whole = quantifier.start..self.tokens.get(self.at - 1).map_or(self.end, |(_, range)| range.end);
                self.fault(
                    ErrorKind::MissingPattern,
                    "a pattern of names or `them` is missing behind `of`",
                    whole.clone(),
                );
                return self.broken(whole);
            }
        };
        self.at += 1;
        let whole = quantifier.start..pattern.end;
        let word = &self.text[quantifier];
        if word == "1" || word.eq_ignore_ascii_case("any") {
            self.of(false, pattern, whole)
        } else if word.eq_ignore_ascii_case("all") {
            self.of(true, pattern, whole)
        } else {
            let message = format!("`{word} of` is not in the specification, which knows `1 of` and `all of`");
            self.fault(ErrorKind::UnknownQuantifier, &message, whole.clone());
            self.broken(whole)
        }
    }

    fn of(&self, all: bool, pattern: Range<usize>, whole: Range<usize>) -> Expr {
        let pattern = self.text.get(pattern).unwrap_or_default().to_owned();
        Expr::Of { all, pattern, span: Span::new(whole.start, whole.end) }
    }

    fn ends_operand(&self) -> bool {
        let ends = matches!(self.tokens.get(self.at), None | Some((Token::Close, _)));
        ends || self.is_word("and") || self.is_word("or")
    }

    fn rest(&mut self, kind: ErrorKind, message: &str) -> Expr {
        let start = self.tokens.get(self.at).map_or(self.end, |(_, range)| range.start);
        self.at = self.tokens.len();
        self.fault(kind, message, start..self.end);
        self.broken(start..self.end)
    }

    /// What stands in parentheses, up to the one that closes them: what stands around them is still read.
    fn skip_group(&mut self, kind: ErrorKind, message: &str) -> Expr {
        let start = self.tokens.get(self.at).map_or(self.end, |(_, range)| range.start);
        let (mut depth, mut end) = (0_usize, start);
        while let Some((token, range)) = self.tokens.get(self.at) {
            end = range.end;
            match token {
                Token::Open => depth += 1,
                Token::Close => depth = depth.saturating_sub(1),
                Token::Word => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        self.fault(kind, message, start..end);
        self.broken(start..end)
    }

    fn fault(&mut self, kind: ErrorKind, message: &str, at: Range<usize>) {
        self.errors.push(SyntaxError::new(kind, Span::new(at.start, at.end), message));
    }

    fn broken(&self, range: Range<usize>) -> Expr {
        let text = self.text.get(range.clone()).unwrap_or_default().to_owned();
        Expr::Broken { text, span: Span::new(range.start, range.end) }
    }

    fn is_word(&self, word: &str) -> bool {
        match self.tokens.get(self.at) {
            Some((Token::Word, range)) => self.text[range.clone()].eq_ignore_ascii_case(word),
            _ => false,
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let is_there = self.is_word(word);
        self.at += usize::from(is_there);
        is_there
    }
}

fn one_or(mut operands: Vec<Expr>, make: fn(Vec<Expr>) -> Expr) -> Expr {
    if operands.len() == 1 { operands.remove(0) } else { make(operands) }
}
