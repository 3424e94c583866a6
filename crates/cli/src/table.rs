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
    /// Words that are kept whole.
    Left(&'static str),
    /// Text that is cut in the middle where room is short.
    Long(&'static str),
    /// Parts, two spaces between them; as many are shown as there is room for.
    List(&'static str),
    /// Numbers.
    Right(&'static str),
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Left(name) | Self::Long(name) | Self::List(name) | Self::Right(name) => name,
        }
    }

    fn gives_way(self) -> bool {
        matches!(self, Self::Long(_) | Self::List(_))
    }

    fn fit(self, cell: &str, width: usize) -> String {
        if !matches!(self, Self::List(_)) {
            return cut(cell, width);
        }
        let mut fitted = String::new();
        for part in cell.split("  ") {
            let part = cut(part, width);
            if !fitted.is_empty() && fitted.chars().count() + 2 + part.chars().count() > width {
                break;
            }
            if !fitted.is_empty() {
                fitted.push_str("  ");
            }
            fitted.push_str(&part);
        }
        fitted
    }
}

/// Narrower than this no column gets.
const NARROWEST: usize = 12;

/// A table without frame that fits the terminal.
pub fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let one_line = |cell: &String| plain(cell).replace('\n', " ");
    let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.iter().map(one_line).collect()).collect();
    if rows.is_empty() {
        return String::new();
    }
    let widths = fitted(columns, &rows, terminal_width());
    let cell = |text: &str, column: Column| {
        let cell = Cell::new(text);
        if matches!(column, Column::Right(_)) { cell.set_alignment(CellAlignment::Right) } else { cell }
    };
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| cell(column.name(), *column)).collect::<Vec<Cell>>());
    for row in rows {
        let cells = row.iter().zip(columns).zip(&widths);
        table.add_row(
            cells.map(|((text, column), width)| cell(&column.fit(text, *width), *column)).collect::<Vec<Cell>>(),
        );
    }
    let dim = Style::new().dimmed();
    let text = table.to_string();
    let mut lines = text.lines().map(str::trim_end);
    let mut shown = format!("{dim}{}{dim:#}\n", lines.next().unwrap_or_default());
    for line in lines {
        shown.push_str(line);
        shown.push('\n');
    }
    shown
}

/// The width of each column, so that a row fits: the widest of those that give way shrinks first.
fn fitted(columns: &[Column], rows: &[Vec<String>], width: usize) -> Vec<usize> {
    let widest = |at: usize, column: &Column| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        cells.chain([column.name().len()]).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = columns.iter().enumerate().map(|(at, column)| widest(at, column)).collect();
    let room = width.saturating_sub(columns.len() * 2);
    let mut excess = widths.iter().sum::<usize>().saturating_sub(room);
    // Where nothing that gives way is left, words are cut as well rather than lines broken.
    for may_shrink in [Column::gives_way, |_: Column| true] {
        while excess > 0 {
            let widest =
                widths.iter_mut().zip(columns).filter(|(_, column)| may_shrink(**column)).map(|(width, _)| width).max();
            match widest {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
            excess -= 1;
        }
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
