//! Problems as people read them.
use annotate_snippets::{AnnotationKind, Element, Level, Origin, Renderer, Snippet};

use super::problem::Problem;

/// All problems, each with the line concerned; styled (a printer without colour strips that).
pub fn render(problems: &[Problem]) -> String {
    let renderer = Renderer::styled();
    let shown: Vec<String> = problems.iter().map(|p| one(&renderer, p)).collect();
    shown.join("\n\n")
}

fn one(renderer: &Renderer, problem: &Problem) -> String {
    let level = if problem.is_warning {
        Level::WARNING
    } else {
        Level::ERROR
    };
    let title = level.primary_title(&problem.message).id(problem.code);
    let place: Element<'_> = match &problem.excerpt {
        Some(excerpt) => {
            let mark = AnnotationKind::Primary
                .span(excerpt.span.clone())
                .label(problem.label.as_deref());
            Snippet::source(&excerpt.text)
                .line_start(excerpt.line)
                .path(&problem.file)
                .annotation(mark)
                .into()
        }
        None => Origin::path(&problem.file).into(),
    };
    let mut group = title.element(place);
    if let Some(help) = &problem.help {
        group = group.element(Level::HELP.message(help));
    }
    renderer.render(&[group])
}
