//! Users as they describe themselves: profile, e-mail address, and what they hold.
//!
//! What is personal is sealed for its row before it is stored ([`fields`]), and never logged.
//! Letters wait in the database until the mail server has taken them (`jobs::send_mails`).

mod change_profile;
mod read_profile;
mod refusal;
mod rotate_fields;
mod verify_email;

pub use change_profile::ProfileChange;
pub use read_profile::{ChainBalances, EmailView, ProfileView};
pub use refusal::UserRefusal;
pub use rotate_fields::{Rotated, rotate_fields};
pub(crate) use verify_email::mail_place;
pub use verify_email::{EmailOptions, MailContent};

use crate::{App, AppError, SignIn};
use auth::Pepper;
use db::sealed_fields::SealedColumn;
use fields::{FieldError, KeyRing, Place, Sealed};
use std::sync::Arc;
use time::OffsetDateTime;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The use cases of users. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Users(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app: App,
    sign_in: SignIn,
    keys: KeyRing,
    pepper: Pepper,
    /// None: no mail is sent here.
    email: Option<EmailOptions>,
}

impl Users {
    /// `pepper` is the authenticator's.
    #[must_use]
    pub fn new(
        app: App,
        sign_in: SignIn,
        keys: KeyRing,
        pepper: Pepper,
        email: Option<EmailOptions>,
    ) -> Self {
        Self(Arc::new(Inner { app, sign_in, keys, pepper, email }))
    }

    fn app(&self) -> &App {
        &self.0.app
    }

    fn now(&self) -> OffsetDateTime {
        self.app().config().clock.now()
    }

    fn seal(&self, column: SealedColumn, row: Uuid, plain: &str) -> Result<Sealed, AppError> {
        let sealed = self.0.keys.seal(place(column, row.as_bytes()), plain.as_bytes(), self.now());
        sealed.map_err(of_field)
    }

    fn open(
        &self,
        column: SealedColumn,
        row: Uuid,
        (key_id, bytes): (String, Vec<u8>),
    ) -> Result<Zeroizing<String>, AppError> {
        open(&self.0.keys, column, row, (key_id, bytes))
    }
}

pub(crate) fn place(column: SealedColumn, row: &[u8]) -> Place<'_> {
    Place { table: column.table(), column: column.column(), row }
}

/// What was sealed for this column of this row.
pub(crate) fn open(
    keys: &KeyRing,
    column: SealedColumn,
    row: Uuid,
    (key_id, bytes): (String, Vec<u8>),
) -> Result<Zeroizing<String>, AppError> {
    let opened = keys.open(place(column, row.as_bytes()), &Sealed { key_id, bytes });
    let bytes = opened.map_err(of_field)?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| of_field(FieldError::Altered))?;
    Ok(Zeroizing::new(text))
}

/// A field that does not open is nobody's request's fault.
pub(crate) fn of_field(error: FieldError) -> AppError {
    AppError::Bug(match error {
        FieldError::NoKey => "no key of fields may be used",
        FieldError::KeyUnknown => "the key of a field is not among those configured",
        FieldError::Altered => "a field is not as it was sealed for its row",
    })
}
