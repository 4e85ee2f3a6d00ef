events = flood(query_bucket({window}));
not_afk = flood(query_bucket({afk}));
not_afk = filter_keyvals(not_afk, "status", ["not-afk"]);
{browser}
audible_events = filter_keyvals(browser_events, "audible", [true]);
not_afk = period_union(not_afk, audible_events);
events = filter_period_intersect(events, not_afk);
stopwatch_events = {stopwatch};
events = union_no_overlap(stopwatch_events, events);
events = categorize(events, {rules});
title_events = sort_by_duration(merge_events_by_keys(events, ["app", "title"]));
app_events   = sort_by_duration(merge_events_by_keys(title_events, ["app"]));
cat_events   = sort_by_duration(merge_events_by_keys(events, ["$category"]));
app_events  = limit_events(app_events, 100);
title_events  = limit_events(title_events, 100);
duration = sum_durations(events);
browser_events = split_url_events(browser_events);
browser_urls = merge_events_by_keys(browser_events, ["url"]);
browser_urls = sort_by_duration(browser_urls);
browser_urls = limit_events(browser_urls, 100);
browser_domains = merge_events_by_keys(browser_events, ["$domain"]);
browser_domains = sort_by_duration(browser_domains);
browser_domains = limit_events(browser_domains, 100);
browser_titles = merge_events_by_keys(browser_events, ["title"]);
browser_titles = sort_by_duration(browser_titles);
browser_titles = limit_events(browser_titles, 100);
browser_duration = sum_durations(browser_events);
stopwatch_events = merge_events_by_keys(stopwatch_events, ["label"]);
stopwatch_events = sort_by_duration(stopwatch_events);
stopwatch_events = limit_events(stopwatch_events, 100);
RETURN = {
    "window": {
        "app_events": app_events,
        "title_events": title_events,
        "cat_events": cat_events,
        "active_events": not_afk,
        "duration": duration
    },
    "browser": {
        "domains": browser_domains,
        "urls": browser_urls,
        "titles": browser_titles,
        "duration": browser_duration
    },
    "stopwatch": {
        "stopwatch_events": stopwatch_events
    }
};
