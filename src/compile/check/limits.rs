//! Limits of a platform that a setting makes likely to be met: notes, and only where something points to them.

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::{across, rules as codes};
use crate::model::{CONNECTORS, SettingPath};
use crate::schema::{Connector, text};
use crate::yaml::Node;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(one_credit(context));
    findings.extend(rows(context));
    findings.extend(old_orders(context));
    for connector in context.connectors() {
        expiring(context, connector, findings);
    }
}

fn most(connector: &Connector, key: &str) -> Option<u64> {
    connector.description.get("limits")?.get(key)?.as_u64()
}

/// Orders that are exported when partly refunded will see a second refund.
fn one_credit(context: &Context<'_>) -> Option<Finding> {
    if most(&context.pair.erp, "credits_per_invoice") != Some(1)
        || !context.flow_on("refunds")
        || context.toggle("invoice", "credit_on_refund") != Some(true)
    {
        return None;
    }
    let statuses = context.written("order", "status_filter")?.as_list()?;
    let partly = statuses.iter().find(|status| {
        let name = status.as_text().unwrap_or_default().to_ascii_lowercase();
        name.contains("partial") && name.contains("refund")
    })?;
    let about = context.about("order", &SettingPath::root().child("status_filter"));
    Some(codes::one_credit(&context.pair.erp.title, partly.span).about(about))
}

/// A text row for each row of an order leaves half of the invoice's rows.
fn rows(context: &Context<'_>) -> Option<Finding> {
    let limit = most(&context.pair.erp, "invoice_rows")?;
    let texts = context.written("order_lines", "text_rows")?.as_list()?;
    let each = texts.iter().find(|text| text.as_text() == Some("line_properties"))?;
    let about = context.about("order_lines", &SettingPath::root().child("text_rows"));
    Some(codes::row_limit(&context.pair.erp.title, limit, each.span).about(about))
}

/// Orders from before the days that the shop shows, which a first sync leaves out without a word.
fn old_orders(context: &Context<'_>) -> Option<Finding> {
    // Once it is live, what was loaded was loaded, and the day stays.
    if context.composed.incomplete || context.live || !context.onboarding() || !context.flow_on("orders") {
        return None;
    }
    let shop = &context.pair.shop;
    let days = most(shop, "order_days")?;
    let node = context.written("order", "exclude_before")?;
    let day: jiff::civil::Date = node.as_text()?.parse().ok()?;
    let back = day.until(context.today).ok()?.get_days();
    if u64::try_from(back).is_ok_and(|back| back <= days) || back < 0 {
        return None;
    }
    let scope = shop.description.get("limits").map_or("", |limits| text(limits, "order_days_scope"));
    let field = shop.platform.scopes.as_ref().and_then(|scopes| scopes.field.as_deref()).unwrap_or("scopes");
    let scopes = context.connection(shop).and_then(|(_, connection)| connection.get(field)?.as_list());
    if scopes.is_some_and(|scopes| scopes.iter().any(|one| one.as_text() == Some(scope))) {
        return None;
    }
    let about = context.about("order", &SettingPath::root().child("exclude_before"));
    Some(across::orders_out_of_sight(&shop.title, days, scope, &day.to_string(), node.span).about(about))
}

/// Credentials of the active connection that end by themselves.
fn expiring(context: &Context<'_>, connector: &Connector, findings: &mut Vec<Finding>) {
    let fields =
        connector.description.pointer("/connection/properties").and_then(|fields| fields.as_object());
    let declared = context.root.get(CONNECTORS).and_then(|all| all.get(&connector.id));
    let Some((fields, declared)) = fields.zip(declared).filter(|_| !context.is_unmanaged(CONNECTORS)) else {
        return;
    };
    let Some(active) = declared.get("active").and_then(Node::as_text) else { return };
    let connection = declared.get("connections").and_then(|all| all.get(active)).and_then(Node::as_map);
    for entry in connection.into_iter().flat_map(|connection| connection.entries()) {
        let Some(field) = fields.get(&*entry.key.text) else { continue };
        let Some(days) = text(field, "x-lifetime").strip_suffix('d') else { continue };
        let path: SettingPath =
            [connector.id.as_str(), "connections", active, &*entry.key.text].iter().collect();
        let finding =
            codes::expiring_credential(&connector.title, text(field, "title"), days, entry.key.span);
        findings.push(finding.about(context.about(CONNECTORS, &path)));
    }
}
