/* The cache by itself, without threads: a response of 10,000 posts (an author and three comments each) into it
 * ("write"), with one SQLite transaction ("persist"), back to JSON ("read"); 10,000 events of one record each ("merge",
 * and "merge-persist" with one transaction for all). Floors: the JSON reader over that text ("floor-write"), with the
 * writer ("floor-read"); the transaction alone, its rows being ready ("floor-persist"). */
#include "base/mem.h"
#include "cache/denormalize.h"
#include "cache/normalize.h"
#include "json_copy.h"
#include "measure.h"
#include "store/cache_store.h"
#include "store/migrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct cache {
	struct aps_cache cache;
	struct aps_policies policies;
	struct aps_cache_write write;
	struct aps_merge merge;
	struct aps_read_source source;
	struct aps_cache_store store;
	struct aps_db *db; /* NULL: memory only */
	char path[64];
};

static void die(const char *why)
{
	fprintf(stderr, "cache_core: %s\n", why);
	exit(2);
}

static struct cache *of(struct aps_read_source *source)
{
	return APS_CONTAINER_OF(source, struct cache, source);
}

static enum aps_rc read_at(struct aps_read_source *source, uint64_t number, struct aps_str *content,
                           struct aps_err *err)
{
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_at(&of(source)->cache.entries, number, &entry, err);
	*content = aps_entry_shown(entry);
	return rc;
}

static enum aps_rc read_find(struct aps_read_source *source, struct aps_str key, uint64_t *number,
                             struct aps_str *content, struct aps_err *err)
{
	struct aps_entry *entry;
	enum aps_rc rc = aps_entries_find(&of(source)->cache.entries, key, &entry, err);
	*number = entry != NULL ? entry->number : 0;
	*content = aps_entry_shown(entry);
	return rc;
}

static void remove_file(const char *path)
{
	static const char *const ENDINGS[] = {"", "-wal", "-shm"};
	char name[80];
	for (size_t i = 0; i < APS_COUNTOF(ENDINGS); i++) {
		snprintf(name, sizeof name, "%s%s", path, ENDINGS[i]);
		unlink(name);
	}
}

static void open_store(struct cache *c)
{
	struct aps_err err;
	const struct aps_db_options options = {.busy_ms = 1000};
	snprintf(c->path, sizeof c->path, "/tmp/aps_bench_%ld.db", (long)getpid());
	remove_file(c->path);
	if (aps_db_open(c->path, &options, &c->db, &err) != APS_OK || aps_migrations_run(c->db, &err) != APS_OK ||
	    aps_cache_store_open(&c->store, c->db, APS_STR("p"), APS_STR(""), &c->cache, &err) != APS_OK)
		die(err.msg);
}

static void open_cache(struct cache *c, bool is_persistent)
{
	*c = (struct cache){.source = {read_at, read_find}};
	aps_policies_init(&c->policies, 1);
	aps_entries_init(&c->cache.entries, 2, is_persistent ? &c->store.backing : NULL);
	aps_names_init(&c->cache.names, 3);
	if (is_persistent) open_store(c);
}

static void close_cache(struct cache *c)
{
	aps_write_clear(&c->write);
	aps_merge_clear(&c->merge);
	aps_entries_clear(&c->cache.entries);
	aps_names_clear(&c->cache.names);
	aps_policies_clear(&c->policies);
	if (c->db == NULL) return;
	aps_cache_store_clear(&c->store);
	aps_db_close(c->db);
	remove_file(c->path);
}

static struct aps_gql_document *parse(const char *text)
{
	struct aps_gql_document *doc;
	struct aps_err err;
	if (aps_gql_document_new(aps_str_of(text), &doc, NULL, &err) != APS_OK) die(err.msg);
	return doc;
}

static void bind(struct cache *c, struct aps_binding *binding, const struct aps_gql_document *doc)
{
	*binding = (struct aps_binding){.policies = &c->policies, .names = &c->cache.names, .gives_numbers = true};
	struct aps_err err;
	if (aps_binding_init(binding, doc, aps_gql_document_operation(doc, 0), APS_STR("{\"limit\":10000}"), &err) !=
	    APS_OK)
		die(err.msg);
}

static void begin(struct cache *c)
{
	struct aps_err err;
	if (c->db != NULL && aps_db_begin(c->db, &err) != APS_OK) die(err.msg);
}

static void commit(struct cache *c)
{
	struct aps_err err;
	if (c->db != NULL && aps_db_commit(c->db, &err) != APS_OK) die(err.msg);
}

static void write_data(struct cache *c, struct aps_binding *binding, struct aps_str data, const char *root)
{
	struct aps_err err;
	struct aps_normalized out;
	const struct aps_normalize_options options = {.root = aps_str_of(root), .skips_nulls = *root == '\0'};
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	aps_write_begin(&c->write, &c->cache);
	if (c->merge.write == NULL && !aps_merge_init(&c->merge, &c->write)) die("no memory");
	if (aps_normalize(&c->merge, binding, data, &options, &out, &err) != APS_OK || !aps_write_settle(&c->write))
		die(err.msg);
	if (c->db != NULL && aps_cache_store_save(&c->store, &c->write, &err) != APS_OK) die(err.msg);
	aps_write_commit(&c->write);
	aps_buf_clear(&out.stale);
}

/* {"data":…} */
static struct aps_str data_of(char *text, size_t n)
{
	while (n != 0 && (text[n - 1] == '\n' || text[n - 1] == ' ')) n--;
	return (struct aps_str){text + strlen("{\"data\":"), n - strlen("{\"data\":}")};
}

static void print(const char *workload, const char *peer, long n, const char *unit, bool ok, struct aps_meter meter)
{
	aps_row_print(&(struct aps_row){workload, peer, "-", unit, n, NULL, ok}, meter);
}

static bool reads_back(struct cache *c, struct aps_binding *binding, struct aps_str data, struct aps_meter *meter)
{
	struct aps_err err;
	struct aps_read_result result;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	*meter = aps_meter_start();
	if (aps_denormalize(&c->source, binding, &options, &result, &err) != APS_OK) die(err.msg);
	*meter = aps_meter_stop(*meter);
	bool ok = result.n_missing == 0 && aps_str_eq(aps_buf_str(&result.json), data);
	aps_read_result_clear(&result);
	return ok;
}

static void run_events(struct cache *c, const struct aps_gql_document *doc)
{
	size_t n_bytes;
	char *text = aps_row_data("w4_updates.ndjson", &n_bytes), *rest = NULL;
	struct aps_binding binding;
	long n = 0;
	bind(c, &binding, doc);
	struct aps_meter meter = aps_meter_start();
	begin(c);
	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest), n++)
		write_data(c, &binding, data_of(line, strlen(line)), "");
	commit(c);
	meter = aps_meter_stop(meter);
	print("w4-merge", c->db != NULL ? "LIB csrc/cache and SQLite, one transaction" : "LIB csrc/cache in memory", n,
	      "updates/s", n > 0, meter);
	aps_binding_clear(&binding);
}

/* Keys and strings are copied as they stand: what is decoded in a string is not what is measured here. */
static int floor_of_text(struct aps_str data, bool is_written)
{
	struct aps_json_reader r;
	struct aps_json_writer w;
	struct aps_buf out;
	enum aps_json_token token;
	size_t n_tokens = 0;
	aps_buf_init(&out, APS_BUF_ANY_SIZE);
	struct aps_meter meter = aps_meter_start();
	aps_json_reader_init(&r, data, 0);
	aps_json_writer_init(&w, &out);
	for (; (token = aps_json_next(&r)) != APS_JSON_END && token != APS_JSON_ERROR; n_tokens++)
		if (is_written) bench_copy_token(&w, &r, token);
	meter = aps_meter_stop(meter);
	bool ok = token == APS_JSON_END && n_tokens > 10000;
	if (is_written)
		print("w2-read", "FLOOR JSON reader and writer", 10000, "posts/s", ok, meter);
	else
		print("w1-write", "FLOOR JSON reader", 10000, "posts/s", ok, meter);
	aps_buf_clear(&out);
	return ok ? 0 : 1;
}

/* The cache is filled in memory; only its transaction is measured. */
static int floor_of_transaction(struct aps_gql_document *list, struct aps_str data)
{
	struct cache c;
	struct aps_err err;
	struct aps_binding binding;
	struct aps_normalized out;
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
	open_cache(&c, true);
	bind(&c, &binding, list);
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	aps_write_begin(&c.write, &c.cache);
	if (!aps_merge_init(&c.merge, &c.write) ||
	    aps_normalize(&c.merge, &binding, data, &options, &out, &err) != APS_OK || !aps_write_settle(&c.write))
		die("the response");
	struct aps_meter meter = aps_meter_start();
	begin(&c);
	bool ok = aps_cache_store_save(&c.store, &c.write, &err) == APS_OK;
	commit(&c);
	meter = aps_meter_stop(meter);
	print("w1-write-persist", "FLOOR SQLite, the rows being ready", 10000, "posts/s", ok, meter);
	aps_write_commit(&c.write);
	aps_buf_clear(&out.stale);
	aps_binding_clear(&binding);
	close_cache(&c);
	return ok ? 0 : 1;
}

int main(int n_args, char **args)
{
	const char *mode = n_args > 1 ? args[1] : "write";
	size_t n_bytes, n_document;
	char *text = aps_row_data("w1_listposts.json", &n_bytes);
	struct aps_gql_document *list = parse(aps_row_data("w1_listposts.graphql", &n_document));
	struct aps_gql_document *event = parse(aps_row_data("w4_update.graphql", &n_document));
	struct aps_str data = data_of(text, n_bytes);
	struct aps_meter meter, reading;
	struct aps_binding binding;
	struct cache c;
	if (strcmp(mode, "floor-write") == 0) return floor_of_text(data, false);
	if (strcmp(mode, "floor-read") == 0) return floor_of_text(data, true);
	if (strcmp(mode, "floor-persist") == 0) return floor_of_transaction(list, data);
	open_cache(&c, strcmp(mode, "persist") == 0 || strcmp(mode, "merge-persist") == 0);
	meter = aps_meter_start();
	bind(&c, &binding, list);
	begin(&c);
	write_data(&c, &binding, data, "RROOT_QUERY");
	commit(&c);
	meter = aps_meter_stop(meter);
	bool ok = reads_back(&c, &binding, data, &reading);
	if (strcmp(mode, "write") == 0)
		print("w1-write", "LIB csrc/cache in memory", 10000, "posts/s", ok, meter);
	else if (strcmp(mode, "persist") == 0)
		print("w1-write-persist", "LIB csrc/cache and SQLite, one transaction", 10000, "posts/s", ok, meter);
	else if (strcmp(mode, "read") == 0)
		print("w2-read", "LIB csrc/cache to JSON text", 10000, "posts/s", ok, reading);
	else
		run_events(&c, event);
	aps_binding_clear(&binding);
	close_cache(&c);
	aps_gql_document_unref(list);
	aps_gql_document_unref(event);
	return ok ? 0 : 1;
}
