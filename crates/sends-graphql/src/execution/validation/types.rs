//! Schema of the validator, parsed from the SDL of the executable schema.

use apollo_compiler::{
    Name, Node, Schema,
    ast::{OperationType, Type},
    collections::HashMap,
    name,
    schema::{ExtendedType, FieldDefinition, Implementers},
    validation::Valid,
};

#[derive(Clone, Debug)]
pub struct Types {
    schema: Valid<Schema>,
    implementers: HashMap<Name, Implementers>,
}

/// Apollo Federation directives, which are removed because the SDL does not define them.
const OF_FEDERATION: [&str; 2] = ["key", "shareable"];

impl Types {
    /// Parses the SDL, and uses the valid part of an invalid SDL. The test `schema_sdl_is_valid` in `tests/schema.rs` covers the
    /// service's SDL.
    pub fn of(sdl: &str) -> Self {
        let mut schema = Schema::parse(sdl, "schema.graphql").unwrap_or_else(|invalid| invalid.partial);
        for definition in schema.types.values_mut() {
            if let ExtendedType::Object(object) = definition {
                object
                    .make_mut()
                    .directives
                    .0
                    .retain(|directive| !OF_FEDERATION.contains(&directive.name.as_str()));
            }
        }
        let schema = schema.validate().unwrap_or_else(|invalid| {
            tracing::error!("the schema is invalid: {}", invalid.errors);
            Valid::assume_valid(invalid.partial)
        });
        let implementers = schema.implementers_map();
        Self { schema, implementers }
    }

    pub fn schema(&self) -> &Valid<Schema> {
        &self.schema
    }

    pub(crate) fn query(&self) -> Name {
        let query = self.schema.root_operation(OperationType::Query);
        query.cloned().unwrap_or(name!("Query"))
    }

    pub(crate) fn implementers(&self) -> &HashMap<Name, Implementers> {
        &self.implementers
    }

    pub(crate) fn field(&self, of: &str, name: &str) -> Option<&Node<FieldDefinition>> {
        self.schema.type_field(of, name).ok().map(|field| &field.node)
    }

    /// Returns whether an output type is abstract, and its possible object types.
    pub(crate) fn possible(&self, of: &str) -> (bool, Vec<&Name>) {
        match self.schema.types.get(of) {
            Some(ExtendedType::Object(object)) => (false, vec![&object.name]),
            Some(ExtendedType::Interface(interface)) => {
                let implementers = self.implementers.get(&interface.name);
                (
                    true,
                    implementers.into_iter().flat_map(|all| &all.objects).collect(),
                )
            }
            Some(ExtendedType::Union(union)) => {
                (true, union.members.iter().map(|member| &member.name).collect())
            }
            _ => (false, Vec::new()),
        }
    }

    pub(crate) fn applies(&self, condition: &str, object: &str) -> bool {
        condition == object || self.schema.is_subtype(condition, object)
    }
}

pub(crate) fn is_nullable(of: &Type) -> bool {
    !of.is_non_null()
}
