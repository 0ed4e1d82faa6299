//! The pictures in README.md, of what the program prints: `UPDATE=1 cargo test --test it pictures` makes them. The terminal is compared to
//! the letter. The page is a picture by a browser, which draws it a little differently on each machine: beside it is kept what it was
//! drawn of, and that is compared.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{Project, lasting};
use crate::tools;

fn at(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures").join(name)
}

/// The group's example with a change in git and one behind its back, as its README walks it.
fn changed() -> Project {
    let project = Project::copy_example("nordic-group");
    project.run(&["apply", "--yes", "--allow-live"]).assert_code(0);
    let file = "integrations/fjord-kitchen/settings/payment_methods.yaml";
    project.edit(file, "Presentkort: {terms: \"0\"}", "Presentkort: {terms: \"10\"}");
    let store = rusqlite::Connection::open(project.at(".pairform/state.db")).unwrap();
    let by_hand = "UPDATE category SET settings = json_set(settings, '$.shared_customer', '9001') \
         WHERE integration = 'skog-outlet' AND category = 'customer'";
    assert_eq!(store.execute(by_hand, []).unwrap(), 1);
    project
}

/// What is drawn: the two that changed.
const PLAN: [&str; 3] = ["plan", "--integration", "fjord-kitchen,skog-outlet"];
const COLUMN: usize = 8;
const LINE: usize = 20;
const MARGIN: usize = 20;

/// A terminal with a command and what it printed, colours included.
fn terminal(command: &str, printed: &str) -> String {
    let lines: Vec<String> = std::iter::once(format!("\u{1b}[32m$\u{1b}[0m {command}"))
        .chain(printed.lines().map(str::to_owned))
        .collect();
    let plain = |line: &str| anstream::adapter::strip_str(line).to_string();
    let columns = lines.iter().map(|line| plain(line).chars().count()).max().unwrap();
    let (width, height) = (columns * COLUMN + 2 * MARGIN, lines.len() * LINE + 2 * MARGIN + 20);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{}\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n",
        escaped(command)
    );
    for (number, colour) in ["#ff5f56", "#ffbd2e", "#27c93f"].iter().enumerate() {
        let _ =
            writeln!(svg, "<circle cx=\"{}\" cy=\"20\" r=\"6\" fill=\"{colour}\"/>", MARGIN + number * 20);
    }
    svg.push_str(
        "<g font-family=\"ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace\" font-size=\"13\" fill=\"#e6edf3\">\n",
    );
    for (number, line) in lines.iter().enumerate() {
        let length = plain(line).chars().count();
        if length > 0 {
            let y = number * LINE + MARGIN + 40;
            // The length is given, so that what stands below each other does so in every font.
            let _ = writeln!(
                svg,
                "<text x=\"{MARGIN}\" y=\"{y}\" xml:space=\"preserve\" textLength=\"{}\">{}</text>",
                length * COLUMN,
                coloured(line)
            );
        }
    }
    svg + "</g>\n</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Spans of the colours that the program uses; another one fails.
fn coloured(line: &str) -> String {
    let mut svg = String::new();
    let (mut colour, mut weight) = ("", "");
    for (number, part) in line.split("\u{1b}[").enumerate() {
        let mut text = part;
        if number > 0 {
            let (codes, rest) = part.split_once('m').unwrap();
            text = rest;
            for code in codes.split(';') {
                match code {
                    "0" | "" => (colour, weight) = ("", ""),
                    "1" => weight = " font-weight=\"bold\"",
                    "2" => weight = " opacity=\"0.65\"",
                    "22" => weight = "",
                    "31" | "91" => colour = " fill=\"#ff7b72\"",
                    "32" | "92" => colour = " fill=\"#3fb950\"",
                    "33" | "93" => colour = " fill=\"#d29922\"",
                    "34" | "94" => colour = " fill=\"#58a6ff\"",
                    "35" | "95" => colour = " fill=\"#bc8cff\"",
                    "36" | "96" => colour = " fill=\"#39c5cf\"",
                    "39" => colour = "",
                    other => panic!("the colour {other} is not drawn"),
                }
            }
        }
        if !text.is_empty() {
            let _ = write!(svg, "<tspan{colour}{weight}>{}</tspan>", escaped(text));
        }
    }
    svg
}

#[test]
fn the_terminal_in_the_readme_is_what_is_printed() {
    let project = changed();
    let run = project.run(&[&PLAN[..], &["--color", "always"]].concat());
    run.assert_code(0);
    let svg = terminal(&format!("pairform {}", PLAN.join(" ")), &lasting(&run.stdout));
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(at("")).unwrap();
        std::fs::write(at("plan.svg"), &svg).unwrap();
        draw_page(&project);
    }
    assert_eq!(
        std::fs::read_to_string(at("page.sha256")).unwrap_or_default(),
        drawn_of(&page(&project)),
        "UPDATE=1 draws the page anew, where there is a browser"
    );
    assert!(
        std::fs::read_to_string(at("plan.svg")).is_ok_and(|kept| kept == svg),
        "UPDATE=1 makes the pictures anew"
    );
    let readme = std::fs::read_to_string(at("../../README.md")).unwrap();
    for name in ["plan.svg", "page.png"] {
        assert!(readme.contains(&format!("docs/pictures/{name}")) && at(name).exists(), "{name}");
    }
}

/// The page for reviewers.
fn page(project: &Project) -> String {
    project.run(&[&PLAN[..], &["-o", "html"]].concat()).stdout
}

/// The digest of what is seen of a page, its style included, but for when and by whom it was made.
fn drawn_of(page: &str) -> String {
    use sha2::Digest as _;
    let cut = |page: &str, begin: &str, end: &str| -> String {
        let mut parts = page.split(begin);
        let first = parts.next().unwrap().to_owned();
        parts.fold(first, |kept, part| kept + part.split_once(end).unwrap().1)
    };
    let page = cut(page, "<script", "</script>");
    let page = cut(&cut(&page, "<dt>Made</dt>", "</dd>"), "<dt>Digest</dt>", "</dd>");
    let digest = sha2::Sha256::digest(page.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n"
}

/// Draws it, where there is a browser.
fn draw_page(project: &Project) {
    let Some(browser) = tools::program(&["chromium", "chromium-browser", "google-chrome"], &[]) else {
        return;
    };
    let page = page(project);
    project.write("page.html", &page);
    let drawn = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1100,820"])
        .args(["--force-color-profile=srgb", "--force-device-scale-factor=1"])
        .arg(format!("--screenshot={}", at("page.png").display()))
        .arg(format!("file://{}", project.at("page.html").display()))
        .output()
        .unwrap();
    assert!(drawn.status.success(), "{drawn:?}");
    std::fs::write(at("page.sha256"), drawn_of(&page)).unwrap();
}
