//! Kills and failures of the system at every point where an apply touches the world.
//!
//! Not here: races (`apply`), servers that stop (`postgres`). Every point with PAIRFORM_TEST_LONG=1, else some of them.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use crate::dice::Dice;
use crate::place::{CATEGORIES, MANY, Project, each_kind};
use crate::trace::{may_trace, under_strace};

/// Calls by which anything outside the process can change, and the waits for it.
const EFFECTS: &str = "pwrite64,write,sendto,fsync,fdatasync,ftruncate,unlink";

/// Calls that a full or failing disk refuses.
const DISK: [(&str, &str); 4] =
    [("pwrite64", "ENOSPC"), ("fdatasync,fsync", "EIO"), ("pwrite64", "EIO"), ("ftruncate,unlink", "EROFS")];

fn stride(short: usize) -> usize {
    if std::env::var_os("PAIRFORM_TEST_LONG").is_some() { 1 } else { short }
}

/// Runs a command that is killed when it makes this one of these calls, if it comes to it.
fn killed_at(calls: &str, call: usize, project: &Project, arguments: &[&str]) -> ExitStatus {
    let inject = format!("inject={calls}:signal=SIGKILL:when={call}");
    let traced = ["-o", "/dev/null", "-e", &format!("trace={calls}"), "-e", &inject];
    let mut command = under_strace(&project.command(arguments), &traced);
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
}

/// A change of two categories, planned; how many saves there were before.
fn planned(project: &Project, round: usize) -> usize {
    project.shop("shop", &format!("Shop{round}"), &format!("{round}"));
    sealed(project)
}

fn sealed(project: &Project) -> usize {
    project.run(&["plan", "--out", "p.plan"]).expect(0);
    project.store().records().unwrap().len()
}

/// The plan again, without faults: it finishes what is left, and all that is planned is saved, just once.
fn finished(project: &Project, before: usize, case: &str) {
    all_finished(project, before, 2, case);
}

fn all_finished(project: &Project, before: usize, planned: usize, case: &str) {
    // A dead holder's lock is in nobody's way.
    let ran = project.run(&["apply", "p.plan", "--lock-timeout", "0"]);
    let already = ran.code == 4 && ran.err.contains("applied already");
    assert!(ran.code == 0 || already, "{case}: {} {}", ran.out, ran.err);
    assert!(project.pending().is_empty(), "{case}");
    let records = project.store().records().unwrap().len();
    assert_eq!(records, before + planned, "{case}: each category once");
    assert!(project.store().locks().unwrap().is_empty(), "{case}");
}

/// Killed at each call that can change anything; what runs next finishes it, and each category is saved just once.
#[test]
fn an_apply_that_is_killed_is_finished_by_the_next() {
    if !may_trace() {
        return;
    }
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        let mut call = 1;
        let killed = (1..)
            .take_while(|round| {
                let before = planned(&project, *round);
                let ran = killed_at(EFFECTS, call, &project, &["apply", "p.plan"]);
                let killed = ran.signal() == Some(9);
                assert!(killed || ran.code() == Some(0), "{ran}");
                finished(&project, before, &format!("{} killed at call {call}", project.url));
                call += stride(3);
                killed
            })
            .count();
        assert!(killed >= 8, "{} has {killed} points only", project.url);
    }
}

/// Every call of a traced run: its name, and the how many-th of its name it was in its thread.
fn calls(trace: &str) -> Vec<(String, usize)> {
    let mut counted: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let begun = trace.lines().filter_map(|line| {
        let (thread, rest) = line.split_once(' ')?;
        let (name, _) = rest.trim_start().split_once('(')?;
        let is_name =
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        // Nothing of it runs before it is begun.
        (is_name && name != "execve").then_some((thread, name))
    });
    let calls = begun.map(|(thread, name)| {
        let number = counted.entry((thread, name)).or_default();
        *number += 1;
        (name.to_owned(), *number)
    });
    calls.collect()
}

/// Killed at any call to the system at all, thrown for with dice.
#[test]
fn an_apply_that_is_killed_anywhere_is_finished_by_the_next() {
    if !may_trace() {
        return;
    }
    let points = if std::env::var_os("PAIRFORM_TEST_LONG").is_some() { 250 } else { 12 };
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        let mut dice = Dice(points);
        let before = planned(&project, 0);
        under_strace(&project.command(&["apply", "p.plan"]), &["-o", "trace.txt"]).output().unwrap();
        let points_of_a_run = calls(&std::fs::read_to_string(project.path("trace.txt")).unwrap());
        finished(&project, before, "traced");
        let mut killed = 0;
        for round in 1..=points {
            let before = planned(&project, usize::try_from(round).unwrap());
            let (call, number) = &points_of_a_run[dice.below(points_of_a_run.len())];
            let inject = format!("inject={call}:signal=SIGKILL:when={number}");
            let mut command =
                under_strace(&project.command(&["apply", "p.plan"]), &["-o", "/dev/null", "-e", &inject]);
            let ran = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
            killed += u64::from(ran.signal() == Some(9));
            finished(&project, before, &format!("{} killed at {call} {number}", project.url));
        }
        assert!(killed * 2 > points, "{} was killed {killed} times", project.url);
    }
}

/// Killed between its groups and in the middle of each of them.
#[test]
fn an_apply_of_many_groups_that_is_killed_is_finished_by_the_next() {
    if !may_trace() {
        return;
    }
    for project in each_kind() {
        project.shops("Shop", "30");
        project.run(&["apply", "--yes"]).expect(0);
        project.shops("Shop0", "0");
        let before = sealed(&project);
        let traced = ["-o", "trace.txt", "-e", &format!("trace={EFFECTS}")];
        under_strace(&project.command(&["apply", "p.plan"]), &traced).output().unwrap();
        all_finished(&project, before, 2 * MANY, "traced");
        let trace = std::fs::read_to_string(project.path("trace.txt")).unwrap();
        // By which a store is written: to a file, or to a server.
        let writes = calls(&trace).into_iter().filter(|(name, _)| ["pwrite64", "sendto"].contains(&&**name));
        let (write, all) = writes.max_by_key(|(_, number)| *number).unwrap();
        // On a server most calls read; what saves comes last.
        let parts: Vec<usize> = if stride(2) == 1 {
            (1..25).map(|part| part * 4).collect()
        } else {
            vec![20, 50, 82, 88, 93, 97]
        };
        let mut saves = Vec::new();
        for (round, part) in (1..).zip(parts) {
            project.shops(&format!("Shop{round}"), &format!("{round}"));
            let before = sealed(&project);
            let call = all * part / 100;
            killed_at(&write, call, &project, &["apply", "p.plan"]);
            let saved = project.store().records().unwrap().len() - before;
            saves.push((call, saved));
            all_finished(&project, before, 2 * MANY, &format!("{} killed at call {call}", project.url));
        }
        let is_part = saves.iter().any(|(_, saved)| (1..2 * MANY).contains(saved));
        assert!(is_part, "{}: killed at a call, saved so far: {saves:?} of {all}", project.url);
    }
}

/// Killed while it makes its store: nothing is half there.
#[test]
fn a_first_apply_that_is_killed_leaves_a_store_that_works() {
    if !may_trace() {
        return;
    }
    for kind in 0..each_kind().len() {
        let mut call = 1;
        loop {
            let Some(project) = each_kind().into_iter().nth(kind) else { break };
            let ran = killed_at(EFFECTS, call, &project, &["apply", "--yes"]);
            project.run(&["apply", "--yes", "--lock-timeout", "0"]).expect(0);
            let records = project.store().records().unwrap().len();
            assert_eq!(records, CATEGORIES.len(), "{} killed at call {call}", project.url);
            // What the dead one had locked is in nobody's way.
            project.shop("shop", "Other", "14");
            project.run(&["apply", "--yes", "--lock-timeout", "0"]).expect(0);
            assert!(project.store().locks().unwrap().is_empty());
            if ran.code() == Some(0) {
                break;
            }
            assert_eq!(ran.signal(), Some(9));
            call += stride(7);
        }
    }
}

/// A disk that is full, fails or may not be written, from each such call on: the exit code says so, and nothing is lost.
#[test]
fn a_disk_that_fails_loses_nothing() {
    if !may_trace() {
        return;
    }
    let project = Project::sqlite();
    project.run(&["apply", "--yes"]).expect(0);
    let mut round = 0;
    for (calls, error) in DISK {
        let mut call = 1;
        let mut failed = 0;
        loop {
            round += 1;
            let before = planned(&project, round);
            let case = format!("{calls} fail with {error} from call {call} on");
            let (trace, inject) =
                (format!("trace={calls}"), format!("inject={calls}:error={error}:when={call}+"));
            let output = under_strace(
                &project.command(&["apply", "p.plan"]),
                &["-o", "trace.txt", "-e", &trace, "-e", &inject],
            )
            .output()
            .unwrap();
            let (out, err) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            let hit = std::fs::read_to_string(project.path("trace.txt")).unwrap().contains("(INJECTED)");
            let saved = project.store().records().unwrap().len() - before;
            let code = output.status.code();
            let in_doubt = out.contains("not known whether");
            let expected: &[i32] = match saved {
                0 => &[7],
                1 if in_doubt => &[3, 7],
                1 => &[3],
                // What follows the last save may fail.
                _ => &[0, 3, 7],
            };
            assert!(
                code.is_some_and(|code| expected.contains(&code)),
                "{case}: {saved} saved, {code:?}\n{out}\n{err}"
            );
            if code != Some(0) {
                assert!(format!("{out}{err}").contains("disk"), "{case}: {out}\n{err}");
            }
            // Whatever failed afterwards, what was saved is listed; what is in doubt may be.
            let listed = out.matches("saved as revision").count();
            assert!(listed == saved || (in_doubt && listed <= saved), "{case}: {saved} saved\n{out}\n{err}");
            finished(&project, before, &case);
            if !hit {
                break;
            }
            failed += 1;
            call += stride(4);
        }
        assert!(failed > 0 || calls.contains("unlink"), "{calls} are never called");
    }
}

/// A plan that finds no room is no result, and nothing half-written stays.
#[test]
fn a_plan_that_cannot_be_written_leaves_nothing() {
    if !may_trace() {
        return;
    }
    let project = Project::sqlite();
    project.write("p.plan", "an older one");
    let inject = ["-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=ENOSPC"];
    let full = under_strace(&project.command(&["plan", "--out", "p.plan"]), &inject).output().unwrap();
    let err = String::from_utf8_lossy(&full.stderr);
    assert_eq!(full.status.code(), Some(70), "{err}");
    assert!(err.contains("cannot write the plan to p.plan: ") && err.contains("No space left"), "{err}");
    let left = std::fs::read_dir(project.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name.to_string_lossy().contains(".plan")).collect();
    assert_eq!(left, ["p.plan"], "nothing lies beside it");
    assert_eq!(std::fs::read_to_string(project.path("p.plan")).unwrap(), "an older one");
    project.run(&["plan", "--out", "none/p.plan"]).expect(64);
}
