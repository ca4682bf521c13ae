//! Which layer a change is for.
use crate::config::Files;
use crate::config::Role;
use crate::config::edit::Target;
use crate::document::nearest;
use crate::failure::Failure;
use crate::store::Keep;

/// Which layer is meant; without an option it is where the key belongs.
#[derive(Debug, Default, clap::Args)]
#[group(multiple = false)]
pub(super) struct Where {
    /// In this file, as config/extra.toml
    #[arg(long, value_name = "FILE")]
    file: Option<String>,
    /// For one host, this one if no id is given
    #[arg(
        long,
        value_name = "ID",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ""
    )]
    host: Option<String>,
    /// In this profile
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// For all hosts, in config/*.toml
    #[arg(long)]
    shared: bool,
}

impl Where {
    /// The layer that is meant.
    pub(super) fn target(&self, keep: &Keep, files: &Files) -> Result<Target, Failure> {
        Ok(match (&self.file, &self.host, &self.profile) {
            (Some(file), ..) => Target::File(file.trim_start_matches("./").to_owned()),
            (_, Some(id), _) if id.is_empty() => Target::Host(keep.host()),
            (_, Some(id), _) => Target::Host(known_host(id, keep, files)?),
            (.., Some(name)) => Target::Profile(name.clone()),
            _ if self.shared => Target::Shared,
            _ => Target::Home { host: keep.host() },
        })
    }
}

/// A host that has been seen: by its overlay, or by its state.
fn known_host(id: &str, keep: &Keep, files: &Files) -> Result<String, Failure> {
    let overlays = files.iter().filter_map(|(_, role, _)| match role {
        Role::Host(host) => Some(host),
        _ => None,
    });
    let states = keep.repo().refs("refs/heads/state/")?;
    let states = states.into_iter().filter_map(|(name, _)| {
        let host = name.strip_prefix("refs/heads/state/")?;
        Some(host.to_owned())
    });
    let known: Vec<String> = overlays.chain(states).chain([keep.host()]).collect();
    if known.iter().any(|host| host == id) {
        return Ok(id.to_owned());
    }
    let failure = Failure::user(format!("no host `{id}` is known here"));
    Err(match nearest(id, known.iter().map(String::as_str)) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure,
    }
    .hint(format!(
        "for a host that does not exist yet: `--file config/hosts/{id}.toml`"
    )))
}
