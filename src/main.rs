//! The process: arguments in, exit code out.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The server, where it is built in.
#[cfg(feature = "serve")]
const SERVER: Option<pairform::ops::serving::Server> = Some(pairform::serve::SERVER);
#[cfg(not(feature = "serve"))]
const SERVER: Option<pairform::ops::serving::Server> = None;

#[expect(clippy::disallowed_methods, reason = "the one place that reads the arguments")]
fn main() -> ExitCode {
    ExitCode::from(pairform::cli::run(std::env::args_os(), SERVER))
}
