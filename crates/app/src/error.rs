//! Why a use case did not do what it was asked to.

use crate::{ApiKeyRefusal, SignInRefusal, SponsorRefusal, UserRefusal, WebhookRefusal};
use abi::Fault;
use auth::{AuthError, Denied, SignatureFault};
use chain::RpcError;
use content::{StoreError, media::MediaError};
use db::DbError;
use mint::{content::UriNotRepresentable, metadata::MetadataRefusal};
use signer::ClientError;
use std::{fmt, sync::Arc};
use transactor::Unfit;
use vocab::{ChainId, JobStatus};

/// What kind of trouble: decides status and retry policy at the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Invalid,
    Denied,
    NotFound,
    Conflict,
    /// May be tried again in a moment.
    Busy,
    /// Something outside failed; may be tried again.
    External,
    Bug,
}

/// What is wrong with a text that should be an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    #[error("not `0x` and 40 hexadecimal digits")]
    Malformed,
    #[error("mixed case, but not the EIP-55 checksum of the address")]
    Checksum,
}

/// A field of a request, for pointing at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    To,
    Collection,
    Owner,
    Contract,
    TokenId,
    Admin,
    RoyaltyReceiver,
    Address,
    Wallet,
    /// Of a forward request, or to look at a sponsor's part of.
    From,
    User,
    Forwarder,
    Account,
}

impl Field {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::To => "to",
            Self::Collection => "collection",
            Self::Owner => "owner",
            Self::Contract => "contract",
            Self::TokenId => "token_id",
            Self::Admin => "admin",
            Self::RoyaltyReceiver => "royalty_receiver",
            Self::Address => "address",
            Self::Wallet => "wallet",
            Self::From => "from",
            Self::User => "user",
            Self::Forwarder => "forwarder",
            Self::Account => "account",
        }
    }
}

/// What is wrong with the description of a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollectionFault {
    #[error("`name` must have 1 to 100 characters and no control characters")]
    Name,
    #[error("`symbol` must have 1 to 16 printable ASCII characters")]
    Symbol,
    #[error("`content_mode` must be digest, base_uri or free_uri")]
    ContentMode,
    #[error("`base_uri` is needed in mode base_uri, at most 1,024 characters without spaces")]
    BaseUri,
    #[error("`base_uri` means nothing in this mode")]
    BaseUriUnused,
    #[error("`contract_uri` must have at most 1,024 characters without spaces")]
    ContractUri,
    #[error("`royalty_bps` must be at most 1000")]
    RoyaltyBps,
    #[error("`royalty_receiver` is needed with a royalty, and must not be zero")]
    RoyaltyReceiver,
    #[error("`admin` must not be zero")]
    Admin,
}

impl CollectionFault {
    /// The field at fault.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Symbol => "symbol",
            Self::ContentMode => "content_mode",
            Self::BaseUri | Self::BaseUriUnused => "base_uri",
            Self::ContractUri => "contract_uri",
            Self::RoyaltyBps => "royalty_bps",
            Self::RoyaltyReceiver => "royalty_receiver",
            Self::Admin => "admin",
        }
    }
}

/// The request is understood and refused. Nothing was changed.
#[derive(Debug)]
pub enum Refusal {
    Address(Field, AddressFault),
    RecipientZero,
    TokenIdMalformed,
    StatusUnknown,
    ChainUnknown,
    /// The chain is indexed, and nothing is sent to it.
    ChainReadOnly {
        chain_id: ChainId,
    },
    CollectionUnknown,
    CollectionNotReady,
    Collection(Vec<CollectionFault>),
    UriNotRepresentable(UriNotRepresentable),
    UriAndMetadata,
    Metadata(MetadataRefusal),
    Picture(MediaError),
    PictureTooLarge {
        limit: u64,
    },
    IdempotencyInProgress,
    IdempotencyKeyReused,
    /// Of many mints asked for at once these can't be made, by their place.
    Mints(Vec<(usize, Refusal)>),
    MintCount {
        most: usize,
    },
    /// An item's own id.
    ItemId(&'static str),
    MintUnknown,
    ItemUnknown,
    TopicUnknown,
    AbiUnknown,
    /// Its address or its name is taken by another upload.
    AbiExists,
    /// The contract, or its name, is ours.
    AbiBuiltIn,
    AbiTooMany {
        limit: i64,
    },
    AbiInvalid(Vec<Fault>),
    ContractUnknown,
    FunctionUnknown(Fault),
    ArgumentsInvalid(Vec<Fault>),
    TransactionInvalid(Vec<Fault>),
    TransactionUnknown,
    /// The job's status does not allow it.
    IllegalTransition {
        from: JobStatus,
        detail: &'static str,
    },
    /// The job belongs to a product: stopping it here would leave that hanging.
    TransactionOwned {
        kind: String,
    },
    /// An approval that the signer would not count, or that nobody waits for.
    Approval(Unfit),
    QueueFull {
        retry_after: u32,
    },
    WalletUnknown,
    /// What was asked does not go with the wallet's state.
    WalletState {
        detail: String,
    },
    /// Of sponsors and what they pay for.
    Sponsor(SponsorRefusal),
    /// The index has not come to a block in the time that a read waits for it.
    BlockNotIndexed {
        wanted: u64,
        height: Option<u64>,
    },
    /// So far ahead of the index that nobody can mean it.
    BlockFarAhead {
        wanted: u64,
        height: u64,
    },
    /// It can't be said any more how things were at a block.
    BlockOutsideWindow {
        wanted: u64,
        oldest: Option<u64>,
    },
    /// The contract was added to the index, which has its logs up to this block only.
    SourceBackfilling {
        height: u64,
    },
    /// Nothing is known of who has what of this contract.
    ContractNotFollowed,
    /// The contract was followed to this block, and is no more.
    ContractRemoved {
        last_block: u64,
    },
    /// A filter that goes with another one only, and what is wanted of it.
    FilterUnfit(&'static str, &'static str),
    /// The signer said no, by its policy.
    SignerRefused {
        detail: String,
    },
    SignIn(SignInRefusal),
    User(UserRefusal),
    /// Of endpoints that are told of facts.
    Webhook(WebhookRefusal),
    ApiKey(ApiKeyRefusal),
    PrincipalUnknown,
    /// A role can't be granted like that.
    GrantInvalid(Fault),
    /// The chain does not tell whether somebody may mint; nothing is decided.
    RoleUnchecked,
}

/// Why a use case did not do what it was asked to.
#[derive(Debug)]
pub enum AppError {
    Refused(Refusal),
    Denied(Denied),
    /// The key shown is not valid.
    KeyInvalid,
    /// The key shown is good, but may not be used from where it was.
    PlaceRefused,
    /// The signature of the request is not taken.
    Signature(SignatureFault),
    /// The access token shown is none of ours.
    TokenInvalid,
    TokenExpired,
    /// The access token shown holds, its session does not.
    SessionEnded,
    /// The database; nothing was changed, or (a lost commit) a retry with the same key will tell.
    Db(DbError),
    /// As [`AppError::Db`], for all who shared a commit.
    Group(Arc<DbError>),
    /// A commit whose end was not seen in time. A retry with the same key will tell.
    OutcomeUnknown,
    /// The content store's disk.
    Content(StoreError),
    /// The chain's node.
    Node(RpcError),
    /// The signer could not be asked.
    Signer(ClientError),
    /// Broken invariant of ours.
    Bug(&'static str),
}

impl AppError {
    #[must_use]
    pub fn class(&self) -> Class {
        use Refusal as R;
        match self {
            Self::Refused(refusal) => match refusal {
                R::ChainUnknown
                | R::CollectionUnknown
                | R::MintUnknown
                | R::ItemUnknown
                | R::TopicUnknown
                | R::AbiUnknown
                | R::ContractUnknown
                | R::TransactionUnknown
                | R::ContractNotFollowed
                | R::ContractRemoved { .. }
                | R::PrincipalUnknown
                | R::WalletUnknown => Class::NotFound,
                R::ChainReadOnly { .. }
                | R::CollectionNotReady
                | R::IdempotencyInProgress
                | R::AbiExists
                | R::AbiBuiltIn
                | R::AbiTooMany { .. }
                | R::IllegalTransition { .. }
                | R::TransactionOwned { .. }
                | R::Approval(Unfit::NotWanted(_) | Unfit::TooMany)
                | R::WalletState { .. }
                | R::SignerRefused { .. } => Class::Conflict,
                R::QueueFull { .. }
                | R::RoleUnchecked
                | R::BlockNotIndexed { .. }
                | R::SourceBackfilling { .. } => Class::Busy,
                R::Sponsor(refusal) => refusal.class(),
                R::SignIn(refusal) => refusal.class(),
                R::User(refusal) => refusal.class(),
                R::Webhook(refusal) => refusal.class(),
                R::ApiKey(refusal) => refusal.class(),
                _ => Class::Invalid,
            },
            Self::Denied(_)
            | Self::KeyInvalid
            | Self::PlaceRefused
            | Self::Signature(_)
            | Self::TokenInvalid
            | Self::TokenExpired
            | Self::SessionEnded => Class::Denied,
            Self::Db(error) if error.is_transient() => Class::Busy,
            Self::Group(error) if error.is_transient() => Class::Busy,
            Self::OutcomeUnknown => Class::Busy,
            Self::Content(StoreError::TooLarge { .. }) => Class::Invalid,
            Self::Content(_) | Self::Node(_) | Self::Signer(_) => Class::External,
            Self::Db(_) | Self::Group(_) | Self::Bug(_) => Class::Bug,
        }
    }
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "refused: {refusal:?}"),
            Self::Denied(_) => f.write_str("the policy does not allow it"),
            Self::KeyInvalid => f.write_str("the key is not valid"),
            Self::PlaceRefused => f.write_str("the key may not be used from there"),
            Self::Signature(_) => f.write_str("the signature is not taken"),
            Self::TokenInvalid => f.write_str("the access token is not valid"),
            Self::TokenExpired => f.write_str("the access token has expired"),
            Self::SessionEnded => f.write_str("the session has ended"),
            Self::Db(_) | Self::Group(_) => f.write_str("the database did not do it"),
            Self::OutcomeUnknown => f.write_str("the database did not answer in time"),
            Self::Content(_) => f.write_str("the content store did not do it"),
            Self::Node(_) => f.write_str("the chain's node did not tell"),
            Self::Signer(_) => f.write_str("the signer could not be asked"),
            Self::Bug(what) => write!(f, "broken invariant: {what}"),
        }
    }
}

impl std::error::Error for AppError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Denied(source) => Some(source),
            Self::Signature(source) => Some(source),
            Self::Db(source) => Some(source),
            Self::Group(source) => Some(source.as_ref()),
            Self::Content(source) => Some(source),
            Self::Node(source) => Some(source),
            Self::Signer(source) => Some(source),
            Self::Refused(_)
            | Self::KeyInvalid
            | Self::PlaceRefused
            | Self::TokenInvalid
            | Self::TokenExpired
            | Self::SessionEnded
            | Self::OutcomeUnknown
            | Self::Bug(_) => None,
        }
    }
}

impl From<SponsorRefusal> for AppError {
    fn from(refusal: SponsorRefusal) -> Self {
        Self::Refused(Refusal::Sponsor(refusal))
    }
}

impl From<WebhookRefusal> for AppError {
    fn from(refusal: WebhookRefusal) -> Self {
        Self::Refused(Refusal::Webhook(refusal))
    }
}

impl From<SignInRefusal> for AppError {
    fn from(refusal: SignInRefusal) -> Self {
        Self::Refused(Refusal::SignIn(refusal))
    }
}

impl From<UserRefusal> for AppError {
    fn from(refusal: UserRefusal) -> Self {
        Self::Refused(Refusal::User(refusal))
    }
}

impl From<ApiKeyRefusal> for AppError {
    fn from(refusal: ApiKeyRefusal) -> Self {
        Self::Refused(Refusal::ApiKey(refusal))
    }
}

impl From<Refusal> for AppError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Denied> for AppError {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<DbError> for AppError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<StoreError> for AppError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooLarge { limit } => Refusal::PictureTooLarge { limit }.into(),
            error => Self::Content(error),
        }
    }
}

impl From<RpcError> for AppError {
    fn from(error: RpcError) -> Self {
        Self::Node(error)
    }
}

impl From<AuthError> for AppError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Invalid => Self::KeyInvalid,
            AuthError::PlaceRefused => Self::PlaceRefused,
            AuthError::Signature(fault) => Self::Signature(fault),
            AuthError::TokenInvalid => Self::TokenInvalid,
            AuthError::TokenExpired => Self::TokenExpired,
            AuthError::SessionEnded => Self::SessionEnded,
            AuthError::Unavailable(error) => Self::Db(error),
        }
    }
}
