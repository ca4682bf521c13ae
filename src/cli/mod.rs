//! The command line: what can be asked, and where each question goes.
//!
//! The only place that reads clock, environment and current folder.

mod args;
mod world;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use crate::commands::{self, Answer, Context, helper};
use crate::failure::Failure;
use crate::ui::{Colour, Format, Quiet, Ui};

/// Parses the command line, runs the command, and says how it went.
pub fn main() -> ExitCode {
    let arguments = world::arguments();
    if let Some(code) = helper::answer(
        arguments.get(1..).unwrap_or_default(),
        &world::system_clock(),
    ) {
        return ExitCode::from(code);
    }
    if let Some(run) = helper::monitor(arguments.get(1..).unwrap_or_default()) {
        return monitor(&run);
    }
    if commands::check::is_asked_from_inside(arguments.get(1..).unwrap_or_default()) {
        return look_from_inside();
    }
    let args = match args::Cli::read(&arguments) {
        Ok(args) => args,
        Err(usage) => return misused(&usage, &arguments),
    };
    if let args::Command::Step(step) = &args.command {
        // Whatever else is wrong with the world: a script goes on.
        commands::step::run(step, &world::environment(), &world::system_clock());
        return ExitCode::SUCCESS;
    }
    let mut cx = match context(&args.globals) {
        Ok(cx) => cx,
        Err(failure) => {
            Ui::new(format(args.globals.json), Quiet::No, Colour::Never).failure(&failure);
            return ExitCode::from(failure.kind().exit_code());
        }
    };
    let answer = args.command.run(&mut cx);
    end(&mut cx, answer)
}

fn end(cx: &mut Context, answer: Result<Answer, Failure>) -> ExitCode {
    match answer {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(failure) => {
            if failure.kind().exit_code() != 0 {
                cx.ui.failure(&failure);
            }
            ExitCode::from(failure.kind().exit_code())
        }
    }
}

/// Goes on with a run in the background.
fn monitor(run: &Path) -> ExitCode {
    match context(&args::Globals::default()) {
        Ok(mut cx) => {
            cx.world.ids = world::ids_of_next_process(&cx.world);
            let answer = commands::run::go_on(&mut cx, run);
            end(&mut cx, answer)
        }
        Err(failure) => ExitCode::from(failure.kind().exit_code()),
    }
}

/// Looks at the machine from where a step is.
fn look_from_inside() -> ExitCode {
    match context(&args::Globals::default()) {
        Ok(mut cx) => {
            let answer = commands::check::look_from_inside(&mut cx);
            end(&mut cx, answer)
        }
        Err(failure) => ExitCode::from(failure.kind().exit_code()),
    }
}

/// Help and version are answers; what cannot be understood is a failure, for scripts too.
fn misused(usage: &clap::Error, arguments: &[OsString]) -> ExitCode {
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    if usage.use_stderr() && wants_json {
        let text = usage.to_string();
        let said = text
            .lines()
            .map(str::trim)
            .take_while(|line| !line.is_empty());
        let message = said.collect::<Vec<_>>().join(" ");
        let failure = Failure::user(message.trim_start_matches("error: "));
        // A closed stdout changes nothing about the failure.
        let _ = Ui::new(Format::Json, Quiet::No, Colour::Never).show(&failure);
    }
    // A closed pipe is no failure of ours either.
    let _ = usage.print();
    if arguments.get(1).is_some_and(|word| word == "step") {
        // A build is not to fail because of how it tells how far it is.
        return ExitCode::SUCCESS;
    }
    ExitCode::from(u8::try_from(usage.exit_code()).unwrap_or(2))
}

fn format(json: bool) -> Format {
    if json { Format::Json } else { Format::Human }
}

fn context(args: &args::Globals) -> Result<Context, Failure> {
    let world = world::read()?;
    let plain = world.env.get("NO_COLOR").is_some() || world.env.text("TERM") == Some("dumb");
    let colour = if plain { Colour::Never } else { Colour::Auto };
    let quiet = if args.quiet { Quiet::Yes } else { Quiet::No };
    Ok(Context {
        ui: Ui::new(format(args.json), quiet, colour),
        dir: args.dir.clone(),
        overrides: args.overrides.clone(),
        op: world.ids.next(),
        world,
    })
}
