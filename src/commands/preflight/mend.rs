//! Putting right what was found, as far as that is wanted.
use super::{Finding, Ground, Mend, look, put_right};
use crate::check::{find_tool, typed};
use crate::commands::Context;
use crate::commands::check::{Consent, carry_out, nobody};
use crate::failure::Failure;
use crate::run::Mended;
use crate::ui::{clean, style};

/// How a command takes what is found.
pub(in crate::commands) struct Manner {
    /// As people type it: `buildkeep run`.
    pub(in crate::commands) command: &'static str,
    /// Whether to go on whatever is found.
    pub(in crate::commands) unchecked: bool,
    /// Whether to put right what can be.
    pub(in crate::commands) fix: Option<Consent>,
}

/// Looks around, puts right what is to be put right, and tells the rest; some of that is a reason
/// not to go on.
pub(in crate::commands) fn pass(
    cx: &mut Context,
    ground: &Ground<'_>,
    manner: &Manner,
) -> Result<Mended, Failure> {
    let mut mended = Mended::default();
    let mut found = look(cx, ground)?;
    if let Some(consent) = manner.fix {
        found = mend_all(cx, (ground, found), (consent, &mut mended))?;
    }
    let goes_on = manner.unchecked;
    let is_told = |finding: &Finding| manner.fix == Some(Consent::DryRun) && finding.mend.is_some();
    for finding in found.iter().filter(|finding| !finding.stops || goes_on) {
        if !is_told(finding) {
            cx.ui.warn(finding);
        }
    }
    let can_mend = found.iter().any(|finding| finding.mend.is_some());
    let command = manner.command;
    let offer = (can_mend && manner.fix.is_none())
        .then(|| format!("have it put right, each after a question: `{command} --fix`"));
    let stopping = found.into_iter().find(|finding| finding.stops && !goes_on);
    let Some(finding) = stopping else {
        if let Some(offer) = offer {
            cx.ui.hint(offer);
        }
        return Ok(mended);
    };
    let hints = [finding.fix, offer];
    let hints = hints.into_iter().flatten();
    let failure = hints.fold(Failure::user(finding.message), Failure::hint);
    Err(failure.hint(format!("go on all the same: `{command} --unchecked`")))
}

/// Puts right one after the other, and looks again after each: a disk that is mounted shows what
/// is to be mounted in it.
fn mend_all(
    cx: &mut Context,
    (ground, mut found): (&Ground<'_>, Vec<Finding>),
    (consent, mended): (Consent, &mut Mended),
) -> Result<Vec<Finding>, Failure> {
    let mut seen: Vec<String> = Vec::new();
    let is_new = |finding: &&Finding, seen: &[String]| {
        finding.mend.is_some() && !seen.contains(&finding.message)
    };
    while let Some(finding) = found.iter().find(|finding| is_new(finding, &seen)) {
        if consent == Consent::Ask && !cx.ui.is_interactive() {
            return Err(nobody(
                "a fix changes this machine, or what scripts inherit",
            ));
        }
        seen.push(finding.message.clone());
        let finding = finding.clone();
        let Some(trouble) = mend_one(cx, (ground, &finding), (consent, mended))? else {
            continue;
        };
        found = look(cx, ground)?;
        let is_there = found.iter().any(|one| one.message == finding.message);
        cx.ui.status(match (trouble, is_there) {
            (_, false) => style::good("mended").to_string(),
            (Ok(()), true) => format!("{}: it is as it was", style::bad("not mended")),
            (Err(why), true) => format!("{}: {}", style::bad("not mended"), clean(&why)),
        });
    }
    Ok(found)
}

/// Shows what is to be done, asks, and does it; nothing if it was not to be done.
fn mend_one(
    cx: &mut Context,
    (ground, finding): (&Ground<'_>, &Finding),
    (consent, mended): (Consent, &mut Mended),
) -> Result<Option<Result<(), String>>, Failure> {
    let Some(mend) = &finding.mend else {
        return Ok(None);
    };
    let commands = with_rights(cx, mend);
    let what = match mend {
        Mend::Run(_) => format!("run      {}", typed(&commands)),
        Mend::Unset(name) => format!("in this run, scripts do not inherit {name}"),
        Mend::Lfs => "in this run, LFS is the root of the plan".to_owned(),
        Mend::Umask => "in this run, umask is 022".to_owned(),
    };
    let head = style::notable("to mend");
    cx.ui.status(format!(
        "{head} {}\n    {}",
        clean(&finding.message),
        clean(&what)
    ));
    match consent {
        Consent::DryRun => return Ok(None),
        Consent::Ask if !cx.ui.confirm("Do this?")? => return Ok(None),
        Consent::Ask | Consent::Given => {}
    }
    match mend {
        Mend::Run(_) => return Ok(Some(carry_out(cx, &commands))),
        Mend::Unset(name) => mended.unset.push((*name).to_owned()),
        Mend::Lfs => mended.lfs = true,
        Mend::Umask => mended.umask = true,
    }
    put_right(cx, ground.plan, mended);
    Ok(Some(Ok(())))
}

/// The commands as they are run: by `sudo` if we are not root and only root may.
fn with_rights(cx: &Context, mend: &Mend) -> Vec<Vec<String>> {
    let Mend::Run(commands) = mend else {
        return Vec::new();
    };
    let takes_root = commands
        .iter()
        .flatten()
        .any(|word| word == "mount" || word == "install");
    let is_root = rustix::process::geteuid().is_root();
    if !takes_root || is_root || find_tool("sudo", &cx.world.env).is_none() {
        return commands.clone();
    }
    let mut sudo = vec!["sudo".to_owned()];
    sudo.extend((!cx.ui.is_interactive()).then(|| "-n".to_owned()));
    let with = |words: &Vec<String>| [sudo.clone(), words.clone()].concat();
    commands.iter().map(with).collect()
}
