//! `top`
mod gather;

use std::time::Duration;

use super::{Answer, Context};
use crate::failure::Failure;
use crate::report::top::{Asked, Looking, View, draw};
use crate::run::Interrupts;
use crate::ui::{Format, Screen};
use gather::Gatherer;

/// Watch the build: steps, what runs and what it takes, the log, the machine, what happened
///
/// On a terminal this is a screen; its keys are shown at the bottom. Elsewhere, with NO_COLOR and with
/// TERM=dumb it is a line each time, and with --json an object. The run does not notice, and goes on
/// when this ends.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// How many seconds lie between two looks; 2 by default, 10 where lines are written
    #[arg(short, long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..))]
    interval: Option<u16>,
    /// End after so many looks
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    count: Option<u32>,
}

/// How often signals are looked for.
const POLL: Duration = Duration::from_millis(200);

/// Runs the command.
pub fn run(cx: &mut Context, args: &Args) -> Result<Answer, Failure> {
    let mut gatherer = Gatherer::open(cx)?;
    let interrupts = Interrupts::watch_terminal()?;
    if cx.ui.has_screen() {
        on_screen(cx, &mut gatherer, &interrupts, args)?;
    } else {
        in_lines(cx, &mut gatherer, &interrupts, args)?;
    }
    Ok(Answer::Yes)
}

/// The same for `status --watch`.
pub(super) fn watch(cx: &mut Context) -> Result<Answer, Failure> {
    run(cx, &Args::default())
}

impl Args {
    fn interval(&self, default: u16) -> Duration {
        Duration::from_secs(self.interval.unwrap_or(default).into())
    }

    fn is_enough(&self, looks: u32) -> bool {
        self.count.is_some_and(|count| looks >= count)
    }
}

fn in_lines(
    cx: &mut Context,
    gatherer: &mut Gatherer,
    interrupts: &Interrupts,
    args: &Args,
) -> Result<(), Failure> {
    let default = match cx.ui.format() {
        Format::Json => 2,
        Format::Human => 10,
    };
    for looks in 1.. {
        cx.ui.stream(&gatherer.view(cx, 0)?)?;
        if args.is_enough(looks) {
            break;
        }
        interrupts.wait(args.interval(default));
        if interrupts.next().is_some() {
            break;
        }
    }
    Ok(())
}

fn on_screen(
    cx: &mut Context,
    gatherer: &mut Gatherer,
    interrupts: &Interrupts,
    args: &Args,
) -> Result<(), Failure> {
    let mut looking = Looking::default();
    let mut view = gatherer.view(cx, 0)?;
    let mut screen = Screen::open()?;
    for looks in 1.. {
        screen.draw(|frame| draw(frame, &view, &looking))?;
        if args.is_enough(looks) {
            break;
        }
        let next = cx.world.clock.since_boot() + args.interval(2);
        if until(cx, next, (&mut screen, interrupts), (&view, &mut looking))? == Asked::Quit {
            break;
        }
        view = gatherer.view(cx, looking.selected)?;
    }
    Ok(())
}

/// Answers keys until it is time to look again.
fn until(
    cx: &Context,
    next: Duration,
    (screen, interrupts): (&mut Screen, &Interrupts),
    (view, looking): (&View, &mut Looking),
) -> Result<Asked, Failure> {
    loop {
        let left = next.saturating_sub(cx.world.clock.since_boot());
        if left.is_zero() {
            return Ok(Asked::Other);
        }
        let key = screen.key(left.min(POLL))?;
        if interrupts.next().is_some() {
            return Ok(Asked::Quit);
        }
        let Some(key) = key else {
            continue;
        };
        match looking.key(key, view) {
            Asked::Draw => screen.draw(|frame| draw(frame, view, looking))?,
            other => return Ok(other),
        }
    }
}
