//! Entry point: everything lives in the library.
use std::process::ExitCode;

fn main() -> ExitCode {
    buildkeep::cli::main()
}
