#include "store/inspect.h"
#include "store/counters.h"

#include "base/mem.h"
#include "cache/collect.h"
#include "cache/freshness.h"
#include "cache/references.h"
#include "store/cache_rows.h"
#include "store/db_space.h"
#include "store/inspect_outbox.h"
#include "store/inspect_syncs.h"
#include "store/inspect_text.h"
#include "store/migrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

#define MAX_ROOT_FIELDS 1000
#define SLICE_ROWS      1000

struct type_count {
	struct aps_str type;
	size_t n_records;
	uint64_t n_bytes;
};

/* One partition. */
struct inspection {
	struct aps_db *db;
	struct aps_cache_store store;
	struct aps_cache cache;
	struct aps_policies policies;
	struct aps_collect collect;
	struct aps_number_set present;
	struct aps_map types; /* struct type_count */
	struct aps_json_writer *w;
	struct aps_buf roots; /* JSON: the items of the list */
	uint32_t typename;
	size_t n_records, n_evicted, n_emptied, n_damaged, n_fields, n_long_lists, n_references, n_broken, n_roots;
	size_t n_dead_records;
	uint64_t n_dead_bytes;
	bool is_short;
};

/* References of one row. */
struct counting {
	struct aps_reference_sink sink;
	struct inspection *in;
	size_t n;
};

static void count_reference(struct aps_reference_sink *sink, const struct aps_reference *reference)
{
	struct counting *counting = APS_CONTAINER_OF(sink, struct counting, sink);
	struct inspection *in = counting->in;
	counting->n++;
	in->n_references++;
	in->n_broken += !aps_number_set_has(&in->present, reference->entry);
}

static struct aps_str type_of(const struct inspection *in, struct aps_str key, struct aps_str fields)
{
	struct aps_cell type;
	if (in->typename != 0 && aps_cell_find_field(fields, in->typename, &type) && type.tag == APS_CELL_STRING)
		return type.text;
	const char *colon = memchr(key.p, ':', key.n);
	return colon != NULL ? (struct aps_str){key.p + 1, (size_t)(colon - key.p) - 1} : APS_STR("");
}

static void count_type(struct inspection *in, struct aps_str type, size_t n_bytes)
{
	struct type_count *count = aps_map_get(&in->types, type);
	if (count == NULL) {
		count = aps_calloc(1, sizeof *count);
		if (count == NULL || !aps_map_set(&in->types, type, count)) {
			aps_free(count);
			in->is_short = true;
			return;
		}
	}
	count->n_records++;
	count->n_bytes += n_bytes;
}

static bool are_fields_whole(struct aps_str fields)
{
	struct aps_cell_field field;
	while (fields.n != 0)
		if (!aps_cell_take_field(&fields, &field)) return false;
	return true;
}

static bool is_value_whole(struct aps_str value)
{
	struct aps_cell cell;
	return value.n == 0 || (aps_cell_take(&value, &cell) && value.n == 0);
}

static void put_root_field(struct inspection *in, struct aps_str field, size_t n_bytes, size_t n_references)
{
	struct aps_json_writer w;
	if (in->n_roots++ >= MAX_ROOT_FIELDS) return;
	if (in->roots.n != 0) aps_buf_add_byte(&in->roots, ',');
	aps_json_writer_init(&w, &in->roots);
	aps_json_write_object(&w);
	aps_inspect_put_text(&w, "field", field);
	aps_inspect_put_count(&w, "bytes", n_bytes);
	aps_inspect_put_count(&w, "references", n_references);
	aps_json_write_object_end(&w);
}

static void inspect_root(struct inspection *in, struct aps_str fields)
{
	struct aps_cell_field field;
	while (aps_cell_take_field(&fields, &field)) {
		struct counting counting = {{count_reference}, in, 0};
		if (field.name == APS_NAME_CAME) continue;
		aps_references_of_value(field.value.whole, &counting.sink);
		put_root_field(in, aps_names_text(&in->cache.names, field.name), field.value.whole.n, counting.n);
	}
}

static void inspect_record(struct inspection *in, const struct aps_entry_row *row, size_t n_bytes)
{
	struct counting counting = {{count_reference}, in, 0};
	bool is_root = row->number == in->collect.root;
	in->n_damaged += row->is_damaged || !are_fields_whole(row->content);
	if (is_root) {
		inspect_root(in, row->content);
		return;
	}
	in->n_records++;
	in->n_evicted += row->is_nowhere;
	in->n_emptied += !row->is_nowhere && row->content.n == 0;
	count_type(in, type_of(in, row->key, row->content), n_bytes);
	aps_references_of_fields(row->content, &counting.sink);
}

/* "F", the number of the record, ".", the field. */
static void inspect_field(struct inspection *in, const struct aps_entry_row *row, size_t n_bytes)
{
	struct counting counting = {{count_reference}, in, 0};
	char prefix[32];
	int n = snprintf(prefix, sizeof prefix, "F%llu.", (unsigned long long)in->collect.root);
	struct aps_str key = row->key;
	in->n_damaged += row->is_damaged || !is_value_whole(row->content);
	if (row->is_nowhere && !aps_number_set_has(&in->collect.held, row->number)) return; /* it was evicted */
	in->n_fields++;
	aps_references_of_value(row->content, &counting.sink);
	if (n <= 0 || key.n < (size_t)n || memcmp(key.p, prefix, (size_t)n) != 0) return;
	put_root_field(in, (struct aps_str){key.p + n, key.n - (size_t)n}, n_bytes, counting.n);
}

static void inspect_list(struct inspection *in, const struct aps_entry_row *row)
{
	struct counting counting = {{count_reference}, in, 0};
	bool is_list = aps_number_set_has(&in->collect.lists, row->number);
	in->n_long_lists += is_list;
	in->n_damaged += row->is_damaged || (!is_list && !is_value_whole(row->content));
	if (is_list)
		aps_references_of_long_list(row->content, &counting.sink);
	else
		aps_references_of_value(row->content, &counting.sink);
}

static enum aps_rc inspect_row(struct inspection *in, uint64_t number, struct aps_err *err)
{
	struct aps_entry_row row = {.number = 0};
	enum aps_rc rc = in->store.backing.load(&in->store.backing, number, &row, err);
	if (rc == APS_OK && row.number != 0) {
		size_t n_bytes = aps_entry_disk_bytes(row.key.n, row.content.n);
		bool is_record = row.key.n != 0 && row.key.p[0] == 'R';
		bool is_dead = aps_collect_deletes(&in->collect, number);
		in->n_dead_records += is_dead && is_record;
		in->n_dead_bytes += is_dead ? n_bytes : 0;
		if (is_record)
			inspect_record(in, &row, n_bytes);
		else if (row.key.n != 0)
			inspect_field(in, &row, n_bytes);
		else
			inspect_list(in, &row);
	}
	in->store.backing.done(&in->store.backing);
	return rc;
}

/* Which entries there are, and which records have fields. */
struct seeing {
	struct aps_rows_sink sink;
	struct inspection *in;
};

static void see_row(struct aps_rows_sink *sink, uint64_t number, struct aps_str key)
{
	struct inspection *in = APS_CONTAINER_OF(sink, struct seeing, sink)->in;
	if (!aps_number_set_add(&in->present, number, NULL)) in->is_short = true;
	if (key.n != 0 && key.p[0] == 'F') aps_collect_see_field(&in->collect, key);
}

static enum aps_rc see_rows(struct inspection *in, enum aps_rows_kind kind, struct aps_err *err)
{
	struct seeing seeing = {{see_row}, in};
	struct aps_rows_at at;
	enum aps_rc rc = APS_OK;
	aps_rows_init(&at, kind);
	while (rc == APS_OK && !at.is_done) rc = aps_rows_read(&in->store, &at, SLICE_ROWS, &seeing.sink, err);
	aps_rows_clear(&at);
	return rc;
}

struct holding {
	struct aps_reference_sink sink;
	struct aps_collect *collect;
};

static void hold_reference(struct aps_reference_sink *sink, const struct aps_reference *reference)
{
	aps_collect_hold(APS_CONTAINER_OF(sink, struct holding, sink)->collect, reference->entry);
}

/* What layers change and refer to; how many patches there are. */
static enum aps_rc hold_patches(struct inspection *in, size_t *n_patches, struct aps_err *err)
{
	static const char SQL[] = "SELECT entry, patch FROM layer JOIN patch ON patch.layer = layer.id WHERE part = ?1";
	struct holding holding = {{hold_reference}, &in->collect};
	struct aps_stmt *stmt;
	bool has_row = false;
	*n_patches = 0;
	enum aps_rc rc = aps_db_prepare(in->db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, in->store.part, err);
	while (rc == APS_OK && (rc = aps_stmt_step(stmt, &has_row, err)) == APS_OK && has_row) {
		*n_patches += aps_stmt_column_str(stmt, 1).n != 0;
		aps_collect_hold(&in->collect, (uint64_t)aps_stmt_column_int(stmt, 0));
		aps_references_of_patch(aps_stmt_column_str(stmt, 1), &holding.sink);
	}
	return rc;
}

static enum aps_rc collect(struct inspection *in, size_t *n_patches, struct aps_err *err)
{
	bool is_done = false;
	aps_collect_init(&in->collect, &in->cache, &in->store.backing, &in->policies, 0);
	enum aps_rc rc = see_rows(in, APS_ROWS_WITH_KEY, err);
	if (rc == APS_OK) rc = see_rows(in, APS_ROWS_WITHOUT_KEY, err);
	if (rc == APS_OK) rc = hold_patches(in, n_patches, err);
	while (rc == APS_OK && !is_done) rc = aps_collect_step(&in->collect, SLICE_ROWS, &is_done, err);
	return rc;
}

/* Those that take the most come first. */
static int compare_counts(const void *a, const void *b)
{
	const struct type_count *one = *(const struct type_count *const *)a,
	                        *other = *(const struct type_count *const *)b;
	if (one->n_bytes != other->n_bytes) return one->n_bytes > other->n_bytes ? -1 : 1;
	return aps_str_cmp(one->type, other->type);
}

static void put_type(struct aps_json_writer *w, const struct type_count *count)
{
	aps_json_write_object(w);
	aps_inspect_put_text(w, "type", count->type);
	aps_inspect_put_count(w, "records", count->n_records);
	aps_inspect_put_count(w, "bytes", count->n_bytes);
	aps_json_write_object_end(w);
}

static void put_types(struct inspection *in)
{
	size_t cursor = 0, n = 0;
	void *state = NULL, *value;
	struct aps_str type;
	struct type_count **counts = aps_calloc(in->types.n_items + 1, sizeof(struct type_count *));
	aps_json_write_key(in->w, APS_STR("types"));
	aps_json_write_array(in->w);
	while (counts != NULL && aps_map_next(&in->types, &cursor, &state, &type, &value)) {
		counts[n] = value;
		counts[n++]->type = type;
	}
	if (counts == NULL) in->is_short = true;
	if (n != 0) qsort(counts, n, sizeof *counts, compare_counts);
	for (size_t i = 0; i < n; i++) put_type(in->w, counts[i]);
	aps_json_write_array_end(in->w);
	aps_free(counts);
}

static void put_roots(struct inspection *in)
{
	aps_inspect_put_count(in->w, "roots", in->n_roots);
	aps_json_write_key(in->w, APS_STR("root_fields"));
	aps_json_write_array(in->w);
	if (in->roots.n != 0) aps_json_write_raw(in->w, aps_buf_str(&in->roots));
	aps_json_write_array_end(in->w);
	if (in->roots.rc != APS_OK) in->is_short = true;
}

static void put_counts(struct inspection *in, size_t n_patches)
{
	aps_inspect_put_count(in->w, "bytes", (uint64_t)in->store.n_bytes);
	aps_inspect_put_count(in->w, "records", in->n_records);
	aps_inspect_put_count(in->w, "evicted", in->n_evicted);
	aps_inspect_put_count(in->w, "emptied", in->n_emptied);
	aps_inspect_put_count(in->w, "damaged", in->n_damaged);
	aps_inspect_put_count(in->w, "damaged_names", in->store.n_damaged_names);
	put_types(in);
	aps_inspect_put_count(in->w, "fields", in->n_fields);
	aps_inspect_put_count(in->w, "long_lists", in->n_long_lists);
	aps_inspect_put_count(in->w, "references", in->n_references);
	aps_inspect_put_count(in->w, "broken_references", in->n_broken);
	put_roots(in);
	aps_inspect_put_count(in->w, "patches", n_patches);
	aps_json_write_key(in->w, APS_STR("collectable"));
	aps_json_write_object(in->w);
	aps_inspect_put_count(in->w, "records", in->n_dead_records);
	aps_inspect_put_count(in->w, "bytes", in->n_dead_bytes);
	aps_json_write_object_end(in->w);
}

static void init(struct inspection *in)
{
	aps_entries_init(&in->cache.entries, 0, &in->store.backing);
	aps_names_init(&in->cache.names, 0);
	aps_policies_init(&in->policies, 0);
	aps_map_init(&in->types, 0);
	aps_buf_init(&in->roots, APS_BUF_ANY_SIZE);
}

static void clear(struct inspection *in)
{
	size_t cursor = 0;
	void *state = NULL, *value;
	struct aps_str type;
	while (aps_map_next(&in->types, &cursor, &state, &type, &value)) aps_free(value);
	aps_map_clear(&in->types);
	aps_collect_clear(&in->collect);
	aps_number_set_clear(&in->present);
	aps_entries_clear(&in->cache.entries);
	aps_names_clear(&in->cache.names);
	aps_policies_clear(&in->policies);
	aps_cache_store_clear(&in->store);
	aps_buf_clear(&in->roots);
}

static enum aps_rc inspect_part(struct inspection *in, struct aps_err *err)
{
	size_t n_patches;
	enum aps_rc rc = aps_cache_store_open_part(&in->store, in->db, in->store.part, &in->cache, err);
	if (rc == APS_OK) rc = aps_counters_last_number(in->db, in->cache.entries.last_number, err);
	in->typename = aps_names_find(&in->cache.names, APS_STR("__typename"));
	if (rc == APS_OK) rc = collect(in, &n_patches, err);
	for (uint64_t number = 0; rc == APS_OK && (number = aps_number_set_next(&in->present, number)) != 0;)
		rc = inspect_row(in, number, err);
	if (rc == APS_OK) put_counts(in, n_patches);
	if (rc == APS_OK) rc = aps_inspect_syncs(in->db, in->store.part, in->w, err);
	if (rc == APS_OK && (in->is_short || in->collect.is_short))
		rc = aps_fail(err, APS_E_NOMEM, "no memory to look at the store");
	return rc;
}

static enum aps_rc read_int_of(struct aps_db *db, const char *sql, int64_t part, int64_t *value, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(sql), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, part, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	*value = rc == APS_OK && has_row ? aps_stmt_column_int(stmt, 0) : 0;
	if (rc == APS_OK) aps_stmt_reset(stmt);
	return rc;
}

/* Its owner; *is_dropped: it has none any more, and what it has is being deleted. */
static enum aps_rc put_owner(struct aps_db *db, int64_t part, struct aps_json_writer *w, bool *is_dropped,
                             struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc =
	        aps_db_prepare(db, APS_STR("SELECT prefix, identity, dropped FROM part WHERE id = ?1"), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, part, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	if (rc != APS_OK || !has_row) return rc;
	aps_inspect_put_text(w, "key_prefix", aps_stmt_column_str(stmt, 0));
	aps_inspect_put_text(w, "identity", aps_stmt_column_str(stmt, 1));
	*is_dropped = aps_stmt_column_int(stmt, 2) != 0;
	aps_json_write_key(w, APS_STR("is_dropped"));
	aps_json_write_bool(w, *is_dropped);
	aps_stmt_reset(stmt);
	return APS_OK;
}

static enum aps_rc put_part(struct aps_db *db, int64_t part, struct aps_json_writer *w, struct aps_err *err)
{
	struct inspection in = {.db = db, .w = w};
	bool is_dropped = false;
	int64_t n = 0;
	init(&in);
	in.store.part = part;
	aps_json_write_object(w);
	enum aps_rc rc = put_owner(db, part, w, &is_dropped, err);
	if (rc == APS_OK) rc = read_int_of(db, "SELECT count(*) FROM entry WHERE part = ?1", part, &n, err);
	if (rc == APS_OK) aps_inspect_put_count(w, "rows", (uint64_t)n);
	if (rc == APS_OK) rc = read_int_of(db, "SELECT count(*) FROM layer WHERE part = ?1", part, &n, err);
	if (rc == APS_OK) aps_inspect_put_count(w, "layers", (uint64_t)n);
	if (rc == APS_OK && !is_dropped) rc = inspect_part(&in, err);
	aps_json_write_object_end(w);
	clear(&in);
	return rc;
}

static enum aps_rc list_parts(struct aps_db *db, struct aps_buf *parts, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = aps_db_prepare(db, APS_STR("SELECT id FROM part ORDER BY prefix, identity, id"), &stmt, err);
	while (rc == APS_OK && (rc = aps_stmt_step(stmt, &has_row, err)) == APS_OK && has_row) {
		int64_t part = aps_stmt_column_int(stmt, 0);
		aps_buf_add(parts, &part, sizeof part);
	}
	return rc == APS_OK && parts->rc != APS_OK ? aps_fail(err, APS_E_NOMEM, "no memory to look at the store") : rc;
}

static enum aps_rc put_parts(struct aps_db *db, struct aps_json_writer *w, struct aps_err *err)
{
	struct aps_buf parts;
	aps_buf_init(&parts, APS_BUF_ANY_SIZE);
	enum aps_rc rc = list_parts(db, &parts, err);
	const int64_t *ids = (const int64_t *)(const void *)parts.p;
	aps_json_write_key(w, APS_STR("partitions"));
	aps_json_write_array(w);
	for (size_t i = 0; rc == APS_OK && i < parts.n / sizeof *ids; i++) rc = put_part(db, ids[i], w, err);
	aps_json_write_array_end(w);
	aps_buf_clear(&parts);
	return rc;
}

/* False: it isn't there. */
static bool look_at(const char *path, const char *ending, struct stat *found)
{
	struct aps_buf name;
	aps_buf_init(&name, APS_BUF_ANY_SIZE);
	aps_buf_addf(&name, "%s%s", path, ending);
	bool is_there = name.rc == APS_OK && stat(name.p, found) == 0;
	aps_buf_clear(&name);
	return is_there;
}

static uint64_t log_bytes_of(const char *path)
{
	struct stat found;
	return look_at(path, "-wal", &found) ? (uint64_t)found.st_size : 0;
}

static enum aps_rc put_file(struct aps_db *db, const char *path, struct aps_json_writer *w, struct aps_err *err)
{
	struct aps_db_space space;
	int64_t version;
	enum aps_rc rc = aps_db_read_int(db, "PRAGMA user_version", &version, err);
	if (rc == APS_OK) rc = aps_db_space(db, &space, err);
	if (rc != APS_OK) return rc;
	aps_inspect_put_count(w, "version", (uint64_t)version);
	aps_inspect_put_count(w, "bytes", (uint64_t)(space.n_pages * space.page_bytes));
	aps_inspect_put_count(w, "free_bytes", (uint64_t)(space.n_free_pages * space.page_bytes));
	aps_inspect_put_count(w, "log_bytes", log_bytes_of(path));
	rc = put_parts(db, w, err);
	return rc == APS_OK ? aps_inspect_outbox(db, w, err) : rc;
}

/* All of it is one view of the file. */
static enum aps_rc inspect_view(struct aps_db *db, const char *path, struct aps_buf *json, struct aps_err *err)
{
	struct aps_json_writer w;
	enum aps_rc rc = aps_migrations_check(db, err);
	if (rc == APS_OK) rc = aps_db_begin(db, err);
	if (rc != APS_OK) return rc;
	aps_json_writer_init(&w, json);
	aps_json_write_object(&w);
	rc = put_file(db, path, &w, err);
	aps_json_write_object_end(&w);
	aps_db_rollback(db);
	if (rc != APS_OK || aps_json_writer_finish(&w) == APS_OK) return rc;
	*err = w.err;
	return w.err.code;
}

/* What tells that a file was written. */
struct file_mark {
	bool is_still; /* nobody has written it since it was closed: SQLite has removed its log, or left it empty */
	struct stat main, log;
};

static struct file_mark mark_of(const char *path)
{
	struct file_mark mark = {.is_still = false};
	struct stat journal;
	bool has_log = look_at(path, "-wal", &mark.log);
	mark.is_still = look_at(path, "", &mark.main) && (!has_log || mark.log.st_size == 0) &&
	                !look_at(path, "-journal", &journal);
	return mark;
}

static bool is_unchanged(const struct file_mark *mark, const char *path)
{
	struct file_mark now = mark_of(path);
	return now.is_still && now.main.st_ino == mark->main.st_ino && now.main.st_size == mark->main.st_size &&
	       now.main.st_mtim.tv_sec == mark->main.st_mtim.tv_sec &&
	       now.main.st_mtim.tv_nsec == mark->main.st_mtim.tv_nsec;
}

static enum aps_rc inspect_once(const char *path, bool is_still, struct aps_buf *json, struct aps_err *err)
{
	const struct aps_db_options options = {.read_only = true, .is_still = is_still, .busy_ms = APS_DB_BUSY_MS};
	struct aps_db *db;
	enum aps_rc rc = aps_db_open(path, &options, &db, err);
	if (rc != APS_OK) return rc;
	rc = inspect_view(db, path, json, err);
	aps_db_close(db);
	return rc;
}

/* SQLite makes a log and its index for whoever reads, who can't remove them, and needs a folder for that which can be
 * written: where nobody has the store open it is read without. Should somebody write it meanwhile, all is read anew. */
enum aps_rc aps_inspect_store(const char *path, struct aps_buf *json, struct aps_err *err)
{
	struct file_mark mark = mark_of(path);
	size_t n_before = json->n;
	if (mark.is_still) {
		enum aps_rc rc = inspect_once(path, true, json, err);
		if (rc == APS_E_NOMEM || is_unchanged(&mark, path)) return rc;
		json->n = n_before;
		json->rc = APS_OK;
	}
	return inspect_once(path, false, json, err);
}
