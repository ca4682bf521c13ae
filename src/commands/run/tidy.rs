//! Packing what many steps left, once nothing runs any more.
use super::Context;
use crate::failure::Failure;
use crate::store::Keep;

/// Packs loose objects if they are many. That it does not work is no failure of the build.
pub(super) fn tidy(cx: &mut Context, keep: &Keep) {
    if !keep.wants_packing() {
        return;
    }
    // Without the program, `doctor` tells of them one day.
    let Ok(git) = cx.git() else { return };
    cx.ui.live("packing the history");
    let packed = cx
        .lock(keep)
        .and_then(|guard| keep.pack(&guard, &git).map_err(Failure::from));
    cx.ui.live_end();
    if let Err(failure) = packed {
        let message = format!("the history was not packed: {}", failure.message());
        cx.ui.warn(message);
    }
}
