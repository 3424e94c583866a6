//! What is done about a part that cannot be read: where it ends, and what may be read again.

use super::Parser;
use crate::ast::{Expr, ExprKind, Fault};
use crate::lexer::{Kind, Symbol, Token};

impl<'a> Parser<'a> {
    /// Steps to where a part that cannot be read may end: a connective, a pipe, a closing bracket, a statement, and a
    /// comma between items. Brackets that are closed are stepped over with what is in them.
    pub(super) fn skip_part(&mut self, ends_at_comma: bool, ends_at_connective: bool) {
        let first = self.at;
        loop {
            match self.token().kind {
                Kind::End
                | Kind::Symbol(
                    Symbol::Pipe | Symbol::Semicolon | Symbol::CloseParen | Symbol::CloseBracket | Symbol::CloseBrace,
                ) => return,
                Kind::Symbol(Symbol::Comma) if ends_at_comma => return,
                Kind::Symbol(Symbol::OpenParen | Symbol::OpenBracket | Symbol::OpenBrace) => {
                    self.at = self.closing.get(self.at).copied().unwrap_or(0).max(self.at);
                }
                Kind::Name if ends_at_connective && matches!(self.word(), "and" | "or" | "AND" | "OR") => return,
                _ if self.at > first && (self.at_statement() || self.at_forgotten_pipe()) => return,
                _ => {}
            }
            self.step();
        }
    }

    /// Goes back to where something that could not be read begins, and steps to where it may end; no further back than
    /// may be read again.
    pub(super) fn skip_failed(&mut self, first: usize, brackets: u32, ends_at_comma: bool, ends_at_connective: bool) {
        self.furthest = self.furthest.max(self.at);
        self.at = first;
        self.brackets = brackets;
        self.skip_part(ends_at_comma, ends_at_connective);
        let again = self.furthest.saturating_sub(self.at);
        if again <= self.rereads {
            self.rereads -= again;
        } else {
            self.at = self.furthest;
            self.skip_part(ends_at_comma, ends_at_connective);
        }
    }

    /// An expression for what could not be read, from a token on; the fault is said.
    pub(super) fn broken(&mut self, first: usize, brackets: u32, fault: Fault, ends_at_comma: bool) -> Expr<'a> {
        let start = self.tokens.get(first).map_or(0, |token| token.span.start);
        self.skip_failed(first, brackets, ends_at_comma || brackets > 0, self.recovers);
        let mut span = self.span_from(start);
        if self.at == first {
            // Nothing stands here: the connective before it waits for an operand.
            span = self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map_or(span, |token| token.span);
        }
        let code = fault.code;
        self.faults.push(fault);
        self.leaf(ExprKind::Broken(code), span)
    }
}

/// By the token of each opening bracket, that of the bracket that closes it before the statement ends; 0 for others.
pub(super) fn closing_brackets(tokens: &[Token]) -> Vec<usize> {
    let mut closing = vec![0; tokens.len()];
    let mut open: Vec<(usize, Symbol)> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Kind::Symbol(symbol) = token.kind else { continue };
        let opener = match symbol {
            Symbol::OpenParen | Symbol::OpenBracket | Symbol::OpenBrace => {
                open.push((at, symbol));
                continue;
            }
            Symbol::CloseParen => Symbol::OpenParen,
            Symbol::CloseBracket => Symbol::OpenBracket,
            Symbol::CloseBrace => Symbol::OpenBrace,
            Symbol::Semicolon => {
                // Only braces hold statements.
                while open.last().is_some_and(|(_, symbol)| *symbol != Symbol::OpenBrace) {
                    open.pop();
                }
                continue;
            }
            _ => continue,
        };
        if opener == Symbol::OpenBrace {
            while open.last().is_some_and(|(_, symbol)| *symbol != Symbol::OpenBrace) {
                open.pop();
            }
        }
        if let Some((first, _)) = open.pop_if(|(_, symbol)| *symbol == opener)
            && let Some(closing) = closing.get_mut(first)
        {
            *closing = at;
        }
    }
    closing
}
