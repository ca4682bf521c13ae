//! Users, as the passwd and group files name them.
use std::io;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, open, openat2};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// A user whom a script runs as.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Account {
    /// The name; the number, if it has none.
    pub name: String,
    /// The number.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The groups that list the user as a member.
    pub groups: Vec<u32>,
    /// The home folder.
    pub home: String,
    /// The shell.
    pub shell: String,
}

impl Account {
    /// The user called `user`, or with this number, in the files of the system at `root`.
    ///
    /// Root, and any number, are known even where there are no such files yet.
    pub fn find(root: &Path, user: &str) -> io::Result<Option<Self>> {
        let passwd = file(root, "etc/passwd")?;
        let group = file(root, "etc/group")?;
        Ok(Self::parse(&passwd, &group, user))
    }

    fn parse(passwd: &str, group: &str, user: &str) -> Option<Self> {
        let mut entries = passwd.lines().filter_map(Self::of_line);
        let number = user.parse::<u32>().ok();
        let found = entries.find(|entry| entry.name == user || Some(entry.uid) == number);
        let mut account = found.or_else(|| Self::without_entry(user, number))?;
        account.groups = groups_of(group, &account.name);
        account.groups.retain(|gid| *gid != account.gid);
        Some(account)
    }

    /// `name:password:uid:gid:comment:home:shell`
    fn of_line(line: &str) -> Option<Self> {
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        let [name, _, uid, gid, _, home, shell] = fields.as_slice() else {
            return None;
        };
        let is_name = !name.is_empty() && !name.starts_with(['#', '+', '-']);
        is_name.then_some(())?;
        Some(Self {
            name: (*name).to_owned(),
            uid: uid.parse().ok()?,
            gid: gid.parse().ok()?,
            groups: Vec::new(),
            home: (*home).to_owned(),
            shell: (*shell).to_owned(),
        })
    }

    fn without_entry(user: &str, number: Option<u32>) -> Option<Self> {
        let uid = number.or((user == "root").then_some(0))?;
        let home = if uid == 0 { "/root" } else { "/" };
        Some(Self {
            name: user.to_owned(),
            uid,
            gid: uid,
            groups: Vec::new(),
            home: home.to_owned(),
            shell: "/bin/sh".to_owned(),
        })
    }
}

/// The groups of `name:password:gid:member,member` lines that list the user.
fn groups_of(group: &str, user: &str) -> Vec<u32> {
    let of_line = |line: &str| {
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        let [_, _, gid, members] = fields.as_slice() else {
            return None;
        };
        let is_member = members.split(',').any(|member| member == user);
        is_member.then(|| gid.parse().ok()).flatten()
    };
    let mut groups: Vec<u32> = group.lines().filter_map(of_line).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// The text of a file below `root`, whose links lead nowhere else; empty if there is none.
fn file(root: &Path, name: &str) -> io::Result<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let folder = open(
        root,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let opened = openat2(&folder, name, flags, Mode::empty(), ResolveFlags::IN_ROOT);
    let file = match opened {
        Err(Errno::NOSYS) => rustix::fs::openat(CWD, root.join(name), flags, Mode::empty()),
        other => other,
    };
    match file {
        Ok(file) => {
            let mut text = Vec::new();
            io::Read::read_to_end(&mut std::fs::File::from(file), &mut text)?;
            Ok(String::from_utf8_lossy(&text).into_owned())
        }
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(String::new()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n# a remark\n\nlfs:x:1001:1002::/home/lfs:/bin/bash\nshort:x:7\n+nis::::::\nodd:x:a:b:::\n";
    const GROUP: &str = "root:x:0:\nlfs:x:1002:\nvideo:x:44:lfs,me\nwheel:x:10:melfs,lfs\nlost:x\n";

    #[test]
    fn users_are_found_by_name_and_by_number_with_their_groups() {
        let lfs = Account::parse(PASSWD, GROUP, "lfs").unwrap();
        assert_eq!((lfs.uid, lfs.gid), (1001, 1002));
        assert_eq!(lfs.groups, [10, 44]);
        assert_eq!(
            (lfs.home.as_str(), lfs.shell.as_str()),
            ("/home/lfs", "/bin/bash")
        );
        assert_eq!(Account::parse(PASSWD, GROUP, "1001"), Some(lfs));
    }

    #[test]
    fn what_is_no_entry_is_no_user() {
        for name in ["short", "+nis", "odd", "# a remark", "", "nobody"] {
            assert_eq!(Account::parse(PASSWD, GROUP, name), None, "{name}");
        }
    }

    #[test]
    fn root_and_numbers_need_no_entry() {
        let root = Account::parse("", "", "root").unwrap();
        assert_eq!((root.uid, root.gid, root.home.as_str()), (0, 0, "/root"));
        let number = Account::parse("", "", "70000").unwrap();
        assert_eq!(
            (number.uid, number.gid, number.name.as_str()),
            (70000, 70000, "70000")
        );
    }

    #[test]
    fn a_link_in_a_root_leads_nowhere_else() {
        let root = tempfile::TempDir::new().unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::os::unix::fs::symlink("/etc/real", root.path().join("etc/passwd")).unwrap();
        assert_eq!(Account::find(root.path(), "lfs").unwrap(), None);
        std::fs::write(root.path().join("etc/real"), PASSWD).unwrap();
        let found = Account::find(root.path(), "lfs").unwrap().unwrap();
        assert_eq!(found.uid, 1001);
    }
}
