//! Webhooks whose topic tells of something else than their flow syncs.

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::model::{SettingPath, WEBHOOKS};
use crate::yaml::{Map, Node};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let webhooks = context.root.get(WEBHOOKS).filter(|_| !context.is_unmanaged(WEBHOOKS));
    for entry in webhooks.and_then(Node::as_map).into_iter().flat_map(Map::entries) {
        let says = |key: &str| entry.value.get(key).and_then(Node::as_text);
        let connector = says("connector").and_then(|id| context.pair.connector(id));
        let Some((connector, flow)) = connector.zip(entry.value.get("flow")) else { continue };
        let Some(topic) = says("topic") else { continue };
        // A topic of which no flow is known may be meant for any.
        let Some(known) = connector.platform.topics.get(topic) else { continue };
        let flows: Vec<&str> = known.flows().collect();
        let Some(id) = flow.as_text().filter(|id| context.pair.flow(id).is_some()) else { continue };
        if flows.is_empty() || flows.contains(&id) {
            continue;
        }
        let others =
            connector.platform.topics.iter().filter(|(_, topic)| topic.flows().any(|other| other == id));
        let mut others: Vec<_> = others.collect();
        // Those that are first of all about what the flow syncs.
        let stem = id.trim_end_matches('s');
        others.sort_by_key(|(name, topic)| (!name.starts_with(stem), topic.flows().next() != Some(id)));
        let others: Vec<&str> = others.into_iter().map(|(name, _)| name.as_str()).collect();
        let path: SettingPath = [&*entry.key.text, "flow"].iter().collect();
        let finding = codes::topic_of_another_flow(topic, &connector.title, (&flows, id), &others, flow.span);
        findings.push(finding.about(context.about(WEBHOOKS, &path)));
    }
}
