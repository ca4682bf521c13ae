//! The reference of the command line is what `--help` says, and every command can tell about itself.
use std::fmt::Write as _;
use std::path::Path;

use crate::env::Env;

/// `--help` of a command and of all below it, as Markdown.
fn document(env: &Env, command: &[&str], out: &mut String) {
    let mut args = command.to_vec();
    args.push("--help");
    let help = env.stdout(&args);
    let title = ["buildkeep"]
        .iter()
        .chain(command)
        .copied()
        .collect::<Vec<_>>()
        .join(" ");
    writeln!(out, "## {title}\n\n```text\n{}\n```\n", help.trim_end()).unwrap();
    let listed = help.split("Commands:\n").nth(1).unwrap_or_default();
    let names = listed
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| {
            let name = line.strip_prefix("  ")?.split(' ').next()?;
            (!name.is_empty() && name != "help").then_some(name)
        });
    for name in names {
        let below: Vec<_> = command.iter().copied().chain([name]).collect();
        document(env, &below, out);
    }
}

#[test]
fn the_reference_is_what_help_says() {
    let env = Env::new();
    let mut text = "# Command line reference\n\nMade from `--help` by `tests/it/reference.rs`: \
                    `SNAPSHOTS=overwrite cargo test --test it reference`.\n\n"
        .to_owned();
    document(&env, &[], &mut text);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/cli.md");
    snapbox::assert_data_eq!(
        text.trim_end().to_owned() + "\n",
        snapbox::Data::read_from(&file, None).raw()
    );
}

#[test]
fn manual_pages_and_completions_are_made() {
    let env = Env::new();
    env.stdout(&["man", "--to", "man"]);
    for page in ["buildkeep.1", "buildkeep-run.1", "buildkeep-config-set.1"] {
        assert!(env.path("man").join(page).exists(), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(env.stdout(&["completions", shell]).contains("buildkeep"));
    }
}
