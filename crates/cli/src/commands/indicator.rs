use std::{fmt::Write as _, path::Path, process::ExitCode};

use ruleatlas_views::IndicatorView;

use super::atlas;
use crate::{
    args::Indicator,
    lists::{gravest_first, operator, rules, shown_field, value_of, vendors},
    output,
    table::{heading, role, title},
};

pub fn run(options: &Indicator, db: Option<&Path>) -> anyhow::Result<ExitCode> {
    let view = atlas(db)?.indicator(&options.field, options.op, &options.value)?;
    if options.json {
        output::json(&view)?;
    } else {
        output::text(&text(&view))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(view: &IndicatorView) -> String {
    let indicator = &view.looked_for.indicator;
    let name = [shown_field(&indicator.field), operator(indicator), value_of(indicator)].join(" ");
    let mut text = title(name.trim_end());
    let reach = vendors(&view.looked_for.reach_by_vendor, view.looked_for.reach);
    let _ = writeln!(text, "{} reach {reach}", role("indicator"));
    let reach = vendors(&view.excluded.reach_by_vendor, view.excluded.reach);
    let _ = writeln!(text, "{} by {reach}", role("exclusion"));
    for (title, list) in [("Rules that look for it", &view.rule_list), ("Rules that exclude it", &view.excluding_rules)]
    {
        if !list.is_empty() {
            text.push_str(&heading(title, list.len(), list.len(), "rules"));
            text.push_str(&rules(gravest_first(list)));
        }
    }
    text
}
