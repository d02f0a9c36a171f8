//! Plain text: printable ASCII that stands for itself in JSON. Nearly every string of a body is plain from one end
//! to the other.

/// Whether a byte is printable ASCII and neither a quote nor a backslash. A byte below 0x80 is never a
/// part of another character, so the first byte that is not plain is a boundary of characters.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')
}

/// How many bytes at the start of `text` are plain. Eight at a time: most strings are short.
pub(super) fn plain_length(text: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGH_BITS: u64 = u64::from_ne_bytes([0x80; 8]);
    let (words, rest) = text.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // Where a byte is less than what is subtracted, the subtraction sets its high bit, and borrows from the
        // next byte. So only the lowest mark is right, and only that one is used.
        let less_than =
            |bytes: u64, limit: u8| bytes.wrapping_sub(ONES * u64::from(limit)) & !bytes;
        let equal_to = |byte: u8| less_than(word ^ (ONES * u64::from(byte)), 1);
        let marks =
            less_than(word, b' ') | equal_to(b'"') | equal_to(b'\\') | equal_to(0x7f) | word;
        let marks = marks & HIGH_BITS;
        if marks != 0 {
            return index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + rest.iter().take_while(|byte| is_plain(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::{is_plain, plain_length};

    #[test]
    fn every_byte_at_every_place_is_judged_alike() {
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                // What stands around it must not matter, nor what comes behind.
                for (around, behind) in [(b'a', b'"'), (b' ', 0x00), (b'~', 0xff), (b'!', b'!')] {
                    let mut text = [around; 20];
                    text[place] = byte;
                    text[place + 1..].fill(behind);
                    let expected = text.iter().take_while(|byte| is_plain(**byte)).count();
                    assert_eq!(plain_length(&text), expected, "{byte} at {place} in {text:?}");
                }
            }
        }
    }
}
