//! Rules over several events: what their steps, keys and windows are, as their queries say it.

use ruleatlas_eql::ast::{ExprKind, Query, Shape};
use ruleatlas_evaluate::{CountSpec, Machine, Measure, SequenceSpec, SequenceStep, TemporalSpec, Threshold};
use ruleatlas_model::{Kind, Language, Op, Rule};
use ruleatlas_yaml::Node;

/// How the events of a rule belong together.
#[derive(Clone, Debug)]
pub(crate) struct Stateful {
    /// The rule's steps that are asked of events.
    pub steps: Vec<StatefulStep>,
    /// The field whose distinct values are counted.
    pub value: Option<String>,
    spec: Spec,
}

/// A step of such a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StatefulStep {
    /// Its place in the rule's conditions.
    pub condition: usize,
    /// Its number for the machine.
    pub number: usize,
    /// The fields that the events of a match share, as the rule names them.
    pub keys: Vec<String>,
}

#[derive(Clone, Debug)]
enum Spec {
    Sequence(SequenceSpec),
    Count(CountSpec),
    Temporal(TemporalSpec),
}

/// Why a rule over several events is not run.
type Why = &'static str;

impl Stateful {
    /// What a rule over several events asks; `None` where the rule is one over single events.
    pub fn of(rule: &Rule) -> Option<Result<Self, Why>> {
        match (rule.kind, rule.language) {
            (Kind::Correlation, Language::Sigma) => Some(correlation(rule)),
            (_, Language::Eql) if rule.conditions.len() > 1 => Some(sequence(rule)),
            _ if rule.extra.has("threshold") => Some(threshold(rule)),
            _ => None,
        }
    }

    pub fn machine(&self) -> Machine {
        match &self.spec {
            Spec::Sequence(spec) => Machine::sequence(spec.clone()),
            Spec::Count(spec) => Machine::count(spec.clone()),
            Spec::Temporal(spec) => Machine::temporal(spec.clone()),
        }
    }
}

/// A span of time in microseconds: a number and a unit, as `30s`, `1m`, `1h`, `1d`, `1w`, `500ms`.
fn span(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(text.len());
    let number: f64 = text.get(..digits)?.parse().ok()?;
    let unit = match text.get(digits..)?.trim() {
        "ms" => 1e-3,
        "" | "s" | "sec" | "secs" | "second" | "seconds" => 1.0,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        "w" | "week" | "weeks" => 604_800.0,
        // Sigma's month and year.
        "M" => 2_592_000.0,
        "y" => 31_536_000.0,
        _ => return None,
    };
    let micros = number * unit * 1e6;
    (micros.is_finite() && (0.0..9e18).contains(&micros)).then_some(micros as i64)
}

fn sequence(rule: &Rule) -> Result<Stateful, Why> {
    let Some(query) = ruleatlas_eql::parse(&rule.query).tree else { return Err("its query was not understood") };
    let is_short = |name: &str| ["head", "tail"].iter().any(|known| name.eq_ignore_ascii_case(known));
    if query.pipes.iter().any(|pipe| !is_short(pipe.name)) {
        return Err("its query has a pipe behind the sequence");
    }
    // Relatives of an event are steps of their own.
    let is_relative = |label: &str| label.ends_with(" of");
    if rule.conditions.iter().any(|condition| is_relative(&condition.label)) {
        return Err("it asks for the descendants of an event");
    }
    if rule.conditions.len() != query.steps.len() {
        return Err("its steps were not all understood");
    }
    let keys = |at: usize| -> Result<Vec<String>, Why> {
        let own = query.steps.get(at).map(|step| step.keys.as_slice()).unwrap_or_default();
        let name = |key: &ruleatlas_eql::ast::Expr<'_>| match &key.kind {
            ExprKind::Field { path, .. } => Ok(path.to_string()),
            _ => Err("its events share something computed"),
        };
        query.keys.iter().chain(own).map(name).collect()
    };
    let max_span = match query.maxspan {
        Some(text) => Some(span(text).ok_or("its maxspan is not understood")?),
        None => None,
    };
    let spec = spec_of(&query, max_span)?;
    let steps = (0..query.steps.len())
        .map(|at| Ok(StatefulStep { condition: at, number: at, keys: keys(at)? }))
        .collect::<Result<Vec<_>, Why>>()?;
    // What ends a sequence is last in the query, and has the number behind the steps.
    Ok(Stateful { steps, value: None, spec })
}

fn spec_of(query: &Query<'_>, max_span: Option<i64>) -> Result<Spec, Why> {
    if query.shape == Shape::Sample {
        return Ok(Spec::Temporal(TemporalSpec { steps: query.steps.len(), window: None, is_ordered: false }));
    }
    let until = query.steps.iter().any(|step| step.until);
    let step = |step: &ruleatlas_eql::ast::Step<'_>| {
        let runs = step.runs.map_or(Ok(1), |runs| runs.trim().parse().map_err(|_| "its runs are not understood"))?;
        Ok(SequenceStep { missing: step.missing, runs })
    };
    let steps: Vec<SequenceStep> =
        query.steps.iter().filter(|step| !step.until).map(step).collect::<Result<_, Why>>()?;
    if query.shape == Shape::Join {
        return Ok(Spec::Temporal(TemporalSpec { steps: steps.len(), window: max_span, is_ordered: false }));
    }
    Ok(Spec::Sequence(SequenceSpec { steps, until, max_span }))
}

fn correlation(rule: &Rule) -> Result<Stateful, Why> {
    const UNREAD: Why = "its correlation was not understood";
    let parsed = ruleatlas_yaml::parse(&rule.query).map_err(|_| UNREAD)?;
    let correlation = parsed.documents.iter().find_map(|document| document.get("correlation")).ok_or(UNREAD)?;
    let references = correlation.get("rules").map_or(&[][..], Node::items_or_self);
    let kind = correlation.text_of("type").unwrap_or_default();
    let keys: Vec<String> = correlation.texts_of("group-by").into_iter().map(str::to_owned).collect();
    let window = match correlation.text_of("timespan") {
        Some(text) => Some(span(text).ok_or("its timespan is not understood")?),
        None => None,
    };
    let condition = correlation.get("condition");
    let mut thresholds = Vec::new();
    for (key, value) in condition.and_then(Node::entries).unwrap_or_default() {
        let op = match key.text().unwrap_or_default() {
            "gt" => Op::Gt,
            "gte" => Op::Gte,
            "lt" => Op::Lt,
            "lte" => Op::Lte,
            "eq" => Op::Eq,
            "field" => continue,
            _ => return Err("its condition is not understood"),
        };
        let number = value.text().and_then(|text| text.trim().parse().ok()).ok_or("its condition is not understood")?;
        thresholds.push(Threshold { op, number });
    }
    let spec = match kind {
        "event_count" | "value_count" if thresholds.is_empty() => return Err(UNREAD),
        "event_count" | "value_count" => {
            let measure = if kind == "event_count" { Measure::Events } else { Measure::DistinctValues };
            Spec::Count(CountSpec { measure, thresholds, distinct: None, window, is_tumbling: false })
        }
        "temporal" | "temporal_ordered" if condition.is_some_and(|condition| condition.text().is_some()) => {
            return Err("its condition says in words which rules must match");
        }
        "temporal" | "temporal_ordered" => {
            let is_ordered = kind == "temporal_ordered";
            Spec::Temporal(TemporalSpec { steps: references.len(), window, is_ordered })
        }
        _ => return Err("it computes something of values"),
    };
    let counts = usize::from(matches!(spec, Spec::Count(_)));
    if rule.conditions.len() != references.len() + counts {
        return Err("its base rules were not all understood");
    }
    let value = condition.map(|condition| condition.texts_of("field")).unwrap_or_default();
    if value.len() > 1 {
        return Err("it counts the values of several fields together");
    }
    let aliases = correlation.get("aliases");
    let steps = references.iter().enumerate().map(|(at, reference)| {
        let name = reference.text().unwrap_or_default();
        // A key may be called differently in every base rule.
        let key = |key: &String| {
            let alias = aliases.and_then(|aliases| aliases.get(key)).and_then(|alias| alias.text_of(name));
            alias.map_or_else(|| key.clone(), str::to_owned)
        };
        let number = if counts == 1 { 0 } else { at };
        StatefulStep { condition: at, number, keys: keys.iter().map(key).collect() }
    });
    let value = value.first().map(|field| (*field).to_owned());
    if matches!(&spec, Spec::Count(CountSpec { measure: Measure::DistinctValues, .. })) && value.is_none() {
        return Err(UNREAD);
    }
    Ok(Stateful { steps: steps.collect(), value, spec })
}

/// Thresholds: so many events with the same values within a window, which Elastic's rules have in what they look back.
fn threshold(rule: &Rule) -> Result<Stateful, Why> {
    const UNREAD: Why = "its threshold was not understood";
    let threshold = rule.extra.get("threshold").ok_or(UNREAD)?;
    if rule.conditions.len() != 1 {
        return Err("it has a threshold over several steps");
    }
    let number = |value: Option<&serde_json::Value>| {
        let value = value?;
        value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
    };
    let texts = |value: Option<&serde_json::Value>| -> Vec<String> {
        match value {
            Some(serde_json::Value::String(text)) => vec![text.clone()],
            Some(serde_json::Value::Array(items)) => {
                items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        }
    };
    let least = number(threshold.get("value")).ok_or(UNREAD)?;
    let mut keys = texts(threshold.get("field"));
    keys.retain(|key| !key.is_empty());
    let cardinality = threshold.get("cardinality").and_then(|list| match list {
        serde_json::Value::Array(items) => items.first(),
        other => Some(other),
    });
    let own = threshold.get("window").and_then(|window| span(window.as_str()?));
    let window = own.or_else(|| span(rule.extra.get("from")?.as_str()?.trim().strip_prefix("now-")?));
    // Kibana looks back six minutes where a rule does not say how far.
    let window = Some(window.unwrap_or(360_000_000));
    let of = |measure, number| CountSpec {
        measure,
        thresholds: vec![Threshold { op: Op::Gte, number }],
        distinct: None,
        window,
        is_tumbling: false,
    };
    let (spec, value) = match cardinality.filter(|cardinality| cardinality.get("field").is_some()) {
        None => (of(Measure::Events, least), None),
        Some(cardinality) => {
            let distinct = number(cardinality.get("value")).ok_or(UNREAD)?;
            let value = texts(cardinality.get("field")).first().cloned().ok_or(UNREAD)?;
            let spec = match least {
                0 | 1 => of(Measure::DistinctValues, distinct),
                // Not every event has the value: those without one count as events.
                _ => CountSpec { distinct: Some(distinct), ..of(Measure::Events, least) },
            };
            (spec, Some(value))
        }
    };
    let steps = vec![StatefulStep { condition: 0, number: 0, keys }];
    Ok(Stateful { steps, value, spec: Spec::Count(spec) })
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_units() {
        for (text, seconds) in [
            ("30s", 30.0),
            ("1m", 60.0),
            ("2h", 7200.0),
            ("500ms", 0.5),
            ("1d", 86_400.0),
            ("5 m", 300.0),
            ("10", 10.0),
        ] {
            assert_eq!(span(text), Some((seconds * 1e6) as i64), "{text}");
        }
        for text in ["", "m", "1x", "-1s", "1e400s"] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
