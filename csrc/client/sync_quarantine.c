#include "client/sync_quarantine.h"

#include "base/utf8_sequence.h"
#include "client/sync_errors.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"

#define MAX_REASON_BYTES 500

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

/* Cut short where it is too long: it is kept, and shown. */
static void put_reason(struct aps_buf *out, const struct aps_page *page, size_t index,
                       const struct aps_sync_error *error)
{
	struct aps_json_reader r;
	struct aps_arena arena;
	struct aps_str text = APS_STR("");
	bool is_null = aps_page_at(page, index)->text.p == NULL;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	aps_json_reader_init(&r, error->message, 0);
	if (error->message.n != 0 && aps_json_next(&r) == APS_JSON_STRING) text = aps_json_unescape(&r, &arena);
	if (text.p == NULL) out->rc = APS_E_NOMEM;
	if (text.n == 0 && error->is_named && !is_null)
		text = APS_STR("the service could not give one of its fields");
	else if (text.n == 0 && is_null && page->has_scalars)
		text = APS_STR("the service sent null or a scalar in its place");
	else if (text.n == 0)
		text = is_null ? APS_STR("the service sent null in its place")
		               : APS_STR("it has no identity: select the fields that its type's `keys` name, or id");
	bool is_long = text.n > MAX_REASON_BYTES;
	if (is_long) text.n = MAX_REASON_BYTES;
	while (is_long && text.n != 0 && aps_utf8_continues((unsigned char)text.p[text.n])) text.n--;
	aps_buf_add_str(out, text);
	if (is_long) aps_buf_add_text(out, "\xe2\x80\xa6");
	aps_arena_clear(&arena);
}

/* *n: how many there are. */
static enum aps_rc put(struct aps_sync_run *run, const struct aps_page *page, size_t index,
                       const struct aps_sync_error *error, uint64_t *n, struct aps_err *err)
{
	struct aps_sync_name name;
	struct aps_buf key, reason;
	aps_buf_init(&key, APS_BUF_ANY_SIZE);
	aps_buf_init(&reason, APS_BUF_ANY_SIZE);
	put_place(&key, run, page, index);
	put_reason(&reason, page, index, error);
	const struct aps_sync_bad_record bad = {aps_buf_str(&key), aps_buf_str(&reason),
	                                        aps_sync_run_seen_ms(run) / 1000};
	enum aps_rc rc = key.rc == APS_OK && reason.rc == APS_OK
	                         ? aps_sync_run_name(run, &name, err)
	                         : aps_fail(err, APS_E_NOMEM, "no memory for a record's place");
	if (rc == APS_OK) rc = aps_quarantine_put(run->vault->db, name, &bad, n, err);
	aps_buf_clear(&key);
	aps_buf_clear(&reason);
	return rc;
}

enum aps_rc aps_sync_quarantine_put(struct aps_sync_run *run, const struct aps_page *page,
                                    const struct aps_sync_judgement *judgement, struct aps_str errors,
                                    struct aps_err *err)
{
	const struct aps_sync_judged *judged = (const void *)judgement->records.p;
	struct aps_arena arena;
	struct aps_sync_name name;
	size_t n_put = 0;
	uint64_t n = 0;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	const struct aps_sync_error *found = aps_sync_errors_find(errors, page, &arena);
	enum aps_rc rc = found != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory for the errors of a page");
	if (rc == APS_OK) rc = aps_sync_run_name(run, &name, err);
	if (rc == APS_OK) rc = aps_quarantine_count(run->vault->db, name, &n, err);
	for (size_t i = 0; rc == APS_OK && i < aps_page_count(page) && n_put < APS_SYNC_MAX_BAD; i++) {
		if (judged[i].fate != APS_SYNC_IS_BAD) continue;
		rc = put(run, page, i, &found[i], &n, err);
		n_put++;
	}
	if (rc == APS_OK) run->has_changed = true;
	run->knows_bad = false;
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
