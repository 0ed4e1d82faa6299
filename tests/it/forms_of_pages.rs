//! The forms of a page, as a browser without scripts has them: what they hold, what somebody changes in them, and what is sent.

use std::collections::BTreeMap;

/// One form of a page.
#[derive(Debug, Clone, Default)]
pub struct Form {
    pub action: String,
    /// Names and values, in the order of the page.
    pub fields: Vec<(String, String)>,
    /// Values that each name can take, where it is a choice.
    pub choices: BTreeMap<String, Vec<String>>,
    pub buttons: Vec<(String, String)>,
    /// What the fields of the category that is meant are called by.
    pub part: String,
}

impl Form {
    /// All forms of a page that are sent by POST.
    pub fn all(page: &str) -> Vec<Form> {
        let mut forms: Vec<Form> = Vec::new();
        let mut open = false;
        let mut select: Option<String> = None;
        let mut rest = page;
        while let Some(at) = rest.find('<') {
            rest = &rest[at + 1..];
            let end = rest.find('>').unwrap_or(rest.len());
            let tag = &rest[..end];
            let after = rest.get(end + 1..).unwrap_or_default();
            let name = tag.split([' ', '\n']).next().unwrap_or_default();
            let form = forms.last_mut().filter(|_| open);
            let attribute = |name: &str| attribute(tag, name);
            match (name, form) {
                ("form", _) => {
                    open = attribute("method").as_deref() == Some("post");
                    if open {
                        forms.push(Form {
                            action: attribute("action").unwrap_or_default(),
                            ..Form::default()
                        });
                    }
                }
                ("/form", _) => open = false,
                ("input", Some(form)) => {
                    let kind = attribute("type").unwrap_or_default();
                    if let Some(name) = attribute("name") {
                        let value = attribute("value").unwrap_or_default();
                        let is_choice = matches!(kind.as_str(), "radio" | "checkbox");
                        if is_choice {
                            form.choices.entry(name.clone()).or_default().push(value.clone());
                        }
                        if !is_choice || tag.ends_with(" checked") {
                            form.fields.push((name, value));
                        }
                    }
                }
                ("textarea", Some(form)) => {
                    let text = after.split("</textarea>").next().unwrap_or_default();
                    if let Some(name) = attribute("name") {
                        form.fields.push((name, unescaped(text.strip_prefix('\n').unwrap_or(text))));
                    }
                }
                ("select", Some(form)) => {
                    select = attribute("name");
                    if let Some(name) = &select {
                        form.fields.push((name.clone(), String::new()));
                    }
                }
                ("/select", _) => select = None,
                ("option", Some(form)) => {
                    if let Some(name) = &select {
                        let value = attribute("value").unwrap_or_default();
                        form.choices.entry(name.clone()).or_default().push(value.clone());
                        if tag.ends_with(" selected")
                            && let Some(last) = form.fields.last_mut()
                        {
                            last.1 = value;
                        }
                    }
                }
                ("button", Some(form)) => {
                    let name = attribute("name").unwrap_or_default();
                    form.buttons.push((name, attribute("value").unwrap_or_default()));
                }
                _ => {}
            }
            rest = after;
        }
        forms
    }

    /// The form that saves a category.
    #[track_caller]
    pub fn of(page: &str, category: &str) -> Form {
        let part = format!("{category}/");
        let revision = format!("{part}revision");
        for form in Form::all(page) {
            if form.get("category") == Some(category) {
                return form;
            }
            if form.get(&revision).is_some() {
                return Form { part, ..form };
            }
        }
        panic!("no form of {category} in {page}")
    }

    /// The same form, with what its names are of another category.
    pub fn part(self, category: &str) -> Form {
        let is_first = self.get("category") == Some(category);
        let part = if is_first { String::new() } else { format!("{category}/") };
        Form { part, ..self }
    }

    /// What a field, or a button, of the category that is meant is called.
    fn named(&self, name: &str) -> String {
        let own = format!("{}{name}", self.part);
        let is_own = self.fields.iter().any(|(found, _)| *found == own)
            || self.choices.contains_key(&own)
            || self.buttons.iter().any(|(_, value)| *value == own);
        if is_own { own } else { name.to_owned() }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        let name = self.named(name);
        self.fields.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
    }

    /// Types something, or chooses it.
    #[track_caller]
    pub fn set(mut self, name: &str, value: &str) -> Form {
        let name = &*self.named(name);
        match self.fields.iter_mut().find(|(found, _)| found == name) {
            Some(field) => value.clone_into(&mut field.1),
            // A radio or a box of which none was checked.
            None => {
                assert!(self.choices.contains_key(name), "there is no {name} in {:?}", self.fields);
                self.fields.push((name.to_owned(), value.to_owned()));
            }
        }
        self
    }

    /// Checks one more box.
    pub fn check(mut self, name: &str, value: &str) -> Form {
        let name = &*self.named(name);
        assert!(self.choices[name].iter().any(|one| one == value), "{:?}", self.choices[name]);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What is sent when a button is pressed.
    #[track_caller]
    pub fn press(&self, button: &str) -> String {
        let button = self.named(button);
        let button = self.buttons.iter().find(|(_, value)| *value == button);
        let (name, value) = button.unwrap_or_else(|| panic!("no such button: {:?}", self.buttons));
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        let pressed = (!name.is_empty()).then_some((name, value));
        for (name, value) in self.fields.iter().map(|(name, value)| (name, value)).chain(pressed) {
            // As browsers send lines.
            out.append_pair(name, &value.replace('\n', "\r\n"));
        }
        out.finish()
    }
}

/// An attribute of a tag.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    Some(unescaped(tag[start..].split('"').next()?))
}

/// Text of a page as people read it.
pub fn unescaped(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#x2f;", "/"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (coded, plain)| text.replace(coded, plain))
}

/// The words of a page, without its tags.
pub fn words(page: &str) -> String {
    const INLINE: [&str; 8] = ["a", "code", "del", "i", "ins", "span", "strong", "time"];
    let mut out = String::new();
    for part in page.split('<') {
        let (tag, text) = part.split_once('>').unwrap_or(("", part));
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap_or_default();
        if !INLINE.contains(&name) {
            out.push(' ');
        }
        out.push_str(text);
    }
    unescaped(&out.split_whitespace().collect::<Vec<_>>().join(" "))
}
