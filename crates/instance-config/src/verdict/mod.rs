//! Whether Dagster accepts a file, and what is wrong with it if not.
//!
//! The verdict is that of `DagsterInstance.get()` on a home with the file, as far as it does not depend on what a
//! database or a directory answers. All mistakes are found at once. Mistakes of a class that Dagster makes only when it
//! is needed are told apart from those that keep the instance from being opened.
//!
//! Here: the order of the checks. `checker` compares values with their types, `classes` looks at classes, `rules` at
//! what else they ask for, and `sections` at sections that exclude each other.

mod checker;
mod classes;
mod elsewhere;
mod near;
mod rules;
mod sections;
mod words;

use instance_core::config_problems::{ConfigProblem, Position, Severity};

use crate::document::Node;
use crate::environment::Environment;
use crate::schema::{INSTANCE, LOCATIONS, Type, WORKSPACE};
use checker::{Checker, Place};

/// Where a file begins.
const START: Position = Position { line: 1, column: 1 };

/// All problems of a document, in its order. The document is a mapping.
pub(crate) fn problems(document: &Node, environment: &dyn Environment) -> Vec<ConfigProblem> {
    let mut checker = Checker::new(INSTANCE, document, environment);
    checker.check(&Type::Shape(INSTANCE), document, &Place::root(START));
    checker.unified_storage(document);
    checker.run_queue(document);
    checker.sections(document);
    checker.resuming_launcher(document);
    let mut problems = checker.into_problems();
    problems.sort_by_key(|problem| problem.position);
    problems
}

/// All problems of the types of a `workspace.yaml`, in its order. The document is a mapping.
pub(crate) fn problems_of_workspace(
    document: &Node,
    environment: &dyn Environment,
) -> Vec<ConfigProblem> {
    let mut checker = Checker::new(LOCATIONS, document, environment);
    checker.in_use = true;
    checker.check(&Type::Shape(WORKSPACE), document, &Place::root(START));
    let mut problems = checker.into_problems();
    problems.sort_by_key(|problem| problem.position);
    problems
}

/// The problems that keep an instance from being opened.
pub(crate) fn errors(problems: &[ConfigProblem]) -> Vec<ConfigProblem> {
    problems.iter().filter(|problem| problem.severity == Severity::Error).cloned().collect()
}
