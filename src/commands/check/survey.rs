//! What is looked at from where: sets of checks, as whom, with what around.
use std::sync::Arc;
use std::time::Duration;

use super::inside;
use super::seat::{Seat, Site, first_of, first_on_host};
use crate::check::{self, KeepFacts, Machine, Outcome, Report, Selection, Set, Wanted};
use crate::commands::Context;
use crate::failure::Failure;
use crate::plan::Step;

/// Sets that are looked at from the same place.
#[derive(Clone, Debug)]
struct Part {
    names: Vec<String>,
    selection: Selection,
    machine: Machine,
    /// Nothing if it is looked at as whoever asks.
    seat: Option<Seat>,
}

/// All that is looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Survey {
    parts: Vec<Part>,
    /// The keep's own sets, as text.
    own: Vec<(String, String)>,
}

/// The sets that there are.
pub(super) struct Sets {
    pub(super) texts: Vec<(String, String)>,
    pub(super) own: Vec<Set>,
    pub(super) built_in: Vec<Set>,
}

impl Sets {
    /// Those of a keep.
    pub(super) fn new(texts: Vec<(String, String)>) -> Result<Self, check::Error> {
        Ok(Self {
            own: check::own_of(&texts)?,
            built_in: Vec::new(),
            texts,
        })
    }

    /// With all that come with the program.
    pub(super) fn and_all(self) -> Result<Self, check::Error> {
        Ok(Self {
            built_in: check::built_in()?,
            ..self
        })
    }

    /// With those that come with the program and matter for `names`.
    pub(super) fn and(self, names: &[String]) -> Result<Self, check::Error> {
        Ok(Self {
            built_in: check::built_in_for(names, &self.own)?,
            ..self
        })
    }

    /// All of them, the keep's own first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Set> {
        self.own.iter().chain(&self.built_in)
    }

    /// The stages that a set is about; none if it is about the host.
    pub(super) fn stages(&self, name: &str) -> &[String] {
        let set = self.all().find(|set| set.name == name);
        set.map_or(&[], |set| set.stages.as_slice())
    }
}

/// From where sets are to be looked at.
pub(super) enum From<'a> {
    /// As whoever asks is.
    Here,
    /// As this step is.
    Step(Site<'a>, &'a Step),
    /// As this step is, but for sets about the host if it is in a root.
    Next(Site<'a>, &'a Step),
    /// Sets of stages as the first step of the stage is, others as steps on this machine are.
    Plan(Site<'a>),
}

impl From<'_> {
    fn seat(&self, cx: &Context, stages: &[String]) -> Result<Option<Seat>, Failure> {
        match self {
            Self::Here => Ok(None),
            Self::Step(site, step) => Seat::of(cx, *site, step).map(Some),
            Self::Next(site, step) if !stages.is_empty() || !step.runs_as.chroot => {
                Seat::of(cx, *site, step).map(Some)
            }
            Self::Next(site, _) | Self::Plan(site) if stages.is_empty() => {
                let Some(step) = first_on_host(site.plan) else {
                    return Ok(None);
                };
                // A plan that is not right yet is no reason not to look.
                let Ok(seat) = Seat::of(cx, *site, step) else {
                    return Ok(None);
                };
                Ok(Some(match &seat.sandbox {
                    Ok(_) => seat,
                    Err(_) => seat.for_us(),
                }))
            }
            Self::Next(site, _) | Self::Plan(site) => first_of(site.plan, stages)
                .map(|step| Seat::of(cx, *site, step))
                .transpose(),
        }
    }
}

impl Survey {
    /// The checks of `names`, from where they are to be looked at.
    pub(super) fn new(
        cx: &Context,
        (sets, names): (&Sets, &[String]),
        from: &From<'_>,
        machine: &Machine,
    ) -> Result<Self, Failure> {
        let mut survey = Self {
            parts: Vec::new(),
            own: sets.texts.clone(),
        };
        for name in names {
            let stages = sets.stages(name);
            let seat = from.seat(cx, stages)?;
            let step = seat.as_ref().map(|seat| seat.step.clone());
            let mut parts = survey.parts.iter_mut();
            let same =
                parts.find(|part| part.seat.as_ref().map(|seat| &seat.step) == step.as_ref());
            match same {
                Some(part) => part.names.push(name.clone()),
                None => survey.parts.push(Part::new(name, stages, seat, machine)),
            }
        }
        for part in &mut survey.parts {
            part.selection = check::resolve(&part.names, &sets.own, &sets.built_in)?;
        }
        Ok(survey)
    }

    /// What is wanted of it; names that fit no check at all are an error.
    pub(super) fn narrowed(mut self, wanted: &Wanted) -> Result<Self, Failure> {
        for name in wanted.only.iter().chain(&wanted.skip) {
            let knows = |part: &Part| part.selection.knows(name);
            if !self.parts.iter().any(knows) {
                let checks = self.parts.iter().flat_map(|part| &part.selection.checks);
                let ids = checks.map(|check| check.id.as_str());
                return Err(check::Error::unknown_check(name, ids).into());
            }
        }
        for part in &mut self.parts {
            part.selection.narrow(wanted);
        }
        // If nothing is left at all, what was asked for is still told.
        if self
            .parts
            .iter()
            .any(|part| !part.selection.checks.is_empty())
        {
            self.parts.retain(|part| !part.selection.checks.is_empty());
        }
        Ok(self)
    }

    /// Whether any of the checks is about what the keep knows.
    pub(super) fn is_about_keep(&self) -> bool {
        let mut checks = self.parts.iter().flat_map(|part| &part.selection.checks);
        checks.any(|check| matches!(check.probe, check::Probe::Keep(_)))
    }

    /// The same, told what the keep knows.
    pub(super) fn knowing(mut self, facts: KeepFacts) -> Self {
        let facts = Arc::new(facts);
        for part in &mut self.parts {
            part.machine.keep = Some(Arc::clone(&facts));
        }
        self
    }

    /// Without the checks that `unwanted` tells.
    pub(super) fn without(mut self, unwanted: impl Fn(&check::Check) -> bool) -> Self {
        for part in &mut self.parts {
            part.selection.checks.retain(|check| !unwanted(check));
        }
        self
    }

    /// The same check only, with nothing remembered.
    pub(super) fn only(&self, outcome: (&str, &str)) -> Self {
        let (set, id) = outcome;
        let mut only = self.anew();
        for part in &mut only.parts {
            let checks = &mut part.selection.checks;
            checks.retain(|check| check.id == id && check.set == set);
        }
        only.parts.retain(|part| !part.selection.checks.is_empty());
        only
    }

    /// The same, with nothing remembered.
    pub(super) fn anew(&self) -> Self {
        let mut anew = self.clone();
        for part in &mut anew.parts {
            part.machine.cache = None;
        }
        anew
    }

    /// Whether any of the checks takes minutes.
    pub(super) fn is_deep(&self) -> bool {
        let mut checks = self.parts.iter().flat_map(|part| &part.selection.checks);
        checks.any(|check| check.tier == check::Tier::Deep)
    }

    /// Looks.
    pub(super) fn look(&self, deadline: Option<Duration>) -> Report {
        let Some(first) = self.parts.first() else {
            return Report::joined(Vec::new(), Duration::ZERO);
        };
        let clock = &first.machine.clock;
        let begun = clock.since_boot();
        let mut reports = Vec::new();
        for part in &self.parts {
            let past = clock.since_boot().saturating_sub(begun);
            let left = deadline.map(|deadline| deadline.saturating_sub(past));
            reports.push(part.look(&self.own, left));
        }
        Report::joined(reports, clock.since_boot().saturating_sub(begun))
    }

    /// Looks at what only one result was about.
    pub(super) fn look_once(&self) -> Option<Outcome> {
        self.look(None).results.into_iter().next()
    }
}

impl Part {
    fn new(name: &str, stages: &[String], seat: Option<Seat>, machine: &Machine) -> Self {
        let mut machine = machine.clone();
        let of_seat = seat.as_ref().and_then(|seat| seat.stage.clone());
        let stage = of_seat.or_else(|| stages.first().cloned());
        machine.stage = machine.stage.or(stage);
        if let Some(seat) = &seat {
            machine.env = seat.env();
            machine.workdir = Some(seat.workdir.clone());
            machine.intended.clone_from(&seat.intended);
        }
        Self {
            names: vec![name.to_owned()],
            selection: Selection::default(),
            machine,
            seat,
        }
    }

    fn look(&self, own: &[(String, String)], deadline: Option<Duration>) -> Report {
        let (names, machine) = (&self.names, &self.machine);
        let seat = self.seat.as_ref();
        let Some(seat) = seat.filter(|seat| !seat.is_ours()) else {
            let mut report = check::run(names.clone(), &self.selection, machine, deadline);
            report.views.extend(seat.map(|seat| seat.view(names)));
            return report;
        };
        let seen = inside::look((names, &self.selection), (seat, machine), own, deadline);
        let mut report = seen.unwrap_or_else(|why| {
            let why = format!("it cannot be seen as {} sees it: {why}", seat.step);
            check::unknown(names.clone(), &self.selection, machine, &why)
        });
        report.views.push(seat.view(names));
        report
    }
}
