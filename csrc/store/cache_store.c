#include "store/cache_store.h"

#include "base/mem.h"
#include "store/counters.h"
#include "store/layer_store.h"
#include "store/query.h"
#include "store/row_sum.h"

#include <stdio.h>

#define MAX_LOST_NAMES 10000 /* in a row: where more seem to be, the number that says so is damaged */

static enum aps_rc prepare(const struct aps_cache_store *store, const char *sql, struct aps_stmt **stmt,
                           struct aps_err *err)
{
	return aps_db_prepare(store->db, aps_str_of(sql), stmt, err);
}

/* Where it stands, and what it is. One that had to leave has no content, and no sum that could be right. */
static int64_t sum_of(const struct aps_cache_store *store, uint64_t number, struct aps_str key, struct aps_str content)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, number);
	aps_row_sum_add_int(&sum, (uint64_t)store->part);
	aps_row_sum_add_int(&sum, content.p == NULL);
	aps_row_sum_add(&sum, key);
	aps_row_sum_add(&sum, content);
	return aps_row_sum_value(&sum);
}

/* One row of (id, key, used, content, sum), or none. The statement is left on it until done(). */
static enum aps_rc read_row(struct aps_cache_store *store, struct aps_stmt *stmt, struct aps_entry_row *row,
                            struct aps_err *err)
{
	bool has_row;
	enum aps_rc rc = aps_stmt_step(stmt, &has_row, err);
	row->number = 0;
	if (rc != APS_OK || !has_row) return rc;
	store->on_row = stmt;
	row->number = (uint64_t)aps_stmt_column_int(stmt, 0);
	row->key = aps_stmt_column_str(stmt, 1);
	row->used_minute = (uint32_t)aps_stmt_column_int(stmt, 2);
	row->content = aps_stmt_column_str(stmt, 3);
	row->is_nowhere = aps_stmt_column_type(stmt, 3) == APS_DB_NULL;
	struct aps_str content = row->is_nowhere ? (struct aps_str){NULL, 0} : row->content;
	bool has_left = content.n == 0 && !row->is_nowhere;
	row->is_damaged = !has_left && aps_stmt_column_int(stmt, 4) != sum_of(store, row->number, row->key, content);
	return !row->is_damaged || store->shows_damage ? APS_OK : aps_row_sum_fail("a record", err);
}

/* What layers say of the row that was read; what lies over another connection has all of them. */
static enum aps_rc read_patches(struct aps_cache_store *store, struct aps_entry_row *row, struct aps_err *err)
{
	aps_buf_reset(&store->patches);
	enum aps_rc rc = aps_layer_store_read(store->db, row->number, &store->patches, err);
	row->patches = store->patches.n != 0 ? aps_buf_str(&store->patches) : APS_STR("");
	if (store->patches.rc != APS_OK) aps_buf_clear(&store->patches);
	return rc;
}

static enum aps_rc find(struct aps_entry_backing *backing, struct aps_str key, struct aps_entry_row *row,
                        struct aps_err *err)
{
	struct aps_cache_store *store = APS_CONTAINER_OF(backing, struct aps_cache_store, backing);
	static const char SQL[] = "SELECT id, key, used, content, sum FROM entry WHERE part = ?1 AND key = ?2";
	enum aps_rc rc = APS_OK;
	row->number = 0;
	for (struct aps_db *db = store->db; db != NULL && rc == APS_OK && row->number == 0; db = aps_db_base(db)) {
		struct aps_stmt *stmt;
		rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
		if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, store->part, err);
		if (rc == APS_OK) rc = aps_stmt_bind_blob(stmt, 2, key, err);
		if (rc == APS_OK) rc = read_row(store, stmt, row, err);
	}
	if (rc == APS_OK && row->number != 0 && store->has_layers) rc = read_patches(store, row, err);
	if (rc != APS_OK || row->number == 0 || aps_str_eq(row->key, key) || store->shows_damage) return rc;
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0,
	                     "another record is found in the store by this one's key");
}

static enum aps_rc load(struct aps_entry_backing *backing, uint64_t number, struct aps_entry_row *row,
                        struct aps_err *err)
{
	struct aps_cache_store *store = APS_CONTAINER_OF(backing, struct aps_cache_store, backing);
	static const char SQL[] = "SELECT id, key, used, content, sum FROM entry WHERE id = ?1 AND part = ?2";
	enum aps_rc rc = APS_OK;
	row->number = 0;
	for (struct aps_db *db = store->db; db != NULL && rc == APS_OK && row->number == 0; db = aps_db_base(db)) {
		struct aps_stmt *stmt;
		rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
		if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, (int64_t)number, err);
		if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, store->part, err);
		if (rc == APS_OK) rc = read_row(store, stmt, row, err);
	}
	return rc == APS_OK && row->number != 0 && store->has_layers ? read_patches(store, row, err) : rc;
}

static void done(struct aps_entry_backing *backing)
{
	struct aps_cache_store *store = APS_CONTAINER_OF(backing, struct aps_cache_store, backing);
	if (store->on_row != NULL) aps_stmt_reset(store->on_row);
	store->on_row = NULL;
}

/* Keys are bytes: what begins like the prefix lies between it and its successor. */
static enum aps_rc bind_range(struct aps_stmt *stmt, int index, struct aps_str prefix, struct aps_buf *end,
                              struct aps_err *err)
{
	aps_buf_add_str(end, prefix);
	while (end->n != 0 && (unsigned char)end->p[end->n - 1] == 0xff) end->n--;
	if (end->rc != APS_OK || end->n == 0) return aps_fail(err, APS_E_NOMEM, "no memory for a range of keys");
	end->p[end->n - 1]++;
	enum aps_rc rc = aps_stmt_bind_blob(stmt, index, prefix, err);
	return rc == APS_OK ? aps_stmt_bind_blob(stmt, index + 1, aps_buf_str(end), err) : rc;
}

/* Those of one connection, in order. */
static enum aps_rc list_in(const struct aps_cache_store *store, struct aps_db *db, struct aps_str prefix,
                           struct aps_buf *numbers, struct aps_err *err)
{
	static const char SQL[] = "SELECT id FROM entry INDEXED BY entry_key WHERE part = ?1 AND key >= ?2"
	                          " AND key < ?3 ORDER BY id";
	struct aps_stmt *stmt;
	struct aps_buf end;
	bool has_row = false;
	aps_buf_init(&end, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, store->part, err);
	if (rc == APS_OK) rc = bind_range(stmt, 2, prefix, &end, err);
	while (rc == APS_OK && (rc = aps_stmt_step(stmt, &has_row, err)) == APS_OK && has_row) {
		uint64_t number = (uint64_t)aps_stmt_column_int(stmt, 0);
		aps_buf_add(numbers, &number, sizeof number);
	}
	aps_buf_clear(&end);
	return rc;
}

/* Takes each number once, of both lists. */
static void merge_numbers(struct aps_buf *out, const struct aps_buf *above, const struct aps_buf *below)
{
	const uint64_t *a = (const uint64_t *)(const void *)above->p, *b = (const uint64_t *)(const void *)below->p;
	size_t n_a = above->n / sizeof *a, n_b = below->n / sizeof *b, i = 0, j = 0;
	while (i < n_a || j < n_b) {
		bool takes_a = i < n_a && (j == n_b || a[i] <= b[j]);
		uint64_t number = takes_a ? a[i++] : b[j++];
		if (takes_a && j < n_b && b[j] == number) j++;
		aps_buf_add(out, &number, sizeof number);
	}
}

static enum aps_rc list(struct aps_entry_backing *backing, struct aps_str prefix, struct aps_buf *numbers,
                        struct aps_err *err)
{
	const struct aps_cache_store *store = APS_CONTAINER_OF(backing, struct aps_cache_store, backing);
	struct aps_db *base = aps_db_base(store->db);
	struct aps_buf above, below;
	aps_buf_init(&above, APS_BUF_ANY_SIZE);
	aps_buf_init(&below, APS_BUF_ANY_SIZE);
	enum aps_rc rc = list_in(store, store->db, prefix, &above, err);
	if (rc == APS_OK && base != NULL) rc = list_in(store, base, prefix, &below, err);
	if (rc == APS_OK) merge_numbers(numbers, &above, &below);
	if (rc == APS_OK && (above.rc != APS_OK || below.rc != APS_OK || numbers->rc != APS_OK))
		rc = aps_fail(err, APS_E_NOMEM, "no memory for a list of records");
	aps_buf_clear(&above);
	aps_buf_clear(&below);
	return rc;
}

static int64_t sum_of_name(int64_t part, uint32_t number, struct aps_str text)
{
	struct aps_row_sum sum;
	aps_row_sum_init(&sum);
	aps_row_sum_add_int(&sum, (uint64_t)part);
	aps_row_sum_add_int(&sum, number);
	aps_row_sum_add(&sum, text);
	return aps_row_sum_value(&sum);
}

/* In the place of those up to this number, whose rows are damaged or lost. */
static enum aps_rc make_up_names(struct aps_cache_store *store, struct aps_names *names, uint32_t last,
                                 struct aps_err *err)
{
	char text[48];
	while (names->n_names < last) {
		uint32_t expected = names->n_names + 1;
		int n = snprintf(text, sizeof text, "(damaged name %u)", (unsigned)expected);
		store->n_damaged_names++;
		if (aps_names_intern(names, (struct aps_str){text, (size_t)n}) == expected) continue;
		return aps_fail(err, APS_E_NOMEM, "no memory for the names of the cache");
	}
	return APS_OK;
}

/* *is_over: so many are missing that the number is damaged, too. */
static enum aps_rc take_any_name(struct aps_cache_store *store, const struct aps_stmt *stmt, struct aps_names *names,
                                 bool *is_over, struct aps_err *err)
{
	struct aps_str text = aps_stmt_column_str(stmt, 1);
	int64_t number = aps_stmt_column_int(stmt, 0);
	*is_over = number <= names->n_names || number > names->n_names + (int64_t)MAX_LOST_NAMES;
	store->n_damaged_names += *is_over;
	if (*is_over) return APS_OK;
	enum aps_rc rc = make_up_names(store, names, (uint32_t)number - 1, err);
	bool is_whole = aps_stmt_column_int(stmt, 2) == sum_of_name(store->part, (uint32_t)number, text) &&
	                aps_names_find(names, text) == 0;
	if (rc != APS_OK || !is_whole) return rc == APS_OK ? make_up_names(store, names, (uint32_t)number, err) : rc;
	if (aps_names_intern(names, text) != 0) return APS_OK;
	return aps_fail(err, APS_E_NOMEM, "no memory for the names of the cache");
}

/* One row of (number, text, sum). Names have their numbers without a gap. */
static enum aps_rc take_name(const struct aps_cache_store *store, const struct aps_stmt *stmt, struct aps_names *names,
                             struct aps_err *err)
{
	struct aps_str text = aps_stmt_column_str(stmt, 1);
	uint32_t expected = names->n_names + 1;
	bool is_whole = aps_stmt_column_int(stmt, 0) == expected &&
	                aps_stmt_column_int(stmt, 2) == sum_of_name(store->part, expected, text);
	if (!is_whole) return aps_row_sum_fail("a name", err);
	uint32_t number = aps_names_intern(names, text);
	if (number == 0) return aps_fail(err, APS_E_NOMEM, "no memory for the names of the cache");
	return number == expected ? APS_OK : aps_row_sum_fail("a name", err);
}

static enum aps_rc read_names_in(struct aps_cache_store *store, struct aps_db *db, struct aps_names *names,
                                 struct aps_err *err)
{
	static const char SQL[] = "SELECT number, text, sum FROM name WHERE part = ?1 AND number > ?2 ORDER BY number";
	struct aps_stmt *stmt;
	bool has_row = false, is_over = false;
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, store->part, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, names->n_names, err);
	while (rc == APS_OK && !is_over && (rc = aps_stmt_step(stmt, &has_row, err)) == APS_OK && has_row) {
		rc = store->shows_damage ? take_any_name(store, stmt, names, &is_over, err)
		                         : take_name(store, stmt, names, err);
		if (rc != APS_OK || is_over) aps_stmt_reset(stmt);
	}
	return rc;
}

/* What lies over another connection has the later ones. */
static enum aps_rc read_names(struct aps_cache_store *store, struct aps_names *names, struct aps_err *err)
{
	struct aps_db *base = aps_db_base(store->db);
	enum aps_rc rc = base != NULL ? read_names_in(store, base, names, err) : APS_OK;
	if (rc == APS_OK) rc = read_names_in(store, store->db, names, err);
	if (rc == APS_OK) store->n_names = store->committed.n_names = names->n_names;
	return rc;
}

/* Whether the part has nothing yet: then all that it will have is in memory, until something leaves. */
static enum aps_rc look_whether_empty(struct aps_cache_store *store, struct aps_entries *entries, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = prepare(store, "SELECT 1 FROM entry WHERE part = ?1 LIMIT 1", &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, store->part, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	if (rc != APS_OK) return rc;
	entries->is_whole = !has_row && aps_db_base(store->db) == NULL;
	aps_stmt_reset(stmt);
	return APS_OK;
}

static enum aps_rc load_layer(struct aps_layer_source *source, uint64_t id, struct aps_layer_row *row,
                              struct aps_err *err)
{
	const struct aps_cache_store *store = APS_CONTAINER_OF(source, struct aps_cache_store, layers);
	return aps_layer_store_load(store->db, store->part, id, row, err);
}

static enum aps_rc list_layers(struct aps_layer_source *source, uint64_t entry, struct aps_buf *ids,
                               struct aps_err *err)
{
	const struct aps_cache_store *store = APS_CONTAINER_OF(source, struct aps_cache_store, layers);
	return aps_layer_store_list(store->db, entry, ids, err);
}

static enum aps_rc init_store(struct aps_cache_store *store, struct aps_db *db, struct aps_str prefix,
                              struct aps_str identity, struct aps_err *err)
{
	*store = (struct aps_cache_store){
	        .backing = {find, load, done, list}, .layers = {load_layer, list_layers}, .db = db};
	aps_buf_init(&store->patches, APS_BUF_ANY_SIZE);
	aps_buf_init(&store->changed_layers, APS_BUF_ANY_SIZE);
	store->prefix = aps_strndup(prefix.p, prefix.n);
	store->identity = aps_strndup(identity.p, identity.n);
	if (store->prefix != NULL && store->identity != NULL) return APS_OK;
	aps_cache_store_clear(store);
	return aps_fail(err, APS_E_NOMEM, "out of memory");
}

static enum aps_rc find_part(struct aps_cache_store *store, struct aps_err *err)
{
	int64_t part;
	enum aps_rc rc = aps_parts_find(store->db, aps_str_of(store->prefix), aps_str_of(store->identity), &part, err);
	if (rc == APS_OK) store->part = part;
	return rc;
}

static enum aps_rc read_bytes(struct aps_cache_store *store, struct aps_err *err)
{
	struct aps_stmt *stmt;
	bool has_row = false;
	enum aps_rc rc = prepare(store, "SELECT value FROM counter WHERE id = ?1", &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, store->part, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &has_row, err);
	store->n_bytes = rc == APS_OK && has_row ? aps_stmt_column_int(stmt, 0) : 0;
	if (rc == APS_OK) aps_stmt_reset(stmt);
	return rc;
}

enum aps_rc aps_cache_store_open(struct aps_cache_store *store, struct aps_db *db, struct aps_str prefix,
                                 struct aps_str identity, struct aps_cache *cache, struct aps_err *err)
{
	enum aps_rc rc = init_store(store, db, prefix, identity, err);
	if (rc == APS_OK) rc = find_part(store, err);
	if (rc == APS_OK && store->part != 0) rc = read_bytes(store, err);
	if (rc == APS_OK) rc = read_names(store, &cache->names, err);
	if (rc == APS_OK) rc = look_whether_empty(store, &cache->entries, err);
	if (rc == APS_OK && store->part != 0) rc = aps_layer_store_drop_passing(store->db, store->part, err);
	if (rc == APS_OK) rc = aps_layer_store_has_any(store->db, &store->has_layers, err);
	aps_cache_store_committed(store);
	return rc;
}

enum aps_rc aps_cache_store_is_same(const struct aps_cache_store *store, bool *is_same, struct aps_err *err)
{
	int64_t part;
	enum aps_rc rc = aps_parts_find(store->db, aps_str_of(store->prefix), aps_str_of(store->identity), &part, err);
	*is_same = rc != APS_OK || part == store->part;
	return rc;
}

static enum aps_rc has_names_behind(struct aps_cache_store *store, uint32_t number, bool *has_some, struct aps_err *err)
{
	struct aps_stmt *stmt;
	enum aps_rc rc = prepare(store, "SELECT 1 FROM name WHERE part = ?1 AND number > ?2 LIMIT 1", &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, store->part, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, number, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, has_some, err);
	if (rc == APS_OK) aps_stmt_reset(stmt);
	return rc;
}

/* Those that aren't saved yet keep their numbers, if nobody has saved others. */
static enum aps_rc resume_names(struct aps_cache_store *store, struct aps_names *names, bool *is_same,
                                struct aps_err *err)
{
	bool has_others = false;
	if (names->n_names == store->n_names) return read_names(store, names, err);
	enum aps_rc rc = has_names_behind(store, store->n_names, &has_others, err);
	*is_same = !has_others;
	return rc;
}

enum aps_rc aps_cache_store_resume(struct aps_cache_store *store, struct aps_cache *cache, bool *is_same,
                                   struct aps_err *err)
{
	int64_t part = store->part;
	enum aps_rc rc = find_part(store, err);
	*is_same = rc != APS_OK || store->part == part;
	if (rc != APS_OK || !*is_same) return rc;
	if (part != 0) rc = read_bytes(store, err);
	if (rc == APS_OK && part != 0) rc = resume_names(store, &cache->names, is_same, err);
	if (rc == APS_OK) rc = look_whether_empty(store, &cache->entries, err);
	if (rc == APS_OK) rc = aps_layer_store_has_any(store->db, &store->has_layers, err);
	aps_cache_store_committed(store);
	return rc;
}

enum aps_rc aps_cache_store_open_part(struct aps_cache_store *store, struct aps_db *db, int64_t part,
                                      struct aps_cache *cache, struct aps_err *err)
{
	enum aps_rc rc = init_store(store, db, APS_STR(""), APS_STR(""), err);
	if (rc != APS_OK) return rc;
	store->part = part;
	store->shows_damage = true;
	rc = read_bytes(store, err);
	return rc == APS_OK ? read_names(store, &cache->names, err) : rc;
}

enum aps_rc aps_cache_store_open_reader(struct aps_cache_store *store, struct aps_db *db, struct aps_str prefix,
                                        struct aps_str identity, struct aps_err *err)
{
	return init_store(store, db, prefix, identity, err);
}

void aps_cache_store_clear(struct aps_cache_store *store)
{
	aps_free(store->prefix);
	aps_free(store->identity);
	store->prefix = store->identity = NULL;
	aps_buf_clear(&store->patches);
	aps_buf_clear(&store->changed_layers);
}

void aps_cache_store_committed(struct aps_cache_store *store)
{
	store->committed = (struct aps_cache_store_state){store->part, store->n_names, store->n_bytes};
	store->dropped = 0;
	aps_buf_clear(&store->changed_layers);
	aps_buf_clear(&store->patches);
}

void aps_cache_store_rolled_back(struct aps_cache_store *store)
{
	store->part = store->committed.part;
	store->n_names = store->committed.n_names;
	store->n_bytes = store->committed.n_bytes;
	store->has_layers = true; /* as there may have been before */
	store->dropped = 0;
	aps_buf_clear(&store->changed_layers);
}

enum aps_rc aps_cache_store_follow(struct aps_cache_store *store, struct aps_cache *cache, uint64_t *generation,
                                   struct aps_err *err)
{
	enum aps_rc rc = aps_counters_generation(store->db, generation, err);
	if (rc == APS_OK) rc = find_part(store, err);
	return rc == APS_OK ? read_names(store, &cache->names, err) : rc;
}

enum aps_rc aps_cache_store_drop(struct aps_cache_store *store, enum aps_part_drop how, struct aps_err *err)
{
	bool is_done;
	if (store->part == 0) return APS_OK;
	enum aps_rc rc = aps_parts_drop(store->db, store->part, how, err);
	if (rc != APS_OK) return rc;
	if (aps_db_is_in_memory(store->db)) /* nobody does it later; where it fails they only take room */
		(void)aps_parts_delete_rows(store->db, store->part, INT64_MAX, &is_done, NULL);
	if (store->dropped < how) store->dropped = how;
	store->part = 0;
	store->n_names = 0; /* those that are known are saved for the next part */
	store->n_bytes = 0;
	return APS_OK;
}

static enum aps_rc run(struct aps_stmt *stmt, struct aps_err *err)
{
	bool has_row;
	return aps_stmt_step(stmt, &has_row, err);
}

static enum aps_rc save_names(struct aps_cache_store *store, const struct aps_names *names, struct aps_err *err)
{
	struct aps_stmt *stmt;
	enum aps_rc rc = APS_OK;
	if (store->n_names == names->n_names) return APS_OK;
	rc = prepare(store, "INSERT INTO name (part, number, text, sum) VALUES (?1, ?2, ?3, ?4)", &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, store->part, err);
	for (uint32_t number = store->n_names + 1; rc == APS_OK && number <= names->n_names; number++) {
		struct aps_str text = aps_names_text(names, number);
		rc = aps_stmt_bind_int(stmt, 2, number, err);
		if (rc == APS_OK) rc = aps_stmt_bind_text(stmt, 3, text, err);
		if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 4, sum_of_name(store->part, number, text), err);
		if (rc == APS_OK) rc = run(stmt, err);
	}
	return rc;
}

/* The content, and behind it the sum of the row. */
static enum aps_rc bind_content(const struct aps_cache_store *store, struct aps_stmt *stmt, int index,
                                const struct aps_entry *entry, struct aps_err *err)
{
	struct aps_str content = aps_entry_base(entry);
	int64_t sum = sum_of(store, entry->number, aps_entry_key(entry), content);
	enum aps_rc rc = content.p != NULL ? aps_stmt_bind_blob(stmt, index, content, err)
	                                   : aps_stmt_bind_null(stmt, index, err);
	return rc == APS_OK ? aps_stmt_bind_int(stmt, index + 1, sum, err) : rc;
}

static size_t disk_bytes(const struct aps_entry *entry, size_t n_content_bytes)
{
	return aps_entry_disk_bytes(entry->n_key_bytes, n_content_bytes);
}

/* Of one connection. */
static enum aps_rc measure_in(struct aps_db *db, int64_t part, uint64_t number, struct aps_row_lengths *lengths,
                              struct aps_err *err)
{
	struct aps_stmt *stmt;
	static const char SQL[] = "SELECT length(key), length(content) FROM entry WHERE id = ?1 AND part = ?2";
	enum aps_rc rc = aps_db_prepare(db, aps_str_of(SQL), &stmt, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 1, (int64_t)number, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, part, err);
	if (rc == APS_OK) rc = aps_stmt_step(stmt, &lengths->is_there, err);
	if (rc != APS_OK || !lengths->is_there) return rc;
	lengths->n_key_bytes = (size_t)aps_stmt_column_int(stmt, 0);
	lengths->n_content_bytes = (size_t)aps_stmt_column_int(stmt, 1);
	aps_stmt_reset(stmt);
	return APS_OK;
}

enum aps_rc aps_cache_store_measure(const struct aps_cache_store *store, uint64_t number,
                                    struct aps_row_lengths *lengths, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	*lengths = (struct aps_row_lengths){.is_there = false};
	for (struct aps_db *db = store->db; rc == APS_OK && db != NULL && !lengths->is_there; db = aps_db_base(db))
		rc = measure_in(db, store->part, number, lengths, err);
	return rc;
}

static enum aps_rc insert(const struct aps_cache_store *store, struct aps_stmt *stmt, const struct aps_entry *entry,
                          struct aps_err *err)
{
	struct aps_str key = aps_entry_key(entry);
	enum aps_rc rc = aps_stmt_bind_int(stmt, 1, (int64_t)entry->number, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, store->part, err);
	if (rc == APS_OK) rc = key.n != 0 ? aps_stmt_bind_blob(stmt, 3, key, err) : aps_stmt_bind_null(stmt, 3, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 4, store->minute, err);
	if (rc == APS_OK) rc = bind_content(store, stmt, 5, entry, err);
	return rc == APS_OK ? run(stmt, err) : rc;
}

static enum aps_rc update(const struct aps_cache_store *store, struct aps_stmt *stmt, const struct aps_entry *entry,
                          struct aps_err *err)
{
	enum aps_rc rc = aps_stmt_bind_int(stmt, 1, (int64_t)entry->number, err);
	if (rc == APS_OK) rc = aps_stmt_bind_int(stmt, 2, store->minute, err);
	if (rc == APS_OK) rc = bind_content(store, stmt, 3, entry, err);
	return rc == APS_OK ? aps_query_update(store->db, stmt, 1, err) : rc;
}

#define VALUES  "entry (id, part, key, used, content, sum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
#define INSERT  "INSERT INTO " VALUES
#define REPLACE "INSERT OR REPLACE INTO " VALUES
#define UPDATE  "UPDATE entry SET used = ?2, content = ?3, sum = ?4 WHERE id = ?1"

static enum aps_rc save_entries(struct aps_cache_store *store, const struct aps_cache_write *write, struct aps_err *err)
{
	bool is_over = aps_db_base(store->db) != NULL; /* and what is known isn't here yet */
	struct aps_stmt *inserts, *updates;
	int64_t n_bytes = store->n_bytes;
	enum aps_rc rc = prepare(store, is_over ? REPLACE : INSERT, &inserts, err);
	if (rc == APS_OK) rc = prepare(store, UPDATE, &updates, err);
	for (size_t i = 0; rc == APS_OK && i < aps_write_n_entries(write); i++) {
		const struct aps_entry *entry = aps_write_entry_at(write, i);
		bool is_new = entry->number > write->last_number;
		if (write->layer != NULL && !is_new) continue; /* a layer leaves it as it is */
		rc = is_new || is_over ? insert(store, inserts, entry, err) : update(store, updates, entry, err);
		n_bytes += (int64_t)disk_bytes(entry, aps_entry_base(entry).n);
		if (!is_new) n_bytes -= (int64_t)disk_bytes(entry, aps_write_n_bytes_before(write, i));
	}
	if (rc == APS_OK) store->n_bytes = n_bytes;
	return rc;
}

static enum aps_rc make_part(struct aps_cache_store *store, struct aps_err *err)
{
	int64_t part;
	if (store->part != 0) return APS_OK;
	enum aps_rc rc = aps_parts_make(store->db, aps_str_of(store->prefix), aps_str_of(store->identity), &part, err);
	if (rc == APS_OK) store->part = part;
	return rc;
}

enum aps_rc aps_cache_store_part(struct aps_cache_store *store, int64_t *part, struct aps_err *err)
{
	enum aps_rc rc = make_part(store, err);
	*part = store->part;
	return rc;
}

enum aps_rc aps_cache_store_save_bytes(const struct aps_cache_store *store, struct aps_err *err)
{
	if (store->n_bytes == store->committed.n_bytes || store->part == 0) return APS_OK;
	return aps_counters_set(store->db, store->part, store->n_bytes, err);
}

static enum aps_rc note_layer(struct aps_cache_store *store, uint64_t id, struct aps_err *err)
{
	aps_buf_add(&store->changed_layers, &id, sizeof id);
	return store->changed_layers.rc == APS_OK ? APS_OK
	                                          : aps_fail(err, APS_E_NOMEM, "no memory for an optimistic layer");
}

static enum aps_rc save_layers(struct aps_cache_store *store, const struct aps_cache_write *write, struct aps_err *err)
{
	enum aps_rc rc = write->layer != NULL ? note_layer(store, write->layer->id, err) : APS_OK;
	for (size_t i = 0; rc == APS_OK && i < aps_write_n_layers(write); i++)
		rc = note_layer(store, aps_write_layer_at(write, i)->id, err);
	if (rc == APS_OK) rc = aps_layer_store_save(store->db, store->part, write, err);
	if (rc != APS_OK) return rc;
	if (write->layer == NULL) return aps_layer_store_has_any(store->db, &store->has_layers, err);
	store->has_layers = true;
	return APS_OK;
}

enum aps_rc aps_cache_store_save_kind(struct aps_cache_store *store, const struct aps_layer *layer, struct aps_err *err)
{
	enum aps_rc rc = note_layer(store, layer->id, err);
	return rc == APS_OK ? aps_layer_store_save_kind(store->db, store->part, layer, err) : rc;
}

enum aps_rc aps_cache_store_save(struct aps_cache_store *store, const struct aps_cache_write *write,
                                 struct aps_err *err)
{
	bool has_layers = write->layer != NULL || aps_write_n_layers(write) != 0;
	if (aps_write_n_entries(write) == 0 && store->n_names == write->cache->names.n_names && !has_layers)
		return APS_OK;
	enum aps_rc rc = make_part(store, err);
	if (rc == APS_OK) rc = save_names(store, &write->cache->names, err);
	if (rc == APS_OK) rc = save_entries(store, write, err);
	if (rc == APS_OK && has_layers) rc = save_layers(store, write, err);
	if (rc == APS_OK) store->n_names = write->cache->names.n_names;
	return rc;
}

/* Those of the turn, whose transaction is gone; the others came with the store. */
static enum aps_rc save_layers_again(struct aps_cache_store *store, struct aps_cache *cache,
                                     const struct aps_buf *changed, struct aps_err *err)
{
	const uint64_t *ids = (const uint64_t *)(const void *)changed->p;
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < changed->n / sizeof *ids; i++) {
		rc = note_layer(store, ids[i], err);
		if (rc == APS_OK) rc = aps_layer_store_save_again(store->db, store->part, cache, ids[i], err);
	}
	return rc;
}

enum aps_rc aps_cache_store_move(struct aps_cache_store *store, struct aps_db *db, struct aps_cache *cache,
                                 struct aps_err *err)
{
	enum aps_part_drop how = store->dropped;
	int64_t n_bytes = store->n_bytes;
	struct aps_buf changed = store->changed_layers;
	aps_buf_init(&store->changed_layers, APS_BUF_ANY_SIZE);
	store->db = db;
	store->on_row = NULL;
	aps_cache_store_rolled_back(store);
	enum aps_rc rc = how != 0 ? aps_cache_store_drop(store, how, err) : APS_OK;
	if (rc == APS_OK && (store->part != 0 || n_bytes != 0 || changed.n != 0)) rc = make_part(store, err);
	if (rc == APS_OK && store->part != 0) rc = save_names(store, &cache->names, err);
	if (rc == APS_OK && store->part != 0) store->n_names = cache->names.n_names;
	if (rc == APS_OK && store->part != 0) rc = save_layers_again(store, cache, &changed, err);
	aps_buf_clear(&changed);
	return rc;
}

enum aps_rc aps_cache_store_save_again(struct aps_cache_store *store, const struct aps_entry *entry,
                                       struct aps_err *err)
{
	struct aps_row_lengths before;
	struct aps_stmt *stmt;
	enum aps_rc rc = make_part(store, err);
	if (rc == APS_OK) rc = aps_cache_store_measure(store, entry->number, &before, err);
	if (rc == APS_OK) rc = prepare(store, REPLACE, &stmt, err);
	if (rc == APS_OK) rc = insert(store, stmt, entry, err);
	if (rc != APS_OK) return rc;
	store->n_bytes += (int64_t)disk_bytes(entry, aps_entry_base(entry).n);
	if (before.is_there)
		store->n_bytes -= (int64_t)aps_entry_disk_bytes(before.n_key_bytes, before.n_content_bytes);
	return APS_OK;
}
