//! What is required, in words.
use std::fmt;

use super::resource::told;
use super::{
    Ability, Amount, EnvIs, Feature, FileIs, FileMust, FilesystemIs, KeepIs, KernelIs, Language,
    Probe, Resource, SecurityIs, ToolIs, Trait,
};

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tool(is) => write!(f, "{is}"),
            Self::Alias {
                program, target, ..
            } => write!(f, "{program} is {target}"),
            Self::Compile(is) if is.says.is_some() => {
                write!(f, "{} makes programs that run", is.program)
            }
            Self::Compile(is) => write!(f, "{} compiles", is.program),
            Self::File(must) => write!(f, "{must}"),
            Self::Mount {
                path,
                fs_type,
                options,
            } => {
                let kind = fs_type.as_deref().unwrap_or("something");
                write!(f, "{kind} mounted on {path}")?;
                match options.join(",") {
                    none if none.is_empty() => Ok(()),
                    some => write!(f, " with {some}"),
                }
            }
            Self::Filesystem(is) => write!(f, "{is}"),
            Self::Kernel(is) => write!(f, "{is}"),
            Self::Resource {
                resource,
                amount,
                path,
            } => resource_text(f, *resource, *amount, path),
            Self::Env(is) => write!(f, "{is}"),
            Self::Security(is) => write!(f, "{is}"),
            Self::Checksum { path, .. } => write!(f, "all files are as {path} says"),
            Self::Signature { folder, keys } => {
                write!(
                    f,
                    "all in {folder} is as those signed it whose keys are in {keys}"
                )
            }
            Self::Module { language, modules } => {
                write!(f, "{language} with {}", modules.join(", "))
            }
            Self::Keep(is) => write!(f, "{is}"),
            Self::Command { run, .. } => write!(f, "`{}` ends well", run.join(" ")),
        }
    }
}

impl fmt::Display for ToolIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.program)?;
        if let Some(version) = &self.version {
            write!(f, " {version}")?;
        }
        for make in &self.or {
            write!(f, ", or {} {}", make.says, make.version)?;
        }
        self.bad.iter().try_for_each(|bad| write!(f, ", not {bad}"))
    }
}

impl fmt::Display for FileMust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths = self.paths.join(", ");
        match (&self.fs_type, &self.target) {
            (Some(fs_type), _) => write!(f, "{fs_type} mounted on {paths}")?,
            (_, Some(target)) => write!(f, "{paths} leads to {target}")?,
            _ => write!(f, "{paths} is {}", self.is)?,
        }
        if let Some(owner) = &self.owner {
            write!(f, " of {owner}")?;
        }
        match self.mode {
            Some(mode) => write!(f, " with mode {mode:04o}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for FilesystemIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is", self.path)?;
        let can: Vec<String> = self.can.iter().map(Ability::to_string).collect();
        let told = [
            (" on a file system with ", can.join(", ")),
            (" mounted ", self.options.join(",")),
            (" not on ", self.not.join(", ")),
        ];
        let told = told.iter().filter(|(_, list)| !list.is_empty());
        let told: Vec<String> = told.map(|(what, list)| format!("{what}{list}")).collect();
        f.write_str(&told.join(","))
    }
}

impl fmt::Display for Ability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HardLinks => "hard links",
            Self::Symlinks => "symlinks",
            Self::Xattrs => "extended attributes",
            Self::Fifos => "named pipes",
            Self::LongNames => "names of 255 bytes",
            Self::UpperAndLowerCase => "names that differ in case",
            Self::Modes => "modes of files",
        })
    }
}

impl fmt::Display for KernelIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(feature) = self.has {
            write!(f, "{feature}")
        } else if let Some(what) = self.is_not {
            write!(f, "this is not {what}")
        } else if let Some(version) = &self.version {
            write!(f, "Linux {version}")
        } else {
            write!(f, "a machine of kind {}", self.arch.join(" or "))
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserNamespaces => "ordinary users may make namespaces",
            Self::Terminals => "pseudo terminals can be opened",
            Self::Cgroups => "control groups of version 2",
            Self::Clock => "a clock that is about right",
        })
    }
}

impl fmt::Display for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wsl1 => "WSL 1",
            Self::Wsl => "WSL",
            Self::Container => "a container",
            Self::SelinuxEnforcing => "a system where SELinux enforces",
        })
    }
}

fn resource_text(
    f: &mut fmt::Formatter<'_>,
    resource: Resource,
    amount: Amount,
    path: &str,
) -> fmt::Result {
    let amount = match amount {
        Amount::AtLeast(least) => told(resource, least),
        Amount::AtMost(most) => format!("at most {}", told(resource, most)),
    };
    match resource {
        Resource::Disk if path == "." => write!(f, "{amount} free here"),
        Resource::Disk => write!(f, "{amount} free in {path}"),
        Resource::Inodes => write!(f, "{amount} free inodes in {path}"),
        Resource::Memory => write!(f, "{amount} of memory"),
        Resource::MemoryPerJob => write!(f, "{amount} of memory for each job"),
        Resource::Swap => write!(f, "{amount} of swap"),
        Resource::Cpus => write!(f, "{amount} processors"),
        Resource::Load => write!(f, "{amount} of the processors wanted"),
        Resource::MemoryPressure => write!(f, "{amount} of the time waiting for memory"),
        Resource::IoPressure => write!(f, "{amount} of the time waiting for the disk"),
        Resource::OpenFiles => write!(f, "{amount} open files"),
        Resource::Processes => write!(f, "{amount} processes"),
        Resource::FileSize => write!(f, "files of {amount}"),
        Resource::Pids => write!(f, "{amount} ids of processes"),
    }
}

impl fmt::Display for FileIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "a file",
            Self::Executable => "a program",
            Self::Folder => "a folder",
            Self::Symlink => "a symlink",
            Self::CharDevice => "a character device",
            Self::Mount => "a mounted file system",
            Self::WritableFolder => "a folder that can be written to",
            Self::Absent => "absent",
            Self::PlainPath => "a path of plain characters",
            Self::NotFromTheFuture => "not written later than now",
            Self::FreeOfMounts => "free of mounts",
        })
    }
}

impl fmt::Display for EnvIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset(names) => write!(f, "unset: {}", names.join(" ")),
            Self::Set(names) => write!(f, "set: {}", names.join(" ")),
            Self::Equals(values) => {
                let pairs = values.iter().map(|(name, value)| format!("{name}={value}"));
                f.write_str(&pairs.collect::<Vec<_>>().join(" "))
            }
            Self::SafeFolder(names) => {
                write!(f, "{} is unset, or a folder and not /", names.join(", "))
            }
            Self::SafePath => f.write_str("PATH has only safe folders"),
            Self::PathStartsWith(folder) => write!(f, "PATH starts with {folder}"),
            Self::Umask(mask) => write!(f, "umask {mask:03o}"),
            Self::Jobs => f.write_str("MAKEFLAGS names how many jobs"),
            Self::Locale(Some(name)) => write!(f, "the locale {name}"),
            Self::Locale(None) => f.write_str("the locale of the environment is installed"),
        }
    }
}

impl fmt::Display for SecurityIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("you are root"),
            Self::NotRoot => f.write_str("you are not root"),
            Self::User(name) => write!(f, "you are {name}"),
            Self::NoSetuidInPath => f.write_str("no setuid programs early in PATH"),
            Self::SudoAsks => f.write_str("sudo asks for a password"),
            Self::Owner { paths, owner } => {
                write!(f, "all of {} belongs to {owner}", paths.join(", "))
            }
            Self::NobodyElseWrites { paths } => {
                write!(f, "nothing in {} is open to everybody", paths.join(", "))
            }
        }
    }
}

impl fmt::Display for KeepIs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoOtherRun => "no other run goes on",
            Self::NoInterruptedRun => "no run was cut off",
            Self::NoLeftoverMounts => "nothing mounted in ${root} that no step needs",
            Self::NoLeftoverCgroups => "no cgroups of steps that are over",
            Self::NoSecrets => "no secrets in configuration",
            Self::Room => "room for each of the steps that are left",
        })
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Perl => "Perl",
            Self::Python => "Python",
        })
    }
}
