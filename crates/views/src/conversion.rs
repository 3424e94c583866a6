//! A rule in other languages, as pages and programs see it.

use std::collections::BTreeMap;

use ruleatlas_convert::{Conversion, FieldName, Options, ProofEvent, Refusal, Target, convert};
use ruleatlas_model::Language;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{Atlas, Error, RuleItem};

/// A rule in another language, or why it cannot be had.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConversionJson {
    /// The language.
    pub language: Language,
    /// The query; of Sigma a whole rule. None where it is refused.
    pub query: Option<String>,
    /// Events on which both gave equal verdicts.
    pub proved_on: usize,
    /// How many of them are selected.
    pub selected: usize,
    /// What each field became.
    pub fields: Vec<FieldName>,
    /// What else a reader should know.
    pub notes: Vec<String>,
    /// Some events of the proof.
    pub events: Vec<ProofEvent>,
    /// Why it cannot be converted.
    pub refused: Vec<Refusal>,
}

/// A conversion as programs read it.
#[must_use]
pub fn conversion_json(target: Target, found: &Result<Conversion, Vec<Refusal>>) -> ConversionJson {
    match found {
        Ok(conversion) => ConversionJson {
            language: conversion.language,
            query: Some(conversion.query.clone()),
            proved_on: conversion.proof.events,
            selected: conversion.proof.selected,
            fields: conversion.fields.clone(),
            notes: conversion.notes.clone(),
            events: conversion.proof.samples.clone(),
            refused: Vec::new(),
        },
        Err(refusals) => ConversionJson {
            language: target.language(),
            query: None,
            proved_on: 0,
            selected: 0,
            fields: Vec::new(),
            notes: Vec::new(),
            events: Vec::new(),
            refused: refusals.clone(),
        },
    }
}

/// A rule and what it is in another language.
#[derive(Clone, Debug)]
pub struct ConversionView {
    /// The rule.
    pub rule: RuleItem,
    /// Its query.
    pub query: String,
    /// Its language.
    pub language: Language,
    /// The target.
    pub target: Target,
    /// What it is there.
    pub conversion: ConversionJson,
}

impl Atlas {
    /// A rule of the catalog in another language.
    ///
    /// # Errors
    /// There is no such rule or target, or the catalog cannot be read.
    pub fn conversion(&self, id: &str, language: &str) -> Result<ConversionView, Error> {
        let targets: BTreeMap<&str, Target> =
            Target::ALL.into_iter().map(|target| (target.language().name(), target)).collect();
        let Some(target) = targets.get(language).copied() else {
            let near = targets.into_keys().map(str::to_owned).collect();
            return Err(Error::NotFound {
                what: "language that rules are converted to",
                name: language.to_owned(),
                near,
            });
        };
        let (number, entry) = self.known_entry(id)?;
        let rule = RuleItem::of(&self.index, number).ok_or_else(|| self.no_rule(id))?;
        let found = convert(&entry.rule, target, &Options::default(), self.taxonomy);
        let conversion = conversion_json(target, &found);
        Ok(ConversionView { rule, query: entry.rule.query.clone(), language: entry.rule.language, target, conversion })
    }
}
