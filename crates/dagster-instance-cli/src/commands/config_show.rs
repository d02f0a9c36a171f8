//! `config show`: each setting with its value, its default, and who said it.

use std::io::{BufWriter, Write};

use dagster_instance::config_problems::Position;
use dagster_instance::{
    ConfigDescription, DescribedSetting, Home, HomeSource, LoadSettings, ProcessEnvironment,
    SettingOrigin, describe_settings, find_home,
};
use serde_json::Value;

use super::config_workspace;
use crate::args::ConfigShowOf;
use crate::open::InstancePlace;
use crate::print::{Table, counted};
use crate::{Result, json, report, text};

pub(crate) fn run(place: &InstancePlace, args: &ConfigShowOf) -> Result<()> {
    if args.workspace {
        return config_workspace::show(args.file.as_deref(), args.output.json);
    }
    let home = find_home(place.home.as_deref(), &ProcessEnvironment)?;
    let request = LoadSettings::new(&home.path).with_storage(place.storage.clone());
    let config = describe_settings(&request, &ProcessEnvironment)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    if args.output.json {
        writeln!(out, "{}", json::config(&config, home_source(home.source)))?;
    } else {
        print(&mut out, &home, &config)?;
    }
    out.flush()?;
    if !config.problems.is_empty() {
        let count = counted(config.problems.len() as u64, "problem");
        report::say(&format!("dagster-instance: {count} in the file; see them with: config check"));
    }
    Ok(())
}

fn print(out: &mut impl Write, home: &Home, config: &ConfigDescription) -> Result<()> {
    let value = |text: &str| text::value(text);
    let path = home.path.to_string_lossy();
    writeln!(out, "Home          {}, from {}", value(&path), home_source(home.source))?;
    let missing = if config.exists { "" } else { ", which does not exist" };
    writeln!(out, "File          {}{missing}", value(&config.file.to_string_lossy()))?;
    match &config.storage {
        Some(storage) => {
            let heads = ["Runs are in   ", "Events are in ", "Schedules in  "];
            for (head, (section, store)) in heads.into_iter().zip(storage.each()) {
                let said = config.settings.iter().find(|it| it.key == section);
                let said = said.or_else(|| config.settings.iter().find(|it| it.key == "storage"));
                let origin = said.map(|said| origin(&said.origin, config)).unwrap_or_default();
                writeln!(out, "{head}{}, from {origin}", value(&store.to_string()))?;
            }
        }
        None => writeln!(out, "Runs are in   no place that is known: the file has mistakes")?,
    }
    writeln!(out)?;
    let rows: Vec<_> = config.settings.iter().map(|setting| row(setting, config)).collect();
    Table::new(&["SETTING", "FROM", "VALUE"]).rows(out, &rows)?;
    let unusable: Vec<_> =
        config.settings.iter().filter(|setting| setting.unusable.is_some()).collect();
    if !unusable.is_empty() {
        writeln!(out, "\nWhat cannot be used:")?;
        for setting in unusable {
            let reason = setting.unusable.as_deref().unwrap_or_default();
            writeln!(out, "  {}: {}", value(&setting.key), text::message(reason))?;
        }
    }
    Ok(())
}

fn row(setting: &DescribedSetting, config: &ConfigDescription) -> Vec<String> {
    let mut shown = shown(&setting.value);
    // What nobody said is the default itself.
    if setting.origin != SettingOrigin::Default && !setting.default.is_null() {
        shown = format!("{shown} (default {})", self::shown(&setting.default));
    }
    vec![text::value(&setting.key), origin(&setting.origin, config), shown]
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text::value(text),
        other => text::message(&other.to_string()),
    }
}

/// Who said a setting, for people.
fn origin(origin: &SettingOrigin, config: &ConfigDescription) -> String {
    let file = config.file.file_name().unwrap_or_default().to_string_lossy();
    let at = |position: &Position| format!("{}:{position}", text::value(&file));
    match origin {
        SettingOrigin::File(position) => at(position),
        SettingOrigin::Variable { name, reference: Some(position) } => {
            format!("{} ({})", text::value(name), at(position))
        }
        SettingOrigin::Variable { name, .. } => text::value(name),
        SettingOrigin::Caller => "--storage".to_owned(),
        _ => "default".to_owned(),
    }
}

/// Who said which directory it is.
const fn home_source(source: HomeSource) -> &'static str {
    match source {
        HomeSource::Argument => "--home",
        HomeSource::Variable => "DAGSTER_HOME",
        HomeSource::UserData => "default",
    }
}
