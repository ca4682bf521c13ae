//! `demo`
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Serialize;

use super::{Answer, Context};
use crate::failure::{Failure, Kind};
use crate::fs::remove_file_durable;
use crate::ui::{Format, style};

/// Show the whole tool at work on a little C project, in a fresh keep
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of the keep, which must be new
    #[arg(default_value = "buildkeep-demo")]
    dir: PathBuf,
}

/// A scene: what it shows, what is typed, and how it must end.
struct Scene {
    about: &'static str,
    typed: &'static str,
    exit: i32,
}

const fn scene(about: &'static str, typed: &'static str, exit: i32) -> Scene {
    Scene { about, typed, exit }
}

/// The story, as a person would type it in the keep.
const SCENES: &[Scene] = &[
    scene("Is this machine fit for the build?", "buildkeep check", 0),
    scene(
        "Build it: six scripts, a snapshot of the root after each.",
        "buildkeep run",
        0,
    ),
    scene(
        "Ask for a C standard that the source does not keep to.",
        "buildkeep config set tally.standard c89",
        0,
    ),
    scene(
        "Only what reads that value is built again, and the compiler says no.",
        "buildkeep run",
        1,
    ),
    scene(
        "What is different since that step last worked?",
        "buildkeep why library",
        0,
    ),
    scene(
        "Back to the first version of that one key, as a new commit.",
        "buildkeep rollback --key tally.standard --to v1 --yes",
        0,
    ),
    scene(
        "The step that failed is built again; the others are done from exactly this.",
        "buildkeep run",
        0,
    ),
    scene("An installed file gets lost.", "rm root/usr/bin/tally", 0),
    scene(
        "Take it out of the newest snapshot, exactly as it was.",
        "buildkeep backup restore latest usr/bin/tally --in-place",
        0,
    ),
    scene(
        "Can every byte of every snapshot be read back?",
        "buildkeep backup verify",
        0,
    ),
    scene("Where do we stand?", "buildkeep status", 0),
];

/// How the story ended.
#[derive(Debug, Serialize)]
struct Played {
    keep: PathBuf,
    commands: usize,
    #[serde(skip)]
    typed: PathBuf,
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nThe keep is in {}: an ordinary Git repository. Three commands to try in it next:",
            self.typed.display()
        )?;
        let next = [
            ("buildkeep log --kind run", "every step, as commits"),
            (
                "buildkeep config set tally.top 3",
                "change a value, then `buildkeep run`",
            ),
            (
                "git log --all --oneline --graph",
                "the same history with plain Git",
            ),
        ];
        for (command, what) in next {
            writeln!(f, "  {command:36} {}", style::faint(what))?;
        }
        Ok(())
    }
}

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let dir = cx.path(&args.dir);
    require_compiler(cx)?;
    if dir.exists() {
        return Err(Failure::user(format!("{} exists already", dir.display()))
            .hint("name a new folder: `buildkeep demo DIR`"));
    }
    let typed = args
        .dir
        .to_str()
        .ok_or_else(|| Failure::user("the folder's name is not UTF-8"))?;
    let init = ["init", typed, "--template", "demo", "--yes"];
    announce(
        cx,
        "A keep from the template `demo`: sources, scripts, configuration.",
        &format!("buildkeep {}", init.join(" ")),
    )?;
    play(cx, &cx.world.cwd.clone(), &init, 0)?;
    announce(cx, "What follows is typed in it.", &format!("cd {typed}"))?;
    for scene in SCENES {
        announce(cx, scene.about, scene.typed)?;
        perform(cx, &dir, scene)?;
    }
    cx.ui.show(&Played {
        keep: dir,
        commands: SCENES.len() + 1,
        typed: args.dir.clone(),
    })?;
    Ok(Answer::Yes)
}

/// The project is in C, and real.
fn require_compiler(cx: &Context) -> Result<(), Failure> {
    let path = cx.world.env.get("PATH").unwrap_or_default();
    for program in ["cc", "ar", "install"] {
        if !std::env::split_paths(path).any(|folder| folder.join(program).is_file()) {
            return Err(Failure::user(format!(
                "the demo builds a C project and needs `{program}`"
            ))
            .hint(
                "install a compiler: `apt-get install build-essential`, `dnf install gcc make`, …",
            ));
        }
    }
    Ok(())
}

fn announce(cx: &mut Context, about: &str, typed: &str) -> Result<(), Failure> {
    if cx.ui.format() == Format::Human {
        cx.ui.show(&Announced {
            about: about.to_owned(),
            typed: typed.to_owned(),
        })?;
    }
    Ok(())
}

/// What comes next in the story.
#[derive(Debug, Serialize)]
struct Announced {
    about: String,
    typed: String,
}

impl fmt::Display for Announced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", style::faint(format!("# {}", self.about)))?;
        writeln!(f, "{}", style::strong(format!("$ {}", self.typed)))
    }
}

/// Does what the scene types: a command of ours, or the loss of a file.
fn perform(cx: &mut Context, keep: &Path, scene: &Scene) -> Result<(), Failure> {
    let mut words = scene.typed.split(' ');
    let program = words.next().unwrap_or_default();
    let words: Vec<_> = words.collect();
    if program == "rm" {
        return Ok(words
            .iter()
            .try_for_each(|file| remove_file_durable(&keep.join(file)))?);
    }
    play(cx, keep, &words, scene.exit)
}

/// Runs ourselves, and insists on the exit code that belongs to the story.
fn play(cx: &Context, dir: &Path, args: &[&str], exit: i32) -> Result<(), Failure> {
    let mut command = Command::new(&cx.world.exe);
    command
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .env_remove("BUILDKEEP_DIR");
    if cx.ui.format() == Format::Json {
        command.stdout(Stdio::null());
    }
    let status = command
        .status()
        .map_err(|error| Failure::new(Kind::Internal, &error))?;
    match status.code() {
        Some(code) if code == exit => Ok(()),
        Some(130) => Err(Failure::text(Kind::Interrupted, "the demo was interrupted")),
        _ => Err(Failure::user(format!(
            "`buildkeep {}` ended with {status}, not with {exit}",
            args.join(" ")
        ))
        .hint(format!(
            "look at it: `cd {} && buildkeep status`",
            dir.display()
        ))),
    }
}
