//! Addresses: where a link leads, whose an address is, and how parts of one are encoded. Nothing here is sent.

use std::net::{Ipv4Addr, Ipv6Addr};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use super::fault::Fault;
use crate::trust::{Endpoint, HTTPS};

/// RFC 3986's unreserved characters stay, as OAuth 1.0a wants it too.
const ALL_BUT_UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What may stand in a path and its query stays, and what is encoded already.
const WHAT_NO_PATH_HOLDS: &AsciiSet = &ALL_BUT_UNRESERVED
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'%')
    .remove(b'?');

/// An absolute address of a web server.
#[must_use]
pub fn parse(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(is_web)
}

/// As [`parse`], for an address that is asked next.
///
/// # Errors
/// When it is none.
pub fn read(text: &str) -> Result<Url, Fault> {
    parse(text).ok_or_else(Fault::malformed)
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

/// `https://host:port`: whose an address is.
#[must_use]
pub fn origin(url: &Url) -> String {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    format!("{}://{host}:{port}", url.scheme())
}

/// The host and port that an address leads to.
#[must_use]
pub fn endpoint(url: &Url) -> Endpoint {
    Endpoint::new(url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(HTTPS))
}

/// On this machine, by an address that nobody else decides about.
#[must_use]
pub fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address == Ipv4Addr::LOCALHOST,
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// Encrypted, or on this machine.
#[must_use]
pub fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || is_here(url)
}

/// Where a link in an answer to `from` leads (RFC 3986, 5.2). `None`: to no web server.
#[must_use]
pub fn join(from: &Url, link: &str) -> Option<Url> {
    let mut to = from.join(link).ok().filter(is_web)?;
    // Whoever answers says where, and never who we are.
    to.set_username("").ok()?;
    to.set_password(None).ok()?;
    to.set_fragment(None);
    Some(to)
}

/// Percent-encodes all but letters, digits and `-._~`.
#[must_use]
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, ALL_BUT_UNRESERVED).to_string()
}

/// Percent-encodes what may not stand in a path; slashes and what is encoded already stay.
#[must_use]
pub fn encode_path(text: &str) -> String {
    utf8_percent_encode(text, WHAT_NO_PATH_HOLDS).to_string()
}

/// `a=1&b=2`, encoded.
#[must_use]
pub fn query(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| format!("{}={}", encode(name), encode(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Url {
        parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn origins_are_scheme_host_and_port() {
        let origin = |text| parse(text).as_ref().map(origin);
        assert_eq!(origin("HTTPS://Shop.example.com/x?y").as_deref(), Some("https://shop.example.com:443"));
        assert_ne!(origin("http://a.example:80/"), origin("https://a.example/"));
        assert_eq!(origin("https://a.example:443/"), origin("https://a.example/"));
        assert_eq!(origin("http://[::1]:8200/v1").as_deref(), Some("http://[::1]:8200"));
        for nothing in
            ["/relative", "ftp://a.example/", "file:///etc/passwd", "data:text/plain,x", "https://"]
        {
            assert_eq!(origin(nothing), None, "{nothing}");
        }
        // What stands before an @ is no host, and a backslash is a slash.
        assert_eq!(
            origin("https://shop.example.com@evil.example/").as_deref(),
            Some("https://evil.example:443")
        );
        assert_eq!(
            origin("https://evil.example\\@shop.example.com/").as_deref(),
            Some("https://evil.example:443")
        );
    }

    #[test]
    fn only_what_is_encrypted_or_here_is_safe() {
        for safe in ["https://a.example", "http://localhost:80", "http://127.0.0.1/", "http://[::1]:9/x"] {
            assert!(is_safe(&of(safe)), "{safe}");
        }
        for unsafe_one in [
            "http://a.example",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://localhost@evil.example/",
            "http://10.0.0.1/",
        ] {
            assert!(!is_safe(&of(unsafe_one)), "{unsafe_one}");
        }
    }

    #[test]
    fn links_are_joined() {
        let from = of("https://a.example/v1/list?page=1");
        let joined = |link| join(&from, link).map(String::from);
        for (link, to) in [
            ("/v1/next", "https://a.example/v1/next"),
            ("?page=2", "https://a.example/v1/list?page=2"),
            ("more", "https://a.example/v1/more"),
            ("../v2/more", "https://a.example/v2/more"),
            ("/../../v2", "https://a.example/v2"),
            ("//b.example/x", "https://b.example/x"),
            ("http://b.example/x", "http://b.example/x"),
            ("", "https://a.example/v1/list?page=1"),
            // An address in a query makes a link no absolute one.
            ("/go?to=https://b.example/", "https://a.example/go?to=https://b.example/"),
            ("next?to=ftp://b.example/", "https://a.example/v1/next?to=ftp://b.example/"),
            ("?after=å b#end", "https://a.example/v1/list?after=%C3%A5%20b"),
            ("https://me:secret@a.example/x", "https://a.example/x"),
        ] {
            assert_eq!(joined(link).as_deref(), Some(to), "{link}");
        }
        for nowhere in ["ftp://a.example/", "javascript:alert(1)", "file:///etc/passwd", "https://", "//"] {
            assert_eq!(joined(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn what_is_special_is_encoded() {
        assert_eq!(
            query(&[("searchCriteria[pageSize]".into(), "å b".into())]),
            "searchCriteria%5BpageSize%5D=%C3%A5%20b"
        );
        assert_eq!(encode("a-._~+/%"), "a-._~%2B%2F%25");
        assert_eq!(encode_path("/token/session/>whoAmI"), "/token/session/%3EwhoAmI");
        assert_eq!(encode_path("/companies(a%20b)?x='y'&z=1"), "/companies(a%20b)?x='y'&z=1");
    }

    /// What is signed is what is sent.
    #[test]
    fn an_encoded_address_is_not_encoded_again() {
        for address in [
            "https://a.example/rest/V1/x?searchCriteria%5BpageSize%5D=%C3%A5%20b&c=%27",
            "https://a.example/companies(1)/y;z=%2F?%24skip=20",
        ] {
            assert_eq!(of(address).as_str(), address);
        }
    }
}
