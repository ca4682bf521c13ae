//! Packs against Git and gix.
use std::path::{Path, PathBuf};
use std::process::Command;

use gix::objs::Find as _;

use super::*;

struct Repo(tempfile::TempDir);

impl Repo {
    fn new() -> Self {
        let repo = Self(tempfile::tempdir().unwrap());
        repo.git(&["init", "-q", "--bare", "."]);
        repo
    }

    fn objects(&self) -> PathBuf {
        self.0.path().join("objects")
    }

    fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .current_dir(self.0.path())
            .args(args)
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {args:?}: {stderr}");
        String::from_utf8(output.stdout).unwrap() + &stderr
    }

    fn packs(&self) -> Vec<PathBuf> {
        PackScan::indexes(&self.objects()).unwrap()
    }
}

/// Contents of many sizes, some of which do not compress.
fn contents() -> Vec<Vec<u8>> {
    let mut state = 7_u64;
    let mut noise = |length: usize| -> Vec<u8> {
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    };
    let sizes = [0, 1, 15, 16, 17, 8000, 8192, 40_000, 700_000];
    let text = sizes.map(|size| b"text ".repeat(size / 5 + 1));
    text.into_iter().chain(sizes.map(&mut noise)).collect()
}

fn write_all(objects: &Path, contents: &[Vec<u8>]) -> (Vec<ObjectId>, Written) {
    let packs = Packs::begin(objects, &[]).unwrap();
    let mut writer = packs.writer();
    let add = |content: &Vec<u8>| writer.add(Kind::Blob, content, Size::Small).unwrap();
    let ids = contents.iter().map(add).collect();
    writer.finish().unwrap();
    (ids, packs.finish().unwrap())
}

#[test]
fn git_and_gix_accept_what_we_write() {
    let (repo, contents) = (Repo::new(), contents());
    let (ids, written) = write_all(&repo.objects(), &contents);
    let different: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(
        (written.packs, written.objects),
        (1, different.len() as u64)
    );
    repo.git(&["fsck", "--strict", "--full"]);
    let index = repo.packs()[0].clone();
    repo.git(&["verify-pack", index.to_str().unwrap()]);
    let gix = gix::odb::at(repo.objects(), gix::hash::Kind::Sha1).unwrap();
    let mut buffer = Vec::new();
    for (id, content) in ids.iter().zip(&contents) {
        let object = gix.try_find(id, &mut buffer).unwrap().unwrap();
        assert!(object.data == content.as_slice());
    }
}

#[test]
fn a_pack_that_is_exactly_full_needs_no_second_hash_and_is_valid() {
    let repo = Repo::new();
    let contents: Vec<_> = (0..1030).map(|n| format!("{n}").into_bytes()).collect();
    let packs = Packs::begin(&repo.objects(), &[]).unwrap();
    let mut writer = packs.writer();
    for content in &contents {
        writer.add(Kind::Blob, content, Size::Chunks).unwrap();
    }
    writer.finish().unwrap();
    let written = packs.finish().unwrap();
    assert_eq!((written.packs, written.objects), (3, 1030));
    for index in repo.packs() {
        repo.git(&["verify-pack", index.to_str().unwrap()]);
    }
}

#[test]
fn known_objects_are_not_written_again() {
    let (repo, contents) = (Repo::new(), contents());
    let (ids, first) = write_all(&repo.objects(), &contents);
    assert!(first.bytes > 0);
    let (again, second) = write_all(&repo.objects(), &contents);
    assert_eq!((again, second), (ids, Written::default()));
}

#[test]
fn our_reader_reads_packed_loose_and_deltified_objects() {
    let repo = Repo::new();
    let mut contents = contents();
    let base = b"some line of text\n".repeat(3000);
    contents.extend((0..4_u8).map(|n| [base.clone(), vec![n; 9]].concat()));
    let (ids, _) = write_all(&repo.objects(), &contents);
    let read_all = || {
        let objects = Objects::open(&repo.objects()).unwrap();
        let (mut reader, mut content) = (objects.reader(), Vec::new());
        for (id, expected) in ids.iter().zip(&contents) {
            assert_eq!(reader.read(id, &mut content).unwrap(), Kind::Blob);
            assert!(&content == expected);
        }
    };
    read_all();
    let index = repo.packs()[0].clone();
    let pack = std::fs::read(index.with_extension("pack")).unwrap();
    let lines: Vec<_> = ids
        .iter()
        .map(|id| format!("100644 blob {id}\t{id}\n"))
        .collect();
    let tree = lines.concat();
    let list = repo.0.path().join("list");
    std::fs::write(&list, tree).unwrap();
    let script = "git mktree < list | xargs -I{} git commit-tree {} -m x | xargs git update-ref refs/heads/x";
    sh(
        &repo,
        &format!(
            "export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a; {script}"
        ),
    );
    repo.git(&["repack", "-q", "-a", "-d", "-f", "--window=10"]);
    read_all();
    for index in repo.packs() {
        std::fs::remove_file(index.with_extension("pack")).unwrap();
        std::fs::remove_file(index).unwrap();
    }
    std::fs::write(repo.0.path().join("p"), pack).unwrap();
    sh(&repo, "git unpack-objects -q < p");
    read_all();
}

fn sh(repo: &Repo, script: &str) {
    let status = Command::new("sh")
        .current_dir(repo.0.path())
        .args(["-c", script])
        .status();
    assert!(status.unwrap().success(), "{script}");
}

#[test]
fn every_flipped_byte_of_a_pack_is_found() {
    let repo = Repo::new();
    let contents: Vec<_> = (0..6)
        .map(|n| format!("content {n}").into_bytes())
        .collect();
    write_all(&repo.objects(), &contents);
    let path = repo.packs()[0].with_extension("pack");
    let whole = std::fs::read(&path).unwrap();
    assert_eq!(damaged(&repo), 0);
    std::fs::remove_file(&path).unwrap();
    for at in 12..whole.len() - 20 {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&path, bytes).unwrap();
        assert!(damaged(&repo) > 0, "byte {at}");
    }
    for length in [0, 11, 12, 40, whole.len() - 21] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(damaged(&repo) > 0, "length {length}");
    }
}

fn damaged(repo: &Repo) -> usize {
    let scan = PackScan::open(&repo.packs()[0]).unwrap();
    let mut wrong = 0;
    for entry in scan.entries() {
        let fate = scan.check(&[entry], |_, fate| wrong += usize::from(fate.is_err()));
        wrong += usize::from(fate.is_err());
    }
    wrong
}

#[test]
fn unfinished_packs_leave_nothing_behind() {
    let repo = Repo::new();
    let packs = Packs::begin(&repo.objects(), &[]).unwrap();
    let mut writer = packs.writer();
    writer
        .add(Kind::Blob, &vec![1; 2_000_000], Size::Small)
        .unwrap();
    drop(writer);
    assert_eq!(packs.finish().unwrap(), Written::default());
    assert_eq!(
        std::fs::read_dir(repo.objects().join("pack"))
            .unwrap()
            .count(),
        0
    );
}
