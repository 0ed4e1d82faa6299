//! What the driver reads from and writes to: a socket, with TLS or without. It counts what moves, so that silence shows, and
//! listens to what a server asks for before it is answered: a password as it is goes over no wire that others may read.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use sha2::{Digest as _, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

/// Why nothing more is said to a server.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(
        "it asks for the password {0}, and no certificate proves who it is, so nothing was sent; let it ask by SCRAM \
         (`password_encryption = scram-sha-256` and a new password; in PgBouncer `auth_type = scram-sha-256`), or speak TLS"
    )]
    Password(&'static str),
    #[error("it asks for {0} rounds of SCRAM, more than any server needs")]
    Rounds(u64),
    #[error("what answers there is no PostgreSQL server")]
    Strange,
}

/// The most rounds of SCRAM that are computed: about a second. PostgreSQL's default is 4096.
const ROUNDS: u64 = 2_000_000;
/// Longer than any message of a server before it lets somebody in.
const LONGEST: usize = 1 << 16;

/// Listens until the server has let us in.
struct Greeting {
    /// A password may be sent as it is, or as MD5 of it.
    bare: bool,
    /// What was heard of a message that is not whole yet.
    heard: Vec<u8>,
    is_over: bool,
}

impl Greeting {
    fn hear(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        if self.is_over {
            return Ok(());
        }
        self.heard.extend_from_slice(bytes);
        while let Some((&[kind, a, b, c, d], rest)) = self.heard.split_first_chunk() {
            let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
            let Some(length) = length.checked_sub(4).filter(|length| *length <= LONGEST) else {
                return Err(Refused::Strange);
            };
            let Some(body) = rest.get(..length) else { break };
            if kind == b'R' && self.judge(body)? {
                self.is_over = true;
                self.heard = Vec::new();
                return Ok(());
            }
            self.heard.drain(..5 + length);
        }
        Ok(())
    }

    /// Whether the server is content. It may ask for what is not to be sent.
    fn judge(&self, body: &[u8]) -> Result<bool, Refused> {
        let Some((code, rest)) = body.split_first_chunk() else { return Err(Refused::Strange) };
        match u32::from_be_bytes(*code) {
            0 => Ok(true),
            3 if !self.bare => Err(Refused::Password("as it is")),
            5 if !self.bare => Err(Refused::Password("by MD5")),
            // "r=…,s=…,i=ROUNDS"
            11 => {
                let text = String::from_utf8_lossy(rest);
                let rounds = text.split(',').find_map(|part| part.strip_prefix("i="));
                match rounds.and_then(|rounds| rounds.parse().ok()) {
                    Some(rounds) if rounds > ROUNDS => Err(Refused::Rounds(rounds)),
                    _ => Ok(false),
                }
            }
            _ => Ok(false),
        }
    }
}

pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// A socket that is listened to.
pub(super) struct Wire {
    socket: Socket,
    greeting: Greeting,
    /// How many bytes moved, either way.
    moved: Arc<AtomicU64>,
}

impl Wire {
    /// `bare`: a password may be sent as it is.
    pub fn new(socket: Socket, bare: bool, moved: Arc<AtomicU64>) -> Wire {
        Wire { socket, greeting: Greeting { bare, heard: Vec::new(), is_over: false }, moved }
    }

    fn count(&self, bytes: usize) {
        self.moved.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// Does the same with whichever socket there is.
macro_rules! of_socket {
    ($wire:expr, $socket:ident => $what:expr) => {
        match &mut $wire.socket {
            Socket::Tcp($socket) => $what,
            #[cfg(unix)]
            Socket::Unix($socket) => $what,
            Socket::Tls($socket) => $what,
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let done = of_socket!(self, socket => Pin::new(socket).poll_read(cx, buffer));
        if let Poll::Ready(Ok(())) = &done {
            let new = buffer.filled().get(before..).unwrap_or_default();
            self.count(new.len());
            // Told before the driver reads it, so that it answers nothing.
            self.greeting.hear(new).map_err(io::Error::other)?;
        }
        done
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let done = of_socket!(self, socket => Pin::new(socket).poll_write(cx, bytes));
        if let Poll::Ready(Ok(written)) = &done {
            self.count(*written);
        }
        done
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_socket!(self, socket => Pin::new(socket).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        of_socket!(self, socket => Pin::new(socket).poll_shutdown(cx))
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        let Socket::Tls(stream) = &self.socket else { return ChannelBinding::none() };
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        certificate
            .and_then(|certificate| end_point(certificate))
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

/// For the driver, which wants to begin TLS by itself: it is there already, or is not to be.
pub(super) struct Begun;

impl TlsConnect<Wire> for Begun {
    type Stream = Wire;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Wire>>;

    fn connect(self, wire: Wire) -> Self::Future {
        std::future::ready(Ok(wire))
    }
}

/// What RFC 5929 calls `tls-server-end-point`: the certificate's digest, by the hash of its signature, SHA-256 where that is
/// weaker. `None` where the signature has no hash of its own: then there is nothing to bind to, as PostgreSQL sees it too.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    // Certificate ::= SEQUENCE { tbsCertificate SEQUENCE, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, … }, … }
    let (whole, _) = element(certificate, SEQUENCE)?;
    let (_, after) = element(whole, SEQUENCE)?;
    let (algorithm, _) = element(after, SEQUENCE)?;
    let (name, parameters) = element(algorithm, OBJECT)?;
    let (hash, _) = SIGNATURES.iter().find_map(|(known, hash)| (*known == name).then_some((*hash, ())))?;
    let hash = match hash {
        // RSASSA-PSS-params ::= SEQUENCE { [0] SEQUENCE { OBJECT IDENTIFIER, … } DEFAULT sha1, … }
        Hash::OfParameters => {
            let (parameters, _) = element(parameters, SEQUENCE)?;
            let named = element(parameters, FIRST).and_then(|(named, _)| element(named, SEQUENCE));
            match named.and_then(|(named, _)| element(named, OBJECT)) {
                Some((name, _)) => HASHES.iter().find(|(known, _)| *known == name)?.1,
                None => Hash::Sha256,
            }
        }
        other => other,
    };
    Some(match hash {
        Hash::Sha384 => Sha384::digest(certificate).to_vec(),
        Hash::Sha512 => Sha512::digest(certificate).to_vec(),
        Hash::Sha256 | Hash::OfParameters => Sha256::digest(certificate).to_vec(),
    })
}

#[derive(Debug, Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
    OfParameters,
}

const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const FIRST: u8 = 0xa0;

/// Object identifiers as they are encoded.
const SIGNATURES: [(&[u8], Hash); 11] = [
    // 1.2.840.113549.1.1.4, .5, .10 to .13: RSA with MD5, SHA-1, PSS, SHA-256, SHA-384, SHA-512
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], Hash::Sha256),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], Hash::Sha256),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], Hash::OfParameters),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11], Hash::Sha256),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12], Hash::Sha384),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13], Hash::Sha512),
    // 1.2.840.10045.4.1, 4.3.2 to 4.3.4: ECDSA with SHA-1, SHA-256, SHA-384, SHA-512
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], Hash::Sha256),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], Hash::Sha256),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], Hash::Sha384),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], Hash::Sha512),
    // 1.2.840.10040.4.3: DSA with SHA-1
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3], Hash::Sha256),
];
const HASHES: [(&[u8], Hash); 4] = [
    // 1.3.14.3.2.26: SHA-1; 2.16.840.1.101.3.4.2.1 to .3: SHA-256, SHA-384, SHA-512
    (&[0x2b, 0x0e, 3, 2, 0x1a], Hash::Sha256),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1], Hash::Sha256),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2], Hash::Sha384),
    (&[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3], Hash::Sha512),
];

/// The content of the first element of a text in DER, if it is of this kind, and what comes after it.
fn element(der: &[u8], kind: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = der.split_first_chunk()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    (found == kind).then(|| rest.split_at_checked(length)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind], &length[..], body].concat()
    }

    fn heard(bare: bool, bytes: &[u8], step: usize) -> Result<bool, Refused> {
        let mut greeting = Greeting { bare, heard: Vec::new(), is_over: false };
        bytes.chunks(step).try_for_each(|chunk| greeting.hear(chunk))?;
        Ok(greeting.is_over)
    }

    #[test]
    fn a_server_that_asks_for_the_password_itself_is_refused_however_it_comes() {
        let notice = message(b'N', b"SNOTICE\0\0");
        let asks = |code: u32, rest: &[u8]| {
            [&notice[..], &message(b'R', &[&code.to_be_bytes(), rest].concat())].concat()
        };
        for step in [1, 3, 1000] {
            assert!(matches!(heard(false, &asks(3, b""), step), Err(Refused::Password(_))));
            assert!(matches!(heard(false, &asks(5, b"salt"), step), Err(Refused::Password(_))));
            assert!(matches!(heard(true, &asks(3, b""), step), Ok(false)));
            assert!(matches!(heard(true, &asks(5, b"salt"), step), Ok(false)));
            assert!(matches!(heard(false, &asks(10, b"SCRAM-SHA-256\0\0"), step), Ok(false)));
            assert!(matches!(heard(false, &asks(11, b"r=a,s=b,i=4096"), step), Ok(false)));
            assert!(matches!(heard(true, &asks(11, b"r=a,s=b,i=4000000000"), step), Err(Refused::Rounds(_))));
            assert!(matches!(heard(false, &asks(0, b""), step), Ok(true)));
        }
        for strange in
            [&b"HTTP/1.1 400 Bad Request\r\n"[..], b"R\0\0\0\x03", b"R\0\0\0\x04", b"R\xff\xff\xff\xff"]
        {
            assert!(matches!(heard(true, strange, 1), Err(Refused::Strange)), "{strange:?}");
        }
    }

    #[test]
    fn a_certificate_is_bound_by_the_hash_of_its_signature() {
        use rcgen::{
            CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519,
        };
        for (algorithm, length) in
            [(&PKCS_ECDSA_P256_SHA256, Some(32)), (&PKCS_ECDSA_P384_SHA384, Some(48)), (&PKCS_ED25519, None)]
        {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate =
                CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
            assert_eq!(end_point(certificate.der()).map(|digest| digest.len()), length);
            for cut in 0..certificate.der().len().min(80) {
                let _ = end_point(&certificate.der()[..cut]);
            }
        }
        // RSA: only the names matter here.
        let signed = |oid: &[u8], parameters: &[u8]| {
            let of =
                |kind: u8, content: &[u8]| [&[kind, u8::try_from(content.len()).unwrap()], content].concat();
            let algorithm = of(SEQUENCE, &[of(OBJECT, oid), parameters.to_vec()].concat());
            of(SEQUENCE, &[of(SEQUENCE, b""), algorithm].concat())
        };
        let rsa = |last: u8| [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last];
        for (last, length) in [(4, 32), (5, 32), (11, 32), (12, 48), (13, 64)] {
            assert_eq!(end_point(&signed(&rsa(last), &[5, 0])).unwrap().len(), length);
        }
        assert_eq!(end_point(&signed(&rsa(10), &[0x30, 0])).unwrap().len(), 32);
        let sha512 = [0x30, 15, 0xa0, 13, 0x30, 11, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];
        assert_eq!(end_point(&signed(&rsa(10), &sha512)).unwrap().len(), 64);
        assert!(end_point(&signed(&rsa(99), &[5, 0])).is_none());
    }
}
