//! A port on which Prometheus asks for the metrics. Whoever asks may be hostile: what he costs is bounded.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::Metrics;
use crate::listen::stopped;
use crate::node::NodeError;

/// Connections at once; a further one is closed.
const CONNECTIONS: usize = 16;
/// How long one may take for the head of its request.
const HEAD_TIME: Duration = Duration::from_secs(2);
/// How long one may take for everything.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest head of a request, in bytes; hyper takes no less.
const MAX_HEAD: usize = 8 * 1024;
/// How long no connection is accepted after that has failed.
const PAUSE: Duration = Duration::from_millis(50);

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Opens the port, if there is to be one.
pub(crate) async fn bind(address: Option<&str>) -> Result<Option<TcpListener>, NodeError> {
    let Some(address) = address else { return Ok(None) };
    let cannot = |error| NodeError::Metrics(address.to_owned(), error);
    TcpListener::bind(address).await.map(Some).map_err(cannot)
}

/// Answers `GET /metrics` until `stop` is true.
pub(crate) async fn serve(
    listener: TcpListener,
    metrics: Metrics,
    mut stop: watch::Receiver<bool>,
) {
    let (metrics, places) = (Arc::new(metrics), Arc::new(Semaphore::new(CONNECTIONS)));
    let mut tasks = JoinSet::new();
    loop {
        tokio::select! {
            () = stopped(&mut stop) => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    let Ok(place) = places.clone().try_acquire_owned() else { continue };
                    let metrics = metrics.clone();
                    tasks.spawn(async move {
                        let _place = place;
                        // Whoever is too slow, or says nonsense, gets nothing.
                        let _ = timeout(PATIENCE, answer(stream, &metrics)).await;
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "can't accept a connection for metrics");
                    sleep(PAUSE).await;
                }
            },
            Some(_) = tasks.join_next() => {}
        }
    }
    tasks.shutdown().await;
}

/// One request a connection.
async fn answer(stream: TcpStream, metrics: &Arc<Metrics>) -> hyper::Result<()> {
    let service = service_fn(|request: Request<Incoming>| {
        let response = respond(&request, metrics);
        async { Ok::<_, Infallible>(response) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(MAX_HEAD)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

fn respond(request: &Request<Incoming>, metrics: &Arc<Metrics>) -> Response<Full<Bytes>> {
    let plain = |status, text: &str| {
        let mut response = Response::new(Full::from(text.to_owned()));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "The metrics are at /metrics.\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Ask with GET.\n");
        response.headers_mut().insert(ALLOW, "GET, HEAD".parse().expect("a header's value"));
        return response;
    }
    let mut response = plain(StatusCode::OK, &metrics.text());
    response.headers_mut().insert(CONTENT_TYPE, TEXT.parse().expect("a header's value"));
    response
}
