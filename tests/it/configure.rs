//! The Configure section in a browser without scripts: the real server, its pages and forms, what somebody does and what he is told.
//! Where a test is about a sentence of the page that describes the section, the sentence stands above it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use pairform::model;
use pairform::store::{self, Save};
use serde_json::json;

use crate::forms_of_pages::{Form, words};
use crate::run::Project;
use crate::serve::{Answer, read_answer};

/// A server with its pages, stopped when it is dropped.
pub struct Pages {
    child: Child,
    pub origin: String,
    /// What it prints after its first line.
    lines: mpsc::Receiver<String>,
    pub store: String,
    pub project: Project,
}

/// The example of a group of shops, committed and applied.
pub fn example() -> Project {
    let project = Project::copy_example("nordic-group");
    git(&project, &["init", "-q", "."]);
    commit(&project);
    let done = pairform(&project).args(["apply", "--yes", "--allow-live"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    project
}

pub fn git(project: &Project, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=ann", "-c", "user.email=ann@example.com"])
        .args(arguments)
        .current_dir(project.path())
        .status();
    assert!(done.unwrap().success());
}

pub fn commit(project: &Project) {
    git(project, &["add", "-A"]);
    git(project, &["commit", "-qm", "What there is"]);
}

pub fn pairform(project: &Project) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
    command.current_dir(project.path()).env("PAIRFORM_ACTOR", "ann");
    command
}

impl Pages {
    pub fn start(project: Project, more: &[&str]) -> Pages {
        let mut child = pairform(&project)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out: BufReader<ChildStdout> = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let origin = line.trim().strip_prefix("listening on ").expect(&line).to_owned();
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let store = format!("sqlite:{}", project.path().join(".pairform/state.db").display());
        Pages { child, origin, lines, store, project }
    }

    /// The address that the next line names.
    pub fn link(&self) -> String {
        let line = self.lines.recv_timeout(Duration::from_secs(30)).unwrap();
        let at = line.split_whitespace().find(|word| word.starts_with("http")).expect(&line);
        at.strip_prefix(&self.origin).expect(&line).to_owned()
    }

    /// Somebody who opened the link.
    pub fn signed_in(&self) -> Browser<'_> {
        let mut browser = self.browser();
        browser.get(&self.link()).is(303);
        browser
    }

    /// Somebody else, once the link was used: whoever asks to sign in is given another.
    pub fn another(&self) -> Browser<'_> {
        self.browser().get("/sign-in");
        self.signed_in()
    }

    pub fn browser(&self) -> Browser<'_> {
        Browser { pages: self, cookies: BTreeMap::new(), headers: Vec::new() }
    }

    pub fn token(&self, arguments: &[&str]) -> String {
        let made = pairform(&self.project).args(["token", "create"]).args(arguments).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }

    /// Somebody changes a setting past every page.
    pub fn change_outside(&self, id: &str, category: &str, path: &str, value: serde_json::Value) {
        let mut store = store::open(&self.store).unwrap();
        let rows = store.read(Some(&[id.to_owned()])).unwrap();
        let row = rows.into_iter().find(|row| row.category == category).unwrap();
        let mut settings = row.settings.clone();
        settings.insert(model::SettingPath::parse(path).unwrap(), model::Value::from_json(&value));
        let save = Save {
            integration: id,
            category,
            expected_revision: row.revision,
            settings: &settings,
            applied: &row.applied,
            saved_by: "Sara Nyberg",
            saved_at: "2026-11-27T15:40:00Z",
            commit: None,
            run: "outside",
            fence: None,
            lease: None,
        };
        store.save(&save).unwrap();
    }

    pub fn deployed(&self, id: &str, category: &str) -> serde_json::Value {
        let mut store = store::open(&self.store).unwrap();
        let rows = store.read(Some(&[id.to_owned()])).unwrap();
        rows.iter()
            .find(|row| row.category == category)
            .map_or(json!({}), |row| model::to_json(&row.settings))
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A browser without scripts.
pub struct Browser<'p> {
    pages: &'p Pages,
    cookies: BTreeMap<String, String>,
    /// Sent with each request.
    pub headers: Vec<(&'static str, String)>,
}

impl Browser<'_> {
    pub fn ask(&mut self, method: &str, path: &str, body: Option<&str>) -> Answer {
        let host = self.pages.origin.strip_prefix("http://").unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        if !self.cookies.is_empty() {
            let all: Vec<String> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            head.push_str(&format!("Cookie: {}\r\n", all.join("; ")));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let body = body.unwrap_or_default();
        if method == "POST" {
            let kind = "application/x-www-form-urlencoded";
            head.push_str(&format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()));
        }
        let mut socket = TcpStream::connect(host).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        socket.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        let mut all = Vec::new();
        let _ = socket.read_to_end(&mut all);
        let mut answer = read_answer(&String::from_utf8_lossy(&all));
        answer.body = answer.body.replace("&#x2f;", "/");
        if let Some(cookie) = answer.headers.get("set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, None)
    }

    /// The page at a path.
    #[track_caller]
    pub fn page(&mut self, path: &str) -> String {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", words(&answer.body));
        answer.body
    }

    pub fn press(&mut self, form: &Form, button: &str) -> Answer {
        let body = form.press(button);
        self.ask("POST", &form.action, Some(&body))
    }

    /// Saves, and gives the page that follows.
    #[track_caller]
    pub fn save(&mut self, form: &Form) -> String {
        let answer = self.press(form, "save");
        assert_eq!(answer.status, 303, "{}", words(&answer.body));
        let to = answer.headers["location"].clone();
        self.page(&to)
    }
}

pub const NORDIC: &str = "/integrations/nordic-outdoor";
pub const LIVE: &str = "/integrations/cykelboden";

#[track_caller]
pub fn has(page: &str, text: &str) {
    assert!(words(page).contains(text), "`{text}` is not in: {}", words(page));
}

#[track_caller]
pub fn lacks(page: &str, text: &str) {
    assert!(!words(page).contains(text), "`{text}` is in: {}", words(page));
}

/// "The Configure section … is accessible from the left sidebar and contains four subsections: Settings, Connectors, Scheduling,
/// Webhooks." "The Settings page is organized into expandable categories." "Click on a category to open its settings page." "Not all
/// categories appear for every integration — the list adapts based on the connector pair and enabled flows." "A Clear Cache button": its
/// call has tests of its own.
#[test]
fn the_settings_page_lists_the_categories_of_the_pair_and_its_flows() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let page = browser.page(&format!("{NORDIC}/settings"));
    for (name, place) in [
        ("General", "general"),
        ("Settings", "settings"),
        ("Connectors", "connectors"),
        ("Scheduling", "scheduling"),
        ("Webhooks", "webhooks"),
    ] {
        assert!(page.contains(&format!("href=\"{NORDIC}/{place}\"")), "{name}");
        has(&page, name);
    }
    let common = [
        ("article", "Article"),
        ("stock", "Stock"),
        ("additional_filters", "Additional Filters"),
        ("general", "General Settings"),
        ("order", "Order Settings"),
        ("customer", "Customer Settings"),
        ("invoice", "Invoice Settings"),
        ("order_lines", "Order Lines"),
        ("shipping_methods", "Shipping Methods"),
        ("payment_methods", "Payment Methods"),
        ("sales_accounts", "Sales Account mapping & OSS VAT"),
    ];
    for (id, title) in common {
        has(&page, title);
        let address = format!("{NORDIC}/settings/{id}");
        assert!(page.contains(&format!("href=\"{address}\"")), "{address}");
        has(&browser.page(&address), title);
    }
    assert_eq!(page.matches("<details class=\"fold\">").count(), 10, "each that has values opens");
    has(&page, "Changes take effect at the next sync. What was synced already keeps its old values.");
    // Business Central decides VAT by its posting groups: it has no sales accounts.
    lacks(&browser.page("/integrations/polar-gear-no/settings"), "Sales Account mapping");
    assert!(browser.get("/integrations/polar-gear-no/settings/sales_accounts").status == 404);
    // Without stock there is nothing to set of it.
    let form = Form::of(&browser.page(&format!("{NORDIC}/general")), "flows");
    let said = browser.page(&format!("{NORDIC}/general"));
    has(&said, "With this off, Stock is not shown. What is saved in it stays.");
    // A rule that would run a flow that is off is an error here, by the levels of this project: told with its code.
    let refused = browser.press(&form.set("s.stock", "off"), "save");
    assert_eq!(refused.status, 422);
    has(&refused.body, "W0404");
    assert!(refused.body.contains(&format!("href=\"{NORDIC}/scheduling#f-stock.flow\"")));
    assert_eq!(
        Form::of(&refused.body, "flows").get("s.stock"),
        Some("off"),
        "what was chosen is still there"
    );
}

/// The pages and the fields of all settings that an integration lacks, but for its connections.
pub fn missing(browser: &mut Browser<'_>, base: &str) -> Vec<(String, String)> {
    let page = browser.page(&format!("{base}/settings"));
    let listed = page.split("Missing:").nth(1).and_then(|rest| rest.split("</section>").next());
    let links = listed.into_iter().flat_map(|listed| listed.split("href=\"").skip(1));
    let links = links.filter_map(|rest| rest.split('"').next()?.split_once("#f-"));
    let own = format!("{base}/settings/");
    let own = links.filter(|(address, _)| address.starts_with(&own));
    own.map(|(address, field)| (address.to_owned(), field.to_owned())).collect()
}

/// Sets a required setting to something that it can be, and gives the page that follows.
pub fn fill_in(browser: &mut Browser<'_>, address: &str, field: &str) -> String {
    let form = Form::of(&browser.page(address), address.rsplit('/').next().unwrap());
    let name = format!("s.{field}");
    let first = form.choices.get(&name).and_then(|all| all.iter().find(|one| !one.is_empty())).cloned();
    let form = match (field, first) {
        ("home_country", _) => form.set(&name, "SE"),
        ("default_culture", _) => form.set(&name, "sv"),
        ("oss_enabled", _) => form.set(&name, "off"),
        ("exclude_before", _) => form.set(&name, "2026-01-01"),
        (_, Some(first)) if form.get("has") == Some(field) => form.check(&name, &first),
        (_, Some(first)) => form.set(&name, &first),
        ("methods" | "map" | "home" | "countries", None) => {
            form.set(&format!("key.{field}"), "25").set(&format!("value.{field}"), "3001")
        }
        (_, None) => form.set(&name, "1"),
    };
    browser.save(&form)
}

/// Connects both platforms of an integration of Shopify and Fortnox.
pub fn connect(browser: &mut Browser<'_>, base: &str) {
    let connectors = format!("{base}/connectors");
    let shopify: &[(&str, &str)] = &[("shop", "grona-vagen"), ("access_token", "env/S_TOKEN")];
    let fortnox: &[(&str, &str)] =
        &[("tenant_id", "1234567"), ("client_id", "env/F_ID"), ("client_secret", "env/F_SECRET")];
    for (connector, fields) in [("shopify", shopify), ("fortnox", fortnox)] {
        let form = Form::of(&browser.page(&connectors), "connectors");
        let added = browser.press(
            &form.set(&format!("key.{connector}.connections"), "main"),
            &format!("add:{connector}.connections"),
        );
        let mut form = Form::of(&added.body, "connectors").set(&format!("s.{connector}.active"), "main");
        for (field, value) in fields {
            form = form.set(&format!("s.{connector}.connections.main.{field}"), value);
        }
        browser.save(&form);
    }
}

/// "Some settings are marked as required and display a yellow banner." "A yellow banner appears for required settings that have not yet
/// been saved." "These must be configured before syncing can begin." "Rename the integration", "Toggle Onboarding mode on or off", "Set the
/// integration to Live mode", "Enable or disable individual flows". "This page is accessible … via the URL /integrations/{id}/general."
#[test]
fn a_new_integration_goes_live_once_what_is_required_is_saved() {
    const BANNER: &str = "This setting is required and must be saved.";
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let form = Form::all(&browser.page("/integrations/new"))
        .into_iter()
        .find(|form| form.action == "/integrations/new");
    let form = form.unwrap().set("name", "Gröna Vägen").set("pair", "fortnox-shopify");
    let made = browser.press(&form, "");
    assert_eq!((made.status, made.headers["location"].as_str()), (303, "/integrations/grona-vagen/general"));
    assert_eq!(browser.press(&form, "").status, 409, "a second press makes no second");
    let general = "/integrations/grona-vagen/general";
    let page = browser.page(general);
    has(&page, "Live can be switched on when nothing is missing:");
    has(&page, "Gröna Vägen");
    // Live before that is refused, with the same code as on the command line, and a link to what is missing.
    let refused = browser
        .press(&Form::of(&page, "general").set("s.live_mode", "on").set("s.onboarding_mode", "off"), "save");
    assert_eq!(refused.status, 422);
    has(&refused.body, "General Settings was not saved");
    has(&refused.body, "E0312");
    assert!(
        refused.body.contains("href=\"/integrations/grona-vagen/settings/order#f-exclude_before\""),
        "a link to its page"
    );
    assert_eq!(
        Form::of(&refused.body, "general").get("s.live_mode"),
        Some("on"),
        "what was typed is still there"
    );
    // Fewer flows ask for less.
    let mut flows = Form::of(&page, "flows");
    for flow in ["articles", "stock", "customers", "invoices", "refunds"] {
        flows = flows.set(&format!("s.{flow}"), "off");
    }
    browser.save(&flows);
    let settings = browser.page("/integrations/grona-vagen/settings");
    has(&settings, "Not shown, since no flow that they are for is on: Article, Stock,");
    assert!(!settings.contains("href=\"/integrations/grona-vagen/settings/stock\""));
    has(&browser.page("/integrations/grona-vagen/settings/stock"), "No flow that this is for is on");
    // Each required setting is filled in at its field, whatever it is typed in.
    while let Some((address, field)) = missing(&mut browser, "/integrations/grona-vagen").first().cloned() {
        has(&browser.page(&address), BANNER);
        let after = fill_in(&mut browser, &address, &field);
        let id = format!("id=\"f-{field}\"");
        let part = after.split(&id).nth(1).unwrap().split("<div class=\"field\"").next().unwrap();
        let part = part.split("<div class=\"field field-wide\"").next().unwrap();
        assert!(!part.contains(BANNER), "{field} still asks: {}", words(part));
        // "Date pickers — set date cutoffs"
        assert!(field != "exclude_before" || part.contains("type=\"date\""));
    }
    let page = browser.page(general);
    // Without a connection nothing can sync, whatever is set.
    lacks(&page, "it can go live");
    has(&page, "Live can be switched on when nothing is missing: A connection of Shopify");
    lacks(&browser.page("/integrations/grona-vagen/settings"), "Set the integration live");
    connect(&mut browser, "/integrations/grona-vagen");
    let page = browser.page(general);
    has(&page, "Nothing is missing; it can go live.");
    has(&browser.page("/integrations/grona-vagen/settings"), "Set the integration live");
    let form = Form::of(&page, "general")
        .set("s.live_mode", "on")
        .set("s.onboarding_mode", "off")
        .set("s.name", "Gröna Vägen AB");
    let after = browser.save(&form);
    has(&after, "General Settings is saved as revision 2.");
    has(&after, "Gröna Vägen AB");
    assert_eq!(
        pages.deployed("grona-vagen", "general"),
        json!({"live_mode": true, "name": "Gröna Vägen AB", "onboarding_mode": false})
    );
    has(&browser.page("/integrations?mode=live&q=gröna"), "Gröna Vägen AB");
}

/// "Many categories also have an Additional Settings section that is collapsed by default. These are labeled 'These settings are not
/// needed in most situations' and show a count (e.g., 'show 1 setting')." "Dropdowns", "Date pickers", "Text inputs", "Toggles".
#[test]
fn fields_are_of_the_described_types_and_additional_ones_are_folded() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let address = format!("{LIVE}/settings/additional_filters");
    let page = browser.page(&address);
    assert!(page.contains("<details class=\"more\"><summary>"), "folded");
    has(&page, "Additional Settings These settings are not needed in most situations show 8 settings");
    // A toggle says what holds while it is not set, a dropdown has the labels of the platform.
    has(&page, "On Off Not set (Off)");
    let invoice = browser.page(&format!("{LIVE}/settings/invoice"));
    assert!(invoice.contains("<select class=\"in\""));
    has(&invoice, "Invoice Cash invoice");
    let order = browser.page(&format!("{NORDIC}/settings/order"));
    has(&order, "Exclude orders created before this date");
    // An error inside the folded part opens it, and the summary leads to its field.
    let form = Form::of(&page, "additional_filters").set("s.min_order_value", "-5");
    let refused = browser.press(&form, "save");
    assert_eq!(refused.status, 422);
    assert!(refused.body.contains("<details class=\"more\" open>"));
    assert!(refused.body.contains("<a href=\"#f-min_order_value\">"), "{}", words(&refused.body));
    assert!(refused.body.contains("aria-invalid=\"true\""));
    assert!(refused.body.contains("<title>Error: "));
    // One that is set stands open.
    browser.save(&Form::of(&refused.body, "additional_filters").set("s.min_order_value", "5"));
    assert!(browser.page(&address).contains("<details class=\"more\" open>"));
}

/// "Each settings category has its own Save button. Changes are saved per category." "Settings changes take effect on the next sync —
/// they do not retroactively modify already-synced data."
#[test]
fn a_save_moves_what_was_changed_and_nothing_else() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let before = pages.deployed("nordic-outdoor", "order");
    let page = browser.page(&format!("{NORDIC}/settings/order"));
    has(&page, "Save Order Settings");
    has(&page, "Saves Order Settings as revision 2. This integration is live.");
    has(&page, "What was synced already keeps its old values.");
    // Nothing changed makes no revision.
    has(&browser.save(&Form::of(&page, "order")), "Nothing of Order Settings was changed");
    let form = Form::of(&page, "order").set("s.delivery_days", "3").set("s.cancelled_action", "nothing");
    let after = browser.save(&form);
    has(&after, "Order Settings is saved as revision 2.");
    let mut expected = before;
    expected["delivery_days"] = 3.into();
    expected["cancelled_action"] = "nothing".into();
    assert_eq!(pages.deployed("nordic-outdoor", "order"), expected);
    // A second press of the same form is the same save.
    let again = browser.press(&form, "save");
    assert_eq!(
        (again.status, again.headers["location"].as_str()),
        (303, "/integrations/nordic-outdoor/settings/order?saved=order.2")
    );
    // What goes back to nothing goes back to its default.
    browser.save(&Form::of(&after, "order").set("s.delivery_days", "").set("s.cancelled_action", ""));
    assert_eq!(pages.deployed("nordic-outdoor", "order").get("delivery_days"), None);
}

#[test]
fn two_people_on_two_categories_both_save_and_on_one_nothing_is_lost() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let order = browser.page(&format!("{NORDIC}/settings/order"));
    let stock = browser.page(&format!("{NORDIC}/settings/stock"));
    browser.save(&Form::of(&stock, "stock").set("s.max_quantity", "50"));
    browser.save(&Form::of(&order, "order").set("s.delivery_days", "3").set("s.update_existing", "off"));
    // The first page once more, as the other tab still has it.
    let form = Form::of(&order, "order").set("s.delivery_days", "5").set("s.cancelled_action", "nothing");
    let stale = browser.press(&form, "save");
    assert_eq!(stale.status, 412);
    has(&stale.body, "Order Settings was saved by you, in another tab, after you opened it:");
    has(&stale.body, "Nothing of yours was saved, and nothing that you typed is lost.");
    has(&stale.body, "3 settings differ 1 was changed by both of you");
    let choice = Form::of(&stale.body, "order");
    assert_eq!(choice.get("pick.cancelled_action"), Some("mine"));
    assert_eq!(choice.get("pick.update_existing"), Some("now"));
    assert_eq!(choice.get("pick.delivery_days"), None, "nobody chooses for both");
    let open = browser.press(&choice, "save");
    assert_eq!(open.status, 422);
    has(&open.body, "Days to delivery date is still to be chosen.");
    browser.save(&Form::of(&open.body, "order").set("pick.delivery_days", "mine"));
    let now = pages.deployed("nordic-outdoor", "order");
    assert_eq!(
        (&now["delivery_days"], &now["cancelled_action"], &now["update_existing"]),
        (&json!(5), &json!("nothing"), &json!(false))
    );
}

#[test]
fn what_git_owns_is_shown_with_its_line_and_a_change_of_it_needs_a_reason() {
    let pages = Pages::start(example(), &[]);
    pages.change_outside("nordic-outdoor", "payment_methods", "default_terms_of_payment", json!("14"));
    let mut browser = pages.signed_in();
    let page = browser.page(&format!("{NORDIC}/settings/payment_methods"));
    has(&page, "bases/fortnox.yaml:29");
    has(
        &page,
        "Changed outside by Sara Nyberg, 27 Nov 15:40 UTC. Git says 30 dagar netto; the next apply sets it back.",
    );
    let form = Form::of(&page, "payment_methods");
    assert_eq!(form.get("s.default_terms_of_payment"), None, "no control for what is git's");
    // Set back is at hand, and what else is typed stays typed.
    let typed = form.clone().set("s.fee_account", "6570");
    let after = browser.press(&typed, "set-back:default_terms_of_payment");
    assert_eq!(after.status, 200);
    has(
        &after.body,
        "is set back, as revision 3. What you typed in Payment Methods is still here. It is not saved yet.",
    );
    assert_eq!(pages.deployed("nordic-outdoor", "payment_methods")["default_terms_of_payment"], "30");
    assert_eq!(Form::of(&after.body, "payment_methods").get("s.fee_account"), Some("6570"));
    browser.save(&Form::of(&after.body, "payment_methods"));
    // A form that moves git's all the same is refused as a whole, with the line; with a reason it is an override.
    let mut forged =
        Form::of(&browser.page(&format!("{NORDIC}/settings/payment_methods")), "payment_methods");
    forged.fields.push(("s.default_terms_of_payment".to_owned(), "10".to_owned()));
    let refused = browser.press(&forged, "save");
    assert_eq!(refused.status, 409);
    has(&refused.body, "Default terms of payment was not saved: git owns it. Nothing else was saved either.");
    has(&refused.body, "bases/fortnox.yaml:29");
    forged.fields.push(("reason".to_owned(), "the bank asks for it".to_owned()));
    let mut again = forged.clone();
    again.fields.retain(|(name, _)| name != "key");
    browser.save(&again);
    assert_eq!(pages.deployed("nordic-outdoor", "payment_methods")["default_terms_of_payment"], "10");
}

/// "Maps payment method names from the source platform to payment terms in the target." "Maps EU countries and VAT rates to specific sales
/// accounts." Rows come and go without a script, and from a sheet.
#[test]
fn rows_of_a_mapping_come_and_go_without_a_script() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let address = format!("{NORDIC}/settings/sales_accounts");
    let form = Form::of(&browser.page(&address), "sales_accounts");
    let added = browser.press(&form.clone().set("key.home", "7").set("value.home", "3003"), "add:home");
    assert_eq!(added.status, 200);
    has(&added.body, "Home accounts › 7 % is added to the form. It is saved with the rest.");
    assert!(
        pages.deployed("nordic-outdoor", "sales_accounts")["home"].get("7").is_none(),
        "nothing is saved yet"
    );
    let form = Form::of(&added.body, "sales_accounts");
    assert_eq!(form.get("s.home.7"), Some("3003"));
    let removed = browser.press(&form, "remove:home.7");
    assert_eq!(Form::of(&removed.body, "sales_accounts").get("s.home.7"), None);
    // What stands in the last row when Save is pressed is a row too.
    browser.save(&form.clone().set("key.home", "8").set("value.home", "3002"));
    assert_eq!(pages.deployed("nordic-outdoor", "sales_accounts")["home"]["8"], 3002);
    let page = browser.page(&address);
    let form = Form::of(&page, "sales_accounts");
    let gone = browser.press(&form, "remove:home.8");
    browser.save(&Form::of(&gone.body, "sales_accounts"));
    assert!(pages.deployed("nordic-outdoor", "sales_accounts")["home"].get("8").is_none());
    // A sheet, by number and by name; what cannot be read stays, with its line.
    let form = Form::of(&browser.page(&address), "sales_accounts");
    let pasted = "SE2\nEE;default_account;3111\nEE;rates;22;3111\n";
    let read = browser.press(&form.set("paste.countries", pasted), "read:countries");
    assert_eq!(read.status, 200);
    has(&read.body, "2 rows were read into the form.");
    has(&read.body, "1 row could not be read. line 1: SE2");
    let form = Form::of(&read.body, "sales_accounts");
    assert_eq!(
        (form.get("s.countries.EE.rates.22"), form.get("paste.countries")),
        (Some("3111"), Some("SE2\n"))
    );
    let sheet = browser.get(&format!("{address}/sheet?mapping=countries"));
    assert_eq!(sheet.headers["content-type"], "text/csv; charset=utf-8");
    // Under a line that names its columns, in the words of the page.
    let lines: Vec<&str> = sheet.body.lines().collect();
    assert_eq!(lines[0], "\u{feff}Country;VAT rate;Account;Is called");
    assert_eq!(lines[1], "Germany;;3111;Försäljning Tyskland 19 % OSS");
    assert!(lines.contains(&"Finland;\"13,5\";3132;\"Försäljning Finland 13,5 % OSS\""), "{}", sheet.body);
    has(&browser.page(&address), "Country mapping");
    has(&browser.page(&address), "VAT rate Account Written in");
}

#[test]
fn whatever_is_typed_is_data_and_comes_back_as_it_was() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let address = format!("{LIVE}/settings/invoice");
    let long = "å".repeat(9_999);
    for text in [
        "<script>alert(1)</script>",
        "مرحبا abc",
        "{{ 7 * 7 }}",
        "a\n\n  b\n",
        "\"'&",
        long.as_str(),
        "NO",
        "007",
    ] {
        let form = Form::of(&browser.page(&address), "invoice");
        let page = browser.save(&form.set("s.email_body", text));
        assert!(!page.contains("<script>alert"), "{text}");
        assert_eq!(Form::of(&page, "invoice").get("s.email_body"), Some(text));
        assert_eq!(pages.deployed("cykelboden", "invoice")["email_body"], text);
        // Looked at and saved again it is what it was.
        has(&browser.save(&Form::of(&page, "invoice")), "was changed, so that nothing was saved");
    }
    let form = Form::of(&browser.page("/integrations/cykelboden/general"), "general");
    assert!(form.get("s.name").is_none_or(|name| !name.is_empty()));
}

#[test]
fn a_session_is_begun_once_ended_and_over() {
    let pages = Pages::start(example(), &[]);
    let link = pages.link();
    let mut browser = pages.browser();
    // Nobody comes in without it, and what is asked of it by others uses nothing up.
    assert_eq!(browser.get("/integrations").status, 200);
    has(&browser.page("/integrations"), "Open the link that the server printed");
    assert_eq!(browser.ask("HEAD", &link, None).status, 200);
    assert_eq!(browser.get("/sign-in?once=guessed").status, 403);
    let opened = browser.get(&link);
    assert_eq!((opened.status, opened.headers["location"].as_str()), (303, "/integrations"));
    let cookie = &opened.headers["set-cookie"];
    assert!(cookie.contains("; HttpOnly; SameSite=Lax") && cookie.contains("Path=/"), "{cookie}");
    let secret = browser.cookies.values().next().unwrap().clone();
    let file = std::fs::read(pages.project.path().join(".pairform/state.db")).unwrap();
    assert!(!String::from_utf8_lossy(&file).contains(&secret), "only its hash is kept");
    assert_eq!(pages.browser().get(&link).status, 403, "it works once");
    let next = pages.link();
    assert!(next.starts_with("/sign-in?once="), "whoever needs one gets the next");
    // A page is for nobody else to frame, keep or feed.
    let page = browser.get("/integrations");
    let policy = &page.headers["content-security-policy"];
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(page.headers["cache-control"], "private, no-store");
    assert!(
        !page.body.contains("style=\"") && !page.body.contains("http://") && !page.body.contains("https://"),
        "{}",
        page.body
    );
    // What somebody types when his session is over goes on with him.
    let form =
        Form::of(&browser.page(&format!("{NORDIC}/settings/order")), "order").set("s.delivery_days", "9");
    let out = Form::all(&page.body).into_iter().find(|form| form.action == "/sign-out").unwrap();
    assert_eq!(browser.press(&out, "").headers["location"], "/sign-in");
    assert!(browser.cookies.is_empty());
    let over = browser.press(&form, "save");
    assert_eq!(over.status, 401);
    has(&over.body, "What you typed is kept; sign in again and go on.");
    let mut other = pages.browser();
    other.get(&next).is(303);
    browser.cookies = other.cookies;
    let sign = Form::all(&over.body).into_iter().find(|form| form.action == "/sign-in").unwrap();
    let on = browser.press(&sign, "");
    has(&on.body, "What you typed is kept. It was not saved yet.");
    let on = Form::all(&on.body).into_iter().find(|form| form.action.ends_with("/settings/order")).unwrap();
    // He is shown the form again with what he typed, and saves it himself.
    let again = browser.press(&on, "");
    assert_eq!(again.status, 200);
    has(&again.body, "What you typed is still here. It was not saved yet.");
    assert_eq!(pages.deployed("nordic-outdoor", "order").get("delivery_days"), None);
    let form = Form::of(&again.body, "order");
    assert_eq!(form.get("s.delivery_days"), Some("9"));
    browser.save(&form);
    assert_eq!(pages.deployed("nordic-outdoor", "order")["delivery_days"], 9);
}

#[test]
fn a_form_of_another_site_or_of_another_session_saves_nothing() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let form =
        Form::of(&browser.page(&format!("{NORDIC}/settings/order")), "order").set("s.delivery_days", "9");
    for (name, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "http://evil.example"),
        ("Origin", "null"),
    ] {
        browser.headers = vec![(name, value.to_owned())];
        assert_eq!(browser.press(&form, "save").status, 403, "{name} {value}");
    }
    browser.headers.clear();
    for token in ["", "guessed"] {
        assert_eq!(browser.press(&form.clone().set("form", token), "save").status, 401);
    }
    assert_eq!(pages.deployed("nordic-outdoor", "order").get("delivery_days"), None);
    // A link from elsewhere opens a page; and a place to go on to is one of ours.
    browser.headers = vec![("Sec-Fetch-Site", "cross-site".to_owned())];
    assert_eq!(browser.get(&format!("{NORDIC}/settings")).status, 200);
    browser.headers.clear();
    let language = |then: &str| format!("then={then}&language=sv");
    for (then, to) in [
        ("/integrations/new", "/integrations/new"),
        ("//evil.example", "/integrations"),
        ("https://evil.example", "/integrations"),
    ] {
        assert_eq!(browser.ask("POST", "/language", Some(&language(then))).headers["location"], to);
    }
    has(&browser.page(&format!("{NORDIC}/settings")), "obligatoriska inställningar är sparade");
    assert!(browser.page("/integrations").contains("<html lang=\"sv\">"));
}

#[test]
fn a_token_signs_in_and_a_page_shows_what_it_may() {
    let project = example();
    let pages = Pages::start(project, &[]);
    pages.link();
    let token = pages.token(&[
        "karin",
        "--role",
        "editor",
        "--for-category",
        "stock",
        "--for-integration",
        "nordic-*",
    ]);
    let mut browser = pages.browser();
    let page = browser.page(&format!("{NORDIC}/settings/order"));
    has(&page, "It begins with pairform_");
    let form = Form::all(&page).into_iter().find(|form| form.action == "/sign-in").unwrap();
    let wrong = browser.press(&form.clone().set("token", "pairform_wrong"), "");
    assert_eq!(wrong.status, 401);
    has(&wrong.body, "The token is not known here");
    let right = browser.press(&form.set("token", &token), "");
    assert_eq!(
        (right.status, right.headers["location"].as_str()),
        (303, "/integrations/nordic-outdoor/settings/order")
    );
    let page = browser.page(&format!("{NORDIC}/settings/order"));
    has(&page, "You may look but not save here. Ask an admin for the role editor of Order Settings.");
    assert!(!page.contains("Save Order Settings"));
    has(&browser.page(&format!("{NORDIC}/settings/stock")), "Save Stock");
    assert_eq!(browser.get(&format!("{LIVE}/settings")).status, 404, "what he may not read is not there");
    lacks(&browser.page("/integrations"), "Cykelboden");
    // The end of the token is the end of the session.
    let revoked = pairform(&pages.project).args(["token", "revoke", "karin"]).status().unwrap();
    assert!(revoked.success());
    has(&browser.page("/integrations"), "Sign in");
}

#[test]
fn a_server_that_only_shows_shows_everything_and_saves_nothing() {
    let pages = Pages::start(example(), &["--read-only"]);
    let mut browser = pages.signed_in();
    let page = browser.page(&format!("{NORDIC}/settings/order"));
    has(&page, "Read only");
    assert!(!page.contains("Save Order Settings"));
    let token = Form::all(&page).into_iter().find_map(|form| form.get("form").map(str::to_owned)).unwrap();
    let body =
        format!("form={}&category=order&revision=1&s.delivery_days=9&do=save", token.replace(':', "%3A"));
    assert_eq!(browser.ask("POST", &format!("{NORDIC}/settings/order"), Some(&body)).status, 403);
}

/// "manage your platform credentials and connections", "set up automatic sync schedules", "configure real-time event-driven syncing".
#[test]
fn connections_schedules_and_webhooks_are_forms_like_all_others() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let address = format!("{LIVE}/webhooks");
    let form = Form::of(&browser.page(&address), "webhooks");
    let added = browser.press(&form.set("key.*", "orders-made"), "add:*");
    assert_eq!(added.status, 200, "{}", words(&added.body));
    let form = Form::of(&added.body, "webhooks").set("s.orders-made.connector", "woocommerce");
    let form = form.set("s.orders-made.topic", "order.created").set("s.orders-made.flow", "orders");
    browser.save(&form);
    let made = &pages.deployed("cykelboden", "webhooks")["orders-made"];
    assert_eq!(made, &json!({"connector": "woocommerce", "flow": "orders", "topic": "order.created"}));
    // A rule that runs after another, by its name; what is wrong with one is told at it.
    let address = format!("{LIVE}/scheduling");
    let form = Form::of(&browser.page(&address), "schedules");
    let added = browser.press(&form.set("key.*", "often"), "add:*");
    let form =
        Form::of(&added.body, "schedules").set("s.often.flow", "stock").set("s.often.every", "sometimes");
    let refused = browser.press(&form, "save");
    assert_eq!(refused.status, 422);
    has(&refused.body, "often › Interval cannot be \"sometimes\"");
    browser.save(&Form::of(&refused.body, "schedules").set("s.often.every", "5m"));
    has(&browser.page(&address), "often every 5 minutes");
    let connectors = browser.page(&format!("{LIVE}/connectors"));
    has(&connectors, "A credential is a reference: its value is never typed or shown here.");
    let scheduling = browser.page(&format!("{LIVE}/scheduling"));
    has(&scheduling, "What runs when");
    has(&scheduling, "every 15 minutes");
}

#[test]
fn the_history_shows_what_each_save_changed_and_leads_back() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let form = Form::of(&browser.page(&format!("{NORDIC}/settings/order")), "order");
    browser.save(&form.set("s.cancelled_action", "nothing"));
    let page = browser.page(&format!("{NORDIC}/history?category=order"));
    has(&page, "ann saved Order Settings, revision 2");
    has(&page, "applied commit");
    let back = browser.page(&format!("{NORDIC}/history/order/1"));
    has(&back, "Order Settings: back to revision 1");
    has(&back, "1 setting would change");
    let form = Form::all(&back).into_iter().find(|form| form.action.ends_with("/history/order/1")).unwrap();
    let done = browser.press(&form, "");
    assert_eq!(done.status, 303, "{}", words(&done.body));
    has(&browser.page(&done.headers["location"].clone()), "Order Settings is saved as revision 3.");
    assert_eq!(pages.deployed("nordic-outdoor", "order").get("cancelled_action"), None);
    assert_eq!(browser.press(&form, "").status, 303, "a second press is the same save");
}

#[test]
fn the_fleet_is_filtered_by_its_address() {
    let pages = Pages::start(example(), &[]);
    pages.change_outside("skog-outlet", "general", "time_zone", json!("Europe/Oslo"));
    let mut browser = pages.signed_in();
    let page = browser.page("/integrations");
    has(&page, "10 integrations.");
    has(&page, "1 was changed outside git.");
    for (query, expected, not) in [
        ("q=skog", "Skog Outlet", "Cykelboden"),
        ("pair=fortnox-woocommerce", "Cykelboden", "Skog Outlet"),
        ("look=1&q=skog", "Skog Outlet", "Cykelboden"),
        ("mode=onboarding", "Keramikverkstan", "Cykelboden"),
        ("q=no+such", "No integration fits", "Cykelboden"),
    ] {
        let page = browser.page(&format!("/integrations?{query}"));
        has(&page, expected);
        lacks(&page, not);
    }
    // What is not connected needs a look as well; what only waits for an apply is asked for by itself.
    has(&browser.page("/integrations?look=1"), "Cykelboden");
    lacks(&page, "Waits for an apply");
}
