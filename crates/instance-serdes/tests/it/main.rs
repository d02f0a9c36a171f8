//! The tests of the crate as its users see it: classes that are declared elsewhere, and texts that nobody
//! should trust.
//!
//! Not here: Dagster's own classes and the bodies that it wrote, which are tested where the classes are.

mod classes;
mod texts;
