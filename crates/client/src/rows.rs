//! Lists, row by row.

use crate::{Call, Error};
use serde::de::DeserializeOwned;
use std::collections::VecDeque;

/// A page of a list.
pub trait Page: DeserializeOwned + Send + 'static {
    type Row: Send;

    /// Its rows, and where the next one begins.
    fn split(self) -> (Vec<Self::Row>, Option<String>);
}

/// Rows of a list, page by page as they are asked for.
#[derive(Debug)]
pub struct Rows<T: Page> {
    call: Call<T>,
    ready: VecDeque<T::Row>,
    is_last: bool,
}

impl<T: Page> Call<T> {
    /// All rows of the list, from this page on.
    pub fn rows(self) -> Rows<T> {
        Rows { call: self, ready: VecDeque::new(), is_last: false }
    }
}

impl<T: Page> Rows<T> {
    /// The next row; none behind the last. After an error it may be asked again.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn next(&mut self) -> Result<Option<T::Row>, Error> {
        while self.ready.is_empty() && !self.is_last {
            let (rows, cursor) = self.call.clone().await?.split();
            self.ready.extend(rows);
            match cursor {
                Some(cursor) => self.call = self.call.clone().parameter("cursor", &cursor),
                None => self.is_last = true,
            }
        }
        Ok(self.ready.pop_front())
    }
}

macro_rules! page {
    ($page:ident of $row:ident) => {
        impl crate::Page for $page {
            type Row = $row;

            fn split(self) -> (Vec<$row>, Option<String>) {
                (self.items, self.next_cursor)
            }
        }
    };
}
pub(crate) use page;
