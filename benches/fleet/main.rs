//! Whole commands on generated fleets, beside what the machine needs at least: `cargo bench --bench fleet`.
//!
//! `-- --peers` runs other tools beside them. Prints a table for each size with medians and ratios, and how cost grows between the sizes. Not here: single functions.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::exit,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark runs programs, reads the clock and prints what it measured; what cannot go on stops"
)]

mod floor;
mod measure;
mod peers;
mod workload;

use std::path::{Path, PathBuf};

use clap::Parser;
use measure::{Taken, median, run};
use workload::{Dice, Shape};

#[derive(Debug, Parser)]
#[command(about = "Measures whole commands on generated fleets")]
struct Options {
    /// Sizes of the fleets.
    #[arg(long, value_delimiter = ',', default_value = "1000,10000")]
    integrations: Vec<usize>,
    #[arg(long, default_value_t = 20)]
    pairs: usize,
    /// The share of integrations with a mistake, in the runs of `validate`.
    #[arg(long, default_value_t = 0.02)]
    error_rate: f64,
    /// The share of integrations that somebody changed outside, in the runs of `drift`.
    #[arg(long, default_value_t = 0.05)]
    drift_rate: f64,
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Counted runs of each command.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Measure this program and not the one that was just built.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_pairform"))]
    binary: PathBuf,
    /// Only write the fleet of the first size into this folder.
    #[arg(long)]
    write: Option<PathBuf>,
    /// Only what needs no store.
    #[arg(long)]
    no_store: bool,
    /// Beside other tools, which are installed below `target/tools` where they are missing.
    #[arg(long)]
    peers: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What was measured, by the name of its row.
type Rows = Vec<(&'static str, Taken)>;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some(measure::ONE) => measure::one(&arguments[1..]),
        Some("--floor-read") => return println!("{}", floor::read(Path::new("."))),
        Some("--floor-scan") => return println!("{}", floor::scan(Path::new("."))),
        _ => {}
    }
    let options = Options::parse();
    let shape = |integrations, error_rate| Shape {
        integrations,
        pairs: options.pairs,
        error_rate,
        seed: options.seed,
    };
    if let Some(folder) = &options.write {
        let (mistakes, bytes) = workload::write(shape(options.integrations[0], options.error_rate), folder);
        return println!("{mistakes} integrations with a mistake, {bytes} bytes");
    }
    let mut before: Option<(usize, Rows)> = None;
    for size in &options.integrations {
        let rows = measured(&options, shape(*size, options.error_rate), shape(*size, 0.0));
        print(*size, &rows, before.as_ref());
        before = Some((*size, rows));
    }
}

/// Measures all rows on fleets of one size.
fn measured(options: &Options, faulty: Shape, sound: Shape) -> Rows {
    let place = tempfile::tempdir().expect("a folder");
    let (with_mistakes, fleet) = (place.path().join("faulty"), place.path().join("fleet"));
    let (mistakes, bytes) = workload::write(faulty, &with_mistakes);
    workload::write(sound, &fleet);
    println!(
        "{} integrations of {} pairs, {:.1} MB, {mistakes} with a mistake, seed {}",
        faulty.integrations,
        faulty.pairs,
        bytes as f64 / 1e6,
        faulty.seed
    );
    let binary = options.binary.display().to_string();
    let this = std::env::current_exe().expect("this program").display().to_string();
    let secrets = workload::secrets();
    let mut rows = Rows::new();
    let mut row = |name: &'static str, runs: usize, folder: &Path, words: &[&str], expected: &[i32]| {
        let command: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let taken = (0..runs).map(|_| run(folder, &command, &secrets, expected)).collect();
        rows.push((name, median(taken)));
    };
    let runs = options.runs;
    git(&with_mistakes, &["init", "-q"]);
    commit(&with_mistakes);
    let found: &[i32] = if mistakes > 0 { &[1] } else { &[0] };
    row("an empty process", runs, place.path(), &[&binary, "--version"], &[0]);
    row("floor: reading", runs, &with_mistakes, &[&this, "--floor-read"], &[0]);
    row("floor: scanning", runs, &with_mistakes, &[&this, "--floor-scan"], &[0]);
    row("git status", runs, &with_mistakes, &["git", "status", "--porcelain"], &[0]);
    row("validate", runs, &with_mistakes, &[&binary, "validate", "--no-cache"], found);
    row("validate, kept", 1, &with_mistakes, &[&binary, "validate"], found);
    row("validate, nothing changed", runs, &with_mistakes, &[&binary, "validate"], found);
    let one = first(&fleet);
    row("validate, one file", runs, &fleet, &[&binary, "validate", &one.1], &[0]);
    git(&fleet, &["init", "-q"]);
    commit(&fleet);
    if !options.no_store {
        row("plan, all new", 1, &fleet, &[&binary, "plan"], &[0]);
        row("apply, all new", 1, &fleet, &[&binary, "apply", "--yes", "--allow-live"], &[0]);
        row("plan, no change", runs, &fleet, &[&binary, "plan"], &[0]);
        row("plan, one of them", runs, &fleet, &[&binary, "plan", "--integration", &one.0], &[0]);
        drift(&fleet, options);
        row("drift", runs, &fleet, &[&binary, "drift"], &[0]);
    }
    workload::change(&fleet);
    if !options.no_store {
        row("plan, 1 % changed", runs, &fleet, &[&binary, "plan"], &[0]);
        row("apply, 1 % changed", 1, &fleet, &[&binary, "apply", "--yes", "--allow-live"], &[0]);
    }
    commit(&fleet);
    row("diff, 1 % changed", runs, &fleet, &[&binary, "diff", "--base", "HEAD~1", "--head", "HEAD"], &[0]);
    if options.peers {
        for (name, folder, command) in peers::rows(&with_mistakes, &binary, faulty.integrations) {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            row(name, 1, &folder, &words, &[0]);
        }
    }
    rows
}

fn git(folder: &Path, arguments: &[&str]) {
    let who = ["-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "gc.auto=0"];
    let ended = std::process::Command::new("git")
        .args(who)
        .args(arguments)
        .current_dir(folder)
        .status()
        .expect("git");
    assert!(ended.success(), "git {arguments:?}");
}

fn commit(folder: &Path) {
    std::fs::write(folder.join(".gitignore"), ".pairform/\n").expect("a file");
    git(folder, &["add", "--all"]);
    git(folder, &["commit", "-q", "-m", "fleet"]);
}

/// The name and the path of one integration in the middle.
fn first(fleet: &Path) -> (String, String) {
    let entries = std::fs::read_dir(fleet.join("integrations")).expect("the fleet");
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let file = names[names.len() / 2].clone();
    (file.trim_end_matches(".yaml").to_owned(), format!("integrations/{file}"))
}

/// Changes settings in the store itself, as somebody does who clicks in the platform.
fn drift(fleet: &Path, options: &Options) {
    let mut dice = Dice(options.seed ^ 0xd21f7);
    let store = rusqlite::Connection::open(fleet.join(".pairform/state.db")).expect("the store");
    let mut names = store.prepare("SELECT DISTINCT integration FROM category").expect("the layout");
    let names: Vec<String> =
        names.query_map([], |row| row.get(0)).expect("rows").map(|name| name.expect("a name")).collect();
    for name in names.iter().filter(|_| dice.chance(options.drift_rate)) {
        let changed = "UPDATE category SET settings = json_set(settings, '$.name', 'Clicked') WHERE integration = ? AND category = 'general'";
        store.execute(changed, [name]).expect("a change");
    }
}

fn print(size: usize, rows: &Rows, before: Option<&(usize, Rows)>) {
    let of = |name: &str| rows.iter().find(|(row, _)| *row == name).map_or(f64::NAN, |(_, taken)| taken.wall);
    println!(
        "{:<20} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "wall s", "cpu s", "peak MiB", "/ scan", "/ status", "growth"
    );
    for (name, taken) in rows {
        let growth = before.and_then(|(smaller, rows)| {
            let (_, then) = rows.iter().find(|(row, _)| row == name)?;
            Some((taken.wall / then.wall).ln() / (size as f64 / *smaller as f64).ln())
        });
        println!(
            "{name:<20} {:>9.3} {:>9.3} {:>9.0} {:>9.2} {:>9.2} {:>9}",
            taken.wall,
            taken.cpu,
            taken.peak,
            taken.wall / of("floor: scanning"),
            taken.wall / of("git status"),
            growth.map_or_else(String::new, |growth| format!("{growth:.2}"))
        );
    }
    println!();
}
