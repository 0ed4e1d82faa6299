//! Onboarding mode and live mode, and what must not happen in one of them.

use super::context::{Context, setting};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::rules as codes;
use crate::model::{GENERAL, SettingPath};
use crate::yaml::Node;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(both_modes(context));
    findings.extend(booked(context));
    if context.live {
        findings.extend(cut_off(context));
        findings.extend(test_orders(context));
    }
}

/// Only where both are written: onboarding mode that no file mentions may be off already.
fn both_modes(context: &Context<'_>) -> Option<Finding> {
    let onboarding =
        context.written(GENERAL, "onboarding_mode").filter(|node| node.as_bool() == Some(true))?;
    let live = setting(context.root, GENERAL, &SettingPath::root().child("live_mode"))
        .filter(|node| node.as_bool() == Some(true))?;
    let about = context.about(GENERAL, &SettingPath::root().child("onboarding_mode"));
    Some(codes::live_and_onboarding(onboarding.span, live.span).about(about))
}

fn booked(context: &Context<'_>) -> Option<Finding> {
    if !context.onboarding() {
        return None;
    }
    let book = context.written("invoice", "book").filter(|node| node.as_bool() == Some(true));
    let format = || context.written("invoice", "format").filter(|node| node.as_text() == Some("booked"));
    let (name, node) = book.map(|node| ("book", node)).or_else(|| format().map(|node| ("format", node)))?;
    let mend = if name == "book" { "false" } else { "draft" };
    let about = context.about("invoice", &SettingPath::root().child(name));
    Some(codes::booked_in_onboarding(&context.pair.erp.title, name, mend, node.span).about(about))
}

/// In live mode, a date that has not come yet keeps every order out.
fn cut_off(context: &Context<'_>) -> Option<Finding> {
    let node = context.written("order", "exclude_before")?;
    let date: jiff::civil::Date = node.as_text()?.parse().ok()?;
    let about = context.about("order", &SettingPath::root().child("exclude_before"));
    (date > context.today).then(|| {
        codes::cut_off_in_future(&date.to_string(), &context.today.to_string(), node.span).about(about)
    })
}

fn test_orders(context: &Context<'_>) -> Option<Finding> {
    let node: &Node = context.written("order", "skip_test").filter(|node| node.as_bool() == Some(false))?;
    let about = context.about("order", &SettingPath::root().child("skip_test"));
    Some(codes::test_orders(&context.pair.shop.title, &context.pair.erp.title, node.span).about(about))
}
