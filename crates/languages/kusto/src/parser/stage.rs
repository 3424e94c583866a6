//! The tabular operators behind a pipe.

use super::{Parse, Parser};
use crate::ast::{ExprKind, Fault, JoinKind, Operator, ParsePiece, Stage};
use crate::lexer::{Kind, Symbol, decode_string};

/// Operators that neither filter nor make names that later stages filter by.
const NEUTRAL: &[&str] = &[
    "sort",
    "order",
    "top",
    "top-hitters",
    "top-nested",
    "take",
    "limit",
    "sample",
    "sample-distinct",
    "render",
    "getschema",
    "consume",
    "reduce",
    "project-smart",
    "execute-and-cache",
    "assert-schema",
    "graph-mark-components",
    "graph-to-table",
];

impl<'a> Parser<'a> {
    /// One stage; always gives one.
    pub(super) fn stage(&mut self) -> Stage<'a> {
        let start = self.token().span.start;
        let brackets = self.brackets;
        let first = self.at;
        let operator = match self.deeper(Self::operator) {
            Ok(operator) if self.at_stage_end() => operator,
            Ok(operator) => self.partial(operator),
            Err(fault) => {
                // Read on from the stage's first token, so that brackets are counted from its beginning.
                self.skip_failed(first, brackets, brackets > 0, false);
                if self.at == first && !self.at_stage_end() {
                    self.step();
                }
                Operator::Broken(fault)
            }
        };
        Stage { operator, span: self.span_from(start) }
    }

    /// A stage whose rest cannot be read; a filter keeps what was read of it.
    fn partial(&mut self, operator: Operator<'a>) -> Operator<'a> {
        let fault = self.unexpected("`|` or the end of the stage");
        let start = self.token().span.start;
        let first = self.at;
        let code = fault.code;
        self.faults.push(fault);
        self.skip_part(self.brackets > 0, false);
        if self.at == first && !self.at_stage_end() {
            self.step();
        }
        let rest = self.span_from(start);
        match operator {
            Operator::Where(condition) => {
                let (start, below) = (condition.span.start, condition.height);
                let broken = self.leaf(ExprKind::Broken(code), rest);
                let kind = ExprKind::And(vec![condition, broken]);
                match self.expr_of(kind, self.span_from(start), below) {
                    Ok(condition) => Operator::Where(condition),
                    Err(fault) => Operator::Broken(fault),
                }
            }
            operator => Operator::Partial(Box::new(operator), code, rest),
        }
    }

    pub(super) fn at_stage_end(&self) -> bool {
        match self.token().kind {
            Kind::End
            | Kind::Symbol(
                Symbol::Pipe | Symbol::Semicolon | Symbol::CloseParen | Symbol::CloseBracket | Symbol::CloseBrace,
            ) => true,
            Kind::Symbol(Symbol::Comma) => self.brackets > 0,
            _ => self.at_statement() || self.at_forgotten_pipe(),
        }
    }

    /// Skips to the pipe, semicolon or closing bracket that ends this stage.
    pub(super) fn skip_to_stage_end(&mut self) {
        let mut open = 0_u32;
        let first = self.at;
        loop {
            match self.token().kind {
                Kind::End => return,
                Kind::Symbol(Symbol::Pipe | Symbol::Semicolon) if open == 0 => return,
                Kind::Symbol(Symbol::OpenParen | Symbol::OpenBracket | Symbol::OpenBrace) => open += 1,
                Kind::Symbol(Symbol::CloseParen | Symbol::CloseBracket | Symbol::CloseBrace) => {
                    if open == 0 {
                        return;
                    }
                    open -= 1;
                }
                // A bracket that is never closed must not swallow the statements behind it.
                _ if self.at > first && self.at_statement() && (open == 0 || self.word() == "let") => return,
                _ => {}
            }
            self.step();
        }
    }

    /// The operator's name with its hyphens: `project-away`.
    fn operator_name(&mut self) -> Parse<&'a str> {
        let first = self.token();
        if first.kind != Kind::Name {
            return Err(self.unexpected("an operator"));
        }
        self.step();
        let mut end = first.span.end;
        while self.is(Symbol::Minus)
            && self.token().span.start == end
            && self.ahead(1).kind == Kind::Name
            && self.ahead(1).span.start == end + 1
        {
            self.step();
            end = self.step().span.end;
        }
        Ok(self.text.get(first.span.start as usize..end as usize).unwrap_or_default())
    }

    fn operator(&mut self) -> Parse<Operator<'a>> {
        let start = self.token().span;
        let name = self.operator_name()?;
        let lower = name.to_ascii_lowercase();
        if lower != name {
            self.recovered(start, "operator in upper case", "operators are written in lower case");
        }
        match lower.as_str() {
            "where" | "filter" => {
                self.settings();
                Ok(Operator::Where(self.condition()?))
            }
            "extend" => Ok(Operator::Extend(self.stage_list()?)),
            "project" => Ok(Operator::Project(self.stage_list()?)),
            "distinct" => {
                self.settings();
                Ok(Operator::Distinct(self.stage_list()?))
            }
            "project-rename" => Ok(Operator::ProjectRename(self.stage_list()?)),
            "project-away" | "project-keep" | "project-reorder" => {
                self.skip_to_stage_end();
                Ok(Operator::Arrange(name))
            }
            "summarize" => {
                self.settings();
                let aggregates = self.stage_list()?;
                let by = if self.eat_word("by") { self.stage_list()? } else { Vec::new() };
                Ok(Operator::Summarize { aggregates, by })
            }
            "make-series" => self.make_series(),
            "join" | "lookup" => self.join(lower == "lookup"),
            "union" => Ok(Operator::Union(self.union_legs()?)),
            "mv-expand" | "mvexpand" => {
                self.settings();
                let items = self.expanded()?;
                Ok(Operator::MvExpand(items))
            }
            "mv-apply" | "mvapply" => {
                self.settings();
                let items = self.expanded()?;
                if !self.eat_word("on") {
                    return Err(self.unexpected("`on`"));
                }
                Ok(Operator::MvApply { items, body: self.stages_in_parentheses()? })
            }
            "parse" | "parse-where" => self.parse_operator(lower == "parse-where"),
            "parse-kv" => self.parse_kv(),
            "make-graph" => self.make_graph(),
            "graph-match" | "graph-shortest-paths" => self.graph_match(),
            "evaluate" => {
                self.settings();
                let call = self.expr()?;
                let columns = if self.eat(Symbol::Colon) { Some(self.schema()?) } else { None };
                Ok(Operator::Evaluate(call, columns))
            }
            "invoke" => Ok(Operator::Invoke(self.expr()?)),
            "search" => Ok(Operator::Search(self.search()?)),
            "as" => {
                self.settings();
                Ok(Operator::As(self.name("a name")?))
            }
            "count" => Ok(Operator::Count),
            "serialize" => Ok(Operator::Extend(self.stage_list()?)),
            "partition" => self.partition(),
            "fork" | "facet" => self.fork(),
            "scan" => self.scan(),
            known if NEUTRAL.contains(&known) => {
                self.skip_to_stage_end();
                Ok(Operator::Neutral(name))
            }
            _ => Err(Fault {
                span: start,
                code: "unknown operator",
                message: format!("`{name}` is no operator"),
                recovered: false,
            }),
        }
    }

    /// The condition of a filter.
    pub(super) fn condition(&mut self) -> Parse<crate::ast::Expr<'a>> {
        let outer = std::mem::replace(&mut self.in_condition, true);
        let recovers = std::mem::replace(&mut self.recovers, true);
        let condition = self.expr();
        self.in_condition = outer;
        self.recovers = recovers;
        condition
    }

    /// `kind=inner [hints] (T | …) on a, $left.b == $right.c`.
    fn join(&mut self, lookup: bool) -> Parse<Operator<'a>> {
        let written = self.settings();
        let kind = match written {
            "" if lookup => JoinKind::LeftOuter,
            "" | "innerunique" => JoinKind::InnerUnique,
            "inner" => JoinKind::Inner,
            "leftouter" => JoinKind::LeftOuter,
            "rightouter" => JoinKind::RightOuter,
            "fullouter" => JoinKind::FullOuter,
            "leftsemi" => JoinKind::LeftSemi,
            "rightsemi" => JoinKind::RightSemi,
            "leftanti" | "anti" | "leftantisemi" => JoinKind::LeftAnti,
            "rightanti" | "rightantisemi" => JoinKind::RightAnti,
            _ => {
                let fault = self.unexpected("a kind of join");
                return Err(Fault { code: "unknown kind of join", ..fault });
            }
        };
        let right = Box::new(self.deeper(Self::join_table)?);
        let mut on = Vec::new();
        if self.eat_word("on") {
            loop {
                let (first, brackets) = (self.at, self.brackets);
                let key = match self.expr() {
                    Ok(key) => key,
                    Err(fault) => self.broken(first, brackets, fault, true),
                };
                on.push(key);
                if !self.eat(Symbol::Comma) {
                    break;
                }
            }
        } else if self.eat_word("where") {
            on.push(self.expr()?);
        }
        Ok(Operator::Join { kind, lookup, right, on })
    }

    fn join_table(&mut self) -> Parse<crate::ast::Expr<'a>> {
        let table = self.table_or_expr()?;
        // `join kind=inner T | where …` would filter the result; hints may also stand behind the table.
        self.settings();
        Ok(table)
    }

    /// The arrays of `mv-expand` and `mv-apply`, each with an optional `to typeof(…)`.
    fn expanded(&mut self) -> Parse<Vec<crate::ast::Named<'a>>> {
        let mut items = Vec::new();
        loop {
            self.settings();
            items.push(self.named()?);
            if self.eat_word("to") {
                self.expect_word("typeof")?;
                self.skip_group()?;
            }
            if !self.eat(Symbol::Comma) {
                break;
            }
        }
        if self.eat_word("limit") {
            self.expr()?;
        }
        Ok(items)
    }

    fn expect_word(&mut self, word: &'static str) -> Parse<()> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected(word)) }
    }

    /// `( stage | stage )`.
    fn stages_in_parentheses(&mut self) -> Parse<Vec<Stage<'a>>> {
        self.open(Symbol::OpenParen, "`(`")?;
        let mut stages = Vec::new();
        self.eat(Symbol::Pipe);
        while !self.is(Symbol::CloseParen) {
            stages.push(self.deeper(|parser| Ok(parser.stage()))?);
            if !self.eat(Symbol::Pipe) {
                break;
            }
        }
        self.close(Symbol::CloseParen, "`)`")?;
        Ok(stages)
    }

    fn make_series(&mut self) -> Parse<Operator<'a>> {
        self.settings();
        let mut aggregates = Vec::new();
        while self.word() != "on" {
            aggregates.push(self.named()?);
            if self.eat_word("default") {
                self.expect(Symbol::Assign, "`=`")?;
                self.expr()?;
            }
            if !self.eat(Symbol::Comma) {
                break;
            }
        }
        let mut on = None;
        if self.eat_word("on") {
            on = Some(self.expr()?);
        }
        for word in ["in", "from", "to", "step"] {
            if self.eat_word(word) {
                self.expr()?;
            }
        }
        let by = if self.eat_word("by") { self.named_list()? } else { Vec::new() };
        Ok(Operator::MakeSeries { aggregates, on, by })
    }

    fn parse_operator(&mut self, filters: bool) -> Parse<Operator<'a>> {
        let regex = self.settings() == "regex";
        let subject = self.expr()?;
        self.expect_word("with")?;
        let mut pattern = Vec::new();
        while !self.at_stage_end() || self.is(Symbol::OpenBracket) {
            let token = self.token();
            match token.kind {
                Kind::Symbol(Symbol::Star) => {
                    self.step();
                    pattern.push(ParsePiece::Star);
                }
                Kind::String => {
                    self.step();
                    pattern.push(ParsePiece::Text(decode_string(token.text(self.text)).into_owned()));
                }
                Kind::Symbol(Symbol::Comma) => {
                    self.step();
                }
                _ => {
                    pattern.push(ParsePiece::Column(self.name("a column, a text or `*`")?));
                    if self.eat(Symbol::Colon) {
                        self.step();
                    }
                }
            }
        }
        Ok(Operator::Parse { subject, pattern, regex, filters })
    }

    fn parse_kv(&mut self) -> Parse<Operator<'a>> {
        let subject = self.expr()?;
        self.expect_word("as")?;
        let columns = self.schema()?;
        if self.eat_word("with") {
            self.skip_group()?;
        }
        Ok(Operator::ParseKv(subject, columns))
    }

    fn partition(&mut self) -> Parse<Operator<'a>> {
        self.settings();
        self.expect_word("by")?;
        self.name("a column")?;
        while self.eat(Symbol::Dot) {
            self.name("a member's name")?;
        }
        self.settings();
        if self.is(Symbol::OpenBrace) {
            self.skip_group()?;
            return Ok(Operator::Neutral("partition"));
        }
        Ok(Operator::Partition(self.stages_in_parentheses()?))
    }

    fn fork(&mut self) -> Parse<Operator<'a>> {
        let mut branches = Vec::new();
        if self.eat_word("by") {
            self.named_list()?;
            self.eat_word("with");
        }
        loop {
            if self.token().kind == Kind::Name && self.is_ahead(1, Symbol::Assign) {
                self.at += 2;
            }
            if !self.is(Symbol::OpenParen) {
                return Ok(Operator::Fork(branches));
            }
            branches.push(self.stages_in_parentheses()?);
        }
    }

    fn scan(&mut self) -> Parse<Operator<'a>> {
        self.settings();
        let columns = if self.eat_word("declare") { self.schema()? } else { Vec::new() };
        self.expect_word("with")?;
        self.open(Symbol::OpenParen, "`(`")?;
        let mut steps = Vec::new();
        while self.eat_word("step") {
            let name = self.name("a step's name")?;
            while !self.is(Symbol::Colon) && self.token().kind != Kind::End {
                self.step();
            }
            self.expect(Symbol::Colon, "`:`")?;
            let condition = self.expr()?;
            steps.push((name, condition));
            if self.eat(Symbol::Arrow) {
                self.named_list()?;
            }
            while self.eat(Symbol::Semicolon) {}
        }
        self.close(Symbol::CloseParen, "`)`")?;
        Ok(Operator::Scan { steps, columns })
    }
}
