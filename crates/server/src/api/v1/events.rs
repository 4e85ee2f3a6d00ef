//! `GET /api/1/events`: events of several buckets, a page at a time, in both directions.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, HeaderName, HeaderValue, Response, Uri, header};
use timberline_views::pages::{Page, PageStart, Place};
use timberline_views::{BucketView, SegmentError, Snapshot, TimeRange};

use crate::access::Granted;
use crate::api::as_of::snapshot;
use crate::api::openapi::Error;
use crate::api::openapi::parameters::AsOfParameter;
use crate::api::v0::events::time_range;
use crate::api::v1::event_cursor::{Cursor, Order};
use crate::api::v1::event_fields::{Fields, Format};
use crate::api::v1::schema;
use crate::app::App;
use crate::http::{ApiError, Echo, Query, accept, run_blocking};
use crate::service::chosen_buckets::{FitsNone, chosen_buckets};

/// Events on a page, if the request does not say how many, and at most.
const LIMIT: (usize, usize) = (1_000, 10_000);
/// The cursors of the neighbouring pages, for formats that have no place for them.
const NEXT: HeaderName = HeaderName::from_static("x-timberline-next");
const PREV: HeaderName = HeaderName::from_static("x-timberline-prev");

/// List events of several buckets
///
/// One page, merged by time. `next` and `prev` are the cursors of the neighbouring pages, also in the headers
/// `X-Timberline-Next` and `X-Timberline-Prev`. Send them with the same other parameters. Toward newer events there
/// is always one, so that a client can ask again later.
#[utoipa::path(
    get,
    path = "/api/1/events",
    operation_id = "page_events",
    tag = "Events",
    params(
        ("bucket" = Option<Vec<String>>, Query, description = "Only these buckets; `*` stands for any text"),
        ("start" = Option<String>, Query, description = "Only events that end at or after this, in RFC 3339", format = DateTime, nullable = false),
        ("end" = Option<String>, Query, description = "Only events that start at or before this", format = DateTime, nullable = false),
        ("limit" = Option<usize>, Query, description = "The most events on a page; by default 1,000", minimum = 1, maximum = 10000, nullable = false),
        ("cursor" = Option<String>, Query, description = "The `next` or `prev` of an earlier answer", nullable = false),
        ("order" = Option<Order>, Query, description = "Newest first (`desc`, the default) or oldest first (`asc`)", nullable = false),
        ("fields" = Option<String>, Query, description = "The fields of each event, separated by commas: `id`, `bucket`, `timestamp`, `duration`, `data`, `data.NAME`", nullable = false),
        AsOfParameter,
    ),
    responses(
        (
            status = 200,
            description = "A page",
            content(
                (schema::EventPage = "application/json"),
                (String = "application/x-ndjson"),
                (String = "text/csv; charset=utf-8"),
            ),
        ),
        (status = 404, description = "There is no such bucket", body = Error),
        (status = 406, description = "There is no format that the header `Accept` allows", body = Error),
    ),
)]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    granted: Option<Extension<Granted>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response<Body>, ApiError> {
    let wanted = Wanted::of(Query::of(&uri), &headers)?;
    let state = snapshot(&app, &uri).await?;
    let may_see = |id: &str| granted.as_ref().is_none_or(|granted| granted.covers(id));
    let buckets = chosen_buckets(&state.snapshot, &wanted.patterns, may_see)
        .map_err(|FitsNone(pattern)| ApiError::NoSuchBucket(pattern))?;
    let snapshot = Arc::clone(&state.snapshot);
    let answer = run_blocking(move |_| wanted.answer(&snapshot, &buckets)).await?;
    Ok(state.mark(answer))
}

/// What a client asks for.
struct Wanted {
    patterns: Vec<String>,
    range: TimeRange,
    limit: usize,
    cursor: Option<Cursor>,
    order: Order,
    fields: Fields,
    format: Format,
}

impl Wanted {
    fn of(query: Query<'_>, headers: &HeaderMap) -> Result<Wanted, ApiError> {
        let format = accept::preferred(headers, &Format::TYPES).and_then(Format::of_number);
        let cursor = query
            .get("cursor")?
            .map(|text| Cursor::parse(&text))
            .transpose()?;
        let order = query.get("order")?.map(|text| Order::parse(&text)).transpose()?;
        Ok(Wanted {
            patterns: query.get_all("bucket")?,
            range: time_range(query)?,
            limit: limit(query)?,
            // A cursor continues a list, in its order.
            order: cursor.map(|cursor| cursor.order).or(order).unwrap_or_default(),
            cursor,
            fields: query
                .get("fields")?
                .map_or_else(|| Ok(Fields::default()), |text| Fields::parse(&text))?,
            format: format.ok_or(ApiError::NotAcceptable)?,
        })
    }

    fn start(&self) -> PageStart {
        match (self.cursor, self.order) {
            (Some(cursor), _) => cursor.start,
            (None, Order::Desc) => PageStart::Newest,
            (None, Order::Asc) => PageStart::Oldest,
        }
    }

    fn answer(&self, snapshot: &Snapshot, buckets: &[String]) -> Result<Response<Body>, SegmentError> {
        // They were chosen from this snapshot.
        let views: Vec<&BucketView> = buckets.iter().filter_map(|id| snapshot.bucket(id)).collect();
        let mut page = Page::read(&views, self.range, self.start(), self.limit)?;
        let neighbours = Neighbours::of(&page, self.start());
        if self.order == Order::Asc {
            page.events.reverse();
        }
        let (next, prev) = match self.order {
            Order::Desc => (neighbours.older, neighbours.newer),
            Order::Asc => (neighbours.newer, neighbours.older),
        };
        let text = |start: Option<PageStart>| {
            let order = self.order;
            start.and_then(|start| Cursor { start, order }.text())
        };
        let (next, prev) = (text(next), text(prev));
        let body = self
            .fields
            .write(self.format, &page, &views, (next.as_deref(), prev.as_deref()));
        let mut response = Response::new(Body::from(body));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.format.content_type()),
        );
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        for (name, cursor) in [(NEXT, next), (PREV, prev)] {
            if let Some(value) = cursor.and_then(|cursor| HeaderValue::try_from(cursor).ok()) {
                headers.insert(name, value);
            }
        }
        Ok(response)
    }
}

/// Where the pages beside this one begin.
struct Neighbours {
    older: Option<PageStart>,
    newer: Option<PageStart>,
}

impl Neighbours {
    fn of(page: &Page, start: PageStart) -> Neighbours {
        let place = |event: Option<&timberline_views::pages::Listed>| event.map(|event| event.place);
        let newest: Option<Place> = place(page.events.first());
        let oldest: Option<Place> = place(page.events.last());
        let is_older_known = match start {
            PageStart::Newest | PageStart::Before(_) => page.more,
            PageStart::After(_) => true,
            PageStart::Oldest => false,
        };
        let waiting = match start {
            PageStart::After(_) | PageStart::Oldest => Some(start),
            PageStart::Newest | PageStart::Before(_) => None,
        };
        Neighbours {
            older: oldest.filter(|_| is_older_known).map(PageStart::Before),
            newer: newest.map(PageStart::After).or(waiting),
        }
    }
}

fn limit(query: Query<'_>) -> Result<usize, ApiError> {
    let Some(text) = query.get("limit")? else {
        return Ok(LIMIT.0);
    };
    text.parse()
        .ok()
        .filter(|limit| (1..=LIMIT.1).contains(limit))
        .ok_or_else(|| {
            ApiError::Malformed(format!(
                "limit: expected a whole number from 1 to {}, not '{}'",
                LIMIT.1,
                Echo(&text)
            ))
        })
}
