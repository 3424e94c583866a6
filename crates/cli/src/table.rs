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
    /// A value that is cut in the middle where room is short, for paths differ at both ends.
    Long(&'static str),
    /// A sentence, cut at its end.
    Text(&'static str),
    /// A path in a source, cut at its beginning: it ends with what tells it from others.
    Path(&'static str),
    /// A rule's id, cut as a path is where it is one, after all else has given way.
    Id(&'static str),
    /// What [`list`] joined; as many parts are shown as there is room for.
    List(&'static str),
    /// Numbers.
    Right(&'static str),
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Self::Left(name)
            | Self::Long(name)
            | Self::Text(name)
            | Self::Path(name)
            | Self::Id(name)
            | Self::List(name)
            | Self::Right(name) => name,
        }
    }

    /// How narrow the column gets while others can give way as well; `None` where it is kept whole.
    fn least(self) -> Option<usize> {
        match self {
            Self::Text(_) => Some(24),
            Self::Long(_) | Self::Path(_) | Self::List(_) => Some(MIN_COLUMN_WIDTH),
            // Longer than the id of a rule that has a UUID.
            Self::Id(_) => Some(48),
            Self::Left(_) | Self::Right(_) => None,
        }
    }

    fn fit(self, cell: &str, width: usize) -> String {
        match self {
            Self::List(_) => fitting_parts(cell, width),
            Self::Text(_) => cut_end(cell, width),
            Self::Path(_) | Self::Id(_) => cut_beginning(cell, width),
            _ => cut(cell, width),
        }
    }
}

/// What stands between the parts of a list until they are shown: values hold any character that people write.
const BETWEEN: char = '\u{1f}';

/// Parts as one cell of a [`Column::List`].
pub fn list<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let parts: Vec<String> = parts.into_iter().map(|part| plain(part.as_ref())).collect();
    parts.join(&BETWEEN.to_string())
}

/// As many parts as there is room for, two spaces between them, and `…` where some are missing.
fn fitting_parts(cell: &str, width: usize) -> String {
    let parts: Vec<&str> = cell.split(BETWEEN).collect();
    let mut fitted = String::new();
    for (at, part) in parts.iter().enumerate() {
        let is_last = at + 1 == parts.len();
        let gap = if at == 0 { 0 } else { 2 };
        let room = width.saturating_sub(fitted.chars().count() + gap);
        // Room is kept for the mark of what is missing.
        let needed = part.chars().count() + if is_last { 0 } else { 2 };
        if at > 0 && needed > room {
            fitted.push_str(if fitted.chars().count() + 2 <= width { " …" } else { "" });
            break;
        }
        fitted.push_str(if at == 0 { "" } else { "  " });
        fitted.push_str(&cut(part, room.saturating_sub(if is_last { 0 } else { 2 })));
    }
    fitted
}

/// Narrower than this no column gets.
const MIN_COLUMN_WIDTH: usize = 12;

/// A table without frame that fits the terminal.
pub fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let one_line = |cell: &String| {
        let parts = cell.split(BETWEEN).map(|part| plain(part).replace('\n', " "));
        parts.collect::<Vec<_>>().join(&BETWEEN.to_string())
    };
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
        // Between the parts of a list stand two characters.
        let length = |cell: &String| cell.chars().count() + cell.chars().filter(|c| *c == BETWEEN).count();
        let cells = rows.iter().filter_map(|row| row.get(at)).map(length);
        cells.chain([column.name().len()]).max().unwrap_or(0)
    };
    let mut widths: Vec<usize> = columns.iter().enumerate().map(|(at, column)| widest(at, column)).collect();
    let room = width.saturating_sub(columns.len() * 2);
    let mut excess = widths.iter().sum::<usize>().saturating_sub(room);
    // The first to give way are columns that stay readable; then those that may be cut; last, words are cut as well
    // rather than lines broken.
    let least: [fn(Column) -> Option<usize>; 3] =
        [Column::least, |column| column.least().map(|_| MIN_COLUMN_WIDTH), |_| Some(MIN_COLUMN_WIDTH)];
    for least in least {
        while excess > 0 {
            let can_shrink = widths.iter_mut().zip(columns).filter_map(|(width, column)| {
                let least = least(*column)?;
                (*width > least).then_some(width)
            });
            let Some(widest) = can_shrink.max() else { break };
            *widest -= 1;
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

/// The text in at most `width` characters, the end left out.
fn cut_end(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// The text in at most `width` characters, the beginning left out.
fn cut_beginning(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    ['…'].into_iter().chain(text.chars().skip(length + 1 - width.max(1))).collect()
}

/// How many characters a line has: what `COLUMNS` says, else the terminal's width. What goes to a file or another
/// program is not cut.
pub fn terminal_width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    asked.or_else(terminal).map_or(usize::MAX, |width| width.clamp(40, 400))
}

#[cfg(test)]
mod tests {
    use super::{Column, cut, cut_beginning, cut_end, fitted, fitting_parts, list};

    #[test]
    fn a_list_shows_whole_parts_and_marks_what_is_missing() {
        let cell = list(["contains 15", "ends_with 3", "eq 1"]);
        let cases = [(40, "contains 15  ends_with 3  eq 1"), (29, "contains 15  ends_with 3 …"), (14, "contains 15 …")];
        for (width, shown) in cases {
            assert_eq!(fitting_parts(&cell, width), shown);
            assert!(shown.chars().count() <= width);
        }
        assert_eq!(fitting_parts(&list(["two  spaces"]), 40), "two  spaces");
        assert_eq!(fitting_parts(&list(["abcdefghijkl", "x"]), 9), "abc…jkl …");
    }

    #[test]
    fn sentences_lose_their_end_and_values_their_middle() {
        assert_eq!(cut_end("Suspicious child process", 11), "Suspicious…");
        assert_eq!(cut_beginning("rules/windows/a.yml", 8), "…s/a.yml");
        assert_eq!(cut(r"C:\Windows\System32\cmd.exe", 11), r"C:\Wi…d.exe");
    }

    #[test]
    fn a_row_fits_by_the_widest_that_give_way() {
        let columns = [Column::Left("Id"), Column::Text("Title"), Column::Right("Rules")];
        let rows = [vec!["x".repeat(20), "y".repeat(90), "5".to_owned()]];
        assert_eq!(fitted(&columns, &rows, 80), [20, 49, 5]);
        assert_eq!(fitted(&columns, &rows, 200), [20, 90, 5]);
        assert_eq!(fitted(&columns, &rows, usize::MAX), [20, 90, 5]);
    }

    #[test]
    fn a_long_id_leaves_room_for_the_title() {
        let columns = [Column::Left("Severity"), Column::Text("Title"), Column::List("Techniques"), Column::Id("Id")];
        let rows = [["medium".to_owned(), "y".repeat(60), "T1059.001".to_owned(), "z".repeat(110)].to_vec()];
        for width in [100, 120, 160] {
            let widths = fitted(&columns, &rows, width);
            assert!(widths[1] >= 24, "{widths:?} in {width}");
            assert!(widths.iter().sum::<usize>() + 8 <= width, "{widths:?} in {width}");
        }
        assert_eq!(fitted(&columns, &rows, 400), [8, 60, 10, 110]);
    }
}
