//! Selections and what they hold, in the library's terms.

use async_graphql::{
    Name, Number, Positioned,
    parser::types::{Directive, Field, FragmentSpread, InlineFragment, Selection, SelectionSet},
};
use async_graphql_value::Value;
use bluejay_core::{
    AsIter, Directive as _,
    executable::{Field as _, FragmentSpread as _, InlineFragment as _},
};
use bluejay_parser::{
    HasSpan as _,
    ast::{self, executable as quicker},
};

use super::reading::Reading;

/// Where a word begins with one of these, the library takes the beginning for the whole.
const CUT: [&str; 3] = ["true", "false", "null"];

impl Reading<'_> {
    pub(super) fn selection_set(
        &mut self,
        set: &quicker::SelectionSet<'_>,
    ) -> Option<Positioned<SelectionSet>> {
        let position = self.position(set);
        // A selection is large, and collecting would move them all whenever there is no more room.
        let mut items = Vec::with_capacity(set.len());
        for selection in set.iter() {
            items.push(self.selection(selection)?);
        }
        Some(Positioned::new(SelectionSet { items }, position))
    }

    fn selection(&mut self, selection: &quicker::Selection<'_>) -> Option<Positioned<Selection>> {
        let position;
        let selection = match selection {
            quicker::Selection::Field(field) => {
                position = self.position(field);
                Selection::Field(Positioned::new(self.field(field)?, position))
            }
            quicker::Selection::InlineFragment(fragment) => {
                position = self.position(fragment);
                Selection::InlineFragment(Positioned::new(self.inline_fragment(fragment)?, position))
            }
            quicker::Selection::FragmentSpread(spread) => {
                position = self.position(spread);
                let spread = FragmentSpread {
                    fragment_name: self.name(quicker::FragmentSpread::name(spread)),
                    directives: self.directives(spread.directives())?,
                };
                Selection::FragmentSpread(Positioned::new(spread, position))
            }
        };
        Some(Positioned::new(selection, position))
    }

    fn field(&mut self, field: &quicker::Field<'_>) -> Option<Field> {
        let alias = field.alias().map(Name::new);
        Some(Field {
            alias: alias.map(|alias| Positioned::new(alias, self.position(field))),
            name: self.name(quicker::Field::name(field)),
            arguments: self.arguments(bluejay_core::executable::Field::arguments(field))?,
            directives: self.directives(field.directives())?,
            selection_set: match field.selection_set() {
                Some(set) => self.selection_set(set)?,
                None => Positioned::default(),
            },
        })
    }

    fn inline_fragment(&mut self, fragment: &quicker::InlineFragment<'_>) -> Option<InlineFragment> {
        let start = fragment.span().byte_range().start + "...".len();
        Some(InlineFragment {
            type_condition: match quicker::InlineFragment::type_condition(fragment) {
                Some(condition) => Some(self.type_condition(start, condition)?),
                None => None,
            },
            directives: self.directives(fragment.directives())?,
            selection_set: self.selection_set(fragment.selection_set())?,
        })
    }

    pub(super) fn directives<const CONST: bool>(
        &mut self,
        directives: Option<&ast::Directives<'_, CONST>>,
    ) -> Option<Vec<Positioned<Directive>>> {
        let Some(directives) = directives else {
            return Some(Vec::new());
        };
        let directive = |directive: &ast::Directive<'_, CONST>| {
            let position = self.position(directive);
            let name = self.name(ast::Directive::name(directive));
            let arguments = self.arguments(directive.arguments())?;
            Some(Positioned::new(Directive { name, arguments }, position))
        };
        directives.iter().map(directive).collect()
    }

    fn arguments<const CONST: bool>(
        &mut self,
        arguments: Option<&ast::Arguments<'_, CONST>>,
    ) -> Option<Vec<(Positioned<Name>, Positioned<Value>)>> {
        let Some(arguments) = arguments else {
            return Some(Vec::new());
        };
        let argument = |argument: &ast::Argument<'_, CONST>| {
            let name = self.name(argument.name());
            let position = self.position(argument.value());
            Some((name, Positioned::new(self.value(argument.value())?, position)))
        };
        arguments.iter().map(argument).collect()
    }

    pub(super) fn value<const CONST: bool>(&self, value: &ast::Value<'_, CONST>) -> Option<Value> {
        Some(match value {
            ast::Value::Variable(variable) => Value::Variable(Name::new(variable.name())),
            ast::Value::Integer(_) | ast::Value::Float(_) => {
                Value::Number(self.text_of(value).parse::<Number>().ok()?)
            }
            ast::Value::String(text) => Value::String(text.as_str().to_owned()),
            ast::Value::Boolean(_) => Value::Boolean(self.text_of(value) == "true"),
            ast::Value::Null(_) => Value::Null,
            ast::Value::Enum(name) => {
                let is_cut = CUT.iter().any(|word| name.as_str().starts_with(word));
                (!is_cut).then(|| Value::Enum(Name::new(name.as_str())))?
            }
            ast::Value::List(items) => {
                let items = items.iter().map(|item| self.value(item));
                Value::List(items.collect::<Option<_>>()?)
            }
            ast::Value::Object(fields) => {
                let fields = AsIter::iter(fields);
                let fields = fields.map(|(name, value)| Some((Name::new(name.as_str()), self.value(value)?)));
                Value::Object(fields.collect::<Option<_>>()?)
            }
        })
    }
}
