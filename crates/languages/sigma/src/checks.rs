use std::net::IpAddr;

use ipnet::IpNet;

/// What is wrong with a regular expression of the PCRE flavour, as far as its brackets and quantifiers tell.
///
/// It does not compile the expression: that would cost more than all the rest of reading a rule.
pub(crate) fn regex_fault(pattern: &str) -> Option<&'static str> {
    let mut groups = 0_usize;
    let mut repeatable = false;
    let mut chars = pattern.chars().peekable();
    while let Some(character) = chars.next() {
        match character {
            '\\' => match chars.next() {
                None => return Some("it ends in a lone backslash"),
                Some('Q') => {
                    let mut last = ' ';
                    while let Some(quoted) = chars.next_if(|_| true) {
                        if last == '\\' && quoted == 'E' {
                            break;
                        }
                        last = quoted;
                    }
                    repeatable = true;
                }
                Some(_) => repeatable = true,
            },
            '[' => {
                chars.next_if_eq(&'^');
                chars.next_if_eq(&']');
                loop {
                    match chars.next() {
                        None => return Some("a `[` is not closed"),
                        Some(']') => break,
                        Some('\\') => {
                            chars.next();
                        }
                        Some('[') if chars.peek() == Some(&':') => {
                            chars.by_ref().find(|inner| *inner == ']');
                        }
                        Some(_) => {}
                    }
                }
                repeatable = true;
            }
            '(' => {
                groups += 1;
                repeatable = chars.next_if_eq(&'?').is_some() && matches!(chars.peek(), Some(')'));
            }
            ')' => {
                let Some(outer) = groups.checked_sub(1) else { return Some("a `)` has no `(`") };
                groups = outer;
                repeatable = true;
            }
            '|' => repeatable = false,
            '*' | '+' | '?' => {
                if !repeatable {
                    return Some("a quantifier has nothing to repeat");
                }
                chars.next_if(|next| matches!(next, '?' | '+'));
                repeatable = false;
            }
            '{' => {
                let rest: String = chars.clone().take_while(|next| *next != '}').take(24).collect();
                if let Some((least, most)) = quantifier(&rest) {
                    if !repeatable {
                        return Some("a quantifier has nothing to repeat");
                    }
                    if most.is_some_and(|most| most < least) {
                        return Some("a quantifier's bounds are in the wrong order");
                    }
                    chars.by_ref().find(|next| *next == '}');
                    chars.next_if(|next| matches!(next, '?' | '+'));
                    repeatable = false;
                } else {
                    repeatable = true;
                }
            }
            _ => repeatable = true,
        }
    }
    (groups > 0).then_some("a `(` is not closed")
}

fn quantifier(text: &str) -> Option<(u64, Option<u64>)> {
    match text.split_once(',') {
        None => text.parse().ok().map(|count| (count, Some(count))),
        Some((least, "")) => least.parse().ok().map(|least| (least, None)),
        Some((least, most)) => Some((least.parse().ok()?, Some(most.parse().ok()?))),
    }
}

/// Whether the expression begins with an inline flag group that ignores case, `(?i)`.
pub(crate) fn ignores_case(pattern: &str) -> bool {
    pattern
        .strip_prefix("(?")
        .and_then(|rest| rest.split_once(')'))
        .is_some_and(|(flags, _)| flags.contains('i') && flags.bytes().all(|flag| flag.is_ascii_alphabetic()))
}

/// What is wrong with a network in CIDR notation, and whether it is no network at all.
pub(crate) enum CidrFault {
    Invalid(&'static str),
    /// Bits are set behind the prefix.
    HostBits,
}

/// Looks a CIDR network over; a lone address is a network of one.
pub(crate) fn cidr_fault(network: &str) -> Option<CidrFault> {
    let address = network.split_once('/').map_or(network, |(address, _)| address);
    if address.parse::<IpAddr>().is_err() {
        return Some(CidrFault::Invalid("the address is none"));
    }
    match network.parse::<IpNet>() {
        Ok(network) => (network.addr() != network.network()).then_some(CidrFault::HostBits),
        Err(_) if address == network => None,
        Err(_) => Some(CidrFault::Invalid("the prefix length is none")),
    }
}

/// The number that a value is, where it is one: decimal, or hexadecimal behind `0x`.
pub(crate) fn number(text: &str) -> Option<f64> {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hexadecimal {
        #[allow(clippy::cast_precision_loss)]
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(|number| number as f64),
        None => text.parse::<f64>().ok().filter(|number| number.is_finite()),
    }
}
