//! Types of parameters, with the names that structs give to their fields.

use alloy_dyn_abi::DynSolType;
use alloy_json_abi::Param;

/// How deep arrays and tuples may nest.
pub(crate) const DEPTH_MAX: usize = 8;
/// Longest array of fixed length.
const FIXED_LENGTH_MAX: usize = 1_024;
/// Data from outside is only decoded when arrays nest this deep at most: their parts may overlap,
/// so that the size of what is decoded grows with the power of the depth.
const DECODED_ARRAYS_MAX: usize = 2;

/// A type of the contract ABI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Address,
    /// Bits.
    Uint(usize),
    Int(usize),
    /// Bytes.
    FixedBytes(usize),
    Bytes,
    String,
    Array(Box<Kind>),
    FixedArray(Box<Kind>, usize),
    Tuple(Vec<Field>),
}

/// One parameter, or one field of a tuple. The name may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

impl Field {
    /// # Errors
    /// Why the type is not one that can be called with.
    pub(crate) fn of(param: &Param) -> Result<Self, String> {
        Self::within(param, DEPTH_MAX)
    }

    fn within(param: &Param, depth: usize) -> Result<Self, String> {
        let text = param.ty.as_str();
        let (stem, sizes) = text.split_at(text.find('[').unwrap_or(text.len()));
        let sizes = sizes_of(sizes).ok_or_else(|| format!("`{text}` is not a type"))?;
        let left = depth
            .checked_sub(sizes.len() + usize::from(stem == "tuple"))
            .ok_or_else(|| format!("types nest at most {DEPTH_MAX} deep"))?;
        let mut kind = match stem {
            "tuple" => Kind::Tuple(fields(&param.components, left)?),
            _ => leaf(stem).ok_or_else(|| format!("`{stem}` is not a type that can be passed"))?,
        };
        if matches!(&kind, Kind::Tuple(parts) if parts.is_empty()) {
            return Err("a tuple without fields".to_owned());
        }
        for size in sizes {
            kind = match size {
                None => Kind::Array(Box::new(kind)),
                Some(count @ 1..=FIXED_LENGTH_MAX) => Kind::FixedArray(Box::new(kind), count),
                Some(_) => {
                    return Err(format!("fixed arrays have 1 to {FIXED_LENGTH_MAX} elements"));
                }
            };
        }
        Ok(Self { name: param.name.clone(), kind })
    }
}

fn fields(params: &[Param], depth: usize) -> Result<Vec<Field>, String> {
    if params.len() > crate::PARAMETERS_MAX {
        return Err(format!("more than {} fields", crate::PARAMETERS_MAX));
    }
    params.iter().map(|param| Field::within(param, depth)).collect()
}

/// `[3][]` → 3, any.
fn sizes_of(mut text: &str) -> Option<Vec<Option<usize>>> {
    let mut sizes = Vec::new();
    while !text.is_empty() {
        let (size, rest) = text.strip_prefix('[')?.split_once(']')?;
        sizes.push(if size.is_empty() { None } else { Some(size.parse().ok()?) });
        text = rest;
    }
    Some(sizes)
}

fn leaf(stem: &str) -> Option<Kind> {
    Some(match DynSolType::parse(stem).ok()? {
        DynSolType::Bool => Kind::Bool,
        DynSolType::Address => Kind::Address,
        DynSolType::Uint(bits) => Kind::Uint(bits),
        DynSolType::Int(bits) => Kind::Int(bits),
        DynSolType::FixedBytes(size) => Kind::FixedBytes(size),
        DynSolType::Bytes => Kind::Bytes,
        DynSolType::String => Kind::String,
        _ => return None,
    })
}

impl Kind {
    pub(crate) fn to_dyn(&self) -> DynSolType {
        match self {
            Self::Bool => DynSolType::Bool,
            Self::Address => DynSolType::Address,
            Self::Uint(bits) => DynSolType::Uint(*bits),
            Self::Int(bits) => DynSolType::Int(*bits),
            Self::FixedBytes(size) => DynSolType::FixedBytes(*size),
            Self::Bytes => DynSolType::Bytes,
            Self::String => DynSolType::String,
            Self::Array(inner) => DynSolType::Array(Box::new(inner.to_dyn())),
            Self::FixedArray(inner, count) => {
                DynSolType::FixedArray(Box::new(inner.to_dyn()), *count)
            }
            Self::Tuple(fields) => tuple_of(fields),
        }
    }

    /// As people write it: `uint256`, `address[]`, a tuple.
    pub(crate) fn label(&self) -> String {
        self.to_dyn().to_string()
    }

    fn arrays(&self) -> usize {
        match self {
            Self::Array(inner) | Self::FixedArray(inner, _) => 1 + inner.arrays(),
            Self::Tuple(fields) => fields.iter().map(|f| f.kind.arrays()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

pub(crate) fn tuple_of(fields: &[Field]) -> DynSolType {
    DynSolType::Tuple(fields.iter().map(|field| field.kind.to_dyn()).collect())
}

/// May data from outside be decoded as this?
pub(crate) fn is_shallow(fields: &[Field]) -> bool {
    fields.iter().all(|field| field.kind.arrays() <= DECODED_ARRAYS_MAX)
}

/// Can values be given by name? Every field has one, of its own.
pub(crate) fn has_names(fields: &[Field]) -> bool {
    let mut names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    names.sort_unstable();
    !names.first().is_some_and(|name| name.is_empty())
        && !names.windows(2).any(|pair| pair[0] == pair[1])
}
