//! What a misspelt name was probably meant to be.

/// The candidate that `name` most resembles, if it resembles one at all.
///
/// Case and `-` against `_` cost nothing; otherwise a third of the letters may differ.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = fold(name);
    let allowed = (folded.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != name)
        .map(|candidate| (distance(&folded, &fold(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Very long names are not compared: the cost grows with the product of both lengths.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 200 || b.len() > 200 {
        return usize::MAX;
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if short.len() >= 3 && short.len() * 2 >= long.len() && long.starts_with(short) && a != b {
        return 1;
    }
    strsim::damerau_levenshtein(a, b)
}

fn fold(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_is_found() {
        let known = ["jobs", "test_level", "cflags", "target"];
        assert_eq!(nearest("test-level", known), Some("test_level"));
        assert_eq!(nearest("tset_levl", known), Some("test_level"));
        assert_eq!(nearest("CFLAGS", known), Some("cflags"));
        assert_eq!(nearest("job", known), Some("jobs"));
        assert_eq!(nearest("zzz", known), None);
        assert_eq!(nearest(&"x".repeat(1_000_000), known), None);
    }
}
