//! Principals and their roles.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What sort of principal it is by nature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// Holds keys, for what is for operators.
    Operator,
    /// Holds keys.
    Machine,
    /// Signs in.
    User,
}

/// What a principal can be granted beyond that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Signed in, what machines may; mint into collections of theirs.
    Organizer,
    /// What users may. Redemption is to come.
    Verifier,
    /// What is for operators.
    Operator,
    /// All of it, on everybody's objects, and granting roles.
    Admin,
}

/// Who says that a role is somebody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleSource {
    /// Somebody here.
    Granted,
    /// The identity provider, at the last sign-in with it.
    Claimed,
}

/// A role as granted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleGrant {
    pub role: Role,
    pub source: RoleSource,
    /// The principal who granted it; null: a terminal of the server, or the provider.
    pub granted_by: Option<Uuid>,
    pub granted_at: String,
    /// It ends then; null: it does not.
    pub expires_at: Option<String>,
}

/// A role to grant.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleGrantRequest {
    /// At most ten years ahead; it does not end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "2027-06-30T00:00:00Z")]
    pub expires_at: Option<String>,
}

/// Somebody who may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Principal {
    pub id: Uuid,
    #[schema(example = "shop")]
    pub name: String,
    pub kind: PrincipalKind,
    /// Those that hold now.
    pub roles: Vec<RoleGrant>,
    pub created_at: String,
}

/// One page of principals.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PrincipalList {
    pub items: Vec<Principal>,
    pub next_cursor: Option<String>,
}

/// Which principals to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PrincipalListQuery {
    pub kind: Option<PrincipalKind>,
    /// Only those with this role, granted and not over.
    pub role: Option<Role>,
    /// `next_cursor` of the page before, with the same filters.
    pub cursor: Option<String>,
    /// 1 to 200, 50 when absent.
    pub limit: Option<i64>,
}
