//! Prints the JSON Schema of `workspace.yaml`, by which editors complete and check the file.
//!
//! `cargo run --package instance-config --example workspace_schema > workspace.schema.json`

fn main() {
    print!("{}", instance_config::workspace_yaml_schema());
}
