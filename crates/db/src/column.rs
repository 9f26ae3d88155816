//! How addresses, hashes and uint256 amounts stand in columns.

use alloy_primitives::{Address, B256, U256};
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
        let digits = digits(self.0);
        let count = u16::try_from(digits.len())?;
        buf.extend_from_slice(&count.to_be_bytes());
        buf.extend_from_slice(&count.saturating_sub(1).to_be_bytes());
        buf.extend_from_slice(&[0; 4]);
        for digit in digits {
            buf.extend_from_slice(&digit.to_be_bytes());
        }
        Ok(IsNull::No)
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

fn digits(mut value: U256) -> Vec<u16> {
    let base = U256::from(BASE);
    let mut digits = Vec::with_capacity(20);
    while !value.is_zero() {
        digits.push((value % base).to::<u16>());
        value /= base;
    }
    digits.reverse();
    digits
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
