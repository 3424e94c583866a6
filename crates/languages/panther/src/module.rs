//! Modules, read once: a helper that a thousand rules import is parsed for the first of them.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustc_hash::FxHashMap;

use crate::{
    python::{self, Fault},
    syntax::{Expr, Function, Kind, Stmt, StmtKind, Text},
};

/// Modules that are kept; the public rules import about sixty helpers.
const KEPT: usize = 512;
/// Bytes of them.
const KEPT_BYTES: usize = 32 << 20;

/// A module's top level, by name.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub functions: FxHashMap<Text, Arc<Function>>,
    /// The statements that give a global its value, in order.
    pub globals: FxHashMap<Text, Vec<Stmt>>,
    pub classes: Vec<Text>,
    /// Local name to module and, for `from … import`, the name there.
    pub imports: FxHashMap<Text, (Text, Option<Text>)>,
    /// Modules of which everything is imported.
    pub stars: Vec<Text>,
    pub faults: Vec<Fault>,
}

impl Module {
    pub fn parse(text: &str) -> Self {
        let (body, faults) = python::parse(text);
        let mut module = Self { faults, ..Self::default() };
        module.collect(&body);
        module
    }

    fn collect(&mut self, body: &[Stmt]) {
        for stmt in body {
            match &stmt.kind {
                StmtKind::Function(function) => {
                    self.functions.insert(function.name.clone(), function.clone());
                }
                StmtKind::Class(name) => self.classes.push(name.clone()),
                StmtKind::Import(names) => {
                    for (local, module) in names {
                        self.imports.insert(local.clone(), (module.clone(), None));
                    }
                }
                StmtKind::ImportFrom(module, names) => {
                    for (local, name) in names {
                        if &**name == "*" {
                            self.stars.push(module.clone());
                        } else {
                            self.imports.insert(local.clone(), (module.clone(), Some(name.clone())));
                        }
                    }
                }
                StmtKind::Assign(targets, _) => {
                    for target in targets {
                        self.assigned(target, stmt);
                    }
                }
                StmtKind::Augment(target, ..) => self.assigned(target, stmt),
                StmtKind::Expr(Expr { kind: Kind::Call(function, _), .. }) => {
                    if let Kind::Attribute(target, _) = &function.kind {
                        self.assigned(target, stmt);
                    }
                }
                // Handlers of a module's own `try` stand in for what is missing where it runs.
                StmtKind::Try(parts) => {
                    self.collect(&parts.body);
                    self.collect(&parts.otherwise);
                    self.collect(&parts.last);
                }
                StmtKind::If(_, body, otherwise) => {
                    self.collect(body);
                    self.collect(otherwise);
                }
                _ => {}
            }
        }
    }

    fn assigned(&mut self, target: &Expr, stmt: &Stmt) {
        match &target.kind {
            Kind::Name(name) => self.globals.entry(name.clone()).or_default().push(stmt.clone()),
            Kind::Subscript(inner, _) => self.assigned(inner, stmt),
            Kind::Sequence(_, targets) => {
                for target in targets {
                    self.assigned(target, stmt);
                }
            }
            _ => {}
        }
    }
}

#[derive(Default)]
struct Kept {
    modules: FxHashMap<Box<str>, Arc<Module>>,
    bytes: usize,
}

/// The module of this text, from the shelf if it was read before.
pub(crate) fn kept(text: &str) -> Arc<Module> {
    static SHELF: OnceLock<Mutex<Kept>> = OnceLock::new();
    let shelf = SHELF.get_or_init(Mutex::default);
    if let Some(module) = shelf.lock().unwrap_or_else(PoisonError::into_inner).modules.get(text) {
        return module.clone();
    }
    let module = Arc::new(Module::parse(text));
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    if shelf.modules.len() >= KEPT || shelf.bytes + text.len() > KEPT_BYTES {
        *shelf = Kept::default();
    }
    if text.len() <= KEPT_BYTES {
        shelf.bytes += text.len();
        shelf.modules.insert(text.into(), module.clone());
    }
    module
}
