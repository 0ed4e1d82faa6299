//! Pipelines that ask a server by the token that their forge signs for a job, against an issuer on this machine.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as ALGORITHM, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value as Json, json};

use crate::platforms::{self, good, reply};
use crate::run::Project;
use crate::serve::{Server, token};

const MAIN: &str = "repo:nordic/integrations:ref:refs/heads/main";
const AUDIENCE: &str = "https://pairform.example";

/// A key that signs as forges do.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ALGORITHM, &random).unwrap();
        Key(EcdsaKeyPair::from_pkcs8(&ALGORITHM, pkcs8.as_ref(), &random).unwrap())
    }

    fn published(&self, id: &str) -> Json {
        let point = self.0.public_key().as_ref();
        let part = |from: usize| BASE64.encode(&point[from..from + 32]);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id, "x": part(1), "y": part(33)})
    }

    fn sign(&self, header: &Json, claims: &Json) -> String {
        let part = |json: &Json| BASE64.encode(json.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", BASE64.encode(signature))
    }
}

/// What a job's token says, with some of it changed.
fn claims(issuer: &str, changed: &Json) -> Json {
    let now = Timestamp::now().as_second();
    let mut claims = json!({
        "iss": issuer, "aud": AUDIENCE, "sub": MAIN, "actor": "karin", "repository_owner_id": "1234",
        "iat": now, "nbf": now, "exp": now + 300,
    });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[test]
fn a_pipeline_is_known_by_what_its_forge_signed_and_by_nothing_else() {
    let (key, foreign) = (Key::new(), Key::new());
    let published = key.published("one");
    let other = Key::new();
    let renewed = other.published("two");
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let forge = platforms::Server::start(move |hit| {
        let address = format!("http://{}", hit.header("host"));
        match hit.path.as_str() {
            "/.well-known/openid-configuration" => {
                good(&json!({"issuer": address, "jwks_uri": format!("{address}/keys")}))
            }
            "/elsewhere/.well-known/openid-configuration" => good(
                &json!({"issuer": format!("{address}/elsewhere"), "jwks_uri": "https://evil.example/keys"}),
            ),
            "/keys" if asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 => {
                good(&json!({"keys": [published]}))
            }
            "/keys" => good(&json!({"keys": [published, renewed]})),
            _ => reply(404, "{}"),
        }
    });
    let issuer = format!("http://127.0.0.1:{}", forge.port);

    let project = Project::empty();
    project.write(
        "integrations/shop.yaml",
        "integration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings: {general: {name: Shop}}\n",
    );
    let store = format!("sqlite:{}", project.path().join("state.db").display());
    let admin = token(&project, &store, &["ada", "--role", "admin"]);
    let outside = tempfile::tempdir().unwrap();
    let policy = outside.path().join("policy.yaml");
    let rule = json!({
        "issuer": issuer, "audience": AUDIENCE, "subject": "repo:nordic/*:ref:refs/heads/main", "role": "admin",
        "claims": {"repository_owner_id": "1234"},
    });
    let elsewhere = json!({
        "issuer": format!("{issuer}/elsewhere"), "audience": AUDIENCE, "subject": MAIN, "role": "admin",
    });
    std::fs::write(&policy, json!({"pipelines": [rule, elsewhere]}).to_string()).unwrap();
    let server = Server::start(&project, &store, &["--policy", policy.to_str().unwrap()]);

    let header = json!({"alg": "ES256", "typ": "JWT", "kid": "one"});
    let good = key.sign(&header, &claims(&issuer, &json!({})));
    let made = server.client(&good).send(
        "POST",
        "/integrations",
        &[],
        &json!({"id": "made", "pair": "fortnox-shopify", "name": "Made"}),
    );
    made.is(201);
    let history = server.client(&admin).get("/integrations/made").is(200).json();
    assert!(history.to_string().contains(&format!("karin by {MAIN}")), "{history}");

    let none = json!({"alg": "none", "typ": "JWT", "kid": "one"});
    let symmetric = json!({"alg": "HS256", "typ": "JWT", "kid": "one"});
    let nameless = json!({"alg": "ES256", "typ": "JWT"});
    let now = Timestamp::now().as_second();
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let wrong = [
        ("no signature", format!("{unsigned}.")),
        ("another job's claims", {
            let other = key.sign(&header, &claims(&issuer, &json!({"sub": "repo:nordic/x:pull_request"})));
            let (text, _) = other.rsplit_once('.').unwrap();
            format!("{text}.{}", good.rsplit('.').next().unwrap())
        }),
        ("a foreign key", foreign.sign(&header, &claims(&issuer, &json!({})))),
        ("no algorithm", key.sign(&none, &claims(&issuer, &json!({})))),
        ("a symmetric algorithm", key.sign(&symmetric, &claims(&issuer, &json!({})))),
        ("no key named", key.sign(&nameless, &claims(&issuer, &json!({})))),
        (
            "a pull request",
            key.sign(&header, &claims(&issuer, &json!({"sub": "repo:nordic/x:pull_request"}))),
        ),
        ("another owner's repository", {
            key.sign(&header, &claims(&issuer, &json!({"sub": "repo:evil/x:ref:refs/heads/main"})))
        }),
        ("a name that was taken over", {
            key.sign(&header, &claims(&issuer, &json!({"repository_owner_id": "99"})))
        }),
        ("for another server", key.sign(&header, &claims(&issuer, &json!({"aud": "https://other.example"})))),
        ("for none", key.sign(&header, &claims(&issuer, &json!({"aud": null})))),
        ("ended", key.sign(&header, &claims(&issuer, &json!({"exp": now - 120})))),
        ("without an end", key.sign(&header, &claims(&issuer, &json!({"exp": null})))),
        ("of tomorrow", key.sign(&header, &claims(&issuer, &json!({"nbf": now + 86_400})))),
        ("another issuer", key.sign(&header, &claims("https://evil.example", &json!({})))),
        ("keys of another host", key.sign(&header, &claims(&format!("{issuer}/elsewhere"), &json!({})))),
    ];
    for (what, token) in wrong {
        let told = server.client(&token).get("/integrations");
        assert_eq!(told.status, 401, "{what}: {}", told.body);
        assert!(!told.body.contains(token.rsplit('.').next().filter(|end| !end.is_empty()).unwrap_or("?")));
    }
    // A key that it does not have is asked for once a minute, whoever names it.
    let header = json!({"alg": "ES256", "typ": "JWT", "kid": "two"});
    let later = other.sign(&header, &claims(&issuer, &json!({})));
    assert_eq!(server.client(&later).get("/integrations").status, 401);
    assert_eq!(forge.paths("/keys").len(), 1);
}
