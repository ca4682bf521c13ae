//! An exit in words.
use super::{Exit, Stop, StopReason, Unknown};

/// What an exit means, in the words of a sentence: "command not found (exit code 127)".
pub(super) fn words(exit: &Exit) -> String {
    if let Some(error) = &exit.launch_error {
        return format!("the script could not be started: {error}");
    }
    if exit.oom {
        let how = match (exit.code, exit.signal) {
            (Some(code), _) => format!("exit code {code}"),
            (None, Some(signal)) => signal_words(signal),
            (None, None) => "gone".into(),
        };
        let how = how.split(" (").next().unwrap_or_default();
        return format!("{how}: memory ran out, and the system killed a process of it");
    }
    match (exit.code, exit.signal, exit.unknown) {
        (Some(code), _, _) => code_words(code),
        (None, Some(signal), _) => signal_words(signal),
        (None, None, Some(Unknown::NeverStarted)) => "never started".into(),
        (None, None, Some(Unknown::Reboot)) => "ended by a restart of the machine".into(),
        (None, None, _) => "gone, and nobody saw how it ended".into(),
    }
}

/// That an attempt was stopped, if it was.
pub(super) fn stopped(stop: Option<&Stop>, timeout_s: Option<u64>) -> Option<String> {
    match (stop?.reason, timeout_s) {
        (StopReason::Asked, _) => Some("stopped".into()),
        (StopReason::Timeout, Some(limit)) => Some(format!("took longer than {limit} s")),
        (StopReason::Timeout, None) => Some("took too long".into()),
    }
}

fn code_words(code: i32) -> String {
    let meaning = match code {
        126 => "a command is not executable",
        127 => "a command was not found",
        129..=192 => return shell_signal_words(code),
        _ => return format!("exit code {code}"),
    };
    format!("exit code {code}: {meaning}")
}

/// Shells report a command that a signal killed as 128 and the signal.
fn shell_signal_words(code: i32) -> String {
    match signal_name(code - 128) {
        Some((name, meaning)) => {
            format!("exit code {code}: a command was killed by {name} ({meaning})")
        }
        None => format!("exit code {code}"),
    }
}

fn signal_words(signal: i32) -> String {
    match signal_name(signal) {
        Some((name, meaning)) => format!("killed by {name} ({meaning})"),
        None => format!("killed by signal {signal}"),
    }
}

fn signal_name(signal: i32) -> Option<(&'static str, &'static str)> {
    Some(match signal {
        1 => ("SIGHUP", "its terminal went away"),
        2 => ("SIGINT", "interrupted"),
        3 => ("SIGQUIT", "quit"),
        4 => ("SIGILL", "illegal instruction"),
        6 => ("SIGABRT", "it gave itself up"),
        7 => (
            "SIGBUS",
            "bad memory access, or a full disk behind a mapped file",
        ),
        8 => ("SIGFPE", "arithmetic error"),
        9 => ("SIGKILL", "by hand, or because memory ran out"),
        11 => ("SIGSEGV", "bad memory access"),
        13 => ("SIGPIPE", "its reader went away"),
        14 => ("SIGALRM", "a timer of its own"),
        15 => ("SIGTERM", "asked to end"),
        24 => ("SIGXCPU", "its processor time is used up"),
        25 => ("SIGXFSZ", "its file became too large"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_signals_are_explained() {
        let code = |code| {
            words(&Exit {
                code: Some(code),
                ..Exit::default()
            })
        };
        assert_eq!(code(1), "exit code 1");
        assert_eq!(code(127), "exit code 127: a command was not found");
        assert_eq!(
            code(139),
            "exit code 139: a command was killed by SIGSEGV (bad memory access)"
        );
        assert_eq!(code(255), "exit code 255");
        let oom = |code, signal| {
            words(&Exit {
                code,
                signal,
                oom: true,
                ..Exit::default()
            })
        };
        let said = "memory ran out, and the system killed a process of it";
        assert_eq!(oom(Some(2), None), format!("exit code 2: {said}"));
        assert_eq!(oom(None, Some(9)), format!("killed by SIGKILL: {said}"));
        let killed = Exit {
            signal: Some(9),
            ..Exit::default()
        };
        assert_eq!(
            words(&killed),
            "killed by SIGKILL (by hand, or because memory ran out)"
        );
    }
}
