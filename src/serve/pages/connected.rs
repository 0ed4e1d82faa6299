//! The status of connections: which are there, and what their platforms answered when somebody had them asked.

use serde_json::{Value as Json, json};

use super::visit::Hand;
use crate::model::{CONNECTORS, SettingPath, Value};
use crate::ops::section::{self, Known};
use crate::secrets::{Reach, Secrets};
use crate::serve::app::Work;

/// Each platform of a pair: whether it is connected, and what it answered last.
#[must_use]
pub fn told(known: &Known, hand: &Hand<'_>, work: &Work<'_>) -> Json {
    let unconnected = section::unconnected(known);
    let answers = hand.app.tried.of(known.id());
    let (at, tried) = answers.as_ref().map_or((None, [].as_slice()), |(at, tried)| (Some(at), tried));
    let root = hand.app.serving.project.clone().unwrap_or_default();
    let host = *work.host;
    let secrets = Secrets::new(host.secrets, Reach::plan(&root, host.trust), work.store.fingerprint_key());
    let settings = known.rows.get(CONNECTORS).map(|row| &row.settings);
    // The credential of the active connection that is not at hand here.
    let lacking = |connector: &str| {
        let at = SettingPath::root().child(connector);
        let Some(Value::Text(name)) = settings?.get(&at.child("active")) else { return None };
        let connection = at.child("connections").child(name);
        let mut all = settings?.iter().filter(|(path, _)| path.starts_with(&connection));
        all.find_map(|(path, value)| match value {
            Value::Secret(secret) => {
                secrets.fingerprint(&secret.reference).is_err().then(|| path.to_string())
            }
            _ => None,
        })
    };
    let one = |connector: &crate::schema::Connector| {
        let answer = tried.iter().find(|one| one.connector == *connector.id);
        let came = answer.and_then(|answer| answer.came.as_ref().ok());
        json!({
            "id": connector.id, "platform": connector.title,
            "lacks": lacking(&connector.id), "connected": !unconnected.iter().any(|one| one.id == connector.id),
            "asked": answer.is_some(), "works": came.is_some(), "account": answer.and_then(|answer| answer.account.as_ref()),
            "values": came.map(|(number, _)| number), "list": came.map(|(_, title)| title),
            "why": answer.and_then(|answer| answer.came.as_ref().err()), "allow": answer.map(|answer| &answer.allow),
        })
    };
    let may_ask = hand.access.clears(known.id()) && !hand.app.serving.is_read_only;
    let platforms = [&known.pair.shop, &known.pair.erp];
    json!({
        "at": at, "platforms": platforms.map(one), "now": work.host.stamp(),
        "may_ask": may_ask && unconnected.len() < platforms.len(),
    })
}
