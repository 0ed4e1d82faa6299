//! Documents as YAML, and back.

use pairform::source::{SourceFile, Sources};
use pairform::yaml;
use serde_json::{Value as Json, json};

/// YAML in block style, so that every key has a line of its own.
pub fn yaml_of(value: &Json, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Json::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                out.push_str(&format!("\n{pad}{}:", json!(key)));
                yaml_of(value, indent + 2, out);
            }
        }
        other => out.push_str(&format!(" {other}")),
    }
}

pub fn json_of(text: &str) -> Json {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("sample.yaml", text));
    let mut findings = Vec::new();
    let root = yaml::parse(&sources, file, &mut findings).unwrap();
    assert!(findings.is_empty(), "{findings:?}");
    root.to_json()
}
