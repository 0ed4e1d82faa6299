//! What a reader of a report meets: how bad each thing is, the same told once, names, numbers before refusals, who it was.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::place::Project;

fn page(project: &Project, arguments: &[&str]) -> String {
    project.run(&[arguments, &["-o", "html"]].concat()).out
}

/// The rows of findings, each as it stands in the page.
fn findings(page: &str) -> Vec<&str> {
    page.split("<div class=\"finding").skip(1).map(|part| part.split("</div>").next().unwrap()).collect()
}

/// Three shops that lack one setting: two live ones, each with another mend, and one that is being set up.
fn gaps() -> Project {
    let project = Project::sqlite();
    for name in ["shop", "second", "third"] {
        project.shop(name, name, "30");
        let order = if name == "second" { "" } else { "  order: {creates: order, status_filter: [PAID]}\n" };
        project.edit(
            &format!("integrations/{name}.yaml"),
            "  order: {exclude_before: '2026-01-01'}\n",
            order,
        );
    }
    for name in ["shop", "second"] {
        project.edit(&format!("integrations/{name}.yaml"), "live_mode: false", "live_mode: true");
    }
    // It has the category from a base, so that it is mended elsewhere.
    project.write("bases/orders.yaml", "settings:\n  order: {creates: order, status_filter: [PAID]}\n");
    project.edit("integrations/second.yaml", "flows:", "extends: [orders]\nflows:");
    project
}

#[test]
fn an_error_looks_like_one_and_a_warning_does_not() {
    let project = gaps();
    let page = page(&project, &["validate"]);
    let rows = findings(&page);
    let (bad, warned): (Vec<&str>, Vec<&str>) =
        rows.iter().partition(|row| row.contains("data-kind=\"error\""));
    assert!(!bad.is_empty() && !warned.is_empty(), "{page}");
    for row in bad {
        assert!(row.starts_with(" finding-bad\""), "{row}");
        assert!(row.contains("class=\"kind is-bad\"><svg class=\"i\" aria-hidden=\"true\"><use href=\"#i-stop\"/></svg> Error</p>"), "{row}");
    }
    for row in warned {
        assert!(!row.contains("is-bad") && !row.contains("#i-stop"), "{row}");
    }
    // What colours a kind comes after what makes it dim.
    let dim = page.find(".kind { display").unwrap();
    assert!(page[dim..].contains(".kind.is-bad { color: var(--bad); }"));
}

#[test]
fn one_gap_is_told_once_whatever_mends_it_and_by_its_name() {
    let project = gaps();
    for command in ["validate", "plan"] {
        let page = page(&project, &[command]);
        let rows: Vec<&str> =
            findings(&page).into_iter().filter(|row| row.contains("data-category=\"order\"")).collect();
        // One of the live ones, which is an error, and one of the other.
        assert_eq!(rows.len(), 2, "{command}: {rows:#?}");
        for row in &rows {
            assert!(
                row.contains("<h3>Required setting is not set: Exclude orders created before this date</h3>"),
                "{row}"
            );
        }
        assert!(
            rows[0].contains("Show the 2 places") && rows[0].matches("At 1 place:").count() == 2,
            "{}",
            rows[0]
        );
        let comment = project.run(&[command, "-o", "markdown"]).out.replace("&#95;", "_");
        let rows = comment.lines().filter(|line| line.contains("exclude_before") && line.contains("not set"));
        assert_eq!(rows.count(), 2, "{command}: {comment}");
        let mends = comment
            .lines()
            .filter(|line| line.contains("exclude_before"))
            .map(|line| line.matches("1 of them:").count());
        assert_eq!(mends.sum::<usize>(), 2, "{command}: {comment}");
    }
    // Whoever is told of an error of a setting is not told again that one is not set.
    assert!(!page(&project, &["plan"]).contains("1 required setting not set"));
}

/// In forms that know only results at places, too: taken apart, their entries are exactly the findings.
#[test]
fn one_finding_of_several_places_is_one_entry_of_every_form() {
    let project = gaps();
    let of = |form: &str| project.run(&["validate", "-o", form]).out;
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let json: Json = serde_json::from_str(&of("json")).unwrap();
    let mut groups: BTreeMap<[String; 5], Vec<String>> = BTreeMap::new();
    for finding in json["findings"].as_array().unwrap() {
        let said = ["code", "severity", "message", "category", "setting"].map(|key| text(&finding[key]));
        groups.entry(said).or_default().push(format!("{}:{}", text(&finding["path"]), finding["line"]));
    }
    groups.values_mut().for_each(|places| places.sort());
    let several: Vec<&Vec<String>> = groups.values().filter(|places| places.len() > 1).collect();
    assert!(!several.is_empty() && several.len() < groups.len(), "{groups:#?}");

    let sarif: Json = serde_json::from_str(&of("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for result in results {
        let places = [&result["locations"], &result["relatedLocations"]];
        let mut places: Vec<String> = places
            .iter()
            .flat_map(|places| places.as_array().into_iter().flatten())
            .map(|place| &place["physicalLocation"])
            .map(|place| {
                format!("{}:{}", text(&place["artifactLocation"]["uri"]), place["region"]["startLine"])
            })
            .collect();
        places.sort();
        found.push((text(&result["ruleId"]), places));
    }
    let mut wanted: Vec<(String, Vec<String>)> =
        groups.iter().map(|(said, places)| (said[0].clone(), places.clone())).collect();
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);

    // Ended by what is no digit.
    let named = |entry: &str, place: &String| {
        entry
            .match_indices(place.as_str())
            .any(|(at, _)| !entry[at + place.len()..].starts_with(|next: char| next.is_ascii_digit()))
    };
    let has_all = |entry: &str, places: &[String]| places.iter().filter(|place| named(entry, place)).count();
    let issues: Json = serde_json::from_str(&of("gitlab")).unwrap();
    let issues: Vec<String> =
        issues.as_array().unwrap().iter().map(|issue| text(&issue["description"])).collect();
    let annotations = of("github");
    // Of notices and warnings a step shows ten.
    let annotations: Vec<String> = annotations
        .lines()
        .filter(|line| line.starts_with("::error"))
        .map(|line| line.replace("%3A", ":"))
        .collect();
    let junit = of("junit");
    let failures: Vec<String> = junit
        .split("<testcase")
        .skip(1)
        .filter(|case| case.contains("<failure"))
        .map(str::to_owned)
        .collect();
    let errors = groups.keys().filter(|said| said[1] == "error").count();
    for (form, entries, number) in
        [("gitlab", &issues, groups.len()), ("github", &annotations, errors), ("junit", &failures, errors)]
    {
        assert_eq!(entries.len(), number, "{form}: {entries:#?}");
        for (said, places) in groups.iter().filter(|(said, places)| said[1] == "error" && places.len() > 1) {
            // The first place is where the entry stands.
            let is_told =
                |entry: &String| entry.contains(&said[2]) && has_all(entry, places) + 1 >= places.len();
            assert!(entries.iter().any(is_told), "{form}: {said:?} {places:?} {entries:#?}");
        }
    }
    assert!(junit.contains("<testsuite name=\"several integrations\""), "{junit}");
}

#[test]
fn a_verdict_says_how_much_before_it_says_what_refuses() {
    let project = gaps();
    project.write("pairform.yaml", "version: 1\nsafety: {max_changed: 1%}\n");
    let plan = project.run(&["plan", "-o", "json"]).json();
    let verdict = |page: &str| {
        let (_, said) = page.split_once("<p class=\"verdict\">").unwrap();
        said.split("</p>").next().unwrap().to_owned()
    };
    let said = verdict(&page(&project, &["plan"]));
    let number = plan["summary"]["settings"]["add"].as_u64().unwrap();
    assert!(number > 3 && said.starts_with(&format!("{number} settings in 3 integrations: ")), "{said}");
    let at: Vec<usize> = [" added", "; cannot be applied: ", " warnings"]
        .iter()
        .map(|one| said.find(one).expect(one))
        .collect();
    assert!(at.is_sorted() && !said.contains("; R") && !said.contains("; C"), "{said}");
}

#[test]
fn drift_is_told_by_what_changed_with_whom_it_reaches_and_by_whom() {
    let project = Project::sqlite();
    for name in ["second", "third"] {
        project.shop(name, name, "30");
    }
    project.write("pairform.yaml", "version: 1\nowners: {payment_methods: [accounts]}\n");
    project.run(&["apply", "--yes"]).expect(0);
    project.by_hand("UPDATE category SET settings = replace(settings, '\"30\"', '\"14\"') WHERE category = 'payment_methods'");
    let page = page(&project, &["drift"]);
    let groups: Vec<&str> = page.split("<details class=\"group\"").skip(1).collect();
    assert_eq!(groups.len(), 2, "Klarna and the default, each once: {page}");
    assert!(groups.iter().all(|group| group.contains("3 integrations")), "{groups:#?}");
    assert!(
        groups.iter().any(|group| group
            .contains("<span class=\"in-cat\">Payment Methods ›</span> Default terms of payment")),
        "{groups:#?}"
    );
    assert!(
        groups.iter().any(|group| group
            .contains("<span class=\"in-cat\">Payment Methods › Klarna ›</span> Terms of payment")),
        "{groups:#?}"
    );
    assert!(groups.iter().all(|group| group.contains("made outside pairform")), "{groups:#?}");
    // It can be chosen from, and nothing of it is told twice.
    assert!(page.contains("id=\"k-drift\" checked") && !page.contains("id=\"s-first\""), "{page}");
    let comment = project.run(&["drift", "-o", "markdown"]).expect(0).out;
    assert_eq!(comment.matches("**drift**").count(), 2, "{comment}");
    // Nothing of it is to be reviewed, and what would set it back is.
    assert!(!page.contains("Needs review by") && !comment.contains("Review needed by"), "{page}");
    let plan = project.run(&["plan", "-o", "markdown"]).expect(0).out;
    assert!(plan.contains("Review needed by"), "{plan}");
}

#[test]
fn what_left_the_files_is_a_row_an_integration() {
    let project = Project::sqlite();
    for name in ["second", "third"] {
        project.shop(name, name, "30");
    }
    project.run(&["apply", "--yes"]).expect(0);
    for name in ["second", "third"] {
        std::fs::remove_file(project.path(&format!("integrations/{name}.yaml"))).unwrap();
    }
    let page = page(&project, &["plan"]);
    let rows: Vec<&str> =
        findings(&page).into_iter().filter(|row| row.contains("data-kind=\"release\"")).collect();
    assert_eq!(rows.len(), 2, "{page}");
    for (row, name) in rows.iter().zip(["second", "third"]) {
        assert!(row.contains(&format!("<h3>{name}</h3>")) && row.contains("5 categories"), "{row}");
        assert!(row.contains("In no file any more"), "{row}");
    }
    // And once: nothing above says it again.
    assert!(!page.contains("id=\"s-first\"") && page.contains("<span class=\"count\">2</span>"), "{page}");
    let comment = project.run(&["plan", "-o", "markdown"]).expect(0).out;
    assert_eq!(comment.matches("is in no file any more").count(), 1, "{comment}");
    assert!(comment.contains("second") && comment.contains("third"), "{comment}");
}

#[test]
fn a_page_of_findings_says_of_what_and_when_and_can_be_searched() {
    let project = gaps();
    let page = page(&project, &["validate"]);
    let folder = project.path("").file_name().unwrap().to_string_lossy().into_owned();
    assert!(page.contains(&format!("<dt>Project</dt><dd>{folder}</dd>")), "{page}");
    assert!(page.contains("<dt>Made</dt>"), "{page}");
    assert_eq!(page.matches(">Findings<").count(), 1, "{page}");
    for part in [
        "id=\"s-error\"",
        "id=\"s-warning\"",
        "id=\"k-error\" checked",
        "id=\"k-warning\" checked",
        "id=\"search\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    // A code leads to what it means.
    assert!(page.contains("<a href=\"#code-E0312\"><code>E0312</code></a>"), "{page}");
    assert!(page.contains("id=\"code-E0312\"") && page.contains("A required setting is not set."), "{page}");
}

#[test]
fn no_address_for_mails_is_handed_on_with_a_page() {
    let project = Project::sqlite();
    for command in
        [&["plan", "-o", "html"][..], &["validate", "-o", "html"], &["plan", "-o", "markdown"], &["plan"]]
    {
        let run =
            project.command(command).env("PAIRFORM_ACTOR", "Ann Ek <ann@example.com>").output().unwrap();
        let said = String::from_utf8(run.stdout).unwrap();
        assert!(said.contains("Ann Ek") && !said.contains("example.com"), "{command:?}: {said}");
    }
}

#[test]
fn only_a_long_list_of_names_is_laid_out_when_it_comes_in_sight() {
    let fleet = |number| {
        let plan = crate::reviews::fleet(number).plan;
        crate::forms::with(&plan, |content| pairform::report::html::render(content, None).unwrap())
    };
    let short = fleet(40);
    let (_, lists) = short.split_once("</style>").unwrap();
    assert!(lists.contains("<ul class=\"names\">") && !lists.contains("names-long"));
    assert!(fleet(200).contains("<ul class=\"names names-long\">"));
}
