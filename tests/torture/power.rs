//! The power is cut right after an acknowledgement: what was acknowledged is there.
//!
//! The controls show that this harness works: plain `git commit` loses commits here, and so it
//! does when it is told to sync all that it can.
use std::rc::Rc;

use crate::disk::{Disk, Kind, alone, say, skip};
use crate::env::Env;
use crate::is_long;
use crate::place::{Outcome, Place};
use crate::scenarios::{CONTROLS, all};

/// Something that is acknowledged, and must be there when the power comes back.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// How many cuts the long form makes.
    pub(crate) cuts: usize,
    /// Makes the keep.
    pub(crate) prepare: fn(&Place),
    /// Does the thing for the nth time; returns once it is acknowledged.
    pub(crate) act: fn(&Place, usize) -> Outcome,
    /// What must hold afterwards, besides the refs, and that nothing is damaged.
    pub(crate) holds: fn(&Place, usize) -> Outcome,
}

impl Scenario {
    /// Cuts the power so many times; returns what went wrong. The same keep goes on, without help,
    /// until something is wrong with it.
    fn cut(&self, env: &Rc<Env>, disk: &Rc<Disk>, cuts: usize) -> Vec<String> {
        let mut problems = Vec::new();
        let mut place = None;
        for n in 1..=cuts {
            let here = place.take().unwrap_or_else(|| self.place(env, disk, n));
            match self.once(&here, n) {
                Ok(()) => place = Some(here),
                Err(problem) => problems.push(format!("{}, cut {n}: {problem}", self.name)),
            }
        }
        problems
    }

    fn place(&self, env: &Rc<Env>, disk: &Rc<Disk>, n: usize) -> Place {
        let place = Place::new(env, disk, &format!("{} {n}", self.name));
        (self.prepare)(&place);
        disk.settle();
        place
    }

    fn once(&self, place: &Place, n: usize) -> Outcome {
        (self.act)(place, n)?;
        let promised = place.refs();
        place.disk.cut();
        place.disk.restart();
        place.still_has(&promised)?;
        (self.holds)(place, n)
    }
}

/// Cuts the power in every scenario.
fn cuts(env: &Rc<Env>, kind: Kind) {
    let test = format!("power cuts on {}", kind.name());
    let disk = match Disk::new(env, kind) {
        Ok(disk) => Rc::new(disk),
        Err(why) => return skip(&test, &why),
    };
    let wanted = std::env::var("BUILDKEEP_TORTURE_SCENARIO").unwrap_or_default();
    let (mut total, mut problems) = (0, Vec::new());
    for scenario in all().filter(|one| one.name.contains(&wanted)) {
        let cuts = if is_long() { scenario.cuts } else { 1 };
        let found = scenario.cut(env, &disk, cuts);
        say(&format!(
            "{test}: {cuts} × {}: {} went wrong",
            scenario.name,
            found.len()
        ));
        total += cuts;
        problems.extend(found);
    }
    say(&format!(
        "{test}: {total} in all, {} went wrong",
        problems.len()
    ));
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
    for control in CONTROLS {
        control_loses(control, env, &disk);
    }
}

/// Whoever does not sync loses something here, or this harness proves nothing.
fn control_loses(control: &Scenario, env: &Rc<Env>, disk: &Rc<Disk>) {
    let cuts = if is_long() { control.cuts } else { 3 };
    let lost = control.cut(env, disk, cuts).len();
    say(&format!("control: {} lost {lost} of {cuts}", control.name));
    assert!(lost > 0, "`{}` lost nothing in {cuts} cuts", control.name);
}

#[test]
fn nothing_acknowledged_is_lost_on_ext4() {
    alone("power::nothing_acknowledged_is_lost_on_ext4", |env| {
        cuts(env, Kind::Ext4);
    });
}

#[test]
fn nothing_acknowledged_is_lost_on_xfs() {
    alone("power::nothing_acknowledged_is_lost_on_xfs", |env| {
        cuts(env, Kind::Xfs);
    });
}
