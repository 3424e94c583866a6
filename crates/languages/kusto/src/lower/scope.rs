//! Names that `let`, parameters and `as` bind.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::ast::{Expr, Function};

/// What a name is bound to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Binding<'a> {
    /// An expression, read in the light of the names known where it stands.
    Expr(&'a Expr<'a>, ScopeRef),
    /// A value that a function's caller gives, by its number; nothing where the caller gives none.
    Value(Option<u32>),
    /// A function.
    Function(&'a Function<'a>, ScopeRef),
    /// The rows that a function is invoked on, by their number.
    Rows(u32),
}

/// A place in a block: what is bound before it is visible from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ScopeRef {
    block: usize,
    seen: usize,
}

/// All blocks of a script.
#[derive(Debug, Default)]
pub(super) struct Scopes<'a> {
    blocks: Vec<Block<'a>>,
}

#[derive(Debug)]
struct Block<'a> {
    names: FxHashMap<Rc<str>, Vec<(usize, Binding<'a>)>>,
    count: usize,
    parent: Option<ScopeRef>,
}

impl<'a> Scopes<'a> {
    /// A new block within a place.
    pub fn block(&mut self, parent: Option<ScopeRef>) -> ScopeRef {
        self.blocks.push(Block { names: FxHashMap::default(), count: 0, parent });
        ScopeRef { block: self.blocks.len() - 1, seen: 0 }
    }

    /// Binds a name at the end of a block; the place behind it.
    pub fn bind(&mut self, scope: ScopeRef, name: &str, binding: Binding<'a>) -> ScopeRef {
        let Some(block) = self.blocks.get_mut(scope.block) else { return scope };
        block.names.entry(Rc::from(name)).or_default().push((block.count, binding));
        block.count += 1;
        ScopeRef { block: scope.block, seen: block.count }
    }

    /// What a name is bound to at a place.
    pub fn get(&self, scope: ScopeRef, name: &str) -> Option<Binding<'a>> {
        let mut place = Some(scope);
        while let Some(scope) = place {
            let block = self.blocks.get(scope.block)?;
            if let Some(bindings) = block.names.get(name) {
                let before = bindings.partition_point(|(at, _)| *at < scope.seen);
                if let Some((_, binding)) = before.checked_sub(1).and_then(|at| bindings.get(at)) {
                    return Some(*binding);
                }
            }
            place = block.parent;
        }
        None
    }
}
