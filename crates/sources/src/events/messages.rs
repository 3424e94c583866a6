//! Message strings of Windows manifests: plaso's table, and tables of `provider`, `event_id`, `version`, `channel` and
//! `message`.
//!
//! A title comes of a message by naming its parameters: `%n` is a space, `%k` the name of the k-th field, and only the first
//! sentence or line is kept. A message whose parameters nobody names gives none.

use std::borrow::Cow;

use ruleatlas_model::Dictionary::{self, ManifestMessages, Plaso};

use super::{
    Read, event,
    text::{cut, one_line},
};

/// Characters of a title.
const TITLE: usize = 200;

/// A message whose parameters are still to be named.
pub(super) struct Message {
    pub(super) event: ruleatlas_model::EventRef,
    pub(super) channel: String,
    pub(super) template: String,
    pub(super) by: Dictionary,
    /// Whether a manifest has it: its identifier says so. Others with the same id are messages of errors.
    pub(super) of_manifest: bool,
}

pub(super) fn read(_: &str, text: &str, read: &mut Read) {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| header.iter().position(|column| *column == name);
    let by = if column("log_source").is_some() { Plaso } else { ManifestMessages };
    let provider = column("log_source").or_else(|| column("provider"));
    let (Some(provider), Some(id), Some(message)) = (provider, column("event_id"), column("message")) else { return };
    for line in lines {
        let columns: Vec<&str> = line.split('\t').collect();
        let get = |at: Option<usize>| at.and_then(|at| columns.get(at)).copied().unwrap_or_default();
        // Levels, tasks and opcodes have strings too; their identifiers begin with other digits.
        let identifier = get(column("message_identifier"));
        let of_manifest = identifier.is_empty() || identifier.starts_with("0xb");
        let severity = identifier.strip_prefix("0x").unwrap_or(identifier);
        let is_event = of_manifest || severity.starts_with(['0', '4', '6', '8', 'a', 'c', 'e']);
        let template = get(Some(message));
        if is_event && !template.trim().is_empty() && template.len() < 20_000 {
            read.messages.push(Message {
                event: event(get(Some(provider)), get(Some(id))),
                channel: get(column("channel")).to_owned(),
                template: template.to_owned(),
                by,
                of_manifest,
            });
        }
    }
}

impl Message {
    /// The message with its parameters named, as far as `fields` has names for them.
    pub(super) fn named(&self, fields: &[&str]) -> String {
        let mut named = String::with_capacity(self.template.len());
        let mut rest = self.template.as_str();
        while let Some(at) = rest.find(['%', '{', '\\']) {
            let (before, after) = rest.split_at(at);
            named.push_str(before);
            let (text, length) = parameter(after, fields);
            named.push_str(&text);
            rest = after.get(length..).unwrap_or_default();
        }
        named.push_str(rest);
        named
    }

    /// The title that the message gives; `None` where its first sentence has a parameter without a name or no words.
    pub(super) fn title(&self, fields: &[&str]) -> Option<String> {
        let named = self.named(fields);
        let line = named.trim().lines().next().unwrap_or_default();
        let line = one_line(first_sentence(line));
        let has_unnamed = line.contains(UNNAMED);
        let is_word = |word: &&str| word.chars().any(char::is_alphabetic) && !fields.contains(word);
        if has_unnamed || line.split(' ').filter(is_word).count() < 2 {
            return None;
        }
        let clipped = cut(&line, TITLE).trim_end_matches([':', ' ']);
        let ends = clipped.ends_with(['.', '!', '?']) || clipped.len() < line.trim_end_matches([':', ' ']).len();
        Some(format!("{clipped}{}", if ends { "" } else { "." }))
    }
}

/// Stands before the number of a parameter without a name.
const UNNAMED: char = '%';

/// What a parameter or escape at the beginning of `text` stands for, and its length in bytes.
fn parameter<'a>(text: &'a str, fields: &[&'a str]) -> (Cow<'a, str>, usize) {
    let name = |number: usize, length: usize| match number.checked_sub(1).and_then(|at| fields.get(at)) {
        // Names such as `param1` say no more than the number.
        Some(name) if !is_number(name) => (Cow::Borrowed(*name), length),
        _ => (Cow::Owned(format!("{UNNAMED}{number}")), length),
    };
    let bytes = text.as_bytes();
    match (bytes[0], bytes.get(1)) {
        (b'%', Some(b'n' | b't' | b'r' | b' ')) => (" ".into(), 2),
        (b'%', Some(b'%')) => ("%".into(), 2),
        (b'%', Some(b'.' | b'!')) => (text[1..2].into(), 2),
        (b'%', Some(digit)) if digit.is_ascii_digit() => {
            let digits = text[1..].bytes().take(2).take_while(u8::is_ascii_digit).count();
            let end = 1 + digits;
            // `%1!s!` says how the parameter is formatted.
            let format = text[end..].strip_prefix('!').and_then(|rest| Some(rest.find('!').filter(|at| *at < 8)? + 2));
            name(text[1..end].parse().unwrap_or_default(), end + format.unwrap_or(0))
        }
        (b'{', Some(_)) => match text[1..].split_once('}') {
            Some((inside, _)) if inside.len() < 64 => {
                let length = inside.len() + 2;
                match inside.split(['!', ':']).next().unwrap_or_default() {
                    number if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
                        name(number.parse::<usize>().unwrap_or(usize::MAX - 1) + 1, length)
                    }
                    other => (other.into(), length),
                }
            }
            _ => ("{".into(), 1),
        },
        (b'\\', Some(b'n' | b'r')) => ("\n".into(), 2),
        (b'\\', Some(b't')) => (" ".into(), 2),
        (byte, _) => (char::from(byte).to_string().into(), 1),
    }
}

fn is_number(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let rest = ["param", "data", "arg", "binary", "p"].iter().find_map(|head| name.strip_prefix(head));
    rest.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A line up to the end of its first sentence: a full stop before a space and a capital letter, or at the end.
fn first_sentence(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find(". ").map(|at| at + from) {
        let next = line[at + 1..].trim_start().chars().next();
        let word = line[..at].rsplit(' ').next().unwrap_or_default();
        // `e.g. X` and `No. 5` end nothing.
        let is_short = word.contains('.') || word.len() < 3;
        if next.is_none_or(char::is_uppercase) && !is_short {
            return &line[..=at];
        }
        from = at + 2;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn title(template: &str, fields: &[&str]) -> Option<String> {
        let message = Message {
            event: event("P", "1"),
            channel: String::new(),
            template: template.to_owned(),
            by: Plaso,
            of_manifest: true,
        };
        message.title(fields)
    }

    #[test]
    fn a_message_gives_a_title_with_its_parameters_named() {
        let pipeline = ["ContextInfo", "UserData", "Payload"];
        let cases: [(&str, &[&str], Option<&str>); 10] = [
            (
                "%3%n%nContext:%n%1%n%nUser Data:%n%2%n",
                &pipeline,
                Some("Payload Context: ContextInfo User Data: UserData."),
            ),
            ("Lookup of %1, kind %2", &["Name", "Kind"], Some("Lookup of Name, kind Kind.")),
            (r"Door {1!s} of {0!s} opened.\nMore: {2!s}", &["House", "Door"], Some("Door Door of House opened.")),
            (r"A door was opened:\nWho: {0!s}", &[], Some("A door was opened.")),
            ("Job {jobTitle} began. It runs.", &[], Some("Job jobTitle began.")),
            ("The {0!s} service stopped.", &["param1"], None),
            ("{0!s}", &["Text"], None),
            ("100%% of %1!s! done", &["Disk"], Some("100% of Disk done.")),
            ("See e.g. The manual. Then act.", &[], Some("See e.g. The manual.")),
            ("%", &[], None),
        ];
        for (template, fields, expected) in cases {
            // A per cent sign that stands for itself is no parameter.
            let expected = expected.filter(|text| !text.contains(UNNAMED));
            assert_eq!(title(template, fields).as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn no_template_is_too_odd() {
        for template in
            ["%é", "{é", "{}", "{99999999999999999999!s}", "%99", "\\", "%1!", "%1!sssssssssss!", ". . . ", "é. É"]
        {
            let _ = title(template, &["A"]);
        }
    }
}
