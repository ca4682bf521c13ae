//! Running scripts so that their fate never depends on ours.
//!
//! # The model
//!
//! Each attempt at a step has a folder, and for as long as it runs two small processes of our own
//! program: the *keeper* drains the script's output into the log and adopts orphans; its child, the
//! *shim*, started the script and waits for it. Each takes over when the other dies. If both die the
//! script goes on, and the next command starts a keeper that adopts it. Whoever waits in the
//! foreground only watches.
//!
//! A run has a *monitor*, which starts its steps and publishes what came of them: the command in the
//! foreground, or a process in the background. Its child, the *standby*, has another go on with the
//! run when it dies (`monitor.json` says with what).
//!
//! # What holds
//!
//! - **A script is started at most once per attempt.** Its process writes `proc.json` about itself,
//!   exclusively, and only then becomes the script; whoever gives an attempt up takes that file
//!   first.
//! - **An exit code is never invented.** `exit.json` is written once, by whoever reaped the script
//!   (or was told by the kernel); what nobody saw is `lost`, and what a reboot ended `interrupted`.
//! - **Somebody is in charge exactly while the attempt's `lock` is held**: keeper, shim, and the
//!   process that is about to become the script share it.
//! - The output is a FIFO that the script, too, holds open for reading: a script without readers
//!   waits, it does not die. Bytes go from the FIFO into the log within one system call, so that a
//!   `kill -9` cannot lose them in between.
//!
//! # Files of an attempt
//!
//! | file | written by | durable |
//! |---|---|---|
//! | `spec.json` | the command | before the script starts |
//! | `lock` | keeper, shim | a kernel lock |
//! | `proc.json` | the process that becomes the script | before it does |
//! | `events.jsonl` | shim, or keeper once there is no shim | each event |
//! | `out.fifo`, `log/NNNN.log`, `log/index` | keeper, or shim once there is no keeper | at the end |
//! | `samples` | who looks after the run: what the attempt takes of the machine | no |
//! | `substeps` | the script, to tell how far it is; `substeps.seen`: when, by who looks after the run | no |
//! | `secrets` | the command, if the script gets any: hashes | before the script starts |
//! | `stop.json` | who wants it to end | before the first signal |
//! | `pauses.json` | who halts it: when, for how long | before the first signal |
//! | `left.json` | keeper, if processes outlived the script | with the end |
//! | `exit.json` | who reaped the script; the first wins | before the last event |

mod account;
mod attempt;
mod cause;
mod cgroup;
mod chroot;
mod duty;
mod error;
mod excerpt;
mod exit;
mod fallback;
mod files;
mod follow;
mod guard;
mod helper;
mod input;
mod keeper;
mod launch;
mod left;
mod living;
mod log;
mod manifest;
mod monitor;
mod mounts;
mod pause;
mod pressure;
mod process;
mod raw;
mod reaper;
mod redact;
mod runs;
mod sample;
mod sandbox;
mod shim;
mod spec;
mod standby;
mod start;
mod state;
mod stop;
mod substeps;
mod syslog;
mod tree;
mod tty;
mod visit;

pub use account::Account;
pub use attempt::{Attempt, inspect};
pub use cgroup::{Cgroup, Totals, left_cgroups};
pub use error::Error;
pub use excerpt::{Excerpt, ScriptLine, Trouble, excerpt};
pub use exit::{Exit, Stop, StopReason, Unknown, Usage, UsageSource};
pub use files::AttemptDir;
pub use follow::{Follower, Interrupt, Interrupts, Tick, wait_any};
pub use helper::{Helper, Program, monitor_asked_for, stand_alone};
pub use input::waits_for_input;
pub use left::LeftRunning;
pub use living::{Living, living};
pub use log::{Gap, LogReader, LogTimes, gaps, log_size};
pub use manifest::{FailureNote, LastSuccess, Manifest, Mark, Verdict};
pub use monitor::{Asked, Mended, Monitor, OVERRIDES, monitor_log};
pub use pause::{is_paused, pause, paused_by, resume};
pub use pressure::{Room, Shortage, shortage};
pub use process::{Identity, boot_id};
pub use redact::Redactor;
pub use runs::{Paused, Run, RunRecord, Runs};
pub use sample::{Host, Probe, Rates, Sample, Sampler, Taken, quiet_for, roll_up, samples};
pub use sandbox::{Refused, SUBSTEPS_INSIDE, Sandbox};
pub use spec::Spec;
pub use standby::Standby;
pub use start::{adopt, start};
pub use state::AttemptState;
pub use stop::stop;
pub use substeps::{Substep, Substeps, Told, note_substeps, tell_substep};
pub use syslog::tell as tell_syslog;
pub use visit::visit;
