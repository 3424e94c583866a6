//! How two statements relate.

use std::fmt;

use serde::Serialize;

use crate::{
    decide::{Formula, Proof, Prover},
    sample::Sample,
    statement::{Scope, Side, Statement},
    witness::Search,
};

/// How the events that one condition selects relate to those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// Both select the same events.
    Same,
    /// This one selects some of the other's.
    Narrower,
    /// This one selects the other's and more.
    Wider,
    /// Each selects some that the other does not, and some are selected by both.
    Overlapping,
    /// None is selected by both.
    Disjoint,
    /// It was neither proven nor refuted.
    Undecided(Undecided),
}

/// Why two conditions could not be related.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Undecided {
    /// The proof would be too long.
    TooLarge,
    /// No event was found that tells them apart, and no proof that there is none.
    NoWitness,
    /// One of them selects nothing.
    NeverHolds,
    /// One of them says nothing but which events it reads.
    NothingToCompare,
}

impl Relation {
    /// The name in data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Narrower => "narrower",
            Self::Wider => "wider",
            Self::Overlapping => "overlapping",
            Self::Disjoint => "disjoint",
            Self::Undecided(_) => "undecided",
        }
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How two statements relate, with events that show it.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// How they relate.
    pub relation: Relation,
    /// An event that only the first selects.
    pub only_here: Option<Sample>,
    /// An event that only the second selects.
    pub only_there: Option<Sample>,
    /// An event that both select.
    pub both: Option<Sample>,
}

/// Whether `other` holds wherever `one` does, without looking for a witness: cheap enough for many pairs.
#[must_use]
pub fn holds_all(one: &Statement, other: &Statement) -> Proof {
    let (here, there) = sides(one, other);
    Prover::default().follows(&here.formulas(), &Formula::All(there.formulas().into()))
}

fn sides<'a>(one: &'a Statement, other: &'a Statement) -> (Side<'a>, Side<'a>) {
    let side = |statement, against| Side { statement, against: Some(against), scope: Scope::Whole };
    (side(one, other), side(other, one))
}

/// How the events that `one` selects relate to those of `other`. What only chooses which events are read, and is chosen
/// by one of them alone, is left out.
#[must_use]
pub fn compare(one: &Statement, other: &Statement) -> Comparison {
    let (here, there) = sides(one, other);
    let (here_formulas, there_formulas) = (here.formulas(), there.formulas());
    let undecided =
        |why| Comparison { relation: Relation::Undecided(why), only_here: None, only_there: None, both: None };
    if here_formulas.is_empty() || there_formulas.is_empty() {
        return undecided(Undecided::NothingToCompare);
    }
    let never = |formulas: &[Formula]| Prover::default().contradict(formulas).is_found();
    if never(&here_formulas) || never(&there_formulas) {
        return undecided(Undecided::NeverHolds);
    }
    let forward = Prover::default().follows(&here_formulas, &Formula::All(there_formulas.clone().into()));
    let backward = Prover::default().follows(&there_formulas, &Formula::All(here_formulas.clone().into()));
    let only_here = || Search::new(&[&here], Some(&there)).find();
    let only_there = || Search::new(&[&there], Some(&here)).find();
    let of = |relation, only_here, only_there, both| Comparison { relation, only_here, only_there, both };
    match (forward.is_found(), backward.is_found()) {
        (true, true) => of(Relation::Same, None, None, None),
        (true, false) => match only_there() {
            Some(event) => of(Relation::Narrower, None, Some(event), None),
            None => undecided(why(backward)),
        },
        (false, true) => match only_here() {
            Some(event) => of(Relation::Wider, Some(event), None, None),
            None => undecided(why(forward)),
        },
        (false, false) => {
            let together: Vec<Formula> = here_formulas.into_iter().chain(there_formulas).collect();
            if never(&together) {
                return of(Relation::Disjoint, None, None, None);
            }
            let both = Search::new(&[&here, &there], None).find();
            match (both, only_here(), only_there()) {
                (Some(both), Some(here), Some(there)) => of(Relation::Overlapping, Some(here), Some(there), Some(both)),
                (both, only_here, only_there) => Comparison {
                    relation: Relation::Undecided(match (forward, backward) {
                        (Proof::TooLarge, _) | (_, Proof::TooLarge) => Undecided::TooLarge,
                        _ => Undecided::NoWitness,
                    }),
                    only_here,
                    only_there,
                    both,
                },
            }
        }
    }
}

fn why(proof: Proof) -> Undecided {
    if proof == Proof::TooLarge { Undecided::TooLarge } else { Undecided::NoWitness }
}
