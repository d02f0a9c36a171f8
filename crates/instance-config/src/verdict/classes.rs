//! Sections that name a class: whether there is one, and whether it takes its configuration.

use instance_core::config_problems::{ConfigProblem, Position, Severity};

use super::checker::{Checker, Place};
use super::near::nearest;
use super::words;
use crate::document::{Kind, Node};
use crate::schema::{Class, ClassKind, Field, Found, Slot, Type, classes_of, find_class, section};

impl Checker<'_> {
    /// A section that names a class.
    pub(super) fn class(&mut self, slot: Slot, node: &Node, place: &Place) {
        let before = self.count();
        self.check(&Type::Shape(Field::OF_CLASS), node, place);
        if self.count() > before {
            return;
        }
        let severity = self.severity;
        if !slot.is_eager() {
            self.severity = severity.max(Severity::ErrorWhenUsed);
        }
        self.load(slot, node, place);
        self.severity = severity;
    }

    /// Makes the class of a section, as far as that shows mistakes.
    fn load(&mut self, slot: Slot, node: &Node, place: &Place) {
        let (Some(module), Some(name)) = (node.entry("module"), node.entry("class")) else {
            return;
        };
        let (Some(module_name), Some(class_name)) = (module.value.text(), name.value.text()) else {
            return;
        };
        let of_module = place.of(module);
        let of_name = place.of(name);
        if slot == Slot::Instance {
            return self.class_of_the_instance(&of_name, name.value.position);
        }
        match find_class(slot, module_name, class_name) {
            Found::Class(class) => self.configuration(class, node, place),
            Found::Alike(class) => {
                let reason = format!(
                    "it is not a class of Dagster's; by its name and its configuration it is taken for `{}`",
                    class.name
                );
                self.warn(&of_name, name.value.position, reason);
                self.configuration(class, node, place);
            }
            Found::Misplaced(class) => {
                let reason = format!(
                    "`{}` is {}; here has to be {}",
                    class.name,
                    class.slot.filled_by(),
                    slot.filled_by()
                );
                self.add_class(&of_name, &name.value, slot, reason, class_name);
            }
            Found::OtherModule(class) => {
                let usual = class.modules.first().copied().unwrap_or_default();
                let reason = format!(
                    "there is no class `{}` in this module; it is in `{usual}`",
                    class.name
                );
                self.add(&of_module, module.value.position, reason);
            }
            Found::Unknown(of_dagsters) => {
                let shown = words::name(&format!("{module_name}.{class_name}"));
                let reason = match (of_dagsters, slot.is_storage()) {
                    (true, _) => {
                        let names: Vec<&str> = classes_of(slot).map(|class| class.name).collect();
                        format!(
                            "Dagster has no class `{shown}`; its classes for this are {}",
                            words::list(&names, "and")
                        )
                    }
                    (false, true) => format!(
                        "`{shown}` is not a class of Dagster's, and this program has no Python to load it with; \
                         say where the database is with `--storage URL`"
                    ),
                    (false, false) => {
                        let reason = format!(
                            "`{shown}` is not a class of Dagster's; its configuration is not checked, and what needs \
                             it is refused"
                        );
                        return self.warn(&of_name, name.value.position, reason);
                    }
                };
                self.add_class(&of_name, &name.value, slot, reason, class_name);
            }
        }
    }

    /// A class of the instance itself may keep its stores anywhere. Dagster's own default would be an empty database.
    fn class_of_the_instance(&mut self, place: &Place, position: Position) {
        if self.names_stores {
            let reason = "this program has no Python to load the class with; the stores are opened, and what only the \
                          class knows is refused";
            return self.warn(place, position, reason);
        }
        let reason = "this program has no Python to load the class with, and the file does not say where its stores \
                      are; say it with `--storage URL`";
        self.add(place, position, reason);
    }

    fn add_class(&mut self, place: &Place, node: &Node, slot: Slot, reason: String, name: &str) {
        let suggestion = nearest(name, classes_of(slot).map(|class| class.name));
        let suggestion = suggestion.filter(|suggestion| *suggestion != name).map(str::to_owned);
        let value = words::shown(node);
        self.add_with(place, node.position, reason, |problem: ConfigProblem| {
            problem.with_value(value).with_suggestion(suggestion)
        });
    }

    fn warn(&mut self, place: &Place, position: Position, reason: impl Into<String>) {
        self.add_with(place, position, reason, |problem| problem.with_severity(Severity::Warning));
    }

    /// The configuration of a known class, as the class takes it when it is made.
    fn configuration(&mut self, class: &Class, node: &Node, place: &Place) {
        let nothing =
            Node { position: node.position, kind: Kind::Mapping(Vec::new()), source: None };
        let (config, position) = match node.entry("config") {
            Some(entry) => (&entry.value, entry.position),
            None => (&nothing, place.position),
        };
        self.made(class.kind, &class.config, config, &place.below("config", position));
    }

    /// What something is made of: the type of its configuration, and what else it asks for.
    pub(super) fn made(
        &mut self,
        kind: ClassKind,
        config_type: &Type,
        config: &Node,
        place: &Place,
    ) {
        let in_use = std::mem::replace(&mut self.in_use, true);
        let before = self.count();
        self.check(config_type, config, place);
        if self.count() == before {
            self.asked_for(kind, config, place);
        }
        self.in_use = in_use;
    }

    /// The section `storage`, which Dagster makes a class of at once.
    pub(super) fn unified_storage(&mut self, document: &Node) {
        let Some(storage) = document.entry("storage") else { return };
        let Some(Type::Choice(kinds)) = section("storage").map(|field| field.kind) else { return };
        let [entry] = storage.value.entries().unwrap_or_default() else { return };
        if self.problems_of("storage").next().is_some() {
            return;
        }
        let kind = match entry.key.text() {
            Some("postgres") => ClassKind::Postgres,
            Some("mysql") => ClassKind::MySql,
            Some("sqlite") => ClassKind::Sqlite,
            _ => return,
        };
        let Some(field) = kinds.iter().find(|field| Some(field.name) == entry.key.text()) else {
            return;
        };
        let place = Place::root(document.position).of(storage).of(entry);
        self.made(kind, &field.kind, &entry.value, &place);
    }

    /// The queue is a class with a section of its own, and made when the first run is submitted.
    pub(super) fn run_queue(&mut self, document: &Node) {
        let Some(entry) = document.entry("run_queue") else { return };
        let Some(field) = section("run_queue") else { return };
        // An empty section is none.
        if entry.value.is_falsy() || self.problems_of("run_queue").next().is_some() {
            return;
        }
        self.severity = Severity::ErrorWhenUsed;
        let place = Place::root(document.position).of(entry);
        self.made(ClassKind::Queue, &field.kind, &entry.value, &place);
        self.severity = Severity::Error;
    }

    /// With `max_resume_run_attempts`, Dagster makes the launcher at once, and it has to be able to resume runs.
    pub(super) fn resuming_launcher(&mut self, document: &Node) {
        let Some(monitoring) = document.get("run_monitoring") else { return };
        let Some(attempts) = monitoring.entry("max_resume_run_attempts") else { return };
        let enabled = monitoring.get("enabled").is_some_and(|enabled| !enabled.is_falsy());
        if !enabled
            || attempts.value.is_falsy()
            || self.problems_of("run_monitoring").next().is_some()
        {
            return;
        }
        for problem in self.problems_of("run_launcher") {
            if problem.severity == Severity::ErrorWhenUsed {
                problem.severity = Severity::Error;
            }
        }
        let named = document
            .get("run_launcher")
            .filter(|node| !node.is_falsy())
            .and_then(|node| Some((node.get("module")?.text()?, node.get("class")?.text()?)));
        let (module, class) = named.unwrap_or(("dagster", "DefaultRunLauncher"));
        let class_name = words::name(class);
        let reason = match find_class(Slot::RunLauncher, module, class) {
            Found::Class(found)
                if !matches!(found.kind, ClassKind::Kubernetes | ClassKind::Resumable) =>
            {
                format!(
                    "`{class_name}` cannot resume runs; write 0, or choose another run launcher"
                )
            }
            Found::Unknown(false) => format!(
                "`{class_name}` is not a class of Dagster's, and would be needed at once to know whether it can resume \
                 runs; write 0 for this program"
            ),
            _ => return,
        };
        let place = Place::root(document.position)
            .below("run_monitoring.max_resume_run_attempts", attempts.position);
        self.add(&place, attempts.value.position, reason);
    }
}
