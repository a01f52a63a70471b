#include "client/sync_errors.h"

#include "codec/json_members.h"

/* Which of the page's records a path of the response's errors is of, or of something in it. */
static bool find_index(struct aps_str path, const struct aps_page *page, size_t *index)
{
	struct aps_json_reader r;
	*index = 0;
	aps_json_reader_init(&r, path, 0);
	if (aps_json_next(&r) != APS_JSON_ARRAY) return false;
	for (size_t n = 0; n < page->n_path; n++)
		if (aps_json_next(&r) != APS_JSON_STRING || !aps_str_eq(r.text, page->path[n])) return false;
	if (page->is_list) {
		if (aps_json_next(&r) != APS_JSON_INT || r.integer < 0) return false;
		*index = (size_t)r.integer;
	}
	return *index < aps_page_count(page);
}

struct aps_sync_error *aps_sync_errors_find(struct aps_str errors, const struct aps_page *page, struct aps_arena *arena)
{
	struct aps_json_reader r;
	struct aps_json_members members;
	struct aps_str error, path, message;
	struct aps_sync_error *found = aps_arena_get(arena, aps_page_count(page) * sizeof *found);
	size_t index;
	aps_json_reader_init(&r, errors, 0);
	if (found == NULL || errors.n == 0 || aps_json_next(&r) != APS_JSON_ARRAY) return found;
	while (aps_json_skip_value(&r, &error) == APS_OK) {
		aps_json_members_init(&members, error);
		if (!aps_json_members_get(&members, "path", &path) || !find_index(path, page, &index)) continue;
		found[index].is_named = true;
		if (found[index].message.n != 0) continue;
		aps_json_members_init(&members, error);
		if (aps_json_members_get(&members, "message", &message)) found[index].message = message;
	}
	return found;
}
