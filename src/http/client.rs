//! One request over the network and its answer: timeouts, a size limit, no redirects, certificates verified. Nothing is
//! retried here.
//!
//! ureq follows no redirect for us, so a header never leaves for another host by itself; whoever asks decides.

use std::io::Read as _;
use std::time::Duration;

use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::address::is_here;
use super::fault::{Fault, FaultKind};
use super::message::{Answer, Request, Room};

/// Who vouches for a server's certificate.
#[derive(Debug, Clone)]
pub struct Authorities(RootCerts);

impl Authorities {
    /// Those that browsers trust, as they are built in.
    #[must_use]
    pub fn built_in() -> Self {
        Authorities(RootCerts::WebPki)
    }

    /// Those that this machine trusts; where it names none, those that are built in.
    #[must_use]
    pub fn system() -> Self {
        let system = rustls_native_certs::load_native_certs().certs;
        if system.is_empty() {
            return Authorities::built_in();
        }
        Authorities(system.iter().map(|der| Certificate::from_der(der).to_owned()).into())
    }

    /// Those in the text of a PEM file; `None` where it holds no certificate.
    #[must_use]
    pub fn of_pem(pem: &[u8]) -> Option<Self> {
        let found: Vec<Certificate<'static>> = parse_pem(pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(certificate)) => Some(certificate),
                _ => None,
            })
            .collect();
        if found.is_empty() { None } else { Some(Authorities(found.into())) }
    }
}

/// A pool of connections with limits on every answer.
#[derive(Debug)]
pub struct Http {
    /// Through the proxy that the environment names, if it names one.
    agent: Agent,
    /// What is on this machine is not told to a proxy: it may be asked in the clear.
    here: Agent,
    timeout: Duration,
    max_bytes: u64,
    /// What all that ask through this work with at once.
    room: Room,
}

/// So many bytes of answers are worked with at once.
const AT_ONCE: usize = 32 * 1024 * 1024;

impl Http {
    #[must_use]
    pub fn new(timeout: Duration, max_bytes: u64) -> Self {
        Http::trusting(timeout, max_bytes, Authorities::built_in())
    }

    /// As [`Http::new`], trusting these authorities.
    #[must_use]
    pub fn trusting(timeout: Duration, max_bytes: u64, authorities: Authorities) -> Self {
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .tls_config(TlsConfig::builder().root_certs(authorities.0.clone()).build())
                .max_redirects_will_error(false)
                .timeout_global(Some(timeout))
                .timeout_connect(Some(timeout.min(Duration::from_secs(10))))
                .max_idle_age(Duration::from_secs(15))
                .max_idle_connections_per_host(8)
                .user_agent(concat!("pairform/", env!("CARGO_PKG_VERSION")))
        };
        let here = config().proxy(None).build().new_agent();
        Http { agent: config().build().new_agent(), here, timeout, max_bytes, room: Room::of(AT_ONCE) }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When there is no answer, or a larger one than allowed.
    pub fn send(&self, request: &Request) -> Result<Answer, Fault> {
        let mut builder = ureq::http::Request::builder().method(request.method).uri(request.url.as_str());
        for (name, value) in &request.headers {
            builder = builder.header(name, value.as_str());
        }
        if let Some((kind, _)) = &request.body {
            builder = builder.header("content-type", *kind);
        }
        let agent = if is_here(&request.url) { &self.here } else { &self.agent };
        let malformed = |_| Fault::malformed();
        let answer = match &request.body {
            Some((_, body)) => agent.run(builder.body(body.as_slice()).map_err(malformed)?),
            None if request.method == "GET" => agent.run(builder.body(()).map_err(malformed)?),
            None => agent.run(builder.body(&[] as &[u8]).map_err(malformed)?),
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
            return Err(Fault::new(FaultKind::Unusable, format!("the answer is larger than {limit} MiB")));
        }
        read.map_err(|error| match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            Some(inner) => self.fault(inner),
            None if error.kind() == std::io::ErrorKind::TimedOut => self.timed_out(),
            None => Fault::new(FaultKind::Unreachable, "the answer broke off"),
        })?;
        let held = Some(self.room.enter(body.len()));
        Ok(Answer { held, ..Answer::new(answer.status().as_u16(), headers, body) })
    }

    fn timed_out(&self) -> Fault {
        Fault::new(FaultKind::TimedOut, format!("no whole answer within {}", words(self.timeout)))
    }

    fn fault(&self, error: &ureq::Error) -> Fault {
        use ureq::Error;
        let (kind, message) = match error {
            Error::Timeout(_) | Error::BodyStalled => return self.timed_out(),
            Error::HostNotFound => (FaultKind::Unreachable, "there is no such host".to_owned()),
            Error::ConnectionFailed => (FaultKind::Unreachable, "no connection".to_owned()),
            Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => return self.timed_out(),
            // What the resolver says has no kind of its own.
            Error::Io(error) if error.to_string().contains("lookup address") => {
                (FaultKind::Unreachable, "there is no such host".to_owned())
            }
            Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
            {
                Some(tls) => (FaultKind::Unreachable, format!("TLS failed: {tls}")),
                None => (FaultKind::Unreachable, format!("no connection ({})", error.kind())),
            },
            Error::Rustls(error) => (FaultKind::Unreachable, format!("TLS failed: {error}")),
            Error::Tls(reason) => (FaultKind::Unreachable, format!("TLS failed: {reason}")),
            Error::BadUri(_) | Error::Http(_) => {
                (FaultKind::Unusable, "the address cannot be used".to_owned())
            }
            Error::LargeResponseHeader(..) => {
                (FaultKind::Unusable, "the answer's head is too large".to_owned())
            }
            Error::Decompress(..) => (FaultKind::Unusable, "the answer cannot be unpacked".to_owned()),
            Error::Protocol(_) => (FaultKind::Unusable, "the answer is no HTTP".to_owned()),
            _ => (FaultKind::Unreachable, "the request failed".to_owned()),
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
