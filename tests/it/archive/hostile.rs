//! Archives that lie: a located error, nothing outside, nothing half imported.
use super::{export, with_snapshot};
use crate::env::Env;

/// An entry of a tar archive, its checksum right.
fn entry(name: &str, kind: u8, link: &str, size: u64) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_ustar_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn padded(content: &[u8]) -> Vec<u8> {
    let mut all = content.to_vec();
    all.resize(content.len().next_multiple_of(512), 0);
    all
}

fn extended(records: &str) -> Vec<u8> {
    let body = format!("{} {records}\n", records.len() + 4);
    [
        entry("x", b'x', "", body.len() as u64),
        padded(body.as_bytes()),
    ]
    .concat()
}

/// Imports bytes and returns what was said; nothing may have come in, nothing may have been written.
fn refused(env: &Env, bytes: &[u8]) -> String {
    std::fs::write(env.path("bad.tar"), bytes).unwrap();
    let said = env.run(&["backup", "import", "bad.tar", "--vault", "w"]);
    assert!(said.ends_with("--- exit 2\n"), "{said}");
    let tags = env
        .command("git")
        .args(["-C", "w", "tag"])
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&tags.stdout), "", "{said}");
    assert!(!env.path("../escaped").exists());
    said
}

#[test]
fn names_that_lead_out_are_refused_where_they_stand() {
    let env = Env::new();
    let end = vec![0; 1024];
    let first = [entry("fine", b'0', "", 5), padded(b"hello")].concat();
    for (bad, reason) in [
        (entry("/etc/escaped", b'0', "", 0), "absolute name"),
        (entry("../escaped", b'0', "", 0), "`..`"),
        (entry("a/../../escaped", b'5', "", 0), "`..`"),
        (
            entry("hard", b'1', "/etc/passwd", 0),
            "does not stand before it",
        ),
        (
            entry("hard", b'1', "../../etc/passwd", 0),
            "does not stand before it",
        ),
        (entry("hard", b'1', "later", 0), "does not stand before it"),
        (entry("fine/below", b'0', "", 0), "which is no folder"),
        (
            [
                entry("out", b'2', "/etc", 0),
                entry("out/escaped", b'0', "", 0),
            ]
            .concat(),
            "which is no folder",
        ),
    ] {
        let said = refused(&env, &[&first[..], &bad, &end].concat());
        assert!(
            said.contains("is refused") && said.contains(reason),
            "{said}"
        );
        assert!(
            said.contains("at byte 1024") || said.contains("at byte 1536"),
            "{said}"
        );
    }
}

#[test]
fn sizes_that_cannot_be_are_errors_and_cost_nothing() {
    let env = Env::new();
    for bad in [
        entry("huge", b'0', "", 0o77_777_777_777),
        [
            extended("size=9223372036854775807"),
            entry("a", b'0', "", 0),
        ]
        .concat(),
        [
            extended("size=99999999999999999999"),
            entry("a", b'0', "", 0),
        ]
        .concat(),
        entry("x", b'x', "", 1 << 32),
        entry("L", b'L', "", 1 << 32),
        [
            extended("GNU.sparse.realsize=9223372036854775808"),
            entry("a", b'0', "", 0),
        ]
        .concat(),
        [extended("mtime=1e99"), entry("a", b'0', "", 0)].concat(),
        entry("odd", b'?', "", 0),
    ] {
        let said = refused(&env, &bad);
        assert!(said.contains("the archive is "), "{said}");
        assert!(said.contains("nothing was imported"), "{said}");
    }
}

#[test]
fn a_cut_or_changed_archive_is_told_wherever_it_is_cut() {
    let env = Env::new();
    let tag = with_snapshot(&env);
    for form in ["tar", "tar.gz", "tar.zst", "bundle"] {
        let file = format!("out.{form}");
        export(&env, &["-o", &file]);
        let whole = std::fs::read(env.path(&file)).unwrap();
        for part in [
            1,
            600,
            whole.len() / 3,
            whole.len() / 2,
            whole.len() * 9 / 10,
        ] {
            let said = refused(&env, &whole[..part]);
            assert!(!said.contains("bug"), "{form} {part}: {said}");
        }
        if form != "tar" {
            let mut changed = whole.clone();
            changed[whole.len() / 2] ^= 0x10;
            refused(&env, &changed);
        }
    }
    for bytes in [&b""[..], b"hello", &[0x1f, 0x8b], &[0x28, 0xb5, 0x2f, 0xfd]] {
        refused(&env, bytes);
    }
    assert!(!env.git(&["-C", "v", "tag", "-l", &tag]).is_empty());
}

#[test]
fn a_bomb_is_read_with_little_memory() {
    let env = Env::new();
    // 300 MB of records in an extended header, in some kilobytes.
    let size = 300 << 20;
    let header = entry("x", b'x', "", size);
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).unwrap();
    std::io::Write::write_all(&mut zstd, &header).unwrap();
    std::io::copy(
        &mut std::io::Read::take(std::io::repeat(b'1'), size),
        &mut zstd,
    )
    .unwrap();
    let bomb = zstd.finish().unwrap();
    std::fs::write(env.path("bomb.tar.zst"), bomb).unwrap();
    let mut limited = env.command("bash");
    let binary = env!("CARGO_BIN_EXE_buildkeep");
    let line = format!("ulimit -v 400000; exec {binary} backup import bomb.tar.zst --vault w");
    let said = env.shown(&limited.args(["-c", &line]).output().unwrap());
    assert!(said.contains("an extended header of"), "{said}");
}
