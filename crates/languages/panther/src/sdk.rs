//! Rules of Panther's Python SDKs: classes that derive from `Rule` (pypanther), and calls of `detection.Rule` with a list
//! of filters (panther_sdk, panther_config). Read and never run.
//!
//! A module may hold several. The query of each is the module without the others, so that what it shares with them (
//! imports, helpers, base classes) stands beside it. To be followed, the class is flattened: its header becomes a
//! statement that is always taken, `self.` is blanked, and what a derived class overrides goes by another name. Every
//! character stays in its place, so that places in the flattened text are places in the query.

mod class;
mod mask;

use std::cell::Cell;

use class::{Class, assignment};
use mask::{Mask, Names};
use ruff_python_ast::{self as ast, visitor::Visitor};
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};
use ruff_text_size::{Ranged, TextRange};
use ruleatlas_model::{Node, Span};
use ruleatlas_yaml::{Node as Tree, Style, Value};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::python;

/// Bytes that a value counts as.
const BYTES_PER_VALUE: usize = 64;
/// Base classes of base classes that are followed.
const MAX_BASES: usize = 9;
/// Base classes that a class may name.
const MAX_NAMED_BASES: usize = 64;
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

/// The rules of a module.
#[derive(Clone, Debug, Default)]
pub struct SdkModule {
    /// In the module's order.
    pub rules: Vec<SdkRule>,
    /// How many more the module has, which together are more than is read.
    pub left_out: usize,
}

impl SdkModule {
    /// Rules that are read of a module.
    pub const MAX_RULES: usize = 1_000;
    /// Bytes that the rules of a module may come to: each holds what the module has besides rules, and what its class
    /// and the classes that it is derived from give a value.
    pub const MAX_BYTES: usize = 64 << 20;
}

/// The rules of a module; none where it is no module of an SDK.
#[must_use]
pub fn sdk_rules(text: &str) -> SdkModule {
    if !is_likely(text) {
        return SdkModule::default();
    }
    let Some(module) = parsed(text) else { return SdkModule::default() };
    let module = Module::of(text, &module);
    let all = module.rules();
    // The module without its rules, and where in it each of them stood.
    let mut shared = String::with_capacity(text.len());
    let mut places = FxHashMap::default();
    let mut from = 0;
    for rule in &all {
        let (start, end) = (usize::from(rule.range.start()), usize::from(rule.range.end()));
        shared.push_str(text.get(from..start).unwrap_or_default());
        places.entry(rule.range).or_insert(shared.len());
        from = from.max(end);
    }
    shared.push_str(text.get(from..).unwrap_or_default());
    let mut rules = Vec::new();
    for own in all.iter().take(SdkModule::MAX_RULES) {
        // The other rules go, but for those that it is derived from.
        let ranges = own.chain.iter().map(|class| class.def.range).chain([own.range]);
        let mut kept: Vec<_> = ranges.filter_map(|range| Some((*places.get(&range)?, range))).collect();
        kept.sort_unstable_by_key(|(_, range)| range.start());
        kept.dedup();
        let mut query = String::with_capacity(shared.len());
        let mut from = 0;
        for (place, range) in kept {
            query.push_str(shared.get(from..place).unwrap_or_default());
            query.push_str(module.text_of(range));
            from = place;
        }
        query.push_str(shared.get(from..).unwrap_or_default());
        module.spend(query.len());
        let attributes = module.attributes(own);
        if module.is_spent() && !rules.is_empty() {
            break;
        }
        let (name, line) = (own.name.clone(), module.line(own.range));
        rules.push(SdkRule { name, query, line, attributes, is_policy: own.is_policy });
    }
    let left_out = all.len() - rules.len();
    SdkModule { rules, left_out }
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
    /// The classes in their order.
    classes: Vec<Class<'m>>,
    /// The first class of each name.
    by_name: FxHashMap<&'m str, usize>,
    /// What the module gives a value, the first of each name.
    constants: FxHashMap<&'m str, &'m ast::Expr>,
    /// Names that come from an SDK.
    imported: FxHashSet<&'m str>,
    imports_sdk: bool,
    /// Where lines begin.
    lines: Vec<usize>,
    /// Bytes that rules may still come to.
    left: Cell<usize>,
}

struct Found<'c, 'm> {
    name: String,
    range: TextRange,
    /// The class and those of the module that it is derived from, the most derived first; none of a call.
    chain: Vec<&'c Class<'m>>,
    call: Option<&'m ast::ExprCall>,
    is_policy: bool,
}

impl<'m> Module<'m> {
    fn of(text: &'m str, module: &'m ast::ModModule) -> Self {
        let body = &module.body;
        let mut imported = FxHashSet::default();
        let mut imports_sdk = false;
        let is_sdk = |name: &str| {
            matches!(name.split('.').next(), Some("pypanther" | "panther_sdk" | "panther_config" | "panther_utils"))
        };
        let mut classes = Vec::new();
        let mut by_name = FxHashMap::default();
        let mut constants = FxHashMap::default();
        for stmt in body.iter() {
            match stmt {
                ast::Stmt::ImportFrom(it) if it.module.as_deref().is_some_and(is_sdk) => {
                    imports_sdk = true;
                    imported.extend(it.names.iter().map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).as_str()));
                }
                ast::Stmt::Import(it) => imports_sdk |= it.names.iter().any(|alias| is_sdk(&alias.name)),
                ast::Stmt::ClassDef(class) => {
                    by_name.entry(class.name.as_str()).or_insert(classes.len());
                    classes.push(Class::of(class));
                }
                stmt => {
                    if let Some((name, value)) = assignment(stmt) {
                        constants.entry(name).or_insert(value);
                    }
                }
            }
        }
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let left = Cell::new(SdkModule::MAX_BYTES);
        Self { text, body, classes, by_name, constants, imported, imports_sdk, lines, left }
    }

    /// Takes bytes from what rules may still come to; `false` where there are not as many.
    fn spend(&self, bytes: usize) -> bool {
        let left = self.left.get().checked_sub(bytes);
        self.left.set(left.unwrap_or_default());
        left.is_some()
    }

    fn is_spent(&self) -> bool {
        self.left.get() == 0
    }

    /// The classes that a class is derived from, itself first, as far as they are in the module; and the names of the
    /// bases at the end of it, which are not.
    fn chain<'c>(&'c self, class: &'c Class<'m>) -> (Vec<&'c Class<'m>>, Vec<&'m str>) {
        let mut chain = vec![class];
        let mut outside = Vec::new();
        let mut at = 0;
        while let Some(class) = chain.get(at).copied() {
            at += 1;
            for base in class.def.arguments.iter().flat_map(|arguments| &arguments.args).take(MAX_NAMED_BASES) {
                let Some(name) = last_name(base) else { continue };
                match self.by_name.get(name).and_then(|at| self.classes.get(*at)) {
                    Some(known)
                        if chain.len() < MAX_BASES && !chain.iter().any(|seen| seen.def.range == known.def.range) =>
                    {
                        chain.push(known);
                    }
                    Some(_) => {}
                    None => outside.push(name),
                }
            }
        }
        (chain, outside)
    }

    /// The module's rules in its order: classes with an id of their own that are derived from what an SDK has, and calls.
    fn rules(&self) -> Vec<Found<'_, 'm>> {
        let mut found = Vec::new();
        let mut classes = self.classes.iter();
        for stmt in self.body {
            match stmt {
                ast::Stmt::ClassDef(_) => found.extend(classes.next().and_then(|class| self.class(class))),
                ast::Stmt::Expr(it) => found.extend(self.call(stmt, &it.value)),
                ast::Stmt::Assign(it) => found.extend(self.call(stmt, &it.value)),
                _ => {}
            }
        }
        found
    }

    fn class<'c>(&'c self, class: &'c Class<'m>) -> Option<Found<'c, 'm>> {
        if !["id", "rule_id", "policy_id"].iter().any(|name| class.values.contains_key(name)) {
            return None;
        }
        let (chain, outside) = self.chain(class);
        let is_base = |name: &&str| {
            let is_named = name.ends_with("Rule") || name.ends_with("Policy");
            is_named || self.imported.contains(name) || self.imports_sdk
        };
        outside.iter().any(is_base).then(|| Found {
            name: class.def.name.to_string(),
            range: class.def.range,
            chain,
            call: None,
            is_policy: outside.iter().any(|name| name.ends_with("Policy")),
        })
    }

    fn call(&self, stmt: &'m ast::Stmt, expr: &'m ast::Expr) -> Option<Found<'_, 'm>> {
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
    fn attributes(&self, own: &Found<'_, 'm>) -> Tree<'static> {
        let mut entries: Vec<(Tree<'static>, Tree<'static>)> = Vec::new();
        let mut known = FxHashSet::default();
        let assigned = own.chain.iter().flat_map(|class| class.def.body.iter().filter_map(assignment));
        let keywords = own.call.iter().flat_map(|call| call.arguments.keywords.iter());
        let given = keywords.filter_map(|keyword| Some((keyword.arg.as_ref()?.as_str(), &keyword.value)));
        for (name, value) in assigned.chain(given) {
            if self.is_spent() {
                break;
            }
            if known.insert(name) {
                let line = self.line(value.range());
                entries.push((scalar(name, Style::Quoted, line), self.value(value, 0)));
            }
        }
        Tree { value: Value::Mapping(entries), start: 0, end: 0, line: self.line(own.range) }
    }

    fn line(&self, range: TextRange) -> u32 {
        let line = self.lines.partition_point(|start| *start <= usize::from(range.start()));
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    /// A value without what is computed: texts, numbers, lists, dictionaries, members of an enumeration by their name,
    /// and constants of the module.
    fn value(&self, expr: &'m ast::Expr, depth: usize) -> Tree<'static> {
        let line = self.line(expr.range());
        let tree = |value| Tree { value, start: 0, end: 0, line };
        let unknown = || scalar("", Style::Plain, line);
        if depth > MAX_DEPTH || !self.spend(BYTES_PER_VALUE) {
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
            ast::Expr::StringLiteral(it) if self.spend(it.value.len()) => {
                scalar(it.value.to_str(), Style::Quoted, line)
            }
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
                // A constant that names itself is bounded by the depth.
                self.constants.get(it.id.as_str()).map_or_else(unknown, |value| self.value(value, depth + 8))
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

    fn flat_class(&self, chain: &[&Class<'m>]) -> Option<Flat> {
        let mut mask = Mask { bytes: self.text.as_bytes().to_vec(), text: self.text };
        let own = chain.first()?;
        let classes: Vec<&str> = chain.iter().map(|class| class.def.name.as_str()).collect();
        for (level, class) in chain.iter().enumerate() {
            mask.header(class.def);
            for stmt in &class.def.body {
                let Some(function) = stmt.as_function_def_stmt() else { continue };
                let name = function.name.as_str();
                let is_overridden = chain.iter().take(level).any(|derived| derived.methods.contains(name));
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
                let mut names = Names { mask: &mut mask, own: of_self, classes: &classes, chain, level };
                names.visit_body(&function.body);
            }
        }
        let text = String::from_utf8(mask.bytes).ok()?;
        let has = |name: &str| chain.iter().any(|class| class.values.contains_key(name));
        let name = &own.def.name;
        let name = Span::new(name.range().start().into(), name.range().end().into());
        let mut flat = Flat { length: text.len(), text, glue: Vec::new() };
        flat.text.push_str(&format!("\n\ndef {ENTRY}(event):\n"));
        let rule = match chain.iter().any(|class| class.methods.contains("rule")) {
            true => "rule",
            false if chain.iter().any(|class| class.methods.contains("policy")) => "policy",
            false => return None,
        };
        flat.line(name, &format!("    if not {rule}(event): return False"));
        for (list, test) in [("include_filters", "not check(event)"), ("exclude_filters", "check(event)")] {
            if has(list) {
                let place =
                    chain.iter().find_map(|class| class.values.get(list)).map_or(name, |value| span(value.range()));
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

fn keyword<'m>(call: &'m ast::ExprCall, name: &str) -> Option<&'m ast::Expr> {
    let keywords = &call.arguments.keywords;
    keywords.iter().find(|keyword| keyword.arg.as_deref() == Some(name)).map(|keyword| &keyword.value)
}
