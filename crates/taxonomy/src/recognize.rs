//! Data sources that no row of the table names, recognised by rule: Windows channels in any of Splunk's spellings, the
//! texts of `data_source`, and names that contain the name of a product.

use ruleatlas_core::fold_wildcards;
use ruleatlas_model::{DataSource, EventRef, Op, SourceKind};
use rustc_hash::FxHashMap;

use crate::{
    Fault, File,
    event::{Events, KnownEvent, ProviderNames},
    log_source::{LogSources, Selector},
};

/// A Windows channel and the provider that writes to it.
#[derive(Clone, Debug)]
struct Channel {
    name: String,
    /// The name's letters and digits in lower case.
    compact: String,
    provider: String,
}

/// The Windows channels that are known by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Channels {
    all: Vec<Channel>,
    /// Providers by channel in lower case and event id.
    events: FxHashMap<(String, String), String>,
    names: ProviderNames,
}

/// A row of `source_words.csv`: a product's name, and what data sources are whose name contains it.
#[derive(Clone, Debug)]
struct Product {
    log_source: usize,
    platforms: Vec<String>,
    /// Platforms of which it may be any, written with `?`.
    possible: Vec<String>,
    provider: String,
    ids: Ids,
    /// Where the row stands, for the record of what matched.
    at: usize,
}

/// What follows a product's name in the text of a data source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ids {
    /// Nothing that is known.
    None,
    /// A number in the rest is the event's id.
    Number,
    /// The whole rest is the event's id.
    Rest,
}

/// The products of `source_words.csv`, by the letters and digits of their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Products {
    by_name: FxHashMap<String, Product>,
    longest: usize,
}

impl Channels {
    /// Collects the channels of the Sigma services and of `events.csv`, and reads `channels.csv`.
    pub fn load(file: File<'_>, events: &Events, log_sources: &LogSources, faults: &mut Vec<Fault>) -> Self {
        let mut channels = Self { names: events.providers.clone(), ..Self::default() };
        for selector in log_sources.selectors().iter().filter(|selector| selector.is_windows()) {
            if let Some(name) = &selector.channel {
                channels.add(name, selector.providers.first().map_or("", String::as_str));
            }
        }
        let is_of_windows = |known: &&KnownEvent| {
            is_windows_channel(&known.channel) && log_sources.may_be_windows(&known.event.provider)
        };
        for known in events.all.iter().filter(is_of_windows) {
            channels.add(&known.channel, &known.event.provider);
            let key = (known.channel.to_lowercase(), known.event.event_id.clone());
            channels.events.entry(key).or_insert_with(|| known.event.provider.clone());
        }
        let mut reader = csv::ReaderBuilder::new().from_reader(file.text.as_bytes());
        for row in reader.records() {
            let line = row.as_ref().ok().and_then(|row| row.position()).map_or(1, csv::Position::line);
            match row.as_ref().map(|row| (row.get(0), row.get(1))) {
                Ok((Some(name), Some(provider))) if !name.is_empty() && !provider.is_empty() => {
                    channels.add(name, &events.providers.short_name(provider));
                }
                _ => faults.push(fault(file, line, "a row must be a channel and a provider")),
            }
        }
        channels
    }

    fn add(&mut self, name: &str, provider: &str) {
        match self.all.iter_mut().find(|known| known.name.eq_ignore_ascii_case(name)) {
            Some(known) if known.provider.is_empty() => provider.clone_into(&mut known.provider),
            Some(_) => {}
            None => {
                self.all.push(Channel { name: name.to_owned(), compact: compact(name), provider: provider.to_owned() })
            }
        }
    }

    /// The only channel that a pattern of a source matches: `*Sysmon*` is `XmlWinEventLog:Microsoft-Windows-Sysmon/Operational`.
    fn only_match(&self, pattern: &str) -> Option<&str> {
        const MIN_LETTERS: usize = 4;
        let letters = pattern.bytes().filter(u8::is_ascii_alphanumeric).count();
        if !pattern.contains('*') || letters < MIN_LETTERS {
            return None;
        }
        let pattern = fold_wildcards(pattern, None);
        let fits = |channel: &&Channel| {
            let source = format!("XmlWinEventLog:{}", channel.name).to_lowercase();
            let value = pattern.value.to_lowercase();
            match pattern.op {
                Op::Contains => source.contains(&value),
                Op::EndsWith => source.ends_with(&value),
                Op::StartsWith => source.starts_with(&value),
                _ => false,
            }
        };
        let mut found = self.all.iter().filter(|channel| is_windows_channel(&channel.name)).filter(fits);
        found.next().filter(|_| found.next().is_none()).map(|channel| channel.name.as_str())
    }

    /// The provider of an event that is written to a channel.
    fn provider(&self, channel: &str, id: Option<&str>) -> String {
        let of_id = id.and_then(|id| self.events.get(&(channel.to_lowercase(), id.to_owned())));
        let known = || {
            let known = self.all.iter().find(|known| known.name.eq_ignore_ascii_case(channel))?;
            (!known.provider.is_empty()).then(|| known.provider.clone())
        };
        let head = || self.names.short_name(channel.split('/').next().unwrap_or(channel).trim());
        of_id.cloned().or_else(known).unwrap_or_else(head)
    }

    /// The channel that a text names: a channel's name, or a part of one (`TaskScheduler`, `RemoteConnectionManager`). Of
    /// several the one to which the event is written, then that of operational events.
    fn named(&self, text: &str, id: Option<&str>) -> Option<&str> {
        let wanted = compact(text);
        if wanted.len() < 3 {
            return None;
        }
        let mut best: Option<(usize, &str)> = None;
        for channel in &self.all {
            let has_id = id.is_some_and(|id| self.events.contains_key(&(channel.name.to_lowercase(), id.to_owned())));
            let rank = match () {
                () if channel.compact == wanted => 4,
                () if channel.compact.contains(&wanted) && has_id => 3,
                () if channel.compact.contains(&wanted) && channel.name.ends_with("Operational") => 2,
                () if channel.compact.contains(&wanted) => 1,
                () => continue,
            };
            if best.is_none_or(|(known, _)| rank > known) {
                best = Some((rank, &channel.name));
            }
        }
        best.map(|(_, name)| name)
    }
}

impl Products {
    /// Reads `source_words.csv`.
    pub fn load(file: File<'_>, log_sources: &LogSources, faults: &mut Vec<Fault>) -> Self {
        let mut products = Self::default();
        let mut reader = csv::ReaderBuilder::new().from_reader(file.text.as_bytes());
        match reader.headers() {
            Ok(header) if header.iter().eq(["words", "log_source", "platforms", "provider", "ids"]) => {}
            _ => faults.push(fault(file, 1, "the first line must be words,log_source,platforms,provider,ids")),
        }
        for (at, row) in reader.records().enumerate() {
            let row = match row {
                Ok(row) => row,
                Err(error) => {
                    faults.push(fault(file, error.position().map_or(1, csv::Position::line), &error.to_string()));
                    continue;
                }
            };
            let line = row.position().map_or(1, csv::Position::line);
            let cell = |at: usize| row.get(at).unwrap_or_default();
            let Some(log_source) = log_sources.all.iter().position(|known| known.name == cell(1)) else {
                faults.push(fault(file, line, &format!("there is no log source `{}`", cell(1))));
                continue;
            };
            let (possible, platforms): (Vec<&str>, Vec<&str>) =
                cell(2).split('|').filter(|name| !name.is_empty()).partition(|name| name.starts_with('?'));
            let platforms: Vec<String> = platforms.into_iter().map(str::to_owned).collect();
            let possible: Vec<String> =
                possible.into_iter().map(|name| name.trim_start_matches('?').to_owned()).collect();
            let all = platforms.iter().chain(&possible);
            for name in all.filter(|name| log_sources.platform(name).is_none()) {
                faults.push(fault(file, line, &format!("`{name}` is not of the closed list of platforms")));
            }
            let ids = match cell(4) {
                "" => Ids::None,
                "number" => Ids::Number,
                "rest" => Ids::Rest,
                other => {
                    faults.push(fault(file, line, &format!("`{other}` is neither `number` nor `rest`")));
                    Ids::None
                }
            };
            let name = compact(cell(0));
            products.longest = products.longest.max(name.len());
            let product = Product { log_source, platforms, possible, provider: cell(3).to_owned(), ids, at };
            if name.len() < 2 || products.by_name.insert(name, product).is_some() {
                faults.push(fault(file, line, &format!("`{}` is too short or stands here a second time", cell(0))));
            }
        }
        products
    }

    /// The product with the longest name among the words of a text, and the words behind it.
    fn find<'a>(&self, text: &'a str) -> Option<(&Product, &'a str)> {
        let words = words(text);
        let mut best: Option<(usize, &Product, &str)> = None;
        for (start, _) in words.iter().enumerate() {
            let mut name = String::new();
            for (word, end) in words.iter().skip(start) {
                name.push_str(word);
                if name.len() > self.longest {
                    break;
                }
                if let Some(product) = self.by_name.get(&name)
                    && best.is_none_or(|(length, ..)| name.len() > length)
                {
                    best = Some((name.len(), product, text.get(*end..).unwrap_or_default()));
                }
            }
        }
        best.map(|(_, product, rest)| (product, rest.trim_matches(|c: char| !c.is_alphanumeric() && c != ')')))
    }
}

/// What was recognised.
pub(crate) enum Recognized {
    /// The selector of that place in the table.
    Row(u32),
    /// One of its own.
    Own(Box<Selector>),
}

impl LogSources {
    /// What a data source is that no row of the table names exactly.
    pub fn recognize(&self, source: &DataSource) -> Option<Recognized> {
        let name = source.name.as_str();
        match source.kind {
            SourceKind::Channel => return Some(self.of_channel(name.trim_matches('*'), &[])),
            SourceKind::Source | SourceKind::SourceType | SourceKind::EventType | SourceKind::Macro => {
                if let Some(channel) = channel_of(name).or_else(|| self.channel_of_pattern(source)) {
                    return Some(self.of_channel(channel, &[]));
                }
            }
            SourceKind::LogType => {
                if let Some(found) = self.of_event_log(name) {
                    return Some(found);
                }
            }
            // All tables of a workspace.
            SourceKind::Table if name == "*" => {
                let any = Selector::blank(self.position("any_table")?);
                return Some(Recognized::Own(Box::new(any)));
            }
            SourceKind::Table | SourceKind::Index | SourceKind::Integration => {}
            _ => return None,
        }
        let product = self.of_product(source);
        let of_channel = || (source.kind == SourceKind::LogType).then(|| self.of_named_channel(name)).flatten();
        product.or_else(of_channel)
    }

    /// The Windows channel that the pattern of a source means.
    pub fn channel_of_pattern(&self, source: &DataSource) -> Option<&str> {
        let is_name = matches!(source.kind, SourceKind::Source | SourceKind::SourceType);
        if is_name { self.channels.only_match(&source.name) } else { None }
    }

    /// A Windows channel: the row of the Sigma service that reads it, else a selector of its own.
    fn of_channel(&self, channel: &str, ids: &[&str]) -> Recognized {
        let channel = channel.trim();
        let of_service = |selector: &&Selector| {
            selector.is_service()
                && selector.channel.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(channel))
        };
        let row = self.selectors().iter().enumerate().find(|(_, selector)| of_service(selector));
        if let (Some((at, _)), []) = (row, ids) {
            return Recognized::Row(u32::try_from(at).unwrap_or(u32::MAX));
        }
        let provider =
            |id: Option<&str>| if channel.is_empty() { String::new() } else { self.channels.provider(channel, id) };
        let event = |id: &&str| EventRef { provider: provider(Some(*id)), event_id: (*id).to_owned() };
        let own = provider(None);
        let events: Vec<EventRef> = ids.iter().map(event).collect();
        let log_source = self.category_of(&events).or(row.map(|(_, selector)| selector.log_source));
        Recognized::Own(Box::new(Selector {
            platforms: vec!["windows".to_owned()],
            events,
            providers: if own.is_empty() { Vec::new() } else { vec![own] },
            channel: (!channel.is_empty()).then(|| channel.to_owned()),
            ..Selector::blank(log_source.or_else(|| self.position("windows")).unwrap_or(0))
        }))
    }

    /// The log source of Sigma's category of Windows that has these events: 4688 is a process creation.
    fn category_of(&self, events: &[EventRef]) -> Option<usize> {
        let is_category = |selector: &&Selector| {
            selector.is_windows() && selector.constraints.iter().any(|pattern| pattern.is_of(SourceKind::Category))
        };
        let mut categories = self.selectors().iter().filter(is_category);
        let has_all = |selector: &&Selector| events.iter().all(|event| selector.events.contains(event));
        if events.is_empty() {
            None
        } else {
            categories.find(|selector| has_all(selector)).map(|found| found.log_source)
        }
    }

    /// `Windows Event Log Security 4688`: an event of a log.
    fn of_event_log(&self, text: &str) -> Option<Recognized> {
        const HEADS: [&str; 5] =
            ["windows event log ", "windows event logs ", "windows event ", "windows security", "wineventlog "];
        let lower = text.to_ascii_lowercase();
        let head = HEADS.iter().find(|head| lower.starts_with(*head))?;
        // `Windows Security 4698` names the log itself.
        let rest = if *head == "windows security" { text.get("windows ".len()..)? } else { text.get(head.len()..)? };
        let rest = rest.trim();
        let (log, ids) = log_and_ids(rest);
        let channel = self.channels.named(log, ids.first().copied());
        let channel = channel.map_or_else(|| log.replace(' ', "-"), str::to_owned);
        Some(self.of_text(&channel, &ids))
    }

    /// `NTLM Operational 8004`: the text of a data source that is a channel's name, or the greater part of one.
    fn of_named_channel(&self, text: &str) -> Option<Recognized> {
        const MIN_LETTERS: usize = 8;
        let (log, ids) = log_and_ids(text);
        let channel = self.channels.named(log, ids.first().copied()).filter(|_| compact(log).len() >= MIN_LETTERS)?;
        Some(self.of_text(channel, &ids))
    }

    /// A channel that a text beside a query names: it says less than the query, unless it names the event.
    fn of_text(&self, channel: &str, ids: &[&str]) -> Recognized {
        let mut found = self.of_channel(channel, ids);
        if let Recognized::Own(own) = &mut found {
            own.otherwise = own.events.is_empty();
        }
        found
    }

    /// What a name is that contains a product's name.
    fn of_product(&self, source: &DataSource) -> Option<Recognized> {
        let (product, rest) = self.products.find(&source.name)?;
        let is_text = source.kind == SourceKind::LogType;
        let id = match product.ids {
            Ids::Number if is_text => rest.split([' ', ':']).rev().find(|word| is_number(word)),
            Ids::Rest if is_text => Some(rest).filter(|rest| !rest.is_empty() && rest.len() <= 200),
            _ => None,
        };
        let event = |id: &str| EventRef { provider: product.provider.clone(), event_id: id.to_owned() };
        // A log that the query itself reads under the same product says how its ids are written.
        let twin = self.selectors().iter().find(|selector| {
            selector.log_source == product.log_source
                && !product.provider.is_empty()
                && selector.providers.contains(&product.provider)
        });
        Some(Recognized::Own(Box::new(Selector {
            platforms: product.platforms.clone(),
            possible_platforms: product.possible.clone(),
            events: id.map(event).into_iter().collect(),
            providers: Some(product.provider.clone()).filter(|name| !name.is_empty()).into_iter().collect(),
            event_fields: twin.map_or_else(|| vec!["EventID".to_owned()], |twin| twin.event_fields.clone()),
            // The text beside a query says less than the query, unless it names the event.
            otherwise: is_text && id.is_none(),
            at: product.at,
            ..Selector::blank(product.log_source)
        })))
    }
}

/// The channel in a source of Splunk's: `XmlWinEventLog:Security`, `*WinEventLog:Application`, `wineventlog_system`;
/// empty where it only says that the events are from the Windows event log.
fn channel_of(name: &str) -> Option<&str> {
    let name = name.trim().trim_matches('*');
    let head = ["xmlwineventlog", "wineventlog"]
        .into_iter()
        .find(|head| name.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head)))?;
    let rest = name.get(head.len()..)?;
    match rest.chars().next() {
        None => Some(""),
        Some(':' | '_' | '-' | '/') => Some(rest.trim_start_matches([':', '_', '-', '/', '*'])),
        Some(_) => None,
    }
}

/// Whether a channel of `events.csv` is one of Windows, and no data set of another product.
pub(crate) fn is_windows_channel(name: &str) -> bool {
    !name.is_empty() && !name.starts_with("logs-") && !name.starts_with("Linux-")
}

/// A log's name and the ids behind it: `Security` and 4688 of `Security EventID 4688`.
fn log_and_ids(text: &str) -> (&str, Vec<&str>) {
    const MAX_IDS: usize = 64;
    let is_of_ids = |c: char| c.is_ascii_digit() || matches!(c, ',' | ' ' | '/' | ':' | ';' | '-');
    let behind = text.trim_end_matches(is_of_ids).len();
    // The digits of a name are its own: `CAPI2 70`.
    let numbers = text.get(behind..).unwrap_or_default();
    let start = if numbers.starts_with(|c: char| c.is_ascii_digit()) {
        numbers.find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |at| behind + at)
    } else {
        behind
    };
    let ids = text.get(start..).unwrap_or_default().split(|c: char| !c.is_ascii_digit());
    let ids = ids.filter(|word| is_number(word)).take(MAX_IDS).collect();
    let log = text.get(..start).unwrap_or(text).trim_end_matches([' ', ':', '-']);
    let words = ["EventID", "EventCode", "Event ID", "Event Code", "EventIDs", "Events", "Event"];
    let log = words.iter().find_map(|word| log.strip_suffix(word)).unwrap_or(log).trim();
    (log, ids)
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.len() <= 9 && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// Letters and digits of a text in lower case.
fn compact(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The words of a name in lower case, each with where it ends: what is no letter or digit parts them, and so does a capital
/// behind a small letter.
fn words(text: &str) -> Vec<(String, usize)> {
    const MAX_WORDS: usize = 64;
    let mut words: Vec<(String, usize)> = Vec::new();
    let mut word = String::new();
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let begins = c.is_uppercase() && before.is_some_and(char::is_lowercase);
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            words.push((std::mem::take(&mut word), at));
        }
        if words.len() >= MAX_WORDS {
            return words;
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    if !word.is_empty() {
        words.push((word, text.len()));
    }
    words
}

fn fault(file: File<'_>, line: u64, message: &str) -> Fault {
    Fault { file: file.name.to_owned(), line: u32::try_from(line).unwrap_or(u32::MAX), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_read_from_any_spelling() {
        let cases = [
            ("WinEventLog:Security", Some("Security")),
            ("*WinEventLog:Security", Some("Security")),
            ("xmlwineventlog", Some("")),
            ("XmlWinEventLog:Microsoft-Windows-Sysmon/Operational", Some("Microsoft-Windows-Sysmon/Operational")),
            ("wineventlog_system", Some("system")),
            ("WinEventLogs", None),
            ("syslog", None),
        ];
        for (name, expected) in cases {
            assert_eq!(channel_of(name), expected, "{name}");
        }
    }

    #[test]
    fn a_log_and_its_ids_are_parted() {
        let cases = [
            ("Security 4688", "Security", vec!["4688"]),
            ("CAPI2 70", "CAPI2", vec!["70"]),
            ("CAPI2", "CAPI2", vec![]),
            ("NTLM Operational 8004,8005, 8006", "NTLM Operational", vec!["8004", "8005", "8006"]),
            ("Security EventID: 4624", "Security", vec!["4624"]),
            ("", "", vec![]),
        ];
        for (text, log, ids) in cases {
            assert_eq!(log_and_ids(text), (log, ids), "{text}");
        }
    }

    #[test]
    fn words_are_parted_at_marks_and_capitals() {
        let found: Vec<String> = words("OktaIM2:log-a_b Größe").into_iter().map(|(word, _)| word).collect();
        assert_eq!(found, ["okta", "im2", "log", "a", "b", "größe"]);
    }
}
