//! `check`: programs that print, hang, flood and crash; each kind made to fail and to pass.
mod answers;
mod engine;
mod facts;
mod formats;
mod keep;
mod machine;
mod mending;
mod planted;
mod programs;
mod seats;
mod sets;
mod signatures;

use std::process::Command;

use serde_json::Value;

use crate::env::Env;

/// A keep whose own checks are `checks`, and whose only programs are the fake ones in `bin`.
struct Machine(Env);

impl Machine {
    fn new(checks: &str) -> Self {
        let env = Env::new();
        env.git(&["init", "--quiet", "."]);
        env.write("buildkeep.toml", "");
        env.write("checks/own.toml", checks);
        std::fs::create_dir(env.path("bin")).unwrap();
        Self(env)
    }

    /// A fake program: what a shell does that has nothing but built-in commands.
    fn program(&self, name: &str, script: &str) -> &Self {
        self.0
            .script(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
        self
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.0.buildkeep(args);
        command.env("PATH", self.0.path("bin"));
        command
    }

    fn shown(&self, args: &[&str]) -> String {
        self.0.shown(&self.command(args).output().unwrap())
    }

    fn report(&self, mut command: Command) -> Value {
        let output = command.arg("--json").output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", self.0.shown(&output)))
    }

    /// Status and finding of each check of the own set, as `id status found`.
    fn results(&self) -> Vec<String> {
        lines(&self.report(self.command(&["check", "own"])))
    }

    /// The only result.
    fn result(&self) -> String {
        self.results().concat()
    }
}

fn lines(report: &Value) -> Vec<String> {
    let line = |result: &Value| {
        let found = result["found"].as_str().unwrap_or("nothing");
        format!(
            "{} {} {found}",
            result["id"].as_str().unwrap(),
            result["status"].as_str().unwrap()
        )
    };
    report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(line)
        .collect()
}

fn tool(id: &str, more: &str) -> String {
    format!("[[check]]\nid = \"{id}\"\nkind = \"tool\"\nwhy = \"It is needed.\"\n{more}\n")
}
