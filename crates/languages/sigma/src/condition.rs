use std::ops::Range;

/// How deep parentheses may nest.
const MAX_DEPTH: usize = 100;

/// A condition's tree, with byte ranges of the condition's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expr {
    Or(Vec<Expr>),
    And(Vec<Expr>),
    Not(Box<Expr>),
    /// A selection.
    Name(Range<usize>),
    /// `1 of pattern`, `all of pattern`.
    Of {
        all: bool,
        pattern: Range<usize>,
        whole: Range<usize>,
    },
    /// Not understood; the fault says why.
    Broken(Range<usize>),
}

/// What is wrong with a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub message: String,
    pub at: Range<usize>,
}

/// A condition as read: its tree, and the old aggregation behind a `|`.
pub(crate) struct Read {
    pub expr: Expr,
    pub aggregation: Option<Range<usize>>,
    pub faults: Vec<Fault>,
}

/// Reads a condition: `not` binds tighter than `and`, `and` tighter than `or`; words of the language in any case.
pub(crate) fn read(text: &str) -> Read {
    let end = text.find('|').unwrap_or(text.len());
    let mut parser = Parser { text, tokens: lex(&text[..end]), at: 0, end, faults: Vec::new() };
    let expr = parser.whole();
    let aggregation = (end < text.len()).then_some(end + 1..text.len());
    Read { expr, aggregation, faults: parser.faults }
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
    faults: Vec<Fault>,
}

impl Parser<'_> {
    fn whole(&mut self) -> Expr {
        let mut expr = self.or(0);
        while let Some((_, range)) = self.tokens.get(self.at).cloned() {
            // Only a `)` ends an expression before its time.
            self.at += 1;
            self.fault("a `)` has no `(`", range);
            if self.at < self.tokens.len() {
                let rest = self.rest("what follows it is not read");
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
                let faults = self.faults.len();
                while !self.ends_operand() {
                    self.not(depth);
                }
                self.faults.truncate(faults);
                let end = self.tokens.get(self.at.saturating_sub(1)).map_or(self.end, |(_, range)| range.end);
                self.fault("`and` or `or` is missing before this", start..end);
                operands.push(Expr::Broken(start..end));
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
            self.fault("a selection is missing at the end", at.clone());
            return Expr::Broken(at);
        };
        match token {
            Token::Open if depth >= MAX_DEPTH => self.skip_group("parentheses nest too deep"),
            Token::Open => {
                self.at += 1;
                let inner = self.or(depth + 1);
                match self.tokens.get(self.at) {
                    Some((Token::Close, _)) => self.at += 1,
                    _ => self.fault("a `(` is not closed", range),
                }
                inner
            }
            Token::Close => {
                self.fault("a selection is missing before `)`", range.clone());
                Expr::Broken(range)
            }
            Token::Word if self.is_word("and") || self.is_word("or") => {
                self.fault("a selection is missing before this", range.clone());
                Expr::Broken(range)
            }
            Token::Word => {
                self.at += 1;
                if self.is_word("of") { self.quantified(range) } else { Expr::Name(range) }
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
                self.fault("a pattern of names or `them` is missing behind `of`", whole.clone());
                return Expr::Broken(whole);
            }
        };
        self.at += 1;
        let whole = quantifier.start..pattern.end;
        let word = &self.text[quantifier];
        if word == "1" || word.eq_ignore_ascii_case("any") {
            Expr::Of { all: false, pattern, whole }
        } else if word.eq_ignore_ascii_case("all") {
            Expr::Of { all: true, pattern, whole }
        } else {
            let message = format!("`{word} of` is not in the specification, which knows `1 of` and `all of`");
            self.faults.push(Fault { message, at: whole.clone() });
            Expr::Broken(whole)
        }
    }

    fn ends_operand(&self) -> bool {
        let ends = matches!(self.tokens.get(self.at), None | Some((Token::Close, _)));
        ends || self.is_word("and") || self.is_word("or")
    }

    fn rest(&mut self, message: &str) -> Expr {
        let start = self.tokens.get(self.at).map_or(self.end, |(_, range)| range.start);
        self.at = self.tokens.len();
        self.fault(message, start..self.end);
        Expr::Broken(start..self.end)
    }

    /// What stands in parentheses, up to the one that closes them: what stands around them is still read.
    fn skip_group(&mut self, message: &str) -> Expr {
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
        self.fault(message, start..end);
        Expr::Broken(start..end)
    }

    fn fault(&mut self, message: &str, at: Range<usize>) {
        self.faults.push(Fault { message: message.to_owned(), at });
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
