//! init, commit, log, show, diff, status, tag.
