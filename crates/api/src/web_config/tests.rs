use super::*;

fn parse(text: &str) -> Result<WebConfig, WebConfigError> {
    WebConfig::parse(text, Path::new("/etc/etcd-monitor"))
}

fn error(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

fn bcrypt_hash(cost: u32) -> String {
    bcrypt::hash("secret", cost).unwrap()
}

fn token_hash() -> String {
    crate::access::NewToken::random().hash
}

#[test]
fn an_empty_file_asks_nobody() {
    for text in [
        "",
        "# nothing\n",
        "basic_auth_users:\ntls_server_config:\n",
        "tls_server_config: {}",
    ] {
        let config = parse(text).unwrap();
        assert!(
            !config.authenticates() && config.tls.is_none() && config.http2,
            "{text}"
        );
        assert!(config.warnings.is_empty(), "{text}: {:?}", config.warnings);
    }
}

#[test]
fn a_file_of_the_exporter_toolkit_is_read() {
    let config = parse(&format!(
        "tls_server_config:
  cert_file: server.crt
  key_file: /keys/server.key
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [prometheus.example]
  min_version: TLS13
  max_version: TLS13
  prefer_server_cipher_suites: true
  curve_preferences: [X25519]
http_server_config:
  http2: false
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: deny
    X-XSS-Protection:
basic_auth_users:
  alice: {}
rate_limit:
  interval: 1s
  burst: 20
",
        bcrypt_hash(10)
    ));
    let config = config.unwrap();
    let tls = config.tls.as_ref().unwrap();
    assert_eq!(tls.cert, Pem::File("/etc/etcd-monitor/server.crt".into()));
    assert_eq!(tls.key, Pem::File("/keys/server.key".into()));
    assert_eq!(tls.client_auth, ClientAuth::RequireAndVerify);
    assert_eq!(tls.client_allowed_sans, ["prometheus.example"]);
    assert!(!config.http2 && config.verifies_clients() && config.authenticates());
    assert_eq!(config.headers.len(), 2);
    assert_eq!(config.callers(), [("alice", Role::Viewer)]);
    let limit = config.rate_limit.unwrap();
    assert_eq!(
        (limit.interval, limit.burst.get()),
        (Duration::from_secs(1), 20)
    );
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
}

#[test]
fn tokens_and_roles_are_read() {
    let (hash, password) = (token_hash(), bcrypt_hash(4));
    let config = parse(&format!(
        "basic_auth_users: {{alice: {password}}}
roles: {{alice: admin, bob: operator}}
tokens:
- {{name: ci, role: operator, hash: '{hash}', expires_at: 2020-01-01T00:00:00Z}}
"
    ));
    let config = config.unwrap();
    assert_eq!(
        config.callers(),
        [("alice", Role::Admin), ("ci", Role::Operator)]
    );
    let told = config.warnings.join("\n");
    for part in [
        "cost of 4",
        "\"ci\" has expired",
        "plain HTTP",
        "\"bob\" is no user",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(
        !format!("{config:?}").contains(&password),
        "the hash is printed"
    );
}

#[test]
fn unknown_keys_are_told_with_their_place_and_what_was_meant() {
    let said = error("basic_auth_usrs:\n  alice: x\n");
    assert!(
        said.contains("line 1, column 1") && said.contains("did you mean `basic_auth_users`"),
        "{said}"
    );
    let said = error("tls_server_config:\n  cert_fle: a\n");
    assert!(
        said.contains("line 2, column 3") && said.contains("`cert_file`"),
        "{said}"
    );
    let said = error("roles:\n  alice: admn\n");
    assert!(
        said.contains("line 2") && said.contains("did you mean `admin`"),
        "{said}"
    );
    let said = error("tls_server_config: {client_auth_type: RequireAndVerify}");
    assert!(said.contains("`RequireAndVerifyClientCert`"), "{said}");
    let said = error("http_server_config:\n  headers:\n    X-Frame-Option: deny\n");
    assert!(said.contains("did you mean X-Frame-Options?"), "{said}");
}

#[test]
fn wrong_values_are_told_with_their_place() {
    let token = |line: &str| format!("tokens:\n- name: ci\n  role: viewer\n  {line}\n");
    let valid = format!("hash: {}", token_hash());
    for (text, part) in [
        (
            "basic_auth_users:\n  alice: secret\n".to_owned(),
            "line 2 column 10: user \"alice\": the password is no bcrypt hash",
        ),
        (
            format!("basic_auth_users:\n  'a:b': {}\n", bcrypt_hash(4)),
            "a colon",
        ),
        (
            token("hash: secret"),
            "line 4 column 9: the hash of a token",
        ),
        (
            token(&format!("{valid}\n  expires_at: tomorrow")),
            "line 5 column 15: expires_at",
        ),
        (
            token(&valid) + &token(&valid)[8..],
            "two tokens are named \"ci\"",
        ),
        (
            "http_server_config:\n  headers:\n    X-Frame-Options: allow\n".to_owned(),
            "line 3 column 22",
        ),
        (
            "http_server_config: {headers: {X-XSS-Protection: \"a\\nb\"}}".to_owned(),
            "printable",
        ),
        (
            "http_server_config: {headers: {Set-Cookie: a}}".to_owned(),
            "cannot be set",
        ),
        (
            "rate_limit: {interval: soon, burst: 1}".to_owned(),
            "no duration",
        ),
        (
            "rate_limit: {interval: 1s}".to_owned(),
            "burst must be at least 1",
        ),
        (
            "tls_server_config: {cert_file: a}".to_owned(),
            "key_file is missing",
        ),
        (
            "tls_server_config: {client_auth_type: NoClientCert}".to_owned(),
            "cert_file is missing",
        ),
    ] {
        let said = error(&text);
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn checks_of_clients_without_effect_are_refused() {
    let tls = |rest: &str| {
        error(&format!(
            "tls_server_config: {{cert_file: a, key_file: b, {rest}}}"
        ))
    };
    assert!(tls("client_ca_file: c").contains("needs client_auth_type"));
    assert!(tls("client_auth_type: RequireAndVerifyClientCert").contains("needs a client_ca_file"));
    let sans =
        "client_ca_file: c, client_auth_type: VerifyClientCertIfGiven, client_allowed_sans: [d]";
    assert!(tls(sans).contains("client_allowed_sans needs"));
    assert!(tls("min_version: TLS13, max_version: TLS12").contains("newer than max_version"));
}

#[test]
fn certificates_and_keys_may_stand_in_the_file() {
    let text = "tls_server_config:
  cert: |
    a certificate
  key: |
    a key
  client_ca: |
    a signer
  client_auth_type: VerifyClientCertIfGiven
";
    let config = parse(text).unwrap();
    let tls = config.tls.as_ref().unwrap();
    assert!(matches!(
        (&tls.cert, &tls.key, &tls.client_ca),
        (Pem::Inline(_), Pem::Inline(_), Some(Pem::Inline(_)))
    ));
    assert!(config.holds_secrets() && config.verifies_clients());
    let printed = format!("{config:?}");
    assert!(!printed.contains("a key"), "{printed}");
    for key in ["cert", "key", "client_ca"] {
        let both = error(&format!("{text}  {key}_file: a.pem\n"));
        assert!(
            both.contains(&format!("both {key} and {key}_file")),
            "{both}"
        );
    }
    let blank = error("tls_server_config: {cert: '', cert_file: a, key: ' '}");
    assert!(blank.contains("key_file is missing"), "{blank}");
}

#[test]
fn a_limit_of_nothing_is_none() {
    for text in [
        "rate_limit: {interval: 0, burst: 0}",
        "rate_limit: {interval: 0s}",
        "rate_limit:",
    ] {
        assert_eq!(parse(text).unwrap().rate_limit, None, "{text}");
    }
}

#[test]
fn no_error_shows_a_secret() {
    for text in [
        "basic_auth_users: {alice: hunter2, alice: hunter2}",
        "basic_auth_users: {alice: [hunter2]}",
        "tokens: [{name: a, role: viewer, hash: hunter2}]",
        "tokens: [{name: a, hash: hunter2}]",
        "tls_server_config: {key: [hunter2], cert: {hunter2: hunter2}}",
        "basic_auth_users:\n  alice: hunter2\n bob: x",
    ] {
        let said = error(text);
        assert!(!said.contains("hunter2"), "{said}");
    }
}
