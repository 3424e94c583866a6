//! What a pipeline begins with besides a table's name: `union`, `search`, `find`, `print`, `range`, `datatable`,
//! `externaldata`.

use std::borrow::Cow;

use super::{Parse, Parser};
use crate::ast::{Expr, ExprKind, Named, Search};
use crate::lexer::{Kind, Symbol, decode_string};

impl<'a> Parser<'a> {
    pub(super) fn source(&mut self) -> Parse<Expr<'a>> {
        let start = self.token().span.start;
        let next = self.ahead(1);
        let begins_operand = match next.kind {
            Kind::Name => match self.word_of(next) {
                "in" => matches!(self.word(), "search" | "find"),
                word => !matches!(word, "and" | "or" | "has" | "contains" | "asc" | "desc" | "on" | "by"),
            },
            Kind::String | Kind::Number | Kind::Timespan => true,
            Kind::Symbol(symbol) => matches!(symbol, Symbol::OpenParen | Symbol::Star | Symbol::OpenBracket),
            _ => false,
        };
        match self.word() {
            "union" if begins_operand => {
                self.step();
                let legs = self.union_legs()?;
                let below = legs.iter().map(|leg| leg.height).max().unwrap_or(0);
                self.expr_of(ExprKind::Union(legs), self.span_from(start), below)
            }
            "search" if begins_operand => {
                self.step();
                let search = self.search()?;
                self.search_expr(search, start)
            }
            "find" if begins_operand && !matches!(next.kind, Kind::Symbol(Symbol::OpenParen)) => {
                self.step();
                let search = self.find()?;
                self.search_expr(search, start)
            }
            "print" if begins_operand => {
                self.step();
                let values = self.named_list()?;
                let below = values.iter().map(|value| value.value.height).max().unwrap_or(0);
                self.expr_of(ExprKind::Print(values), self.span_from(start), below)
            }
            "range" if next.kind == Kind::Name && self.word_of(self.ahead(2)) == "from" => {
                self.step();
                let name = self.name("a column's name")?;
                while !matches!(
                    self.token().kind,
                    Kind::End
                        | Kind::Symbol(Symbol::Pipe | Symbol::Semicolon | Symbol::CloseParen | Symbol::CloseBrace)
                ) {
                    if self.is(Symbol::OpenParen) {
                        self.skip_group()?;
                    } else {
                        self.step();
                    }
                }
                Ok(self.leaf(ExprKind::Range(name), self.span_from(start)))
            }
            _ => self.table_or_expr(),
        }
    }

    fn search_expr(&mut self, search: Search<'a>, start: u32) -> Parse<Expr<'a>> {
        let below = search.condition.as_ref().map_or(0, |condition| condition.height);
        self.expr_of(ExprKind::Search(search), self.span_from(start), below)
    }

    /// A table's name with wildcards (`Device*`), or any expression.
    pub(super) fn table_or_expr(&mut self) -> Parse<Expr<'a>> {
        let start = self.token();
        if start.kind == Kind::Name && self.is_ahead(1, Symbol::Star) && self.ahead(1).span.start == start.span.end {
            let behind = self.ahead(2);
            let is_pattern = behind.span.start == self.ahead(1).span.end && behind.kind == Kind::Name
                || matches!(
                    behind.kind,
                    Kind::End | Kind::Symbol(Symbol::Comma | Symbol::Pipe | Symbol::CloseParen | Symbol::Semicolon)
                )
                || behind.on_new_line;
            if is_pattern {
                return Ok(self.name_pattern());
            }
        }
        self.expr()
    }

    fn name_pattern(&mut self) -> Expr<'a> {
        let start = self.step().span;
        let mut end = start.end;
        while (self.is(Symbol::Star) || self.token().kind == Kind::Name) && self.token().span.start == end {
            end = self.step().span.end;
        }
        let span = self.span_from(start.start);
        self.leaf(ExprKind::Name(Cow::Borrowed(span.of(self.text).unwrap_or_default())), span)
    }

    /// The tables of a `union`, behind its settings.
    pub(super) fn union_legs(&mut self) -> Parse<Vec<Expr<'a>>> {
        self.settings();
        let mut legs = Vec::new();
        loop {
            if self.is(Symbol::Star) {
                legs.push(self.name_pattern());
            } else {
                let (first, brackets) = (self.at, self.brackets);
                let leg = match self.deeper(Self::table_or_expr) {
                    Err(fault) if !legs.is_empty() => self.broken(first, brackets, fault, true),
                    read => read?,
                };
                legs.push(leg);
            }
            if !self.eat(Symbol::Comma) {
                return Ok(legs);
            }
            if matches!(
                self.token().kind,
                Kind::End | Kind::Symbol(Symbol::Pipe | Symbol::Semicolon | Symbol::CloseParen)
            ) {
                let span = self.token().span;
                self.recovered(span, "comma too many", "the list ends with a comma");
                return Ok(legs);
            }
        }
    }

    /// Skips `kind=inner`, `hint.strategy=shuffle`, `isfuzzy=true`, `withsource=T` …; gives back the value of `kind`.
    pub(super) fn settings(&mut self) -> &'a str {
        let mut kind = "";
        loop {
            let name = self.word();
            let length = match () {
                () if name.is_empty() => return kind,
                () if self.is_ahead(1, Symbol::Assign) => 2,
                () if self.is_ahead(1, Symbol::Dot) && self.is_ahead(3, Symbol::Assign) => 4,
                () => return kind,
            };
            let is_setting = super::SETTINGS.contains(&name) || name.starts_with("hint");
            if !is_setting {
                return kind;
            }
            self.at += length;
            let value = self.token();
            if name == "kind" {
                kind = self.word_of(value);
            }
            self.step();
            self.eat(Symbol::Comma);
        }
    }

    /// `search [kind=…] [in (A, B)] condition`.
    pub(super) fn search(&mut self) -> Parse<Search<'a>> {
        let case_sensitive = self.settings() == "case_sensitive";
        let tables = self.in_tables()?;
        let condition = self.search_condition()?;
        Ok(Search { tables, condition, case_sensitive })
    }

    fn in_tables(&mut self) -> Parse<Vec<Expr<'a>>> {
        if !self.eat_word("in") {
            return Ok(Vec::new());
        }
        self.open(Symbol::OpenParen, "`(`")?;
        let tables = self.union_legs()?;
        self.close(Symbol::CloseParen, "`)`")?;
        Ok(tables)
    }

    fn search_condition(&mut self) -> Parse<Option<Box<Expr<'a>>>> {
        let ends = matches!(
            self.token().kind,
            Kind::End | Kind::Symbol(Symbol::Pipe | Symbol::Semicolon | Symbol::CloseParen)
        );
        if ends {
            return Ok(None);
        }
        let outer = std::mem::replace(&mut self.in_search, true);
        let condition = self.expr();
        self.in_search = outer;
        Ok(Some(Box::new(condition?)))
    }

    /// `find [in (A, B)] [where] condition [project …]`.
    fn find(&mut self) -> Parse<Search<'a>> {
        self.settings();
        let tables = self.in_tables()?;
        self.eat_word("where");
        let condition = self.search_condition()?;
        if self.eat_word("project") || self.word() == "project" {
            self.skip_to_stage_end();
        }
        Ok(Search { tables, condition, case_sensitive: false })
    }

    /// The same in a stage: an item that cannot be read leaves the others, and its name.
    pub(super) fn stage_list(&mut self) -> Parse<Vec<Named<'a>>> {
        self.list_of_named(true)
    }

    /// `a, b = expr, (c, d) = expr`; may be empty.
    pub(super) fn named_list(&mut self) -> Parse<Vec<Named<'a>>> {
        self.list_of_named(false)
    }

    fn list_of_named(&mut self, recovers: bool) -> Parse<Vec<Named<'a>>> {
        let mut list = Vec::new();
        loop {
            if self.at_list_end() {
                if !list.is_empty() {
                    let span = self.token().span;
                    self.recovered(span, "comma too many", "the list ends with a comma");
                }
                return Ok(list);
            }
            let (first, brackets) = (self.at, self.brackets);
            let named = match self.named() {
                Err(fault) if recovers => {
                    self.at = first;
                    let is_named = self.token().kind == Kind::Name && self.is_ahead(1, Symbol::Assign);
                    let names = if is_named { vec![self.name("a name")?] } else { Vec::new() };
                    let first = self.at + usize::from(is_named);
                    Named { names, value: self.broken(first, brackets, fault, true) }
                }
                read => read?,
            };
            list.push(named);
            if !self.eat(Symbol::Comma) {
                return Ok(list);
            }
        }
    }

    fn at_list_end(&self) -> bool {
        match self.token().kind {
            Kind::End | Kind::Symbol(Symbol::Pipe | Symbol::Semicolon | Symbol::CloseParen | Symbol::CloseBrace) => {
                true
            }
            Kind::Name => self.word() == "by",
            _ => false,
        }
    }

    pub(super) fn named(&mut self) -> Parse<Named<'a>> {
        let mut names = Vec::new();
        let plain = self.token().kind == Kind::Name && self.is_ahead(1, Symbol::Assign);
        let bracketed = self.is_bracketed_name() && self.is_ahead(3, Symbol::Assign);
        if plain || bracketed {
            names.push(self.name("a name")?);
            self.step();
        } else if self.is(Symbol::OpenParen) && self.is_tuple() {
            self.open(Symbol::OpenParen, "`(`")?;
            while !self.is(Symbol::CloseParen) {
                names.push(self.name("a name")?);
                self.eat(Symbol::Comma);
            }
            self.close(Symbol::CloseParen, "`)`")?;
            self.expect(Symbol::Assign, "`=`")?;
        }
        let value = if self.word_of(self.token()).is_empty() { self.expr()? } else { self.table_or_expr()? };
        Ok(Named { names, value })
    }

    /// Whether `(a, b) =` stands here.
    fn is_tuple(&self) -> bool {
        let mut at = 1;
        loop {
            match self.ahead(at).kind {
                Kind::Name | Kind::Symbol(Symbol::Comma) => at += 1,
                Kind::Symbol(Symbol::CloseParen) => return at > 1 && self.is_ahead(at + 1, Symbol::Assign),
                _ => return false,
            }
        }
    }

    /// The columns of `(a:string, ['b']:long)`; the types are not kept.
    pub(super) fn schema(&mut self) -> Parse<Vec<Cow<'a, str>>> {
        self.open(Symbol::OpenParen, "`(`")?;
        let mut columns = Vec::new();
        while !self.is(Symbol::CloseParen) {
            let token = self.token();
            if token.kind == Kind::String {
                self.step();
                columns.push(decode_string(token.text(self.text)));
            } else if token.kind == Kind::Symbol(Symbol::Star) {
                // `: (*, a:string)`: those of the input.
                self.step();
            } else {
                columns.push(self.name("a column's name")?);
            }
            if self.eat(Symbol::Colon) {
                self.step();
            }
            if self.eat(Symbol::Assign) {
                self.expr()?;
            }
            if !self.eat(Symbol::Comma) {
                break;
            }
        }
        self.close(Symbol::CloseParen, "`)`")?;
        Ok(columns)
    }

    pub(super) fn datatable(&mut self) -> Parse<Expr<'a>> {
        let start = self.step().span.start;
        let columns = self.schema()?;
        let cells = self.cells()?;
        let below = cells.iter().map(|cell| cell.height).max().unwrap_or(0);
        self.expr_of(ExprKind::Datatable { columns, cells }, self.span_from(start), below)
    }

    fn cells(&mut self) -> Parse<Vec<Expr<'a>>> {
        self.open(Symbol::OpenBracket, "`[`")?;
        let mut cells = Vec::new();
        while !self.is(Symbol::CloseBracket) {
            cells.push(self.expr()?);
            if !self.eat(Symbol::Comma) {
                break;
            }
        }
        self.close(Symbol::CloseBracket, "`]`")?;
        Ok(cells)
    }

    pub(super) fn external_data(&mut self) -> Parse<Expr<'a>> {
        let start = self.step().span.start;
        let columns = self.schema()?;
        let addresses = self.cells()?;
        if self.word() == "with" && self.is_ahead(1, Symbol::OpenParen) {
            self.step();
            self.skip_group()?;
        }
        let below = addresses.iter().map(|address| address.height).max().unwrap_or(0);
        self.expr_of(ExprKind::ExternalData { columns, addresses }, self.span_from(start), below)
    }
}
