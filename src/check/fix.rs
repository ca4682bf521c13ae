//! What mends a finding on this machine.
use super::definition::{Fix, Fixes, Rights};

/// Distributions that are kept up with the same commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Debian, Ubuntu, Mint.
    Debian,
    /// Fedora, RHEL and its rebuilds.
    Fedora,
    /// Arch, Manjaro.
    Arch,
    /// openSUSE, SLES.
    Suse,
    /// Alpine.
    Alpine,
    /// Gentoo.
    Gentoo,
}

impl Family {
    /// The family that an `ID` of os-release belongs to.
    pub(super) fn named(id: &str) -> Option<Self> {
        match id {
            "debian" | "ubuntu" => Some(Self::Debian),
            "fedora" | "rhel" | "centos" => Some(Self::Fedora),
            "arch" | "archlinux" => Some(Self::Arch),
            "suse" | "opensuse" | "sles" => Some(Self::Suse),
            "alpine" => Some(Self::Alpine),
            "gentoo" => Some(Self::Gentoo),
            other if other.starts_with("opensuse") => Some(Self::Suse),
            _ => None,
        }
    }

    /// Its name in files of checks.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debian => "debian",
            Self::Fedora => "fedora",
            Self::Arch => "arch",
            Self::Suse => "suse",
            Self::Alpine => "alpine",
            Self::Gentoo => "gentoo",
        }
    }

    /// The words that install packages, without asking: whoever runs them has asked.
    fn install_words(self) -> &'static [&'static str] {
        match self {
            Self::Debian => &["apt-get", "install", "-y"],
            Self::Fedora => &["dnf", "install", "-y"],
            Self::Arch => &["pacman", "-S", "--noconfirm"],
            Self::Suse => &["zypper", "--non-interactive", "install"],
            Self::Alpine => &["apk", "add"],
            Self::Gentoo => &["emerge", "--ask=n"],
        }
    }

    /// The words that remove packages again.
    fn remove_words(self) -> &'static [&'static str] {
        match self {
            Self::Debian => &["apt-get", "remove", "-y"],
            Self::Fedora => &["dnf", "remove", "-y"],
            Self::Arch => &["pacman", "-R", "--noconfirm"],
            Self::Suse => &["zypper", "--non-interactive", "remove"],
            Self::Alpine => &["apk", "del"],
            Self::Gentoo => &["emerge", "--ask=n", "--depclean"],
        }
    }

    /// The command that installs all of `packages`.
    pub(super) fn install(self, packages: &[String]) -> Vec<String> {
        command(self.install_words(), packages)
    }

    fn remove(self, packages: &[String]) -> Vec<String> {
        command(self.remove_words(), packages)
    }
}

fn command(words: &[&str], packages: &[String]) -> Vec<String> {
    let words = words.iter().map(|word| (*word).to_owned());
    words.chain(packages.iter().cloned()).collect()
}

impl Fix {
    fn advice(text: String) -> Self {
        Self {
            say: Some(text),
            ..Self::default()
        }
    }

    /// What mends it, as a person would type it.
    pub fn run_text(&self) -> String {
        self.say.clone().unwrap_or_else(|| typed(&self.run))
    }

    /// What takes it back, as a person would type it.
    pub fn undo_text(&self) -> Option<String> {
        Some(typed(&self.undo)).filter(|text| !text.is_empty())
    }

    /// With each `${found}` and `${root}` replaced; what cannot be replaced is left out.
    fn filled(&self, subject: &str, root: Option<&str>) -> Option<Self> {
        let fill = |word: &String| {
            let is_unknown = (subject.is_empty() && word.contains("${found}"))
                || (root.is_none() && word.contains("${root}"));
            let text = word
                .replace("${root}", root.unwrap_or_default())
                .replace("${found}", subject);
            (!is_unknown).then_some(text)
        };
        let all = |commands: &[Vec<String>]| -> Option<Vec<Vec<String>>> {
            let commands = commands.iter();
            commands
                .map(|words| words.iter().map(fill).collect())
                .collect()
        };
        Some(Self {
            run: all(&self.run)?,
            // Without anything found there is nothing to go back to.
            undo: all(&self.undo).unwrap_or_default(),
            say: self
                .say
                .as_ref()
                .map(|text| fill(text).unwrap_or(text.clone())),
            rights: self.rights,
        })
    }
}

/// Commands as a person would type them, one after the other.
pub fn typed(commands: &[Vec<String>]) -> String {
    let one = |words: &Vec<String>| {
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        words.join(" ")
    };
    let commands: Vec<String> = commands.iter().map(one).collect();
    commands.join(" && ")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

impl Fixes {
    /// The packages that mend it here, if packages do.
    pub(super) fn package(&self, family: Option<Family>) -> Option<&[String]> {
        let name = family.map_or("any", Family::name);
        if self.commands.contains_key(name) || self.commands.contains_key("any") {
            return None;
        }
        self.packages_for(name)
    }

    fn packages_for(&self, name: &str) -> Option<&[String]> {
        let packages = self.packages.get(name).or_else(|| self.packages.get("any"));
        packages.map(Vec::as_slice)
    }

    /// What mends it here, `subject` being what was found; nothing if nobody knows.
    pub fn here(&self, family: Option<Family>, subject: &str, root: Option<&str>) -> Option<Fix> {
        let name = family.map_or("any", Family::name);
        let own = self.commands.get(name);
        if let Some(fix) = own.or_else(|| self.commands.get("any")) {
            return fix.filled(subject, root);
        }
        let packages = self.packages_for(name)?;
        let Some(family) = family else {
            let packages = packages.join(" ");
            return Some(Fix::advice(format!("install the package `{packages}`")));
        };
        // What was there before, in another version, must not be removed by an undo.
        let undo = subject.is_empty().then(|| family.remove(packages));
        Some(Fix {
            run: vec![family.install(packages)],
            undo: undo.into_iter().collect(),
            say: None,
            rights: Rights::Root,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_fix_fits_the_machine() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), words(value));
        let fixes = Fixes {
            commands: [].into(),
            packages: [("any", "bison"), ("gentoo", "sys-devel/bison")]
                .map(pair)
                .into(),
        };
        let run = |family, subject| fixes.here(family, subject, None).unwrap();
        let missing = run(Some(Family::Debian), "");
        assert_eq!(missing.run_text(), "apt-get install -y bison");
        assert_eq!(missing.undo_text().unwrap(), "apt-get remove -y bison");
        assert_eq!(run(Some(Family::Debian), "2.3").undo_text(), None);
        assert_eq!(
            run(Some(Family::Gentoo), "").run_text(),
            "emerge --ask=n sys-devel/bison"
        );
        assert_eq!(run(None, "").say.unwrap(), "install the package `bison`");
        assert_eq!(Fixes::default().here(None, "", None), None);
    }

    #[test]
    fn what_was_found_stays_one_word() {
        let fix = Fix {
            run: vec![words("ln -sf bash /bin/sh")],
            undo: vec![words("ln -sf ${found} /bin/sh")],
            ..Fix::default()
        };
        let filled = fix.filled("a b; rm -rf /", None).unwrap();
        assert_eq!(filled.undo[0][2], "a b; rm -rf /");
        assert_eq!(
            filled.undo_text().unwrap(),
            "ln -sf 'a b; rm -rf /' /bin/sh"
        );
        assert_eq!(fix.filled("", None).unwrap().undo_text(), None);
        let of_root = Fix {
            run: vec![words("mkdir ${root}/usr")],
            ..Fix::default()
        };
        assert_eq!(of_root.filled("x", None), None);
        assert_eq!(
            of_root.filled("x", Some("/mnt/lfs")).unwrap().run_text(),
            "mkdir /mnt/lfs/usr"
        );
        // What stands in what was found is never looked into again.
        assert_eq!(
            fix.filled("${root}", Some("/r")).unwrap().undo[0][2],
            "${root}"
        );
    }
}
