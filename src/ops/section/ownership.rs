//! Whose a setting is: git's or people's, by what the files say (D), what the last apply set (B) and what is deployed (S). One
//! table, for what is shown and for what is saved.

use crate::model::{Secret, Value};

/// What is known of one setting.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// What the files say of it: null is a reset.
    pub said: Option<&'a Value>,
    /// What the last apply set.
    pub applied: Option<&'a Value>,
    pub deployed: Option<&'a Value>,
    /// The value that counts where it is not set.
    pub default: Option<&'a Value>,
    /// The files list its category as people's.
    pub is_unmanaged: bool,
    /// No file has the integration any more.
    pub is_gone: bool,
    /// Its files have errors, so that it is not known what they say.
    pub is_unread: bool,
}

/// Whose a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ownership {
    /// Neither files nor an apply speak of it.
    NotManaged,
    /// All three say the same.
    Git,
    /// It was changed where it is deployed.
    ChangedOutside,
    /// It was changed in the files.
    Waits,
    /// It was changed in both.
    Conflict,
    /// Files and deployed settings say the same, and the last apply set something else.
    Agreed,
    /// An apply set it, and the files have no such integration any more.
    Released,
    /// The files leave its category to people.
    Peoples,
    /// The files have errors.
    Unknown,
}

impl Ownership {
    /// As the API says it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Ownership::NotManaged => "not-managed",
            Ownership::Git => "git",
            Ownership::ChangedOutside => "changed-outside",
            Ownership::Waits => "waits-for-apply",
            Ownership::Conflict => "conflict",
            Ownership::Agreed => "agreed",
            Ownership::Released => "released",
            Ownership::Peoples => "people",
            Ownership::Unknown => "unknown",
        }
    }

    /// In a few words, for people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Ownership::NotManaged => "not managed in git",
            Ownership::Git => "managed in git",
            Ownership::ChangedOutside => "managed in git, and changed outside",
            Ownership::Waits => "changed in git, and waits for an apply",
            Ownership::Conflict => "changed in git and outside",
            Ownership::Agreed => "managed in git, which agrees with what is deployed",
            Ownership::Released => "set from a file that is gone",
            Ownership::Peoples => "left to people by the files",
            Ownership::Unknown => "not known, as its files have errors",
        }
    }

    /// Whether a person's save may move it to a value, where the last apply set another.
    #[must_use]
    pub fn takes(self, held: Held<'_>, after: Option<&Value>) -> bool {
        match self {
            Ownership::NotManaged | Ownership::Peoples => true,
            Ownership::ChangedOutside => is_deployed(held.applied, after, held.default),
            _ => false,
        }
    }
}

/// Whose a setting is.
#[must_use]
pub fn ownership(held: Held<'_>) -> Ownership {
    let Held { said, applied, deployed, default, is_unmanaged, is_gone, is_unread } = held;
    if is_unread {
        return Ownership::Unknown;
    }
    if is_unmanaged {
        return Ownership::Peoples;
    }
    if said.is_none() && applied.is_none() {
        return Ownership::NotManaged;
    }
    if is_gone {
        return Ownership::Released;
    }
    let said_is_deployed = is_deployed(said, deployed, default);
    let applied_is_deployed = is_deployed(applied, deployed, default);
    let same = match (said, applied) {
        (Some(said), Some(applied)) => said == applied || (said_is_deployed && applied_is_deployed),
        // A setting that left the files is to be reset; one that is new to them was never set.
        _ => false,
    };
    match (same, said_is_deployed, applied_is_deployed) {
        (true, true, _) => Ownership::Git,
        (true, false, _) => Ownership::ChangedOutside,
        (false, true, _) => Ownership::Agreed,
        (false, false, true) => Ownership::Waits,
        (false, false, false) => Ownership::Conflict,
    }
}

/// Whether what was wanted is what is deployed; nothing and null want the default.
fn is_deployed(wanted: Option<&Value>, deployed: Option<&Value>, default: Option<&Value>) -> bool {
    match (wanted, deployed) {
        (None | Some(Value::Null), None) => true,
        (None | Some(Value::Null), Some(deployed)) => default == Some(deployed),
        (Some(Value::Secret(wanted)), Some(Value::Secret(deployed))) => is_same_secret(wanted, deployed),
        (Some(wanted), deployed) => deployed == Some(wanted),
    }
}

/// By reference, and by fingerprints where both are known.
fn is_same_secret(one: &Secret, other: &Secret) -> bool {
    let known = one.fingerprint.as_ref().zip(other.fingerprint.as_ref());
    one.reference == other.reference && known.is_none_or(|(one, other)| one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_owners() {
        let [a, b, c, null] = [Value::number("1"), Value::number("2"), Value::number("3"), Value::Null];
        let (a, b, c, null) = (Some(&a), Some(&b), Some(&c), Some(&null));
        // What the files say, what was applied, what is deployed; and whether a save may move it to 1, 2, 3, or reset it.
        let table = [
            (None, None, None, Ownership::NotManaged, "yes yes yes yes"),
            (None, None, a, Ownership::NotManaged, "yes yes yes yes"),
            (a, a, a, Ownership::Git, "no no no no"),
            (null, null, None, Ownership::Git, "no no no no"),
            (a, a, b, Ownership::ChangedOutside, "yes no no no"),
            (a, a, None, Ownership::ChangedOutside, "yes no no no"),
            (null, null, b, Ownership::ChangedOutside, "no no no yes"),
            (b, a, a, Ownership::Waits, "no no no no"),
            (a, None, None, Ownership::Waits, "no no no no"),
            (None, a, a, Ownership::Waits, "no no no no"),
            (null, a, a, Ownership::Waits, "no no no no"),
            (a, b, c, Ownership::Conflict, "no no no no"),
            (a, b, None, Ownership::Conflict, "no no no no"),
            (a, None, b, Ownership::Conflict, "no no no no"),
            (None, a, b, Ownership::Conflict, "no no no no"),
            (a, b, a, Ownership::Agreed, "no no no no"),
            (a, None, a, Ownership::Agreed, "no no no no"),
            (None, a, None, Ownership::Agreed, "no no no no"),
        ];
        for (said, applied, deployed, expected, may_move) in table {
            let held = Held {
                said,
                applied,
                deployed,
                default: None,
                is_unmanaged: false,
                is_gone: false,
                is_unread: false,
            };
            let found = ownership(held);
            let moves = [a, b, c, None].map(|to| if found.takes(held, to) { "yes" } else { "no" });
            assert_eq!((found, moves.join(" ").as_str()), (expected, may_move), "{held:?}");
            let peoples = Held { is_unmanaged: true, ..held };
            assert_eq!(ownership(peoples), Ownership::Peoples);
            assert!(Ownership::Peoples.takes(peoples, a));
        }
        let gone = Held {
            said: None,
            applied: a,
            deployed: a,
            default: None,
            is_unmanaged: false,
            is_gone: true,
            is_unread: false,
        };
        assert_eq!(ownership(gone), Ownership::Released);
        assert!(!Ownership::Released.takes(gone, b));
        let unread = Held { is_unread: true, ..gone };
        assert!(ownership(unread) == Ownership::Unknown && !Ownership::Unknown.takes(unread, b));
    }

    #[test]
    fn a_reset_is_deployed_where_the_default_is() {
        let (default, null) = (Value::Bool(true), Value::Null);
        let held = Held {
            said: Some(&null),
            applied: Some(&null),
            deployed: Some(&default),
            default: Some(&default),
            is_unmanaged: false,
            is_gone: false,
            is_unread: false,
        };
        assert_eq!(ownership(held), Ownership::Git);
    }
}
