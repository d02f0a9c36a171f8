//! The declarations that map a type of the domain onto its stored class.

use super::{Reader, SerdesError, Unpack};

/// Reads a field into its place.
///
/// It is a function of its own. Otherwise its stack would be needed once for each field of every class around a
/// value.
#[doc(hidden)]
pub fn read_field<T: Unpack>(
    reader: &mut Reader<'_>,
    place: &mut Option<T>,
    class: &'static str,
    field: &'static str,
) -> Result<(), SerdesError> {
    match T::unpack(reader) {
        Ok(value) => {
            *place = Some(value);
            Ok(())
        }
        Err(error) => Err(error.within(class, field)),
    }
}

/// Reads a variant of a union; a function of its own for the same reason.
#[doc(hidden)]
pub fn read_variant<T: Unpack, U>(
    reader: &mut Reader<'_>,
    variant: impl FnOnce(T) -> U,
) -> Result<U, SerdesError> {
    T::unpack(reader).map(variant)
}

/// Whether the keys of a class ascend; evaluated by the compiler.
#[doc(hidden)]
pub const fn keys_ascend(keys: &[&str]) -> bool {
    let mut index = 1;
    while index < keys.len() {
        if !less(keys[index - 1].as_bytes(), keys[index].as_bytes()) {
            return false;
        }
        index += 1;
    }
    true
}

const fn less(left: &[u8], right: &[u8]) -> bool {
    let mut index = 0;
    while index < left.len() && index < right.len() {
        if left[index] != right[index] {
            return left[index] < right[index];
        }
        index += 1;
    }
    left.len() < right.len()
}

/// Declares a struct that is stored as a class of Dagster's.
///
/// `pub struct Name = "StorageName" | "OlderName" { pub field: Type = "stored_name", .. }`, with fields in
/// ascending order of their stored names. A field with `[skip]` is left out when it is empty; every other field is
/// always written. A field with `[or_default]` gets its type's default where old versions did not write it, and one with
/// `[or_some]`, which is an option, the default of its value; `[or_empty_object]` is the same for a value of JSON. A field with `[obsolete]` is an option that is none,
/// whatever old versions wrote. Every other field gets what [`Unpack::absent`] says. The struct also gets `unknown`, which carries the fields of newer
/// versions.
#[macro_export]
macro_rules! serdes_class {
    (
        $(#[$meta:meta])*
        pub struct $name:ident = $class:literal $(| $old_class:literal)* {
            $( $(#[$field_meta:meta])* pub $field:ident : $type:ty = $key:literal $([$rule:ident])? ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[doc = ""]
        #[doc = concat!("Stored as `", $class, "`.")]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
            /// Fields that this version does not know, carried through unchanged.
            pub unknown: $crate::UnknownFields,
        }

        const _: () = assert!(
            $crate::keys_ascend(&["__class__", $($key),*]),
            concat!("the fields of ", stringify!($name), " are not in the order of their stored names"),
        );

        impl $crate::SerdesClass for $name {
            const STORAGE_NAME: &'static str = $class;
            const OLD_STORAGE_NAMES: &'static [&'static str] = &[$($old_class),*];
        }

        impl $crate::Pack for $name {
            fn pack(&self, writer: &mut $crate::Writer) {
                let mut object = writer.object();
                let next = self.unknown.write(0, Some("__class__"), &mut object);
                object.field("\"__class__\": ", $class);
                $(
                    let next = self.unknown.write(next, Some($key), &mut object);
                    if $crate::serdes_class!(@written self.$field $(, $rule)?) {
                        object.field(concat!("\"", $key, "\": "), &self.$field);
                    }
                )*
                self.unknown.write(next, None, &mut object);
                object.end();
            }
        }

        impl $crate::Unpack for $name {
            fn unpack(
                reader: &mut $crate::Reader<'_>,
            ) -> Result<Self, $crate::SerdesError> {
                $( let mut $field: Option<$type> = None; )*
                let mut unknown = $crate::UnknownFields::default();
                let mut object = reader.begin_object()?;
                // The keys in the order in which Dagster writes them, without looking each one up.
                reader.take_key(&mut object, concat!("\"__class__\": \"", $class, "\""));
                $( if reader.take_key(&mut object, concat!("\"", $key, "\": ")) {
                    $crate::read_field(reader, &mut $field, stringify!($name), stringify!($field))?;
                } )*
                // Everything else: other orders, other separators, fields that this version does not know.
                while let Some(key) = reader.next_key(&mut object)? {
                    match &*key {
                        "__class__" => {
                            let class = reader.string()?;
                            if class != $class $(&& class != $old_class)* {
                                return Err(reader.error(format!(
                                    concat!("expected the class ", $class, ", found {}"), class
                                )));
                            }
                        }
                        $( $key => $crate::read_field(
                            reader, &mut $field, stringify!($name), stringify!($field),
                        )?, )*
                        _ => unknown.push(key.into_owned(), $crate::Unpack::unpack(reader)?),
                    }
                }
                Ok(Self {
                    $( $field: match $crate::serdes_class!(@taken $field $(, $rule)?)
                        .or_else(|| $crate::serdes_class!(@absent $type $(, $rule)?))
                    {
                        Some(value) => value,
                        None => return Err(reader.error(concat!(
                            stringify!($name), " has no field ", $key
                        ))),
                    }, )*
                    unknown,
                })
            }
        }
    };
    (@written $value:expr) => { true };
    (@written $value:expr, or_default) => { true };
    (@written $value:expr, or_some) => { true };
    (@written $value:expr, or_empty_object) => { true };
    (@written $value:expr, obsolete) => { true };
    (@written $value:expr, skip) => { !$crate::Pack::is_absent(&$value) };
    (@taken $value:ident, obsolete) => { $value.and_then(|_| None) };
    (@taken $value:ident $(, $rule:ident)?) => { $value };
    (@absent $type:ty, or_default) => { Some(<$type>::default()) };
    (@absent $type:ty, or_some) => { Some(Some(Default::default())) };
    (@absent $type:ty, or_empty_object) => { Some(Some($crate::Opaque::empty_object())) };
    (@absent $type:ty, obsolete) => { Some(None) };
    (@absent $type:ty $(, skip)?) => { <$type as $crate::Unpack>::absent() };
}

/// Declares an enum that is stored as `{"__enum__": "StorageName.MEMBER"}`.
///
/// `pub enum Name = "StorageName" | "OlderName" { Member = "MEMBER", .. }`; older names are read only.
#[macro_export]
macro_rules! serdes_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident = $class:literal $(| $old_class:literal)* {
            $( $(#[$member_meta:meta])* $member:ident = $text:literal ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[doc = ""]
        #[doc = concat!("Stored as `", $class, "`.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$member_meta])* $member, )*
        }

        impl $name {
            /// Every member, in Dagster's order.
            pub const ALL: &'static [Self] = &[$(Self::$member),*];

            /// Dagster's name of the member.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$member => $text, )* }
            }

            /// The member of this name, if there is one.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $( $text => Some(Self::$member), )* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::Pack for $name {
            fn pack(&self, writer: &mut $crate::Writer) {
                writer.raw(match self {
                    $( Self::$member => concat!("{\"__enum__\": \"", $class, ".", $text, "\"}"), )*
                });
            }
        }

        impl $crate::Unpack for $name {
            fn unpack(
                reader: &mut $crate::Reader<'_>,
            ) -> Result<Self, $crate::SerdesError> {
                let value = reader.enum_text()?;
                value
                    .strip_prefix(concat!($class, "."))
                    $(.or_else(|| value.strip_prefix(concat!($old_class, "."))))*
                    .and_then(Self::from_name)
                    .ok_or_else(|| reader.error(format!(
                        concat!("{:?} is no member of ", $class, " that this version knows"), value
                    )))
            }
        }
    };
}

/// Declares an enum over classes: one variant for each class that is read, and `Opaque` for any
/// other, which is carried through unchanged.
#[macro_export]
macro_rules! serdes_union {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $( $(#[$variant_meta:meta])* $variant:ident($type:ty) ),* $(,)? }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_meta])* $variant($type), )*
            /// A value that this version does not interpret.
            Opaque($crate::Opaque),
        }

        $( impl From<$type> for $name {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        } )*

        impl $crate::Pack for $name {
            fn pack(&self, writer: &mut $crate::Writer) {
                match self {
                    $( Self::$variant(value) => value.pack(writer), )*
                    Self::Opaque(value) => value.pack(writer),
                }
            }
        }

        impl $crate::Unpack for $name {
            fn unpack(
                reader: &mut $crate::Reader<'_>,
            ) -> Result<Self, $crate::SerdesError> {
                let class = reader.class()?;
                let Some(class) = class.as_deref() else {
                    return $crate::Unpack::unpack(reader).map(Self::Opaque);
                };
                $( if <$type as $crate::SerdesClass>::has_storage_name(class) {
                    return $crate::read_variant(reader, Self::$variant);
                } )*
                $crate::Unpack::unpack(reader).map(Self::Opaque)
            }
        }
    };
}
