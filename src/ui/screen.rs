//! The whole terminal as one screen, given back as it was whatever happens.
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::{DefaultTerminal, Frame};

use super::Ui;

/// What a person did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Typed a character.
    Char(char),
    /// Confirmed.
    Enter,
    /// Took it back.
    Escape,
    /// Took the last character back.
    Backspace,
    /// The next one.
    Tab,
    /// The one before.
    BackTab,
    /// A line up.
    Up,
    /// A line down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Ctrl-C: wants us to end.
    Interrupt,
    /// Gave the terminal another size.
    Resize,
}

/// The terminal while it is ours. It is given back when this is dropped, and before the message of a
/// panic is written.
pub struct Screen(DefaultTerminal);

impl Screen {
    /// Takes the terminal.
    pub fn open() -> io::Result<Self> {
        ratatui::try_init().map(Self)
    }

    /// Shows what `draw` draws.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.0.draw(draw).map(drop)
    }

    /// What a person did, if it was within `time`.
    pub fn key(&mut self, time: Duration) -> io::Result<Option<Key>> {
        if !event::poll(time)? {
            return Ok(None);
        }
        Ok(meaning(&event::read()?))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The terminal may be gone; there is nobody left to tell.
        let _ = ratatui::try_restore();
    }
}

impl Ui {
    /// Whether there is a terminal that can be had as a whole: for input and for output, with
    /// colours, and nobody wants JSON.
    pub fn has_screen(&self) -> bool {
        self.is_coloured() && io::stdin().is_terminal()
    }
}

fn meaning(event: &Event) -> Option<Key> {
    let key = match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        Event::Resize(..) => return Some(Key::Resize),
        _ => return None,
    };
    let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
    Some(match key.code {
        KeyCode::Char('c' | 'd') if with_control => Key::Interrupt,
        KeyCode::Char('l') if with_control => Key::Resize,
        KeyCode::Char(_) if with_control => return None,
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        _ => return None,
    })
}
