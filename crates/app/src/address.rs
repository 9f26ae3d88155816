//! Addresses as people write them.

use crate::error::{AddressFault, AppError, Field, Refusal};
use vocab::Address;

/// Reads `0x` and 40 hexadecimal digits. In mixed case they must be the EIP-55 checksum, which
/// finds a mistyped digit; all lower or all upper case carries no checksum and is taken as is.
///
/// # Errors
/// [`Refusal::Address`], naming `field`.
pub fn parse_address(text: &str, field: Field) -> Result<Address, AppError> {
    let fault = |fault| AppError::from(Refusal::Address(field, fault));
    let digits = text.strip_prefix("0x").ok_or(fault(AddressFault::Malformed))?;
    if digits.len() != 40 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(fault(AddressFault::Malformed));
    }
    let address: Address = text.parse().map_err(|_| fault(AddressFault::Malformed))?;
    let mixed = digits.bytes().any(|byte| byte.is_ascii_lowercase())
        && digits.bytes().any(|byte| byte.is_ascii_uppercase());
    if mixed && address.to_checksum(None) != text {
        return Err(fault(AddressFault::Checksum));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked() {
        use AddressFault::{Checksum, Malformed};
        // The first is from EIP-55.
        let cases = [
            ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", None),
            ("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", None),
            ("0x5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED", None),
            ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed", Some(Checksum)),
            ("5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", Some(Malformed)),
            ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", Some(Malformed)),
            ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd", Some(Malformed)),
            ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", Some(Malformed)),
            ("", Some(Malformed)),
            ("0x", Some(Malformed)),
            ("0xé", Some(Malformed)),
        ];
        for (text, expected) in cases {
            let found = match parse_address(text, Field::To) {
                Ok(_) => None,
                Err(AppError::Refused(Refusal::Address(Field::To, fault))) => Some(fault),
                Err(other) => panic!("{text}: {other}"),
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
