#include "client/sync_judge.h"

#include "cache/scalar.h"
#include "client/sync_errors.h"
#include "client/sync_keying.h"
#include "client/sync_repeated.h"
#include "sync/record_order.h"

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

static enum aps_sync_fate fate_of(const struct aps_page_record *record, enum aps_record_order order)
{
	if (order == APS_RECORD_OLDER) return APS_SYNC_IS_OLD;
	if (record->is_deleted) return APS_SYNC_IS_DELETED;
	return order == APS_RECORD_NEWER ? APS_SYNC_IS_NEW : APS_SYNC_IS_SAME;
}

/* Something may have been made anew under the key of what was deleted: it begins with a low version. The time of its
 * last change tells. Where nobody says that, a base query does, which lists what there is: one that was made well
 * behind the deletion. */
static bool is_made_anew(const struct aps_sync_run *run, const struct aps_page_record *record,
                         const struct aps_tombstone_found *found)
{
	enum aps_record_order change = aps_record_order(record->changed_at, aps_buf_str(&found->changed_at));
	bool is_base = run->keeping.is_page && run->keeping.part == APS_SYNC_PART_BASE;
	if (change != APS_RECORD_UNORDERED || !is_base) return change == APS_RECORD_NEWER;
	return (run->machine.made_ms - APS_SYNC_REMEMBERED_MS) / 1000 > found->seen_s;
}

/* What is older than the deletion is, whatever its version: a deletion of the former record would make the later one
 * forgotten. Where both are of one version the deletion came later. */
static enum aps_sync_fate fate_of_dead(const struct aps_sync_run *run, const struct aps_page_record *record,
                                       const struct aps_tombstone_found *found)
{
	if (is_made_anew(run, record, found)) return record->is_deleted ? APS_SYNC_IS_DELETED : APS_SYNC_IS_NEW;
	if (aps_record_order(record->changed_at, aps_buf_str(&found->changed_at)) == APS_RECORD_OLDER)
		return APS_SYNC_IS_OLD;
	enum aps_record_order order = aps_record_order(record->version, aps_buf_str(&found->version));
	if (order == APS_RECORD_SAME && !record->is_deleted) return APS_SYNC_IS_OLD;
	if (order == APS_RECORD_UNORDERED && !record->is_deleted) return APS_SYNC_IS_NEW;
	return fate_of(record, order);
}

static enum aps_rc find_tombstone(struct aps_sync_run *run, struct aps_str key, struct aps_tombstone_found *found,
                                  struct aps_err *err)
{
	struct aps_sync_name name;
	found->is_there = false;
	aps_buf_init(&found->version, APS_BUF_ANY_SIZE);
	aps_buf_init(&found->changed_at, APS_BUF_ANY_SIZE);
	enum aps_rc rc = run->has_tombstones ? aps_sync_run_name(run, &name, err) : APS_OK;
	if (rc == APS_OK && run->has_tombstones) rc = aps_tombstone_find(run->vault->db, name, key, found, err);
	return rc;
}

/* AppSync delivers null for whatever the mutation didn't select; one that has returned the record whole has selected
 * the version. */
static bool lacks_version(const struct aps_sync_run *run, const struct aps_page_record *record)
{
	const struct aps_sync_part *part = &run->settings->parts[run->keeping.part];
	bool is_event = run->keeping.part == APS_SYNC_PART_SUBSCRIPTION;
	return is_event && part->names.version.n != 0 && record->version.n == 0;
}

static bool is_partial(const struct aps_sync_run *run, const struct aps_page_record *record)
{
	return lacks_version(run, record) && !record->is_deleted;
}

/* Without a version nothing tells an event that is whole from such a one: what is known of a record stays. */
static bool says_nothing_by_nulls(const struct aps_sync_run *run, const struct aps_partition_data *data)
{
	bool is_event = run->keeping.part == APS_SYNC_PART_SUBSCRIPTION;
	return is_event && data->skips_nulls && run->settings->parts[run->keeping.part].names.version.n == 0;
}

/* Against what is cached of it. Its version is lower, but it was made anew since that was known: the service has
 * forgotten how far versions had come. An event may be late and of the former one. */
static enum aps_rc judge_known(struct aps_sync_run *run, const struct aps_page_record *record,
                               const struct aps_entry *entry, uint32_t asked_at, enum aps_sync_fate *fate,
                               struct aps_err *err)
{
	const struct aps_page_names *names = &run->settings->parts[run->keeping.part].names;
	struct aps_buf known;
	aps_buf_init(&known, APS_BUF_ANY_SIZE);
	enum aps_rc rc = put_known(run->partition, entry, names->version_field, &known, err);
	enum aps_record_order order =
	        rc == APS_OK ? aps_record_order(record->version, aps_buf_str(&known)) : APS_RECORD_UNORDERED;
	if (rc == APS_OK && order == APS_RECORD_OLDER && run->keeping.is_page && entry->told_at < asked_at) {
		aps_buf_reset(&known);
		rc = put_known(run->partition, entry, names->changed_at_field, &known, err);
		if (rc == APS_OK && aps_record_order(record->changed_at, aps_buf_str(&known)) == APS_RECORD_NEWER)
			order = APS_RECORD_NEWER;
	}
	*fate = fate_of(record, order);
	aps_buf_clear(&known);
	return rc;
}

/* What was deleted may be cached again by what somebody else was answered, of a state before that: then it isn't newer.
 */
static enum aps_rc is_alive(const struct aps_sync_run *run, const struct aps_entry *entry,
                            const struct aps_tombstone_found *found, bool *is_newer, struct aps_err *err)
{
	const struct aps_page_names *names = &run->settings->parts[run->keeping.part].names;
	const struct {
		struct aps_str field, deleted;
	} rows[] = {{names->version_field, aps_buf_str(&found->version)},
	            {names->changed_at_field, aps_buf_str(&found->changed_at)}};
	enum aps_rc rc = APS_OK;
	*is_newer = false;
	for (size_t i = 0; rc == APS_OK && i < APS_COUNTOF(rows); i++) {
		struct aps_buf known;
		aps_buf_init(&known, APS_BUF_ANY_SIZE);
		rc = put_known(run->partition, entry, rows[i].field, &known, err);
		*is_newer = *is_newer || aps_record_order(aps_buf_str(&known), rows[i].deleted) == APS_RECORD_NEWER;
		aps_buf_clear(&known);
	}
	return rc;
}

/* Against what is cached of it though it was deleted; judged->fate: without that. */
static enum aps_rc judge_cached_again(const struct aps_sync_run *run, const struct aps_page_record *record,
                                      const struct aps_entry *entry, const struct aps_tombstone_found *found,
                                      struct aps_sync_judged *judged, struct aps_err *err)
{
	bool is_newer;
	enum aps_rc rc = is_alive(run, entry, found, &is_newer, err);
	if (rc != APS_OK || is_newer) return rc;
	enum aps_sync_fate dead = fate_of_dead(run, record, found);
	bool was_old = judged->fate == APS_SYNC_IS_OLD;
	if (was_old ? is_made_anew(run, record, found) : dead == APS_SYNC_IS_OLD) judged->fate = dead;
	judged->stays_out = judged->fate == APS_SYNC_IS_OLD;
	return APS_OK;
}

/* A part of a record that was deleted since brings nothing back. Of one that nobody knows its nulls are all there is: a
 * list can't be read with a record that lacks fields. */
static enum aps_rc judge_partial(const struct aps_sync_run *run, const struct aps_page_record *record,
                                 const struct aps_entry *entry, const struct aps_tombstone_found *found,
                                 struct aps_sync_judged *judged, struct aps_err *err)
{
	bool is_newer = aps_record_order(record->changed_at, aps_buf_str(&found->changed_at)) == APS_RECORD_NEWER;
	enum aps_rc rc = APS_OK;
	if (found->is_there && !is_newer && entry != NULL) rc = is_alive(run, entry, found, &is_newer, err);
	judged->stays_out = found->is_there && !is_newer;
	judged->fate = entry == NULL ? APS_SYNC_IS_NEW : APS_SYNC_IS_PARTIAL;
	if (judged->stays_out) judged->fate = APS_SYNC_IS_OLD;
	return rc;
}

static enum aps_rc judge(struct aps_sync_run *run, const struct aps_page_record *record, struct aps_str key,
                         const struct aps_partition_data *data, struct aps_sync_judged *judged, struct aps_err *err)
{
	struct aps_entry *entry;
	struct aps_tombstone_found found;
	enum aps_rc rc = aps_entries_find_below(&run->partition->cache.entries, key, &entry, err);
	if (rc != APS_OK) return rc;
	if (entry != NULL && aps_entry_base(entry).n == 0) entry = NULL;
	judged->fate = record->is_deleted ? APS_SYNC_IS_DELETED : APS_SYNC_IS_NEW;
	rc = find_tombstone(run, key, &found, err);
	if (rc == APS_OK && is_partial(run, record)) {
		rc = judge_partial(run, record, entry, &found, judged, err);
	} else if (rc == APS_OK && entry != NULL) {
		rc = judge_known(run, record, entry, data->asked_at, &judged->fate, err);
		if (rc == APS_OK && found.is_there) rc = judge_cached_again(run, record, entry, &found, judged, err);
		/* A mutation's answer that is known may have been of its deletion. */
		bool is_event = run->keeping.part == APS_SYNC_PART_SUBSCRIPTION;
		judged->stays_out = judged->stays_out || (is_event && judged->fate == APS_SYNC_IS_OLD);
		judged->fills = judged->fate == APS_SYNC_IS_OLD && !record->is_deleted;
	} else if (rc == APS_OK && found.is_there) {
		judged->fate = fate_of_dead(run, record, &found);
	}
	if (judged->fate == APS_SYNC_IS_SAME && says_nothing_by_nulls(run, data)) judged->fate = APS_SYNC_IS_PARTIAL;
	aps_buf_clear(&found.version);
	aps_buf_clear(&found.changed_at);
	return rc;
}

/* A list shows what is whole: with one record that lacks a field all of it could not be read any more. Where the
 * application keeps its lists, it is told of the errors itself. */
static void pass_over_failed(struct aps_sync_run *run, const struct aps_sync_error *found,
                             struct aps_sync_judgement *out)
{
	struct aps_sync_judged *judged = (void *)out->records.p;
	if (!run->settings->keeps_list && run->keeping.part != APS_SYNC_PART_BASE) return;
	for (size_t i = 0; i < out->records.n / sizeof *judged; i++) {
		enum aps_sync_fate fate = judged[i].fate;
		bool is_taken = fate == APS_SYNC_IS_NEW || fate == APS_SYNC_IS_SAME || fate == APS_SYNC_IS_PARTIAL;
		if (!found[i].is_named || !is_taken) continue;
		out->n_of[fate]--;
		out->n_of[APS_SYNC_IS_BAD]++;
		judged[i].fate = APS_SYNC_IS_BAD;
	}
}

static enum aps_rc judge_errors(struct aps_sync_run *run, const struct aps_page *page, struct aps_str errors,
                                struct aps_sync_judgement *out, struct aps_err *err)
{
	struct aps_arena arena;
	if (errors.n == 0 || aps_page_count(page) == 0) return APS_OK;
	aps_arena_init(&arena, APS_BUF_ANY_SIZE);
	const struct aps_sync_error *found = aps_sync_errors_find(errors, page, &arena);
	enum aps_rc rc = found != NULL ? APS_OK : aps_fail(err, APS_E_NOMEM, "no memory for the errors of a page");
	if (rc == APS_OK) pass_over_failed(run, found, out);
	aps_arena_clear(&arena);
	return rc;
}

static enum aps_rc know_tombstones(struct aps_sync_run *run, struct aps_err *err)
{
	struct aps_sync_name name;
	if (run->knows_tombstones) return APS_OK;
	enum aps_rc rc = aps_sync_run_name(run, &name, err);
	if (rc == APS_OK) rc = aps_tombstones_have_any(run->vault->db, name, &run->has_tombstones, err);
	run->knows_tombstones = rc == APS_OK;
	return rc;
}

static enum aps_rc judge_all(struct aps_sync_run *run, const struct aps_page *page, struct aps_sync_keying *keying,
                             struct aps_sync_judgement *out, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < aps_page_count(page); i++) {
		const struct aps_page_record *record = aps_page_at(page, i);
		struct aps_sync_judged judged = {.fate = APS_SYNC_IS_BAD, .key_at = out->keys.n};
		if (record->text.p != NULL) aps_sync_keying_put(keying, record->text, &out->keys);
		judged.n_key = out->keys.n - judged.key_at;
		out->has_partial = out->has_partial || (judged.n_key != 0 && lacks_version(run, record));
		if (judged.n_key != 0)
			rc = judge(run, record, (struct aps_str){out->keys.p + judged.key_at, judged.n_key},
			           keying->data, &judged, err);
		out->n_of[judged.fate]++;
		aps_buf_add(&out->records, &judged, sizeof judged);
	}
	if (rc == APS_OK && (out->records.rc != APS_OK || out->keys.rc != APS_OK))
		rc = aps_fail(err, APS_E_NOMEM, "no memory for a page");
	return rc;
}

enum aps_rc aps_sync_judge(struct aps_sync_run *run, const struct aps_page *page, const struct aps_partition_data *data,
                           struct aps_binding *binding, struct aps_sync_judgement *out, struct aps_err *err)
{
	struct aps_sync_keying keying;
	enum aps_rc rc = know_tombstones(run, err);
	if (rc == APS_OK) rc = aps_sync_keying_init(&keying, run, page, data, binding, err);
	if (rc != APS_OK) return rc;
	rc = judge_all(run, page, &keying, out, err);
	aps_sync_keying_clear(&keying);
	/* a base query lists what there is, each once */
	bool is_journal = page->is_list && run->keeping.part != APS_SYNC_PART_BASE && aps_page_count(page) > 1;
	if (rc == APS_OK) rc = judge_errors(run, page, data->errors, out, err);
	return rc == APS_OK && is_journal ? aps_sync_judge_repeated(page, out, run->core->hash_seed, err) : rc;
}
