//! Users, as the passwd file names them.
use std::fs;

/// Number and name of all users of this machine.
fn users() -> Vec<(u32, String)> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    text.lines().filter_map(user).collect()
}

fn user(line: &str) -> Option<(u32, String)> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?;
    Some((fields.nth(1)?.parse().ok()?, name.to_owned()))
}

/// The number of a user; root is known even where there is no list.
pub(super) fn uid_of(name: &str) -> Option<u32> {
    let found = users().into_iter().find(|(_, known)| known == name);
    found.map(|(uid, _)| uid).or((name == "root").then_some(0))
}

/// The name of a user.
pub(super) fn name_of(uid: u32) -> Option<String> {
    let found = users().into_iter().find(|(known, _)| *known == uid);
    found.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_list_are_read() {
        assert_eq!(
            user("lfs:x:1001:1001::/home/lfs:/bin/bash"),
            Some((1001, "lfs".into()))
        );
        for line in ["", "# comment", ":x:1:1", "a:x:b:1", "+::::::"] {
            assert_eq!(user(line), None, "{line}");
        }
        assert_eq!(uid_of("root"), Some(0));
    }
}
