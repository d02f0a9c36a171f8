//! What `dagster.yaml` may say: the types of its values.

pub(crate) mod source;
