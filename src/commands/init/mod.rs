//! `init`
mod files;
mod template;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Answer, Context, secret, validate};
use crate::config;
use crate::failure::Failure;
use crate::store::{Keep, Message};
use crate::ui::{clean_line, counted, quoted, style};
use files::{NewFile, Scripts};
pub use template::Template;

/// Make a keep from a template
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the keep, which may have files
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// What to begin with
    #[arg(long, value_enum)]
    template: Option<Template>,
    /// A folder of build scripts: copied into the keep, where they are versioned
    #[arg(long, value_name = "DIR")]
    scripts: Option<PathBuf>,
    /// Leave the scripts where they are and only refer to them
    #[arg(long, requires = "scripts")]
    link: bool,
    /// What is built (`$LFS`, say): the folder that checkpoints and backups take
    #[arg(long, value_name = "DIR")]
    root: Option<String>,
    /// Ask nothing
    #[arg(long)]
    yes: bool,
}

/// What was made.
#[derive(Debug, Serialize)]
struct Made {
    keep: PathBuf,
    template: Template,
    host: String,
    scripts: usize,
    root: Option<PathBuf>,
    commit: String,
    #[serde(skip)]
    scripts_folder: PathBuf,
    #[serde(skip)]
    typed: PathBuf,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "made the keep {} (template {}, host {})",
            shown(&self.keep),
            self.template,
            self.host
        )?;
        self.write_scripts(f)?;
        match &self.root {
            Some(root) => writeln!(f, "  builds into {}", shown(root))?,
            None => writeln!(
                f,
                "  no build root: name it in plan.toml (`root = …`) for checkpoints and backups"
            )?,
        }
        writeln!(f, "\nwhat you may type next:")?;
        let in_keep = if self.typed == Path::new(".") {
            String::new()
        } else {
            format!("-C {} ", quoted(&self.typed.to_string_lossy()))
        };
        let width = in_keep.len() + 17;
        for (command, what) in NEXT {
            let command = format!("buildkeep {in_keep}{command}");
            writeln!(f, "  {command:width$} {}", style::faint(what))?;
        }
        Ok(())
    }
}

impl Made {
    fn write_scripts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = shown(&self.scripts_folder);
        let count = counted(self.scripts as u64, "build script");
        if self.scripts == 0 {
            writeln!(f, "  no scripts yet: put them into {folder}")
        } else if self.scripts_folder.starts_with(&self.keep) {
            writeln!(f, "  {count} in {folder}, versioned there")
        } else {
            writeln!(
                f,
                "  {count} in {folder}, which stays outside of the history"
            )
        }
    }
}

/// A path on one line.
fn shown(path: &Path) -> String {
    clean_line(&path.to_string_lossy()).into_owned()
}

const NEXT: &[(&str, &str)] = &[
    ("check", "is this machine fit for the build"),
    ("plan", "what will be built, in which order"),
    ("run", "build it"),
];

/// Runs the command: everything is checked before anything is written.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let typed = typed(cx, args);
    let dir = real(&cx.path(&typed));
    refuse_place(cx, &dir)?;
    let wishes = ask(cx, args)?;
    let scripts = wishes
        .scripts
        .as_deref()
        .map(|from| Scripts::read(from, args.link, &dir))
        .transpose()?;
    check_plan(&dir, &wishes)?;
    let files = template::files(&wishes, scripts.as_ref(), &dir)?;
    let files = files::missing(&dir, files)?;
    let after = config::Files::of_folder(&dir)?.with(&files::changes(&files));
    validate::files(&after)?;
    secret::refuse_among(cx, &after, &files::changes(&files))
        .map_err(|failure| failure.hint("no keep was made"))?;
    let made = make(cx, &dir, wishes.template, &files)?;
    cx.ui.show(&Made { typed, ..made })?;
    Ok(Answer::Yes)
}

/// The folder that was named, here or for every command.
fn typed(cx: &Context, args: &Args) -> PathBuf {
    let here = Path::new(".");
    match &cx.dir {
        Some(dir) if args.dir == here => dir.clone(),
        _ => args.dir.clone(),
    }
}

/// Writes the files, and the first commit.
fn make(
    cx: &mut Context,
    dir: &Path,
    template: Template,
    files: &[NewFile],
) -> Result<Made, Failure> {
    let host = format!("{}-{}", cx.world.hostname, cx.world.ids.short());
    let keep = Keep::create(dir, &host)?;
    let guard = cx.lock(&keep)?;
    files::write(keep.root(), files)?;
    super::hooks::install(cx, &keep)?;
    let plan = super::plan::load(&keep)?;
    let changes = keep.changes()?;
    secret::refuse_changes(cx, &keep, &changes)
        .map_err(|failure| failure.hint("mend it, and begin again: `buildkeep init`"))?;
    let subject = format!("keep: begin with the template {template}");
    let mut message = Message::new(subject, cx.trailers("config", &keep));
    super::versions::number_next(&keep, &changes, &mut message.trailers)?;
    let signature = cx.signature(&keep);
    let commit_id = keep.commit_work_tree(&guard, &changes, &message, &signature)?;
    let usual = keep.root().join("scripts");
    Ok(Made {
        keep: keep.root().to_owned(),
        template,
        host,
        scripts: plan.steps.len(),
        scripts_folder: plan.scripts.unwrap_or(usual),
        root: plan.root,
        commit: commit_id.map(|id| id.to_string()).unwrap_or_default(),
        typed: PathBuf::new(),
    })
}

/// A keep commits whatever is in its folder, and cannot lie in another one.
fn refuse_place(cx: &Context, dir: &Path) -> Result<(), Failure> {
    Keep::refuse_place(dir)?;
    let home = cx.world.env.path("HOME").map(|home| real(&home));
    if dir.parent().is_none() || home.as_deref() == Some(dir) {
        return Err(Failure::user(format!(
            "{} as a keep: everything in it would be versioned",
            dir.display()
        ))
        .hint("choose a folder of its own: `buildkeep init NAME`"));
    }
    if dir.to_str().is_none() {
        return Err(Failure::user(format!(
            "{} is not UTF-8, which the path of a keep must be",
            dir.display()
        )));
    }
    if dir.exists() && !dir.is_dir() {
        return Err(Failure::user(format!("{} is a file", dir.display())));
    }
    Ok(())
}

/// Whether scripts and root can make a plan, told before there is a keep.
fn check_plan(dir: &Path, wishes: &Wishes) -> Result<(), Failure> {
    let mut text = "schema = 1\n".to_owned();
    if let Some(scripts) = &wishes.scripts {
        text.push_str(&format!("scripts = {}\n", template::quoted(scripts)?));
    }
    if let Some(root) = &wishes.root {
        text.push_str(&format!("root = {}\n", template::quoted(root)?));
    }
    crate::plan::load(dir, "plan.toml", &text)?;
    Ok(())
}

/// A path without symlinks, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let found = path
        .ancestors()
        .find_map(|folder| Some((std::fs::canonicalize(folder).ok()?, folder)));
    match found {
        Some((real, folder)) => match path.strip_prefix(folder) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            _ => real,
        },
        None => path.to_owned(),
    }
}

/// What is wanted, once the questions are answered.
struct Wishes {
    template: Template,
    scripts: Option<PathBuf>,
    root: Option<PathBuf>,
    jobs: usize,
}

/// Asks on a terminal for what was not said; elsewhere takes the defaults.
fn ask(cx: &mut Context, args: &Args) -> Result<Wishes, Failure> {
    let mut wishes = Wishes {
        template: args.template.unwrap_or(Template::Generic),
        jobs: cx.world.cpus(),
        scripts: args.scripts.as_ref().map(|dir| cx.path(dir)),
        root: args
            .root
            .as_ref()
            .map(|root| usable_root(cx, root.as_ref()))
            .transpose()?,
    };
    if !args.yes && cx.ui.is_interactive() {
        ask_for(cx, args, &mut wishes)?;
    }
    if wishes.template == Template::Demo && (wishes.scripts.is_some() || wishes.root.is_some()) {
        return Err(Failure::user("the demo has scripts and a root of its own")
            .hint("for yours take `--template generic` or `--template lfs`"));
    }
    Ok(wishes)
}

fn ask_for(cx: &mut Context, args: &Args, wishes: &mut Wishes) -> Result<(), Failure> {
    if args.template.is_none() {
        let names: Vec<_> = Template::ALL
            .iter()
            .map(|template| template.describe())
            .collect();
        wishes.template = Template::ALL[cx.ui.choose("What do you build", &names)?];
    }
    if wishes.template == Template::Demo {
        return Ok(());
    }
    if wishes.scripts.is_none() {
        let typed = cx.ui.ask("Folder of build scripts (empty: none yet)")?;
        wishes.scripts = Some(typed)
            .filter(|typed| !typed.is_empty())
            .map(|typed| cx.path(typed.as_ref()));
    }
    if wishes.root.is_none() {
        let typed = cx.ui.ask("Folder that is built, $LFS say (empty: none)")?;
        let typed = Some(typed).filter(|typed| !typed.is_empty());
        wishes.root = typed
            .map(|typed| usable_root(cx, typed.as_ref()))
            .transpose()?;
    }
    Ok(())
}

/// The root as an absolute path; refuses what an unset variable or a slip would make of it.
fn usable_root(cx: &Context, typed: &Path) -> Result<PathBuf, Failure> {
    if typed.as_os_str().is_empty() {
        return Err(
            Failure::user("the build root is empty").hint("is the variable set? `echo \"$LFS\"`")
        );
    }
    let root = cx.path(typed);
    let real = real(&root);
    if real == Path::new("/") {
        return Err(Failure::user(
            "the build root is `/`: a build there would overwrite this machine",
        )
        .hint("name the folder that is built: `--root /mnt/lfs`"));
    }
    if real.is_file() {
        return Err(Failure::user(format!(
            "the build root {} is a file",
            real.display()
        )));
    }
    Ok(real)
}
