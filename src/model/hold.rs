//! Integrations that are on hold, by a reason and until a day. Nothing here knows which day is today.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// Why an integration is not applied for the time being.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Said", into = "Said")]
pub struct Hold {
    pub reason: String,
    /// The last day of it, in UTC; none where it has no end.
    pub until: Option<Date>,
}

impl Hold {
    #[must_use]
    pub fn is_over(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }

    /// ` until 2026-12-31`, or nothing.
    #[must_use]
    pub fn end(&self) -> String {
        self.until.map(|until| format!(" until {until}")).unwrap_or_default()
    }

    /// `audit until 2026-12-31`.
    #[must_use]
    pub fn told(&self) -> String {
        self.reason.clone() + &self.end()
    }
}

/// As it is written: a reason alone, or with its end.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Said {
    Reason(String),
    Ends(Ends),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ends {
    reason: String,
    until: String,
}

impl TryFrom<Said> for Hold {
    type Error = String;

    fn try_from(said: Said) -> Result<Self, String> {
        Ok(match said {
            Said::Reason(reason) => Hold { reason, until: None },
            Said::Ends(Ends { reason, until }) => {
                let day = until.parse().map_err(|_| format!("`{until}` is no day"))?;
                Hold { reason, until: Some(day) }
            }
        })
    }
}

impl From<Hold> for Said {
    fn from(hold: Hold) -> Self {
        match hold {
            Hold { reason, until: None } => Said::Reason(reason),
            Hold { reason, until: Some(until) } => Said::Ends(Ends { reason, until: until.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_lasts_until_its_day_is_over() {
        let hold = |text: &str| serde_json::from_str::<Hold>(text);
        let day = |text: &str| text.parse::<Date>().unwrap();
        for text in ["\"audit\"", "{\"reason\":\"audit\",\"until\":\"2026-12-31\"}"] {
            assert_eq!(serde_json::to_string(&hold(text).unwrap()).unwrap(), text);
        }
        let ends = hold("{\"reason\":\"audit\",\"until\":\"2026-12-31\"}").unwrap();
        assert_eq!(ends.told(), "audit until 2026-12-31");
        assert!(!ends.is_over(day("2026-12-31")) && ends.is_over(day("2027-01-01")));
        assert!(!hold("\"audit\"").unwrap().is_over(day("2999-01-01")));
        assert!(hold("{\"reason\":\"audit\",\"until\":\"June\"}").is_err());
        assert!(hold("{\"reason\":\"audit\"}").is_err());
    }
}
