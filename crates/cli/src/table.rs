use anstyle::{AnsiColor, Style};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use crate::output::plain;

/// Rows a terminal shows of a table without being asked for more.
pub const SHOWN: usize = 15;

/// A heading, with how many rows there are and how many are shown.
pub fn heading(title: &str, shown: usize, distinct: usize, what: &str) -> String {
    let bold = Style::new().bold();
    let dim = Style::new().dimmed();
    let count = if shown < distinct { format!("{shown} of {distinct} {what}") } else { format!("{distinct} {what}") };
    format!("\n{bold}{title}{bold:#}  {dim}{count}{dim:#}\n")
}

/// A bold line.
pub fn title(text: &str) -> String {
    let bold = Style::new().bold();
    format!("{bold}{}{bold:#}\n", plain(text))
}

/// A word in the colour of a role.
pub fn role(name: &str) -> String {
    let style = match name {
        "indicator" => Style::new().fg_color(Some(AnsiColor::Cyan.into())),
        "exclusion" => Style::new().fg_color(Some(AnsiColor::Magenta.into())),
        _ => Style::new().dimmed(),
    };
    format!("{style}{name}{style:#}")
}

/// How a column is set.
#[derive(Clone, Copy)]
pub enum Column {
    /// Text.
    Left(&'static str),
    /// Numbers.
    Right(&'static str),
}

/// A table without frame that fits the terminal; long cells are cut in the middle.
pub fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    let width = terminal_width();
    let rows: Vec<Vec<String>> =
        rows.into_iter().map(|row| row.iter().map(|cell| plain(cell).replace('\n', " ")).collect()).collect();
    if rows.is_empty() {
        return String::new();
    }
    let widths = fitted(columns, &rows, width);
    let dim = Style::new().dimmed();
    let header = columns.iter().map(|column| match column {
        Column::Left(name) => Cell::new(name),
        Column::Right(name) => Cell::new(name).set_alignment(CellAlignment::Right),
    });
    table.set_header(header.collect::<Vec<Cell>>());
    for row in rows {
        let cells = row.iter().zip(columns).zip(&widths).map(|((cell, column), width)| {
            let cell = Cell::new(cut(cell, *width));
            if matches!(column, Column::Right(_)) { cell.set_alignment(CellAlignment::Right) } else { cell }
        });
        table.add_row(cells.collect::<Vec<Cell>>());
    }
    let text = table.to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim_end();
    let mut text = format!("{dim}{first}{dim:#}\n");
    for line in lines {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// The width of each column, so that a row fits: the widest columns give way first.
fn fitted(columns: &[Column], rows: &[Vec<String>], width: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|at| {
            let name = match columns[at] {
                Column::Left(name) | Column::Right(name) => name,
            };
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
            cells.chain([name.len()]).max().unwrap_or(0)
        })
        .collect();
    let room = width.saturating_sub(columns.len() * 2 + 1);
    while widths.iter().sum::<usize>() > room {
        let Some(widest) = widths.iter_mut().max() else { break };
        if *widest <= 12 {
            break;
        }
        *widest -= 1;
    }
    widths
}

/// The text in at most `width` characters, the middle left out.
fn cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let head = kept.div_ceil(2);
    let tail = kept - head;
    text.chars().take(head).chain(['…']).chain(text.chars().skip(length - tail)).collect()
}

fn terminal_width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    asked.or_else(|| Table::new().width().map(usize::from)).unwrap_or(120).clamp(40, 400)
}
