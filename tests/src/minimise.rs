//! Making a failing text short enough to be read.

use std::io;

/// A text that still `fails`, and does not any more if one more piece is taken from it.
///
/// Pieces of half the text are tried first, then of a quarter, down to single characters. The brackets
/// around a value are a piece too, though their two ends are apart.
///
/// # Errors
///
/// What `fails` cannot find out.
pub fn minimised(
    text: &str,
    mut fails: impl FnMut(&str) -> io::Result<bool>,
) -> io::Result<String> {
    let mut text = text.to_owned();
    loop {
        let before = text.len();
        while let Some(inside) = first_failing(insides(&text), &mut fails)? {
            text = inside;
        }
        text = thinned(&text, &mut fails)?;
        if text.len() == before {
            return Ok(text);
        }
    }
}

/// Pieces of up to this many characters are tried at every place: an element and its comma are one.
const FINE: usize = 12;

fn thinned(text: &str, mut fails: impl FnMut(&str) -> io::Result<bool>) -> io::Result<String> {
    let mut text: Vec<char> = text.chars().collect();
    let halves = std::iter::successors(Some(text.len().div_ceil(2)), |size| Some(size / 2));
    let coarse: Vec<usize> = halves.take_while(|size| *size > FINE).collect();
    for size in coarse.into_iter().chain((1..=FINE).rev()) {
        let mut start = 0;
        while start < text.len() {
            let mut shorter = text.clone();
            shorter.drain(start..text.len().min(start + size));
            if fails(&shorter.iter().collect::<String>())? {
                text = shorter;
            } else {
                start += if size > FINE { size } else { 1 };
            }
        }
    }
    Ok(text.into_iter().collect())
}

fn first_failing(
    candidates: Vec<String>,
    mut fails: impl FnMut(&str) -> io::Result<bool>,
) -> io::Result<Option<String>> {
    for candidate in candidates {
        if fails(&candidate)? {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// What stands in the outermost brackets: all of it, or what follows the first colon.
fn insides(text: &str) -> Vec<String> {
    let Some(inside) =
        text.trim().strip_prefix(['[', '{']).and_then(|rest| rest.strip_suffix([']', '}']))
    else {
        return Vec::new();
    };
    let value = inside.split_once(':').map(|(_, value)| value.to_owned());
    [Some(inside.to_owned()), value].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_left() -> io::Result<()> {
        let shortest = minimised(r#"[1, [{"a": [0.10, "x"]}, 2]]"#, |text| {
            Ok(serde_json::from_str::<serde_json::Value>(text).is_ok() && text.contains("0.1"))
        })?;
        assert_eq!(shortest, "0.1");
        Ok(())
    }

    #[test]
    fn an_oracle_that_is_gone_is_an_error() {
        let gone = minimised("[1]", |_| Err(io::Error::other("gone")));
        assert!(gone.is_err());
    }
}
