//! Names that stand for a changed form of one field.

use std::rc::Rc;

use crate::plan::ConstKind;
use crate::value::{Field, Value};

/// A search for the one field that a value is a changed form of.
pub(crate) struct Changed<'n> {
    own: &'n str,
    found: Option<(Rc<str>, Option<usize>)>,
    is_changed: bool,
    looks: usize,
}

impl<'n> Changed<'n> {
    /// The field that all that a value may be comes from, under another name than `own` or changed.
    pub fn find(value: &Value<'_>, own: &'n str, looks: usize) -> Option<(Rc<str>, Option<usize>)> {
        let mut search = Self { own, found: None, is_changed: false, looks };
        let is_whole = search.visit(value);
        search.found.filter(|_| is_whole && search.is_changed)
    }

    /// Whether all that the value may be comes from one field.
    fn visit(&mut self, value: &Value<'_>) -> bool {
        let Some(looks) = self.looks.checked_sub(1) else { return false };
        self.looks = looks;
        match value {
            Value::Cut(cut) => {
                self.is_changed = true;
                self.add(&cut.from, cut.step)
            }
            Value::Field(Field { from: Some(from), step, .. }) => {
                self.is_changed = true;
                self.add(from, *step)
            }
            Value::Field(field) if *field.path == *self.own => true,
            Value::Field(field) => self.add(&field.path, field.step),
            Value::Cases(cases) => {
                cases.arms.iter().all(|(_, value)| self.visit(value)) && self.visit(&cases.otherwise)
            }
            Value::Const(constant) => constant.kind == ConstKind::Null,
            _ => false,
        }
    }

    fn add(&mut self, field: &Rc<str>, step: Option<usize>) -> bool {
        let (found, of) = self.found.get_or_insert_with(|| (Rc::clone(field), step));
        found == field && *of == step
    }
}
