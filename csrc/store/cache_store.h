/* The cache on disk: entries by number and by key, the names of fields, layers; one part for each key prefix and
 * identity. What a write changed is saved in the transaction that the caller has open; what isn't in memory is read one
 * entry at a time, so that opening a store costs the same whatever is in it.
 * One owner: a cache store belongs to the thread that opened its connection. */
#ifndef APS_STORE_CACHE_STORE_H
#define APS_STORE_CACHE_STORE_H

#include "cache/write.h"
#include "store/db.h"

struct aps_cache_store {
	struct aps_entry_backing backing;
	struct aps_db *db; /* borrowed, migrated */
	int64_t part;
	uint32_t n_names;           /* that are saved */
	uint32_t n_committed_names; /* before the transaction that is open */
	struct aps_stmt *on_row;    /* whose row is looked at; NULL: none */
	char *prefix;               /* of a reader, until it has its part */
	char *identity;
};

APS_BEGIN_DECLS

/* Finds or makes the part, and fills `cache`, which was initialised with &store->backing, with its names and what else
 * it has to know before its first write. Without memory, or where the store fails: E_NOMEM, E_STORAGE, … */
enum aps_rc aps_cache_store_open(struct aps_cache_store *store, struct aps_db *db, struct aps_str prefix,
                                 struct aps_str identity, struct aps_cache *cache, struct aps_err *err);
/* The same for a connection that only reads: nothing is made. A part that isn't there yet is an empty one, and looked
 * for again with each aps_cache_store_follow(). */
enum aps_rc aps_cache_store_open_reader(struct aps_cache_store *store, struct aps_db *db, struct aps_str prefix,
                                        struct aps_str identity, struct aps_cache *cache, struct aps_err *err);
/* In the view of a reader's transaction: which generation it is, and what a reader has to know of it: new names. */
enum aps_rc aps_cache_store_follow(struct aps_cache_store *store, struct aps_cache *cache, uint64_t *generation,
                                   struct aps_err *err);
/* Only which generation it is. */
enum aps_rc aps_cache_store_generation(struct aps_db *db, uint64_t *generation, struct aps_err *err);
/* The highest number that an entry of the file has. */
enum aps_rc aps_cache_store_last_number(struct aps_db *db, uint64_t *number, struct aps_err *err);
/* In the writer's transaction: the next generation of the file. */
enum aps_rc aps_cache_store_advance(struct aps_db *db, uint64_t *generation, struct aps_err *err);
/* How the transaction ended that saves were made in. */
void aps_cache_store_committed(struct aps_cache_store *store);
void aps_cache_store_rolled_back(struct aps_cache_store *store);
/* What `open` and `open_reader` allocated; the connection is the caller's. Twice is legal. */
void aps_cache_store_clear(struct aps_cache_store *store);
/* Saves what a settled write changed; a transaction is open. */
enum aps_rc aps_cache_store_save(struct aps_cache_store *store, const struct aps_cache_write *write,
                                 struct aps_err *err);

APS_END_DECLS

#endif
