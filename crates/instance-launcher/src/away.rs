//! Whether code is away for a time, or is not there at all.

use instance_core::code_location::CodeLocationError;

/// Whether the code may come back by itself: its server does not answer, or could not be started.
pub(crate) const fn is_away(error: &CodeLocationError) -> bool {
    matches!(
        error,
        CodeLocationError::Unreachable { .. }
            | CodeLocationError::TimedOut { .. }
            | CodeLocationError::NotStarted { .. }
    )
}
