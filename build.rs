//! Packs the parts under `schemas/`, so that no start of the program reads their YAML: `schema::packed` says in what form.
//!
//! They are read by the program's own reader of the plain form, so that YAML has one meaning here, too.
#![expect(clippy::disallowed_methods, reason = "what is built in is read where the program is built")]

#[path = "src/yaml/fast_path.rs"]
mod fast_path;
#[path = "src/yaml/pack.rs"]
mod pack;
#[path = "src/yaml/scalar.rs"]
mod scalar;
#[expect(dead_code, reason = "places of findings, which packing has none of")]
#[path = "src/source/span.rs"]
mod source;
#[expect(dead_code, reason = "what is said of text that cannot be read")]
#[path = "src/yaml/text.rs"]
mod text;
#[expect(dead_code, reason = "what configuration is asked and changed by")]
#[path = "src/yaml/tree.rs"]
mod tree;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use source::FileId;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=schemas");
    let of_build = |name: &str| std::env::var_os(name).map(PathBuf::from).ok_or(format!("no {name}"));
    let (root, out) = (of_build("CARGO_MANIFEST_DIR")?.join("schemas"), of_build("OUT_DIR")?);
    let mut paths = Vec::new();
    gather(&root, &root, &mut paths)?;
    paths.sort();
    let mut listed = String::new();
    for (at, path) in paths.iter().enumerate() {
        let text = std::fs::read_to_string(root.join(path))?;
        let part = fast_path::read(&text, FileId(0));
        let part = part.ok_or_else(|| {
            format!("schemas/{path} is not written as parts are: without anchors, tags, tabs and texts over several lines but `>-` and `|`")
        })?;
        let mut packed = Vec::new();
        pack::pack(&part, &mut packed);
        std::fs::write(out.join(format!("part-{at}")), packed)?;
        writeln!(listed, "({path:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/part-{at}\"))),")?;
    }
    Ok(std::fs::write(out.join("parts.rs"), format!("&[\n{listed}]\n"))?)
}

/// The YAML files below a folder, as paths below the root with forward slashes.
fn gather(root: &Path, folder: &Path, into: &mut Vec<String>) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            gather(root, &path, into)?;
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            into.push(path.strip_prefix(root)?.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}
