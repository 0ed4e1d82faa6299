//! What left the files is told loudly in every form until somebody acknowledges it; what is deployed stays as it is.

use serde_json::{Value as Json, json};

use crate::place::{Project, each_kind};

const FORMS: [&str; 8] = ["text", "markdown", "html", "github", "gitlab", "json", "sarif", "junit"];

/// Two shops that were applied, of which one is live; its file is gone.
fn live_one_gone(project: &Project) {
    project.shop("other", "Other", "30");
    project.run(&["apply", "--yes"]).expect(0);
    project.by_hand(
        "UPDATE category SET settings = '{\"name\":\"Shop\",\"onboarding_mode\":false,\"live_mode\":true}'
         WHERE category = 'general' AND integration = 'shop'",
    );
    std::fs::remove_file(project.path("integrations/shop.yaml")).unwrap();
}

fn rows(project: &Project) -> Vec<(String, String, Json, bool)> {
    let rows = project.store().read(None).unwrap();
    rows.into_iter()
        .map(|row| {
            (row.integration, row.category, pairform::model::to_json(&row.settings), row.applied.is_empty())
        })
        .collect()
}

#[test]
fn a_live_integration_that_left_the_files_is_told_in_every_form_until_it_is_acknowledged() {
    for project in each_kind() {
        live_one_gone(&project);
        for form in FORMS {
            let told = project.run(&["plan", "--detailed-exitcode", "-o", form]).expect(2).out;
            assert!(told.contains("shop"), "{form}: {told}");
            assert!(told.to_lowercase().contains("released"), "{form}: {told}");
            assert!(told.contains("live"), "{form}: {told}");
        }
        let text = project.run(&["plan"]).expect(0).out;
        assert!(text.contains("  ! shop  live  5 categories\n"), "{text}");
        assert!(text.contains("0 reset. 1 integration released (1 live)."), "{text}");
        let markdown = project.run(&["plan", "-o", "markdown"]).expect(0).out;
        assert!(
            markdown.contains("### ⚠️ pairform plan: 1 integration released &#40;1 live&#41;"),
            "{markdown}"
        );
        assert!(
            markdown.contains("| **released** | <code>shop</code> | is live and in no file any more&#58; 5 categories left as deployed"),
            "{markdown}"
        );
        let github = project.run(&["plan", "-o", "github"]).expect(0).out;
        assert!(
            github.starts_with(
                "::warning file=pairform.yaml,line=1,endLine=1,title=plan-released::shop is live and in no file any more"
            ),
            "{github}"
        );
        let plan = project.run(&["plan", "-o", "json"]).expect(0).json();
        crate::outputs::assert_fits("plan", &plan);
        assert_eq!(plan["summary"]["released"], 1);
        let one = &plan["released"][0];
        assert_eq!(
            (&one["integration"], &one["live"], &one["whole"]),
            (&json!("shop"), &json!(true), &json!(true))
        );
        // An apply does nothing to it, and it is told still.
        let applied = project.run(&["apply", "--yes", "-o", "json"]).expect(0).json();
        crate::outputs::assert_fits("apply", &applied);
        project.run(&["plan", "--detailed-exitcode"]).expect(2);

        let before = rows(&project);
        project.run(&["release", "shop"]).expect(64);
        project.run(&["release", "shop", "--reason", " "]).expect(64);
        project.run(&["release", "other", "--reason", "sold"]).expect(64);
        let wrong = project.run(&["release", "shp", "--reason", "sold"]).expect(64);
        assert!(wrong.err.contains("did you mean `shop`?"), "{}", wrong.err);
        let done = project.run(&["release", "shop", "--reason", "the shop was sold"]).expect(0);
        assert!(done.out.contains("Released: shop (live), 5 categories"), "{}", done.out);
        for ((name, category, settings, _), (_, _, now, is_empty)) in before.iter().zip(rows(&project)) {
            assert_eq!(*settings, now, "what is deployed stays");
            assert_eq!(is_empty, name == "shop", "{name} {category}");
        }
        let plan = project.run(&["plan", "--detailed-exitcode", "-o", "json"]).expect(0).json();
        assert_eq!(plan["released"], json!([]));
        project.run(&["drift", "--detailed-exitcode"]).expect(0);
        let history = project.run(&["history", "shop"]).expect(0).out;
        assert!(history.contains("release: the shop was sold"), "{history}");
        assert!(project.run(&["audit", "export"]).expect(0).out.contains("the shop was sold"));
        assert!(project.store().locks().unwrap().is_empty());
        // It comes back as one that somebody else has kept meanwhile.
        project.shop("shop", "Shop", "30");
        let plan = project.run(&["plan", "-o", "json"]).expect(0).json();
        let shop = &plan["integrations"][1];
        assert_eq!((&shop["integration"], &shop["mode"]), (&json!("shop"), &json!("onboarding")), "{shop:#}");
    }
}

#[test]
fn a_plan_file_of_what_left_the_files_is_applied() {
    let project = Project::sqlite();
    live_one_gone(&project);
    project.shop("other", "Another name", "30");
    project.run(&["plan", "--out", "p.plan"]).expect(0);
    let applied = project.run(&["apply", "p.plan"]).expect(0);
    assert!(applied.out.contains("1 category saved"), "{}", applied.out);
}

#[test]
fn a_category_that_left_the_files_is_acknowledged_by_itself() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "  order: {exclude_before: '2026-01-01'}\n", "");
        let plan = project.run(&["plan", "--detailed-exitcode"]).expect(2).out;
        assert!(plan.contains("  ! shop  order\n"), "{plan}");
        project.run(&["release", "shop", "--category", "general", "--reason", "x"]).expect(64);
        let lock = pairform::store::Ask {
            integration: "shop",
            owner: "bo",
            holder: "else/1",
            reason: "apply",
            seconds: 600,
            over: None,
        };
        let pairform::store::Asked::Taken(lock) = project.store().lock(&lock).unwrap() else {
            panic!("it is free")
        };
        let refused = project.run(&["release", "shop", "--reason", "kept by hand"]).expect(8);
        assert!(refused.err.contains("bo has the lock on shop"), "{}", refused.err);
        project.store().unlock(&lock.id).unwrap();
        let done =
            project.run(&["release", "shop", "--reason", "kept by hand", "-o", "json"]).expect(0).json();
        crate::outputs::assert_fits("release", &done);
        assert_eq!(done["released"].as_array().map(Vec::len), Some(1), "{done:#}");
        project.run(&["plan", "--detailed-exitcode"]).expect(0);
        project.run(&["release", "shop", "--reason", "again"]).expect(64);
    }
}

#[test]
fn too_many_that_left_the_files_are_refused_until_they_are_acknowledged() {
    let project = Project::sqlite();
    live_one_gone(&project);
    project.write("pairform.yaml", "version: 1\nsafety: {max_released: 50%}\n");
    project.run(&["apply", "--yes"]).expect(0);
    project.write("pairform.yaml", "version: 1\nsafety: {max_released: 49%}\n");
    let plan = project.run(&["plan", "-o", "json"]).expect(0).json();
    assert_eq!(plan["refusals"][0]["check"], "max_released", "{plan:#}");
    let refused = project.run(&["apply", "--yes"]).expect(5);
    let said = "1 of 2 deployed integrations are in no file any more (50 %), more than the 49 % that `safety.max_released` allows";
    assert!(refused.err.contains(said) && refused.err.contains("pairform release"), "{}", refused.err);
    project.run(&["apply", "--yes", "--force", "max_released: they move"]).expect(0);
    project.run(&["release", "shop", "--reason", "sold"]).expect(0);
    project.run(&["apply", "--yes"]).expect(0);
}
