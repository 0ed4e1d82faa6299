//! What starts flows, and whether it will: intervals that are too short, rules that wait for what never runs,
//! subscriptions that lapse, and flows that nothing starts.

use std::collections::BTreeMap;

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across;
use crate::diagnostic::codes::rules::{self as codes, Ending};
use crate::model::{SCHEDULES, SettingPath, WEBHOOKS};
use crate::schema::Connector;
use crate::schema::platform::{End, GivesUp};
use crate::yaml::{Entry, Map, Node};

/// A shorter interval brings no sooner news than webhooks do, and takes requests from every other flow.
const SHORTEST_MINUTES: u64 = 5;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let map = |id: &str| context.root.get(id).and_then(Node::as_map).filter(|_| !context.is_unmanaged(id));
    let schedules = map(SCHEDULES);
    if let Some(rules) = schedules {
        too_often(context, rules, findings);
        waiting(context, rules, findings);
        findings.extend(nothing_starts(context, rules));
    }
    if let Some(webhooks) = map(WEBHOOKS) {
        started_twice(context, webhooks, findings);
        lapsing(context, webhooks, schedules, findings);
    }
}

fn off(rule: &Node) -> bool {
    rule.get("enabled").and_then(Node::as_bool) == Some(false)
}

/// The flow that a rule or webhook is for. One that cannot be read, or is none of the pair's, has a finding of its own.
fn flow_of<'n>(context: &Context<'_>, rule: &'n Node) -> Option<&'n str> {
    rule.get("flow")?.as_text().filter(|flow| context.pair.flow(flow).is_some())
}

fn runs<'n>(context: &Context<'_>, rule: &'n Node) -> Option<&'n str> {
    rule.get("flow")?.as_text().filter(|flow| !off(rule) && context.flow_on(flow))
}

fn too_often(context: &Context<'_>, rules: &Map, findings: &mut Vec<Finding>) {
    for entry in rules.entries().iter().filter(|entry| runs(context, &entry.value).is_some()) {
        let Some(every) = entry.value.get("every") else { continue };
        let minutes = every.as_text().and_then(|text| text.strip_suffix('m')?.parse::<u64>().ok());
        if minutes.is_some_and(|minutes| minutes > 0 && minutes < SHORTEST_MINUTES) {
            let path: SettingPath = [&*entry.key.text, "every"].iter().collect();
            let limits = context.connectors().filter_map(limit).collect();
            let finding = codes::schedule_too_often(every.as_text().unwrap_or_default(), limits, every.span);
            findings.push(finding.about(context.about(SCHEDULES, &path)));
        }
    }
}

/// "Fortnox takes 25 requests in 5 seconds"
fn limit(connector: &Connector) -> Option<String> {
    let limit = connector.description.get("rate_limit")?;
    let number = |key: &str| limit.get(key).and_then(serde_json::Value::as_u64);
    let (what, most) =
        number("requests").map(|most| ("requests", most)).or(number("points").map(|most| ("points", most)))?;
    let seconds = number("seconds")?;
    let time = if seconds == 1 { "a second".to_owned() } else { format!("{seconds} seconds") };
    Some(format!("{} takes {most} {what} in {time}", connector.title))
}

/// A rule that runs after one that is switched off.
fn waiting(context: &Context<'_>, rules: &Map, findings: &mut Vec<Finding>) {
    for entry in rules.entries().iter().filter(|entry| !off(&entry.value)) {
        let Some(after) = entry.value.get("after") else { continue };
        let Some(target) = after.as_text().and_then(|name| rules.get(name)) else { continue };
        let Some(switch) = target.value.get("enabled").filter(|_| off(&target.value)) else { continue };
        let path: SettingPath = [&*entry.key.text, "after"].iter().collect();
        let finding = codes::waits_for_disabled(&entry.key.text, &target.key.text, after.span, switch.span);
        findings.push(finding.about(context.about(SCHEDULES, &path)));
    }
}

/// Flows that are on in live mode while no rule and no webhook is there for them. One that is switched off, or taken away, was meant so.
fn nothing_starts(context: &Context<'_>, rules: &Map) -> Option<Finding> {
    if !context.live || context.is_unmanaged(WEBHOOKS) || context.composed.incomplete {
        return None;
    }
    let webhooks = context.root.get(WEBHOOKS).filter(|node| !node.is_null());
    if webhooks.is_some_and(|node| node.as_map().is_none()) {
        return None;
    }
    let all =
        rules.entries().iter().chain(webhooks.and_then(Node::as_map).into_iter().flat_map(Map::entries));
    let mut started: Vec<&str> = Vec::new();
    for entry in all {
        started.push(flow_of(context, &entry.value)?);
    }
    let by_itself = |flow: &str| {
        flow == "invoices"
            && (context.choice("invoice", "trigger") == Some("manual")
                // What an order makes at once needs no flow.
                || matches!(context.choice("order", "creates"), Some("invoice" | "none")))
    };
    // What was taken away is known by its name alone. One without a flow's name may have been for any.
    let taken = &context.composed.taken_away;
    let speaks_of =
        |name: &str, flow: &str| name.split(|c: char| !c.is_alphanumeric()).any(|word| word == flow);
    let is_for_any = |name: &String| !context.pair.flows.iter().any(|flow| speaks_of(name, &flow.id));
    if taken.iter().any(is_for_any) {
        return None;
    }
    let on_purpose = |flow: &str| taken.iter().any(|name| speaks_of(name, flow));
    let flows = context.pair.flows.iter().map(|flow| flow.id.as_str());
    let flows = flows.filter(|flow| !on_purpose(flow));
    let idle: Vec<String> = flows
        .filter(|flow| context.flow_is_on(flow) == Some(true) && !started.contains(flow) && !by_itself(flow))
        .map(|flow| format!("`{flow}`"))
        .collect();
    if idle.is_empty() {
        return None;
    }
    let at = context.key_of_category(SCHEDULES);
    Some(across::nothing_starts(&idle, at).about(context.about(SCHEDULES, &SettingPath::root())))
}

/// Two webhooks by which one event runs one flow twice.
fn started_twice(context: &Context<'_>, webhooks: &Map, findings: &mut Vec<Finding>) {
    let said = |webhook: &Node| {
        let text = |key: &str| webhook.get(key).and_then(Node::as_text);
        Some((text("connector")?.to_owned(), text("topic")?.to_owned(), runs(context, webhook)?.to_owned()))
    };
    let mut known: BTreeMap<_, &Entry> = BTreeMap::new();
    for entry in webhooks.entries() {
        let Some(event) = said(&entry.value) else { continue };
        let Some(first) = known.get(&event) else {
            known.insert(event, entry);
            continue;
        };
        let finding =
            codes::started_twice(&first.key.text, &event.1, &event.2, entry.key.span, first.key.span);
        findings.push(finding.about(context.about(WEBHOOKS, &SettingPath::root().child(&entry.key.text))));
    }
}

/// Subscriptions that the platform ends, after some time or when deliveries fail, and messages that it loses then, while no rule runs
/// their flow.
fn lapsing(context: &Context<'_>, webhooks: &Map, schedules: Option<&Map>, findings: &mut Vec<Finding>) {
    // Schedules that are no map have a finding of their own.
    let unread = context.root.get(SCHEDULES).is_some_and(|node| !node.is_null() && node.as_map().is_none());
    // A rule may be meant for one of these flows, as long as it says none.
    let mut rules = schedules.into_iter().flat_map(|rules| rules.entries());
    let is_unclear = rules.any(|rule| flow_of(context, &rule.value).is_none());
    if context.is_unmanaged(SCHEDULES) || unread || is_unclear || context.composed.incomplete {
        return;
    }
    let mut said: Vec<&str> = Vec::new();
    for Entry { key, value } in webhooks.entries() {
        let connector =
            value.get("connector").and_then(Node::as_text).and_then(|id| context.pair.connector(id));
        let Some(connector) = connector else { continue };
        let Some(ending) = ending(connector) else { continue };
        let Some(flow) = runs(context, value).filter(|flow| !said.contains(flow)) else { continue };
        let rules = schedules.into_iter().flat_map(|rules| rules.entries());
        if rules.filter_map(|rule| runs(context, &rule.value)).any(|scheduled| scheduled == flow) {
            continue;
        }
        said.push(flow);
        let finding = codes::lapsing_subscription(&connector.title, ending, flow, key.span);
        findings.push(finding.about(context.about(WEBHOOKS, &SettingPath::root().child(&key.text))));
    }
}

/// What ends a subscription by itself, or loses its messages; nothing where none is known to.
fn ending(connector: &Connector) -> Option<Ending<'_>> {
    let webhooks = connector.platform.webhooks.as_ref()?;
    if let Some(time) = &webhooks.renew_within {
        return Some(Ending::Within(time));
    }
    let GivesUp { failures, within, then, .. } = webhooks.gives_up.as_ref()?;
    let (failures, within) = (*failures, within.as_deref());
    Some(match then {
        End::Deleted => Ending::Failing { failures, within, then: "deleted" },
        End::Disabled => Ending::Failing { failures, within, then: "disabled" },
        End::Lost => Ending::Losing { failures, within },
    })
}
