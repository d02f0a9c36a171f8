//! A class of one's own, written as Dagster would write it, and read again with a field that is not known.
//!
//! `cargo run --package instance-serdes --example own_class`

use instance_serdes::{
    canonical_text, deserialize_value, serdes_class, serdes_enum, serialize_value,
};

serdes_enum! {
    /// How a shop is doing.
    pub enum Mood = "Mood" {
        /// Well.
        Good = "GOOD",
        /// Not well.
        Bad = "BAD",
    }
}

serdes_class! {
    /// A shop.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Shop = "Shop" {
        /// How it is doing.
        pub mood: Mood = "mood",
        /// What people call it.
        pub name: String = "name",
        /// What a visitor spends on average.
        pub spent: Option<f64> = "spent",
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A later version has added the field `since`, and Python has written the float and the letter.
    let stored = r#"{"__class__": "Shop", "mood": {"__enum__": "Mood.GOOD"}, "name": "\u65e5\u672c", "since": 1987, "spent": 1e-05}"#;
    let mut shop: Shop = deserialize_value(stored)?;
    println!("{} is {:?}", shop.name, shop.mood);
    assert_eq!((shop.name.as_str(), shop.mood, shop.spent), ("日本", Mood::Good, Some(0.00001)));

    // What was read is written again byte for byte, and a change changes nothing else.
    assert_eq!(serialize_value(&shop), stored);
    shop.mood = Mood::Bad;
    assert_eq!(serialize_value(&shop), stored.replace("GOOD", "BAD"));

    // What does not fit says where and why.
    let Err(error) = deserialize_value::<Shop>(&stored.replace("1e-05", "\"much\"")) else {
        return Err("a text was taken for a number".into());
    };
    println!("{error}");
    assert!(error.to_string().contains("spent"), "{error}");

    assert_eq!(canonical_text(r#"{"b":1e16,"a":"é"}"#)?, r#"{"a": "\u00e9", "b": 1e+16}"#);
    Ok(())
}
