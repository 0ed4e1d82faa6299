//! One request and its answer: timeouts, a size limit, no redirects, certificates verified. Nothing is retried here.
//!
//! ureq follows no redirect for us, so a header never leaves for another host by itself; [`super::session`] decides. An error
//! here never holds an address's query, a header or a body, since each may carry a token.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::time::Duration;

use crate::model::Hidden;
use serde_json::Value as Json;
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig};

/// What is asked of a platform.
#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    pub url: String,
    pub headers: Vec<(String, Hidden<String>)>,
    pub body: Option<(&'static str, Hidden<Vec<u8>>)>,
}

impl Request {
    /// A query whose answer may be 200 and yet an error.
    #[must_use]
    pub fn is_graphql(&self) -> bool {
        self.body.as_ref().is_some_and(|(_, body)| body.starts_with(b"{\"query\":"))
    }
}

/// What it said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// Why there is no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A secret is not at hand, or the platform does not let us in.
    Denied,
    /// No connection, or the platform cannot answer now.
    Unreachable,
    /// The time was up.
    TimedOut,
    /// The platform asks to wait longer than we do.
    Throttled,
    /// An answer that cannot be used: too large, no JSON, not the documented shape, a redirect to elsewhere.
    Unusable,
    /// The run was stopped.
    Stopped,
}

/// A reason, in words that hold no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub kind: Kind,
    pub message: String,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
}

impl Fault {
    #[must_use]
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Fault { kind, message: message.into(), status: None }
    }
}

/// A pool of connections with limits on every answer.
#[derive(Debug)]
pub struct Http {
    agent: Agent,
    timeout: Duration,
    max_bytes: u64,
}

impl Http {
    #[must_use]
    pub fn new(timeout: Duration, max_bytes: u64) -> Self {
        Http::trusting(timeout, max_bytes, RootCerts::WebPki)
    }

    /// As [`Http::new`], trusting these authorities.
    #[must_use]
    pub fn trusting(timeout: Duration, max_bytes: u64, authorities: RootCerts) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .tls_config(TlsConfig::builder().root_certs(authorities).build())
            .max_redirects_will_error(false)
            .timeout_global(Some(timeout))
            .timeout_connect(Some(timeout.min(Duration::from_secs(10))))
            .max_idle_age(Duration::from_secs(15))
            .max_idle_connections_per_host(8)
            .user_agent(concat!("pairform/", env!("CARGO_PKG_VERSION")))
            .build();
        Http { agent: config.new_agent(), timeout, max_bytes }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When there is no answer, or a larger one than allowed.
    pub fn send(&self, request: &Request) -> Result<Answer, Fault> {
        let mut builder = ureq::http::Request::builder().method(request.method).uri(&request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value.as_str());
        }
        if let Some((kind, _)) = &request.body {
            builder = builder.header("content-type", *kind);
        }
        let malformed = |_| {
            Fault::new(
                Kind::Unusable,
                "the request cannot be written: an address or a header has characters that are not allowed",
            )
        };
        let answer = match &request.body {
            Some((_, body)) => self.agent.run(builder.body(body.as_slice()).map_err(malformed)?),
            None if request.method == "GET" => self.agent.run(builder.body(()).map_err(malformed)?),
            None => self.agent.run(builder.body(&[] as &[u8]).map_err(malformed)?),
        };
        let mut answer = answer.map_err(|error| self.fault(&error))?;
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect();
        let mut body = Vec::new();
        let read = answer.body_mut().as_reader().take(self.max_bytes + 1).read_to_end(&mut body);
        if body.len() as u64 > self.max_bytes {
            let limit = self.max_bytes / (1024 * 1024);
            return Err(Fault::new(Kind::Unusable, format!("the answer is larger than {limit} MiB")));
        }
        read.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            Some(inner) => self.fault(inner),
            None if error.kind() == std::io::ErrorKind::TimedOut => self.timed_out(),
            None => Fault::new(Kind::Unreachable, "the answer broke off"),
        })?;
        Ok(Answer { status: answer.status().as_u16(), headers, body })
    }

    fn timed_out(&self) -> Fault {
        Fault::new(Kind::TimedOut, format!("no whole answer within {}", words(self.timeout)))
    }

    fn fault(&self, error: &ureq::Error) -> Fault {
        use ureq::Error;
        let (kind, message) = match error {
            Error::Timeout(_) | Error::BodyStalled => return self.timed_out(),
            Error::HostNotFound => (Kind::Unreachable, "there is no such host".to_owned()),
            Error::ConnectionFailed => (Kind::Unreachable, "no connection".to_owned()),
            Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => return self.timed_out(),
            // What the resolver says has no kind of its own.
            Error::Io(error) if error.to_string().contains("lookup address") => {
                (Kind::Unreachable, "there is no such host".to_owned())
            }
            Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
            {
                Some(tls) => (Kind::Unreachable, format!("TLS failed: {tls}")),
                None => (Kind::Unreachable, format!("no connection ({})", error.kind())),
            },
            Error::Rustls(error) => (Kind::Unreachable, format!("TLS failed: {error}")),
            Error::Tls(reason) => (Kind::Unreachable, format!("TLS failed: {reason}")),
            Error::BadUri(_) | Error::Http(_) => (Kind::Unusable, "the address cannot be used".to_owned()),
            Error::LargeResponseHeader(..) => (Kind::Unusable, "the answer's head is too large".to_owned()),
            Error::Decompress(..) => (Kind::Unusable, "the answer cannot be unpacked".to_owned()),
            Error::Protocol(_) => (Kind::Unusable, "the answer is no HTTP".to_owned()),
            _ => (Kind::Unreachable, "the request failed".to_owned()),
        };
        Fault::new(kind, message)
    }
}

fn words(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

impl Answer {
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(|value| value.trim())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Json, Fault> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        serde_json::from_slice(body).map_err(|_| {
            let kind = self.header("content-type").unwrap_or("no type").split(';').next().unwrap_or_default();
            Fault::new(Kind::Unusable, format!("the answer is no JSON ({kind}, {} bytes)", self.body.len()))
        })
    }
}

/// `https://host:port`, in lower case, of an absolute address.
#[must_use]
pub fn origin(url: &str) -> Option<String> {
    let uri: ureq::http::Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    Some(format!("{scheme}://{}:{port}", uri.host()?.to_ascii_lowercase()))
}

/// Encrypted, or on this machine.
#[must_use]
pub fn is_safe(url: &str) -> bool {
    let Some(origin) = origin(url) else { return false };
    origin.starts_with("https://")
        || ["http://localhost:", "http://127.0.0.1:", "http://[::1]:"]
            .iter()
            .any(|here| origin.starts_with(here))
}

/// Where a link in an answer to `from` points. `None`: nowhere that can be understood.
#[must_use]
pub fn join(from: &str, link: &str) -> Option<String> {
    if link.contains("://") {
        return Some(link.to_owned());
    }
    let (scheme, rest) = from.split_once("://")?;
    if let Some(link) = link.strip_prefix("//") {
        return Some(format!("{scheme}://{link}"));
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let path = path.split(['?', '#']).next().unwrap_or_default();
    match link.chars().next() {
        Some('/') => Some(format!("{scheme}://{host}{link}")),
        Some('?') => Some(format!("{scheme}://{host}{path}{link}")),
        Some(_) => Some(format!(
            "{scheme}://{host}{}/{link}",
            path.rsplit_once('/').map_or("", |(folder, _)| folder)
        )),
        None => None,
    }
}

/// Percent-encodes all but letters, digits and `-._~` (RFC 3986), as OAuth 1.0a wants it too.
#[must_use]
pub fn encode(text: &str) -> String {
    encode_but(text, b"-._~")
}

/// Percent-encodes what may not stand in a path; slashes and what is encoded already stay.
#[must_use]
pub fn encode_path(text: &str) -> String {
    encode_but(text, b"-._~/:@!$&'()*+,;=%?")
}

fn encode_but(text: &str, plain: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for digit in [byte >> 4, byte & 15] {
                encoded.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    encoded
}

/// `a=1&b=2`, encoded.
#[must_use]
pub fn query(pairs: &[(String, String)]) -> String {
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port() {
        assert_eq!(origin("HTTPS://Shop.example.com/x?y").as_deref(), Some("https://shop.example.com:443"));
        assert_ne!(origin("http://a.example:80/"), origin("https://a.example/"));
        assert_eq!(origin("/relative"), None);
        // What stands before an @ is no host.
        assert_eq!(
            origin("https://shop.example.com@evil.example/").as_deref(),
            Some("https://evil.example:443")
        );
    }

    #[test]
    fn links_are_joined() {
        let from = "https://a.example/v1/list?page=1";
        assert_eq!(join(from, "/v1/next").as_deref(), Some("https://a.example/v1/next"));
        assert_eq!(join(from, "?page=2").as_deref(), Some("https://a.example/v1/list?page=2"));
        assert_eq!(join(from, "more").as_deref(), Some("https://a.example/v1/more"));
        assert_eq!(join(from, "//b.example/x").as_deref(), Some("https://b.example/x"));
    }

    #[test]
    fn what_is_special_is_encoded() {
        assert_eq!(
            query(&[("searchCriteria[pageSize]".into(), "å b".into())]),
            "searchCriteria%5BpageSize%5D=%C3%A5%20b"
        );
        assert_eq!(encode_path("/token/session/>whoAmI"), "/token/session/%3EwhoAmI");
    }
}
