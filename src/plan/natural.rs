//! The order in which people number scripts: `9-x` before `10-x`.
use std::cmp::Ordering;

/// Compares two slash-separated paths component by component, numbers by their value.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let by_component = a
        .split('/')
        .map(Chunks)
        .map(Iterator::collect::<Vec<_>>)
        .cmp(b.split('/').map(Chunks).map(Iterator::collect::<Vec<_>>));
    by_component.then_with(|| a.cmp(b))
}

/// A run of digits, or a run of anything else.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Chunk<'a> {
    /// By length, then by digits, both without leading zeros: any size of number.
    Number(usize, &'a str),
    Text(&'a str),
}

struct Chunks<'a>(&'a str);

impl<'a> Iterator for Chunks<'a> {
    type Item = Chunk<'a>;

    fn next(&mut self) -> Option<Chunk<'a>> {
        let digits = self.0.chars().next()?.is_ascii_digit();
        let end = self.0.find(|c: char| c.is_ascii_digit() != digits);
        let (chunk, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest;
        if !digits {
            return Some(Chunk::Text(chunk));
        }
        let value = chunk.trim_start_matches('0');
        Some(Chunk::Number(value.len(), value))
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    fn sorted(mut names: Vec<&str>) -> Vec<&str> {
        names.sort_by(|a, b| compare(a, b));
        names
    }

    #[test]
    fn numbers_count_by_value() {
        let right = [
            "9-x",
            "10-x",
            "chapter05/502-a",
            "chapter05/1001-a",
            "chapter10/1-a",
            "zlib",
            "zlib-2",
            "zlib-10",
        ];
        let mut mixed = right.to_vec();
        mixed.reverse();
        assert_eq!(sorted(mixed), right);
    }

    #[test]
    fn a_folder_stands_where_its_name_stands() {
        let right = [
            "01-a.sh",
            "02-b/1.sh",
            "02-b/2.sh",
            "02-b-c/1.sh",
            "03-c.sh",
        ];
        let mut mixed = right.to_vec();
        mixed.reverse();
        assert_eq!(sorted(mixed), right);
    }

    #[test]
    fn leading_zeros_decide_last() {
        assert_eq!(sorted(vec!["2-a", "02-b", "02-a"]), ["02-a", "2-a", "02-b"]);
    }

    #[test]
    fn numbers_beyond_any_integer_type_compare() {
        let (small, large) = (
            "20250407999999999999999999-a",
            "100000000000000000000000000-a",
        );
        assert_eq!(sorted(vec![large, small]), [small, large]);
    }
}
