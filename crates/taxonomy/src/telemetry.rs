//! What settings and inventories of telemetry mean in events. Read at the first question: most programs never ask.

use std::sync::OnceLock;

use ruleatlas_model::EventRef;

use crate::{File, Taxonomy, file, recognize::is_windows_channel};

const AUDIT_POLICY: File<'static> = file!("audit_policy.csv");
const SYSMON_CONFIG: File<'static> = file!("sysmon_config.csv");
const DATA_COMPONENTS: File<'static> = file!("data_components.csv");
const PRODUCTS: File<'static> = file!("products.csv");
const ATTACK_PLATFORMS: File<'static> = file!("attack_platforms.csv");
const ATTACK_LOGS: File<'static> = file!("attack_logs.csv");
const PROVIDER_PLATFORMS: File<'static> = file!("provider_platforms.csv");
const CLOUDTRAIL_DATA_EVENTS: File<'static> = file!("cloudtrail_data_events.csv");
const AUDITD_RULES: File<'static> = file!("auditd_rules.csv");
const DIAGNOSTIC_CATEGORIES: File<'static> = file!("diagnostic_categories.csv");

/// The tables of this module.
pub(crate) const FILES: [File<'static>; 12] = [
    AUDIT_POLICY,
    SYSMON_CONFIG,
    DATA_COMPONENTS,
    PRODUCTS,
    ATTACK_PLATFORMS,
    ATTACK_LOGS,
    PROVIDER_PLATFORMS,
    CLOUDTRAIL_DATA_EVENTS,
    AUDITD_RULES,
    DIAGNOSTIC_CATEGORIES,
    crate::enable::ENABLE,
    crate::platform_page::PLATFORM_PAGES,
];

/// Which outcomes of an audited action write an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Success.
    Success,
    /// Failure.
    Failure,
    /// Either.
    Both,
}

/// An event that a subcategory of the Windows audit policy turns on: a row of `audit_policy.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audited {
    /// The subcategory's GUID in upper case, without braces: its name is translated on a Windows of another language.
    pub guid: &'static str,
    /// The category in English.
    pub category: &'static str,
    /// The subcategory in English.
    pub subcategory: &'static str,
    /// The id of the event of Security-Auditing; empty where the subcategory has none.
    pub event_id: &'static str,
    /// When it is written.
    pub outcome: Outcome,
}

/// Events of an element of a Sysmon configuration: a row of `sysmon_config.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filtered {
    /// The element (`ProcessCreate`); empty for events that no configuration turns off.
    pub element: &'static str,
    /// The ids.
    pub event_ids: Vec<&'static str>,
    /// Whether Sysmon writes them where the configuration does not have the element.
    pub by_default: bool,
}

/// The rows of a table that is compiled in, with as many columns as asked for. Tests see to their form.
fn rows<const N: usize>(text: &'static str) -> Vec<[&'static str; N]> {
    // The tables have no quotes.
    let lines = text.lines().skip(1).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut columns = line.split(',');
            std::array::from_fn(|_| columns.next().unwrap_or_default())
        })
        .collect()
}

/// The Windows audit policy: which event belongs to which subcategory.
#[must_use]
pub fn audit_policy() -> &'static [Audited] {
    static TABLE: OnceLock<Vec<Audited>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let read = |[guid, category, subcategory, event_id, outcome]: [&'static str; 5]| Audited {
            guid,
            category,
            subcategory,
            event_id,
            outcome: match outcome {
                "success" => Outcome::Success,
                "failure" => Outcome::Failure,
                _ => Outcome::Both,
            },
        };
        rows(AUDIT_POLICY.text).into_iter().map(read).collect()
    })
}

/// The elements of a Sysmon configuration.
#[must_use]
pub fn sysmon_config() -> &'static [Filtered] {
    static TABLE: OnceLock<Vec<Filtered>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let read = |[element, ids, default]: [&'static str; 3]| Filtered {
            element,
            event_ids: ids.split(' ').collect(),
            by_default: default == "on",
        };
        rows(SYSMON_CONFIG.text).into_iter().map(read).collect()
    })
}

/// The events that show a data component of ATT&CK (`Process Creation`; compares without case).
#[must_use]
pub fn events_of_component(component: &str) -> Vec<EventRef> {
    let of = component_rows().iter().filter(|[name, ..]| name.eq_ignore_ascii_case(component.trim()));
    of.flat_map(|[_, provider, ids]| {
        // An id of one word may have a space in it: those stand in rows of their own.
        let ids = if is_list(ids) { ids.split(' ').collect() } else { vec![*ids] };
        ids.into_iter().map(|id| EventRef { provider: (*provider).to_owned(), event_id: id.to_owned() })
    })
    .collect()
}

/// The data components of ATT&CK that an event shows, in the order of the table.
#[must_use]
pub fn components_of(event: &EventRef) -> Vec<&'static str> {
    let mut components: Vec<&'static str> = component_rows()
        .iter()
        .filter(|[_, provider, ids]| provider.eq_ignore_ascii_case(&event.provider) && is_in(&event.event_id, ids))
        .map(|[name, ..]| *name)
        .collect();
    components.dedup();
    components
}

/// Whether a list of ids has an id: numbers stand with spaces between them, an id of words alone.
fn is_in(id: &str, ids: &str) -> bool {
    ids.eq_ignore_ascii_case(id) || (is_list(ids) && ids.split(' ').any(|known| known == id))
}

fn is_list(ids: &str) -> bool {
    ids.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ')
}

fn component_rows() -> &'static [[&'static str; 3]] {
    static TABLE: OnceLock<Vec<[&'static str; 3]>> = OnceLock::new();
    TABLE.get_or_init(|| rows(DATA_COMPONENTS.text))
}

/// The type of resource whose data events a call of AWS is among; `None` for one that is a management event.
#[must_use]
pub fn cloudtrail_data_type(event_name: &str) -> Option<&'static str> {
    cloudtrail_data().iter().find(|(_, names)| names.contains(&event_name)).map(|(kind, _)| *kind)
}

/// The types of resources whose data events CloudTrail can write, each with the calls that are known.
#[must_use]
pub fn cloudtrail_data() -> &'static [(&'static str, Vec<&'static str>)] {
    static TABLE: OnceLock<Vec<(&'static str, Vec<&'static str>)>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let read = |[kind, names]: [&'static str; 2]| (kind, names.split(' ').collect());
        rows(CLOUDTRAIL_DATA_EVENTS.text).into_iter().map(read).collect()
    })
}

/// The events that a category of a diagnostic setting sends: provider and id, `*` for every event of the provider. Empty
/// where the category is unknown.
#[must_use]
pub fn events_of_diagnostic_category(category: &str) -> Vec<(&'static str, &'static str)> {
    static TABLE: OnceLock<Vec<[&'static str; 3]>> = OnceLock::new();
    let table = TABLE.get_or_init(|| rows(DIAGNOSTIC_CATEGORIES.text));
    // `allLogs` is every category of the resource, of which the setting does not say what it is.
    let of_it = table.iter().filter(|[known, ..]| known.eq_ignore_ascii_case(category));
    of_it.map(|[_, provider, event]| (*provider, *event)).collect()
}

/// The system calls that write a record type of Linux audit when a rule names one of them, with spaces between them.
#[must_use]
pub fn auditd_calls(record_type: &str) -> Option<&'static str> {
    let row = auditd_rules().iter().find(|[known, _]| known.eq_ignore_ascii_case(record_type));
    row.map(|[_, calls]| *calls).filter(|calls| *calls != AUDITD_ALWAYS)
}

/// Stands for system calls where programs write a record type without a rule.
pub const AUDITD_ALWAYS: &str = "always";

/// The record types of Linux audit, each with the system calls that write it when a rule names one of them, or
/// [`AUDITD_ALWAYS`].
#[must_use]
pub fn auditd_rules() -> &'static [[&'static str; 2]] {
    static TABLE: OnceLock<Vec<[&'static str; 2]>> = OnceLock::new();
    TABLE.get_or_init(|| rows(AUDITD_RULES.text))
}

/// The providers that a product's name stands for (`Windows event log`, `Sysmon`); empty where no word of it is known.
#[must_use]
pub fn providers_of_product(product: &str) -> Vec<&'static str> {
    static TABLE: OnceLock<Vec<[&'static str; 2]>> = OnceLock::new();
    let table = TABLE.get_or_init(|| rows(PRODUCTS.text));
    let product = product.to_lowercase();
    let row = table.iter().find(|[word, _]| product.contains(word));
    row.map_or_else(Vec::new, |[_, providers]| providers.split('|').collect())
}

/// The platforms that a DeTT&CT file's or ATT&CK's names of platforms stand for (`Windows`, `Azure AD`); empty where one of
/// them is `all` or unknown, so that nothing is left out by mistake.
#[must_use]
pub fn platforms_of_systems(names: &[String]) -> Vec<&'static str> {
    static TABLE: OnceLock<Vec<[&'static str; 2]>> = OnceLock::new();
    let table = TABLE.get_or_init(|| rows(ATTACK_PLATFORMS.text));
    let mut platforms = Vec::new();
    for name in names {
        let Some([_, own]) = table.iter().find(|[known, _]| known.eq_ignore_ascii_case(name.trim())) else {
            return Vec::new();
        };
        platforms.extend(own.split('|'));
    }
    platforms
}

/// How many ids of one reference are read.
const MAX_IDS: usize = 64;

impl Taxonomy {
    /// The platforms whose logs a provider writes to; empty where that is not known, or it is of any.
    #[must_use]
    pub fn platforms_of_provider(&self, provider: &str) -> Vec<&str> {
        // Providers that no log source names, or that several do.
        static TABLE: OnceLock<Vec<[&'static str; 2]>> = OnceLock::new();
        let table = TABLE.get_or_init(|| rows(PROVIDER_PLATFORMS.text));
        if let Some([_, own]) = table.iter().find(|[name, _]| name.eq_ignore_ascii_case(provider)) {
            return own.split('|').collect();
        }
        let mut platforms: Vec<&str> = Vec::new();
        for selector in self.log_sources.selectors() {
            let names_it = selector.providers.iter().any(|known| known == provider)
                || selector.events.iter().any(|event| event.provider == provider);
            if names_it && selector.platforms.is_empty() {
                return Vec::new();
            }
            platforms.extend(selector.platforms.iter().filter(|_| names_it).map(String::as_str));
        }
        let of_windows =
            self.events_iter().any(|known| known.event.provider == provider && is_windows_channel(&known.channel));
        if platforms.is_empty() && of_windows {
            platforms.push("windows");
        }
        platforms.sort_unstable();
        platforms.dedup();
        platforms
    }

    /// The events that a log source reference of ATT&CK names (`WinEventLog:Security`, `EventCode=4688, 4689`). Empty where
    /// it names no event: ATT&CK writes sentences too.
    #[must_use]
    pub fn attack_events(&self, name: &str, channel: &str) -> Vec<EventRef> {
        static TABLE: OnceLock<Vec<[&'static str; 3]>> = OnceLock::new();
        let table = TABLE.get_or_init(|| rows(ATTACK_LOGS.text));
        let row = table.iter().find(|[log, ..]| match log.strip_suffix('*') {
            Some(head) => name.get(..head.len()).is_some_and(|start| start.eq_ignore_ascii_case(head)),
            None => log.eq_ignore_ascii_case(name),
        });
        // `WinEventLog:` and a channel or provider that no row has.
        let unlisted = name.strip_prefix("WinEventLog:").or_else(|| name.strip_prefix("etw:"));
        let (provider, windows_channel) = match (row, unlisted) {
            (Some([_, provider, channel]), _) => ((*provider).to_owned(), *channel),
            (None, Some(log)) => match log.split_once('/') {
                Some((provider, _)) => (self.provider_name(provider), log),
                None => (self.provider_name(log), ""),
            },
            (None, None) => return Vec::new(),
        };
        let mut found: Vec<EventRef> = Vec::new();
        for id in ids(name, channel, &provider) {
            let in_channel = || self.events_in_channel(windows_channel, id).map(|known| known.event.clone());
            let mut events: Vec<EventRef> =
                if windows_channel.is_empty() { Vec::new() } else { in_channel().collect() };
            if events.is_empty() {
                let provider = match (provider.as_str(), windows_channel) {
                    ("", "Security") => "Security-Auditing",
                    // Who else writes an id there, nobody says.
                    ("", _) => continue,
                    (provider, _) => provider,
                };
                let event = EventRef { provider: provider.to_owned(), event_id: id.to_owned() };
                events.push(self.known_event(&event).map_or(event, |known| known.event.clone()));
            }
            found.extend(events);
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The ids of a reference: numbers behind `EventCode=`, names of event types, words that name an action.
fn ids<'a>(name: &'a str, channel: &'a str, provider: &str) -> Vec<&'a str> {
    if let Some((_, codes)) = channel.split_once("EventCode") {
        let codes = codes.trim_start_matches([' ', '=', ':']);
        let end = codes.find(|c: char| !c.is_ascii_digit() && !matches!(c, ',' | ' ' | '/')).unwrap_or(codes.len());
        let numbers = codes[..end].split([',', ' ', '/']).filter(|number| !number.is_empty() && number.len() < 8);
        return numbers.take(MAX_IDS).collect();
    }
    if name.starts_with("WinEventLog") || name.starts_with("linux:") {
        return Vec::new();
    }
    if let Some(kind) = name.strip_prefix("auditd:") {
        // A record type stands in the log's name.
        return if kind.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            vec![kind]
        } else {
            Vec::new()
        };
    }
    let words = channel.split([',', ';', '/', '|']).map(str::trim).take(MAX_IDS);
    let is_id = |word: &&str| match provider {
        "Endpoint Security" => word.starts_with("ES_EVENT_TYPE_"),
        // `PutIdentityPolicy`; a sentence has spaces.
        "CloudTrail" => {
            word.starts_with(|c: char| c.is_ascii_uppercase())
                && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
                && word.bytes().skip(1).any(|byte| byte.is_ascii_uppercase())
        }
        "Okta" | "GitHub" => word.contains('.') && !word.contains(' '),
        _ => false,
    };
    words.filter(is_id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_attack_name_events() {
        let taxonomy = Taxonomy::builtin();
        let cases: [(&str, &str, &[&str]); 12] = [
            ("WinEventLog:Sysmon", "EventCode=3, 22", &["Sysmon 22", "Sysmon 3"]),
            ("WinEventLog:Security", "EventCode=4688", &["Security-Auditing 4688"]),
            ("WinEventLog:Security", "EventCode=1102", &["Eventlog 1102"]),
            ("WinEventLog:System", "EventCode=7045", &["Service Control Manager 7045"]),
            ("WinEventLog:PowerShell", "EventCode=4103, 4104", &["PowerShell 4103", "PowerShell 4104"]),
            ("WinEventLog:Microsoft-Windows-Bits-Client/Operational", "EventCode=59", &["Bits-Client 59"]),
            ("WinEventLog:Security", "High volume of logons", &[]),
            ("auditd:EXECVE", "curl or wget", &["auditd EXECVE"]),
            (
                "AWS:CloudTrail",
                "PutIdentityPolicy, GetObject",
                &["CloudTrail GetObject", "CloudTrail PutIdentityPolicy"],
            ),
            ("AWS:CloudTrail", "Unusual calls of an API", &[]),
            ("macos:endpointsecurity", "ES_EVENT_TYPE_NOTIFY_EXEC", &["Endpoint Security ES_EVENT_TYPE_NOTIFY_EXEC"]),
            ("NSM:Flow", "EventCode=1", &[]),
        ];
        for (name, channel, expected) in cases {
            let found = taxonomy.attack_events(name, channel);
            let found: Vec<String> =
                found.iter().map(|event| format!("{} {}", event.provider, event.event_id)).collect();
            assert_eq!(found, expected, "{name} {channel}");
        }
    }

    #[test]
    fn the_tables_name_events_that_are_known() {
        let taxonomy = Taxonomy::builtin();
        let is_known = |provider: &str, id: &str| {
            let event = EventRef { provider: provider.to_owned(), event_id: id.to_owned() };
            taxonomy.known_event(&event).is_some()
        };
        for filtered in sysmon_config() {
            for id in &filtered.event_ids {
                assert!(is_known("Sysmon", id), "Sysmon {id}");
            }
        }
        for [component, provider, ids] in rows::<3>(DATA_COMPONENTS.text) {
            assert!(taxonomy.events_iter().any(|known| known.event.provider == provider), "{provider}");
            for event in events_of_component(component) {
                assert!(is_known(&event.provider, &event.event_id), "{component}: {event:?}, row {ids}");
            }
        }
        let is_platform = |name: &str| taxonomy.platforms().iter().any(|term| term.name == name);
        for [provider, platforms] in rows::<2>(PROVIDER_PLATFORMS.text) {
            assert!(platforms.split('|').all(is_platform), "{provider}: {platforms}");
        }
        let mut names = Vec::new();
        for audited in audit_policy() {
            assert_eq!(audited.guid.len(), 36, "{}", audited.guid);
            assert!(audited.event_id.is_empty() || audited.event_id.len() == 4, "{}", audited.event_id);
            if !names.contains(&audited.guid) {
                names.push(audited.guid);
            }
        }
        assert_eq!(names.len(), 59);
    }
}
