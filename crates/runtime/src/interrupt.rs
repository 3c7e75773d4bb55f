//! Ctrl-C and SIGTERM: finish the step at hand, or stop at once when asked twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::{Exit, Failure};

/// What a shell expects of a process that SIGINT ended: 128 + 2.
const INTERRUPTED: i32 = 130;

/// Calls `stop` at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once with code 130.
/// Can be called once per process.
///
/// # Errors
/// A [`Failure`] if the system refuses the handler, or one is already there.
pub fn on_interrupt(stop: impl Fn() + Send + 'static) -> Result<(), Failure> {
    let asked = AtomicBool::new(false);
    let handler = move || {
        if asked.swap(true, Ordering::SeqCst) {
            std::process::exit(INTERRUPTED);
        }
        crate::progress::print_above(
            b"stopping after the step at hand; press Ctrl-C again to stop at once\n",
        );
        stop();
    };
    ctrlc::try_set_handler(handler)
        .map_err(|error| Failure::new(Exit::Usage, format!("cannot listen for Ctrl-C: {error}")))
}

/// A flag that the first SIGINT, SIGTERM or SIGHUP raises. See [`on_interrupt`].
///
/// # Errors
/// As [`on_interrupt`].
pub fn interrupt_flag() -> Result<Arc<AtomicBool>, Failure> {
    let flag = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&flag);
    on_interrupt(move || raised.store(true, Ordering::SeqCst))?;
    Ok(flag)
}
