//! Who could do harm, or be harmed.
use super::{Finding, SecurityIs};

pub(super) fn look(is: SecurityIs) -> Finding {
    let uid = rustix::process::geteuid();
    let found = if uid.is_root() {
        "root".to_owned()
    } else {
        format!("user {}", uid.as_raw())
    };
    if uid.is_root() == (is == SecurityIs::Root) {
        Finding::ok(found)
    } else {
        Finding::fail(found)
    }
}
