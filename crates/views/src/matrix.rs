use roaring::RoaringBitmap;
use ruleatlas_catalog::{Facet, Filters, RuleCount, Scope};
use ruleatlas_model::{AttackDomain, Tactic, Technique};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, Layer, LayerTechnique, RuleItem, layer::by_vendor_text, nearest};

/// ATT&CK as a matrix, with the number of rules on every technique.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatrixView {
    /// Which matrix.
    pub domain: AttackDomain,
    /// The matrices that the catalog has.
    pub domains: Vec<AttackDomain>,
    /// The version of ATT&CK.
    pub attack_version: String,
    /// Rules of the scope that are tagged with a technique of the matrix.
    pub rules: RuleCount,
    /// Techniques and sub-techniques of the matrix.
    pub techniques: u64,
    /// Those that some rule of the scope is tagged with.
    pub with_rules: u64,
    /// The columns.
    pub tactics: Vec<MatrixTactic>,
}

/// A column of the matrix.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatrixTactic {
    /// `TA0011`.
    pub tactic: String,
    /// `command-and-control`.
    pub short_name: String,
    /// `Command and Control`.
    pub name: String,
    /// Rules that are tagged with a technique of the tactic.
    pub rules: u64,
    /// Its techniques, by name.
    pub techniques: Vec<MatrixTechnique>,
}

/// A technique in the matrix.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatrixTechnique {
    /// `T1071`.
    pub technique: String,
    /// The name.
    pub name: String,
    /// Rules tagged with it or one of its sub-techniques.
    pub rules: RuleCount,
    /// Rules tagged with the technique itself.
    pub own_rules: u64,
    /// Its sub-techniques, in order.
    pub sub_techniques: Vec<MatrixSubTechnique>,
}

/// A sub-technique in the matrix.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MatrixSubTechnique {
    /// `T1071.001`.
    pub technique: String,
    /// The name.
    pub name: String,
    /// Rules tagged with it.
    pub rules: RuleCount,
}

/// A tactic with its techniques.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TacticView {
    /// ATT&CK's text, Markdown.
    pub description: String,
    /// The matrix.
    pub domain: AttackDomain,
    /// Whether ATT&CK calls it deprecated.
    pub deprecated: bool,
    /// Rules tagged with a technique of the tactic, each once.
    pub count: RuleCount,
    /// The tactic with its techniques.
    #[serde(flatten)]
    pub column: MatrixTactic,
    /// Rules that name the tactic and none of its techniques.
    pub only_tactic: Vec<RuleItem>,
}

impl Atlas {
    /// The matrix of a domain over the rules that `filters` let through.
    #[must_use]
    pub fn matrix(&self, domain: AttackDomain, filters: &Filters) -> MatrixView {
        let scope = Scope::all(&self.index, filters).rules;
        let all =
            || self.attack.techniques.values().filter(|technique| technique.domain == domain && !technique.deprecated);
        let mut with_rules = 0;
        let mut tagged = RoaringBitmap::new();
        for technique in all() {
            let rules = self.tagged(&technique.id) & &scope;
            with_rules += u64::from(!rules.is_empty());
            tagged |= rules;
        }
        let tactics = self.attack.tactics.iter().filter(|tactic| tactic.domain == domain && !tactic.deprecated);
        let mut domains: Vec<AttackDomain> = self.attack.tactics.iter().map(|tactic| tactic.domain).collect();
        domains.sort_unstable();
        domains.dedup();
        MatrixView {
            domain,
            domains,
            attack_version: self.attack.version.clone(),
            rules: self.index.count(&tagged),
            techniques: all().count() as u64,
            with_rules,
            tactics: tactics.map(|tactic| self.column(tactic, &scope).0).collect(),
        }
    }

    /// A tactic by id, short name or name, over the rules that `filters` let through.
    ///
    /// # Errors
    /// Nobody knows it.
    pub fn tactic(&self, name: &str, filters: &Filters) -> Result<TacticView, Error> {
        let tactic = self.find_tactic(name)?;
        let scope = &Scope::all(&self.index, filters).rules;
        let (column, tagged) = self.column(tactic, scope);
        let naming = self.index.set(Facet::Tactic, &tactic.short_name).map(|rules| rules & scope).unwrap_or_default();
        Ok(TacticView {
            description: tactic.description.clone(),
            domain: tactic.domain,
            deprecated: tactic.deprecated,
            count: self.index.count(&tagged),
            only_tactic: RuleItem::list(&self.index, naming - tagged),
            column,
        })
    }

    /// The rules on a tactic's page that pass the filters: those tagged with a technique of it, or with it alone.
    #[must_use]
    pub fn tactic_scope(&self, tactic: &Tactic, filters: &Filters) -> Scope {
        let scope = Scope::all(&self.index, filters);
        let (_, tagged) = self.column(tactic, &scope.rules);
        let naming = self.index.set(Facet::Tactic, &tactic.short_name).cloned().unwrap_or_default();
        scope.within(&(tagged | naming))
    }

    /// The tactic that an id, short name or name of any version leads to.
    ///
    /// # Errors
    /// Nobody knows it.
    pub fn find_tactic(&self, name: &str) -> Result<&Tactic, Error> {
        let tactics = &self.attack.tactics;
        let is_named = |tactic: &&Tactic| {
            tactic.id.eq_ignore_ascii_case(name)
                || tactic.short_name.eq_ignore_ascii_case(name)
                || tactic.name.eq_ignore_ascii_case(name)
        };
        let found = tactics.iter().find(is_named).or_else(|| self.attack.tactic(name));
        found.ok_or_else(|| {
            let names = tactics.iter().flat_map(|tactic| [tactic.id.as_str(), tactic.short_name.as_str()]);
            Error::NotFound { what: "tactic", name: name.to_owned(), near: nearest(name, names, 3) }
        })
    }

    /// The rules that are tagged with a technique, without its sub-techniques.
    pub(crate) fn tagged(&self, id: &str) -> RoaringBitmap {
        self.index.set(Facet::Technique, id).cloned().unwrap_or_default()
    }

    /// The rules that are tagged with a technique or one of its sub-techniques.
    pub(crate) fn tagged_with_family(&self, technique: &Technique) -> RoaringBitmap {
        self.sub_techniques(technique).fold(self.tagged(&technique.id), |all, sub| all | self.tagged(&sub.id))
    }

    /// The sub-techniques that are not deprecated, in order.
    pub(crate) fn sub_techniques<'a>(&'a self, technique: &'a Technique) -> impl Iterator<Item = &'a Technique> {
        // A technique's id begins those of its sub-techniques, which stand behind it.
        let behind = self.attack.techniques.range(technique.id.clone()..).map(|(_, sub)| sub).skip(1);
        let family = behind.take_while(|sub| sub.id.starts_with(&technique.id));
        family.filter(|sub| sub.parent.as_deref() == Some(&technique.id) && !sub.deprecated)
    }

    /// A column of the matrix, and the rules in it.
    fn column(&self, tactic: &Tactic, scope: &RoaringBitmap) -> (MatrixTactic, RoaringBitmap) {
        let is_of = |technique: &&Technique| {
            technique.domain == tactic.domain
                && technique.parent.is_none()
                && (!technique.deprecated || tactic.deprecated)
                && technique.tactics.contains(&tactic.short_name)
        };
        let mut rules = RoaringBitmap::new();
        let mut techniques: Vec<MatrixTechnique> = Vec::new();
        for technique in self.attack.techniques.values().filter(is_of) {
            let own = self.tagged(&technique.id) & scope;
            let mut family = own.clone();
            let sub_techniques = self
                .sub_techniques(technique)
                .map(|sub| {
                    let rules = self.tagged(&sub.id) & scope;
                    family |= &rules;
                    let (technique, name) = (sub.id.clone(), sub.name.clone());
                    MatrixSubTechnique { technique, name, rules: self.index.count(&rules) }
                })
                .collect();
            rules |= &family;
            techniques.push(MatrixTechnique {
                technique: technique.id.clone(),
                name: technique.name.clone(),
                rules: self.index.count(&family),
                own_rules: own.len(),
                sub_techniques,
            });
        }
        techniques.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.technique.cmp(&b.technique)));
        let column = MatrixTactic {
            tactic: tactic.id.clone(),
            short_name: tactic.short_name.clone(),
            name: tactic.name.clone(),
            rules: rules.len(),
            techniques,
        };
        (column, rules)
    }
}

impl MatrixView {
    /// The matrix as a layer of the ATT&CK Navigator: the score is the number of rules.
    #[must_use]
    pub fn layer(&self, filters: &str) -> Layer {
        let about = "The score is the number of counted rules tagged with the technique or one of its sub-techniques.";
        let mut layer = Layer::new("Rules by technique", self.domain, &self.attack_version, about);
        layer.say("ATT&CK", &self.attack_version);
        layer.say("rules", &self.rules.total.to_string());
        layer.say("filters", filters);
        let mut rows: Vec<LayerTechnique> = Vec::new();
        for technique in self.tactics.iter().flat_map(|tactic| &tactic.techniques) {
            let subs = technique.sub_techniques.iter().map(|sub| (&sub.technique, &sub.rules));
            for (id, rules) in std::iter::once((&technique.technique, &technique.rules)).chain(subs) {
                if rules.total > 0 {
                    let comment = by_vendor_text(&rules.by_vendor);
                    rows.push(LayerTechnique { comment, ..LayerTechnique::new(id, rules.total) });
                }
            }
        }
        rows.sort_by(|a, b| a.technique_id.cmp(&b.technique_id));
        // A technique of several tactics stands once, for all of them.
        rows.dedup();
        rows.into_iter().for_each(|row| layer.add(row));
        layer
    }
}
