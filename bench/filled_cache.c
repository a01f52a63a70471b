#include "filled_cache.h"

#include "base/mem.h"
#include "store/counters.h"
#include "store/migrations.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void bench_die(const char *why)
{
	fprintf(stderr, "the cache of a benchmark: %s\n", why);
	exit(2);
}

static struct bench_cache *of(struct aps_read_source *source)
{
	return APS_CONTAINER_OF(source, struct bench_cache, source);
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

void bench_store_path(char *out, size_t n_bytes)
{
	snprintf(out, n_bytes, "/tmp/aps_bench_%ld.db", (long)getpid());
}

void bench_store_remove(const char *path)
{
	static const char *const ENDINGS[] = {"", "-wal", "-shm"};
	char name[160];
	for (size_t i = 0; i < APS_COUNTOF(ENDINGS); i++) {
		snprintf(name, sizeof name, "%s%s", path, ENDINGS[i]);
		unlink(name);
	}
}

static void open_store(struct bench_cache *c, const char *path)
{
	struct aps_err err;
	const struct aps_db_options options = {.busy_ms = 1000};
	bench_store_remove(path);
	if (aps_db_open(path, &options, &c->db, &err) != APS_OK || aps_migrations_run(c->db, &err) != APS_OK ||
	    aps_cache_store_open(&c->store, c->db, APS_STR(""), APS_STR(""), &c->cache, &err) != APS_OK)
		bench_die(err.msg);
}

void bench_cache_open(struct bench_cache *c, const char *path)
{
	*c = (struct bench_cache){.source = {read_at, read_find, false}};
	aps_policies_init(&c->policies, 1);
	aps_entries_init(&c->cache.entries, 2, path != NULL ? &c->store.backing : NULL);
	aps_names_init(&c->cache.names, 3);
	if (path != NULL) open_store(c, path);
}

void bench_cache_close(struct bench_cache *c)
{
	aps_write_clear(&c->write);
	aps_merge_clear(&c->merge);
	aps_entries_clear(&c->cache.entries);
	aps_names_clear(&c->cache.names);
	aps_policies_clear(&c->policies);
	if (c->db == NULL) return;
	aps_cache_store_clear(&c->store);
	aps_db_close(c->db);
}

struct aps_gql_document *bench_parse(const char *text)
{
	struct aps_gql_document *doc;
	struct aps_err err;
	if (aps_gql_document_new(aps_str_of(text), &doc, NULL, &err) != APS_OK) bench_die(err.msg);
	return doc;
}

void bench_bind(struct bench_cache *c, struct aps_binding *binding, const struct aps_gql_document *doc,
                const char *variables)
{
	*binding = (struct aps_binding){.policies = &c->policies, .names = &c->cache.names, .gives_numbers = true};
	struct aps_err err;
	if (aps_binding_init(binding, doc, aps_gql_document_operation(doc, 0), aps_str_of(variables), &err) != APS_OK)
		bench_die(err.msg);
}

void bench_begin(struct bench_cache *c)
{
	struct aps_err err;
	if (c->db != NULL && aps_db_begin(c->db, &err) != APS_OK) bench_die(err.msg);
}

void bench_commit(struct bench_cache *c)
{
	struct aps_err err;
	uint64_t generation;
	if (c->db == NULL) return;
	if (aps_counters_advance(c->db, *c->cache.entries.last_number, &generation, &err) != APS_OK ||
	    aps_db_commit(c->db, &err) != APS_OK)
		bench_die(err.msg);
}

static void note_changes(struct bench_cache *c)
{
	for (size_t i = 0; c->changed != NULL && i < aps_write_n_entries(&c->write); i++) {
		const struct aps_entry *entry = aps_write_entry_at(&c->write, i);
		aps_changed_add(c->changed, entry->number);
		aps_changed_add(c->changed, entry->hash);
	}
}

void bench_write(struct bench_cache *c, struct aps_binding *binding, struct aps_str data, const char *root)
{
	struct aps_err err;
	struct aps_normalized out;
	const struct aps_normalize_options options = {.root = aps_str_of(root), .skips_nulls = *root == '\0'};
	aps_buf_init(&out.stale, APS_BUF_ANY_SIZE);
	aps_write_begin(&c->write, &c->cache);
	if (c->merge.write == NULL && !aps_merge_init(&c->merge, &c->write)) bench_die("no memory");
	if (aps_normalize(&c->merge, binding, data, &options, &out, &err) != APS_OK || !aps_write_settle(&c->write))
		bench_die(err.msg);
	if (c->db != NULL && aps_cache_store_save(&c->store, &c->write, &err) != APS_OK) bench_die(err.msg);
	note_changes(c);
	aps_write_commit(&c->write);
	aps_buf_clear(&out.stale);
}

struct aps_str bench_data_of(char *text, size_t n)
{
	while (n != 0 && (text[n - 1] == '\n' || text[n - 1] == ' ')) n--;
	return (struct aps_str){text + strlen("{\"data\":"), n - strlen("{\"data\":}")};
}
