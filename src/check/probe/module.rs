//! Modules that an interpreter must find.
use super::super::Host;
use super::super::definition::Check;
use super::program::{answer, quoted};
use super::{Finding, Language};

/// All modules are asked for at once; if that fails each alone, so that the answer names the missing.
pub(super) fn look(
    language: Language,
    modules: &[String],
    (check, host): (&Check, &Host<'_>),
) -> Finding {
    let (program, args) = language.asks_for(modules);
    match answer(program, &args, (check, host)) {
        Ok(output) if output.status.success() => return Finding::ok("all of them"),
        Ok(_) => {}
        Err(finding) => return finding,
    }
    let mut missing = Vec::new();
    for module in modules {
        let (program, args) = language.asks_for(std::slice::from_ref(module));
        match answer(program, &args, (check, host)) {
            Ok(output) if output.status.success() => {}
            Ok(output) if language.says_missing(&output.stderr) => missing.push(module.as_str()),
            Ok(output) => {
                let line = quoted(output.first_line());
                return Finding::unknown(format!("{module}: {line}"));
            }
            Err(finding) => return finding,
        }
    }
    if missing.is_empty() {
        return Finding::unknown("each module is there, and all together are not");
    }
    Finding::fail(format!("without {}", missing.join(", "))).subject(missing.join(" "))
}

impl Language {
    /// The interpreter.
    pub(in crate::check) fn program(self) -> &'static str {
        match self {
            Self::Perl => "perl",
            Self::Python => "python3",
        }
    }

    fn asks_for(self, modules: &[String]) -> (&'static str, Vec<String>) {
        let (option, word) = match self {
            Self::Perl => ("-e", "use"),
            Self::Python => ("-c", "import"),
        };
        let program = self.program();
        let lines = modules.iter().map(|module| format!("{word} {module};"));
        let text = lines.collect::<Vec<_>>().join("\n");
        (program, vec![option.to_owned(), text])
    }

    fn says_missing(self, stderr: &str) -> bool {
        match self {
            Self::Perl => stderr.contains("Can't locate"),
            Self::Python => {
                stderr.contains("ImportError") || stderr.contains("ModuleNotFoundError")
            }
        }
    }
}
