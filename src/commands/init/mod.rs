//! `init`
mod files;
mod template;

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{Answer, Context};
use crate::failure::Failure;
use crate::store::{Keep, Message};
use crate::ui::style;
use files::Scripts;
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
    typed: PathBuf,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keep = self.keep.display();
        writeln!(
            f,
            "made the keep {keep} (template {}, host {})",
            self.template, self.host
        )?;
        match self.scripts {
            0 => writeln!(f, "  no scripts yet: put them into {keep}/scripts")?,
            1 => writeln!(f, "  1 build script in {keep}/scripts, versioned there")?,
            many => writeln!(
                f,
                "  {many} build scripts in {keep}/scripts, versioned there"
            )?,
        }
        match &self.root {
            Some(root) => writeln!(f, "  builds into {}", root.display())?,
            None => writeln!(
                f,
                "  no build root: name it in plan.toml (`root = …`) for checkpoints and backups"
            )?,
        }
        writeln!(f, "\nwhat you may type next:")?;
        let in_keep = if self.typed == Path::new(".") {
            String::new()
        } else {
            format!("-C {} ", self.typed.display())
        };
        let width = in_keep.len() + 24;
        for (command, what) in NEXT {
            let command = format!("buildkeep {in_keep}{command}");
            writeln!(f, "  {command:width$} {}", style::faint(what))?;
        }
        Ok(())
    }
}

const NEXT: &[(&str, &str)] = &[
    ("check", "is this machine fit for the build"),
    ("plan", "what will be built, in which order"),
    ("run", "build it"),
];

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let wishes = ask(cx, args)?;
    let dir = cx.path(&args.dir);
    let scripts = wishes
        .scripts
        .as_deref()
        .map(|from| Scripts::read(from, args.link))
        .transpose()?;
    let files = template::files(&wishes, scripts.as_ref(), &dir)?;
    files::refuse_overwriting(&dir, &files)?;
    let host = format!("{}-{}", cx.world.hostname, cx.world.ids.short());
    let keep = Keep::create(&dir, &host)?;
    let guard = cx.lock(&keep)?;
    files::write(keep.root(), &files)?;
    super::hooks::install(cx, &keep)?;
    super::validate::work_tree(&keep)?;
    let changes = keep.changes()?;
    let subject = format!("keep: begin with the template {}", wishes.template);
    let mut message = Message::new(subject, cx.trailers("config", &keep));
    super::versions::number_next(&keep, &changes, &mut message.trailers)?;
    let signature = cx.signature(&keep);
    let commit_id = keep.commit_work_tree(&guard, &changes, &message, &signature)?;
    let plan = super::plan::load(&keep)?;
    cx.ui.show(&Made {
        keep: keep.root().to_owned(),
        template: wishes.template,
        host,
        scripts: plan.steps.len(),
        root: plan.root,
        commit: commit_id.map(|id| id.to_string()).unwrap_or_default(),
        typed: args.dir.clone(),
    })?;
    Ok(Answer::Yes)
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
        jobs: cx.world.cpus,
        scripts: args.scripts.as_ref().map(|dir| cx.path(dir)),
        root: args
            .root
            .as_ref()
            .map(|root| usable_root(cx, root.as_ref()))
            .transpose()?,
    };
    if args.yes || !cx.ui.is_interactive() {
        return Ok(wishes);
    }
    if args.template.is_none() {
        let names: Vec<_> = Template::ALL
            .iter()
            .map(|template| template.describe())
            .collect();
        wishes.template = Template::ALL[cx.ui.choose("What do you build", &names)?];
    }
    if wishes.template == Template::Demo {
        return Ok(wishes);
    }
    if wishes.scripts.is_none() {
        let typed = cx.ui.ask("Folder of build scripts (empty: none yet)", "")?;
        wishes.scripts = Some(typed)
            .filter(|typed| !typed.is_empty())
            .map(|typed| cx.path(typed.as_ref()));
    }
    if wishes.root.is_none() {
        let typed = cx
            .ui
            .ask("Folder that is built, $LFS say (empty: none)", "")?;
        let typed = Some(typed).filter(|typed| !typed.is_empty());
        wishes.root = typed
            .map(|typed| usable_root(cx, typed.as_ref()))
            .transpose()?;
    }
    Ok(wishes)
}

/// The root as an absolute path; refuses what an unset variable or a slip would make of it.
fn usable_root(cx: &Context, typed: &Path) -> Result<PathBuf, Failure> {
    if typed.as_os_str().is_empty() {
        return Err(
            Failure::user("the build root is empty").hint("is the variable set? `echo \"$LFS\"`")
        );
    }
    let root = cx.path(typed);
    let real = std::fs::canonicalize(&root).unwrap_or_else(|_| root.clone());
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
