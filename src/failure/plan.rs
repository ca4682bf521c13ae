//! Errors of [`crate::plan`].
use super::{Failure, Kind};
use crate::plan::{Error, Unfit};

/// So many scripts are told with what to do about each.
const SHOWN: usize = 25;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error.into(),
            Error::Schema(error) => Self::new(Kind::Internal, &error),
            Error::Document(problems) => Self::problems(&problems),
            Error::Unfit(unfit) => scripts(&unfit),
            Error::SameId(_) => Self::new(Kind::User, &error).hint(
                "rename one of them, or give it a name in plan.toml: \
                 `[[step]]` with `script` and another `id`",
            ),
            Error::Unknown { ref nearest, .. } => {
                let hint = match nearest {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`buildkeep plan` lists the steps".into(),
                };
                Self::new(Kind::User, &error).hint(hint)
            }
            Error::Ambiguous { .. } => {
                Self::new(Kind::User, &error).hint("type more of its name, from the left")
            }
        }
    }
}

fn scripts(unfit: &[Unfit]) -> Failure {
    if let [unfit] = unfit {
        return Failure::user(unfit.to_string()).hint(unfit.fix());
    }
    let mut message = format!("{} scripts cannot be run", unfit.len());
    for unfit in unfit.iter().take(SHOWN) {
        message.push_str(&format!("\n  {unfit}\n      {}", unfit.fix()));
    }
    if unfit.len() > SHOWN {
        message.push_str(&format!("\n  … and {} more", unfit.len() - SHOWN));
    }
    Failure::user(message)
        .hint("what is no step can stay beside the scripts under a name that begins with `_`")
}
