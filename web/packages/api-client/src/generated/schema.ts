// Made of openapi/stoa.json by `npm run generate`. Not to be edited.

export interface paths {
    "/.well-known/jwks.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Keys of access tokens
         * @description The public keys (RFC 7517) by which others can verify access tokens. A key is here before it
         *     signs, and for as long as tokens hold that it signed.
         */
        get: operations["list_token_keys"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/abis": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List contracts
         * @description Those that can be called by name and types, in the order of chain and address: the engine's own
         *     and uploaded ones. Collections are not listed, but can be called too.
         */
        get: operations["list_abis"];
        put?: never;
        /**
         * Upload an ABI
         * @description From then on the contract can be called by name and types. For operators.
         */
        post: operations["store_abi"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/abis/{chain_id}/{address}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look at an ABI */
        get: operations["get_abi"];
        put?: never;
        post?: never;
        /**
         * Forget an uploaded ABI
         * @description Transactions that were queued with it stay as they are.
         */
        delete: operations["delete_abi"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List API keys
         * @description Those of your principal, newest first; everybody's with the scope `admin`. Revoked ones stay.
         */
        get: operations["list_api_keys"];
        put?: never;
        /**
         * Make an API key
         * @description For your own principal, with some of your own scopes; it can do no more than the key that makes
         *     it, and lasts no longer. With the scope `admin` any scope, for any principal. The secret is in
         *     this answer only; a repeat does not have it.
         */
        post: operations["create_api_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/api-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look at an API key */
        get: operations["get_api_key"];
        put?: never;
        post?: never;
        /**
         * Revoke an API key
         * @description For good; again does nothing. This server refuses it from now on, others of the same engine
         *     within 10 seconds.
         */
        delete: operations["revoke_api_key"];
        options?: never;
        head?: never;
        /**
         * Change an API key
         * @description It holds at once for this server, within 10 seconds for others of the same engine. A key that
         *     can do more than yours is not yours to change.
         */
        patch: operations["change_api_key"];
        trace?: never;
    };
    "/api/v1/api-keys/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate an API key
         * @description It gets another secret under the same id. The present one goes on for the overlap, so that who
         *     uses it has time; those before it go on as long as they were given. The secret is in this answer
         *     only; a repeat does not have it, and rotates nothing.
         */
        post: operations["rotate_api_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what was done
         * @description Each privileged act and each refused attempt at one, newest first, a moment after it. The same
         *     is in the engine's audit log, which shows tampering.
         */
        get: operations["list_audit_records"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/challenges": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a message to sign
         * @description The first step of signing in with Ethereum (EIP-4361). The message is good for one session,
         *     within 5 minutes. It takes no Idempotency-Key: a repeat gets another message.
         */
        post: operations["ask_challenge"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log out
         * @description Ends the session of the refresh token in the body, of the cookies, or else of the access token.
         *     A repeat does nothing more. Has a browser forget its cookies.
         */
        post: operations["log_out"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/oidc/callback": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Finish to sign in as staff
         * @description Where the identity provider sends browsers back to. In mode `cookie` it sets the cookies of the
         *     session and leads to the page; in mode `token` it answers as signing in with a wallet does. It
         *     works once: a repeat is told 409.
         */
        get: operations["finish_staff_sign_in"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/oidc/start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Start to sign in as staff
         * @description For browsers: leads to the identity provider, which sends them back to
         *     `/api/v1/auth/oidc/callback`. A cookie binds the sign-in to the browser for 10 minutes.
         */
        get: operations["start_staff_sign_in"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Get the next tokens
         * @description For a refresh token, which is good once. Shown again within 10 seconds it gets the same
         *     successor again, so that a lost answer can be asked for; later it is taken for stolen, and the
         *     session ends. It takes no Idempotency-Key: the token itself says which request it is. In mode
         *     `cookie` send `{}`.
         */
        post: operations["refresh_session"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List one's sessions
         * @description Those that are open, newest first. For users who are signed in.
         */
        get: operations["list_sessions"];
        put?: never;
        /**
         * Sign in
         * @description The second step: the signed message for a session with its tokens. It takes no Idempotency-Key,
         *     and the answer is not kept, as it holds secrets. A message works once: when the answer was lost,
         *     ask for another message.
         */
        post: operations["open_session"];
        /**
         * End all other sessions
         * @description All of one's own but the one that asks.
         */
        delete: operations["end_other_sessions"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * End a session
         * @description One of one's own. Its refresh token is refused from now on, its access tokens within 10 seconds.
         */
        delete: operations["end_session"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/balances": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List balances
         * @description Of followed ERC-20 and ERC-1155 contracts, in the order of contract, token id and account;
         *     those of 0 are left out.
         */
        get: operations["list_balances"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/collections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List collections
         * @description On chain or asked for, in the order of chain and contract.
         */
        get: operations["list_collections"];
        put?: never;
        /**
         * Ask for a collection
         * @description It is deployed by the factory at the address in the answer. Mints into it are accepted once it
         *     stands on chain.
         */
        post: operations["request_collection"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/collections/{chain_id}/{contract}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look at a collection */
        get: operations["get_collection"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/collections/{chain_id}/{contract}/traits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a collection's traits
         * @description With how many items have each, in the order of type and value: of a collection, or of a
         *     followed ERC-721 contract.
         */
        get: operations["list_traits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Follow events
         * @description The stream by server-sent events, without end. The `data` of each is one message in the envelope of the stream; its `id` is to be sent back as `Last-Event-ID`.
         */
        get: operations["follow_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/facts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read facts
         * @description The same facts as on the stream, in order and without gaps, for those who poll.
         */
        get: operations["list_facts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/holders": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List holders
         * @description Of a collection or a followed contract, in the order of their addresses.
         */
        get: operations["list_holders"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/index": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * See how far the index is
         * @description One entry per chain, with the progress of reading what lies below the reorg window, and the
         *     contracts of others that it has.
         */
        get: operations["list_indexes"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/items": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List items
         * @description Of one chain, in the order of contract and token id: of collections and of followed ERC-721
         *     contracts. The header `x-as-of` names the block that it reflects.
         */
        get: operations["list_items"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/items/{chain_id}/{contract}/{token_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look at an item
         * @description With owner, content, resolved metadata, the job that minted it and its history. The header
         *     `x-as-of` names the block that it reflects; an answer that is kept may name one before the last,
         *     which did not change the item.
         */
        get: operations["get_item"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/items/{chain_id}/{contract}/{token_id}/metadata": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look at a token's metadata
         * @description Of an item, or of a token of a followed ERC-1155 contract: the document behind its URI, whole.
         */
        get: operations["get_token_metadata"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/items/{chain_id}/{contract}/{token_id}/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have a token's metadata read again
         * @description The contract is asked for the URI anew, and the document is fetched. At most once a minute for
         *     each token; asked more often, nothing more happens.
         */
        post: operations["refresh_token_metadata"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/logs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List logs
         * @description As the chain gave them, in its order, and what they say where the contract's ABI was uploaded
         *     or its standard is known. Logs of contracts that are indexed by an ABI can be found by event and
         *     argument.
         */
        get: operations["list_logs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look at oneself
         * @description For users who are signed in.
         */
        get: operations["get_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change what one tells of oneself
         * @description What is left out stays as it is, `null` clears it. It takes no Idempotency-Key: the same again
         *     changes nothing more.
         */
        patch: operations["change_me"];
        trace?: never;
    };
    "/api/v1/me/balances": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List what one's wallets hold
         * @description Chain by chain, from the index.
         */
        get: operations["list_my_balances"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have a code sent to an address
         * @description 202: the letter is on disk, and goes out by itself. The address takes the place of the present
         *     one when the code is shown (`POST /api/v1/me/email/verification`), within 30 minutes. The answer
         *     is the same whoever has the address. Takes no Idempotency-Key: a repeat sends another code, and
         *     only the newest is good.
         */
        post: operations["ask_email"];
        /**
         * Forget one's address
         * @description And codes under way. Again does nothing.
         */
        delete: operations["forget_email"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/email/verification": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Show the code of a letter
         * @description The address is one's own from now on. A code works once, and is void after five wrong ones.
         */
        post: operations["verify_email"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/wallets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List one's wallets
         * @description Each of them signs in as the same user.
         */
        get: operations["list_my_wallets"];
        put?: never;
        /**
         * Link a wallet
         * @description For the signed message. From now on the wallet signs in as this user. One that is another user's
         *     is not taken from them. It takes no Idempotency-Key: a message works once, and linking again
         *     changes nothing.
         */
        post: operations["link_wallet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/wallets/challenges": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for a message to link a wallet with
         * @description As for signing in; its statement names the user that the wallet is to be linked to, and it does
         *     nothing else. It takes no Idempotency-Key: a repeat gets another message.
         */
        post: operations["ask_link_challenge"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/me/wallets/{address}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Let go of a wallet
         * @description Sessions that it opened end. The last way to sign in stays. Signed in with later, the wallet is
         *     another user.
         */
        delete: operations["unlink_wallet"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/metadata": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Store metadata
         * @description ERC-721 metadata, checked and stored in its canonical form as one raw block. Unknown fields are
         *     kept. The `uri` in the answer is what a mint takes.
         */
        post: operations["store_metadata"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/metrics/series": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look at how the engine gets on
         * @description A fixed list of series, in steps, over all processes of the engine: for charts. The window is
         *     widened to whole steps. What a process did in its last moments is told up to ten seconds later.
         */
        get: operations["get_metric_series"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mints": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List mints
         * @description Newest first; your own, or everybody's with the scope `admin`.
         */
        get: operations["list_mints"];
        put?: never;
        /**
         * Ask for a mint
         * @description The item is minted to `to` in a collection. The answer is a job; watch it here or on the stream.
         */
        post: operations["request_mint"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mints/batch": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ask for many mints
         * @description All of them are accepted in one commit, or none is: then `errors` says what is wrong with which
         *     item. Each becomes a job of its own.
         */
        post: operations["request_mints"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/mints/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look at a mint */
        get: operations["get_mint"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/principals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List principals
         * @description All there are, newest first. For admins.
         */
        get: operations["list_principals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/principals/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look at a principal
         * @description With the roles that it has now. For admins.
         */
        get: operations["get_principal"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/principals/{id}/roles/{role}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Grant a role
         * @description In the place of an earlier grant of it; sending the same again changes nothing more. It holds at
         *     once for this server, within 10 seconds for others of the same engine. For admins.
         */
        put: operations["grant_role"];
        post?: never;
        /**
         * Take a role back
         * @description Whoever says so; again does nothing. What the identity provider claims comes back with the next
         *     sign-in. What holds from when on is as for granting. For admins.
         */
        delete: operations["end_role"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sponsored-transactions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List sponsored transactions
         * @description Of one's own sponsors, newest first; operators see all.
         */
        get: operations["list_sponsored"];
        put?: never;
        /**
         * Send a call that a user signed
         * @description It is checked, its highest cost is reserved of the sponsor's budget, and it is sent once. What
         *     it did cost takes the place of the reservation when it is final.
         */
        post: operations["request_sponsored"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sponsored-transactions/prepare": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Fill in what a user has to sign
         * @description Nonce, gas and deadline, as typed data for a wallet. Nothing is recorded. The sponsor's rules
         *     are applied, its budget is not.
         */
        post: operations["prepare_sponsored"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sponsored-transactions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look at a sponsored transaction */
        get: operations["get_sponsored"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sponsors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List sponsors
         * @description One's own, newest first; operators see all.
         */
        get: operations["list_sponsors"];
        put?: never;
        /**
         * Make a sponsor
         * @description It pays the gas of calls that users sign, as far as its rules and budgets go. For operators.
         */
        post: operations["create_sponsor"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/sponsors/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look at a sponsor
         * @description With what is used and left; with `user` also of that user's part.
         */
        get: operations["get_sponsor"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /**
         * Change a sponsor
         * @description Pause it, or change its budgets and rules. What was accepted stays accepted. Sending the same
         *     again changes nothing more. For operators.
         */
        patch: operations["change_sponsor"];
        trace?: never;
    };
    "/api/v1/stream": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Open the stream
         * @description The opening handshake of a WebSocket (RFC 6455).
         */
        get: operations["open_stream"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transactions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List transactions
         * @description All that the engine sends, newest first.
         */
        get: operations["list_transactions"];
        put?: never;
        /**
         * Send a transaction
         * @description A call by name and types, or a plain transfer, from a wallet of the engine. The answer is a
         *     job: it reaches the chain once, or ends with a reason. For operators.
         */
        post: operations["request_transaction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transactions/quote": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try a call
         * @description It is run at the head as if the wallet sent it; nothing is recorded or sent. A call that fails
         *     is a good answer too: `succeeds` is false and `failure` says why.
         */
        post: operations["quote_transaction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transactions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Look at a transaction
         * @description Of whatever kind, with its attempts, its call and the reason of a failure decoded where the ABI
         *     is known.
         */
        get: operations["get_transaction"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transactions/{id}/approvals": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Approve a transaction
         * @description For one that waits because the signer wants a second person's consent: `approval` of the
         *     transaction says what is to be approved, and by whom. Send what `stoa signer approve` prints.
         *     The signer judges it; what it could only refuse is refused here. When enough have approved, the
         *     transaction goes out.
         */
        post: operations["approve_transaction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transactions/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a transaction
         * @description Before it has a nonce it ends at once. Afterwards its nonce is used up by a zero transfer; it
         *     ends as `cancelled` when that is final, or by its own if it is mined first. One that has failed
         *     is given up, which lets those go that wait behind it. Send `{}`.
         */
        post: operations["cancel_transaction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transactions/{id}/facts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the history of a transaction
         * @description All facts of it that are numbered, oldest first, at most 1,000. The latest may come a moment
         *     after the status that it tells.
         */
        get: operations["list_transaction_facts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transactions/{id}/redrive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Queue a transaction again
         * @description One that `failed` or `expired` goes back to the queue, with a new nonce when its turn comes.
         */
        post: operations["redrive_transaction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transactions/{id}/replace": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replace a transaction
         * @description It is cancelled, and another goes out in its place once it has ended without effect. If it
         *     takes effect after all, the other one is cancelled: never both. The answer is the other one.
         */
        post: operations["replace_transaction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transactions/{id}/speed-up": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Speed a transaction up
         * @description It may offer more from now on: by another urgency, a higher cap, or both.
         */
        post: operations["speed_up_transaction"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/transfers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List transfers
         * @description Of items, newest first: of collections and of followed ERC-721 and ERC-1155 contracts.
         *     Transfers of an ERC-20 are in its logs.
         */
        get: operations["list_transfers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Upload a picture
         * @description PNG, JPEG, GIF or WebP, told by content. Stored under its CID with a preview.
         */
        post: operations["upload_picture"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wallets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List wallets
         * @description With what is on chain, in the ledger and under way. At most 1,000.
         */
        get: operations["list_wallets"];
        put?: never;
        /**
         * Make a wallet
         * @description The signer makes the next key of the role, and the transactor takes it into the pool. It needs
         *     money before it can send.
         */
        post: operations["create_wallet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wallets/{chain_id}/{address}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look at a wallet */
        get: operations["get_wallet"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wallets/{chain_id}/{address}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Drain a wallet
         * @description All that it has, less the fee, goes to an address. Only when all its transactions are final;
         *     the wallet is paused and stays so.
         */
        post: operations["drain_wallet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wallets/{chain_id}/{address}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause a wallet
         * @description It takes no transactions until it is resumed, and finishes those that it has. Send `{}`.
         */
        post: operations["pause_wallet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wallets/{chain_id}/{address}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume a wallet
         * @description Send `{}`.
         */
        post: operations["resume_wallet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wallets/{chain_id}/{address}/retire": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retire a wallet
         * @description It finishes what it has and never takes anything again. Send `{}`.
         */
        post: operations["retire_wallet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/wallets/{chain_id}/{address}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Rotate a wallet
         * @description A new key takes its place in the role; the old one retires. Send `{}`.
         */
        post: operations["rotate_wallet"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List webhooks
         * @description One's own, newest first; keys with `admin` see all.
         */
        get: operations["list_webhooks"];
        put?: never;
        /**
         * Make a webhook
         * @description An endpoint of yours that is told of facts, signed as Standard Webhooks 1.0 says, from now on.
         *     `secret` is in this answer only. Stored answers don't hold it: it is made again when the same
         *     request comes again within 24 hours.
         */
        post: operations["create_webhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Look at a webhook */
        get: operations["get_webhook"];
        put?: never;
        post?: never;
        /**
         * Take a webhook away
         * @description What waits for it is not sent any more.
         */
        delete: operations["delete_webhook"];
        options?: never;
        head?: never;
        /**
         * Change a webhook
         * @description Where it is, what it wants, and whether it is told. What waits is sent to the new address. With
         *     `state` `active` an endpoint that was paused or disabled goes on where it was.
         */
        patch: operations["change_webhook"];
        trace?: never;
    };
    "/api/v1/webhooks/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List deliveries
         * @description What was sent to an endpoint or is to be, newest first, with its attempts. What has ended is
         *     kept for 30 days, and not more than the last 10,000.
         */
        get: operations["list_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{id}/deliveries/{delivery_id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Send a delivery again
         * @description At once, whatever came of it; its `webhook-id` stays. One that waits for an earlier one of its
         *     key goes on waiting.
         */
        post: operations["retry_delivery"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Tell a webhook again
         * @description All that follows on `from_seq` and that it wants, also what was delivered. A delivery that comes
         *     again has the `webhook-id` that it had.
         */
        post: operations["replay_webhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{id}/rotate-secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a webhook another secret
         * @description For 24 hours deliveries carry the signatures of both. `secret` is in this answer only.
         */
        post: operations["rotate_webhook_secret"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/webhooks/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Try a webhook
         * @description Sends an event of type `test`, signed like any other, and answers with what came back.
         */
        post: operations["try_webhook"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Is the process alive? */
        get: operations["get_health"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Metrics
         * @description In the Prometheus text format.
         */
        get: operations["get_metrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** May the process take requests? */
        get: operations["get_readiness"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    fact: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * A fact is told
         * @description Signed as Standard Webhooks 1.0 says: `{id}.{timestamp}.{body}`.
         */
        post: operations["receive_fact"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        /** @description An ABI with what can be called. */
        AbiDetail: components["schemas"]["AbiEntry"] & {
            /** @description Absent in the answer to an upload. */
            abi?: Record<string, never>[] | null;
            /**
             * @description Signatures of all functions.
             * @example [
             *       "transfer(address,uint256)"
             *     ]
             */
            functions: string[];
        };
        /** @description A contract that can be called by name and types. */
        AbiEntry: {
            address: string;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            created_at: string;
            /** @example StoaCollectionFactory */
            name: string;
            source: components["schemas"]["AbiSource"];
        };
        /** @description One page of the registry. */
        AbiList: {
            items: components["schemas"]["AbiEntry"][];
            next_cursor?: string | null;
        };
        /** @description The ABI of a contract that is not ours. */
        AbiRequest: {
            /** @description The array that compilers write; at most 1,000 items and 256 KiB. */
            abi: Record<string, never>[];
            /** @example 0xDc64a140Aa3E981100a9becA4E685f962f0cF6C9 */
            address: string;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id?: number | null;
            /**
             * @description What calls may name it by: letters, digits, `_`, `-` and `.`, unique per chain.
             * @example Treasury
             */
            name: string;
        };
        /**
         * @description Where an ABI comes from.
         * @enum {string}
         */
        AbiSource: "built_in" | "uploaded";
        /** @description A key, without its secret. */
        ApiKey: {
            /** @description Networks that it may be used from; none: from anywhere. */
            allowed_ips: string[];
            created_at: string;
            expires_at?: string | null;
            /**
             * @description The public part of the key: `sk_<env>_<id>_…`.
             * @example 4k1sPz0QmVb7Yc2n
             */
            id: string;
            /** @description To the minute. */
            last_used_at?: string | null;
            /** @example 192.0.2.7 */
            last_used_ip?: string | null;
            name: string;
            /** @description Until when some secret before the present one opens, or opened. */
            older_secrets_until?: string | null;
            /** @example sk_live */
            prefix: string;
            /**
             * Format: uuid
             * @description Who holds it: what it makes belongs to them.
             */
            principal_id: string;
            /** @example shop */
            principal_name: string;
            /** @description Ed25519, in base64. */
            public_key?: string | null;
            /** @description Since then it is refused, for good. */
            revoked_at?: string | null;
            /** @description When it got its present secret, if not at first. */
            rotated_at?: string | null;
            /**
             * @example [
             *       "mints:write"
             *     ]
             */
            scopes: string[];
            signature_required: boolean;
        };
        /** @description What is to change about a key; what is absent stays. */
        ApiKeyChange: {
            /** @description In the place of all that there are; an empty list: from anywhere. */
            allowed_ips?: string[] | null;
            /** @description Null: it does not end. */
            expires_at?: string | null;
            name?: string | null;
            /** @description Null: the signing secret counts again. */
            public_key?: string | null;
            /** @description In the place of all that there are. */
            scopes?: string[] | null;
            signature_required?: boolean | null;
        };
        /** @description One page of keys. */
        ApiKeyList: {
            items: components["schemas"]["ApiKey"][];
            next_cursor?: string | null;
        };
        /** @description A key to make. */
        ApiKeyRequest: {
            /**
             * @description Addresses and networks that it may be used from, at most 64; from anywhere when there are
             *     none.
             * @example [
             *       "192.0.2.0/24",
             *       "2001:db8::/32"
             *     ]
             */
            allowed_ips?: string[] | null;
            /**
             * @description It ends then; never when absent.
             * @example 2027-06-30T00:00:00Z
             */
            expires_at?: string | null;
            /**
             * @description For people, at most 100 characters.
             * @example checkout, eu-1
             */
            name?: string | null;
            /**
             * Format: uuid
             * @description Who shall hold it; your own principal when absent. Others take the scope `admin`.
             */
            principal_id?: string | null;
            /**
             * @description Instead: a new principal of this name. It takes the scope `admin`.
             * @example shop
             */
            principal_name?: string | null;
            /**
             * @description Whose signatures are taken: an Ed25519 public key, 32 bytes in base64. Without one, those
             *     made with the `signing_secret` of the answer.
             * @example JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
             */
            public_key?: string | null;
            /**
             * @description What it may be used for: some of your own, or any with the scope `admin`.
             * @example [
             *       "mints:write",
             *       "content:write"
             *     ]
             */
            scopes: string[];
            /** @description Must requests of value be signed? */
            signature_required?: boolean | null;
        };
        /** @description Another secret for a key. */
        ApiKeyRotation: {
            /**
             * Format: int32
             * @description For how long the present secret goes on: 0 to 604800, 86400 when absent. With 0, all secrets
             *     before the new one end at once.
             * @example 3600
             */
            overlap_seconds?: number | null;
        };
        /** @description An operator's signed consent, as `stoa signer approve` prints it. */
        ApprovalRequest: {
            /** @description The digest that is approved. */
            act: string;
            /**
             * Format: int64
             * @description Seconds since 1970, UTC, from which on it no longer counts.
             */
            expires: number;
            /** @description 32 random bytes. */
            salt: string;
            /** @description r, s and v over the EIP-712 message `Approval`: 65 bytes. */
            signature: string;
        };
        /** @description Somebody did something with a right to it, or wanted to without one. */
        AuditRecord: {
            /** @description Account at the terminal. */
            account?: string | null;
            /**
             * @description What was done; `refused`: nothing was.
             * @example paused
             */
            act: string;
            /**
             * @description In the words of the policy; null for what was recorded before they were.
             * @example change_wallet
             */
            action?: string | null;
            /** @description As it is since; null: there is nothing. */
            after: unknown;
            /** @description As it was, without secrets; null: there was nothing. */
            before: unknown;
            /** Format: int64 */
            chain_id?: number | null;
            /**
             * @description Where the request came from, as far as that was known.
             * @example 192.0.2.7
             */
            ip?: string | null;
            key_id?: string | null;
            /**
             * @description To what kind of thing.
             * @example wallet
             */
            object: string;
            object_id: string;
            /**
             * Format: uuid
             * @description Null at a terminal, and for the server itself.
             */
            principal_id?: string | null;
            recorded_at: string;
            request_id?: string | null;
            /** @description What the principal was by nature, and was granted, then. */
            roles: string[];
            /**
             * Format: int64
             * @description Number of the fact, in the topic `transactions`: the `fact` of its line in the log.
             */
            seq: number;
            /** Format: uuid */
            session_id?: string | null;
            via: components["schemas"]["AuditWay"];
        };
        /** @description One page of records. */
        AuditRecordList: {
            items: components["schemas"]["AuditRecord"][];
            next_cursor?: string | null;
        };
        /**
         * @description By what somebody did something.
         * @enum {string}
         */
        AuditWay: "key" | "session" | "terminal" | "provider" | "server";
        /** @description What an account has of an asset (ERC-20) or of an item with many owners (ERC-1155). */
        Balance: {
            account: string;
            /**
             * @description In the smallest unit, decimal. Absent when the contract moves more than it tells of, so that
             *     its logs do not add up.
             * @example 1000000
             */
            balance?: string | null;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            contract: string;
            /**
             * @description Absent for an asset.
             * @example 17
             */
            token_id?: string | null;
            /**
             * Format: int64
             * @description Where it changed last.
             */
            updated_block: number;
        };
        /** @description One page of balances. */
        BalanceList: {
            as_of?: components["schemas"]["Block"] | null;
            items: components["schemas"]["Balance"][];
            next_cursor?: string | null;
        };
        /** @description An item of the request, and its job. */
        BatchedMint: {
            /**
             * @description As you gave it.
             * @example order-4711
             */
            id: string;
            mint: components["schemas"]["Mint"];
        };
        /** @description A block by number and hash. */
        Block: {
            /** @example 0x8f5bab218b6bb34476f51ca588e9f4553a3a7ce5e13a66c660a5283e97e9a85a */
            hash: string;
            /**
             * Format: int64
             * @example 1204
             */
            number: number;
        };
        /** @description Why a call fails or failed. */
        CallFailure: {
            args?: Record<string, never> | null;
            /**
             * @description `reverted`, `panicked`, `refused` by the node, the name of a contract's error, or a reason
             *     of the engine's own.
             * @example ERC20InsufficientBalance
             */
            code: string;
            data?: string | null;
            /** @description Of a contract's error. */
            signature?: string | null;
            text: string;
        };
        /** @description A call by name and types; without `function` a plain transfer of `value`. */
        CallRequest: {
            /**
             * @description By position (an array) or by name (an object). Integers are decimal strings, or numbers up
             *     to 2^53; bytes are hexadecimal with `0x`.
             */
            args?: Record<string, never> | null;
            /** @description A name from `GET /api/v1/abis`, or `default_collection`. */
            contract?: string | null;
            /**
             * @description Name, or signature where several share a name.
             * @example transfer(address,uint256)
             */
            function?: string | null;
            /**
             * Format: int64
             * @description Estimated when absent, plus a fifth.
             * @example 100000
             */
            gas_limit?: number | null;
            /**
             * @description An address. One of `to` and `contract`.
             * @example 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed
             */
            to?: string | null;
            /**
             * @description Wei: a decimal string, or a number up to 2^53. 0 when absent.
             * @example 1000000000000000
             */
            value?: string | null;
        };
        /** @description Nothing needs to be said. */
        CancelRequest: Record<string, never>;
        /** @description The index of one chain. */
        ChainIndex: {
            block_hash: string;
            /**
             * Format: int64
             * @description The block up to which everything is indexed.
             */
            block_number: number;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            /** @description What the operator calls the chain. */
            name?: string | null;
            /** @description It is indexed and read; nothing is sent to it (`chain_read_only`). */
            read_only: boolean;
            settled?: components["schemas"]["SettledRun"] | null;
            /** @description Contracts of others that it has, by address. */
            sources: components["schemas"]["IndexSource"][];
            state: components["schemas"]["IndexState"];
        };
        /** @description All chains that have an index. */
        ChainIndexList: {
            items: components["schemas"]["ChainIndex"][];
        };
        /** @description How far the index of one chain is. */
        ChainReadiness: {
            /** Format: int64 */
            chain_id: number;
            /**
             * Format: int64
             * @description Highest block that a node tells.
             */
            head?: number | null;
            /**
             * Format: int64
             * @description Highest block that is indexed.
             */
            height?: number | null;
            /**
             * Format: int64
             * @description Blocks that the index is behind.
             */
            lag?: number | null;
            /** @description False when the indexer has stopped and waits for an operator. */
            live: boolean;
            /** @description Nothing is sent to it: the server may be ready while this chain is not. */
            read_only: boolean;
            ready: boolean;
        };
        /** @description Who wants to sign in. */
        ChallengeRequest: {
            /**
             * @description The wallet's address: of a key, or of a contract account.
             * @example 0x70997970C51812dc3A010C7d01b50e0d17dc79C8
             */
            address: string;
            /**
             * Format: int64
             * @description On which chain a contract account is asked; the first one of the engine when absent.
             * @example 31337
             */
            chain_id?: number | null;
            /**
             * @description Where the user signs in: one of the configured origins. When absent that of the page that
             *     calls, or else the first one.
             * @example http://127.0.0.1:8480
             */
            origin?: string | null;
        };
        /** @description A collection, on chain or asked for. */
        Collection: {
            base_uri?: string | null;
            /** @example 0 */
            burned: string;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            content_mode?: components["schemas"]["ContentMode"] | null;
            /** @description Known before it is deployed. */
            contract: string;
            /** Format: int64 */
            created_block?: number | null;
            creator?: string | null;
            /** @description It stands on chain. */
            deployed: boolean;
            /**
             * @description Items minted and burned, decimal.
             * @example 120
             */
            minted: string;
            name?: string | null;
            reason?: string | null;
            /** Format: uuid */
            request_id?: string | null;
            requested_at?: string | null;
            royalty?: components["schemas"]["Royalty"] | null;
            status?: components["schemas"]["Status"] | null;
            symbol?: string | null;
        };
        /** @description One page of collections. */
        CollectionList: {
            items: components["schemas"]["Collection"][];
            next_cursor?: string | null;
        };
        /** @description A collection to be deployed. */
        CollectionRequest: {
            /** @description Who shall own the collection; the engine's operator when absent. */
            admin?: string | null;
            /** @description Needed in mode `base_uri` only. */
            base_uri?: string | null;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id?: number | null;
            content_mode: components["schemas"]["ContentMode"];
            /** @description ERC-7572 metadata of the collection. */
            contract_uri?: string | null;
            /**
             * @description 1 to 100 characters.
             * @example Harbour pictures
             */
            name: string;
            /**
             * Format: int32
             * @description In 1/10,000 of the price, at most 1000.
             * @example 250
             */
            royalty_bps?: number | null;
            royalty_receiver?: string | null;
            /**
             * @description 1 to 16 printable ASCII characters.
             * @example HARB
             */
            symbol: string;
        };
        /**
         * @description How a user consents to a call that somebody else pays for.
         * @enum {string}
         */
        Consent: "forward_request" | "user_operation" | "delegated_call";
        /**
         * @description How a collection refers to the content of its items.
         * @enum {string}
         */
        ContentMode: "digest" | "base_uri" | "free_uri";
        /** @description A call, decoded by the ABI of its target. */
        DecodedCall: {
            args: Record<string, never>;
            /** @description Name of the contract in the registry. */
            contract: string;
            function: string;
            signature: string;
        };
        /** @description What a log says. */
        DecodedLog: {
            /**
             * @description By name where all have one, else in order. Numbers are decimal strings; of an indexed
             *     argument that does not fit into a topic there is the hash.
             */
            args: Record<string, never>;
            /** @example Transfer */
            event: string;
            /** @example Transfer(address,address,uint256) */
            signature: string;
        };
        /** @description A fact for an endpoint. */
        Delivery: {
            /**
             * Format: int32
             * @description How many were made; the last twenty are shown.
             */
            attempts: number;
            created_at: string;
            ended_at?: string | null;
            /**
             * Format: int64
             * @example 1
             */
            epoch: number;
            /**
             * Format: uuid
             * @description As sent in `webhook-id`.
             */
            id: string;
            /** @description Deliveries of one key go one after the other. */
            key: string;
            /** @example item_minted */
            kind: string;
            log: components["schemas"]["DeliveryAttempt"][];
            next_at?: string | null;
            /**
             * Format: int64
             * @example 42
             */
            seq: number;
            state: components["schemas"]["DeliveryState"];
            /** @example items */
            topic: string;
        };
        /** @description One attempt at a delivery. */
        DeliveryAttempt: {
            at: string;
            /**
             * Format: int32
             * @example 1
             */
            attempt: number;
            /**
             * Format: int32
             * @example 34
             */
            latency_ms: number;
            outcome: components["schemas"]["DeliveryOutcome"];
            /** @description The first 1,024 characters of what came back. */
            response: string;
            /**
             * Format: int32
             * @example 200
             */
            status?: number | null;
        };
        /** @description One page of deliveries. */
        DeliveryList: {
            items: components["schemas"]["Delivery"][];
            next_cursor?: string | null;
        };
        /**
         * @description What came of an attempt.
         * @enum {string}
         */
        DeliveryOutcome: "delivered" | "gone" | "status" | "redirected" | "timed_out" | "unreachable" | "name_unresolved" | "address_refused" | "url_refused";
        /**
         * @description Where a delivery stands.
         * @enum {string}
         */
        DeliveryState: "ready" | "held" | "delivered" | "failed";
        /** @description Where a wallet's money shall go. */
        DrainRequest: {
            /**
             * @description Any address but the wallet itself.
             * @example 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed
             */
            to: string;
        };
        /** @description A code that came by mail. */
        EmailCodeRequest: {
            /**
             * @description In any case, with or without its hyphen.
             * @example 7K2MQ-X8D4T
             */
            code: string;
        };
        /** @description An address to be proven. */
        EmailRequest: {
            /** @example ada@example.org */
            address: string;
        };
        /** @description A fact in the envelope of the stream. */
        Fact: {
            at: string;
            block?: components["schemas"]["Block"] | null;
            data: Record<string, never>;
            /**
             * Format: int64
             * @example 1
             */
            epoch: number;
            /** @example item_minted */
            kind: string;
            level?: components["schemas"]["Status"] | null;
            /**
             * Format: int64
             * @description Number of the fact before it in this list.
             * @example 41
             */
            prev_seq: number;
            /**
             * Format: int64
             * @description Its number in the topic.
             * @example 42
             */
            seq: number;
            /** @example items */
            topic: string;
            type: components["schemas"]["FactType"];
        };
        /**
         * @description How sure a fact has to be.
         * @enum {string}
         */
        FactLevel: "tentative" | "auditable" | "final";
        /** @description Facts of one topic in order. */
        FactList: {
            /** Format: int64 */
            epoch: number;
            facts: components["schemas"]["Fact"][];
            /**
             * Format: int64
             * @description Number of the topic's latest fact.
             */
            head: number;
            /**
             * Format: int64
             * @description What to give as `after` to go on.
             */
            next_after: number;
            topic: string;
        };
        /**
         * @description What a fact does to what was told before.
         * @enum {string}
         */
        FactType: "delta" | "reorg";
        /** @description One thing wrong with a request. */
        FieldError: {
            /** @description In an answer about several items: what this one alone would be refused with. */
            code?: string | null;
            detail: string;
            /**
             * @description JSON pointer (RFC 6901) into the body, or `?name` for a query parameter.
             * @example /to
             */
            pointer: string;
        };
        /**
         * @description What a user signs (`ForwardRequest` of OpenZeppelin's `ERC2771Forwarder`). Integers are decimal
         *     strings, or numbers up to 2^53.
         */
        ForwardRequest: {
            /**
             * @description Calldata, without the user's address behind it.
             * @example 0xa22cb465
             */
            data: string;
            /**
             * @description Unix seconds, 120 s to 24 h ahead.
             * @example 1795300000
             */
            deadline: string;
            /**
             * @description The user.
             * @example 0x70997970C51812dc3A010C7d01b50e0d17dc79C8
             */
            from: string;
            /**
             * @description That the call gets.
             * @example 80000
             */
            gas: string;
            /**
             * @description The forwarder's, of the user: its `nonces(user)` and those of requests under way.
             * @example 0
             */
            nonce: string;
            /** @example 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed */
            to: string;
            /**
             * @description Wei. Must be 0: a sponsor pays for gas only.
             * @example 0
             */
            value?: string | null;
        };
        /** @description An approval that was brought. */
        GivenApproval: {
            act: string;
            created_at: string;
            expires_at?: string | null;
            operator: string;
        };
        /** @description Is the process alive? */
        Health: {
            /** @example ok */
            status: string;
        };
        /** @description Somebody who holds something of a contract. */
        Holder: {
            account: string;
            /**
             * @description An amount in the smallest unit; of an ERC-721, how many items. Absent as in a balance.
             * @example 3
             */
            balance?: string | null;
        };
        /** @description One page of holders. */
        HolderList: {
            as_of?: components["schemas"]["Block"] | null;
            items: components["schemas"]["Holder"][];
            next_cursor?: string | null;
        };
        /** @description A contract of others whose logs are indexed. */
        IndexSource: {
            /**
             * Format: int64
             * @description The block up to which its logs are indexed.
             */
            block_number: number;
            /** @description The configuration names it; else a command added it, or it was removed. */
            configured: boolean;
            /** @description `*` where every contract that tells of the event is meant. */
            contract: string;
            /** @description Names of the events that are read by an ABI. */
            events: string[];
            /** @description Of a factory: the event that names a contract that it made. */
            factory_event?: string | null;
            /**
             * Format: double
             * @description How much of it is done, 0 to 100.
             */
            percent: number;
            /** @description Its logs are made something of; else they are only kept. */
            projected: boolean;
            /**
             * @description `erc20`, `erc20_fee`, `erc20_rebasing`, `erc721` or `erc1155`, or `events` or `abi`: read by
             *     an ABI. Of a factory, that of the contracts that it makes.
             */
            standard: string;
            /**
             * Format: int64
             * @description The first block whose logs are kept.
             */
            start_block: number;
            state: components["schemas"]["SourceState"];
        };
        /**
         * @description What the indexer of a chain does.
         * @enum {string}
         */
        IndexState: "live" | "paused" | "stopped";
        /** @description A key with its secrets, which are told this once. */
        IssuedApiKey: {
            api_key: components["schemas"]["ApiKey"];
            /**
             * @description What is shown as `Authorization: Bearer`. Absent in a repeat.
             * @example sk_live_4k1sPz0QmVb7Yc2n_…
             */
            key?: string | null;
            /**
             * @description Signs requests by HMAC-SHA256, as long as the key has no public key. Absent in a repeat.
             * @example sks_live_4k1sPz0QmVb7Yc2n_…
             */
            signing_secret?: string | null;
        };
        /** @description An item on chain. */
        Item: {
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            contract: string;
            /** Format: int64 */
            minted_block: number;
            minted_tx: string;
            /** @description Absent once burned. */
            owner?: string | null;
            royalty?: components["schemas"]["Royalty"] | null;
            /** @example 17 */
            token_id: string;
            token_metadata?: components["schemas"]["TokenMetadata"] | null;
            /** @description Absent in collections with a base URI. */
            uri?: string | null;
        };
        /** @description An item with what belongs to it. */
        ItemDetail: components["schemas"]["Item"] & {
            /** @description The latest 100 transfers, newest first. */
            history: components["schemas"]["Transfer"][];
            /** @description `tentative`, `auditable` or `final`: how sure the present state is. */
            level: components["schemas"]["Status"];
            metadata?: components["schemas"]["Metadata"] | null;
            /**
             * Format: uuid
             * @description The job that minted it, when it was one of ours.
             */
            mint_id?: string | null;
        };
        /** @description One page of items. */
        ItemList: {
            items: components["schemas"]["Item"][];
            next_cursor?: string | null;
        };
        /** @description One change of an item's owner, or of amounts of an ERC-1155. */
        ItemTransfer: {
            /** @description Of an ERC-1155 only. */
            amount?: string | null;
            block: components["schemas"]["Block"];
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            contract: string;
            /** @description The zero address for a mint. */
            from: string;
            /** Format: int32 */
            log_index: number;
            mined_at: string;
            /**
             * Format: int32
             * @description Among the transfers that its log tells of, from 0.
             */
            place: number;
            /** @description The zero address for a burn. */
            to: string;
            /** @example 17 */
            token_id: string;
            tx_hash: string;
        };
        /** @description A signed message of `POST /api/v1/me/wallets/challenges`. */
        LinkWalletRequest: {
            /**
             * @description What was signed, byte for byte.
             * @example http://127.0.0.1:8480 wants you to sign in with your Ethereum account:
             *     …
             */
            message: string;
            /**
             * @description As for signing in.
             * @example 0x2f8a…1b
             */
            signature: string;
        };
        /** @description A wallet that signs its user in. */
        LinkedWallet: {
            /** @example 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 */
            address: string;
            /**
             * Format: int64
             * @description Of a contract account: the only chain that it is theirs on.
             * @example 31337
             */
            contract_chain_id?: number | null;
            linked_at: string;
        };
        /** @description One's wallets, the first one first. */
        LinkedWalletList: {
            items: components["schemas"]["LinkedWallet"][];
        };
        /** @description A log as the chain gave it. */
        Log: {
            address: string;
            block: components["schemas"]["Block"];
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            /**
             * @description Of more than 16 KiB only the beginning: see `data_length`.
             * @example 0x0000000000000000000000000000000000000000000000000000000000000064
             */
            data: string;
            /**
             * Format: int64
             * @description Bytes.
             */
            data_length: number;
            decoded?: components["schemas"]["DecodedLog"] | null;
            /** Format: int32 */
            log_index: number;
            mined_at?: string | null;
            /** @description At most four. */
            topics: string[];
            tx_hash: string;
            /** Format: int32 */
            tx_index: number;
        };
        /** @description One page of logs. */
        LogList: {
            as_of?: components["schemas"]["Block"] | null;
            items: components["schemas"]["Log"][];
            next_cursor?: string | null;
        };
        /** @description ERC-721 metadata. Other fields are kept as they are. */
        Metadata: {
            animation_url?: string | null;
            attributes?: unknown[] | null;
            description?: string | null;
            /**
             * @description ipfs, ar, https or data.
             * @example ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi
             */
            image: string;
            /** @example Harbour at dawn */
            name: string;
        };
        /** @description What became of a request to read a token's document again. */
        MetadataRefresh: {
            /** @description False when that was asked for less than a minute ago. */
            queued: boolean;
        };
        /**
         * @description How the last try to read a document ended.
         * @enum {string}
         */
        MetadataState: "pending" | "resolved" | "failed";
        /** @description One series. */
        MetricSeries: {
            /** @example requests */
            name: string;
            /** @description Of each step, from `from` on; null: no process has told. */
            points: (number | null)[];
            sort: components["schemas"]["MetricSort"];
            /** @example 1/s */
            unit: string;
        };
        /** @description Series over one window. */
        MetricSeriesList: {
            /** @description When the first step begins. */
            from: string;
            items: components["schemas"]["MetricSeries"][];
            /**
             * Format: int64
             * @example 60
             */
            step_seconds: number;
            /** @description When the last one ends. */
            to: string;
        };
        /**
         * @description How what was sampled in a step became its point.
         * @enum {string}
         */
        MetricSort: "rate" | "highest" | "total";
        /** @description A mint job. */
        Mint: {
            block?: components["schemas"]["Block"] | null;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            /** @example 0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512 */
            contract: string;
            /** @example 2026-11-20T12:00:00.000Z */
            created_at: string;
            final_at?: string | null;
            /** Format: uuid */
            id: string;
            /** @description Why it failed, when it did. */
            reason?: string | null;
            /** @description `x-request-id` of the request that made it; finds it in the engine's log. */
            request_id?: string | null;
            status: components["schemas"]["Status"];
            submitted_at?: string | null;
            tentative_at?: string | null;
            /** @example 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed */
            to: string;
            /**
             * @description Decimal; known from `tentative` on.
             * @example 17
             */
            token_id?: string | null;
            /**
             * Format: uuid
             * @description The engine's transaction that carries it now, as in the engine's log and on the topic
             *     `transactions`.
             */
            transaction_id?: string | null;
            tx_hash?: string | null;
            updated_at: string;
            uri?: string | null;
        };
        /** @description What became of a batch, in the order asked for. */
        MintBatch: {
            items: components["schemas"]["BatchedMint"][];
        };
        /** @description One of them. */
        MintBatchItem: {
            /**
             * Format: int64
             * @example 31337
             */
            chain_id?: number | null;
            /** @description Its address; the default collection when absent. */
            collection?: string | null;
            /**
             * @description Your own, unique for ever: the `Idempotency-Key` that this mint would have in a request of
             *     its own. One that was minted before with the same content is not minted again.
             * @example order-4711
             */
            id: string;
            metadata?: components["schemas"]["Metadata"] | null;
            /**
             * @description Who shall own the item. In mixed case it must satisfy EIP-55.
             * @example 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed
             */
            to: string;
            /**
             * @description Where the item's metadata lies. At most one of `uri` and `metadata`.
             * @example ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy
             */
            uri?: string | null;
        };
        /** @description Mints to be made: all of them, or none. */
        MintBatchRequest: {
            /** @description 1 to 256. */
            items: components["schemas"]["MintBatchItem"][];
        };
        /** @description One page of a list. `next_cursor` is absent on the last one. */
        MintList: {
            items: components["schemas"]["Mint"][];
            next_cursor?: string | null;
        };
        /** @description A mint to be made. */
        MintRequest: {
            /**
             * Format: int64
             * @example 31337
             */
            chain_id?: number | null;
            /** @description Its address; the default collection when absent. */
            collection?: string | null;
            metadata?: components["schemas"]["Metadata"] | null;
            /**
             * @description Who shall own the item. In mixed case it must satisfy EIP-55.
             * @example 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed
             */
            to: string;
            /**
             * @description Where the item's metadata lies. At most one of `uri` and `metadata`.
             * @example ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy
             */
            uri?: string | null;
        };
        /**
         * @description What the failure of a transaction means for those after it under the same ordering key.
         * @enum {string}
         */
        OnFailure: "block" | "free";
        /** @description What one's wallets hold. */
        OwnBalances: {
            chains: components["schemas"]["OwnBalancesOfChain"][];
        };
        /** @description The same on one chain. Of followed ERC-20 and ERC-1155 contracts; not the chain's own coin. */
        OwnBalancesOfChain: {
            as_of?: components["schemas"]["Block"] | null;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            /** @description At most 500. */
            items: components["schemas"]["Balance"][];
            /** @description There are more: `GET /api/v1/balances?account=…` lists all. */
            more: boolean;
        };
        /** @description A call that a user is to sign. */
        PrepareRequest: {
            args?: Record<string, never> | null;
            consent?: components["schemas"]["Consent"];
            /**
             * @description A name from `GET /api/v1/abis`, or `default_collection`.
             * @example default_collection
             */
            contract?: string | null;
            /** @description Calldata, in the place of `function` and `args`. */
            data?: string | null;
            /**
             * @description Unix seconds; an hour ahead when absent.
             * @example 1795300000
             */
            deadline?: string | null;
            /**
             * @description The user.
             * @example 0x70997970C51812dc3A010C7d01b50e0d17dc79C8
             */
            from: string;
            /**
             * @description Name, or signature where several share a name.
             * @example setApprovalForAll
             */
            function?: string | null;
            /**
             * @description Estimated when absent, plus three tenths.
             * @example 80000
             */
            gas?: string | null;
            /** Format: uuid */
            sponsor_id: string;
            /** @description An address. One of `to` and `contract`. */
            to?: string | null;
        };
        /** @description What a user has to sign. */
        PreparedRequest: {
            /** Format: int64 */
            chain_id: number;
            /**
             * @description What it can cost the sponsor at most, in wei.
             * @example 400000000000000
             */
            cost_max: string;
            /** @description EIP-712 hash of it. */
            digest: string;
            forwarder: string;
            /** @description To be sent in unchanged, with the signature. */
            request: components["schemas"]["ForwardRequest"];
            /** @description For `eth_signTypedData_v4`. */
            typed_data: Record<string, never>;
        };
        /** @description A small picture of an upload. */
        Preview: {
            cid: string;
            uri: string;
        };
        /** @description Somebody who may call. */
        Principal: {
            created_at: string;
            /** Format: uuid */
            id: string;
            kind: components["schemas"]["PrincipalKind"];
            /** @example shop */
            name: string;
            /** @description Those that hold now. */
            roles: components["schemas"]["RoleGrant"][];
        };
        /**
         * @description What sort of principal it is by nature.
         * @enum {string}
         */
        PrincipalKind: "operator" | "machine" | "user";
        /** @description One page of principals. */
        PrincipalList: {
            items: components["schemas"]["Principal"][];
            next_cursor?: string | null;
        };
        /** @description A problem (RFC 9457). */
        Problem: {
            /**
             * @description Stable; meant for machines.
             * @example address_checksum
             */
            code: string;
            detail?: string | null;
            errors?: components["schemas"]["FieldError"][];
            /** @description Of this very answer; quote it when you ask for help. */
            request_id: string;
            /**
             * Format: int32
             * @example 422
             */
            status: number;
            title: string;
            /**
             * @description Where the code is explained.
             * @example /docs/errors#address_checksum
             */
            type: string;
        };
        /** @description Oneself. */
        Profile: {
            /** @description Content id of an uploaded picture. */
            avatar?: string | null;
            /** @description How to reach them beside e-mail. Only they see it. */
            contact?: string | null;
            /** @example Ada */
            display_name?: string | null;
            email?: components["schemas"]["ProfileEmail"] | null;
            /**
             * @description A language tag (BCP 47).
             * @example de
             */
            locale?: string | null;
            /**
             * Format: uuid
             * @description The user: what they make belongs to this principal.
             */
            principal_id: string;
        };
        /** @description What to tell from now on: what is left out stays, `null` clears it. */
        ProfileChangeRequest: {
            /** @description `cid` of an upload. */
            avatar?: string | null;
            /**
             * @description 1 to 200 characters; stored encrypted.
             * @example +49 170 0000000
             */
            contact?: string | null;
            /**
             * @description 1 to 80 characters.
             * @example Ada
             */
            display_name?: string | null;
            /** @example de */
            locale?: string | null;
        };
        /** @description An address that its user showed a code from. */
        ProfileEmail: {
            /** @example ada@example.org */
            address: string;
            verified_at: string;
        };
        /** @description A call to be tried without sending it. */
        QuoteRequest: {
            args?: Record<string, never> | null;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id?: number | null;
            contract?: string | null;
            function?: string | null;
            role?: string | null;
            to?: string | null;
            urgency?: components["schemas"]["Urgency"] | null;
            value?: string | null;
            wallet?: string | null;
        };
        /** @description May the process take requests? */
        Readiness: {
            chains: components["schemas"]["ChainReadiness"][];
            database: boolean;
            ready: boolean;
        };
        /** @description How a transaction is queued again. */
        RedriveRequest: {
            /** @description RFC 3339: instead of one that has passed. */
            deadline?: string | null;
        };
        /** @description For the next tokens, or for logging out. In mode `cookie` it is empty: `{}`. */
        RefreshRequest: {
            /** @example stoa_rt_AZq… */
            refresh_token?: string | null;
        };
        /** @description A replay that was begun. */
        Replay: {
            /** Format: int64 */
            from_seq: number;
            /**
             * Format: int64
             * @description Number of the topic's latest fact: up to it what was delivered is sent again.
             */
            head: number;
            topic: string;
        };
        /** @description From where on to tell again. */
        ReplayRequest: {
            /**
             * Format: int64
             * @description The last number that you have: what follows is sent. 0: everything.
             * @example 40
             */
            from_seq: number;
            /**
             * @description May be left out where the endpoint has one only.
             * @example items
             */
            topic?: string | null;
        };
        /**
         * @description What a principal can be granted beyond that.
         * @enum {string}
         */
        Role: "organizer" | "verifier" | "operator" | "admin";
        /** @description A role as granted. */
        RoleGrant: {
            /** @description It ends then; null: it does not. */
            expires_at?: string | null;
            granted_at: string;
            /**
             * Format: uuid
             * @description The principal who granted it; null: a terminal of the server, or the provider.
             */
            granted_by?: string | null;
            role: components["schemas"]["Role"];
            source: components["schemas"]["RoleSource"];
        };
        /** @description A role to grant. */
        RoleGrantRequest: {
            /**
             * @description At most ten years ahead; it does not end when absent.
             * @example 2027-06-30T00:00:00Z
             */
            expires_at?: string | null;
        };
        /**
         * @description Who says that a role is somebody's.
         * @enum {string}
         */
        RoleSource: "granted" | "claimed";
        /** @description What a sale owes. */
        Royalty: {
            /**
             * Format: int32
             * @description Hundredths of a per cent of the price, up to 10,000.
             * @example 500
             */
            bps: number;
            receiver: string;
        };
        /** @description Where a user is signed in. */
        Session: {
            /**
             * @description Of a wallet.
             * @example 0x70997970C51812dc3A010C7d01b50e0d17dc79C8
             */
            address?: string | null;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id?: number | null;
            /**
             * @description From where; of IPv6 the network.
             * @example 127.0.0.1
             */
            client: string;
            /** @description A contract on that chain accepted the signature: on other chains the address proves nothing. */
            contract: boolean;
            created_at: string;
            /** @description It is the one that asks. */
            current: boolean;
            /** @description It ends then, however often it is refreshed. */
            expires_at: string;
            /** Format: uuid */
            id: string;
            /** @description To the minute. */
            last_used_at: string;
            /** @description What was signed in with. */
            method: components["schemas"]["SignInMethod"];
            mode: components["schemas"]["SessionMode"];
            /** @example http://127.0.0.1:8480 */
            origin: string;
            /**
             * Format: uuid
             * @description The user: what they make belongs to this principal.
             */
            principal_id: string;
            /**
             * @description As the client named itself when it signed in.
             * @example curl/8.14.1
             */
            user_agent?: string | null;
        };
        /** @description One's open sessions, newest first. */
        SessionList: {
            items: components["schemas"]["Session"][];
            next_cursor?: string | null;
        };
        /**
         * @description How the client keeps its tokens.
         * @enum {string}
         */
        SessionMode: "token" | "cookie";
        /** @description A session, and what to show from now on. In mode `cookie` the tokens are in cookies instead. */
        SessionTokens: {
            /**
             * @description A JWT (RFC 9068) for `Authorization: Bearer …`.
             * @example eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.…
             */
            access_token?: string | null;
            /**
             * Format: int64
             * @description Seconds until the access token ends.
             * @example 600
             */
            expires_in: number;
            /**
             * @description For the next access token; good once.
             * @example stoa_rt_AZq…
             */
            refresh_token?: string | null;
            session: components["schemas"]["Session"];
            /** @example Bearer */
            token_type: string;
        };
        /** @description Sessions that ended. */
        SessionsEnded: {
            /**
             * Format: int64
             * @example 2
             */
            ended: number;
        };
        /** @description One run over blocks below the reorg window. */
        SettledRun: {
            /**
             * Format: int64
             * @description The last block before the run.
             */
            base_block: number;
            /**
             * Format: int64
             * @description How long the rest takes at the rate so far; absent when nothing is left.
             */
            eta_seconds?: number | null;
            /**
             * Format: int64
             * @description Logs that it has committed.
             */
            logs: number;
            /**
             * Format: double
             * @description Of the run up to its last commit.
             */
            logs_per_second: number;
            /**
             * Format: double
             * @description How much of it is done, 0 to 100.
             */
            percent: number;
            started_at: string;
            /**
             * Format: int64
             * @description The last block of the run.
             */
            target_block: number;
            /** @description Of its last commit. */
            updated_at: string;
            waited: components["schemas"]["SettledWaits"];
        };
        /** @description What the commits of a run waited for, in milliseconds. */
        SettledWaits: {
            /**
             * Format: int64
             * @description The database.
             */
            database_ms: number;
            /**
             * Format: int64
             * @description Decoding them.
             */
            decode_ms: number;
            /**
             * Format: int64
             * @description Answers of the node.
             */
            node_ms: number;
        };
        /** @description What to sign. */
        SignInChallenge: {
            address: string;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            expires_at: string;
            issued_at: string;
            /**
             * @description An EIP-4361 message, to be signed as it is (`personal_sign`).
             * @example http://127.0.0.1:8480 wants you to sign in with your Ethereum account:
             *     0x70997970C51812dc3A010C7d01b50e0d17dc79C8
             *
             *     Sign in to Stoa.
             *
             *     URI: http://127.0.0.1:8480
             *     Version: 1
             *     Chain ID: 31337
             *     Nonce: 4k1sPz0QmVb7Yc2nRtXw9aB3
             *     Issued At: 2026-11-20T12:00:00Z
             *     Expiration Time: 2026-11-20T12:05:00Z
             */
            message: string;
            /**
             * @description The one in the message, for those who write the message themselves.
             * @example 4k1sPz0QmVb7Yc2nRtXw9aB3
             */
            nonce: string;
        };
        /**
         * @description What a session was opened with.
         * @enum {string}
         */
        SignInMethod: "wallet" | "provider";
        /** @description A signed message. */
        SignInRequest: {
            /**
             * @description What was signed, byte for byte.
             * @example http://127.0.0.1:8480 wants you to sign in with your Ethereum account:
             *     …
             */
            message: string;
            mode?: components["schemas"]["SessionMode"];
            /**
             * @description `0x` and hexadecimal digits: 65 bytes r, s, v of a key (low s, v 27 or 28), or up to 8192
             *     bytes that a contract account accepts (ERC-1271, ERC-6492).
             * @example 0x2f8a…1b
             */
            signature: string;
        };
        /**
         * @description How far a contract is.
         * @enum {string}
         */
        SourceState: "live" | "backfilling" | "removed" | "purging";
        /** @description What a transaction may offer from now on; at least one of both. */
        SpeedUpRequest: {
            /**
             * @description Wei per gas.
             * @example 100000000000
             */
            fee_cap?: string | null;
            urgency?: components["schemas"]["Urgency"] | null;
        };
        /** @description Who pays for which calls. */
        Sponsor: {
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            created_at: string;
            /**
             * @description The UTC day that `used` and `left` tell of.
             * @example 2026-11-21
             */
            day: string;
            /** Format: int64 */
            gas_max: number;
            /** Format: uuid */
            id: string;
            left: components["schemas"]["SponsorAmounts"];
            limits: components["schemas"]["SponsorAmounts"];
            /** @example welcome */
            name: string;
            /**
             * Format: uuid
             * @description The principal whose keys may spend it.
             */
            owner: string;
            rules: components["schemas"]["SponsorRule"][];
            state: components["schemas"]["SponsorState"];
            updated_at: string;
            /** @description Reserved for what is under way, or paid. */
            used: components["schemas"]["SponsorAmounts"];
        };
        /** @description Amounts of one sponsor, in wei of gas. */
        SponsorAmounts: {
            /** @example 1000000000000000000 */
            day: string;
            /** @example 20000000000000000000 */
            total: string;
            /**
             * @description Of one user on a day: `user` in the query says which, a new one otherwise.
             * @example 50000000000000000
             */
            user_day: string;
            /**
             * Format: int32
             * @description Requests of that user on a day.
             * @example 10
             */
            user_day_requests: number;
        };
        /** @description What is to change about a sponsor; what is absent stays. */
        SponsorChange: {
            day_budget?: string | null;
            /** Format: int64 */
            gas_max?: number | null;
            /** @description In the place of all that there are. */
            rules?: components["schemas"]["SponsorRule"][] | null;
            state?: components["schemas"]["SponsorState"] | null;
            total_budget?: string | null;
            user_day_budget?: string | null;
            /** Format: int32 */
            user_day_requests?: number | null;
        };
        /** @description One page of sponsors. */
        SponsorList: {
            items: components["schemas"]["Sponsor"][];
            next_cursor?: string | null;
        };
        /** @description A sponsor to make. What is left out is nothing: no budget, no rule. */
        SponsorRequest: {
            /**
             * Format: int64
             * @example 31337
             */
            chain_id?: number | null;
            /**
             * @description Wei of gas per UTC day: a decimal string, or a number up to 2^53.
             * @example 1000000000000000000
             */
            day_budget?: string | null;
            /**
             * Format: int64
             * @description Of a request's `gas`, 5000 to 16777216; 1000000 when absent.
             * @example 300000
             */
            gas_max?: number | null;
            /**
             * @description Unique on its chain, 1 to 64 characters.
             * @example welcome
             */
            name: string;
            /**
             * Format: uuid
             * @description The principal whose keys may spend it; the caller's when absent.
             */
            owner?: string | null;
            /** @description At most 100. What is not listed is not paid for. */
            rules?: components["schemas"]["SponsorRule"][] | null;
            /**
             * @description Wei of gas in all.
             * @example 20000000000000000000
             */
            total_budget?: string | null;
            /**
             * @description Wei of gas per user and UTC day.
             * @example 50000000000000000
             */
            user_day_budget?: string | null;
            /**
             * Format: int32
             * @description Requests per user and UTC day.
             * @example 10
             */
            user_day_requests?: number | null;
        };
        /** @description A function that a sponsor pays for. */
        SponsorRule: {
            /**
             * @description A signature in canonical form, or a selector such as `0xa9059cbb`.
             * @example setApprovalForAll(address,bool)
             */
            function: string;
            /** @example 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed */
            target: string;
        };
        /**
         * @description Whether a sponsor pays.
         * @enum {string}
         */
        SponsorState: "active" | "paused";
        /** @description One page of sponsored transactions. */
        SponsoredList: {
            items: components["schemas"]["SponsoredTransaction"][];
            next_cursor?: string | null;
        };
        /** @description A call that a user signed. */
        SponsoredRequest: {
            /**
             * Format: int64
             * @description Must be the sponsor's, if given.
             */
            chain_id?: number | null;
            consent?: components["schemas"]["Consent"];
            /** @description Must be the engine's, if given. */
            forwarder?: string | null;
            request: components["schemas"]["ForwardRequest"];
            /** @description 65 bytes r, s, v; v is 27 or 28, s is low. */
            signature: string;
            /** Format: uuid */
            sponsor_id: string;
        };
        /** @description A call that a user signed, and its way to the chain. */
        SponsoredTransaction: {
            block?: components["schemas"]["Block"] | null;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            consent: components["schemas"]["Consent"];
            /** @description Wei: what it did cost; absent until that is final. */
            cost?: string | null;
            created_at: string;
            /**
             * Format: int64
             * @description Unix seconds.
             */
            deadline: number;
            /** @description What the user signed. */
            digest: string;
            forwarder: string;
            /** Format: int64 */
            gas: number;
            /** Format: uuid */
            id: string;
            /**
             * Format: int64
             * @description The forwarder's, of the user.
             */
            nonce: number;
            /** @description Why it failed, expired, or reverted. */
            reason?: string | null;
            /** @description Wei: the most that it can cost. */
            reserved: string;
            /** @description It was mined and had no effect. */
            reverted: boolean;
            /**
             * @description Of the function.
             * @example 0xa22cb465
             */
            selector: string;
            settled_at?: string | null;
            /** Format: uuid */
            sponsor_id: string;
            status: components["schemas"]["Status"];
            to: string;
            /**
             * Format: uuid
             * @description The transaction that carries it.
             */
            transaction_id: string;
            tx_hash?: string | null;
            user: string;
        };
        /**
         * @description Where something stands on its way to the chain.
         *
         *     `unknown` means that a node took the transaction's bytes and its answer was lost: not failure.
         *     After a reorg a job goes back from `tentative` or `auditable` to `submitted`.
         * @enum {string}
         */
        Status: "queued" | "reserved" | "submitted" | "unknown" | "tentative" | "auditable" | "final" | "failed" | "expired" | "cancelled";
        /** @description Metadata in the content store. */
        StoredMetadata: {
            /** @example bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy */
            cid: string;
            /**
             * Format: int64
             * @description Bytes of the canonical form.
             * @example 214
             */
            size: number;
            /** @example ipfs://bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy */
            uri: string;
        };
        /** @description One trait of a token. */
        TokenAttribute: {
            /** @description `number`, `boost_number`, `boost_percentage`, `date`, or what else the document says. */
            display_type?: string | null;
            /** @example Background */
            trait_type?: string | null;
            /** @description A string, a number or a boolean. */
            value: unknown;
        };
        /** @description One of them (RFC 8037). */
        TokenKey: {
            /** @example EdDSA */
            alg: string;
            /** @example Ed25519 */
            crv: string;
            /**
             * @description As the header of a token names it.
             * @example kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
             */
            kid: string;
            /** @example OKP */
            kty: string;
            /** @example sig */
            use: string;
            /** @example 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo */
            x: string;
        };
        /** @description Public keys by which others can verify access tokens (RFC 7517). */
        TokenKeys: {
            keys: components["schemas"]["TokenKey"][];
        };
        /**
         * @description The document behind a token's URI, as it was last read. Texts are those of strangers: show them
         *     as text, and its pages only in a sandbox.
         */
        TokenMetadata: {
            /** @description The same of films, sounds, models and pages. */
            animation_url?: string | null;
            /**
             * Format: int64
             * @description The block as of which the contract named the document.
             */
            as_of_block?: number | null;
            attributes: components["schemas"]["TokenAttribute"][];
            /** @description Of 8,192 characters at most; 500 in lists. */
            description?: string | null;
            external_url?: string | null;
            /**
             * @description `ipfs:`, `ar:`, `https:`, `http:`, or a picture inside a `data:` link. Lists leave out what
             *     is longer than 2,048 characters.
             */
            image?: string | null;
            /** @example Dawn #1 */
            name?: string | null;
            /**
             * @description Why the last try failed.
             * @example timed_out
             */
            reason?: string | null;
            resolved_at?: string | null;
            /** @description When it is tried again by itself; absent when it is not. */
            retry_at?: string | null;
            royalty?: components["schemas"]["Royalty"] | null;
            state: components["schemas"]["MetadataState"];
            /** @description The document's bytes are those that its content id names. Absent where that can't be told. */
            verified?: boolean | null;
        };
        /** @description A trait of a collection's items. */
        TraitCount: {
            /**
             * Format: int64
             * @description Items that have it; burned ones don't count.
             * @example 212
             */
            items: number;
            /**
             * @description Empty for values without a type.
             * @example Background
             */
            trait_type: string;
            /**
             * @description Numbers and booleans as text.
             * @example Blue
             */
            value: string;
        };
        /** @description One page of traits. */
        TraitList: {
            items: components["schemas"]["TraitCount"][];
            next_cursor?: string | null;
        };
        /** @description A transaction of the engine. */
        Transaction: {
            block?: components["schemas"]["Block"] | null;
            /** @description Somebody asked to stop it; it may be mined all the same. */
            cancel_requested_at?: string | null;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            /**
             * Format: uuid
             * @description The transaction that it undoes.
             */
            compensates?: string | null;
            /** @example 2026-11-20T12:00:00.000Z */
            created_at: string;
            deadline?: string | null;
            /** @description Wei per gas. */
            fee_cap?: string | null;
            /** Format: int64 */
            gas_limit?: number | null;
            /** Format: uuid */
            id: string;
            /**
             * @description `call` and `transfer` were asked for here; others belong to products.
             * @example call
             */
            kind: string;
            /**
             * @description Of a call: the function's signature.
             * @example transfer(address,uint256)
             */
            label?: string | null;
            /** Format: int64 */
            nonce?: number | null;
            not_before?: string | null;
            on_failure: components["schemas"]["OnFailure"];
            ordering_key?: string | null;
            /** Format: int32 */
            priority: number;
            /** @description Why it failed, when it did: a code, and after `: ` a text. */
            reason?: string | null;
            /**
             * Format: int32
             * @description How often it was queued again after its end.
             */
            redrives: number;
            /**
             * Format: uuid
             * @description The transaction whose place it takes.
             */
            replaces?: string | null;
            /** @description It was mined and reverted; `failed` once that is final. */
            reverted: boolean;
            /** @example operator */
            role: string;
            status: components["schemas"]["Status"];
            /** @description Absent when it creates a contract. */
            to?: string | null;
            tx_hash?: string | null;
            updated_at: string;
            urgency: components["schemas"]["Urgency"];
            /**
             * @description Wei.
             * @example 1000000000000000
             */
            value: string;
            /** @description Who sends it; absent until a wallet takes it. */
            wallet?: string | null;
        };
        /** @description What the signer wants approved before it signs. */
        TransactionApproval: {
            /** @description Digest of what is approved: key, chain, receiver, value and data; neither nonce nor fees. */
            act: string;
            /**
             * Format: int64
             * @description How long an approval may last, in seconds.
             */
            expires_seconds_max: number;
            /** @description Approvals that were brought, oldest first. */
            given: components["schemas"]["GivenApproval"][];
            /** @description What it is the digest of, as `stoa signer approve --intent` reads it. */
            intent: Record<string, never>;
            /** Format: int32 */
            needed: number;
            /** @description Addresses of those who may approve, and how many of them must. */
            operators: string[];
            policy: string;
            /** @description Why approvals that the signer saw did not count. */
            refused: string[];
            /** @description The role whose rule wants it, in the signer's policy of the digest `policy`. */
            role: string;
            /** @description Since when the transaction waits for it; absent when it waits no more. */
            wanted_at?: string | null;
        };
        /** @description One signed form of a transaction. All attempts share the nonce. */
        TransactionAttempt: {
            /** Format: int32 */
            attempt: number;
            created_at: string;
            /** Format: int64 */
            gas_limit: number;
            /** @description Wei per gas. */
            max_fee: string;
            max_priority_fee: string;
            /** Format: int64 */
            nonce: number;
            /** @description What nodes said when they got it: `accepted`, `rejected` or `unknown`. */
            sent?: string | null;
            sent_at?: string | null;
            sent_error?: string | null;
            /** @description Absent until it is signed. */
            tx_hash?: string | null;
            /** @description Not the call, but a zero transfer that uses the nonce up. */
            void: boolean;
            wallet: string;
        };
        /** @description A transaction with all that was done for it. */
        TransactionDetail: components["schemas"]["Transaction"] & {
            approval?: components["schemas"]["TransactionApproval"] | null;
            attempts: components["schemas"]["TransactionAttempt"][];
            call?: components["schemas"]["DecodedCall"] | null;
            /** @description The declared undo: target, value and calldata. */
            compensation?: Record<string, never> | null;
            failure?: components["schemas"]["CallFailure"] | null;
            /** @description Calldata, or creation code; cut after 128 KiB. */
            input: string;
        };
        /** @description The history of one transaction, oldest first. */
        TransactionFacts: {
            facts: components["schemas"]["Fact"][];
        };
        /** @description One page of transactions. */
        TransactionList: {
            items: components["schemas"]["Transaction"][];
            next_cursor?: string | null;
        };
        /** @description What a call would do and cost at the head. */
        TransactionQuote: {
            /** @description Wei per gas; absent on chains without. */
            base_fee?: string | null;
            /** Format: int64 */
            chain_id: number;
            failure?: components["schemas"]["CallFailure"] | null;
            /** @description Wei: what it would cost in the next block, L1 included; the value comes on top. */
            fee_likely?: string | null;
            /** @description Wei: what it could cost at the very most. */
            fee_max?: string | null;
            from: string;
            /**
             * Format: int64
             * @description This and what follows is absent when the call fails.
             */
            gas_estimate?: number | null;
            /**
             * Format: int64
             * @description What the transaction would be given.
             */
            gas_limit?: number | null;
            input: string;
            /** @description Wei: what a rollup takes for publishing on L1. */
            l1_fee?: string | null;
            /** @description Wei per gas: what would be offered, by the urgency. */
            max_fee?: string | null;
            max_priority_fee?: string | null;
            return_data?: string | null;
            /** @description What the function answers, decoded. */
            returns?: Record<string, never> | null;
            /** @description The call goes through. */
            succeeds: boolean;
            to: string;
            value: string;
        };
        /** @description A transaction to be sent. */
        TransactionRequest: {
            args?: Record<string, never> | null;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id?: number | null;
            compensation?: components["schemas"]["CallRequest"] | null;
            contract?: string | null;
            /** @description RFC 3339: when it is not mined by then, it ends as `expired`. */
            deadline?: string | null;
            /**
             * @description Wei per gas: it never offers more. The chain's own cap holds as well.
             * @example 50000000000
             */
            fee_cap?: string | null;
            function?: string | null;
            /** Format: int64 */
            gas_limit?: number | null;
            /**
             * @description RFC 3339: not sent before.
             * @example 2026-11-20T12:00:00Z
             */
            not_before?: string | null;
            on_failure?: components["schemas"]["OnFailure"] | null;
            /**
             * @description Transactions with one key go out from one wallet, in the order of acceptance.
             * @example account-17
             */
            ordering_key?: string | null;
            /**
             * Format: int32
             * @description -1000 to 1000, higher goes first; a step is worth 30 seconds of waiting.
             */
            priority?: number | null;
            /**
             * @description Which wallets may send it; the first role for calls when absent.
             * @example operator
             */
            role?: string | null;
            /** @example 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed */
            to?: string | null;
            urgency?: components["schemas"]["Urgency"] | null;
            /** @example 1000000000000000 */
            value?: string | null;
            /** @description The one wallet of the role that must send it. */
            wallet?: string | null;
        };
        /** @description One change of owner. A mint comes from the zero address, a burn goes to it. */
        Transfer: {
            block: components["schemas"]["Block"];
            from: string;
            /** Format: int32 */
            log_index: number;
            mined_at: string;
            to: string;
            tx_hash: string;
        };
        /** @description One page of transfers. */
        TransferList: {
            as_of?: components["schemas"]["Block"] | null;
            items: components["schemas"]["ItemTransfer"][];
            next_cursor?: string | null;
        };
        /** @description A picture in the content store. */
        Upload: {
            /** @example bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi */
            cid: string;
            /**
             * Format: int32
             * @example 3024
             */
            height: number;
            /**
             * @description Told by content, not by name.
             * @example image/jpeg
             */
            media_type: string;
            preview?: components["schemas"]["Preview"] | null;
            /**
             * Format: int64
             * @description Bytes.
             * @example 2345678
             */
            size: number;
            /** @example ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi */
            uri: string;
            /**
             * Format: int32
             * @description Pixels, as shown.
             * @example 4032
             */
            width: number;
        };
        /** @description The form of an upload. */
        UploadForm: {
            /**
             * Format: binary
             * @description PNG, JPEG, GIF or WebP, at most 20 MB.
             */
            file: string;
        };
        /**
         * @description How soon a transaction should be mined, within its fee cap.
         * @enum {string}
         */
        Urgency: "low" | "normal" | "high" | "urgent";
        /** @description An account of the engine on one chain. */
        Wallet: {
            address: string;
            /** @description Wei on chain; absent when the node does not tell. */
            balance?: string | null;
            /**
             * Format: int64
             * @example 31337
             */
            chain_id: number;
            /**
             * Format: int64
             * @description The next nonce on chain; absent when the node does not tell.
             */
            chain_nonce?: number | null;
            /**
             * Format: int32
             * @description Nonces that are given out and not mined.
             */
            in_flight: number;
            /** Format: int32 */
            in_flight_max: number;
            /**
             * Format: int32
             * @description Number of the key in its role, in the signer.
             */
            key_index?: number | null;
            lane?: components["schemas"]["WalletLane"] | null;
            /**
             * Format: int64
             * @description The next nonce that the engine will give out.
             */
            next_nonce?: number | null;
            /**
             * Format: int32
             * @description Transactions that are not final yet.
             */
            open: number;
            paused_at?: string | null;
            /** @description Why its lane takes nothing just now. */
            paused_reason?: string | null;
            /** @example operator */
            role: string;
            state: components["schemas"]["WalletState"];
        };
        /** @description Nothing needs to be said. */
        WalletChangeRequest: Record<string, never>;
        /** @description Who serves a wallet. */
        WalletLane: {
            /** Format: int64 */
            epoch: number;
            expires_at: string;
            /** Format: uuid */
            holder: string;
        };
        /** @description All wallets that match. */
        WalletList: {
            items: components["schemas"]["Wallet"][];
        };
        /** @description Another wallet for a role. */
        WalletRequest: {
            /**
             * Format: int64
             * @example 31337
             */
            chain_id?: number | null;
            /** @example operator */
            role: string;
        };
        /** @description A wallet and the one that takes its place. */
        WalletRotation: {
            new: components["schemas"]["Wallet"];
            old: components["schemas"]["Wallet"];
        };
        /**
         * @description What a wallet may do.
         * @enum {string}
         */
        WalletState: "active" | "paused" | "retiring" | "retired";
        /** @description An endpoint. */
        Webhook: {
            addresses: string[];
            chain_ids: number[];
            contracts: string[];
            created_at: string;
            description: string;
            events: string[];
            /** @description Since when every attempt has failed. */
            failing_since?: string | null;
            /** Format: uuid */
            id: string;
            /**
             * Format: int64
             * @description Deliveries that wait.
             * @example 0
             */
            pending: number;
            positions: components["schemas"]["WebhookPosition"][];
            /** @description Until then deliveries are signed by the secret before, too. */
            previous_secret_until?: string | null;
            /**
             * @description Of `ed25519`.
             * @example whpk_1dPFZPmCOMyMdG0BHTGJGcIdTJhSmCp0Q1/ZQWCVkPI=
             */
            public_key?: string | null;
            reason?: components["schemas"]["WebhookReason"] | null;
            /**
             * @description In the answer that made it and nowhere else: keep it.
             * @example whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD
             */
            secret?: string | null;
            /**
             * Format: int32
             * @description Rises with each rotation.
             * @example 1
             */
            secret_version: number;
            signature: components["schemas"]["WebhookSignature"];
            state: components["schemas"]["WebhookState"];
            topics: string[];
            updated_at: string;
            /** @example https://shop.example.org/hooks/stoa */
            url: string;
        };
        /**
         * @description What is to change about an endpoint; what is absent stays, and lists take the place of those
         *     that there are.
         */
        WebhookChange: {
            addresses?: string[] | null;
            chain_ids?: number[] | null;
            contracts?: string[] | null;
            description?: string | null;
            events?: string[] | null;
            state?: components["schemas"]["WebhookSwitch"] | null;
            topics?: string[] | null;
            url?: string | null;
        };
        /** @description What is sent: the body of a delivery. */
        WebhookEvent: {
            data: components["schemas"]["WebhookFact"];
            /** @description When it was recorded; when it was sent says `webhook-timestamp`. */
            timestamp: string;
            /**
             * @description Kind of the fact; `test` for one that only tries the endpoint.
             * @example item_minted
             */
            type: string;
        };
        /** @description A fact as `GET /api/v1/facts` shows it, but for what depends on who asks and when. */
        WebhookFact: {
            at: string;
            block?: components["schemas"]["Block"] | null;
            data: Record<string, never>;
            /**
             * Format: int64
             * @example 1
             */
            epoch: number;
            /** @example item_minted */
            kind: string;
            /**
             * Format: int64
             * @example 42
             */
            seq: number;
            /** @example items */
            topic: string;
            type: components["schemas"]["FactType"];
        };
        /** @description One page of endpoints. */
        WebhookList: {
            items: components["schemas"]["Webhook"][];
            next_cursor?: string | null;
        };
        /** @description How far a topic was looked through for an endpoint. */
        WebhookPosition: {
            /** @description It catches up by itself: too much waited, it was not active, or it is told again. */
            behind: boolean;
            /**
             * Format: int64
             * @example 1
             */
            epoch: number;
            /**
             * Format: int64
             * @description Number of the topic's latest fact.
             * @example 42
             */
            head: number;
            /**
             * Format: int64
             * @description Facts up to this number were sent, wait to be, or were not wanted.
             * @example 41
             */
            seq: number;
            /** @example items */
            topic: string;
        };
        /**
         * @description Why we disabled an endpoint.
         * @enum {string}
         */
        WebhookReason: "gone" | "failing";
        /** @description An endpoint to make. */
        WebhookRequest: {
            /** @description Only facts in which one of these is owner, sender, recipient or creator. */
            addresses?: string[] | null;
            /** @description Only facts of these chains. */
            chain_ids?: number[] | null;
            /** @description Only facts of these contracts. */
            contracts?: string[] | null;
            /** @example orders */
            description?: string | null;
            /**
             * @description Kinds of facts; with `*` at the end all that begin so. None: every kind.
             * @example [
             *       "mint_status_changed",
             *       "item_*"
             *     ]
             */
            events?: string[] | null;
            signature?: components["schemas"]["WebhookSignature"];
            /**
             * @description `items`, `transfers`, `collections`, `chain`, `mints` (your own), `transactions`
             *     (operators).
             * @example [
             *       "mints",
             *       "items"
             *     ]
             */
            topics: string[];
            /**
             * @description `https`, on port 443, 80 or above 1023, at a public address.
             * @example https://shop.example.org/hooks/stoa
             */
            url: string;
        };
        /** @description Nothing more has to be said. */
        WebhookRotation: Record<string, never>;
        /**
         * @description How deliveries are signed (Standard Webhooks 1.0).
         * @enum {string}
         */
        WebhookSignature: "hmac" | "ed25519";
        /**
         * @description Whether an endpoint is told.
         * @enum {string}
         */
        WebhookState: "active" | "paused" | "disabled";
        /**
         * @description What an owner may set.
         * @enum {string}
         */
        WebhookSwitch: "active" | "paused";
        /** @description What came of an event of type `test`. */
        WebhookTrial: {
            /**
             * Format: uuid
             * @description As sent in `webhook-id`.
             */
            id: string;
            /**
             * Format: int32
             * @example 34
             */
            latency_ms: number;
            outcome: components["schemas"]["DeliveryOutcome"];
            /** @description The first 1,024 characters of what came back. */
            response: string;
            /**
             * Format: int32
             * @example 200
             */
            status?: number | null;
        };
    };
    responses: {
        /** @description `query_invalid`: The query is not valid. `cursor_invalid`: The cursor is not valid. `content_digest_invalid`: Content-Digest is not valid. */
        "refused-400-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `query_invalid`: The query is not valid. `content_digest_invalid`: Content-Digest is not valid. */
        "refused-400-10": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `path_invalid`: The path is not valid. `query_invalid`: The query is not valid. `content_digest_invalid`: Content-Digest is not valid. */
        "refused-400-11": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_malformed`: The body is not valid JSON. `json_too_deep`: The JSON is nested too deeply. `idempotency_key_required`: Idempotency-Key is required. `idempotency_key_invalid`: Idempotency-Key is not valid. `content_digest_invalid`: Content-Digest is not valid. `content_digest_mismatch`: The body is not the one that was signed. */
        "refused-400-2": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `path_invalid`: The path is not valid. `content_digest_invalid`: Content-Digest is not valid. */
        "refused-400-3": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_malformed`: The body is not valid JSON. `json_too_deep`: The JSON is nested too deeply. `path_invalid`: The path is not valid. `content_digest_invalid`: Content-Digest is not valid. `content_digest_mismatch`: The body is not the one that was signed. */
        "refused-400-4": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_malformed`: The body is not valid JSON. `json_too_deep`: The JSON is nested too deeply. `path_invalid`: The path is not valid. `idempotency_key_required`: Idempotency-Key is required. `idempotency_key_invalid`: Idempotency-Key is not valid. `content_digest_invalid`: Content-Digest is not valid. `content_digest_mismatch`: The body is not the one that was signed. */
        "refused-400-5": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_malformed`: The body is not valid JSON. `json_too_deep`: The JSON is nested too deeply. */
        "refused-400-6": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_malformed`: The body is not valid JSON. `json_too_deep`: The JSON is nested too deeply. `content_digest_invalid`: Content-Digest is not valid. `content_digest_mismatch`: The body is not the one that was signed. */
        "refused-400-7": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `content_digest_invalid`: Content-Digest is not valid. */
        "refused-400-8": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `path_invalid`: The path is not valid. `query_invalid`: The query is not valid. `cursor_invalid`: The cursor is not valid. `content_digest_invalid`: Content-Digest is not valid. */
        "refused-400-9": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `key_missing`: An API key is required. `key_invalid`: The API key is not valid. `token_invalid`: The access token is not valid. `token_expired`: The access token has expired. `session_ended`: The session has ended. `request_signature_malformed`: The request's signature can't be read. `request_signature_incomplete`: The request's signature leaves something out. `request_signature_expired`: The request's signature is not of now. `request_signature_wrong`: The request's signature is not right. `request_signature_replayed`: The request was seen before. */
        "refused-401-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `key_invalid`: The API key is not valid. `token_invalid`: The access token is not valid. `token_expired`: The access token has expired. `session_ended`: The session has ended. `request_signature_malformed`: The request's signature can't be read. `request_signature_incomplete`: The request's signature leaves something out. `request_signature_expired`: The request's signature is not of now. `request_signature_wrong`: The request's signature is not right. `request_signature_replayed`: The request was seen before. */
        "refused-401-2": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `key_only`: Signed-in users may not do this. `scope_missing`: The API key lacks a scope. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. `operator_only`: Only operators may do this. */
        "refused-403-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `origin_refused`: Nobody signs in from there. `cross_origin`: The request does not come from a page of this engine. `user_only`: Only signed-in users may do this. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
        "refused-403-10": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `scope_missing`: The API key lacks a scope. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
        "refused-403-11": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `cross_origin`: The request does not come from a page of this engine. `minter_only`: Only who may mint on chain may do this. `scope_missing`: The API key lacks a scope. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
        "refused-403-12": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `key_only`: Signed-in users may not do this. `admin_only`: Only admins may do this. `scope_missing`: The API key lacks a scope. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
        "refused-403-13": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `cross_origin`: The request does not come from a page of this engine. `key_only`: Signed-in users may not do this. `admin_only`: Only admins may do this. `scope_missing`: The API key lacks a scope. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
        "refused-403-14": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `cross_origin`: The request does not come from a page of this engine. `key_only`: Signed-in users may not do this. `scope_missing`: The API key lacks a scope. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. `operator_only`: Only operators may do this. */
        "refused-403-2": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `key_only`: Signed-in users may not do this. `scope_missing`: The API key lacks a scope. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
        "refused-403-3": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `cross_origin`: The request does not come from a page of this engine. `key_only`: Signed-in users may not do this. `scope_missing`: The API key lacks a scope. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. `api_key_exceeds`: The key can do more than yours. */
        "refused-403-4": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `origin_refused`: Nobody signs in from there. */
        "refused-403-5": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `cross_origin`: The request does not come from a page of this engine. `user_only`: Only signed-in users may do this. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
        "refused-403-6": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `user_only`: Only signed-in users may do this. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
        "refused-403-7": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
        "refused-403-8": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `cross_origin`: The request does not come from a page of this engine. `key_only`: Signed-in users may not do this. `scope_missing`: The API key lacks a scope. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
        "refused-403-9": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `chain_unknown`: The chain is not known here. */
        "refused-404-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `chain_unknown`: The chain is not known here. `abi_unknown`: No ABI is known for the contract. `contract_unknown`: There is no contract with this name. `wallet_unknown`: The wallet is not known. */
        "refused-404-10": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `transaction_unknown`: The transaction is not known. */
        "refused-404-11": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `chain_unknown`: The chain is not known here. `wallet_unknown`: The wallet is not known. */
        "refused-404-12": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `webhook_unknown`: The webhook is not known. */
        "refused-404-13": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `chain_unknown`: The chain is not known here. `abi_unknown`: No ABI is known for the contract. */
        "refused-404-2": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `api_key_unknown`: The API key is not known. */
        "refused-404-3": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `provider_absent`: There is no identity provider here. */
        "refused-404-4": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `chain_unknown`: The chain is not known here. `challenge_unknown`: The message was not asked for here. */
        "refused-404-5": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `chain_unknown`: The chain is not known here. `contract_not_followed`: The contract is not followed. */
        "refused-404-6": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `chain_unknown`: The chain is not known here. `collection_unknown`: The collection is not known here. */
        "refused-404-7": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `chain_unknown`: The chain is not known here. `item_unknown`: The item is not known. `contract_not_followed`: The contract is not followed. */
        "refused-404-8": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `principal_unknown`: The principal is not known. */
        "refused-404-9": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `request_timeout`: The request took too long. */
        "refused-408-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `request_timeout`: The request took too long. */
        "refused-408-2": {
            headers: {
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `idempotency_in_progress`: The request is being worked on. */
        "refused-409-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `chain_read_only`: The chain is only read here. `idempotency_in_progress`: The request is being worked on. `wallet_state`: The wallet's state does not allow it. */
        "refused-409-2": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `idempotency_in_progress`: The request is being worked on. `illegal_transition`: The status does not allow it. `transaction_owned`: The transaction belongs to a product. */
        "refused-409-3": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `chain_read_only`: The chain is only read here. `idempotency_in_progress`: The request is being worked on. `wallet_state`: The wallet's state does not allow it. `signer_refused`: The signer does not allow it. */
        "refused-409-4": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `block_outside_window`: The block is too old to go back to. */
        "refused-410-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_too_large`: The body is too large. */
        "refused-413-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `uri_too_long`: The address is too long. */
        "refused-414-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `uri_too_long`: The address is too long. */
        "refused-414-2": {
            headers: {
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `content_type_unsupported`: The content type is not supported. */
        "refused-415-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. */
        "refused-422-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `transaction_invalid`: The transaction can't be like that. */
        "refused-422-10": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. */
        "refused-422-11": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. */
        "refused-422-12": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_invalid`: The body does not have the right shape. `webhook_invalid`: The webhook can't be like that. */
        "refused-422-13": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `api_key_invalid`: The API key can't be like that. */
        "refused-422-2": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_invalid`: The body does not have the right shape. `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. */
        "refused-422-3": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_invalid`: The body does not have the right shape. */
        "refused-422-4": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_invalid`: The body does not have the right shape. `message_malformed`: The text is no sign-in message. `message_refused`: The message is not the one that was asked for. `wallet_signature_invalid`: The signature is not the wallet's. */
        "refused-422-5": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. `token_id_invalid`: This is not a token id. */
        "refused-422-6": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `profile_invalid`: The profile can't be like that. `body_invalid`: The body does not have the right shape. */
        "refused-422-7": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. `status_unknown`: There is no such status. */
        "refused-422-8": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. `transaction_invalid`: The transaction can't be like that. `function_unknown`: The contract has no such function. `arguments_invalid`: The arguments do not fit the function. */
        "refused-422-9": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `rate_limited`: You have called too often. */
        "refused-429-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `challenges_too_many`: Too many messages were asked for. `rate_limited`: You have called too often. */
        "refused-429-2": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `headers_too_large`: The headers are too large. */
        "refused-431-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `headers_too_large`: The headers are too large. */
        "refused-431-2": {
            headers: {
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `internal`: Something broke on our side. */
        "refused-500-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `internal`: Something broke on our side. */
        "refused-500-2": {
            headers: {
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `overloaded`: Too much is under way. `unavailable`: A part that this needs can't be reached. */
        "refused-503-1": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `provider_unavailable`: The identity provider does not help. `overloaded`: Too much is under way. `unavailable`: A part that this needs can't be reached. */
        "refused-503-2": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `overloaded`: Too much is under way. `unavailable`: A part that this needs can't be reached. `signature_unchecked`: The chain does not tell whether it is signed. */
        "refused-503-3": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `overloaded`: Too much is under way. `unavailable`: A part that this needs can't be reached. `block_not_indexed`: The index has not come to the block. `source_backfilling`: The contract is not indexed to the end yet. */
        "refused-503-4": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `overloaded`: Too much is under way. `unavailable`: A part that this needs can't be reached. `role_unchecked`: The chain does not tell who may mint. */
        "refused-503-5": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
        /** @description `overloaded`: Too much is under way. `queue_full`: Too many transactions wait. `unavailable`: A part that this needs can't be reached. */
        "refused-503-6": {
            headers: {
                RateLimit: components["headers"]["RateLimit"];
                "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                "x-request-id": components["headers"]["x-request-id"];
                [name: string]: unknown;
            };
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: {
        /**
         * @description `r` units are left; after `t` seconds all are there again.
         * @example "key";r=599995;t=1
         */
        RateLimit: string;
        /**
         * @description What is allowed to whoever was charged: `q` units in `w` seconds.
         * @example "key";q=600000;w=60
         */
        "RateLimit-Policy": string;
        /** @description Id of the request: yours if you sent a sane one, else a UUIDv7. */
        "x-request-id": string;
    };
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    list_token_keys: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The keys */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenKeys"];
                };
            };
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_abis: {
        parameters: {
            query?: {
                chain_id?: number;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AbiList"];
                };
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-1"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    store_abi: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AbiRequest"];
            };
        };
        responses: {
            /** @description The contract */
            201: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AbiDetail"];
                };
            };
            400: components["responses"]["refused-400-2"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            /** @description `idempotency_in_progress`: The request is being worked on. `abi_exists`: The contract has an ABI, or the name is taken. `abi_built_in`: The contract is the engine's own. `abi_limit_reached`: There are too many ABIs. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. `abi_invalid`: The ABI can't be used. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_abi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the contract */
                address: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The contract */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AbiDetail"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-1"];
            404: components["responses"]["refused-404-2"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    delete_abi: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the contract */
                address: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is forgotten */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-2"];
            408: components["responses"]["refused-408-1"];
            /** @description `abi_built_in`: The contract is the engine's own. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_api_keys: {
        parameters: {
            query?: {
                /** @description Only keys of this principal. */
                principal_id?: string;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKeyList"];
                };
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-3"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    create_api_key: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApiKeyRequest"];
            };
        };
        responses: {
            /** @description The key with its secret */
            201: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IssuedApiKey"];
                };
            };
            400: components["responses"]["refused-400-2"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-4"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-2"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_api_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the key */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-3"];
            404: components["responses"]["refused-404-3"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    revoke_api_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the key */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is revoked */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-4"];
            404: components["responses"]["refused-404-3"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    change_api_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the key */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApiKeyChange"];
            };
        };
        responses: {
            /** @description The key */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ApiKey"];
                };
            };
            400: components["responses"]["refused-400-4"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-4"];
            404: components["responses"]["refused-404-3"];
            408: components["responses"]["refused-408-1"];
            /** @description `api_key_revoked`: The API key is revoked. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `api_key_invalid`: The API key can't be like that. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    rotate_api_key: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description Id of the key */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApiKeyRotation"];
            };
        };
        responses: {
            /** @description The key with its secret */
            200: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["IssuedApiKey"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-4"];
            404: components["responses"]["refused-404-3"];
            408: components["responses"]["refused-408-1"];
            /** @description `idempotency_in_progress`: The request is being worked on. `api_key_revoked`: The API key is revoked. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-2"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_audit_records: {
        parameters: {
            query?: {
                /** @description Only what this principal did. */
                principal_id?: string;
                /**
                 * @description Only in the name of this action of the policy.
                 * @example change_wallet
                 */
                action?: string;
                /**
                 * @description Only about things of this kind.
                 * @example wallet
                 */
                object?: string;
                /** @description Only about this one. */
                object_id?: string;
                /**
                 * @description Only what was recorded then or later. RFC 3339.
                 * @example 2026-11-01T00:00:00Z
                 */
                from?: string;
                /**
                 * @description Only what was recorded before. RFC 3339.
                 * @example 2026-12-01T00:00:00Z
                 */
                to?: string;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditRecordList"];
                };
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-1"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    ask_challenge: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChallengeRequest"];
            };
        };
        responses: {
            /** @description What to sign */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInChallenge"];
                };
            };
            400: components["responses"]["refused-400-6"];
            403: components["responses"]["refused-403-5"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-3"];
            429: components["responses"]["refused-429-2"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    log_out: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshRequest"];
            };
        };
        responses: {
            /** @description Logged out */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-7"];
            /** @description `key_missing`: An API key is required. `key_invalid`: The API key is not valid. `token_invalid`: The access token is not valid. `token_expired`: The access token has expired. `session_ended`: The session has ended. `refresh_token_invalid`: The refresh token is not valid. `request_signature_malformed`: The request's signature can't be read. `request_signature_incomplete`: The request's signature leaves something out. `request_signature_expired`: The request's signature is not of now. `request_signature_wrong`: The request's signature is not right. `request_signature_replayed`: The request was seen before. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: components["responses"]["refused-403-6"];
            408: components["responses"]["refused-408-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-4"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    finish_staff_sign_in: {
        parameters: {
            query: {
                state: string;
                code?: string;
                /** @description In the place of a code. */
                error?: string;
                /** @description RFC 9207. */
                iss?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Signed in, in mode `token` */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionTokens"];
                };
            };
            /** @description Signed in, in mode `cookie`: to the page */
            303: {
                headers: {
                    /** @description The page */
                    Location?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `query_invalid`: The query is not valid. `provider_state_invalid`: This browser asked for no such sign-in. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `origin_refused`: Nobody signs in from there. `staff_only`: No role is yours here. `provider_denied`: The provider did not sign you in. */
            403: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            404: components["responses"]["refused-404-4"];
            408: components["responses"]["refused-408-1"];
            /** @description `provider_state_spent`: This sign-in was finished before. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["refused-414-1"];
            /** @description `provider_code_refused`: The provider refuses the code. `provider_token_refused`: The provider's token is not taken. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-2"];
        };
    };
    start_staff_sign_in: {
        parameters: {
            query?: {
                /** @description `cookie` when absent. */
                mode?: components["schemas"]["SessionMode"];
                /** @description Where the session is to be of: one of the configured origins; the first when absent. */
                origin?: string;
                /**
                 * @description Of mode `cookie`: where the browser goes afterwards, a path below the origin. `/` when
                 *     absent.
                 */
                return_to?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description To the provider */
            303: {
                headers: {
                    /** @description Where the provider asks who they are */
                    Location?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description `query_invalid`: The query is not valid. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            403: components["responses"]["refused-403-5"];
            404: components["responses"]["refused-404-4"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-2"];
        };
    };
    refresh_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RefreshRequest"];
            };
        };
        responses: {
            /** @description The next tokens */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionTokens"];
                };
            };
            400: components["responses"]["refused-400-6"];
            /** @description `refresh_token_invalid`: The refresh token is not valid. `refresh_token_reused`: The refresh token was used before. */
            401: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description `origin_refused`: Nobody signs in from there. `cross_origin`: The request does not come from a page of this engine. */
            403: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-4"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_sessions: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionList"];
                };
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-7"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    open_session: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SignInRequest"];
            };
        };
        responses: {
            /** @description Signed in */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionTokens"];
                };
            };
            400: components["responses"]["refused-400-6"];
            403: components["responses"]["refused-403-5"];
            404: components["responses"]["refused-404-5"];
            408: components["responses"]["refused-408-1"];
            /** @description `challenge_spent`: The message was used before. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-5"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-3"];
        };
    };
    end_other_sessions: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How many have ended */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SessionsEnded"];
                };
            };
            400: components["responses"]["refused-400-8"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-6"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    end_session: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the session */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It has ended */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-6"];
            /** @description `session_unknown`: The session is not known. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_balances: {
        parameters: {
            query?: {
                /** @description The default chain when absent. */
                chain_id?: number;
                /** @description Address of who has them. */
                account?: string;
                /** @description Address of a followed ERC-20 or ERC-1155. */
                contract?: string;
                /** @description Of an ERC-1155; together with `contract`. */
                token_id?: string;
                /** @description Answer only once the index has come to this block; waits at most 3 seconds. */
                wait_for_block?: number;
                /**
                 * @description How things were after this block, which has to lie in the reorg window; a later one is
                 *     waited for.
                 */
                as_of_block?: number;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["BalanceList"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            404: components["responses"]["refused-404-6"];
            408: components["responses"]["refused-408-1"];
            410: components["responses"]["refused-410-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-6"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-4"];
        };
    };
    list_collections: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CollectionList"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    request_collection: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CollectionRequest"];
            };
        };
        responses: {
            /** @description The collection to be */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collection"];
                };
            };
            400: components["responses"]["refused-400-2"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            /** @description `chain_read_only`: The chain is only read here. `idempotency_in_progress`: The request is being worked on. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. `collection_invalid`: The collection can't be like that. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_collection: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the collection */
                contract: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The collection */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collection"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            404: components["responses"]["refused-404-7"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_traits: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the contract */
                contract: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TraitList"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-9"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            404: components["responses"]["refused-404-6"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    follow_events: {
        parameters: {
            query: {
                /**
                 * @description One or several, separated by commas: `items`, `transfers`, `collections`, `chain`, `mints`, `transactions`. Other parameters than those named here are filters.
                 * @example items
                 */
                topic: string;
                /** @description Everything after this number; with one topic. */
                from_seq?: number;
                /** @description The numbering that `from_seq` is of. */
                epoch?: number;
            };
            header?: {
                /**
                 * @description The `id` of the last event.
                 * @example items=1.45
                 */
                "Last-Event-ID"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Events */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            400: components["responses"]["refused-400-10"];
            401: components["responses"]["refused-401-1"];
            /** @description `cross_origin`: The request does not come from a page of this engine. `scope_missing`: The API key lacks a scope. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
            403: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_facts: {
        parameters: {
            query: {
                /** @description `items`, `transfers`, `collections`, `chain`, `mints` (your own) or `transactions` (admin). */
                topic: string;
                /** @description Only facts numbered above this; 0 when absent. */
                after?: number;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
                /**
                 * @description Only facts of blocks that have this level or a higher one, none that a reorg took back. The
                 *     list ends before the first that has not come so far. Topics `items` and `transfers` only.
                 */
                level?: components["schemas"]["FactLevel"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Facts in order */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FactList"];
                };
            };
            400: components["responses"]["refused-400-10"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-1"];
            /** @description `topic_unknown`: There is no such topic. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_holders: {
        parameters: {
            query: {
                /** @description The default chain when absent. */
                chain_id?: number;
                /** @description Address of a collection, or of a followed contract. */
                contract: string;
                /** @description Needed of an ERC-1155. */
                token_id?: string;
                /** @description Answer only once the index has come to this block; waits at most 3 seconds. */
                wait_for_block?: number;
                /**
                 * @description How things were after this block, which has to lie in the reorg window; a later one is
                 *     waited for.
                 */
                as_of_block?: number;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["HolderList"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            404: components["responses"]["refused-404-6"];
            408: components["responses"]["refused-408-1"];
            410: components["responses"]["refused-410-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-6"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-4"];
        };
    };
    list_indexes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All chains that have an index */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ChainIndexList"];
                };
            };
            400: components["responses"]["refused-400-8"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_items: {
        parameters: {
            query?: {
                /** @description The default chain when absent. */
                chain_id?: number;
                /** @description Address of an owner. */
                owner?: string;
                /** @description Address of a collection, or of a followed ERC-721. */
                collection?: string;
                /** @description Answer only once the index has come to this block; waits at most 3 seconds. */
                wait_for_block?: number;
                /**
                 * @description How things were after this block, which has to lie in the reorg window; a later one is
                 *     waited for.
                 */
                as_of_block?: number;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
                /** @description `TYPE:VALUE`, as `Background:Blue`; may stand up to ten times, for items that have all of them. Only with `collection`, and not with `as_of_block`. A colon inside the type is `\:`. */
                trait?: string[];
            };
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ItemList"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            404: components["responses"]["refused-404-6"];
            408: components["responses"]["refused-408-1"];
            410: components["responses"]["refused-410-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-4"];
        };
    };
    get_item: {
        parameters: {
            query?: {
                /** @description Answer only once the index has come to this block; waits at most 3 seconds. */
                wait_for_block?: number;
            };
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the collection */
                contract: string;
                /**
                 * @description Decimal
                 * @example 17
                 */
                token_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The item */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ItemDetail"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-11"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            404: components["responses"]["refused-404-8"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-6"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-4"];
        };
    };
    get_token_metadata: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the contract */
                contract: string;
                /**
                 * @description Decimal
                 * @example 17
                 */
                token_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What is known */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TokenMetadata"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            404: components["responses"]["refused-404-8"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-6"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    refresh_token_metadata: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the contract */
                contract: string;
                /**
                 * @description Decimal
                 * @example 17
                 */
                token_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What becomes of it */
            202: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetadataRefresh"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            404: components["responses"]["refused-404-8"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-6"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_logs: {
        parameters: {
            query?: {
                /** @description The default chain when absent. */
                chain_id?: number;
                /** @description Address of the contract that told them. */
                address?: string;
                /** @description First topic: the hash of the event's signature. Together with `address`. */
                topic0?: string;
                /** @description Name of an event, of contracts whose logs are read by an ABI. */
                event?: string;
                /** @description Name of one of the event's arguments. Together with `event` and `value`. */
                argument?: string;
                /** @description Value of that argument, as `decoded` shows it: numbers in decimal. */
                value?: string;
                /** @description From this block on. */
                from_block?: number;
                /** @description Up to this block, which is not below `from_block`. */
                to_block?: number;
                /** @description Answer only once the index has come to this block; waits at most 3 seconds. */
                wait_for_block?: number;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LogList"];
                };
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            404: components["responses"]["refused-404-6"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-4"];
        };
    };
    get_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Oneself */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Profile"];
                };
            };
            400: components["responses"]["refused-400-8"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-7"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    change_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ProfileChangeRequest"];
            };
        };
        responses: {
            /** @description As it is now */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Profile"];
                };
            };
            400: components["responses"]["refused-400-7"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-6"];
            408: components["responses"]["refused-408-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-7"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_my_balances: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Balances of all wallets */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["OwnBalances"];
                };
            };
            400: components["responses"]["refused-400-8"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-7"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    ask_email: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EmailRequest"];
            };
        };
        responses: {
            /** @description A letter will go out */
            202: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-7"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-6"];
            /** @description `email_absent`: No mail is sent here. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-7"];
            /** @description `mails_too_many`: You have asked for too many letters. `rate_limited`: You have called too often. */
            429: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    forget_email: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is forgotten */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-8"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-6"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    verify_email: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["EmailCodeRequest"];
            };
        };
        responses: {
            /** @description Oneself, with the address */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Profile"];
                };
            };
            400: components["responses"]["refused-400-7"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-6"];
            408: components["responses"]["refused-408-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `email_code_invalid`: The code is not good. `body_invalid`: The body does not have the right shape. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_my_wallets: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All of them, 20 at most */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkedWalletList"];
                };
            };
            400: components["responses"]["refused-400-8"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-7"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    link_wallet: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LinkWalletRequest"];
            };
        };
        responses: {
            /** @description Linked */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LinkedWallet"];
                };
            };
            400: components["responses"]["refused-400-7"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-10"];
            404: components["responses"]["refused-404-5"];
            408: components["responses"]["refused-408-1"];
            /** @description `wallet_taken`: The wallet signs somebody else in. `wallet_limit_reached`: You have too many wallets. `challenge_spent`: The message was used before. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-5"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-3"];
        };
    };
    ask_link_challenge: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChallengeRequest"];
            };
        };
        responses: {
            /** @description What to sign */
            201: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SignInChallenge"];
                };
            };
            400: components["responses"]["refused-400-7"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-10"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-3"];
            429: components["responses"]["refused-429-2"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    unlink_wallet: {
        parameters: {
            query?: {
                /** @description Of a contract account: its chain. */
                contract_chain_id?: number;
            };
            header?: never;
            path: {
                /** @description Of the wallet */
                address: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is not theirs any more */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-11"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-6"];
            /** @description `wallet_not_linked`: The wallet is none of yours. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            /** @description `last_sign_in`: Nothing else signs you in. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    store_metadata: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Metadata"];
            };
        };
        responses: {
            /** @description Stored */
            201: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StoredMetadata"];
                };
            };
            /** @description `body_malformed`: The body is not valid JSON. `idempotency_key_required`: Idempotency-Key is required. `idempotency_key_invalid`: Idempotency-Key is not valid. `content_digest_invalid`: Content-Digest is not valid. `content_digest_mismatch`: The body is not the one that was signed. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `idempotency_key_reused`: The Idempotency-Key was used before. `metadata_invalid`: The metadata is not valid. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_metric_series: {
        parameters: {
            query?: {
                /**
                 * @description Names with commas between; all when absent.
                 * @example requests,errors
                 */
                names?: string;
                /**
                 * @description RFC 3339; an hour before `to` when absent. Samples are kept for a day.
                 * @example 2026-11-20T11:00:00Z
                 */
                from?: string;
                /**
                 * @description RFC 3339; now when absent.
                 * @example 2026-11-20T12:00:00Z
                 */
                to?: string;
                /**
                 * @description Seconds, 10 to 3600 in tens; 60 when absent. At most 1,000 steps in the window.
                 * @example 60
                 */
                step?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The series */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MetricSeriesList"];
                };
            };
            400: components["responses"]["refused-400-10"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-1"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_mints: {
        parameters: {
            query?: {
                status?: string;
                /** @description Address of a collection. */
                collection?: string;
                /** @description Address of a recipient. */
                to?: string;
                /** @description Of `collection`; the default chain when absent. */
                chain_id?: number;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MintList"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-11"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-8"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    request_mint: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MintRequest"];
            };
        };
        responses: {
            /** @description The job */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Mint"];
                };
            };
            400: components["responses"]["refused-400-2"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-12"];
            404: components["responses"]["refused-404-7"];
            408: components["responses"]["refused-408-1"];
            /** @description `chain_read_only`: The chain is only read here. `idempotency_in_progress`: The request is being worked on. `collection_not_ready`: The collection is not deployed yet. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. `recipient_zero`: The recipient is the zero address. `uri_not_representable`: The collection can't represent the URI. `uri_and_metadata`: Both `uri` and `metadata` were given. `metadata_invalid`: The metadata is not valid. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-5"];
        };
    };
    request_mints: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["MintBatchRequest"];
            };
        };
        responses: {
            /** @description The jobs, in the order asked for */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MintBatch"];
                };
            };
            400: components["responses"]["refused-400-2"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-12"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `mints_invalid`: Some of the mints can't be made. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-5"];
        };
    };
    get_mint: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path: {
                /** @description Id of the job */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Mint"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-11"];
            /** @description `mint_unknown`: The mint is not known. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_principals: {
        parameters: {
            query?: {
                kind?: components["schemas"]["PrincipalKind"];
                /** @description Only those with this role, granted and not over. */
                role?: components["schemas"]["Role"];
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PrincipalList"];
                };
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-13"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_principal: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the principal */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The principal */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Principal"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-13"];
            404: components["responses"]["refused-404-9"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    grant_role: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the principal */
                id: string;
                role: components["schemas"]["Role"];
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RoleGrantRequest"];
            };
        };
        responses: {
            /** @description The principal */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Principal"];
                };
            };
            400: components["responses"]["refused-400-4"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-14"];
            404: components["responses"]["refused-404-9"];
            408: components["responses"]["refused-408-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-4"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    end_role: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the principal */
                id: string;
                role: components["schemas"]["Role"];
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is not granted any more */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-14"];
            404: components["responses"]["refused-404-9"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_sponsored: {
        parameters: {
            query?: {
                sponsor_id?: string;
                /** @description Address of a user. */
                user?: string;
                status?: string;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SponsoredList"];
                };
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-3"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-8"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    request_sponsored: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SponsoredRequest"];
            };
        };
        responses: {
            /** @description The sponsored transaction */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SponsoredTransaction"];
                };
            };
            400: components["responses"]["refused-400-2"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            /** @description `chain_unknown`: The chain is not known here. `wallet_unknown`: The wallet is not known. `sponsor_unknown`: The sponsor is not known. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            /** @description `chain_read_only`: The chain is only read here. `idempotency_in_progress`: The request is being worked on. `wallet_state`: The wallet's state does not allow it. `sponsor_paused`: The sponsor is paused. `budget_exceeded`: The sponsor's budget does not hold it. `forward_nonce`: The request has another nonce than the next. `forward_request_seen`: The request was accepted before. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. `not_supported`: This is not supported yet. `forwarder_unknown`: The forwarder is not the engine's. `forward_request_invalid`: The request can't be like that. `signature_invalid`: The signature is not the user's. `call_not_sponsored`: The sponsor does not pay for this call. `target_untrusting`: The contract does not trust the forwarder. `call_fails`: The call fails. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-6"];
        };
    };
    prepare_sponsored: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PrepareRequest"];
            };
        };
        responses: {
            /** @description What is to be signed */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PreparedRequest"];
                };
            };
            400: components["responses"]["refused-400-7"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            /** @description `chain_unknown`: The chain is not known here. `abi_unknown`: No ABI is known for the contract. `contract_unknown`: There is no contract with this name. `wallet_unknown`: The wallet is not known. `sponsor_unknown`: The sponsor is not known. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            /** @description `chain_read_only`: The chain is only read here. `wallet_state`: The wallet's state does not allow it. `sponsor_paused`: The sponsor is paused. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. `transaction_invalid`: The transaction can't be like that. `function_unknown`: The contract has no such function. `arguments_invalid`: The arguments do not fit the function. `not_supported`: This is not supported yet. `forward_request_invalid`: The request can't be like that. `call_not_sponsored`: The sponsor does not pay for this call. `target_untrusting`: The contract does not trust the forwarder. `call_fails`: The call fails. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_sponsored: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the sponsored transaction */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description As it stands */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SponsoredTransaction"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-3"];
            /** @description `sponsored_unknown`: The sponsored transaction is not known. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_sponsors: {
        parameters: {
            query?: {
                chain_id?: number;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SponsorList"];
                };
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-3"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    create_sponsor: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SponsorRequest"];
            };
        };
        responses: {
            /** @description The sponsor */
            201: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sponsor"];
                };
            };
            400: components["responses"]["refused-400-2"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            /** @description `chain_read_only`: The chain is only read here. `idempotency_in_progress`: The request is being worked on. `sponsor_exists`: The name is taken. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `sponsor_invalid`: The sponsor can't be like that. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_sponsor: {
        parameters: {
            query?: {
                /** @description Address of a user. */
                user?: string;
            };
            header?: never;
            path: {
                /** @description Id of the sponsor */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The sponsor */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sponsor"];
                };
            };
            400: components["responses"]["refused-400-11"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-3"];
            /** @description `sponsor_unknown`: The sponsor is not known. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    change_sponsor: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the sponsor */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SponsorChange"];
            };
        };
        responses: {
            /** @description The sponsor */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Sponsor"];
                };
            };
            400: components["responses"]["refused-400-4"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            /** @description `chain_unknown`: The chain is not known here. `sponsor_unknown`: The sponsor is not known. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            /** @description `chain_read_only`: The chain is only read here. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `sponsor_invalid`: The sponsor can't be like that. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    open_stream: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The stream is open */
            101: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-8"];
            401: components["responses"]["refused-401-2"];
            /** @description `cross_origin`: The request does not come from a page of this engine. `request_signature_required`: The request must be signed. `place_refused`: The API key may not be used from there. */
            403: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            /** @description `upgrade_required`: This path speaks WebSocket only. */
            426: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_transactions: {
        parameters: {
            query?: {
                chain_id?: number;
                status?: string;
                kind?: string;
                role?: string;
                /** @description Address of a wallet. */
                wallet?: string;
                ordering_key?: string;
                /** @description RFC 3339: only those asked for at this time or later. */
                since?: string;
                /** @description `true`: only those that wait for operators' approvals; `false`: only the others. */
                awaiting_approval?: boolean;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransactionList"];
                };
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-1"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            /** @description `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. `status_unknown`: There is no such status. `transaction_invalid`: The transaction can't be like that. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    request_transaction: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TransactionRequest"];
            };
        };
        responses: {
            /** @description The job */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transaction"];
                };
            };
            400: components["responses"]["refused-400-2"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-10"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-2"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-9"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-6"];
        };
    };
    quote_transaction: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QuoteRequest"];
            };
        };
        responses: {
            /** @description What it would do and cost */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransactionQuote"];
                };
            };
            400: components["responses"]["refused-400-7"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-10"];
            408: components["responses"]["refused-408-1"];
            /** @description `chain_read_only`: The chain is only read here. `wallet_state`: The wallet's state does not allow it. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `address_invalid`: This is not an address. `address_checksum`: The checksum of the address is wrong. `transaction_invalid`: The transaction can't be like that. `function_unknown`: The contract has no such function. `arguments_invalid`: The arguments do not fit the function. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_transaction: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the transaction */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The transaction */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransactionDetail"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-1"];
            404: components["responses"]["refused-404-11"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    approve_transaction: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description Id of the transaction */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApprovalRequest"];
            };
        };
        responses: {
            /** @description As it is now */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transaction"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-11"];
            408: components["responses"]["refused-408-1"];
            /** @description `idempotency_in_progress`: The request is being worked on. `approval_not_wanted`: The transaction waits for no approval. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `approval_invalid`: The approval is not of this act. `approval_not_by_operator`: Another must approve. `approval_expired`: The approval does not last as it should. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    cancel_transaction: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description Id of the transaction */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CancelRequest"];
            };
        };
        responses: {
            /** @description As it is now */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transaction"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-11"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-3"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-10"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_transaction_facts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the transaction */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Its facts */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransactionFacts"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-1"];
            404: components["responses"]["refused-404-11"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    redrive_transaction: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description Id of the transaction */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RedriveRequest"];
            };
        };
        responses: {
            /** @description As it is now */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transaction"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-11"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-3"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-10"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    replace_transaction: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description Id of the transaction */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TransactionRequest"];
            };
        };
        responses: {
            /** @description The one that takes its place */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transaction"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            /** @description `chain_unknown`: The chain is not known here. `abi_unknown`: No ABI is known for the contract. `contract_unknown`: There is no contract with this name. `transaction_unknown`: The transaction is not known. `wallet_unknown`: The wallet is not known. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            /** @description `chain_read_only`: The chain is only read here. `idempotency_in_progress`: The request is being worked on. `illegal_transition`: The status does not allow it. `transaction_owned`: The transaction belongs to a product. `wallet_state`: The wallet's state does not allow it. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-9"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    speed_up_transaction: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description Id of the transaction */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SpeedUpRequest"];
            };
        };
        responses: {
            /** @description As it is now */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transaction"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-11"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-3"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-10"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_transfers: {
        parameters: {
            query?: {
                /** @description The default chain when absent. */
                chain_id?: number;
                /** @description Address of a collection, or of a followed ERC-721 or ERC-1155. */
                contract?: string;
                /** @description Together with `contract`. */
                token_id?: string;
                /** @description Address of a sender or recipient. */
                account?: string;
                /** @description From this block on. */
                from_block?: number;
                /** @description Up to this block, which is not below `from_block`. */
                to_block?: number;
                /** @description Answer only once the index has come to this block; waits at most 3 seconds. */
                wait_for_block?: number;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: {
                /**
                 * @description Tags of answers that you have: 304 if the present one is among them.
                 * @example W/"3b6f2f0c9a1e4d5b8c7d6e5f4a3b2c1d"
                 */
                "If-None-Match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TransferList"];
                };
            };
            /** @description You have it: nothing has changed */
            304: {
                headers: {
                    /** @description Weak validator of the state shown. */
                    ETag?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-2"];
            403: components["responses"]["refused-403-8"];
            404: components["responses"]["refused-404-6"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-6"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-4"];
        };
    };
    upload_picture: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "multipart/form-data": components["schemas"]["UploadForm"];
            };
        };
        responses: {
            /** @description Stored */
            201: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Upload"];
                };
            };
            /** @description `multipart_malformed`: The form is not valid multipart/form-data. `upload_file_missing`: The form has no field `file`. `idempotency_key_required`: Idempotency-Key is required. `idempotency_key_invalid`: Idempotency-Key is not valid. `content_digest_invalid`: Content-Digest is not valid. `content_digest_mismatch`: The body is not the one that was signed. */
            400: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-1"];
            /** @description `body_too_large`: The body is too large. `upload_too_large`: The file is too large. */
            413: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `idempotency_key_reused`: The Idempotency-Key was used before. `upload_unsupported`: The file is not a picture that we take. `upload_truncated`: The picture is cut short. `upload_corrupt`: The picture is damaged. `upload_too_many_pixels`: The picture has too many pixels. `upload_too_many_frames`: The animation has too many frames. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_wallets: {
        parameters: {
            query?: {
                chain_id?: number;
                role?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All that match */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletList"];
                };
            };
            400: components["responses"]["refused-400-10"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-1"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    create_wallet: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WalletRequest"];
            };
        };
        responses: {
            /** @description The wallet */
            201: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Wallet"];
                };
            };
            400: components["responses"]["refused-400-2"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-1"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-4"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-11"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_wallet: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the wallet */
                address: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The wallet */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Wallet"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-1"];
            404: components["responses"]["refused-404-12"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            422: components["responses"]["refused-422-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    drain_wallet: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the wallet */
                address: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["DrainRequest"];
            };
        };
        responses: {
            /** @description The transfer */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Transaction"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-12"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-2"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-12"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    pause_wallet: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the wallet */
                address: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WalletChangeRequest"];
            };
        };
        responses: {
            /** @description As it is now */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Wallet"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-12"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-2"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-12"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    resume_wallet: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the wallet */
                address: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WalletChangeRequest"];
            };
        };
        responses: {
            /** @description As it is now */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Wallet"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-12"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-2"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-12"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    retire_wallet: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the wallet */
                address: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WalletChangeRequest"];
            };
        };
        responses: {
            /** @description As it is now */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Wallet"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-12"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-2"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-12"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    rotate_wallet: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /**
                 * @description EIP-155 chain id
                 * @example 31337
                 */
                chain_id: number;
                /** @description Address of the wallet */
                address: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WalletChangeRequest"];
            };
        };
        responses: {
            /** @description The old one and the new one */
            202: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WalletRotation"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-12"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-4"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-12"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_webhooks: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookList"];
                };
            };
            400: components["responses"]["refused-400-1"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-3"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    create_webhook: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookRequest"];
            };
        };
        responses: {
            /** @description The endpoint */
            201: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            400: components["responses"]["refused-400-2"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            408: components["responses"]["refused-408-1"];
            /** @description `idempotency_in_progress`: The request is being worked on. `webhook_limit_reached`: There are too many webhooks. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            /** @description `body_invalid`: The body does not have the right shape. `idempotency_key_reused`: The Idempotency-Key was used before. `webhook_invalid`: The webhook can't be like that. */
            422: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the endpoint */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The endpoint */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-3"];
            404: components["responses"]["refused-404-13"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    delete_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the endpoint */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is gone */
            204: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content?: never;
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            404: components["responses"]["refused-404-13"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    change_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the endpoint */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookChange"];
            };
        };
        responses: {
            /** @description The endpoint */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            400: components["responses"]["refused-400-4"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-2"];
            404: components["responses"]["refused-404-13"];
            408: components["responses"]["refused-408-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-13"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    list_deliveries: {
        parameters: {
            query?: {
                /** @description `ready`, `held`, `delivered` or `failed`. */
                state?: string;
                /** @description `next_cursor` of the page before, with the same filters. */
                cursor?: string;
                /** @description 1 to 200, 50 when absent. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @description Id of the endpoint */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One page */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["DeliveryList"];
                };
            };
            400: components["responses"]["refused-400-9"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-3"];
            404: components["responses"]["refused-404-13"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    retry_delivery: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the endpoint */
                id: string;
                /** @description Id of the delivery */
                delivery_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It will be sent */
            202: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Delivery"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            /** @description `webhook_unknown`: The webhook is not known. `delivery_unknown`: The delivery is not known. */
            404: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            408: components["responses"]["refused-408-1"];
            /** @description `webhook_state`: The webhook's state does not allow it. */
            409: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    replay_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the endpoint */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReplayRequest"];
            };
        };
        responses: {
            /** @description It is begun */
            202: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Replay"];
                };
            };
            400: components["responses"]["refused-400-4"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            404: components["responses"]["refused-404-13"];
            408: components["responses"]["refused-408-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-13"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    rotate_webhook_secret: {
        parameters: {
            query?: never;
            header?: {
                /**
                 * @description Unique per request; unchanged when it is sent again. Answers are replayed for 24 hours.
                 * @example 8e03978e-40d5-43e8-bc93-6894a57f9324
                 */
                "Idempotency-Key"?: string;
            };
            path: {
                /** @description Id of the endpoint */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookRotation"];
            };
        };
        responses: {
            /** @description The endpoint */
            201: {
                headers: {
                    /** @description `true` when the answer was given before. */
                    "Idempotent-Replayed"?: string;
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Webhook"];
                };
            };
            400: components["responses"]["refused-400-5"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            404: components["responses"]["refused-404-13"];
            408: components["responses"]["refused-408-1"];
            409: components["responses"]["refused-409-1"];
            413: components["responses"]["refused-413-1"];
            414: components["responses"]["refused-414-1"];
            415: components["responses"]["refused-415-1"];
            422: components["responses"]["refused-422-11"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    try_webhook: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Id of the endpoint */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What came of it */
            200: {
                headers: {
                    RateLimit: components["headers"]["RateLimit"];
                    "RateLimit-Policy": components["headers"]["RateLimit-Policy"];
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["WebhookTrial"];
                };
            };
            400: components["responses"]["refused-400-3"];
            401: components["responses"]["refused-401-1"];
            403: components["responses"]["refused-403-9"];
            404: components["responses"]["refused-404-13"];
            408: components["responses"]["refused-408-1"];
            414: components["responses"]["refused-414-1"];
            429: components["responses"]["refused-429-1"];
            431: components["responses"]["refused-431-1"];
            500: components["responses"]["refused-500-1"];
            503: components["responses"]["refused-503-1"];
        };
    };
    get_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Alive */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            408: components["responses"]["refused-408-2"];
            414: components["responses"]["refused-414-2"];
            431: components["responses"]["refused-431-2"];
            500: components["responses"]["refused-500-2"];
        };
    };
    get_metrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All metrics */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            408: components["responses"]["refused-408-2"];
            414: components["responses"]["refused-414-2"];
            431: components["responses"]["refused-431-2"];
            500: components["responses"]["refused-500-2"];
        };
    };
    get_readiness: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ready */
            200: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Readiness"];
                };
            };
            408: components["responses"]["refused-408-2"];
            414: components["responses"]["refused-414-2"];
            431: components["responses"]["refused-431-2"];
            500: components["responses"]["refused-500-2"];
            /** @description `not_ready`: The engine is not ready. */
            503: {
                headers: {
                    "x-request-id": components["headers"]["x-request-id"];
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    receive_fact: {
        parameters: {
            query?: never;
            header: {
                /**
                 * @description The same whenever the fact is sent to this endpoint.
                 * @example 8f1e6c0a-5b3d-8a4e-9c2f-3d7a1b5e9f00
                 */
                "webhook-id": string;
                /**
                 * @description When it was sent: Unix seconds.
                 * @example 1795300000
                 */
                "webhook-timestamp": string;
                /**
                 * @description `v1,` or `v1a,` and base64; several with a space between while secrets change.
                 * @example v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=
                 */
                "webhook-signature": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["WebhookEvent"];
            };
        };
        responses: {
            /** @description Nothing more is wanted: the endpoint is disabled */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Taken */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not taken: it is sent again by the schedule */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
