#include "client/sync_judge.h"

#include "base/clock.h"
#include "cache/identity.h"
#include "cache/scalar.h"
#include "client/sync_repeated.h"
#include "codec/json_members.h"
#include "sync/record_order.h"

/* An object of the page. */
struct object {
	struct aps_str text;
	struct aps_buf cell; /* of the value that was asked for last */
	struct aps_arena arena;
};

static bool get(void *of, struct aps_str path, struct aps_cell *value)
{
	struct object *object = of;
	struct aps_str text = object->text;
	struct aps_json_reader r;
	const char *dot;
	do {
		struct aps_json_members members;
		dot = memchr(path.p, '.', path.n);
		struct aps_str name = {path.p, dot != NULL ? (size_t)(dot - path.p) : path.n};
		aps_json_members_init(&members, text);
		if (!aps_json_members_named(&members, name, &text)) return false;
		if (dot != NULL) path = (struct aps_str){dot + 1, path.n - (size_t)(dot + 1 - path.p)};
	} while (dot != NULL);
	aps_json_reader_init(&r, text, 0);
	enum aps_json_token token = aps_json_next(&r);
	if (token == APS_JSON_OBJECT || token == APS_JSON_ARRAY || token == APS_JSON_ERROR) return false;
	aps_buf_reset(&object->cell);
	if (!aps_scalar_put(&object->cell, &r, token, &object->arena)) return false;
	struct aps_str rest = aps_buf_str(&object->cell);
	return aps_cell_take(&rest, value);
}

/* "R" and its identity behind the keys that are there; nothing: it has none. */
static void put_key(const struct aps_partition *partition, const struct aps_asked *asked, size_t *next,
                    const struct aps_partition_data *data, struct aps_str text, struct aps_buf *keys)
{
	struct object object = {.text = text};
	struct aps_cell type;
	size_t at = keys->n;
	const struct aps_asked_object *told =
	        asked != NULL ? aps_asked_find(asked, (size_t)(text.p - data->data.p), next) : NULL;
	if (told != NULL && told->answer == APS_ASKED_NONE) return;
	aps_buf_add_byte(keys, 'R');
	if (told != NULL && told->answer == APS_ASKED_KEY) {
		aps_buf_add_str(keys, aps_asked_key(asked, told));
		return;
	}
	aps_buf_init(&object.cell, APS_BUF_ANY_SIZE);
	aps_arena_init(&object.arena, APS_BUF_ANY_SIZE);
	struct aps_buf name;
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	if (get(&object, APS_STR("__typename"), &type) && type.tag == APS_CELL_STRING)
		aps_buf_add_str(&name, type.text);
	if (!aps_identity_of(keys, partition->policies, aps_buf_str(&name), get, &object)) keys->n = at;
	aps_buf_clear(&name);
	aps_buf_clear(&object.cell);
	aps_arena_clear(&object.arena);
}

/* The JSON text of a field of what the service has said of a record. */
static enum aps_rc put_known(const struct aps_partition *partition, const struct aps_entry *entry, struct aps_str field,
                             struct aps_buf *out, struct aps_err *err)
{
	struct aps_cell value;
	struct aps_json_writer w;
	uint32_t name = field.n != 0 ? aps_names_find(&partition->cache.names, field) : 0;
	if (name == 0 || !aps_cell_find_field(aps_entry_base(entry), name, &value)) return APS_OK;
	if (value.tag == APS_CELL_NULL) return APS_OK;
	aps_json_writer_init(&w, out);
	(void)aps_scalar_write(&w, &value);
	return aps_json_writer_finish(&w) == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
}

/* Something was made anew under the key of what was deleted: it begins with a low version. */
static bool is_made_anew(const struct aps_page_record *record, struct aps_str deleted_at)
{
	return aps_record_order(record->changed_at, deleted_at) == APS_RECORD_NEWER;
}

static enum aps_sync_fate fate_of(const struct aps_page_record *record, enum aps_record_order order)
{
	if (order == APS_RECORD_OLDER) return APS_SYNC_IS_OLD;
	if (record->is_deleted) return APS_SYNC_IS_DELETED;
	return order == APS_RECORD_NEWER ? APS_SYNC_IS_NEW : APS_SYNC_IS_SAME;
}

/* Where both are of one version the deletion came later. */
static enum aps_rc judge_dead(struct aps_sync_run *run, const struct aps_page_record *record, struct aps_str key,
                              enum aps_sync_fate *fate, struct aps_err *err)
{
	struct aps_sync_name name;
	struct aps_tombstone_found found = {.is_there = false};
	aps_buf_init(&found.version, APS_BUF_ANY_SIZE);
	aps_buf_init(&found.changed_at, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_sync_run_name(run, &name, err);
	if (rc == APS_OK) rc = aps_tombstone_find(run->vault->db, name, key, &found, err);
	*fate = record->is_deleted ? APS_SYNC_IS_DELETED : APS_SYNC_IS_NEW;
	if (rc == APS_OK && found.is_there && !is_made_anew(record, aps_buf_str(&found.changed_at))) {
		enum aps_record_order order = aps_record_order(record->version, aps_buf_str(&found.version));
		*fate = fate_of(record, order);
		if (order == APS_RECORD_SAME && !record->is_deleted) *fate = APS_SYNC_IS_OLD;
		if (order == APS_RECORD_UNORDERED && !record->is_deleted) *fate = APS_SYNC_IS_NEW;
	}
	aps_buf_clear(&found.version);
	aps_buf_clear(&found.changed_at);
	return rc;
}

/* AppSync delivers null for whatever the mutation didn't select; one that has returned the record whole has selected
 * the version. */
static bool is_partial(const struct aps_sync_run *run, const struct aps_page_record *record)
{
	const struct aps_sync_part *part = &run->settings->parts[run->keeping.part];
	return run->keeping.part == APS_SYNC_PART_SUBSCRIPTION && part->names.version.n != 0 &&
	       record->version.n == 0 && !record->is_deleted;
}

static enum aps_rc judge(struct aps_sync_run *run, const struct aps_page_record *record, struct aps_str key,
                         enum aps_sync_fate *fate, struct aps_err *err)
{
	struct aps_partition *partition = run->partition;
	const struct aps_sync_part *part = &run->settings->parts[run->keeping.part];
	struct aps_entry *entry;
	struct aps_buf known;
	enum aps_rc rc = aps_entries_find_below(&partition->cache.entries, key, &entry, err);
	if (rc != APS_OK) return rc;
	bool is_known = entry != NULL && aps_entry_base(entry).n != 0;
	*fate = APS_SYNC_IS_PARTIAL;
	if (is_partial(run, record)) return APS_OK;
	*fate = record->is_deleted ? APS_SYNC_IS_DELETED : APS_SYNC_IS_NEW;
	if (!is_known && run->has_tombstones) return judge_dead(run, record, key, fate, err);
	if (!is_known) return APS_OK;
	aps_buf_init(&known, APS_BUF_ANY_SIZE);
	rc = put_known(partition, entry, part->names.version_field, &known, err);
	if (rc == APS_OK) *fate = fate_of(record, aps_record_order(record->version, aps_buf_str(&known)));
	aps_buf_clear(&known);
	return rc;
}

enum aps_rc aps_sync_judge(struct aps_sync_run *run, const struct aps_page *page, const struct aps_partition_data *data,
                           struct aps_sync_judgement *out, struct aps_err *err)
{
	size_t next_asked = 0;
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < aps_page_count(page); i++) {
		const struct aps_page_record *record = aps_page_at(page, i);
		struct aps_sync_judged judged = {.fate = APS_SYNC_IS_BAD, .key_at = out->keys.n};
		if (record->text.p != NULL)
			put_key(run->partition, data->asked, &next_asked, data, record->text, &out->keys);
		judged.n_key = out->keys.n - judged.key_at;
		if (judged.n_key != 0)
			rc = judge(run, record, (struct aps_str){out->keys.p + judged.key_at, judged.n_key},
			           &judged.fate, err);
		out->n_of[judged.fate]++;
		aps_buf_add(&out->records, &judged, sizeof judged);
	}
	if (rc == APS_OK && (out->records.rc != APS_OK || out->keys.rc != APS_OK))
		rc = aps_fail(err, APS_E_NOMEM, "no memory for a page");
	/* a base query lists what there is, each once */
	bool is_journal = page->is_list && run->keeping.part != APS_SYNC_PART_BASE && aps_page_count(page) > 1;
	return rc == APS_OK && is_journal ? aps_sync_judge_repeated(page, out, run->core->hash_seed, err) : rc;
}
