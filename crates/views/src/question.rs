use roaring::RoaringBitmap;
use ruleatlas_catalog::{Facet, Filters, Guide, Part, Scope};
use ruleatlas_model::{FoldedOp, Indicator, Modifiers, Role, fold_case};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, RuleItem};

/// Rules that a search may bring into a scope.
const MAX_FOUND: usize = 100_000;

/// Which rules one asks about: all that have one of the values of each list, and pass the filters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Question {
    /// Words of titles and descriptions, or a part of a value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// Values of facets, each facet once; the values of one facet are alternatives.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facets: Vec<(Facet, Vec<String>)>,
    /// Whether a technique's sub-techniques are left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub only_itself: bool,
    /// What a rule must check; all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// What narrows it.
    pub filters: Filters,
}

/// A field that a rule must check, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Check {
    /// The field, by any vendor's name.
    pub field: String,
    /// The operator as its author wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<String>,
    /// The operator as it is counted, and the value; then the rule must have this indicator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub op: Option<FoldedOp>,
    /// The value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// What transforms value or match.
    #[serde(rename = "modifier", skip_serializing_if = "Modifiers::is_empty")]
    #[schema(value_type = Option<String>)]
    pub modifiers: Modifiers,
    /// Whether the rule looks for the value or excludes it; without, either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
}

impl Check {
    /// That a rule filters a field.
    #[must_use]
    pub fn field(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            how: None,
            op: None,
            value: String::new(),
            modifiers: Modifiers::NONE,
            role: None,
        }
    }

    /// That a rule has an indicator in a role.
    #[must_use]
    pub fn indicator(indicator: &Indicator, role: Role) -> Self {
        Self {
            op: Some(indicator.op),
            value: indicator.value.clone(),
            modifiers: indicator.modifiers.clone(),
            role: Some(role),
            ..Self::field(&indicator.field)
        }
    }
}

/// Any set of rules with the authoring guide over it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ScopeView {
    /// What was asked.
    pub question: Question,
    /// The counts.
    #[serde(flatten)]
    pub guide: Guide,
    /// The rules, by vendor.
    pub rule_list: Vec<RuleItem>,
}

impl Question {
    /// The same with one more value of a facet.
    #[must_use]
    pub fn with(mut self, facet: Facet, value: &str) -> Self {
        match self.facets.iter_mut().find(|(known, _)| *known == facet) {
            Some((_, values)) if values.iter().any(|known| known == value) => {}
            Some((_, values)) => values.push(value.to_owned()),
            None => self.facets.push((facet, vec![value.to_owned()])),
        }
        self
    }

    /// The same with one more check.
    #[must_use]
    pub fn checking(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// The same without filters.
    #[must_use]
    pub fn unfiltered(&self) -> Self {
        Self { filters: Filters::default(), ..self.clone() }
    }

    /// The values of a facet.
    #[must_use]
    pub fn values(&self, facet: Facet) -> &[String] {
        self.facets.iter().find(|(known, _)| *known == facet).map_or(&[], |(_, values)| values.as_slice())
    }
}

impl Atlas {
    /// The rules that a question is about.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn scope(&self, question: &Question) -> Result<Scope, Error> {
        let mut scope = Scope::all(&self.index, &question.filters);
        for (facet, values) in &question.facets {
            let rules = values.iter().fold(RoaringBitmap::new(), |mut all, value| {
                self.add_facet(&mut all, *facet, value, question.only_itself);
                all
            });
            scope = scope.within(&rules);
        }
        for check in &question.checks {
            let checking = self.checking(check, &scope.rules);
            scope = scope.within(&checking);
        }
        if !question.text.trim().is_empty() {
            scope = scope.within(&self.finding(question.text.trim())?);
        }
        Ok(scope)
    }

    /// A question's rules with the guide over them.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn rules(&self, question: &Question) -> Result<ScopeView, Error> {
        self.rules_part(question, Part::ALL)
    }

    /// The same with a part of the rows of each table, and of the rules.
    ///
    /// # Errors
    /// The catalog cannot be read.
    pub fn rules_part(&self, question: &Question, part: Part) -> Result<ScopeView, Error> {
        let guide = Guide::of_part(&self.index, self.taxonomy, &self.scope(question)?, part);
        let rule_list = RuleItem::list(&self.index, part.of(guide.members.iter().copied()));
        Ok(ScopeView { question: question.clone(), guide, rule_list })
    }

    fn add_facet(&self, rules: &mut RoaringBitmap, facet: Facet, value: &str, only_itself: bool) {
        let mut add = |value: &str| {
            if let Some(set) = self.index.set(facet, value) {
                *rules |= set;
            }
        };
        match facet {
            Facet::Technique => {
                let (ids, _) = self.attack.resolve(value);
                for id in &ids {
                    // Where no version is loaded, the id stands for itself.
                    add(id);
                    self.attack.family(id, !only_itself).iter().for_each(|technique| add(&technique.id));
                }
            }
            Facet::Tactic => {
                let tactics = self.attack.resolve_tactic(value);
                tactics.iter().for_each(|tactic| add(&tactic.short_name));
                if tactics.is_empty() {
                    add(value);
                }
            }
            Facet::Field => self.field_names(value).iter().for_each(|name| add(&name.to_lowercase())),
            _ => add(value),
        }
    }

    /// The names under which a field of any vendor's name is counted: itself and the canonical fields it stands for.
    pub(crate) fn field_names(&self, name: &str) -> Vec<String> {
        let mut names = vec![name.to_owned()];
        names.extend(self.taxonomy.find_fields(name).into_iter().map(|field| field.name.clone()));
        // A name that is a canonical field's own stands for that one alone.
        if names.get(1).is_some_and(|first| first.eq_ignore_ascii_case(name)) {
            names.truncate(1);
        }
        names
    }

    /// Those of `among` that check what is asked for.
    fn checking(&self, check: &Check, among: &RoaringBitmap) -> RoaringBitmap {
        if let Some(op) = check.op {
            let roles = check.role.map_or(vec![Role::Indicator, Role::Exclusion], |role| vec![role]);
            let ids = self.indicators_of(&check.field, op, &check.value, &check.modifiers);
            let sets = ids.iter().flat_map(|id| roles.iter().filter_map(move |role| self.index.rules_with(*id, *role)));
            return sets.fold(RoaringBitmap::new(), |all, set| all | set);
        }
        let mut rules = RoaringBitmap::new();
        for name in self.field_names(&check.field) {
            let name = name.to_lowercase();
            let Some(set) = self.index.set(Facet::Field, &name) else { continue };
            match &check.how {
                None => rules |= set,
                Some(how) => {
                    let fields = &self.index.data().fields;
                    let is_it = |(field, op): &(u32, &'static str)| {
                        op == how && fields.get(*field as usize).is_some_and(|field| field.to_lowercase() == name)
                    };
                    rules.extend((set & among).iter().filter(|rule| self.index.filters_of(*rule).iter().any(is_it)));
                }
            }
        }
        rules
    }

    /// The rules whose title, id or description has the words, or one of whose values has the text.
    fn finding(&self, text: &str) -> Result<RoaringBitmap, Error> {
        let mut rules = RoaringBitmap::new();
        for id in self.search_index().values_with(&fold_case(text)) {
            for role in [Role::Indicator, Role::Exclusion] {
                if let Some(set) = self.index.rules_with(id, role) {
                    rules |= set;
                }
            }
        }
        let by_words = self.store().search_rules(text, MAX_FOUND)?;
        rules.extend(by_words.into_iter().map(|rule| self.unit_of(rule)));
        Ok(rules)
    }

    /// The rule that a rule counts as: itself, or the one that it is a variant of.
    pub(crate) fn unit_of(&self, rule: u32) -> u32 {
        let of = self.index.head(rule).and_then(|head| head.variant_of.as_ref());
        of.and_then(|id| self.index.rule(id)).unwrap_or(rule)
    }
}
