//! Attacks on a review: a branch that lowers what it is judged by, words its own review, or reads what is no source. Each comes
//! in several variants, and each has to fail and be told.

use std::path::Path;
use std::process::Output;

use serde_json::Value as Json;

use crate::revisions::{Repository, git, pairform, shop};

/// A project that says something of every rule there is.
const PROJECT: &str = "version: 1
environments:
  production:
    store: \"sqlite:.pairform/production.db\"
    password: {secret: env/STORE_PASSWORD}
    require_clean: true
    window: {days: [mon], from: \"08:00\", to: \"12:00\"}
safety:
  max_changed: 30%
  max_reset: 10%
  max_categories: 20%
  minimum: 10
  pairs: {fortnox-shopify: {max_changed: 20%}}
  categories: {stock: {max_reset: 5%}}
  protected: [payment_methods.map, connectors]
  live: require-leave
  holds: {fjord: stocktaking}
secrets: {exec: {vault: [/usr/bin/pass, show, shop]}}
options: {max_list_age: 30d}
link: \"https://app.example.com/{id}\"
owners: {policy: [sec], payment_methods: [finance]}
levels: {W0405: {level: deny, reason: ours}, W0417: {level: warn, except: [fjord]}}
";

const NORDIC: &str = "integrations/nordic.yaml";

/// A repository on `main` with such a project and two shops, and a branch `topic` that is checked out.
fn attacked() -> Repository {
    let repository = Repository::new();
    repository.write("pairform.yaml", PROJECT);
    repository.write("bases/shop.yaml", "settings:\n  order: {exclude_before: 2026-01-01}\n");
    repository.write("integrations/fjord.yaml", &shop("fjord", false, "30"));
    repository.write(NORDIC, &nordic("levels: {W0424: deny}\n", "shop: nordic"));
    repository.write(".gitignore", ".pairform/\na.db*\n");
    repository.write("CODEOWNERS", "/pairform.yaml @rules\n/integrations/ @shops\n");
    repository.commit("Begin");
    repository.git(&["switch", "-q", "-c", "topic"]);
    repository
}

fn nordic(levels: &str, connection: &str) -> String {
    let connection = format!("      production: {{{connection}, access_token: {{secret: env/TOKEN}}}}\n");
    let connectors =
        format!("connectors:\n  shopify:\n    active: production\n    connections:\n{connection}");
    shop("nordic", false, "30") + levels + &connectors
}

/// What was printed, without the escapes of a form.
fn said(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    for mark in "._/-&{}:%();".chars() {
        text = text.replace(&format!("&#{};", u32::from(mark)), &mark.to_string());
    }
    text.replace("&#x2f;", "/").replace("%3A", ":").replace("%2C", ",")
}

/// `item direction` of each change of policy.
fn told(body: &Json) -> Vec<String> {
    let changes = body["policy_changes"].as_array().unwrap_or_else(|| panic!("{body:#}"));
    let one = |change: &Json| {
        format!("{} {}", change["item"].as_str().unwrap(), change["direction"].as_str().unwrap())
    };
    changes.iter().map(one).collect()
}

/// A change of files, and what has to be told of it.
struct Variant {
    path: &'static str,
    text: String,
    told: &'static [&'static str],
}

fn variant(path: &'static str, text: impl Into<String>, told: &'static [&'static str]) -> Variant {
    Variant { path, text: text.into(), told }
}

/// The project with one text in the place of another.
fn with(old: &str, new: &str, told: &'static [&'static str]) -> Variant {
    assert!(PROJECT.contains(old), "{old}");
    variant("pairform.yaml", PROJECT.replace(old, new), told)
}

fn of_nordic(levels: &str, connection: &str, told: &'static [&'static str]) -> Variant {
    variant(NORDIC, nordic(levels, connection), told)
}

fn variants() -> Vec<Variant> {
    let plain = "levels: {W0424: deny}\n";
    vec![
        with("  max_changed: 30%\n", "  max_changed: 90%\n", &["safety.max_changed weaker"]),
        with("  max_changed: 30%\n", "", &["safety.max_changed weaker"]),
        with("  max_reset: 10%\n", "", &["safety.max_reset weaker"]),
        with("  max_categories: 20%\n", "", &["safety.max_categories weaker"]),
        with("minimum: 10", "minimum: 1000", &["safety.max_changed weaker", "safety.max_reset weaker"]),
        with("{max_changed: 20%}", "{}", &["safety.pairs.fortnox-shopify.max_changed weaker"]),
        with("{max_reset: 5%}", "{}", &["safety.categories.stock.max_reset weaker"]),
        with("[payment_methods.map, connectors]", "[connectors]", &["safety.protected weaker"]),
        with("  protected: [payment_methods.map, connectors]\n", "", &["safety.protected weaker"]),
        with("  live: require-leave\n", "", &["safety.live weaker"]),
        with("require-leave", "allow", &["safety.live weaker"]),
        with("{fjord: stocktaking}", "{}", &["safety.holds.fjord weaker"]),
        with(
            "require_clean: true",
            "require_clean: false",
            &["environments.production.require_clean weaker"],
        ),
        with(
            "    window: {days: [mon], from: \"08:00\", to: \"12:00\"}\n",
            "",
            &["environments.production.window weaker"],
        ),
        with("to: \"12:00\"", "to: \"23:00\"", &["environments.production.window weaker"]),
        with(
            "sqlite:.pairform/production.db",
            "postgres://ci@evil.example/x",
            &["environments.production.store other"],
        ),
        with("env/STORE_PASSWORD", "env/AWS_SECRET_ACCESS_KEY", &["environments.production.password other"]),
        with("    password: {secret: env/STORE_PASSWORD}\n", "", &["environments.production.password other"]),
        with("[/usr/bin/pass, show, shop]", "[/usr/bin/pass, show, bank]", &["secrets.exec.vault other"]),
        with("{vault: [", "{more: [/bin/sh, -c, id], vault: [", &["secrets.exec.more other"]),
        with("version: 1\n", "version: 1\ndefault_environment: production\n", &["default_environment other"]),
        with("max_list_age: 30d", "max_list_age: 9000d", &["options.max_list_age other"]),
        with("https://app.example.com/{id}", "https://evil.example/{id}", &["link other"]),
        with("owners: {policy: [sec], ", "owners: {", &["owners.policy weaker"]),
        with(", payment_methods: [finance]", "", &["owners.payment_methods weaker"]),
        with("level: deny, reason: ours", "level: allow", &["levels.W0405 weaker"]),
        with("W0405: {level: deny, reason: ours}, ", "", &["levels.W0405 weaker"]),
        with("except: [fjord]", "except: [fjord, nordic]", &["levels.W0417.except weaker"]),
        with("version: 1\n", "version: 1\nversion: 1\n", &["pairform.yaml other"]),
        of_nordic("", "shop: nordic", &["levels.W0424 weaker"]),
        of_nordic("levels: {W0424: warn}\n", "shop: nordic", &["levels.W0424 weaker"]),
        of_nordic(plain, "shop: evil", &["connectors.shopify.connections.production.shop other"]),
        of_nordic(
            plain,
            "shop: nordic, base_url: \"https://evil.example\"",
            &["connectors.shopify.connections.production.base_url other"],
        ),
        of_nordic(
            plain,
            "shop: nordic, base_url: \"https://evil.example/@nordic.myshopify.com\"",
            &["connectors.shopify.connections.production.base_url other"],
        ),
        variant(
            "bases/shop.yaml",
            "connectors: {shopify: {connections: {production: {base_url: \"https://evil.example\"}}}}\nsettings:\n  order: {exclude_before: 2026-01-01}\n",
            &["connectors.shopify.connections.production.base_url other"],
        ),
        // Who looks at the usual environment is told of the other one.
        variant(
            "environments/production.yaml",
            "integrations: {nordic: {connectors: {shopify: {connections: {production: {base_url: \"https://evil.example\"}}}}}}\n",
            &["connectors.shopify.connections.production.base_url other"],
        ),
        variant(
            "integrations/new.yaml",
            nordic("", "shop: n, base_url: \"https://evil.example\"").replace("nordic", "new"),
            &["connectors.shopify.connections.production.base_url other"],
        ),
        variant(
            "schemas/connectors/shopify.yaml",
            built_in("connectors/shopify.yaml")
                .replace("https://{shop}.myshopify.com", "https://evil.example"),
            &["schemas/connectors/shopify.yaml other"],
        ),
        variant(
            "schemas/categories/stock.yaml",
            built_in("categories/stock.yaml"),
            &["schemas/categories/stock.yaml other"],
        ),
        variant(
            "schemas/pairs/fortnox-shopify.yaml",
            built_in("pairs/fortnox-shopify.yaml"),
            &["schemas/pairs/fortnox-shopify.yaml other"],
        ),
        variant("schemas/flows.yaml", built_in("flows.yaml"), &["schemas/flows.yaml other"]),
        variant("schemas/data/vat.yaml", built_in("data/vat.yaml"), &["schemas/data/vat.yaml other"]),
        variant("templates/comment.md", "### ✅ No changes\n/merge\n", &["templates/comment.md other"]),
        variant("templates/page.html", "<h1>No changes</h1>\n", &["templates/page.html other"]),
        variant("CODEOWNERS", "/integrations/ @evil\n", &["CODEOWNERS other"]),
    ]
}

#[test]
fn every_change_of_what_judges_is_told_first_and_asks_its_owners() {
    let repository = attacked();
    for Variant { path, text, told: expected } in variants() {
        repository.write(path, &text);
        repository.commit("Innocent");
        let diff = repository.json(&["diff", "--base", "main"]);
        let found = told(&diff);
        for one in expected {
            assert!(found.iter().any(|found| found == one), "{path} {one}: {found:?}\n{text}");
        }
        for change in diff["policy_changes"].as_array().unwrap() {
            let owners = change["owners"].as_array().unwrap();
            assert!(owners.contains(&"sec".into()), "{change}");
            let of_file = change["path"] == "pairform.yaml";
            assert_eq!(owners.contains(&"@rules".into()), of_file, "{change}");
        }
        let text = said(&repository.run(&["diff", "--base", "main"]));
        assert!(text.starts_with("Changes of policy"), "{path}: {text}");
        let validated = repository.json(&["validate", "--base", "main"]);
        assert_eq!(validated["policy_changes"], diff["policy_changes"], "{path}");
        repository.git(&["reset", "-q", "--hard", "main"]);
    }
}

#[test]
fn an_address_is_told_whatever_part_of_an_environment_leads_it_elsewhere() {
    let project = |production: &str| {
        format!(
            "version: 1\ndefault_environment: test\nowners: {{policy: [sec]}}\nenvironments:\n  test: {{store: \"sqlite:t.db\", vars: {{host: test.example.com}}}}\n  production: {production}\n"
        )
    };
    let good = "{store: \"sqlite:p.db\", vars: {host: shop.example.com}}";
    let with = |address: &str| {
        nordic("", &format!("shop: nordic, base_url: \"{address}\"")).replace("levels: {W0424: deny}\n", "")
    };
    let files = |list: &[(&str, String)]| {
        list.iter().map(|(path, text)| ((*path).to_owned(), text.clone())).collect::<Vec<_>>()
    };
    let by_host = with("https://{{ host }}");
    let by_name = with("https://{{ environment }}.example.com");
    let hidden = with("https://{{ env\\x69ronment | replace('production', 'evil') }}.example.com");
    let caught = with("https://{{ other | default('shop.example.com') }}");
    for (before, after) in [
        (
            files(&[("pairform.yaml", project(good)), (NORDIC, by_host.clone())]),
            files(&[("pairform.yaml", project(&good.replace("shop.", "evil.")))]),
        ),
        (
            files(&[("pairform.yaml", project(good)), (NORDIC, by_host.clone())]),
            files(&[("environments/production.yml", "vars: {host: evil.example.com}\n".to_owned())]),
        ),
        (
            files(&[("pairform.yaml", project(good)), (NORDIC, by_host.clone())]),
            files(&[(NORDIC, format!("{by_host}vars: {{host: evil.example.com}}\n"))]),
        ),
        (
            files(&[("pairform.yaml", project(good)), (NORDIC, by_host.clone())]),
            files(&[(
                "pairform.yaml",
                project(&format!(
                    "{good}\n  evil: {{store: \"sqlite:e.db\", vars: {{host: evil.example.com}}}}"
                )),
            )]),
        ),
        (
            files(&[("pairform.yaml", project(good)), (NORDIC, caught)]),
            files(&[("pairform.yaml", project(&good.replace("host: shop.", "other: evil.")))]),
        ),
        // Nothing but the name of the environment says it.
        (
            files(&[("pairform.yaml", project("{store: \"sqlite:p.db\"}")), (NORDIC, by_name.clone())]),
            files(&[(NORDIC, hidden)]),
        ),
        (
            files(&[("pairform.yaml", project("{store: \"sqlite:p.db\"}")), (NORDIC, by_name)]),
            files(&[(
                "pairform.yaml",
                project("{store: \"sqlite:p.db\"}\n  evil: {store: \"sqlite:e.db\"}"),
            )]),
        ),
    ] {
        let repository = Repository::new();
        repository.write("bases/shop.yaml", "settings:\n  order: {exclude_before: 2026-01-01}\n");
        before.iter().for_each(|(path, text)| repository.write(path, text));
        repository.commit("Begin");
        repository.git(&["switch", "-q", "-c", "topic"]);
        after.iter().for_each(|(path, text)| repository.write(path, text));
        repository.commit("Innocent");
        for command in [&["diff"][..], &["validate"], &["plan", "--env", "test"]] {
            let body = repository.json(&[command, &["--base", "main"]].concat());
            let changes = body["policy_changes"].as_array().unwrap_or_else(|| panic!("{body:#}"));
            let is_told = changes.iter().any(|change| {
                change["item"] == "connectors.shopify.connections.production.base_url"
                    && change["after"] == "https://evil.example.com"
            });
            assert!(is_told, "{command:?} {after:?}: {changes:#?}");
        }
    }
}

#[test]
fn every_form_of_every_comparison_tells_changes_of_policy_before_all_else() {
    let repository = attacked();
    let weaker = PROJECT.replace("[payment_methods.map, connectors]", "[connectors]");
    repository.write("pairform.yaml", &weaker.replace("require_clean: true", "require_clean: false"));
    repository.write(NORDIC, &nordic("levels: {W0424: deny}\n", "shop: nordic").replace("\"30\"", "\"14\""));
    // One that is told as an error, and so would come first.
    repository.write("integrations/wrong.yaml", &shop("wrong", true, "30").replace("flows:", "flowers:"));
    repository.commit("Innocent");
    for command in [&["diff"][..], &["validate"], &["plan", "--env", "production", "--store", "sqlite:a.db"]]
    {
        for form in ["text", "json", "markdown", "html", "sarif", "junit", "github", "gitlab"] {
            let output = repository.run(&[command, &["--base", "main", "-o", form]].concat());
            let said = said(&output);
            // The pages of codes, which SARIF holds too, tell nothing of this change.
            let said = said.split_once("\"results\"").map_or(&*said, |(_, results)| results);
            let first = said
                .find("safety.protected")
                .unwrap_or_else(|| panic!("{command:?} {form}: {said} {output:?}"));
            assert!(said.contains("environments.production.require_clean"), "{command:?} {form}: {said}");
            let weaker =
                said.to_lowercase().find("weaker").unwrap_or_else(|| panic!("{command:?} {form}: {said}"));
            let others =
                ["wrong.yaml", "flowers", "Klarna"].map(|other| said.find(other).unwrap_or(usize::MAX));
            for other in others {
                assert!(weaker < other && first < other, "{command:?} {form}: {said}");
            }
            assert!(!said.contains("✅"), "{command:?} {form}: {said}");
        }
    }
}

/// The base may have lowered a rule that no apply has recorded yet; the change lowers it further.
#[test]
fn what_differs_from_the_last_apply_is_told_beside_what_the_change_does_to_the_same_rule() {
    let repository = attacked();
    let limited = |limit: &str| PROJECT.replace("max_changed: 30%", &format!("max_changed: {limit}"));
    repository.git(&["switch", "-q", "main"]);
    let open = |text: &str| text.replace("    window: {days: [mon], from: \"08:00\", to: \"12:00\"}\n", "");
    repository.write("pairform.yaml", &open(PROJECT));
    repository.commit("Begin");
    let store = ["--env", "production", "--store", "sqlite:.pairform/a.db"];
    let applied = repository.run(
        &[
            &[
                "apply",
                "--yes",
                "--integration",
                "fjord",
                "--force",
                "hold: begin",
                "--force",
                "protected: begin",
            ],
            &store[..],
        ]
        .concat(),
    );
    assert!(applied.status.success(), "{applied:?}");
    repository.write("pairform.yaml", &open(&limited("40%")));
    repository.commit("More");
    repository.git(&["switch", "-q", "-C", "topic"]);
    repository.write("pairform.yaml", &open(&limited("90%")));
    repository.commit("Innocent");
    let body = repository.json(&[&["plan", "--base", "main"], &store[..]].concat());
    let changes = body["policy_changes"].as_array().unwrap();
    let of_limit = changes.iter().filter(|change| change["item"] == "safety.max_changed");
    let told: Vec<(&str, &str)> = of_limit
        .map(|change| (change["before"].as_str().unwrap(), change["after"].as_str().unwrap()))
        .collect();
    assert_eq!(told.len(), 2, "{body:#}");
    assert!(told[0].0.starts_with("40%") && told[1].0.starts_with("30%"), "{told:?}");
}

/// What is protected of a shop is deployed: what never was has nothing to protect.
fn deploy(repository: &Repository) {
    use pairform::store::{self, Origin, Save};
    let mut store = store::open(&format!("sqlite:{}", repository.path().join("a.db").display())).unwrap();
    let at = "2026-11-01T10:00:00Z";
    store.begin("first", at, "ann", Origin::default()).unwrap();
    let settings = pairform::model::from_json(&serde_json::json!({"map": {"Klarna": "30"}}));
    let save = Save {
        integration: "nordic",
        category: "payment_methods",
        expected_revision: 0,
        settings: &settings,
        applied: &settings,
        saved_by: "ann",
        saved_at: at,
        commit: None,
        run: "first",
        fence: None,
        lease: None,
    };
    store.save(&save).unwrap();
    store.finish("first", at).unwrap();
}

#[test]
fn a_change_is_refused_by_the_rules_that_it_takes_away() {
    let klarna = |repository: &Repository| {
        let now = nordic("levels: {W0424: deny}\n", "shop: nordic").replace("\"30\"", "\"14\"");
        repository.write(NORDIC, &now);
    };
    let fjord = |repository: &Repository| {
        repository.write("integrations/fjord.yaml", &shop("fjord", false, "14"));
    };
    type Edit<'a> = &'a dyn Fn(&Repository);
    let cases: [(&str, Edit<'_>, &str, &str); 4] = [
        (
            "protected: [payment_methods.map, connectors]",
            &klarna,
            "protected",
            "`payment_methods.map` of nordic",
        ),
        ("[payment_methods.map, connectors]", &klarna, "protected", "`payment_methods.map` of nordic"),
        ("holds: {fjord: stocktaking}", &fjord, "hold", "fjord is on hold: stocktaking"),
        ("{fjord: stocktaking}", &fjord, "hold", "fjord is on hold: stocktaking"),
    ];
    for (rule, edit, check, message) in cases {
        let repository = attacked();
        deploy(&repository);
        let gone = if rule.contains(": [") || rule.starts_with("holds") { "" } else { "{}" };
        let gone = if rule.starts_with('[') { "[connectors]" } else { gone };
        let project = match gone {
            "" => PROJECT.replace(&format!("  {rule}\n"), ""),
            gone => PROJECT.replace(rule, gone),
        };
        assert_ne!(project, PROJECT);
        repository.write("pairform.yaml", &project);
        edit(&repository);
        repository.commit("Innocent");
        let store = ["--env", "production", "--store", "sqlite:a.db"];
        for command in [&["diff"][..], &[&["plan"], &store[..]].concat()] {
            let body = repository.json(&[command, &["--base", "main"]].concat());
            let refusals = body["refusals"].as_array().unwrap();
            let found = refusals.iter().any(|refusal| {
                let said = refusal["message"].as_str().unwrap();
                refusal["check"] == check && said.contains(message) && said.contains("by the rules of main")
            });
            assert!(found, "{command:?} {rule}: {body:#}");
            let text = said(&repository.run(&[command, &["--base", "main"]].concat()));
            assert!(text.contains("apply would be refused:"), "{text}");
        }
        // An old commit is no way back to milder rules: the tip of the base judges.
        repository.git(&["switch", "-q", "-c", "old", "main"]);
        repository.git(&["switch", "-q", "main"]);
        repository.write("pairform.yaml", &PROJECT.replace("stocktaking", "audit"));
        repository.commit("Audit");
        repository.git(&["switch", "-q", "old"]);
        edit(&repository);
        repository.commit("From before");
        let body = repository.json(&["diff", "--base", "main"]);
        assert_eq!(told(&body), [""; 0], "the branch itself changes no rule");
        assert!(!body["refusals"].as_array().unwrap().is_empty(), "{body:#}");
        if check == "hold" {
            assert!(body.to_string().contains("fjord is on hold: audit"), "{body:#}");
        }
    }
}

#[test]
fn findings_have_the_level_of_the_base_whatever_the_change_says() {
    let deny = "version: 1\nlevels: {W0404: {level: deny, reason: ours}}\n";
    let excepted = "version: 1\nlevels: {W0404: {level: deny, except: [nordic]}}\n";
    let allow = "levels: {W0404: allow}\n";
    let never = "schedules: {payouts: {flow: payouts, every: 1d}}\n";
    for (base, own_of_base, project, own) in [
        (deny, "", "version: 1\n", ""),
        (deny, "", "version: 1\nlevels: {W0404: allow}\n", ""),
        (deny, "", "version: 1\nlevels: {W0404: {level: warn, except: [nordic]}}\n", allow),
        (deny, "", excepted, allow),
        (deny, "", "version: 1\nlevels: {W0404: {except: [nordic]}}\n", allow),
        ("version: 1\n", "levels: {W0404: deny}\n", "version: 1\n", ""),
        (excepted, "", excepted, allow),
    ] {
        let repository = Repository::new();
        repository.write("pairform.yaml", base);
        repository.write("bases/shop.yaml", "settings:\n  order: {exclude_before: 2026-01-01}\n");
        repository.write(NORDIC, &(shop("nordic", false, "30") + own_of_base));
        repository.commit("Begin");
        repository.git(&["switch", "-q", "-c", "topic"]);
        repository.write("pairform.yaml", project);
        repository.write(NORDIC, &(shop("nordic", false, "30") + own + never));
        repository.commit("Innocent");
        let judged = |arguments: &[&str]| -> Vec<String> {
            let body = repository.json(arguments);
            let findings = body["findings"].as_array().unwrap().iter();
            let found = findings.filter(|finding| finding["code"] == "W0404");
            found.map(|finding| finding["severity"].as_str().unwrap().to_owned()).collect()
        };
        // Where the base itself lets the integration choose, the change may.
        let expected: &[&str] = if base == excepted { &[] } else { &["error"] };
        for command in [
            &["diff", "--base", "main"][..],
            &["validate", "--base", "main"],
            &["plan", "--base", "main", "--store", "sqlite:a.db"],
        ] {
            assert_eq!(judged(command), expected, "{project} {command:?}");
        }
        assert_ne!(judged(&["validate"]), ["error"], "{project}");
    }
}

/// What no report may show.
const CANARY: &str = "CANARY-private";

/// Links from a template to what is no source: as git keeps them, and as a working tree has them.
#[cfg(unix)]
fn links(outside: &Path) -> Vec<String> {
    let absolute = outside.join("id").display().to_string();
    let targets = [
        "../.git/config",
        "../.GIT/config",
        ".././x/../.git/config",
        "../.pairform/tokens/one",
        "../hop",
        "/etc/hostname",
        "../missing",
        "comment.md",
        "../../../../../../../../etc/hostname",
        "..",
    ];
    targets.into_iter().map(str::to_owned).chain([absolute]).collect()
}

#[cfg(unix)]
#[test]
fn no_link_for_a_template_reads_what_is_no_source() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("id"), CANARY).unwrap();
    for (template, form) in [("comment.md", "markdown"), ("page.html", "html")] {
        for target in links(outside.path()) {
            if form == "html" && !target.contains(".git/config") {
                continue;
            }
            let repository = attacked();
            repository.git(&["config", "user.signingkey", CANARY]);
            std::fs::create_dir_all(repository.path().join(".pairform/tokens")).unwrap();
            std::fs::write(repository.path().join(".pairform/tokens/one"), CANARY).unwrap();
            repository.write("x/y", "");
            symlink(".git/config", repository.path().join("hop")).unwrap();
            std::fs::create_dir_all(repository.path().join("templates")).unwrap();
            symlink(
                target.replace("comment.md", template),
                repository.path().join("templates").join(template),
            )
            .unwrap();
            fails(&repository, &target, form);
        }
        // The folder as a link.
        for target in [outside.path().display().to_string(), ".git".to_owned(), ".pairform".to_owned()] {
            let repository = attacked();
            for folder in
                [outside.path(), &repository.path().join(".git"), &repository.path().join(".pairform")]
            {
                std::fs::create_dir_all(folder).unwrap();
                std::fs::write(folder.join(template), CANARY).unwrap();
            }
            symlink(&target, repository.path().join("templates")).unwrap();
            fails(&repository, &target, form);
        }
    }
}

/// Every command that a template could word, in the tree, at a revision and in a bare clone.
#[cfg(unix)]
fn fails(repository: &Repository, target: &str, form: &str) {
    let see = |output: &Output, what: &str| {
        let all = said(output) + &String::from_utf8_lossy(&output.stderr);
        assert!(!all.contains(CANARY), "{target} {what}: {all}");
        all
    };
    let told = see(&repository.run(&["validate", "-o", form]), "validate");
    assert!(
        told.contains("link")
            || told.contains("there is no such file")
            || told.contains("Too many levels")
            || told.contains("regular file")
            || told.contains("it is a folder"),
        "{target} {form}: {told}"
    );
    repository.commit("Innocent");
    for command in [
        &["validate", "--rev", "HEAD"][..],
        &["diff", "--base", "main"],
        &["diff", "--base", "HEAD"],
        &["validate", "--base", "main"],
        &["validate", "--base", "HEAD"],
    ] {
        see(&repository.run(&[command, &["-o", form]].concat()), &command.join(" "));
    }
    // A base that is not the change's own is trusted, and has none.
    let compared = repository.run(&["diff", "--base", "main", "-o", form]);
    assert!(said(&compared).contains("templates/"), "{}", said(&compared));
    let clones = tempfile::tempdir().unwrap();
    git(clones.path(), &["clone", "-q", "--bare", &repository.path().display().to_string(), "bare.git"]);
    let output = pairform(&clones.path().join("bare.git"), &["validate", "--rev", "topic", "-o", form]);
    let told = see(&output, "bare");
    assert!(!output.status.success() || told.contains("pairform validate"), "{told}");
}

#[cfg(unix)]
#[test]
fn no_link_for_a_source_reads_what_is_no_source() {
    use std::os::unix::fs::symlink;
    for (link, target) in [
        (NORDIC, "../.git/x.yaml"),
        ("bases/shop.yaml", "../.pairform/x.yaml"),
        ("environments/production.yaml", "../.git/x.yaml"),
        ("options/fortnox/1.lock.yaml", "../../.git/x.yaml"),
        ("schemas/connectors/shopify.yaml", "../../.pairform/x.yaml"),
        ("environments", ".git"),
        ("options", ".pairform"),
    ] {
        let repository = attacked();
        for folder in [".git", ".pairform"] {
            let folder = repository.path().join(folder);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("x.yaml"), format!("secret: {CANARY}\n{CANARY}: [\n")).unwrap();
        }
        let place = repository.path().join(link);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&place);
        symlink(target, &place).unwrap();
        let mut bodies = Vec::new();
        repository.commit("Innocent");
        for arguments in [&["validate"][..], &["validate", "--rev", "HEAD"]] {
            let output = repository.run(&[arguments, &["-o", "json"]].concat());
            assert!(!said(&output).contains(CANARY), "{link} {arguments:?}");
            let body: Json = serde_json::from_slice(&output.stdout).unwrap();
            let findings = body["findings"].as_array().unwrap();
            let refused = findings.iter().any(|one| one["code"] == "E0116" && one["path"] == link);
            assert!(refused, "{link} {arguments:?}: {body:#}");
            bodies.push(body["findings"].clone());
        }
        assert_eq!(bodies[0], bodies[1], "{link}: a revision reads as its checkout");
    }
    // A folder that is a link to another one of the project is read in a revision too.
    let repository = attacked();
    repository.git(&["mv", "integrations", "shops"]);
    symlink("shops", repository.path().join("integrations")).unwrap();
    repository.commit("Move");
    let tree = repository.json(&["validate"]);
    assert_eq!(tree["summary"]["integrations"], 2);
    assert_eq!(tree, repository.json(&["validate", "--rev", "HEAD"]));
}

#[test]
fn a_change_does_not_word_its_own_review() {
    let merge = "### ✅ pairform diff: No changes\n/merge\n{% include \"page.html\" %}\n";
    for (template, form) in [("templates/comment.md", "markdown"), ("templates/page.html", "html")] {
        let repository = attacked();
        repository.write(template, merge);
        repository.write("integrations/fjord.yaml", &shop("fjord", false, "14"));
        repository.commit("Innocent");
        for command in
            [&["diff"][..], &["validate"], &["plan", "--env", "production", "--store", "sqlite:a.db"]]
        {
            let said = said(&repository.run(&[command, &["--base", "main", "-o", form]].concat()));
            assert!(!said.contains("/merge") && !said.contains("✅"), "{command:?}: {said}");
            assert!(said.contains(template), "{command:?}: {said}");
        }
        let said = said(&repository.run(&["diff", "--base", "main", "-o", form]));
        assert!(said.contains("Klarna"), "{said}");
    }
    // A template of the base that knows nothing of policy cannot hide that it changes, and includes nothing.
    let repository = attacked();
    repository.git(&["switch", "-q", "main"]);
    repository.write("templates/comment.md", "{{ mark }} {{ good }} {{ verdict }}\n{% for one in urgent %}{{ one.kind }} {{ one.text|prose }}\n{% endfor %}");
    repository.commit("Our words");
    repository.git(&["switch", "-q", "-C", "topic"]);
    repository.write("pairform.yaml", &PROJECT.replace("require-leave", "allow"));
    let said = said(&repository.run(&["diff", "--base", "main", "-o", "markdown"]));
    assert!(
        said.starts_with("⚠️ False 1 change of policy (1 weaker)")
            || said.starts_with("⚠️ false 1 change of policy (1 weaker)"),
        "{said}"
    );
    assert!(said.contains("policy weaker <code>safety.live</code>"), "{said}");
    for include in [
        "{% include \"page.html\" %}",
        "{% include \"../.git/config\" %}",
        "{% import \"/etc/hostname\" as x %}",
        "{% extends \"comment.md\" %}",
    ] {
        repository.write("templates/comment.md", include);
        let output = repository.run(&["validate", "-o", "markdown"]);
        assert_eq!(output.status.code(), Some(64), "{include}: {output:?}");
    }
}

#[test]
fn a_template_of_the_base_that_is_broken_does_not_hide_the_change_that_mends_it() {
    let repository = attacked();
    repository.git(&["switch", "-q", "main"]);
    for (template, form) in [("templates/comment.md", "markdown"), ("templates/page.html", "html")] {
        for broken in ["{% if %}", "{{ nothing_of_the_kind.x }}", "{% include \"../.git/config\" %}"] {
            repository.write(template, broken);
            repository.commit("Broken");
            repository.git(&["switch", "-q", "-C", "topic"]);
            repository.write(template, "mended\n");
            repository.write("integrations/fjord.yaml", &shop("fjord", false, "14"));
            repository.commit("Mend");
            let output = repository.run(&["diff", "--base", "main", "-o", form]);
            let told = said(&output);
            assert!(
                output.status.success() && told.contains("Klarna") && told.contains(template),
                "{output:?}"
            );
            let beside = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(beside.contains("the built-in one is taken"), "{beside}");
            // Whoever breaks one is told so.
            repository.write(template, broken);
            assert_eq!(repository.run(&["validate", "-o", form]).status.code(), Some(64));
            repository.git(&["checkout", "-q", "--", "."]);
            repository.git(&["switch", "-q", "main"]);
        }
    }
}

/// The text of a built-in part.
fn built_in(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(path);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn an_untrusted_run_takes_replaced_parts_and_templates_from_the_base_or_not_at_all() {
    let part = "schemas/categories/order.yaml";
    let marked = |mark: &str| {
        built_in("categories/order.yaml").replacen("title: Order Settings", &format!("title: {mark}"), 1)
    };
    assert!(marked("MARK").contains("MARK"), "the built-in category is called otherwise");
    for (of_base, used) in [(None, "Order Settings"), (Some("OURS"), "OURS")] {
        let repository = attacked();
        if let Some(mark) = of_base {
            repository.git(&["switch", "-q", "main"]);
            repository.write(part, &marked(mark));
            repository.commit("Our own category");
            repository.git(&["switch", "-q", "-C", "topic"]);
        }
        repository.write(part, &marked("THEIRS"));
        repository.write("templates/comment.md", "THEIR words\n");
        let other = nordic("levels: {W0424: deny}\n", "shop: nordic") + "  # order\n";
        let other = other.replace("settings:\n", "settings:\n  order: {creates: invoice}\n");
        repository.write(NORDIC, &other);
        repository.commit("Innocent");
        let compared = ["diff", "--base", "main", "-o", "markdown"];
        let trusted = said(&repository.run(&compared));
        assert!(trusted.contains("THEIRS") && !trusted.contains("THEIR words"), "{trusted}");
        let output = repository.run(&[&compared[..], &["--untrusted"]].concat());
        let untrusted = said(&output);
        assert!(untrusted.contains(used) && !untrusted.contains("THEIR"), "{untrusted}");
        // It is told all the same, in the report and beside it.
        assert!(untrusted.contains(part), "{untrusted}");
        let beside = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(beside.contains(&format!("{part} is not used in an untrusted run")), "{beside}");
        // Without a base there is nobody's word for it.
        let alone = repository.run(&["validate", "--untrusted", "-o", "markdown"]);
        assert!(!said(&alone).contains("THEIR"), "{alone:?}");
        assert!(said(&alone).contains("pairform validate"), "{alone:?}");
        let shown = said(&repository.run(&["schema", "show", "fortnox-shopify", "--untrusted"]));
        assert!(shown.contains("Order Settings") && !shown.contains("THEIRS"), "{shown}");
        let plain = said(&repository.run(&["schema", "show", "fortnox-shopify"]));
        assert!(plain.contains("THEIRS"), "{plain}");
    }
}

#[test]
fn each_part_that_replaces_a_built_in_one_is_told_by_name() {
    for (path, told) in [
        ("connectors/shopify.yaml", "replaces the built-in connector shopify"),
        ("categories/stock.yaml", "replaces the built-in category stock"),
        ("pairs/fortnox-shopify.yaml", "replaces the built-in pair fortnox-shopify"),
        ("flows.yaml", "replaces the built-in flows"),
        ("data/vat.yaml", "replaces the built-in VAT rates of "),
    ] {
        let repository = attacked();
        let file = format!("schemas/{path}");
        repository.write(&file, &built_in(path));
        repository.commit("Innocent");
        for command in [&["validate"][..], &["plan", "--store", "sqlite:a.db"], &["diff", "--base", "main"]] {
            let text = said(&repository.run(command));
            assert!(text.contains(&format!("{file} {told}")), "{command:?} {file}: {text}");
        }
        let listed = repository.json(&["schema", "list"]);
        let is_listed = listed["replaced"].as_array().unwrap().contains(&file.as_str().into());
        assert_eq!(is_listed, path.contains('/') && !path.starts_with("data/"), "{listed}");
        let text = said(&repository.run(&["schema", "list"]));
        assert_eq!(text.contains("in the place of the built-in one"), is_listed, "{text}");
    }
    // Under another name no part takes the place of one.
    let repository = attacked();
    repository.write("schemas/connectors/mine.yaml", &built_in("connectors/shopify.yaml"));
    repository.write("schemas/connectors/shopify.yml", &built_in("connectors/shopify.yaml"));
    let codes: Vec<String> = repository.json(&["validate"])["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["path"].as_str().unwrap().starts_with("schemas/"))
        .map(|one| one["code"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(codes, ["E0340", "W0208"]);
}
