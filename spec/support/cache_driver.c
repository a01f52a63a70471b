/* The normalized cache as a program: operations come as lines of JSON, each is answered by one.
 * usage: cache_driver [STORE [apart]]: with a file, everything is forgotten between two operations and read from there;
 * apart: writes keep what they have in memory, and reads have a memory and a connection of their own (client/reader.h).
 *
 *   {"op":"open","possible":{"I":["A","B"]},"keys":{"A":["x","y.z"]}}   a new cache               {}
 *   {"op":"write","query":…,"variables":{},"data":{}}                   and the same once more    {"repeated":0}
 *   {"op":"read","query":…,"variables":{}} {"data":{},"n_missing":0,"missing":[]}
 *   {"op":"evict","own":"A:1","ownField":"f","ownArgs":{}} {"evicted":true}
 *   {"op":"gc"} {"collected":2}
 *
 * `repeated`: how many changes were told of when it was written again, which must be none. A failure: {"error":…}. */
#include "base/mem.h"
#include "cache/collect.h"
#include "cache/denormalize.h"
#include "cache/evict.h"
#include "cache/normalize.h"
#include "cache/packed_text.h"
#include "client/reader.h"
#include "codec/json_reader.h"
#include "codec/json_writer.h"
#include "store/cache_rows.h"
#include "store/counters.h"
#include "store/migrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct driver {
	struct aps_cache cache;
	struct aps_policies policies;
	struct aps_cache_write write;
	struct aps_merge merge;
	struct aps_read_source source;
	struct aps_db *db; /* NULL: in memory only */
	struct aps_cache_store store;
	uint64_t last_number; /* of the entries in the store */
	unsigned n_opened;
	bool is_open;
	const char *path;
	bool is_apart;
	struct aps_channel *channel; /* to the reader, when it is apart */
	struct aps_reader *reader;
	struct aps_buf changed; /* struct aps_channel_change: what it hasn't been told of */
};

/* The members of a line: text is decoded, the others are JSON. */
struct line {
	struct aps_arena arena;
	struct aps_str op, query, own, field;
	struct aps_str variables, data, args, possible, keys;
};

#define SEED 1

static struct driver driver;

static _Noreturn void die(const char *what, const struct aps_err *err)
{
	fprintf(stderr, "cache_driver: %s: %s\n", what, err != NULL ? err->msg : "out of memory");
	exit(2);
}

static void must(enum aps_rc rc, const char *what, const struct aps_err *err)
{
	if (rc != APS_OK) die(what, err);
}

static void read_line(struct line *line, struct aps_str text)
{
	static const char *const NAMES[] = {"op",   "query",   "own",      "ownField", "variables",
	                                    "data", "ownArgs", "possible", "keys"};
	struct aps_str *const members[] = {&line->op,   &line->query, &line->own,      &line->field, &line->variables,
	                                   &line->data, &line->args,  &line->possible, &line->keys};
	struct aps_json_reader r;
	*line = (struct line){.variables = APS_STR("{}")};
	aps_arena_init(&line->arena, APS_BUF_ANY_SIZE);
	aps_json_reader_init(&r, text, 0);
	aps_json_next(&r);
	while (aps_json_next(&r) == APS_JSON_KEY) {
		size_t i = 0;
		while (i < APS_COUNTOF(NAMES) && !aps_json_text_is(&r, NAMES[i])) i++;
		struct aps_json_reader value = r;
		struct aps_str span;
		must(aps_json_skip_value(&r, &span), "a line", &r.err);
		if (i == APS_COUNTOF(NAMES)) continue;
		*members[i] = aps_json_next(&value) == APS_JSON_STRING ? aps_json_unescape(&value, &line->arena) : span;
	}
	if (r.err.code != APS_OK) die("a line", &r.err);
}

/* Adds what {"name":["a","b"]} says, by `add`. */
static void read_names(struct line *line, struct aps_str json,
                       void (*add)(struct aps_str name, const struct aps_str *items, size_t n))
{
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	aps_json_next(&r);
	while (aps_json_next(&r) == APS_JSON_KEY) {
		struct aps_str name = aps_json_unescape(&r, &line->arena), items[64];
		size_t n = 0;
		aps_json_next(&r);
		while (aps_json_next(&r) == APS_JSON_STRING && n < APS_COUNTOF(items))
			items[n++] = aps_json_unescape(&r, &line->arena);
		add(name, items, n);
	}
}

static void add_possible(struct aps_str name, const struct aps_str *items, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!aps_policies_add_possible(&driver.policies, name, items[i])) die("possible types", NULL);
}

static void add_keys(struct aps_str name, const struct aps_str *items, size_t n)
{
	struct aps_type_policy *policy = aps_policies_type(&driver.policies, name);
	if (policy == NULL) die("key fields", NULL);
	policy->key_fields = aps_policies_dup(&driver.policies, items, n);
	policy->n_key_fields = n;
}

static void begin(void)
{
	struct aps_err err;
	if (driver.db != NULL) must(aps_db_begin(driver.db, &err), "begin", &err);
}

static void commit(void)
{
	struct aps_err err;
	uint64_t generation;
	if (driver.db == NULL) return;
	must(aps_cache_store_save_bytes(&driver.store, &err), "bytes", &err);
	must(aps_counters_advance(driver.db, driver.last_number, &generation, &err), "generation", &err);
	if (driver.changed.n != 0)
		aps_channel_announce(driver.channel, generation, (const void *)driver.changed.p,
		                     driver.changed.n / sizeof(struct aps_channel_change), 0);
	must(aps_db_commit(driver.db, &err), "commit", &err);
	aps_cache_store_committed(&driver.store);
	if (driver.channel != NULL) aps_channel_publish(driver.channel, generation);
	aps_buf_reset(&driver.changed);
}

static void close_cache(void)
{
	if (!driver.is_open) return;
	aps_write_clear(&driver.write);
	aps_merge_clear(&driver.merge);
	aps_layers_clear(&driver.cache.layers);
	aps_entries_clear(&driver.cache.entries);
	aps_names_clear(&driver.cache.names);
	aps_cache_store_clear(&driver.store);
	aps_reader_free(driver.reader);
	aps_channel_unref(driver.channel);
	driver.reader = NULL;
	driver.channel = NULL;
	driver.is_open = false;
}

static void open_reader(const char *prefix)
{
	struct aps_err err;
	driver.channel = aps_channel_new(SEED);
	if (driver.channel == NULL) die("a channel", NULL);
	driver.reader = aps_reader_new(driver.path, prefix, "", &driver.policies, driver.channel, &err);
	if (driver.reader == NULL) die("a reader", &err);
}

/* Anew from what the store has, or empty. */
static void open_cache(void)
{
	struct aps_err err;
	char prefix[24];
	close_cache();
	aps_entries_init(&driver.cache.entries, SEED, driver.db != NULL ? &driver.store.backing : NULL);
	aps_names_init(&driver.cache.names, 2);
	driver.is_open = true;
	if (driver.db == NULL) return;
	driver.cache.entries.last_number = &driver.last_number;
	snprintf(prefix, sizeof prefix, "%u", driver.n_opened);
	begin();
	must(aps_cache_store_open(&driver.store, driver.db, aps_str_of(prefix), APS_STR(""), &driver.cache, &err),
	     "open", &err);
	commit();
	if (driver.is_apart) open_reader(prefix);
}

static void forget(void)
{
	if (driver.db != NULL && !driver.is_apart) open_cache();
}

static enum aps_rc source_at(struct aps_read_source *source, uint64_t number, struct aps_str *content,
                             struct aps_err *err)
{
	struct aps_entry *entry;
	(void)source;
	enum aps_rc rc = aps_entries_at(&driver.cache.entries, number, &entry, err);
	*content = aps_entry_shown(entry);
	return rc;
}

static enum aps_rc source_find(struct aps_read_source *source, struct aps_str key, uint64_t *number,
                               struct aps_str *content, struct aps_err *err)
{
	struct aps_entry *entry;
	(void)source;
	enum aps_rc rc = aps_entries_find(&driver.cache.entries, key, &entry, err);
	*number = entry != NULL ? entry->number : 0;
	*content = aps_entry_shown(entry);
	return rc;
}

static struct aps_gql_document *bind(struct aps_binding *binding, const struct line *line, bool gives_numbers)
{
	struct aps_gql_document *doc;
	struct aps_err err;
	must(aps_gql_document_new(line->query, &doc, NULL, &err), "a document", &err);
	*binding = (struct aps_binding){
	        .policies = &driver.policies, .names = &driver.cache.names, .gives_numbers = gives_numbers};
	must(aps_binding_init(binding, doc, aps_gql_document_operation(doc, 0), line->variables, &err), "a binding",
	     &err);
	return doc;
}

/* Settles and saves; how many changes are told of. */
static size_t conclude(void)
{
	struct aps_err err;
	if (!aps_write_settle(&driver.write)) die("settling", &driver.write.err);
	if (driver.db != NULL) must(aps_cache_store_save(&driver.store, &driver.write, &err), "saving", &err);
	size_t n_changes = aps_write_n_changes(&driver.write);
	for (size_t i = 0; driver.is_apart && i < aps_write_n_entries(&driver.write); i++) {
		const struct aps_entry *entry = aps_write_entry_at(&driver.write, i);
		const struct aps_channel_change change = {entry->number, entry->hash};
		aps_buf_add(&driver.changed, &change, sizeof change);
	}
	aps_write_commit(&driver.write);
	return n_changes;
}

static size_t write_once(const struct line *line, struct aps_err *err)
{
	struct aps_binding binding;
	struct aps_normalized out;
	size_t n_changes = 0;
	struct aps_gql_document *doc = bind(&binding, line, true);
	bool is_query = aps_gql_document_operation(doc, 0)->kind == APS_GQL_QUERY;
	const struct aps_normalize_options options = {.root = is_query ? APS_STR("RROOT_QUERY") : APS_STR("")};
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	begin();
	aps_write_begin(&driver.write, &driver.cache);
	aps_merge_clear(&driver.merge);
	if (!aps_merge_init(&driver.merge, &driver.write)) die("merging", NULL);
	if (aps_normalize(&driver.merge, &binding, line->data, &options, &out, err) == APS_OK)
		n_changes = conclude();
	else
		aps_write_abort(&driver.write);
	commit();
	aps_buf_clear(&out.stale);
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
	return n_changes;
}

static void answer_write(const struct line *line, struct aps_json_writer *w, struct aps_err *err)
{
	write_once(line, err);
	if (err->code != APS_OK) return;
	forget();
	size_t n_changes = write_once(line, err);
	aps_json_write_key(w, APS_STR("repeated"));
	aps_json_write_int(w, (int64_t)n_changes);
}

static void write_missing(struct aps_json_writer *w, const struct aps_read_result *result)
{
	aps_json_write_key(w, APS_STR("n_missing"));
	aps_json_write_int(w, (int64_t)result->n_missing);
	aps_json_write_key(w, APS_STR("missing"));
	aps_json_write_array(w);
	for (size_t at = 0; at < result->missing.n; at += strlen(result->missing.p + at) + 1)
		aps_json_write_string(w, aps_str_of(result->missing.p + at));
	aps_json_write_array_end(w);
}

/* What is packed must say what the text says. */
static void check_packed(struct aps_binding *binding, struct aps_read_options options,
                         const struct aps_read_result *text, struct aps_err *err)
{
	struct aps_read_result result;
	struct aps_buf out;
	options.is_packed = true;
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_denormalize(&driver.source, binding, &options, &result, err);
	const struct aps_packed packed = {aps_buf_str(&result.data), binding->labels, binding->n_labels};
	bool is_worthless = !options.is_partial && text->n_missing != 0;
	bool is_same = rc == APS_OK && result.n_missing == text->n_missing &&
	               (is_worthless ||
	                (packed_text(&packed, &out) && aps_str_eq(aps_buf_str(&out), aps_buf_str(&text->data))));
	if (rc == APS_OK && !is_same) aps_fail(err, APS_E_USAGE, "text and what is packed differ");
	aps_buf_clear(&out);
	aps_read_result_clear(&result);
}

static void read_here(const struct line *line, const struct aps_read_options *options, struct aps_read_result *result,
                      struct aps_err *err)
{
	struct aps_binding binding;
	struct aps_gql_document *doc = bind(&binding, line, false);
	begin();
	if (aps_denormalize(&driver.source, &binding, options, result, err) == APS_OK)
		check_packed(&binding, *options, result, err);
	commit();
	aps_binding_clear(&binding);
	aps_gql_document_unref(doc);
	forget();
}

static void read_apart(const struct line *line, const struct aps_read_options *options, struct aps_read_result *result,
                       struct aps_err *err)
{
	struct aps_gql_document *doc;
	struct aps_operation operation;
	must(aps_gql_document_new(line->query, &doc, NULL, err), "a document", err);
	must(aps_operation_init(&operation, doc, aps_gql_document_operation(doc, 0), true, line->variables, err),
	     "an operation", err);
	if (aps_reader_read(driver.reader, &operation, options, result, err) == APS_OK) aps_err_clear(err);
	aps_operation_clear(&operation);
	aps_gql_document_unref(doc);
}

/* Read twice: what is there, and whether it is all; both must say the same. */
static void answer_read(const struct line *line, struct aps_json_writer *w, struct aps_err *err)
{
	struct aps_read_result partial, whole;
	aps_read_result_init(&partial, APS_BUF_ANY_SIZE);
	aps_read_result_init(&whole, APS_BUF_ANY_SIZE);
	struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_partial = true};
	(driver.is_apart ? read_apart : read_here)(line, &options, &partial, err);
	options.is_partial = false;
	if (err->code == APS_OK) (driver.is_apart ? read_apart : read_here)(line, &options, &whole, err);
	bool is_whole = partial.n_missing == 0;
	bool is_same = is_whole == (whole.n_missing == 0) &&
	               (!is_whole || aps_str_eq(aps_buf_str(&partial.data), aps_buf_str(&whole.data)));
	if (err->code == APS_OK && !is_same) aps_fail(err, APS_E_USAGE, "partial and whole reads differ");
	if (err->code == APS_OK) {
		aps_json_write_key(w, APS_STR("data"));
		aps_json_write_raw(w, aps_buf_str(&partial.data));
		write_missing(w, &partial);
	}
	aps_read_result_clear(&partial);
	aps_read_result_clear(&whole);
}

static void answer_evict(struct line *line, struct aps_json_writer *w, struct aps_err *err)
{
	struct aps_buf field;
	aps_buf_init(&field, APS_BUF_ANY_SIZE);
	aps_buf_add_str(&field, line->field);
	if (line->args.n != 0) {
		aps_buf_add_byte(&field, '(');
		must(aps_canonical_json(&field, line->args, &line->arena, err), "arguments", err);
		aps_buf_add_byte(&field, ')');
	}
	begin();
	aps_write_begin(&driver.write, &driver.cache);
	bool is_there = aps_evict(&driver.write, line->own, aps_buf_str(&field));
	conclude();
	commit();
	aps_buf_clear(&field);
	aps_json_write_key(w, APS_STR("evicted"));
	aps_json_write_bool(w, is_there);
}

/* Where nothing is kept but in memory, that has the rows. */
static void show_row(const struct aps_entry *entry, struct aps_entry_row *row)
{
	*row = (struct aps_entry_row){.number = 0};
	if (entry == NULL) return;
	*row = (struct aps_entry_row){.number = entry->number,
	                              .key = aps_entry_key(entry),
	                              .content = aps_entry_content(entry),
	                              .is_nowhere = entry->content == NULL};
}

static enum aps_rc memory_find(struct aps_entry_backing *backing, struct aps_str key, struct aps_entry_row *row,
                               struct aps_err *err)
{
	struct aps_entry *entry;
	(void)backing;
	enum aps_rc rc = aps_entries_find(&driver.cache.entries, key, &entry, err);
	show_row(entry, row);
	return rc;
}

static enum aps_rc memory_load(struct aps_entry_backing *backing, uint64_t number, struct aps_entry_row *row,
                               struct aps_err *err)
{
	(void)backing, (void)err;
	show_row(aps_entries_peek(&driver.cache.entries, number), row);
	return APS_OK;
}

static void memory_done(struct aps_entry_backing *backing)
{
	(void)backing;
}

static enum aps_rc memory_list(struct aps_entry_backing *backing, struct aps_str prefix, struct aps_buf *numbers,
                               struct aps_err *err)
{
	(void)backing, (void)err;
	for (uint64_t number = 1; number <= *driver.cache.entries.last_number; number++) {
		const struct aps_entry *entry = aps_entries_peek(&driver.cache.entries, number);
		if (entry == NULL || entry->n_key_bytes < prefix.n || memcmp(entry->key, prefix.p, prefix.n) != 0)
			continue;
		aps_buf_add(numbers, &number, sizeof number);
	}
	return APS_OK;
}

static struct aps_entry_backing memory_rows = {memory_find, memory_load, memory_done, memory_list};

static void delete_row(uint64_t number, uint64_t hash)
{
	struct aps_err err;
	bool had_content;
	const struct aps_channel_change change = {number, hash};
	if (driver.db != NULL) must(aps_rows_delete(&driver.store, number, &had_content, &err), "deleting", &err);
	aps_entries_forget_number(&driver.cache.entries, number);
	if (driver.is_apart) aps_buf_add(&driver.changed, &change, sizeof change);
}

/* Each row there is: seen before anything is followed, or deleted where it wasn't reached. The records among those. */
static size_t go_through_rows(struct aps_collect *collect, bool deletes)
{
	size_t n_records = 0;
	struct aps_err err;
	for (uint64_t number = 1; number <= *driver.cache.entries.last_number; number++) {
		struct aps_entry_row row = {.number = 0};
		must(collect->rows->load(collect->rows, number, &row, &err), "a row", &err);
		char first = row.number != 0 && row.key.n != 0 ? row.key.p[0] : '\0';
		uint64_t hash = first != '\0' ? aps_entries_hash(&driver.cache.entries, row.key) : 0;
		bool is_dead = deletes && row.number != 0 && aps_collect_deletes(collect, number);
		bool is_evicted = row.is_nowhere;
		if (!deletes && first == 'F') aps_collect_see_field(collect, row.key);
		collect->rows->done(collect->rows);
		if (is_dead) delete_row(number, hash);
		n_records += is_dead && first == 'R' && !is_evicted;
	}
	return n_records;
}

static void answer_gc(struct aps_json_writer *w)
{
	struct aps_collect collect;
	struct aps_err err;
	bool is_done = false;
	begin();
	aps_collect_init(&collect, &driver.cache, driver.db != NULL ? &driver.store.backing : &memory_rows,
	                 &driver.policies, 0);
	go_through_rows(&collect, false);
	while (!is_done) must(aps_collect_step(&collect, 3, &is_done, &err), "collecting", &err);
	size_t n_records = go_through_rows(&collect, true);
	aps_collect_clear(&collect);
	commit();
	aps_json_write_key(w, APS_STR("collected"));
	aps_json_write_int(w, (int64_t)n_records);
}

static void answer_open(struct line *line)
{
	close_cache();
	aps_policies_clear(&driver.policies);
	aps_policies_init(&driver.policies, 3);
	read_names(line, line->possible, add_possible);
	read_names(line, line->keys, add_keys);
	driver.n_opened++;
	open_cache();
}

static void answer(struct aps_str text)
{
	struct line line;
	struct aps_buf out;
	struct aps_json_writer w;
	struct aps_err err = {.code = APS_OK};
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	aps_json_writer_init(&w, &out);
	read_line(&line, text);
	aps_json_write_object(&w);
	if (aps_str_is(line.op, "open"))
		answer_open(&line);
	else if (aps_str_is(line.op, "write"))
		answer_write(&line, &w, &err);
	else if (aps_str_is(line.op, "read"))
		answer_read(&line, &w, &err);
	else if (aps_str_is(line.op, "gc"))
		answer_gc(&w);
	else
		answer_evict(&line, &w, &err);
	if (err.code != APS_OK) aps_json_write_member(&w, "error", aps_str_of(err.msg));
	aps_json_write_object_end(&w);
	must(aps_json_writer_finish(&w), "an answer", &w.err);
	puts(out.p);
	forget();
	aps_buf_clear(&out);
	aps_arena_clear(&line.arena);
}

static void open_store(const char *path)
{
	const struct aps_db_options options = {.synchronous = APS_DB_SYNC_OFF};
	struct aps_err err;
	driver.path = path;
	must(aps_db_open(path, &options, &driver.db, &err), path, &err);
	must(aps_migrations_run(driver.db, &err), path, &err);
	must(aps_counters_last_number(driver.db, &driver.last_number, &err), path, &err);
}

int main(int argc, char **argv)
{
	char *text = NULL;
	size_t capacity = 0;
	ssize_t n;
	driver.source = (struct aps_read_source){.at = source_at, .find = source_find};
	aps_policies_init(&driver.policies, 3);
	aps_buf_init(&driver.changed, APS_BUF_ANY_SIZE);
	driver.is_apart = argc > 2;
	if (argc > 1) open_store(argv[1]);
	while ((n = getline(&text, &capacity, stdin)) > 0) answer((struct aps_str){text, (size_t)n});
	free(text);
	close_cache();
	aps_buf_clear(&driver.changed);
	aps_policies_clear(&driver.policies);
	aps_db_close(driver.db);
	if (aps_mem_live() == 0) return 0;
	fprintf(stderr, "cache_driver: memory is left\n");
	return 3;
}
