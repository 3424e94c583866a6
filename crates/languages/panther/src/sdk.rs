//! Rules of Panther's Python SDKs: classes that derive from `Rule` (pypanther), and calls of `detection.Rule` with a list
//! of filters (panther_sdk, panther_config). Read and never run.
//!
//! A module may hold several. The query of each is the module without the others, so that what it shares with them (
//! imports, helpers, base classes) stands beside it. To be followed, the class is flattened: its header becomes a
//! statement that is always taken, `self.` is blanked, and what a derived class overrides goes by another name. Every
//! character stays in its place, so that places in the flattened text are places in the query.

mod mask;

use mask::{Mask, Names};
use ruff_python_ast::{self as ast, visitor::Visitor};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};
use ruleatlas_model::{Node, Span};
use ruleatlas_yaml::{Node as Tree, Style, Value};

use crate::python;

/// A module with more rules was not written by hand.
const MAX_RULES: usize = 1_000;
/// Base classes of base classes that are followed.
const MAX_BASES: usize = 9;
/// Values in values that are read.
const MAX_DEPTH: usize = 32;

/// A rule of an SDK module.
#[derive(Clone, Debug)]
pub struct SdkRule {
    /// The name of its class; of a call the text of its id.
    pub name: String,
    /// The module without its other rules.
    pub query: String,
    /// The one-based line that it begins on in the module.
    pub line: u32,
    /// What the class or the call gives a value, those of base classes included; what is computed is null.
    pub attributes: Tree<'static>,
    /// Whether it is a policy.
    pub is_policy: bool,
}

/// The rules of a module; none where it is no module of an SDK.
#[must_use]
pub fn sdk_rules(text: &str) -> Vec<SdkRule> {
    if !is_likely(text) {
        return Vec::new();
    }
    let Some(module) = parsed(text) else { return Vec::new() };
    let module = Module::of(text, &module);
    let all = module.rules();
    let line = |at: usize| text.get(..at).map_or(1, |head| head.matches('\n').count() + 1);
    let rule = |own: &Found<'_>| {
        // The other rules go, but for those that it is derived from.
        let kept: Vec<TextRange> = own.chain.iter().map(|class| class.range()).collect();
        let mut query = String::with_capacity(text.len());
        let mut from = 0;
        for other in &all {
            let range = other.range;
            if range == own.range || kept.contains(&range) || usize::from(range.start()) < from {
                continue;
            }
            query.push_str(text.get(from..range.start().into()).unwrap_or_default());
            from = range.end().into();
        }
        query.push_str(text.get(from..).unwrap_or_default());
        SdkRule {
            name: own.name.clone(),
            query,
            line: u32::try_from(line(own.range.start().into())).unwrap_or(u32::MAX),
            attributes: module.attributes(own),
            is_policy: own.is_policy,
        }
    };
    all.iter().take(MAX_RULES).map(rule).collect()
}

/// A module of a rule, flattened so that it can be followed from its function [`ENTRY`].
pub(crate) struct Flat {
    pub text: String,
    /// Lines behind the module's own text, and the place in it that each stands for.
    glue: Vec<(usize, Span)>,
    length: usize,
}

/// The function that a flattened module's rule is.
pub(crate) const ENTRY: &str = "panther_sdk_entry";

impl Flat {
    /// The flattened module of the last rule of a text: others in it are those that it is derived from.
    pub fn of(text: &str) -> Option<Self> {
        if !is_likely(text) {
            return None;
        }
        let parsed = parsed(text)?;
        let module = Module::of(text, &parsed);
        let rules = module.rules();
        let own = rules.last()?;
        match own.call {
            Some(call) => module.flat_call(call),
            None => module.flat_class(&own.chain),
        }
    }

    /// Gives what stands in the lines behind the module's text the place that it stands for.
    pub fn settle(&self, node: &mut Node, text: &str) {
        let place = |span: Span| {
            let start = span.start as usize;
            if start < self.length {
                return None;
            }
            self.glue.iter().rev().find(|(from, _)| *from <= start).map(|(_, place)| *place)
        };
        match node {
            Node::All(children) | Node::Any(children) => {
                children.iter_mut().for_each(|child| self.settle(child, text));
            }
            Node::Not(child) => self.settle(child, text),
            Node::Predicate(predicate) => {
                if let Some(place) = place(predicate.span) {
                    predicate.span = place;
                }
            }
            Node::Opaque(opaque) => {
                if let Some(place) = place(opaque.span) {
                    opaque.span = place;
                    place.of(text).unwrap_or_default().clone_into(&mut opaque.text);
                }
            }
        }
    }

    /// The place in the module's own text.
    pub fn place(&self, span: Span) -> Span {
        let start = span.start as usize;
        let found = self.glue.iter().rev().find(|(from, _)| *from <= start).map(|(_, place)| *place);
        if start < self.length { span } else { found.unwrap_or_default() }
    }
}

/// Whether a text speaks of an SDK at all: others are not parsed.
fn is_likely(text: &str) -> bool {
    ["pypanther", "panther_sdk", "panther_config"].iter().any(|name| text.contains(name))
        || (text.contains("(Rule)") && text.contains("class "))
}

fn parsed(text: &str) -> Option<ast::ModModule> {
    if python::too_deep(text).is_some() {
        return None;
    }
    match parse_unchecked(text, ParseOptions::from(Mode::Module)).into_syntax() {
        ast::Mod::Module(module) => Some(module),
        ast::Mod::Expression(_) => None,
    }
}

struct Module<'m> {
    text: &'m str,
    body: &'m [ast::Stmt],
    classes: Vec<&'m ast::StmtClassDef>,
    /// Names that come from an SDK.
    imported: Vec<&'m str>,
    imports_sdk: bool,
}

struct Found<'m> {
    name: String,
    range: TextRange,
    /// The class and those of the module that it is derived from, the most derived first; none of a call.
    chain: Vec<&'m ast::StmtClassDef>,
    call: Option<&'m ast::ExprCall>,
    is_policy: bool,
}

impl<'m> Module<'m> {
    fn of(text: &'m str, module: &'m ast::ModModule) -> Self {
        let body = &module.body;
        let mut imported = Vec::new();
        let mut imports_sdk = false;
        let is_sdk = |name: &str| {
            matches!(name.split('.').next(), Some("pypanther" | "panther_sdk" | "panther_config" | "panther_utils"))
        };
        for stmt in body.iter() {
            match stmt {
                ast::Stmt::ImportFrom(it) if it.module.as_deref().is_some_and(is_sdk) => {
                    imports_sdk = true;
                    imported.extend(it.names.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str()));
                }
                ast::Stmt::Import(it) => imports_sdk |= it.names.iter().any(|alias| is_sdk(&alias.name)),
                _ => {}
            }
        }
        let classes = body.iter().filter_map(ast::Stmt::as_class_def_stmt).collect();
        Self { text, body, classes, imported, imports_sdk }
    }

    /// The classes that a class is derived from, itself first, as far as they are in the module; and the names of the
    /// bases at the end of it, which are not.
    fn chain(&self, class: &'m ast::StmtClassDef) -> (Vec<&'m ast::StmtClassDef>, Vec<String>) {
        let mut chain = vec![class];
        let mut outside = Vec::new();
        let mut at = 0;
        while let Some(class) = chain.get(at).copied() {
            at += 1;
            for base in class.arguments.iter().flat_map(|arguments| arguments.args.iter()) {
                let Some(name) = last_name(base) else { continue };
                match self.classes.iter().find(|known| known.name.as_str() == name) {
                    Some(known) if chain.len() < MAX_BASES && !chain.iter().any(|seen| seen.range == known.range) => {
                        chain.push(known);
                    }
                    Some(_) => {}
                    None => outside.push(name.to_owned()),
                }
            }
        }
        (chain, outside)
    }

    /// The module's rules in its order: classes with an id of their own that are derived from what an SDK has, and calls.
    fn rules(&self) -> Vec<Found<'m>> {
        let mut found = Vec::new();
        for stmt in self.body {
            match stmt {
                ast::Stmt::ClassDef(class) => {
                    let (chain, outside) = self.chain(class);
                    let has_id = ["id", "rule_id", "policy_id"].iter().any(|name| assigned(class, name).is_some());
                    let is_base = |name: &String| {
                        let is_named = name.ends_with("Rule") || name.ends_with("Policy");
                        is_named || self.imported.contains(&name.as_str()) || self.imports_sdk
                    };
                    if has_id && outside.iter().any(is_base) {
                        let is_policy = outside.iter().any(|name| name.ends_with("Policy"));
                        found.push(Found {
                            name: class.name.to_string(),
                            range: class.range,
                            chain,
                            call: None,
                            is_policy,
                        });
                    }
                }
                ast::Stmt::Expr(it) => found.extend(self.call(stmt, &it.value)),
                ast::Stmt::Assign(it) => found.extend(self.call(stmt, &it.value)),
                _ => {}
            }
        }
        found
    }

    fn call(&self, stmt: &'m ast::Stmt, expr: &'m ast::Expr) -> Option<Found<'m>> {
        let call = expr.as_call_expr().filter(|_| self.imports_sdk)?;
        let function = last_name(&call.func)?;
        let id = ["rule_id", "policy_id"].iter().find_map(|name| keyword(call, name))?;
        if !(function.ends_with("Rule") || function.ends_with("Policy")) {
            return None;
        }
        let name = id.as_string_literal_expr().map(|text| text.value.to_str().to_owned()).unwrap_or_default();
        let is_policy = function.ends_with("Policy");
        Some(Found { name, range: stmt.range(), chain: Vec::new(), call: Some(call), is_policy })
    }

    /// What a rule gives a value.
    fn attributes(&self, own: &Found<'m>) -> Tree<'static> {
        let mut entries: Vec<(Tree<'static>, Tree<'static>)> = Vec::new();
        let mut add = |name: &str, value: &'m ast::Expr| {
            let line = self.line(value.range());
            if !entries.iter().any(|(known, _)| known.text() == Some(name)) {
                entries.push((scalar(name, Style::Quoted, line), self.value(value, 0)));
            }
        };
        for class in &own.chain {
            for stmt in &class.body {
                if let Some((name, value)) = assignment(stmt) {
                    add(name, value);
                }
            }
        }
        for keyword in own.call.iter().flat_map(|call| call.arguments.keywords.iter()) {
            if let Some(name) = &keyword.arg {
                add(name, &keyword.value);
            }
        }
        Tree { value: Value::Mapping(entries), start: 0, end: 0, line: self.line(own.range) }
    }

    fn line(&self, range: TextRange) -> u32 {
        Span::new(range.start().into(), range.start().into()).line(self.text)
    }

    /// A value without what is computed: texts, numbers, lists, dictionaries, members of an enumeration by their name,
    /// and constants of the module.
    fn value(&self, expr: &'m ast::Expr, depth: usize) -> Tree<'static> {
        let line = self.line(expr.range());
        let tree = |value| Tree { value, start: 0, end: 0, line };
        let unknown = || scalar("", Style::Plain, line);
        if depth > MAX_DEPTH {
            return unknown();
        }
        let list = |items: &'m [ast::Expr]| {
            let mut values = Vec::new();
            for item in items {
                match item {
                    ast::Expr::Starred(it) => {
                        let inner = self.value(&it.value, depth + 1);
                        values.extend(inner.items().unwrap_or_default().to_vec());
                    }
                    item => values.push(self.value(item, depth + 1)),
                }
            }
            tree(Value::Sequence(values))
        };
        match expr {
            ast::Expr::StringLiteral(it) => scalar(it.value.to_str(), Style::Quoted, line),
            ast::Expr::NumberLiteral(_) => scalar(self.text_of(expr.range()), Style::Plain, line),
            ast::Expr::BooleanLiteral(it) => scalar(if it.value { "true" } else { "false" }, Style::Plain, line),
            ast::Expr::Attribute(it) => scalar(&it.attr, Style::Quoted, line),
            ast::Expr::List(it) => list(&it.elts),
            ast::Expr::Tuple(it) => list(&it.elts),
            ast::Expr::Set(it) => list(&it.elts),
            ast::Expr::Dict(it) => {
                let entry = |item: &'m ast::DictItem| {
                    Some((self.value(item.key.as_ref()?, depth + 1), self.value(&item.value, depth + 1)))
                };
                tree(Value::Mapping(it.items.iter().filter_map(entry).collect()))
            }
            ast::Expr::BinOp(it) => {
                let sides = [&it.left, &it.right].map(|side| self.value(side, depth + 1));
                match sides.each_ref().map(|side| side.items().map(<[_]>::to_vec)) {
                    [None, None] => unknown(),
                    sides => tree(Value::Sequence(sides.into_iter().flatten().flatten().collect())),
                }
            }
            ast::Expr::Name(it) => {
                let constant = self.body.iter().filter_map(assignment).find(|(name, _)| *name == it.id.as_str());
                // A constant that names itself is bounded by the depth.
                constant.map_or_else(unknown, |(_, value)| self.value(value, depth + 8))
            }
            // A severity may be an object: `detection.SeverityHigh()`.
            ast::Expr::Call(it) if it.arguments.is_empty() => {
                last_name(&it.func).map_or_else(unknown, |name| scalar(name, Style::Quoted, line))
            }
            _ => unknown(),
        }
    }

    fn text_of(&self, range: TextRange) -> &'m str {
        self.text.get(usize::from(range.start())..usize::from(range.end())).unwrap_or_default()
    }

    fn flat_class(&self, chain: &[&'m ast::StmtClassDef]) -> Option<Flat> {
        let mut mask = Mask { bytes: self.text.as_bytes().to_vec(), text: self.text };
        let own = chain.first()?;
        for (level, class) in chain.iter().enumerate() {
            mask.header(class);
            for stmt in &class.body {
                let Some(function) = stmt.as_function_def_stmt() else { continue };
                let is_overridden = chain.iter().take(level).any(|derived| method(derived, &function.name).is_some());
                if is_overridden {
                    mask.rename(function.name.range(), level);
                }
                for decorator in &function.decorator_list {
                    if matches!(last_name(&decorator.expression), Some("staticmethod" | "classmethod" | "override")) {
                        mask.blank(decorator.range());
                    }
                }
                let first = function.parameters.iter_non_variadic_params().next();
                let of_self = first
                    .map(|parameter| parameter.parameter.name.as_str())
                    .filter(|name| matches!(*name, "self" | "cls"));
                if let (Some(first), Some(_)) = (first, of_self) {
                    mask.parameter(first.range());
                }
                let classes: Vec<&str> = chain.iter().map(|class| class.name.as_str()).collect();
                let mut names = Names { mask: &mut mask, own: of_self, classes, chain, level };
                names.visit_body(&function.body);
            }
        }
        let text = String::from_utf8(mask.bytes).ok()?;
        let has = |name: &str| chain.iter().any(|class| assigned(class, name).is_some());
        let name = Span::new(own.name.range().start().into(), own.name.range().end().into());
        let mut flat = Flat { length: text.len(), text, glue: Vec::new() };
        flat.text.push_str(&format!("\n\ndef {ENTRY}(event):\n"));
        let rule = match chain.iter().any(|class| method(class, "rule").is_some()) {
            true => "rule",
            false if chain.iter().any(|class| method(class, "policy").is_some()) => "policy",
            false => return None,
        };
        flat.line(name, &format!("    if not {rule}(event): return False"));
        for (list, test) in [("include_filters", "not check(event)"), ("exclude_filters", "check(event)")] {
            if has(list) {
                let place =
                    chain.iter().find_map(|class| assigned(class, list)).map_or(name, |value| span(value.range()));
                flat.line(place, &format!("    for check in {list}:"));
                flat.line(place, &format!("        if {test}: return False"));
            }
        }
        flat.line(name, "    return True");
        Some(flat)
    }

    /// A call's filters as conditions that all must hold.
    fn flat_call(&self, call: &'m ast::ExprCall) -> Option<Flat> {
        let text = self.text.to_owned();
        let mut flat = Flat { length: text.len(), text, glue: Vec::new() };
        flat.text.push_str(&format!("\n\ndef {ENTRY}(event):\n"));
        let filters = keyword(call, "filters")?;
        let filters: &[ast::Expr] = match filters {
            ast::Expr::List(it) => &it.elts,
            ast::Expr::Tuple(it) => &it.elts,
            one => std::slice::from_ref(one),
        };
        for filter in filters {
            let condition = self.filter(filter).unwrap_or_else(|| self.text_of(filter.range()).replace('\n', " "));
            flat.line(span(filter.range()), &format!("    if not ({condition}): return False"));
        }
        flat.line(span(call.range()), "    return True");
        Some(flat)
    }

    /// What a filter of `panther_utils` asks of an event, as Python; `None` where it is another.
    fn filter(&self, filter: &'m ast::Expr) -> Option<String> {
        let call = filter.as_call_expr()?;
        let argument = |at: usize, name: &str| {
            let value = keyword(call, name).or_else(|| call.arguments.args.get(at))?;
            Some(self.text_of(value.range()).replace('\n', " "))
        };
        let field = || {
            let path = keyword(call, "path").or_else(|| call.arguments.args.first())?.as_string_literal_expr()?;
            let keys: Option<Vec<String>> = path.value.to_str().split('.').map(quoted).collect();
            Some(format!("event.deep_get({})", keys?.join(", ")))
        };
        Some(match last_name(&call.func)? {
            "deep_equal" => format!("{} == {}", field()?, argument(1, "value")?),
            "deep_not_equal" => format!("{} != {}", field()?, argument(1, "value")?),
            "deep_in" => format!("{} in {}", field()?, argument(1, "value")?),
            "deep_not_in" => format!("{} not in {}", field()?, argument(1, "value")?),
            "deep_exists" => format!("{} is not None", field()?),
            "deep_not_exists" => format!("{} is None", field()?),
            "deep_less_than" => format!("{} < {}", field()?, argument(1, "value")?),
            "deep_less_than_or_equal" => format!("{} <= {}", field()?, argument(1, "value")?),
            "deep_greater_than" => format!("{} > {}", field()?, argument(1, "value")?),
            "deep_greater_than_or_equal" => format!("{} >= {}", field()?, argument(1, "value")?),
            "PythonFilter" => format!("({})(event)", argument(0, "func")?),
            _ => return None,
        })
    }
}

impl Flat {
    fn line(&mut self, place: Span, line: &str) {
        self.glue.push((self.text.len(), place));
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// A key as a Python text; `None` for one that none has.
fn quoted(key: &str) -> Option<String> {
    let is_plain = !key.is_empty() && !key.contains(['"', '\\']) && !key.contains(char::is_control);
    is_plain.then(|| format!("\"{key}\""))
}

fn span(range: TextRange) -> Span {
    Span::new(range.start().into(), range.end().into())
}

fn scalar(text: &str, style: Style, line: u32) -> Tree<'static> {
    Tree { value: Value::Scalar(text.to_owned().into(), style), start: 0, end: 0, line }
}

/// The last part of a dotted name; of a subscript (`Rule[T]`) that of what is subscripted.
fn last_name(expr: &ast::Expr) -> Option<&str> {
    match expr {
        ast::Expr::Name(it) => Some(&it.id),
        ast::Expr::Attribute(it) => Some(&it.attr),
        ast::Expr::Subscript(it) => match it.value.as_ref() {
            ast::Expr::Name(it) => Some(&it.id),
            ast::Expr::Attribute(it) => Some(&it.attr),
            _ => None,
        },
        _ => None,
    }
}

/// The name and value of a plain assignment.
fn assignment(stmt: &ast::Stmt) -> Option<(&str, &ast::Expr)> {
    match stmt {
        ast::Stmt::Assign(it) => match it.targets.as_slice() {
            [ast::Expr::Name(name)] => Some((&name.id, &it.value)),
            _ => None,
        },
        ast::Stmt::AnnAssign(it) => Some((&it.target.as_name_expr()?.id, it.value.as_deref()?)),
        _ => None,
    }
}

fn assigned<'m>(class: &'m ast::StmtClassDef, name: &str) -> Option<&'m ast::Expr> {
    class.body.iter().filter_map(assignment).find(|(known, _)| *known == name).map(|(_, value)| value)
}

fn method<'m>(class: &'m ast::StmtClassDef, name: &str) -> Option<&'m ast::StmtFunctionDef> {
    class.body.iter().filter_map(ast::Stmt::as_function_def_stmt).find(|function| function.name.as_str() == name)
}

fn keyword<'m>(call: &'m ast::ExprCall, name: &str) -> Option<&'m ast::Expr> {
    let keywords = &call.arguments.keywords;
    keywords.iter().find(|keyword| keyword.arg.as_deref() == Some(name)).map(|keyword| &keyword.value)
}
