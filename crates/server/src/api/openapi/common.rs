//! What holds for many operations, so that no handler has to say it: errors that any request may meet, and credentials.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::schema::{AdditionalProperties, Schema};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    SecurityRequirement,
};

use crate::access::is_open;

/// The name of the security scheme.
const BEARER: &str = "bearer";

/// Errors that many operations have: their status, the name of the component, what they mean.
const ERRORS: [(&str, &str, &str); 10] = [
    (
        "400",
        "BadRequest",
        "The request cannot be read: a parameter, the JSON of the body, or the header `Host`",
    ),
    (
        "401",
        "Unauthorized",
        "The server asks for an API key or a token, and the request has none that it knows",
    ),
    (
        "403",
        "Forbidden",
        "The token may not do this, or the request comes from a web page that may not",
    ),
    (
        "410",
        "Gone",
        "The past state that was asked for is no longer kept",
    ),
    (
        "413",
        "TooLarge",
        "The body is larger than the limit, or what it says is more than the server takes",
    ),
    (
        "415",
        "WrongContentType",
        "The content type is not one that this operation takes",
    ),
    (
        "422",
        "Unfit",
        "The body or a parameter can be read, and is not what is needed here",
    ),
    (
        "429",
        "TooManyRequests",
        "This address has sent too many wrong credentials, or this token too many requests that it may not send",
    ),
    (
        "500",
        "InternalError",
        "Something is wrong with the server; its log says more",
    ),
    (
        "503",
        "Unavailable",
        "The server cannot do this now, because the disk is full, for example. Send the request again later",
    ),
];

/// Adds to the document what no handler says.
pub(super) fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            complete_operation(path, operation);
        }
    }
    let components = document.components.get_or_insert_with(Components::new);
    close(components, "WebhookTrigger");
    for (status, name, description) in ERRORS {
        let response = error(status, description);
        components.responses.insert(name.to_owned(), RefOr::T(response));
    }
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "The API key or a token. Only a server that has an API key or tokens asks for it",
        ))
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
}

/// Says of each form of an object that it may have no other members, which `ToSchema` cannot say of the variants of an enum.
fn close(components: &mut Components, name: &str) {
    let Some(RefOr::T(Schema::OneOf(forms))) = components.schemas.get_mut(name) else {
        return;
    };
    for form in &mut forms.items {
        if let RefOr::T(Schema::Object(object)) = form {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        item.get.as_mut(),
        item.put.as_mut(),
        item.post.as_mut(),
        item.delete.as_mut(),
        item.patch.as_mut(),
    ]
    .into_iter()
    .flatten()
}

fn complete_operation(path: &str, operation: &mut Operation) {
    let open = is_open(path);
    let has_body = operation.request_body.is_some();
    let has_past = parameters(operation).any(|name| name == "as_of");
    for (status, name, _) in ERRORS {
        let can_occur = match status {
            "401" | "429" | "503" => !open,
            "410" => has_past,
            "413" | "415" | "422" => has_body,
            _ => true,
        };
        // What a handler says itself is more exact.
        if can_occur && !operation.responses.responses.contains_key(status) {
            let reference = RefOr::Ref(Ref::from_response_name(name));
            operation.responses.responses.insert(status.to_owned(), reference);
        }
    }
    if !open {
        let with_credentials = SecurityRequirement::new(BEARER, [] as [&str; 0]);
        // Without, if the server asks for none.
        operation.security = Some(vec![with_credentials, SecurityRequirement::default()]);
    }
}

fn parameters(operation: &Operation) -> impl Iterator<Item = &str> {
    let parameters = operation.parameters.iter().flatten();
    parameters.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter.name.as_str()),
        RefOr::Ref(_) => None,
    })
}

fn error(status: &str, description: &str) -> Response {
    let schema = Ref::from_schema_name("Error");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let mut response = ResponseBuilder::new()
        .description(description)
        .content("application/json", content);
    let header = match status {
        "401" => Some(("WWW-Authenticate", "Always `Bearer`")),
        "429" | "503" => Some(("Retry-After", "Seconds after which a new attempt makes sense")),
        _ => None,
    };
    if let Some((name, description)) = header {
        let header = HeaderBuilder::new().description(Some(description)).build();
        response = response.header(name, header);
    }
    response.build()
}
