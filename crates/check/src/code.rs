//! The table of what can be found.

use std::fmt::Write as _;

use ruleatlas_model::Level;

/// A kind of finding.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The stable code: a family of two digits, and a number within it.
    pub code: &'static str,
    /// What it is called.
    pub title: &'static str,
    /// How severe it is, unless a configuration says otherwise.
    pub level: Level,
    /// What is wrong, why it matters, and how it is found.
    pub description: &'static str,
    /// A draft of which it is said.
    pub example: &'static str,
    /// The language of the example.
    pub language: &'static str,
}

/// A family of findings.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// The beginning of its codes.
    pub code: &'static str,
    /// What it is called.
    pub title: &'static str,
}

/// The families, in order.
pub const FAMILIES: [Family; 8] = [
    Family { code: "RA01", title: "Broken" },
    Family { code: "RA02", title: "Dead" },
    Family { code: "RA03", title: "Noisy" },
    Family { code: "RA04", title: "Missing exclusions" },
    Family { code: "RA05", title: "Unsafe exclusions" },
    Family { code: "RA06", title: "Already there" },
    Family { code: "RA07", title: "Technique" },
    Family { code: "RA08", title: "Gap" },
];

macro_rules! codes {
    ($($name:ident = $code:literal, $level:ident, $title:literal, $description:literal, $language:literal, $example:literal;)*) => {
        $(#[doc = $title] pub(crate) const $name: &str = $code;)*

        /// Every kind of finding, in order.
        pub const CODES: &[Code] = &[$(Code {
            code: $code,
            title: $title,
            level: Level::$level,
            description: $description,
            example: $example,
            language: $language,
        }),*];
    };
}

codes! {
    NOT_UNDERSTOOD = "RA0101", Error, "Query is not understood",
        "A part of the query, or the whole file, cannot be parsed. What follows from the rest is still checked. Where the text parses in another language, the finding names it.",
        "kusto", "DeviceProcessEvents\n| where FileName =~ \"cmd.exe\" and (ProcessCommandLine has \"whoami\"\n";
    UNUSED_SELECTION = "RA0102", Warning, "Selection is not used",
        "A named part of the detection is not used by the condition, so that what it says has no effect.",
        "yaml", "detection:\n  selection:\n    Image|endswith: '\\cmd.exe'\n  filter:\n    ParentImage|endswith: '\\explorer.exe'\n  condition: selection\n";
    ODD_SYNTAX = "RA0103", Warning, "Syntax is odd or forbidden",
        "The parser understood the query, but the language's own documentation forbids or warns of what stands there.",
        "yaml", "detection:\n  selection:\n    CommandLine|all: whoami\n  condition: selection\n";
    UNKNOWN_FIELD = "RA0104", Note, "Field is unknown",
        "Neither the table of fields nor any rule of the catalog knows the field, while the log source is known. It is often a spelling mistake.",
        "yaml", "logsource: { product: windows, category: process_creation }\ndetection:\n  selection:\n    CommandLin|contains: whoami\n  condition: selection\n";
    BAD_REGEX = "RA0105", Error, "Regular expression does not compile",
        "The regular expression has a mistake in its syntax. Look-around and back-references, which some engines have, are not reported.",
        "yaml", "detection:\n  selection:\n    CommandLine|re: 'whoami[ (/all'\n  condition: selection\n";
    MALFORMED_TECHNIQUE = "RA0106", Warning, "Technique is ill-formed",
        "A tag means a technique and is not written as ATT&CK writes it. The finding says how it was read.",
        "yaml", "tags: [attack.t1059.1]\n";
    UNKNOWN_TECHNIQUE = "RA0107", Warning, "Technique or tactic is unknown",
        "The loaded version of ATT&CK does not know the tag.",
        "yaml", "tags: [attack.t9999]\n";
    REVOKED_TECHNIQUE = "RA0108", Note, "Technique is revoked or deprecated",
        "The loaded version of ATT&CK revoked the technique or calls it deprecated; the finding names the successor, where there is one.",
        "yaml", "tags: [attack.t1086]\n";
    SLOW_REGEX = "RA0109", Warning, "Regular expression backtracks badly",
        "A repetition within a repetition lets a backtracking engine try exponentially many ways. The evidence is a text and the number of steps that it costs at two lengths. It is said only of languages whose engines backtrack.",
        "yaml", "detection:\n  selection:\n    CommandLine|re: '^(\\w+\\s?)+$'\n  condition: selection\n";
    IGNORE_WITHOUT_REASON = "RA0110", Warning, "Ignored without a reason",
        "A comment ignores a code and gives no reason, or the code does not exist. Nothing is ignored.",
        "yaml", "# ruleatlas: ignore RA0301\n";
    NEVER_HOLDS = "RA0201", Error, "Condition never holds",
        "No event can satisfy the condition: two of its parts contradict each other. The derivation names them. A field is taken to hold one value, unless it is known to hold several.",
        "yaml", "detection:\n  selection:\n    Image|endswith: '\\cmd.exe'\n  other:\n    Image|endswith: '\\powershell.exe'\n  condition: selection and other\n";
    ALWAYS_HOLDS = "RA0202", Error, "Condition always holds",
        "Every event of the log source satisfies the condition. The evidence is an event that has nothing of what the rule names, and that the evaluator finds selected.",
        "yaml", "detection:\n  selection:\n    Image|endswith: '\\cmd.exe'\n  condition: selection or not selection\n";
    DEAD_ALTERNATIVE = "RA0203", Warning, "Part never holds",
        "A part of the condition contradicts what has to hold together with it, so that it has no effect.",
        "yaml", "detection:\n  base:\n    Image|endswith: '\\cmd.exe'\n  one:\n    CommandLine|contains: whoami\n  two:\n    Image|endswith: '\\powershell.exe'\n  condition: base and (one or two)\n";
    PATH_IN_NAME = "RA0204", Error, "Path in a field of names",
        "The field holds a bare name, and the value has a folder, so that the two are never equal.",
        "eql", "process where process.name == \"C:\\\\Windows\\\\System32\\\\cmd.exe\"\n";
    NAME_IN_PATH = "RA0205", Warning, "Name in a field of paths",
        "The field holds a whole path, and the comparison asks for a bare name, so that the two are not equal.",
        "yaml", "detection:\n  selection:\n    Image: cmd.exe\n  condition: selection\n";
    CASED_PATH = "RA0206", Note, "Windows path compared with case",
        "Windows does not tell upper from lower case in paths and command lines, and the comparison does. The evidence is an event that differs in case alone and is not selected.",
        "kusto", "DeviceProcessEvents | where FileName == \"cmd.exe\"\n";
    FIELD_NOT_CARRIED = "RA0207", Warning, "Event does not carry the field",
        "None of the events that the rule reads has the field, so that the comparison never holds.",
        "yaml", "logsource: { product: windows, category: process_creation }\ndetection:\n  selection:\n    DestinationPort: 4444\n  condition: selection\n";
    COVERED_VALUE = "RA0208", Note, "Value is covered by another",
        "Whatever one value of a list matches, another of the list matches too. It has no effect.",
        "yaml", "detection:\n  selection:\n    CommandLine|contains: [whoami, 'whoami /all']\n  condition: selection\n";
    IDLE_EXCLUSION = "RA0209", Warning, "Exclusion takes nothing away",
        "What the exclusion is of is never selected by the rest of the condition, or another exclusion already covers it.",
        "yaml", "detection:\n  selection:\n    Image|endswith: '\\cmd.exe'\n  filter:\n    Image|endswith: '\\powershell.exe'\n  condition: selection and not filter\n";
    NOISY = "RA0301", Warning, "Nothing distinctive",
        "An alternative of the condition consists of checks that many rules make, and hardly a rule makes alone. The evidence is how many rules check the same, and what they combine it with.",
        "yaml", "detection:\n  selection:\n    Image|endswith: '\\powershell.exe'\n  condition: selection\n";
    MEASURED = "RA0302", Note, "Hits in measured logs",
        "With a file of hits (`--hits`), how many events of the logs the rule hit, or how many of the events that other rules hit it selects. It is not said of a rule that names fields which are in no table, or has several steps, unless the rule itself was run on the logs.",
        "yaml", "";
    MISSING_EXCLUSION = "RA0401", Note, "Exclusions that similar rules have",
        "Rules that look for the same, or read the same events for the same technique, exclude what this one does not. The lines are ordered by how alike those rules are; an exclusion that would change nothing is left out. With a file of hits (`--hits`) those come first that would have removed most of them.",
        "yaml", "detection:\n  selection:\n    TargetImage|endswith: '\\lsass.exe'\n    GrantedAccess: '0x1410'\n  condition: selection\n";
    EXCLUDES_COMMAND_LINE = "RA0501", Warning, "Exclusion of text that an attacker writes",
        "The exclusion is made of text that whoever starts a program chooses, such as a part of a command line. The evidence is an event before and after the text was added.",
        "yaml", "detection:\n  selection:\n    Image|endswith: '\\rundll32.exe'\n  filter:\n    CommandLine|contains: 'update'\n  condition: selection and not filter\n";
    EXCLUDES_UNROOTED_PATH = "RA0502", Warning, "Exclusion of a path without its root",
        "The exclusion asks for a part of a path and not for where it begins, so that a copy in any folder satisfies it.",
        "yaml", "detection:\n  selection:\n    CommandLine|contains: sekurlsa\n  filter:\n    Image|endswith: '\\updater.exe'\n  condition: selection and not filter\n";
    EXCLUDES_WRITABLE_FOLDER = "RA0503", Warning, "Exclusion of a folder that users can write to",
        "The exclusion is of a folder in which every user can put a program.",
        "yaml", "detection:\n  selection:\n    CommandLine|contains: sekurlsa\n  filter:\n    Image|startswith: 'C:\\Users\\Public\\'\n  condition: selection and not filter\n";
    EXCLUDES_WILDCARD = "RA0504", Warning, "Wildcard where a name should stand",
        "The exclusion begins at a root, but a wildcard in it also stands for folders that users can write to.",
        "yaml", "detection:\n  selection:\n    CommandLine|contains: sekurlsa\n  filter:\n    Image: 'C:\\\\*\\updater.exe'\n  condition: selection and not filter\n";
    EXCLUDES_FILE_METADATA = "RA0505", Warning, "Exclusion of what a file says of itself",
        "The exclusion rests on the original file name, product or company of a program alone, which whoever builds it chooses.",
        "yaml", "detection:\n  selection:\n    CommandLine|contains: sekurlsa\n  filter:\n    OriginalFileName: updater.exe\n  condition: selection and not filter\n";
    SAME = "RA0601", Warning, "A rule checks the same",
        "A rule of the catalog selects the same events, as far as the conditions say. The evidence is the derivation.",
        "yaml", "";
    NARROWER = "RA0602", Note, "A rule checks the same and more",
        "Whatever the draft selects, a rule of the catalog selects too. The evidence is an event that the other rule selects and the draft does not.",
        "yaml", "";
    WIDER = "RA0603", Note, "A rule checks a part of it",
        "Whatever a rule of the catalog selects, the draft selects too. The evidence is an event that the draft selects and the other rule does not.",
        "yaml", "";
    OVERLAPPING = "RA0604", Note, "A rule checks much of the same",
        "A rule of the catalog looks for nearly the same, and each selects events that the other does not. The evidence is an event that tells them apart.",
        "yaml", "";
    TECHNIQUE_AT_ODDS = "RA0701", Note, "Tags at odds with the indicators",
        "Most of the rules that look for the same are tagged with a technique of another family than the draft's.",
        "yaml", "";
    TECHNIQUE_SUGGESTED = "RA0702", Note, "Technique that similar rules have",
        "The draft has no technique, and most of the rules that look for the same have this one.",
        "yaml", "";
    GAP = "RA0801", Note, "Indicators that other rules for the technique have",
        "Several rules for the draft's technique, over the same log source, look for what the draft does not.",
        "yaml", "";
}

/// The kind of finding with a code.
#[must_use]
pub fn code(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code == code)
}

/// The name of a level.
#[must_use]
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

/// The table as a page of documentation.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Checks\n\nWhat `ruleatlas check` can say of a draft. This page is made from the table in `crates/check/src/code.rs`.\n\n\
         A comment in the rule silences a finding, with a reason:\n\n```yaml\n# ruleatlas: ignore RA0301 the hosts are few\n```\n\n\
         A configuration file (`--config FILE`) silences it in many rules, or gives it another level:\n\n```toml\n\
         [[ignore]]\ncode = \"RA06\"            # a code, or the beginning of one\npath = \"rules/tests/**\" # where; everywhere without it\n\
         reason = \"copies on purpose\"\n\n[level]\nRA0401 = \"warning\"\n```\n",
    );
    for family in FAMILIES {
        let _ = write!(page, "\n## {}xx {}\n", family.code, family.title);
        for code in CODES.iter().filter(|code| code.code.starts_with(family.code)) {
            let _ = write!(
                page,
                "\n### {} {}\n\nLevel: {}\n\n{}\n",
                code.code,
                code.title,
                level_name(code.level),
                code.description
            );
            if !code.example.is_empty() {
                let _ = write!(page, "\n```{}\n{}```\n", code.language, code.example);
            }
        }
    }
    page
}
