//! SQL statements assembled at run time. Values are bound and never inserted into the text.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::fault::Fault;

pub(super) struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    pub(super) fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            values: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, sql: &str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    pub(super) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.push("?")
    }

    pub(super) fn push_in<V: Into<Value>>(
        &mut self,
        before: &str,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        self.push(before);
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.push(", ");
            }
            self.push_bind(value);
        }
        self.push(")")
    }

    pub(super) fn read<T>(
        &self,
        connection: &Connection,
        read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut statement = connection.prepare(&self.sql)?;
        statement
            .query_and_then(params_from_iter(&self.values), read)?
            .collect()
    }

    #[cfg(test)]
    pub(super) fn explained(mut self) -> Self {
        self.sql.insert_str(0, "EXPLAIN QUERY PLAN ");
        self
    }
}
