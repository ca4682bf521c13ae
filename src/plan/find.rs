//! From what people type to a step.
use super::name::is_tail;
use super::{Error, Plan, Step};
use crate::document::nearest;

impl Plan {
    /// The step called `name`: its id, an unambiguous tail of it, or its file's name.
    pub fn find(&self, name: &str) -> Result<&Step, Error> {
        let name = name.strip_prefix("./").unwrap_or(name);
        if let Some(step) = self.step(name) {
            return Ok(step);
        }
        let by_tail: Vec<&Step> = self.matching(|step| is_tail(&step.id, name));
        let found = if by_tail.is_empty() {
            self.matching(|step| is_tail(&step.file, name) || step.path.as_os_str() == name)
        } else {
            by_tail
        };
        match found.as_slice() {
            [] => Err(self.unknown(name)),
            [step] if !name.is_empty() => Ok(step),
            several => Err(Error::Ambiguous {
                name: name.to_owned(),
                candidates: several.iter().map(|step| step.id.clone()).collect(),
            }),
        }
    }

    /// The step with exactly this id.
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    fn matching(&self, wanted: impl Fn(&Step) -> bool) -> Vec<&Step> {
        self.steps.iter().filter(|step| wanted(step)).collect()
    }

    fn unknown(&self, name: &str) -> Error {
        let ids = self.steps.iter().map(|step| step.id.as_str());
        Error::Unknown {
            name: name.to_owned(),
            nearest: near(name, ids).map(str::to_owned),
        }
    }
}

/// The id that is like `name` as a whole or in its last part.
pub(super) fn near<'a>(name: &str, ids: impl Iterator<Item = &'a str> + Clone) -> Option<&'a str> {
    let last = |id: &'a str| id.rsplit('/').next().unwrap_or(id);
    nearest(name, ids.clone()).or_else(|| {
        let tail = nearest(name, ids.clone().map(last))?;
        ids.into_iter().find(|id| last(id) == tail)
    })
}
