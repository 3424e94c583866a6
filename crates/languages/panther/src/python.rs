//! Python's text to its tree. The only file that knows the parser, whose interface is not stable.

use std::{cell::Cell, sync::Arc};

use ruff_python_ast::{self as ast, token::TokenKind as Lexeme};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};
use ruleatlas_core::{Token, TokenKind};
use ruleatlas_model::Span;

use crate::syntax::{
    Argument, Binary, Case, Comparison, Comprehension, Expr, Function, Handler, Kind, Parameter, Pattern, Shape, Stmt,
    StmtKind, Text, Try,
};

/// Nesting that is read; a text with more is not parsed at all, as its tree could not be freed safely.
const MAX_DEPTH: usize = 128;
/// Operators of one logical line: a chain of them is as deep as it is long.
const MAX_CHAIN: usize = 1000;
/// Expressions in expressions that are kept; what is deeper is not looked into.
const MAX_NESTED: usize = 150;
/// Bytes of a module; the largest that anyone wrote by hand has a hundredth of it.
const MAX_BYTES: usize = 8 << 20;

/// Why a text gave no tree.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub code: &'static str,
    pub message: String,
    pub span: Span,
}

/// The statements of a module, and what is wrong with its text. Statements around a fault are there.
pub(crate) fn parse(text: &str) -> (Vec<Stmt>, Vec<Fault>) {
    if let Some(fault) = too_deep(text) {
        return (Vec::new(), vec![fault]);
    }
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    let faults = parsed.errors().iter().map(|error| Fault {
        code: "Python syntax",
        message: format!("The module is no valid Python: {}.", error.error),
        span: span(error.location),
    });
    let faults: Vec<Fault> = faults.take(20).collect();
    let body = match parsed.syntax() {
        ast::Mod::Module(module) => Reader { text, depth: Cell::new(0) }.block(&module.body),
        ast::Mod::Expression(_) => Vec::new(),
    };
    (body, faults)
}

fn span(range: TextRange) -> Span {
    Span::new(range.start().to_usize(), range.end().to_usize())
}

/// Looks for nesting that no one writes: brackets, indentation, and operators in a row. Texts and comments are passed
/// over as roughly as is safe: a mistake can only find too much.
pub(crate) fn too_deep(text: &str) -> Option<Fault> {
    let fault = |at: usize, message: &str| {
        let code = "nesting is too deep";
        Some(Fault { code, message: message.to_owned(), span: Span::new(at, at) })
    };
    if text.len() > MAX_BYTES {
        return fault(0, "The module is larger than 8 MiB.");
    }
    let bytes = text.as_bytes();
    let (mut depth, mut chain, mut at) = (0_usize, 0_usize, 0_usize);
    let mut indents: Vec<usize> = vec![0];
    let mut line_start = true;
    while at < bytes.len() {
        if line_start && depth == 0 {
            let width = bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            indents.retain(|known| *known < width);
            indents.push(width);
            if indents.len() > MAX_DEPTH {
                return fault(at, "The module's blocks are nested more than 128 deep.");
            }
            chain = 0;
        }
        line_start = false;
        match bytes[at] {
            b'#' => {
                at += bytes[at..].iter().take_while(|byte| **byte != b'\n').count();
                continue;
            }
            quote @ (b'"' | b'\'') => {
                // An f-string holds expressions, which the parser bounds by the quote itself; its braces count.
                let is_format = at > 0 && matches!(bytes[at - 1], b'f' | b'F' | b't' | b'T')
                    || at > 1 && matches!(&bytes[at - 2..at], [b'f' | b'F', b'r' | b'R']);
                if !is_format {
                    at = end_of_string(bytes, at, quote);
                    continue;
                }
            }
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'\n' => line_start = true,
            b'.' | b'+' | b'-' | b'*' | b'/' | b'%' | b'~' | b'&' | b'|' | b'^' | b'<' | b'>' | b'@' => chain += 1,
            b'n' if word(bytes, at, b"not") => chain += 1,
            b'i' if word(bytes, at, b"if") => chain += 1,
            b'l' if word(bytes, at, b"lambda") => chain += 1,
            b'a' if word(bytes, at, b"await") => chain += 1,
            b'y' if word(bytes, at, b"yield") => chain += 1,
            _ => {}
        }
        if bytes[at] == b'(' || bytes[at] == b'[' {
            // Calls and subscripts in a row, `f()()()`, nest to the left.
            chain += usize::from(at > 0 && matches!(bytes[at - 1], b')' | b']'));
        }
        if depth > MAX_DEPTH {
            return fault(at, "The module's brackets are nested more than 128 deep.");
        }
        if chain > MAX_CHAIN {
            return fault(at, "A line of the module has more than 1,000 operators.");
        }
        at += 1;
    }
    None
}

fn word(bytes: &[u8], at: usize, word: &[u8]) -> bool {
    bytes[at..].starts_with(word) && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric())
}

fn end_of_string(bytes: &[u8], start: usize, quote: u8) -> usize {
    let triple = bytes[start..].starts_with(&[quote; 3]);
    let mut at = start + if triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' if !triple => return at,
            byte if byte == quote && (!triple || bytes[at..].starts_with(&[quote; 3])) => {
                return at + if triple { 3 } else { 1 };
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

struct Reader<'t> {
    text: &'t str,
    depth: Cell<usize>,
}

fn shared(text: &str) -> Text {
    Arc::from(text)
}

impl Reader<'_> {
    fn block(&self, body: &[ast::Stmt]) -> Vec<Stmt> {
        body.iter().map(|stmt| Stmt { kind: self.stmt(stmt), span: span(stmt.range()) }).collect()
    }

    fn stmt(&self, stmt: &ast::Stmt) -> StmtKind {
        match stmt {
            ast::Stmt::Return(it) => StmtKind::Return(it.value.as_deref().map(|value| self.expr(value))),
            ast::Stmt::Assign(it) => {
                StmtKind::Assign(it.targets.iter().map(|target| self.expr(target)).collect(), self.expr(&it.value))
            }
            ast::Stmt::AnnAssign(it) => match &it.value {
                Some(value) => StmtKind::Assign(vec![self.expr(&it.target)], self.expr(value)),
                None => StmtKind::Pass,
            },
            ast::Stmt::AugAssign(it) => StmtKind::Augment(self.expr(&it.target), binary(it.op), self.expr(&it.value)),
            ast::Stmt::If(it) => {
                let mut otherwise = Vec::new();
                // A ladder nests as deep as it is long.
                let (kept, cut) = it.elif_else_clauses.split_at(it.elif_else_clauses.len().min(MAX_NESTED));
                if let Some(first) = cut.first() {
                    let place = span(first.range);
                    let value = Expr { kind: Kind::Other, span: place };
                    otherwise.push(Stmt { kind: StmtKind::Return(Some(value)), span: place });
                }
                for clause in kept.iter().rev() {
                    let body = self.block(&clause.body);
                    otherwise = match &clause.test {
                        Some(test) => {
                            let kind = StmtKind::If(self.expr(test), body, otherwise);
                            vec![Stmt { kind, span: span(clause.range) }]
                        }
                        None => body,
                    };
                }
                StmtKind::If(self.expr(&it.test), self.block(&it.body), otherwise)
            }
            ast::Stmt::For(it) => {
                StmtKind::For(self.expr(&it.target), self.expr(&it.iter), self.block(&it.body), self.block(&it.orelse))
            }
            ast::Stmt::While(it) => StmtKind::While(self.expr(&it.test), self.block(&it.body)),
            ast::Stmt::Try(it) => StmtKind::Try(Box::new(Try {
                body: self.block(&it.body),
                handlers: it.handlers.iter().map(|handler| self.handler(handler)).collect(),
                otherwise: self.block(&it.orelse),
                last: self.block(&it.finalbody),
            })),
            ast::Stmt::With(it) => StmtKind::With(self.block(&it.body)),
            ast::Stmt::Match(it) => {
                let case = |case: &ast::MatchCase| Case {
                    pattern: self.pattern(&case.pattern),
                    guard: case.guard.as_deref().map(|guard| self.expr(guard)),
                    body: self.block(&case.body),
                };
                StmtKind::Match(self.expr(&it.subject), it.cases.iter().map(case).collect())
            }
            ast::Stmt::FunctionDef(it) => {
                let body = self.block(&it.body);
                let special = it.is_async || !it.decorator_list.is_empty() || yields(&it.body);
                StmtKind::Function(Arc::new(self.function(
                    &it.name,
                    Some(&it.parameters),
                    body,
                    span(it.name.range()),
                    special,
                )))
            }
            ast::Stmt::ClassDef(it) => StmtKind::Class(shared(&it.name)),
            ast::Stmt::Import(it) => StmtKind::Import(it.names.iter().map(imported).collect()),
            ast::Stmt::ImportFrom(it) => {
                let module = it.module.as_ref().map_or("", |module| module.as_str());
                StmtKind::ImportFrom(shared(module), it.names.iter().map(member).collect())
            }
            ast::Stmt::Global(it) => StmtKind::Global(it.names.iter().map(|name| shared(name)).collect()),
            ast::Stmt::Expr(it) => StmtKind::Expr(self.expr(&it.value)),
            ast::Stmt::Raise(it) => StmtKind::Raise(it.exc.as_deref().map(class_name)),
            ast::Stmt::Assert(it) => StmtKind::Assert(self.expr(&it.test)),
            ast::Stmt::Break(_) => StmtKind::Break,
            ast::Stmt::Continue(_) => StmtKind::Continue,
            ast::Stmt::Pass(_)
            | ast::Stmt::Delete(_)
            | ast::Stmt::TypeAlias(_)
            | ast::Stmt::Nonlocal(_)
            | ast::Stmt::IpyEscapeCommand(_) => StmtKind::Pass,
        }
    }

    fn handler(&self, handler: &ast::ExceptHandler) -> Handler {
        let ast::ExceptHandler::ExceptHandler(it) = handler;
        let classes = it.type_.as_deref().map(|classes| match classes {
            ast::Expr::Tuple(list) => list.elts.iter().map(class_name).collect(),
            one => vec![class_name(one)],
        });
        Handler { classes, name: it.name.as_ref().map(|name| shared(name)), body: self.block(&it.body) }
    }

    fn function(
        &self,
        name: &str,
        parameters: Option<&ast::Parameters>,
        body: Vec<Stmt>,
        span: Span,
        special: bool,
    ) -> Function {
        let parameter = |parameter: &ast::ParameterWithDefault| Parameter {
            name: shared(&parameter.parameter.name),
            default: parameter.default.as_deref().map(|value| self.expr(value)),
        };
        let (mut list, mut rest, mut keywords) = (Vec::new(), None, None);
        if let Some(parameters) = parameters {
            list.extend(parameters.posonlyargs.iter().chain(&parameters.args).map(parameter));
            list.extend(parameters.kwonlyargs.iter().map(parameter));
            rest = parameters.vararg.as_ref().map(|parameter| shared(&parameter.name));
            keywords = parameters.kwarg.as_ref().map(|parameter| shared(&parameter.name));
        }
        Function { name: shared(name), parameters: list, rest, keywords, body, span, special }
    }

    fn pattern(&self, pattern: &ast::Pattern) -> Pattern {
        match pattern {
            ast::Pattern::MatchValue(it) => Pattern::Value(self.expr(&it.value)),
            ast::Pattern::MatchSingleton(it) => {
                let kind = match it.value {
                    ast::Singleton::None => Kind::None,
                    ast::Singleton::True => Kind::Bool(true),
                    ast::Singleton::False => Kind::Bool(false),
                };
                Pattern::Value(Expr { kind, span: span(it.range) })
            }
            ast::Pattern::MatchOr(it) => Pattern::Or(it.patterns.iter().map(|pattern| self.pattern(pattern)).collect()),
            ast::Pattern::MatchAs(it) => match &it.pattern {
                None => Pattern::Any(it.name.as_ref().map(|name| shared(name))),
                Some(inner) if it.name.is_none() => self.pattern(inner),
                Some(_) => Pattern::Other,
            },
            _ => Pattern::Other,
        }
    }

    fn boxed(&self, expr: &ast::Expr) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn exprs(&self, list: &[ast::Expr]) -> Vec<Expr> {
        list.iter().map(|expr| self.expr(expr)).collect()
    }

    fn expr(&self, expr: &ast::Expr) -> Expr {
        let range = span(expr.range());
        let depth = self.depth.get();
        if depth >= MAX_NESTED {
            return Expr { kind: Kind::Other, span: range };
        }
        self.depth.set(depth + 1);
        let kind = self.kind(expr, range);
        self.depth.set(depth);
        Expr { kind, span: range }
    }

    fn kind(&self, expr: &ast::Expr, range: Span) -> Kind {
        match expr {
            ast::Expr::NoneLiteral(_) => Kind::None,
            ast::Expr::BooleanLiteral(it) => Kind::Bool(it.value),
            ast::Expr::NumberLiteral(_) => Kind::Number(shared(range.of(self.text).unwrap_or_default())),
            ast::Expr::StringLiteral(it) => Kind::Text(shared(it.value.to_str())),
            ast::Expr::FString(it) => Kind::Joined(it.value.iter().flat_map(|part| self.pieces(part, range)).collect()),
            ast::Expr::Name(it) => Kind::Name(shared(&it.id)),
            ast::Expr::Attribute(it) => Kind::Attribute(self.boxed(&it.value), shared(&it.attr)),
            ast::Expr::Subscript(it) => Kind::Subscript(self.boxed(&it.value), self.boxed(&it.slice)),
            ast::Expr::Slice(it) if it.step.is_none() => Kind::Slice(
                it.lower.as_deref().map(|bound| self.boxed(bound)),
                it.upper.as_deref().map(|bound| self.boxed(bound)),
            ),
            ast::Expr::Call(it) => {
                let positional = it.arguments.args.iter().map(|value| Argument { name: None, value: self.expr(value) });
                let keywords = it.arguments.keywords.iter().map(|keyword| Argument {
                    name: Some(shared(keyword.arg.as_ref().map_or("**", |name| name.as_str()))),
                    value: self.expr(&keyword.value),
                });
                Kind::Call(self.boxed(&it.func), positional.chain(keywords).collect())
            }
            ast::Expr::BoolOp(it) => match it.op {
                ast::BoolOp::And => Kind::And(self.exprs(&it.values)),
                ast::BoolOp::Or => Kind::Or(self.exprs(&it.values)),
            },
            ast::Expr::UnaryOp(it) => match it.op {
                ast::UnaryOp::Not => Kind::Not(self.boxed(&it.operand)),
                ast::UnaryOp::USub => Kind::Negative(self.boxed(&it.operand)),
                ast::UnaryOp::UAdd => self.expr(&it.operand).kind,
                ast::UnaryOp::Invert => Kind::Other,
            },
            ast::Expr::BinOp(it) => Kind::Binary(binary(it.op), self.boxed(&it.left), self.boxed(&it.right)),
            ast::Expr::Compare(it) => {
                let rest = it.ops.iter().zip(&it.comparators).map(|(op, value)| (comparison(*op), self.expr(value)));
                Kind::Compare(self.boxed(&it.left), rest.collect())
            }
            ast::Expr::If(it) => Kind::If(self.boxed(&it.test), self.boxed(&it.body), self.boxed(&it.orelse)),
            ast::Expr::List(it) => Kind::Sequence(Shape::List, self.exprs(&it.elts)),
            ast::Expr::Tuple(it) => Kind::Sequence(Shape::Tuple, self.exprs(&it.elts)),
            ast::Expr::Set(it) => Kind::Sequence(Shape::Set, self.exprs(&it.elts)),
            ast::Expr::Dict(it) => {
                let items = it.items.iter();
                Kind::Dict(
                    items.map(|item| (item.key.as_ref().map(|key| self.expr(key)), self.expr(&item.value))).collect(),
                )
            }
            ast::Expr::ListComp(it) => self.comprehension(None, &it.elt, &it.generators),
            ast::Expr::SetComp(it) => self.comprehension(None, &it.elt, &it.generators),
            ast::Expr::Generator(it) => self.comprehension(None, &it.elt, &it.generators),
            ast::Expr::DictComp(it) => match &it.key {
                Some(key) => self.comprehension(Some(key), &it.value, &it.generators),
                None => Kind::Other,
            },
            ast::Expr::Lambda(it) => {
                let value = self.expr(&it.body);
                let body = vec![Stmt { span: value.span, kind: StmtKind::Return(Some(value)) }];
                Kind::Lambda(Arc::new(self.function("lambda", it.parameters.as_deref(), body, range, false)))
            }
            ast::Expr::Named(it) => match it.target.as_ref() {
                ast::Expr::Name(name) => Kind::Named(shared(&name.id), self.boxed(&it.value)),
                _ => Kind::Other,
            },
            ast::Expr::Starred(it) => Kind::Starred(self.boxed(&it.value)),
            _ => Kind::Other,
        }
    }

    fn pieces(&self, part: &ast::FStringPart, whole: Span) -> Vec<Expr> {
        match part {
            ast::FStringPart::Literal(text) => vec![Expr { kind: Kind::Text(shared(text)), span: whole }],
            ast::FStringPart::FString(text) => {
                let piece = |element: &ast::InterpolatedStringElement| match element {
                    ast::InterpolatedStringElement::Literal(text) => {
                        Expr { kind: Kind::Text(shared(&text.value)), span: whole }
                    }
                    ast::InterpolatedStringElement::Interpolation(it) if it.format_spec.is_none() => {
                        self.expr(&it.expression)
                    }
                    ast::InterpolatedStringElement::Interpolation(it) => {
                        Expr { kind: Kind::Other, span: span(it.range) }
                    }
                };
                text.elements.iter().map(piece).collect()
            }
        }
    }

    fn comprehension(&self, key: Option<&ast::Expr>, element: &ast::Expr, loops: &[ast::Comprehension]) -> Kind {
        Kind::Each(Box::new(Comprehension {
            key: key.map(|key| self.expr(key)),
            element: self.expr(element),
            loops: loops
                .iter()
                .map(|one| (self.expr(&one.target), self.expr(&one.iter), self.exprs(&one.ifs)))
                .collect(),
        }))
    }
}

/// The last part of the name of an exception's class, or of the class that is called; `Exception` where it has none.
fn class_name(expr: &ast::Expr) -> Text {
    match expr {
        ast::Expr::Call(it) => class_name(&it.func),
        ast::Expr::Name(it) => shared(&it.id),
        ast::Expr::Attribute(it) => shared(&it.attr),
        _ => shared("Exception"),
    }
}

/// The name that `import a.b as c` binds, and the module.
fn imported(alias: &ast::Alias) -> (Text, Text) {
    let module = alias.name.as_str();
    match &alias.asname {
        Some(name) => (shared(name), shared(module)),
        None => {
            let first = module.split('.').next().unwrap_or(module);
            (shared(first), shared(first))
        }
    }
}

/// The name that `from m import a as b` binds, and the name in the module.
fn member(alias: &ast::Alias) -> (Text, Text) {
    let name = alias.name.as_str();
    (shared(alias.asname.as_ref().map_or(name, |own| own.as_str())), shared(name))
}

fn yields(body: &[ast::Stmt]) -> bool {
    body.iter().any(|stmt| match stmt {
        ast::Stmt::Expr(it) => matches!(*it.value, ast::Expr::Yield(_) | ast::Expr::YieldFrom(_)),
        ast::Stmt::If(it) => yields(&it.body) || it.elif_else_clauses.iter().any(|clause| yields(&clause.body)),
        ast::Stmt::For(it) => yields(&it.body),
        ast::Stmt::While(it) => yields(&it.body),
        ast::Stmt::Try(it) => {
            let in_handler = |handler: &ast::ExceptHandler| {
                let ast::ExceptHandler::ExceptHandler(it) = handler;
                yields(&it.body)
            };
            yields(&it.body) || yields(&it.orelse) || yields(&it.finalbody) || it.handlers.iter().any(in_handler)
        }
        ast::Stmt::With(it) => yields(&it.body),
        _ => false,
    })
}

fn binary(op: ast::Operator) -> Binary {
    match op {
        ast::Operator::Add => Binary::Add,
        ast::Operator::Sub => Binary::Subtract,
        ast::Operator::Mult => Binary::Multiply,
        ast::Operator::Div => Binary::Divide,
        ast::Operator::Mod => Binary::Modulo,
        ast::Operator::BitAnd => Binary::And,
        ast::Operator::BitOr => Binary::Or,
        _ => Binary::Other,
    }
}

fn comparison(op: ast::CmpOp) -> Comparison {
    match op {
        ast::CmpOp::Eq => Comparison::Equal,
        ast::CmpOp::NotEq => Comparison::NotEqual,
        ast::CmpOp::Lt => Comparison::Less,
        ast::CmpOp::LtE => Comparison::LessEqual,
        ast::CmpOp::Gt => Comparison::Greater,
        ast::CmpOp::GtE => Comparison::GreaterEqual,
        ast::CmpOp::Is => Comparison::Is,
        ast::CmpOp::IsNot => Comparison::IsNot,
        ast::CmpOp::In => Comparison::In,
        ast::CmpOp::NotIn => Comparison::NotIn,
    }
}

/// The text's tokens for colouring; nothing for a text that is not parsed.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    if too_deep(text).is_some() {
        return Vec::new();
    }
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    let lexemes: Vec<(Lexeme, Span)> =
        parsed.tokens().iter().map(|token| (token.kind(), span(token.range()))).collect();
    let mut coloured: Vec<Token> = Vec::with_capacity(lexemes.len());
    for (at, (lexeme, range)) in lexemes.iter().enumerate() {
        let next = lexemes.get(at + 1).map(|(kind, _)| *kind);
        let kind = match lexeme {
            Lexeme::Comment => TokenKind::Comment,
            Lexeme::String | Lexeme::FStringStart | Lexeme::FStringMiddle | Lexeme::FStringEnd => TokenKind::String,
            Lexeme::Int | Lexeme::Float | Lexeme::Complex | Lexeme::True | Lexeme::False | Lexeme::None => {
                TokenKind::Number
            }
            Lexeme::Name if next == Some(Lexeme::Lpar) => TokenKind::Function,
            kind if kind.is_non_soft_keyword() => TokenKind::Keyword,
            kind if kind.is_operator() => TokenKind::Operator,
            _ => continue,
        };
        let ordered = coloured.last().is_none_or(|last| last.span.end <= range.start);
        if ordered && range.start < range.end && range.of(text).is_some() {
            coloured.push(Token { span: *range, kind });
        }
    }
    coloured
}
