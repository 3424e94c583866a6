//! A class as statements of its module: what is in the way is overwritten.

use ruff_python_ast::{
    self as ast,
    visitor::{self, Visitor},
};
use ruff_text_size::{Ranged, TextRange};

use super::{Class, last_name};

/// A text in which parts are overwritten, each character in its place.
pub(super) struct Mask<'m> {
    pub bytes: Vec<u8>,
    pub text: &'m str,
}

impl Mask<'_> {
    pub fn blank(&mut self, range: TextRange) {
        self.fill(range.start().into(), range.end().into());
    }

    fn fill(&mut self, start: usize, end: usize) {
        for byte in self.bytes.get_mut(start..end).unwrap_or_default().iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }

    fn write(&mut self, at: usize, text: &[u8]) {
        if let Some(place) = self.bytes.get_mut(at..at + text.len()) {
            place.copy_from_slice(text);
        }
    }

    /// `class Name(Base):` as a statement whose body is always run: `if(1       ):`.
    pub fn header(&mut self, class: &ast::StmtClassDef) {
        for decorator in &class.decorator_list {
            self.blank(decorator.range());
        }
        let name: usize = class.name.range().start().into();
        let begin = self.text.get(..name).and_then(|head| head.rfind("class"));
        let after: usize =
            class.arguments.as_ref().map_or(class.name.range().end(), |arguments| arguments.range().end()).into();
        let colon = self.text.get(after..).and_then(|rest| rest.find(':')).map(|at| after + at);
        let (Some(begin), Some(colon)) = (begin, colon) else { return };
        self.fill(begin, colon);
        self.write(begin, b"if(1");
        if let Some(place) = self.bytes.get_mut(colon.saturating_sub(1)) {
            *place = b')';
        }
    }

    /// Gives a name of a base class another, of the same length.
    pub fn rename(&mut self, name: TextRange, level: usize) {
        let end: usize = name.end().into();
        if name.len().to_usize() > 1
            && let Some(digit) = u32::try_from(level).ok().and_then(|level| char::from_digit(level, 10))
            && let Some(place) = self.bytes.get_mut(end - 1)
        {
            *place = u8::try_from(digit).unwrap_or(b'0');
        }
    }

    /// Takes away a parameter and the comma behind it.
    pub fn parameter(&mut self, range: TextRange) {
        let end: usize = range.end().into();
        let rest = self.text.get(end..).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start().len();
        let comma = rest.trim_start().starts_with(',');
        self.fill(range.start().into(), if comma { end + blanks + 1 } else { end });
    }

    /// Whether only blanks stand before a place on its line, where what is taken away would change the indentation.
    fn begins_line(&self, at: usize) -> bool {
        let head = self.text.get(..at).unwrap_or_default();
        let head = head.trim_end_matches(|character: char| character.is_whitespace() && character != '\n');
        head.is_empty() || head.ends_with('\n')
    }
}

/// Takes away what the names of a class's own things are reached by.
pub(super) struct Names<'m, 'k, 'c, 'd> {
    pub mask: &'k mut Mask<'m>,
    /// The name of the method's first parameter.
    pub own: Option<&'c str>,
    pub classes: &'c [&'c str],
    pub chain: &'c [&'c Class<'d>],
    pub level: usize,
}

impl<'a> Visitor<'a> for Names<'_, '_, '_, '_> {
    fn visit_expr(&mut self, expr: &'a ast::Expr) {
        if let ast::Expr::Attribute(it) = expr {
            let start: usize = it.value.range().start().into();
            let attr: usize = it.attr.range().start().into();
            let is_own = |name: &str| self.own == Some(name) || self.classes.contains(&name);
            let is_super = it.value.as_call_expr().is_some_and(|call| last_name(&call.func) == Some("super"));
            // Where the most derived class has a method of the name too, the base's goes by its level.
            let holder = |from: usize| {
                (from..self.chain.len()).find(|level| self.chain.get(*level).is_some_and(|class| class.has(&it.attr)))
            };
            match it.value.as_ref() {
                ast::Expr::Name(name) if is_own(&name.id) && holder(0).is_some() && !self.mask.begins_line(start) => {
                    self.mask.fill(start, attr);
                }
                _ if is_super && !self.mask.begins_line(start) => {
                    if let Some(level) = holder(self.level + 1) {
                        self.mask.fill(start, attr);
                        self.mask.rename(it.attr.range(), level);
                        return;
                    }
                }
                _ => {}
            }
        }
        visitor::walk_expr(self, expr);
    }
}
