events = flood(query_bucket({window}));
not_afk = flood(query_bucket({afk}));
not_afk = filter_keyvals(not_afk, "status", ["not-afk"]);
{browser}
events = filter_period_intersect(events, not_afk);
stopwatch_events = {stopwatch};
events = union_no_overlap(stopwatch_events, events);
events = categorize(events, {rules});
cat_events   = sort_by_duration(merge_events_by_keys(events, ["$category"]));
RETURN = { "cat_events": cat_events };
