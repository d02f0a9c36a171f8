//! Comparing long texts.

/// Where two texts part, with what stands there.
pub fn difference(expected: &str, written: &str) -> String {
    let same =
        expected.bytes().zip(written.bytes()).take_while(|(left, right)| left == right).count();
    let around = |text: &str| {
        text.get(same.saturating_sub(40)..(same + 60).min(text.len()))
            .unwrap_or_default()
            .to_owned()
    };
    format!("expected ..{}.. written ..{}..", around(expected), around(written))
}
