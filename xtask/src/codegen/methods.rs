//! A function of a domain as a method of the facade.
//!
//! Which functions become methods: public ones whose first parameter is named `ops`, and others that are marked.
//! A marker is a comment between the documentation and the function:
//!
//! | marker | meaning |
//! | --- | --- |
//! | `// facade: method` | it takes no `ops`, and is a method nevertheless |
//! | `// facade: boxed` | the method boxes the future, which is large |
//! | `// facade: skip` | it takes `ops`, and is no method |
//!
//! The documentation is taken whole, but for a section `# Examples`: it shows how to use the domain without the
//! facade.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use quote::ToTokens;
use syn::visit_mut::VisitMut;
use syn::{Attribute, FnArg, GenericParam, Pat, ReturnType, Type};

use super::links::{self, Target};
use super::source::{Crate, Function, Words, only};

/// The functions of one domain that become methods.
pub(super) struct Domain<'a> {
    source: &'a Crate,
    functions: Vec<Function<'a>>,
}

impl<'a> Domain<'a> {
    pub(super) fn new(source: &'a Crate) -> Result<Self> {
        let mut functions = Vec::new();
        for function in source.functions() {
            if is_method(&function)? {
                functions.push(function);
            }
        }
        Ok(Self { source, functions })
    }

    /// The path of each function that is a method, with the method's name.
    pub(super) fn names(&self) -> impl Iterator<Item = (Words, String)> + use<'_> {
        self.functions
            .iter()
            .map(|function| (function.public.clone(), function.item.sig.ident.to_string()))
    }

    /// The file with the methods, not formatted; `None` if there are none.
    pub(super) fn file(
        &self,
        package: &str,
        methods: &BTreeMap<Words, String>,
    ) -> Result<Option<String>> {
        if self.functions.is_empty() {
            return Ok(None);
        }
        let mut imports = BTreeSet::new();
        let mut declared = Vec::new();
        for function in &self.functions {
            let method = self.method(function, &mut imports);
            let method = method.with_context(|| format!("`{}`", function.public.join("::")))?;
            declared.push((function, method));
        }
        let mut body = String::new();
        for (function, method) in declared {
            let documentation = self.documentation(function, methods, &imports);
            let documentation =
                documentation.with_context(|| format!("`{}`", function.public.join("::")))?;
            for line in documentation.lines() {
                let _ = writeln!(body, "///{line}");
            }
            body.push_str(&method);
        }
        let imports = grouped(&imports);
        Ok(Some(format!(
            "//! The methods of `{package}`, with its documentation.\n//!\n\
             //! `cargo xtask codegen` writes this file: change the functions of `{package}` instead.\n\n\
             {imports}\nuse crate::instance::DagsterInstance;\n\nimpl DagsterInstance {{\n{body}}}\n"
        )))
    }

    /// Everything but the documentation.
    fn method(&self, function: &Function<'_>, imports: &mut BTreeSet<String>) -> Result<String> {
        let mut signature = function.item.sig.clone();
        let conditions: Vec<&Attribute> = function.conditions.clone();
        let own_conditions = only(&function.item.attrs, "cfg");
        let conditional = !conditions.is_empty() || !own_conditions.is_empty();
        let mut paths = Paths {
            domain: self,
            module: function.module,
            imports,
            // An import that only a conditional method uses would need the condition, too.
            import: !conditional,
            failed: None,
        };
        paths.visit_signature_mut(&mut signature);
        if let Some(error) = paths.failed {
            return Err(error);
        }

        let mut inputs: Vec<FnArg> = signature.inputs.iter().cloned().collect();
        let (receiver, instance) = if takes_ops(function) {
            let FnArg::Typed(ops) = inputs.remove(0) else { bail!("`ops` has no type") };
            drop_generic_of_ops(&mut signature, &ops.ty);
            receiver(&ops.ty)?
        } else {
            ("&self".to_owned(), None)
        };
        let mut parameters = vec![receiver];
        let mut arguments: Vec<String> = instance.into_iter().collect();
        for (index, input) in inputs.iter().enumerate() {
            let FnArg::Typed(input) = input else { bail!("it has a receiver") };
            let name = match &*input.pat {
                Pat::Ident(pattern) => pattern.ident.to_string(),
                _ => format!("argument_{index}"),
            };
            parameters.push(format!("{name}: {}", text(&input.ty)));
            arguments.push(name);
        }

        let mut result = String::new();
        let kept = ["must_use", "deprecated"].map(|name| only(&function.item.attrs, name));
        for attribute in conditions.into_iter().chain(&own_conditions).chain(kept.iter().flatten())
        {
            let _ = writeln!(result, "{}", text(attribute));
        }
        let asynchronous = if signature.asyncness.is_some() { "async " } else { "" };
        let (generics, _, condition) = signature.generics.split_for_impl();
        let _ = writeln!(
            result,
            "pub {asynchronous}fn {}{}({}) {} {} {{",
            signature.ident,
            text(&generics),
            parameters.join(", "),
            text(&signature.output),
            text(&condition),
        );
        let call = format!("{}({})", function.public.join("::"), arguments.join(", "));
        let call = match (signature.asyncness.is_some(), function.marker == Some("boxed")) {
            (true, false) => format!("{call}.await"),
            (true, true) => format!(
                "// Callers need not carry this large future in theirs.\nBox::pin({call}).await"
            ),
            (false, true) => bail!("it is marked as `boxed` and is not async"),
            (false, false) => call,
        };
        let end = if signature.output == ReturnType::Default { ";" } else { "" };
        let _ = writeln!(result, "{call}{end}\n}}\n");
        Ok(result)
    }

    /// The lines of the documentation, each as it follows `///`.
    fn documentation(
        &self,
        function: &Function<'_>,
        methods: &BTreeMap<Words, String>,
        imports: &BTreeSet<String>,
    ) -> Result<String> {
        let mut lines = Vec::new();
        for attribute in only(&function.item.attrs, "doc") {
            let syn::Meta::NameValue(value) = &attribute.meta else { continue };
            let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(line), .. }) = &value.value else {
                bail!("its documentation is not text");
            };
            lines.push(line.value());
        }
        if lines.is_empty() {
            bail!("it has no documentation");
        }
        let target = |path: &str| {
            let words: Words = path.split("::").map(str::to_owned).collect();
            match self.source.resolve(function.module, &words) {
                Err(_) => Target::Nothing,
                Ok(None) => Target::Unchanged,
                Ok(Some(public)) => match methods.get(&public) {
                    Some(method) => Target::Path(format!("Self::{method}")),
                    None if means_the_same(&words, &public, imports) => Target::Unchanged,
                    None => Target::Path(public.join("::")),
                },
            }
        };
        let documentation = without_examples(&lines).join("\n");
        Ok(links::moved(documentation.trim_end(), &target))
    }
}

/// Whether a path has the same meaning where these imports are.
fn means_the_same(words: &[String], public: &[String], imports: &BTreeSet<String>) -> bool {
    let rest = words.len() - 1;
    let Some(imported) = public.len().checked_sub(rest).map(|length| &public[..length]) else {
        return false;
    };
    public.ends_with(words) && imports.contains(&imported.join("::"))
}

/// The imports as people write them: one for each module, with the standard library first.
fn grouped(imports: &BTreeSet<String>) -> String {
    let mut modules: BTreeMap<(bool, &str), Vec<&str>> = BTreeMap::new();
    for path in imports {
        let (module, name) = path.rsplit_once("::").unwrap_or(("self", path));
        let third_party = !["std::", "core::", "alloc::"].iter().any(|own| path.starts_with(own));
        modules.entry((third_party, module)).or_default().push(name);
    }
    let mut text = String::new();
    let mut before = false;
    for ((third_party, module), names) in modules {
        if third_party && !before {
            text.push('\n');
        }
        before = third_party;
        let _ = match names.as_slice() {
            [name] => writeln!(text, "use {module}::{name};"),
            names => writeln!(text, "use {module}::{{{}}};", names.join(", ")),
        };
    }
    text
}

fn without_examples(lines: &[String]) -> Vec<&str> {
    let mut left_out = false;
    let mut in_code = false;
    let mut kept = Vec::new();
    for line in lines {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        } else if !in_code && let Some(title) = line.trim_start().strip_prefix("# ") {
            left_out = matches!(title.trim(), "Example" | "Examples");
        }
        if !left_out {
            kept.push(line.as_str());
        }
    }
    kept
}

fn is_method(function: &Function<'_>) -> Result<bool> {
    let name = function.public.join("::");
    match (takes_ops(function), function.marker) {
        (true, None | Some("boxed")) | (false, Some("method")) => Ok(true),
        (true, Some("skip")) | (false, None) => Ok(false),
        (true, Some(other)) => {
            bail!("`{name}` takes `ops` and is marked `facade: {other}`; use `boxed` or `skip`")
        }
        (false, Some(other)) => {
            bail!("`{name}` takes no `ops` and is marked `facade: {other}`; use `method`")
        }
    }
}

fn takes_ops(function: &Function<'_>) -> bool {
    let first = function.item.sig.inputs.first();
    let Some(FnArg::Typed(first)) = first else { return false };
    matches!(&*first.pat, Pat::Ident(pattern) if pattern.ident == "ops")
}

/// The method's receiver, and how the method passes itself on.
fn receiver(ops: &Type) -> Result<(String, Option<String>)> {
    match ops {
        Type::Reference(reference) => {
            let lifetime = reference.lifetime.as_ref().map(text).unwrap_or_default();
            Ok((format!("&{lifetime} self"), Some("self".to_owned())))
        }
        Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Arc") => {
            Ok(("&self".to_owned(), Some("::std::sync::Arc::new(self.clone())".to_owned())))
        }
        other => bail!("`ops` is a `{}`; a method can pass a reference or an `Arc`", text(other)),
    }
}

/// `O` of `fn f<O: RunOps>(ops: &O)` is the instance itself.
fn drop_generic_of_ops(signature: &mut syn::Signature, ops: &Type) {
    let Type::Reference(reference) = ops else { return };
    let Type::Path(path) = &*reference.elem else { return };
    let Some(name) = path.path.get_ident() else { return };
    let other =
        |param: &GenericParam| !matches!(param, GenericParam::Type(ty) if ty.ident == *name);
    signature.generics.params =
        signature.generics.params.iter().filter(|p| other(p)).cloned().collect();
    if let Some(condition) = &mut signature.generics.where_clause {
        let about = |predicate: &syn::WherePredicate| matches!(predicate, syn::WherePredicate::Type(ty) if *name == text(&ty.bounded_ty));
        condition.predicates =
            condition.predicates.iter().filter(|predicate| !about(predicate)).cloned().collect();
    }
}

/// Writes the paths of a signature as the facade's file has to.
struct Paths<'a, 'b> {
    domain: &'a Domain<'b>,
    module: &'a [String],
    imports: &'a mut BTreeSet<String>,
    import: bool,
    failed: Option<anyhow::Error>,
}

impl Paths<'_, '_> {
    fn moved(&mut self, path: &syn::Path) -> Result<Option<syn::Path>> {
        if path.leading_colon.is_some() {
            return Ok(None);
        }
        let words: Words = path.segments.iter().map(|part| part.ident.to_string()).collect();
        let Some(public) = self.domain.source.resolve(self.module, &words)? else {
            return Ok(None);
        };
        let full = public.join("::");
        let name = &public[public.len() - 1];
        let taken = format!("::{name}");
        let shadowed =
            self.imports.iter().any(|import| *import != full && import.ends_with(&taken));
        let written = if words.len() == 1 && self.import && !shadowed {
            self.imports.insert(full);
            name.clone()
        } else {
            full
        };
        let mut moved: syn::Path = syn::parse_str(&written)?;
        if let (Some(last), Some(old)) = (moved.segments.last_mut(), path.segments.last()) {
            last.arguments = old.arguments.clone();
        }
        Ok(Some(moved))
    }
}

impl VisitMut for Paths<'_, '_> {
    fn visit_fn_arg_mut(&mut self, argument: &mut FnArg) {
        // What the instance is passed as does not appear in the method.
        if !matches!(argument, FnArg::Typed(typed) if matches!(&*typed.pat, Pat::Ident(name) if name.ident == "ops"))
        {
            syn::visit_mut::visit_fn_arg_mut(self, argument);
        }
    }

    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        match self.moved(path) {
            Ok(Some(moved)) => *path = moved,
            Ok(None) => {}
            Err(error) => self.failed = Some(error),
        }
        syn::visit_mut::visit_path_mut(self, path);
    }
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain_file(text: &str) -> Result<Option<String>> {
        let source = Crate::read("instance_x", &|file| {
            (file == "lib.rs").then(|| {
                format!("use instance_core::ids::RunId;\nuse instance_core::ops::RunOps;\n{text}")
            })
        })?;
        let domain = Domain::new(&source)?;
        domain.file("instance-x", &domain.names().collect())
    }

    fn check(text: &str, parts: &[&str]) {
        let file = domain_file(text).unwrap().unwrap_or_default();
        // Spaces are the formatter's business.
        let dense = |text: &str| text.replace([' ', '\n'], "");
        for part in parts {
            assert!(dense(&file).contains(&dense(part)), "{part}\nis not in\n{file}");
        }
    }

    fn refused(text: &str, part: &str) {
        let error = format!("{:#}", domain_file(text).unwrap_err());
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn a_method_delegates_with_its_documentation() {
        check(
            "/// Has a run.\n///\n/// See [`get`] and [`RunId`].\n\
             pub async fn has(ops: &dyn RunOps, run_id: &RunId) -> Result<bool, ()> {}\n\
             /// Gets.\npub fn get(ops: &dyn RunOps) {}\n\
             /// No [`RunOps`].\npub fn no(ops: &dyn RunOps) {}",
            &[
                "use instance_core::ids::RunId;",
                "/// Has a run.\n///\n/// See [`get`](Self::get) and [`RunId`].\n\
                 pub async fn has(&self, run_id: &RunId) -> Result<bool, ()> { instance_x::has(self, run_id).await }",
                "pub fn get(&self) { instance_x::get(self); }",
                "/// No [`RunOps`](instance_core::ops::RunOps).",
            ],
        );
    }

    #[test]
    fn imports_are_grouped() {
        let imports = ["a::x::Y", "a::x::Z", "b::C", "std::fmt"].map(str::to_owned);
        assert_eq!(grouped(&imports.into()), "use std::fmt;\n\nuse a::x::{Y, Z};\nuse b::C;\n");
    }

    #[test]
    fn ops_may_come_in_any_way() {
        check(
            "/// A.\npub fn a(ops: &(impl RunOps + ?Sized), x: impl Into<RunId>) -> u8 {}\n\
             /// B.\npub fn b<O: RunOps, T>(ops: &O, x: T) where O: Send, T: Copy {}\n\
             /// C.\npub fn c(ops: std::sync::Arc<dyn RunOps>) {}\n\
             /// D.\npub fn d<'a>(ops: &'a dyn RunOps, x: &str) -> &'a str {}",
            &[
                "pub fn a(&self, x: impl Into<RunId>) -> u8 { instance_x::a(self, x) }",
                "pub fn b<T>(&self, x: T) where T: Copy { instance_x::b(self, x); }",
                "pub fn c(&self) { instance_x::c(::std::sync::Arc::new(self.clone())); }",
                "pub fn d<'a>(&'a self, x: &str) -> &'a str { instance_x::d(self, x) }",
            ],
        );
        refused("/// A.\npub fn a(ops: u8) {}", "`ops` is a `u8`");
    }

    #[test]
    fn markers_say_what_is_a_method() {
        check(
            "/// A.\n// facade: boxed\npub async fn a(ops: &dyn RunOps) {}\n\
             /// B.\n// facade: method\npub fn b(x: u8) {}",
            &[
                "Box::pin(instance_x::a(self)).await;",
                "pub fn b(&self, x: u8) { instance_x::b(x); }",
            ],
        );
        let none =
            "/// A.\n// facade: skip\npub fn a(ops: &dyn RunOps) {}\n/// B.\npub fn b(x: u8) {}";
        assert_eq!(domain_file(none).unwrap(), None);
        refused("/// A.\n// facade: skp\npub fn a(ops: &dyn RunOps) {}", "facade: skp");
        refused("/// A.\n// facade: skip\npub fn a(x: u8) {}", "takes no `ops`");
        refused("pub fn a(ops: &dyn RunOps) {}", "no documentation");
    }

    #[test]
    fn conditions_come_along_and_examples_stay() {
        check(
            "#[cfg(feature = \"f\")]\npub mod m {\nuse instance_core::ids::RunId;\n/// A.\n///\n/// # Examples\n///\n\
             /// ```\n/// # 1;\n/// ```\n///\n/// # Errors\n///\n/// B.\n#[must_use]\npub fn a(ops: &dyn RunOps, x: RunId) {}\n}",
            &["/// A.\n///\n/// # Errors\n///\n/// B.\n#[cfg(feature = \"f\")]\n#[must_use]\n\
                 pub fn a(&self, x: instance_core::ids::RunId) { instance_x::m::a(self, x); }"],
        );
    }
}
