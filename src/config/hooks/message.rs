//! Messages of commits that people make: only buildkeep says `Buildkeep-…` of a commit.
use crate::document::{Problem, code};
use crate::store::{Message, Trailers};

/// The beginning of a line that Git would read as a fact about us, whatever its case.
const PREFIX: &str = "buildkeep-";

/// What is wrong with a message, in the file `name`, for a commit made with plain Git.
///
/// `carried` are the facts of commits that are being amended or picked: they may stay as they are.
pub fn message_problems(name: &str, text: &str, carried: &[Trailers]) -> Vec<Problem> {
    let lines = last_paragraph(text);
    let facts: Vec<&str> = lines.iter().map(|(_, line)| *line).collect();
    let read = Message::parse(&format!("subject\n\n{}", facts.join("\n")));
    let is_carried = carried.contains(&read.trailers);
    let mut readable = read.trailers.iter();
    let mut problems = Vec::new();
    for (at, line) in lines {
        if !starts_like_ours(line) {
            continue;
        }
        let alone = Message::parse(&format!("subject\n\n{line}")).trailers;
        let fact = alone.iter().next().and_then(|_| readable.next());
        let problem = match fact {
            Some(_) if is_carried => continue,
            Some((key, _)) => claimed(key),
            None => garbled(line),
        };
        problems.push(problem.in_text(name, text, at..at + line.len()));
    }
    problems
}

fn claimed(key: &str) -> Problem {
    let message = format!("`Buildkeep-{key}` says that buildkeep made this commit");
    Problem::new(code::FORGED, message)
        .help("take the line out; for a commit of buildkeep's use `buildkeep commit`")
}

fn garbled(line: &str) -> Problem {
    let word = line.split([':', ' ']).next().unwrap_or_default();
    let message = format!("`{word}` looks like a fact of buildkeep's, and cannot be read as one");
    Problem::new(code::GARBLED, message).help("take the line out, or begin it in another way")
}

fn starts_like_ours(line: &str) -> bool {
    line.get(..PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// The last paragraph of a message with the places of its lines: without the comments that Git
/// takes out, without the diff of `git commit -v`, without the subject.
fn last_paragraph(text: &str) -> Vec<(usize, &str)> {
    let mut paragraph = Vec::new();
    let mut is_over = false;
    let (mut at, mut subject) = (0, None);
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let line = line.trim_end();
        if line.ends_with("------------------------ >8 ------------------------") {
            break;
        }
        if is_comment(line) {
            continue;
        }
        if line.is_empty() {
            is_over = true;
            continue;
        }
        if std::mem::take(&mut is_over) {
            paragraph.clear();
        }
        if *subject.get_or_insert(start) != start {
            paragraph.push((start, line));
        }
    }
    paragraph
}

/// Comments begin with `#`, or with what `core.commentChar` says, which is never a letter here.
fn is_comment(line: &str) -> bool {
    line.starts_with(['#', ';', '%', '|', '!', '@', '$', '&', '^'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(text: &str, carried: &[Trailers]) -> Vec<(&'static str, usize)> {
        let problems = message_problems("M", text, carried);
        problems
            .iter()
            .map(|problem| (problem.code, problem.line))
            .collect()
    }

    #[test]
    fn only_facts_of_ours_in_the_last_paragraph_count() {
        for good in [
            "one\n",
            "Buildkeep-Kind: what a subject\n",
            "one\n\nBuildkeep-Kind: run\n\nSigned-off-by: a\n",
            "one\n\nfixes: 3\nSigned-off-by: a\n# Buildkeep-Kind: run\n",
            "one\n\ntwo\n# ---\n# ------------------------ >8 ------------------------\n\nBuildkeep-Kind: run\n",
            "",
        ] {
            assert_eq!(codes(good, &[]), [], "{good}");
        }
        assert_eq!(codes("one\n\nBuildkeep-Kind: run\n", &[]), [("K201", 3)]);
        assert_eq!(
            codes("one\nBuildkeep-Kind: run\n\n# hm\n", &[]),
            [("K201", 2)]
        );
        assert_eq!(
            codes(
                "one\n\nSigned-off-by: a\nbuildkeep-kind: run\nBuildkeep-Op:1\nBuildkeep-Op: 1",
                &[]
            ),
            [("K202", 4), ("K202", 5), ("K201", 6)]
        );
    }

    #[test]
    fn what_is_amended_keeps_its_facts() {
        let carried = [Trailers::new("config", "OP", "h")];
        let text = Message::new("one", carried[0].clone()).to_string();
        assert_eq!(codes(&text, &carried), []);
        assert_eq!(codes(&format!("{text}Signed-off-by: a\n"), &carried), []);
        assert_eq!(codes(&text.replace("OP", "OTHER"), &carried).len(), 4);
        assert_eq!(
            codes(&format!("{text}Buildkeep-X:y\n"), &carried),
            [("K202", 7)]
        );
    }
}
