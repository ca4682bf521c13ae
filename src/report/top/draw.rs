//! The screen.
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Clear, Paragraph, Row, Table};

use super::looking::matches;
use super::{Looking, Now, Planned, Standing, View, per_second, progress, shown};
use crate::run::AttemptState;
use crate::ui::{clean_line, seconds, size};

/// So many steps that run have a line of their own.
const RUNNING: usize = 4;
/// So many notices have a line.
const NOTICES: usize = 2;
/// How many cells the bar has, where there is room.
const BAR: usize = 24;

const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red);
const NOTABLE: Style = Style::new().fg(Color::Yellow);
const NAME: Style = Style::new().fg(Color::Cyan);

/// Draws it all.
pub fn draw(frame: &mut Frame<'_>, view: &View, looking: &Looking) {
    let area = frame.area();
    let running = view.running.len().clamp(1, RUNNING) as u16 + 1;
    let middle = (area.height / 3).saturating_sub(running / 2).clamp(3, 16);
    let rows = Layout::vertical([
        Constraint::Length(2 + view.notices.len().min(NOTICES) as u16),
        Constraint::Length(running),
        Constraint::Length(middle),
        Constraint::Min(2),
        Constraint::Length(1),
    ]);
    let [head, now, state, log, foot] = rows.areas(area);
    frame.render_widget(Clear, area);
    title(frame, head, view);
    table(frame, now, view, looking);
    let [steps, machine] =
        Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(state);
    plan(frame, steps, view);
    happened(frame, machine, view);
    tail(frame, log, view, looking);
    footer(frame, foot, looking);
}

fn title(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let time = view.time.get(11..19).unwrap_or("").to_owned();
    let keep = format!("{} on {}", clean_line(&view.keep), view.host);
    let room = usize::from(area.width).saturating_sub(time.len() + 1);
    let keep = cut(&keep, room);
    let gap = " ".repeat(room.saturating_sub(keep.chars().count()) + 1);
    let first = Line::from(vec![
        Span::styled(keep, STRONG),
        Span::raw(gap),
        Span::styled(time, FAINT),
    ]);
    let second = if let Some(problem) = &view.problem {
        Line::styled(clean_line(problem).into_owned(), BAD)
    } else {
        let text = progress(view);
        let room = usize::from(area.width).saturating_sub(text.chars().count() + 1);
        let bar = room.min(BAR);
        let cells = ((view.progress * bar as f64).floor() as usize).min(bar);
        let bar = format!("{}{}", "█".repeat(cells), "░".repeat(bar - cells));
        Line::from(vec![Span::styled(bar, GOOD), Span::raw(format!(" {text}"))])
    };
    let notices = view.notices.iter().take(NOTICES);
    let notices = notices.map(|notice| {
        let text = format!("{}: {}", notice.kind, clean_line(&notice.message));
        Line::styled(cut(&text, usize::from(area.width)), NOTABLE)
    });
    let lines: Vec<_> = [first, second].into_iter().chain(notices).collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// What runs.
fn table(frame: &mut Frame<'_>, area: Rect, view: &View, looking: &Looking) {
    let widths = [
        Constraint::Min(12),
        Constraint::Length(25),
        Constraint::Length(5),
        Constraint::Length(7),
        Constraint::Length(9),
        Constraint::Length(9),
        Constraint::Length(5),
    ];
    let head = [
        "running", "time", "CPUs", "memory", "read", "written", "procs",
    ];
    if view.running.is_empty() {
        let lines = vec![
            Line::styled("nothing runs", FAINT),
            Line::styled("`buildkeep run` goes on with the build", FAINT),
        ];
        frame.render_widget(Paragraph::new(lines), area);
        return;
    }
    let selected = looking.selected % view.running.len();
    let first = selected.saturating_sub(RUNNING - 1);
    let rows = view.running.iter().enumerate().skip(first).take(RUNNING);
    let rows = rows.map(|(at, now)| row(now, at == selected && view.running.len() > 1));
    let table = Table::new(rows, widths)
        .header(Row::new(head).style(FAINT))
        .column_spacing(1);
    frame.render_widget(table, area);
}

fn row(now: &Now, is_selected: bool) -> Row<'static> {
    let is_late = matches!((now.elapsed_s, now.expected_s), (Some(is), Some(due)) if is > due);
    let time = match now.state {
        AttemptState::Paused => format!("paused, {}", now.time()),
        _ => now.time(),
    };
    let cells = [
        Cell::new(clean_line(&now.attempt).into_owned()).style(NAME),
        Cell::new(time).style(if is_late { NOTABLE } else { Style::new() }),
        Cell::new(shown(now.cpus, |cpus| format!("{cpus:.1}"))),
        Cell::new(shown(now.rss_bytes, size)),
        Cell::new(shown(now.read_bytes_per_s, per_second)),
        Cell::new(shown(now.written_bytes_per_s, per_second)),
        Cell::new(shown(now.processes, |count| count.to_string())),
    ];
    let style = if is_selected { STRONG } else { Style::new() };
    Row::new(cells).style(style)
}

/// The steps around the one that is built, with their share of the time.
fn plan(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(FAINT)
        .title(" steps, and their share of the time ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let room = usize::from(inner.height);
    let is_open = |step: &Planned| step.standing != Standing::Done;
    let current = view
        .plan
        .iter()
        .position(|step| step.standing == Standing::Running);
    let current = current.or_else(|| view.plan.iter().position(is_open));
    let current = current.unwrap_or(view.plan.len());
    let last = view.plan.len().saturating_sub(room);
    let first = current.saturating_sub(room / 3).min(last);
    let name = usize::from(inner.width).saturating_sub(24);
    let lines = view.plan.iter().skip(first).take(room);
    let lines: Vec<_> = lines.map(|step| step_line(step, name)).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn step_line(step: &Planned, room: usize) -> Line<'static> {
    let (mark, style) = match step.standing {
        Standing::Done => ("✓", GOOD),
        Standing::Running => ("▶", NAME),
        Standing::Failed => ("✗", BAD),
        Standing::Stale => ("~", NOTABLE),
        Standing::Pending => ("·", FAINT),
    };
    let name = cut(&clean_line(&step.step), room);
    let share = match step.share * 100.0 {
        share if share < 0.05 => String::new(),
        share if share < 9.95 => format!("{share:.1} %"),
        share => format!("{share:.0} %"),
    };
    let time = step.expected_s.map_or_else(String::new, seconds);
    Line::from(vec![
        Span::styled(format!("{mark} {name:room$}"), style),
        Span::raw(format!(" {time:>12} {share:>7}")),
    ])
}

/// The machine, and what happened last.
fn happened(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let block = Block::new()
        .borders(Borders::TOP | Borders::LEFT)
        .border_style(FAINT)
        .title(" who waits for what, and free disk ");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let level = |value: f64, limit: f64| {
        let style = if value > limit { NOTABLE } else { Style::new() };
        Span::styled(format!("{value:.0} %"), style)
    };
    let pressure = &view.pressure;
    let mut lines = vec![Line::from(vec![
        Span::styled("cpu ", FAINT),
        level(pressure.cpu, 100.0),
        Span::styled(" disk ", FAINT),
        level(pressure.io, 40.0),
        Span::styled(" mem ", FAINT),
        level(pressure.memory, 10.0),
        Span::styled(" free ", FAINT),
        Span::raw(size(view.disk_free_bytes)),
    ])];
    let room = usize::from(inner.height).saturating_sub(1);
    let first = view.events.len().saturating_sub(room);
    for event in &view.events[first..] {
        let time = event.time.get(11..16).unwrap_or("").to_owned();
        let style = if event.is_bad() { BAD } else { Style::new() };
        let words = cut(&event.words(), usize::from(inner.width).saturating_sub(6));
        lines.push(Line::from(vec![
            Span::styled(format!("{time} "), FAINT),
            Span::styled(words, style),
        ]));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The end of the log, or the part that a person looks at.
fn tail(frame: &mut Frame<'_>, area: Rect, view: &View, looking: &Looking) {
    let log = looking.log(view);
    let name = log.map_or_else(
        || "log".to_owned(),
        |log| clean_line(&log.attempt).into_owned(),
    );
    let part = log.and_then(|log| {
        let running = view.running.iter().find(|now| now.attempt == log.attempt)?;
        Some(format!("{name}: {} ", running.substep.as_ref()?))
    });
    let held = if looking.held.is_some() {
        format!(" {name}, held {} lines back (End: newest) ", looking.below)
    } else if let Some(part) = part {
        format!(" {}", cut(&part, usize::from(area.width).saturating_sub(2)))
    } else {
        format!(" {name} ")
    };
    let block = Block::new()
        .borders(Borders::TOP)
        .border_style(FAINT)
        .title(held);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let Some(log) = log else {
        return;
    };
    let end = log.lines.len().saturating_sub(looking.below);
    let first = end.saturating_sub(usize::from(inner.height));
    let lines = log.lines[first..end].iter().enumerate();
    let lines: Vec<_> = lines
        .map(|(at, line)| log_line(line, &looking.sought, looking.found == Some(first + at)))
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

/// A line with what is searched marked in it.
fn log_line<'a>(line: &'a str, sought: &str, is_found: bool) -> Line<'a> {
    let base = if is_found { STRONG } else { Style::new() };
    let place = if sought.is_empty() {
        None
    } else {
        matches(line, sought)
    };
    let Some((start, end)) = place.map(|start| (start, start + sought.len())) else {
        return Line::styled(line, base);
    };
    Line::from(vec![
        Span::styled(&line[..start], base),
        Span::styled(&line[start..end], base.add_modifier(Modifier::REVERSED)),
        Span::styled(&line[end..], base),
    ])
}

fn footer(frame: &mut Frame<'_>, area: Rect, looking: &Looking) {
    let line = match (&looking.typed, &looking.said) {
        (Some(typed), _) => Line::from(format!("/{}", clean_line(typed))),
        (_, Some(said)) => Line::styled(said.clone(), NOTABLE),
        _ => {
            let keys = [
                ("q", "end"),
                ("Tab", "other step"),
                ("↑↓ PgUp PgDn", "log"),
                ("/", "search"),
                ("n N", "next"),
                ("End", "newest"),
            ];
            let spans = keys.iter().flat_map(|(key, what)| {
                [
                    Span::styled(*key, STRONG),
                    Span::styled(format!(" {what}  "), FAINT),
                ]
            });
            Line::from(spans.collect::<Vec<_>>())
        }
    };
    frame.render_widget(Paragraph::new(line), area);
}

/// The text in so many characters, with `…` for what does not fit.
fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::report::status::Counts;
    use crate::report::top::{LogTail, Pressure};
    use crate::ui::Key;

    fn view() -> View {
        let planned = |step: &str, standing, share| Planned {
            step: step.into(),
            standing,
            expected_s: Some(share * 1000.0),
            share,
        };
        View {
            time: "2026-01-02T03:04:05.000Z".into(),
            keep: "/mnt/lfs/keep".into(),
            host: "box".into(),
            steps: Counts {
                total: 4,
                done: 1,
                ..Counts::default()
            },
            progress: 0.31,
            eta_s: Some(7800.0),
            running: vec![Now {
                step: "gcc".into(),
                attempt: "gcc#2".into(),
                state: AttemptState::Running,
                elapsed_s: Some(300.0),
                expected_s: Some(2400.0),
                substep: None,
                cpus: Some(3.84),
                rss_bytes: Some(1_200_000_000),
                read_bytes_per_s: Some(0.0),
                written_bytes_per_s: Some(4_100_000.0),
                processes: Some(45),
                log_bytes: 100,
            }],
            pressure: Pressure {
                cpu: 95.0,
                io: 3.0,
                memory: 0.0,
            },
            disk_free_bytes: 12_000_000_000,
            plan: vec![
                planned("binutils", Standing::Done, 0.01),
                planned("gcc", Standing::Running, 0.41),
                planned("glibc", Standing::Failed, 0.11),
                planned("a-name-that-is-far-too-long-for-it", Standing::Pending, 0.0),
            ],
            log: Some(LogTail {
                attempt: "gcc#2".into(),
                lines: (1..=50).map(|at| format!("line {at} of the log")).collect(),
            }),
            ..View::default()
        }
    }

    fn screen(width: u16, height: u16, view: &View, looking: &Looking) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view, looking)).unwrap();
        let buffer = terminal.backend().buffer();
        let rows = buffer.content().chunks(usize::from(width));
        let text = rows.map(|row| {
            let row: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
            row.trim_end().to_owned()
        });
        text.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn all_of_it_fits_into_80_by_24() {
        let shown = screen(80, 24, &view(), &Looking::default());
        for expected in [
            "/mnt/lfs/keep on box",
            "03:04:05",
            "1 of 4 steps done, 31 % of the time, about 2 h 10 min to go",
            "running",
            "gcc#2 ",
            "5 min 0 s of about 40 min",
            "3.8",
            "1.2 GB",
            "4.1 MB/s",
            "✓ binutils",
            "▶ gcc",
            "✗ glibc",
            "41 %",
            "cpu 95 % disk 3 % mem 0 % free 12 GB",
            "line 50 of the log",
            "q end",
        ] {
            assert!(shown.contains(expected), "{expected}\n{shown}");
        }
        assert_eq!(shown.lines().count(), 24);
    }

    #[test]
    fn no_size_is_too_small_and_a_large_one_shows_more() {
        for width in [1, 2, 7, 20, 40, 79, 200] {
            for height in [1, 2, 3, 5, 8, 12, 60] {
                screen(width, height, &view(), &Looking::default());
                screen(width, height, &View::default(), &Looking::default());
            }
        }
        let large = screen(160, 60, &view(), &Looking::default());
        assert!(large.contains("line 20 of the log"), "{large}");
    }

    #[test]
    fn a_search_shows_the_line_and_what_is_typed() {
        let mut looking = Looking::default();
        for c in "/line 7 ".chars() {
            looking.key(Key::Char(c), &view());
        }
        assert!(screen(80, 24, &view(), &looking).contains("\n/line 7"));
        looking.key(Key::Enter, &view());
        let shown = screen(80, 24, &view(), &looking);
        assert!(
            shown.contains("line 7 of the log") && !shown.contains("line 50 of the log"),
            "{shown}"
        );
        assert!(shown.contains("held 43 lines back"), "{shown}");
    }

    #[test]
    fn escapes_in_names_and_logs_reach_no_terminal() {
        let mut view = view();
        view.running[0].attempt = "a\u{1b}[31m".into();
        view.keep = "k\u{1b}]0;x\u{7}".into();
        view.problem = Some("wrong\u{1b}[2J".into());
        let shown = screen(80, 24, &view, &Looking::default());
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{7}'),
            "{shown}"
        );
    }
}
