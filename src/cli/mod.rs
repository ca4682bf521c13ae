//! The command line: what can be asked, and where each question goes.
//!
//! The only place that reads clock, environment and current folder.

mod args;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

use crate::commands::{Answer, Context, helper};
use crate::failure::Failure;
use crate::ui::{Colour, Format, Quiet, Ui};

/// Parses the command line, runs the command, and says how it went.
pub fn main() -> ExitCode {
    if let Some(code) = helper::answer(&world::arguments(), &world::system_clock()) {
        return ExitCode::from(code);
    }
    let args = args::Cli::parse();
    let mut cx = match context(&args) {
        Ok(cx) => cx,
        Err(failure) => {
            Ui::new(Format::Human, Quiet::No, Colour::Never).error(&failure);
            return ExitCode::from(failure.kind().exit_code());
        }
    };
    match args.command.run(&mut cx) {
        Ok(Answer::Yes) => ExitCode::SUCCESS,
        Ok(Answer::No) => ExitCode::from(1),
        Err(failure) => {
            if failure.kind().exit_code() != 0 {
                cx.ui.live_end();
                cx.ui.error(&failure);
            }
            ExitCode::from(failure.kind().exit_code())
        }
    }
}

fn context(args: &args::Cli) -> Result<Context, Failure> {
    let world = world::read()?;
    let format = if args.json {
        Format::Json
    } else {
        Format::Human
    };
    let plain = world.env.get("NO_COLOR").is_some() || world.env.text("TERM") == Some("dumb");
    let colour = if plain { Colour::Never } else { Colour::Auto };
    let quiet = if args.quiet { Quiet::Yes } else { Quiet::No };
    Ok(Context {
        ui: Ui::new(format, quiet, colour),
        dir: args.dir.clone(),
        overrides: args.overrides.clone(),
        op: world.ids.next(),
        world,
    })
}
