//! Which part of a vault's bytes a verification reads.
use super::{Error, Vault};
use crate::fs::{read_optional, write_disposable};

/// How much is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Share {
    /// Every byte.
    All,
    /// So many of a hundred bytes of packs: those after what was read the last time, so that in the
    /// end all are.
    Part(f64),
    /// Folders only: that every snapshot is complete.
    Structure,
}

/// A piece of a pack, as it is told apart from others: the name of the pack, and where it begins.
pub(super) type Place = (String, u64);

/// Chooses pieces, in the order of their places, after the place `last`: as many as hold the part of
/// all bytes, at least one. Each comes with its bytes.
pub(super) fn choose(pieces: &[(Place, u64)], percent: f64, last: Option<&Place>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..pieces.len()).collect();
    order.sort_by(|a, b| pieces[*a].0.cmp(&pieces[*b].0));
    let is_before = |at: &usize| last.is_some_and(|last| pieces[*at].0 <= *last);
    let begin = order.partition_point(is_before);
    order.rotate_left(begin);
    let all: u64 = pieces.iter().map(|(_, bytes)| bytes).sum();
    let wanted = all as f64 * percent / 100.0;
    let mut read = 0;
    let is_wanted = |at: &usize| {
        let goes = read == 0 || (read as f64) < wanted;
        read += pieces[*at].1;
        goes
    };
    order.into_iter().take_while(is_wanted).collect()
}

impl Vault {
    /// The last piece that a verification of a part read.
    pub(super) fn last_read(&self) -> Option<Place> {
        let text = read_optional(&self.last_read_note()).ok()??;
        let text = String::from_utf8(text).ok()?;
        let (name, offset) = text.trim().split_once(' ')?;
        Some((name.to_owned(), offset.parse().ok()?))
    }

    /// Notes where the next verification of a part goes on.
    pub(super) fn note_read(&self, (name, offset): &Place) -> Result<(), Error> {
        let text = format!("{name} {offset}\n");
        let note = self.last_read_note();
        Ok(write_disposable(&note, &[text.as_bytes()])?)
    }

    fn last_read_note(&self) -> std::path::PathBuf {
        self.path().join("buildkeep/verified")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(names: &[&str]) -> Vec<(Place, u64)> {
        let all = names
            .iter()
            .flat_map(|name| (0..4).map(|n| ((*name).to_owned(), n * 100)));
        all.map(|place| (place, 100)).collect()
    }

    #[test]
    fn in_the_end_all_is_read_whatever_comes_between() {
        let mut all = pieces(&["b", "a", "c"]);
        let (mut last, mut read) = (None, std::collections::BTreeSet::new());
        for time in 0..6 {
            let chosen = choose(&all, 20.0, last.as_ref());
            assert_eq!(chosen.len(), if time < 3 { 3 } else { 4 });
            read.extend(chosen.iter().map(|at| all[*at].0.clone()));
            last = chosen.last().map(|at| all[*at].0.clone());
            if time == 2 {
                all.extend(pieces(&["aa"]));
            }
        }
        assert!(all.iter().all(|(place, _)| read.contains(place)));
    }

    #[test]
    fn little_is_one_piece_and_all_is_all() {
        let all = pieces(&["a"]);
        assert_eq!(choose(&all, 0.001, None), [0]);
        assert_eq!(
            choose(&all, 100.0, Some(&("a".to_owned(), 100))),
            [2, 3, 0, 1]
        );
        assert_eq!(choose(&[], 5.0, None), Vec::<usize>::new());
    }
}
