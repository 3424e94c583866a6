//! Options that compare something of an event.

use ipnet::IpNet;
use ruleatlas_core::BUDGET;
use ruleatlas_model::{Node, Op, Predicate};
use std::net::IpAddr;

use super::Lowering;
use crate::{
    ast::Element,
    pattern::{Dialect, Pattern},
};

/// The language of an option's pattern, where it does not name one; `None` of an option that has no pattern.
pub(super) fn dialect_of(name: &str) -> Option<Dialect> {
    Some(match name {
        "match" | "user" | "srcuser" | "dstuser" | "program_name" | "hostname" | "id" | "url" | "location"
        | "extra_data" | "status" | "srcport" | "dstport" | "data" | "protocol" | "system_name" | "srcgeoip"
        | "dstgeoip" => Dialect::OsMatch,
        "regex" | "field" => Dialect::OsRegex,
        "action" => Dialect::Exact,
        _ => return None,
    })
}

impl Lowering<'_, '_> {
    pub(super) fn option(&mut self, option: &Element) -> Node {
        let text = self.value(&option.text);
        match option.name.as_str() {
            "srcip" | "dstip" => self.addresses(option, &text),
            "list" => self.list(option, text.trim()),
            "time" | "weekday" => {
                let name = if option.name == "time" { "time of day" } else { "day of the week" };
                let mut predicate = Predicate::new(name, Op::In, [text.trim()]);
                predicate.computed = true;
                predicate.span = self.place_of(option.span);
                predicate.into()
            }
            name => {
                let field = match name {
                    "field" => option.attribute("name").unwrap_or_default().trim().to_owned(),
                    "match" | "regex" => "full_log".to_owned(),
                    other => other.to_owned(),
                };
                if field.is_empty() {
                    return self.error("field without a name", "`<field>` names no field".to_owned(), option.span);
                }
                let dialect = dialect_of(name).unwrap_or(Dialect::OsRegex);
                let dialect = match option.attribute("type").map(|kind| (kind, Dialect::of(kind))) {
                    None => dialect,
                    Some((_, Some(own))) => own,
                    Some((kind, None)) => {
                        let message = format!("`{kind}` is none of Wazuh's types of patterns");
                        return self.error("unknown type", message, option.span);
                    }
                };
                if text.is_empty() && dialect != Dialect::Exact {
                    // An empty pattern is in every text; that there is one is what is left.
                    return self.presence(&field, option);
                }
                let pattern = dialect.read(&text);
                self.pattern(&field, option, pattern)
            }
        }
    }

    fn presence(&self, field: &str, option: &Element) -> Node {
        let mut predicate = Predicate::new(field, Op::IsNotNull, Vec::<String>::new());
        predicate.span = self.place_of(option.span);
        predicate.into()
    }

    /// The comparisons of a pattern: those of one kind together.
    fn pattern(&mut self, field: &str, option: &Element, pattern: Pattern) -> Node {
        let negated = pattern.negated != option.says_yes("negate");
        let is_log = field == "full_log";
        let mut groups: Vec<(Op, Vec<String>)> = Vec::new();
        for (op, value) in pattern.alternatives {
            match groups.iter_mut().find(|(known, _)| *known == op) {
                Some((_, values)) => values.push(value),
                None => groups.push((op, vec![value])),
            }
        }
        let nodes: Vec<Node> = groups
            .into_iter()
            .map(|(op, values)| {
                if !self.budget.nodes(values.len()) {
                    return self.opaque(BUDGET, option.span);
                }
                // The log itself begins behind the header that `full_log` has.
                let begins = matches!(op, Op::Eq | Op::StartsWith)
                    || (op == Op::RegexMatch && values.iter().any(|value| value.starts_with('^')));
                let field = if is_log && begins { "log" } else { field };
                let op = if op == Op::Eq && values.len() > 1 { Op::In } else { op };
                let mut predicate = Predicate::new(field, op, values);
                predicate.case_sensitive = pattern.case_sensitive;
                predicate.negated = negated;
                predicate.span = self.place_of(option.span);
                predicate.into()
            })
            .collect();
        if negated { Node::all(nodes) } else { Node::any(nodes) }
    }

    /// Addresses and networks.
    fn addresses(&mut self, option: &Element, text: &str) -> Node {
        let text = text.trim();
        let (is_negated, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let negated = is_negated != option.says_yes("negate");
        let mut groups: [(Op, Vec<String>); 3] =
            [(Op::Eq, Vec::new()), (Op::CidrMatch, Vec::new()), (Op::StartsWith, Vec::new())];
        let items = text.split([',', '|', ' ']).map(str::trim).filter(|item| !item.is_empty());
        let mut unread = None;
        for item in items {
            let item = item.strip_prefix('!').unwrap_or(item);
            let place = if item.parse::<IpAddr>().is_ok() {
                0
            } else if item.parse::<IpNet>().is_ok() {
                1
            } else if item.ends_with('.')
                && item.trim_end_matches('.').split('.').all(|part| part.parse::<u8>().is_ok())
            {
                // The beginning of an address is a network.
                2
            } else {
                unread = Some(item.to_owned());
                continue;
            };
            if let Some((_, values)) = groups.get_mut(place) {
                values.push(item.to_owned());
            }
        }
        let mut nodes: Vec<Node> = Vec::new();
        for (op, values) in groups {
            if values.is_empty() {
                continue;
            }
            let op = if op == Op::Eq && values.len() > 1 { Op::In } else { op };
            let mut predicate = Predicate::new(option.name.clone(), op, values);
            predicate.negated = negated;
            predicate.span = self.place_of(option.span);
            nodes.push(predicate.into());
        }
        if let Some(item) = unread {
            nodes.push(self.error("not an address", format!("`{item}` is no address and no network"), option.span));
        }
        if nodes.is_empty() {
            return self.presence(&option.name, option);
        }
        if negated { Node::all(nodes) } else { Node::any(nodes) }
    }

    /// A field's value as a key of a list.
    fn list(&mut self, option: &Element, name: &str) -> Node {
        let field = option.attribute("field").unwrap_or_default().trim().to_owned();
        let lookup = option.attribute("lookup").unwrap_or("match_key").trim();
        let known = [
            "match_key",
            "not_match_key",
            "match_key_value",
            "address_match_key",
            "not_address_match_key",
            "address_match_key_value",
        ];
        if field.is_empty() || !known.contains(&lookup) {
            let message = "a list needs the `field` that is looked up, and a known `lookup`".to_owned();
            return self.error("invalid list", message, option.span);
        }
        let wanted = option.attribute("check_value").filter(|_| lookup.ends_with("_value"));
        let negated = lookup.starts_with("not_");
        let is_address = lookup.contains("address");
        let table = self.context.lookup(name);
        let keys: Option<Vec<String>> = table.map(|table| {
            let wanted = wanted.map(|wanted| wanted.trim().to_lowercase());
            let fits = |row: &&Vec<String>| {
                let value = row.get(1).map(|value| value.to_lowercase()).unwrap_or_default();
                wanted.as_ref().is_none_or(|wanted| plain_match(wanted, &value))
            };
            table.rows.iter().filter(fits).filter_map(|row| row.first().cloned()).collect()
        });
        let is_plain = wanted.is_none_or(|wanted| !wanted.contains(['\\', '(', '[', '*', '+']));
        let mut predicate = match keys {
            Some(keys) if is_plain && !keys.is_empty() => {
                if !self.budget.nodes(keys.len()) {
                    return self.opaque(BUDGET, option.span);
                }
                if is_address {
                    return self.address_keys(&field, option, keys, negated);
                }
                Predicate::new(field, Op::In, keys)
            }
            // Without its content a list is known by its name.
            _ => {
                if table.is_none() {
                    self.warn("unknown list", format!("the list `{name}` is not in the source"), option.span);
                }
                let mut values = vec![name.to_owned()];
                values.extend(wanted.map(str::to_owned));
                Predicate::new(field, Op::InList, values)
            }
        };
        predicate.case_sensitive = predicate.op == Op::In;
        predicate.negated = negated;
        predicate.span = self.place_of(option.span);
        predicate.into()
    }

    /// A field's address among those of a list, where the beginning of an address stands for a network.
    fn address_keys(&mut self, field: &str, option: &Element, keys: Vec<String>, negated: bool) -> Node {
        let (networks, rest): (Vec<String>, Vec<String>) =
            keys.into_iter().partition(|key| key.parse::<IpNet>().is_ok());
        let (beginnings, addresses): (Vec<String>, Vec<String>) = rest.into_iter().partition(|key| key.ends_with('.'));
        let mut nodes = Vec::new();
        for (op, values) in [(Op::In, addresses), (Op::CidrMatch, networks), (Op::StartsWith, beginnings)] {
            if !values.is_empty() {
                let mut predicate = Predicate::new(field, op, values);
                predicate.negated = negated;
                predicate.span = self.place_of(option.span);
                nodes.push(predicate.into());
            }
        }
        if negated { Node::all(nodes) } else { Node::any(nodes) }
    }
}

/// Whether a value is as a pattern of texts with anchors says; both are in lower case.
fn plain_match(pattern: &str, value: &str) -> bool {
    Dialect::OsMatch.read(pattern).alternatives.iter().any(|(op, text)| match op {
        Op::Eq => value == text,
        Op::StartsWith => value.starts_with(text),
        Op::EndsWith => value.ends_with(text),
        _ => value.contains(text),
    })
}
