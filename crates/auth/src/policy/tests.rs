use super::*;

fn key(scopes: &[Scope]) -> Actor {
    key_of(PrincipalKind::Machine, scopes)
}

fn operator(scopes: &[Scope]) -> Actor {
    key_of(PrincipalKind::Operator, scopes)
}

fn key_of(kind: PrincipalKind, scopes: &[Scope]) -> Actor {
    Actor::Key(KeyHolder {
        principal: PrincipalId::new(),
        kind,
        key_id: "k".to_owned(),
        scopes: scopes.to_vec(),
        roles: Vec::new(),
        until: None,
        unsigned: false,
    })
}

fn user() -> Actor {
    Actor::User(User {
        principal: PrincipalId::new(),
        session: Uuid::nil(),
        wallet: Some((Address::ZERO, ChainId(1))),
        contract_chain: None,
        roles: Vec::new(),
        until: OffsetDateTime::UNIX_EPOCH,
    })
}

fn with_role(role: Role) -> Actor {
    let Actor::User(user) = user() else { panic!("a user") };
    Actor::User(User { roles: vec![role], ..user })
}

/// A key of a machine that was made an admin.
fn admin(scopes: &[Scope]) -> Actor {
    let Actor::Key(holder) = key(scopes) else { panic!("a key") };
    Actor::Key(KeyHolder { roles: vec![Role::Admin], ..holder })
}

/// The whole table, written a second time by hand: a change of policy is a change here.
#[test]
fn every_actor_by_every_action() {
    use Action::*;
    let public = [ReadItem, ReadCollection, ReadPublicFacts];
    let for_machines = &Action::ALL[..16];
    let reading = [QuoteTransaction, ReadTransaction, ReadAbi, ReadWallet, ReadMetrics];
    let writing = [
        RequestTransaction,
        QuoteTransaction,
        ReadTransaction,
        ChangeTransaction,
        StoreAbi,
        ReadAbi,
        ReadMetrics,
    ];
    let of_users = [ReadMint, ReadMintFacts, ReadProfile, ChangeProfile, ReadSession, EndSession];
    let for_operators = &Action::ALL[..27];
    let for_admins = &Action::ALL[..29];
    let organizing = [UploadContent, StoreMetadata, RequestCollection];
    let of_sponsors = [ReadSponsor, ReadSponsored, RequestSponsored];
    let for_organizers = [&of_users[..], &organizing, &of_sponsors].concat();
    let not_for_staff =
        [ReadWebhook, ChangeWebhook, ReadApiKey, ChangeApiKey, ReadPrincipal, GrantRole];
    let for_staff: Vec<Action> =
        Action::ALL.into_iter().filter(|action| !not_for_staff.contains(action)).collect();
    let sponsors = [ReadSponsor, ReadSponsored];
    let spending = [ReadSponsor, ReadSponsored, RequestSponsored];
    let making = [ReadSponsor, ReadSponsored, ChangeSponsor];
    let actors: [(&str, Actor, &[Action]); 30] = [
        ("anonymous", Actor::Anonymous, &[]),
        ("no scope", key(&[]), &[]),
        ("content:write", key(&[Scope::ContentWrite]), &[UploadContent, StoreMetadata]),
        ("mints:read", key(&[Scope::MintsRead]), &[ReadMint, ReadMintFacts]),
        ("mints:write", key(&[Scope::MintsWrite]), &[RequestMint, ReadMint, ReadMintFacts]),
        ("collections:write", key(&[Scope::CollectionsWrite]), &[RequestCollection]),
        ("transactions:read", key(&[Scope::TransactionsRead]), &[]),
        ("transactions:write", key(&[Scope::TransactionsWrite]), &[]),
        ("sponsors:read", key(&[Scope::SponsorsRead]), &sponsors),
        ("sponsors:write", key(&[Scope::SponsorsWrite]), &sponsors),
        ("sponsored:write", key(&[Scope::SponsoredWrite]), &spending),
        ("webhooks:read", key(&[Scope::WebhooksRead]), &[ReadWebhook]),
        ("webhooks:write", key(&[Scope::WebhooksWrite]), &[ReadWebhook, ChangeWebhook]),
        ("keys:read", key(&[Scope::KeysRead]), &[ReadApiKey]),
        ("audit:read", key(&[Scope::AuditRead]), &[]),
        ("operator, audit:read", operator(&[Scope::AuditRead]), &[ReadAudit]),
        ("keys:write", key(&[Scope::KeysWrite]), &[ReadApiKey, ChangeApiKey]),
        ("operator, sponsors:write", operator(&[Scope::SponsorsWrite]), &making),
        ("admin", key(&[Scope::Admin]), for_machines),
        ("operator without scope", operator(&[]), &[]),
        ("operator, transactions:read", operator(&[Scope::TransactionsRead]), &reading),
        ("operator, transactions:write", operator(&[Scope::TransactionsWrite]), &writing),
        ("operator, wallets:write", operator(&[Scope::WalletsWrite]), &[ReadWallet, ChangeWallet]),
        ("operator, admin", operator(&[Scope::Admin]), for_operators),
        ("admin of admins", admin(&[Scope::Admin]), for_admins),
        ("admin without scope", admin(&[]), &[]),
        ("user", user(), &of_users),
        ("organizer", with_role(Role::Organizer), &for_organizers),
        ("verifier", with_role(Role::Verifier), &of_users),
        ("operator who signed in", with_role(Role::Operator), &for_staff),
    ];
    for (name, actor, allowed) in actors {
        for action in Action::ALL {
            let expected = allowed.contains(&action) || public.contains(&action);
            assert_eq!(authorize(&actor, action).is_ok(), expected, "{name} × {action:?}");
        }
    }
}

#[test]
fn a_denial_says_what_is_missing() {
    assert_eq!(authorize(&Actor::Anonymous, Action::RequestMint), Err(Denied::NeedsKey));
    let reader = key(&[Scope::MintsRead]);
    let missing = |scope| Err(Denied::NeedsScope(scope));
    assert_eq!(authorize(&reader, Action::RequestMint), missing(Scope::MintsWrite));
    assert_eq!(authorize(&reader, Action::ReadTransaction), Err(Denied::NeedsOperator));
    let refused = authorize(&key(&[Scope::Admin]), Action::RequestTransaction);
    assert_eq!(refused, Err(Denied::NeedsOperator));
    let reader = operator(&[Scope::TransactionsRead]);
    let refused = authorize(&reader, Action::RequestTransaction);
    assert_eq!(refused, missing(Scope::TransactionsWrite));
    assert_eq!(authorize(&user(), Action::RequestMint), Err(Denied::NeedsMinter));
    assert_eq!(authorize(&user(), Action::RequestCollection), Err(Denied::NotForUsers));
    let chief = operator(&[Scope::Admin]);
    assert_eq!(authorize(&chief, Action::GrantRole), Err(Denied::NeedsAdmin));
    assert_eq!(authorize(&user(), Action::ReadTransaction), Err(Denied::NotForUsers));
    let admin = operator(&[Scope::Admin]);
    assert_eq!(authorize(&admin, Action::EndSession), Err(Denied::NeedsUser));
    assert_eq!(authorize(&Actor::Anonymous, Action::EndSession), Err(Denied::NeedsKey));
}

/// What the chain and one's own collections add, and to whom.
#[test]
fn ties_let_users_mint() {
    let mint = |actor: &Actor, tie| authorize_on(actor, Action::RequestMint, tie).is_ok();
    let ties = [Tie::None, Tie::Owner, Tie::Minter];
    for (actor, expected) in [
        (Actor::Anonymous, [false, false, false]),
        (user(), [false, false, true]),
        (with_role(Role::Verifier), [false, false, true]),
        (with_role(Role::Organizer), [false, true, true]),
        (with_role(Role::Operator), [true, true, true]),
        (with_role(Role::Admin), [true, true, true]),
        (key(&[Scope::MintsRead]), [false, false, false]),
        (key(&[Scope::MintsWrite]), [true, true, true]),
    ] {
        assert_eq!(ties.map(|tie| mint(&actor, tie)), expected, "{actor:?}");
        let at_all = authorize_at_all(&actor, Action::RequestMint).is_ok();
        assert_eq!(at_all, expected.contains(&true));
        // Nothing else is opened by a tie.
        for action in Action::ALL.into_iter().filter(|action| *action != Action::RequestMint) {
            let same = ties.map(|tie| authorize_on(&actor, action, tie).is_ok());
            assert_eq!(same[0], same[1] && same[2], "{action:?}");
        }
    }
    let admin = with_role(Role::Admin);
    // Facts are handed over on behalf of keys.
    let of_keys = [Action::ReadWebhook, Action::ChangeWebhook];
    for action in Action::ALL {
        assert_eq!(authorize(&admin, action).is_ok(), !of_keys.contains(&action), "{action:?}");
    }
    assert_eq!(admin.reach(), Ok(None));
}

#[test]
fn who_must_sign_reads_unsigned_and_moves_nothing() {
    let Actor::Key(holder) = operator(&[Scope::Admin]) else { panic!("a key") };
    let unsigned = Actor::Key(KeyHolder { unsigned: true, ..holder.clone() });
    let mut signed = 0;
    for action in Action::ALL {
        let whole = authorize(&Actor::Key(holder.clone()), action);
        if action.is_of_value() && whole.is_ok() {
            assert_eq!(authorize(&unsigned, action), Err(Denied::NeedsSignature), "{action:?}");
            signed += 1;
        } else {
            assert_eq!(authorize(&unsigned, action), whole, "{action:?}");
        }
    }
    assert_eq!(signed, 10);
}

#[test]
fn only_an_admin_reaches_the_objects_of_others() {
    let own = key(&[Scope::MintsRead]);
    assert_eq!(own.reach(), Ok(Some(own.maker().expect("a key").principal)));
    assert_eq!(key(&[Scope::Admin]).reach(), Ok(None));
    assert_eq!(Actor::Anonymous.reach(), Err(Denied::NeedsKey));
    let user = user();
    assert_eq!(user.reach(), Ok(Some(user.user().expect("a user").principal)));
    assert_eq!(user.maker().map(|maker| maker.is_admin()), Ok(false));
}

#[test]
fn scopes_read_back() {
    for scope in Scope::ALL {
        assert_eq!(scope.as_str().parse(), Ok(scope));
    }
    assert_eq!("root".parse::<Scope>(), Err(()));
}
