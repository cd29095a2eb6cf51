//! Draws the form of single members: absent, null, in another spelling of the same value.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::odd_text::ODD;
use crate::clock::Moment;

/// One optional member in so many is absent or null.
const OMISSIONS: usize = 7;
/// One name in so many has a character that is none.
const ODD_NAMES: usize = 12;

pub(super) struct Forms {
    random: Rng,
}

pub(super) type Object = Map<String, Value>;

impl Forms {
    pub(super) fn new(random: Rng) -> Self {
        Self { random }
    }

    pub(super) fn one_in(&mut self, many: usize) -> bool {
        self.random.usize(..many) == 0
    }

    pub(super) fn pick<T: Clone>(&mut self, among: &[T]) -> T {
        among[self.random.usize(..among.len())].clone()
    }

    pub(super) fn shuffle<T>(&mut self, rows: &mut [T]) {
        self.random.shuffle(rows);
    }

    /// Leaves a member out, or says null.
    pub(super) fn remove(&mut self, object: &mut Object, name: &str) {
        if self.one_in(2) {
            object.remove(name);
        } else {
            object.insert(name.to_owned(), Value::Null);
        }
    }

    /// Now and then leaves optional members out.
    pub(super) fn omit(&mut self, object: &mut Object, names: &[&str]) {
        for name in names {
            if self.one_in(OMISSIONS) {
                self.remove(object, name);
            }
        }
    }

    /// An array that is empty, as `[]`, null or nothing. One that is missing stays so or becomes one of them.
    pub(super) fn empty_array(&mut self, object: &mut Object, name: &str) {
        let is_empty = object
            .get(name)
            .is_none_or(|value| value.is_null() || value.as_array().is_some_and(Vec::is_empty));
        if !is_empty {
            return;
        }
        match self.pick(&[Some(json!([])), Some(Value::Null), None]) {
            Some(empty) => object.insert(name.to_owned(), empty),
            None => object.remove(name),
        };
    }

    /// The same instant with `Z`, without a fraction where it is 0, or five hours behind UTC.
    pub(super) fn date(&mut self, object: &mut Object, name: &str) {
        let Some(at) = object.get(name).and_then(Value::as_str).and_then(Moment::parse) else {
            return;
        };
        let instant = at.to_string();
        let whole = instant.strip_suffix(".000Z");
        let behind = || {
            let local = at.plus_seconds(-5 * 3600).to_string();
            local.strip_suffix('Z').map(|local| format!("{local}-05:00"))
        };
        let form = match self.pick(&[0, 1, 2, 3]) {
            0 => whole.map(|whole| format!("{whole}Z")),
            1 => behind(),
            2 => behind().map(|form| form.replace(".000-", "-")),
            _ => None,
        };
        object.insert(name.to_owned(), form.unwrap_or(instant).into());
    }

    /// A word of an open enumeration, which is compared without regard to case.
    pub(super) fn case(&mut self, object: &mut Object, name: &str) {
        let Some(word) = object.get(name).and_then(Value::as_str) else {
            return;
        };
        let form = match self.pick(&[0, 1, 2, 3]) {
            0 => word.to_uppercase(),
            1 => word.to_lowercase(),
            _ => return,
        };
        object.insert(name.to_owned(), form.into());
    }

    /// A text that people wrote: escaped for HTML or not, and now and then with a character that is none at its end.
    pub(super) fn prose(&mut self, object: &mut Object, name: &str) {
        let Some(text) = object.get(name).and_then(Value::as_str) else {
            return;
        };
        let mut form = match self.pick(&[0, 1, 2]) {
            0 => text
                .replace("& ", "&amp; ")
                .replace('\'', "&#39;")
                .replace('"', "&quot;"),
            1 => text.replace("&amp; ", "& "),
            _ => text.to_owned(),
        };
        if self.one_in(ODD_NAMES) {
            form.push(self.pick(&ODD));
        }
        object.insert(name.to_owned(), form.into());
    }

    /// A count as a number or as a text of digits.
    pub(super) fn count(&mut self, object: &mut Object, name: &str) {
        let form = match object.get(name) {
            Some(Value::Number(number)) if self.one_in(2) => json!(number.to_string()),
            Some(Value::String(digits)) if self.one_in(2) => match digits.parse::<i64>() {
                Ok(number) => json!(number),
                Err(_) => return,
            },
            _ => return,
        };
        object.insert(name.to_owned(), form);
    }

    /// What the last page of a listing says of the next.
    pub(super) fn last_page(&mut self, page: &mut Object) {
        let links = self.pick(&[
            None,
            Some(Value::Null),
            Some(json!({})),
            Some(json!({"next": null})),
            Some(json!({"next": {}})),
            Some(json!({"next": {"href": null}})),
            Some(json!({"next": {"href": ""}})),
        ]);
        match links {
            Some(links) => page.insert("_links".to_owned(), links),
            None => page.remove("_links"),
        };
    }
}
