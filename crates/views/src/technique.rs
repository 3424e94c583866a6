use ruleatlas_catalog::{Filters, Guide, Index, RuleId, Scope};
use ruleatlas_model::{AttackDomain, Reference, Severity, Status, Technique, TechniqueTag, Vendor};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, AttackEvents, Error, TechniqueMeasure, nearest, rule::MIN_ID_PREFIX};

/// A technique with the authoring guide over its rules.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TechniqueView {
    /// The id in the loaded ATT&CK version.
    pub technique: String,
    /// The id as asked for, where it led elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// The name.
    pub name: String,
    /// The matrix.
    pub domain: AttackDomain,
    /// ATT&CK's page.
    pub url: String,
    /// The technique this is a sub-technique of.
    pub parent: Option<String>,
    /// Its sub-techniques: id and name.
    pub sub_techniques: Vec<(String, String)>,
    /// Whether the rules of its sub-techniques are counted.
    pub with_sub_techniques: bool,
    /// Whether ATT&CK calls it deprecated.
    pub deprecated: bool,
    /// Tactics' short names.
    pub tactics: Vec<String>,
    /// ATT&CK's platforms.
    pub platforms: Vec<String>,
    /// ATT&CK's text, Markdown.
    pub description: String,
    /// What the text cites.
    pub references: Vec<Reference>,
    /// The counts.
    #[serde(flatten)]
    pub guide: Guide,
    /// The rules, by vendor.
    pub rule_list: Vec<RuleItem>,
    /// The events that ATT&CK's own analytics name, beside those that these rules read.
    pub attack_events: AttackEvents,
    /// What hunts found of these rules; `null` where none was asked about an event, left out where no file of hits is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TechniqueMeasure>)]
    pub in_logs: Option<Option<TechniqueMeasure>>,
    /// Of these the rules with hits, the most first.
    #[serde(skip)]
    pub rules_with_hits: Vec<String>,
}

/// A rule in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RuleItem {
    /// Its place in the catalog.
    #[serde(skip)]
    pub rule: RuleId,
    /// The id.
    pub id: String,
    /// A beginning of the id that no other rule has, where the id is a UUID; else the id.
    #[serde(skip)]
    pub short_id: String,
    /// The title.
    pub title: String,
    /// Who publishes it.
    pub vendor: Vendor,
    /// How mature it is.
    pub status: Option<Status>,
    /// How grave a hit is.
    pub severity: Option<Severity>,
    /// First written.
    pub date: Option<String>,
    /// Last changed.
    pub modified: Option<String>,
    /// Its techniques.
    pub techniques: Vec<TechniqueTag>,
}

impl RuleItem {
    pub(crate) fn of(index: &Index, rule: RuleId) -> Option<Self> {
        let head = index.head(rule)?;
        Some(Self {
            rule,
            id: head.id.clone(),
            short_id: short_id(index, rule).unwrap_or(&head.id).to_owned(),
            title: head.title.clone(),
            vendor: head.vendor,
            status: head.status,
            severity: head.severity,
            date: head.date.clone(),
            modified: head.modified.clone(),
            techniques: head.technique_tags.clone(),
        })
    }

    pub(crate) fn list(index: &Index, rules: impl IntoIterator<Item = RuleId>) -> Vec<Self> {
        rules.into_iter().filter_map(|rule| Self::of(index, rule)).collect()
    }
}

/// The shortest beginning of a UUID, from its first group on, that tells it from the ids before and behind it.
fn short_id(index: &Index, rule: RuleId) -> Option<&str> {
    let heads = index.heads();
    let at = rule as usize;
    let id = &heads.get(at)?.id;
    let (vendor, bare) = id.split_once('/')?;
    if !is_uuid(bare) {
        return None;
    }
    let shared = |other: usize| heads.get(other).map_or(0, |other| shared_beginning(id, &other.id));
    let told_apart = shared(at.wrapping_sub(1)).max(shared(at + 1)) + 1;
    id.get(..told_apart.max(vendor.len() + 1 + MIN_ID_PREFIX).min(id.len()))
}

fn shared_beginning(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}

fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

impl Atlas {
    /// Rules as a list shows them, in the order given.
    #[must_use]
    pub fn rule_items(&self, rules: impl IntoIterator<Item = RuleId>) -> Vec<RuleItem> {
        RuleItem::list(&self.index, rules)
    }

    /// The technique that `id` leads to in the loaded ATT&CK version.
    ///
    /// # Errors
    /// Nobody knows it.
    pub fn find_technique(&self, id: &str) -> Result<&Technique, Error> {
        let (ids, _) = self.attack.resolve(id);
        let found = ids.first().and_then(|id| self.attack.techniques.get(id));
        let by_name = || self.attack.techniques.values().find(|technique| technique.name.eq_ignore_ascii_case(id));
        found.or_else(by_name).ok_or_else(|| Error::NotFound {
            what: "technique",
            name: id.to_owned(),
            near: nearest(id, self.attack.techniques.values().flat_map(|known| [known.id.as_str(), &known.name]), 3),
        })
    }

    /// A technique with the guide over its rules.
    ///
    /// # Errors
    /// Nobody knows the technique.
    pub fn technique(&self, id: &str, with_sub_techniques: bool, filters: &Filters) -> Result<TechniqueView, Error> {
        let technique = self.find_technique(id)?;
        let scope = Scope::technique(&self.index, &self.attack, &technique.id, with_sub_techniques, filters);
        let guide = Guide::of(&self.index, self.taxonomy, &scope);
        let family = self.attack.family(&technique.id, with_sub_techniques);
        let sub_techniques = self
            .attack
            .family(&technique.id, true)
            .into_iter()
            .filter(|other| other.id != technique.id)
            .map(|other| (other.id.clone(), other.name.clone()))
            .collect();
        let (in_logs, rules_with_hits) = self.scope_in_logs(&scope)?.unzip();
        Ok(TechniqueView {
            in_logs,
            rules_with_hits: rules_with_hits.unwrap_or_default(),
            technique: technique.id.clone(),
            asked: (!technique.id.eq_ignore_ascii_case(id)).then(|| id.to_owned()),
            name: technique.name.clone(),
            domain: technique.domain,
            url: technique.url.clone(),
            parent: technique.parent.clone(),
            sub_techniques,
            with_sub_techniques,
            deprecated: technique.deprecated,
            tactics: technique.tactics.clone(),
            platforms: technique.platforms.clone(),
            description: technique.description.clone(),
            references: technique.references.clone(),
            rule_list: RuleItem::list(&self.index, guide.members.iter().copied()),
            attack_events: self.attack_events(family.iter().map(|technique| technique.id.as_str()), &guide.events)?,
            guide,
        })
    }
}
