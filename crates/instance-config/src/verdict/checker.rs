//! Comparing values with their types.

use instance_core::config_problems::{ConfigProblem, Position, Severity};
use instance_core::python;

use super::elsewhere::parents_of;
use super::near::nearest;
use super::words;
use crate::document::{Entry, Integer, Kind, NOWHERE, Node};
use crate::environment::Environment;
use crate::schema::{Field, Need, Rule, Scalar, Secrecy, Type, source};

/// The variable that says the greatest limit of a pool.
const GREATEST_POOL_LIMIT: &str = "DAGSTER_MAX_GLOBAL_OP_CONCURRENCY_LIMIT";

/// Finds problems, and keeps them.
pub(super) struct Checker<'a> {
    pub(super) environment: &'a dyn Environment,
    /// What the problems prevent that are found now.
    pub(super) severity: Severity,
    /// Whether the values are used now: variables have to be set, and what a class asks for has to hold.
    pub(super) in_use: bool,
    /// The keys among which the place of a key is looked for that stands in the wrong one.
    root: &'static [Field],
    /// Whether the document says where all three stores are.
    pub(super) names_stores: bool,
    problems: Vec<ConfigProblem>,
}

/// Where a value is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The path of its key.
    pub(super) key: String,
    /// Where its key is; of a part of a list, where the value itself is.
    pub(super) position: Position,
    /// Whether the value may be secret.
    pub(super) hidden: bool,
}

impl Place {
    /// The document as a whole.
    pub(super) const fn root(position: Position) -> Self {
        Self { key: String::new(), position, hidden: false }
    }

    /// The value under a key of this mapping.
    pub(super) fn below(&self, key: &str, position: Position) -> Self {
        Self { key: self.path(key), position, hidden: self.hidden }
    }

    /// The value of this entry.
    pub(super) fn of(&self, entry: &Entry) -> Self {
        self.below(&words::name(entry.key.shown()), entry.position)
    }

    fn path(&self, key: &str) -> String {
        if self.key.is_empty() { key.to_owned() } else { format!("{}.{key}", self.key) }
    }

    fn item(&self, index: usize, item: &Node) -> Self {
        Self { key: format!("{}[{index}]", self.key), position: item.position, hidden: self.hidden }
    }
}

impl<'a> Checker<'a> {
    pub(super) fn new(
        root: &'static [Field],
        document: &Node,
        environment: &'a dyn Environment,
    ) -> Self {
        let names = |section| document.get(section).is_some_and(|node| !node.is_falsy());
        let each = ["run_storage", "event_log_storage", "schedule_storage"];
        Self {
            environment,
            severity: Severity::Error,
            in_use: false,
            root,
            names_stores: names("storage") || each.into_iter().all(names),
            problems: Vec::new(),
        }
    }

    pub(super) fn into_problems(self) -> Vec<ConfigProblem> {
        self.problems
    }

    /// How many problems there are so far.
    pub(super) const fn count(&self) -> usize {
        self.problems.len()
    }

    /// The problems so far whose keys begin with a section's name.
    pub(super) fn problems_of(
        &mut self,
        section: &str,
    ) -> impl Iterator<Item = &mut ConfigProblem> {
        self.problems.iter_mut().filter(move |problem| {
            problem
                .key
                .strip_prefix(section)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Says that all problems but the first so many are in one place.
    pub(super) fn move_problems(&mut self, count: usize, position: Position) {
        for problem in self.problems.iter_mut().skip(count) {
            problem.position = Some(position);
        }
    }

    /// Keeps a problem of a value.
    pub(super) fn add(&mut self, place: &Place, position: Position, reason: impl Into<String>) {
        self.add_with(place, position, reason, |problem| problem);
    }

    /// Keeps a problem of a value, with more about it.
    pub(super) fn add_with(
        &mut self,
        place: &Place,
        position: Position,
        reason: impl Into<String>,
        more: impl FnOnce(ConfigProblem) -> ConfigProblem,
    ) {
        let problem = ConfigProblem::new(reason)
            .with_severity(self.severity)
            .with_key(&*place.key)
            .with_position(Some(position).filter(|position| *position != NOWHERE));
        self.problems.push(more(problem));
    }

    /// Keeps the problem that a value is not what it should be.
    pub(super) fn wrong(&mut self, expected: &str, node: &Node, place: &Place, hint: &str) {
        if node.is_null() {
            let position = if node.source.as_deref().unwrap_or_default().is_empty() {
                place.position
            } else {
                node.position
            };
            let reason = format!("it has no value; write {expected}, or remove the key");
            return self.add(place, position, reason);
        }
        let found = words::found(node, place.hidden);
        let value = if place.hidden { None } else { words::shown(node) };
        let reason = format!("write {expected}, not {found}{hint}");
        self.add_with(place, node.position, reason, |problem| problem.with_value(value));
    }

    /// Compares a value with its type.
    pub(super) fn check(&mut self, kind: &Type, node: &Node, place: &Place) {
        match kind {
            Type::Nullable(inner) => {
                if !node.is_null() {
                    self.check(inner, node, place);
                }
            }
            Type::Scalar(scalar) => self.scalar(*scalar, kind, node, place),
            Type::Source(scalar) => self.source(*scalar, kind, node, place),
            Type::Either(scalar, inner) => match node.kind {
                Kind::List(_) | Kind::Mapping(_) => self.check(inner, node, place),
                _ => self.scalar(*scalar, kind, node, place),
            },
            Type::List(inner) => match &node.kind {
                Kind::List(items) => {
                    for (index, item) in items.iter().enumerate() {
                        self.check(inner, item, &place.item(index, item));
                    }
                }
                _ => self.misfit(kind, node, place),
            },
            Type::Map(inner) => match &node.kind {
                Kind::Mapping(entries) => {
                    for entry in entries {
                        self.text_key(entry, place);
                        self.check(inner, &entry.value, &place.of(entry));
                    }
                }
                _ => self.misfit(kind, node, place),
            },
            Type::Shape(fields) => self.fields(kind, fields, false, node, place),
            Type::Open(fields) => self.fields(kind, fields, true, node, place),
            Type::Choice(fields) => self.choice(kind, fields, node, place),
            Type::Class(slot) => self.class(*slot, node, place),
        }
    }

    /// A value that has another form than its type. Its text may be a secret that stands in the wrong line.
    fn misfit(&mut self, kind: &Type, node: &Node, place: &Place) {
        let hidden = place.hidden || kind.holds_secret();
        self.wrong(&words::expected(kind), node, &Place { hidden, ..place.clone() }, "");
    }

    fn scalar(&mut self, scalar: Scalar, kind: &Type, node: &Node, place: &Place) {
        let fits = matches!(
            (scalar, &node.kind),
            (Scalar::Text, Kind::Text(_))
                | (Scalar::Integer, Kind::Integer(_))
                | (Scalar::Number, Kind::Integer(_) | Kind::Float(_))
                | (Scalar::Boolean, Kind::Boolean(_))
        );
        if fits {
            return;
        }
        let hint = match (scalar, &node.kind) {
            (Scalar::Text, Kind::Boolean(_) | Kind::Integer(_) | Kind::Float(_)) => {
                "; in quotes it is a text"
            }
            (Scalar::Integer, Kind::Text(text)) if text.trim().parse::<i64>().is_ok() => {
                "; without quotes it is a number"
            }
            _ => "",
        };
        let hidden = place.hidden || kind.holds_secret();
        self.wrong(&words::expected(kind), node, &Place { hidden, ..place.clone() }, hint);
    }

    /// A value that an environment variable may stand in for.
    fn source(&mut self, scalar: Scalar, kind: &Type, node: &Node, place: &Place) {
        let Some(entries) = node.entries() else {
            return self.scalar(scalar, kind, node, place);
        };
        let [entry] = entries else {
            return self.wrong(&words::expected(kind), node, place, "");
        };
        let inner = place.of(entry);
        if entry.key.text() != Some("env") {
            let expected = words::expected(kind);
            let reason = format!("there is no such key; write {expected}");
            let suggestion = nearest(entry.key.shown(), ["env"]).map(str::to_owned);
            return self.add_with(&inner, entry.position, reason, |problem| {
                problem.with_suggestion(suggestion)
            });
        }
        if entry.value.text().is_none() {
            let hint = if entry.value.is_null() { "" } else { "; in quotes it is a text" };
            return self.wrong("the name of an environment variable", &entry.value, &inner, hint);
        }
        if !self.in_use {
            return self.not_looked_up(scalar, entry.value.position, place);
        }
        let value = node.to_json();
        let resolved = match scalar {
            Scalar::Text => source::text(&value, self.environment).map(drop),
            Scalar::Integer | Scalar::Number => source::integer(&value, self.environment).map(drop),
            Scalar::Boolean => source::boolean(&value, self.environment).map(drop),
        };
        if let Err(error) = resolved {
            self.add(place, entry.value.position, error.to_string());
        }
    }

    /// A variable in a section that is no class. There is only one such section with variables, and Dagster has its
    /// values as they stand in the file.
    fn not_looked_up(&mut self, scalar: Scalar, position: Position, place: &Place) {
        if !place.key.starts_with("auto_materialize.") {
            return;
        }
        let reason = if scalar == Scalar::Boolean {
            "Dagster looks up no variable here, and takes this for true; write true or false"
        } else {
            "Dagster looks up no variable here, and its daemon fails with this; write a whole number"
        };
        self.add_with(place, position, reason, |problem| problem.with_severity(Severity::Warning));
    }

    fn fields(
        &mut self,
        kind: &Type,
        fields: &'static [Field],
        open: bool,
        node: &Node,
        place: &Place,
    ) {
        let Some(entries) = node.entries() else {
            return self.misfit(kind, node, place);
        };
        for entry in entries {
            let field = fields.iter().find(|field| Some(field.name) == entry.key.text());
            match field {
                Some(field) => self.field(field, entry, place),
                None if open => self.text_key(entry, place),
                None => self.unknown_key(entry, fields, place),
            }
        }
        for field in fields {
            if field.need == Need::Required && node.entry(field.name).is_none() {
                let missing = place.below(field.name, place.position);
                let reason = format!("it is missing; write {}", words::expected(&field.kind));
                self.add(&missing, place.position, reason);
            }
        }
    }

    /// The value of a known key.
    pub(super) fn field(&mut self, field: &Field, entry: &Entry, place: &Place) {
        let mut inner = place.below(field.name, entry.position);
        inner.hidden |= field.secrecy != Secrecy::Open;
        let before = self.count();
        self.check(&field.kind, &entry.value, &inner);
        if self.count() == before
            && let Some(rule) = field.rule
        {
            self.rule(rule, &entry.value, &inner);
        }
    }

    fn choice(&mut self, kind: &Type, fields: &'static [Field], node: &Node, place: &Place) {
        let Some(entries) = node.entries() else {
            return self.misfit(kind, node, place);
        };
        match entries {
            [] => {
                let reason =
                    format!("one of the keys {} has to be here", words::keys(fields, "and"));
                self.add(place, node.position, reason);
            }
            [entry] => match fields.iter().find(|field| Some(field.name) == entry.key.text()) {
                None => self.unknown_key(entry, fields, place),
                // A key without a value chooses, and leaves everything else to defaults.
                Some(field) if entry.value.is_null() && field.kind.has_fields() => {
                    let nothing = Node { kind: Kind::Mapping(Vec::new()), ..entry.value.clone() };
                    let entry = Entry { value: nothing, ..entry.clone() };
                    self.field(field, &entry, place);
                }
                Some(field) => self.field(field, entry, place),
            },
            [first, others @ ..] => {
                for entry in others {
                    if fields.iter().any(|field| Some(field.name) == entry.key.text()) {
                        let first = words::name(first.key.shown());
                        let reason =
                            format!("`{first}` is there, too; only one of the keys may be");
                        self.add(&place.of(entry), entry.position, reason);
                    } else {
                        self.unknown_key(entry, fields, place);
                    }
                }
            }
        }
    }

    fn unknown_key(&mut self, entry: &Entry, fields: &[Field], place: &Place) {
        let inner = place.of(entry);
        if let Some(what) = entry.key.other() {
            let reason =
                format!("the key is {what}; the keys here are {}", words::keys(fields, "and"));
            return self.add(&inner, entry.position, reason);
        }
        let name = words::name(entry.key.shown());
        let suggestion = nearest(&name, fields.iter().map(|field| field.name)).map(str::to_owned);
        let elsewhere = parents_of(&name, self.root);
        let reason = if name != entry.key.shown() {
            "the key has to be followed by a colon and a space".to_owned()
        } else if suggestion.is_some() {
            "there is no such key".to_owned()
        } else if !elsewhere.is_empty() && elsewhere.len() <= 3 {
            let places: Vec<&str> = elsewhere.iter().map(String::as_str).collect();
            format!("there is no such key here; it belongs below {}", words::list(&places, "or"))
        } else if fields.is_empty() {
            "there is no such key; the mapping has no keys".to_owned()
        } else {
            format!("there is no such key; the keys here are {}", words::keys(fields, "and"))
        };
        self.add_with(&inner, entry.position, reason, |problem| {
            problem.with_suggestion(suggestion)
        });
    }

    /// When it is used, a mapping has texts as keys.
    fn text_key(&mut self, entry: &Entry, place: &Place) {
        if let Some(what) = entry.key.other().filter(|_| self.in_use) {
            let reason =
                format!("the key is {what}; in quotes it is a text, which a key has to be");
            self.add(&place.of(entry), entry.position, reason);
        }
    }

    fn rule(&mut self, rule: Rule, node: &Node, place: &Place) {
        match rule {
            Rule::OneOf(known) => {
                let Some(text) =
                    node.text().filter(|text| !text.is_empty() && !known.contains(text))
                else {
                    return;
                };
                let suggestion = nearest(text, known.iter().copied()).map(str::to_owned);
                let value = words::shown(node);
                let found = words::found(node, false);
                let reason = format!("write {}, not {found}", words::list(known, "or"));
                self.add_with(place, node.position, reason, |problem| {
                    problem.with_value(value).with_suggestion(suggestion)
                });
            }
            Rule::PoolLimit => self.pool_limit(node, place),
            Rule::RunLimit if self.in_use => {
                let number = source::integer(&node.to_json(), self.environment);
                if number.is_ok_and(|number| number < -1) {
                    let reason = "write a number of runs, or -1 for any number; it is less than -1";
                    self.add(place, node.position, reason);
                }
            }
            Rule::RunLimit => {}
        }
    }

    fn pool_limit(&mut self, node: &Node, place: &Place) {
        let Kind::Integer(limit) = node.kind else { return };
        let greatest = self.environment.get(GREATEST_POOL_LIMIT);
        let greatest = match greatest.as_deref().map(python::integer) {
            None => 1000,
            Some(Some(greatest)) => greatest,
            Some(None) => {
                let reason = format!(
                    "the environment variable {GREATEST_POOL_LIMIT} holds no whole number; set it to one, such as 1000, or unset it"
                );
                return self.add(place, node.position, reason);
            }
        };
        let fits = matches!(limit, Integer::Small(limit) if (0..=greatest).contains(&limit));
        if !fits {
            self.wrong(&format!("a number from 0 to {greatest}"), node, place, "");
        }
    }
}
