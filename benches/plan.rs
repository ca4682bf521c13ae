//! Planning a system like BLFS: 761 scripts, 2,500 needs, and what each step is built from.
//!
//! `cargo bench --profile release --bench plan [ROUNDS]`. The medians go to standard output, in
//! milliseconds: reading and ordering the plan, then the fingerprints of all steps.
#![allow(clippy::unwrap_used, reason = "a benchmark may fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures time")]
#![allow(clippy::print_stdout, reason = "its result")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Instant;

use buildkeep::plan::{Keys, load};

const STEPS: usize = 761;
const NEEDS: usize = 2500;

fn main() {
    let rounds = std::env::args()
        .find_map(|word| word.parse().ok())
        .unwrap_or(21);
    let dir = tempfile::tempdir().unwrap();
    let text = system(dir.path());
    let keys: Keys = std::iter::empty::<(String, _)>().collect();
    let mut times: [Vec<f64>; 2] = Default::default();
    for _ in 0..rounds {
        let began = Instant::now();
        let plan = load(dir.path(), "plan.toml", &text).unwrap();
        times[0].push(began.elapsed().as_secs_f64() * 1000.0);
        let began = Instant::now();
        assert_eq!(plan.fingerprints(&keys).unwrap().len(), STEPS);
        times[1].push(began.elapsed().as_secs_f64() * 1000.0);
    }
    for (name, mut times) in ["plan", "fingerprints"].into_iter().zip(times) {
        times.sort_by(f64::total_cmp);
        println!("{name}: {:.1} ms", times[times.len() / 2]);
    }
}

/// Writes the scripts; returns the plan.
fn system(keep: &Path) -> String {
    let scripts = keep.join("scripts");
    fs::create_dir(&scripts).unwrap();
    let mut plan = String::from("schema = 1\n");
    let mut edges = 0;
    for at in 0..STEPS {
        let path = scripts.join(format!("p{at}.sh"));
        let body = "./configure --prefix=/usr\nmake -j$JOBS\nmake install\n".repeat(10);
        fs::write(
            &path,
            format!("#!/bin/bash\nset -e\n# package {at}\n{body}"),
        )
        .unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let wanted = ((at + 1) * NEEDS / STEPS - edges).min(at);
        let needs = (1..=wanted).map(|n| format!("\"p{}\"", (at * 7 + n * 131) % at));
        let mut needs: Vec<String> = needs.collect();
        needs.sort();
        needs.dedup();
        edges += needs.len();
        let needs = needs.join(", ");
        let _ = write!(
            plan,
            "[[step]]\nscript = \"scripts/p{at}.sh\"\nneeds = [{needs}]\n"
        );
    }
    plan
}
