//! Responses to unknown paths and methods, and redirects of browsers to GraphiQL.

use axum::{
    extract::{OriginalUri, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

use super::{
    caller_checks,
    media_type::{self, MediaType},
    rejection::Rejection,
};
use crate::schema::ErrorCode;

pub(super) const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

const MAX_SHOWN_PATH_LENGTH: usize = 80;

/// Middleware of the GraphQL endpoint. Handles `OPTIONS` requests other than CORS preflights, and browser navigations, which the
/// endpoint would reject.
pub(super) async fn before_graphql(State(has_page): State<bool>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if request.method() == Method::OPTIONS && !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return (StatusCode::NO_CONTENT, [(header::ALLOW, METHODS)]).into_response();
    }
    if is_navigation(request.method(), headers) && caller_checks::check_preflight(headers).is_err() {
        let mut response = if has_page {
            redirect("./graphiql", request.uri())
        } else {
            graphiql_off().into_response(MediaType::Json)
        };
        let vary = HeaderValue::from_static("accept, sec-fetch-mode");
        response.headers_mut().append(header::VARY, vary);
        return response;
    }
    next.run(request).await
}

/// Redirects `/` to GraphiQL. For clients other than browsers, the response also contains a message that names the endpoint.
pub(super) async fn root(request: Request) -> Response {
    let response = redirect("./graphiql", request.uri());
    if media_type::prefers_html(request.headers()) {
        return response;
    }
    let message = "GraphiQL is at /graphiql; send GraphQL operations to /graphql.";
    let response_body = Rejection::new(StatusCode::TEMPORARY_REDIRECT, ErrorCode::BadUserInput, message);
    (
        response.headers().clone(),
        response_body.into_response(MediaType::Json),
    )
        .into_response()
}

pub(super) async fn path_unknown(State(has_page): State<bool>, request: Request) -> Response {
    let path = request.uri().path();
    let is_page = ["/", "/graphiql"].contains(&path) || path.starts_with("/graphiql/");
    if is_page && !has_page {
        return graphiql_off().into_response(MediaType::Json);
    }
    let with_slash = ["/graphql/", "/graphiql/"].contains(&path);
    if has_page && with_slash && is_navigation(request.method(), request.headers()) {
        return redirect("../graphiql", request.uri());
    }
    let next_step = if path == "/graphql/" {
        "the GraphQL endpoint is /graphql, without a slash at the end"
    } else {
        "the GraphQL endpoint is /graphql"
    };
    let message = format!("The path {} does not exist; {next_step}.", shown(path));
    Rejection::new(StatusCode::NOT_FOUND, ErrorCode::BadUserInput, message).into_response(MediaType::Json)
}

pub(super) async fn method_unknown(method: Method, OriginalUri(uri): OriginalUri) -> Response {
    let message = format!(
        "{} does not support {}; send GraphQL operations to /graphql.",
        shown(uri.path()),
        shown(method.as_str()),
    );
    Rejection::new(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::BadUserInput, message)
        .into_response(MediaType::Json)
}

/// Returns whether the request is a browser navigation rather than a request of a script.
fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    let mode = headers.get(SEC_FETCH_MODE);
    [Method::GET, Method::HEAD].contains(method)
        && mode.is_none_or(|mode| mode == "navigate")
        && media_type::prefers_html(headers)
}

/// Returns a redirect that preserves the query string. The location is relative, since a proxy can serve the service below a path
/// prefix.
fn redirect(to: &'static str, from: &Uri) -> Response {
    let location = from.query().map(|query| format!("{to}?{query}"));
    let location = location.and_then(|location| HeaderValue::try_from(location).ok());
    let location = location.unwrap_or(HeaderValue::from_static(to));
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response()
}

fn graphiql_off() -> Rejection {
    Rejection::new(
        StatusCode::NOT_FOUND,
        ErrorCode::BadUserInput,
        "GraphiQL is disabled (--graphiql false); send GraphQL operations to /graphql with POST and the header content-type: \
         application/json.",
    )
}

fn shown(text: &str) -> &str {
    text.get(..MAX_SHOWN_PATH_LENGTH).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    fn navigates(method: &Method, accept: &str, mode: Option<&'static str>) -> bool {
        let mut headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        headers.extend(mode.map(|mode| (SEC_FETCH_MODE, HeaderValue::from_static(mode))));
        is_navigation(method, &headers)
    }

    #[test]
    fn only_browser_navigations_are_detected() {
        for (method, accept, mode, expected) in [
            (Method::GET, BROWSER, Some("navigate"), true),
            (Method::GET, BROWSER, None, true),
            (Method::HEAD, "text/html", None, true),
            (Method::GET, BROWSER, Some("cors"), false),
            (Method::GET, BROWSER, Some("no-cors"), false),
            (Method::POST, BROWSER, Some("navigate"), false),
            (Method::GET, "*/*", None, false),
            (Method::GET, "application/json", Some("navigate"), false),
        ] {
            assert_eq!(navigates(&method, accept, mode), expected, "{accept} {mode:?}");
        }
    }

    #[test]
    fn redirect_preserves_the_query_string() {
        let location = |uri: &str| {
            let response = redirect("./graphiql", &uri.parse().unwrap());
            response.headers()[header::LOCATION].to_str().unwrap().to_owned()
        };
        assert_eq!(location("/graphql"), "./graphiql");
        assert_eq!(location("/graphql?query=%7Ba%7D&b"), "./graphiql?query=%7Ba%7D&b");
    }
}
