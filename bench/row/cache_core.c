/* The cache by itself, without threads: a response of 10,000 posts (an author and three comments each) into it
 * ("write"), with one SQLite transaction ("persist"), back to JSON ("read"), back to what Lua's tables are made of
 * ("read-packed"), what it takes of memory ("memory"); 10,000 events of one record each ("merge", and "merge-persist"
 * with one transaction for all). Floors: the JSON reader over that text ("floor-write"), with the writer
 * ("floor-read"); the transaction alone, its rows being ready ("floor-persist"). */
#include "base/map.h"
#include "base/mem.h"
#include "filled_cache.h"
#include "json_copy.h"
#include "measure.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char LIMIT[] = "{\"limit\":10000}";

static void print(const char *workload, const char *peer, long n, const char *unit, bool ok, struct aps_meter meter)
{
	aps_row_print(&(struct aps_row){workload, peer, "-", unit, n, NULL, ok}, meter);
}

static bool reads_back(struct bench_cache *c, struct aps_binding *binding, struct aps_str data, struct aps_meter *meter)
{
	struct aps_err err;
	struct aps_read_result result;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY")};
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	*meter = aps_meter_start();
	if (aps_denormalize(&c->source, binding, &options, &result, &err) != APS_OK) bench_die(err.msg);
	*meter = aps_meter_stop(*meter);
	bool ok = result.n_missing == 0 && aps_str_eq(aps_buf_str(&result.data), data);
	aps_read_result_clear(&result);
	return ok;
}

/* The same in the form for Lua, which is shorter. */
static bool reads_packed(struct bench_cache *c, struct aps_binding *binding, struct aps_str data,
                         struct aps_meter *meter)
{
	struct aps_err err;
	struct aps_read_result result;
	const struct aps_read_options options = {.root = APS_STR("RROOT_QUERY"), .is_packed = true};
	aps_read_result_init(&result, APS_BUF_ANY_SIZE);
	*meter = aps_meter_start();
	if (aps_denormalize(&c->source, binding, &options, &result, &err) != APS_OK) bench_die(err.msg);
	*meter = aps_meter_stop(*meter);
	bool ok = result.n_missing == 0 && result.data.n > data.n / 2 && result.data.n < data.n;
	aps_read_result_clear(&result);
	return ok;
}

static void run_events(struct bench_cache *c, const struct aps_gql_document *doc)
{
	size_t n_bytes;
	char *text = aps_row_data("w4_updates.ndjson", &n_bytes), *rest = NULL;
	struct aps_binding binding;
	long n = 0;
	bench_bind(c, &binding, doc, "{}");
	struct aps_meter meter = aps_meter_start();
	bench_begin(c);
	for (char *line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest), n++)
		bench_write(c, &binding, bench_data_of(line, strlen(line)), "");
	bench_commit(c);
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
		print("w2-read-text", "FLOOR JSON reader and writer", 10000, "posts/s", ok, meter);
	else
		print("w1-write", "FLOOR JSON reader", 10000, "posts/s", ok, meter);
	aps_buf_clear(&out);
	return ok ? 0 : 1;
}

/* The cache is filled in memory; only its transaction is measured. */
static int floor_of_transaction(const struct aps_gql_document *list, struct aps_str data, const char *path)
{
	struct bench_cache c;
	struct aps_err err;
	struct aps_binding binding;
	struct aps_normalized out;
	const struct aps_normalize_options options = {.root = APS_STR("RROOT_QUERY")};
	bench_cache_open(&c, path);
	bench_bind(&c, &binding, list, LIMIT);
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	aps_write_begin(&c.write, &c.cache);
	if (!aps_merge_init(&c.merge, &c.write) ||
	    aps_normalize(&c.merge, &binding, data, &options, &out, &err) != APS_OK || !aps_write_settle(&c.write))
		bench_die("the response");
	struct aps_meter meter = aps_meter_start();
	bench_begin(&c);
	bool ok = aps_cache_store_save(&c.store, &c.write, &err) == APS_OK;
	bench_commit(&c);
	meter = aps_meter_stop(meter);
	print("w1-write-persist", "FLOOR SQLite, the rows being ready", 10000, "posts/s", ok, meter);
	aps_write_commit(&c.write);
	aps_buf_clear(&out.stale);
	aps_binding_clear(&binding);
	bench_cache_close(&c);
	bench_store_remove(path);
	return ok ? 0 : 1;
}

/* The text of the response without authors that were in it before. */
static size_t record_bytes(struct aps_str data)
{
	static const char AUTHOR[] = "\"author\":{";
	struct aps_map seen;
	size_t n = data.n;
	aps_map_init(&seen, 1);
	for (const char *at = aps_str_find(data, AUTHOR); at != NULL;) {
		const char *end = strchr(at, '}') + 1;
		struct aps_str author = {at, (size_t)(end - at)};
		if (aps_map_get(&seen, author) != NULL)
			n -= author.n;
		else if (!aps_map_set(&seen, author, (void *)(uintptr_t)at))
			bench_die("no memory");
		at = aps_str_find((struct aps_str){end, (size_t)(data.p + data.n - end)}, AUTHOR);
	}
	aps_map_clear(&seen);
	return n;
}

static int weigh(struct aps_str data, const struct aps_gql_document *list)
{
	struct bench_cache c;
	struct aps_binding binding;
	size_t n_json = record_bytes(data), n_before = mallinfo2().uordblks;
	bench_cache_open(&c, NULL);
	bench_bind(&c, &binding, list, LIMIT);
	bench_write(&c, &binding, data, "RROOT_QUERY");
	aps_binding_clear(&binding);
	aps_write_clear(&c.write);
	aps_merge_clear(&c.merge);
	size_t n_held = mallinfo2().uordblks - n_before;
	printf("{\"workload\":\"cache-memory\",\"peer\":\"LIB "
	       "csrc/cache\",\"version\":\"-\",\"n\":%zu,\"wall_s\":0,\"cpu_s\":0,"
	       "\"unit\":\"records\",\"bytes_per_record\":%.0f,\"json_bytes_per_record\":%.0f,\"ratio\":%.2f,\"ok\":"
	       "true}\n",
	       c.cache.entries.n_entries, (double)n_held / (double)c.cache.entries.n_entries,
	       (double)n_json / (double)c.cache.entries.n_entries, (double)n_held / (double)n_json);
	bench_cache_close(&c);
	return 0;
}

/* Fills the cache, and prints the row of this mode. */
static int run(const char *mode, const char *path, const struct aps_gql_document *list, struct aps_str data)
{
	struct aps_binding binding;
	struct bench_cache c;
	struct aps_meter meter, reading;
	size_t n_document;
	bench_cache_open(&c, path);
	meter = aps_meter_start();
	bench_bind(&c, &binding, list, LIMIT);
	bench_begin(&c);
	bench_write(&c, &binding, data, "RROOT_QUERY");
	bench_commit(&c);
	meter = aps_meter_stop(meter);
	bool is_packed = strcmp(mode, "read-packed") == 0;
	bool ok = (is_packed ? reads_packed : reads_back)(&c, &binding, data, &reading);
	if (strcmp(mode, "write") == 0)
		print("w1-write", "LIB csrc/cache in memory", 10000, "posts/s", ok, meter);
	else if (strcmp(mode, "persist") == 0)
		print("w1-write-persist", "LIB csrc/cache and SQLite, one transaction", 10000, "posts/s", ok, meter);
	else if (strcmp(mode, "read") == 0)
		print("w2-read-text", "LIB csrc/cache to JSON text", 10000, "posts/s", ok, reading);
	else if (is_packed)
		print("w2-read-text", "LIB csrc/cache to packed values", 10000, "posts/s", ok, reading);
	else
		run_events(&c, bench_parse(aps_row_data("w4_update.graphql", &n_document)));
	aps_binding_clear(&binding);
	bench_cache_close(&c);
	if (path != NULL) bench_store_remove(path);
	return ok ? 0 : 1;
}

int main(int n_args, char **args)
{
	const char *mode = n_args > 1 ? args[1] : "write";
	size_t n_bytes, n_document;
	char path[64];
	bench_store_path(path, sizeof path);
	char *text = aps_row_data("w1_listposts.json", &n_bytes);
	const struct aps_gql_document *list = bench_parse(aps_row_data("w1_listposts.graphql", &n_document));
	struct aps_str data = bench_data_of(text, n_bytes);
	if (strcmp(mode, "floor-write") == 0) return floor_of_text(data, false);
	if (strcmp(mode, "floor-read") == 0) return floor_of_text(data, true);
	if (strcmp(mode, "floor-persist") == 0) return floor_of_transaction(list, data, path);
	if (strcmp(mode, "memory") == 0) return weigh(data, list);
	bool is_persistent = strcmp(mode, "persist") == 0 || strcmp(mode, "merge-persist") == 0;
	return run(mode, is_persistent ? path : NULL, list, data);
}
