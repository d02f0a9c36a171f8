//! Writes a value as Dagster stores it, reads it again, and keeps a field that only a newer Dagster knows.
//!
//! `cargo run --package instance-core --example stored_text`

use instance_core::AssetKey;
use instance_core::event::AssetMaterialization;
use instance_core::serdes::{deserialize_value, serialize_value};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let key = AssetKey::from_user_string("demo/hello")?;
    let stored = serialize_value(&AssetMaterialization::new(key, Some("2026-01-30".to_owned())));
    println!("{stored}");

    // A newer Dagster has added a field that this version does not know.
    let newer = stored.replace(r#""tags": "#, r#""since_2027": [1, 2], "tags": "#);
    let mut read: AssetMaterialization = deserialize_value(&newer)?;
    println!("unknown here: {:?}", read.unknown.names().collect::<Vec<_>>());

    // Changing what is known loses nothing of the rest.
    read.description = Some("Changed.".to_owned());
    let written = serialize_value(&read);
    println!("{written}");
    if written.contains(r#""since_2027": [1, 2]"#) { Ok(()) } else { Err("a field is lost".into()) }
}
