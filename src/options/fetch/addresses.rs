//! Where an account's credentials are sent: the address of the platform, and that of its tokens. Nothing is sent here, and no
//! secret is read: whether an address is allowed is judged before.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use serde::Deserialize as _;
use serde_json::Value as Json;
use url::{Position, Url};

use super::auth::{self, lacking};
use super::descriptor::{Absent, Descriptor, fill};
use crate::http::address::{self, encode, encode_path, is_safe, origin};
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
    /// What the paths of requests follow: the host with the connector's `base_path`.
    pub base: String,
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
        // A value is one part of the path, whatever it holds.
        let part = |name: &str| field(name).map(|value| encode(&value));
        let path = fill(&descriptor.base_path, &part).map_err(lacking)?;
        let base = format!("{host}{}", encode_path(&path));
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
        let addresses = Addresses { host, base, others, token_url };
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
        urls.iter().filter_map(|(role, url)| need(connector, *role, url)).collect()
    }

    /// None where one of them is not safe.
    fn urls(&self) -> Option<Vec<(Role, Url)>> {
        let requests =
            std::iter::once(&self.base).chain(self.others.values()).map(|text| (Role::Request, text));
        let all = requests.chain(self.token_url.iter().map(|text| (Role::Token, text)));
        all.map(|(role, text)| Some((role, address::parse(text).filter(is_safe)?))).collect()
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
        let named = OWN.into_iter().filter_map(|name| Some((Role::of(name), field(name)?)));
        // One with a field that is missing leads nowhere.
        let of_part = of_part(&self.part).into_iter();
        let filled =
            of_part.filter_map(|(key, template)| Some((Role::of(&key), fill(&template, &field).ok()?)));
        let mut needs: Vec<Need> =
            named.chain(filled).filter_map(|(role, text)| self.need_of(role, &text)).collect();
        needs.dedup();
        needs
    }

    /// What one address needs. What can be read as none is nobody's own.
    fn need_of(&self, role: Role, text: &str) -> Option<Need> {
        match address::parse(text) {
            Some(url) => need(&self.connector, role, &url),
            None => {
                let host = text.split_once("://").map_or(text, |(_, rest)| rest);
                let host = host.split('/').next().unwrap_or_default();
                let at = Endpoint::new(host, HTTPS);
                Some(Need::Host { connector: self.connector.clone(), at, path: None })
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

/// What is sent to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Requests of the API, with a token or a key: what their paths follow.
    Request,
    /// The same without the path that all of them have, as a connection says it.
    Host,
    /// What tokens are got for.
    Token,
}

impl Role {
    /// That of an address by its key in a part, or by the connection's field.
    fn of(key: &str) -> Role {
        if key.ends_with("url") && key.contains("token") { Role::Token } else { Role::Host }
    }
}

/// What has to be allowed before a connector's credentials go to an address; nothing where a built-in connector sends them
/// there itself, whatever a project lays over that connector.
fn need(connector: &str, role: Role, url: &Url) -> Option<Need> {
    let own = own(connector);
    let own_hosts: Vec<&Own> = own.iter().filter(|own| own.has_host(url)).collect();
    if own_hosts.iter().any(|own| own.role == role && own.has_path(url)) {
        return None;
    }
    // On the platform's own host, too, strangers may answer: an app of somebody else has its paths on a shop's host.
    let path = (!own_hosts.is_empty()).then(|| url[Position::BeforePath..].to_owned());
    Some(Need::Host { connector: connector.to_owned(), at: address::endpoint(url), path })
}

/// An address of a built-in connector on a fixed domain.
struct Own {
    role: Role,
    /// The host, or where `below` the domain that it is one name below.
    host: String,
    below: bool,
    /// With fields in it, each of which is within one part of the path.
    path: String,
}

impl Own {
    fn has_host(&self, url: &Url) -> bool {
        let at = address::endpoint(url);
        let is_host = match at.host.strip_suffix(&self.host) {
            Some("") => !self.below,
            Some(name) => {
                self.below
                    && name.strip_suffix('.').is_some_and(|name| !name.is_empty() && !name.contains('.'))
            }
            None => false,
        };
        let names_nobody = url.username().is_empty() && url.password().is_none();
        is_host && url.scheme() == "https" && at.port == HTTPS && names_nobody
    }

    fn has_path(&self, url: &Url) -> bool {
        let is_bare = url.query().is_none() && url.fragment().is_none();
        let (own, path) = (self.path.trim_end_matches('/'), url.path().trim_end_matches('/'));
        let mut parts = own.split('/').zip(path.split('/'));
        let is_same =
            own.split('/').count() == path.split('/').count() && parts.all(|(own, part)| fits(own, part));
        is_bare && is_same
    }
}

/// Whether one part of a path is what a part with a field in it can become.
fn fits(template: &str, part: &str) -> bool {
    match (template.find('{'), template.rfind('}')) {
        (Some(from), Some(to)) => {
            let ends =
                part.strip_prefix(&template[..from]).and_then(|rest| rest.strip_suffix(&template[to + 1..]));
            ends.is_some_and(|value| !value.is_empty())
        }
        _ => template == part,
    }
}

/// The addresses of a built-in connector on fixed domains; none for one that a team brings. Asked for every connection of a fleet.
fn own(connector: &str) -> Arc<Vec<Own>> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Vec<Own>>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(own) = known.get(connector) {
        return Arc::clone(own);
    }
    let is_built_in = Catalogue::default().names("connectors").iter().any(|known| known == connector);
    let part = is_built_in.then(|| built_in(&format!("connectors/{connector}.yaml")));
    let addresses = part.as_deref().map(of_part).unwrap_or_default();
    let base_path = part.as_ref().and_then(|part| part.get("base_path")?.as_str()).unwrap_or_default();
    let own = addresses.iter().flat_map(|(key, address)| {
        let address = address.trim_end_matches('/');
        let whole = format!("{address}{}", if key == "base_url" { base_path } else { "" });
        match Role::of(key) {
            Role::Host => vec![own_address(Role::Host, address), own_address(Role::Request, &whole)],
            role => vec![own_address(role, address)],
        }
    });
    let own = Arc::new(own.flatten().collect());
    known.insert(connector.to_owned(), Arc::clone(&own));
    own
}

/// An address in which fields may stand; none where one of them decides about the domain.
fn own_address(role: Role, template: &str) -> Option<Own> {
    let rest = template.strip_prefix("https://")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (fields, below) = (fields_of(host), host.starts_with('{'));
    let fixed = if below { host.split_once("}.")?.1 } else { host };
    let is_fixed = !fixed.contains(['{', '}', ':']) && fixed.contains('.') && fields.into_iter().count() <= 1;
    is_fixed.then(|| Own { role, host: fixed.to_owned(), below, path: path.to_owned() })
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
    fn an_address_is_the_platforms_own_where_no_field_can_change_it() {
        let usual =
            |connector: &str, role, url: &str| need(connector, role, &address::parse(url).unwrap()).is_none();
        for (connector, url, expected) in [
            ("shopify", "https://nordic.myshopify.com", false),
            ("shopify", "https://nordic.myshopify.com/admin/api/2026-01/graphql.json", true),
            ("shopify", "https://nordic.myshopify.com/admin/api/graphql.json", false),
            ("shopify", "https://nordic.myshopify.com/admin/api/../../apps/evil", false),
            ("shopify", "https://nordic.myshopify.com/admin/api/x/../../../apps/a/b/graphql.json", false),
            ("shopify", "https://nordic.myshopify.com/apps/evil", false),
            ("shopify", "https://nordic.myshopify.com/?to=evil", false),
            ("shopify", "https://nordic.myshopify.com/#evil", false),
            ("shopify", "https://me:x@nordic.myshopify.com", false),
            ("shopify", "https://me@nordic.myshopify.com", false),
            ("shopify", "https://nordic.myshopify.com/admin/oauth/access_token", false),
            ("shopify", "https://nordic.myshopify.com:8443", false),
            ("shopify", "https://a.b.myshopify.com", false),
            ("shopify", "https://myshopify.com", false),
            ("shopify", "https://evil-myshopify.com", false),
            ("shopify", "https://nordic.myshopify.com.evil.example", false),
            ("shopify", "https://api.fortnox.se", false),
            ("fortnox", "https://api.fortnox.se", true),
            ("fortnox", "https://api.fortnox.se/3", false),
            ("fortnox", "https://evil.fortnox.se", false),
            ("fortnox", "http://localhost:9000", false),
            (
                "business-central",
                "https://api.businesscentral.dynamics.com/v2.0/x/api/v2.0/companies(a%2Fb)",
                true,
            ),
            (
                "business-central",
                "https://api.businesscentral.dynamics.com/v2.0/x/y/api/v2.0/companies(a)",
                false,
            ),
            ("visma-net", "https://salesorder.visma.net", true),
            ("woocommerce", "https://shop.example.com", false),
            ("norce", "https://nordic.norce.tech", false),
            ("mine", "https://api.fortnox.se", false),
        ] {
            assert_eq!(usual(connector, Role::Request, url), expected, "{connector} {url}");
        }
        for (connector, url, expected) in [
            ("shopify", "https://nordic.myshopify.com", true),
            ("shopify", "https://nordic.myshopify.com/", true),
            ("shopify", "https://nordic.myshopify.com/apps/evil", false),
            ("shopify", "https://nordic.myshopify.com/?to=evil", false),
            ("shopify", "https://me:x@nordic.myshopify.com", false),
            ("poweroffice-go", "https://goapi.poweroffice.net/demo", false),
        ] {
            assert_eq!(usual(connector, Role::Host, url), expected, "{connector} {url}");
        }
        for (connector, url, expected) in [
            ("fortnox", "https://apps.fortnox.se/oauth-v1/token", true),
            ("fortnox", "https://apps.fortnox.se/", false),
            ("fortnox", "https://apps.fortnox.se/oauth-v1/token?to=evil", false),
            ("fortnox", "https://api.fortnox.se", false),
            ("shopify", "https://nordic.myshopify.com/admin/oauth/access_token", true),
            ("shopify", "https://nordic.myshopify.com/apps/evil", false),
            ("business-central", "https://login.microsoftonline.com/a-b/oauth2/v2.0/token", true),
            ("business-central", "https://login.microsoftonline.com/a/b/oauth2/v2.0/token", false),
        ] {
            assert_eq!(usual(connector, Role::Token, url), expected, "{connector} {url}");
        }
    }
}
