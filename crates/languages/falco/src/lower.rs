//! From the tree to predicates: macros and lists are followed.

mod compare;

use ruleatlas_core::{BUDGET, Budget, Context};
use ruleatlas_model::{Diagnostic, Node, Span};
use ruleatlas_syntax::ErrorKind as _;

use crate::{ast::Expr, parser};

/// How many diagnostics a condition can have beside those of its syntax.
const MAX_DIAGNOSTICS: usize = 64;
/// Bytes of a macro's text that are read for a unit of work.
const BYTES_PER_WORK: usize = 16;

/// The condition of a tree, and what was not understood.
pub(crate) fn lower(tree: &Expr, text: &str, context: &dyn Context, budget: &mut Budget) -> (Node, Vec<Diagnostic>) {
    let mut lowering = Lowering { text, context, budget, diagnostics: Vec::new(), macros: Vec::new(), place: None };
    let root = lowering.node(tree);
    (root, lowering.diagnostics)
}

struct Lowering<'a, 'b> {
    /// The text that the tree is of: the condition's, or a macro's.
    text: &'a str,
    context: &'a dyn Context,
    budget: &'b mut Budget,
    diagnostics: Vec<Diagnostic>,
    /// The macros around this place, the outermost first.
    macros: Vec<String>,
    /// Where the outermost of them stands in the condition.
    place: Option<Span>,
}

impl Lowering<'_, '_> {
    fn node(&mut self, tree: &Expr) -> Node {
        match tree {
            Expr::Or(operands) => {
                let nodes: Vec<Node> = operands.iter().map(|operand| self.node(operand)).collect();
                Node::any(nodes)
            }
            Expr::And(operands) => {
                let nodes: Vec<Node> = operands.iter().map(|operand| self.node(operand)).collect();
                Node::all(nodes)
            }
            Expr::Not(operand) => self.node(operand).not(),
            Expr::Check(check) => self.check(check),
            Expr::Macro { name, span } => self.expand(name, *span),
            Expr::Broken { kind, span, .. } => self.opaque(kind.title(), *span),
        }
    }

    /// The condition that a macro stands for, whose parts are where the name is.
    fn expand(&mut self, name: &str, span: Span) -> Node {
        if self.macros.iter().any(|known| known == name) {
            return self.error("macro in itself", format!("the macro `{name}` stands for itself"), span);
        }
        let Some(found) = self.context.macro_definition(name, 0) else {
            return self.error("unknown macro", format!("no macro is called `{name}`"), span);
        };
        if !self.budget.work(found.definition.len() / BYTES_PER_WORK) || !self.budget.enter() {
            return self.opaque(BUDGET, span);
        }
        let (tree, lexer) = parser::parse(found.definition);
        let place = self.place_of(span);
        for fault in lexer.errors.into_iter().map(Diagnostic::from) {
            self.report(Diagnostic::error("invalid macro", format!("the macro `{name}`: {}", fault.message)).at(place));
        }
        let outer = (std::mem::replace(&mut self.text, found.definition), self.place.replace(place));
        self.macros.push(name.to_owned());
        let node = self.node(&tree);
        self.macros.pop();
        (self.text, self.place) = outer;
        self.budget.leave();
        node
    }

    /// Where a part of this text stands in the condition.
    fn place_of(&self, span: Span) -> Span {
        self.place.unwrap_or(span)
    }

    fn opaque(&self, reason: &'static str, span: Span) -> Node {
        let text = span.of(self.text).unwrap_or_default().trim();
        Node::opaque(text, reason, self.place_of(span))
    }

    /// An opaque part and the diagnostic for it.
    fn error(&mut self, code: &'static str, message: String, span: Span) -> Node {
        self.report(Diagnostic::error(code, message).at(self.place_of(span)));
        self.opaque(code, span)
    }

    fn warn(&mut self, code: &'static str, message: String, span: Span) {
        self.report(Diagnostic::warning(code, message).at(self.place_of(span)));
    }

    fn note(&mut self, code: &'static str, message: String, span: Span) {
        self.report(Diagnostic::note(code, message).at(self.place_of(span)));
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < MAX_DIAGNOSTICS && !self.diagnostics.contains(&diagnostic) {
            self.diagnostics.push(diagnostic);
        }
    }
}
