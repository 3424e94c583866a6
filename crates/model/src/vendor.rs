use crate::named::{described, named};

/// What the program knows of a vendor beside how to read its rules. To add one, see "How to add" in ARCHITECTURE.md.
#[derive(Debug)]
pub struct VendorInfo {
    /// What people call it.
    pub title: &'static str,
    /// The same for the head of a narrow column.
    pub short_title: &'static str,
    /// The same in three letters, for a terminal.
    pub abbreviation: &'static str,
    /// The letter that stands for it next to its colour. No two vendors share one.
    pub letter: char,
    /// Its colour on a light ground.
    pub color: &'static str,
    /// Its colour on a dark ground.
    pub dark_color: &'static str,
    /// The name of a source of its rules where the user gives none: that of the public repository in `sources.toml`.
    pub source_name: &'static str,
    /// Whose names its rules use for fields: the vendor itself, where `vocabularies.toml` has an entry for it.
    pub names_of: Vendor,
    /// Whether its rules bring unit tests with events.
    pub has_unit_tests: bool,
    /// Whether an undefined macro of a query stands for a data source.
    pub macros_are_sources: bool,
    /// Whether the events of a rule's metadata are what the rule reads, however little its query says of them.
    pub metadata_names_events: bool,
    /// The terms under which its public rules are published, where a reader has to know them.
    pub terms: Option<Terms>,
}

/// The terms under which rules are published.
#[derive(Debug)]
pub struct Terms {
    /// Whose rules.
    pub whose: &'static str,
    /// The licence's name.
    pub license: &'static str,
    /// Its text.
    pub url: &'static str,
    /// What it demands, as the end of a sentence.
    pub demand: &'static str,
}

described! {
    /// Who publishes a rule, by the format it is published in.
    Vendor is VendorInfo {
        /// Sigma rules.
        Sigma = "sigma" {
            title: "Sigma",
            short_title: "Sigma",
            abbreviation: "Sig",
            letter: 'S',
            color: "#0072b2",
            dark_color: "#56b4e9",
            source_name: "SigmaHQ",
            names_of: Vendor::Sigma,
            has_unit_tests: false,
            macros_are_sources: false,
            metadata_names_events: false,
            terms: Some(Terms {
                whose: "Sigma rules of SigmaHQ",
                license: "Detection Rule License 1.1",
                url: "https://github.com/SigmaHQ/Detection-Rule-License",
                demand: "which asks that authors are credited wherever their rules, or hits of their rules, are shown.",
            }),
        }
        /// Elastic detection rules.
        Elastic = "elastic" {
            title: "Elastic",
            short_title: "Elastic",
            abbreviation: "Ela",
            letter: 'E',
            color: "#007a5a",
            dark_color: "#35c29a",
            source_name: "Elastic",
            names_of: Vendor::Elastic,
            has_unit_tests: false,
            macros_are_sources: false,
            metadata_names_events: false,
            terms: Some(Terms {
                whose: "Elastic’s detection rules",
                license: "Elastic License 2.0",
                url: "https://www.elastic.co/licensing/elastic-license",
                demand: "which does not allow offering them to others as a hosted or managed service.",
            }),
        }
        /// Splunk security content.
        Splunk = "splunk" {
            title: "Splunk",
            short_title: "Splunk",
            abbreviation: "Spl",
            letter: 'P',
            color: "#b84a00",
            dark_color: "#f08a4b",
            source_name: "Splunk",
            names_of: Vendor::Splunk,
            has_unit_tests: false,
            macros_are_sources: true,
            metadata_names_events: true,
            terms: None,
        }
        /// Microsoft Sentinel and Defender rules and hunting queries.
        Kusto = "kusto" {
            title: "Kusto (Sentinel, Defender)",
            short_title: "Kusto",
            abbreviation: "Kus",
            letter: 'K',
            color: "#a03e78",
            dark_color: "#dd93bd",
            source_name: "Kusto",
            names_of: Vendor::Kusto,
            has_unit_tests: false,
            macros_are_sources: false,
            metadata_names_events: false,
            terms: None,
        }
        /// Panther rules.
        Panther = "panther" {
            title: "Panther",
            short_title: "Panther",
            abbreviation: "Pan",
            letter: 'N',
            color: "#866200",
            dark_color: "#dcb23c",
            source_name: "Panther",
            names_of: Vendor::Panther,
            has_unit_tests: true,
            macros_are_sources: false,
            metadata_names_events: false,
            terms: None,
        }
        /// Falco rules.
        Falco = "falco" {
            title: "Falco",
            short_title: "Falco",
            abbreviation: "Fal",
            letter: 'F',
            color: "#00717f",
            dark_color: "#4fc6d6",
            source_name: "Falco",
            names_of: Vendor::Falco,
            has_unit_tests: false,
            macros_are_sources: false,
            metadata_names_events: false,
            terms: None,
        }
        /// Wazuh rules.
        Wazuh = "wazuh" {
            title: "Wazuh",
            short_title: "Wazuh",
            abbreviation: "Waz",
            letter: 'W',
            color: "#5556b8",
            dark_color: "#a5a6f2",
            source_name: "Wazuh",
            names_of: Vendor::Wazuh,
            has_unit_tests: false,
            macros_are_sources: false,
            metadata_names_events: false,
            terms: Some(Terms {
                whose: "Wazuh’s rules",
                license: "GNU General Public License 2",
                url: "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
                demand: "under which whoever publishes them, or a site made of them, keeps the licence with them and offers their source.",
            }),
        }
        /// Google SecOps rules in YARA-L.
        YaraL = "yaral" {
            title: "Google SecOps (YARA-L)",
            short_title: "YARA-L",
            abbreviation: "Yar",
            letter: 'Y',
            color: "#b3261e",
            dark_color: "#f2938c",
            source_name: "Google-SecOps",
            names_of: Vendor::YaraL,
            has_unit_tests: false,
            macros_are_sources: false,
            metadata_names_events: false,
            terms: None,
        }
        /// Anvilogic's detections.
        Anvilogic = "anvilogic" {
            title: "Anvilogic",
            short_title: "Anvilogic",
            abbreviation: "Anv",
            letter: 'A',
            color: "#566600",
            dark_color: "#b5c95a",
            source_name: "Anvilogic",
            names_of: Vendor::Splunk,
            has_unit_tests: false,
            macros_are_sources: false,
            metadata_names_events: false,
            terms: Some(Terms {
                whose: "Anvilogic’s detections",
                license: "GNU General Public License 3",
                url: "https://www.gnu.org/licenses/gpl-3.0.html",
                demand: "under which whoever publishes them, or a site made of them, keeps the licence with them and offers their source.",
            }),
        }
        /// Sublime Security's rules for mail.
        Sublime = "sublime" {
            title: "Sublime",
            short_title: "Sublime",
            abbreviation: "Sub",
            letter: 'M',
            color: "#6a51a3",
            dark_color: "#b3a1e0",
            source_name: "Sublime",
            names_of: Vendor::Sublime,
            has_unit_tests: false,
            macros_are_sources: false,
            metadata_names_events: false,
            terms: None,
        }
        /// Queries for CrowdStrike's LogScale.
        Logscale = "logscale" {
            title: "LogScale (CrowdStrike)",
            short_title: "LogScale",
            abbreviation: "Log",
            letter: 'L',
            color: "#c0392b",
            dark_color: "#f1998e",
            source_name: "Query-Hub",
            names_of: Vendor::Logscale,
            has_unit_tests: false,
            macros_are_sources: false,
            metadata_names_events: false,
            terms: None,
        }
    }
}

impl Vendor {
    /// The vendor that an id is of (`sigma/…`), and the rest of the id.
    #[must_use]
    pub fn of_rule(id: &str) -> Option<(Self, &str)> {
        let (name, rest) = id.split_once('/')?;
        Some((name.parse().ok()?, rest))
    }
}

/// A set of vendors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VendorSet(u128);

const _: () = assert!(Vendor::ALL.len() <= u128::BITS as usize, "`VendorSet` has to be made wider");

impl VendorSet {
    /// Adds a vendor.
    pub fn insert(&mut self, vendor: Vendor) {
        self.0 |= Self::bit(vendor as usize);
    }

    /// Whether the vendor is in it.
    #[must_use]
    pub fn contains(self, vendor: Vendor) -> bool {
        self.0 & Self::bit(vendor as usize) != 0
    }

    /// Its vendors, in the order of [`Vendor::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Vendor> {
        Vendor::ALL.iter().copied().filter(move |vendor| self.contains(*vendor))
    }

    const fn bit(number: usize) -> u128 {
        1 << number
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_vendors_look_alike() {
        let count = Vendor::ALL.len();
        let distinct = |of: fn(&VendorInfo) -> String| {
            let values: BTreeSet<String> = Vendor::ALL.iter().map(|vendor| of(vendor.info())).collect();
            assert_eq!(values.len(), count, "{values:?}");
        };
        distinct(|info| info.title.to_owned());
        distinct(|info| info.short_title.to_owned());
        distinct(|info| info.abbreviation.to_owned());
        distinct(|info| info.letter.to_string());
        distinct(|info| info.color.to_owned());
        distinct(|info| info.dark_color.to_owned());
    }

    #[test]
    fn a_vendor_can_be_read_on_its_ground() {
        // The relative luminance of WCAG 2.
        let luminance = |color: &str| {
            let part = |at: usize| {
                let value = f64::from(u8::from_str_radix(&color[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
        };
        let contrast = |a: f64, b: f64| (a.max(b) + 0.05) / (a.min(b) + 0.05);
        for vendor in Vendor::ALL {
            let info = vendor.info();
            for (color, ground) in [(info.color, "#ffffff"), (info.dark_color, "#14171b")] {
                let found = contrast(luminance(color), luminance(ground));
                assert!(found >= 4.5, "{vendor}: {color} on {ground} has a contrast of {found:.2}");
            }
        }
    }

    #[test]
    fn names_end_at_a_vendor_of_its_own_names() {
        for vendor in Vendor::ALL {
            let names_of = vendor.info().names_of;
            assert_eq!(names_of.info().names_of, names_of, "{vendor}");
        }
    }

    #[test]
    fn a_set_keeps_many_vendors_apart() {
        let bits: BTreeSet<u128> = (0..u128::BITS as usize).map(VendorSet::bit).collect();
        assert_eq!(bits.len(), 128);
        let mut set = VendorSet::default();
        for vendor in Vendor::ALL {
            assert!(!set.contains(*vendor));
            set.insert(*vendor);
        }
        assert!(set.iter().eq(Vendor::ALL.iter().copied()));
    }
}
