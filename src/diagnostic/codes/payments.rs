//! Words for findings on what is paid: by an invoice that is marked and by a payout, on accounts and in currencies. Their codes are those of
//! [`super::across`].

use super::across::{MONEY_AS_SALES, PAID_AND_PAID_OUT, PAYOUT_WITHOUT_ACCOUNT, UNKNOWN_CURRENCY};
use crate::diagnostic::{Finding, Label};
use crate::source::Span;

/// `method` has the name of `provider` in its own; `row` is where the provider's payouts are.
#[must_use]
pub fn paid_and_paid_out(method: &str, provider: &str, at: Span, row: Span) -> Finding {
    Finding::new(
        &PAID_AND_PAID_OUT,
        format!("invoices of {method} are marked as paid, and {provider} pays them out"),
        Label::new(at, format!("by its name a method of {provider}")),
    )
    .related(row, "its payouts are booked here")
    .note("the same payment is booked twice: when the invoice is marked, and by the payout")
    .help("write `mark_paid: false` in the method's record, or take the row of the payouts away; where the method is another provider's, allow this warning with that reason")
}

/// `method` is the one that is marked, none where all are; `row` is the row of the payouts with this account. The places are those of
/// `mark_paid` and of the account there.
#[must_use]
pub fn paid_onto_payouts(
    method: Option<&str>,
    account: &str,
    row: &str,
    at: Span,
    (marked, there): (Span, Span),
) -> Finding {
    let whose = method.unwrap_or("all methods");
    let finding = Finding::new(
        &PAID_AND_PAID_OUT,
        format!("invoices of {whose} are marked as paid on {account}, where payouts of {row} are booked"),
        Label::new(at, "the same account"),
    )
    .related(marked, "marked as paid here")
    .related(there, "booked on it here");
    match method {
        Some(method) => finding
            .note(format!("where {row} pays {method} out, the payment is booked twice; where it does not, the account never comes to zero"))
            .help(format!("write `mark_paid: false` where {row} pays it out, else give {method} an account of its own")),
        None => finding
            .note("the same payment is booked twice: when the invoice is marked, and by the payout")
            .help(format!("write `mark_paid: false` in the records of the methods that {row} pays out, or give those that are marked an account of their own")),
    }
}

#[must_use]
pub fn one_currency(erp: &str, account: &str, [one, other]: [&str; 2], at: Span, there: Span) -> Finding {
    let finding = Finding::new(
        &PAYOUT_WITHOUT_ACCOUNT,
        format!("payouts in {one} and in {other} go to one bank account, {account}"),
        Label::new(at, format!("a bank account of {erp} has one currency")),
    );
    let finding = if at == there { finding } else { finding.related(there, format!("payouts in {one}")) };
    finding.help("name the bank account of each currency, as `bank_account` of its record under `currencies`")
}

/// `near` is a currency that may be meant.
#[must_use]
pub fn unknown_currency(code: &str, near: Option<&str>, at: Span) -> Finding {
    let finding = Finding::new(
        &UNKNOWN_CURRENCY,
        format!("there is no currency `{code}`"),
        Label::new(at, "not a code of ISO 4217"),
    );
    match near {
        Some(near) => finding.help(format!("write `{near}`")),
        None => finding.help("write the three capital letters of the currency that is meant, such as `SEK`"),
    }
}

/// `what` is booked on the account, `country` the home whose chart has it for VAT.
#[must_use]
pub fn vat_account(account: &str, country: &str, what: &str, at: Span) -> Finding {
    Finding::new(
        &MONEY_AS_SALES,
        format!("account {account} is one of VAT, and the account of {what}"),
        Label::new(at, what),
    )
    .note(format!("the usual chart of accounts in {country} has it for what is owed to the tax office"))
    .help(format!("name the account of {what}; the VAT follows from its VAT code. Where your chart is another one, allow this warning with that reason"))
}
