use ruleatlas_model::{Condition, Span};

use crate::{Compiled, Event, Reason, Verdict};

/// The conditions of a rule, ready to be evaluated on many events.
#[derive(Debug)]
pub struct CompiledRule {
    steps: Vec<(Compiled, bool)>,
}

impl CompiledRule {
    /// Compiles every step.
    #[must_use]
    pub fn new(conditions: &[Condition]) -> Self {
        Self { steps: conditions.iter().map(|step| (Compiled::new(&step.root), step.absent)).collect() }
    }

    /// How many steps the rule has.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Whether the rule selects an event. One event does not decide a rule of several steps, nor one of a step that
    /// must be absent, nor one without a condition: these are unknown; [`each`](Self::each) gives the single verdicts.
    #[must_use]
    pub fn evaluate(&self, event: &Event<'_>) -> Verdict {
        let unknown = |why: String| Verdict::Unknown(vec![Reason::new(why, "", Span::default())]);
        match self.steps.as_slice() {
            [] => unknown("rule has no condition".to_owned()),
            [(_, true)] => unknown("rule looks for the absence of events".to_owned()),
            [(only, false)] => only.evaluate(event),
            several => unknown(format!("rule has {} steps", several.len())),
        }
    }

    /// What each step says of an event by itself; an absent step holds where it finds what must not happen.
    #[must_use]
    pub fn each(&self, event: &Event<'_>) -> Vec<Verdict> {
        self.steps.iter().map(|(step, _)| step.evaluate(event)).collect()
    }
}
