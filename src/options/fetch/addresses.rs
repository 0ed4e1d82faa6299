//! Where an account's credentials are sent: the address of the platform, and that of its tokens. Nothing is sent here, and no
//! secret is read: whether an address is allowed is judged before.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::Deserialize as _;
use serde_json::Value as Json;
use url::{Position, Url};

use super::auth::{self, lacking};
use super::descriptor::{Absent, Descriptor, fill};
use crate::http::address::{self, is_safe, origin};
use crate::http::{Fault, FaultKind};
use crate::schema::addresses::{OWN, of_part};
use crate::schema::fields_of;
use crate::schema::parts::{Catalogue, built_in};
use crate::trust::{Endpoint, HTTPS, Need};

/// The addresses of one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// Where the platform is: its own address or the connection's `base_url`, without a slash at the end.
    pub host: String,
    /// Further addresses of the platform by name; the connection's `base_url` takes the place of these too.
    pub others: BTreeMap<String, String>,
    /// Where tokens are got, where the way to authenticate wants one.
    pub token_url: Option<String>,
}

impl Addresses {
    /// Those of a connection, by the fields that are no secrets.
    ///
    /// # Errors
    /// When a field is missing or is a secret, or an address is not safe.
    pub fn of(descriptor: &Descriptor, connection: &BTreeMap<String, Json>) -> Result<Self, Fault> {
        let way = auth::way(descriptor, connection)?;
        let field = |name: &str| match connection.get(name)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let filled = |template: &str| fill(template, &field).map_err(lacking);
        let named = |name: &str| {
            connection.get(name).and_then(Json::as_str).map(|url| url.trim_end_matches('/').to_owned())
        };
        let bare = |address: String| address.trim_end_matches('/').to_owned();
        let own = descriptor.base_url.as_deref().map(filled).transpose()?;
        let moved = named("base_url");
        let mut others = BTreeMap::new();
        for (name, address) in &descriptor.base_urls {
            let address = moved.clone().map_or_else(|| filled(address).map(bare), Ok)?;
            others.insert(name.clone(), address);
        }
        let host = moved.or_else(|| own.clone().map(bare));
        let host = host.ok_or_else(|| lacking(Absent("base_url".to_owned())))?;
        let mut token_url = named("token_url");
        if let (Some(token), None) = (&way.token, &token_url) {
            let mut usual = filled(&token.url)?;
            // A platform whose tokens come from the host of its API gets them from where the API was moved to.
            if let Some(own) = own.as_deref().filter(|own| *own != host)
                && let (Some(own), Some(at)) = (address::parse(own), address::parse(&usual))
                && origin(&own) == origin(&at)
            {
                usual = format!("{host}{}", &at[Position::BeforePath..]);
            }
            token_url = Some(usual);
        }
        let addresses = Addresses { host, others, token_url };
        match addresses.urls() {
            Some(_) => Ok(addresses),
            None => Err(Fault::new(
                FaultKind::Denied,
                "plain http is for this machine only, so that no credential is sent in the open",
            )),
        }
    }

    /// What has to be allowed before a connector's credentials go there.
    #[must_use]
    pub fn needs(&self, connector: &str) -> Vec<Need> {
        let urls = self.urls().unwrap_or_default();
        let foreign = urls.iter().filter(|url| !is_usual(connector, url));
        foreign.map(|url| need(connector, url)).collect()
    }

    /// None where one of them is not safe.
    fn urls(&self) -> Option<Vec<Url>> {
        let all = std::iter::once(&self.host).chain(self.others.values()).chain(&self.token_url);
        all.map(|text| address::parse(text).filter(is_safe)).collect()
    }
}

/// A connector as a project has it, for the question where its connections lead.
pub struct Leads {
    connector: String,
    part: Arc<Json>,
    /// None where the part is no description that can be understood.
    descriptor: Option<Descriptor>,
}

impl Leads {
    /// `part` is the connector's description.
    #[must_use]
    pub fn of(connector: &str, part: Arc<Json>) -> Self {
        let descriptor = Descriptor::deserialize(&*part).ok();
        Leads { connector: connector.to_owned(), part, descriptor }
    }

    /// What has to be allowed before a connection's credentials are sent, or its address is saved for whoever reads the deployed
    /// state. Where the part or the connection is not understood as a whole, each address that stands in one of them by itself: what is
    /// saved there may be read otherwise by somebody else.
    #[must_use]
    pub fn needs(&self, connection: BTreeMap<String, Json>) -> Vec<Need> {
        let connection = with_defaults(connection, &self.part);
        let whole =
            self.descriptor.as_ref().and_then(|descriptor| Addresses::of(descriptor, &connection).ok());
        if let Some(addresses) = whole {
            return addresses.needs(&self.connector);
        }
        let field = |name: &str| match connection.get(name)? {
            Json::String(text) => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let named = OWN.into_iter().filter_map(field);
        // One with a field that is missing leads nowhere.
        let of_part = of_part(&self.part).into_values();
        let filled = of_part.filter_map(|template| fill(&template, &field).ok());
        let mut needs: Vec<Need> = named.chain(filled).filter_map(|text| self.need_of(&text)).collect();
        needs.dedup();
        needs
    }

    /// What one address needs. What can be read as none is nobody's own.
    fn need_of(&self, text: &str) -> Option<Need> {
        match address::parse(text) {
            Some(url) => (!is_usual(&self.connector, &url)).then(|| need(&self.connector, &url)),
            None => {
                let host = text.split_once("://").map_or(text, |(_, rest)| rest);
                let host = host.split('/').next().unwrap_or_default();
                Some(Need::Host { connector: self.connector.clone(), at: Endpoint::new(host, HTTPS) })
            }
        }
    }
}

/// A connection with what a connector takes for fields that it leaves out.
#[must_use]
pub fn with_defaults(mut fields: BTreeMap<String, Json>, part: &Json) -> BTreeMap<String, Json> {
    let properties = part.pointer("/connection/properties").and_then(Json::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        if let Some(default) = schema.get("default") {
            fields.entry(name.clone()).or_insert_with(|| default.clone());
        }
    }
    fields
}

fn need(connector: &str, url: &Url) -> Need {
    Need::Host { connector: connector.to_owned(), at: address::endpoint(url) }
}

/// Whether an address is of a domain that is the built-in connector's own, whatever a project lays over that connector.
fn is_usual(connector: &str, url: &Url) -> bool {
    url.scheme() == "https" && domains(connector).iter().any(|domain| domain.covers(&address::endpoint(url)))
}

/// A host, or everything one name below a domain.
struct Domain {
    host: String,
    below: bool,
}

impl Domain {
    fn covers(&self, at: &Endpoint) -> bool {
        let is_host = match at.host.strip_suffix(&self.host) {
            Some("") => !self.below,
            Some(name) => {
                self.below
                    && name.strip_suffix('.').is_some_and(|name| !name.is_empty() && !name.contains('.'))
            }
            None => false,
        };
        is_host && at.port == HTTPS
    }
}

/// The fixed domains of a built-in connector; none for one that a team brings. Asked for every connection of a fleet.
fn domains(connector: &str) -> Arc<Vec<Domain>> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Vec<Domain>>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(domains) = known.get(connector) {
        return Arc::clone(domains);
    }
    let is_built_in = Catalogue::default().names("connectors").iter().any(|known| known == connector);
    let addresses = match is_built_in {
        true => of_part(&built_in(&format!("connectors/{connector}.yaml"))),
        false => BTreeMap::new(),
    };
    let domains = Arc::new(addresses.values().filter_map(|address| domain(address)).collect());
    known.insert(connector.to_owned(), Arc::clone(&domains));
    domains
}

/// The domain of an address in which fields may stand.
fn domain(template: &str) -> Option<Domain> {
    let host = template.strip_prefix("https://")?.split('/').next()?;
    let (fields, below) = (fields_of(host), host.starts_with('{'));
    let fixed = if below { host.split_once("}.")?.1 } else { host };
    let is_fixed = !fixed.contains(['{', '}', ':']) && fixed.contains('.') && fields.into_iter().count() <= 1;
    is_fixed.then(|| Domain { host: fixed.to_owned(), below })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_base_url_of_the_connection_takes_the_place_of_every_address_of_the_platform() {
        let part = json!({
            "base_url": "https://api.example.com/",
            "base_urls": {"orders": "https://{tenant}.orders.example.com"},
            "auth": [{"when": ["key"], "headers": {"X-Key": "{key}"}}],
        });
        let descriptor = Descriptor::deserialize(&part).unwrap();
        let of = |connection: Json| {
            let fields = connection.as_object().unwrap().clone().into_iter().collect();
            Addresses::of(&descriptor, &fields)
        };
        let key = json!({"secret": "env/KEY"});
        let own = of(json!({"key": key, "tenant": "nordic"})).unwrap();
        assert_eq!(
            (&*own.host, &*own.others["orders"]),
            ("https://api.example.com", "https://nordic.orders.example.com")
        );
        let hosts = own.needs("mine").into_iter().map(|need| format!("{need:?}")).collect::<Vec<_>>();
        assert!(hosts.len() == 2 && hosts[1].contains("nordic.orders.example.com"), "{hosts:?}");
        let moved = of(json!({"key": key, "base_url": "http://localhost:9000/"})).unwrap();
        assert_eq!(
            (&*moved.host, &*moved.others["orders"]),
            ("http://localhost:9000", "http://localhost:9000")
        );
        assert!(of(json!({"key": key})).is_err());
    }

    #[test]
    fn a_domain_is_the_platforms_own_where_no_field_can_change_it() {
        let usual = |connector: &str, url: &str| is_usual(connector, &address::parse(url).unwrap());
        for (connector, url, expected) in [
            ("shopify", "https://nordic.myshopify.com/x", true),
            ("shopify", "https://nordic.myshopify.com:8443", false),
            ("shopify", "https://a.b.myshopify.com", false),
            ("shopify", "https://myshopify.com", false),
            ("shopify", "https://evil-myshopify.com", false),
            ("shopify", "https://nordic.myshopify.com.evil.example", false),
            ("shopify", "https://api.fortnox.se", false),
            ("fortnox", "https://api.fortnox.se/3", true),
            ("fortnox", "https://apps.fortnox.se/oauth-v1/token", true),
            ("fortnox", "https://evil.fortnox.se", false),
            ("fortnox", "http://localhost:9000", false),
            ("woocommerce", "https://shop.example.com", false),
            ("norce", "https://nordic.norce.tech", false),
            ("mine", "https://api.fortnox.se", false),
        ] {
            assert_eq!(usual(connector, url), expected, "{connector} {url}");
        }
    }
}
