//! Names as they are asked for: by themselves, or with `*` for any characters and `?` for one. No name of ours holds either.

/// Whether it stands for more than one name.
#[must_use]
pub fn is_pattern(wanted: &str) -> bool {
    wanted.contains(['*', '?'])
}

/// Whether a name is meant.
#[must_use]
pub fn means(wanted: &str, name: &str) -> bool {
    if !is_pattern(wanted) {
        return wanted == name;
    }
    let (wanted, name): (Vec<char>, Vec<char>) = (wanted.chars().collect(), name.chars().collect());
    // Where the last `*` stands, and how much of the name it has taken.
    let (mut at, mut taken, mut star) = (0, 0, None);
    while taken < name.len() {
        match wanted.get(at) {
            Some('*') => {
                star = Some((at, taken));
                at += 1;
            }
            Some(one) if *one == '?' || *one == name[taken] => {
                at += 1;
                taken += 1;
            }
            _ => {
                let Some((here, had)) = star else { return false };
                star = Some((here, had + 1));
                (at, taken) = (here + 1, had + 1);
            }
        }
    }
    wanted[at..].iter().all(|one| *one == '*')
}

/// Whether one of those that are asked for means a name.
#[must_use]
pub fn any_means(wanted: &[String], name: &str) -> bool {
    wanted.iter().any(|one| means(one, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_a_mark_for_one() {
        for (wanted, name) in [
            ("nordic", "nordic"),
            ("*", "nordic"),
            ("nordic-*", "nordic-outdoor"),
            ("*-outdoor", "nordic-outdoor"),
            ("n*c-*r", "nordic-outdoor"),
            ("nordic-?", "nordic-1"),
            ("*a*a*", "banana"),
            ("å*", "åäö"),
            ("nordic*", "nordic"),
        ] {
            assert!(means(wanted, name), "{wanted} {name}");
        }
        for (wanted, name) in [
            ("nordic", "nordic-outdoor"),
            ("nordic-?", "nordic-"),
            ("*x", "nordic"),
            ("a*b", "ab-"),
            ("?", ""),
            ("?", "ab"),
        ] {
            assert!(!means(wanted, name), "{wanted} {name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn it_is_as_globs_are_elsewhere(wanted in "[ab*?]{0,8}", name in "[ab]{0,10}") {
            let glob = globset::Glob::new(&wanted).unwrap().compile_matcher();
            proptest::prop_assert_eq!(means(&wanted, &name), glob.is_match(&name));
        }
    }
}
