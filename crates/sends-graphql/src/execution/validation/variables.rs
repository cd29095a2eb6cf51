//! Size limits of a request's variables.

use async_graphql::{Value, Variables};

use super::{
    limits::Limits,
    rejected::{Limit, Rejected},
    values,
};

const VALUE_BYTES: usize = size_of::<Value>();

/// Rejects variables beyond the limits. Returns the size of the variables in bytes.
pub(crate) fn check_size(variables: &Variables, limits: &Limits) -> Result<usize, Rejected> {
    let mut size = Size::default();
    for (name, value) in variables.iter() {
        size.length += name.len();
        size.add(value, 1, limits)?;
    }
    Limit::check(None, "bytes of variables", size.length, limits.variables_length)?;
    Limit::check(None, "values in variables", size.values, limits.variable_values)?;
    Ok(size.length + size.values * VALUE_BYTES)
}

#[derive(Default)]
struct Size {
    length: usize,
    values: usize,
}

impl Size {
    fn add(&mut self, value: &Value, depth: usize, limits: &Limits) -> Result<(), Rejected> {
        let levels = "levels, or more, in a variable";
        Limit::check(None, levels, depth, limits.variable_depth)?;
        self.values += 1;
        match value {
            Value::String(text) => self.length += text.len(),
            Value::List(items) => {
                values::check_length(items.len(), limits)?;
                items
                    .iter()
                    .try_for_each(|item| self.add(item, depth + 1, limits))?;
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    self.length += name.len();
                    self.add(field, depth + 1, limits)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}
