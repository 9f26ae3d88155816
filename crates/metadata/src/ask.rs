//! What contracts say of tokens: URI and royalty, as of one block.

use crate::Reason;
use alloy_primitives::Bytes;
use alloy_sol_types::SolValue;
use chain::{CallRequest, Chain, RpcError};
use db::token_metadata::Ask;
use std::{ops::Range, time::Duration};
use tokio::time::Instant;
use vocab::{Address, B256, U256};

/// `tokenURI(uint256)`
const TOKEN_URI: [u8; 4] = [0xc8, 0x7b, 0x56, 0xdd];
/// `uri(uint256)`
const URI: [u8; 4] = [0x0e, 0x89, 0x34, 0x1c];
/// `royaltyInfo(uint256,uint256)` (ERC-2981)
const ROYALTY_INFO: [u8; 4] = [0x2a, 0x55, 0x20, 0x5a];
/// The price that royalties are asked for: what comes back are hundredths of a per cent.
const PRICE: u64 = 10_000;
/// A batch that a node does not answer is cut in two, and so on, for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a contract says of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) uri: Result<String, Reason>,
    pub(crate) royalty: Option<(Address, u16)>,
}

/// Ask of all tokens; one answer each. None where the node could not tell: that says nothing of the
/// token. A token that alone keeps nodes from answering gets [`Reason::AnswerUnusable`].
///
/// # Errors
/// No node answered at all.
pub(crate) async fn ask(
    chain: &Chain,
    block: B256,
    asks: &[Ask],
) -> Result<Vec<Option<Told>>, RpcError> {
    let deadline = Instant::now() + PATIENCE;
    let mut told = vec![None; asks.len()];
    // A contract that answers with megabytes, or never, spoils the whole batch that it is in.
    let mut open: Vec<Range<usize>> = std::iter::once(0..asks.len()).collect();
    while let Some(part) = open.pop() {
        match ask_part(chain, block, &asks[part.clone()]).await {
            Ok(answers) => {
                for (place, answer) in part.zip(answers) {
                    told[place] = answer;
                }
            }
            Err(RpcError::Malformed(_) | RpcError::TimedOut(_)) if Instant::now() < deadline => {
                if part.len() == 1 {
                    let uri = Err(Reason::AnswerUnusable);
                    told[part.start] = Some(Told { uri, royalty: None });
                } else {
                    let middle = part.start + part.len() / 2;
                    open.extend([part.start..middle, middle..part.end]);
                }
            }
            Err(error) if told.iter().all(Option::is_none) => return Err(error),
            Err(_) => break,
        }
    }
    Ok(told)
}

/// One request: two calls for each token, or one where the URI is known.
async fn ask_part(chain: &Chain, block: B256, asks: &[Ask]) -> Result<Vec<Option<Told>>, RpcError> {
    let mut calls = Vec::with_capacity(asks.len() * 2);
    for ask in asks {
        let (contract, token_id) = ask.token;
        if ask.known_uri.is_none() {
            let selector = if ask.multi { URI } else { TOKEN_URI };
            calls.push(call(contract, selector, &[token_id]));
        }
        calls.push(call(contract, ROYALTY_INFO, &[token_id, U256::from(PRICE)]));
    }
    let mut answers = chain.read().simulate_at(&calls, block).await?.into_iter();
    let told = asks.iter().map(|ask| {
        let uri = match &ask.known_uri {
            Some(uri) => Ok(uri.clone()),
            None => uri_of(answers.next()?)?,
        };
        let royalty = answers.next()?.ok().and_then(|data| royalty_of(&data));
        Some(Told { uri, royalty })
    });
    Ok(told.collect())
}

fn call(to: Address, selector: [u8; 4], arguments: &[U256]) -> CallRequest {
    let mut data = selector.to_vec();
    data.extend(arguments.iter().flat_map(U256::to_be_bytes::<32>));
    CallRequest { from: Address::ZERO, to: Some(to), value: U256::ZERO, data: data.into() }
}

/// None when the node says that it can't tell (the block is gone, or its state is).
fn uri_of(answer: Result<Bytes, RpcError>) -> Option<Result<String, Reason>> {
    match answer {
        Ok(data) => Some(parse_uri(&data)),
        Err(error) if error.may_pass_elsewhere() => None,
        Err(_) => Some(Err(Reason::CallReverted)),
    }
}

fn parse_uri(data: &[u8]) -> Result<String, Reason> {
    if data.is_empty() {
        return Err(Reason::UriMissing);
    }
    // As bytes, so that what is no UTF-8 is seen.
    let bytes = Bytes::abi_decode(data).map_err(|_| Reason::UriMalformed)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| Reason::UriMalformed)?;
    if text.trim().is_empty() { Err(Reason::UriMissing) } else { Ok(text) }
}

/// Receiver and hundredths of a per cent. None for what makes no sense.
fn royalty_of(data: &[u8]) -> Option<(Address, u16)> {
    let (receiver, amount) = <(Address, U256)>::abi_decode_params(data).ok()?;
    let bps = u16::try_from(amount).ok().filter(|bps| u64::from(*bps) <= PRICE)?;
    (receiver != Address::ZERO).then_some((receiver, bps))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_those_of_the_standards() {
        let cases = [
            (TOKEN_URI, "tokenURI(uint256)"),
            (URI, "uri(uint256)"),
            (ROYALTY_INFO, "royaltyInfo(uint256,uint256)"),
        ];
        for (selector, signature) in cases {
            assert_eq!(selector, vocab::keccak(signature)[..4], "{signature}");
        }
    }

    #[test]
    fn answers_that_make_no_sense() {
        let sound = "https://a.example/1".to_owned();
        let lies = [vec![0xff; 32], vec![0; 31], [vec![0; 31], vec![32], vec![0xff; 32]].concat()];
        let cases = [
            (sound.abi_encode(), Ok(sound.clone())),
            (Vec::new(), Err(Reason::UriMissing)),
            (String::new().abi_encode(), Err(Reason::UriMissing)),
            (" ".to_owned().abi_encode(), Err(Reason::UriMissing)),
            (Bytes::from_static(b"\xff\xfe").abi_encode(), Err(Reason::UriMalformed)),
            (lies[0].clone(), Err(Reason::UriMalformed)),
            (lies[1].clone(), Err(Reason::UriMalformed)),
            (lies[2].clone(), Err(Reason::UriMalformed)),
        ];
        for (data, expect) in cases {
            assert_eq!(parse_uri(&data), expect, "{data:?}");
        }
        let who = Address::repeat_byte(7);
        let royalty = |amount| royalty_of(&(who, amount).abi_encode_params());
        assert_eq!(royalty(U256::from(500)), Some((who, 500)));
        assert_eq!(royalty(U256::from(10_000)), Some((who, 10_000)));
        assert_eq!(royalty(U256::from(10_001)), None);
        assert_eq!(royalty(U256::MAX), None);
        assert_eq!(royalty_of(&(Address::ZERO, U256::from(1)).abi_encode_params()), None);
        assert_eq!(royalty_of(&[]), None);
        assert_eq!(royalty_of(&[0xff; 64]), None);
    }
}
