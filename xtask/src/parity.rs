//! The step `parity`: the page `docs/parity.md`, which lists the public members of Dagster's class beside our methods.
//!
//! The members come from the pinned Dagster, the methods from the sources of the facade, and the reasons for what is
//! absent from `xtask/parity.toml`. Here: reading these, and whether they agree. Not here: the text of the page.

mod page;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use toml::{Table, Value};

use crate::process;
use crate::scripts::script;
use crate::workspace::Workspace;

const PAGE: &str = "docs/parity.md";
const REASONS: &str = "xtask/parity.toml";
const FACADE: &str = "crates/dagster-instance/src";

/// Writes the page. With `check`, fails if the page would change, and writes nothing.
pub(crate) fn run(workspace: &Workspace, check: bool) -> Result<()> {
    let class = Class::read(workspace)?;
    let ours = methods(&workspace.root.join(FACADE))?;
    let text = fs::read_to_string(workspace.root.join(REASONS))
        .with_context(|| format!("cannot read {REASONS}"))?;
    let reasons = Reasons::parse(&text).with_context(|| format!("in {REASONS}"))?;
    let faults = faults(&class, &ours, &reasons);
    ensure!(faults.is_empty(), "{REASONS} and the methods do not agree:\n{}", faults.join("\n"));

    let page = page::text(&class, &ours, &reasons);
    let path = workspace.root.join(PAGE);
    if fs::read_to_string(&path).is_ok_and(|found| found == page) {
        return Ok(());
    }
    ensure!(!check, "{PAGE} is out of date; write it with: cargo xtask parity");
    fs::write(&path, page).with_context(|| format!("cannot write {PAGE}"))?;
    println!("written: {PAGE}");
    Ok(())
}

/// Dagster's class.
struct Class {
    version: String,
    members: Vec<Member>,
}

/// A public member of the class.
struct Member {
    name: String,
    /// `method`, `property` or `constructor`.
    kind: String,
}

impl Class {
    fn read(workspace: &Workspace) -> Result<Self> {
        let output = process::output(&mut script(workspace, "class_members.py")?)?;
        Self::parse(std::str::from_utf8(&output)?)
    }

    /// The first line is the version, and each other line a member: its name and kind.
    fn parse(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        let version = lines.next().context("the list of members is empty")?.to_owned();
        let mut members = Vec::new();
        for line in lines {
            let (name, kind) = line.split_once('\t').context("a member has no kind")?;
            members.push(Member { name: name.to_owned(), kind: kind.to_owned() });
        }
        ensure!(members.len() > 100, "only {} members were found", members.len());
        Ok(Self { version, members })
    }
}

/// Our methods: the name of each with its domain, or `facade` if it is written by hand.
type Methods = BTreeMap<String, String>;

/// The public methods of the facade, from all files below a directory.
fn methods(directory: &Path) -> Result<Methods> {
    let mut found = Methods::new();
    for entry in fs::read_dir(directory).with_context(|| format!("cannot read {FACADE}"))? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(methods(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let is_generated = directory.ends_with("methods");
            let domain = if is_generated { stem } else { "facade".to_owned() };
            let source = fs::read_to_string(&path)?;
            let names =
                methods_of(&source).with_context(|| format!("cannot parse {}", path.display()))?;
            found.extend(names.into_iter().map(|name| (name, domain.clone())));
        }
    }
    Ok(found)
}

/// The names of the public methods of `DagsterInstance` in a source file.
fn methods_of(source: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for item in syn::parse_file(source)?.items {
        let syn::Item::Impl(block) = item else { continue };
        let syn::Type::Path(of) = &*block.self_ty else { continue };
        if block.trait_.is_some() || !of.path.is_ident("DagsterInstance") {
            continue;
        }
        for item in block.items {
            if let syn::ImplItem::Fn(method) = item
                && matches!(method.vis, syn::Visibility::Public(_))
            {
                names.push(method.sig.ident.to_string());
            }
        }
    }
    Ok(names)
}

/// What the file of reasons says.
#[derive(Debug, Default)]
struct Reasons {
    /// Our method for members that are called otherwise here.
    renamed: BTreeMap<String, String>,
    /// By the name of the member.
    absent: BTreeMap<String, Absent>,
    plans: Vec<Plan>,
}

/// Why a member is not here.
#[derive(Debug, Clone)]
struct Absent {
    domain: String,
    comes: bool,
    reason: String,
}

/// A plan, with the methods of each domain in the plan's order.
#[derive(Debug)]
struct Plan {
    name: String,
    methods: Vec<(String, Vec<String>)>,
}

impl Reasons {
    fn parse(text: &str) -> Result<Self> {
        let table: Table = text.parse()?;
        let mut reasons = Self::default();
        for (name, method) in table.get("renamed").and_then(Value::as_table).into_iter().flatten() {
            let method = method.as_str().with_context(|| format!("`{name}` is no text"))?;
            reasons.renamed.insert(name.clone(), method.to_owned());
        }
        for group in groups(&table, "absent") {
            let absent = Absent {
                domain: word(group, "domain")?,
                comes: group.get("comes").and_then(Value::as_bool).context("no `comes`")?,
                reason: word(group, "reason")?,
            };
            for name in words(group.get("members"))? {
                let before = reasons.absent.insert(name.clone(), absent.clone());
                ensure!(before.is_none(), "`{name}` stands there twice");
            }
        }
        for group in groups(&table, "plan") {
            let methods = group.get("methods").and_then(Value::as_table).context("no `methods`")?;
            let methods = methods
                .iter()
                .map(|(domain, names)| Ok((domain.clone(), words(Some(names))?)))
                .collect::<Result<_>>()?;
            reasons.plans.push(Plan { name: word(group, "name")?, methods });
        }
        Ok(reasons)
    }
}

fn groups<'t>(table: &'t Table, name: &str) -> impl Iterator<Item = &'t Table> {
    let groups = table.get(name).and_then(Value::as_array).into_iter().flatten();
    groups.filter_map(Value::as_table)
}

fn word(group: &Table, key: &str) -> Result<String> {
    let text = group.get(key).and_then(Value::as_str);
    Ok(text.with_context(|| format!("a group has no `{key}`"))?.to_owned())
}

fn words(list: Option<&Value>) -> Result<Vec<String>> {
    let Some(list) = list.and_then(Value::as_array) else { bail!("a group has no list of names") };
    let texts = list.iter().map(|name| name.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().context("a name is no text")
}

/// What does not fit together, a line for each.
fn faults(class: &Class, ours: &Methods, reasons: &Reasons) -> Vec<String> {
    let names: BTreeSet<&str> = class.members.iter().map(|member| member.name.as_str()).collect();
    let planned: BTreeSet<&str> = reasons
        .plans
        .iter()
        .flat_map(|plan| plan.methods.iter().flat_map(|(_, names)| names))
        .map(String::as_str)
        .collect();
    let mut faults = Vec::new();
    for name in names.union(&planned) {
        let explained = reasons.absent.contains_key(*name) || reasons.renamed.contains_key(*name);
        match (ours.contains_key(*name), explained) {
            (true, true) => faults.push(format!("`{name}` is a method now: take its reason out")),
            (false, false) => faults.push(format!("`{name}` is no method: say why, or write it")),
            _ => {}
        }
    }
    let explained = reasons.absent.keys().chain(reasons.renamed.keys());
    for name in
        explained.filter(|name| !names.contains(name.as_str()) && !planned.contains(name.as_str()))
    {
        faults.push(format!("`{name}` is no member of Dagster's class: take it out"));
    }
    for (name, method) in reasons.renamed.iter().filter(|(_, method)| !ours.contains_key(*method)) {
        faults.push(format!("`{name}` is said to be `{method}`, which is no method"));
    }
    for name in reasons.renamed.keys().filter(|name| reasons.absent.contains_key(*name)) {
        faults.push(format!("`{name}` is both renamed and absent"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(names: &[&str]) -> Class {
        let member = |name: &&str| Member { name: (*name).to_owned(), kind: "method".to_owned() };
        Class { version: "1".to_owned(), members: names.iter().map(member).collect() }
    }

    fn ours(names: &[&str]) -> Methods {
        names.iter().map(|name| ((*name).to_owned(), "runs".to_owned())).collect()
    }

    fn check(reasons: &str, expected: &[&str]) {
        let reasons = Reasons::parse(reasons).unwrap();
        let found = faults(&class(&["get_run", "wipe"]), &ours(&["get_run", "builder"]), &reasons);
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (fault, part) in found.iter().zip(expected) {
            assert!(fault.contains(part), "{fault}");
        }
    }

    const WIPE: &str =
        "[[absent]]\ndomain = \"runs\"\ncomes = true\nreason = \"later\"\nmembers = [\"wipe\"]\n";

    #[test]
    fn what_is_absent_has_a_reason_and_nothing_else_has() {
        check(WIPE, &[]);
        check("", &["`wipe` is no method"]);
        check("[renamed]\nwipe = \"builder\"", &[]);
        check("[renamed]\nwipe = \"none\"", &["`none`, which is no method"]);
        let more = |name: &str| WIPE.replace("\"wipe\"", &format!("\"wipe\", \"{name}\""));
        check(&more("get_run"), &["`get_run` is a method now"]);
        check(&more("unheard_of"), &["`unheard_of` is no member"]);
    }

    #[test]
    fn the_methods_of_plans_have_to_be_there_too() {
        let plan = |name: &str| {
            format!("{WIPE}[[plan]]\nname = \"p\"\n[plan.methods]\nruns = [\"{name}\"]")
        };
        check(&plan("get_run"), &[]);
        check(&plan("wipe"), &[]);
        check(&plan("builder"), &[]);
        check(&plan("gone"), &["`gone` is no method"]);
    }

    #[test]
    fn a_reason_that_stands_there_twice_is_refused() {
        let error = format!("{:#}", Reasons::parse(&format!("{WIPE}{WIPE}")).unwrap_err());
        assert!(error.contains("`wipe` stands there twice"), "{error}");
    }

    #[test]
    fn methods_are_those_of_the_facade_alone() {
        let source = "impl DagsterInstance { pub fn one(&self) {} pub async fn two(&self) {} fn three() {} }\n\
                      impl Other { pub fn four(&self) {} }\n\
                      impl Trait for DagsterInstance { fn five(&self) {} }";
        assert_eq!(methods_of(source).unwrap(), ["one", "two"]);
    }
}
