//! Plans in the hands of a test: read, changed and written.

use std::io::Cursor;

use pairform::plan::{Integration, Plan, file};
use pairform::report::content::{By, Content};
use pairform::schema::parts::Catalogue;

pub fn read(text: &str) -> Plan {
    file::read(Cursor::new(text)).unwrap()
}

/// Its text, sealed.
pub fn write(plan: &mut Plan) -> String {
    file::seal(plan);
    let mut text = String::new();
    file::write(plan, &mut |piece| text.push_str(piece));
    text
}

/// Changes every integration of a plan, and seals it.
pub fn edit(plan: &mut Plan, mut edit: impl FnMut(&mut Integration)) {
    plan.integrations.edit(&mut edit);
    file::seal(plan);
}

/// The only integration of a plan.
pub fn only(plan: &Plan) -> Integration {
    let mut all: Vec<Integration> = plan.integrations.clone().into_iter().collect();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// A plan as it is drawn.
pub fn drawn(plan: &Plan) -> String {
    let mut text = String::new();
    let catalogue = Catalogue::default();
    let content = Content { by: By::Integration, ..Content::of_plan("plan", plan, &catalogue) };
    pairform::report::plan::text(&content, "", &mut |piece| text.push_str(piece));
    text
}
