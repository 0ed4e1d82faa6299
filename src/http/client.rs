//! One request over the network and its answer: timeouts, a size limit, no redirects, certificates verified. Nothing is
//! retried here.
//!
//! ureq follows no redirect for us, so a header never leaves for another host by itself; whoever asks decides.
#![expect(clippy::disallowed_methods, reason = "looks how long an answer takes")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read as _};
use std::time::{Duration, Instant};

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
    /// The time is that of each silence, and not of a whole answer.
    is_patient: bool,
    max_bytes: u64,
    /// What all that ask through this work with at once.
    room: Room,
}

/// Whether a header leads a request elsewhere than its address says, behind a host that serves many, or says where it ends.
fn is_of_the_way(name: &str) -> bool {
    const OF_THE_WAY: [&str; 9] = [
        "host",
        "forwarded",
        "x-forwarded-host",
        "x-original-url",
        "x-rewrite-url",
        "connection",
        "content-length",
        "transfer-encoding",
        "upgrade",
    ];
    OF_THE_WAY.iter().any(|one| name.eq_ignore_ascii_case(one))
}

/// An answer in pieces may take so many times the silence that is borne.
const PIECES: u32 = 10;

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
        Http::of(timeout, max_bytes, &authorities, false)
    }

    /// As [`Http::trusting`], for answers that may take their time, as long as more of them comes: `silence` bounds each wait, and
    /// ten times as long the whole of an answer, or of a line.
    #[must_use]
    pub fn patient(silence: Duration, max_bytes: u64, authorities: Authorities) -> Self {
        Http::of(silence, max_bytes, &authorities, true)
    }

    fn of(timeout: Duration, max_bytes: u64, authorities: &Authorities, is_patient: bool) -> Self {
        let each = Some(timeout).filter(|_| is_patient);
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .tls_config(TlsConfig::builder().root_certs(authorities.0.clone()).build())
                .max_redirects_will_error(false)
                .timeout_send_body(each.map(|silence| silence * PIECES))
                .timeout_per_read(each)
                .timeout_per_write(each)
                .timeout_recv_response(each)
                .timeout_connect(Some(timeout.min(Duration::from_secs(10))))
                .max_idle_age(Duration::from_secs(15))
                .max_idle_connections_per_host(8)
                .user_agent(concat!("pairform/", env!("CARGO_PKG_VERSION")))
        };
        let here = config().proxy(None).build().new_agent();
        let (agent, room) = (config().build().new_agent(), Room::of(AT_ONCE));
        Http { agent, here, timeout, is_patient, max_bytes, room }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When there is no answer, or a larger one than allowed.
    pub fn send(&self, request: &Request) -> Result<Answer, Fault> {
        let answer = self.answer(request, true)?;
        let (status, headers) = (answer.status().as_u16(), headers_of(&answer));
        let mut body = Vec::new();
        let read = answer.into_body().into_reader().take(self.max_bytes + 1).read_to_end(&mut body);
        if body.len() as u64 > self.max_bytes {
            return Err(self.too_large());
        }
        read.map_err(|error| self.broken(&error))?;
        let held = Some(self.room.enter(body.len()));
        Ok(Answer { held, ..Answer::new(status, headers, body) })
    }

    /// Sends a request and hands out the lines of the answer as they come, where it is one of lines; else gives the answer. False
    /// ends it. What the last line of one that broke off was is for whoever takes them to say.
    ///
    /// # Errors
    /// When there is no answer, or a line or the answer is larger than allowed.
    pub fn lines(
        &self,
        request: &Request,
        kind: &str,
        take: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<Option<Answer>, Fault> {
        let answer = self.answer(request, false)?;
        let (status, headers) = (answer.status().as_u16(), headers_of(&answer));
        let is_of_lines = headers.get("content-type").is_some_and(|found| found.starts_with(kind));
        let mut body = BufReader::new(answer.into_body().into_reader());
        let mut line = Vec::new();
        loop {
            let is_ended = self.piece(&mut body, is_of_lines.then_some(b'\n'), &mut line)?;
            if !is_of_lines {
                return Ok(Some(Answer::new(status, headers, line)));
            }
            if is_ended && line.is_empty() || !take(&line) {
                return Ok(None);
            }
            line.clear();
        }
    }

    /// Reads on to a byte, and to the end where there is none or none is given; whether that is reached. What drips has an end too.
    fn piece(&self, body: &mut impl BufRead, to: Option<u8>, into: &mut Vec<u8>) -> Result<bool, Fault> {
        let end = Instant::now() + self.timeout * PIECES;
        loop {
            let some = body.fill_buf().map_err(|error| self.broken(&error))?;
            let found = to.and_then(|to| some.iter().position(|byte| *byte == to));
            let length = found.map_or(some.len(), |at| at + 1);
            into.extend_from_slice(some.get(..length).unwrap_or(some));
            body.consume(length);
            if into.len() as u64 > self.max_bytes {
                return Err(self.too_large());
            }
            if found.is_some() || length == 0 {
                return Ok(length == 0);
            }
            if Instant::now() >= end {
                return Err(self.timed_out());
            }
        }
    }

    /// `whole`: of an answer that may take its time there is an end to the whole, and not only to its head.
    fn answer(&self, request: &Request, whole: bool) -> Result<ureq::http::Response<ureq::Body>, Fault> {
        let mut builder = ureq::http::Request::builder().method(request.method).uri(request.url.as_str());
        if let Some((name, _)) = request.headers.iter().find(|(name, _)| is_of_the_way(name)) {
            let why = format!("it would set the header `{name}`, which says where a request goes");
            return Err(Fault::new(FaultKind::Denied, why));
        }
        for (name, value) in &request.headers {
            builder = builder.header(name, value.as_str());
        }
        if let Some((kind, _)) = &request.body {
            builder = builder.header("content-type", *kind);
        }
        let agent = if is_here(&request.url) { &self.here } else { &self.agent };
        let malformed = |_| Fault::malformed();
        let all = if self.is_patient { self.timeout * PIECES } else { self.timeout };
        let limit = Some(all).filter(|_| whole || !self.is_patient);
        let answer = match &request.body {
            None if request.method == "GET" => {
                let asked = builder.body(()).map_err(malformed)?;
                agent.run(agent.configure_request(asked).timeout_global(limit).build())
            }
            body => {
                let body = body.as_ref().map_or(&[][..], |(_, body)| body.as_slice());
                let asked = builder.body(body).map_err(malformed)?;
                agent.run(agent.configure_request(asked).timeout_global(limit).build())
            }
        };
        answer.map_err(|error| self.fault(&error))
    }

    fn too_large(&self) -> Fault {
        let limit = self.max_bytes / (1024 * 1024);
        Fault::new(FaultKind::Unusable, format!("the answer is larger than {limit} MiB"))
    }

    /// An answer that was begun and not ended.
    fn broken(&self, error: &std::io::Error) -> Fault {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            Some(inner) => self.fault(inner),
            None if error.kind() == std::io::ErrorKind::TimedOut => self.timed_out(),
            None => Fault::new(FaultKind::Unreachable, "the answer broke off"),
        }
    }

    fn timed_out(&self) -> Fault {
        let what = if self.is_patient { "nothing whole came for" } else { "no whole answer within" };
        Fault::new(FaultKind::TimedOut, format!("{what} {}", words(self.timeout)))
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

fn headers_of(answer: &ureq::http::Response<ureq::Body>) -> BTreeMap<String, String> {
    let headers = answer.headers().iter();
    headers
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

fn words(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::http::address;

    const SHORT: Duration = Duration::from_millis(100);

    /// Where a server drips: byte after byte, long before a silence is one, and without end.
    #[derive(Debug, Clone, Copy)]
    enum Drips {
        Head,
        Headers,
        Body,
        Chunks,
        Line,
    }

    fn dripping(drips: Drips) -> url::Url {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (begin, more) = match drips {
                    Drips::Head => ("HTTP/1.1 200 ", "O"),
                    Drips::Headers => ("HTTP/1.1 200 OK\r\n", "a: b\r\n"),
                    Drips::Body => ("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", "x"),
                    Drips::Chunks => ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
                    Drips::Line => {
                        ("HTTP/1.1 200 OK\r\ncontent-type: lines\r\ncontent-length: 100000\r\n\r\n", "x")
                    }
                };
                std::thread::spawn(move || {
                    let _ = stream.read(&mut [0; 1024]);
                    let mut sent = stream.write_all(begin.as_bytes());
                    while sent.is_ok() {
                        std::thread::sleep(SHORT / 10);
                        sent = stream.write_all(more.as_bytes());
                    }
                });
            }
        });
        address::read(&format!("http://127.0.0.1:{port}/")).unwrap()
    }

    /// Vault, platforms, forges, those who vouch for tokens and servers of stores are all asked by this.
    #[test]
    fn a_server_that_drips_has_an_end() {
        let ask = |drips, is_patient, is_of_lines| {
            let http = Http::of(SHORT, 1024 * 1024, &Authorities::built_in(), is_patient);
            let url = dripping(drips);
            let request = Request { method: "GET", url, headers: Vec::new(), body: None };
            let begun = Instant::now();
            let fault = match is_of_lines {
                false => http.send(&request).err(),
                true => http.lines(&request, "lines", &mut |_| true).err(),
            };
            let what = format!("{drips:?}, patient {is_patient}, lines {is_of_lines}");
            let fault = fault.unwrap_or_else(|| panic!("{what}: it is an answer"));
            assert_eq!(fault.kind, FaultKind::TimedOut, "{what}: {fault}");
            // And as long as the machine lets it wait for its turn.
            let most = SHORT * PIECES + Duration::from_secs(20);
            assert!(begun.elapsed() < most, "{what}: {:?}", begun.elapsed());
        };
        std::thread::scope(|scope| {
            for drips in [Drips::Head, Drips::Headers, Drips::Body, Drips::Chunks, Drips::Line] {
                for (is_patient, is_of_lines) in [(false, false), (false, true), (true, false), (true, true)]
                {
                    scope.spawn(move || ask(drips, is_patient, is_of_lines));
                }
            }
        });
    }
}
