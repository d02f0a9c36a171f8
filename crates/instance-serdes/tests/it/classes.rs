//! Classes that another crate declares with nothing but this one: what is written, read and carried.

use instance_serdes::{
    FrozenSet, SerdesClass, UnknownFields, Unpack, deserialize_value, serdes_class, serdes_enum,
    serdes_union, serialize_value,
};

serdes_enum! {
    /// How bright a lamp is.
    pub enum Brightness = "Brightness" | "LampBrightness" {
        /// As dark as it gets.
        Dim = "DIM",
        /// As bright as it gets.
        Bright = "BRIGHT",
    }
}

serdes_class! {
    /// A lamp.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Lamp = "LampSnap" | "Lantern" {
        /// How bright it is.
        pub brightness: Brightness = "brightness",
        /// Who may switch it; left out when nobody may.
        pub owners: Vec<String> = "owners" [skip],
        /// In which rooms it stands.
        pub rooms: FrozenSet<String> = "rooms",
        /// How often it was switched; old versions did not count.
        pub switched: i64 = "switched" [or_default],
    }
}

serdes_class! {
    /// A curtain.
    #[derive(Debug, Clone, PartialEq)]
    pub struct Curtain = "Curtain" {
        /// Its lamp behind it.
        pub behind: Option<Box<Lamp>> = "behind",
    }
}

serdes_union! {
    /// What hangs at a window.
    pub enum Hanging {
        /// A lamp.
        Lamp(Lamp),
        /// A curtain.
        Curtain(Curtain),
    }
}

pub(crate) const LAMP: &str = r#"{"__class__": "LampSnap", "brightness": {"__enum__": "Brightness.DIM"}, "owners": ["a", "\u00fc"], "rooms": {"__frozenset__": ["hall", "kitchen"]}, "switched": 3}"#;

fn lamp() -> Lamp {
    Lamp {
        brightness: Brightness::Dim,
        owners: vec!["a".to_owned(), "ü".to_owned()],
        rooms: ["kitchen", "hall", "hall"].map(str::to_owned).into_iter().collect(),
        switched: 3,
        unknown: UnknownFields::default(),
    }
}

#[test]
fn a_class_is_written_in_the_order_of_its_keys_and_read_in_any() {
    assert_eq!(serialize_value(&lamp()), LAMP);
    assert_eq!(deserialize_value(LAMP), Ok(lamp()));
    let shuffled = r#"{"switched":3,"rooms":{"__frozenset__":["hall","kitchen"]},
        "owners":["a","ü"],"brightness":{"__enum__":"Brightness.DIM"},"__class__":"LampSnap"}"#;
    assert_eq!(deserialize_value(shuffled), Ok(lamp()));
}

#[test]
fn what_old_versions_wrote_is_read_and_written_as_today() {
    let old = r#"{"__class__": "Lantern", "brightness": {"__enum__": "LampBrightness.BRIGHT"}, "rooms": []}"#;
    let read: Lamp = deserialize_value(old).unwrap();
    assert_eq!((read.brightness, read.switched), (Brightness::Bright, 0));
    assert_eq!(
        serialize_value(&read),
        r#"{"__class__": "LampSnap", "brightness": {"__enum__": "Brightness.BRIGHT"}, "rooms": [], "switched": 0}"#
    );
    assert!(Lamp::has_storage_name("Lantern") && !Lamp::has_storage_name("Lamp"));
}

#[test]
fn what_newer_versions_write_is_carried() {
    let newer = LAMP.replacen("{\"__class__\"", "{\"AAA\": [1e-07], \"__class__\"", 1).replacen(
        ", \"rooms\"",
        ", \"price\": 123456789012345678901234567890, \"rooms\"",
        1,
    );
    let mut read: Lamp = deserialize_value(&newer).unwrap();
    assert_eq!(read.unknown.names().collect::<Vec<_>>(), ["AAA", "price"]);
    read.switched = 4;
    let expected = newer.replacen("\"switched\": 3", "\"switched\": 4", 1);
    assert_ne!(expected, newer);
    assert_eq!(serialize_value(&read), expected);

    let unknown = r#"{"B": 1E5, "__class__": "Blind", "a": {"__enum__": "New.ONE"}}"#;
    let read: Hanging = deserialize_value(unknown).unwrap();
    let Hanging::Opaque(carried) = &read else { panic!("not carried: {read:?}") };
    assert_eq!(carried.class().as_deref(), Some("Blind"));
    assert_eq!(serialize_value(&read), unknown);
    assert_eq!(deserialize_value(LAMP), Ok(Hanging::from(lamp())));
}

#[test]
fn errors_name_class_field_and_offset() {
    fn error<T: Unpack>(text: &str) -> String {
        deserialize_value::<T>(text).map(drop).unwrap_err().to_string()
    }

    let curtain = format!(r#"{{"__class__": "Curtain", "behind": {LAMP}}}"#);
    assert!(deserialize_value::<Curtain>(&curtain).is_ok());
    let errors = [
        error::<Curtain>(&curtain.replacen("Brightness.DIM", "Brightness.OFF", 1)),
        error::<Curtain>(&curtain.replacen("\"hall\"", "1", 1)),
        error::<Lamp>("{}"),
        error::<Lamp>(&curtain),
        error::<Lamp>(&format!("{LAMP}!")),
    ];
    assert_eq!(
        errors,
        [
            r#"Curtain.behind > Lamp.brightness: "Brightness.OFF" is no member of Brightness that this version knows (at byte 105)"#,
            r#"Curtain.behind > Lamp.rooms: expected a string, found "1, \"kitchen\"]}, \"swi" (at byte 162)"#,
            "Lamp has no field brightness (at byte 2)",
            "expected the class LampSnap, found Curtain (at byte 23)",
            "text after the end of the value (at byte 162)",
        ]
    );
}
