//! Taking back what one commit changed, while what came later stays.
use std::collections::BTreeMap;

use super::edit::bad_schema;
use super::error::Overlaid;
use super::merge::{Clash, Three, merged};
use super::rollback::{Plan, Restored, compared};
use super::{Error, Files, Role, Sources};
use crate::document::KeyPath;
use crate::store::{Change, Keep, Mode, ObjectId, Repo, WorkFile};

impl Plan {
    /// Works out how to undo what led from the commit `before` to the commit `after`: path by path,
    /// in TOML key by key. Nothing is written.
    pub fn reverse(keep: &Keep, before: ObjectId, after: ObjectId) -> Result<Self, Error> {
        let head = keep.repo().head()?;
        let files = Files::of_work_tree(keep)?;
        let sides = Sides {
            keep,
            sources: Sources::read(&files).map_err(bad_schema)?,
            now: by_path(keep.changes_since(after)?),
            committed: by_path(keep.changes_between(Some(after), head)?),
        };
        let (mut restored, mut overlaid) = (Vec::new(), Vec::new());
        for change in keep.changes_between(Some(before), Some(after))? {
            match sides.restored(&change)? {
                Ok(one) => restored.extend(one),
                Err(keys) => overlaid.push(Overlaid {
                    path: change.path.to_string(),
                    keys: keys.iter().map(KeyPath::to_string).collect(),
                }),
            }
        }
        if !overlaid.is_empty() {
            return Err(Error::Overlaid(overlaid));
        }
        let keys = compared(&files, &restored, &keep.host())?;
        Ok(Self {
            target: before,
            head,
            files: restored,
            keys,
        })
    }
}

/// What became of the files since the commit that is undone.
struct Sides<'a> {
    keep: &'a Keep,
    sources: Sources,
    now: BTreeMap<String, Change>,
    committed: BTreeMap<String, Change>,
}

/// Mode and content of a file, if it is there.
type Content = Option<(Mode, Vec<u8>)>;

impl Sides<'_> {
    /// The file without the change, if that makes a difference; else the keys that are in the way.
    fn restored(&self, change: &Change) -> Result<Result<Option<Restored>, Vec<KeyPath>>, Error> {
        let path = change.path.to_string();
        let since = |side: &BTreeMap<String, Change>| {
            let later = side.get(&path).map(|later| later.after.clone());
            later.unwrap_or_else(|| change.after.clone())
        };
        let (now, committed) = (since(&self.now), since(&self.committed));
        let present = self.keep.work_file(&change.path)?;
        let after = match self.taken_back(change, now.as_ref(), present.as_deref())? {
            Ok(after) => after,
            Err(keys) => return Ok(Err(keys)),
        };
        let result = after.as_ref().map(|(mode, content)| {
            Ok::<_, Error>(WorkFile {
                mode: *mode,
                blob_id: Repo::blob_id(content)?,
            })
        });
        let result = result.transpose()?;
        let is_there = result == now;
        let restored = Restored {
            path,
            before: present,
            after,
            is_there,
        };
        Ok(Ok((!is_there || result != committed).then_some(restored)))
    }

    fn taken_back(
        &self,
        change: &Change,
        now: Option<&WorkFile>,
        present: Option<&[u8]>,
    ) -> Result<Result<Content, Vec<KeyPath>>, Error> {
        let (base, wanted) = (change.after.as_ref(), change.before.as_ref());
        let path = change.path.to_string();
        let mut base_content = self.content(base)?;
        let mut wanted_content = self.content(wanted)?;
        let mut present = present.map(<[u8]>::to_vec);
        let is_link = |file: Option<&WorkFile>| file.is_some_and(|file| file.mode == Mode::Link);
        let untouched = now == base || now == wanted;
        if !untouched && [now, base, wanted].into_iter().any(is_link) {
            return Ok(Err(Vec::new()));
        }
        if !untouched && Role::of(&path).is_some_and(|role| self.sources.has_forms(&role)) {
            // A migration in between gave keys other names: all three sides get those of now.
            for content in [&mut base_content, &mut wanted_content, &mut present] {
                self.renew(&path, content);
            }
        }
        let three = Three {
            base: base_content.as_deref(),
            wanted: wanted_content.as_deref(),
            now: present.as_deref(),
        };
        let mode = |file: Option<&WorkFile>| file.map(|file| file.mode);
        let kept = if mode(now) == mode(base) {
            mode(wanted)
        } else {
            mode(now)
        };
        let kept = kept.or(mode(now)).unwrap_or(Mode::File);
        match merged(&path, three) {
            Ok(content) => Ok(Ok(content.map(|content| (kept, content)))),
            Err(Clash::Overlap(keys)) => Ok(Err(keys)),
            Err(Clash::Unreadable(problem)) => Err(Error::Invalid(vec![problem])),
        }
    }

    /// The content in the newest form, if it can be read.
    fn renew(&self, path: &str, content: &mut Option<Vec<u8>>) {
        let text = content.as_deref().map(std::str::from_utf8);
        let Some(Ok(text)) = text else { return };
        if let Some(document) = self.sources.in_newest_form(path, text) {
            *content = Some(document.text().as_bytes().to_vec());
        }
    }

    fn content(&self, file: Option<&WorkFile>) -> Result<Option<Vec<u8>>, Error> {
        let read = |file: &WorkFile| self.keep.repo().read_blob(file.blob_id);
        Ok(file.map(read).transpose()?)
    }
}

fn by_path(changes: Vec<Change>) -> BTreeMap<String, Change> {
    let by_path = |change: Change| (change.path.to_string(), change);
    changes.into_iter().map(by_path).collect()
}
