//! What mends a finding on this machine.
use super::definition::{Fix, Fixes};

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
    /// The family that the text of `/etc/os-release` tells.
    pub fn of(os_release: &str) -> Option<Self> {
        let value = |name: &str| {
            let line = os_release
                .lines()
                .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
            line.unwrap_or_default()
                .trim_matches(['"', '\''])
                .to_lowercase()
        };
        let (id, like) = (value("ID"), value("ID_LIKE"));
        let mut words = std::iter::once(id.as_str()).chain(like.split_whitespace());
        words.find_map(|word| match word {
            "debian" | "ubuntu" => Some(Self::Debian),
            "fedora" | "rhel" | "centos" => Some(Self::Fedora),
            "arch" | "archlinux" => Some(Self::Arch),
            "suse" | "opensuse" | "sles" => Some(Self::Suse),
            "alpine" => Some(Self::Alpine),
            "gentoo" => Some(Self::Gentoo),
            other if other.starts_with("opensuse") => Some(Self::Suse),
            _ => None,
        })
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

    /// The commands that install and remove packages.
    fn commands(self) -> (&'static str, &'static str) {
        match self {
            Self::Debian => ("apt-get install", "apt-get remove"),
            Self::Fedora => ("dnf install", "dnf remove"),
            Self::Arch => ("pacman -S", "pacman -R"),
            Self::Suse => ("zypper install", "zypper remove"),
            Self::Alpine => ("apk add", "apk del"),
            Self::Gentoo => ("emerge", "emerge --unmerge"),
        }
    }
}

impl Family {
    /// The command that installs all of `packages`.
    pub(super) fn install(self, packages: &[&str]) -> String {
        format!("{} {}", self.commands().0, packages.join(" "))
    }
}

impl Fixes {
    /// The package that mends it here, if a package does.
    pub(super) fn package(&self, family: Option<Family>) -> Option<&str> {
        let name = family.map_or("any", Family::name);
        let package = self.packages.get(name).or_else(|| self.packages.get("any"));
        package.map(String::as_str)
    }

    /// What mends it here, `subject` being what was found; nothing if nobody knows.
    pub(super) fn here(&self, family: Option<Family>, subject: &str) -> Option<Fix> {
        let name = family.map_or("any", Family::name);
        let own = self.commands.get(name);
        if let Some(fix) = own.or_else(|| self.commands.get("any")) {
            // Without anything found there is nothing to go back to.
            let can_undo = |undo: &&String| !(subject.is_empty() && undo.contains("${found}"));
            let filled = |text: &String| text.replace("${found}", subject);
            return Some(Fix {
                run: filled(&fix.run),
                undo: fix.undo.as_ref().filter(can_undo).map(filled),
            });
        }
        let package = self.package(family)?;
        let Some(family) = family else {
            return Some(Fix {
                run: format!("install the package `{package}`"),
                undo: None,
            });
        };
        let (install, remove) = family.commands();
        // What was there before, in another version, must not be removed by an undo.
        let undo = subject.is_empty().then(|| format!("{remove} {package}"));
        Some(Fix {
            run: format!("{install} {package}"),
            undo,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_known_by_what_they_are_like() {
        for (text, family) in [
            ("NAME=x\nID=debian\n", Some(Family::Debian)),
            (
                "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n",
                Some(Family::Debian),
            ),
            (
                "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n",
                Some(Family::Fedora),
            ),
            ("ID=\"opensuse-tumbleweed\"\n", Some(Family::Suse)),
            ("ID=manjaro\nID_LIKE=arch\n", Some(Family::Arch)),
            ("ID=lfs\nVERSION_ID=12.3\n", None),
            ("", None),
        ] {
            assert_eq!(Family::of(text), family, "{text}");
        }
    }

    #[test]
    fn a_fix_fits_the_machine() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let fixes = Fixes {
            commands: [].into(),
            packages: [("any", "bison"), ("gentoo", "sys-devel/bison")]
                .map(pair)
                .into(),
        };
        let run = |family, subject| fixes.here(family, subject).unwrap();
        assert_eq!(run(Some(Family::Debian), "").run, "apt-get install bison");
        assert_eq!(
            run(Some(Family::Debian), "").undo.unwrap(),
            "apt-get remove bison"
        );
        assert_eq!(run(Some(Family::Debian), "2.3").undo, None);
        assert_eq!(run(Some(Family::Gentoo), "").run, "emerge sys-devel/bison");
        assert_eq!(run(None, "").run, "install the package `bison`");
        assert_eq!(Fixes::default().here(None, ""), None);
    }
}
