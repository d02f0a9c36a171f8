//! How structs that may grow get their setters.

/// Writes the setters of a struct: each takes the struct, sets one field and returns it.
///
/// A field whose value may be absent takes `impl Into<Option<T>>`, so that both a value and an `Option` can be given.
/// Each setter needs documentation of its own.
#[doc(hidden)]
#[macro_export]
macro_rules! setters {
    (impl $owner:ty { $($(#[$attribute:meta])* $setter:ident($field:ident: $value:ty);)* }) => {
        impl $owner {
            $(
                $(#[$attribute])*
                #[must_use]
                pub fn $setter(mut self, $field: $value) -> Self {
                    self.$field = $field.into();
                    self
                }
            )*
        }
    };
}
