//! An address of a user's, proven by a code that was sent there.
//!
//! Whether somebody else has the address, or whether a letter really went out, no answer tells.

use super::{ProfileView, UserRefusal, Users, place};
use crate::{AppError, Caller};
use abi::Fault;
use auth::{Action, Pepper, authorize, fresh_nonce};
use db::{
    DbError,
    mails::{self, MailRow},
    principals,
    sealed_fields::SealedColumn,
    user_emails::{self, EmailRow, NewEmailChallenge},
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use time::Duration;
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

/// A code has so many letters and digits, without those that look alike: 50 bits.
const CODE_LEN: usize = 10;
const TRIES_MAX: i32 = 5;
/// In which letters are counted.
const COUNTED: Duration = Duration::hours(1);

/// What an operator decides of verifying addresses.
#[derive(Clone, Debug)]
pub struct EmailOptions {
    /// How the engine calls itself in letters.
    pub name: String,
    /// A page that takes a code behind `#code=`; without, the code alone is told.
    pub page: Option<String>,
    /// For how long a code is good.
    pub code_time: Duration,
    /// In an hour, for one user and to one address.
    pub per_user_max: u32,
    pub per_address_max: u32,
}

/// What a letter is made of; sealed while it waits.
#[derive(Serialize, Deserialize)]
pub struct MailContent {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl Drop for MailContent {
    fn drop(&mut self) {
        self.to.zeroize();
        self.text.zeroize();
    }
}

impl std::fmt::Debug for MailContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MailContent(…)")
    }
}

impl Users {
    /// Send a code to an address, which takes the place of the present one when it is shown. The
    /// letter is on disk when this returns, and goes out by itself.
    ///
    /// # Errors
    /// [`UserRefusal::EmailAbsent`], [`UserRefusal::Invalid`], [`UserRefusal::TooManyMails`].
    pub async fn ask_email(&self, caller: Caller<'_>, address: &str) -> Result<(), AppError> {
        authorize(caller.actor, Action::ChangeProfile)?;
        let user = caller.actor.user()?.principal;
        let options = self.0.email.as_ref().ok_or(UserRefusal::EmailAbsent)?;
        let fault = || Fault::new("/address", "an e-mail address, as ada@example.org");
        let address = mail::parse_address(address).map(Zeroizing::new);
        let address = address.ok_or_else(|| UserRefusal::Invalid(vec![fault()]))?;
        let now = self.now();
        let (id, code) = (Uuid::now_v7(), fresh_code());
        let (address_mac, code_mac) =
            (address_mac(&self.0.pepper, &address), self.code_mac(id, &code));
        let mut transaction = db::begin(&self.app().config().db).await?;
        // One at a time, so that rivals see each other's letters.
        principals::lock(&mut transaction, user).await?;
        let since = now - COUNTED;
        let counted = user_emails::count_since(&mut transaction, user, &address_mac, since);
        let (of_user, for_address) = counted.await?;
        if of_user >= i64::from(options.per_user_max) {
            let retry_after = u32::try_from(COUNTED.whole_seconds()).unwrap_or(u32::MAX);
            return Err(UserRefusal::TooManyMails { retry_after }.into());
        }
        let sealed = self.seal(SealedColumn::EmailChallengeAddress, id, &address)?;
        let new = NewEmailChallenge {
            id,
            principal_id: user,
            address: &sealed.bytes,
            key_id: &sealed.key_id,
            address_mac: &address_mac,
            code_mac: &code_mac,
            now,
            expires_at: now + options.code_time,
        };
        user_emails::record_challenge(&mut transaction, new).await?;
        // An address that had too many letters gets no more; whoever asks is not told by whom.
        if for_address < i64::from(options.per_address_max) {
            let content = letter(options, &address, &code);
            let text = serde_json::to_string(&content).map(Zeroizing::new);
            let text = text.map_err(|_| AppError::Bug("a letter that can't be written"))?;
            let sealed = self.seal(SealedColumn::MailContent, id, &text)?;
            let expires_at = now + options.code_time;
            let mail =
                MailRow { id, content: sealed.bytes, key_id: sealed.key_id, tries: 0, expires_at };
            mails::record(&mut transaction, &mail, now).await?;
        }
        transaction.commit().await.map_err(DbError::from)?;
        Ok(())
    }

    /// Show the code that was sent: the address is the caller's from now on.
    ///
    /// # Errors
    /// [`UserRefusal::CodeInvalid`]. After five wrong ones another letter is needed.
    pub async fn verify_email(
        &self,
        caller: Caller<'_>,
        code: &str,
    ) -> Result<ProfileView, AppError> {
        authorize(caller.actor, Action::ChangeProfile)?;
        let user = caller.actor.user()?.principal;
        let now = self.now();
        let mut transaction = db::begin(&self.app().config().db).await?;
        let open = user_emails::lock_challenge(&mut transaction, user, now).await?;
        let row = open.filter(|row| row.tries < TRIES_MAX).ok_or(UserRefusal::CodeInvalid)?;
        let shown = self.code_mac(row.id, &plain_code(code));
        let right = bool::from(shown.as_slice().ct_eq(&row.code_mac));
        user_emails::record_try(&mut transaction, row.id, right, now).await?;
        if !right {
            // A wrong try counts, too.
            transaction.commit().await.map_err(DbError::from)?;
            return Err(UserRefusal::CodeInvalid.into());
        }
        let sealed = (row.key_id, row.address);
        let address = self.open(SealedColumn::EmailChallengeAddress, row.id, sealed)?;
        let sealed = self.seal(SealedColumn::EmailAddress, user.0, &address)?;
        let email = EmailRow { address: sealed.bytes, key_id: sealed.key_id, verified_at: now };
        user_emails::record(&mut transaction, user, &email).await?;
        transaction.commit().await.map_err(DbError::from)?;
        self.load_profile(caller).await
    }

    /// Forget the caller's address, and codes under way; again does nothing.
    ///
    /// # Errors
    /// [`AppError::Denied`]
    pub async fn forget_email(&self, caller: Caller<'_>) -> Result<(), AppError> {
        authorize(caller.actor, Action::ChangeProfile)?;
        let user = caller.actor.user()?.principal;
        let mut transaction = db::begin(&self.app().config().db).await?;
        user_emails::delete(&mut transaction, user).await?;
        transaction.commit().await.map_err(DbError::from)?;
        Ok(())
    }

    fn code_mac(&self, id: Uuid, code: &str) -> [u8; 32] {
        self.0.pepper.labelled_mac("email code", &[id.as_bytes(), code.as_bytes()])
    }
}

/// Letters of one address are counted by it, whatever the case.
fn address_mac(pepper: &Pepper, address: &str) -> [u8; 32] {
    let folded = Zeroizing::new(address.to_ascii_lowercase());
    pepper.labelled_mac("email address", &[folded.as_bytes()])
}

fn fresh_code() -> Zeroizing<String> {
    // 24 characters of base62, of which each letter of the code takes two.
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let random = Zeroizing::new(fresh_nonce());
    let pairs = random.as_bytes().chunks_exact(2).take(CODE_LEN);
    let letter = |pair: &[u8]| {
        let sum = pair.iter().fold(0_usize, |sum, byte| sum * 62 + digit(*byte));
        char::from(LETTERS[sum % LETTERS.len()])
    };
    Zeroizing::new(pairs.map(letter).collect())
}

/// Value of a base62 digit.
fn digit(byte: u8) -> usize {
    usize::from(match byte {
        b'0'..=b'9' => byte - b'0',
        b'A'..=b'Z' => byte - b'A' + 10,
        _ => byte.wrapping_sub(b'a').wrapping_add(36),
    })
}

/// As people type it: in any case, with hyphens and spaces.
fn plain_code(text: &str) -> Zeroizing<String> {
    let kept = text.chars().filter(char::is_ascii_alphanumeric).take(CODE_LEN + 1);
    Zeroizing::new(kept.map(|letter| letter.to_ascii_uppercase()).collect())
}

fn letter(options: &EmailOptions, address: &str, code: &str) -> MailContent {
    let (first, rest) = code.split_at(CODE_LEN / 2);
    let minutes = options.code_time.whole_minutes();
    let by_page = options.page.as_ref().map(|page| format!("\n\nOr open {page}#code={code}"));
    let text = format!(
        "Your code for {} is\n\n    {first}-{rest}\n\nIt is good once, for {minutes} minutes.{}\n\n\
         If you did not ask for it, leave it: without the code nothing happens.\n",
        options.name,
        by_page.unwrap_or_default(),
    );
    let subject = format!("{}: your code", options.name);
    MailContent { to: address.to_owned(), subject, text }
}

/// For the job that sends them.
pub(crate) fn mail_place(id: &Uuid) -> fields::Place<'_> {
    place(SealedColumn::MailContent, id.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = fresh_code();
        assert_eq!(code.len(), CODE_LEN);
        assert_ne!(*fresh_code(), *code);
        let typed = format!(" {}-{} ", code[..5].to_lowercase(), &code[5..]);
        assert_eq!(*plain_code(&typed), *code);
        assert_ne!(*plain_code(&format!("{}X", *code)), *code);
    }
}
