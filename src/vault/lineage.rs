//! What a folder went through: which state came from which.
//!
//! Each snapshot of a folder comes from the one before it, unless the folder went back to an
//! earlier one in between. The snapshot that is taken before it goes back says whereto.
use super::Snapshot;

impl Snapshot {
    /// Whether it holds all of a folder that `other` was taken of, too.
    pub fn is_kin(&self, other: &Self) -> bool {
        self.is_whole() && self.host == other.host && self.set == other.set
    }

    /// Whether it holds all of its folder: somebody asked for it, or it was taken to go back.
    pub fn is_whole(&self) -> bool {
        self.reason.is_none() || self.back_to.is_some()
    }
}

/// The states that led to the snapshot `of`, oldest first and itself last, by their numbers in
/// `all`, which are snapshots, oldest first.
pub fn lineage(all: &[Snapshot], of: usize) -> Vec<usize> {
    let (parents, _) = parents(all, of);
    let mut line = vec![of];
    while let Some(parent) = line.last().and_then(|last| parents[*last]) {
        line.push(parent);
    }
    line.reverse();
    line
}

/// The state of which the next snapshot of the folder will come that `of` was taken of.
pub fn newest(all: &[Snapshot], of: usize) -> usize {
    parents(all, of).1.unwrap_or(of)
}

/// The snapshot before each, and the state that the folder is in now.
fn parents(all: &[Snapshot], of: usize) -> (Vec<Option<usize>>, Option<usize>) {
    let mut parents = vec![None; all.len()];
    let mut now = None;
    for (number, snapshot) in all.iter().enumerate() {
        if !snapshot.is_kin(&all[of]) {
            continue;
        }
        parents[number] = now;
        let back_to = snapshot.back_to.as_ref();
        let target = back_to.and_then(|tag| all[..number].iter().position(|s| s.tag == *tag));
        now = match back_to {
            // What it went back to may be forgotten.
            Some(_) => target,
            None => Some(number),
        };
    }
    (parents, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ObjectId;
    use crate::vault::{LeftOut, Missing};

    fn snapshot(tag: &str, back_to: Option<&str>) -> Snapshot {
        Snapshot {
            tag: tag.to_owned(),
            is_own: true,
            commit_id: ObjectId::Sha1([0; 20]),
            tree_id: ObjectId::Sha1([0; 20]),
            host: "h".into(),
            set: "s".into(),
            time: chrono::DateTime::UNIX_EPOCH.into(),
            step: None,
            with: Vec::new(),
            reason: back_to.map(|_| "before rollback".into()),
            back_to: back_to.map(str::to_owned),
            left_out: LeftOut::default(),
            missing: Missing::default(),
            files: 0,
            dirs: 0,
            bytes: 0,
        }
    }

    fn line(all: &[Snapshot], of: usize) -> String {
        let tags = lineage(all, of).into_iter().map(|at| &*all[at].tag);
        tags.collect::<Vec<_>>().concat()
    }

    #[test]
    fn what_was_gone_back_from_is_no_part_of_what_follows() {
        let all = [
            snapshot("a", None),
            snapshot("b", None),
            snapshot("c", None),
            snapshot("x", Some("a")),
            snapshot("d", None),
            snapshot("y", Some("x")),
            snapshot("e", None),
        ];
        assert_eq!(
            (line(&all, 2), line(&all, 3)),
            ("abc".into(), "abcx".into())
        );
        assert_eq!(
            (line(&all, 4), line(&all, 6)),
            ("ad".into(), "abcxe".into())
        );
        assert_eq!((newest(&all, 0), newest(&all[..4], 1)), (6, 0));
        assert_eq!(newest(&all[..6], 0), 3);
    }

    #[test]
    fn what_was_gone_back_to_may_be_forgotten() {
        let all = [
            snapshot("b", None),
            snapshot("x", Some("a")),
            snapshot("d", None),
        ];
        assert_eq!((line(&all, 2), line(&all, 1)), ("d".into(), "bx".into()));
    }
}
