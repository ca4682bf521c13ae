//! From a text to a set of checks.
use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use super::Error;
use super::definition::{Check, Fix, Fixes, Named, Rights, Set, Severity, Tier, Waiver, When};
use super::probe::{Probe, RawProbe, keys_of_kind, parse};
use crate::document::migrate::current_of;
use crate::document::{Document, KeyPath, Place, Problem, Schema, code};

/// How long a check may take that does not say, by tier.
const LIMITS_S: [(Tier, f64); 3] = [(Tier::Fast, 5.0), (Tier::Normal, 20.0), (Tier::Deep, 600.0)];

/// The keys that checks of all kinds have.
const COMMON: &[&str] = &[
    "fix", "id", "needs", "package", "packages", "severity", "tier", "timeout", "what", "when",
    "why",
];

/// What a fix may speak of.
const PLACEHOLDERS: &[&str] = &["${found}", "${root}"];

const SCHEMA: &str = include_str!("../../templates/schemas/check.schema.json");

#[derive(Debug, Deserialize)]
struct RawSet {
    title: Option<String>,
    #[serde(default)]
    stages: Words,
    #[serde(default)]
    extends: Vec<String>,
    #[serde(default)]
    check: Vec<Json>,
    #[serde(default)]
    waive: Vec<RawWaiver>,
}

/// The keys that all checks have.
#[derive(Debug, Deserialize)]
struct Raw {
    id: String,
    what: Option<String>,
    why: String,
    #[serde(default)]
    severity: Severity,
    tier: Option<Tier>,
    #[serde(default)]
    when: RawWhen,
    #[serde(default)]
    needs: Words,
    timeout: Option<f64>,
    package: Option<Words>,
    #[serde(default)]
    packages: BTreeMap<String, Words>,
    #[serde(default)]
    fix: BTreeMap<String, RawFix>,
}

#[derive(Debug, Default, Deserialize)]
struct RawWhen {
    #[serde(default)]
    stage: Words,
    #[serde(default)]
    arch: Words,
    #[serde(default)]
    distribution: Words,
}

#[derive(Debug, Deserialize)]
struct RawFix {
    run: Option<Commands>,
    undo: Option<Commands>,
    say: Option<String>,
    #[serde(default)]
    rights: Rights,
}

#[derive(Debug, Deserialize)]
struct RawWaiver {
    check: String,
    reason: String,
    until: Option<String>,
}

/// A word, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    One(String),
    Several(Vec<String>),
}

impl Default for Words {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl From<Words> for Vec<String> {
    fn from(words: Words) -> Self {
        match words {
            Words::One(word) => vec![word],
            Words::Several(words) => words,
        }
    }
}

/// A command, or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Commands {
    One(Vec<String>),
    Several(Vec<Vec<String>>),
}

impl From<Commands> for Vec<Vec<String>> {
    fn from(commands: Commands) -> Self {
        match commands {
            Commands::One(command) => vec![command],
            Commands::Several(commands) => commands,
        }
    }
}

/// Reads a set that comes with the program: a test has compared it with the schema.
pub(super) fn read_shipped(name: &str, text: &str) -> Result<Set, Error> {
    let file = format!("built-in set {name}");
    let document =
        Document::parse(&file, text).map_err(|problem| Error::Document(vec![problem]))?;
    set_of(name, &document)
}

/// Reads the set called `name` from `text`; `file` is what problems call it.
pub(super) fn read(name: &str, file: &str, text: &str) -> Result<Set, Error> {
    let document = Document::parse(file, text).map_err(|problem| Error::Document(vec![problem]))?;
    let schema = Schema::parse("check.schema.json", SCHEMA)?;
    let document =
        current_of(document, &schema).map_err(|problem| Error::Document(vec![problem]))?;
    let problems = document.validate(&schema);
    if !problems.is_empty() {
        return Err(Error::Document(problems));
    }
    set_of(name, &document)
}

fn set_of(name: &str, document: &Document) -> Result<Set, Error> {
    let file = document.name();
    let raw: RawSet = read_as(document.to_json(), file)?;
    let (mut checks, mut problems): (Vec<Check>, _) = (Vec::new(), Vec::new());
    for (index, raw) in raw.check.into_iter().enumerate() {
        let at = KeyPath::root().key("check").item(index);
        problems.extend(unread(&raw, document, &at));
        match check(name, (document, &at), raw)? {
            Ok(check) if checks.iter().any(|other| other.id == check.id) => {
                problems.push(twice(&check.id, document, &at));
            }
            Ok(check) => checks.push(check),
            Err(wrong) => problems.push(wrong.located(document, &at)),
        }
    }
    let (waivers, wrong) = waivers(raw.waive, document);
    problems.extend(wrong);
    if !problems.is_empty() {
        return Err(Error::Document(problems));
    }
    Ok(Set {
        name: name.to_owned(),
        title: raw.title.unwrap_or_else(|| name.to_owned()),
        stages: raw.stages.into(),
        extends: extends(raw.extends, document),
        checks,
        waivers,
    })
}

fn read_as<T: serde::de::DeserializeOwned>(json: Json, file: &str) -> Result<T, Error> {
    serde_json::from_value(json).map_err(|error| {
        let problem = Problem::in_file(code::OTHER_RULE, file, error.to_string());
        Error::Document(vec![problem])
    })
}

/// Keys that a check of this kind does not read: whoever wrote them expects something of them.
fn unread(check: &Json, document: &Document, at: &KeyPath) -> Vec<Problem> {
    let kind = check.get("kind").and_then(Json::as_str).unwrap_or_default();
    let keys = check.as_object().into_iter().flat_map(|keys| keys.keys());
    let own = keys_of_kind(kind);
    let unread = keys.filter(|key| {
        let key = key.as_str();
        key != "kind" && !COMMON.contains(&key) && !own.contains(&key)
    });
    let problem = |key: &String| {
        let path = at.clone().key(key.as_str());
        let message = format!("a check of kind `{kind}` does not read `{key}`");
        let problem = document.problem_at(Place::Key, &path, code::UNREAD_KEY, message);
        problem.help(format!("it reads {}", listed(own)))
    };
    unread.map(problem).collect()
}

fn listed(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    quoted.join(", ")
}

fn twice(id: &str, document: &Document, at: &KeyPath) -> Problem {
    let message = format!("there are two checks `{id}` in this file");
    let problem = document.problem(&at.clone().key("id"), code::SAME_CHECK, message);
    problem.help("give one of them another id")
}

fn extends(names: Vec<String>, document: &Document) -> Vec<Named> {
    let names = names.into_iter().enumerate();
    let named = names.map(|(index, name)| {
        let at = KeyPath::root().key("extends").item(index);
        let message = format!("there is no set of checks `{name}`");
        Named {
            wrong: document.problem(&at, code::NO_SUCH_SET, message),
            name,
        }
    });
    named.collect()
}

fn waivers(raw: Vec<RawWaiver>, document: &Document) -> (Vec<Waiver>, Vec<Problem>) {
    let (mut waivers, mut problems) = (Vec::new(), Vec::new());
    for (index, raw) in raw.into_iter().enumerate() {
        let at = |key: &str| KeyPath::root().key("waive").item(index).key(key);
        let is_day = |day: &String| day.parse::<chrono::NaiveDate>().is_ok();
        if let Some(until) = raw.until.as_ref().filter(|day| !is_day(day)) {
            let message = format!("{until} is no day of the calendar");
            let problem = document.problem(&at("until"), code::NOT_A_DAY, message);
            problems.push(problem.help("write year, month and day: 2027-01-31"));
        }
        let message = format!("no set has a check `{}`", raw.check);
        waivers.push(Waiver {
            check: Named {
                wrong: document.problem(&at("check"), code::NO_SUCH_CHECK, message),
                name: raw.check,
            },
            reason: raw.reason,
            until: raw.until,
        });
    }
    (waivers, problems)
}

/// A key that is missing, or whose value makes no sense.
pub(super) struct Wrong {
    pub(super) code: &'static str,
    pub(super) key: &'static str,
    pub(super) message: String,
    pub(super) help: String,
}

impl Wrong {
    fn located(self, document: &Document, at: &KeyPath) -> Problem {
        let keys = self.key.split('.').filter(|key| !key.is_empty());
        let at = keys.fold(at.clone(), KeyPath::key);
        document
            .problem(&at, self.code, self.message)
            .help(self.help)
    }
}

/// The checks that one builds on; `needs` is a name or a list of them.
fn needs(words: Words, document: &Document, at: &KeyPath) -> Vec<Named> {
    let at = at.clone().key("needs");
    let is_list = matches!(words, Words::Several(_));
    let names = Vec::from(words).into_iter().enumerate();
    let named = names.map(|(index, name)| {
        let at = if is_list {
            at.clone().item(index)
        } else {
            at.clone()
        };
        let message = format!("no set has a check `{name}`");
        Named {
            wrong: document.problem(&at, code::NO_SUCH_CHECK, message),
            name,
        }
    });
    named.collect()
}

fn check(
    set: &str,
    (document, at): (&Document, &KeyPath),
    json: Json,
) -> Result<Result<Check, Wrong>, Error> {
    let probe: RawProbe = read_as(json.clone(), document.name())?;
    let mut raw: Raw = read_as(json, document.name())?;
    let needs = needs(std::mem::take(&mut raw.needs), document, at);
    Ok(parse(&raw.id, probe).and_then(|probe| whole(set, raw, (needs, probe))))
}

fn whole(set: &str, raw: Raw, (needs, probe): (Vec<Named>, Probe)) -> Result<Check, Wrong> {
    let tier = raw.tier.unwrap_or_else(|| probe.tier());
    let limit = LIMITS_S.iter().find(|(of, _)| *of == tier);
    let limit = raw.timeout.or(limit.map(|(_, limit)| *limit));
    Ok(Check {
        what: raw.what.unwrap_or_else(|| probe.to_string()),
        id: raw.id,
        set: set.to_owned(),
        why: raw.why,
        severity: raw.severity,
        tier,
        when: When {
            stage: raw.when.stage.into(),
            arch: raw.when.arch.into(),
            distribution: raw.when.distribution.into(),
        },
        needs,
        limit: Duration::try_from_secs_f64(limit.unwrap_or_default()).unwrap_or_default(),
        probe,
        fixes: fixes(raw.package, raw.packages, raw.fix)?,
    })
}

fn fixes(
    package: Option<Words>,
    packages: BTreeMap<String, Words>,
    fix: BTreeMap<String, RawFix>,
) -> Result<Fixes, Wrong> {
    let own = packages
        .into_iter()
        .map(|(name, words)| (name, words.into()));
    let mut packages: BTreeMap<String, Vec<String>> = own.collect();
    if let Some(package) = package {
        packages.entry("any".into()).or_insert(package.into());
    }
    let mut commands = BTreeMap::new();
    for (family, raw) in fix {
        commands.insert(family, fix_of(raw)?);
    }
    Ok(Fixes { commands, packages })
}

fn fix_of(raw: RawFix) -> Result<Fix, Wrong> {
    let wrong = |message: String, help: &str| Wrong {
        code: code::BAD_FIX,
        key: "fix",
        message,
        help: help.to_owned(),
    };
    if raw.run.is_some() == raw.say.is_some() || (raw.undo.is_some() && raw.run.is_none()) {
        let message = "a fix has either `run`, and perhaps `undo`, or `say`".to_owned();
        return Err(wrong(
            message,
            "`run` for what we can do, `say` for what only a person can",
        ));
    }
    let fix = Fix {
        run: raw.run.map(Into::into).unwrap_or_default(),
        undo: raw.undo.map(Into::into).unwrap_or_default(),
        say: raw.say,
        rights: raw.rights,
    };
    let programs = fix
        .run
        .iter()
        .chain(&fix.undo)
        .filter_map(|words| words.first());
    if let Some(program) = programs.into_iter().find(|word| word.contains(' ')) {
        let message = format!("`{program}` is one word, and so the name of a program");
        return Err(wrong(
            message,
            "write each word by itself: [\"ln\", \"-sf\", \"bash\", \"/bin/sh\"]",
        ));
    }
    let words = fix.run.iter().chain(&fix.undo).flatten().chain(&fix.say);
    for word in words {
        let plain = PLACEHOLDERS
            .iter()
            .fold(word.clone(), |word, known| word.replace(known, ""));
        if plain.contains("${") && fix.say.is_none() {
            let message = format!("`{word}` has a placeholder that means nothing");
            return Err(wrong(
                message,
                "no shell reads it; `${found}` is what was found, `${root}` what is built",
            ));
        }
    }
    Ok(fix)
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;

    use super::super::{Ability, Feature, FileIs, Language, Resource, Trait};
    use super::*;
    use crate::document::fields::{fields_of, keys_of};

    fn schema() -> Schema {
        Schema::parse("check.schema.json", SCHEMA).unwrap()
    }

    #[test]
    fn the_schema_knows_the_keys_that_are_read_and_no_others() {
        let schema = schema();
        let mut read = fields_of::<RawSet>();
        read.push("schema");
        read.sort_unstable();
        assert_eq!(keys_of(&schema, ""), read);
        let mut common = fields_of::<Raw>();
        assert_eq!(common, COMMON);
        common.extend(fields_of::<RawProbe>());
        common.sort_unstable();
        assert_eq!(keys_of(&schema, "check[0]"), common);
        assert_eq!(keys_of(&schema, "check[0].when"), fields_of::<RawWhen>());
        assert_eq!(keys_of(&schema, "check[0].fix.any"), fields_of::<RawFix>());
        assert_eq!(keys_of(&schema, "waive[0]"), fields_of::<RawWaiver>());
    }

    /// How many of the choices that the schema allows the code can read: all.
    fn choices<T: DeserializeOwned>(key: &str) -> usize {
        let key = KeyPath::parse(key).unwrap();
        let schema = schema();
        let all = schema.at(&key).unwrap()["enum"].as_array().unwrap();
        all.iter()
            .inspect(|one| assert!(T::deserialize(*one).is_ok(), "{key}: {one}"))
            .count()
    }

    #[test]
    fn choices_and_defaults_are_those_of_the_code() {
        assert_eq!(choices::<Severity>("check[0].severity"), 3);
        assert_eq!(choices::<Tier>("check[0].tier"), 3);
        assert_eq!(choices::<Rights>("check[0].fix.any.rights"), 2);
        choices::<FileIs>("check[0].is");
        choices::<Resource>("check[0].resource");
        choices::<Feature>("check[0].has");
        choices::<Trait>("check[0].is_not");
        choices::<Ability>("check[0].can[0]");
        choices::<Language>("check[0].language");
        let kinds = schema();
        let kinds = kinds.at(&KeyPath::parse("check[0].kind").unwrap()).unwrap();
        for kind in kinds["enum"].as_array().unwrap() {
            assert!(!keys_of_kind(kind.as_str().unwrap()).is_empty(), "{kind}");
        }
        let schema = schema();
        let default = |key: &str| {
            let key = KeyPath::parse(&format!("check[0].{key}")).unwrap();
            schema.at(&key).unwrap()["default"].clone()
        };
        let severity = Severity::deserialize(default("severity")).unwrap();
        assert_eq!(severity, Severity::default());
        let rights = Rights::deserialize(default("fix.any.rights")).unwrap();
        assert_eq!(rights, Rights::default());
        assert_eq!(
            SCHEMA.matches("\"default\":").count(),
            2,
            "each is compared here"
        );
    }
}
