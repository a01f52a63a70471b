#include "client/sync_quarantine.h"

#include "codec/json_members.h"
#include "codec/json_writer.h"

/* Of the pass, before the page that is in hand. */
static uint64_t n_before(const struct aps_sync_run *run, const struct aps_page *page)
{
	const struct aps_checkpoint *next = &run->machine.next;
	bool is_delta = run->keeping.part == APS_SYNC_PART_DELTA;
	uint64_t n_records = is_delta ? next->delta.n_records : next->base.n_records;
	return run->keeping.is_page && n_records >= aps_page_count(page) ? n_records - aps_page_count(page) : 0;
}

/* "listPosts.items.3"; all pages of a pass are one list. */
static void put_place(struct aps_buf *out, const struct aps_sync_run *run, const struct aps_page *page, size_t index)
{
	unsigned long long place = n_before(run, page) + index;
	for (size_t i = 0; i < page->n_path; i++) {
		if (i != 0) aps_buf_add_byte(out, '.');
		aps_buf_add_str(out, page->path[i]);
	}
	if (page->is_list) aps_buf_addf(out, "%s%llu", page->n_path != 0 ? "." : "", place);
}

/* Whether a path of the response's errors begins with the record's. */
static bool leads_here(struct aps_str path, const struct aps_page *page, size_t index)
{
	struct aps_json_reader r;
	size_t n = 0;
	aps_json_reader_init(&r, path, 0);
	if (aps_json_next(&r) != APS_JSON_ARRAY) return false;
	for (enum aps_json_token token = aps_json_next(&r); token != APS_JSON_ARRAY_END; token = aps_json_next(&r)) {
		if (n < page->n_path && (token != APS_JSON_STRING || !aps_str_eq(r.text, page->path[n]))) return false;
		if (n == page->n_path) return token == APS_JSON_INT && r.integer == (int64_t)index;
		if (token == APS_JSON_ERROR) return false;
		n++;
	}
	return false;
}

/* The message of the error that names the record; empty: none does. */
static struct aps_str message_of(struct aps_str errors, const struct aps_page *page, size_t index,
                                 struct aps_arena *arena)
{
	struct aps_json_reader r, text;
	struct aps_json_members members;
	struct aps_str error, path, message;
	if (errors.n == 0) return APS_STR("");
	aps_json_reader_init(&r, errors, 0);
	if (aps_json_next(&r) != APS_JSON_ARRAY) return APS_STR("");
	while (aps_json_skip_value(&r, &error) == APS_OK) {
		aps_json_members_init(&members, error);
		if (!aps_json_members_get(&members, "path", &path) || !leads_here(path, page, index)) continue;
		aps_json_members_init(&members, error);
		if (!aps_json_members_get(&members, "message", &message)) continue;
		aps_json_reader_init(&text, message, 0);
		if (aps_json_next(&text) == APS_JSON_STRING) return aps_json_unescape(&text, arena);
	}
	return APS_STR("");
}

enum aps_rc aps_sync_quarantine_put(struct aps_sync_run *run, const struct aps_page *page, size_t index,
                                    const struct aps_partition_data *data, struct aps_err *err)
{
	struct aps_sync_name name;
	struct aps_buf key;
	struct aps_arena arena;
	bool is_null = aps_page_at(page, index)->text.p == NULL;
	aps_buf_init(&key, APS_BUF_ANY_SIZE);
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	put_place(&key, run, page, index);
	struct aps_str reason = message_of(data->errors, page, index, &arena);
	if (reason.n == 0)
		reason = is_null ? APS_STR("the service sent null in its place")
		                 : APS_STR("it has no identity: select the fields that its type's `keys` name, or id");
	const struct aps_sync_bad_record bad = {aps_buf_str(&key), reason, aps_sync_run_seen_ms(run) / 1000};
	enum aps_rc rc = key.rc == APS_OK ? aps_sync_run_name(run, &name, err)
	                                  : aps_fail(err, APS_E_NOMEM, "no memory for a record's place");
	if (rc == APS_OK) rc = aps_quarantine_put(run->vault->db, name, &bad, err);
	if (rc == APS_OK) run->has_changed = true;
	run->knows_bad = false;
	aps_buf_clear(&key);
	aps_arena_clear(&arena);
	return rc;
}

enum aps_rc aps_sync_quarantine_end_pass(struct aps_sync_run *run, int64_t began_s, struct aps_err *err)
{
	struct aps_sync_name name;
	enum aps_rc rc = aps_sync_run_name(run, &name, err);
	if (rc == APS_OK) rc = aps_quarantine_remove_before(run->vault->db, name, began_s, err);
	if (rc == APS_OK) run->knows_bad = false;
	run->has_changed = true;
	return rc;
}

void aps_sync_quarantine_look(struct aps_sync_run *run)
{
	struct aps_sync_name name;
	struct aps_err err;
	if (run->knows_bad) return;
	run->knows_bad = aps_sync_run_name(run, &name, &err) == APS_OK &&
	                 aps_quarantine_count(run->vault->db, name, &run->n_bad, &err) == APS_OK;
}

struct listing {
	struct aps_sync_bad_sink sink;
	struct aps_json_writer w;
	uint64_t n;
};

static void found(struct aps_sync_bad_sink *sink, const struct aps_sync_bad_record *record)
{
	struct listing *listing = APS_CONTAINER_OF(sink, struct listing, sink);
	aps_json_write_object(&listing->w);
	aps_json_write_member(&listing->w, "key", record->key);
	aps_json_write_member(&listing->w, "reason", record->reason);
	aps_json_write_key(&listing->w, APS_STR("seen"));
	aps_json_write_int(&listing->w, record->seen_s);
	aps_json_write_object_end(&listing->w);
	listing->n++;
}

enum aps_rc aps_sync_quarantine_list(struct aps_sync_run *run, struct aps_buf *out, struct aps_err *err)
{
	struct listing listing = {.sink = {found}};
	struct aps_sync_name name;
	aps_json_writer_init(&listing.w, out);
	aps_json_write_array(&listing.w);
	enum aps_rc rc = aps_sync_run_name(run, &name, err);
	if (rc == APS_OK) rc = aps_quarantine_list(run->vault->db, name, &listing.sink, err);
	aps_json_write_array_end(&listing.w);
	if (rc == APS_OK && aps_json_writer_finish(&listing.w) != APS_OK)
		rc = aps_fail(err, APS_E_NOMEM, "out of memory");
	if (rc == APS_OK) {
		run->n_bad = listing.n;
		run->knows_bad = true;
	}
	return rc;
}
