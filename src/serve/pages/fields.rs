//! The form of a category, as data for the templates: each setting with what it is typed in, whose it is, what is wrong with it
//! and what may be done. Everything is taken from the schema of the pair; no setting is known by its name here, but those whose
//! values are names of the integration's own.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value as Json, json};

use super::draft::{Draft, named};
use super::found::{help_by_labels, settings_of, told};
use super::timing;
use super::values::{
    Choosable, Kind, can_be_none, can_be_typed, choosable, is_mapping, is_record, key_title, keys_of, kind,
    typed_form, value_title,
};
use crate::diagnostic::Severity;
use crate::diagnostic::placed::PlacedFinding;
use crate::model::credential::is_reference;
use crate::model::{CONNECTORS, SCHEDULES, Secret, SettingPath, Settings, Value, WEBHOOKS};
use crate::ops::forge::Lines;
use crate::ops::section::{Judged, Known, Ownership, Proposal, mover, ownership, unconnected};
use crate::options::{Options, View};
use crate::report::texts::Language;
use crate::report::words;
use crate::schema::{Category, Setting, default_of, text};
use crate::store::Past;

/// As many fields of a new row are in sight.
const AT_FIRST: usize = 4;

/// From so many rows on a mapping of records is folded, row by row.
const FEW: usize = 1;

/// What the form of a category is made of.
pub struct Form<'a> {
    pub known: &'a Known,
    pub category: &'a Category,
    pub judged: &'a Judged,
    pub options: &'a Options,
    /// What is deployed.
    pub settings: &'a Settings,
    pub draft: &'a Draft,
    /// Of a save that was refused, and of what is deployed.
    pub findings: &'a [PlacedFinding],
    pub may_save: bool,
    pub past: &'a [Past],
    pub language: &'static Language,
    /// Whether the value of a reference is at hand, and another than the one that is deployed.
    pub secrets: &'a dyn Fn(&Secret) -> &'static str,
    /// How many integrations take what a file sets.
    pub readers: &'a dyn Fn(&str) -> usize,
    /// Only settings of these names; all where none is named.
    pub only: &'a [&'a str],
    /// What its fields are called by.
    pub part: &'a str,
    /// It is asked what the files are to say, so that git's settings can be typed in too.
    pub asking: bool,
    /// Settings of git's that somebody wants to save over, with a reason.
    pub over: &'a [SettingPath],
    /// Why settings were saved over git, by the run that saved them.
    pub reasons: &'a BTreeMap<String, String>,
    /// Proposals that are open.
    pub proposed: &'a [Proposal],
    /// Where a forge shows lines of the files.
    pub lines: Option<&'a Lines>,
    /// Whose each setting is, found once.
    pub owners: OnceCell<BTreeMap<SettingPath, Ownership>>,
}

/// What a form shows.
pub struct Fields {
    pub fields: Vec<Json>,
    pub additional: Vec<Json>,
    /// Additional settings stand open: one is set, or wrong.
    pub open: bool,
    pub required: usize,
    pub set: usize,
    /// What is missing, as links.
    pub missing: Vec<Json>,
    pub outside: usize,
    /// What was changed outside, as links, and whether git changed it too.
    pub changed: Vec<Json>,
}

static NOTHING: LazyLock<(Settings, Draft, BTreeMap<String, String>)> = LazyLock::new(Default::default);

impl<'a> Form<'a> {
    /// What words the values of a category, with nothing set, typed, found or allowed.
    #[must_use]
    pub fn of(
        known: &'a Known,
        category: &'a Category,
        judged: &'a Judged,
        options: &'a Options,
        language: &'static Language,
    ) -> Self {
        Form {
            known,
            category,
            judged,
            options,
            settings: &NOTHING.0,
            draft: &NOTHING.1,
            findings: &[],
            may_save: false,
            past: &[],
            language,
            secrets: &|_| "",
            readers: &|_| 0,
            only: &[],
            part: "",
            asking: false,
            over: &[],
            reasons: &NOTHING.2,
            proposed: &[],
            lines: None,
            owners: OnceCell::new(),
        }
    }
}

impl Form<'_> {
    fn owners(&self) -> &BTreeMap<SettingPath, Ownership> {
        self.owners.get_or_init(|| self.known.owners(self.category))
    }

    fn view(&self) -> Option<View<'_>> {
        self.judged.compiled().map(|compiled| compiled.view(self.options))
    }

    /// Whether a setting is required now, and whether it is set.
    fn requirement(&self, path: &SettingPath) -> Option<bool> {
        // A platform has to be connected, whoever makes its connections.
        if let (true, [connector, last]) = (self.category.id == CONNECTORS, path.segments())
            && **last == *"active"
            && [&self.known.pair.shop, &self.known.pair.erp].iter().any(|one| *one.id == **connector)
        {
            return Some(!unconnected(self.known).iter().any(|one| *one.id == **connector));
        }
        let compiled = self.judged.compiled()?;
        let mut all = compiled.required().filter(|(category, _, _)| *category == &*self.category.id);
        all.find(|(_, required, _)| *required == path).map(|(_, _, set)| set == Some(true))
    }

    /// All fields, in the order of the page.
    #[must_use]
    pub fn fields(&self) -> Fields {
        let mut all = Fields {
            fields: Vec::new(),
            additional: Vec::new(),
            open: false,
            required: 0,
            set: 0,
            missing: Vec::new(),
            outside: 0,
            changed: Vec::new(),
        };
        let owners = self.owners();
        let changed = self.changed();
        let (mut group, mut group_more) = (None, None);
        if self.category.settings.is_empty() && is_mapping(&self.category.schema) {
            let category = self.category;
            let mut field = self.mapping(&SettingPath::root(), &category.schema, &category.title, "");
            field["sheet"] = false.into();
            all.fields.push(field);
        }
        for setting in self.category.settings.iter().filter(|setting| self.takes(setting)) {
            let is_set = self.settings.keys().any(|path| path.starts_with(&setting.path));
            let is_typed = changed.iter().any(|path| path.starts_with(&setting.path));
            if setting.deprecated && !is_set && !is_typed {
                continue;
            }
            let requirement = self.requirement(&setting.path);
            let mut field = self.field(setting, requirement);
            if let Some(is_done) = requirement {
                all.required += 1;
                all.set += usize::from(is_done);
                if !is_done {
                    let id = field["id"].clone();
                    all.missing.push(json!({"title": setting.title, "id": id}));
                }
            }
            // A payment provider that is not connected is none of this integration's.
            let stands_beside =
                self.category.id == CONNECTORS && !is_set && !is_typed && self.is_payment(&setting.path);
            let is_additional = (setting.additional || stands_beside) && requirement.is_none();
            let is_outside =
                |owner: &Ownership| matches!(owner, Ownership::ChangedOutside | Ownership::Conflict);
            let mut own = owners.iter().filter(|(path, _)| path.starts_with(&setting.path));
            for (path, owner) in own.clone().filter(|(_, owner)| is_outside(owner)) {
                all.outside += 1;
                let words = words::named(self.category, path);
                let is_conflict = *owner == Ownership::Conflict;
                all.changed
                    .push(json!({"href": format!("#f-{path}"), "title": words, "conflict": is_conflict}));
            }
            let is_wrong = self.findings_below(&setting.path).next().is_some();
            // What git says stands in git; what somebody set here by hand is in sight.
            let is_by_hand = |owner: &Ownership| {
                is_set && matches!(owner, Ownership::NotManaged | Ownership::Peoples) || is_outside(owner)
            };
            all.open |= is_additional && (is_typed || is_wrong || own.any(|(_, owner)| is_by_hand(owner)));
            let (into, last) = match is_additional {
                true => (&mut all.additional, &mut group_more),
                false => (&mut all.fields, &mut group),
            };
            let title = self.group_of(&setting.path);
            if title != *last
                && let Some(title) = &title
            {
                field["group"] = title.clone().into();
            }
            *last = title;
            into.push(field);
        }
        all
    }

    /// Where something is typed that is not what is deployed. A form sends all of its fields, changed or not.
    fn changed(&self) -> Vec<SettingPath> {
        let Draft { values: _, added, removed, unfinished, unread } = self.draft;
        let moved = moved(self.category, self.settings, self.draft, self.view().as_ref());
        let rows = added.iter().chain(removed).chain(unfinished.keys()).chain(unread.keys());
        moved.into_keys().chain(rows.cloned()).collect()
    }

    fn is_payment(&self, path: &SettingPath) -> bool {
        path.segments()
            .first()
            .is_some_and(|first| self.known.pair.payments.iter().any(|one| *one.id == **first))
    }

    fn takes(&self, setting: &Setting) -> bool {
        let first = setting.path.segments().first();
        self.only.is_empty() || first.is_some_and(|first| self.only.contains(&&**first))
    }

    /// What stands above a setting of a group.
    fn group_of(&self, path: &SettingPath) -> Option<String> {
        let (_, above) = path.segments().split_last()?;
        if above.is_empty() {
            return None;
        }
        let above: SettingPath = above.iter().collect();
        let words = words::of_setting(self.category, &above);
        Some(words.join(" › "))
    }

    fn field(&self, setting: &Setting, requirement: Option<bool>) -> Json {
        let mut field = self.at(&setting.path, &setting.schema, &setting.title, &setting.description);
        field["required"] = requirement.is_some().into();
        // A platform's connections are in no sheet.
        field["sheet"] = (is_mapping(&setting.schema) && self.category.id != CONNECTORS).into();
        if requirement == Some(false) {
            let flows: Vec<&str> = setting
                .flows
                .iter()
                .filter_map(|flow| self.known.pair.flow(flow).map(|flow| flow.title.as_str()))
                .collect();
            let flows = match flows.as_slice() {
                [first @ .., before, last] => {
                    let last = self.language.say("and", &[("first", before), ("second", last)]);
                    first.iter().copied().chain([last.as_str()]).collect::<Vec<_>>().join(", ")
                }
                all => all.join(", "),
            };
            let stops = match flows.as_str() {
                "" => self.language.say("stops.all", &[]),
                flows => self.language.say("stops.flows", &[("flows", flows)]),
            };
            field["banner"] = stops.into();
        }
        field
    }

    /// What stands at a path: a setting, a row, a field of a row.
    fn at(&self, path: &SettingPath, schema: &Json, title: &str, help: &str) -> Json {
        let help = &*help_by_labels(help, self.known, self.category, path);
        if is_mapping(schema) {
            self.mapping(path, schema, title, help)
        } else {
            self.leaf(path, schema, title, help)
        }
    }

    /// One value.
    #[must_use]
    pub fn leaf(&self, path: &SettingPath, schema: &Json, title: &str, help: &str) -> Json {
        let deployed = self.settings.get(path);
        let view = self.view();
        let own = self.names_of_its_own(path);
        let is_own = own.is_some();
        let choices = own.clone().or_else(|| choosable(schema, view.as_ref()));
        let kind = match own {
            Some(_) if path.segments().last().is_some_and(|last| &**last == "topic") => Kind::Combo,
            _ => kind(schema, deployed, choices.as_deref()),
        };
        let default = default_of(schema);
        let held = self.known.held(self.category, path, default.as_ref());
        let owner = ownership(held);
        let is_free = self.asking
            || self.over.contains(path)
            || matches!(owner, Ownership::NotManaged | Ownership::Peoples);
        let is_fixed = !(is_free && self.may_save) || deployed.is_some_and(|value| !can_be_typed(value));
        let typed = self.draft.values.get(path).filter(|_| !is_fixed).cloned();
        let now = typed_form(kind, schema, deployed);
        let is_typed = typed.as_ref().is_some_and(|typed| *typed != now);
        let mut chosen = typed.unwrap_or(now);
        // What is typed where a reference belongs may be the credential itself, which no page shows.
        if kind == Kind::Secret {
            chosen.retain(|text| is_reference(text.trim()));
        }
        let mut field = json!({
            "id": format!("f-{path}"), "name": format!("{}s.{path}", self.part), "part": self.part, "path": path.to_string(), "label": title, "help": help,
            "kind": if is_fixed { "fixed" } else { kind.as_str() }, "value": chosen.first(), "typed": is_typed,
            "shown": self.shown(schema, deployed), "default": default.as_ref().map(|default| self.shown(schema, Some(default))),
            "required": false, "wide": false, "unit": schema.get("x-unit"),
            "whole": text(schema, "type") == "integer" || schema.get("multipleOf") == Some(&json!(1)),
            "room": schema.get("maxLength"), "example": example(schema), "errors": self.errors(path), "own": self.owner(path, schema, owner),
            "secret": kind == Kind::Secret, "borrowed": self.borrowed(schema), "unknown_list": choices.is_none() && crate::schema::options_of(schema).is_some(),
        });
        // A name of the integration's own is shown by what it names.
        let own = choices.as_ref().filter(|_| is_own);
        if let (Some(choices), Some(Value::Text(text))) = (own, deployed)
            && let Some(one) = choices.iter().find(|one| one.value == *text && one.label != *text)
        {
            field["shown"] = json!({"text": one.label, "id": text});
        }
        if let Some(Value::Secret(secret)) = deployed {
            field["hand"] = (self.secrets)(secret).into();
        }
        if kind == Kind::Multi && can_be_none(schema) {
            field["unset"] = chosen.iter().any(String::is_empty).into();
        }
        if let Some(choices) = choices {
            let is_chosen = |one: &Choosable| chosen.contains(&one.value);
            let shown = choices.iter().filter(|one| one.active || is_chosen(one));
            let mut options: Vec<Json> = shown
                .map(|one| json!({"value": one.value, "label": one.label, "active": one.active, "chosen": is_chosen(one)}))
                .collect();
            // What is set stays in sight, whatever the list says.
            let known = |value: &String| choices.iter().any(|one| one.value == *value);
            let others = chosen.iter().filter(|value| !value.is_empty() && !known(value));
            options.extend(
                others.map(|value| json!({"value": value, "label": value, "active": true, "chosen": true})),
            );
            // Of what no list ever had it is not said that it is gone.
            let strange: Vec<&String> =
                chosen.iter().filter(|value| !value.is_empty() && !known(value)).collect();
            if let Some(first) = strange.first().filter(|_| !is_own) {
                field["strange"] = json!({"value": first, "list": self.list_of(schema)});
            } else if options.iter().any(|one| one["chosen"] == true && one["active"] == false) {
                field["gone"] = true.into();
            }
            field["options"] = options.into();
        }
        field
    }

    /// What the values of a dropdown are called on their platform.
    fn list_of(&self, schema: &Json) -> Option<String> {
        let (connector, set) = crate::schema::options_of(schema)?;
        let view = self.view()?;
        let platform = view.pair.connector(connector).map_or(connector, |connector| &*connector.title);
        Some(
            self.language
                .say("strange.list", &[("list", &view.set_title(connector, set)), ("platform", platform)]),
        )
    }

    /// Whose values a dropdown offers, where this integration names no account of the platform: those of the only one that is known.
    fn borrowed(&self, schema: &Json) -> Option<Json> {
        let (connector, set) = crate::schema::options_of(schema)?;
        let view = self.view()?;
        let account = if connector == view.pair.shop.id { view.shop_account } else { view.erp_account };
        view.set(connector, set).filter(|_| account.is_none())?;
        let mut lists = self.options.lists();
        let (_, list) = lists.find(|(id, list)| *id == connector && list.sets.contains_key(set))?;
        let platform = view.pair.connector(connector).map_or(connector, |connector| &*connector.title);
        Some(json!({"account": list.account, "platform": platform}))
    }

    /// A mapping: its rows, and one that is always empty.
    fn mapping(&self, path: &SettingPath, schema: &Json, title: &str, help: &str) -> Json {
        let row_schema = schema.get("additionalProperties").unwrap_or(&Json::Null);
        let is_of_records = is_record(row_schema) || is_mapping(row_schema);
        let depth = path.segments().len();
        let below = |all: &SettingPath| {
            (all.starts_with(path) && all.segments().len() > depth).then(|| all.segments()[depth].to_string())
        };
        let mut keys: Vec<String> = self.settings.keys().filter_map(below).collect();
        let owners = self.owners();
        keys.extend(owners.keys().filter_map(below));
        keys.extend(self.draft.added.iter().filter_map(below));
        keys.extend(self.draft.values.keys().filter_map(below));
        keys.sort_by(|one, other| {
            crate::options::lists::order(one).cmp(&crate::options::lists::order(other))
        });
        keys.dedup();
        keys.retain(|key| !self.draft.is_removed(&path.child(key)));
        let rows: Vec<Json> =
            keys.iter().map(|key| self.row(&path.child(key), row_schema, keys.len())).collect();
        let view = self.view();
        let names = schema.get("propertyNames").unwrap_or(&Json::Null);
        let key_choices = choosable(names, None).or_else(|| keys_of(schema, view.as_ref()));
        let is_free = |one: &&Choosable| !keys.contains(&one.value) && one.active;
        let key_options = key_choices.map(|all| {
            all.iter()
                .filter(is_free)
                .map(|one| json!({"value": one.value, "label": one.label}))
                .collect::<Vec<_>>()
        });
        let unfinished = self.draft.unfinished.get(path).cloned().unwrap_or_default();
        let new_value = (!is_of_records).then(|| {
            let choices = choosable(row_schema, view.as_ref());
            let kind = kind(row_schema, None, choices.as_deref());
            let options = choices.map(|all| {
                let shown = all.iter().filter(|one| one.active);
                shown.map(|one| json!({"value": one.value, "label": one.label, "active": true, "chosen": one.value == unfinished.1}))
                    .collect::<Vec<_>>()
            });
            json!({"kind": kind.as_str(), "options": options, "value": unfinished.1, "name": format!("{}value.{}", self.part, named(path))})
        });
        let unread = self.draft.unread.get(path).cloned().unwrap_or_default();
        json!({
            "id": format!("f-{}", named(path)), "path": named(path), "label": title, "help": help, "required": false, "wide": true,
            "kind": if is_of_records { "records" } else { "mapping" }, "rows": rows, "may_save": self.may_save,
            "row_title": value_title(row_schema, view.as_ref()), "key_title": key_title(schema, view.as_ref(), self.language), "key_options": key_options,
            "key": unfinished.0, "part": self.part, "key_name": format!("{}key.{}", self.part, named(path)), "new_value": new_value, "errors": self.errors(path),
            "unread": unread.0, "pasted": unread.1, "borrowed": self.borrowed(row_schema),
        })
    }

    fn row(&self, path: &SettingPath, schema: &Json, of: usize) -> Json {
        let key = path.segments().last().map(|key| key.to_string()).unwrap_or_default();
        let label = words::of_setting(self.category, path).pop().unwrap_or_else(|| key.clone());
        let is_added = self.draft.added.contains(path);
        let own = self.owners();
        let is_managed = own.iter().any(|(one, owner)| {
            one.starts_with(path) && !matches!(owner, Ownership::NotManaged | Ownership::Peoples)
        });
        let may_remove = self.may_save && !is_managed;
        let mut row = json!({"key": key, "label": label, "path": path.to_string(), "id": format!("f-{path}"), "added": is_added,
            "may_remove": may_remove});
        if is_mapping(schema) {
            row["fields"] =
                json!([self.mapping(path, schema, text(schema, "title"), text(schema, "description"))]);
            row["open"] = true.into();
            return row;
        }
        if !is_record(schema) {
            row["cell"] = self.leaf(path, schema, &label, "");
            return row;
        }
        let fields: Vec<Json> = properties(schema)
            .filter(|(_, field)| field.get("x-kept-in").is_none())
            .map(|(name, field)| {
                self.at(&path.child(name), field, text(field, "title"), text(field, "description"))
            })
            .collect();
        let fields = with_the_rest(fields, schema);
        let said: Vec<String> = fields.iter().flat_map(said_of).take(3).collect();
        row["said"] = said.join(" · ").into();
        let is_wrong = self.findings_below(path).next().is_some();
        let is_outside = own.iter().any(|(one, owner)| {
            one.starts_with(path) && matches!(owner, Ownership::ChangedOutside | Ownership::Conflict)
        });
        row["outside"] = is_outside.into();
        row["wrong"] = is_wrong.into();
        row["open"] = (is_added || is_wrong || is_outside || of <= FEW).into();
        // What is set first; what nobody set is in a fold. A new row has none set, and begins with the fields that most rows need.
        let many = fields.len() > AT_FIRST + 1;
        // A table takes the room of some fields.
        let mut room = if many { AT_FIRST } else { usize::MAX };
        let at_first: Vec<Json> = fields
            .iter()
            .map_while(|field| {
                let fits = room > 0;
                room = room.saturating_sub(if field["kind"] == "mapping" { AT_FIRST } else { 1 });
                fits.then(|| field["id"].clone())
            })
            .collect();
        let (set, unset): (Vec<Json>, Vec<Json>) = fields.into_iter().partition(|field| {
            is_added && at_first.contains(&field["id"])
                || field["kind"] == "mapping" && field["rows"].as_array().is_some_and(|rows| !rows.is_empty())
                || is_said(field)
                || field.get("rest").is_some_and(is_said)
        });
        row["fields"] = set.into();
        row["more"] = unset.into();
        row
    }

    /// A value as people read it: label first, then what it is.
    #[must_use]
    pub fn shown(&self, schema: &Json, value: Option<&Value>) -> Json {
        let Some(value) = value.filter(|value| **value != Value::Null) else { return Json::Null };
        let label = self.view().and_then(|view| view.label(schema, value));
        let label = label.or_else(|| self.labels_of_list(schema, value));
        match (value, label) {
            // Bookkeepers know an account by its number.
            (Value::Text(id) | Value::Number(id), Some(label)) if label != *id && is_account(schema, id) => {
                json!({"text": format!("{id} {label}"), "id": null})
            }
            (Value::Text(id) | Value::Number(id), Some(label)) if label != *id => {
                json!({"text": label, "id": id})
            }
            (Value::Text(day), None) if text(schema, "format") == "date" => {
                json!({"text": day.parse().map_or_else(|_| day.clone(), |day| self.language.long_date(day)), "id": null})
            }
            (Value::Text(every), None) if text(schema, "pattern").ends_with("(m|h|d)$") => {
                let words = timing::interval(every).map(|(number, unit)| {
                    self.language.say(&format!("every.{unit}"), &[("n", &number.to_string())])
                });
                json!({"text": words.as_ref().unwrap_or(every), "id": words.as_ref().map(|_| every)})
            }
            (Value::Secret(secret), _) => json!({"text": secret.reference, "id": null}),
            (Value::Bool(on), _) => {
                json!({"text": self.language.say(if *on { "on" } else { "off" }, &[]), "id": null})
            }
            (_, Some(label)) => json!({"text": label, "id": null}),
            (Value::Text(text), None) if text.chars().count() > 300 => {
                let short: String = text.chars().take(120).collect();
                json!({"text": format!("{}…", short.trim_end()), "id": null, "whole": text})
            }
            // Lines are lines, wherever they end.
            (Value::Text(text), None) if text.contains('\n') => json!({"text": text.trim_end(), "id": null}),
            (value, None) => json!({"text": words::shown(&value.to_json(), None), "id": null}),
        }
    }

    fn labels_of_list(&self, schema: &Json, value: &Value) -> Option<String> {
        let Value::List(items) = value else { return None };
        let all = choosable(schema, self.view().as_ref())?;
        let one = |item: &Value| {
            let id = words::shown(&item.to_json(), None);
            all.iter().find(|one| one.value == id).map_or(id.clone(), |one| one.label.clone())
        };
        Some(items.iter().map(one).collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
    }

    /// Values that are names of the integration's own: its flows, its rules, its connections, its platforms.
    fn names_of_its_own(&self, path: &SettingPath) -> Option<Vec<Choosable>> {
        let segments: Vec<&str> = path.segments().iter().map(|key| &**key).collect();
        let of = |value: &str, label: &str| Choosable {
            value: value.to_owned(),
            label: label.to_owned(),
            active: true,
        };
        let pair = &self.known.pair;
        match (self.category.id.as_str(), segments.as_slice()) {
            (SCHEDULES | WEBHOOKS, [_, "flow"]) => {
                Some(pair.flows.iter().map(|flow| of(&flow.id, &flow.title)).collect())
            }
            (SCHEDULES, [rule, "after"]) => {
                let rows = self.settings.keys().chain(self.draft.added.iter());
                let mut names: Vec<&str> = rows
                    .filter_map(|path| path.segments().first().map(|key| &**key))
                    .filter(|name| name != rule)
                    .collect();
                names.sort_unstable();
                names.dedup();
                Some(names.into_iter().map(|name| of(name, name)).collect())
            }
            (CONNECTORS, [connector, "active"]) => {
                let of_connector = SettingPath::root().child(connector).child("connections");
                let rows = self
                    .settings
                    .keys()
                    .chain(self.draft.added.iter())
                    .filter(|path| path.starts_with(&of_connector));
                let mut names: Vec<&str> =
                    rows.filter_map(|path| path.segments().get(2).map(|key| &**key)).collect();
                names.sort_unstable();
                names.dedup();
                Some(names.into_iter().map(|name| of(name, name)).collect())
            }
            (WEBHOOKS, [_, "connector"]) => {
                let schema = self.category.schema_at(path)?;
                let all = schema.get("enum")?.as_array()?.iter().filter_map(Json::as_str);
                Some(all.filter_map(|id| Some(of(id, &pair.connector(id)?.title))).collect())
            }
            (WEBHOOKS, [_, "topic"]) => {
                let topics = pair.connectors().filter_map(|one| one.description.get("topics")?.as_object());
                Some(topics.flat_map(|topics| topics.keys()).map(|topic| of(topic, topic)).collect())
            }
            _ => None,
        }
    }

    fn findings_below<'f>(&'f self, path: &'f SettingPath) -> impl Iterator<Item = &'f PlacedFinding> {
        self.findings.iter().filter(move |finding| {
            finding.severity == Severity::Error && settings_of(finding).any(|one| one.starts_with(path))
        })
    }

    /// What is wrong with exactly this setting.
    fn errors(&self, path: &SettingPath) -> Vec<Json> {
        let here = self.findings.iter().filter(|finding| settings_of(finding).any(|one| one == *path));
        here.map(|one| told(one, self.known, &self.category.id, self.language)).collect()
    }

    /// What is proposed for a setting and has not arrived.
    fn proposals_of(&self, path: &SettingPath, schema: &Json) -> Vec<Json> {
        let of = |one: &Proposal| {
            let path = path.to_string();
            let mut all = one.settings();
            let (_, _, after) =
                all.find(|(category, setting, _)| *category == &*self.category.id && *setting == path)?;
            let value = self.shown(schema, Some(&Value::from_json(after)));
            Some(
                json!({"value": value.get("text"), "by": one.made_by, "branch": one.branch, "link": one.link}),
            )
        };
        self.proposed.iter().filter_map(of).collect()
    }

    /// Whose it is, and what may be done.
    fn owner(&self, path: &SettingPath, schema: &Json, owner: Ownership) -> Json {
        let default = default_of(schema);
        let held = self.known.held(self.category, path, default.as_ref());
        let says = self.known.says.as_deref();
        let place = says.and_then(|says| says.places.get(self.category.id.as_str())?.get(path));
        let at_default =
            held.deployed.is_none() && matches!(owner, Ownership::NotManaged | Ownership::Peoples);
        let by = mover(self.past, path);
        let wanted = held.said.or(held.applied).filter(|value| **value != Value::Null);
        json!({
            "state": owner.as_str(), "at_default": at_default, "path": place.map(|place| &place.path),
            "line": place.map(|place| place.line),
            "href": place.zip(self.lines).map(|(place, lines)| lines.address(&place.path, place.line)), "readers": place.map(|place| (self.readers)(&place.path)).filter(|n| *n > 1),
            "git": self.shown(schema, wanted).get("text"),
            "applied": self.shown(schema, held.applied).get("text"), "now": self.shown(schema, held.deployed).get("text"),
            "reason": by.and_then(|past| self.reasons.get(past.run.as_deref()?)),
            "by": by.map(|past| &past.saved_by), "at": by.map(|past| &past.saved_at),
            "commit": says.and_then(|says| says.commit.as_deref()).map(|id| id.get(..7).unwrap_or(id)),
            "proposed": self.proposals_of(path, schema),
            "set_back": owner == Ownership::ChangedOutside && self.may_save,
        })
    }
}

/// Whether a value is the number of an account.
fn is_account(schema: &Json, id: &str) -> bool {
    let is_of_accounts = crate::schema::options_of(schema).is_some_and(|(_, set)| set.contains("account"));
    is_of_accounts && matches!(id.len(), 3..=6) && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// A few words on a field of a row: what it is set to.
fn said_of(field: &Json) -> Vec<String> {
    let said = |label: &Json, shown: &Json| {
        Some(format!("{}: {}", label.as_str().unwrap_or_default(), shown["text"].as_str()?))
    };
    let rest = field.get("rest").unwrap_or(field);
    let rows = field["rows"].as_array().into_iter().flatten();
    let rows = rows.filter_map(|row| said(&row["label"], &row["cell"]["shown"]));
    said(&rest["label"], &rest["shown"]).into_iter().chain(rows).collect()
}

/// Whether a field says something, is git's, or is wrong.
fn is_said(field: &Json) -> bool {
    let state = field["own"]["state"].as_str();
    field["typed"] == true
        || !field["shown"].is_null()
        || state.is_some_and(|state| state != "not-managed" && state != "people")
        || field["errors"].as_array().is_some_and(|errors| !errors.is_empty())
}

/// What counts for all that have no row of their own is a row of the table that it stands before: both say the same of what is in a list.
fn with_the_rest(fields: Vec<Json>, schema: &Json) -> Vec<Json> {
    let of = |field: &Json| {
        let name = field["path"].as_str().and_then(SettingPath::parse)?;
        properties(schema).find(|(key, _)| Some(*key) == name.segments().last().map(|last| &**last))
    };
    let mut all: Vec<Json> = Vec::new();
    for mut field in fields {
        let rows = of(&field).filter(|(_, mapping)| words::is_of_rates(mapping));
        let list = rows.and_then(|(_, mapping)| mapping["additionalProperties"].get("x-options"));
        let before = all.last().and_then(of).and_then(|(_, before)| before.get("x-options"));
        if list.is_some()
            && list == before
            && let Some(rest) = all.pop()
        {
            field["rest"] = rest;
        }
        all.push(field);
    }
    all
}

/// What a text may be, where the schema says it: `15m` of "such as 15m, 1h or 1d".
fn example(schema: &Json) -> Option<&str> {
    let (_, rest) = text(schema, "x-message").split_once("such as ")?;
    rest.split([',', ';', ' ']).next().map(|one| one.trim_matches('`')).filter(|one| !one.is_empty())
}

/// What a schema has below its properties.
fn properties(schema: &Json) -> impl Iterator<Item = (&str, &Json)> {
    schema
        .get("properties")
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(name, field)| (name.as_str(), field))
}

/// The leaves that a form moves, against what is deployed: what was typed and is not what is there, as a merge patch has it.
#[must_use]
pub fn moved(
    category: &Category,
    settings: &Settings,
    draft: &Draft,
    view: Option<&View<'_>>,
) -> BTreeMap<SettingPath, Json> {
    let mut moved = BTreeMap::new();
    for (path, typed) in &draft.values {
        let Some(schema) = category.schema_at(path) else { continue };
        let deployed = settings.get(path);
        let kind = kind(schema, deployed, choosable(schema, view).as_deref());
        // A browser sends lines as it likes them, and so is what is deployed compared.
        let now: Vec<String> =
            typed_form(kind, schema, deployed).iter().map(|text| text.replace("\r\n", "\n")).collect();
        if *typed != now && deployed.is_none_or(can_be_typed) {
            moved.insert(path.clone(), super::values::read(kind, schema, typed));
        }
    }
    for path in settings.keys().filter(|path| draft.is_removed(path)) {
        if !moved.contains_key(path) {
            moved.insert(path.clone(), Json::Null);
        }
    }
    moved
}
