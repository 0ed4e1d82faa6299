//! Currencies that the shop sells in and the ERP does not have. Silent until both lists are known.

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::rules as codes;
use crate::model::SettingPath;
use crate::options::Set;

const SET: &str = "currency";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(toggle) =
        context.written("order", "use_presentment_currency").filter(|node| node.as_bool() == Some(true))
    else {
        return;
    };
    let view = &context.view;
    let (shop, erp) = (&context.pair.shop, &context.pair.erp);
    let sold = view.options.set(&shop.id, view.shop_account, SET);
    let Some((sold, kept)) = sold.zip(view.options.set(&erp.id, view.erp_account, SET)) else { return };
    let active = |set: &Set, code: &str| set.choice(code).is_some_and(|choice| choice.active);
    let missing: Vec<&str> = sold
        .choices
        .iter()
        .filter(|choice| choice.active && !active(kept, &choice.value))
        .filter(|choice| !view.may_be_elsewhere(&erp.id, SET, &choice.value))
        .map(|choice| choice.value.as_str())
        .collect();
    if !missing.is_empty() {
        let lists = format!(
            "the {} were fetched {}, the {} {}",
            view.set_title(&shop.id, SET),
            sold.fetched,
            view.set_title(&erp.id, SET),
            kept.fetched
        );
        let about = context.about("order", &SettingPath::root().child("use_presentment_currency"));
        findings.push(
            codes::currency_missing(&missing, &shop.title, &erp.title, &lists, toggle.span).about(about),
        );
    }
}
