//! Microsoft's pages on the events of security auditing: `event-NNNN.md`, and `audit-*.md` for a subcategory of the audit
//! policy with the volume to be expected.

use ruleatlas_model::{Dictionary::MicrosoftDocs, EventDescription, EventField};

use super::{
    Read, Row, event,
    text::{cut, plain_markdown},
    told,
};
use crate::unique::unique_by;

/// Bytes of a field's description.
const DESCRIPTION: usize = 400;

/// `event-4688.md`.
pub(super) fn read_event(path: &str, text: &str, read: &mut Read) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let id = name.trim_start_matches("event-").trim_end_matches(".md");
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return;
    }
    // The pages escape the backslashes of paths.
    let xml = fenced(text, "```xml").map(|xml| xml.replace("\\\\", "\\"));
    let xml = xml.as_deref();
    let provider =
        xml.and_then(|xml| between(xml, "Provider Name=\"", "\"")).unwrap_or("Microsoft-Windows-Security-Auditing");
    let mut row = Row::blank(event(provider, id));
    let title = text.lines().find_map(|line| line.strip_prefix("title:")).map(str::trim);
    row.title = title.and_then(|title| told(without_id(title, id), MicrosoftDocs));
    row.description = section(text, "Event Description:").and_then(|text| told(&plain_markdown(text), MicrosoftDocs));
    let policy = section(text, "Subcategor").or_else(|| section(text, "Subcategory:"));
    row.audit = policy.and_then(|policy| told(&plain_markdown(policy), MicrosoftDocs)).into_iter().collect();
    if let Some(xml) = xml {
        let tag = |name: &str| between(xml, &format!("<{name}>"), "</").and_then(|text| told(text, MicrosoftDocs));
        row.channel = tag("Channel");
        row.keywords = tag("Keywords").into_iter().collect();
        row.task = tag("Task");
        row.opcode = tag("Opcode").filter(|opcode| opcode.text != "0");
        row.example = told(xml, MicrosoftDocs);
        row.fields = fields(xml);
    }
    row.versions = versions(text);
    describe(&mut row.fields, text);
    read.rows.push(row);
}

/// `audit-process-creation.md`.
pub(super) fn read_policy(_: &str, text: &str, read: &mut Read) {
    let name = text.lines().find_map(|line| line.strip_prefix("title:")).map(str::trim).unwrap_or_default();
    let volume = text.find("**Event volume").map(|at| text[at..].trim_start_matches(['*', ':']));
    let paragraph = volume.map(|text| text.split("\n\n").next().unwrap_or(text));
    let volume = paragraph.map(plain_markdown).unwrap_or_default();
    let volume = volume.trim_start_matches("Event volume").trim_start_matches([':', ' ']);
    if let Some(volume) = told(volume, MicrosoftDocs).filter(|_| !name.is_empty()) {
        read.volumes.push((name.to_lowercase(), volume));
    }
}

/// `4688(S) A new process has been created.` without what stands before the words.
fn without_id<'a>(title: &'a str, id: &str) -> &'a str {
    let rest = title.strip_prefix(id).unwrap_or(title).trim_start();
    let rest = match rest.strip_prefix('(') {
        Some(inside) => inside.split_once(')').map_or(rest, |(_, rest)| rest),
        None => rest,
    };
    rest.trim_start_matches([':', ' ', ',']).trim()
}

/// What stands behind a bold heading up to the end of its paragraph, or the next where the heading stands alone.
fn section<'a>(text: &'a str, heading: &str) -> Option<&'a str> {
    let at = text.find(&format!("***{heading}"))?;
    let rest = text.get(at + 3..)?;
    let rest = rest.get(rest.find("***")? + 3..)?;
    let rest = rest.trim_start();
    Some(rest.split("\n\n").next().unwrap_or(rest)).filter(|text| !text.is_empty())
}

fn fenced<'a>(text: &'a str, fence: &str) -> Option<&'a str> {
    between(text, fence, "```")
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let rest = text.get(text.find(start)? + start.len()..)?;
    Some(rest.get(..rest.find(end)?)?.trim_matches('\n'))
}

/// The fields of an event as XML: `<Data Name="SubjectUserSid">…</Data>`.
fn fields(xml: &str) -> Vec<EventField> {
    let mut fields: Vec<EventField> = Vec::new();
    for part in xml.split("<Data Name=\"").skip(1) {
        let Some((name, rest)) = part.split_once('"') else { continue };
        let value = rest.strip_prefix('>').and_then(|rest| rest.split_once("</")).map(|(value, _)| value);
        if !name.is_empty() {
            let sample = value.and_then(|value| told(value, MicrosoftDocs));
            fields.push(EventField { name: name.to_owned(), kind: None, description: None, sample, by: MicrosoftDocs });
        }
    }
    unique_by(fields, |field| field.name.clone())
}

fn versions(text: &str) -> Vec<String> {
    let Some(at) = text.find("***Event Versions:***") else { return Vec::new() };
    let rest = &text[at + "***Event Versions:***".len()..];
    let rest = rest.split("***").next().unwrap_or(rest);
    let listed = rest.lines().filter_map(|line| line.strip_prefix("-")).filter_map(|line| {
        let number = line.trim_start().split(' ').next()?;
        number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.to_owned())
    });
    let alone = rest.trim().trim_end_matches('.');
    let alone = (!alone.is_empty() && alone.bytes().all(|byte| byte.is_ascii_digit())).then(|| alone.to_owned());
    listed.filter(|number| !number.is_empty()).chain(alone).collect()
}

/// Gives fields the types and descriptions that the page lists by the names of the event's message. The message and the
/// XML name fields differently (`New Process Name`, `NewProcessName`); sections of the message repeat names, in the order
/// of the XML.
fn describe(fields: &mut [EventField], text: &str) {
    let Some(at) = text.find("***Field Descriptions:***") else { return };
    let rest = &text[at..];
    let rest = rest.split("\n## ").next().unwrap_or(rest);
    let mut group = String::new();
    for line in rest.lines() {
        let is_heading = line.starts_with("**") && !line.starts_with("***");
        if is_heading {
            let heading = plain_markdown(line);
            heading.split(['[', ':']).next().unwrap_or_default().trim().clone_into(&mut group);
            continue;
        }
        let Some(item) = line.strip_prefix("-   **").or_else(|| line.strip_prefix("- **")) else { continue };
        let item = plain_markdown(item);
        let Some(end) = item.find([':', '[']) else { continue };
        let label = item[..end].trim();
        let kind = between(&item, "[Type = ", "]").map(str::to_owned);
        let description = item.split_once("]:").or_else(|| item.split_once(": ")).map(|(_, text)| text.trim());
        let Some(at) = place(fields, &group, label) else { continue };
        let field = &mut fields[at];
        field.kind = field.kind.take().or(kind);
        field.description = field.description.take().or_else(|| {
            description
                .map(|text| cut(text, DESCRIPTION))
                .filter(|text| !text.is_empty())
                .map(|text| EventDescription { text: text.to_owned(), by: MicrosoftDocs })
        });
    }
}

/// The field that a label in a group means, the first that is not described yet.
fn place(fields: &[EventField], group: &str, label: &str) -> Option<usize> {
    let squeeze =
        |text: &str| -> String { text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    let (label, group) = (squeeze(label), squeeze(group));
    let subject = if group.contains("target") || group.starts_with("newlogon") { "target" } else { "subject" };
    let wanted: Vec<String> = match label.as_str() {
        "securityid" => {
            vec![format!("{subject}usersid"), format!("{subject}sid"), "usersid".into(), "membersid".into()]
        }
        "accountname" => vec![format!("{subject}username"), "accountname".into(), "targetusername".into()],
        "accountdomain" => vec![format!("{subject}domainname"), "targetdomainname".into()],
        "logonid" => vec![format!("{subject}logonid"), "logonid".into()],
        "groupname" => vec!["targetusername".into()],
        "groupdomain" => vec!["targetdomainname".into()],
        "creatorprocessid" => vec!["processid".into()],
        "creatorprocessname" => vec!["parentprocessname".into()],
        "processcommandline" => vec!["commandline".into()],
        "sourcenetworkaddress" | "clientaddress" => vec!["ipaddress".into(), "sourceaddress".into()],
        "sourceport" | "clientport" => vec!["ipport".into(), "sourceport".into()],
        "sourceaddress" => vec!["sourceaddress".into(), "ipaddress".into()],
        "callerprocessname" => vec!["processname".into()],
        "callerprocessid" => vec!["processid".into()],
        "applicationname" => vec!["application".into()],
        "logonprocess" => vec!["logonprocessname".into()],
        "authenticationpackage" => vec!["authenticationpackagename".into()],
        "accesses" => vec!["accesslist".into()],
        _ => vec![label.clone(), format!("{label}name")],
    };
    wanted.iter().find_map(|wanted| {
        fields.iter().position(|field| field.description.is_none() && squeeze(&field.name) == *wanted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "---\ntitle: 9001(S, F) A lab door was opened. \n---\n# 9001\n\n***Subcategory:***&nbsp;[Audit Lab Doors](audit-lab-doors.md)\n\n\
        ***Event Description:***\n\nWritten when a door opens.\n\nMore.\n\n***Event XML:***\n```xml\n<Event><System>\n <Provider Name=\"Lab-Doors\" />\n <Channel>Security</Channel>\n\
        </System><EventData>\n <Data Name=\"SubjectUserName\">ann</Data>\n <Data Name=\"DoorName\">north</Data>\n <Data Name=\"CommandLine\" />\n</EventData></Event>\n```\n\n\
        ***Event Versions:***\n\n-   0 - first.\n\n-   1 - second.\n\n***Field Descriptions:***\n\n**Subject:**\n\n\
        -   **Account Name** \\[Type = UnicodeString\\]**:** who opened it.\n\n**Door:**\n\n-   **Door Name** \\[Type = UnicodeString\\]: which one.\n\n\
        -   **Process Command Line** \\[Version 1\\] \\[Type = UnicodeString\\]**:** how.\n\n## Security Monitoring Recommendations\n";

    #[test]
    fn a_page_gives_title_policy_fields_and_example() {
        let mut read = Read::default();
        read_event("docs/event-9001.md", PAGE, &mut read);
        let row = &read.rows[0];
        let text = |told: &Option<EventDescription>| told.as_ref().map(|told| told.text.clone()).unwrap_or_default();
        assert_eq!((row.event.provider.as_str(), text(&row.title).as_str()), ("Lab-Doors", "A lab door was opened."));
        assert_eq!(row.audit[0].text, "Audit Lab Doors");
        assert_eq!(
            (text(&row.description).as_str(), text(&row.channel).as_str()),
            ("Written when a door opens.", "Security")
        );
        assert_eq!(row.versions, ["0", "1"]);
        let fields: Vec<_> = row
            .fields
            .iter()
            .map(|field| (field.name.as_str(), field.kind.as_deref(), text(&field.description), text(&field.sample)))
            .collect();
        let string = Some("UnicodeString");
        assert_eq!(fields[0], ("SubjectUserName", string, "who opened it.".into(), "ann".into()));
        assert_eq!(fields[1], ("DoorName", string, "which one.".into(), "north".into()));
        assert_eq!(fields[2], ("CommandLine", string, "how.".into(), String::new()));
    }

    #[test]
    fn a_policy_says_how_much_to_expect() {
        let mut read = Read::default();
        for heading in ["**Event volume**: High on servers.", "**Event volume:** High on servers."] {
            read_policy("audit-x.md", &format!("title: Audit Lab Doors \n\n{heading}\n\nMore."), &mut read);
        }
        assert_eq!(read.volumes.len(), 2);
        for (name, volume) in &read.volumes {
            assert_eq!((name.as_str(), volume.text.as_str()), ("audit lab doors", "High on servers."));
        }
    }
}
