//! Where the subscriptions of a connection stand, in one line: the `id` of an event, which a client
//! gives back as `Last-Event-ID`. `items=1.45;chain=1.8`: subscription, epoch, number.

/// Longer lines are none of ours.
const LINE_MAX: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub id: String,
    pub epoch: i64,
    /// All facts up to here were sent.
    pub seq: i64,
}

pub(crate) fn show_places(places: impl Iterator<Item = Place>) -> String {
    let shown: Vec<String> =
        places.map(|Place { id, epoch, seq }| format!("{id}={epoch}.{seq}")).collect();
    shown.join(";")
}

/// None when the text is no such line.
pub(crate) fn parse_places(text: &str) -> Option<Vec<Place>> {
    if text.len() > LINE_MAX {
        return None;
    }
    let number = |text: &str| text.parse::<i64>().ok().filter(|number| *number >= 0);
    let place = |part: &str| {
        let (id, at) = part.split_once('=')?;
        let (epoch, seq) = at.split_once('.')?;
        Some(Place { id: id.to_owned(), epoch: number(epoch)?, seq: number(seq)? })
    };
    text.split(';').map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_shown() {
        let place = |id: &str, epoch, seq| Place { id: id.to_owned(), epoch, seq };
        let places = [place("items", 1, 45), place("chain", 2, 0)];
        let line = show_places(places.iter().cloned());
        assert_eq!(line, "items=1.45;chain=2.0");
        assert_eq!(parse_places(&line).unwrap(), places);
        for bad in ["", "items", "items=1", "items=1.x", "items=-1.4", "items=1.45;", "=;."] {
            assert_eq!(parse_places(bad), None, "{bad}");
        }
        assert_eq!(parse_places(&"a=1.1;".repeat(1_000)), None);
    }
}
