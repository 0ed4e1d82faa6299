//! Sales accounts whose VAT code in the ERP says another rate. Silent until the list of accounts is known with its codes.

use super::context::Context;
use super::rates::{Table, tables};
use super::values::code;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::rules as codes;
use crate::schema::text;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let view = &context.view;
    let erp = &context.pair.erp;
    let Some(set) = view.options.set(&erp.id, view.erp_account, "account") else { return };
    // A list that was fetched without VAT codes says nothing.
    if set.choices.iter().all(|choice| choice.kept("vat_code").is_none()) {
        return;
    }
    let Some(known) = erp.description.get("vat_codes") else { return };
    let home = text(known, "country");
    let title =
        |code: &str| context.vat.country(code).map_or_else(|| code.to_owned(), |known| known.title.clone());
    for table in tables(context) {
        let Table { country, path, .. } = &table;
        for row in table.rows().filter(|row| !row.days.is_over(context.today)) {
            let rate = &*row.entry.key.text;
            let Some(choice) = code(row.account).and_then(|account| set.choice(account)) else { continue };
            let says = match choice.kept("vat_code") {
                None if rate == "0" => continue,
                None => "carries no VAT code".to_owned(),
                Some(vat_code) => {
                    let stands = known.get("rates").map_or("", |rates| text(rates, vat_code));
                    if stands.is_empty() || (stands == rate && *country == home) {
                        continue;
                    }
                    format!("carries the VAT code {vat_code}, which is {stands} % in {}", title(home))
                }
            };
            let finding = codes::vat_code_mismatch(
                &choice.value,
                &says,
                rate,
                &title(country),
                &set.fetched,
                row.account.span,
            );
            findings.push(finding.about(context.about("sales_accounts", &path.child(rate))));
        }
    }
}
