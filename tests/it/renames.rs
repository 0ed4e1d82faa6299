//! Renames: of a setting in a schema (`x-renamed-from`), of an integration (`renamed_from`), and `fix`, which makes the
//! first in the files. What is deployed stays what it is.

use serde_json::{Value, json};

use crate::place::{Project, each_kind};
use crate::run::closed_window;

/// The built-in pair, with two settings renamed: a plain one and a mapping.
const RENAMED: &str = "\
pair: fortnox-shopify
connectors: [fortnox, shopify]
evidence: documented
flows:
  articles: {default: true, direction: erp_to_shop}
  stock: {default: true, direction: erp_to_shop}
  customers: {default: true, direction: shop_to_erp}
  orders: {default: true, direction: shop_to_erp}
  invoices: {default: true, direction: shop_to_erp}
  refunds: {default: true, direction: shop_to_erp}
  payouts: {default: false, direction: shop_to_erp}
settings:
  order:
    exclude_before: null
    not_before:
      title: Not before
      description: Orders before this day are left alone.
      type: string
      format: date
      x-required: true
      x-renamed-from: exclude_before
  payment_methods:
    methods: null
    map: null
    terms:
      title: Terms
      description: Terms of payment by payment method.
      type: object
      x-renamed-from: [mapping, map]
      additionalProperties: {x-options: erp.terms_of_payment}
";

fn changes(plan: &Value) -> Vec<(String, Value, Value)> {
    let categories =
        plan["integrations"].as_array().unwrap().iter().flat_map(|one| one["categories"].as_array().unwrap());
    categories
        .flat_map(|category| category["changes"].as_array().unwrap())
        .map(|change| {
            (
                change["setting"].as_str().unwrap().to_owned(),
                change["before"].clone(),
                change["after"].clone(),
            )
        })
        .collect()
}

/// Messages of errors, with their codes; what is required and not set is only warned of in these projects.
fn errors(project: &Project) -> Vec<String> {
    told(project, |one| one["severity"] == "error")
}

/// Messages of those that a former name is told by.
fn former(project: &Project) -> Vec<String> {
    told(project, |one| one["code"] == "E0309" && one["severity"] == "warning")
}

fn told(project: &Project, wanted: impl Fn(&Value) -> bool) -> Vec<String> {
    let said = project.run(&["validate", "-o", "json"]).json();
    let found = said["findings"].as_array().unwrap().iter().filter(|one| wanted(one));
    found
        .map(|one| format!("{} {}", one["code"].as_str().unwrap(), one["message"].as_str().unwrap()))
        .collect()
}

#[test]
fn a_renamed_setting_keeps_what_is_deployed_and_fix_writes_its_new_name() {
    for project in each_kind() {
        // A pair whose payment methods have a mapping, and no records.
        let (head, _) = RENAMED.split_once("settings:").unwrap();
        let plain = format!("{head}settings:\n  payment_methods: {{methods: null}}\n");
        project.write("schemas/pairs/fortnox-shopify.yaml", &plain);
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "  order:", "  # the day we moved\n  order:");
        project.write("schemas/pairs/fortnox-shopify.yaml", RENAMED);
        assert_eq!(
            former(&project),
            ["E0309 `exclude_before` is called `not_before` now", "E0309 `map` is called `terms` now"]
        );
        // It is read as what it is called now, and means the same.
        project.run(&["plan", "--detailed-exitcode"]).expect(0);
        // Nobody is there to ask, and so nothing is written.
        let before = std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap();
        let shown = project.run(&["fix"]).expect(5);
        assert!(
            shown.out.contains("\n-    map: {Klarna") && shown.out.contains("\n+    terms: {Klarna"),
            "{}",
            shown.out
        );
        assert_eq!(std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap(), before);

        project.run(&["fix", "--code", "E0309", "--yes"]).expect(0);
        let expected = before.replace("{exclude_before:", "{not_before:").replace("    map:", "    terms:");
        assert_eq!(std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap(), expected);
        let again = project.run(&["fix", "--yes"]).expect(0);
        assert!(again.err.contains("Nothing to mend"), "{}", again.err);
        project.run(&["plan", "--detailed-exitcode"]).expect(0);

        // An edit by hand still knows the old name.
        project.by_hand("UPDATE category SET settings = replace(settings, '2026-01-01', '2026-02-02') WHERE category = 'order'");
        let drift = project.run(&["drift", "--detailed-exitcode", "-o", "json"]).expect(2).json();
        assert_eq!(changes(&drift), [("not_before".to_owned(), json!("2026-01-01"), json!("2026-02-02"))]);
        project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '14'");
        let plan = project.run(&["plan", "-o", "json"]).expect(0).json();
        assert_eq!(
            changes(&plan),
            [
                ("not_before".to_owned(), json!("2026-02-02"), json!("2026-01-01")),
                ("terms.Klarna".to_owned(), json!("30"), json!("14"))
            ]
        );
        project.run(&["apply", "--yes"]).expect(0);
        let rows = project.store().read(None).unwrap();
        let order = rows.iter().find(|row| row.category == "order").unwrap();
        assert_eq!(pairform::model::to_json(&order.settings), json!({"not_before": "2026-01-01"}));
        // The way back leads to the values, under the names of today.
        let back = ["revert", "shop", "--category", "payment_methods", "--revision", "1", "-o", "json"];
        let back = project.run(&back).expect(0).json();
        assert_eq!(changes(&back), [("terms.Klarna".to_owned(), json!("14"), json!("30"))]);
    }
}

#[test]
fn both_names_in_one_file_cannot_be_mended_and_neither_can_a_name_that_two_claim() {
    let project = Project::sqlite();
    project.write("schemas/pairs/fortnox-shopify.yaml", RENAMED);
    project.edit("integrations/shop.yaml", "{exclude_before:", "{not_before: 2026-03-01, exclude_before:");
    project.run(&["fix", "--code", "E0309", "--yes"]).expect(0);
    assert_eq!(errors(&project), ["E0309 `exclude_before` is called `not_before` now"]);
    let taken = RENAMED.replace("x-renamed-from: exclude_before", "x-renamed-from: creates");
    let twice = format!(
        "{RENAMED}    other: {{title: Other, description: Other., type: string, x-renamed-from: map}}\n"
    );
    for (pair, why) in [(taken, "is the name of a setting"), (twice, "so does `other`")] {
        project.write("schemas/pairs/fortnox-shopify.yaml", &pair);
        let said = errors(&project).join("\n");
        assert!(said.contains("E0340") && said.contains(why), "{said}");
    }
}

/// Gives the integration another file and id; says what it was called.
fn rename(project: &Project, from: &str, to: &str) {
    let text = std::fs::read_to_string(project.path(&format!("integrations/{from}.yaml"))).unwrap();
    let own =
        text.lines().filter(|line| !line.starts_with("renamed_from") && !line.starts_with("integration"));
    let own: Vec<&str> = own.collect();
    project.write(
        &format!("integrations/{to}.yaml"),
        &format!("integration: {to}\nrenamed_from: {from}\n{}\n", own.join("\n")),
    );
    std::fs::remove_file(project.path(&format!("integrations/{from}.yaml"))).unwrap();
}

#[test]
fn a_renamed_integration_takes_over_what_is_deployed() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand("UPDATE category SET settings = replace(settings, '2026-01-01', '2026-02-02') WHERE category = 'order'");
        rename(&project, "shop", "store");
        let drift = project.run(&["drift", "-o", "json"]).expect(0).json();
        assert_eq!(
            changes(&drift),
            [("exclude_before".to_owned(), json!("2026-01-01"), json!("2026-02-02"))]
        );
        let plan = project.run(&["plan", "--out", "p.plan", "--detailed-exitcode"]).expect(2);
        assert!(
            plan.out.contains("renamed from shop")
                && plan.out.contains("1 integration: 1 renamed, 1 category to save")
        );
        assert!(!plan.out.contains("Released: in no file any more"), "{}", plan.out);
        project.run(&["apply", "p.plan"]).expect(0);
        project.run(&["apply", "p.plan"]).expect(4);
        project.run(&["plan", "--detailed-exitcode"]).expect(0);
        let rows = project.store().read(None).unwrap();
        assert!(rows.iter().all(|row| row.integration == "store"), "{rows:?}");
        let revision = |category: &str| rows.iter().find(|row| row.category == category).unwrap().revision;
        assert_eq!((revision("order"), revision("general")), (3, 1));
        // Its history goes back to before it was renamed.
        let history = project.run(&["history", "store", "--category", "order"]).expect(0);
        let told: Vec<&str> = ["revision 3", "revision 2", "revision 1"]
            .into_iter()
            .filter(|revision| history.out.contains(&format!("store order  {revision}")))
            .collect();
        assert_eq!(told.len(), 3, "{}", history.out);
        // The name that it had leads there too.
        let former = project.run(&["history", "shop", "--category", "order"]).expect(0);
        assert_eq!((former.out, former.err.as_str()), (history.out, "shop is called store now\n"));
        let back = project.run(&["revert", "shop", "--revision", "2", "--category", "order"]).expect(64);
        assert!(back.err.contains("shop is called store now"), "{}", back.err);
        let back = project
            .run(&["revert", "store", "--category", "order", "--revision", "2", "-o", "json"])
            .expect(0);
        assert_eq!(changes(&back.json())[0].2, json!("2026-02-02"));

        // Back to the first name, with nothing else to save; and a rename that was done is nothing to do.
        rename(&project, "store", "shop");
        let plan = project.run(&["plan"]).expect(0);
        assert!(
            plan.out.contains("renamed from store") && plan.out.contains("0 categories to save"),
            "{}",
            plan.out
        );
        let applied = project.run(&["apply", "--yes"]).expect(0);
        assert!(applied.out.contains("store → shop renamed"), "{}", applied.out);
        project.run(&["plan", "--detailed-exitcode"]).expect(0);
        let history = project.run(&["history", "shop", "--category", "order", "-o", "json"]).expect(0).json();
        assert_eq!(history["saves"].as_array().map(Vec::len), Some(3), "{history:#}");
    }
}

/// A rename saves no category, and is held all the same.
#[test]
fn a_hold_and_a_window_hold_a_rename_too() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        rename(&project, "shop", "store");
        let closed = format!("environments: {{t: {{store: 'sqlite:x.db', window: {}}}}}", closed_window());
        for (rule, check) in [
            ("safety: {holds: {shop: the auditors are here}}", "shop is on hold"),
            ("safety: {holds: {store: the auditors are here}}", "store is on hold"),
            (&*closed, "window"),
        ] {
            project.write("pairform.yaml", &format!("version: 1\n{rule}\n"));
            let refused = project.run(&["apply", "--yes"]).expect(5);
            assert!(refused.err.contains(check), "{}", refused.err);
        }
        project.write("pairform.yaml", "version: 1\n");
        project.run(&["apply", "--yes"]).expect(0);
    }
}

#[test]
fn a_file_that_was_moved_without_a_word_is_taken_for_a_rename_perhaps() {
    let project = Project::sqlite();
    project.shop("other", "Other", "14");
    project.run(&["apply", "--yes"]).expect(0);
    rename(&project, "shop", "store");
    project.edit("integrations/store.yaml", "renamed_from: shop\n", "");
    let plan = project.run(&["plan"]).expect(0);
    assert!(plan.out.contains("if it was renamed, write `renamed_from: shop`"), "{}", plan.out);
    project.shop("store", "Something else", "10");
    project.edit("integrations/store.yaml", "Klarna: '30'", "Klarna: '7'");
    let plan = project.run(&["plan"]).expect(0);
    assert!(!plan.out.contains("if it was renamed"), "{}", plan.out);
}

/// Plans a rename and a change in `p.plan`, and applies the rename and nothing more, as if it was killed then.
fn rename_alone(project: &Project) {
    project.run(&["apply", "--yes"]).expect(0);
    rename(project, "shop", "store");
    project.edit("integrations/store.yaml", "Klarna: '30'", "Klarna: '14'");
    project.run(&["plan", "--out", "p.plan"]).expect(0);
    let plan = std::fs::read_to_string(project.path("p.plan")).unwrap();
    let plan: Value = serde_json::from_str(&plan).unwrap();
    let (run, at) = (plan["digest"].as_str().unwrap(), "2026-12-01T00:00:00Z");
    let mut store = project.store();
    store.begin(run, at, "ann", pairform::store::Origin::default()).unwrap();
    let rename = pairform::store::Rename { from: "shop", to: "store", at, by: "ann", run };
    assert_eq!(store.rename(&rename).unwrap(), pairform::store::Moved::Moved(5));
}

#[test]
fn a_rename_that_was_interrupted_is_finished() {
    for project in each_kind() {
        rename_alone(&project);
        project.run(&["apply", "p.plan"]).expect(0);
        project.run(&["plan", "--detailed-exitcode"]).expect(0);
    }
}

#[test]
fn a_rename_that_was_done_before_lets_no_apply_pass_over_what_moved_since() {
    for project in each_kind() {
        rename_alone(&project);
        // The one category that is left to save was saved by somebody else.
        project.by_hand("UPDATE category SET revision = revision + 1 WHERE category = 'payment_methods'");
        let ran = project.run(&["apply", "p.plan"]).expect(4);
        assert!(ran.err.contains("payment_methods of store: "), "{}", ran.err);
    }
}

/// The connection breaks in the middle of a rename: nothing else of that integration is tried, and no more is said to be in
/// doubt than is.
#[test]
fn where_a_rename_is_in_doubt_nothing_else_of_the_integration_is_tried() {
    let Some(project) = each_kind().into_iter().find(|project| project.url.starts_with("postgres")) else {
        return;
    };
    project.shop("other", "Other", "30");
    project.run(&["apply", "--yes"]).expect(0);
    rename(&project, "shop", "store");
    project.edit("integrations/store.yaml", "Klarna: '30'", "Klarna: '14'");
    project.edit("integrations/other.yaml", "Klarna: '30'", "Klarna: '14'");
    project.by_hand(
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           PERFORM pg_terminate_backend(pg_backend_pid());
           RETURN NEW;
         END $$;
         CREATE TRIGGER cut AFTER UPDATE ON category FOR EACH ROW
         WHEN (NEW.integration <> OLD.integration) EXECUTE FUNCTION cut()",
    );
    let ran = project.run(&["apply", "--yes"]).expect(3);
    assert!(ran.out.contains("shop → store not renamed: the store"), "{}", ran.out);
    assert_eq!(ran.out.matches("failed in the middle of a save").count(), 1, "{}", ran.out);
    let skipped = "payment_methods    skipped: it is not known whether `shop` was renamed to `store`";
    assert!(ran.out.contains(skipped), "{}", ran.out);
    assert!(ran.out.contains("1 category saved, 1 not saved"), "{}", ran.out);
    project.by_hand("DROP TRIGGER cut ON category");
    project.run(&["apply", "--yes"]).expect(0);
    project.run(&["plan", "--detailed-exitcode"]).expect(0);
    assert!(project.store().locks().unwrap().is_empty());
}

#[test]
fn a_plan_of_a_rename_is_stale_when_either_id_was_saved_since() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        let other = project.sibling();
        rename(&project, "shop", "store");
        project.edit("integrations/store.yaml", "Klarna: '30'", "Klarna: '14'");
        project.run(&["plan", "--out", "one.plan"]).expect(0);
        other.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '10'");
        other.run(&["apply", "--yes"]).expect(0);
        assert!(project.run(&["apply", "one.plan"]).expect(4).err.contains("payment_methods of store"));
        project.run(&["plan", "--out", "two.plan"]).expect(0);
        other.shop("store", "Other", "30");
        std::fs::remove_file(other.path("integrations/shop.yaml")).unwrap();
        other.run(&["apply", "--yes"]).expect(0);
        let stale = project.run(&["apply", "two.plan"]).expect(4);
        assert!(stale.err.contains("saved under this id"), "{}", stale.err);
        // By now there are two; the former one is no longer managed.
        let plan = project.run(&["plan"]).expect(0);
        assert!(
            !plan.out.contains("renamed from") && plan.out.contains("Released: in no file any more"),
            "{}",
            plan.out
        );
    }
}

#[test]
fn a_stale_plan_says_what_became_of_a_category_that_is_gone() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '14'");
        project.run(&["plan", "--out", "old.plan"]).expect(0);
        rename(&project, "shop", "store");
        project.run(&["apply", "--yes"]).expect(0);
        let stale = project.run(&["apply", "old.plan"]).expect(4).err;
        assert!(stale.contains("payment_methods of shop: ann renamed shop to store at 20"), "{stale}");
        project.edit("integrations/store.yaml", "Klarna: '14'", "Klarna: '15'");
        project.run(&["plan", "--out", "old.plan"]).expect(0);
        project.by_hand("DELETE FROM category WHERE category = 'payment_methods'");
        let stale = project.run(&["apply", "old.plan"]).expect(4).err;
        assert!(stale.contains("payment_methods of store: it was removed outside pairform at 20"), "{stale}");
    }
}

#[test]
fn a_former_id_that_is_in_use_or_claimed_twice_is_an_error() {
    let project = Project::sqlite();
    project.shop("one", "One", "30");
    project.edit("integrations/one.yaml", "integration: one", "integration: one\nrenamed_from: shop");
    assert_eq!(errors(&project), ["E0217 `shop` was not renamed"]);
    project.edit("integrations/one.yaml", "renamed_from: shop", "renamed_from: one");
    assert_eq!(errors(&project), ["E0217 `one` was not renamed"]);
    project.edit("integrations/one.yaml", "renamed_from: one", "renamed_from: gone");
    assert_eq!(errors(&project), Vec::<String>::new());
    project.edit("integrations/shop.yaml", "integration: shop", "integration: shop\nrenamed_from: gone");
    assert_eq!(errors(&project), ["E0217 two integrations say that they were called `gone`"]);
}

/// A mend is kept only where it leads on: never what an expression yields, never one that breaks something else, and
/// never one that another takes back.
#[test]
fn fix_makes_no_mend_that_breaks_something_else() {
    let head = "integration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n";
    for (settings, left) in [
        ("  order: {skip_test: \"{{ wanted }}\"}\n", "E0303"),
        ("  order: {delivery_days: 0012}\n", "E0321"),
        ("  general: {name: &x \"true\"}\n  order: {skip_test: *x}\n", "E0303"),
    ] {
        let project = Project::sqlite();
        project.write("pairform.yaml", "version: 1\ndefault_environment: t\nenvironments:\n  t: {store: \"sqlite:t.db\", vars: {wanted: \"true\"}}\n");
        project.write("integrations/shop.yaml", &format!("{head}{settings}"));
        let before = std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap();
        let ran = project.run(&["fix", "--yes"]).expect(0);
        assert!(ran.err.contains("Nothing to mend"), "{settings}: {}", ran.err);
        assert_eq!(std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap(), before);
        assert!(errors(&project)[0].starts_with(left), "{:?}", errors(&project));
    }
    // Two keys that could both be the same one: a guess makes one of them and leaves the other.
    let project = Project::sqlite();
    project.write("integrations/shop.yaml", &format!("{head}  general: {{nmae: A, naem: B}}\n"));
    project.run(&["fix", "--guesses", "--yes"]).expect(0);
    assert_eq!(errors(&project).len(), 1, "{:?}", errors(&project));
}
