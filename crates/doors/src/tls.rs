//! The node's certificate, and the TLS settings that all servers share.
//!
//! A node that is started for the first time makes a certificate authority of its own and a certificate signed by it, so
//! that STARTTLS and IMAPS work at once and a client can check whom it talks to: give it `ca.pem`. That authority is bound
//! by name constraints to the node's own name and to this machine; stolen, it can vouch for nothing else.
//!
//! ```text
//! DIR/tls/ca.key         the authority's key; 0600
//! DIR/tls/ca.pem         the authority's certificate: for clients
//! DIR/tls/node.key       the node's key; 0600
//! DIR/tls/node.pem       the node's certificate
//! DIR/tls/operator.pem   a chain from another authority and its key, if the operator puts them there: then
//! DIR/tls/operator.key   these are used
//! ```

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::digest;
use durable::{Disk, Visibility};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, SupportedCipherSuite};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use serde::{Deserialize, Serialize};
use terms::{Clock, UnixMillis};
use zeroize::Zeroize;

const DAY_MILLIS: i64 = 86_400_000;

/// How long the node's own certificate is valid: what the CA/Browser Forum allows until March 2027 is 200 days, and Apple
/// refuses more than 825 days even of private authorities. The node makes a new one by itself.
const NODE_DAYS: i64 = 200;

/// The last year of its authority: the last that every client reads alike (RFC 5280 section 4.1.2.5). Clients check it, and
/// another `ca.pem` would have to be given to each of them, so it outlives the node.
const AUTHORITY_YEAR: i32 = 2049;

/// A certificate that ends sooner than this is replaced at the start of the node.
const RENEW_DAYS: i64 = 30;

/// Protocols for ALPN (RFC 7301). A client that offers only others, such as a browser, gets no connection: a web
/// session cannot be led to a mail server (ALPACA, 2021). A client that offers none is accepted.
const PROTOCOLS: [&[u8]; 3] = [b"imap", b"smtp", b"lmtp"];

/// Why there is no certificate.
#[derive(Debug)]
pub enum TlsError {
    /// The disk's: a file cannot be read or written.
    File(PathBuf, io::Error),
    /// The operator's: a file holds no certificate or key, or they do not fit each other.
    Content(PathBuf, String),
    /// The operator's: a certificate cannot be made for this name.
    Name(String),
    /// TLS itself does not start.
    Setup(rustls::Error),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Content(path, what) => write!(f, "{}: {what}", path.display()),
            Self::Name(what) => write!(f, "cannot create a certificate for this hostname: {what}"),
            Self::Setup(error) => write!(f, "TLS cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for TlsError {}

/// The certificate that the node shows, and its key.
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// An identity on its way from the node's parent, which reads the files, to the node's own process.
#[derive(Serialize, Deserialize)]
pub struct IdentityParts {
    /// The certificates, DER.
    chain: Vec<Vec<u8>>,
    /// The key: PKCS #8, SEC 1 or PKCS #1, DER.
    key: Vec<u8>,
}

impl Drop for IdentityParts {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// The identity that is in use, for doors that are open; another may take its place.
#[derive(Debug, Clone)]
pub struct InUse(Arc<RwLock<Using>>);

/// What is in use.
#[derive(Debug)]
struct Using {
    key: Arc<CertifiedKey>,
    end_point: Option<Vec<u8>>,
}

impl InUse {
    /// For new connections another identity takes the place of this one.
    ///
    /// # Errors
    /// A key that does not fit the certificate; this identity stays.
    pub fn replace(&self, identity: &Identity) -> Result<(), TlsError> {
        let next = identity.using()?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    /// The channel binding of its certificate. See [`Identity::end_point`].
    pub fn end_point(&self) -> Option<Vec<u8>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).end_point.clone()
    }

    /// TLS 1.2 and 1.3 with whatever identity is in use, for all servers.
    ///
    /// # Errors
    /// TLS does not start.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = PROTOCOLS.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for InUse {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

impl Identity {
    /// The node's identity from the files in `dir`; what is missing, about to expire or made for another name is created again.
    /// Everything written is durable when this returns.
    ///
    /// # Errors
    /// An unreadable or unwritable file, an operator's certificate that does not fit its key, a hostname that no
    /// certificate can hold.
    pub fn load_or_create(disk: &dyn Disk, dir: &Path, hostname: &str, clock: &dyn Clock) -> Result<Self, TlsError> {
        let files = Files { disk, dir };
        if disk.exists(&files.path("operator.pem")) {
            return files.identity("operator");
        }
        if !matches!(ServerName::try_from(hostname), Ok(ServerName::DnsName(_))) {
            return Err(TlsError::Name(
                "a certificate needs a domain name in ASCII, such as mail.ie.example".to_owned(),
            ));
        }
        let now = clock.now();
        let good_until = now.plus_millis(RENEW_DAYS * DAY_MILLIS);
        if files.stand(hostname, now) && files.stand(hostname, good_until) {
            return files.identity("node");
        }
        disk.create_dir_all(dir).map_err(|error| TlsError::File(dir.to_owned(), error))?;
        // The authority that clients know is kept as long as it serves.
        if let Ok(key) = files.text("ca.key")
            && let Ok(key) = KeyPair::from_pem(&key)
        {
            files.make_node(hostname, now, &Issuer::new(authority(hostname, now)?, key))?;
            if files.stand(hostname, now) && files.stand(hostname, good_until) {
                return files.identity("node");
            }
        }
        let key = KeyPair::generate().map_err(name)?;
        let params = authority(hostname, now)?;
        let certificate = params.self_signed(&key).map_err(name)?;
        files.write("ca.key", &key.serialize_pem(), Visibility::Private)?;
        files.write("ca.pem", &certificate.pem(), Visibility::Shared)?;
        files.make_node(hostname, now, &Issuer::new(params, key))?;
        files.identity("node")
    }

    /// The channel binding `tls-server-end-point` (RFC 5929 section 4.1): the certificate's hash, by the hash function of its
    /// own signature, and SHA-256 where that is MD5 or SHA-1. `None` when the signature has no one hash function (Ed25519,
    /// RSASSA-PSS): then the standard leaves it undefined.
    pub fn end_point(&self) -> Option<Vec<u8>> {
        let certificate = self.chain.first()?;
        let algorithm = match signature_algorithm(certificate)? {
            // ecdsa-with-SHA256, sha256WithRSAEncryption; and what RFC 5929 lifts to it: SHA-1 and MD5.
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]
            | [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1]
            | [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4 | 5 | 11] => &digest::SHA256,
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3] | [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12] => &digest::SHA384,
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4] | [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13] => &digest::SHA512,
            _ => return None,
        };
        Some(digest::digest(algorithm, certificate).as_ref().to_vec())
    }

    fn using(&self) -> Result<Using, TlsError> {
        let key = CertifiedKey::from_der(self.chain.clone(), self.key.clone_key(), &provider());
        Ok(Using { key: key.map(Arc::new).map_err(TlsError::Setup)?, end_point: self.end_point() })
    }

    /// This identity, in use until another takes its place.
    ///
    /// # Errors
    /// A key that does not fit the certificate.
    pub fn in_use(&self) -> Result<InUse, TlsError> {
        Ok(InUse(Arc::new(RwLock::new(self.using()?))))
    }

    /// TLS 1.2 and 1.3 with this identity, for all servers.
    ///
    /// # Errors
    /// A key that does not fit the certificate.
    pub fn server_config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        self.in_use()?.server_config()
    }

    /// What passes to another process.
    pub fn to_parts(&self) -> IdentityParts {
        let chain = self.chain.iter().map(|certificate| certificate.to_vec()).collect();
        IdentityParts { chain, key: self.key.secret_der().to_vec() }
    }

    /// What came from another process.
    ///
    /// # Errors
    /// No certificate, or no key.
    pub fn of_parts(parts: &IdentityParts) -> Result<Self, TlsError> {
        let odd = |what: &str| TlsError::Content(PathBuf::from("the certificate"), what.to_owned());
        let chain: Vec<_> = parts.chain.iter().cloned().map(CertificateDer::from).collect();
        if chain.is_empty() {
            return Err(odd("contains no certificate"));
        }
        let key = PrivateKeyDer::try_from(parts.key.clone()).map_err(odd)?;
        Ok(Self { chain, key })
    }
}

/// The object identifier of a certificate's signature: `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm
/// SEQUENCE { OBJECT IDENTIFIER, … }, … }` (RFC 5280 section 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = der(certificate, 0x30)?;
    let (_, after) = der(certificate, 0x30)?;
    let (algorithm, _) = der(after, 0x30)?;
    Some(der(algorithm, 0x06)?.0)
}

/// The contents of a DER value of this tag, and what follows it (X.690 section 8.1).
fn der(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, first], rest) = bytes.split_first_chunk()?;
    if found != tag {
        return None;
    }
    let (len, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (len, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (len.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(len)
}

/// The IANA name of a cipher suite, for trace headers.
pub fn cipher_suite_name(suite: SupportedCipherSuite) -> String {
    let name = suite.suite().as_str().unwrap_or("TLS_UNKNOWN");
    // rustls writes `TLS13_AES…` where the registry has `TLS_AES…`.
    name.replacen("TLS13_", "TLS_", 1)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn name(error: rcgen::Error) -> TlsError {
    TlsError::Name(error.to_string())
}

/// The directory of the certificates.
struct Files<'d> {
    disk: &'d dyn Disk,
    dir: &'d Path,
}

impl Files<'_> {
    fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    fn read(&self, file: &str) -> Result<Vec<u8>, TlsError> {
        let path = self.path(file);
        self.disk.read(&path).map_err(|error| TlsError::File(path, error))
    }

    fn text(&self, file: &str) -> Result<String, TlsError> {
        String::from_utf8(self.read(file)?).map_err(|_| TlsError::Content(self.path(file), "is not text".to_owned()))
    }

    fn write(&self, file: &str, text: &str, visibility: Visibility) -> Result<(), TlsError> {
        let path = self.path(file);
        self.disk.write_atomic(&path, text.as_bytes(), visibility).map_err(|error| TlsError::File(path, error))
    }

    fn chain(&self, file: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let pem = self.read(file)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match chain {
            Ok(chain) if !chain.is_empty() => Ok(chain),
            Ok(_) => Err(TlsError::Content(self.path(file), "contains no certificate".to_owned())),
            Err(error) => Err(TlsError::Content(self.path(file), error.to_string())),
        }
    }

    /// `<stem>.pem` and `<stem>.key`.
    fn identity(&self, stem: &str) -> Result<Identity, TlsError> {
        let chain = self.chain(&format!("{stem}.pem"))?;
        let file = format!("{stem}.key");
        let key = PrivateKeyDer::from_pem_slice(&self.read(&file)?)
            .map_err(|error| TlsError::Content(self.path(&file), error.to_string()))?;
        Ok(Identity { chain, key })
    }

    /// Whether a client that knows `ca.pem` only would accept the node under this name at this moment.
    fn stand(&self, hostname: &str, at: UnixMillis) -> bool {
        let accepted = || {
            let mut roots = RootCertStore::empty();
            for certificate in self.chain("ca.pem").ok()? {
                roots.add(certificate).ok()?;
            }
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build().ok()?;
            let identity = self.identity("node").ok()?;
            identity.server_config().ok()?;
            let (leaf, rest) = identity.chain.split_first()?;
            let at = UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(at.seconds()).ok()?));
            let server = ServerName::try_from(hostname).ok()?;
            verifier.verify_server_cert(leaf, rest, &server, &[], at).ok()
        };
        accepted().is_some()
    }

    /// Makes the node's key and certificate.
    fn make_node(&self, hostname: &str, now: UnixMillis, issuer: &Issuer<'_, KeyPair>) -> Result<(), TlsError> {
        let names = vec![hostname.to_owned(), "localhost".to_owned()];
        let mut params = CertificateParams::new(names).map_err(name)?;
        params.subject_alt_names.push(SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        params.subject_alt_names.push(SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        params.distinguished_name.push(DnType::CommonName, hostname);
        params.use_authority_key_identifier_extension = true;
        params.key_usages.push(KeyUsagePurpose::DigitalSignature);
        params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
        // From yesterday, since clocks differ.
        [params.not_before, params.not_after] = [-1, NODE_DAYS].map(|days| {
            let (year, month, day) = date(now.plus_millis(days * DAY_MILLIS));
            rcgen::date_time_ymd(year, month, day)
        });
        let key = KeyPair::generate().map_err(name)?;
        let certificate = params.signed_by(&key, issuer).map_err(name)?;
        self.write("node.key", &key.serialize_pem(), Visibility::Private)?;
        self.write("node.pem", &certificate.pem(), Visibility::Shared)
    }
}

/// The node's own authority: it may vouch for the node's name and for this machine, and signs no other authority.
fn authority(hostname: &str, now: UnixMillis) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(Vec::<String>::new()).map_err(name)?;
    params.distinguished_name.push(DnType::CommonName, format!("Bailiwick node {hostname}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let permitted_subtrees = vec![
        GeneralSubtree::DnsName(hostname.to_owned()),
        GeneralSubtree::DnsName("localhost".to_owned()),
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(IpAddr::V4(Ipv4Addr::LOCALHOST), 32)),
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(IpAddr::V6(Ipv6Addr::LOCALHOST), 128)),
    ];
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    let (year, month, day) = date(now.plus_millis(-DAY_MILLIS));
    params.not_before = rcgen::date_time_ymd(year, month, day);
    params.not_after = rcgen::date_time_ymd(AUTHORITY_YEAR, 12, 31);
    Ok(params)
}

/// Year, month and day of a moment. A clock outside the years that certificates know is held in 1970.
fn date(at: UnixMillis) -> (i32, u8, u8) {
    let text = at.rfc3339();
    match (text[..4].parse(), text[5..7].parse(), text[8..10].parse()) {
        (Ok(year), Ok(month), Ok(day)) if (1950..=9999).contains(&year) => (year, month, day),
        _ => (1970, 1, 1),
    }
}
