//! Faults planted in a real system: all of them are found, and nothing else.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Makes a root from `$BASE` in an overlay, mends what the book wants otherwise than Debian, plants what is in
/// `$FAULTS`, and looks from inside. Our program brings the C library of this machine along.
const INSIDE: &str = r#"
set -e
mount -t tmpfs tmpfs "$D"; mkdir "$D"/m "$D"/u "$D"/w; m=$D/m
mount -t overlay -o "lowerdir=$BASE,upperdir=$D/u,workdir=$D/w" overlay "$m"
ln -sf bash "$m/usr/bin/sh"; rm -f "$m/etc/alternatives/awk"
ln -s /usr/bin/gawk "$m/etc/alternatives/awk"
mkdir -p "$m/host" "$m/build"; mount --bind / "$m/host"
mount --rbind /proc "$m/proc"; mount --rbind /dev "$m/dev"; mount -t tmpfs -o mode=1777,size=1G tmpfs "$m/tmp"
mount -t tmpfs -o size=20G,nr_inodes=2000000 tmpfs "$m/build"
path=/usr/bin:/usr/sbin; vars=
for fault in $FAULTS; do
    case $fault in
    bison) printf '#!/bin/sh\necho "bison (GNU Bison) 2.4.1"\n' > "$m/usr/bin/bison" ;;
    sh) ln -sf dash "$m/usr/bin/sh" ;;
    tmp-programs) mount -o remount,noexec "$m/tmp" ;;
    poison) vars=CFLAGS=-O9 ;;
    path) mkdir -p "$m/opt/tools"; chmod 777 "$m/opt/tools"; path=/opt/tools:$path ;;
    esac
done
cp "$BK" "$m/build/buildkeep"
exec env -i /usr/sbin/chroot "$m" /usr/bin/env -C /build HOME=/root LC_ALL=C $vars PATH=$path \
    "/host$LOADER" --library-path "/host${LOADER%/*}" ./buildkeep check lfs-12.3 --no-cache --json
"#;

const FAULTS: [&str; 5] = ["bison", "path", "poison", "sh", "tmp-programs"];

/// These are about the machine below, and about this moment.
const OWN: [&str; 5] = [
    "cpus",
    "memory",
    "memory-per-job",
    "memory-pressure",
    "root-memory",
];

/// Failures and warnings.
fn found(base: &Path, faults: &str) -> BTreeSet<String> {
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let loader = Path::new("/lib64/ld-linux-x86-64.so.2").canonicalize();
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "bash", "-c", INSIDE])
        .env("D", folder.path())
        .env("BASE", base)
        .env("FAULTS", faults)
        .env("LOADER", loader.unwrap())
        .env("BK", env!("CARGO_BIN_EXE_buildkeep"))
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let results = report["results"].as_array().unwrap();
    let wrong = results
        .iter()
        .filter(|result| ["fail", "warn"].contains(&result["status"].as_str().unwrap()));
    wrong
        .map(|result| result["id"].as_str().unwrap().to_owned())
        .collect()
}

/// `$BUILDKEEP_DEBIAN`, a Debian with a toolchain, or one that debootstrap makes.
fn debian(folder: &Path) -> Option<PathBuf> {
    if let Some(there) = std::env::var_os("BUILDKEEP_DEBIAN") {
        return Some(there.into());
    }
    let root = folder.join("root");
    let packages = "gcc,g++,libc6-dev,make,bison,gawk,m4,patch,perl,python3,texinfo,xz-utils";
    let made = Command::new("debootstrap")
        .args([
            "--variant=minbase",
            &format!("--include={packages}"),
            "stable",
        ])
        .arg(&root)
        .output();
    made.is_ok_and(|made| made.status.success()).then_some(root)
}

#[test]
fn five_planted_faults_are_found_and_nothing_else() {
    if std::env::var_os("BUILDKEEP_LONG_TESTS").is_none() {
        eprintln!("skipped: takes a minute and a mirror of Debian (BUILDKEEP_LONG_TESTS=1)");
        return;
    }
    if !rustix::process::geteuid().is_root() || !cfg!(target_arch = "x86_64") {
        eprintln!("skipped: only root may mount, and the loader is that of x86_64");
        return;
    }
    let folder = tempfile::tempdir_in("/var/tmp").unwrap();
    let Some(base) = debian(folder.path()) else {
        eprintln!("skipped: debootstrap made no Debian");
        return;
    };
    let found_with = |faults: &str| {
        let mut found = found(&base, faults);
        found.retain(|id| !OWN.contains(&id.as_str()));
        found
    };
    assert_eq!(found_with(""), BTreeSet::new());
    assert_eq!(
        found_with(&FAULTS.join(" ")),
        FAULTS.map(str::to_owned).into()
    );
}
