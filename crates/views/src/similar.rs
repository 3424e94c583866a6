/// The names that look most like `name`, at most `limit`, the nearest first: those that contain it, the shortest
/// first, then those that are a few letters away.
#[must_use]
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>, limit: usize) -> Vec<String> {
    let wanted: Vec<char> = name.to_lowercase().chars().take(64).collect();
    let furthest = wanted.len() / 3 + 1;
    let mut found: Vec<(usize, usize, &str)> = names
        .filter_map(|candidate| {
            let other: Vec<char> = candidate.to_lowercase().chars().take(64).collect();
            let distance = distance(&wanted, &other);
            let holds = wanted.len() > 2 && other.windows(wanted.len()).any(|part| part == wanted);
            let rank = if holds { 0 } else { distance };
            (holds || distance <= furthest).then_some((rank, other.len(), candidate))
        })
        .collect();
    found.sort_unstable();
    found.dedup_by(|one, other| one.2.eq_ignore_ascii_case(other.2));
    found.into_iter().take(limit).map(|(_, _, name)| name.to_owned()).collect()
}

/// How many letters have to be added, left out or replaced to make one text of another.
#[must_use]
pub fn edit_distance(one: &str, other: &str) -> usize {
    let letters = |text: &str| text.chars().take(64).collect::<Vec<char>>();
    distance(&letters(one), &letters(other))
}

/// Levenshtein's distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let above = row[j + 1];
            let replaced = diagonal + usize::from(left != right);
            row[j + 1] = replaced.min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or_default()
}
