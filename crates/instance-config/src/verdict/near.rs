//! Which known name somebody meant who wrote an unknown one.

/// The known name that is most like a name; `None` if none is like it.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let normal = normalized(name);
    let tolerated = (normal.chars().count() / 3).max(1);
    known
        .into_iter()
        .filter_map(|candidate| {
            let candidate_normal = normalized(candidate);
            let distance = distance(&normal, &candidate_normal);
            let contains = |long: &str, short: &str| short.len() >= 5 && long.contains(short);
            if distance <= tolerated {
                Some((distance, candidate))
            } else if contains(&normal, &candidate_normal) || contains(&candidate_normal, &normal) {
                Some((distance + tolerated, candidate))
            } else {
                None
            }
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A name without what people often have in another way: letters of either case, hyphens.
fn normalized(name: &str) -> String {
    name.trim().to_lowercase().replace('-', "_")
}

/// How many letters have to be added, left out, replaced or swapped with their neighbours.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(letter != other);
            let mut best = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped =
                row > 0 && column > 0 && *letter == right[column - 1] && left[row - 1] == *other;
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        before = last;
        last = current;
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn letters_are_counted() {
        for (left, right, expected) in [
            ("port", "port", 0),
            ("prot", "port", 1),
            ("", "port", 4),
            ("hostname", "host", 4),
            ("pasword", "password", 1),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let known = ["port", "hostname", "retention", "run_launcher", "run_retries"];
        for (name, expected) in [
            ("prot", Some("port")),
            ("Host-Name", Some("hostname")),
            ("data_retention", Some("retention")),
            ("run_luncher", Some("run_launcher")),
            ("volumes", None),
        ] {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }
}
