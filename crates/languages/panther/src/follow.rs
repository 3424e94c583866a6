//! The state of following a rule through its module: names, calls, and how much may still be spent on it.

use std::sync::Arc;

use ruleatlas_core::{BUDGET, Context, clip};
use ruleatlas_model::{Diagnostic, Node, Span};
use rustc_hash::FxHashMap;

use crate::{
    module::{self, Module},
    nodes,
    syntax::{Argument, Expr, Function, Kind, StmtKind, Text},
    value::{Absent, Closure, Env, Field, Item, Value},
};

/// Calls within calls that are followed.
const MAX_CALLS: u32 = 10;
/// Expressions in expressions that are followed.
const MAX_DEPTH: u32 = 72;
/// Steps, comparisons and nodes that one rule may cost.
const FUEL: u32 = 150_000;
/// How long the text of an opaque part may be, in bytes.
const MAX_OPAQUE: usize = 4 << 10;
/// Diagnostics of one rule.
const MAX_DIAGNOSTICS: usize = 50;

/// What is said of a comparison that cannot be decided from the event.
const UNDECIDED: &str = "comparison of something computed";

/// The code of a note: a list that the rule goes through or looks into holds nothing.
pub(crate) const EMPTY_LIST: &str = "list is empty";

/// Follows one rule.
pub(crate) struct Follow<'a> {
    pub text: &'a str,
    pub context: &'a dyn Context,
    pub diagnostics: Vec<Diagnostic>,
    /// The rule's own module.
    root: Arc<Module>,
    modules: FxHashMap<Text, Option<Arc<Module>>>,
    /// Globals as functions changed them, by the module's address.
    pub globals: FxHashMap<(usize, Text), Value>,
    /// The place in the rule's text that calls into another module.
    called_at: Option<Span>,
    /// How many bodies of `try` the current expression is in.
    pub tries: u32,
    /// What the current statement raises in a `try`: the class, and the condition.
    pub thrown: Vec<(Text, Node)>,
    /// The conditions under which the current part of an expression is reached.
    pub guards: Vec<Node>,
    /// The conditions of exceptions: what they lead to may say the same.
    pub exceptions: Vec<Node>,
    fuel: u32,
    calls: u32,
    depth: u32,
}

/// The names a running function sees.
pub(crate) struct Frame {
    pub module: Arc<Module>,
    pub env: Env,
    pub global_names: Vec<Text>,
    /// The conditions under which the current statement is reached, since the innermost loop's body or the function
    /// began.
    pub path: Vec<Node>,
    /// The names as they were when the innermost loop was left or its next round begun, with the condition.
    pub breaks: Vec<(Node, Env)>,
    pub continues: Vec<(Node, Env)>,
    /// The same where an exception was raised in the innermost `try`, with the exception's class.
    pub throws: Vec<(Text, Node, Env)>,
    /// How deep statements of `try` stand in each other.
    pub attempts: u8,
    /// The class of the exception that is being handled.
    pub handled: Option<Text>,
}

impl Frame {
    pub fn new(module: Arc<Module>, env: Env) -> Self {
        Self {
            module,
            env,
            global_names: Vec::new(),
            path: Vec::new(),
            breaks: Vec::new(),
            continues: Vec::new(),
            throws: Vec::new(),
            attempts: 0,
            handled: None,
        }
    }
}

/// Values of a call's arguments.
#[derive(Default)]
pub(crate) struct Arguments {
    pub positional: Vec<Value>,
    pub named: Vec<(Text, Value)>,
}

impl Arguments {
    /// The argument at a place, or of a name.
    pub fn get(&self, at: usize, name: &str) -> Option<&Value> {
        self.positional.get(at).or_else(|| self.named.iter().find(|(key, _)| &**key == name).map(|(_, value)| value))
    }
}

impl<'a> Follow<'a> {
    pub fn new(text: &'a str, context: &'a dyn Context, root: Arc<Module>) -> Self {
        Self {
            text,
            context,
            diagnostics: Vec::new(),
            root,
            modules: FxHashMap::default(),
            globals: FxHashMap::default(),
            called_at: None,
            tries: 0,
            thrown: Vec::new(),
            guards: Vec::new(),
            exceptions: Vec::new(),
            fuel: FUEL,
            calls: 0,
            depth: 0,
        }
    }

    pub fn spend(&mut self, amount: u32) {
        self.fuel = self.fuel.saturating_sub(amount);
    }

    pub fn spend_nodes(&mut self, node: &Node) {
        // Counted to the end: what is copied again and again grows beyond any smaller bound.
        let cost = nodes::size(node, self.fuel as usize);
        self.spend(u32::try_from(cost).unwrap_or(u32::MAX));
    }

    /// What was spent so far.
    pub fn spent(&self) -> usize {
        (FUEL - self.fuel) as usize
    }

    pub fn is_spent(&self) -> bool {
        self.fuel == 0
    }

    /// A place of the current module, as one in the rule's own text.
    pub fn place(&self, span: Span) -> Span {
        self.called_at.unwrap_or(span)
    }

    /// The rule's text at a place.
    pub fn text_at(&self, span: Span) -> &'a str {
        self.place(span).of(self.text).unwrap_or_default()
    }

    pub fn opaque(&mut self, reason: &'static str, span: Span) -> Node {
        self.spend(1);
        let place = self.place(span);
        let text = place.of(self.text).unwrap_or_default();
        self.spend(u32::try_from(text.len() / 64).unwrap_or(u32::MAX));
        let said = self.diagnostics.iter().any(|earlier| earlier.code == reason && earlier.span == Some(place));
        if !said && self.diagnostics.len() < MAX_DIAGNOSTICS {
            let message = format!("`{}` is kept as it stands: {reason}.", shorten(text));
            self.diagnostics.push(Diagnostic::warning(reason, message).at(place));
        }
        Node::opaque(clip(text, MAX_OPAQUE), reason, place)
    }

    /// Says of every opaque part of a condition that it is one, where that was not said.
    pub fn say_opaque(&mut self, node: &Node) {
        for part in node.opaques() {
            let code = part.reason.as_str();
            let said = self.diagnostics.iter().any(|earlier| earlier.code == code && earlier.span == Some(part.span));
            if !said && self.diagnostics.len() < MAX_DIAGNOSTICS {
                let message = format!("`{}` is kept as it stands: {code}.", shorten(&part.text));
                let mut said = Diagnostic::warning("", message).at(part.span);
                said.code = code.to_owned().into();
                self.diagnostics.push(said);
            }
        }
    }

    /// A comparison of something computed, which cannot be decided from the event.
    pub fn undecided(&mut self, span: Span) {
        let code = UNDECIDED;
        let place = self.place(span);
        let said = self.diagnostics.iter().any(|earlier| earlier.code == code && earlier.span == Some(place));
        if !said && self.diagnostics.len() < MAX_DIAGNOSTICS {
            let text = place.of(self.text).unwrap_or_default();
            let message =
                format!("`{}` compares something computed; what it says of an event is not known.", shorten(text));
            self.diagnostics.push(Diagnostic::error(code, message).at(place));
        }
    }

    /// Takes back what was said of comparisons that the condition does not have in the end.
    pub fn forget_undecided(&mut self, node: &Node) {
        self.diagnostics.retain(|said| {
            said.code != UNDECIDED || node.predicates().any(|part| part.computed && Some(part.span) == said.span)
        });
    }

    /// Something that is read a little differently from what it says.
    pub fn note(&mut self, code: &'static str, span: Span) {
        let place = self.place(span);
        let said = self.diagnostics.iter().any(|earlier| earlier.code == code && earlier.span == Some(place));
        if !said && self.diagnostics.len() < MAX_DIAGNOSTICS {
            let text = place.of(self.text).unwrap_or_default();
            self.diagnostics.push(Diagnostic::note(code, format!("`{}`: {code}.", shorten(text))).at(place));
        }
    }

    /// Says that there is nothing to go through, unless that is said of a part of it.
    pub fn note_empty(&mut self, is_empty: bool, span: Span) {
        let place = self.place(span);
        let is_within = |known: Span| place.start <= known.start && known.end <= place.end;
        let said = |earlier: &Diagnostic| earlier.code == EMPTY_LIST && earlier.span.is_some_and(is_within);
        if is_empty && !self.diagnostics.iter().any(said) {
            self.note(EMPTY_LIST, span);
        }
    }

    /// What an expression is that raises an exception: nothing, as the rule ends there without an alert. Mostly it
    /// stands where a condition before it has seen to it that it is not reached.
    pub fn raised(&mut self, span: Span) -> Value {
        self.note("exception ends the rule", span);
        Value::None
    }

    pub fn unknown(&mut self, reason: &'static str, span: Span) -> Value {
        let place = self.place(span);
        Value::unknown(reason, place.of(self.text).unwrap_or_default(), place)
    }

    /// One level deeper, unless that is too deep; [`leave`](Self::leave) leads back.
    pub fn enter(&mut self) -> bool {
        let fits = self.depth < MAX_DEPTH;
        self.depth += u32::from(fits);
        fits
    }

    pub fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Runs `work` one level deeper, unless that is too deep or too much.
    pub fn deeper(&mut self, span: Span, work: impl FnOnce(&mut Self) -> Value) -> Value {
        if self.depth >= MAX_DEPTH {
            return self.unknown("nesting is too deep", span);
        }
        if self.is_spent() {
            return self.unknown(BUDGET, span);
        }
        self.depth += 1;
        let value = work(self);
        self.depth -= 1;
        value
    }

    /// The condition that an element of a list is there and `test` holds for it. Where `test` could hold without the
    /// list, the list's presence is asked for.
    pub fn exists(&mut self, item: &Item, test: Node, span: Span) -> Node {
        let node = Node::all([item.guard.clone(), test]);
        match &item.over {
            Some(list) => self.some_element(list, node, span),
            None => node,
        }
    }

    pub fn some_element(&mut self, list: &Field, node: Node, span: Span) -> Node {
        if asks_one_element(&node, &list.path, false) {
            self.note("one element of a list has to meet several checks", span);
        }
        if node.as_constant() == Some(false) || needs_presence(&node, &list.path) == Some(false) {
            return node;
        }
        Node::all([self.present(&list.path, span), node])
    }

    /// A module of the checkout.
    pub fn module(&mut self, name: &Text) -> Option<Arc<Module>> {
        if let Some(known) = self.modules.get(name) {
            return known.clone();
        }
        let found = self.context.module(name).map(module::kept);
        self.modules.insert(name.clone(), found.clone());
        found
    }

    /// What a name stands for.
    pub fn name(&mut self, name: &Text, frame: &Frame, span: Span) -> Value {
        if !frame.global_names.contains(name)
            && let Some(value) = frame.env.get(name)
        {
            return value.clone();
        }
        let module = frame.module.clone();
        self.global(&module, name, span).unwrap_or_else(|| Value::Name(name.clone()))
    }

    /// A module's global.
    pub fn global(&mut self, module: &Arc<Module>, name: &Text, span: Span) -> Option<Value> {
        let key = (Arc::as_ptr(module) as usize, name.clone());
        if let Some(value) = self.globals.get(&key) {
            return Some(value.clone());
        }
        if let Some(function) = module.functions.get(name) {
            let closure = Closure { function: function.clone(), module: module.clone(), captured: Env::default() };
            return Some(Value::Function(closure.into()));
        }
        if let Some(stmts) = module.globals.get(name) {
            // While it is worked out, it is not known: a global that refers to itself ends here.
            let pending = self.unknown("global refers to itself", span);
            self.globals.insert(key.clone(), pending);
            let value = self.deeper(span, |this| this.global_value(module, name, stmts, span));
            self.globals.insert(key, value.clone());
            return Some(value);
        }
        if module.classes.contains(name) {
            return Some(self.unknown("class is not followed", span));
        }
        if let Some((origin, member)) = module.imports.get(name) {
            return Some(match member {
                None => Value::Name(origin.clone()),
                Some(member) => self.deeper(span, |this| this.member(origin, member, span)),
            });
        }
        for star in &module.stars {
            if let Some(origin) = self.module(star)
                && (origin.functions.contains_key(name) || origin.globals.contains_key(name))
            {
                return Some(self.deeper(span, |this| {
                    this.global(&origin, name, span).unwrap_or_else(|| Value::Name(name.clone()))
                }));
            }
        }
        None
    }

    fn global_value(&mut self, module: &Arc<Module>, name: &Text, stmts: &[crate::syntax::Stmt], span: Span) -> Value {
        let mut frame = Frame::new(module.clone(), Env::default());
        let (outside, depth) = (self.called_at, self.calls);
        if !Arc::ptr_eq(module, &self.root) && self.called_at.is_none() {
            self.called_at = Some(span);
        }
        for stmt in stmts {
            // Each statement sees the global as those before it left it, and the others as they end up.
            if let StmtKind::Assign(..) | StmtKind::Augment(..) | StmtKind::Expr(_) = &stmt.kind {
                self.statement(stmt, &mut frame);
            }
        }
        (self.called_at, self.calls) = (outside, depth);
        match frame.env.remove(name) {
            Some(value) => value,
            None => self.unknown("global is not known", span),
        }
    }

    /// A member of a module, by import or by attribute.
    pub fn member(&mut self, module: &Text, name: &Text, span: Span) -> Value {
        let full = Text::from(format!("{module}.{name}"));
        if crate::calls::is_known(&full) {
            return Value::Name(full);
        }
        match self.module(module) {
            Some(found) => self.global(&found, name, span).unwrap_or(Value::Name(full)),
            None => Value::Name(full),
        }
    }

    /// Calls a function of the available modules.
    pub fn call_function(&mut self, closure: &Closure, arguments: Arguments, span: Span) -> Value {
        let function = &closure.function;
        if function.special {
            return self.unknown("function is decorated or no plain function", span);
        }
        if self.calls >= MAX_CALLS {
            return self.unknown("calls are nested too deep", span);
        }
        let mut env = closure.captured.clone();
        self.bind_parameters(function, closure, arguments, &mut env, span);
        let mut frame = Frame::new(closure.module.clone(), env);
        let outside = self.called_at;
        if !Arc::ptr_eq(&closure.module, &self.root) && self.called_at.is_none() {
            self.called_at = Some(span);
        }
        self.calls += 1;
        // What leads to the call is no part of what happens in it.
        let guards = std::mem::take(&mut self.guards);
        let mut thrown = Vec::new();
        let value = self.deeper(span, |this| {
            let flow = this.block(&function.body, &mut frame);
            if this.tries > 0 {
                thrown = this.thrown_by(&flow);
            }
            this.result(&flow, span)
        });
        self.guards = guards;
        self.calls -= 1;
        for (class, condition) in thrown {
            self.throw_as_written(&class, condition);
        }
        self.called_at = outside;
        value
    }

    fn bind_parameters(
        &mut self,
        function: &Function,
        closure: &Closure,
        arguments: Arguments,
        env: &mut Env,
        span: Span,
    ) {
        let mut positional = arguments.positional.into_iter();
        let mut named = arguments.named;
        for parameter in &function.parameters {
            let by_name = named.iter().position(|(name, _)| *name == parameter.name);
            let value = match (positional.next(), by_name, &parameter.default) {
                (Some(value), ..) => value,
                (None, Some(at), _) => named.swap_remove(at).1,
                (None, None, Some(default)) => {
                    let mut frame = Frame::new(closure.module.clone(), Env::default());
                    self.expr(default, &mut frame)
                }
                (None, None, None) => self.unknown("argument is missing", span),
            };
            env.insert(parameter.name.clone(), value);
        }
        if let Some(rest) = &function.rest {
            env.insert(rest.clone(), Value::list(crate::syntax::Shape::Tuple, positional));
        }
        if let Some(keywords) = &function.keywords {
            let entries = named.into_iter().map(|(name, value)| (Value::Text(name), value)).collect();
            env.insert(keywords.clone(), Value::Dict(std::rc::Rc::new(entries)));
        }
    }

    /// The values of a call's arguments.
    pub fn arguments(&mut self, list: &[Argument], frame: &mut Frame) -> Arguments {
        let mut arguments = Arguments::default();
        for argument in list {
            match (&argument.name, &argument.value.kind) {
                (None, Kind::Starred(inner)) => match self.expr(inner, frame) {
                    Value::List(_, items) => {
                        arguments.positional.extend(items.iter().map(|item| item.value.clone()));
                    }
                    other => arguments.positional.push(other),
                },
                (None, _) => {
                    let value = self.expr(&argument.value, frame);
                    arguments.positional.push(value);
                }
                (Some(name), _) if &**name == "**" => {
                    if let Value::Dict(entries) = self.expr(&argument.value, frame) {
                        for (key, value) in entries.iter() {
                            if let Value::Text(key) = key {
                                arguments.named.push((key.clone(), value.clone()));
                            }
                        }
                    }
                }
                (Some(name), _) => {
                    let value = self.expr(&argument.value, frame);
                    arguments.named.push((name.clone(), value));
                }
            }
        }
        arguments
    }

    /// The condition that a function of the rule's module, called with the event, returns something true.
    pub fn entry(&mut self, name: &str) -> Option<Node> {
        let function = self.root.functions.get(name)?.clone();
        let closure = Closure { function: function.clone(), module: self.root.clone(), captured: Env::default() };
        let arguments = Arguments { positional: vec![Value::Event], named: Vec::new() };
        let value = self.call_function(&closure, arguments, function.span);
        Some(self.truth(&value, function.span))
    }

    /// What a function of the rule's module returns for the event.
    pub fn entry_value(&mut self, name: &str) -> Option<Value> {
        let function = self.root.functions.get(name)?.clone();
        let closure = Closure { function: function.clone(), module: self.root.clone(), captured: Env::default() };
        let arguments = Arguments { positional: vec![Value::Event], named: Vec::new() };
        Some(self.call_function(&closure, arguments, function.span))
    }
}

/// Whether a path is that of a list, or of something in it.
fn is_about(path: &str, list: &str) -> bool {
    path.strip_prefix(list).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Whether a test of a list's element has conjuncts that are each about the element: what a condition cannot say,
/// whose predicates are each of any element.
fn asks_one_element(node: &Node, list: &str, inverted: bool) -> bool {
    let is_check = |predicate: &ruleatlas_model::Predicate| {
        is_about(&predicate.raw_field, list) && !(predicate.op.is_presence() && predicate.raw_field == list)
    };
    match node {
        Node::Predicate(_) | Node::Opaque(_) => false,
        Node::Not(child) => asks_one_element(child, list, !inverted),
        Node::All(children) | Node::Any(children) => {
            let is_all = matches!(node, Node::All(_)) != inverted;
            let checks = || children.iter().filter(|child| child.predicates().any(is_check)).count();
            is_all && checks() > 1 || children.iter().any(|child| asks_one_element(child, list, inverted))
        }
    }
}

/// Whether the list of which an element is looked for has to be there for `node` to say so; `None` where no
/// predicate of `node` is about the list.
fn needs_presence(node: &Node, list: &str) -> Option<bool> {
    use ruleatlas_model::{Missing, Op};
    if node.opaques().next().is_some() {
        return Some(false);
    }
    let safe = |node: &Node| match node {
        Node::Predicate(predicate) => {
            is_about(&predicate.raw_field, list) && predicate.op != Op::IsNull && predicate.missing != Missing::Holds
        }
        _ => false,
    };
    // One conjunct, or every alternative, that fails without the list is enough.
    fn holds(node: &Node, safe: &dyn Fn(&Node) -> bool) -> bool {
        match node {
            Node::All(children) => children.iter().any(|child| holds(child, safe)),
            Node::Any(children) => !children.is_empty() && children.iter().all(|child| holds(child, safe)),
            Node::Predicate(_) => safe(node),
            Node::Not(_) | Node::Opaque(_) => false,
        }
    }
    if holds(node, &safe) { Some(false) } else { None }
}

fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(80).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

/// A place of the event that an expression names by a constant key.
pub(crate) fn key_of(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.to_string()),
        _ => None,
    }
}

/// The default of a place: what the call says, or None.
pub(crate) fn default_of(value: Option<&Value>) -> Absent {
    Absent::Is(value.cloned().unwrap_or(Value::None))
}

/// The expression that a plain name is.
pub(crate) fn plain_name(expr: &Expr) -> Option<&Text> {
    if let Kind::Name(name) = &expr.kind { Some(name) } else { None }
}
