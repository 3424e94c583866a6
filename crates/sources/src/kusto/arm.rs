//! Expressions of ARM templates: `[parameters('query')]` stands for the parameter's default value, `[variables('query')]`
//! for the variable's. Of functions those are followed that put texts together; what needs a deployment to be known stays as
//! written.
//!
//! The syntax is that of Microsoft's
//! [template expressions](https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions).

use serde_json::{Map, Value as Json};

/// How often expressions may name others that do.
const MAX_DEPTH: usize = 16;
/// Bytes of text that the expressions of a template may make.
const MAX_BYTES: usize = 32 << 20;
/// How long an expression may be: a query is its value and seldom in it.
const MAX_EXPRESSION: usize = 256 << 10;

/// Replaces the expressions of a template that have a value by it.
pub(super) fn resolve(document: &mut Json) {
    let mut resolver = Resolver { scopes: Vec::new(), left: MAX_BYTES };
    resolver.walk(document);
}

/// The parameters and variables of a template.
struct Scope {
    parameters: Map<String, Json>,
    variables: Map<String, Json>,
}

struct Resolver {
    /// Those of the templates around a place, the outermost first.
    scopes: Vec<Scope>,
    /// Bytes that may still be made.
    left: usize,
}

impl Resolver {
    fn walk(&mut self, value: &mut Json) {
        match value {
            Json::String(text) => {
                if let Some(found) = self.evaluated(text, 0) {
                    *value = found;
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.walk(item)),
            Json::Object(entries) => {
                let scope = scope(entries);
                let is_template = scope.is_some();
                self.scopes.extend(scope);
                for (_, value) in entries.iter_mut() {
                    self.walk(value);
                }
                if is_template {
                    self.scopes.pop();
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// The value of a text that is an expression as a whole.
    fn evaluated(&mut self, text: &str, depth: usize) -> Option<Json> {
        let inside = text.trim().strip_prefix('[')?.strip_suffix(']')?;
        if self.scopes.is_empty() || inside.starts_with('[') || inside.len() > MAX_EXPRESSION || depth > MAX_DEPTH {
            return None;
        }
        let mut reader = Reader { rest: inside.trim() };
        let value = self.expression(&mut reader, depth)?;
        let size = match &value {
            Json::String(text) => text.len(),
            other => other.to_string().len(),
        };
        self.left = self.left.checked_sub(size)?;
        reader.rest.is_empty().then_some(value)
    }

    fn expression(&mut self, reader: &mut Reader<'_>, depth: usize) -> Option<Json> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut value = if reader.rest.starts_with('\'') {
            Json::String(reader.literal()?)
        } else if let Some(number) = reader.number() {
            number
        } else {
            let function = reader.word()?;
            let arguments = self.arguments(reader, depth)?;
            self.call(function, &arguments, depth)?
        };
        loop {
            if reader.eat(".") {
                value = value.get_mut(reader.word()?)?.take();
            } else if reader.eat("[") {
                let key = self.expression(reader, depth + 1)?;
                value = match key {
                    Json::String(name) => value.get_mut(&name)?.take(),
                    Json::Number(place) => value.get_mut(usize::try_from(place.as_u64()?).ok()?)?.take(),
                    _ => return None,
                };
                reader.eat("]").then_some(())?;
            } else {
                return Some(value);
            }
        }
    }

    fn arguments(&mut self, reader: &mut Reader<'_>, depth: usize) -> Option<Vec<Json>> {
        reader.eat("(").then_some(())?;
        let mut arguments = Vec::new();
        while !reader.eat(")") {
            if !arguments.is_empty() {
                reader.eat(",").then_some(())?;
            }
            arguments.push(self.expression(reader, depth + 1)?);
        }
        Some(arguments)
    }

    /// The value of a call; names of functions compare without case.
    fn call(&mut self, function: &str, arguments: &[Json], depth: usize) -> Option<Json> {
        let texts = || arguments.iter().map(text_of).collect::<Option<Vec<String>>>();
        let text = match (function.to_ascii_lowercase().as_str(), arguments) {
            ("parameters", [Json::String(name)]) => return self.named(name, |scope| &scope.parameters, depth),
            ("variables", [Json::String(name)]) => return self.named(name, |scope| &scope.variables, depth),
            ("concat", _) => texts()?.concat(),
            ("format", [Json::String(pattern), ..]) => filled(pattern, texts()?.get(1..)?)?,
            ("join", [Json::Array(parts), Json::String(between)]) => {
                parts.iter().map(text_of).collect::<Option<Vec<String>>>()?.join(between)
            }
            ("replace", [Json::String(text), Json::String(from), Json::String(to)]) if !from.is_empty() => {
                // Bounds what a replacement can make of it.
                let count = text.matches(from.as_str()).count();
                self.left.checked_sub(count.saturating_mul(to.len()))?;
                text.replace(from.as_str(), to)
            }
            ("tolower", [Json::String(text)]) => text.to_lowercase(),
            ("toupper", [Json::String(text)]) => text.to_uppercase(),
            ("trim", [Json::String(text)]) => text.trim().to_owned(),
            ("string", [value]) => text_of(value)?,
            _ => return None,
        };
        self.left = self.left.checked_sub(text.len())?;
        Some(Json::String(text))
    }

    /// The value of a parameter or variable: of the innermost template that has it. Names compare without case.
    fn named(&mut self, name: &str, of: fn(&Scope) -> &Map<String, Json>, depth: usize) -> Option<Json> {
        let has_name = |scope: &Scope| {
            let found = of(scope).iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone())
        };
        let value = self.scopes.iter().rev().find_map(has_name)?;
        self.left = self.left.checked_sub(name.len().saturating_add(1))?;
        match &value {
            Json::String(text) => {
                self.left = self.left.checked_sub(text.len())?;
                let is_expression = text.starts_with('[') && !text.starts_with("[[") && text.ends_with(']');
                if is_expression { self.evaluated(text, depth + 1) } else { Some(value) }
            }
            _ => Some(value),
        }
    }
}

/// What a template says of its parameters and variables; `None` for an object that is no template.
fn scope(entries: &Map<String, Json>) -> Option<Scope> {
    let objects = |key: &str| entries.get(key).and_then(Json::as_object);
    let (parameters, variables) = (objects("parameters"), objects("variables"));
    if !entries.contains_key("resources") || parameters.is_none() && variables.is_none() {
        return None;
    }
    let default = |(name, parameter): (&String, &Json)| Some((name.clone(), parameter.get("defaultValue")?.clone()));
    Some(Scope {
        parameters: parameters.into_iter().flatten().filter_map(default).collect(),
        variables: variables.cloned().unwrap_or_default(),
    })
}

fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(if *truth { "True" } else { "False" }.to_owned()),
        _ => None,
    }
}

/// A text with `{0}`, `{1}`, … filled in; `{{` is a brace.
fn filled(pattern: &str, values: &[String]) -> Option<String> {
    let mut made = String::new();
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '}']) {
        let (head, tail) = rest.split_at(at);
        made.push_str(head);
        if tail.starts_with("{{") || tail.starts_with("}}") {
            made.push_str(tail.get(..1)?);
            rest = tail.get(2..)?;
            continue;
        }
        let (place, behind) = tail.strip_prefix('{')?.split_once('}')?;
        made.push_str(values.get(place.parse::<usize>().ok()?)?);
        if made.len() > MAX_BYTES {
            return None;
        }
        rest = behind;
    }
    made.push_str(rest);
    Some(made)
}

/// Reads an expression.
struct Reader<'e> {
    rest: &'e str,
}

impl<'e> Reader<'e> {
    fn eat(&mut self, mark: &str) -> bool {
        match self.rest.trim_start().strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn word(&mut self) -> Option<&'e str> {
        let end = self.rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.trim_start();
        (!word.is_empty()).then_some(word)
    }

    fn number(&mut self) -> Option<Json> {
        let end = self.rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(self.rest.len());
        let (digits, rest) = self.rest.split_at_checked(end)?;
        let number: i64 = digits.parse().ok()?;
        self.rest = rest.trim_start();
        Some(Json::from(number))
    }

    /// A text in single quotes, in which two are one.
    fn literal(&mut self) -> Option<String> {
        let mut rest = self.rest.strip_prefix('\'')?;
        let mut text = String::new();
        loop {
            let (head, tail) = rest.split_once('\'')?;
            text.push_str(head);
            match tail.strip_prefix('\'') {
                Some(tail) => {
                    text.push('\'');
                    rest = tail;
                }
                None => {
                    self.rest = tail.trim_start();
                    return Some(text);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn resolved(expression: &str) -> Json {
        let mut template = json!({
            "parameters": {
                "q": {"type": "string", "defaultValue": "T | where a == 1"},
                "none": {"type": "string"},
                "loop": {"defaultValue": "[variables('loop')]"},
                "list": {"defaultValue": ["T1059", "T1105"]}
            },
            "variables": {
                "v": "[concat(parameters('Q'), ' and b == ''x''')]",
                "rule": {"query": "U | count"},
                "loop": "[parameters('loop')]"
            },
            "resources": [{"properties": {"query": expression}}]
        });
        resolve(&mut template);
        template["resources"][0]["properties"]["query"].clone()
    }

    #[test]
    fn expressions_with_a_value_are_replaced() {
        for (expression, expected) in [
            ("[parameters('q')]", "T | where a == 1"),
            ("[ PARAMETERS( 'q' ) ]", "T | where a == 1"),
            ("[variables('v')]", "T | where a == 1 and b == 'x'"),
            ("[variables('rule').query]", "U | count"),
            ("[variables('rule')['query']]", "U | count"),
            ("[parameters('list')[1]]", "T1105"),
            ("[format('{0} | where {{c}} == {1}', 'T', 5)]", "T | where {c} == 5"),
            ("[join(parameters('list'), ',')]", "T1059,T1105"),
            ("[replace(toLower('A|B'), '|', ' | ')]", "a | b"),
        ] {
            assert_eq!(resolved(expression), json!(expected), "{expression}");
        }
        assert_eq!(resolved("[parameters('list')]"), json!(["T1059", "T1105"]));
    }

    #[test]
    fn what_has_no_value_stays_as_written() {
        for expression in [
            "[parameters('none')]",
            "[parameters('gone')]",
            "[concat(parameters('q'), resourceGroup().name)]",
            "[[parameters('q')]",
            "[parameters('q')",
            "[parameters('q') x]",
            "[parameters('loop')]",
            "['unclosed]",
            "[concat(",
            "T | where a == \"[parameters('q')]\"",
            "[]",
            "",
        ] {
            assert_eq!(resolved(expression), json!(expression));
        }
        resolved(&format!("[{}", "concat(".repeat(10_000)));
    }

    #[test]
    fn a_template_in_a_template_has_its_own_names() {
        let mut template = json!({
            "parameters": {"q": {"defaultValue": "outer"}},
            "resources": [{"properties": {"template": {
                "variables": {"q": "inner"},
                "resources": [{"a": "[variables('q')]", "b": "[parameters('q')]"}]
            }}}]
        });
        resolve(&mut template);
        let inner = &template["resources"][0]["properties"]["template"]["resources"][0];
        assert_eq!(inner, &json!({"a": "inner", "b": "outer"}));
    }

    #[test]
    fn what_expressions_make_is_bounded() {
        let mut variables = Map::new();
        variables.insert("v0".to_owned(), json!("x".repeat(100)));
        for n in 1..200 {
            let call = format!("variables('v{}')", n - 1);
            variables.insert(format!("v{n}"), json!(format!("[concat({call}, {call}, {call}, {call})]")));
        }
        let mut template = json!({"variables": variables, "resources": []});
        resolve(&mut template);
        assert!(template.to_string().len() < 2 * MAX_BYTES);
    }
}
