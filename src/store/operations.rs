//! The operation log: which refs a command moved, and from where, so that it can be undone.
//!
//! One commit on `refs/buildkeep/op` per change of refs that a command asked for. Its tree is that
//! of the branch afterwards; its parents are the operation before, then every commit that a ref was
//! moved from or to, so that nothing an undo needs is ever pruned. It is written before the refs
//! that it tells of: one whose refs never moved did not happen, and is skipped by readers.
use std::collections::HashSet;

use gix::ObjectId;

use super::error::During as _;
use super::{
    Commit, Error, Keep, Message, Repo, Signature, Trailers, WriteGuard, reflog, without_password,
};

/// The ref that holds the newest operation.
pub(super) const LOG: &str = "refs/buildkeep/op";
/// Refs that hold what an undo needs and no commit can name.
pub(super) const KEPT: &str = "refs/buildkeep/kept/";
/// What of a message is said of the operation too.
const FACTS: &[&str] = &["Reason", "Undoes", "Redoes", BEYOND];
/// What tells of a change that is none of refs, and so beyond `undo`: how to take it back.
const BEYOND: &str = "Take-Back";

/// A ref that an operation moved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RefMove {
    /// Its name.
    pub name: String,
    /// What it pointed at; nothing if it is new.
    pub before: Option<ObjectId>,
    /// What it points at; nothing if it is gone.
    pub after: Option<ObjectId>,
}

/// What one command did.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The commit of the log that tells of it; its message has the facts.
    pub commit: Commit,
    /// What was typed, without what must not be written down.
    pub command: String,
    /// The refs that moved.
    pub moves: Vec<RefMove>,
}

/// What an operation is to say of itself.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) message: Message,
    pub(super) signature: Signature,
}

impl Note {
    /// The note of a `command` whose commit or tag says `message`.
    pub(super) fn new(command: &str, message: &Message, signature: &Signature) -> Self {
        let said = &message.trailers;
        let fact = |key| said.get(key).unwrap_or_default();
        let mut trailers = Trailers::new(fact("Kind"), fact("Op"), fact("Host"));
        for key in FACTS {
            said.all(key).for_each(|value| trailers.push(key, value));
        }
        trailers.push("Command", command);
        Self {
            message: Message::new(message.subject.clone(), trailers),
            signature: signature.clone(),
        }
    }

    /// Whether the log is to tell of it though no ref moves.
    pub(super) fn is_beyond(&self) -> bool {
        self.message.trailers.get(BEYOND).is_some()
    }

    /// Adds what moves.
    pub(super) fn tell(&mut self, moves: &[RefMove]) {
        let id = |id: Option<ObjectId>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        for one in moves {
            let value = format!("{} {} {}", one.name, id(one.before), id(one.after));
            self.message.trailers.push_whole("Ref", value);
        }
    }
}

impl Operation {
    /// Its name: that of its commit.
    pub fn id(&self) -> ObjectId {
        self.commit.id
    }

    /// A fact of it.
    pub fn fact(&self, key: &str) -> Option<&str> {
        self.commit.message.trailers.get(key)
    }

    /// The operations that this one undid: one, and those that had no effect left.
    pub fn undoes(&self) -> Vec<ObjectId> {
        let facts = self.commit.message.trailers.all("Undoes");
        facts.filter_map(id_of).collect()
    }

    /// The operation that this one did again.
    pub fn redoes(&self) -> Option<ObjectId> {
        id_of(self.fact("Redoes")?)
    }

    /// Whether it only saved uncommitted work for another command: nothing changed by it.
    pub fn is_save(&self) -> bool {
        let reason = self.fact("Reason").unwrap_or_default();
        reason.starts_with("saved before")
    }

    /// How to take back what is beyond `undo`, as settings of Git are.
    pub fn take_back(&self) -> Option<&str> {
        self.fact(BEYOND)
    }

    fn read(commit: Commit) -> Self {
        let facts = &commit.message.trailers;
        Self {
            command: facts.get("Command").unwrap_or_default().to_owned(),
            moves: facts.all("Ref").filter_map(RefMove::parse).collect(),
            commit,
        }
    }
}

impl RefMove {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        Some(Self {
            name: words.next()?.to_owned(),
            before: words.next().map(id_of)?,
            after: words.next().map(id_of)?,
        })
    }
}

fn id_of(text: &str) -> Option<ObjectId> {
    ObjectId::from_hex(text.as_bytes()).ok()
}

impl Keep {
    /// Tells in the log of a change that `undo` cannot take back, and how that is done.
    pub fn log_beyond(
        &self,
        guard: &WriteGuard,
        message: Message,
        take_back: &str,
        signature: &Signature,
    ) -> Result<(), Error> {
        let mut message = message;
        message.trailers.push(BEYOND, take_back);
        self.begin(guard, &message, signature).finish()
    }

    /// The operation that a commit of the log tells of.
    pub fn operation(&self, id: ObjectId) -> Result<Operation, Error> {
        Ok(Operation::read(self.repo().commit(id)?))
    }

    /// The operations that came to pass, newest first.
    pub fn operations(&self) -> Result<Operations<'_>, Error> {
        Ok(Operations {
            repo: self.repo(),
            next: self.repo().find_ref(LOG)?,
            left: HashSet::new(),
        })
    }
}

/// Walks the log, newest first, past operations that never came to pass.
pub struct Operations<'a> {
    repo: &'a Repo,
    next: Option<ObjectId>,
    /// What newer operations found: it was so.
    left: HashSet<(String, Option<ObjectId>)>,
}

impl Operations<'_> {
    fn advance(&mut self) -> Result<Option<Operation>, Error> {
        while let Some(id) = self.next.take() {
            let operation = Operation::read(self.repo.commit(id)?);
            // The first parent is the operation before, if it is one.
            let parent = operation.commit.parents.first().copied();
            let before = parent.map(|id| self.repo.commit(id)).transpose()?;
            self.next = before.filter(is_operation).map(|commit| commit.id);
            let mut happened = operation.moves.is_empty();
            for one in &operation.moves {
                happened |= self.came_to_pass(one)?;
            }
            let found = operation.moves.iter().cloned();
            self.left.extend(found.map(|one| (one.name, one.before)));
            if happened {
                return Ok(Some(operation));
            }
        }
        Ok(None)
    }

    fn came_to_pass(&self, one: &RefMove) -> Result<bool, Error> {
        if self.left.contains(&(one.name.clone(), one.after)) {
            return Ok(true);
        }
        let now = self.repo.find_ref(&one.name)?;
        if now == one.after {
            return Ok(true);
        }
        let Some(after) = one.after.filter(|_| one.name.starts_with("refs/heads/")) else {
            return Ok(false);
        };
        let holds = match now {
            Some(now) => self.repo.is_ancestor(after, now)?,
            None => false,
        };
        // An amended commit is in no history; but the branch was moved away from it, which a crash
        // before it ever moved there cannot have caused.
        Ok(holds || reflog::was_left(self.repo, &one.name, after))
    }
}

impl Iterator for Operations<'_> {
    type Item = Result<Operation, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.advance().transpose()
    }
}

fn is_operation(commit: &Commit) -> bool {
    commit.message.trailers.get("Command").is_some()
}

impl Repo {
    /// Whether the history of `tip` holds `commit_id`.
    pub fn is_ancestor(&self, commit_id: ObjectId, tip: ObjectId) -> Result<bool, Error> {
        if !self.gix().has_object(commit_id) {
            return Ok(false);
        }
        let bases = self.gix().merge_bases_many(commit_id, &[tip]);
        let bases = bases.during("compare two commits")?;
        Ok(bases.into_iter().any(|base| base == commit_id))
    }
}

/// What was typed, without values that may be secret and passwords in URLs.
pub(super) fn redacted(argv: &[String]) -> String {
    let sets = argv.windows(2).any(|pair| pair == ["config", "set"]);
    let mut words = Vec::new();
    let mut rest = argv.iter();
    let mut names = 0;
    while let Some(word) = rest.next() {
        if word == "-c" {
            let given = rest.next().map(|given| without_value(given));
            words.extend(["-c".to_owned()].into_iter().chain(given));
        } else if sets && !word.starts_with('-') {
            names += 1;
            // `config`, `set` and the key; what follows is a value.
            words.push(if names <= 3 || word.contains('=') {
                without_value(word)
            } else {
                "…".to_owned()
            });
        } else {
            words.push(without_password(word));
        }
    }
    words.join(" ")
}

fn without_value(word: &str) -> String {
    match word.split_once('=') {
        Some((key, _)) => format!("{key}=…"),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::redacted;

    fn shown(line: &str) -> String {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        redacted(&words)
    }

    #[test]
    fn values_and_passwords_are_not_written_down() {
        assert_eq!(shown("config set a.b x"), "config set a.b …");
        assert_eq!(shown("config set a.b=x c=y"), "config set a.b=… c=…");
        assert_eq!(
            shown("config set --host a.b x -m"),
            "config set --host a.b … -m"
        );
        assert_eq!(shown("-c a.b=x run"), "-c a.b=… run");
        assert_eq!(
            shown("remote add o https://me:secret@h/x"),
            "remote add o https://me:…@h/x"
        );
    }
}
