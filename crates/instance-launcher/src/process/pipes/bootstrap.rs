//! How a program finds its context and where its messages go: two variables, each base64 of zlib of JSON.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::Value;

/// The variable that says where the context is.
pub(in crate::process) const CONTEXT_VARIABLE: &str = "DAGSTER_PIPES_CONTEXT";

/// The variable that says where messages go.
pub(in crate::process) const MESSAGES_VARIABLE: &str = "DAGSTER_PIPES_MESSAGES";

/// The text of a parameter, as every client of Pipes decodes it.
pub(super) fn encode_param(value: &Value) -> std::io::Result<String> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(value.to_string().as_bytes())?;
    Ok(STANDARD.encode(encoder.finish()?))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use serde_json::json;

    use super::*;

    #[test]
    fn a_parameter_is_base64_of_zlib_of_json() {
        let value = json!({"path": "/tmp/ä b/messages"});
        let text = encode_param(&value).unwrap();
        let compressed = STANDARD.decode(text).unwrap();
        let mut json = String::new();
        flate2::read::ZlibDecoder::new(&*compressed).read_to_string(&mut json).unwrap();
        assert_eq!(json, value.to_string());
    }
}
