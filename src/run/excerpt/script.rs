//! The line of the script that failed.
use serde::Serialize;

use super::cut;
use super::find::Found;
use super::rules::Trouble;

/// A line of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScriptLine {
    /// Its number.
    pub number: usize,
    /// Its text.
    pub text: String,
    /// Whether the shell did not name it, and it is what the error fits alone.
    pub guessed: bool,
}

/// Bash says `PATH: line 12: …`, dash `PATH: 12: …`; the last one counts.
pub(super) fn named(lines: &[&str], script: &str, source: &str) -> Option<ScriptLine> {
    let base = script.rsplit('/').next().filter(|base| !base.is_empty())?;
    let number_in = |line: &&str| {
        let rest = &line[line.find(base)? + base.len()..];
        let rest = rest.strip_prefix(": ")?;
        let rest = rest.strip_prefix("line ").unwrap_or(rest);
        let (number, said) = rest.split_once(':')?;
        let is_warning = said.trim_start().starts_with("warning:");
        number.parse::<usize>().ok().filter(|_| !is_warning)
    };
    let number = lines.iter().rev().find_map(number_in)?;
    let text = source.lines().nth(number.checked_sub(1)?)?;
    Some(ScriptLine {
        number,
        text: cut(text.trim()),
        guessed: false,
    })
}

/// The one command of the script that the error fits.
///
/// A shell with `set -e` ends without a word about which command failed.
pub(super) fn guessed(found: &Found, error: &str, source: &str) -> Option<ScriptLine> {
    let commands = commands(source);
    let commands = commands.iter().filter(|command| !command.is_guarded);
    let fits: Vec<&Command<'_>> = if found.by_make {
        let makes: Vec<_> = commands.filter(|command| command.builds()).collect();
        of_target(makes, found.asked.as_deref())
    } else {
        of_program(commands.collect(), found.trouble, error)
    };
    let [command] = fits.as_slice() else {
        return None;
    };
    Some(ScriptLine {
        number: command.line,
        text: cut(source.lines().nth(command.line - 1)?.trim()),
        guessed: true,
    })
}

/// The commands that may have said this: by the program's own name, else by what it is about.
fn of_program<'a, 'b>(
    commands: Vec<&'a Command<'b>>,
    trouble: Option<Trouble>,
    error: &str,
) -> Vec<&'a Command<'b>> {
    let first = error.trim_start().split([':', ' ', '(']).next();
    let speaker = first
        .and_then(|first| first.rsplit('/').next())
        .unwrap_or_default();
    let about = programs(trouble, error);
    let is_built = matches!(trouble, Some(Trouble::Compile | Trouble::Link));
    let chosen = |wanted: &dyn Fn(&Command<'_>) -> bool| -> Vec<&'a Command<'b>> {
        commands
            .iter()
            .copied()
            .filter(|command| wanted(command))
            .collect()
    };
    let ways: [&dyn Fn(&Command<'_>) -> bool; 4] = [
        &|command| command.is(speaker),
        &|command| about.iter().any(|program| command.is(program)) && !command.builds(),
        &|command| is_built && command.builds(),
        &|command| !speaker.is_empty() && command.words.contains(&speaker),
    ];
    let found = ways.iter().map(|way| chosen(way));
    found
        .into_iter()
        .find(|found| !found.is_empty())
        .unwrap_or_default()
}

/// Of several calls of make, those for this target; else those for none.
fn of_target<'a, 'b>(makes: Vec<&'a Command<'b>>, target: Option<&str>) -> Vec<&'a Command<'b>> {
    let Some(target) = target.filter(|_| makes.len() > 1) else {
        return makes;
    };
    let is_it = |word: &str| {
        target
            .strip_prefix(word)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let (with, without): (Vec<_>, Vec<_>) = makes
        .into_iter()
        .partition(|command| command.targets().next().is_some());
    let named: Vec<_> = with
        .into_iter()
        .filter(|command| command.targets().any(is_it))
        .collect();
    if named.is_empty() { without } else { named }
}

/// The programs that this sort of trouble is of.
fn programs(trouble: Option<Trouble>, error: &str) -> &'static [&'static str] {
    match trouble {
        Some(Trouble::Configure) => &["configure", "cmake", "meson"],
        Some(Trouble::Compile | Trouble::Link) => &["gcc", "cc", "g++", "c++", "rustc", "as", "ld"],
        Some(Trouble::Patch) => &["patch"],
        Some(Trouble::Archive) => &["tar", "gzip", "xz", "bzip2", "zstd", "unzip"],
        Some(Trouble::Checksum) => &["md5sum", "sha256sum", "sha512sum", "b2sum", "sha1sum"],
        Some(Trouble::Test) => &["ctest", "prove", "pytest"],
        _ if error.contains("@INC") => &["perl"],
        _ if error.contains("Error: ") || error.starts_with("MemoryError") => {
            &["python3", "python", "pip3", "pip"]
        }
        _ => &[],
    }
}

/// A command of a script, as far as it can be told without being the shell.
#[derive(Debug, PartialEq, Eq)]
struct Command<'a> {
    line: usize,
    words: Vec<&'a str>,
    /// Whether the script goes on if it fails.
    is_guarded: bool,
}

impl Command<'_> {
    fn is(&self, program: &str) -> bool {
        let name = self.words.first().and_then(|word| word.rsplit('/').next());
        !program.is_empty() && name == Some(program)
    }

    /// Whether it is make, or what stands for it.
    fn builds(&self) -> bool {
        let has = |word: &str| self.words.contains(&word);
        ["make", "gmake", "ninja", "cargo"]
            .iter()
            .any(|program| self.is(program))
            || self.is("cmake") && (has("--build") || has("--install"))
            || self.is("meson") && !has("setup")
    }

    /// What make is asked for.
    fn targets(&self) -> impl Iterator<Item = &str> {
        let mut is_value = false;
        self.words.iter().skip(1).copied().filter(move |word| {
            let was_value = std::mem::replace(&mut is_value, matches!(*word, "-C" | "-f" | "-j"));
            !was_value && !word.starts_with(['-', '$', '>', '2', '<', '&']) && !word.contains('=')
        })
    }
}

/// The commands of a script; what is inside of here-documents is none.
fn commands(source: &str) -> Vec<Command<'_>> {
    let mut commands = Vec::new();
    let mut end_of_text: Option<&str> = None;
    let mut continued: Option<(usize, Vec<&str>)> = None;
    for (at, line) in source.lines().enumerate() {
        if let Some(end) = end_of_text {
            end_of_text = (line.trim() != end).then_some(end);
            continue;
        }
        end_of_text = here_document(line);
        let (line, goes_on) = match line.trim_end().strip_suffix('\\') {
            Some(line) => (line, true),
            None => (line, false),
        };
        let (first, mut parts) = continued.take().unwrap_or((at + 1, Vec::new()));
        parts.extend(words(line));
        if goes_on {
            continued = Some((first, parts));
        } else {
            split(first, &parts, &mut commands);
        }
    }
    commands
}

/// `cat > x << "EOF"`: the word that ends the text.
fn here_document(line: &str) -> Option<&str> {
    let rest = line.split_once("<<").map(|(_, rest)| rest)?;
    let word = rest
        .trim_start_matches(['-', ' '])
        .split([' ', ';', '>', '|'])
        .next()?;
    let word = word.trim_matches(['"', '\'', '\\']);
    (!word.is_empty() && !rest.starts_with('<')).then_some(word)
}

fn words(line: &str) -> Vec<&str> {
    let words = line.split_whitespace();
    words.take_while(|word| !word.starts_with('#')).collect()
}

/// Splits a line into its commands.
fn split<'a>(line: usize, words: &[&'a str], commands: &mut Vec<Command<'a>>) {
    const BEFORE: &[&str] = &[
        "then", "else", "do", "{", "time", "exec", "env", "nice", "command", "sudo", "(",
        "fakeroot",
    ];
    let mut current: Vec<&str> = Vec::new();
    let mut is_condition = false;
    let mut end = |current: &mut Vec<&'a str>, is_guarded: bool| {
        if !current.is_empty() {
            let words = std::mem::take(current);
            commands.push(Command {
                line,
                words,
                is_guarded,
            });
        }
    };
    for word in words {
        let bare = word
            .trim_end_matches(';')
            .trim_start_matches('(')
            .trim_end_matches(')');
        match *word {
            "&&" | "|" | ";" | "&" | "|&" => end(&mut current, is_condition),
            "||" => end(&mut current, true),
            "if" | "while" | "until" | "!" | "elif" => is_condition = true,
            _ if current.is_empty() && (BEFORE.contains(word) || is_assignment(bare)) => {}
            _ if bare.is_empty() => {}
            _ => {
                current.push(bare);
                if word.ends_with([';', ')']) {
                    end(&mut current, is_condition);
                    is_condition = false;
                }
            }
        }
    }
    end(&mut current, is_condition);
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_apart() {
        let source = "#!/bin/bash\nset -e\n./configure --prefix=/usr \\\n  --x # why\n\
            CC=gcc make -j4 && make check || true\ncat > f << EOF\nmake evil\nEOF\n\
            if make -C x; then make install; fi\ntime (make html)\n";
        let found: Vec<(usize, String, bool)> = commands(source)
            .iter()
            .map(|command| (command.line, command.words.join(" "), command.is_guarded))
            .collect();
        let expected = [
            (2, "set -e", false),
            (3, "./configure --prefix=/usr --x", false),
            (5, "make -j4", false),
            (5, "make check", true),
            (5, "true", false),
            (6, "cat > f << EOF", false),
            (9, "make -C x", true),
            (9, "make install", false),
            (9, "fi", false),
            (10, "make html", false),
        ];
        let expected = expected.map(|(line, words, guarded)| (line, words.to_owned(), guarded));
        assert_eq!(found, expected);
    }

    #[test]
    fn make_is_known_by_its_target() {
        let source = "make -j$(nproc)\nmake check\nmake DESTDIR=/x install > log\n";
        let line = |asked: &str| {
            let found = Found {
                by_make: true,
                asked: Some(asked.into()),
                ..Found::default()
            };
            guessed(&found, "", source).map(|line| line.number)
        };
        assert_eq!(line("all-recursive"), Some(1));
        assert_eq!(line("check-recursive"), Some(2));
        assert_eq!(line("install"), Some(3));
    }
}
