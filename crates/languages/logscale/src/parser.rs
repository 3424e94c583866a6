//! Text to a tree. In a filter `or` binds closer than `and`, which may be left out; where a value is computed, from
//! loose to tight: `or`, `and`, comparisons, `+ -`, `* / %`, a sign.
//! Source: the grammar of the query language in LogScale's documentation.

use ruleatlas_model::{Diagnostic, Span};

use crate::{
    ast::{
        Argument, Call, CompareOp, Expr, ExprKind, Filter, FilterKind, Op, Pattern, PatternKind, Pipeline, Step,
        StepKind,
    },
    scan::Scanner,
};

/// Queries nested deeper than this are not read.
const MAX_DEPTH: u32 = 100;
/// More diagnostics than these are no help to a reader.
const MAX_DIAGNOSTICS: usize = 100;

/// The tree of a query, and what is wrong with its text.
///
/// What cannot be read is a broken part at its place; the rest is read all the same.
///
/// ```
/// let (pipeline, diagnostics) = ruleatlas_logscale::parse("#event_simpleName=DnsRequest | DomainName=*.zip | count()");
/// assert_eq!(pipeline.steps.len(), 3);
/// assert!(diagnostics.is_empty());
/// ```
#[must_use]
pub fn parse(text: &str) -> (Pipeline, Vec<Diagnostic>) {
    let mut parser = Parser { scanner: Scanner { text, at: 0 }, depth: 0, diagnostics: Vec::new() };
    let mut pipeline = parser.pipeline();
    parser.scanner.space();
    while parser.scanner.peek().is_some() {
        // A bracket that closes nothing.
        let start = parser.scanner.at;
        parser.step_over();
        let span = parser.since(start);
        parser.error("unexpected bracket", "This bracket closes nothing.", span);
        pipeline.steps.push(Step { kind: StepKind::Broken, span });
        pipeline.steps.extend(parser.pipeline().steps);
        parser.scanner.space();
    }
    pipeline.span = Span::new(0, text.len());
    if pipeline.steps.is_empty() {
        parser.error("empty query", "There is no step.", Span::new(0, text.len()));
    }
    (pipeline, parser.diagnostics)
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    depth: u32,
    diagnostics: Vec<Diagnostic>,
}

impl Parser<'_> {
    /// From a place to where the parser stands, without the white space before that.
    fn since(&self, start: usize) -> Span {
        let text = self.scanner.text.get(start..self.scanner.at).unwrap_or_default();
        Span::new(start, start + text.trim_end().len())
    }

    fn error(&mut self, code: &'static str, message: impl Into<String>, span: Span) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic::error(code, message).at(span));
        }
    }

    fn warn(&mut self, code: &'static str, message: &str, span: Span) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS {
            self.diagnostics.push(Diagnostic::warning(code, message).at(span));
        }
    }

    fn step_over(&mut self) {
        if let Some(character) = self.scanner.peek() {
            self.scanner.at += character.len_utf8();
        }
    }

    /// Whether nothing more belongs to the pipeline.
    fn is_end(&self) -> bool {
        matches!(self.scanner.peek(), None | Some('}' | ')' | ']' | ';'))
    }

    fn pipeline(&mut self) -> Pipeline {
        self.scanner.space();
        let start = self.scanner.at;
        let mut steps = Vec::new();
        loop {
            self.scanner.space();
            while self.scanner.eat("|") {
                self.scanner.space();
            }
            if self.is_end() {
                break;
            }
            let before = self.scanner.at;
            steps.push(self.step());
            self.scanner.space();
            if !self.is_end() && self.scanner.peek() != Some('|') {
                let start = self.scanner.at;
                self.skip();
                if self.scanner.at == before {
                    self.step_over();
                }
                let span = self.since(start);
                self.error("a pipe is missing", "The step cannot be read from here on.", span);
                steps.push(Step { kind: StepKind::Broken, span });
            }
        }
        Pipeline { steps, span: self.since(start) }
    }

    /// Steps over what cannot be read, up to where the pipeline around it goes on.
    fn skip(&mut self) {
        let mut depth = 0_usize;
        while let Some(character) = self.scanner.peek() {
            match character {
                '"' => {
                    self.scanner.quoted();
                    continue;
                }
                '|' | ';' | ')' | ']' | '}' | ',' if depth == 0 => return,
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth -= 1,
                _ => {}
            }
            self.step_over();
        }
    }

    /// Goes one level deeper where that is allowed.
    fn enter(&mut self) -> bool {
        let enters = self.depth < MAX_DEPTH;
        self.depth += u32::from(enters);
        enters
    }

    fn too_deep(&mut self) -> Span {
        let start = self.scanner.at;
        self.skip();
        let span = self.since(start);
        self.error("nested too deeply", "The query is nested too deeply to be read.", span);
        span
    }

    fn step(&mut self) -> Step {
        let start = self.scanner.at;
        if !self.enter() {
            let span = self.too_deep();
            return Step { kind: StepKind::Broken, span };
        }
        let kind = self.step_kind();
        self.depth -= 1;
        Step { kind, span: self.since(start) }
    }

    fn step_kind(&mut self) -> StepKind {
        let start = self.scanner;
        if self.scanner.eat_word("case") {
            self.scanner.space();
            if self.scanner.eat("{") {
                return StepKind::Case(self.clauses());
            }
            self.scanner = start;
        }
        if self.scanner.eat("[") {
            return StepKind::Stats(self.list());
        }
        if self.scanner.eat("{") {
            let inner = self.pipeline();
            self.close("}");
            return StepKind::Group(inner);
        }
        if let Some(field) = self.field() {
            self.scanner.space();
            if self.scanner.eat(":=") {
                return StepKind::Assign(field, self.value());
            }
            if self.scanner.eat_word("match") {
                self.scanner.space();
                if self.scanner.eat("{") {
                    return StepKind::Match { field, arms: self.arms() };
                }
            }
        }
        self.scanner = start;
        StepKind::Filter(self.and())
    }

    /// A field's name, quoted or not.
    fn field(&mut self) -> Option<String> {
        if self.scanner.peek() == Some('"') {
            let (name, closed) = self.scanner.quoted();
            return closed.then_some(name);
        }
        let name = self.scanner.bare();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// The clauses of a case, up to its closing brace.
    fn clauses(&mut self) -> Vec<Pipeline> {
        let mut clauses = Vec::new();
        loop {
            self.scanner.space();
            if self.scanner.eat(";") {
                continue;
            }
            if self.scanner.peek().is_none_or(|next| next == '}') {
                break;
            }
            let before = self.scanner.at;
            clauses.push(self.pipeline());
            self.scanner.space();
            if matches!(self.scanner.peek(), Some(')' | ']')) || self.scanner.at == before {
                let span = Span::new(self.scanner.at, self.scanner.at);
                self.error("unexpected bracket", "This bracket closes nothing.", span);
                self.step_over();
            }
        }
        self.close("}");
        clauses
    }

    /// The arms of a match, up to its closing brace.
    fn arms(&mut self) -> Vec<(Filter, Pipeline)> {
        let mut arms = Vec::new();
        loop {
            self.scanner.space();
            if self.scanner.eat(";") {
                continue;
            }
            if self.scanner.peek().is_none_or(|next| next == '}') {
                break;
            }
            let before = self.scanner.at;
            let guard = self.primary();
            self.scanner.space();
            if !self.scanner.eat("=>") {
                let span = self.since(before);
                self.error("`=>` is missing", "An arm of a match has `=>` behind its value.", span);
                self.skip();
            }
            let steps = self.pipeline();
            arms.push((guard, steps));
            self.scanner.space();
            if matches!(self.scanner.peek(), Some(')' | ']')) || self.scanner.at == before {
                self.step_over();
            }
        }
        self.close("}");
        arms
    }

    fn close(&mut self, bracket: &str) {
        self.scanner.space();
        if !self.scanner.eat(bracket) {
            let span = Span::new(self.scanner.at, self.scanner.at);
            self.error("unclosed bracket", format!("`{bracket}` is missing."), span);
        }
    }

    /// Whether a filter ends here.
    fn ends_filter(&self) -> bool {
        self.is_end() || matches!(self.scanner.peek(), Some('|' | ','))
    }

    fn and(&mut self) -> Filter {
        let start = self.scanner.at;
        let mut parts = vec![self.or()];
        loop {
            self.scanner.space();
            let has_word = self.scanner.eat_word("and");
            self.scanner.space();
            if self.ends_filter() || self.scanner.rest().starts_with("=>") {
                if has_word {
                    parts.push(self.broken_filter("an expression is missing"));
                }
                break;
            }
            let before = self.scanner.at;
            parts.push(self.or());
            if self.scanner.at == before {
                break;
            }
        }
        match parts.len() {
            1 => parts.remove(0),
            _ => Filter { kind: FilterKind::And(parts), span: self.since(start) },
        }
    }

    fn or(&mut self) -> Filter {
        let start = self.scanner.at;
        let mut parts = vec![self.unary()];
        loop {
            let before = self.scanner;
            self.scanner.space();
            if !self.scanner.eat_word("or") {
                self.scanner = before;
                break;
            }
            self.scanner.space();
            parts.push(self.unary());
        }
        match parts.len() {
            1 => parts.remove(0),
            _ => Filter { kind: FilterKind::Or(parts), span: self.since(start) },
        }
    }

    fn unary(&mut self) -> Filter {
        let start = self.scanner.at;
        let mut is_negated = false;
        loop {
            self.scanner.space();
            if self.scanner.eat_word("not") || self.scanner.rest().starts_with('!') && self.scanner.eat("!") {
                is_negated = !is_negated;
            } else {
                break;
            }
        }
        let inner = self.primary();
        match is_negated {
            true => Filter { kind: FilterKind::Not(Box::new(inner)), span: self.since(start) },
            false => inner,
        }
    }

    fn primary(&mut self) -> Filter {
        self.scanner.space();
        let start = self.scanner.at;
        if !self.enter() {
            let span = self.too_deep();
            return Filter { kind: FilterKind::Broken, span };
        }
        let kind = self.primary_kind(start);
        self.depth -= 1;
        Filter { kind, span: self.since(start) }
    }

    fn primary_kind(&mut self, start: usize) -> FilterKind {
        match self.scanner.peek() {
            Some('(') => {
                self.scanner.eat("(");
                let inner = self.and();
                self.scanner.space();
                if !self.scanner.rest().starts_with(')') {
                    let broken = self.broken_filter("a connective is missing");
                    self.close(")");
                    return FilterKind::And(vec![inner, broken]);
                }
                self.close(")");
                inner.kind
            }
            Some('/') => FilterKind::Free(self.pattern()),
            Some('?') => FilterKind::Free(self.pattern()),
            Some('$') => {
                let name = self.scanner.bare().to_owned();
                if !self.scanner.rest().starts_with('(') {
                    let arguments = Vec::new();
                    return FilterKind::Saved(Call { name, arguments, span: self.since(start) });
                }
                FilterKind::Saved(self.call(name, start))
            }
            Some('"') => {
                let before = self.scanner;
                let (name, closed) = self.scanner.quoted();
                let end = self.scanner;
                self.scanner.space();
                if closed && let Some(kind) = self.comparison(name) {
                    return kind;
                }
                self.scanner = if closed { before } else { end };
                if closed {
                    return FilterKind::Free(self.pattern());
                }
                let span = self.since(before.at);
                self.error("unclosed quote", "The text has no closing quote.", span);
                FilterKind::Broken
            }
            _ => {
                let word = self.scanner.bare().to_owned();
                if word.is_empty() {
                    return self.broken_filter("an expression is missing").kind;
                }
                if self.scanner.rest().starts_with('(') {
                    return FilterKind::Call(self.call(word, start));
                }
                let end = self.scanner;
                self.scanner.space();
                if let Some(kind) = self.comparison(word.clone()) {
                    return kind;
                }
                self.scanner = end;
                match word.to_ascii_lowercase().as_str() {
                    "true" => FilterKind::Bool(true),
                    "false" => FilterKind::Bool(false),
                    _ => {
                        let span = Span::new(start, end.at);
                        FilterKind::Free(Pattern { kind: PatternKind::Text(word), span })
                    }
                }
            }
        }
    }

    /// An operator and what stands behind it; `None` where there is none.
    fn comparison(&mut self, field: String) -> Option<FilterKind> {
        let start = self.scanner.at;
        if self.scanner.eat("=~") {
            self.scanner.space();
            let start = self.scanner.at;
            let name = self.scanner.name().to_owned();
            if !self.scanner.rest().starts_with('(') {
                return Some(self.broken_filter("a function is missing").kind);
            }
            return Some(FilterKind::Apply(field, self.call(name, start)));
        }
        if self.scanner.eat("<=>") {
            self.scanner.space();
            let other = self.field().unwrap_or_default();
            return Some(FilterKind::Link(field, other));
        }
        // An arm of a match.
        if self.scanner.rest().starts_with("=>") {
            return None;
        }
        let ops = [
            ("==", CompareOp::Equal),
            ("=", CompareOp::Equal),
            ("!=", CompareOp::NotEqual),
            ("<>", CompareOp::NotEqual),
            ("<=", CompareOp::LessEqual),
            (">=", CompareOp::GreaterEqual),
            ("<", CompareOp::Less),
            (">", CompareOp::Greater),
        ];
        let found = ops.into_iter().find(|(sign, _)| self.scanner.eat(sign));
        let op = match found {
            Some((sign, op)) => {
                if sign == "==" {
                    let span = self.since(start);
                    self.warn("`==` for `=`", "A filter compares with `=`; `==` is read as that.", span);
                }
                op
            }
            None if self.scanner.eat_word("like") => CompareOp::Like,
            None => return None,
        };
        self.scanner.space();
        if self.ends_filter() || self.scanner.peek() == Some('(') {
            return Some(self.broken_filter("a value is missing").kind);
        }
        let value = self.pattern();
        Some(FilterKind::Compare { field, op, value })
    }

    /// A text, a regular expression or a parameter.
    fn pattern(&mut self) -> Pattern {
        let start = self.scanner.at;
        let kind = match self.scanner.peek() {
            Some('"') => {
                let (text, closed) = self.scanner.quoted();
                if !closed {
                    let span = self.since(start);
                    self.error("unclosed quote", "The text has no closing quote.", span);
                }
                PatternKind::Text(text)
            }
            Some('/') => {
                let (regex, flags, closed) = self.scanner.regex();
                if !closed {
                    let span = self.since(start);
                    self.error("unclosed regular expression", "The expression has no closing slash.", span);
                }
                PatternKind::Regex(regex, flags)
            }
            Some('?') => PatternKind::Parameter(self.parameter()),
            _ => PatternKind::Text(self.scanner.bare().to_owned()),
        };
        Pattern { kind, span: self.since(start) }
    }

    /// `?name`, `?"name"` or `?{name=default}`.
    fn parameter(&mut self) -> String {
        self.scanner.eat("?");
        if self.scanner.peek() == Some('"') {
            return self.scanner.quoted().0;
        }
        if !self.scanner.eat("{") {
            return self.scanner.name().to_owned();
        }
        self.scanner.space();
        let name = self.field().unwrap_or_default();
        self.skip();
        self.close("}");
        name
    }

    fn broken_filter(&mut self, reason: &'static str) -> Filter {
        let start = self.scanner.at;
        self.skip();
        let span = self.since(start);
        self.error(reason, format!("The filter cannot be read here: {reason}."), span);
        Filter { kind: FilterKind::Broken, span }
    }

    /// The arguments of a function, whose name was read.
    fn call(&mut self, name: String, start: usize) -> Call {
        self.scanner.eat("(");
        let is_computing = matches!(
            name.to_ascii_lowercase().as_str(),
            "test" | "if" | "eval" | "coalesce" | "text:contains" | "text:startswith" | "text:endswith"
        );
        let mut arguments = Vec::new();
        loop {
            self.scanner.space();
            if self.scanner.eat(",") {
                continue;
            }
            if self.scanner.peek().is_none_or(|next| matches!(next, ')' | '}' | ']' | ';')) {
                break;
            }
            let before = self.scanner.at;
            arguments.push(self.argument(is_computing));
            self.scanner.space();
            if self.scanner.at == before || self.scanner.peek() == Some('|') {
                let start = self.scanner.at;
                self.step_over();
                self.skip();
                let span = self.since(start);
                self.error("a comma is missing", "The argument cannot be read from here on.", span);
            }
        }
        self.close(")");
        Call { name, arguments, span: self.since(start) }
    }

    fn argument(&mut self, is_computing: bool) -> Argument {
        let start = self.scanner;
        let name = self.scanner.name().to_owned();
        self.scanner.space();
        let is_named = !name.is_empty()
            && (self.scanner.rest().starts_with('=')
                && !self.scanner.rest().starts_with("==")
                && !self.scanner.rest().starts_with("=~")
                || self.scanner.rest().starts_with(':') && !self.scanner.rest().starts_with(":="));
        if is_named {
            self.step_over();
            self.scanner.space();
            let is_computing = is_computing || name == "condition";
            return Argument { name, value: if is_computing { self.value() } else { self.item() } };
        }
        self.scanner = start;
        Argument { name: String::new(), value: if is_computing { self.value() } else { self.item() } }
    }

    /// An argument that is no computed value: a word, a text, a list, a pipeline, a function.
    fn item(&mut self) -> Expr {
        self.scanner.space();
        let start = self.scanner.at;
        if !self.enter() {
            let span = self.too_deep();
            return Expr { kind: ExprKind::Broken, span };
        }
        let kind = self.item_kind(start);
        self.depth -= 1;
        Expr { kind, span: self.since(start) }
    }

    fn item_kind(&mut self, start: usize) -> ExprKind {
        match self.scanner.peek() {
            Some('[') => {
                self.scanner.eat("[");
                ExprKind::List(self.list())
            }
            Some('{') => {
                self.scanner.eat("{");
                let inner = self.pipeline();
                self.close("}");
                ExprKind::Pipeline(inner)
            }
            Some('(') => {
                self.scanner.eat("(");
                let inner = self.item();
                self.close(")");
                inner.kind
            }
            Some('"' | '/' | '?') => match self.pattern().kind {
                PatternKind::Text(text) => ExprKind::Text(text),
                PatternKind::Regex(regex, flags) => ExprKind::Regex(regex, flags),
                PatternKind::Parameter(name) => ExprKind::Parameter(name),
            },
            _ => {
                let word = self.scanner.bare().to_owned();
                if word.is_empty() {
                    let broken = self.broken_filter("an argument is missing");
                    return if broken.kind == FilterKind::Broken {
                        ExprKind::Broken
                    } else {
                        ExprKind::List(Vec::new())
                    };
                }
                if self.scanner.rest().starts_with('(') {
                    return ExprKind::Call(self.call(word, start));
                }
                ExprKind::Word(word)
            }
        }
    }

    /// Items up to the closing bracket.
    fn list(&mut self) -> Vec<Expr> {
        let mut items = Vec::new();
        loop {
            self.scanner.space();
            if self.scanner.eat(",") {
                continue;
            }
            if self.scanner.peek().is_none_or(|next| matches!(next, ']' | ')' | '}' | ';' | '|')) {
                break;
            }
            let before = self.scanner.at;
            items.push(self.item());
            if self.scanner.at == before {
                self.step_over();
            }
        }
        self.close("]");
        items
    }

    /// A computed value.
    fn value(&mut self) -> Expr {
        self.scanner.space();
        let start = self.scanner.at;
        if !self.enter() {
            let span = self.too_deep();
            return Expr { kind: ExprKind::Broken, span };
        }
        let value = self.chain(0);
        self.depth -= 1;
        Expr { span: self.since(start), ..value }
    }

    /// Values with the operators of one precedence between them.
    fn chain(&mut self, level: usize) -> Expr {
        const LEVELS: [&[(&str, Op)]; 5] = [
            &[("or", Op::Or), ("||", Op::Or)],
            &[("and", Op::And), ("&&", Op::And)],
            &[
                ("==", Op::Equal),
                ("!=", Op::NotEqual),
                ("<=", Op::LessEqual),
                (">=", Op::GreaterEqual),
                ("<", Op::Less),
                (">", Op::Greater),
                ("like", Op::Like),
            ],
            &[("+", Op::Add), ("-", Op::Subtract)],
            &[("*", Op::Multiply), ("/", Op::Divide), ("%", Op::Remainder)],
        ];
        let Some(ops) = LEVELS.get(level) else { return self.signed() };
        self.scanner.space();
        let start = self.scanner.at;
        let first = self.chain(level + 1);
        let mut rest = Vec::new();
        loop {
            let before = self.scanner;
            self.scanner.space();
            let found = ops.iter().find(|(sign, _)| match sign.starts_with(char::is_alphabetic) {
                true => self.scanner.eat_word(sign),
                false => self.scanner.eat(sign),
            });
            let Some((_, op)) = found else {
                self.scanner = before;
                break;
            };
            rest.push((*op, self.chain(level + 1)));
        }
        match rest.is_empty() {
            true => first,
            false => Expr { kind: ExprKind::Chain(Box::new(first), rest), span: self.since(start) },
        }
    }

    fn signed(&mut self) -> Expr {
        self.scanner.space();
        let start = self.scanner.at;
        let is_negative = self.scanner.eat("-");
        if !is_negative && !self.scanner.eat("!") {
            return self.operand();
        }
        if !self.enter() {
            let span = self.too_deep();
            return Expr { kind: ExprKind::Broken, span };
        }
        let inner = self.signed();
        self.depth -= 1;
        let kind = match (is_negative, inner.kind) {
            (true, ExprKind::Number(number)) => ExprKind::Number(format!("-{number}")),
            (true, kind) => ExprKind::Negative(Box::new(Expr { kind, span: inner.span })),
            (false, kind) => ExprKind::Not(Box::new(Expr { kind, span: inner.span })),
        };
        Expr { kind, span: self.since(start) }
    }

    fn operand(&mut self) -> Expr {
        self.scanner.space();
        let start = self.scanner.at;
        let kind = match self.scanner.peek() {
            Some('(') => {
                self.scanner.eat("(");
                let inner = self.value();
                self.close(")");
                inner.kind
            }
            Some('"' | '/' | '?' | '[' | '{') => self.item_kind(start),
            Some(first) if first.is_ascii_digit() => {
                let rest = self.scanner.rest();
                let number = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
                self.scanner.at += rest.len() - number.len();
                let end = self.scanner.at;
                // A word that begins with a digit, such as a span of time.
                let tail = self.scanner.name().len();
                let word = self.scanner.text.get(start..end + tail).unwrap_or_default().to_owned();
                if tail == 0 { ExprKind::Number(word) } else { ExprKind::Word(word) }
            }
            _ => {
                let name = self.scanner.name().to_owned();
                if name.is_empty() {
                    self.broken_filter("a value is missing");
                    ExprKind::Broken
                } else if self.scanner.rest().starts_with('(') {
                    ExprKind::Call(self.call(name, start))
                } else {
                    ExprKind::Word(name)
                }
            }
        };
        Expr { kind, span: self.since(start) }
    }
}
