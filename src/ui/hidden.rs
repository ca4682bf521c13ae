//! A question whose answer is not shown.
use std::io::{self, BufRead as _, Write as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::Ui;

/// What Ctrl-C sends while the terminal leaves it to us.
const INTERRUPT: char = '\u{3}';

impl Ui {
    /// Asks for a line of text that the terminal does not show.
    pub fn ask_hidden(&mut self, question: &str) -> io::Result<String> {
        self.live_end();
        let hidden = Hidden::begin()?;
        eprint_flush(&format!("{question}: "))?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        drop(hidden);
        eprint_flush("\n")?;
        if line.contains(INTERRUPT) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// The terminal as it was, to be brought back.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        // Signals are left to us: one that ended us would leave the terminal mute.
        quiet.local_modes &= !(LocalModes::ECHO | LocalModes::ISIG);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // The terminal may be gone; there is nobody left to tell.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

fn eprint_flush(text: &str) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    stderr.write_all(text.as_bytes())?;
    stderr.flush()
}
