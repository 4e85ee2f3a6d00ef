//! One request: the guard, then the fast path or the router.
//!
//! This is a plain hyper service and not a stack of tower middleware, because of the heartbeat: it is
//! nearly every request there is, and here it costs no boxed future, no boxed body and no clone of a
//! router. Everything else goes on to axum.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header, request};
use hyper::body::Incoming;
use tower_service::Service;

use crate::api::v0::heartbeat::{self, heartbeat_bucket};
use crate::app::App;
use crate::http::answer::{Answer, AnswerBody};
use crate::http::arriving::Arriving;
use crate::http::connection::Connection;
use crate::http::connections::Connections;
use crate::http::forwarded;
use crate::http::guard::{self, Verdict, allow_origin};
use crate::http::refusals::{Asked, Reason};
use crate::http::{paths, protection};

/// What every request needs.
pub(super) struct Entrance {
    pub(super) app: Arc<App>,
    pub(super) router: Router,
    pub(super) connections: Arc<Connections>,
}

impl Entrance {
    /// Answers `request`. `plain` takes away the client's wish for compression.
    pub(super) async fn answer(
        self: Arc<Self>,
        connection: Arc<Connection>,
        plain: bool,
        peer: IpAddr,
        request: Request<Incoming>,
    ) -> Result<Response<AnswerBody>, Infallible> {
        let (mut head, body) = request.into_parts();
        let network = &self.app.settings.network;
        paths::normalise(&mut head.uri);
        paths::without_base(&mut head.uri, &network.base_path);
        let client = forwarded::resolve(&mut head, peer, network);
        // Clones of what is shared: only a refusal looks at them.
        let (method, uri) = (head.method.clone(), head.uri.clone());
        let agent = head.headers.get(header::USER_AGENT).cloned();
        let body = Arriving::new(body, Arc::clone(&connection));
        let (mut response, origin) = match self.app.guard.check(&head, self.app.keys.is_some()) {
            Verdict::Pass(origin) => match self.app.admit(&mut head, client) {
                Ok(()) => (self.dispatch(head, plain, body, &connection).await, origin),
                Err(error) => (error.answer(), origin),
            },
            Verdict::PassExtension(origin) => {
                guard::mark(&mut head, &origin);
                (self.dispatch(head, plain, body, &connection).await, Some(origin))
            }
            Verdict::Answer(response) => (response.map(|()| Answer::Whole(Bytes::new())), None),
            Verdict::Refuse(error) => (error.answer(), None),
        };
        if let Some(origin) = origin {
            allow_origin(response.headers_mut(), origin);
        }
        protection::add(response.headers_mut());
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            let reason = response.extensions().get::<Reason>();
            let asked = Asked::new(method, uri.path(), agent.as_ref(), client);
            self.app.refusals.note(&asked, status, reason);
        }
        if self.connections.wants_to_end(&connection) {
            response
                .headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response.map(|answer| AnswerBody::new(answer, connection)))
    }

    async fn dispatch(
        &self,
        mut head: request::Parts,
        plain: bool,
        body: Arriving,
        connection: &Arc<Connection>,
    ) -> Response<Answer> {
        if plain {
            head.headers.remove(header::ACCEPT_ENCODING);
        }
        if head.method == Method::POST
            && let Some(bucket) = heartbeat_bucket(head.uri.path())
        {
            return match heartbeat::beat(&self.app, &head, bucket, body).await {
                Ok(response) => response,
                Err(error) => error.answer(),
            };
        }
        // Boxed, so that a heartbeat does not carry the router's future around.
        Box::pin(Arc::clone(connection).scope(self.route(head, body))).await
    }

    async fn route(&self, mut head: request::Parts, body: Arriving) -> Response<Answer> {
        paths::without_trailing_slash(&mut head.uri);
        let request = Request::from_parts(head, axum::body::Body::new(body));
        // Routers are clones of one another that share their routes.
        let mut router = self.router.clone();
        match Service::<Request<axum::body::Body>>::call(&mut router, request).await {
            Ok(response) => response.map(Answer::Routed),
            Err(never) => match never {},
        }
    }
}
