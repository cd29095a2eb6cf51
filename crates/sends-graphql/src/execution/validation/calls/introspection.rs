//! Counts the values of an introspection result on the schema.

use apollo_compiler::{
    Node,
    ast::{DirectiveDefinition, InputValueDefinition, Type},
    schema::{ExtendedType, FieldDefinition},
};

use async_graphql::Value;

use crate::{bulkheads::answers, execution::plan::Field, execution::validation::Types};

/// Returns the number of values of `__schema` or `__type`, including deprecated fields, and the bytes of long names. Counting
/// stops shortly after `max` values.
pub(super) fn values(field: &Field, types: &Types, max: usize) -> (usize, usize) {
    let mut count = Count {
        types,
        max,
        values: 1,
        names: answers::long_name(&field.key),
    };
    if field.name == "__schema" {
        count.object(field, Element::Schema);
    } else if let Some(Value::String(name)) = field.argument("name") {
        count.named(field, name);
    }
    (count.values, count.names)
}

#[derive(Clone, Copy)]
enum Element<'s> {
    Schema,
    Definition(&'s ExtendedType),
    Type(&'s Type),
    /// Type inside a non-null wrapper.
    Nullable(&'s Type),
    Field(&'s FieldDefinition),
    Argument(&'s InputValueDefinition),
    Directive(&'s DirectiveDefinition),
    EnumValue,
}

struct Count<'s> {
    types: &'s Types,
    max: usize,
    values: usize,
    /// Bytes of long names.
    names: usize,
}

impl<'s> Count<'s> {
    fn object(&mut self, of: &Field, element: Element<'s>) {
        let objects = of.below.iter().flat_map(|below| &below.objects);
        for field in objects.flat_map(|object| object.fields.as_deref().unwrap_or_default()) {
            if self.values > self.max {
                return;
            }
            self.values += 1;
            self.names += answers::long_name(&field.key);
            self.field(field, element);
        }
    }

    fn list(&mut self, of: &Field, elements: impl IntoIterator<Item = Element<'s>>) {
        for element in elements {
            self.values += 1;
            self.object(of, element);
        }
    }

    fn named(&mut self, of: &Field, name: &str) {
        if let Some(definition) = self.types.schema().types.get(name) {
            self.object(of, Element::Definition(definition));
        }
    }

    fn field(&mut self, field: &Field, element: Element<'s>) {
        let schema = self.types.schema();
        match (element, field.name.as_str()) {
            (Element::Schema, "types") => self.list(field, schema.types.values().map(Element::Definition)),
            (Element::Schema, "directives") => {
                let directives = schema.directive_definitions.values();
                self.list(field, directives.map(|directive| Element::Directive(directive)));
            }
            (Element::Schema, "queryType") => self.named(field, &self.types.query()),
            (Element::Definition(definition), list) => self.of_definition(field, definition, list),
            (
                Element::Type(Type::Named(name))
                | Element::Nullable(Type::Named(name) | Type::NonNullNamed(name)),
                list,
            ) => {
                if let Some(definition) = schema.types.get(name) {
                    self.of_definition(field, definition, list);
                }
            }
            (Element::Type(of @ (Type::NonNullNamed(_) | Type::NonNullList(_))), "ofType") => {
                self.object(field, Element::Nullable(of));
            }
            (
                Element::Type(Type::List(of)) | Element::Nullable(Type::List(of) | Type::NonNullList(of)),
                "ofType",
            ) => {
                self.object(field, Element::Type(of));
            }
            (Element::Field(definition), "args") => self.arguments(field, &definition.arguments),
            (Element::Field(definition), "type") => self.object(field, Element::Type(&definition.ty)),
            (Element::Argument(definition), "type") => self.object(field, Element::Type(&definition.ty)),
            (Element::Directive(definition), "args") => self.arguments(field, &definition.arguments),
            (Element::Directive(definition), "locations") => self.values += definition.locations.len(),
            _ => {}
        }
    }

    fn of_definition(&mut self, field: &Field, definition: &'s ExtendedType, list: &str) {
        let (fields, interfaces) = match definition {
            ExtendedType::Object(object) => (Some(&object.fields), Some(&object.implements_interfaces)),
            ExtendedType::Interface(interface) => {
                (Some(&interface.fields), Some(&interface.implements_interfaces))
            }
            _ => (None, None),
        };
        match (list, definition) {
            ("fields", _) => {
                let fields = fields.into_iter().flat_map(|fields| fields.values());
                self.list(field, fields.map(|field| Element::Field(field)));
            }
            ("interfaces", _) => {
                for interface in interfaces.into_iter().flatten() {
                    self.values += 1;
                    self.named(field, interface);
                }
            }
            ("possibleTypes", ExtendedType::Interface(_) | ExtendedType::Union(_)) => {
                for name in self.types.possible(definition.name()).1 {
                    self.values += 1;
                    self.named(field, name);
                }
            }
            ("enumValues", ExtendedType::Enum(definition)) => {
                self.list(field, definition.values.iter().map(|_| Element::EnumValue));
            }
            ("inputFields", ExtendedType::InputObject(definition)) => {
                self.list(
                    field,
                    definition.fields.values().map(|field| Element::Argument(field)),
                );
            }
            _ => {}
        }
    }

    fn arguments(&mut self, field: &Field, arguments: &'s [Node<InputValueDefinition>]) {
        self.list(
            field,
            arguments.iter().map(|argument| Element::Argument(argument)),
        );
    }
}
