//! A Git that is not Git: dulwich reads a snapshot. `tests/run` installs it.
use super::with_snapshot;
use crate::env::Env;

const SCRIPT: &str = r"
import sys
from dulwich.repo import Repo
from dulwich.object_store import iter_tree_contents
repo = Repo(sys.argv[1])
tag = repo[b'refs/tags/' + sys.argv[2].encode()]
tag.check()
commit = repo[tag.object[1]]
commit.check()
assert b'Buildkeep-Kind: backup' in commit.message and not commit.parents
count = 0
for entry in iter_tree_contents(repo.object_store, commit.tree, include_trees=True):
    found = repo[entry.sha]
    found.check()
    assert found.sha().hexdigest().encode() == entry.sha
    count += 1
mode, blob = repo[commit.tree][b'small']
assert repo[blob].data == b'hello\n', repo[blob].data
print(count)
";

#[test]
fn dulwich_reads_a_snapshot() {
    let env = Env::new();
    let Some(python) = std::env::var_os("BUILDKEEP_DULWICH") else {
        eprintln!("SKIPPED: no dulwich; tests/run installs it");
        return;
    };
    let tag = with_snapshot(&env);
    let script = env.write("read.py", SCRIPT);
    let output = env
        .command(python.to_str().unwrap())
        .arg(script)
        .args(["v", &tag])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", env.shown(&output));
    let count: u64 = String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .unwrap();
    assert!(count > 30, "{count} objects");
}
