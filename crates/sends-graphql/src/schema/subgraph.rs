//! Apollo Federation 2 subgraph of the schema. Activities are entities, which other subgraphs can extend.
//!
//! The federation support of async-graphql fails all representations if one is invalid, and its error paths lack the index of the
//! entity. `_service` and `_entities` are therefore ordinary fields here, and only the library's SDL export is used.

use std::{borrow::Cow, sync::LazyLock};

use async_graphql::{
    Any, ContainerType, Context, ContextSelectionSet, ID, Name, Object, ObjectType, OutputType, Positioned,
    SDLExportOptions, ServerResult, SimpleObject, Union, Value,
    indexmap::IndexMap,
    parser::types::Field,
    registry::{MetaDirectiveInvocation, MetaType, Registry},
    resolver_utils::resolve_container,
};

use super::{ApiError, Query, activity::CampaignActivity, query};

/// Root query type of the subgraph: the fields of [`Query`], and `_service` and `_entities` for a gateway.
pub struct SubgraphQuery;

/// Returns the subgraph's SDL for composition, with the federation directives and without `_service` and `_entities`.
pub fn subgraph_sdl() -> &'static str {
    static SDL: LazyLock<String> = LazyLock::new(|| {
        let options = SDLExportOptions::new().federation().include_specified_by();
        super::subgraph().finish().sdl_with_options(options)
    });
    &SDL
}

struct Federation;

/// Fields that a federation gateway requires.
#[Object]
impl Federation {
    /// Description of this subgraph for composition.
    #[graphql(name = "_service")]
    async fn service(&self) -> Service {
        Service { sdl: subgraph_sdl() }
    }

    #[expect(clippy::unused_async, reason = "async-graphql requires resolvers to be async")]
    /// Entities in the order of `representations`, including repeated keys. The lookup costs no upstream call. The list item of
    /// an invalid representation is null with an error of code `BAD_USER_INPUT`. At most 500 representations are allowed.
    #[graphql(name = "_entities")]
    async fn entities(
        &self,
        #[graphql(desc = "`__typename` and key of each entity.")] representations: Vec<Any>,
    ) -> Result<Vec<Option<Result<Entity, ApiError>>>, ApiError> {
        query::check_length("representations", representations.len())?;
        Ok(representations.iter().map(|one| Some(entity(&one.0))).collect())
    }
}

/// Description of a subgraph for composition.
#[derive(SimpleObject)]
#[graphql(name = "_Service")]
struct Service {
    /// SDL of this subgraph.
    sdl: &'static str,
}

/// Entity that other subgraphs can refer to.
#[derive(Union)]
#[graphql(name = "_Entity")]
enum Entity {
    CampaignActivity(CampaignActivity),
}

fn entity(representation: &Value) -> Result<Entity, ApiError> {
    let text = |key: &str| match representation {
        Value::Object(fields) => match fields.get(&Name::new(key)) {
            Some(Value::String(text)) => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    };
    match (text("__typename"), text("id")) {
        (Some("CampaignActivity"), Some(id)) => {
            query::activity(&ID::from(id), None).map(Entity::CampaignActivity)
        }
        _ => Err(ApiError::bad_user_input(
            "Invalid representation: it needs the `__typename` CampaignActivity and an `id`.",
        )),
    }
}

impl ContainerType for SubgraphQuery {
    async fn resolve_field(&self, context: &Context<'_>) -> ServerResult<Option<Value>> {
        match Federation.resolve_field(context).await? {
            None => Query.resolve_field(context).await,
            value => Ok(value),
        }
    }
}

impl OutputType for SubgraphQuery {
    fn type_name() -> Cow<'static, str> {
        Query::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let root = Query::create_type_info(registry);
        let entry_points = registry.create_fake_output_type::<Federation>();
        if let (Some(MetaType::Object { fields, .. }), MetaType::Object { fields: more, .. }) =
            (registry.types.get_mut(Self::type_name().as_ref()), entry_points)
        {
            fields.extend(more);
        }
        // Only a subgraph defines the directive `@key`.
        let activity = CampaignActivity::type_name();
        if let Some(MetaType::Object {
            directive_invocations,
            ..
        }) = registry.types.get_mut(activity.as_ref())
        {
            directive_invocations.push(MetaDirectiveInvocation {
                name: "key".to_owned(),
                args: IndexMap::from([("fields".to_owned(), Value::from("id"))]),
            });
        }
        root
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        _field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        resolve_container(context, self).await
    }
}

impl ObjectType for SubgraphQuery {}
