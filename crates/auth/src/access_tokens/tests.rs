use super::*;
use time::macros::datetime;
use vocab::FixedClock;

const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);

fn policy() -> TokenPolicy {
    TokenPolicy {
        issuer: "https://stoa.example.org".to_owned(),
        audience: "stoa".to_owned(),
        lifetime: Duration::minutes(10),
    }
}

fn key(seed: u8, activates_at: OffsetDateTime) -> TokenKey {
    TokenKey::new(&[seed; 32], activates_at).expect("a key")
}

fn tokens(keys: Vec<TokenKey>) -> (Tokens, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::at(NOW));
    (Tokens::new(policy(), clock.clone(), keys), clock)
}

fn subject() -> Subject<'static> {
    Subject {
        principal: PrincipalId(Uuid::from_u128(1)),
        session: Uuid::from_u128(2),
        client: "https://app.example.org",
        wallet: Some((Address::repeat_byte(0xab), ChainId(31_337))),
    }
}

/// Signed with `seed`, of a header and claims of our own making.
fn forge(seed: u8, change: impl FnOnce(&mut Value, &mut Value)) -> String {
    let mut header = json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": key(1, NOW).id() });
    let mut claims = json!({
        "iss": "https://stoa.example.org", "aud": "stoa", "sub": Uuid::from_u128(1),
        "client_id": "https://app.example.org", "iat": NOW.unix_timestamp(),
        "exp": NOW.unix_timestamp() + 600, "jti": Uuid::from_u128(3), "sid": Uuid::from_u128(2),
        "address": "0xabABababaBABaBaBABabaBaBaBabAbAbAbABAbAB", "chain_id": 31_337,
    });
    change(&mut header, &mut claims);
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a key");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes())))
}

#[test]
fn a_token_says_who_and_reads_back() {
    let (tokens, _) = tokens(vec![key(1, NOW)]);
    let (text, ends) = tokens.issue(subject()).expect("a token");
    assert_eq!(ends, NOW + Duration::minutes(10));
    let claims = tokens.verify(&text).expect("our own");
    assert_eq!((claims.sub, claims.sid), (Uuid::from_u128(1), Uuid::from_u128(2)));
    assert_eq!(claims.client_id, "https://app.example.org");
    assert_eq!(claims.exp - claims.iat, 600);
    let header = jsonwebtoken::decode_header(&text).expect("a header");
    assert_eq!((header.typ.as_deref(), header.alg), (Some("at+jwt"), Algorithm::EdDSA));
    assert!(text.len() < 1_024, "{}", text.len());
    // The forger's own is one, too, so that what the next test changes is what is refused.
    assert!(tokens.verify(&forge(1, |_, _| {})).is_ok());
    // A second one differs.
    assert_ne!(tokens.issue(subject()).expect("a token").0, text);
}

#[test]
fn what_is_not_ours_is_refused() {
    let (tokens, _) = tokens(vec![key(1, NOW)]);
    let bare = |alg: &'static str| {
        let text = forge(1, move |header, _| header["alg"] = json!(alg));
        let (signed, _) = text.rsplit_once('.').expect("three parts");
        format!("{signed}.")
    };
    let public = URL_SAFE_NO_PAD.encode(ed25519::public_key(&[1; 32]).expect("a key"));
    let cases: Vec<(&str, String)> = vec![
        ("alg none", bare("none")),
        ("alg None", bare("None")),
        ("unsigned", bare("EdDSA")),
        ("another algorithm", forge(1, |header, _| header["alg"] = json!("HS256"))),
        ("another key", forge(2, |_, _| {})),
        ("an unknown kid", forge(1, |header, _| header["kid"] = json!("x"))),
        ("no kid", forge(1, |header, _| drop(header.as_object_mut().expect("o").remove("kid")))),
        ("typ JWT", forge(1, |header, _| header["typ"] = json!("JWT"))),
        ("no typ", forge(1, |header, _| drop(header.as_object_mut().expect("o").remove("typ")))),
        ("crit", forge(1, |header, _| header["crit"] = json!(["b64"]))),
        (
            "its own key",
            forge(2, |header, _| {
                header["jwk"] = json!({ "kty": "OKP", "crv": "Ed25519", "x": public });
            }),
        ),
        ("another audience", forge(1, |_, claims| claims["aud"] = json!("other"))),
        (
            "no audience",
            forge(1, |_, claims| drop(claims.as_object_mut().expect("o").remove("aud"))),
        ),
        ("another issuer", forge(1, |_, claims| claims["iss"] = json!("https://evil.example"))),
        ("no end", forge(1, |_, claims| drop(claims.as_object_mut().expect("o").remove("exp")))),
        (
            "no session",
            forge(1, |_, claims| drop(claims.as_object_mut().expect("o").remove("sid"))),
        ),
        ("a subject of another kind", forge(1, |_, claims| claims["sub"] = json!("root"))),
        (
            "an end before its start",
            forge(1, |_, claims| {
                claims["exp"] = json!(NOW.unix_timestamp());
            }),
        ),
        ("empty", String::new()),
        ("dots", "..".to_owned()),
        ("four parts", format!("{}.x", forge(1, |_, _| {}))),
        ("long", format!("{}{}", forge(1, |_, _| {}), "A".repeat(TEXT_LEN_MAX))),
    ];
    for (name, text) in cases {
        assert_eq!(tokens.verify(&text), Err(TokenFault::Invalid), "{name}");
    }
    let good = forge(1, |_, _| {});
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(bytes).expect("text");
        assert!(tokens.verify(&text).is_err(), "byte {at}");
    }
}

#[test]
fn clocks_may_differ_by_five_seconds() {
    let now = NOW.unix_timestamp();
    let (tokens, _) = tokens(vec![key(1, NOW - Duration::HOUR)]);
    let cases = [
        (5, 600, Ok(())),
        (6, 600, Err(TokenFault::Invalid)),
        (3_600, 7_200, Err(TokenFault::Invalid)),
        (-600, -4, Ok(())),
        (-600, -5, Err(TokenFault::Expired)),
        (-7_200, -3_600, Err(TokenFault::Expired)),
    ];
    for (iat, exp, expected) in cases {
        let text = forge(1, |_, claims| {
            claims["iat"] = json!(now + iat);
            claims["exp"] = json!(now + exp);
        });
        assert_eq!(tokens.verify(&text).map(drop), expected, "{iat} to {exp}");
    }
}

#[test]
fn keys_take_turns_and_overlap() {
    let next = NOW + Duration::HOUR;
    let (tokens, clock) = tokens(vec![key(2, next), key(1, NOW)]);
    let kid = |text: &str| jsonwebtoken::decode_header(text).expect("a header").kid;
    let published = || tokens.published_keys()["keys"].as_array().map_or(0, Vec::len);
    let issue = || tokens.issue(subject()).expect("a token").0;
    assert_eq!(kid(&issue()).as_deref(), Some(key(1, NOW).id()));
    assert_eq!(published(), 2, "the next one is known before it signs");
    clock.advance(Duration::minutes(59) + Duration::seconds(59));
    let old = issue();
    clock.advance(Duration::SECOND);
    let new = issue();
    assert_eq!(kid(&old).as_deref(), Some(key(1, NOW).id()));
    assert_eq!(kid(&new).as_deref(), Some(key(2, NOW).id()));
    clock.advance(Duration::minutes(9));
    assert!(tokens.verify(&old).is_ok() && tokens.verify(&new).is_ok());
    clock.advance(Duration::minutes(1) + TOKEN_LEEWAY);
    assert_eq!(tokens.verify(&old), Err(TokenFault::Invalid), "its key is not known any more");
    assert_eq!(published(), 1);
    // What an old key would sign now counts for nothing.
    let now = clock.now().unix_timestamp();
    let stolen = forge(1, |_, claims| {
        claims["iat"] = json!(now);
        claims["exp"] = json!(now + 600);
    });
    assert_eq!(tokens.verify(&stolen), Err(TokenFault::Invalid));
    tokens.replace_keys(Vec::new());
    assert_eq!(tokens.issue(subject()).map(drop), Err(TokenFault::NoKey));
}

#[test]
fn published_keys_are_as_rfc_8037_says() {
    // The key of RFC 8037, appendix A.
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("d");
    let key = TokenKey::new(&seed.try_into().expect("32 bytes"), NOW).expect("a key");
    assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(key.published()["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert!(!format!("{key:?}").contains("nWGx"));
}
