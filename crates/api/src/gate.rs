//! The policy at the door: each operation of the document declares what it does, and who may not
//! do that at all gets no further, whatever else is wrong with their request. Use cases ask again,
//! with what they know of the object.
//!
//! An operation that declares nothing is done for nobody.

use crate::{
    ApiState,
    charges::Identified,
    openapi::{self, Declared},
    problem::{Code, Problem},
};
use app::AppError;
use auth::{Action, Actor, authorize_at_all};
use axum::{extract::Request, http::Method};
use serde_json::{Map, Value};
use std::{collections::HashMap, sync::Arc};

/// What each route of the document asks of who calls it.
#[derive(Debug)]
pub(crate) struct Gates(HashMap<String, HashMap<Method, Gate>>);

/// An operation, and what it declares.
#[derive(Debug)]
struct Gate {
    operation: Arc<str>,
    declared: Option<Declared>,
}

impl Gates {
    /// Of the document as it is made.
    pub(crate) fn new() -> Self {
        let document = openapi::bare();
        let paths = document["paths"].as_object().into_iter().flatten();
        Self(paths.map(|(path, operations)| (path.clone(), declared(operations))).collect())
    }

    /// The routes there are.
    pub(crate) fn routes(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn find(&self, route: &str, method: &Method) -> Option<&Gate> {
        // Reading without a body is reading.
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        self.0.get(route)?.get(method)
    }

    /// The operation of a route, and in the name of which action it is done.
    pub(crate) fn done(&self, route: &str, method: &Method) -> Option<(&Arc<str>, Action)> {
        match self.find(route, method)? {
            Gate { operation, declared: Some(Declared::Does(action)) } => {
                Some((operation, *action))
            }
            _ => None,
        }
    }
}

fn declared(operations: &Value) -> HashMap<Method, Gate> {
    let all = operations.as_object().into_iter().flat_map(Map::iter);
    all.filter_map(|(method, operation)| {
        let method = method.to_uppercase().parse().ok()?;
        let id = operation["operationId"].as_str().unwrap_or_default();
        Some((method, Gate { operation: id.into(), declared: openapi::declared(id) }))
    })
    .collect()
}

/// May who calls do what the route is for, with anything at all? What is not in the document, pages
/// and the stream, decides by itself.
///
/// # Errors
/// Why not.
pub(crate) fn check(state: &ApiState, route: &str, request: &Request) -> Result<(), Problem> {
    let method = request.method();
    let action = match state.0.gates.find(route, method).map(|gate| gate.declared) {
        // The route itself says that it has no such method.
        None | Some(Some(Declared::Open)) => return Ok(()),
        Some(Some(Declared::Does(action))) => action,
        Some(None) => {
            tracing::error!(route, %method, "an operation declares no action: it is refused");
            return Err(Code::Internal.into());
        }
    };
    if authorize_at_all(&Actor::Anonymous, action).is_ok() {
        return Ok(());
    }
    let identified = request.extensions().get::<Identified>().cloned();
    let Identified(actor) = identified.ok_or(Code::Internal)?;
    authorize_at_all(&actor?, action).map_err(|denied| AppError::Denied(denied).into())
}
