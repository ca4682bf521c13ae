//! What is wrong with the configuration of a tree, found once.
//!
//! A tree is judged by its own schemas, so the same content always gets the same verdict.
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::edit::bad_schema;
use super::verdicts::{Verdicts, mark};
use super::{Error, Files, Role, Sources};
use crate::document::Problem;
use crate::store::{ObjectId, Objects};

/// The entries of a tree that hold configuration, or say what it may be.
const ENTRIES: &[&str] = &["buildkeep.toml", "plan.toml", "config", "schemas"];

/// Judges the configuration of trees.
pub struct Judge<'a> {
    objects: &'a Objects,
    known: Option<Arc<Verdicts>>,
    found: BTreeMap<String, Verdict>,
}

/// All that is wrong with a configuration.
pub type Verdict = Rc<[Problem]>;

impl<'a> Judge<'a> {
    /// A judge who remembers what was found valid in the keep at `root`, if there is one.
    pub fn new(objects: &'a Objects, root: Option<&Path>) -> Self {
        Self {
            objects,
            known: root.and_then(Verdicts::of_keep).map(Arc::new),
            found: BTreeMap::new(),
        }
    }

    /// The objects that are judged.
    pub fn objects(&self) -> &'a Objects {
        self.objects
    }

    fn files(&self, tree_id: ObjectId) -> Result<Files, Error> {
        Files::of_tree(self.objects, tree_id, self.known.clone())
    }

    /// What tells the configuration of a tree from any other.
    pub fn mark(&self, tree_id: ObjectId) -> Result<String, Error> {
        let entries = self.objects.marks(tree_id, ENTRIES)?;
        Ok(format!("tree:{}", mark(entries.as_bytes())))
    }

    /// All that is wrong with the configuration of a tree; nothing if it is not one of a keep.
    pub fn verdict(&mut self, tree_id: ObjectId) -> Result<Verdict, Error> {
        let mark = self.mark(tree_id)?;
        if let Some(verdict) = self.found.get(&mark) {
            return Ok(Rc::clone(verdict));
        }
        let known = self.known.as_ref();
        let verdict: Verdict = if known.is_some_and(|known| known.is_known(&mark)) {
            Rc::default()
        } else {
            problems(&self.files(tree_id)?)?.into()
        };
        if verdict.is_empty() {
            known.inspect(|known| known.learn(mark.clone()));
        }
        self.found.insert(mark, Rc::clone(&verdict));
        Ok(verdict)
    }

    /// Keeps what was learnt for the next command.
    pub fn remember(&self) {
        self.known.iter().for_each(|known| known.keep());
    }
}

/// All that is wrong with files; nothing if they are not those of a keep.
///
/// A hook can run anywhere: on a state branch, in a repository that shares its hooks with a keep.
pub fn problems(files: &Files) -> Result<Vec<Problem>, Error> {
    let is_linked = files.links().any(|path| path == "buildkeep.toml");
    if !is_linked && !files.iter().any(|(_, role, _)| role == Role::Settings) {
        return Ok(Vec::new());
    }
    match Sources::read(files).map_err(bad_schema) {
        Ok(sources) => Ok(sources.problems().to_vec()),
        Err(Error::Invalid(problems)) => Ok(problems),
        Err(other) => Err(other),
    }
}
