//! A class and the names that it gives a meaning.

use ruff_python_ast as ast;
use rustc_hash::{FxHashMap, FxHashSet};

/// A class of a module.
#[derive(Debug)]
pub(super) struct Class<'m> {
    pub def: &'m ast::StmtClassDef,
    /// The names of its methods.
    pub methods: FxHashSet<&'m str>,
    /// What it gives a value, the first of each name.
    pub values: FxHashMap<&'m str, &'m ast::Expr>,
}

impl<'m> Class<'m> {
    pub fn of(def: &'m ast::StmtClassDef) -> Self {
        let methods = def.body.iter().filter_map(ast::Stmt::as_function_def_stmt);
        let methods = methods.map(|function| function.name.as_str()).collect();
        let mut values = FxHashMap::default();
        for (name, value) in def.body.iter().filter_map(assignment) {
            values.entry(name).or_insert(value);
        }
        Self { def, methods, values }
    }

    pub fn has(&self, name: &str) -> bool {
        self.methods.contains(name) || self.values.contains_key(name)
    }
}

/// The name and value of a plain assignment.
pub(super) fn assignment(stmt: &ast::Stmt) -> Option<(&str, &ast::Expr)> {
    match stmt {
        ast::Stmt::Assign(it) => match it.targets.as_slice() {
            [ast::Expr::Name(name)] => Some((&name.id, &it.value)),
            _ => None,
        },
        ast::Stmt::AnnAssign(it) => Some((&it.target.as_name_expr()?.id, it.value.as_deref()?)),
        _ => None,
    }
}
