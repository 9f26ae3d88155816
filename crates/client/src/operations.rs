//! Made of openapi/stoa.json: `STOA_UPDATE_CLIENT=1 cargo test -p client fresh`. Not to be edited.

use crate::{Call, Stoa, call::Segment, rows::page};
use api_types::*;
use reqwest::Method;

impl Stoa {
    /// Keys of access tokens
    pub fn list_token_keys(&self) -> Call<TokenKeys> {
        self.call(Method::GET, "/.well-known/jwks.json", &[])
    }
    /// List contracts
    pub fn list_abis(&self, query: &AbiListQuery) -> Call<AbiList> {
        self.call(Method::GET, "/api/v1/abis", &[]).query(query)
    }
    /// Upload an ABI
    pub fn store_abi(&self, body: &AbiRequest) -> Call<AbiDetail> {
        self.call(Method::POST, "/api/v1/abis", &[]).json(body).keyed()
    }
    /// Forget an uploaded ABI
    pub fn delete_abi(&self, chain_id: Segment<'_>, address: Segment<'_>) -> Call<()> {
        self.call(Method::DELETE, "/api/v1/abis/{}/{}", &[chain_id, address])
    }
    /// Look at an ABI
    pub fn get_abi(&self, chain_id: Segment<'_>, address: Segment<'_>) -> Call<AbiDetail> {
        self.call(Method::GET, "/api/v1/abis/{}/{}", &[chain_id, address])
    }
    /// List API keys
    pub fn list_api_keys(&self, query: &ApiKeyListQuery) -> Call<ApiKeyList> {
        self.call(Method::GET, "/api/v1/api-keys", &[]).query(query)
    }
    /// Make an API key
    pub fn create_api_key(&self, body: &ApiKeyRequest) -> Call<IssuedApiKey> {
        self.call(Method::POST, "/api/v1/api-keys", &[]).json(body).keyed()
    }
    /// Revoke an API key
    pub fn revoke_api_key(&self, id: Segment<'_>) -> Call<()> {
        self.call(Method::DELETE, "/api/v1/api-keys/{}", &[id])
    }
    /// Look at an API key
    pub fn get_api_key(&self, id: Segment<'_>) -> Call<ApiKey> {
        self.call(Method::GET, "/api/v1/api-keys/{}", &[id])
    }
    /// Change an API key
    pub fn change_api_key(&self, id: Segment<'_>, body: &ApiKeyChange) -> Call<ApiKey> {
        self.call(Method::PATCH, "/api/v1/api-keys/{}", &[id]).json(body)
    }
    /// Rotate an API key
    pub fn rotate_api_key(&self, id: Segment<'_>, body: &ApiKeyRotation) -> Call<IssuedApiKey> {
        self.call(Method::POST, "/api/v1/api-keys/{}/rotate", &[id]).json(body).keyed()
    }
    /// List what was done
    pub fn list_audit_records(&self, query: &impl serde::Serialize) -> Call<AuditRecordList> {
        self.call(Method::GET, "/api/v1/audit", &[]).query(query)
    }
    /// Ask for a message to sign
    pub fn ask_challenge(&self, body: &ChallengeRequest) -> Call<SignInChallenge> {
        self.call(Method::POST, "/api/v1/auth/challenges", &[]).json(body)
    }
    /// Log out
    pub fn log_out(&self, body: &RefreshRequest) -> Call<()> {
        self.call(Method::POST, "/api/v1/auth/logout", &[]).json(body)
    }
    /// Get the next tokens
    pub fn refresh_session(&self, body: &RefreshRequest) -> Call<SessionTokens> {
        self.call(Method::POST, "/api/v1/auth/refresh", &[]).json(body)
    }
    /// End all other sessions
    pub fn end_other_sessions(&self) -> Call<SessionsEnded> {
        self.call(Method::DELETE, "/api/v1/auth/sessions", &[])
    }
    /// List one's sessions
    pub fn list_sessions(&self, query: &SessionListQuery) -> Call<SessionList> {
        self.call(Method::GET, "/api/v1/auth/sessions", &[]).query(query)
    }
    /// Sign in
    pub fn open_session(&self, body: &SignInRequest) -> Call<SessionTokens> {
        self.call(Method::POST, "/api/v1/auth/sessions", &[]).json(body)
    }
    /// End a session
    pub fn end_session(&self, id: Segment<'_>) -> Call<()> {
        self.call(Method::DELETE, "/api/v1/auth/sessions/{}", &[id])
    }
    /// List balances
    pub fn list_balances(&self, query: &BalanceListQuery) -> Call<BalanceList> {
        self.call(Method::GET, "/api/v1/balances", &[]).query(query)
    }
    /// List collections
    pub fn list_collections(&self, query: &CollectionListQuery) -> Call<CollectionList> {
        self.call(Method::GET, "/api/v1/collections", &[]).query(query)
    }
    /// Ask for a collection
    pub fn request_collection(&self, body: &CollectionRequest) -> Call<Collection> {
        self.call(Method::POST, "/api/v1/collections", &[]).json(body).keyed()
    }
    /// Look at a collection
    pub fn get_collection(&self, chain_id: Segment<'_>, contract: Segment<'_>) -> Call<Collection> {
        self.call(Method::GET, "/api/v1/collections/{}/{}", &[chain_id, contract])
    }
    /// List a collection's traits
    pub fn list_traits(
        &self,
        chain_id: Segment<'_>,
        contract: Segment<'_>,
        query: &TraitListQuery,
    ) -> Call<TraitList> {
        self.call(Method::GET, "/api/v1/collections/{}/{}/traits", &[chain_id, contract])
            .query(query)
    }
    /// Read facts
    pub fn list_facts(&self, query: &FactListQuery) -> Call<FactList> {
        self.call(Method::GET, "/api/v1/facts", &[]).query(query)
    }
    /// List holders
    pub fn list_holders(&self, query: &HolderListQuery) -> Call<HolderList> {
        self.call(Method::GET, "/api/v1/holders", &[]).query(query)
    }
    /// See how far the index is
    pub fn list_indexes(&self) -> Call<ChainIndexList> {
        self.call(Method::GET, "/api/v1/index", &[])
    }
    /// List items
    pub fn list_items(&self, query: &ItemListQuery) -> Call<ItemList> {
        self.call(Method::GET, "/api/v1/items", &[]).query(query)
    }
    /// Look at an item
    pub fn get_item(
        &self,
        chain_id: Segment<'_>,
        contract: Segment<'_>,
        token_id: Segment<'_>,
        query: &LookQuery,
    ) -> Call<ItemDetail> {
        self.call(Method::GET, "/api/v1/items/{}/{}/{}", &[chain_id, contract, token_id])
            .query(query)
    }
    /// Look at a token's metadata
    pub fn get_token_metadata(
        &self,
        chain_id: Segment<'_>,
        contract: Segment<'_>,
        token_id: Segment<'_>,
    ) -> Call<TokenMetadata> {
        self.call(Method::GET, "/api/v1/items/{}/{}/{}/metadata", &[chain_id, contract, token_id])
    }
    /// Have a token's metadata read again
    pub fn refresh_token_metadata(
        &self,
        chain_id: Segment<'_>,
        contract: Segment<'_>,
        token_id: Segment<'_>,
    ) -> Call<MetadataRefresh> {
        self.call(Method::POST, "/api/v1/items/{}/{}/{}/refresh", &[chain_id, contract, token_id])
    }
    /// List logs
    pub fn list_logs(&self, query: &LogListQuery) -> Call<LogList> {
        self.call(Method::GET, "/api/v1/logs", &[]).query(query)
    }
    /// Look at oneself
    pub fn get_me(&self) -> Call<Profile> {
        self.call(Method::GET, "/api/v1/me", &[])
    }
    /// Change what one tells of oneself
    pub fn change_me(&self, body: &ProfileChangeRequest) -> Call<Profile> {
        self.call(Method::PATCH, "/api/v1/me", &[]).json(body)
    }
    /// List what one's wallets hold
    pub fn list_my_balances(&self) -> Call<OwnBalances> {
        self.call(Method::GET, "/api/v1/me/balances", &[])
    }
    /// Forget one's address
    pub fn forget_email(&self) -> Call<()> {
        self.call(Method::DELETE, "/api/v1/me/email", &[])
    }
    /// Have a code sent to an address
    pub fn ask_email(&self, body: &EmailRequest) -> Call<()> {
        self.call(Method::POST, "/api/v1/me/email", &[]).json(body)
    }
    /// Show the code of a letter
    pub fn verify_email(&self, body: &EmailCodeRequest) -> Call<Profile> {
        self.call(Method::POST, "/api/v1/me/email/verification", &[]).json(body)
    }
    /// List one's wallets
    pub fn list_my_wallets(&self) -> Call<LinkedWalletList> {
        self.call(Method::GET, "/api/v1/me/wallets", &[])
    }
    /// Link a wallet
    pub fn link_wallet(&self, body: &LinkWalletRequest) -> Call<LinkedWallet> {
        self.call(Method::POST, "/api/v1/me/wallets", &[]).json(body)
    }
    /// Ask for a message to link a wallet with
    pub fn ask_link_challenge(&self, body: &ChallengeRequest) -> Call<SignInChallenge> {
        self.call(Method::POST, "/api/v1/me/wallets/challenges", &[]).json(body)
    }
    /// Let go of a wallet
    pub fn unlink_wallet(&self, address: Segment<'_>, query: &impl serde::Serialize) -> Call<()> {
        self.call(Method::DELETE, "/api/v1/me/wallets/{}", &[address]).query(query)
    }
    /// Store metadata
    pub fn store_metadata(&self, body: &Metadata) -> Call<StoredMetadata> {
        self.call(Method::POST, "/api/v1/metadata", &[]).json(body).keyed()
    }
    /// Look at how the engine gets on
    pub fn get_metric_series(&self, query: &impl serde::Serialize) -> Call<MetricSeriesList> {
        self.call(Method::GET, "/api/v1/metrics/series", &[]).query(query)
    }
    /// List mints
    pub fn list_mints(&self, query: &MintListQuery) -> Call<MintList> {
        self.call(Method::GET, "/api/v1/mints", &[]).query(query)
    }
    /// Ask for a mint
    pub fn request_mint(&self, body: &MintRequest) -> Call<Mint> {
        self.call(Method::POST, "/api/v1/mints", &[]).json(body).keyed()
    }
    /// Ask for many mints
    pub fn request_mints(&self, body: &MintBatchRequest) -> Call<MintBatch> {
        self.call(Method::POST, "/api/v1/mints/batch", &[]).json(body).keyed()
    }
    /// Look at a mint
    pub fn get_mint(&self, id: Segment<'_>) -> Call<Mint> {
        self.call(Method::GET, "/api/v1/mints/{}", &[id])
    }
    /// List principals
    pub fn list_principals(&self, query: &PrincipalListQuery) -> Call<PrincipalList> {
        self.call(Method::GET, "/api/v1/principals", &[]).query(query)
    }
    /// Look at a principal
    pub fn get_principal(&self, id: Segment<'_>) -> Call<Principal> {
        self.call(Method::GET, "/api/v1/principals/{}", &[id])
    }
    /// Take a role back
    pub fn end_role(&self, id: Segment<'_>, role: Segment<'_>) -> Call<()> {
        self.call(Method::DELETE, "/api/v1/principals/{}/roles/{}", &[id, role])
    }
    /// Grant a role
    pub fn grant_role(
        &self,
        id: Segment<'_>,
        role: Segment<'_>,
        body: &RoleGrantRequest,
    ) -> Call<Principal> {
        self.call(Method::PUT, "/api/v1/principals/{}/roles/{}", &[id, role]).json(body)
    }
    /// List sponsored transactions
    pub fn list_sponsored(&self, query: &SponsoredListQuery) -> Call<SponsoredList> {
        self.call(Method::GET, "/api/v1/sponsored-transactions", &[]).query(query)
    }
    /// Send a call that a user signed
    pub fn request_sponsored(&self, body: &SponsoredRequest) -> Call<SponsoredTransaction> {
        self.call(Method::POST, "/api/v1/sponsored-transactions", &[]).json(body).keyed()
    }
    /// Fill in what a user has to sign
    pub fn prepare_sponsored(&self, body: &PrepareRequest) -> Call<PreparedRequest> {
        self.call(Method::POST, "/api/v1/sponsored-transactions/prepare", &[]).json(body)
    }
    /// Look at a sponsored transaction
    pub fn get_sponsored(&self, id: Segment<'_>) -> Call<SponsoredTransaction> {
        self.call(Method::GET, "/api/v1/sponsored-transactions/{}", &[id])
    }
    /// List sponsors
    pub fn list_sponsors(&self, query: &SponsorListQuery) -> Call<SponsorList> {
        self.call(Method::GET, "/api/v1/sponsors", &[]).query(query)
    }
    /// Make a sponsor
    pub fn create_sponsor(&self, body: &SponsorRequest) -> Call<Sponsor> {
        self.call(Method::POST, "/api/v1/sponsors", &[]).json(body).keyed()
    }
    /// Look at a sponsor
    pub fn get_sponsor(&self, id: Segment<'_>, query: &SponsorQuery) -> Call<Sponsor> {
        self.call(Method::GET, "/api/v1/sponsors/{}", &[id]).query(query)
    }
    /// Change a sponsor
    pub fn change_sponsor(&self, id: Segment<'_>, body: &SponsorChange) -> Call<Sponsor> {
        self.call(Method::PATCH, "/api/v1/sponsors/{}", &[id]).json(body)
    }
    /// List transactions
    pub fn list_transactions(&self, query: &TransactionListQuery) -> Call<TransactionList> {
        self.call(Method::GET, "/api/v1/transactions", &[]).query(query)
    }
    /// Send a transaction
    pub fn request_transaction(&self, body: &TransactionRequest) -> Call<Transaction> {
        self.call(Method::POST, "/api/v1/transactions", &[]).json(body).keyed()
    }
    /// Try a call
    pub fn quote_transaction(&self, body: &QuoteRequest) -> Call<TransactionQuote> {
        self.call(Method::POST, "/api/v1/transactions/quote", &[]).json(body)
    }
    /// Look at a transaction
    pub fn get_transaction(&self, id: Segment<'_>) -> Call<TransactionDetail> {
        self.call(Method::GET, "/api/v1/transactions/{}", &[id])
    }
    /// Approve a transaction
    pub fn approve_transaction(
        &self,
        id: Segment<'_>,
        body: &ApprovalRequest,
    ) -> Call<Transaction> {
        self.call(Method::POST, "/api/v1/transactions/{}/approvals", &[id]).json(body).keyed()
    }
    /// Cancel a transaction
    pub fn cancel_transaction(&self, id: Segment<'_>, body: &CancelRequest) -> Call<Transaction> {
        self.call(Method::POST, "/api/v1/transactions/{}/cancel", &[id]).json(body).keyed()
    }
    /// Read the history of a transaction
    pub fn list_transaction_facts(&self, id: Segment<'_>) -> Call<TransactionFacts> {
        self.call(Method::GET, "/api/v1/transactions/{}/facts", &[id])
    }
    /// Queue a transaction again
    pub fn redrive_transaction(&self, id: Segment<'_>, body: &RedriveRequest) -> Call<Transaction> {
        self.call(Method::POST, "/api/v1/transactions/{}/redrive", &[id]).json(body).keyed()
    }
    /// Replace a transaction
    pub fn replace_transaction(
        &self,
        id: Segment<'_>,
        body: &TransactionRequest,
    ) -> Call<Transaction> {
        self.call(Method::POST, "/api/v1/transactions/{}/replace", &[id]).json(body).keyed()
    }
    /// Speed a transaction up
    pub fn speed_up_transaction(
        &self,
        id: Segment<'_>,
        body: &SpeedUpRequest,
    ) -> Call<Transaction> {
        self.call(Method::POST, "/api/v1/transactions/{}/speed-up", &[id]).json(body).keyed()
    }
    /// List transfers
    pub fn list_transfers(&self, query: &TransferListQuery) -> Call<TransferList> {
        self.call(Method::GET, "/api/v1/transfers", &[]).query(query)
    }
    /// Upload a picture
    pub fn upload_picture(&self, name: &str, file: Vec<u8>) -> Call<Upload> {
        self.call(Method::POST, "/api/v1/uploads", &[]).file(name, file).keyed()
    }
    /// List wallets
    pub fn list_wallets(&self, query: &WalletListQuery) -> Call<WalletList> {
        self.call(Method::GET, "/api/v1/wallets", &[]).query(query)
    }
    /// Make a wallet
    pub fn create_wallet(&self, body: &WalletRequest) -> Call<Wallet> {
        self.call(Method::POST, "/api/v1/wallets", &[]).json(body).keyed()
    }
    /// Look at a wallet
    pub fn get_wallet(&self, chain_id: Segment<'_>, address: Segment<'_>) -> Call<Wallet> {
        self.call(Method::GET, "/api/v1/wallets/{}/{}", &[chain_id, address])
    }
    /// Drain a wallet
    pub fn drain_wallet(
        &self,
        chain_id: Segment<'_>,
        address: Segment<'_>,
        body: &DrainRequest,
    ) -> Call<Transaction> {
        self.call(Method::POST, "/api/v1/wallets/{}/{}/drain", &[chain_id, address])
            .json(body)
            .keyed()
    }
    /// Pause a wallet
    pub fn pause_wallet(
        &self,
        chain_id: Segment<'_>,
        address: Segment<'_>,
        body: &WalletChangeRequest,
    ) -> Call<Wallet> {
        self.call(Method::POST, "/api/v1/wallets/{}/{}/pause", &[chain_id, address])
            .json(body)
            .keyed()
    }
    /// Resume a wallet
    pub fn resume_wallet(
        &self,
        chain_id: Segment<'_>,
        address: Segment<'_>,
        body: &WalletChangeRequest,
    ) -> Call<Wallet> {
        self.call(Method::POST, "/api/v1/wallets/{}/{}/resume", &[chain_id, address])
            .json(body)
            .keyed()
    }
    /// Retire a wallet
    pub fn retire_wallet(
        &self,
        chain_id: Segment<'_>,
        address: Segment<'_>,
        body: &WalletChangeRequest,
    ) -> Call<Wallet> {
        self.call(Method::POST, "/api/v1/wallets/{}/{}/retire", &[chain_id, address])
            .json(body)
            .keyed()
    }
    /// Rotate a wallet
    pub fn rotate_wallet(
        &self,
        chain_id: Segment<'_>,
        address: Segment<'_>,
        body: &WalletChangeRequest,
    ) -> Call<WalletRotation> {
        self.call(Method::POST, "/api/v1/wallets/{}/{}/rotate", &[chain_id, address])
            .json(body)
            .keyed()
    }
    /// List webhooks
    pub fn list_webhooks(&self, query: &WebhookListQuery) -> Call<WebhookList> {
        self.call(Method::GET, "/api/v1/webhooks", &[]).query(query)
    }
    /// Make a webhook
    pub fn create_webhook(&self, body: &WebhookRequest) -> Call<Webhook> {
        self.call(Method::POST, "/api/v1/webhooks", &[]).json(body).keyed()
    }
    /// Take a webhook away
    pub fn delete_webhook(&self, id: Segment<'_>) -> Call<()> {
        self.call(Method::DELETE, "/api/v1/webhooks/{}", &[id])
    }
    /// Look at a webhook
    pub fn get_webhook(&self, id: Segment<'_>) -> Call<Webhook> {
        self.call(Method::GET, "/api/v1/webhooks/{}", &[id])
    }
    /// Change a webhook
    pub fn change_webhook(&self, id: Segment<'_>, body: &WebhookChange) -> Call<Webhook> {
        self.call(Method::PATCH, "/api/v1/webhooks/{}", &[id]).json(body)
    }
    /// List deliveries
    pub fn list_deliveries(
        &self,
        id: Segment<'_>,
        query: &DeliveryListQuery,
    ) -> Call<DeliveryList> {
        self.call(Method::GET, "/api/v1/webhooks/{}/deliveries", &[id]).query(query)
    }
    /// Send a delivery again
    pub fn retry_delivery(&self, id: Segment<'_>, delivery_id: Segment<'_>) -> Call<Delivery> {
        self.call(Method::POST, "/api/v1/webhooks/{}/deliveries/{}/retry", &[id, delivery_id])
    }
    /// Tell a webhook again
    pub fn replay_webhook(&self, id: Segment<'_>, body: &ReplayRequest) -> Call<Replay> {
        self.call(Method::POST, "/api/v1/webhooks/{}/replay", &[id]).json(body)
    }
    /// Give a webhook another secret
    pub fn rotate_webhook_secret(&self, id: Segment<'_>, body: &WebhookRotation) -> Call<Webhook> {
        self.call(Method::POST, "/api/v1/webhooks/{}/rotate-secret", &[id]).json(body).keyed()
    }
    /// Try a webhook
    pub fn try_webhook(&self, id: Segment<'_>) -> Call<WebhookTrial> {
        self.call(Method::POST, "/api/v1/webhooks/{}/test", &[id])
    }
    /// Is the process alive?
    pub fn get_health(&self) -> Call<Health> {
        self.call(Method::GET, "/health", &[])
    }
    /// May the process take requests?
    pub fn get_readiness(&self) -> Call<Readiness> {
        self.call(Method::GET, "/ready", &[])
    }
}

page!(AbiList of AbiEntry);
page!(ApiKeyList of ApiKey);
page!(AuditRecordList of AuditRecord);
page!(BalanceList of Balance);
page!(CollectionList of Collection);
page!(DeliveryList of Delivery);
page!(HolderList of Holder);
page!(ItemList of Item);
page!(LogList of Log);
page!(MintList of Mint);
page!(PrincipalList of Principal);
page!(SessionList of Session);
page!(SponsorList of Sponsor);
page!(SponsoredList of SponsoredTransaction);
page!(TraitList of TraitCount);
page!(TransactionList of Transaction);
page!(TransferList of ItemTransfer);
page!(WebhookList of Webhook);
