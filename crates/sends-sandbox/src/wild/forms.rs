//! Variations of single members: absent, null, or another spelling of the same value.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::odd_text::ODD;
use crate::clock::Moment;

/// Average number of optional members per absent or null member.
const OMISSIONS: usize = 7;
/// Average number of names per invalid character.
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

    pub(super) fn remove(&mut self, object: &mut Object, name: &str) {
        if self.one_in(2) {
            object.remove(name);
        } else {
            object.insert(name.to_owned(), Value::Null);
        }
    }

    pub(super) fn omit(&mut self, object: &mut Object, names: &[&str]) {
        for name in names {
            if self.one_in(OMISSIONS) {
                self.remove(object, name);
            }
        }
    }

    /// Writes an empty or missing array as `[]`, null or nothing.
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

    /// Writes the same instant in UTC or five hours behind, with or without a fraction of 0.
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

    /// Escapes some texts for HTML, and sometimes adds an invalid character.
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
