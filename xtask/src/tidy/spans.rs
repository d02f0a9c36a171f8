//! The rule that every function of a domain makes one span of `tracing`.
//!
//! A function of a domain is a public async function whose first parameter is `ops`. Its span has the level `DEBUG`,
//! names the run where a parameter does, and records no parameter by itself: settings and tags may hold secrets. Not
//! here: the spans of stores, which `instance-storage/tests/it/spans.rs` looks at.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, FnArg, Item, ItemFn, Pat, Type, Visibility};

use super::{Finding, SourceFile};

/// Parameters of these names are, or have, the id of a run.
const RUN_NAMES: [&str; 2] = ["run_id", "run"];

/// Parameters of these types have the id of a run, whatever their names are.
const RUN_TYPES: [&str; 10] = [
    "CreateReexecutedRun",
    "CreateRun",
    "DagsterRun",
    "EventLogEntry",
    "RecordsForRun",
    "RegisterManagedRun",
    "ReportEngineEvent",
    "ReportEvent",
    "RunId",
    "WatchEventLogs",
];

pub(super) fn check(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    if file.is_rust() && file.in_crate_src().is_some() && file.text.contains("ops:") {
        // What does not parse, the compiler reports better.
        if let Ok(parsed) = syn::parse_file(&file.text) {
            check_items(file, &parsed.items, &mut findings);
        }
    }
    findings
}

fn check_items(file: &SourceFile, items: &[Item], findings: &mut Vec<Finding>) {
    for item in items {
        match item {
            Item::Fn(item) if is_of_domain(item) => {
                if let Some(message) = fault(item) {
                    let line = item.sig.fn_token.span.start().line;
                    findings.push(Finding::new(&file.path, line, message));
                }
            }
            Item::Mod(item) => {
                if let Some((_, items)) = &item.content {
                    check_items(file, items, findings);
                }
            }
            _ => {}
        }
    }
}

fn is_of_domain(item: &ItemFn) -> bool {
    matches!(item.vis, Visibility::Public(_))
        && item.sig.asyncness.is_some()
        && item.sig.inputs.first().and_then(name).is_some_and(|name| name == "ops")
}

/// What is wrong with the span of a function, if something is.
fn fault(item: &ItemFn) -> Option<String> {
    let function = &item.sig.ident;
    let Some(span) = item.attrs.iter().find(|attribute| is_span(attribute)) else {
        // A span whose fields are known only within the function is made there.
        let made = made_within(item.block.to_token_stream(), &function.to_string());
        if let Some(tokens) = made {
            return run_that_is_not_named(item, &named(tokens));
        }
        return Some(format!(
            "`{function}` has no span: write `#[tracing::instrument(level = \"debug\", skip_all)]` above it"
        ));
    };
    let tokens = match &span.meta {
        syn::Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    // Spaces are as the printer likes them.
    let text = tokens.to_string().replace(' ', "");
    for (part, why) in [
        ("level=\"debug\"", "the spans of all domains have one level"),
        ("skip_all", "a parameter that is recorded by itself may hold a secret"),
    ] {
        if !text.contains(part) {
            return Some(format!("the span of `{function}` lacks `{part}`: {why}"));
        }
    }
    run_that_is_not_named(item, &fields(tokens))
}

fn run_that_is_not_named(item: &ItemFn, fields: &[String]) -> Option<String> {
    let parameter = item.sig.inputs.iter().find(|input| has_run(input)).and_then(name)?;
    let names_run = fields.iter().any(|field| field.ends_with("run_id"));
    (!names_run).then(|| {
        format!(
            "the span of `{}` does not name the run of `{parameter}`: write \
             `fields(run_id = %..)` into it",
            item.sig.ident
        )
    })
}

fn is_span(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "instrument")
}

fn name(input: &FnArg) -> Option<String> {
    let FnArg::Typed(input) = input else { return None };
    match &*input.pat {
        Pat::Ident(pattern) => Some(pattern.ident.to_string()),
        _ => None,
    }
}

fn has_run(input: &FnArg) -> bool {
    let FnArg::Typed(typed) = input else { return false };
    let named = name(input).is_some_and(|name| RUN_NAMES.contains(&name.as_str()));
    named || has_run_type(&typed.ty)
}

fn has_run_type(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => has_run_type(&reference.elem),
        Type::Path(path) => {
            let last = path.path.segments.last();
            last.is_some_and(|last| RUN_TYPES.contains(&last.ident.to_string().as_str()))
        }
        _ => false,
    }
}

/// The names of the fields of a span, from what stands in the brackets of its attribute.
fn fields(tokens: TokenStream) -> Vec<String> {
    let mut tokens = tokens.into_iter();
    let is_fields =
        |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if ident == "fields");
    if !tokens.any(|token| is_fields(&token)) {
        return Vec::new();
    }
    let Some(TokenTree::Group(group)) = tokens.next() else { return Vec::new() };
    if group.delimiter() != Delimiter::Parenthesis {
        return Vec::new();
    }
    named(group.stream())
}

/// What follows the name in `debug_span!("name", ..)`, for a span of this name that a function makes within.
fn made_within(tokens: TokenStream, name: &str) -> Option<TokenStream> {
    let mut after_macro = false;
    for token in tokens {
        let TokenTree::Group(group) = token else {
            // The mark of a macro stands between its name and its brackets.
            let is_mark = matches!(&token, TokenTree::Punct(mark) if mark.as_char() == '!');
            let is_name = matches!(&token, TokenTree::Ident(ident) if ident == "debug_span");
            after_macro = is_name || (after_macro && is_mark);
            continue;
        };
        if std::mem::take(&mut after_macro) {
            let mut inner = group.stream().into_iter();
            if inner.next().is_some_and(|first| first.to_string() == format!("\"{name}\"")) {
                return Some(inner.collect());
            }
        } else if let Some(found) = made_within(group.stream(), name) {
            return Some(found);
        }
    }
    None
}

/// The names of fields that commas separate.
fn named(tokens: TokenStream) -> Vec<String> {
    let mut names = Vec::new();
    let mut begins = true;
    for token in tokens {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ',' => begins = true,
            // `%run_id` and `?run_id` are short for a field of the same name.
            TokenTree::Punct(punct) if begins && matches!(punct.as_char(), '%' | '?') => {}
            token if begins => {
                names.push(token.to_token_stream().to_string());
                begins = false;
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(usize, &str)]) {
        let path = "crates/a/src/x.rs".to_owned();
        let found = super::check(&SourceFile { path, text: text.to_owned() });
        assert_eq!(found.len(), expect.len(), "{text}: {found:?}");
        for (finding, (line, part)) in found.iter().zip(expect) {
            assert_eq!(finding.line, *line, "{finding}");
            assert!(finding.message.contains(part), "{finding}");
        }
    }

    const SPAN: &str = "#[tracing::instrument(level = \"debug\", skip_all)]";

    #[test]
    fn a_function_of_a_domain_has_a_span() {
        check("pub async fn a(ops: &dyn RunOps) {}", &[(1, "`a` has no span")]);
        check(&format!("{SPAN}\npub async fn a(ops: &dyn RunOps, page: Page) {{}}"), &[]);
        check("mod m {\npub async fn a(ops: &impl RunOps) {}\n}", &[(2, "`a` has no span")]);
        for text in [
            "pub fn a(ops: &dyn RunOps) {}",
            "async fn a(ops: &dyn RunOps) {}",
            "pub(crate) async fn a(ops: &dyn RunOps) {}",
            "pub async fn a(x: u8, ops: &dyn RunOps) {}",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn a_span_has_the_level_of_all_and_records_nothing_by_itself() {
        let function = "\npub async fn a(ops: &dyn RunOps) {}";
        check(&format!("#[instrument]{function}"), &[(2, "level")]);
        check(&format!("#[instrument(skip_all)]{function}"), &[(2, "level")]);
        check(&format!("#[instrument(level = \"debug\")]{function}"), &[(2, "skip_all")]);
    }

    #[test]
    fn a_span_names_the_run_of_a_parameter() {
        for parameter in
            ["run_id: &RunId", "run: &Run", "request: CreateRun", "query: &storage::RecordsForRun"]
        {
            let function = format!("\npub async fn a(ops: &dyn RunOps, x: u8, {parameter}) {{}}");
            let name = parameter.split(':').next().unwrap();
            let part = format!("the run of `{name}`");
            check(&format!("{SPAN}{function}"), &[(2, &part)]);
            let span =
                |fields: &str| SPAN.replace("skip_all", &format!("skip_all, fields({fields})"));
            for fields in ["%run_id", "x, run_id = %x.run_id", "parent_run_id = ?f(a, b)"] {
                check(&format!("{}{function}", span(fields)), &[]);
            }
            for fields in ["x", "job = %x.run_id", "x = f(y, run_id)"] {
                check(&format!("{}{function}", span(fields)), &[(2, &part)]);
            }
        }
    }

    #[test]
    fn a_span_may_be_made_within_a_function() {
        let function = |parameter: &str, span: &str| {
            format!("pub async fn a(ops: &dyn RunOps, {parameter}) {{ f(debug_span!({span})); }}")
        };
        check(&function("x: u8", "\"a\", x"), &[]);
        check(&function("x: u8", "\"a\""), &[]);
        check(&function("x: u8", "\"other\""), &[(1, "`a` has no span")]);
        check(&function("run: DagsterRun", "\"a\", run_id = %run.run_id"), &[]);
        check(&function("run: DagsterRun", "\"a\", x = %run.run_id"), &[(1, "the run of `run`")]);
    }

    #[test]
    fn tests_and_other_files_make_no_spans() {
        let text = "pub async fn a(ops: &dyn RunOps) {}".to_owned();
        let file = SourceFile { path: "crates/a/tests/it/x.rs".to_owned(), text };
        assert_eq!(super::check(&file), []);
    }
}
