//! Operations, their variables, and fragments, in the library's terms.

use async_graphql::{
    Name, Positioned,
    parser::types::{
        FragmentDefinition, OperationDefinition, OperationType, Type, TypeCondition, VariableDefinition,
    },
};
use bluejay_core::{
    AsIter as _, OperationType as QuickerType,
    executable::{ExplicitOperationDefinition as _, FragmentDefinition as _, VariableDefinition as _},
};
use bluejay_parser::{HasSpan as _, ast::executable as quicker};

use super::reading::Reading;

/// What stands between words and means nothing, comments aside.
const BLANKS: [char; 6] = [' ', ',', '\t', '\r', '\n', '\u{feff}'];

impl Reading<'_> {
    pub(super) fn operation(
        &mut self,
        operation: &quicker::OperationDefinition<'_>,
    ) -> Option<Positioned<OperationDefinition>> {
        let position = self.position(operation);
        let (ty, variable_definitions, directives) = match operation {
            quicker::OperationDefinition::Implicit(_) => (OperationType::Query, Vec::new(), Vec::new()),
            quicker::OperationDefinition::Explicit(operation) => {
                if operation.description().is_some() {
                    return None;
                }
                let ty = match operation.operation_type().into() {
                    QuickerType::Query => OperationType::Query,
                    QuickerType::Mutation => OperationType::Mutation,
                    QuickerType::Subscription => OperationType::Subscription,
                };
                let variables: Option<_> = match operation.variable_definitions() {
                    Some(variables) => variables.iter().map(|variable| self.variable(variable)).collect(),
                    None => Some(Vec::new()),
                };
                (ty, variables?, self.directives(operation.directives())?)
            }
        };
        let operation = OperationDefinition {
            ty,
            variable_definitions,
            directives,
            selection_set: self.selection_set(operation.selection_set())?,
        };
        Some(Positioned::new(operation, position))
    }

    fn variable(
        &mut self,
        variable: &quicker::VariableDefinition<'_>,
    ) -> Option<Positioned<VariableDefinition>> {
        let (directives, default) = (variable.directives(), variable.default_value());
        // The library wants directives before the default.
        if variable.description().is_some() || directives.is_some() && default.is_some() {
            return None;
        }
        let start = variable.variable().span().byte_range().start;
        let position = self.at(start);
        let name = Name::new(variable.variable().name());
        let name = Positioned::new(name, self.at(start + '$'.len_utf8()));
        let var_type = self.variable_type(variable.r#type())?;
        let definition = VariableDefinition {
            name,
            var_type,
            directives: self.directives(directives)?,
            default_value: match default {
                Some(value) => {
                    let position = self.position(value);
                    Some(Positioned::new(self.value(value)?.into_const()?, position))
                }
                None => None,
            },
        };
        Some(Positioned::new(definition, position))
    }

    fn variable_type(&mut self, of: &quicker::VariableType<'_>) -> Option<Positioned<Type>> {
        let position = self.position(of);
        let text = self.text_of(of);
        // The library reads a type as one word.
        let is_of_type = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'[' | b']' | b'!');
        let is_word = text.bytes().all(is_of_type);
        Some(Positioned::new(Type::new(text).filter(|_| is_word)?, position))
    }

    pub(super) fn fragment(
        &mut self,
        fragment: &quicker::FragmentDefinition<'_>,
    ) -> Option<Positioned<FragmentDefinition>> {
        if fragment.description().is_some() {
            return None;
        }
        let position = self.position(fragment);
        let name = quicker::FragmentDefinition::name(fragment).span().byte_range();
        let condition = quicker::FragmentDefinition::type_condition(fragment);
        let fragment = FragmentDefinition {
            type_condition: self.type_condition(name.end, condition)?,
            directives: self.directives(fragment.directives())?,
            selection_set: self.selection_set(fragment.selection_set())?,
        };
        Some(Positioned::new(fragment, position))
    }

    /// A condition that begins somewhere behind `start`. With a comment beside its `on`, the library reads something else.
    pub(super) fn type_condition(
        &mut self,
        start: usize,
        condition: &quicker::TypeCondition<'_>,
    ) -> Option<Positioned<TypeCondition>> {
        let before = &self.text[start..condition.named_type().span().byte_range().start];
        let on = before.trim_start_matches(BLANKS);
        if on.trim_end_matches(BLANKS) != "on" {
            return None;
        }
        let position = self.at(start + before.len() - on.len());
        let on = self.name(condition.named_type());
        Some(Positioned::new(TypeCondition { on }, position))
    }
}
