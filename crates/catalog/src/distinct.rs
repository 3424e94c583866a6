use serde::Serialize;

/// How much more often something is checked in a scope than chance would have it; see `docs/decisions/distinctiveness.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Distinctiveness {
    /// Rules that would check it if the scope's rules were drawn from the catalog by lot.
    pub expected: f64,
    /// The lower end of the 95 % credibility interval of the shrunk logarithm (base 2) of found over expected: above 0
    /// it is told from chance, 3 is at least eight times as often.
    pub distinctiveness: f64,
}

impl Distinctiveness {
    /// Of something that `here` of the scope's `scope` rules check, and `reach` of the corpus' `corpus` rules.
    ///
    /// It is the information component with its usual shrinkage of half a case, and the closed approximation of its
    /// lower bound (Norén, Hopstadius and Bate, *Shrinkage observed-to-expected ratios for robust and transparent
    /// large-scale pattern discovery*, 2013). Both numbers are rounded to hundredths, so that every machine prints the
    /// same.
    #[must_use]
    // Counts of rules are far below what a float holds exactly.
    #[allow(clippy::cast_precision_loss)]
    pub fn of(here: u64, scope: u64, reach: u64, corpus: u64) -> Self {
        let expected = if corpus == 0 { 0.0 } else { scope as f64 * reach as f64 / corpus as f64 };
        let found = here as f64 + 0.5;
        let component = (found / (expected + 0.5)).log2();
        let doubt = 3.3 * found.powf(-0.5) + 2.0 * found.powf(-1.5);
        Self { expected: hundredths(expected), distinctiveness: hundredths(component - doubt) }
    }

    /// At least how many times as often as by chance; below 1 it is not told from chance.
    #[must_use]
    pub fn factor(self) -> f64 {
        self.distinctiveness.exp2()
    }
}

fn hundredths(number: f64) -> f64 {
    // Adding zero turns a negative zero round.
    (number * 100.0).round() / 100.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A corpus of 10,000 rules, a scope of 100.
    fn of(here: u64, reach: u64) -> f64 {
        Distinctiveness::of(here, 100, reach, 10_000).distinctiveness
    }

    #[test]
    fn what_is_everywhere_sinks_and_what_is_telling_rises() {
        // `event.type eq start` in half of all rules and in 60 of these; a tool that only these rules name.
        let (common, tool) = (of(60, 5_000), of(12, 14));
        assert!(common < 0.1, "{common}");
        assert!(tool > 2.5, "{tool}");
    }

    #[test]
    fn one_rule_never_wins_by_chance() {
        assert!(of(1, 1) < 0.0);
        assert!(of(2, 2) < of(6, 12));
        assert!(of(5, 5) > of(3, 3), "more rules say more");
        assert!(of(5, 50) < of(5, 5), "what is common elsewhere says less");
    }

    #[test]
    fn nothing_is_not_a_number() {
        for (here, scope, reach, corpus) in [(0, 0, 0, 0), (1, 1, 1, 1), (0, 5, 9, 10), (u64::MAX, 1, 1, u64::MAX)] {
            let found = Distinctiveness::of(here, scope, reach, corpus);
            assert!(found.distinctiveness.is_finite() && found.expected.is_finite());
        }
    }
}
