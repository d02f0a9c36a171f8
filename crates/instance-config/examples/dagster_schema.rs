//! Prints the JSON Schema of `dagster.yaml`, by which editors complete and check the file.
//!
//! `cargo run --package instance-config --example dagster_schema > dagster.schema.json`

fn main() {
    print!("{}", instance_config::dagster_yaml_schema());
}
