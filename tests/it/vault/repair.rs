//! What is damaged or missing comes back from copies of the vault.
use super::damage::{damage_bad, packs};
use super::{backup, differences, hostile};
use crate::env::Env;

fn source(env: &Env) {
    env.write("src/good", &"good ".repeat(1000));
    env.write("src/dir/below/file", "deep\n");
    std::fs::write(env.path("src/bad"), hostile::noise(100_000, 1)).unwrap();
    backup(env);
    let copied = env.command("cp").args(["-a", "v", "copy"]).status();
    assert!(copied.unwrap().success());
}

fn repair(env: &Env, from: &[&str]) -> serde_json::Value {
    let mut args = vec!["backup", "repair", "--vault", "v", "--json"];
    args.extend(from.iter().flat_map(|from| ["--from", from]));
    let output = env.buildkeep(&args).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", env.shown(&output)))
}

/// Nothing is wrong with the vault, and all of the source comes out of it.
fn is_whole(env: &Env) {
    let report = env.json(&["backup", "verify", "--vault", "v"]);
    assert_eq!(report["damage"], serde_json::json!([]));
    env.git(&["-C", "v", "fsck", "--full", "--strict", "--no-dangling"]);
    env.stdout(&["backup", "restore", "latest", "--to", "new", "--vault", "v"]);
    assert_eq!(differences(env, "src", "new"), "");
    assert!(!env.path("v/buildkeep/repair").exists());
}

#[test]
fn a_damaged_file_comes_back_from_a_second_vault() {
    let env = Env::new();
    source(&env);
    damage_bad(&env);
    let alone = repair(&env, &[]);
    assert_eq!(alone["left"].as_array().unwrap().len(), 1, "{alone}");
    assert_eq!(alone["left"][0]["path"], "bad");
    assert_eq!(alone["snapshots"].as_array().unwrap().len(), 1);
    let done = repair(&env, &["copy"]);
    assert_eq!(done["left"], serde_json::json!([]));
    assert_eq!(done["brought"], 1);
    is_whole(&env);
    let again = env.stdout(&["backup", "repair", "--vault", "v"]);
    assert!(again.contains("nothing to repair"), "{again}");
}

#[test]
fn a_lost_pack_comes_back_through_git() {
    let env = Env::new();
    source(&env);
    for pack in packs(&env) {
        std::fs::remove_file(pack.with_extension("idx")).unwrap();
        std::fs::remove_file(pack).unwrap();
    }
    let url = format!("file://{}", env.path("copy").display());
    let done = repair(&env, &[&url]);
    assert_eq!(done["left"], serde_json::json!([]), "{done}");
    is_whole(&env);
}

#[test]
fn a_damaged_copy_gives_what_it_has_whole() {
    let env = Env::new();
    source(&env);
    damage_bad(&env);
    std::fs::rename(env.path("v"), env.path("worse")).unwrap();
    let copied = env.command("cp").args(["-a", "copy", "v"]).status();
    assert!(copied.unwrap().success());
    for pack in packs(&env) {
        std::fs::remove_file(pack.with_extension("idx")).unwrap();
        std::fs::remove_file(pack).unwrap();
    }
    let done = repair(&env, &["worse"]);
    assert_eq!(done["left"].as_array().unwrap().len(), 1, "{done}");
    assert_eq!(done["left"][0]["path"], "bad");
    let done = repair(&env, &["worse", "copy"]);
    assert_eq!(done["left"], serde_json::json!([]), "{done}");
    is_whole(&env);
}

#[test]
fn what_is_no_copy_is_told() {
    let env = Env::new();
    source(&env);
    let said = env.run(&["backup", "repair", "--vault", "v", "--from", "nowhere"]);
    assert!(
        said.contains("nowhere") && said.contains("exit 5"),
        "{said}"
    );
    assert!(!env.path("v/buildkeep/repair").exists(), "{said}");
}

#[test]
fn a_part_is_read_each_time_and_all_of_it_in_the_end() {
    let env = Env::new();
    for number in 0..5 {
        let path = env.write(&format!("src/{number}"), "");
        std::fs::write(path, hostile::noise(5_000_000, number + 7)).unwrap();
    }
    std::fs::write(env.path("src/bad"), hostile::noise(100_000, 1)).unwrap();
    backup(&env);
    damage_bad(&env);
    let verify = |how: &[&str]| {
        let args = ["backup", "verify", "--vault", "v", "--json"];
        let output = env.buildkeep(&args).args(how).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            output.status.code() == Some(0),
            report["damage"] == serde_json::json!([])
        );
        report
    };
    let structure = verify(&["--structure"]);
    assert_eq!(structure["damage"], serde_json::json!([]));
    let mut times = 0;
    loop {
        times += 1;
        let report = verify(&["--subset", "20%"]);
        let (part, all) = (
            report["part_bytes"].as_u64(),
            report["packs_bytes"].as_u64(),
        );
        assert!(part.unwrap() * 2 < all.unwrap(), "{report}");
        if report["damage"][0]["path"] == "bad" {
            break;
        }
        assert!(times < 6, "{report}");
    }
    // A part without damage is no reason to forget what was found elsewhere.
    verify(&["--subset", "20%"]);
    assert!(env.path("v/buildkeep/damage-found").exists());
    let said = env.run(&["backup", "verify", "--vault", "v", "--subset", "0"]);
    assert!(said.contains("as `5%`"), "{said}");
}
