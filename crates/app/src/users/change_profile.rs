//! What a user tells of themselves.

use super::{ProfileView, UserRefusal, Users};
use crate::{AppError, Caller};
use abi::Fault;
use auth::{Action, authorize};
use db::{
    DbError, principals,
    sealed_fields::SealedColumn,
    user_profiles::{self, ProfileRow},
};

const NAME_LEN_MAX: usize = 80;
const CONTACT_LEN_MAX: usize = 200;
const LOCALE_LEN_MAX: usize = 35;

/// What is to be told from now on: none leaves a field as it is, none inside clears it.
#[derive(Clone, Default)]
pub struct ProfileChange<'a> {
    pub display_name: Option<Option<&'a str>>,
    /// A language tag (BCP 47).
    pub locale: Option<Option<&'a str>>,
    /// Content id of an uploaded picture.
    pub avatar: Option<Option<&'a str>>,
    /// How to reach them beside e-mail; sealed.
    pub contact: Option<Option<&'a str>>,
}

impl std::fmt::Debug for ProfileChange<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProfileChange(…)")
    }
}

impl Users {
    /// Change the caller's profile; the same again changes nothing more.
    ///
    /// # Errors
    /// [`UserRefusal::Invalid`], with all that is wrong.
    pub async fn change_profile(
        &self,
        caller: Caller<'_>,
        change: ProfileChange<'_>,
    ) -> Result<ProfileView, AppError> {
        authorize(caller.actor, Action::ChangeProfile)?;
        let user = caller.actor.user()?.principal;
        let mut faults = faults(&change);
        let mut transaction = db::begin(&self.app().config().db).await?;
        if let Some(Some(cid)) = change.avatar
            && !user_profiles::is_picture(&mut transaction, cid).await?
        {
            faults.push(Fault::new("/avatar", "no picture of this content id was uploaded"));
        }
        if !faults.is_empty() {
            return Err(UserRefusal::Invalid(faults).into());
        }
        principals::lock(&mut transaction, user).await?;
        let before = user_profiles::load(&mut transaction, user).await?;
        let told = |change: Option<Option<&str>>, before: Option<String>| match change {
            None => before,
            Some(text) => text.map(str::to_owned),
        };
        let (contact, contact_key_id) = match change.contact {
            None => (before.contact, before.contact_key_id),
            Some(None) => (None, None),
            Some(Some(text)) => {
                let sealed = self.seal(SealedColumn::ProfileContact, user.0, text)?;
                (Some(sealed.bytes), Some(sealed.key_id))
            }
        };
        let after = ProfileRow {
            display_name: told(change.display_name, before.display_name),
            locale: told(change.locale, before.locale),
            avatar_cid: told(change.avatar, before.avatar_cid),
            contact,
            contact_key_id,
        };
        user_profiles::record(&mut transaction, user, &after, self.now()).await?;
        transaction.commit().await.map_err(DbError::from)?;
        self.load_profile(caller).await
    }
}

fn faults(change: &ProfileChange<'_>) -> Vec<Fault> {
    let plain = |text: &str, most: usize| {
        (1..=most).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(char::is_control)
    };
    let checks = [
        (
            change.display_name.flatten().is_some_and(|text| !plain(text, NAME_LEN_MAX)),
            "/display_name",
            "1 to 80 characters, no control characters, no spaces around",
        ),
        (
            change.locale.flatten().is_some_and(|text| !is_locale(text)),
            "/locale",
            "a language tag as `de` or `pt-BR`",
        ),
        (
            change.contact.flatten().is_some_and(|text| !plain(text, CONTACT_LEN_MAX)),
            "/contact",
            "1 to 200 characters, no control characters, no spaces around",
        ),
    ];
    let broken = checks.into_iter().filter(|(broken, ..)| *broken);
    broken.map(|(_, pointer, detail)| Fault::new(pointer, detail)).collect()
}

/// Is it a language tag, by its form?
fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().is_some_and(|part| {
        (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    });
    let rest = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    text.len() <= LOCALE_LEN_MAX && language && parts.all(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_are_language_tags() {
        for good in ["de", "pt-BR", "zh-Hant-TW", "de-CH-1996", "gsw"] {
            assert!(is_locale(good), "{good}");
        }
        for bad in
            ["", "d", "german", "de_DE", "de-", "-DE", "d1", "de-überall", &"de-a".repeat(20)]
        {
            assert!(!is_locale(bad), "{bad}");
        }
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let long = "x".repeat(201);
        let change = ProfileChange {
            display_name: Some(Some(" Ada")),
            locale: Some(Some("x_y")),
            avatar: None,
            contact: Some(Some(&long)),
        };
        let pointers: Vec<String> = faults(&change).into_iter().map(|f| f.pointer).collect();
        assert_eq!(pointers, ["/display_name", "/locale", "/contact"]);
        let cleared = ProfileChange { contact: Some(None), ..ProfileChange::default() };
        assert!(faults(&cleared).is_empty());
    }
}
