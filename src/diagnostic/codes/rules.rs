//! Stage 04: settings that the schema admits one by one but that do not make sense together.

use jiff::civil::Date;

use super::declare::codes;
use crate::diagnostic::{Code, Finding, Label, Severity, in_sentence, list_words};
use crate::source::Span;

codes! {
    UNKNOWN_CONNECTION = "E0401" "unknown-connection" "the active connection is not among the connections";
    UNKNOWN_RULE = "E0402" "unknown-rule" "a schedule runs after a rule that does not exist";
    SCHEDULE_CYCLE = "E0403" "schedule-cycle" "schedules wait for each other in a circle";
    FLOW_OFF = "W0404" "flow-off" "a schedule or webhook starts a flow that is off";
    CATEGORY_NOT_VISIBLE = "W0405" "category-not-visible" "settings of a category that is not visible while its flows are off";
    MANAGED_AND_UNMANAGED = "W0406" "managed-and-unmanaged" "a category is declared and listed as unmanaged";
    LIVE_AND_ONBOARDING = "W0407" "live-and-onboarding" "live mode and onboarding mode are both on";
    BOOKED_IN_ONBOARDING = "W0408" "booked-in-onboarding" "invoices are booked while the integration is being set up";
    PAID_TWICE = "E0409" "paid-twice" "a payment method is marked as paid and has payouts too";
    PAYOUT_REFERENCE = "E0410" "payout-reference-mismatch" "payouts look for the order number in a field that does not carry it";
    CUT_OFF_IN_FUTURE = "W0411" "cut-off-in-future" "orders are left out until a day that has not come";
    TEST_ORDERS = "W0412" "test-orders-synced" "test orders reach the books in live mode";
    SCHEDULE_TOO_OFTEN = "W0413" "schedule-too-often" "a flow runs more often than every five minutes";
    LAPSING_SUBSCRIPTION = "N0414" "lapsing-subscription" "a flow depends on a webhook alone whose subscription expires, or ends when deliveries fail";
    ONE_CREDIT = "N0415" "one-credit" "of several refunds of an order only the first becomes a credit invoice";
    ROW_LIMIT = "N0416" "row-limit" "text rows leave half of the rows that an invoice can have";
    HALF_MOVED = "W0417" "half-moved-goods" "goods moved to another VAT rate, and only one of the two rates is mapped";
    HOME_IN_OSS = "E0418" "home-in-oss" "the home country is mapped as an OSS country";
    UNKNOWN_RATE = "W0419" "unknown-vat-rate" "a VAT rate that the country is not known to have";
    RATE_NOT_IN_FORCE = "W0420" "vat-rate-not-in-force" "a VAT rate that has ended or has not begun";
    STANDARD_RATE_MISSING = "W0421" "standard-rate-missing" "an OSS country has neither its standard rate nor a default account";
    HOME_RATE_MISSING = "W0422" "home-rate-missing" "the home accounts lack the standard rate";
    VAT_CODE_MISMATCH = "W0423" "vat-code-mismatch" "an account's VAT code does not fit the rate that it is mapped to";
    CURRENCY_MISSING = "W0424" "currency-missing" "the shop sells in a currency that the ERP does not have";
    EXPIRING_CREDENTIAL = "N0425" "expiring-credential" "a credential that expires by itself";
    WAITS_FOR_DISABLED = "W0426" "waits-for-disabled" "a rule runs after one that is switched off";
    PROGRAM_NOT_ALLOWED = "E0427" "program-not-allowed" "a secret comes from a program that the project does not list";
    ZONE_OF_ANOTHER_COUNTRY = "N0428" "zone-of-another-country" "days are counted in a time zone that nobody chose and the home country does not have";
    SAID_OTHERWISE = "E0460" "said-otherwise" "a record and another place say different things of it";
    OLD_PLACE = "N0461" "old-place" "settings stand where they were before; each has a place in a record now";
    UNTAXED_CONSUMERS = "W0465" "untaxed-consumers" "customers who pay VAT and customers who do not are treated alike";
    VAT_ROW_MISSING = "W0466" "vat-row-missing" "a kind of customer and place that the shop sells to has no row that decides its VAT";
    DAYS_CONTRADICT = "E0467" "days-contradict" "the days of a row contradict each other";
    ROW_OVER = "N0468" "row-over" "a row whose last day has passed";
    VAT_SAID_TWICE = "W0469" "vat-said-twice" "two settings decide the VAT of the same customers, and differ";
    DAYS_WITHOUT_ROW = "W0470" "days-without-row" "there are days on which a value has no row that counts";
    DELIVERED_FROM_ELSEWHERE = "W0475" "delivered-from-elsewhere" "a location's orders are delivered from a warehouse whose stock it does not show";
    PAID_BY_NOTHING = "W0479" "paid-by-nothing" "invoices are to be marked as paid and nothing says how";
    STARTED_TWICE = "W0482" "started-twice" "two webhooks run one flow at one event";
}

/// `method` is the payment method whose record it is, if any; `modes`: the ERP has modes of payment.
#[must_use]
pub fn paid_by_nothing(method: Option<&str>, modes: bool, at: Span) -> Finding {
    let whose = method.map_or_else(|| "invoices".to_owned(), |method| format!("invoices of {method}"));
    let (what, mend) = match (method, modes) {
        (Some(_), true) => {
            ("no mode of payment and no account", "add `mode_of_payment` or `account` to the record")
        }
        (Some(_), false) => ("no account", "add `account` to the record, or set `invoice.payment_account`"),
        (None, _) => {
            ("no account", "set `payment_account`, or give payment methods an `account` in their records")
        }
    };
    Finding::new(
        &PAID_BY_NOTHING,
        format!("{whose} are to be marked as paid, and there is {what} for it"),
        Label::new(at, "none is marked"),
    )
    .note("an invoice that was paid in the shop then stays open in the books, and the customer is reminded to pay")
    .help(format!("{mend}, or write `mark_paid: false`"))
}

/// `at` is what marks them as paid, `format` what the invoices are and where that is said.
#[must_use]
pub fn paid_drafts(format: &str, at: Span, written: Option<Span>) -> Finding {
    let finding = Finding::new(
        &PAID_BY_NOTHING,
        "invoices are to be marked as paid, and they are drafts",
        Label::new(at, "a draft cannot be paid"),
    );
    let finding = match written {
        Some(written) => finding.related(written, "left as drafts here"),
        None => finding.note(format!("`invoice.format` is not set, so it is `{format}`")),
    };
    finding.help("have invoices booked by `format`, or write `mark_paid: false`")
}

/// `counted` are the warehouses whose stock the location shows.
/// `counted` are the warehouses whose stock the shop shows.
#[must_use]
pub fn delivered_from_uncounted(warehouse: &str, counted: &str, at: Span, there: Span) -> Finding {
    Finding::new(
        &DELIVERED_FROM_ELSEWHERE,
        format!("rows are delivered from {warehouse}, and the shop shows the stock of {counted}"),
        Label::new(at, "its stock is not counted"),
    )
    .related(there, "counted here")
    .note("what is sold is never counted down where it is counted, so the shop goes on selling what is gone")
    .help("deliver from a warehouse that is counted, or count this one too")
}

#[must_use]
pub fn delivered_from_elsewhere(
    location: &str,
    warehouse: &str,
    counted: &str,
    at: Span,
    stock: Span,
) -> Finding {
    Finding::new(
        &DELIVERED_FROM_ELSEWHERE,
        format!("orders at {location} are delivered from {warehouse}, and its stock is that of {counted}"),
        Label::new(at, "this warehouse is not counted there"),
    )
    .related(stock, "the stock of this one is shown")
    .note("what is sold is taken from a stock that the location does not show, so it goes on selling what is gone")
    .help(format!("deliver from {counted}, or count {warehouse} for this location under `stock`"))
}

#[must_use]
pub fn program_not_allowed(name: &str, near: Option<&str>, at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `exec/{near}`?"));
    let finding = Finding::new(
        &PROGRAM_NOT_ALLOWED,
        format!("`pairform.yaml` lists no program `{name}`"),
        Label::new(at, label),
    )
    .note("a secret comes only from programs that the project lists under `secrets: {exec: …}`");
    match near {
        Some(near) => finding.help(format!("write `exec/{near}`")).fix(
            format!("write `exec/{near}`"),
            at,
            format!("exec/{near}"),
        ),
        None => finding.help(format!("list it: `secrets: {{exec: {{{name}: [PROGRAM, ARGUMENT]}}}}`")),
    }
}

#[must_use]
pub fn unknown_connection(
    name: &str,
    connector: &str,
    known: &[&str],
    near: Option<&str>,
    at: Span,
) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let finding = Finding::new(
        &UNKNOWN_CONNECTION,
        format!("{connector} has no connection `{name}`"),
        Label::new(at, label),
    );
    match (near, known) {
        (Some(near), _) => {
            finding.help(format!("write `{near}`")).fix(format!("write `{near}`"), at, near.to_owned())
        }
        (None, []) => finding.help(format!("declare `{name}` under `connections`")),
        (None, known) => {
            finding.help(format!("write one of {}, or declare it under `connections`", known.join(", ")))
        }
    }
}

#[must_use]
pub fn unknown_rule(name: &str, near: Option<&str>, known: &[&str], at: Span) -> Finding {
    let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
    let finding =
        Finding::new(&UNKNOWN_RULE, format!("there is no rule `{name}` to run after"), Label::new(at, label));
    match near {
        Some(near) => {
            finding.help(format!("write `{near}`")).fix(format!("write `{near}`"), at, near.to_owned())
        }
        None if known.is_empty() => finding.help("write `every` in place of `after`; there is no other rule"),
        None => finding.help(format!("write one of {}", known.join(", "))),
    }
}

#[must_use]
pub fn schedule_cycle(chain: &str, at: Span) -> Finding {
    Finding::new(&SCHEDULE_CYCLE, "schedules wait for each other in a circle", Label::new(at, chain))
        .note("none of these rules would ever run")
        .help("give one of them an interval (`every`) in place of `after`")
}

/// `what` is "the rule `orders`".
#[must_use]
pub fn flow_off(what: &str, flow: &str, at: Span) -> Finding {
    Finding::new(
        &FLOW_OFF,
        format!("{what} starts the flow `{flow}`, which is off"),
        Label::new(at, "never runs"),
    )
    .help(format!("turn it on with `flows: {{{flow}: true}}`, or set `enabled: false`"))
}

#[must_use]
pub fn category_not_visible(title: &str, flows: &str, at: Span) -> Finding {
    Finding::new(
        &CATEGORY_NOT_VISIBLE,
        format!("{title} is not visible while {flows}"),
        Label::new(at, "these settings are not applied"),
    )
    .help("turn the flow on, or take the category away")
}

#[must_use]
pub fn managed_and_unmanaged(category: &str, at: Span, listed: Span) -> Finding {
    Finding::new(
        &MANAGED_AND_UNMANAGED,
        format!("`{category}` is declared and listed as unmanaged"),
        Label::new(at, "these settings are not applied"),
    )
    .related(listed, "listed as unmanaged here")
    .help("take it out of `unmanaged`, or take the settings away")
}

#[must_use]
pub fn live_and_onboarding(at: Span, live: Span) -> Finding {
    Finding::new(
        &LIVE_AND_ONBOARDING,
        "live mode and onboarding mode are both on",
        Label::new(at, "still being set up"),
    )
    .related(live, "and already live")
    .note("an integration that is live syncs for real, so it is no longer being set up")
    .help("set `onboarding_mode: false` when going live, or keep `live_mode: false` until then")
}

/// `setting` is `book` or `format`, `mend` the value to write.
#[must_use]
pub fn booked_in_onboarding(erp: &str, setting: &str, mend: &str, at: Span) -> Finding {
    Finding::new(
        &BOOKED_IN_ONBOARDING,
        "invoices are booked while onboarding mode is on",
        Label::new(at, format!("each invoice is booked in {erp} as soon as it is made")),
    )
    .note("a booked invoice is hard or impossible to change, so a mistake made while trying things out stays in the books")
    .help(format!("write `{setting}: {mend}` until onboarding mode is off"))
}

#[must_use]
pub fn paid_twice(method: &str, at: Span, payout: Span) -> Finding {
    Finding::new(
        &PAID_TWICE,
        format!("payments by {method} are booked twice"),
        Label::new(at, "invoices are marked as paid when they are made"),
    )
    .related(payout, "and the payout is matched to the same invoices")
    .note("`mark_paid` is meant for methods without payouts")
    .help(format!("write `mark_paid: false` in the record of `{method}`, or take it out of the payouts"))
}

/// `possible`: payouts can look in the field that carries the number. `other` is where that field is written.
#[must_use]
pub fn payout_reference(
    looked: &str,
    carried: &str,
    possible: bool,
    at: Span,
    other: Option<Span>,
) -> Finding {
    let finding = Finding::new(
        &PAYOUT_REFERENCE,
        format!("payouts look for the order number in {looked}, but it is in {carried}"),
        Label::new(at, "no payout finds its invoice here"),
    );
    let finding = match other {
        Some(other) => finding.related(other, "the order number goes here"),
        None => finding.note(format!("`general.order_number_field` is not set, so it is {carried}")),
    };
    if possible {
        finding.help(format!(
            "write `reference_field: {carried}`, or set `general.order_number_field: {looked}`"
        ))
    } else {
        finding.help("set `reference_field` and `general.order_number_field` to the same field")
    }
}

#[must_use]
pub fn cut_off_in_future(date: &str, today: &str, at: Span) -> Finding {
    Finding::new(
        &CUT_OFF_IN_FUTURE,
        format!("no order is synced before {date}"),
        Label::new(at, format!("this day has not come: it is {today}")),
    )
    .note("the integration is live, and orders created before this date are never synced, also not later")
    .note("it is not the mark of what was loaded last, which moves by itself")
    .help("write the day of going live; where that is the day, allow this warning until then")
}

#[must_use]
pub fn test_orders(shop: &str, erp: &str, at: Span) -> Finding {
    Finding::new(
        &TEST_ORDERS,
        "test orders are synced in live mode",
        Label::new(at, format!("test orders of {shop} become orders in {erp}")),
    )
    .note("a test order has no payment, so its invoice stays open in the books")
    .help("write `skip_test: true`")
}

/// `limits` are sentences such as "Fortnox takes 25 requests in 5 seconds".
#[must_use]
pub fn schedule_too_often(every: &str, limits: Vec<String>, at: Span) -> Finding {
    let finding = Finding::new(
        &SCHEDULE_TOO_OFTEN,
        format!("the flow runs every {every}"),
        Label::new(at, "more often than every 5m"),
    );
    limits
        .into_iter()
        .fold(finding, Finding::note)
        .help("use 5m or more; where it has to be sooner, let a webhook start the flow")
}

/// What ends a subscription.
#[derive(Debug, Clone, Copy)]
pub enum Ending<'a> {
    /// Time: `3d`.
    Within(&'a str),
    /// Deliveries that fail: how many in which time, and what becomes of it, "deleted".
    Failing { failures: Option<u32>, within: Option<&'a str>, then: &'a str },
    /// The subscription stands, and a message that cannot be delivered is lost after that many tries in that time.
    Losing { failures: Option<u32>, within: Option<&'a str> },
}

#[must_use]
pub fn lapsing_subscription(connector: &str, ending: Ending<'_>, flow: &str, at: Span) -> Finding {
    let failed = |failures: Option<u32>, within: Option<&str>| {
        let many = failures.map_or_else(String::new, |failures| format!("{failures} "));
        let time = within.map_or_else(String::new, |within| format!(" in {within}"));
        format!("{many}failed deliveries{time}")
    };
    const ENDED: &str = "what happens while no subscription stands is not told later";
    const LOST: &str = "what a lost message told is not told later";
    let (ends, label, note) = match ending {
        Ending::Within(time) => {
            ("its subscription expires", format!("expires after {time} unless it is renewed"), ENDED)
        }
        Ending::Failing { failures, within, then } => {
            ("its subscription can end", format!("{then} after {}", failed(failures, within)), ENDED)
        }
        Ending::Losing { failures, within } => {
            ("messages can be lost", format!("lost after {}", failed(failures, within)), LOST)
        }
    };
    Finding::new(
        &LAPSING_SUBSCRIPTION,
        format!("only a webhook of {connector} starts the flow `{flow}`, and {ends}"),
        Label::new(at, label),
    )
    .note(note)
    .help(format!("add a schedule for `{flow}` as well, such as `{flow}: {{flow: {flow}, every: 1h}}`"))
}

#[must_use]
pub fn one_credit(erp: &str, at: Span) -> Finding {
    Finding::new(
        &ONE_CREDIT,
        "of several refunds of one order only the first is synced",
        Label::new(at, "these orders have a refund, and may get another"),
    )
    .note(format!("{erp} takes one credit invoice for an invoice, and says nothing when a second fails"))
    .help("credit further refunds by hand, or allow this note with the reason")
}

#[must_use]
pub fn row_limit(erp: &str, limit: u64, at: Span) -> Finding {
    Finding::new(
        &ROW_LIMIT,
        format!("orders of more than {} rows do not fit an invoice", limit / 2),
        Label::new(at, "adds a text row to each row"),
    )
    .note(format!("an invoice in {erp} has at most {limit} rows"))
    .help("take `line_properties` away if orders get that large, or allow this note with the reason")
}

/// `said` tells the move and its time.
#[must_use]
pub fn half_moved(there: &str, missing: &str, goods: &str, said: &str, at: Span) -> Finding {
    Finding::new(
        &HALF_MOVED,
        format!("VAT rate {there} is mapped and {missing} is not"),
        Label::new(at, format!("a shop that sells {goods} needs {missing} too")),
    )
    .note(said)
    .help(format!("map `\"{missing}\"` to its sales account; a shop that sells no {goods} allows this warning with the reason"))
}

#[must_use]
pub fn home_in_oss(country: &str, at: Span, home: Span) -> Finding {
    Finding::new(
        &HOME_IN_OSS,
        format!("`{country}` is the home country and is mapped as an OSS country"),
        Label::new(at, "sales at home are not reported through OSS"),
    )
    .related(home, "the home country")
    .help(format!("map its rates under `home`, and take `{country}` away here"))
}

#[must_use]
pub fn unknown_rate(
    rate: &str,
    country: &str,
    in_force: &[&str],
    near: &str,
    day: &str,
    updated: Option<&str>,
    at: Span,
) -> Finding {
    let finding = Finding::new(
        &UNKNOWN_RATE,
        format!("{rate} is not known as a VAT rate of {country}"),
        Label::new(at, format!("on {day} the rates are {}", list_words(in_force, "and"))),
    );
    let finding = match updated {
        Some(updated) => {
            finding.note(format!("the table of rates is of {updated}, with later changes that are known"))
        }
        None => finding,
    };
    finding.help(format!(
        "write `\"{near}\"` if that is meant; if the rate is right, add it to the country in `schemas/data/vat.yaml`"
    ))
}

/// `kept`: the rate that took its place is mapped too, so the old one serves credit notes.
#[must_use]
pub fn rate_ended(rate: &str, country: &str, next: &str, since: &str, kept: bool, at: Span) -> Finding {
    let label = if next.is_empty() {
        format!("ended before {since}")
    } else {
        format!("{next} took its place on {since}")
    };
    let finding = Finding::new(
        &RATE_NOT_IN_FORCE,
        format!("{rate} is no longer a VAT rate of {country}"),
        Label::new(at, label),
    );
    if kept {
        return finding
            .with_severity(Severity::Note)
            .note(format!("credit notes for orders from before {since} still use it"))
            .help("take it away once no such order can be returned");
    }
    if next.is_empty() {
        return finding.help("take it away, unless credit notes for older orders need it");
    }
    finding
        .note("orders with the new rate find no account; the account of the old rate carries its VAT code")
        .help(format!("map {next} to the account that was made for it; keep {rate} only for credit notes of older orders"))
}

#[must_use]
pub fn rate_ends(rate: &str, country: &str, next: &str, from: &str, at: Span) -> Finding {
    Finding::new(
        &RATE_NOT_IN_FORCE,
        format!("{rate} is a VAT rate of {country} for some weeks more, and what follows has no account"),
        Label::new(at, format!("{next} takes its place on {from}")),
    )
    .note("orders with the new rate find no account; the account of the old rate carries its VAT code")
    .help(format!("map {next} now, to the account that was made for it; with `from: {from}` in its row nothing has to be done on that day"))
}

#[must_use]
pub fn rate_not_yet(rate: &str, country: &str, from: &str, at: Span) -> Finding {
    Finding::new(
        &RATE_NOT_IN_FORCE,
        format!("{rate} is not yet a VAT rate of {country}"),
        Label::new(at, format!("in force from {from}")),
    )
    .with_severity(Severity::Note)
    .help("keep the rate that is in force beside it until then")
}

#[must_use]
pub fn standard_rate_missing(standard: &str, country: &str, at: Span) -> Finding {
    Finding::new(
        &STANDARD_RATE_MISSING,
        format!("the standard rate {standard} of {country} has no account"),
        Label::new(at, "reduced rates only, and no default account"),
    )
    .note("most goods, and often shipping, carry the standard rate")
    .help(format!("add `\"{standard}\"` to its rates, or a `default_account`"))
}

#[must_use]
pub fn home_rate_missing(standard: &str, country: &str, at: Span) -> Finding {
    Finding::new(
        &HOME_RATE_MISSING,
        format!("the standard rate {standard} of {country} has no home account"),
        Label::new(at, "the home country's standard rate is missing"),
    )
    .note("most goods, and often shipping, carry the standard rate")
    .help(format!("add `\"{standard}\"` with its sales account"))
}

/// `says` reads after the account: "carries no VAT code"; `sold` is what it is mapped to: "19 % in Germany".
#[must_use]
pub fn vat_code_mismatch(account: &str, says: &str, sold: &str, fetched: &str, at: Span) -> Finding {
    Finding::new(
        &VAT_CODE_MISMATCH,
        format!("account {account} does not fit {sold}"),
        Label::new(at, format!("{account} {says}")),
    )
    .note(format!("from the list of accounts, fetched {fetched}"))
    .help("choose the account that was made for this country and rate, or set its VAT code in the ERP")
}

#[must_use]
pub fn currency_missing(missing: &[&str], shop: &str, erp: &str, lists: &str, at: Span) -> Finding {
    let names = list_words(missing, "and");
    Finding::new(
        &CURRENCY_MISSING,
        format!("{shop} sells in {names}, which {erp} does not have"),
        Label::new(at, format!("orders are sent in the currency that was paid in, so those in {names} stop")),
    )
    .note(lists)
    .help(format!("enable {names} in {erp}, or write `use_presentment_currency: false`"))
}

#[must_use]
pub fn zone_of_another_country(zone: &str, country: &str, usual: &str, at: Span) -> Finding {
    Finding::new(
        &ZONE_OF_ANOTHER_COUNTRY,
        format!("days are counted in {zone}, which is the default and not a time zone of {country}"),
        Label::new(at, format!("the home country is {country}")),
    )
    .note("an order placed near midnight gets the day of the time zone")
    .help(format!("write `time_zone: {usual}` in `general`, or the zone that is meant"))
}

#[must_use]
pub fn expiring_credential(connector: &str, field: &str, days: &str, at: Span) -> Finding {
    Finding::new(
        &EXPIRING_CREDENTIAL,
        format!("the {} of {connector} expires by itself", in_sentence(field)),
        Label::new(at, format!("{days} days after it was made, unless it was made otherwise")),
    )
    .note("syncs stop on the day that it expires")
    .help("make one that does not expire and allow this note with that reason, or plan to renew it")
}

#[must_use]
pub fn waits_for_disabled(rule: &str, target: &str, at: Span, switch: Span) -> Finding {
    Finding::new(
        &WAITS_FOR_DISABLED,
        format!("the rule `{rule}` waits for `{target}`, which is switched off"),
        Label::new(at, "never runs"),
    )
    .related(switch, "switched off here")
    .help(format!("give `{rule}` an interval (`every`), or switch `{target}` on"))
}

#[must_use]
pub fn started_twice(first: &str, topic: &str, flow: &str, at: Span, first_at: Span) -> Finding {
    Finding::new(
        &STARTED_TWICE,
        format!("each `{topic}` runs `{flow}` twice"),
        Label::new(at, format!("the same event and flow as `{first}`")),
    )
    .related(first_at, "the first of the two")
    .help("take one of the two away, or write the topic or the flow that was meant")
}

/// `record` and `other` are the paths of both places. `is_before`: what the record says comes from a list of before, which counts.
#[must_use]
pub fn said_otherwise(record: &str, other: &str, is_before: bool, at: Span, other_at: Span) -> Finding {
    let label = if is_before { "this counts" } else { "the record says this" };
    let finding = Finding::new(
        &SAID_OTHERWISE,
        format!("`{record}` and `{other}` say different things"),
        Label::new(at, label),
    )
    .related(other_at, format!("and `{other}` says otherwise"))
    .note("both are the same setting, so that one value counts");
    if is_before {
        // It meant this before there were records, and still does.
        return finding
            .with_severity(Severity::Warning)
            .help(format!("take it out of one of the two, or write its record as `{record}`"));
    }
    finding.help(format!("keep it in the record, and take it out of `{other}`"))
}

/// `names` are the settings with the mapping of records that each has its place in now.
#[must_use]
pub fn old_place(names: &[(&str, &str)], at: Span) -> Finding {
    let mut records: Vec<String> = names.iter().map(|(_, records)| format!("`{records}`")).collect();
    records.dedup();
    let settings: Vec<String> = names.iter().map(|(name, _)| format!("`{name}`")).collect();
    let verb = if settings.len() == 1 { "has its" } else { "have their" };
    let message = format!(
        "{} {verb} place in the records of {} now",
        list_words(&settings, "and"),
        list_words(&records, "and")
    );
    Finding::new(&OLD_PLACE, message, Label::new(at, "still read, and means the same"))
}

/// `name` is the row, `days` reads "from 2026-02-01 until 2026-01-01".
#[must_use]
pub fn days_never(name: &str, days: &str, at: Span) -> Finding {
    Finding::new(
        &DAYS_CONTRADICT,
        format!("`{name}` ends before it begins"),
        Label::new(at, format!("{days}: on no day")),
    )
    .help("correct `from` or `until`; both days are included")
}

/// `around` are the days of the row that it stands in.
#[must_use]
pub fn days_outside(name: &str, days: &str, around: &str, at: Span) -> Finding {
    Finding::new(
        &DAYS_CONTRADICT,
        format!("`{name}` never counts"),
        Label::new(at, format!("{days}, and the row around it counts {around}")),
    )
    .help("correct the days here or those of the row around it; both days are included")
}

/// `both` are the days that two rows share.
#[must_use]
pub fn days_overlap(name: &str, both: &str, at: Span, other: Span) -> Finding {
    let both = if both.is_empty() { "on every day" } else { both };
    Finding::new(
        &DAYS_CONTRADICT,
        format!("`{name}` has two values at once"),
        Label::new(at, format!("both count {both}")),
    )
    .related(other, "the other one")
    .help("end one with `until` on the day before the next begins with `from`; both days are included")
}

/// Days on which a value has no row that counts.
#[derive(Debug, Clone, Copy)]
pub enum Without {
    /// From one day until another, both included.
    Between(Date, Date),
    /// Until a day, after which its first row begins.
    Before(Date),
    /// From a day, before which its last row ends.
    After(Date),
}

impl Without {
    /// The days, why they have none, and what to do.
    fn words(self) -> (String, &'static str, &'static str) {
        match self {
            Without::Between(from, until) => (
                format!("from {from} until {until}"),
                "the next row begins after that",
                "let each row begin with `from` on the day after the last one's `until`; both days are included",
            ),
            Without::Before(until) => (
                format!("until {until}"),
                "its first row begins after that",
                "take its `from` away, or add a row for the days before it",
            ),
            Without::After(from) => (
                format!("from {from} on"),
                "its last row has ended by then",
                "take its `until` away, or add a row that begins on the day after it",
            ),
        }
    }
}

#[must_use]
pub fn days_without_row(name: &str, without: Without, at: Span) -> Finding {
    let (days, label, help) = without.words();
    Finding::new(&DAYS_WITHOUT_ROW, format!("`{name}` has no value {days}"), Label::new(at, label)).help(help)
}

/// The code is that of a standard rate without an account, or of days without a row; `until` is the rate's own last day.
#[must_use]
pub fn rate_without_row(
    code: &'static Code,
    (rate, country): (&str, &str),
    until: Option<Date>,
    without: Without,
    at: Span,
) -> Finding {
    let (days, label, help) = without.words();
    let in_force = until.map_or_else(
        || format!("{rate} % is in force in {country}, and no end of it is known"),
        |until| format!("{rate} % is in force in {country} until {until}"),
    );
    let message = format!("VAT rate {rate} of {country} has no account {days}");
    Finding::new(code, message, Label::new(at, label)).note(in_force).help(help)
}

/// `alone`: the whole row is over, and not one value of several.
#[must_use]
pub fn row_over(name: &str, until: &str, alone: bool, at: Span) -> Finding {
    let what = if alone { format!("`{name}` is over") } else { format!("a value of `{name}` is over") };
    Finding::new(&ROW_OVER, what, Label::new(at, format!("its last day was {until}")))
        .note("credit notes for sales up to that day still use it")
        .help("take it away once no such sale can be returned")
}
