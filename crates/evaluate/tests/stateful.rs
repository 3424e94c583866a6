//! Sequences of events, in the cases that the documentation of EQL describes.

use proptest::prelude::*;
use ruleatlas_evaluate::{CountSpec, Machine, Measure, Observation, SequenceSpec, SequenceStep, Threshold};
use ruleatlas_model::Op;

const SECOND: i64 = 1_000_000;

/// Steps as `a`, `!a` for one that must not happen, `a3` for three times; a last `~` for `until`.
fn machine(steps: &[&str], max_span: Option<i64>) -> Machine {
    let until = steps.last() == Some(&"~");
    let step = |text: &&str| SequenceStep {
        missing: text.starts_with('!'),
        runs: text.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(1),
    };
    let steps = steps.iter().filter(|step| **step != "~").map(step).collect();
    Machine::sequence(SequenceSpec { steps, until, max_span: max_span.map(|seconds| seconds * SECOND) })
}

/// Observations as (second, step, key), numbered from 0.
fn run(machine: &mut Machine, seen: &[(i64, usize, &str)], end: i64) -> Vec<Vec<u64>> {
    let mut found = Vec::new();
    for (event, (second, step, key)) in (0..).zip(seen) {
        let key = vec![(*key).to_owned()];
        found.extend(machine.observe(&Observation { time: second * SECOND, step: *step, key, value: None, event }));
    }
    found.extend(machine.finish(end * SECOND));
    found.into_iter().map(|found| found.events).collect()
}

type Case<'a> = (&'a [&'a str], Option<i64>, &'a [(i64, usize, &'a str)], i64, &'a [&'a [u64]]);

#[test]
fn sequences_are_found_as_documented() {
    let cases: [Case<'_>; 16] = [
        (&["a", "b"], None, &[(0, 0, "k"), (9, 1, "k")], 9, &[&[0, 1]]),
        (&["a", "b"], None, &[(0, 1, "k"), (9, 0, "k")], 9, &[]),
        (&["a", "b"], None, &[(0, 0, "k"), (9, 1, "l")], 9, &[]),
        // The later first event is the one that goes on.
        (&["a", "b"], None, &[(0, 0, "k"), (1, 0, "k"), (2, 1, "k"), (3, 1, "k")], 9, &[&[1, 2]]),
        (&["a", "b"], Some(5), &[(0, 0, "k"), (6, 1, "k")], 9, &[]),
        (&["a", "b"], Some(5), &[(0, 0, "k"), (5, 1, "k")], 9, &[&[0, 1]]),
        // `until` ends what was begun.
        (&["a", "b", "~"], None, &[(0, 0, "k"), (1, 2, "k"), (2, 1, "k")], 9, &[]),
        (&["a", "b", "~"], None, &[(0, 0, "k"), (1, 2, "l"), (2, 1, "k")], 9, &[&[0, 2]]),
        // Repetitions.
        // Every event may begin one.
        (&["a3"], None, &[(0, 0, "k"), (1, 0, "k"), (2, 0, "k"), (3, 0, "k")], 9, &[&[0, 1, 2], &[1, 2, 3]]),
        (&["a2", "b"], None, &[(0, 0, "k"), (1, 1, "k"), (2, 0, "k"), (3, 1, "k")], 9, &[&[0, 2, 3]]),
        // Missing events: in the middle, at the end, at the start.
        (&["a", "!b", "c"], Some(9), &[(0, 0, "k"), (1, 1, "k"), (2, 2, "k")], 9, &[]),
        (&["a", "!b", "c"], Some(9), &[(0, 0, "k"), (1, 1, "l"), (2, 2, "k")], 9, &[&[0, 2]]),
        (&["a", "!b"], Some(5), &[(0, 0, "k")], 9, &[&[0]]),
        (&["a", "!b"], Some(5), &[(0, 0, "k"), (3, 1, "k")], 9, &[]),
        // The log ends before it is decided.
        (&["a", "!b"], Some(5), &[(0, 0, "k")], 3, &[]),
        (&["!a", "b"], Some(5), &[(0, 0, "k"), (3, 1, "k"), (20, 1, "k")], 30, &[&[2]]),
    ];
    for (steps, max_span, seen, end, expected) in cases {
        assert_eq!(run(&mut machine(steps, max_span), seen, end), expected, "{steps:?} {max_span:?} {seen:?}");
    }
}

proptest! {
    /// Without keys and a span a sequence of two steps is found as often as a second step follows a first one.
    #[test]
    fn two_steps_are_found_as_by_hand(steps in prop::collection::vec(0_usize..2, 0..40)) {
        let seen: Vec<(i64, usize, &str)> = (0..).zip(&steps).map(|(second, step)| (second, *step, "k")).collect();
        let found = run(&mut machine(&["a", "b"], None), &seen, 100);
        let mut begun = None;
        let mut expected = Vec::new();
        for (event, step) in (0..).zip(&steps) {
            match step {
                0 => begun = Some(event),
                _ => expected.extend(begun.take().map(|first| vec![first, event])),
            }
        }
        prop_assert_eq!(found, expected);
    }

    /// A window that slides gives a match when so many events lie within it, none of which was counted before.
    #[test]
    fn sliding_windows_are_found_as_by_hand(gaps in prop::collection::vec(0_i64..6, 0..40), least in 1_u64..5, window in 1_i64..10) {
        let thresholds = vec![Threshold { op: Op::Gte, number: least }];
        let spec = CountSpec { measure: Measure::Events, thresholds, distinct: None, window: Some(window * SECOND), is_tumbling: false };
        let mut time = 0;
        let seen: Vec<(i64, usize, &str)> = gaps.iter().map(|gap| { time += gap; (time, 0, "k") }).collect();
        let found = run(&mut Machine::count(spec), &seen, 1000);
        let mut open: Vec<(i64, u64)> = Vec::new();
        let mut expected = Vec::new();
        for (event, (time, ..)) in (0..).zip(&seen) {
            open.retain(|(earlier, _)| time - earlier <= window);
            open.push((*time, event));
            if open.len() as u64 >= least {
                expected.push(open.drain(..).map(|(_, event)| event).collect::<Vec<u64>>());
            }
        }
        prop_assert_eq!(found, expected);
    }
}
