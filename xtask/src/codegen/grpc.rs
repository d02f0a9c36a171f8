//! The gRPC client of a code server, from its `.proto` file. No `protoc` is needed.
//!
//! Not here: what the calls carry, which are classes of the core.

use std::fs;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// The directory of the `.proto` file, and its name.
const PROTO: (&str, &str) = ("crates/instance-launcher/proto", "dagster_api.proto");

/// The path of the generated file.
pub(super) const API: &str = "crates/instance-launcher/src/code/api.rs";

/// What stands before the generated code. Its texts are not ours, so the rules for ours do not hold there.
const HEADER: &str = "//! The calls of a code server, as gRPC has them.\n//!\n\
    //! `cargo xtask codegen` writes this file, from `proto/dagster_api.proto`.\n\n\
    #![allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, unused_qualifications)]\n\n";

/// The text of the generated file.
pub(super) fn api(workspace: &Workspace) -> Result<String> {
    let directory = workspace.root.join(PROTO.0);
    let files = protox::compile([PROTO.1], [&directory])
        .with_context(|| format!("cannot compile {}/{}", PROTO.0, PROTO.1))?;
    let made = tempfile::tempdir()?;
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .emit_rerun_if_changed(false)
        .out_dir(made.path())
        .compile_fds(files)
        .context("cannot make code of the gRPC service")?;
    let code = fs::read_to_string(made.path().join("api.rs"))?;
    Ok(format!("{HEADER}{code}"))
}
