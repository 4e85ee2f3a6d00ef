not_afk = [];
not_afk_curr = query_bucket({afk});
not_afk_curr = filter_keyvals(not_afk_curr, "status", ["not-afk"]);
not_afk = union_no_overlap(not_afk, not_afk_curr);
not_afk = merge_events_by_keys(not_afk, ["status"]);
RETURN = not_afk;
