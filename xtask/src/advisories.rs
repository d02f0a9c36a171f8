//! The step `advisories`: no locked crate has a known vulnerability or is known to be unsound or unmaintained.
//!
//! The gate's machines reach registries and nothing else. So a snapshot of RustSec's database, with its date, is
//! kept in `xtask/advisories/rustsec.txt`. Whoever can reach the database renews it with `cargo xtask advisories
//! --update CHECKOUT`. `deny.toml` names the advisories that are accepted, with a reason.
//!
//! Not here: whether a release was yanked, which only the registry knows.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use cargo_metadata::semver::{Version, VersionReq};
use toml::{Table, Value};

use crate::process;
use crate::workspace::Workspace;

const SNAPSHOT: &str = "xtask/advisories/rustsec.txt";
const LOCK: &str = "Cargo.lock";
const POLICY: &str = "deny.toml";

/// Checks the lock file against the snapshot. With `update`, first makes the snapshot from that checkout.
pub(crate) fn run(workspace: &Workspace, update: Option<&Path>) -> Result<()> {
    let path = workspace.root.join(SNAPSHOT);
    if let Some(checkout) = update {
        fs::write(&path, snapshot(checkout)?)
            .with_context(|| format!("cannot write {SNAPSHOT}"))?;
    }
    let read = |file: &str| {
        fs::read_to_string(workspace.root.join(file)).with_context(|| format!("cannot read {file}"))
    };
    let text = read(SNAPSHOT)?;
    let state = text.lines().find_map(|line| line.strip_prefix("# State: ")).unwrap_or("unknown");
    let advisories = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| Advisory::parse(line).with_context(|| format!("{SNAPSHOT}: {line}")))
        .collect::<Result<Vec<_>>>()?;
    let locked = locked(&read(LOCK)?)?;
    let accepted = accepted(&read(POLICY)?)?;
    println!("{} advisories, as of {state}; {} locked crates", advisories.len(), locked.len());

    let mut met = BTreeSet::new();
    let mut findings = Vec::new();
    for (name, version) in &locked {
        for advisory in advisories.iter().filter(|advisory| advisory.affects(name, version)) {
            met.insert(advisory.id.as_str());
            if !accepted.contains(&advisory.id) {
                let Advisory { id, kind, title, .. } = advisory;
                findings.push(format!("{LOCK}: {name} {version}: {id} ({kind}): {title}"));
            }
        }
    }
    for id in accepted.iter().filter(|id| !met.contains(id.as_str())) {
        findings.push(format!("{POLICY}: {id} is accepted, and no locked crate has it: remove it"));
    }
    for finding in &findings {
        println!("{finding}");
    }
    ensure!(findings.is_empty(), "{} finding(s) about advisories", findings.len());
    Ok(())
}

/// One advisory, and one line of the snapshot: fields with tabs between them.
#[derive(Debug)]
struct Advisory {
    id: String,
    package: String,
    kind: String,
    /// Versions with one of these are not affected.
    harmless: Vec<VersionReq>,
    title: String,
}

impl Advisory {
    fn parse(line: &str) -> Result<Self> {
        let fields: Vec<&str> = line.split('\t').collect();
        let [id, package, kind, harmless, title] = fields[..] else {
            anyhow::bail!("a line has five fields, this one {}", fields.len());
        };
        let harmless = harmless.split(" | ").filter(|range| !range.is_empty());
        Ok(Self {
            id: id.to_owned(),
            package: package.to_owned(),
            kind: kind.to_owned(),
            harmless: harmless.map(str::parse).collect::<Result<_, _>>()?,
            title: title.to_owned(),
        })
    }

    fn affects(&self, name: &str, version: &Version) -> bool {
        // A release candidate is as the release that it becomes.
        let release = Version::new(version.major, version.minor, version.patch);
        self.package == name
            && !self.harmless.iter().any(|range| range.matches(version) || range.matches(&release))
    }
}

/// The crates of a registry in a lock file, with their versions.
fn locked(lock: &str) -> Result<Vec<(String, Version)>> {
    let table: Table = lock.parse().with_context(|| format!("cannot read {LOCK}"))?;
    let packages = table.get("package").and_then(Value::as_array).into_iter().flatten();
    let text = |package: &Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    packages
        .filter(|package| package.get("source").is_some())
        .filter_map(|package| Some((text(package, "name")?, text(package, "version")?)))
        .map(|(name, version)| Ok((name, version.parse()?)))
        .collect()
}

/// The advisories that `deny.toml` accepts: texts, or tables with `id`.
fn accepted(policy: &str) -> Result<BTreeSet<String>> {
    let table: Table = policy.parse().with_context(|| format!("cannot read {POLICY}"))?;
    let ignore = table.get("advisories").and_then(|section| section.get("ignore"));
    let entries = ignore.and_then(Value::as_array).into_iter().flatten();
    let id =
        |entry: &Value| entry.as_str().or_else(|| entry.get("id")?.as_str()).map(str::to_owned);
    Ok(entries.filter_map(id).collect())
}

/// The snapshot's text, from a checkout of the database.
fn snapshot(checkout: &Path) -> Result<String> {
    let git = |args: &[&str]| -> Result<String> {
        let mut git = Command::new("git");
        let text = process::output(git.arg("-C").arg(checkout).args(args))?;
        Ok(String::from_utf8_lossy(&text).trim_end().to_owned())
    };
    let state = git(&["show", "--no-patch", "--format=%cs, commit %H", "HEAD"])?;
    let files = git(&["ls-tree", "-r", "--name-only", "HEAD", "crates/"])?;
    let mut lines = BTreeSet::new();
    for file in
        files.lines().filter(|file| Path::new(file).extension().is_some_and(|end| end == "md"))
    {
        let text = git(&["show", &format!("HEAD:{file}")])?;
        lines.extend(line_of(&text).with_context(|| format!("cannot read {file}"))?);
    }
    ensure!(!lines.is_empty(), "there are no advisories in {}", checkout.display());
    let mut snapshot = format!(
        "# Advisories about crates, from RustSec's database, https://github.com/RustSec/advisory-db\n\
         # State: {state}\n\
         # In the public domain (CC0-1.0), but for what comes from GitHub's advisories (CC-BY-4.0); fields were chosen.\n\
         # Written by `cargo xtask advisories --update CHECKOUT`. Fields: id, crate, kind, versions that are not\n\
         # affected, title.\n"
    );
    for line in lines {
        let _ = writeln!(snapshot, "{line}");
    }
    Ok(snapshot)
}

/// The line of an advisory's file, or nothing if the advisory was withdrawn.
fn line_of(text: &str) -> Result<Option<String>> {
    let (_, rest) = text.split_once("```toml").context("there is no block of TOML")?;
    let (front, body) = rest.split_once("```").context("the block of TOML does not end")?;
    let table: Table = front.parse()?;
    let advisory = table.get("advisory").context("there is no `[advisory]`")?;
    if advisory.get("withdrawn").is_some() {
        return Ok(None);
    }
    let field = |name: &str| advisory.get(name).and_then(Value::as_str);
    let ranges = |name: &str| {
        let versions = table.get("versions").and_then(|versions| versions.get(name));
        versions.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    };
    let harmless: Vec<&str> = ranges("patched").chain(ranges("unaffected")).collect();
    let title = body.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or("no title");
    Ok(Some(format!(
        "{}\t{}\t{}\t{}\t{}",
        field("id").context("there is no `id`")?,
        field("package").context("there is no `package`")?,
        field("informational").unwrap_or("vulnerability"),
        harmless.join(" | "),
        title.trim().replace('\t', " "),
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "```toml\n[advisory]\nid = \"RUSTSEC-1\"\npackage = \"time\"\n[versions]\n\
                        patched = [\">= 0.2.23\"]\nunaffected = [\"< 0.1.0\", \"=0.2.1\"]\n```\n\n# A fault\n\nText.\n";

    #[test]
    fn a_file_becomes_a_line_and_the_line_an_advisory() {
        let line = line_of(FILE).unwrap().unwrap();
        assert_eq!(line, "RUSTSEC-1\ttime\tvulnerability\t>= 0.2.23 | < 0.1.0 | =0.2.1\tA fault");
        let advisory = Advisory::parse(&line).unwrap();
        let check = |name: &str, version: &str, expect: bool| {
            assert_eq!(
                advisory.affects(name, &version.parse().unwrap()),
                expect,
                "{name} {version}"
            );
        };
        check("time", "0.1.44", true);
        check("time", "0.2.1", false);
        check("time", "0.2.22", true);
        check("time", "0.2.23", false);
        check("time", "0.2.23-beta.1", false);
        check("time", "0.0.9", false);
        check("timer", "0.1.44", false);
    }

    #[test]
    fn without_a_mended_version_all_are_affected() {
        let advisory = Advisory::parse("RUSTSEC-2\tgone\tunmaintained\t\tGone").unwrap();
        assert!(advisory.affects("gone", &Version::new(9, 0, 0)));
        assert!(Advisory::parse("RUSTSEC-2\tgone").is_err());
    }

    #[test]
    fn a_withdrawn_advisory_is_none() {
        let withdrawn = FILE.replace("[versions]", "withdrawn = \"2026-01-01\"\n[versions]");
        assert_eq!(line_of(&withdrawn).unwrap(), None);
        assert!(line_of("no block").is_err());
    }

    #[test]
    fn what_is_locked_and_what_is_accepted_is_read() {
        let lock = "[[package]]\nname = \"ours\"\nversion = \"0.1.0\"\n[[package]]\nname = \"theirs\"\n\
                    version = \"1.2.3\"\nsource = \"registry\"\n";
        assert_eq!(locked(lock).unwrap(), [("theirs".to_owned(), Version::new(1, 2, 3))]);
        let policy = "[advisories]\nignore = [\"A\", { id = \"B\", reason = \"c\" }]\n";
        assert_eq!(accepted(policy).unwrap(), ["A", "B"].map(str::to_owned).into());
        assert!(accepted("").unwrap().is_empty());
    }
}
