//! The URL of a shared store, read by one reader: what is judged of it and where is connected to are the same. Nothing is
//! opened here, and nothing of a URL is repeated in what is said of it.

use std::net::IpAddr;

use percent_encoding::percent_decode_str;

use crate::model::Hidden;

/// One server that a connection may go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Server {
    Tcp {
        /// Where a connection goes: a name in lower case or an address, without brackets; what `hostaddr` says, if it says anything.
        host: String,
        /// The name beside a `hostaddr`: nothing is asked where it leads, only the certificate has to be for it.
        name: Option<String>,
        port: u16,
    },
    /// A socket in a folder of this machine.
    Unix { folder: String, port: u16 },
}

impl Server {
    /// On this machine, so that what is sent there passes no network.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Server::Tcp { host, .. } => is_loopback(host),
            Server::Unix { .. } => true,
        }
    }

    /// The host's name or address, or the folder of the socket.
    #[must_use]
    pub fn host(&self) -> &str {
        match self {
            Server::Tcp { host, .. } => host,
            Server::Unix { folder, .. } => folder,
        }
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        match self {
            Server::Tcp { port, .. } | Server::Unix { port, .. } => *port,
        }
    }
}

/// `localhost` and the loopback addresses. Other names that lead here are names of elsewhere: who asks for them may answer
/// otherwise tomorrow.
fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

/// Options that are about where to connect; the others are the connection's to read.
const PLACES: [&str; 3] = ["host", "hostaddr", "port"];
/// Options of libpq that lead to a file or to another place, and others that people write; none of them is known here.
const NOT_KNOWN: [&str; 16] = [
    "service",
    "servicefile",
    "passfile",
    "sslcert",
    "sslkey",
    "sslpassword",
    "sslcrl",
    "sslcrldir",
    "ssl_min_protocol_version",
    "gssencmode",
    "krbsrvname",
    "requiressl",
    "replication",
    "client_encoding",
    "fallback_application_name",
    "require_auth",
];
const KNOWN: [&str; 19] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "schema",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "statement_timeout",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];
const PORT: u16 = 5432;

/// A URL `postgres://…`, taken apart.
#[derive(Debug, Default)]
pub(super) struct PostgresUrl {
    pub user: Option<String>,
    pub password: Option<Hidden<String>>,
    pub database: Option<String>,
    /// Never empty; tried in this order.
    pub servers: Vec<Server>,
    /// What else stands in the query, decoded, each at most once.
    pub options: Vec<(String, String)>,
}

impl PostgresUrl {
    /// Takes a URL apart. One that can be read in two ways is refused: who judges it and who connects must not differ.
    ///
    /// # Errors
    /// Why it cannot be used, without a word of it.
    pub fn read(url: &str) -> Result<PostgresUrl, String> {
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        let rest = rest.ok_or("it does not begin with `postgres://`")?;
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = before.split_once('/').unwrap_or((before, ""));
        let (user_and_password, hosts) = match authority.split_once('@') {
            Some((_, hosts)) if hosts.contains('@') => {
                return Err("write an `@` in its user or password as `%40`".to_owned());
            }
            Some((before, hosts)) => (Some(before), hosts),
            None => (None, authority),
        };
        if database.contains(['/', '@']) || query.contains('@') {
            return Err(
                "write an `@` or a `/` in its user, password or database as `%40` or `%2F`".to_owned()
            );
        }
        let mut read = PostgresUrl::default();
        if let Some(text) = user_and_password {
            let (user, password) =
                text.split_once(':').map_or((text, None), |(user, word)| (user, Some(word)));
            read.user = Some(decoded(user)?).filter(|user| !user.is_empty());
            read.password = password.map(decoded).transpose()?.map(Hidden::new);
        }
        read.database = Some(decoded(database)?).filter(|name| !name.is_empty());
        let mut places = Places::of_authority(hosts)?;
        for (number, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if PLACES.contains(&name.as_str()) {
                places.add(&name, &value)?;
            } else {
                read.option(number, name, value)?;
            }
        }
        read.servers = places.servers()?;
        Ok(read)
    }

    fn option(&mut self, number: usize, name: String, value: String) -> Result<(), String> {
        if NOT_KNOWN.contains(&name.as_str()) {
            return Err(format!("`{name}` in its URL is not known here; take it out"));
        }
        if !KNOWN.contains(&name.as_str()) {
            // Its name may be half of a password.
            return Err(format!("option {} in its URL is not known; take it out", number + 1));
        }
        let twice = || Err(format!("its URL says `{name}` twice"));
        match name.as_str() {
            "user" if self.user.is_some() => return twice(),
            "password" if self.password.is_some() => return twice(),
            "dbname" if self.database.is_some() => return twice(),
            "user" => self.user = Some(value),
            "password" => self.password = Some(Hidden::new(value)),
            "dbname" => self.database = Some(value),
            _ if self.get(&name).is_some() => return twice(),
            _ => self.options.push((name, value)),
        }
        Ok(())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What a URL says of where to connect, before it is put together.
#[derive(Default)]
struct Places {
    hosts: Vec<String>,
    addresses: Vec<Option<IpAddr>>,
    ports: Vec<Option<u16>>,
}

impl Places {
    /// `HOST[:PORT],…`; an address of IPv6 in brackets, the folder of a socket with its slashes encoded.
    fn of_authority(text: &str) -> Result<Places, String> {
        let mut places = Places::default();
        for chunk in text.split(',').filter(|_| !text.is_empty()) {
            let (host, port) = match chunk.strip_prefix('[').map(|rest| rest.split_once(']')) {
                Some(Some((host, ""))) => (host, None),
                Some(Some((host, port))) if port.starts_with(':') => (host, Some(&port[1..])),
                Some(_) => return Err("the brackets of its host do not fit".to_owned()),
                None => chunk.split_once(':').map_or((chunk, None), |(host, port)| (host, Some(port))),
            };
            let host = decoded(host)?;
            if chunk.starts_with('[') && host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("what stands in the brackets of its host is no address of IPv6".to_owned());
            }
            places.hosts.push(host);
            places.ports.push(port.map(|port| port_of(&decoded(port)?)).transpose()?);
        }
        if places.ports.iter().all(Option::is_none) {
            places.ports.clear();
        }
        Ok(places)
    }

    /// An option of the query, which may hold several with commas.
    fn add(&mut self, name: &str, value: &str) -> Result<(), String> {
        let twice = || Err(format!("its URL says `{name}` twice"));
        let each = value.split(',');
        match name {
            "host" if !self.hosts.is_empty() => return twice(),
            "hostaddr" if !self.addresses.is_empty() => return twice(),
            "port" if !self.ports.is_empty() => return twice(),
            "host" => self.hosts = each.map(str::to_owned).collect(),
            "hostaddr" => {
                let address = |text: &str| text.parse().map(Some);
                let wrong = |_| "`hostaddr` in its URL is no address".to_owned();
                self.addresses = each.map(address).collect::<Result<_, _>>().map_err(wrong)?;
            }
            _ => self.ports = each.map(|port| port_of(port).map(Some)).collect::<Result<_, _>>()?,
        }
        Ok(())
    }

    fn servers(self) -> Result<Vec<Server>, String> {
        let count = self.hosts.len().max(self.addresses.len());
        if count == 0 {
            return Err("its URL names no host".to_owned());
        }
        let fits = |found: usize| found == 0 || found == count;
        if !fits(self.hosts.len())
            || !fits(self.addresses.len())
            || !(fits(self.ports.len()) || self.ports.len() == 1)
        {
            return Err("its URL has more of `host`, `hostaddr` and `port` than of the others".to_owned());
        }
        let server = |at: usize| {
            let port =
                if self.ports.len() == 1 { self.ports[0] } else { self.ports.get(at).copied().flatten() };
            let port = port.unwrap_or(PORT);
            let host = self.hosts.get(at).map(|host| host_of(host)).transpose()?;
            let address = self.addresses.get(at).copied().flatten();
            match (host, address) {
                (Some(folder), None) if folder.starts_with('/') => Ok(Server::Unix { folder, port }),
                (Some(host), None) => Ok(Server::Tcp { host, name: None, port }),
                (None, Some(address)) => Ok(Server::Tcp { host: address.to_string(), name: None, port }),
                (Some(name), Some(address)) => {
                    let host = address.to_string();
                    if name.starts_with('/') || is_loopback(&name) != is_loopback(&host) {
                        return Err(
                            "its `host` is on this machine and its `hostaddr` is not, or the other way round"
                                .to_owned(),
                        );
                    }
                    Ok(Server::Tcp { host, name: Some(name), port })
                }
                (None, None) => Err("its URL names no host".to_owned()),
            }
        };
        (0..count).map(server).collect()
    }
}

/// A host as it is compared: a name in lower case, an address as addresses are written, or the folder of a socket.
fn host_of(text: &str) -> Result<String, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_string());
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if cfg!(unix) && text.starts_with('/') && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else if !text.is_empty() && text.bytes().all(plain) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("its URL names a host that cannot be one".to_owned())
    }
}

fn port_of(text: &str) -> Result<u16, String> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = if digits { text.parse().ok().filter(|port| *port > 0) } else { None };
    port.ok_or_else(|| "the port in its URL is no number from 1 to 65535".to_owned())
}

fn decoded(text: &str) -> Result<String, String> {
    let well_formed = text.split('%').skip(1).all(|after| {
        after.as_bytes().get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    let text = percent_decode_str(text).decode_utf8().ok().filter(|_| well_formed);
    let text = text.ok_or("a `%` in its URL is not followed by two hex digits of UTF-8")?;
    if text.contains('\0') {
        return Err("its URL holds U+0000".to_owned());
    }
    Ok(text.into_owned())
}
