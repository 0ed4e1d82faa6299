//! What rounds cost in which nothing moved: processor time and transactions of PostgreSQL, of fleets of two sizes; and what a thousand rounds
//! keep in memory. Not run by themselves: they tell figures of the machine that they run on (`--ignored --nocapture`; PAIRFORM_SHOPS names
//! another size).

use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use pairform::store::Address;

use crate::reconcile_world::World;

/// What this process used of its processors.
fn used() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Duration::from_micros(micros.unsigned_abs())
}

fn shop(name: &str, terms: &str) -> String {
    format!(
        "integration: {name}\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  general: {{name: {name}}}\n  order: {{exclude_before: 2026-01-01}}\n  payment_methods:\n    methods:\n      Klarna: {{terms: \"{terms}\"}}\n"
    )
}

#[test]
#[ignore = "measures"]
fn what_rounds_cost_in_which_nothing_moved() {
    const ROUNDS: u32 = 10;
    let Some(server) = crate::server::shared() else { return };
    let asked = std::env::var("PAIRFORM_SHOPS").ok().and_then(|number| number.parse().ok());
    for number in asked.map_or_else(|| vec![1_000, 10_000], |one: usize| vec![one]) {
        let url = server.fresh_url();
        let database = url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
        let mut shell = server.shell();
        let mut transactions = || {
            // A connection tells what it did when it ends.
            std::thread::sleep(Duration::from_millis(500));
            let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1";
            shell.query_one(sql, &[&database]).unwrap().get::<_, i64>(0)
        };
        let mut world = World::new();
        world.address = Address::from(url.as_str());
        let names: Vec<String> = (0..number).map(|at| format!("shop-{at:05}")).collect();
        let mut shops: Vec<(&str, String)> =
            names.iter().map(|name| (name.as_str(), shop(name, "30"))).collect();
        let first = world.commit("", &shops, None, "Begin");
        world.move_main(first);
        let mut measured = |what: &str, rounds: u32, pass: i64, quiet: Option<bool>| {
            let before = transactions();
            let (begun, processor) = (Instant::now(), used());
            for _ in 0..rounds {
                world.pass(pass);
                let done = world.round().unwrap();
                assert!(done.open.is_empty() && quiet.is_none_or(|quiet| quiet == done.quiet), "{done:?}");
            }
            let (took, processor) = (begun.elapsed() / rounds, (used() - processor) / rounds);
            let asked = (transactions() - before) as f64 / f64::from(rounds);
            println!(
                "{number:>6} {what:<32} {processor:>8.2?} of processors {took:>8.2?} {asked:>7.1} transactions"
            );
        };
        measured("the first round", 1, 0, None);
        // What was saved meanwhile by others was not seen by a round that saved.
        measured("the round after one that saved", 1, 1, Some(false));
        measured("nothing moved", ROUNDS, 1, Some(true));
        measured("nothing moved, judged anew", 3, 601, Some(false));
        shops[7].1 = shop(&names[7], "14");
        world.move_main(world.commit("", &shops, Some(first), "One of them"));
        measured("one moved", 1, 1, Some(false));
    }
}

/// What this process has in memory, in bytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// As many rounds as an hour has at four seconds each, in which people save, commits come, and matters are opened, told and closed.
#[test]
#[ignore = "measures"]
fn what_a_thousand_rounds_keep_in_memory() {
    use pairform::ops::reconcile::{Daily, Listener};
    const ROUNDS: usize = 1_000;
    const SHOPS: usize = 100;
    const MEBIBYTE: u64 = 1 << 20;
    let world = World::new();
    let names: Vec<String> = (0..SHOPS).map(|at| format!("shop-{at:03}")).collect();
    let mut shops: Vec<(&str, String)> = names.iter().map(|name| (name.as_str(), shop(name, "30"))).collect();
    let rules = "reconcile: {outside: report, both: apply}";
    let mut main = world.commit(rules, &shops, None, "Begin");
    world.move_main(main);
    let daily = Daily { at: jiff::civil::Time::constant(8, 0, 0, 0), zone: jiff::tz::TimeZone::UTC };
    let ops = Listener {
        name: "ops".to_owned(),
        matters: true,
        digest: true,
        owner: None,
        most: 20,
        statuses: None,
    };
    let mut settled = 0;
    for round in 1..=ROUNDS {
        // A week in all.
        world.pass(7 * 24 * 3_600 / 1_000);
        let at = round % SHOPS;
        match round % 4 {
            0 => {
                world.save_outside(&names[at], "payment_methods", |all| {
                    all["methods"]["Klarna"]["terms"] = round.to_string().into();
                });
            }
            2 => {
                shops[at - 2].1 = shop(&names[at - 2], &round.to_string());
                main = world.commit(rules, &shops, Some(main), &format!("Round {round}"));
                world.move_main(main);
            }
            _ => {}
        }
        let done = world.round().unwrap();
        world.tell(Some(&done), std::slice::from_ref(&ops), &daily, "");
        if round % 100 == 0 {
            let store = std::fs::metadata(world.git().with_file_name("state.db")).unwrap().len();
            let (now, open) = (memory(), done.open.len());
            println!(
                "{round:>5} rounds: {:>4} MiB in memory, {:>3} MiB of store, {open} open",
                now / MEBIBYTE,
                store / MEBIBYTE
            );
            if round == 200 {
                settled = now;
            }
        }
    }
    let end = memory();
    assert!(end < settled + settled / 4 + 16 * MEBIBYTE, "from {settled} to {end} bytes");
}
