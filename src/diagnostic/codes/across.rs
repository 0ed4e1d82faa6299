//! Stage 04 as well: settings that are right one by one and wrong beside each other, and integrations that get in each
//! other's way.

use super::declare::codes;
use crate::diagnostic::{Finding, Label, Severity, list_words};
use crate::source::Span;

codes! {
    ACCOUNT_SHARED = "W0430" "account-shared" "one sales account serves what needs several VAT codes";
    INVOICE_TWICE = "W0431" "invoice-twice" "orders and the invoices flow make an invoice twice, or none";
    ONE_SHOP_TWICE = "W0432" "one-shop-twice" "two live integrations join one shop to one company";
    ROTATING_TOKEN_SHARED = "N0433" "rotating-token-shared" "a token that changes at each use is used by several integrations";
    UNPAID_MARKED_PAID = "W0434" "unpaid-marked-paid" "orders that are not paid for become invoices that are marked as paid";
    NOTHING_STARTS = "W0435" "nothing-starts" "a flow is on in live mode and nothing starts it";
    SCOPE_MISSING = "W0436" "scope-missing" "an app lacks a scope that the configuration needs";
    API_VERSION = "W0437" "api-version" "a version of an API that has ended, ends soon or is not out yet";
    LOCATION_TWICE = "W0438" "location-twice" "two warehouses are mapped to one location";
    LOCATION_LEFT_OUT = "N0439" "location-left-out" "a location of the shop is in no row of the location mapping";
    REPLACED_BY_MAP = "W0440" "replaced-by-map" "settings that do nothing beside others that replace them";
    DOUBTFUL_VALUE = "W0441" "doubtful-value" "a value that is allowed and hardly meant";
    COMPANY_WITHOUT_VAT_NUMBER = "W0442" "company-without-vat-number" "buyers in the EU are free of VAT without a VAT number";
    FILTERS_CONTRADICT = "W0443" "filters-contradict" "a filter lets in what another leaves out";
    MAPPED_AND_LEFT_OUT = "W0444" "mapped-and-left-out" "something is mapped and never synced";
    GIFT_CARD_WITHOUT_ACCOUNT = "N0445" "gift-card-without-account" "gift cards become rows without an account of their own";
    FEE_WITHOUT_ACCOUNT = "N0446" "fee-without-account" "fees have no account or article of their own";
    TOPIC_OF_ANOTHER_FLOW = "W0447" "topic-of-another-flow" "a webhook starts a flow that its topic tells nothing of";
    TEST_SYSTEM = "W0448" "test-system-live" "a test system is connected in live mode";
    UNSIGNED_WEBHOOK = "W0449" "unsigned-webhook" "deliveries of a webhook cannot be verified";
    ORDERS_OUT_OF_SIGHT = "N0450" "orders-out-of-sight" "orders are wanted from before the days that the shop shows";
    SAME_ORDER_NUMBERS = "W0471" "same-order-numbers" "two shops write orders with the same numbers into one company";
    UNKNOWN_COUNTRY = "W0472" "unknown-country" "a country that there is not";
    MONEY_AS_SALES = "W0473" "money-as-sales" "an account of sales, gift cards, payments or fees is one of another of them as well";
    CLEARING_SHARED = "N0474" "clearing-shared" "payouts of two providers are booked on one account";
    PAYOUT_WITHOUT_ACCOUNT = "W0476" "payout-without-account" "a payment provider and the rows of the payouts do not fit together";
    NAMES_ALIKE = "W0477" "names-alike" "two rows whose names differ in capitals or spaces alone";
    ACCOUNT_RULES = "W0478" "account-rules" "rules of sales accounts get in each other's way";
    PAID_AND_PAID_OUT = "W0480" "paid-and-paid-out" "invoices are marked as paid by what is paid out as well, as far as names and accounts tell";
    UNKNOWN_CURRENCY = "W0481" "unknown-currency" "a currency that there is not";
    PAYOUTS_TWICE = "W0483" "payouts-twice" "two live integrations book the payouts of one account of a payment provider in one company";
}

/// `serves` lists all that the account books, `wrong` what the place marked adds, `other` what it does not go with.
#[must_use]
pub fn account_shared(account: &str, serves: &str, wrong: &str, at: Span, other: (Span, &str)) -> Finding {
    Finding::new(&ACCOUNT_SHARED, format!("account {account} serves {serves}"), Label::new(at, wrong))
        .related(other.0, other.1)
        .note("an account has one VAT code, so one of these sales is reported as the other")
        .help("give each country and rate a sales account of its own, with its VAT code")
}

#[must_use]
pub fn invoice_twice(trigger: &str, at: Span, other: Option<Span>) -> Finding {
    let finding = Finding::new(
        &INVOICE_TWICE,
        "an order becomes an invoice twice",
        Label::new(at, "the order is an invoice at once"),
    );
    let finding = match other {
        Some(other) => finding.related(other, "and the invoices flow makes one here"),
        None => finding.note(format!(
            "the invoices flow makes one too: `invoice.trigger` is not set, so it is `{trigger}`"
        )),
    };
    finding.help("write `order.creates: order` where the invoices flow is to make the invoice, else `invoice.trigger: manual`, with which it makes none by itself")
}

#[must_use]
pub fn invoice_without_order(at: Span, other: Option<Span>) -> Finding {
    let finding = Finding::new(
        &INVOICE_TWICE,
        "orders create nothing, and the invoices flow is on",
        Label::new(at, "there is no order that an invoice could be made from"),
    );
    let finding = match other {
        Some(other) => finding.related(other, "invoices are made here"),
        None => finding,
    };
    finding.help("write `creates: order`, or turn the flow off with `flows: {invoices: false}`")
}

#[must_use]
pub fn no_invoice_follows(at: Span) -> Finding {
    Finding::new(
        &INVOICE_TWICE,
        "no invoice follows an order: the invoices flow is off",
        Label::new(at, "the invoice is the work of that flow"),
    )
    .help("turn it on with `flows: {invoices: true}`, or write `creates: order`")
}

/// `statuses` is empty where no filter keeps unpaid orders out; `filter` is the setting that would, and `later` the trigger that waits
/// for the money, where that would help. `marks` are where invoices are marked as paid, and where it is said when they are made.
#[must_use]
pub fn unpaid_marked_paid(
    statuses: &str,
    (filter, later): (&str, Option<&str>),
    placed: bool,
    at: Span,
    marks: (Span, Option<Span>),
) -> Finding {
    let when = if placed { "when the order is placed" } else { "when the order is fulfilled" };
    let label = match statuses {
        "" => format!("`{filter}` is not set, so orders that are not paid for come too"),
        statuses => format!("{statuses}: the money is not there yet"),
    };
    let finding = Finding::new(
        &UNPAID_MARKED_PAID,
        "invoices are marked as paid for orders that are not",
        Label::new(at, label),
    );
    let finding = if marks.0 == at { finding } else { finding.related(marks.0, "marked as paid here") };
    let finding = match marks.1 {
        Some(when_at) => finding.related(when_at, format!("the invoice is made {when}")),
        None => finding.note(format!("the invoice is made {when}")),
    };
    let wait = later.map_or_else(String::new, |later| format!("write `trigger: {later}`, "));
    finding
        .note("the books then show money that may never come, and nobody is reminded to pay")
        .help(format!("{wait}leave such orders out by `{filter}`, or write `mark_paid: false`"))
}

#[must_use]
pub fn nothing_starts(flows: &[String], at: Span) -> Finding {
    let (flow, is, them) = match flows {
        [_] => ("flow", "is", "it"),
        _ => ("flows", "are", "them"),
    };
    let one = flows.first().map_or("", |flow| flow.trim_matches('`'));
    Finding::new(
        &NOTHING_STARTS,
        format!("the {flow} {} {is} on, and nothing starts {them}", list_words(flows, "and")),
        Label::new(at, format!("no rule here and no webhook starts {them}")),
    )
    .note("the integration is live, and waits for somebody to export by hand")
    .help(format!(
        "add a rule, such as `{one}: {{flow: {one}, every: 1h}}`, or turn off what is not used with `flows: {{{one}: false}}`"
    ))
}

/// `written`: the location is written to, else it is read.
#[must_use]
pub fn location_twice(location: &str, warehouses: &str, written: bool, at: Span, first: Span) -> Finding {
    let (message, label, note) = if written {
        (
            format!("{warehouses} write to one location"),
            "the last one wins",
            "each warehouse is counted on its own, so the quantities are not added up",
        )
    } else {
        (
            format!("{warehouses} get the quantity of one location"),
            "counted twice",
            "each warehouse gets the whole quantity, so the ERP has more than there is",
        )
    };
    Finding::new(&LOCATION_TWICE, message, Label::new(at, label))
        .related(first, format!("{location} is mapped here too"))
        .note(note)
        .help("give each warehouse a location of its own; to add several up, use `source_locations` and `target_location`")
}

/// `written`: locations are written to, else they are read.
#[must_use]
pub fn location_left_out(missing: &[String], title: &str, fetched: &str, written: bool, at: Span) -> Finding {
    let (what, one, many) = if written {
        ("get no quantity", "gets no quantity", "get no quantity")
    } else {
        ("are not counted", "is not counted", "are not counted")
    };
    let mut shown = missing.to_vec();
    if shown.len() > 6 {
        let more = shown.len() - 5;
        shown.truncate(5);
        shown.push(format!("{more} more"));
    }
    let names = list_words(&shown, "and");
    let message = if missing.len() == 1 { format!("{names} {one}") } else { format!("{names} {many}") };
    Finding::new(&LOCATION_LEFT_OUT, message, Label::new(at, format!("locations that no row names {what}")))
        .note(format!("from the list of {title}, fetched {fetched}"))
        .help("map a warehouse to them, or allow this note with the reason")
}

/// `mode` is the setting that says otherwise, with its value; `mode_at` is none where it is not written.
#[must_use]
pub fn idle_in_mode(names: &[String], mode: &str, value: &str, at: Span, mode_at: Option<Span>) -> Finding {
    let does = if names.len() == 1 { "does" } else { "do" };
    let finding = Finding::new(
        &REPLACED_BY_MAP,
        format!("{} {does} nothing while `{mode}` is `{value}`", list_words(names, "and")),
        Label::new(at, "never used"),
    );
    match mode_at {
        Some(mode_at) => finding.related(mode_at, "said here"),
        None => finding.note(format!("`{mode}` is not set, so it is `{value}`")),
    }
    .help("take away what is not meant")
}

#[must_use]
pub fn replaced_by_map(names: &[String], map: &str, at: Span, map_at: Span) -> Finding {
    let does = if names.len() == 1 { "does" } else { "do" };
    Finding::new(
        &REPLACED_BY_MAP,
        format!("{} {does} nothing beside {map}", list_words(names, "and")),
        Label::new(at, "never used"),
    )
    .related(map_at, "the mapping replaces it")
    .help("take away what is not meant")
}

/// `why` is the schema's own text, `usual` the value that counts where nothing is written.
#[must_use]
pub fn doubtful_value(setting: &str, value: &str, why: &str, usual: Option<&str>, at: Span) -> Finding {
    let finding = Finding::new(
        &DOUBTFUL_VALUE,
        format!("`{setting}` is hardly meant to be {value}"),
        Label::new(at, why),
    );
    match usual {
        Some(usual) => finding.help(format!("write `{usual}`, or allow this warning with the reason")),
        None => finding.help("write another value, or allow this warning with the reason"),
    }
}

/// `field` takes digits alone, `setting` names it; `chosen` is where, unless it is the default.
#[must_use]
pub fn prefix_of_digits(field: &str, setting: &str, at: Span, chosen: Option<Span>) -> Finding {
    let finding = Finding::new(
        &DOUBTFUL_VALUE,
        format!("order numbers get a prefix, and {field} takes digits alone"),
        Label::new(at, "the platform refuses such a number"),
    );
    let finding = match chosen {
        Some(chosen) => finding.related(chosen, "written into this field"),
        None => finding.note(format!("`{setting}` is not set, so it is `{field}`")),
    };
    finding.help(format!("write another `{setting}`, or a prefix of digits"))
}

#[must_use]
pub fn company_without_vat_number(field: &str, at: Span, sold: Span) -> Finding {
    let field = match field {
        "organisation_number" => "an organisation number".to_owned(),
        field => format!("a {}", field.replace('_', " ")),
    };
    Finding::new(
        &COMPANY_WITHOUT_VAT_NUMBER,
        format!("whoever gives {field} buys in the EU without VAT"),
        Label::new(at, "no VAT number is asked for"),
    )
    .related(sold, "the shop sells to other EU countries")
    .note("without a valid VAT number a buyer in another EU country is a consumer for VAT, whatever else is filled in")
    .help("write `company_when: vat_number`")
}

/// `nothing`: every value that is let in is left out too.
#[must_use]
pub fn included_and_excluded(values: &str, several: bool, nothing: bool, at: Span, there: Span) -> Finding {
    let are = if several { "are" } else { "is" };
    let finding = Finding::new(
        &FILTERS_CONTRADICT,
        format!("{values} {are} included and excluded"),
        Label::new(at, "left out here"),
    )
    .related(there, "let in here");
    let finding = if nothing { finding.note("so nothing passes these filters") } else { finding };
    finding.help("take it out of one of the two")
}

/// `what` is what never comes, as in "no order to".
#[must_use]
pub fn mapped_and_left_out(names: &str, several: bool, what: &str, at: Span, mapped: &[Span]) -> Finding {
    let (are, them) = if several { ("are", "them") } else { ("is", "it") };
    let finding = Finding::new(
        &MAPPED_AND_LEFT_OUT,
        format!("{names} {are} mapped, and {what} {them} is synced"),
        Label::new(at, "this filter leaves them out"),
    );
    mapped
        .iter()
        .fold(finding, |finding, mapped| finding.related(*mapped, "mapped here"))
        .help("take it out of the filter if it is to be synced, else take its mapping away")
}

#[must_use]
pub fn gift_card_without_account(at: Span) -> Finding {
    Finding::new(
        &GIFT_CARD_WITHOUT_ACCOUNT,
        "gift card rows have no account of their own",
        Label::new(at, "they go to the sales account of their VAT rate"),
    )
    .note("a gift card that is sold is a debt, and no sale until it is used")
    .help("set `gift_card_account` to a liability account without VAT")
}

#[must_use]
pub fn fee_row_without_article(at: Span) -> Finding {
    Finding::new(
        &FEE_WITHOUT_ACCOUNT,
        "fee rows have no article of their own",
        Label::new(at, "they go to the sales account of their VAT rate"),
    )
    .help("set `fee_article` to an article whose account is meant for fees")
}

#[must_use]
pub fn payout_fee_without_account(at: Span) -> Finding {
    Finding::new(
        &FEE_WITHOUT_ACCOUNT,
        "the fees that providers keep back have no account",
        Label::new(at, "paid out is less than was sold, and nothing says where the rest goes"),
    )
    .help("set `payout.fee_account`")
}

#[must_use]
pub fn fee_vat_without_account(at: Span) -> Finding {
    Finding::new(
        &FEE_WITHOUT_ACCOUNT,
        "the VAT in the fees that a provider keeps back has no account",
        Label::new(at, "the fees contain VAT of home"),
    )
    .note("it can be deducted only where it is booked as VAT")
    .help("set `payout.fee_vat_account`")
}

/// `one` stands at `there`, before `other`.
#[must_use]
pub fn names_alike(one: &str, other: &str, at: Span, there: Span) -> Finding {
    Finding::new(
        &NAMES_ALIKE,
        format!("`{one}` and `{other}` are hardly two"),
        Label::new(at, "differs in capitals or spaces alone"),
    )
    .related(there, "the other one")
    .help("keep the one that is spelt as the platform spells it, with what both say")
}

/// `first` is the rule that is tried before.
#[must_use]
pub fn rule_not_reached(name: &str, first: &str, at: Span, there: Span) -> Finding {
    Finding::new(
        &ACCOUNT_RULES,
        format!("the rule `{name}` never counts"),
        Label::new(at, format!("each row that it fits is taken by `{first}`")),
    )
    .related(there, "which is tried before it")
    .help("give the rule with more conditions the lower `priority`, or take this one away")
}

#[must_use]
pub fn rules_tie(name: &str, first: &str, priority: i64, at: Span, there: Span) -> Finding {
    Finding::new(
        &ACCOUNT_RULES,
        format!("the rules `{first}` and `{name}` have one priority, {priority}"),
        Label::new(at, format!("where both fit, `{first}` counts, since its name comes first")),
    )
    .related(there, "the other one")
    .help("give each rule a `priority` of its own")
}

#[must_use]
pub fn unknown_country(code: &str, at: Span) -> Finding {
    Finding::new(
        &UNKNOWN_COUNTRY,
        format!("there is no country `{code}`"),
        Label::new(at, "not a code of ISO 3166-1"),
    )
    .help("write the two capital letters of the country that is meant, such as `SE`")
}

/// `sold` is where sales are booked on the account, `what` what else it is for.
#[must_use]
pub fn money_as_sales(account: &str, what: &str, why: &str, at: Span, sold: Span) -> Finding {
    Finding::new(
        &MONEY_AS_SALES,
        format!("account {account} is one of sales, and the account of {what}"),
        Label::new(at, what),
    )
    .related(sold, "sales are booked on it here")
    .note(why)
    .help(format!("give {what} an account of their own"))
}

/// `other` and `what` are what the account holds, there and at the place marked.
#[must_use]
pub fn money_mixed(account: &str, other: &str, what: &str, at: Span, there: Span) -> Finding {
    Finding::new(
        &MONEY_AS_SALES,
        format!("account {account} is the one of {other}, and of {what} too"),
        Label::new(at, what),
    )
    .related(there, other)
    .note("what is left on the account tells no more what it is: money that came in, that is still owed, or a cost")
    .help(format!("give {other} and {what} an account each"))
}

/// `rows` are the providers, the last of which is marked.
#[must_use]
pub fn clearing_shared(account: &str, rows: &[&str], at: Span, first: Span) -> Finding {
    Finding::new(
        &CLEARING_SHARED,
        format!("payouts of {} are booked on one account, {account}", list_words(rows, "and")),
        Label::new(at, "the same account"),
    )
    .related(first, "as here")
    .note("what is left on it tells no more which of them still owes what")
    .help("give each a clearing account of its own, or allow this note with the reason")
}

/// `id` is the connector that the row is called after.
#[must_use]
pub fn payout_without_provider(provider: &str, id: &str, at: Span) -> Finding {
    Finding::new(
        &PAYOUT_WITHOUT_ACCOUNT,
        format!("payouts of {provider} have an account, and {provider} is not connected"),
        Label::new(at, "nothing is read for this row"),
    )
    .with_severity(Severity::Note)
    .help(format!("declare a connection under `connectors.{id}`, or take the row away"))
}

/// `id` is what the row is called; `connected` where the provider is.
#[must_use]
pub fn payout_without_account(provider: &str, id: &str, at: Span, connected: Span) -> Finding {
    Finding::new(
        &PAYOUT_WITHOUT_ACCOUNT,
        format!("payouts of {provider} have no account"),
        Label::new(at, format!("no row is called `{id}`")),
    )
    .related(connected, "it is connected here")
    .help(format!("add a row `{id}:` with its `currency` and `account`"))
}

#[must_use]
pub fn not_paid_out_in(provider: &str, currency: &str, known: &[String], at: Span) -> Finding {
    Finding::new(
        &PAYOUT_WITHOUT_ACCOUNT,
        format!("{provider} is not known to pay out in {currency}"),
        Label::new(at, "so nothing comes to this account, and what is paid out in another currency has none"),
    )
    .help(format!("write the currency that it pays out in: {}", list_words(known, "or")))
}

/// `said` is what tells: "`environment` is that of a test system".
#[must_use]
pub fn test_system(connector: &str, said: &str, at: Span) -> Finding {
    Finding::new(
        &TEST_SYSTEM,
        format!("{connector} is a test system, and live mode is on"),
        Label::new(at, said),
    )
    .note("what is tried there becomes real on the other side, or what is real is lost in a test")
    .help("connect the real system before going live; if this is the real one, allow this warning with the reason")
}

#[must_use]
pub fn unsigned_webhook(connector: &str, field: &str, connection: &str, at: Span) -> Finding {
    Finding::new(
        &UNSIGNED_WEBHOOK,
        format!("nobody can tell whether a delivery comes from {connector}"),
        Label::new(at, "there is no secret to verify it with"),
    )
    .note("whoever knows the address can then start the flow with orders of their own making")
    .help(format!("add `{field}` to the connection `{connection}`, or `secret` to the webhook"))
}

/// `scope` may be empty.
#[must_use]
pub fn orders_out_of_sight(shop: &str, days: u64, scope: &str, day: &str, at: Span) -> Finding {
    let finding = Finding::new(
        &ORDERS_OUT_OF_SIGHT,
        format!("{shop} shows orders of the last {days} days only"),
        Label::new(at, format!("orders since {day} are wanted")),
    );
    if scope.is_empty() {
        return finding.help("choose a later day, or load older orders by hand");
    }
    finding
        .note(format!(
            "older ones are shown to a token with `{scope}` alone; the others are left out without a word"
        ))
        .help(format!("ask for `{scope}` before the first sync, or choose a later day"))
}

/// Some names, the first ones where there are many.
fn some(names: &[&str]) -> String {
    match names {
        [first, second, third, rest @ ..] if rest.len() > 1 => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        names => list_words(names, "and"),
    }
}

/// `flow` is one that all have on; `other` is one that meets the one marked.
#[must_use]
pub fn one_shop_twice(
    names: &[&str],
    shop: &str,
    erp: &str,
    flow: &str,
    at: Span,
    other: (&str, Span),
) -> Finding {
    let twice = match flow {
        "orders" => "every order is booked twice",
        "invoices" => "every invoice is made twice",
        "refunds" => "every refund is credited twice",
        _ => "every payout is booked twice",
    };
    Finding::new(
        &ONE_SHOP_TWICE,
        format!("{} join one shop of {shop} to one company of {erp}", some(names)),
        Label::new(at, twice),
    )
    .related(other.1, format!("{} does the same", other.0))
    .note(format!("they are live, and have the flow `{flow}` on without filters that part their orders"))
    .help(format!(
        "turn `{flow}` off in all but one, take `live_mode` away there, or part them, such as by `additional_filters.include_countries`"
    ))
}

/// `providers` are their titles; `other` is one that books the same payouts.
#[must_use]
pub fn payouts_twice(names: &[&str], providers: &str, erp: &str, at: Span, other: (&str, Span)) -> Finding {
    Finding::new(
        &PAYOUTS_TWICE,
        format!("{} book the payouts of one account of {providers} in one company of {erp}", some(names)),
        Label::new(at, "every payout is booked twice"),
    )
    .related(other.1, format!("{} books the same ones", other.0))
    .note("a payout is for all shops that share the account")
    .help("turn `payouts` off in all but one")
}

/// `prefix` is what all of them write before the number; it may be empty.
#[must_use]
pub fn same_order_numbers(names: &[&str], erp: &str, prefix: &str, at: Span, other: (&str, Span)) -> Finding {
    let label = match prefix {
        "" => "order numbers stand there as the shop counts them".to_owned(),
        prefix => format!("order numbers begin with `{prefix}` in each"),
    };
    Finding::new(
        &SAME_ORDER_NUMBERS,
        format!("orders of {} can have the same numbers in one company of {erp}", some(names)),
        Label::new(at, label),
    )
    .related(other.1, format!("{} writes into the same company", other.0))
    .note("whoever looks for an order by its number finds that of another shop, and so do payouts that look for their invoice")
    .help("give each an `order_number_prefix` of its own in `general`, such as `SE-`; where the shops count apart, allow this warning with that reason")
}

/// The token is the connector's title, the field's and the reference; `instead` are the fields of a way without one.
#[must_use]
pub fn rotating_token_shared(
    (connector, field, reference): (&str, &str, &str),
    names: &[&str],
    instead: &[String],
    at: Span,
    elsewhere: Option<Span>,
) -> Finding {
    let finding = Finding::new(
        &ROTATING_TOKEN_SHARED,
        format!("one {field} of {connector} is used by {} integrations: {}", names.len(), some(names)),
        Label::new(at, format!("`{reference}` is another one after each use")),
    );
    let finding = match elsewhere {
        Some(elsewhere) => finding.related(elsewhere, "used here too"),
        None => finding,
    };
    let finding = finding
        .note("each use ends the one before, so that one of them logs the others out; `pairform options refresh` uses it as well");
    if instead.is_empty() {
        return finding.help("give each integration a consent, and so a token, of its own");
    }
    let fields: Vec<String> = instead.iter().map(|field| format!("`{field}`")).collect();
    finding.help(format!(
        "authenticate by {} in place of it, or give each integration a consent, and so a token, of its own",
        list_words(&fields, "and")
    ))
}

/// A version as a connection names it.
#[derive(Clone, Copy)]
pub struct Version<'a> {
    pub connector: &'a str,
    /// The connection's field.
    pub field: &'a str,
    pub version: &'a str,
    /// No file names it: it is the one that counts then.
    pub is_default: bool,
    /// The newest that is out.
    pub newest: Option<&'a str>,
}

impl Version<'_> {
    fn finish(self, finding: Finding) -> Finding {
        let finding = match self.is_default {
            true => finding.note(format!("`{}` is not set, so it is {}", self.field, self.version)),
            false => finding,
        };
        match self.newest {
            Some(newest) => finding.help(format!("write `{}: \"{newest}\"` once it was tried", self.field)),
            None => finding.help(format!("name a version in `{}` that is supported", self.field)),
        }
    }
}

/// `since` may be empty; `after` is what becomes of a request, in the middle of a sentence.
#[must_use]
pub fn version_ended(version: Version<'_>, since: &str, after: Option<&str>, at: Span) -> Finding {
    let label = match since {
        "" => "ended long ago".to_owned(),
        since => format!("out of support since {since}"),
    };
    let finding = Finding::new(
        &API_VERSION,
        format!("{} no longer supports version {}", version.connector, version.version),
        Label::new(at, label),
    );
    let finding = match after {
        Some(after) => finding.note(format!("once a version has ended, {after}")),
        None => finding,
    };
    version.finish(finding)
}

#[must_use]
pub fn version_ends(version: Version<'_>, since: &str, after: Option<&str>, at: Span) -> Finding {
    let finding = Finding::new(
        &API_VERSION,
        format!("{} soon ends its support of version {}", version.connector, version.version),
        Label::new(at, format!("out of support from {since} on")),
    )
    .with_severity(Severity::Note);
    let finding = match after {
        Some(after) => finding.note(format!("once a version has ended, {after}")),
        None => finding,
    };
    version.finish(finding)
}

/// `from` may be empty.
#[must_use]
pub fn version_not_out(version: Version<'_>, from: &str, at: Span) -> Finding {
    let label = match from {
        "" => "no such version is known".to_owned(),
        from => format!("comes out on {from}"),
    };
    let finding = Finding::new(
        &API_VERSION,
        format!("version {} of {} is not out yet", version.version, version.connector),
        Label::new(at, label),
    );
    version.finish(finding)
}

/// `needed` has what needs each scope; `more` says what it takes to be given one.
#[must_use]
pub fn scope_missing(
    connector: &str,
    needed: &[(&str, Vec<String>)],
    more: Option<&str>,
    at: Span,
) -> Finding {
    let names: Vec<String> = needed.iter().map(|(scope, _)| format!("`{scope}`")).collect();
    let (scopes, are) = if names.len() == 1 { ("scope", "is") } else { ("scopes", "are") };
    let finding = Finding::new(
        &SCOPE_MISSING,
        format!("the {scopes} {} of {connector} {are} needed and not listed", list_words(&names, "and")),
        Label::new(at, "what was given"),
    );
    let reasons = |reasons: &[String]| match reasons {
        [first, second, third, rest @ ..] if rest.len() > 1 => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        reasons => list_words(reasons, "and"),
    };
    let finding = needed.iter().fold(finding, |finding, (scope, why)| {
        finding.note(format!("`{scope}` is needed for {}", reasons(why)))
    });
    let finding = match more {
        Some(more) => finding.note(more),
        None => finding,
    };
    finding.help("have the app given them and list them here, or turn off what needs them")
}

/// The topic's own flows and the one that is written; `others` are topics of that one.
#[must_use]
pub fn topic_of_another_flow(
    topic: &str,
    connector: &str,
    (flows, flow): (&[&str], &str),
    others: &[&str],
    at: Span,
) -> Finding {
    let quoted: Vec<String> = flows.iter().map(|flow| format!("`{flow}`")).collect();
    let flows = list_words(&quoted, "or");
    let finding = Finding::new(
        &TOPIC_OF_ANOTHER_FLOW,
        format!("`{topic}` of {connector} tells nothing of the flow `{flow}`"),
        Label::new(at, format!("its topic is for {flows}")),
    )
    .note("the flow runs when there is nothing new for it, and not when there is");
    let topics: Vec<String> = others.iter().take(4).map(|topic| format!("`{topic}`")).collect();
    match topics.as_slice() {
        [] => finding.help(format!("write {flows}; start `{flow}` by a schedule")),
        topics => finding.help(format!("write {flows}, or one of the topics {}", list_words(topics, "and"))),
    }
}
