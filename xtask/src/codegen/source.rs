//! The source of one crate as a tree of modules: what each module defines and imports, and by which path others may
//! name it.
//!
//! Here: reading, and resolving names. Not here: what is written from it. Macros are not expanded. A glob is
//! understood only in a `pub use`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use syn::{Attribute, Item, ItemFn, UseTree, Visibility};

/// The words of a path, from the name of a crate.
pub(super) type Words = Vec<String>;

/// A function that others may call.
#[derive(Debug)]
pub(super) struct Function<'a> {
    /// The path by which others call it.
    pub(super) public: Words,
    pub(super) item: &'a ItemFn,
    /// What stands after `// facade:` above it.
    pub(super) marker: Option<&'a str>,
    /// The conditions of the modules around it.
    pub(super) conditions: Vec<&'a Attribute>,
    /// The module that defines it. Its documentation and its signature use the names of this module.
    pub(super) module: &'a [String],
}

/// One crate.
#[derive(Debug)]
pub(super) struct Crate {
    root: Module,
    /// By the path of a definition, the path by which others may name it.
    exports: BTreeMap<Words, Words>,
}

#[derive(Debug, Default)]
struct Module {
    path: Words,
    public: bool,
    conditions: Vec<Attribute>,
    functions: BTreeMap<String, (ItemFn, Option<String>)>,
    /// Public ones.
    types: BTreeSet<String>,
    imports: BTreeMap<String, Import>,
    /// The modules of `pub use module::*`.
    globs: Vec<Words>,
    children: BTreeMap<String, Module>,
}

#[derive(Debug)]
struct Import {
    path: Words,
    public: bool,
}

impl Crate {
    /// Reads the crate of this name (with underscores). `load` returns the text of a file below the crate's `src/`.
    pub(super) fn read(name: &str, load: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let text = load("lib.rs").with_context(|| format!("`{name}` has no src/lib.rs"))?;
        let mut root = Module { path: vec![name.to_owned()], public: true, ..Module::default() };
        let file =
            syn::parse_file(&text).with_context(|| format!("{name}: cannot parse lib.rs"))?;
        root.fill(file.items, "", &text, load)?;
        let mut read = Self { root, exports: BTreeMap::new() };
        let mut exports = BTreeMap::new();
        read.export(&read.root, &mut exports);
        read.exports = exports;
        Ok(read)
    }

    /// Every function that others may call, in the order of their paths.
    pub(super) fn functions(&self) -> Vec<Function<'_>> {
        let mut functions: Vec<_> = self
            .exports
            .iter()
            .filter_map(|(path, public)| {
                let (name, modules) = path.split_last()?;
                let mut module = &self.root;
                let mut conditions = Vec::new();
                for word in modules.iter().skip(1) {
                    module = module.children.get(word)?;
                    conditions.extend(&module.conditions);
                }
                let (item, marker) = module.functions.get(name)?;
                Some(Function {
                    public: public.clone(),
                    item,
                    marker: marker.as_deref(),
                    conditions,
                    module: &module.path,
                })
            })
            .collect();
        functions.sort_by(|a, b| a.public.cmp(&b.public));
        functions
    }

    /// The path by which another crate may name what `words` mean in a module. `None` if `words` mean nothing of
    /// this crate and are not imported: the prelude, generic parameters, other crates.
    ///
    /// # Errors
    ///
    /// It is a name of this crate that others may not use.
    pub(super) fn resolve(&self, module: &[String], words: &[String]) -> Result<Option<Words>> {
        let Some(absolute) = self.absolute(module, words, 0) else {
            return Ok(None);
        };
        if absolute[0] != self.root.path[0] {
            return Ok(Some(absolute));
        }
        for length in (1..=absolute.len()).rev() {
            if let Some(public) = self.exports.get(&absolute[..length]) {
                return Ok(Some([public, &absolute[length..]].concat()));
            }
        }
        anyhow::bail!("`{}` is private", absolute.join("::"))
    }

    fn module(&self, path: &[String]) -> Option<&Module> {
        let mut module = &self.root;
        for word in path.iter().skip(1) {
            module = module.children.get(word)?;
        }
        Some(module)
    }

    fn absolute(&self, module: &[String], words: &[String], depth: usize) -> Option<Words> {
        let (first, rest) = words.split_first()?;
        // Imports that lead in a circle do not compile; this only ends the search.
        if depth > 32 {
            return None;
        }
        match first.as_str() {
            "crate" => return self.absolute(&module[..1], rest, depth + 1),
            "self" => return self.absolute(module, rest, depth + 1),
            "super" => return self.absolute(&module[..module.len() - 1], rest, depth + 1),
            _ => {}
        }
        let here = self.module(module)?;
        // A module may have the name of a function that is imported from it. Only the module has something in it.
        let names_module = !rest.is_empty() && here.children.contains_key(first);
        if let Some(import) = here.imports.get(first).filter(|_| !names_module) {
            let path = [&import.path, rest].concat();
            // What is neither found here nor below is in another crate.
            return self.absolute(module, &path, depth + 1).or(Some(path));
        }
        if let Some(child) = here.children.get(first) {
            return match rest {
                [] => Some(child.path.clone()),
                _ => self.absolute(&child.path, rest, depth + 1),
            };
        }
        let defined = here.functions.contains_key(first) || here.types.contains(first);
        defined.then(|| [&here.path, words].concat())
    }

    fn export(&self, module: &Module, exports: &mut BTreeMap<Words, Words>) {
        let own = module.functions.iter().filter(|(_, (item, _))| is_public(&item.vis));
        let own = own.map(|(name, _)| name).chain(&module.types);
        for name in own {
            let path = [module.path.as_slice(), std::slice::from_ref(name)].concat();
            keep_shorter(exports, path.clone(), path);
        }
        for (name, import) in module.imports.iter().filter(|(_, import)| import.public) {
            if let Some(path) = self.absolute(&module.path, &import.path, 0) {
                let public = [module.path.as_slice(), std::slice::from_ref(name)].concat();
                keep_shorter(exports, path, public);
            }
        }
        for glob in &module.globs {
            let target = self.absolute(&module.path, glob, 0);
            let Some(target) = target.and_then(|path| self.module(&path)) else { continue };
            let mut inner = BTreeMap::new();
            self.export(target, &mut inner);
            for (path, public) in inner {
                if let Some(below) = public.strip_prefix(target.path.as_slice()) {
                    keep_shorter(exports, path, [module.path.as_slice(), below].concat());
                }
            }
        }
        for child in module.children.values().filter(|child| child.public) {
            keep_shorter(exports, child.path.clone(), child.path.clone());
            self.export(child, exports);
        }
    }
}

fn keep_shorter(exports: &mut BTreeMap<Words, Words>, path: Words, public: Words) {
    let kept = exports.entry(path).or_insert_with(|| public.clone());
    if public.len() < kept.len() {
        *kept = public;
    }
}

impl Module {
    /// `directory` is where the files of its child modules are.
    fn fill(
        &mut self,
        items: Vec<Item>,
        directory: &str,
        text: &str,
        load: &dyn Fn(&str) -> Option<String>,
    ) -> Result<()> {
        for item in items {
            match item {
                Item::Fn(item) => {
                    let marker = marker(text, &item);
                    self.functions.insert(item.sig.ident.to_string(), (item, marker));
                }
                Item::Use(item) => {
                    flatten(&item.tree, &mut vec![], is_public(&item.vis), self);
                }
                Item::Mod(item) if !is_test(&item.attrs) => {
                    let name = item.ident.to_string();
                    let mut child = Self {
                        path: [self.path.as_slice(), std::slice::from_ref(&name)].concat(),
                        public: is_public(&item.vis),
                        conditions: only(&item.attrs, "cfg"),
                        ..Self::default()
                    };
                    let below = format!("{directory}{name}/");
                    if let Some((_, items)) = item.content {
                        child.fill(items, &below, text, load)?;
                    } else {
                        let files = [format!("{directory}{name}.rs"), format!("{below}mod.rs")];
                        let found = files.iter().find_map(|file| Some((file, load(file)?)));
                        let (file, text) =
                            found.with_context(|| format!("there is no {}", files.join(" or ")))?;
                        let parsed = syn::parse_file(&text)
                            .with_context(|| format!("cannot parse {file}"))?;
                        child.fill(parsed.items, &below, &text, load)?;
                    }
                    self.children.insert(name, child);
                }
                Item::Struct(item) => self.define(&item.vis, &item.ident),
                Item::Enum(item) => self.define(&item.vis, &item.ident),
                Item::Trait(item) => self.define(&item.vis, &item.ident),
                Item::Type(item) => self.define(&item.vis, &item.ident),
                Item::Const(item) => self.define(&item.vis, &item.ident),
                Item::Static(item) => self.define(&item.vis, &item.ident),
                _ => {}
            }
        }
        Ok(())
    }

    fn define(&mut self, visibility: &Visibility, name: &syn::Ident) {
        if is_public(visibility) {
            self.types.insert(name.to_string());
        }
    }
}

fn flatten(tree: &UseTree, before: &mut Words, public: bool, module: &mut Module) {
    let mut import = |name: String, path: Words| {
        module.imports.insert(name, Import { path, public });
    };
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, public, module);
            before.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            if let Some(last) = before.last() {
                import(last.clone(), before.clone());
            }
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            import(name.clone(), [before.as_slice(), &[name]].concat());
        }
        UseTree::Rename(rename) if rename.ident == "self" => {
            import(rename.rename.to_string(), before.clone());
        }
        UseTree::Rename(rename) => {
            let path = [before.as_slice(), &[rename.ident.to_string()]].concat();
            import(rename.rename.to_string(), path);
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, before, public, module);
            }
        }
        UseTree::Glob(_) if public => module.globs.push(before.clone()),
        UseTree::Glob(_) => {}
    }
}

/// The text after `// facade:` on a line of its own, directly above the function or within its documentation and
/// attributes.
fn marker(text: &str, item: &ItemFn) -> Option<String> {
    let name = item.sig.fn_token.span.start().line;
    let first = item.attrs.iter().map(|attribute| attribute.pound_token.span.start().line).min();
    // Lines count from one.
    let above = first.unwrap_or(name).saturating_sub(2);
    let lines = text.lines().skip(above).take(name - above);
    let marker = lines.filter_map(|line| line.trim().strip_prefix("// facade:")).last();
    marker.map(|rest| rest.trim().to_owned())
}

/// The attributes of this name.
pub(super) fn only(attributes: &[Attribute], name: &str) -> Vec<Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident(name)).cloned().collect()
}

fn is_test(attributes: &[Attribute]) -> bool {
    only(attributes, "cfg")
        .iter()
        .any(|cfg| cfg.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test")))
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read() -> Crate {
        let load = |file: &str| {
            let text = match file {
                "lib.rs" => {
                    "mod read;\npub mod layer;\nuse std::fmt;\n\
                     pub use read::{Query, get_run};\npub use layer::inner::*;"
                }
                "read.rs" => {
                    "use instance_core::ids::RunId;\nuse crate::layer::Layer;\n\
                     pub struct Query;\npub struct Hidden;\n\
                     /// Gets.\n// facade: boxed\n#[must_use]\npub fn get_run() {}\n\nfn private() {}\n\
                     #[cfg(test)]\nmod tests { use super::Nothing; }"
                }
                "layer/mod.rs" => "#[cfg(unix)]\npub mod inner;\npub struct Layer;",
                "layer/inner.rs" => "// facade: method\npub fn inside() {}\n\npub fn other() {}",
                _ => return None,
            };
            Some(text.to_owned())
        };
        Crate::read("a", &load).unwrap()
    }

    fn words(path: &str) -> Words {
        path.split("::").map(str::to_owned).collect()
    }

    #[test]
    fn functions_have_the_shortest_path_that_others_may_use() {
        let read = read();
        let found: Vec<_> = read
            .functions()
            .iter()
            .map(|function| {
                (function.public.join("::"), function.marker, function.conditions.len())
            })
            .collect();
        let expect = [
            ("a::get_run", Some("boxed"), 0),
            ("a::inside", Some("method"), 1),
            ("a::other", None, 1),
        ];
        assert_eq!(found, expect.map(|(path, marker, count)| (path.to_owned(), marker, count)));
    }

    #[test]
    fn names_are_those_of_the_module() {
        let read = read();
        let check = |module: &str, path: &str, expect: Option<&str>| {
            let found = read.resolve(&words(module), &words(path)).unwrap();
            assert_eq!(found, expect.map(words), "{path} in {module}");
        };
        check("a::read", "RunId", Some("instance_core::ids::RunId"));
        check("a::read", "RunId::new", Some("instance_core::ids::RunId::new"));
        check("a::read", "Query", Some("a::Query"));
        check("a::read", "Query::new", Some("a::Query::new"));
        check("a::read", "Layer", Some("a::layer::Layer"));
        check("a::read", "super::get_run", Some("a::get_run"));
        check("a", "crate::read::Query", Some("a::Query"));
        check("a", "fmt::Result", Some("std::fmt::Result"));
        check("a::read", "Vec", None);
        assert!(read.resolve(&words("a::read"), &words("Hidden")).is_err());
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = Crate::read("a", &|file| (file == "lib.rs").then(|| "mod b;".to_owned()));
        assert!(format!("{:#}", error.unwrap_err()).contains("b.rs or b/mod.rs"));
    }
}
