//! Questions, asked on a terminal only.
use std::io;

use dialoguer::theme::SimpleTheme;
use dialoguer::{Confirm, Input, Select};

use super::Ui;

impl Ui {
    /// Asks a yes-or-no question whose safe answer is no.
    pub fn confirm(&mut self, question: &str) -> io::Result<bool> {
        self.live_end();
        Confirm::with_theme(&SimpleTheme)
            .with_prompt(question)
            .default(false)
            .interact()
            .map_err(|dialoguer::Error::IO(error)| error)
    }

    /// Asks for a line of text, which may be empty.
    pub fn ask(&mut self, question: &str) -> io::Result<String> {
        self.live_end();
        Input::with_theme(&SimpleTheme)
            .with_prompt(question)
            .allow_empty(true)
            .interact_text()
            .map_err(|dialoguer::Error::IO(error)| error)
    }

    /// Asks to choose one of `choices`; returns its position.
    pub fn choose(&mut self, question: &str, choices: &[&str]) -> io::Result<usize> {
        self.live_end();
        Select::with_theme(&SimpleTheme)
            .with_prompt(question)
            .items(choices)
            .default(0)
            .interact()
            .map_err(|dialoguer::Error::IO(error)| error)
    }
}
