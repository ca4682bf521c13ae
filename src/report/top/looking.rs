//! Where a person looks: which step, which part of its log, what is searched.
use super::{LogTail, View};
use crate::ui::Key;

/// What a key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To end.
    Quit,
    /// To show the screen again.
    Draw,
    /// To look at another step.
    Other,
}

/// Where a person looks.
#[derive(Clone, Debug, Default)]
pub struct Looking {
    /// Which of the steps that run, or of the last ones that did.
    pub selected: usize,
    /// The log as it was when the person began to look back; none while it is followed.
    pub(super) held: Option<LogTail>,
    /// So many lines below what is shown.
    pub(super) below: usize,
    /// What is being typed behind `/`.
    pub(super) typed: Option<String>,
    /// What is searched.
    pub(super) sought: String,
    /// The line that was found.
    pub(super) found: Option<usize>,
    /// What is said in the footer until the next key.
    pub(super) said: Option<String>,
}

/// So many lines at once.
const PAGE: usize = 10;

impl Looking {
    /// Carries out a key.
    pub fn key(&mut self, key: Key, view: &View) -> Asked {
        self.said = None;
        if key == Key::Interrupt {
            return Asked::Quit;
        }
        if let Some(typed) = self.typed.take() {
            self.typing(key, typed, view);
            return Asked::Draw;
        }
        match key {
            Key::Char('q' | 'Q') => return Asked::Quit,
            Key::Tab | Key::Char('\t') => return self.other(|at| at + 1),
            Key::BackTab => return self.other(|at| at.wrapping_sub(1)),
            Key::Char('/') => self.typed = Some(String::new()),
            Key::Char('n') => self.search(view, Way::Up),
            Key::Char('N') => self.search(view, Way::Down),
            Key::Up | Key::Char('k') => self.back(1, view),
            Key::PageUp => self.back(PAGE, view),
            Key::Home => self.back(usize::MAX, view),
            Key::Down | Key::Char('j') => self.forth(1),
            Key::PageDown => self.forth(PAGE),
            Key::End | Key::Escape | Key::Char('G') => self.follow(),
            _ => {}
        }
        Asked::Draw
    }

    /// The log as it is shown: held, or the newest.
    pub(super) fn log<'a>(&'a self, view: &'a View) -> Option<&'a LogTail> {
        self.held.as_ref().or(view.log.as_ref())
    }

    fn other(&mut self, next: impl Fn(usize) -> usize) -> Asked {
        self.selected = next(self.selected);
        self.follow();
        Asked::Other
    }

    fn typing(&mut self, key: Key, mut typed: String, view: &View) {
        match key {
            Key::Enter => {
                self.sought = typed;
                self.found = None;
                self.search(view, Way::Up);
            }
            Key::Escape => {}
            Key::Backspace => {
                if typed.pop().is_some() {
                    self.typed = Some(typed);
                }
            }
            Key::Char(c) => {
                typed.push(c);
                self.typed = Some(typed);
            }
            _ => self.typed = Some(typed),
        }
    }

    /// Goes to the next line with what is searched, and around.
    fn search(&mut self, view: &View, way: Way) {
        if self.sought.is_empty() {
            self.said = Some("/ searches in the log".to_owned());
            return;
        }
        self.hold(view);
        let lines = self.held.as_ref().map_or(&[][..], |log| &log.lines);
        let count = lines.len();
        let has = |at: &usize| matches(&lines[*at], &self.sought).is_some();
        let start = self.found.unwrap_or(match way {
            Way::Up => count,
            Way::Down => count.wrapping_sub(1),
        });
        let found = match way {
            Way::Up => (0..start.min(count)).rev().find(has),
            Way::Down => (start.wrapping_add(1)..count).find(has),
        };
        let around = || match way {
            Way::Up => (0..count).rev().find(has),
            Way::Down => (0..count).find(has),
        };
        let Some(at) = found.or_else(around) else {
            self.said = Some(format!("`{}` is not in these lines", self.sought));
            self.follow();
            return;
        };
        if found.is_none() && self.found.is_some() {
            self.said = Some("searched around".to_owned());
        }
        self.found = Some(at);
        self.below = count - at - 1;
    }

    fn hold(&mut self, view: &View) {
        if self.held.is_none() {
            self.held.clone_from(&view.log);
        }
    }

    fn back(&mut self, lines: usize, view: &View) {
        self.hold(view);
        let all = self.held.as_ref().map_or(0, |log| log.lines.len());
        self.below = self.below.saturating_add(lines).min(all.saturating_sub(1));
    }

    fn forth(&mut self, lines: usize) {
        self.below = self.below.saturating_sub(lines);
        if self.below == 0 {
            self.follow();
        }
    }

    /// Shows the newest lines again.
    fn follow(&mut self) {
        self.held = None;
        self.below = 0;
        self.found = None;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Up,
    Down,
}

/// Where a line has what is searched; capitals count only if there are any in it.
pub(super) fn matches(line: &str, sought: &str) -> Option<usize> {
    if sought.chars().any(char::is_uppercase) {
        return line.find(sought);
    }
    // Only the case of ASCII letters is looked past, so that places stay the same.
    line.to_ascii_lowercase().find(sought)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(lines: &[&str]) -> View {
        View {
            log: Some(LogTail {
                attempt: "a#1".into(),
                lines: lines.iter().map(|line| (*line).to_owned()).collect(),
            }),
            ..View::default()
        }
    }

    fn typed(looking: &mut Looking, view: &View, text: &str) -> Asked {
        let mut last = Asked::Draw;
        for c in text.chars() {
            let key = if c == '\n' { Key::Enter } else { Key::Char(c) };
            last = looking.key(key, view);
        }
        last
    }

    #[test]
    fn a_search_goes_up_from_the_end_and_n_goes_on() {
        let view = view(&["Error one", "x", "error two", "y"]);
        let mut looking = Looking::default();
        typed(&mut looking, &view, "/error\n");
        assert_eq!((looking.found, looking.below), (Some(2), 1));
        typed(&mut looking, &view, "n");
        assert_eq!(looking.found, Some(0));
        typed(&mut looking, &view, "n");
        assert_eq!(looking.found, Some(2), "around");
        assert!(looking.said.is_some());
        typed(&mut looking, &view, "N");
        assert_eq!(looking.found, Some(0), "around the other way");
        typed(&mut looking, &view, "/Error\n");
        assert_eq!(looking.found, Some(0), "capitals count if there are any");
    }

    #[test]
    fn what_is_not_there_is_said_and_the_log_goes_on() {
        let view = view(&["a", "b"]);
        let mut looking = Looking::default();
        typed(&mut looking, &view, "/zzz\n");
        assert_eq!(looking.said.as_deref(), Some("`zzz` is not in these lines"));
        assert!(looking.held.is_none());
        assert_eq!(looking.key(Key::Char('n'), &View::default()), Asked::Draw);
    }

    #[test]
    fn keys_are_text_while_something_is_typed() {
        let view = view(&["quit now"]);
        let mut looking = Looking::default();
        assert_eq!(typed(&mut looking, &view, "/q"), Asked::Draw);
        assert_eq!(looking.typed.as_deref(), Some("q"));
        looking.key(Key::Backspace, &view);
        looking.key(Key::Backspace, &view);
        assert_eq!(looking.typed, None);
        assert_eq!(typed(&mut looking, &view, "q"), Asked::Quit);
        typed(&mut looking, &view, "/x");
        assert_eq!(looking.key(Key::Interrupt, &view), Asked::Quit);
    }

    #[test]
    fn looking_back_holds_the_log_and_the_end_follows_it() {
        let view = view(&["a", "b", "c"]);
        let mut looking = Looking::default();
        looking.key(Key::Up, &view);
        assert_eq!((looking.below, looking.held.is_some()), (1, true));
        looking.key(Key::Home, &view);
        assert_eq!(looking.below, 2);
        looking.key(Key::PageDown, &view);
        assert_eq!((looking.below, looking.held.is_some()), (0, false));
        looking.key(Key::Up, &View::default());
        assert_eq!(looking.below, 0);
        assert_eq!(looking.key(Key::Tab, &view), Asked::Other);
        assert_eq!(looking.selected, 1);
    }
}
