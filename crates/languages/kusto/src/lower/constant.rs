//! Functions of constants, worked out while reading.

use std::rc::Rc;

use super::value::{Const, Value};
use crate::ast::LiteralKind;

/// How long a text made of constants may become.
const LONGEST: usize = 20_000;

/// What a function of constants gives; `None` where it is not worked out.
pub(super) fn call<'a>(function: &str, arguments: &[Value<'a>]) -> Option<Value<'a>> {
    let texts = || -> Option<Vec<Rc<str>>> {
        arguments
            .iter()
            .map(|value| if let Value::Const(text) = value { Some(text.text.clone()) } else { None })
            .collect()
    };
    let string = |text: &str| (text.len() <= LONGEST).then(|| Value::Const(Const::string(text)));
    match function {
        "strcat" => string(&texts()?.concat()),
        "strcat_delim" => {
            let texts = texts()?;
            let (delimiter, rest) = texts.split_first()?;
            string(&rest.join(&**delimiter))
        }
        "strcat_array" => {
            let [list, Value::Const(delimiter)] = arguments else { return None };
            let parts: Vec<Rc<str>> = list.constants()?.into_iter().map(|constant| constant.text).collect();
            string(&parts.join(&*delimiter.text))
        }
        "tolower" => changed(arguments.first()?, |text| text.to_lowercase()),
        "toupper" => changed(arguments.first()?, |text| text.to_uppercase()),
        "tostring" | "toguid" | "todynamic_text" => match arguments.first()? {
            Value::Const(constant) => Some(Value::Const(Const::string(&constant.text))),
            _ => None,
        },
        "replace_string" | "replace" if arguments.len() == 3 => {
            let texts = texts()?;
            let [text, old, new] = texts.as_slice() else { return None };
            if old.is_empty() || function == "replace" {
                return None;
            }
            string(&text.replace(&**old, new))
        }
        "split" => {
            let [Value::Const(text), Value::Const(delimiter)] = arguments else { return None };
            if delimiter.text.is_empty() {
                return None;
            }
            Some(Value::List(text.text.split(&*delimiter.text).map(Const::string).collect()))
        }
        "pack_array" | "array_concat" | "set_union" => {
            let mut all: Vec<Const> = Vec::new();
            for argument in arguments {
                all.extend(argument.constants()?);
            }
            (all.len() <= LONGEST).then(|| Value::List(all.into()))
        }
        "set_difference" => {
            let [list, without] = arguments else { return None };
            let without = without.constants()?;
            let kept = list.constants()?.into_iter().filter(|constant| !without.contains(constant)).collect();
            Some(Value::List(kept))
        }
        "array_sort_asc" | "array_sort_desc" | "array_slice" => arguments
            .first()?
            .constants()
            .and_then(|list| (function != "array_slice").then(|| Value::List(list.into()))),
        "array_length" | "arraylength" => {
            let Value::List(list) = arguments.first()? else { return None };
            Some(Value::Const(Const::new(&list.len().to_string(), LiteralKind::Number)))
        }
        "strlen" => match arguments.first()? {
            Value::Const(constant) => {
                Some(Value::Const(Const::new(&constant.text.chars().count().to_string(), LiteralKind::Number)))
            }
            _ => None,
        },
        "toint" | "tolong" | "todouble" | "toreal" | "todecimal" => match arguments.first()? {
            Value::Const(constant) if constant.text.parse::<f64>().is_ok() => {
                Some(Value::Const(Const::new(&constant.text, LiteralKind::Number)))
            }
            _ => None,
        },
        "todynamic" | "parse_json" | "parsejson" => match arguments.first()? {
            Value::Const(constant) if constant.kind == LiteralKind::String => json_list(&constant.text),
            Value::List(list) => Some(Value::List(list.clone())),
            _ => None,
        },
        _ => None,
    }
}

fn changed<'a>(value: &Value<'a>, change: impl Fn(&str) -> String) -> Option<Value<'a>> {
    let one = |constant: &Const| Const::new(&change(&constant.text), constant.kind);
    match value {
        Value::Const(constant) => Some(Value::Const(one(constant))),
        Value::List(list) => Some(Value::List(list.iter().map(one).collect())),
        _ => None,
    }
}

/// A JSON list of scalars written as text.
fn json_list<'a>(text: &str) -> Option<Value<'a>> {
    let wrapped = format!("dynamic({text})");
    let script = crate::parser::parse(&wrapped);
    let [crate::ast::Statement::Query(expr)] = script.statements.as_slice() else { return None };
    let crate::ast::ExprKind::Dynamic(json) = &expr.kind else { return None };
    match Value::of_json(json) {
        Value::List(list) => Some(Value::List(list)),
        _ => None,
    }
}

/// Arithmetic of two numbers.
pub(super) fn arithmetic(sign: char, left: &Const, right: &Const) -> Option<Const> {
    if sign == '+' && left.kind == LiteralKind::String && right.kind == LiteralKind::String {
        if left.text.len() + right.text.len() > LONGEST {
            return None;
        }
        return Some(Const::string(&format!("{}{}", left.text, right.text)));
    }
    if left.kind == LiteralKind::Timespan || right.kind == LiteralKind::Timespan {
        return None;
    }
    if let (Ok(a), Ok(b)) = (left.text.parse::<i64>(), right.text.parse::<i64>()) {
        let result = match sign {
            '+' => a.checked_add(b),
            '-' => a.checked_sub(b),
            '*' => a.checked_mul(b),
            '/' => a.checked_div(b),
            _ => a.checked_rem(b),
        };
        return result.map(|result| Const::new(&result.to_string(), LiteralKind::Number));
    }
    let (a, b) = (left.as_number()?, right.as_number()?);
    let result = match sign {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '/' => a / b,
        _ => a % b,
    };
    result.is_finite().then(|| Const::new(&result.to_string(), LiteralKind::Number))
}

/// A step of a JSON path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PathStep<'p> {
    Member(&'p str),
    Element(&'p str),
}

/// The steps of a JSON path: `$.a['b'][0]`; `None` for one that may lead to several places (`*`, `..`, a filter).
pub(super) fn json_path(path: &str) -> Option<Vec<PathStep<'_>>> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(name) = rest.strip_prefix('.') {
            let end = name.find(['.', '[']).unwrap_or(name.len());
            let (name, behind) = name.split_at(end);
            if name.is_empty() || name == "*" {
                return None;
            }
            steps.push(PathStep::Member(name));
            rest = behind;
        } else {
            let inner = rest.strip_prefix('[')?;
            let quote = inner.chars().next().filter(|first| matches!(first, '\'' | '"'));
            if let Some(quote) = quote {
                let (name, behind) = inner.get(1..)?.split_once(quote)?;
                steps.push(PathStep::Member(name));
                rest = behind.strip_prefix(']')?;
            } else {
                let (index, behind) = inner.split_once(']')?;
                if index.is_empty() || !index.bytes().all(|byte| byte.is_ascii_digit()) {
                    return None;
                }
                steps.push(PathStep::Element(index));
                rest = behind;
            }
        }
    }
    (!steps.is_empty()).then_some(steps)
}

#[cfg(test)]
mod tests {
    use super::{PathStep::*, json_path};

    #[test]
    fn a_json_path_is_its_steps() {
        assert_eq!(json_path("$.a.b"), Some(vec![Member("a"), Member("b")]));
        assert_eq!(json_path("$['a b'][2].c"), Some(vec![Member("a b"), Element("2"), Member("c")]));
        assert_eq!(json_path("$[\"a\"]"), Some(vec![Member("a")]));
        for other in ["", "$", "a", "$.", "$..a", "$.a[*]", "$.a[?(@.b)]", "$.*", "$[", "$['a'", "$.a[]"] {
            assert_eq!(json_path(other), None, "{other}");
        }
    }
}
