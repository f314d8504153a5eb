//! What gRPC clients send their requests through.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use tonic::body::Body;
use tower::{BoxError, Service};

use super::Link;
use super::scheme::why_closed;
use crate::auth::Token;
use crate::endpoint::Endpoint;
use crate::error::{Cause, ErrorKind};
use crate::rpc::AUTHENTICATE;

/// A service that sends requests to one member over its link, with the token of its user.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    link: Arc<Link>,
    token: Token,
}

impl Wire {
    pub(crate) fn new(link: Arc<Link>, token: Token) -> Self {
        Self { link, token }
    }

    async fn send(self, mut request: Request<Body>) -> Result<Response<Body>, Cause> {
        let connection = self.link.connection().await?;
        address_to(&mut request, &self.link.endpoint)?;
        if request.uri().path() != AUTHENTICATE
            && let Some(token) = self.token.get()
        {
            request.headers_mut().insert("token", token);
        }
        match connection.send(request).await {
            Ok(response) => {
                self.link.answered(&connection);
                let mut response = response.map(Body::new);
                // The body still comes in over this connection, which another call may replace meanwhile.
                response.extensions_mut().insert(connection);
                Ok(response)
            }
            Err(mut cause) => {
                if !connection.was_heard() {
                    let Link { endpoint, tls, .. } = &*self.link;
                    cause = why_closed(cause, endpoint, tls.as_deref(), self.link.deadline).await;
                }
                self.link.broken(&connection, &cause);
                Err(cause)
            }
        }
    }
}

/// Completes the path that a gRPC client asks for to a URL of the member.
fn address_to(request: &mut Request<Body>, endpoint: &Endpoint) -> Result<(), Cause> {
    let path = request.uri().path_and_query().cloned();
    let scheme = if endpoint.is_tls() {
        Scheme::HTTPS
    } else {
        Scheme::HTTP
    };
    let uri = endpoint
        .authority()
        .parse::<Authority>()
        .map_err(http::Error::from)
        .and_then(|authority| {
            Uri::builder()
                .scheme(scheme)
                .authority(authority)
                .path_and_query(path.unwrap_or(PathAndQuery::from_static("/")))
                .build()
        });
    *request.uri_mut() = uri.map_err(|error| {
        Cause::new(ErrorKind::Other, "the endpoint makes no URL").with_source(error)
    })?;
    Ok(())
}

impl Service<Request<Body>> for Wire {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let wire = self.clone();
        Box::pin(async move { wire.send(request).await.map_err(BoxError::from) })
    }
}
