//! What the schema says of its output types, as far as an answer can be held against it.

use std::collections::HashSet;

use async_graphql::{
    Positioned,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition},
    },
};
use foldhash::HashMap;

/// The output types of a schema.
#[derive(Debug, Default)]
pub struct Types {
    query: String,
    composites: HashMap<String, Composite>,
    /// Scalars, enums and input objects.
    others: HashSet<String>,
}

/// The scalars of the specification, which a schema need not define.
const BUILT_IN: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

#[derive(Debug, Default)]
struct Composite {
    fields: HashMap<String, Type>,
    is_object: bool,
    /// The interfaces and unions that an object belongs to.
    belongs_to: HashSet<String>,
}

impl Types {
    /// The types that a text in the Schema Definition Language describes. A text that is none describes nothing, and then
    /// nothing is held against it.
    pub fn of(sdl: &str) -> Self {
        let mut types = Self {
            query: "Query".to_owned(),
            ..Self::default()
        };
        let Ok(document) = parse_schema(sdl) else {
            return types;
        };
        let mut unions = Vec::new();
        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Schema(schema) => {
                    if let Some(query) = schema.node.query {
                        types.query = query.node.to_string();
                    }
                }
                TypeSystemDefinition::Type(definition) => {
                    let name = definition.node.name.node.to_string();
                    match definition.node.kind {
                        TypeKind::Object(object) => {
                            let composite = types.composites.entry(name).or_default();
                            composite.is_object = true;
                            composite.add(object.fields);
                            let interfaces = object.implements.into_iter();
                            composite
                                .belongs_to
                                .extend(interfaces.map(|interface| interface.node.to_string()));
                        }
                        TypeKind::Interface(interface) => {
                            types.composites.entry(name).or_default().add(interface.fields);
                        }
                        TypeKind::Union(union) => {
                            types.composites.entry(name.clone()).or_default();
                            unions.extend(
                                union
                                    .members
                                    .into_iter()
                                    .map(|member| (member.node, name.clone())),
                            );
                        }
                        TypeKind::Scalar | TypeKind::Enum(_) | TypeKind::InputObject(_) => {
                            types.others.insert(name);
                        }
                    }
                }
                TypeSystemDefinition::Directive(_) => {}
            }
        }
        for (member, union) in unions {
            types
                .composites
                .entry(member.to_string())
                .or_default()
                .belongs_to
                .insert(union);
        }
        types
    }

    /// The type where queries start.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Whether the schema has a type of this name.
    pub fn is_known(&self, name: &str) -> bool {
        self.composites.is_empty()
            || self.composites.contains_key(name)
            || self.others.contains(name)
            || BUILT_IN.contains(&name)
    }

    /// The type of a field, if the schema describes it.
    pub fn field(&self, of: &str, name: &str) -> Option<&Type> {
        self.composites.get(of)?.fields.get(name)
    }

    /// Whether a type is an object type. Several may be meant by one that is not.
    pub fn is_object(&self, name: &str) -> bool {
        self.composites
            .get(name)
            .is_some_and(|composite| composite.is_object)
    }

    /// Whether any type can mean several.
    pub fn has_abstract(&self) -> bool {
        self.composites.values().any(|composite| !composite.is_object)
    }

    /// Whether a fragment on `condition` applies to an object of type `object`.
    pub fn applies(&self, condition: &str, object: &str) -> bool {
        condition == object
            || self
                .composites
                .get(object)
                .is_none_or(|composite| composite.belongs_to.contains(condition))
    }
}

impl Composite {
    fn add(&mut self, fields: Vec<Positioned<FieldDefinition>>) {
        let fields = fields.into_iter().map(|field| field.node);
        self.fields
            .extend(fields.map(|field| (field.name.node.to_string(), field.ty.node)));
    }
}

/// The name of a type without its lists.
pub fn named(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name,
        BaseType::List(of) => named(of),
    }
}
