//! Expressions in scalar values: `"{{ brand }} Outdoor"`.
//!
//! They are worked out after parsing, so positions survive and no value can bring YAML of its own. A scalar that is one
//! expression keeps the type of its value. There are variables, operators and the filters below; no loops, no includes,
//! no files, no environment.

use minijinja::value::{Serde, ValueKind};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value, filters};

use crate::diagnostic::codes::compose as codes;
use crate::diagnostic::{Finding, nearest};
use crate::yaml::{Node, NodeKind};

/// Steps that one expression may take; more is a finding.
const FUEL: u64 = 5_000;
/// A longer expression is a finding: reading one takes the deeper a stack the longer it is.
const MAX_EXPRESSION: usize = 1_000;
/// A longer result is a finding.
const MAX_LENGTH: usize = 16 * 1024;

/// The variables that expressions may name, as JSON.
pub type Variables = serde_json::Map<String, serde_json::Value>;

/// Works out every expression below `node`; what fails becomes a finding and a hole.
pub fn expand(node: &mut Node, variables: &Variables, findings: &mut Vec<Finding>) {
    if !mentions(node) {
        return;
    }
    let language = Language { environment: environment(), variables };
    language.walk(node, findings);
}

/// True when some text below holds the opening mark; most documents hold none.
fn mentions(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Text(text) => holds_mark(text),
        NodeKind::List(items) => items.iter().any(mentions),
        NodeKind::Map(map) => {
            map.entries().iter().any(|entry| holds_mark(&entry.key.text) || mentions(&entry.value))
        }
        _ => false,
    }
}

/// Asked of every text, nearly none of which holds a brace.
fn holds_mark(text: &str) -> bool {
    text.as_bytes().contains(&b'{') && (text.contains("{{") || text.contains("{%"))
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("replace", filters::replace);
    environment.add_filter("default", filters::default);
    environment.add_filter("int", filters::int);
    // YAML's words, not Python's.
    environment.set_formatter(|output, state, value| match value.kind() {
        ValueKind::Bool => Ok(output.write_str(if value.is_true() { "true" } else { "false" })?),
        ValueKind::None => Ok(output.write_str("null")?),
        _ => minijinja::escape_formatter(output, state, value),
    });
    environment
}

struct Language<'a> {
    environment: Environment<'static>,
    variables: &'a Variables,
}

impl Language<'_> {
    fn walk(&self, node: &mut Node, findings: &mut Vec<Finding>) {
        match &mut node.kind {
            NodeKind::List(items) => items.iter_mut().for_each(|item| self.walk(item, findings)),
            NodeKind::Map(map) => {
                for entry in map.entries_mut() {
                    if holds_mark(&entry.key.text) {
                        findings.push(codes::expression_as_key(entry.key.span));
                    }
                    self.walk(&mut entry.value, findings);
                }
            }
            NodeKind::Text(text) if holds_mark(text) => {
                let kind = self.evaluate(text);
                node.kind = kind.unwrap_or_else(|fault| {
                    findings.push(self.finding(&fault, node));
                    NodeKind::Hole
                });
            }
            _ => {}
        }
    }

    fn evaluate(&self, text: &str) -> Result<NodeKind, Fault> {
        if text.contains("{%") {
            return Err(Fault::Other("only `{{ … }}` is allowed; there are no statements".to_owned()));
        }
        if text.split("{{").skip(1).any(|part| part.split("}}").next().unwrap_or(part).len() > MAX_EXPRESSION)
        {
            return Err(Fault::Other(format!("it is longer than {MAX_EXPRESSION} bytes")));
        }
        let context = || Serde(self.variables);
        if let Some(expression) = whole(text) {
            let compiled =
                self.environment.compile_expression(expression).map_err(|error| Fault::of(&error))?;
            self.require_declared(compiled.undeclared_variables(false), expression)?;
            return kind(&compiled.eval(context()).map_err(|error| Fault::of(&error))?);
        }
        let template = self.environment.template_from_str(text).map_err(|error| Fault::of(&error))?;
        self.require_declared(template.undeclared_variables(false), text)?;
        let rendered = template.render(context()).map_err(|error| Fault::of(&error))?;
        bounded(&rendered).map(NodeKind::Text)
    }

    /// An unknown name is a fault of its own, unless `default` catches it.
    fn require_declared(&self, names: impl IntoIterator<Item = String>, text: &str) -> Result<(), Fault> {
        let mut unknown: Vec<String> =
            names.into_iter().filter(|name| !self.variables.contains_key(name)).collect();
        unknown.sort();
        match unknown.into_iter().next() {
            Some(name) if !text.contains("default") => Err(Fault::Unknown(name)),
            _ => Ok(()),
        }
    }

    fn finding(&self, fault: &Fault, node: &Node) -> Finding {
        match fault {
            Fault::Unknown(name) => {
                let text = node.as_text().unwrap_or_default();
                if let Some(variable) = of_secrets(name, text) {
                    return codes::secret_in_expression(name, variable, node.span);
                }
                let known: Vec<&str> = self.variables.keys().map(String::as_str).collect();
                codes::unknown_variable(name, nearest(name, known.iter().copied()), &known, node.span)
            }
            Fault::Other(why) => codes::bad_expression(why, node.span),
        }
    }
}

/// Why an expression has no value.
enum Fault {
    Unknown(String),
    Other(String),
}

impl Fault {
    fn of(error: &minijinja::Error) -> Fault {
        Fault::Other(match error.kind() {
            ErrorKind::OutOfFuel => "it takes too many steps".to_owned(),
            ErrorKind::UnknownFilter => {
                "it uses an unknown filter; there are upper, lower, trim, replace, default and int".to_owned()
            }
            ErrorKind::UndefinedError => "it uses something that is not there".to_owned(),
            ErrorKind::SyntaxError => {
                format!("it is not well-formed: {}", error.detail().unwrap_or("unexpected text"))
            }
            _ => error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
        })
    }
}

/// The variable of `{{ secrets.NAME }}`, `{{ env.NAME }}` and `{{ env("NAME") }}`, by which other programs take in a credential.
fn of_secrets<'t>(name: &str, text: &'t str) -> Option<&'t str> {
    if !matches!(name, "secrets" | "secret" | "env" | "vault") {
        return None;
    }
    let rest = &text[text.find(name)? + name.len()..];
    let rest = rest.trim_start_matches(['.', '(', '[', '"', '\'', ' ']);
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
    let starts = rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts.then(|| &rest[..end])
}

/// The inside of a text that is exactly one expression.
fn whole(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    (!inside.contains("{{") && !inside.contains("}}")).then(|| inside.trim())
}

fn kind(value: &Value) -> Result<NodeKind, Fault> {
    Ok(match value.kind() {
        ValueKind::None => NodeKind::Null,
        ValueKind::Bool => NodeKind::Bool(value.is_true()),
        ValueKind::Number => NodeKind::Number(value.to_string().into()),
        ValueKind::String => NodeKind::Text(bounded(value.as_str().unwrap_or_default())?),
        other => {
            return Err(Fault::Other(format!("its value is a {other}, and a setting's value is a scalar")));
        }
    })
}

fn bounded(text: &str) -> Result<Box<str>, Fault> {
    if text.len() > MAX_LENGTH {
        return Err(Fault::Other("its value is too long".to_owned()));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Span};

    fn evaluate(text: &str) -> Result<NodeKind, String> {
        let variables =
            serde_json::json!({"brand": "Nordic", "days": 30, "on": true, "shop": {"name": "se"}});
        let variables = variables.as_object().unwrap();
        let mut node = Node { span: Span::new(FileId(0), 0, 0), kind: NodeKind::Text(text.into()) };
        let mut findings = Vec::new();
        expand(&mut node, variables, &mut findings);
        match findings.pop() {
            Some(finding) => Err(finding.code.id.to_owned()),
            None => Ok(node.kind),
        }
    }

    #[test]
    fn one_expression_keeps_its_type_and_a_mixed_text_is_a_text() {
        assert!(matches!(evaluate("{{ days }}"), Ok(NodeKind::Number(number)) if &*number == "30"));
        assert!(matches!(evaluate("{{ on }}"), Ok(NodeKind::Bool(true))));
        assert!(matches!(evaluate("{{ none }}"), Ok(NodeKind::Null)));
        assert!(
            matches!(evaluate("{{ brand | upper }} {{ on }}"), Ok(NodeKind::Text(text)) if &*text == "NORDIC true")
        );
        assert!(matches!(evaluate("{{ shop.name }}"), Ok(NodeKind::Text(text)) if &*text == "se"));
        assert!(matches!(evaluate("{{ other | default('x') }}"), Ok(NodeKind::Text(text)) if &*text == "x"));
        assert!(matches!(evaluate("plain"), Ok(NodeKind::Text(text)) if &*text == "plain"));
    }

    #[test]
    fn what_cannot_be_worked_out_is_a_finding() {
        for (text, code) in [
            ("{{ brnd }}", "E0215"),
            ("{{ brand | shout }}", "E0214"),
            ("{{ brand", "E0214"),
            ("{{ shop }}", "E0214"),
            ("{{ shop.nam }}", "E0214"),
            ("{% for x in brand %}{% endfor %}", "E0214"),
            ("{{ 'a' * 1000000000 }}", "E0214"),
            ("{{ 9 ** 9 ** 9 ** 9 }}", "E0214"),
            ("{{ 'aaaaaaaa' * 4000 | replace('a', 'aaaaaaaa') | replace('a', 'aaaaaaaa' * 999) }}", "E0214"),
            ("{{ range(1000000) }}", "E0215"),
            ("{{ env('HOME') }}", "E0215"),
            (&format!("{{{{ {} 1 }}}}", "not ".repeat(30_000)), "E0214"),
            (&format!("x {{{{ {}1{} }}}}", "(".repeat(30_000), ")".repeat(30_000)), "E0214"),
        ] {
            assert_eq!(evaluate(text).err().as_deref(), Some(code), "{text}");
        }
    }
}
