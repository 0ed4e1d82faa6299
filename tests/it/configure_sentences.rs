//! Each sentence of the page that describes the Configure section, and where it is so. The text of that page is somebody else's, so that
//! only its sentences are here.

use crate::configure::{LIVE, NORDIC, Pages, example};
use crate::forms_of_pages::words;

/// A sentence, the page that it is on, and the words there.
const SENTENCES: [(&str, &str, &[&str]); 34] = [
    (
        "It is accessible from the left sidebar and contains four subsections: Settings, Connectors, Scheduling, Webhooks",
        "N/settings",
        &["General Settings Connectors 0/ of 2 Scheduling Webhooks"],
    ),
    ("The Settings page is organized into expandable categories.", "N/settings", &["Values of Article"]),
    ("Click on a category to open its settings page.", "N/settings", &["Payment Methods"]),
    (
        "The exact categories shown depend on which connector pair you are using and which flows are enabled.",
        "N/settings",
        &["for Shopify ↔ Fortnox with the flows that are on"],
    ),
    ("Article: how product data is mapped and stored.", "N/settings/article", &["Save Article"]),
    ("Stock: how inventory levels are synced.", "N/settings/stock", &["Save Stock"]),
    (
        "Additional Filters: extra filtering rules.",
        "N/settings/additional_filters",
        &["Save Additional Filters"],
    ),
    (
        "General Settings: integration name, onboarding mode, and live mode toggle.",
        "N/general",
        &["Integration name", "Onboarding mode", "Live mode"],
    ),
    (
        "Order Settings: date cutoffs to exclude orders created before a specific date.",
        "N/settings/order",
        &["Exclude orders created before this date"],
    ),
    (
        "Customer Settings: default values for missing fields.",
        "N/settings/customer",
        &["Save Customer Settings"],
    ),
    (
        "Invoice Settings: payment terms, booking rules, and invoice format.",
        "N/settings/invoice",
        &["Save Invoice Settings"],
    ),
    ("Order Lines: how line items are mapped.", "N/settings/order_lines", &["Save Order Lines"]),
    (
        "Shipping Methods: mapping between shipping method names.",
        "N/settings/shipping_methods",
        &["Save Shipping Methods"],
    ),
    (
        "Payment Methods: default terms of payment in the target system.",
        "N/settings/payment_methods",
        &["Default terms of payment"],
    ),
    (
        "Maps payment method names from the source platform to payment terms in the target.",
        "N/settings/payment_methods",
        &["A record for each payment method of the shop", "Terms of payment"],
    ),
    (
        "Sales Account mapping & OSS VAT: maps EU countries and VAT rates to specific sales accounts.",
        "N/settings/sales_accounts",
        &["OSS"],
    ),
    (
        "Not all categories appear for every integration.",
        "/integrations/polar-gear-no/settings",
        &["for Shopify ↔ Business Central"],
    ),
    (
        "Some settings are marked as required and display a yellow banner: \"This setting is required and must be saved.\"",
        "/integrations/nordic-outdoor-b2b/settings/M",
        &["This setting is required and must be saved."],
    ),
    (
        "These must be configured before syncing can begin.",
        "/integrations/nordic-outdoor-b2b/settings",
        &["Missing:"],
    ),
    (
        "An Additional Settings section, labeled \"These settings are not needed in most situations\", shows a count.",
        "L/settings/additional_filters",
        &["Additional Settings These settings are not needed in most situations show 8 settings"],
    ),
    (
        "Dropdowns: select from a list of values pulled from your connected platforms.",
        "N/settings/payment_methods",
        &["30 dagar netto"],
    ),
    ("Date pickers: set date cutoffs.", "N/settings/order", &["Exclude orders created before this date"]),
    (
        "Text inputs: enter custom values like account numbers or prefixes.",
        "N/settings/general",
        &["Order number prefix"],
    ),
    ("Toggles: enable or disable specific behaviors.", "L/settings/additional_filters", &["On Off Not set"]),
    ("Each settings category has its own Save button.", "N/settings/order", &["Save Order Settings"]),
    ("Changes are saved per category.", "N/settings", &["Each is saved on its own."]),
    ("At the top of the Settings page, you will find a Clear Cache button.", "N/settings", &["Clear Cache"]),
    (
        "Clearing the cache forces a re-fetch of configuration data from both connected platforms.",
        "N/cache",
        &["All lists"],
    ),
    ("Rename the integration.", "N/general", &["Integration name"]),
    ("Toggle Onboarding mode on or off.", "N/general", &["Onboarding mode"]),
    (
        "Set the integration to Live mode.",
        "/integrations/nordic-outdoor-b2b/general",
        &["Live can be switched on when nothing is missing:"],
    ),
    ("Enable or disable individual flows.", "N/general", &["Save Flows", "Orders"]),
    (
        "Start with the required settings before moving to optional ones.",
        "/integrations/nordic-outdoor-b2b/settings",
        &["26 of 29 required settings are saved"],
    ),
    (
        "Settings changes take effect on the next sync — they do not retroactively modify already-synced data.",
        "N/settings",
        &["Changes take effect at the next sync. What was synced already keeps its old values."],
    ),
];

#[test]
fn each_sentence_of_the_described_page_is_so() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    // Where the one that lacks a setting lacks it.
    let settings = browser.page("/integrations/nordic-outdoor-b2b/settings");
    let gap = settings.split("Missing:").nth(1).and_then(|rest| rest.split("/settings/").nth(1));
    let gap = gap.and_then(|rest| rest.split('#').next()).expect("one category lacks a setting").to_owned();
    let mut wrong = Vec::new();
    for (sentence, place, expected) in SENTENCES {
        let at = match place.split_once('/') {
            Some(("N", rest)) => format!("{NORDIC}/{rest}"),
            Some(("L", rest)) => format!("{LIVE}/{rest}"),
            _ => place.replace("/M", &format!("/{gap}")),
        };
        let page = words(&browser.page(&at));
        for text in expected.iter().filter(|text| !page.contains(**text)) {
            wrong.push(format!(
                "{sentence}\n  {at} lacks {text:?}: {}",
                page.chars().take(1500).collect::<String>()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
