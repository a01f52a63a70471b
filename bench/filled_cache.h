/* A cache by itself, without threads, as rows use it: in memory, or with one SQLite transaction for what is written
 * between begin and commit. Whatever fails ends the program. */
#ifndef APS_BENCH_FILLED_CACHE_H
#define APS_BENCH_FILLED_CACHE_H

#include "cache/denormalize.h"
#include "cache/normalize.h"
#include "store/cache_store.h"

struct bench_cache {
	struct aps_cache cache;
	struct aps_policies policies;
	struct aps_cache_write write;
	struct aps_merge merge;
	struct aps_read_source source;
	struct aps_cache_store store;
	struct aps_db *db;           /* NULL: memory only */
	struct aps_changed *changed; /* what a write changes is added to it; NULL: it isn't */
	char path[128];
};

APS_BEGIN_DECLS

void bench_die(const char *why);
/* `path`: of a new store; NULL: memory only. */
void bench_cache_open(struct bench_cache *c, const char *path);
/* The file stays where it is. */
void bench_cache_close(struct bench_cache *c);
void bench_store_remove(const char *path);
/* A path in /tmp that no other process takes. */
void bench_store_path(char *out, size_t n_bytes);

struct aps_gql_document *bench_parse(const char *text);
void bench_bind(struct bench_cache *c, struct aps_binding *binding, const struct aps_gql_document *doc,
                const char *variables);
void bench_begin(struct bench_cache *c);
void bench_commit(struct bench_cache *c);
/* Data of a query where `root` is "RROOT_QUERY", of an event where it is empty. */
void bench_write(struct bench_cache *c, struct aps_binding *binding, struct aps_str data, const char *root);
/* The data of a text {"data":…}. */
struct aps_str bench_data_of(char *text, size_t n);

APS_END_DECLS

#endif
