//! Schedules and webhooks that start flows: rules that wait for each other, or for what is off.

use std::collections::BTreeMap;

use super::context::Context;
use crate::diagnostic::codes::rules as codes;
use crate::diagnostic::{Finding, nearest};
use crate::model::{SCHEDULES, SettingPath, WEBHOOKS};
use crate::yaml::{Map, Node};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let map = |id: &str| context.root.get(id).and_then(Node::as_map);
    if let Some(rules) = map(SCHEDULES) {
        targets(context, rules, findings);
        cycles(context, rules, findings);
        flows_off(context, rules, SCHEDULES, "rule", findings);
    }
    if let Some(webhooks) = map(WEBHOOKS) {
        flows_off(context, webhooks, WEBHOOKS, "webhook", findings);
    }
}

fn after(rule: &Node) -> Option<(&str, &Node)> {
    let node = rule.get("after")?;
    Some((node.as_text()?, node))
}

fn targets(context: &Context<'_>, rules: &Map, findings: &mut Vec<Finding>) {
    let names: Vec<&str> = rules.entries().iter().map(|entry| &*entry.key.text).collect();
    for entry in rules.entries() {
        let Some((target, node)) = after(&entry.value) else { continue };
        if rules.get(target).is_some() {
            continue;
        }
        let others: Vec<&str> = names.iter().copied().filter(|name| **name != *entry.key.text).collect();
        let path: SettingPath = [&*entry.key.text, "after"].iter().collect();
        let near = nearest(target, others.iter().copied());
        findings.push(
            codes::unknown_rule(target, near, &others, node.span).about(context.about(SCHEDULES, &path)),
        );
    }
}

/// Each circle is reported once, at its first rule in the file.
fn cycles(context: &Context<'_>, rules: &Map, findings: &mut Vec<Finding>) {
    let mut done: BTreeMap<&str, ()> = BTreeMap::new();
    for entry in rules.entries() {
        let mut chain: Vec<&str> = vec![&entry.key.text];
        while let Some((next, node)) = chain.last().and_then(|last| after(&rules.get(last)?.value)) {
            if done.contains_key(next) {
                break;
            }
            if let Some(start) = chain.iter().position(|name| *name == next) {
                let circle = [&chain[start..], &[next]].concat().join(" → ");
                let path: SettingPath = [chain[start], "after"].iter().collect();
                let first = rules.get(chain[start]).and_then(|entry| after(&entry.value));
                let at = first.map_or(node.span, |(_, first)| first.span);
                findings.push(codes::schedule_cycle(&circle, at).about(context.about(SCHEDULES, &path)));
                break;
            }
            chain.push(next);
        }
        done.extend(chain.into_iter().map(|name| (name, ())));
    }
}

fn flows_off(context: &Context<'_>, map: &Map, category: &str, what: &str, findings: &mut Vec<Finding>) {
    for entry in map.entries() {
        let disabled = entry.value.get("enabled").and_then(Node::as_bool) == Some(false);
        let Some(flow) = entry.value.get("flow") else { continue };
        let Some(id) = flow.as_text().filter(|id| context.pair.flow(id).is_some()) else { continue };
        if !disabled && !context.flow_on(id) {
            let path: SettingPath = [&*entry.key.text, "flow"].iter().collect();
            let finding = codes::flow_off(&format!("the {what} `{}`", entry.key.text), id, flow.span);
            findings.push(finding.about(context.about(category, &path)));
        }
    }
}
