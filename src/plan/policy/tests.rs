//! The laws of a policy: what is stricter, and what a change of it is told as.

use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;

use super::*;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("c".to_owned())]
}

fn code() -> impl Strategy<Value = String> {
    prop_oneof![Just("W0417".to_owned()), Just("N0101".to_owned())]
}

fn level() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Allow), Just(Level::Warn), Just(Level::Deny)]
}

fn limits() -> impl Strategy<Value = Limits> {
    let share = proptest::sample::select(Share::ALL.to_vec());
    proptest::collection::vec((share, 0_u8..=100, 0_u64..20), 0..4).prop_map(|bounds| {
        let mut limits = Limits::default();
        for (share, percent, minimum) in bounds {
            limits.add(share, Bound { percent, minimum });
        }
        limits
    })
}

fn window() -> impl Strategy<Value = Window> {
    let clock = || (0..24_u8, 0..60_u8).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"));
    let day = prop_oneof![Just("mon".to_owned()), Just("sun".to_owned())];
    let zone = prop_oneof![Just("UTC".to_owned()), Just("Europe/Stockholm".to_owned())];
    (btree_set(day, 0..2), clock(), clock(), zone).prop_map(|(days, from, to, timezone)| Window {
        days,
        from,
        to,
        timezone,
    })
}

fn environment() -> impl Strategy<Value = Environment> {
    (any::<bool>(), btree_set(window(), 0..2))
        .prop_map(|(require_clean, windows)| Environment { require_clean, windows })
}

fn policy() -> impl Strategy<Value = Policy> {
    let texts = || btree_map(name(), btree_set(name(), 1..3), 0..3);
    let rule = (level(), btree_set(name(), 0..3)).prop_map(|(level, except)| LevelRule { level, except });
    let live = prop_oneof![Just(Live::Allow), Just(Live::Ask), Just(Live::RequireLeave)];
    let overwrite = || prop_oneof![Just(Overwrite::Allow), Just(Overwrite::Ask), Just(Overwrite::Deny)];
    let overwrites =
        (overwrite(), overwrite()).prop_map(|(conflicts, drift)| Overwrites { conflicts, drift });
    let hold = (name(), proptest::option::of(Just(jiff::civil::date(2026, 12, 31))));
    let hold = hold.prop_map(|(reason, until)| Hold { reason, until });
    let judged = (
        limits(),
        btree_map(name(), limits(), 0..3),
        btree_map(name(), limits(), 0..3),
        btree_set(name(), 0..3),
        live,
        overwrites,
        btree_map(name(), btree_set(hold, 1..3), 0..3),
        texts(),
    );
    let rest = (
        btree_map(name(), environment(), 0..3),
        btree_map(code(), rule, 0..3),
        btree_map(name(), btree_map(code(), level(), 1..3), 0..3),
        texts(),
    );
    (judged, rest).prop_map(
        |(
            (limits, pairs, categories, protected, live, overwrites, holds, owners),
            (environments, levels, own_levels, others),
        )| {
            Policy {
                limits,
                pairs,
                categories,
                protected,
                live,
                overwrites,
                holds,
                owners,
                environments,
                levels,
                own_levels,
                others,
            }
        },
    )
}

/// Whether limits refuse a change of so many of so many.
fn refuses(limits: &Limits, number: usize, all: usize) -> Vec<bool> {
    Share::ALL.map(|share| limits.of(share).any(|bound| bound.refuses(number, all))).to_vec()
}

/// Everything that a policy refuses, of a small world in which all that it can name is tried.
fn refused(policy: &Policy, number: usize, all: usize) -> Vec<bool> {
    let names = ["a", "b", "c"];
    let none = Limits::default();
    let mut found = refuses(&policy.limits, number, all);
    for name in names {
        found.extend(refuses(policy.pairs.get(name).unwrap_or(&none), number, all));
        found.extend(refuses(policy.categories.get(name).unwrap_or(&none), number, all));
        found.push(policy.protected.contains(name));
        found.push(policy.holds.contains_key(name));
        let owned = policy.owners.get(name);
        found.extend(names.map(|owner| owned.is_some_and(|owners| owners.contains(owner))));
        let environment = policy.environments.get(name).cloned().unwrap_or_default();
        found.push(environment.require_clean);
        // A window refuses by itself what it is closed for.
        found.push(!environment.windows.is_empty());
        for code in ["W0417", "N0101"] {
            let level = policy.level(code, Some(name));
            found.extend([Level::Note, Level::Warn, Level::Deny].map(|least| level >= least));
        }
    }
    found.extend([Live::Ask, Live::RequireLeave].map(|least| policy.live >= least));
    for (_, taken) in policy.overwrites.each() {
        found.extend([Overwrite::Ask, Overwrite::Deny].map(|least| taken >= least));
    }
    found.extend(["W0417", "N0101"].map(|code| policy.level(code, None) == Level::Deny));
    found
}

proptest! {
    #[test]
    fn the_stricter_of_two_has_no_order_and_no_memory(one in policy(), two in policy(), three in policy()) {
        prop_assert_eq!(stricter(&one, &two), stricter(&two, &one));
        prop_assert_eq!(stricter(&one, &one), one.clone());
        prop_assert_eq!(
            stricter(&stricter(&one, &two), &three),
            stricter(&one, &stricter(&two, &three))
        );
    }

    #[test]
    fn the_stricter_of_two_refuses_all_that_either_refuses(
        one in policy(), two in policy(), number in 0_usize..40, all in 0_usize..60
    ) {
        let both = stricter(&one, &two);
        let (one_refuses, two_refuses) = (refused(&one, number, all), refused(&two, number, all));
        for (at, both) in refused(&both, number, all).into_iter().enumerate() {
            prop_assert!(both || (!one_refuses[at] && !two_refuses[at]), "{}", at);
        }
        for (name, environment) in one.environments.iter().chain(&two.environments) {
            prop_assert!(environment.windows.is_subset(&both.environments[name].windows));
        }
    }

    /// What nothing is said of did not move, and what is stricter than both is stricter by what is told.
    #[test]
    fn changes_tell_every_rule_that_is_weaker(one in policy(), two in policy(), number in 0_usize..40, all in 0_usize..60) {
        prop_assert!(changes(&one, &one).is_empty());
        let told = changes(&one, &two);
        let directions: Vec<Direction> = told.iter().map(|change| change.direction).collect();
        prop_assert!(directions.is_sorted(), "what has no order is told first");
        let pairs = refused(&one, number, all).into_iter().zip(refused(&two, number, all));
        if pairs.clone().any(|(before, after)| before && !after) {
            prop_assert!(told.iter().any(|change| change.direction != Direction::Stricter), "{told:?}");
        }
        if pairs.clone().any(|(before, after)| !before && after) {
            prop_assert!(told.iter().any(|change| change.direction != Direction::Weaker), "{told:?}");
        }
        // Each is the other way round from the other side.
        let back = changes(&two, &one);
        prop_assert_eq!(told.len(), back.len());
        let number = |all: &[PolicyChange], direction| all.iter().filter(|change| change.direction == direction).count();
        prop_assert_eq!(number(&told, Direction::Weaker), number(&back, Direction::Stricter));
    }

    #[test]
    fn a_stricter_policy_is_told_as_such(one in policy(), two in policy()) {
        // But for what has no order: a hold with another reason, other hours, and names that nothing is known of.
        let told = changes(&one, &stricter(&one, &two));
        for change in told {
            let may_be_other = ["safety.holds.", "a", "b", "c"].iter().any(|item| change.item.starts_with(item))
                || change.item.ends_with(".window");
            prop_assert!(
                change.direction == Direction::Stricter || (may_be_other && change.direction == Direction::Other),
                "{change:?}"
            );
        }
    }

    #[test]
    fn a_policy_reads_back_as_it_was_written(policy in policy()) {
        prop_assert_eq!(Policy::read(&policy.document()), Ok(policy));
    }
}

#[test]
fn what_is_not_known_is_not_passed_by() {
    let newer = r#"{"policy":{"live":"ask"},"version":2}"#;
    assert_eq!(Policy::read(newer), Err(PolicyError::Newer { found: 2 }));
    for unknown in [
        r#"{"policy":{"live":"ask","rules":{}},"version":1}"#,
        r#"{"policy":{"live":"never"},"version":1}"#,
        r#"{"policy":{"live":"ask","limits":{"max_moved":[]}},"version":1}"#,
        "{}",
        "",
    ] {
        assert!(matches!(Policy::read(unknown), Err(PolicyError::Unknown(_))), "{unknown}");
    }
}

#[test]
fn an_integration_lowers_a_level_only_where_it_is_excepted() {
    let mut policy = Policy::default();
    let rule = LevelRule { level: Level::Deny, except: ["bike".to_owned()].into() };
    policy.levels.insert("W0417".into(), rule);
    for name in ["bike", "shop"] {
        policy.own_levels.insert(name.into(), [("W0417".into(), Level::Allow)].into());
    }
    let of = |name| policy.level("W0417", name);
    assert_eq!([of(Some("bike")), of(Some("shop")), of(None)], [Level::Allow, Level::Deny, Level::Deny]);
    assert_eq!(policy.level("W0001", Some("bike")), Level::Warn);
}

#[test]
fn each_change_says_what_was_and_what_is() {
    let bound = |percent, minimum| {
        let mut limits = Limits::default();
        limits.add(Share::MaxChanged, Bound { percent, minimum });
        limits
    };
    let window = |from: &str| Window {
        days: ["mon".to_owned()].into(),
        from: from.into(),
        to: "16:00".into(),
        timezone: "UTC".into(),
    };
    let environment = |from: &str, require_clean| {
        let windows = [window(from)].into();
        [("production".to_owned(), Environment { require_clean, windows })].into()
    };
    let own = |names: &[&str]| {
        names.iter().map(|name| ((*name).to_owned(), [("W0001".to_owned(), Level::Deny)].into())).collect()
    };
    let before = Policy {
        limits: bound(10, 1),
        protected: ["connectors".to_owned()].into(),
        live: Live::RequireLeave,
        overwrites: Overwrites { conflicts: Overwrite::Allow, drift: Overwrite::Deny },
        holds: [("shop".to_owned(), [Hold { reason: "audit".to_owned(), until: None }].into())].into(),
        owners: [("stock".to_owned(), ["warehouse".to_owned()].into())].into(),
        environments: environment("08:00", true),
        levels: [("W0417".to_owned(), LevelRule { level: Level::Deny, except: BTreeSet::new() })].into(),
        own_levels: own(&["a", "b", "c", "d", "e", "f"]),
        others: [("templates/page.html".to_owned(), [digest_text("a")].into())].into(),
        ..Policy::default()
    };
    let after = Policy {
        limits: bound(30, 10),
        live: Live::Ask,
        owners: [("stock".to_owned(), ["warehouse".to_owned(), "finance".to_owned()].into())].into(),
        environments: environment("07:00", false),
        levels: [("W0417".to_owned(), LevelRule { level: Level::Allow, except: ["a".to_owned()].into() })]
            .into(),
        ..Policy::default()
    };
    let told: Vec<String> = changes(&before, &after)
        .iter()
        .map(|change| format!("{} {} {}", change.direction.as_str(), change.item, change.told()))
        .collect();
    assert_eq!(
        told,
        [
            "other templates/page.html sha256:ca978112 taken away",
            "weaker safety.max_changed 10% → 30% from 10 changes on",
            "weaker safety.protected connectors taken away",
            "weaker safety.live require-leave → ask",
            "weaker safety.drift deny → allow",
            "weaker safety.holds.shop audit taken away",
            "weaker environments.production.require_clean true → false",
            "weaker environments.production.window mon 08:00–16:00 (UTC) → mon 07:00–16:00 (UTC)",
            "weaker levels.W0417 deny → allow",
            "weaker levels.W0417.except a added",
            "weaker levels.W0001 deny → warn in a, b, c, d and 2 more",
            "stricter safety.conflicts allow → ask",
            "stricter owners.stock finance added",
        ]
    );
}

#[test]
fn hours_are_compared_by_when_they_are_open() {
    let window = |days: &[&str], from: &str, to: &str| Window {
        days: days.iter().map(|day| (*day).to_owned()).collect(),
        from: from.into(),
        to: to.into(),
        timezone: "UTC".into(),
    };
    let only = |window: Window| BTreeSet::from([window]);
    for (first, second, expected) in [
        (window(&[], "08:00", "16:00"), window(&["mon"], "09:00", "10:00"), (true, false)),
        (window(&["mon"], "22:00", "04:00"), window(&["mon"], "23:00", "03:00"), (true, false)),
        (window(&["sun"], "22:00", "04:00"), window(&["mon"], "02:00", "03:00"), (true, false)),
        (window(&window::DAYS, "08:00", "16:00"), window(&[], "08:00", "16:00"), (true, true)),
        (window(&[], "08:00", "08:00"), window(&["mon"], "02:00", "03:00"), (false, true)),
        (window(&["mon"], "08:00", "12:00"), window(&["mon"], "10:00", "14:00"), (false, false)),
    ] {
        let found = window::compare(&only(first.clone()), &only(second.clone()));
        assert_eq!(found, Some(expected), "{first:?} {second:?}");
    }
    let here = window(&[], "08:00", "16:00");
    let there = Window { timezone: "Europe/Stockholm".into(), ..here.clone() };
    assert_eq!(window::compare(&only(here), &only(there)), None, "they shift with the season");
}
