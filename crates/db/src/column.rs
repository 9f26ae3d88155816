//! How addresses, hashes and uint256 amounts stand in columns.

use alloy_primitives::{Address, B256, U256, aliases::I512};
use sqlx::{
    Decode, Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{
        PgArgumentBuffer, PgHasArrayType, PgTypeInfo, PgValueFormat, PgValueRef, types::Oid,
    },
};

/// An address in a `bytea` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Addr(pub Address);

/// A 32-byte hash in a `bytea` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub B256);

/// A uint256 in a `numeric(78,0)` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Numeric(pub U256);

/// A sum of uint256 amounts, of either sign, in a `numeric` column. Written only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signed(pub(crate) I512);

macro_rules! bytea {
    ($name:ident, $inner:ty) => {
        impl From<$name> for $inner {
            fn from(column: $name) -> Self {
                column.0
            }
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }

        impl Type<Postgres> for $name {
            fn type_info() -> PgTypeInfo {
                <[u8] as Type<Postgres>>::type_info()
            }
        }

        impl PgHasArrayType for $name {
            fn array_type_info() -> PgTypeInfo {
                <Vec<u8> as PgHasArrayType>::array_type_info()
            }
        }

        impl Encode<'_, Postgres> for $name {
            fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
                buf.extend_from_slice(self.0.as_slice());
                Ok(IsNull::No)
            }
        }

        impl<'r> Decode<'r, Postgres> for $name {
            fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
                let bytes = <Vec<u8> as Decode<Postgres>>::decode(value)?;
                Ok(Self(<$inner>::try_from(bytes.as_slice())?))
            }
        }
    };
}

bytea!(Addr, Address);
bytea!(Hash, B256);

impl From<Numeric> for U256 {
    fn from(column: Numeric) -> Self {
        column.0
    }
}

impl From<U256> for Numeric {
    fn from(value: U256) -> Self {
        Self(value)
    }
}

const NUMERIC_OID: Oid = Oid(1700);
const NUMERIC_ARRAY_OID: Oid = Oid(1231);
const BASE: u64 = 10_000;
/// Four digits in base 10,000.
const CHUNK: u64 = 10_000_000_000_000_000;
/// Digits of 512 bits, and one more.
const DIGITS_MAX: usize = 40;
const NEGATIVE: u16 = 0x4000;

impl Type<Postgres> for Numeric {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(NUMERIC_OID)
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        ty.oid() == Some(NUMERIC_OID)
    }
}

impl PgHasArrayType for Numeric {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(NUMERIC_ARRAY_OID)
    }
}

/// Postgres' binary form: digit count, weight of the first digit, sign, scale, then digits in base
/// 10,000, highest first (`numeric_send` in src/backend/utils/adt/numeric.c).
impl Encode<'_, Postgres> for Numeric {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        push_numeric(buf, false, self.0.as_limbs());
        Ok(IsNull::No)
    }
}

impl Type<Postgres> for Signed {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(NUMERIC_OID)
    }
}

impl PgHasArrayType for Signed {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(NUMERIC_ARRAY_OID)
    }
}

impl Encode<'_, Postgres> for Signed {
    fn encode_by_ref(&self, buf: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        push_numeric(buf, self.0.is_negative(), self.0.unsigned_abs().as_limbs());
        Ok(IsNull::No)
    }
}

/// The binary form of a number of at most 512 bits, lowest limb first.
pub(crate) fn push_numeric(buf: &mut Vec<u8>, negative: bool, limbs: &[u64]) {
    let (all, first) = digits(limbs);
    let digits = &all[first..];
    let count = u16::try_from(digits.len()).unwrap_or_default();
    buf.extend_from_slice(&count.to_be_bytes());
    buf.extend_from_slice(&count.saturating_sub(1).to_be_bytes());
    buf.extend_from_slice(&(if negative { NEGATIVE } else { 0 }).to_be_bytes());
    buf.extend_from_slice(&[0; 2]);
    for digit in digits {
        buf.extend_from_slice(&digit.to_be_bytes());
    }
}

impl<'r> Decode<'r, Postgres> for Numeric {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => from_binary(value.as_bytes()?),
            PgValueFormat::Text => Ok(Self(value.as_str()?.parse()?)),
        }
    }
}

/// Digits, lowest last, and the place of the highest one.
fn digits(limbs: &[u64]) -> ([u16; DIGITS_MAX], usize) {
    let mut left = [0u64; 8];
    left[..limbs.len()].copy_from_slice(limbs);
    let (mut digits, mut first) = ([0u16; DIGITS_MAX], DIGITS_MAX);
    let mut push = |value: &mut u64| {
        first -= 1;
        digits[first] = (*value % BASE) as u16;
        *value /= BASE;
    };
    let mut top = left.len();
    while top > 1 {
        if left[top - 1] == 0 {
            top -= 1;
            continue;
        }
        let mut chunk = 0u64;
        for limb in left[..top].iter_mut().rev() {
            let wide = (u128::from(chunk) << 64) | u128::from(*limb);
            // The chunk above is less than the divisor, so each quotient fits its limb.
            *limb = (wide / u128::from(CHUNK)) as u64;
            chunk = (wide % u128::from(CHUNK)) as u64;
        }
        for _ in 0..4 {
            push(&mut chunk);
        }
    }
    while left[0] > 0 {
        push(&mut left[0]);
    }
    while digits.get(first) == Some(&0) {
        first += 1;
    }
    (digits, first)
}

fn from_binary(bytes: &[u8]) -> Result<Numeric, BoxDynError> {
    let word = |i: usize| -> Result<u16, BoxDynError> {
        let pair = bytes.get(2 * i..2 * i + 2).ok_or("numeric is cut short")?;
        Ok(u16::from_be_bytes([pair[0], pair[1]]))
    };
    let (count, weight, sign) = (word(0)?, word(1)?.cast_signed(), word(2)?);
    if sign != 0 || (count > 0 && !(0..=19).contains(&weight)) {
        return Err("numeric is negative, fractional or above 2^256".into());
    }
    let mut value = U256::ZERO;
    for place in 0..=usize::try_from(weight.max(0))? {
        let digit = if place < usize::from(count) { word(4 + place)? } else { 0 };
        value = value
            .checked_mul(U256::from(BASE))
            .and_then(|v| v.checked_add(U256::from(digit)))
            .ok_or("numeric is above 2^256")?;
    }
    if usize::from(count) > usize::try_from(weight.max(0))? + 1 {
        return Err("numeric has a fraction".into());
    }
    Ok(Numeric(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_division_finds() {
        let mut value = U256::from(1);
        let mut cases = vec![U256::ZERO, U256::MAX, U256::from(BASE), U256::from(CHUNK)];
        for step in 1..77u64 {
            value *= U256::from(10);
            cases.extend([value, value - U256::from(1), value + U256::from(step)]);
        }
        for value in cases {
            let mut bytes = Vec::new();
            push_numeric(&mut bytes, false, value.as_limbs());
            assert_eq!(from_binary(&bytes).unwrap().0, value);
            let limit = if value.is_zero() { 0 } else { value.to_string().len().div_ceil(4) };
            assert_eq!(bytes.len(), 8 + 2 * limit, "{value}");
        }
        // 512 bits have 155 decimal digits.
        let mut bytes = Vec::new();
        push_numeric(&mut bytes, true, &[u64::MAX; 8]);
        assert_eq!((bytes.len(), &bytes[..6]), (8 + 2 * 39, &[0, 39, 0, 38, 0x40, 0][..]));
    }
}
