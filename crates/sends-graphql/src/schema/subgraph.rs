//! The same schema as a subgraph of Apollo Federation 2: an activity can be extended by other subgraphs, and a gateway
//! fetches any number of them at once.
//!
//! The library brings federation of its own. There one representation that is wrong fails all the others, and the errors
//! below an entity do not say which one they belong to; so the two entry points are fields like any other here, and only
//! the library's way of printing a subgraph is used.

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

/// The root of the subgraph: everything that [`Query`] has, and what a gateway asks for.
pub struct SubgraphQuery;

/// The subgraph in the Schema Definition Language, with the directives of federation and without its entry points, as a
/// composition takes it.
pub fn subgraph_sdl() -> &'static str {
    static SDL: LazyLock<String> = LazyLock::new(|| {
        let options = SDLExportOptions::new()
            .federation()
            .prefer_single_line_descriptions()
            .include_specified_by();
        super::subgraph().finish().sdl_with_options(options)
    });
    &SDL
}

struct Federation;

/// What a gateway asks for.
#[Object]
impl Federation {
    /// This subgraph, as it describes itself to a composition.
    #[graphql(name = "_service")]
    async fn service(&self) -> Service {
        Service { sdl: subgraph_sdl() }
    }

    #[expect(clippy::unused_async, reason = "the library wants resolvers to be async")]
    /// The entities with these keys, in their order, repeats included. Nothing is fetched until a field needs it, and then
    /// each activity once. A representation that names no activity makes its own place in the list null, with an error of
    /// code `BAD_USER_INPUT`. At most 500 representations.
    #[graphql(name = "_entities")]
    async fn entities(
        &self,
        #[graphql(desc = "What a gateway knows of each entity: its `__typename` and its key.")]
        representations: Vec<Any>,
    ) -> Result<Vec<Option<Result<Entity, ApiError>>>, ApiError> {
        query::check_length("representations", representations.len())?;
        Ok(representations.iter().map(|one| Some(entity(&one.0))).collect())
    }
}

/// What describes a subgraph to a composition.
#[derive(SimpleObject)]
#[graphql(name = "_Service")]
struct Service {
    /// The schema of this subgraph in the Schema Definition Language.
    sdl: &'static str,
}

/// What other subgraphs can refer to.
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
            "A representation must have the `__typename` CampaignActivity and its `id`.",
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
        // Only the subgraph says what the key is: to all others the directive would be unknown.
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
