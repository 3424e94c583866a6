//! Functions of constants, worked out while reading.

use ruleatlas_ir::plan::{Const, ConstKind, Known};

use crate::ast::{self, Json, Literal, LiteralKind};

/// How long a text made of constants may become.
const LONGEST: usize = 20_000;

/// A function of constants.
pub(super) type Fold = fn(&[Known]) -> Known;

/// What works a function out for constants.
pub(super) fn fold(name: &str) -> Option<Fold> {
    Some(match name {
        "strcat" => |of| texts(of).map_or(Known::Nothing, |texts| text(texts.concat())),
        "strcat_delim" => |of| {
            let texts = texts(of);
            let joined = texts.as_ref().and_then(|texts| texts.split_first()).map(|(by, rest)| rest.join(*by));
            joined.map_or(Known::Nothing, text)
        },
        "strcat_array" => |of| match of {
            [list, Known::One(by)] => list.constants().map_or(Known::Nothing, |list| {
                text(list.iter().map(|constant| &*constant.text).collect::<Vec<_>>().join(&*by.text))
            }),
            _ => Known::Nothing,
        },
        "tolower" => |of| changed(of, |text| text.to_lowercase()),
        "toupper" => |of| changed(of, |text| text.to_uppercase()),
        "tostring" | "toguid" => |of| match of {
            [Known::One(constant), ..] => Known::One(Const::new(constant.text.clone(), ConstKind::Text)),
            _ => Known::Nothing,
        },
        "replace_string" => |of| match texts(of).as_deref() {
            Some([whole, old, new]) if !old.is_empty() => text(whole.replace(*old, new)),
            _ => Known::Nothing,
        },
        "split" => |of| match of {
            [Known::One(whole), Known::One(by)] if !by.text.is_empty() => {
                Known::Many(whole.text.split(&*by.text).map(|part| Const::new(part, ConstKind::Text)).collect())
            }
            _ => Known::Nothing,
        },
        "pack_array" | "array_concat" | "set_union" => |of| {
            let lists: Option<Vec<&[Const]>> = of.iter().map(Known::constants).collect();
            let all = lists.map(|lists| lists.concat()).filter(|all| all.len() <= LONGEST);
            all.map_or(Known::Nothing, Known::Many)
        },
        "set_difference" => |of| match of {
            [list, without] => match (list.constants(), without.constants()) {
                (Some(list), Some(without)) => {
                    let without: rustc_hash::FxHashSet<&Const> = without.iter().collect();
                    Known::Many(list.iter().filter(|constant| !without.contains(constant)).cloned().collect())
                }
                _ => Known::Nothing,
            },
            _ => Known::Nothing,
        },
        "array_sort_asc" | "array_sort_desc" => |of| match of.first().and_then(Known::constants) {
            Some(list) => Known::Many(list.to_vec()),
            None => Known::Nothing,
        },
        "array_length" | "arraylength" => |of| match of.first() {
            Some(Known::Many(list)) => number(list.len()),
            _ => Known::Nothing,
        },
        "strlen" => |of| match of.first() {
            Some(Known::One(constant)) => number(constant.text.chars().count()),
            _ => Known::Nothing,
        },
        "toint" | "tolong" | "todouble" | "toreal" | "todecimal" => |of| match of.first() {
            Some(Known::One(constant)) if constant.text.parse::<f64>().is_ok() => {
                Known::One(Const::new(constant.text.clone(), ConstKind::Number))
            }
            _ => Known::Nothing,
        },
        "todynamic" | "parse_json" | "parsejson" => |of| match of.first() {
            Some(Known::One(constant)) if constant.kind == ConstKind::Text => json_list(&constant.text),
            Some(Known::Many(list)) => Known::Many(list.clone()),
            _ => Known::Nothing,
        },
        _ => return None,
    })
}

fn texts(of: &[Known]) -> Option<Vec<&str>> {
    of.iter().map(|known| known.constant().map(|constant| &*constant.text)).collect()
}

fn text(text: String) -> Known {
    if text.len() <= LONGEST { Known::One(Const::new(text, ConstKind::Text)) } else { Known::Nothing }
}

fn number(number: usize) -> Known {
    Known::One(Const::new(number.to_string(), ConstKind::Number))
}

fn changed(of: &[Known], change: impl Fn(&str) -> String) -> Known {
    let one = |constant: &Const| Const::new(change(&constant.text), constant.kind);
    match of.first() {
        Some(Known::One(constant)) => Known::One(one(constant)),
        Some(Known::Many(list)) => Known::Many(list.iter().map(one).collect()),
        _ => Known::Nothing,
    }
}

/// A JSON list of scalars written as text.
fn json_list(text: &str) -> Known {
    let wrapped = format!("dynamic({text})");
    let script = crate::parser::parse(&wrapped);
    let [ast::Statement::Query(expr)] = script.statements.as_slice() else { return Known::Nothing };
    let ast::ExprKind::Dynamic(Json::Array(items)) = &expr.kind else { return Known::Nothing };
    let scalars = items.iter().map(|item| if let Json::Scalar(literal) = item { Some(of(literal)) } else { None });
    scalars.collect::<Option<Vec<Const>>>().map_or(Known::Nothing, Known::Many)
}

/// The constant that a literal is.
pub(super) fn of(literal: &Literal<'_>) -> Const {
    let kind = match literal.kind {
        LiteralKind::String => ConstKind::Text,
        // A GUID has no case.
        LiteralKind::Number | LiteralKind::Guid => ConstKind::Number,
        LiteralKind::Bool => ConstKind::Bool,
        LiteralKind::Timespan | LiteralKind::Datetime => ConstKind::Time,
        LiteralKind::Null => ConstKind::Null,
    };
    Const::new(&*literal.text, kind)
}

/// What works an operator of arithmetic out for constants.
pub(super) fn arithmetic(sign: char) -> Fold {
    match sign {
        '+' => |of| calculated('+', of),
        '-' => |of| calculated('-', of),
        '*' => |of| calculated('*', of),
        '/' => |of| calculated('/', of),
        _ => |of| calculated('%', of),
    }
}

/// A number with a minus before it.
pub(super) fn negative(of: &[Known]) -> Known {
    match of {
        [Known::One(number)] => Known::One(Const::new(format!("-{}", number.text), number.kind)),
        _ => Known::Nothing,
    }
}

/// An address and the length of a prefix, as a network; one that has a length is itself.
pub(super) fn network(of: &[Known]) -> Known {
    match of {
        [Known::One(address), ..] if address.text.contains('/') => Known::One(address.clone()),
        [Known::One(address), Known::One(bits)] => text(format!("{}/{}", address.text, bits.text)),
        _ => Known::Nothing,
    }
}

fn calculated(sign: char, of: &[Known]) -> Known {
    let [Known::One(left), Known::One(right)] = of else { return Known::Nothing };
    if sign == '+' && left.kind == ConstKind::Text && right.kind == ConstKind::Text {
        return text(format!("{}{}", left.text, right.text));
    }
    if left.kind == ConstKind::Time || right.kind == ConstKind::Time {
        return Known::Nothing;
    }
    let number = |text: String| Known::One(Const::new(text, ConstKind::Number));
    if let (Ok(a), Ok(b)) = (left.text.parse::<i64>(), right.text.parse::<i64>()) {
        let result = match sign {
            '+' => a.checked_add(b),
            '-' => a.checked_sub(b),
            '*' => a.checked_mul(b),
            '/' => a.checked_div(b),
            _ => a.checked_rem(b),
        };
        return result.map_or(Known::Nothing, |result| number(result.to_string()));
    }
    let read = |constant: &Const| match constant.kind {
        ConstKind::Number => constant.text.parse::<f64>().ok(),
        _ => None,
    };
    let (Some(a), Some(b)) = (read(left), read(right)) else { return Known::Nothing };
    let result = match sign {
        '+' => a + b,
        '-' => a - b,
        '*' => a * b,
        '/' => a / b,
        _ => a % b,
    };
    if result.is_finite() { number(result.to_string()) } else { Known::Nothing }
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
