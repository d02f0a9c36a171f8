//! The section `compute_logs`.

use std::path::PathBuf;
use std::time::Duration;

use instance_core::config_problems::ConfigProblems;
use instance_core::settings::{
    ComputeLogSettings, InstanceSettings, LocalComputeLogSettings, S3ComputeLogSettings,
};

use crate::environment::Environment;
use crate::fields::Fields;
use crate::parts::{Part, Parts};
use crate::schema::{ClassKind, Slot};

pub(super) fn compute_logs(
    parts: &Parts<'_>,
    defaults: &InstanceSettings,
    environment: &dyn Environment,
) -> ComputeLogSettings {
    parts.compute_logs.read(
        parts.instance_class.as_ref(),
        |part| of_part(part, environment),
        ComputeLogSettings::Other,
        || defaults.compute_logs.clone(),
        ComputeLogSettings::Unusable,
    )
}

fn of_part(
    part: &Part<'_>,
    environment: &dyn Environment,
) -> Result<ComputeLogSettings, ConfigProblems> {
    let fields = part.fields(environment);
    match part.kind(Slot::ComputeLogs)? {
        Some(ClassKind::LocalFiles) => {
            fields.only(&["base_dir", "polling_timeout"])?;
            let mut local = LocalComputeLogSettings::new(fields.required_text("base_dir")?);
            if let Some(seconds) = fields.plain_number("polling_timeout")? {
                let timeout = Duration::try_from_secs_f64(seconds).map_err(|_| {
                    fields
                        .problem("polling_timeout", "it has to be a number of seconds, such as 2.5")
                })?;
                local = local.with_polling_timeout(timeout);
            }
            Ok(ComputeLogSettings::Local(local))
        }
        Some(ClassKind::S3) => Ok(ComputeLogSettings::s3(in_s3(&fields)?)),
        Some(ClassKind::Nothing) => {
            fields.only(&[])?;
            Ok(ComputeLogSettings::NoOp)
        }
        _ => Ok(ComputeLogSettings::Other(part.class.clone())),
    }
}

fn in_s3(fields: &Fields<'_>) -> Result<S3ComputeLogSettings, ConfigProblems> {
    fields.only(&[
        "bucket",
        "local_dir",
        "prefix",
        "use_ssl",
        "verify",
        "verify_cert_path",
        "endpoint_url",
        "skip_empty_files",
        "upload_interval",
        "upload_extra_args",
        "show_url_only",
        "region",
    ])?;
    let mut s3 = S3ComputeLogSettings::new(fields.required_text("bucket")?)
        .with_verify_cert_path(fields.text("verify_cert_path")?.map(PathBuf::from))
        .with_endpoint_url(fields.text("endpoint_url")?)
        .with_upload_interval(upload_interval(fields)?)
        .with_upload_extra_args(fields.map("upload_extra_args")?.cloned().unwrap_or_default())
        .with_region(fields.text("region")?);
    // For Dagster, an empty one is none.
    if let Some(directory) = fields.text("local_dir")?.filter(|directory| !directory.is_empty()) {
        s3 = s3.with_local_dir(directory);
    }
    if let Some(prefix) = fields.text("prefix")? {
        s3 = s3.with_prefix(prefix);
    }
    let switch = |key, default| Ok(fields.plain_boolean(key)?.unwrap_or(default));
    s3.use_ssl = switch("use_ssl", s3.use_ssl)?;
    s3.verify = switch("verify", s3.verify)?;
    s3.skip_empty_files = switch("skip_empty_files", s3.skip_empty_files)?;
    s3.show_url_only = switch("show_url_only", s3.show_url_only)?;
    match s3.impossible_field() {
        None => Ok(s3),
        Some((field, reason)) => Err(fields.problem(field, reason)),
    }
}

/// Null and zero stand for one upload at the end.
fn upload_interval(fields: &Fields<'_>) -> Result<Option<Duration>, ConfigProblems> {
    if fields.value("upload_interval").is_some_and(serde_json::Value::is_null) {
        return Ok(None);
    }
    let Some(seconds) = fields.plain_integer("upload_interval")?.filter(|seconds| *seconds != 0)
    else {
        return Ok(None);
    };
    let seconds = u64::try_from(seconds).map_err(|_| {
        fields.problem("upload_interval", "it has to be a number of seconds, such as 30, or null")
    })?;
    Ok(Some(Duration::from_secs(seconds)))
}
