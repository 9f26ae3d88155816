//! What the documents of tokens say, and having them read again.

use crate::{
    App, AppError, Caller, Field, Refusal,
    address::parse_address,
    read_balances::{Kind, kind},
    read_items::decimal,
    read_view::check_followed,
};
use auth::{Action, authorize};
use db::{
    PgConnection,
    token_metadata::{
        self,
        reads::{self, MetadataRow, TraitCount},
    },
};
use std::collections::HashMap;
use time::Duration;
use vocab::{Address, ChainId, U256};

/// A token is read again at most once in this time.
const REFRESH_PAUSE: Duration = Duration::MINUTE;
/// Traits that a filter may name.
const TRAITS_MAX: usize = 10;

/// What is known of a token's document: nothing while it has not come to its turn.
pub type TokenMetadata = Option<MetadataRow>;

impl App {
    /// Of one token of a collection or a followed contract.
    ///
    /// # Errors
    /// [`Refusal::ItemUnknown`]; [`Refusal::Address`]; [`Refusal::TokenIdMalformed`];
    /// [`Refusal::ContractRemoved`].
    pub async fn load_token_metadata(
        &self,
        caller: Caller<'_>,
        (chain_id, contract, token_id): (u64, &str, &str),
    ) -> Result<TokenMetadata, AppError> {
        authorize(caller.actor, Action::ReadItem)?;
        let chain = self.chain(Some(chain_id))?.chain_id;
        let token = (parse_address(contract, Field::Contract)?, decimal(token_id)?);
        let mut db = self.connection().await?;
        check_known(&mut db, chain, token).await?;
        Ok(reads::load(&mut db, chain, token).await?)
    }

    /// Of many tokens, as lists show it.
    ///
    /// # Errors
    /// [`AppError::Db`]
    pub async fn list_token_metadata(
        &self,
        caller: Caller<'_>,
        chain: ChainId,
        tokens: &[(Address, U256)],
    ) -> Result<HashMap<(Address, U256), MetadataRow>, AppError> {
        authorize(caller.actor, Action::ReadItem)?;
        if tokens.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = reads::load_many(&mut *self.connection().await?, chain, tokens).await?;
        Ok(rows.into_iter().map(|row| ((row.contract, row.token_id), row)).collect())
    }

    /// Have a token's document read again. Tells whether it will be: not when that was asked for a
    /// moment ago.
    ///
    /// # Errors
    /// As [`Self::load_token_metadata`].
    pub async fn refresh_token_metadata(
        &self,
        caller: Caller<'_>,
        (chain_id, contract, token_id): (u64, &str, &str),
    ) -> Result<bool, AppError> {
        authorize(caller.actor, Action::StoreMetadata)?;
        let chain = self.chain(Some(chain_id))?.chain_id;
        let token = (parse_address(contract, Field::Contract)?, decimal(token_id)?);
        let mut db = self.connection().await?;
        check_known(&mut db, chain, token).await?;
        let queued = token_metadata::record_refresh(&mut db, chain, token, REFRESH_PAUSE).await?;
        // One that is not in the queue yet comes there by itself.
        Ok(queued.unwrap_or(true))
    }

    /// Traits of a collection's items, and how many have each.
    ///
    /// # Errors
    /// [`Refusal::ContractNotFollowed`]; [`Refusal::ContractRemoved`]; [`Refusal::Address`].
    pub async fn list_traits(
        &self,
        caller: Caller<'_>,
        (chain_id, contract): (u64, &str),
        after: Option<(&str, &str)>,
        limit: i64,
    ) -> Result<Vec<TraitCount>, AppError> {
        authorize(caller.actor, Action::ReadCollection)?;
        let chain = self.chain(Some(chain_id))?.chain_id;
        let contract = parse_address(contract, Field::Contract)?;
        let mut db = self.connection().await?;
        check_followed(&mut db, chain, contract, None).await?;
        if !matches!(kind(&mut db, chain, contract).await?, Kind::Items) {
            return Err(Refusal::ContractNotFollowed.into());
        }
        Ok(reads::count_traits(&mut db, chain, contract, after, limit).await?)
    }
}

async fn check_known(
    db: &mut PgConnection,
    chain: ChainId,
    token: (Address, U256),
) -> Result<(), AppError> {
    check_followed(db, chain, token.0, None).await?;
    if reads::is_known(db, chain, token).await? { Ok(()) } else { Err(Refusal::ItemUnknown.into()) }
}

/// `TYPE:VALUE`; a colon inside the type is written `\:`, and a backslash `\\`.
pub(crate) fn parse_traits(texts: &[String]) -> Result<Vec<(String, String)>, AppError> {
    if texts.len() > TRAITS_MAX {
        return Err(Refusal::FilterUnfit("trait", "at most 10 times").into());
    }
    let read = |text: &String| {
        parse_trait(text).ok_or(Refusal::FilterUnfit("trait", "must be TYPE:VALUE").into())
    };
    texts.iter().map(read).collect()
}

fn parse_trait(text: &str) -> Option<(String, String)> {
    let (mut kind, mut characters) = (String::new(), text.chars());
    loop {
        match characters.next()? {
            ':' => break,
            '\\' => kind.push(characters.next()?),
            other => kind.push(other),
        }
    }
    let value = characters.as_str();
    let sound = !value.is_empty() && text.len() <= 2_048 && !text.contains('\0');
    sound.then(|| (kind, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traits_are_read() {
        let pair = |kind: &str, value: &str| Some((kind.to_owned(), value.to_owned()));
        let cases = [
            ("Background:Blue", pair("Background", "Blue")),
            ("a:b:c", pair("a", "b:c")),
            (r"a\:b:c\", pair("a:b", r"c\")),
            (r"a\\:b", pair(r"a\", "b")),
            (":alone", pair("", "alone")),
            ("Background", None),
            ("Background:", None),
            (r"a\:b", None),
            (r"a\", None),
            ("", None),
            ("a\0:b", None),
        ];
        for (text, expect) in cases {
            assert_eq!(parse_trait(text), expect, "{text}");
        }
    }
}
