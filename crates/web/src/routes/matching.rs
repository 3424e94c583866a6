use crate::text::decoded;

/// What stands in the places of a pattern's names, decoded; `None` where the path is another one.
///
/// A name never stands for nothing.
pub(super) fn names(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    let mut rest = path.strip_prefix('/')?;
    let mut parts = pattern.strip_prefix('/')?.split('/').peekable();
    while let Some(part) = parts.next() {
        if part.starts_with("{*") {
            names.push(named(rest)?);
            return Some(names);
        }
        let (here, behind) = match rest.split_once('/') {
            Some((here, behind)) => (here, Some(behind)),
            None => (rest, None),
        };
        if part.starts_with('{') {
            names.push(named(here)?);
        } else if part != here {
            return None;
        }
        match (behind, parts.peek()) {
            (Some(behind), Some(_)) => rest = behind,
            (None, None) => return Some(names),
            _ => return None,
        }
    }
    None
}

fn named(part: &str) -> Option<String> {
    (!part.is_empty()).then(|| decoded(&part.replace('+', "%2B")))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_name_takes_one_part_and_a_starred_one_the_rest() {
        let found = |pattern, path| names(pattern, path);
        assert_eq!(found("/", "/"), Some(vec![]));
        assert_eq!(found("/about", "/about"), Some(vec![]));
        assert_eq!(found("/technique/{id}", "/technique/T1071"), Some(vec!["T1071".to_owned()]));
        assert_eq!(found("/rule/{*id}", "/rule/sigma/a%2Fb+c"), Some(vec!["sigma/a/b+c".to_owned()]));
        assert_eq!(found("/event/{provider}/{id}", "/event/A%20b/1"), Some(vec!["A b".to_owned(), "1".to_owned()]));
        for (pattern, path) in [
            ("/technique/{id}", "/technique/"),
            ("/technique/{id}", "/technique"),
            ("/technique/{id}", "/technique/T1071/"),
            ("/rule/{*id}", "/rule/"),
            ("/about", "/about/notices"),
            ("/about/notices", "/about"),
            ("/about", "about"),
            ("/", ""),
        ] {
            assert_eq!(found(pattern, path), None, "{pattern} {path}");
        }
    }
}
