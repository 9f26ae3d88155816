//! The closed list of error codes. A code never changes its meaning; `/docs/errors` is made of
//! this table.

macro_rules! codes {
    ($($name:ident, $text:literal, $status:literal, $title:literal, $doc:literal;)*) => {
        /// What went wrong, for machines.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $doc] $name,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Code] = &[$(Self::$name,)*];

            /// As it is written on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// HTTP status.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What it means and what to do.
            #[must_use]
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$name => $doc,)* }
            }
        }
    };
}

codes! {
    BodyMalformed, "body_malformed", 400, "The body is not valid JSON",
        "The body could not be parsed as JSON in UTF-8. `detail` says where.";
    JsonTooDeep, "json_too_deep", 400, "The JSON is nested too deeply",
        "Arrays and objects may be nested 64 levels deep.";
    MultipartMalformed, "multipart_malformed", 400, "The form is not valid multipart/form-data",
        "The form could not be parsed, or the connection broke in the middle of it.";
    UploadFileMissing, "upload_file_missing", 400, "The form has no field `file`",
        "Send the picture as the field `file` of a multipart form.";
    PathInvalid, "path_invalid", 400, "The path is not valid",
        "A part of the path has the wrong form, for example an id that is no UUID.";
    QueryInvalid, "query_invalid", 400, "The query is not valid",
        "A query parameter is unknown or has the wrong form. `limit` is 1 to 200.";
    CursorInvalid, "cursor_invalid", 400, "The cursor is not valid",
        "Cursors are opaque: give `next_cursor` back unchanged, with the same filters.";
    IdempotencyKeyRequired, "idempotency_key_required", 400, "Idempotency-Key is required",
        "Every request that makes something needs the header `Idempotency-Key`: a value of your \
         choice, unique per request, sent again unchanged when you retry.";
    IdempotencyKeyInvalid, "idempotency_key_invalid", 400, "Idempotency-Key is not valid",
        "The key has 1 to 255 printable ASCII characters.";
    KeyMissing, "key_missing", 401, "An API key is required",
        "Send `Authorization: Bearer <key>`; for what signed-in users may do, an access token.";
    KeyInvalid, "key_invalid", 401, "The API key is not valid",
        "The key is malformed, unknown, expired or revoked.";
    TokenInvalid, "token_invalid", 401, "The access token is not valid",
        "It is not one of this engine: malformed, of another issuer or audience, or signed by a \
         key that is not in use.";
    TokenExpired, "token_expired", 401, "The access token has expired",
        "`POST /api/v1/auth/refresh` gives the next one.";
    SessionEnded, "session_ended", 401, "The session has ended",
        "It was logged out, ended from elsewhere, or its time is over. Sign in again.";
    RefreshTokenInvalid, "refresh_token_invalid", 401, "The refresh token is not valid",
        "It is none of this engine, or its session has ended. Sign in again.";
    RefreshTokenReused, "refresh_token_reused", 401, "The refresh token was used before",
        "Somebody else may have it, so the session has ended. Sign in again.";
    OriginRefused, "origin_refused", 403, "Nobody signs in from there",
        "The origin is not one of those that this engine is configured for, or the page that calls \
         is of another origin than the one that the message was asked for.";
    CrossOrigin, "cross_origin", 403, "The request does not come from a page of this engine",
        "With cookies, requests that change something must carry the `Origin` of an allowed page.";
    UserOnly, "user_only", 403, "Only signed-in users may do this",
        "An API key can't: sign in with a wallet.";
    KeyOnly, "key_only", 403, "Signed-in users may not do this",
        "It takes an API key, or a role that you were not granted.";
    MinterOnly, "minter_only", 403, "Only who may mint on chain may do this",
        "Signed in, you mint into collections that give your wallet `MINTER_ROLE`, and with the \
         role `organizer` into those that you asked for.";
    AdminOnly, "admin_only", 403, "Only admins may do this",
        "It takes the role `admin`, and of a key the scope `admin`, too.";
    StaffOnly, "staff_only", 403, "No role is yours here",
        "Your provider knows you, and nothing that it says of you is a role of this engine. Ask \
         its administrators for a group that is, then sign in again.";
    ProviderDenied, "provider_denied", 403, "The provider did not sign you in",
        "You, or the provider, said no there; `detail` has its word for it. Start again.";
    ProviderStateInvalid, "provider_state_invalid", 400, "This browser asked for no such sign-in",
        "It was asked for more than 10 minutes ago, or in another browser, or not at all. Start \
         again.";
    ProviderCodeRefused, "provider_code_refused", 422, "The provider refuses the code",
        "It was used before or has expired. Start again.";
    ProviderTokenRefused, "provider_token_refused", 422, "The provider's token is not taken",
        "`detail` says why. Start again; if it stays so, an operator must look at the provider.";
    WalletNotLinked, "wallet_not_linked", 404, "The wallet is none of yours",
        "`GET /api/v1/me/wallets` lists yours; of a contract account name the chain, too.";
    EmailAbsent, "email_absent", 404, "No mail is sent here",
        "An operator names a mail server in `[mail]`; until then users have no e-mail address.";
    WalletTaken, "wallet_taken", 409, "The wallet signs somebody else in",
        "It is not taken from them: sign in with it and let go of it there, if it can be.";
    WalletLimitReached, "wallet_limit_reached", 409, "You have too many wallets",
        "`detail` names the limit. Let go of one first.";
    LastSignIn, "last_sign_in", 409, "Nothing else signs you in",
        "Link another wallet first.";
    ProfileInvalid, "profile_invalid", 422, "The profile can't be like that",
        "`errors` lists what is wrong, with JSON pointers into the body. Nothing was changed.";
    EmailCodeInvalid, "email_code_invalid", 422, "The code is not good",
        "It is wrong, was used, has expired, or was tried too often: have another one sent.";
    MailsTooMany, "mails_too_many", 429, "You have asked for too many letters",
        "Use the newest code, or try again after the seconds in `Retry-After`.";
    ProviderAbsent, "provider_absent", 404, "There is no identity provider here",
        "Sign in with a wallet; or an operator names a provider in `[oidc]`.";
    ProviderStateSpent, "provider_state_spent", 409, "This sign-in was finished before",
        "Each opens one session. Start again if you are not signed in.";
    ProviderUnavailable, "provider_unavailable", 503, "The identity provider does not help",
        "`detail` says what is wrong with it. Nobody was signed in. Start again after the seconds \
         in `Retry-After`.";
    ScopeMissing, "scope_missing", 403, "The API key lacks a scope",
        "`detail` names the scope that the request needs.";
    RequestSignatureMalformed, "request_signature_malformed", 401,
        "The request's signature can't be read",
        "`Signature-Input` and `Signature` (RFC 9421) must hold one signature, of what is \
         supported; `detail` says more.";
    RequestSignatureIncomplete, "request_signature_incomplete", 401,
        "The request's signature leaves something out",
        "It must cover `@method`, `@target-uri`, `content-digest` where there is a body, and \
         `idempotency-key` where there is one, and say `created`, `keyid`, `nonce` and `alg`; \
         `detail` says what is missing.";
    ContentDigestInvalid, "content_digest_invalid", 400, "Content-Digest is not valid",
        "It must hold the SHA-256 of the body (RFC 9530).";
    ContentDigestMismatch, "content_digest_mismatch", 400,
        "The body is not the one that was signed",
        "Its SHA-256 is not what `Content-Digest` says. The nonce is spent.";
    RequestSignatureExpired, "request_signature_expired", 401,
        "The request's signature is not of now",
        "It is good for 30 seconds around `created`, and until `expires`. Mind your clock.";
    RequestSignatureWrong, "request_signature_wrong", 401, "The request's signature is not right",
        "Nobody's that is known here, or not over this request as it arrived.";
    RequestSignatureReplayed, "request_signature_replayed", 401, "The request was seen before",
        "Each nonce is taken once. Sign the request anew, with the same `Idempotency-Key`.";
    RequestSignatureRequired, "request_signature_required", 403, "The request must be signed",
        "Requests of value of this key take a signature (RFC 9421).";
    PlaceRefused, "place_refused", 403, "The API key may not be used from there",
        "The key is bound to networks, and the address that the request comes from is in none of \
         them.";
    ApiKeyExceeds, "api_key_exceeds", 403, "The key can do more than yours",
        "A key makes and changes only keys that can do no more than itself; `detail` says what is \
         too much. Keys of other principals take the scope `admin`.";
    OperatorOnly, "operator_only", 403, "Only operators may do this",
        "The key belongs to a machine. Its scopes do not matter here.";
    RouteUnknown, "route_unknown", 404, "There is nothing at this path",
        "See /docs for the paths there are.";
    ChainUnknown, "chain_unknown", 404, "The chain is not known here",
        "This engine does not serve the chain.";
    CollectionUnknown, "collection_unknown", 404, "The collection is not known here",
        "No such collection was asked for or found on chain; or none was named and there is no \
         default one.";
    MintUnknown, "mint_unknown", 404, "The mint is not known",
        "No mint of yours has this id.";
    ItemUnknown, "item_unknown", 404, "The item is not known",
        "No such item was found on chain. One just minted appears with its `tentative` state.";
    TopicUnknown, "topic_unknown", 404, "There is no such topic",
        "Topics are items, collections, chain, mints and transactions.";
    AbiUnknown, "abi_unknown", 404, "No ABI is known for the contract",
        "Upload one with `POST /api/v1/abis`, then the contract can be called by name and types.";
    ContractUnknown, "contract_unknown", 404, "There is no contract with this name",
        "`GET /api/v1/abis` lists the names there are.";
    ContractNotFollowed, "contract_not_followed", 404, "The contract is not followed",
        "It is no collection, and no source of the index; or it was removed from the index, and \
         the question goes beyond the block that it was followed to.";
    TransactionUnknown, "transaction_unknown", 404, "The transaction is not known",
        "No transaction of this engine has this id.";
    WalletUnknown, "wallet_unknown", 404, "The wallet is not known",
        "The engine has no such wallet on this chain and in this role.";
    SponsorUnknown, "sponsor_unknown", 404, "The sponsor is not known",
        "No sponsor of yours has this id.";
    SponsoredUnknown, "sponsored_unknown", 404, "The sponsored transaction is not known",
        "No sponsored transaction of yours has this id.";
    WebhookUnknown, "webhook_unknown", 404, "The webhook is not known",
        "No webhook of yours has this id.";
    DeliveryUnknown, "delivery_unknown", 404, "The delivery is not known",
        "No delivery to this webhook has this id, or none any more: what has ended is kept for 30 \
         days.";
    ChallengeUnknown, "challenge_unknown", 404, "The message was not asked for here",
        "Its nonce is not known, or has expired. `POST /api/v1/auth/challenges` gives another \
         message.";
    SessionUnknown, "session_unknown", 404, "The session is not known",
        "No open session of yours has this id.";
    PrincipalUnknown, "principal_unknown", 404, "The principal is not known",
        "There is no principal with this id.";
    ApiKeyUnknown, "api_key_unknown", 404, "The API key is not known",
        "No key of your principal has this id.";
    ContentUnknown, "content_unknown", 404, "The content is not in this store",
        "No content with this CID was stored here.";
    MethodNotAllowed, "method_not_allowed", 405, "The path does not take this method",
        "`Allow` lists the methods there are.";
    RequestTimeout, "request_timeout", 408, "The request took too long",
        "The body did not arrive, or the answer was not ready, in time. A request with an \
         Idempotency-Key is safe to send again.";
    ChainReadOnly, "chain_read_only", 409, "The chain is only read here",
        "The engine indexes the chain and answers what is asked of it, but has no wallets there: \
         nothing is sent to it. `detail` names the chain.";
    IdempotencyInProgress, "idempotency_in_progress", 409, "The request is being worked on",
        "A request with the same Idempotency-Key is under way. Try again in a moment.";
    ChallengeSpent, "challenge_spent", 409, "The message was used before",
        "A message signs in once. `POST /api/v1/auth/challenges` gives another one.";
    CollectionNotReady, "collection_not_ready", 409, "The collection is not deployed yet",
        "The collection was asked for, but does not stand on chain yet. Try again later.";
    ApiKeyRevoked, "api_key_revoked", 409, "The API key is revoked",
        "It has ended for good. Make another one.";
    AbiExists, "abi_exists", 409, "The contract has an ABI, or the name is taken",
        "Delete the present one first, or use another name.";
    AbiBuiltIn, "abi_built_in", 409, "The contract is the engine's own",
        "Its ABI comes with the engine; its address and its name can't be taken.";
    AbiLimitReached, "abi_limit_reached", 409, "There are too many ABIs",
        "Delete those that nobody uses.";
    IllegalTransition, "illegal_transition", 409, "The status does not allow it",
        "`detail` names the present status. What has ended or is mined can't be stopped.";
    TransactionOwned, "transaction_owned", 409, "The transaction belongs to a product",
        "Stopping it here would leave a mint or a collection without an end. `detail` says what it \
         is.";
    ApprovalNotWanted, "approval_not_wanted", 409, "The transaction waits for no approval",
        "It is not queued, the signer has not asked for consent, or enough is kept already.";
    WalletState, "wallet_state", 409, "The wallet's state does not allow it",
        "`detail` says what stands in the way.";
    SignerRefused, "signer_refused", 409, "The signer does not allow it",
        "Its policy decides what keys there are and what they sign; `detail` is its answer.";
    SponsorExists, "sponsor_exists", 409, "The name is taken",
        "A sponsor on this chain has this name.";
    SponsorPaused, "sponsor_paused", 409, "The sponsor is paused",
        "It takes nothing new until an operator lets it.";
    BudgetExceeded, "budget_exceeded", 409, "The sponsor's budget does not hold it",
        "The most that it can cost does not fit into what is left; `detail` says of which budget. \
         Days are those of UTC.";
    ForwardNonce, "forward_nonce", 409, "The request has another nonce than the next",
        "`detail` names the next: the forwarder's of the user, after those under way. Sign anew.";
    ForwardRequestSeen, "forward_request_seen", 409, "The request was accepted before",
        "A signed request is taken once, by whichever sponsor. Sign another.";
    WebhookLimitReached, "webhook_limit_reached", 409, "There are too many webhooks",
        "Delete those that nobody uses.";
    WebhookState, "webhook_state", 409, "The webhook's state does not allow it",
        "`detail` says what stands in the way; `state` can be set to `active`.";
    BodyTooLarge, "body_too_large", 413, "The body is too large",
        "64 KiB at most; 512 KiB for calls and ABIs; 1 MiB for metadata.";
    UploadTooLarge, "upload_too_large", 413, "The file is too large",
        "A picture has 20 MB at most.";
    ContentTypeUnsupported, "content_type_unsupported", 415, "The content type is not supported",
        "Bodies are application/json; uploads are multipart/form-data.";
    RangeInvalid, "range_invalid", 416, "The range lies outside the content",
        "`Content-Range` says how long the content is.";
    BodyInvalid, "body_invalid", 422, "The body does not have the right shape",
        "A field is missing, unknown, or of the wrong type. `errors` says which.";
    IdempotencyKeyReused, "idempotency_key_reused", 422, "The Idempotency-Key was used before",
        "The same key came with another request. Use a new key.";
    AddressInvalid, "address_invalid", 422, "This is not an address",
        "An address is `0x` and 40 hexadecimal digits.";
    AddressChecksum, "address_checksum", 422, "The checksum of the address is wrong",
        "An address in mixed case must satisfy EIP-55. Most likely a digit is mistyped.";
    RecipientZero, "recipient_zero", 422, "The recipient is the zero address",
        "Nobody could ever own the item.";
    TokenIdInvalid, "token_id_invalid", 422, "This is not a token id",
        "A token id is a decimal number without leading zeros, below 2^256.";
    StatusUnknown, "status_unknown", 422, "There is no such status",
        "See the statuses of a mint.";
    CollectionInvalid, "collection_invalid", 422, "The collection can't be like that",
        "`errors` lists what is wrong.";
    UriNotRepresentable, "uri_not_representable", 422, "The collection can't represent the URI",
        "A collection's content mode limits what its items can point at; see `content_mode`.";
    UriAndMetadata, "uri_and_metadata", 422, "Both `uri` and `metadata` were given",
        "Give one of them.";
    MetadataInvalid, "metadata_invalid", 422, "The metadata is not valid",
        "`errors` lists what is wrong, with JSON pointers into the document.";
    MintsInvalid, "mints_invalid", 422, "Some of the mints can't be made",
        "None was accepted. `errors` says what is wrong with which item, each with the code that \
         the item alone would be refused with.";
    AbiInvalid, "abi_invalid", 422, "The ABI can't be used",
        "`errors` lists what is wrong with the name or with items of the ABI.";
    ApprovalInvalid, "approval_invalid", 422, "The approval is not of this act",
        "Its form is wrong, or it approves another act than `approval.act` of the transaction.";
    ApprovalNotByOperator, "approval_not_by_operator", 422, "Another must approve",
        "`approval.operators` of the transaction lists who may.";
    ApprovalExpired, "approval_expired", 422, "The approval does not last as it should",
        "It has expired, or lasts longer than `approval.expires_seconds_max`.";
    TransactionInvalid, "transaction_invalid", 422, "The transaction can't be like that",
        "`errors` lists what is wrong, with JSON pointers into the body.";
    FunctionUnknown, "function_unknown", 422, "The contract has no such function",
        "Or several share the name; then `errors` lists their signatures.";
    ArgumentsInvalid, "arguments_invalid", 422, "The arguments do not fit the function",
        "`errors` lists each one that is wrong, with a JSON pointer such as `/args/1/0`.";
    ApiKeyInvalid, "api_key_invalid", 422, "The API key can't be like that",
        "`errors` lists what is wrong, with JSON pointers into the body.";
    SponsorInvalid, "sponsor_invalid", 422, "The sponsor can't be like that",
        "`errors` lists what is wrong, with JSON pointers into the body.";
    WebhookInvalid, "webhook_invalid", 422, "The webhook can't be like that",
        "`errors` lists what is wrong, with JSON pointers into the body.";
    NotSupported, "not_supported", 422, "This is not supported yet",
        "`detail` says what. Users consent by ERC-2771 forward requests.";
    ForwarderUnknown, "forwarder_unknown", 422, "The forwarder is not the engine's",
        "`POST /api/v1/sponsored-transactions/prepare` names it.";
    ForwardRequestInvalid, "forward_request_invalid", 422, "The request can't be like that",
        "`errors` lists what is wrong, with JSON pointers into the body.";
    SignatureInvalid, "signature_invalid", 422, "The signature is not the user's",
        "65 bytes r, s, v with a low s and v 27 or 28, by `from`, of this very request under the \
         forwarder's EIP-712 domain. `errors` says more.";
    MessageMalformed, "message_malformed", 422, "The text is no sign-in message",
        "It must be an EIP-4361 message in its one form: no other lines, the address with its \
         EIP-55 checksum.";
    MessageRefused, "message_refused", 422, "The message is not the one that was asked for",
        "`errors` names each field of EIP-4361 that differs, or whose time is not now.";
    WalletSignatureInvalid, "wallet_signature_invalid", 422, "The signature is not the wallet's",
        "65 bytes r, s, v with a low s and v 27 or 28 by the address's key, or what the contract \
         at the address accepts (ERC-1271, ERC-6492). `errors` says more.";
    CallNotSponsored, "call_not_sponsored", 422, "The sponsor does not pay for this call",
        "Its rules list contracts and functions; calls that run other calls are never paid for.";
    TargetUntrusting, "target_untrusting", 422, "The contract does not trust the forwarder",
        "It would take the forwarder for the sender, not the user: `isTrustedForwarder` says no.";
    CallFails, "call_fails", 422, "The call fails",
        "It was tried at the head; `detail` is the reason, decoded where the ABI is known.";
    UploadUnsupported, "upload_unsupported", 422, "The file is not a picture that we take",
        "PNG, JPEG, GIF and WebP are told by content, not by name.";
    UploadTruncated, "upload_truncated", 422, "The picture is cut short",
        "The file ends before the picture does.";
    UploadCorrupt, "upload_corrupt", 422, "The picture is damaged",
        "The file contradicts its format or itself.";
    UploadTooManyPixels, "upload_too_many_pixels", 422, "The picture has too many pixels",
        "52 megapixels and 32,768 pixels per side at most.";
    UploadTooManyFrames, "upload_too_many_frames", 422, "The animation has too many frames",
        "500 frames at most.";
    BlockOutsideWindow, "block_outside_window", 410, "The block is too old to go back to",
        "How things were is kept for the blocks of the reorg window; `detail` says from which on.";
    RequestMalformed, "request_malformed", 400, "The request is not valid here",
        "The path can't do anything with the request as it is. `detail` may say why.";
    UriTooLong, "uri_too_long", 414, "The address is too long",
        "Path and query have at most 8 KiB.";
    UpgradeRequired, "upgrade_required", 426, "This path speaks WebSocket only",
        "Connect with a WebSocket client (RFC 6455, version 13).";
    ChallengesTooMany, "challenges_too_many", 429, "Too many messages were asked for",
        "Each is good for some minutes. Sign one of them, or try again after the seconds in \
         `Retry-After`.";
    HeadersTooLarge, "headers_too_large", 431, "The headers are too large",
        "At most 64 headers with 16 KiB together.";
    RateLimited, "rate_limited", 429, "You have called too often",
        "Try again after the seconds in `Retry-After`; nothing was done. `RateLimit-Policy` and \
         `RateLimit` of each answer say how you stand.";
    Internal, "internal", 500, "Something broke on our side",
        "The request id finds the cause in our logs. A request with an Idempotency-Key is safe to \
         send again.";
    Overloaded, "overloaded", 503, "Too much is under way",
        "Try again after the seconds in `Retry-After`.";
    QueueFull, "queue_full", 503, "Too many transactions wait",
        "Try again after the seconds in `Retry-After`. Nothing was queued.";
    Unavailable, "unavailable", 503, "A part that this needs can't be reached",
        "Try again after the seconds in `Retry-After`.";
    BlockNotIndexed, "block_not_indexed", 503, "The index has not come to the block",
        "It was waited for 3 seconds; `detail` says how far the index is. Try again after the \
         seconds in `Retry-After`.";
    SourceBackfilling, "source_backfilling", 503, "The contract is not indexed to the end yet",
        "It was added to the index, which reads its earlier logs now; `detail` says how far it is, \
         and `GET /api/v1/index` how fast. Try again after the seconds in `Retry-After`.";
    SignatureUnchecked, "signature_unchecked", 503, "The chain does not tell whether it is signed",
        "Whether a contract accepts a signature, two nodes must say. The message is not spent: try \
         again after the seconds in `Retry-After`.";
    RoleUnchecked, "role_unchecked", 503, "The chain does not tell who may mint",
        "Two nodes must say whether your wallet may. Try again after the seconds in `Retry-After`.";
    NotReady, "not_ready", 503, "The engine is not ready",
        "`errors` says what it waits for.";
}

impl Code {
    /// The code for an answer that came without one, from the parts under us.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            401 => Self::KeyInvalid,
            404 => Self::RouteUnknown,
            405 => Self::MethodNotAllowed,
            408 => Self::RequestTimeout,
            413 => Self::BodyTooLarge,
            414 => Self::UriTooLong,
            415 => Self::ContentTypeUnsupported,
            416 => Self::RangeInvalid,
            426 => Self::UpgradeRequired,
            429 => Self::RateLimited,
            431 => Self::HeadersTooLarge,
            400..=499 => Self::RequestMalformed,
            503 => Self::Unavailable,
            _ => Self::Internal,
        }
    }
}
