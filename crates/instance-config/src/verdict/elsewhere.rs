//! Where in the file a key belongs that somebody wrote in another place.

use crate::schema::{Field, Type};

/// The mappings below a root that have a key of the name, as paths; not those of classes.
pub(super) fn parents_of(name: &str, root: &[Field]) -> Vec<String> {
    let mut found = Vec::new();
    collect(name, "", root, &mut found);
    found
}

fn collect(name: &str, path: &str, fields: &[Field], found: &mut Vec<String>) {
    for field in fields {
        if field.name == name && !path.is_empty() {
            found.push(path.to_owned());
        }
        let below =
            if path.is_empty() { field.name.to_owned() } else { format!("{path}.{}", field.name) };
        if let Some(inner) = fields_of(&field.kind) {
            collect(name, &below, inner, found);
        }
    }
}

fn fields_of(kind: &Type) -> Option<&'static [Field]> {
    match kind {
        Type::Shape(fields) | Type::Open(fields) | Type::Choice(fields) => Some(fields),
        Type::Nullable(inner) | Type::Either(_, inner) => fields_of(inner),
        Type::Scalar(_) | Type::Source(_) | Type::List(_) | Type::Map(_) | Type::Class(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::parents_of;
    use crate::schema::{INSTANCE, LOCATIONS};

    #[test]
    fn the_place_of_a_key_is_known() {
        assert_eq!(
            parents_of("password", INSTANCE),
            ["storage.postgres.postgres_db", "storage.mysql.mysql_db"]
        );
        assert_eq!(parents_of("dequeue_use_threads", INSTANCE), ["run_queue"]);
        assert_eq!(parents_of("port", LOCATIONS), ["grpc_server"]);
        assert!(parents_of("storage", INSTANCE).is_empty());
        assert!(parents_of("nonsense", INSTANCE).is_empty());
    }
}
