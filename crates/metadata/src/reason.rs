//! Why a document is not there: a closed list, shown to users and counted.

macro_rules! reasons {
    ($($name:ident, $text:literal, $ends:literal, $means:literal;)*) => {
        /// Why the metadata of a token could not be had.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        pub enum Reason {
            $(#[doc = $means] #[error($means)] $name,)*
        }

        impl Reason {
            /// All of them.
            pub const ALL: &[Reason] = &[$(Self::$name,)*];

            /// As it is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// No further try is made by itself: only a notice of the contract or a request
            /// for it brings one.
            #[must_use]
            pub const fn is_final(self) -> bool {
                match self { $(Self::$name => $ends,)* }
            }
        }
    };
}

reasons! {
    CallReverted, "call_reverted", true, "the contract has no URI for the token";
    UriMissing, "uri_missing", true, "the contract's URI is empty";
    UriMalformed, "uri_malformed", true, "the URI can't be read";
    UriTooLong, "uri_too_long", true, "the URI is too long";
    SchemeUnsupported, "scheme_unsupported", true, "the URI's scheme is not one of those followed";
    HttpRefused, "http_refused", true, "the URI is plain HTTP, which is not followed";
    CredentialsInUri, "credentials_in_uri", true, "the URI holds a user or a password";
    PortRefused, "port_refused", true, "the URI's port is not one of those followed";
    AddressRefused, "address_refused", true, "the URI leads to an address that is not public";
    AnswerUnusable, "answer_unusable", false, "no node could tell the URI";
    NameUnresolved, "name_unresolved", false, "the host's name has no address";
    Unreachable, "unreachable", false, "the host could not be reached";
    TimedOut, "timed_out", false, "the document did not arrive in time";
    NotFound, "not_found", false, "the host says that there is nothing";
    Forbidden, "forbidden", false, "the host does not give it to us";
    HostBusy, "host_busy", false, "the host takes no more requests for now";
    HostFailed, "host_failed", false, "the host met a fault";
    StatusUnexpected, "status_unexpected", false, "the host answered with an odd status";
    RedirectsTooMany, "redirects_too_many", false, "the host passed us on too often";
    RedirectMalformed, "redirect_malformed", false, "the host passed us on to nowhere";
    TooLarge, "too_large", false, "the document is too large";
    EncodingUnsupported, "encoding_unsupported", false, "the document's encoding can't be read";
    ContentMismatch, "content_mismatch", false, "the bytes are not those that the CID names";
    NotUtf8, "not_utf8", false, "the document is not UTF-8";
    NotJson, "not_json", false, "the document is no JSON";
    TooDeep, "too_deep", false, "the document is nested too deeply";
    NotAnObject, "not_an_object", false, "the document is no JSON object";
}

impl Reason {
    /// Does it speak against the host, rather than against the document?
    #[must_use]
    pub const fn blames_host(self) -> bool {
        matches!(
            self,
            Self::NameUnresolved
                | Self::Unreachable
                | Self::TimedOut
                | Self::HostBusy
                | Self::HostFailed
        )
    }
}
