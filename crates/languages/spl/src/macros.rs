use ruleatlas_syntax::Span;

use crate::error::ErrorKind;

/// The macros that a parser may put in the places of their calls.
pub trait Macros {
    /// The text that stands for a call, its arguments put in; `None` for a macro that is not known. More than `limit` bytes
    /// are of no use.
    fn expand(&self, name: &str, arguments: &[String], limit: usize) -> Option<String>;
}

/// No macro is known: calls stay as they are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoMacros;

impl Macros for NoMacros {
    fn expand(&self, _name: &str, _arguments: &[String], _limit: usize) -> Option<String> {
        None
    }
}

/// Puts arguments in the places of `$parameter$`; stops about where the text has `limit` bytes.
#[must_use]
pub fn substitute(definition: &str, parameters: &[String], arguments: &[String], limit: usize) -> String {
    let mut text = String::with_capacity(definition.len());
    let mut rest = definition;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        text.push_str(before);
        let named = after[1..].find('$').map(|length| &after[1..=length]);
        let argument = named.and_then(|name| {
            let place = parameters.iter().position(|parameter| parameter == name)?;
            arguments.get(place).map(|argument| (name, argument))
        });
        match argument {
            Some((name, argument)) if text.len() <= limit => {
                text.push_str(argument);
                rest = &after[name.len() + 2..];
            }
            _ => {
                text.push('$');
                rest = &after[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

/// What is said of a macro call that stays in the text.
pub(crate) fn unresolved(name: &str, arguments: usize, kind: ErrorKind, span: Span) -> crate::parser::Error {
    crate::parser::Error::new(kind, span, format!("the macro `{name}` with {arguments} arguments: {kind}"))
}
