//! The section `concurrency`.

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{
    ConcurrencySettings, PoolGranularity, PoolSettings, RunConcurrencySettings,
};

use super::tag_limits::tag_concurrency_limits;
use crate::fields::Fields;

pub(super) fn concurrency(sections: &Fields<'_>) -> Result<ConcurrencySettings, ConfigProblems> {
    let settings = ConcurrencySettings::new();
    let Some(section) = sections.section("concurrency")? else { return Ok(settings) };
    section.only(&["pools", "runs", "default_op_concurrency_limit"])?;
    Ok(settings
        .with_pools(pools(&section)?)
        .with_runs(runs(&section)?)
        .with_default_op_concurrency_limit(section.plain_integer("default_op_concurrency_limit")?))
}

fn pools(concurrency: &Fields<'_>) -> Result<PoolSettings, ConfigProblems> {
    let pools = PoolSettings::new();
    let Some(section) = concurrency.section("pools")? else { return Ok(pools) };
    section.only(&["default_limit", "granularity", "op_granularity_run_buffer"])?;
    // An empty text says nothing, as in Dagster.
    let granularity = section.plain_text("granularity")?.filter(|name| !name.is_empty());
    let granularity = granularity
        .map(|name| {
            PoolGranularity::from_name(&name).ok_or_else(|| {
                section.problem("granularity", format!("{name:?} is none; it has to be run or op"))
            })
        })
        .transpose()?;
    Ok(pools
        .with_default_limit(section.plain_integer("default_limit")?)
        .with_granularity(granularity)
        .with_op_granularity_run_buffer(section.plain_integer("op_granularity_run_buffer")?))
}

fn runs(concurrency: &Fields<'_>) -> Result<RunConcurrencySettings, ConfigProblems> {
    let runs = RunConcurrencySettings::new();
    let Some(section) = concurrency.section("runs")? else { return Ok(runs) };
    section.only(&["max_concurrent_runs", "tag_concurrency_limits"])?;
    Ok(runs
        .with_max_concurrent_runs(section.plain_integer("max_concurrent_runs")?)
        .with_tag_concurrency_limits(tag_concurrency_limits(&section, "tag_concurrency_limits")?))
}
