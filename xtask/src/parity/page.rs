//! The text of the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Class, Methods, Reasons};

/// The domains in the order of the page, with what each is about.
const DOMAINS: [(&str, &str); 8] = [
    ("runs", "Runs and their snapshots"),
    ("events", "Events"),
    ("assets", "Assets"),
    ("scheduling", "Schedules, sensors, ticks and backfills"),
    ("storage", "Storages, dynamic partitions and signs of life"),
    ("launcher", "Launching"),
    ("config", "Configuration"),
    ("facade", "Opening and closing an instance"),
];

/// What else there is to say of a domain.
const NOTES: [(&str, &str); 1] = [(
    "config",
    "`cargo xtask configurations` loads more than 500 homes with Dagster and with us, and compares what the members here \
     that tell settings answer,\nname by name, with the parts of the instance and its reference. \
     `docs/differences.md` has what differs.\n\n",
)];

/// How a member of the class stands.
enum Standing<'a> {
    Here,
    Renamed(&'a str),
    Comes(&'a str),
    Not(&'a str),
}

impl Standing<'_> {
    fn text(&self) -> String {
        match self {
            Self::Here => "yes".to_owned(),
            Self::Renamed(method) => format!("as `{method}`"),
            Self::Comes(reason) => format!("to come. {reason}"),
            Self::Not(reason) => format!("no. {reason}"),
        }
    }
}

/// What stands under one domain.
#[derive(Default)]
struct Section<'a> {
    /// The name, kind and standing of each member.
    members: Vec<(&'a str, &'a str, Standing<'a>)>,
    ours_alone: Vec<&'a str>,
}

pub(super) fn text(class: &Class, ours: &Methods, reasons: &Reasons) -> String {
    let mut sections: BTreeMap<&str, Section<'_>> = BTreeMap::new();
    for member in &class.members {
        let (domain, standing) = standing(&member.name, ours, reasons);
        let section = sections.entry(domain).or_default();
        section.members.push((&member.name, &member.kind, standing));
    }
    let is_of_class = |name: &str| class.members.iter().any(|member| member.name == name);
    for (name, domain) in ours.iter().filter(|(name, _)| !is_of_class(name)) {
        sections.entry(domain).or_default().ours_alone.push(name);
    }

    let mut page = format!(
        "# Dagster's class and ours, member by member\n\n\
         `cargo xtask parity` writes this page. The members are the public ones of `dagster.DagsterInstance` in \
         Dagster {}; the\nreasons are in `xtask/parity.toml`. A method has the name that it has in Dagster. A property is \
         a method here, too.\n\n\
         | domain | members | here | to come | not for us | ours alone |\n| --- | ---: | ---: | ---: | ---: | ---: |\n",
        class.version
    );
    let mut total = [0; 5];
    for (domain, title) in DOMAINS {
        let counts = counts(sections.get(domain));
        let [members, here, comes, not, alone] = counts;
        let _ = writeln!(page, "| {title} | {members} | {here} | {comes} | {not} | {alone} |");
        for (total, count) in total.iter_mut().zip(counts) {
            *total += count;
        }
    }
    let [members, here, comes, not, alone] = total;
    let _ = writeln!(page, "| all | {members} | {here} | {comes} | {not} | {alone} |");

    for (domain, title) in DOMAINS {
        let Some(section) = sections.get(domain) else { continue };
        let _ = write!(page, "\n## {title}\n\n");
        page.extend(NOTES.iter().filter(|(of, _)| *of == domain).map(|(_, note)| *note));
        if !section.members.is_empty() {
            page.push_str("| member | kind | here |\n| --- | --- | --- |\n");
        }
        for (name, kind, standing) in &section.members {
            let _ = writeln!(page, "| `{name}` | {kind} | {} |", standing.text());
        }
        if !section.ours_alone.is_empty() {
            let _ = write!(page, "\nOurs alone:\n\n");
        }
        for name in &section.ours_alone {
            let _ = writeln!(page, "* `{name}`");
        }
    }
    for plan in &reasons.plans {
        let _ = write!(
            page,
            "\n## {}: methods extracted\n\n| domain | method | here |\n| --- | --- | --- |\n",
            plan.name
        );
        for (domain, names) in &plan.methods {
            for name in names {
                let (_, standing) = standing(name, ours, reasons);
                let _ = writeln!(page, "| {domain} | `{name}` | {} |", standing.text());
            }
        }
    }
    page
}

/// The domain of a member, and how it stands.
fn standing<'a>(name: &str, ours: &'a Methods, reasons: &'a Reasons) -> (&'a str, Standing<'a>) {
    if let Some(domain) = ours.get(name) {
        return (domain, Standing::Here);
    }
    if let Some(method) = reasons.renamed.get(name) {
        return (ours.get(method).map_or("facade", String::as_str), Standing::Renamed(method));
    }
    match reasons.absent.get(name) {
        Some(absent) if absent.comes => (&absent.domain, Standing::Comes(&absent.reason)),
        Some(absent) => (&absent.domain, Standing::Not(&absent.reason)),
        // The reasons were looked at before.
        None => ("facade", Standing::Not("")),
    }
}

/// Members, those here, to come and not for us, and what is ours alone.
fn counts(section: Option<&Section<'_>>) -> [usize; 5] {
    let Some(section) = section else { return [0; 5] };
    let count = |is: fn(&Standing<'_>) -> bool| {
        section.members.iter().filter(|(_, _, standing)| is(standing)).count()
    };
    [
        section.members.len(),
        count(|standing| matches!(standing, Standing::Here | Standing::Renamed(_))),
        count(|standing| matches!(standing, Standing::Comes(_))),
        count(|standing| matches!(standing, Standing::Not(_))),
        section.ours_alone.len(),
    ]
}
