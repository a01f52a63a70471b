/* The cache on disk: entries by number and by key, the names of fields, layers; one part for each key prefix and
 * identity. What a write changed is saved in the transaction that the caller has open; what isn't in memory is read one
 * entry at a time, so that opening a store costs the same whatever is in it.
 * One owner: a cache store belongs to the thread that opened its connection. */
#ifndef APS_STORE_CACHE_STORE_H
#define APS_STORE_CACHE_STORE_H

#include "cache/write.h"
#include "store/parts.h"

/* What a transaction may change. */
struct aps_cache_store_state {
	int64_t part;
	uint32_t n_names; /* that are saved */
	int64_t n_bytes;  /* that the entries take on disk */
};

/* Of a row. */
struct aps_row_lengths {
	size_t n_key_bytes, n_content_bytes;
	bool is_there;
};

struct aps_cache_store {
	struct aps_entry_backing backing;
	struct aps_layer_source layers; /* of the part */
	struct aps_db *db;              /* borrowed, migrated */
	char *prefix;
	char *identity;
	int64_t part; /* 0: there is none until something is saved */
	uint32_t n_names;
	int64_t n_bytes;
	struct aps_cache_store_state committed; /* before the transaction that is open */
	enum aps_part_drop dropped;             /* the part was, in this transaction; 0: it wasn't */
	bool has_layers;                        /* there may be some: rows that are read come with their patches */
	struct aps_buf patches;                 /* of the row that is looked at */
	struct aps_buf changed_layers;          /* uint64_t: that came, changed or left in this transaction */
	bool shows_damage;                      /* rows that aren't what was saved are given all the same */
	uint32_t n_damaged_names;               /* likewise: there is a name of ours in their place */
	uint32_t minute;                        /* Unix time: of what is saved from now on */
	struct aps_stmt *on_row;                /* whose row is looked at; NULL: none */
};

APS_BEGIN_DECLS

/* Finds the part, where there is one, and fills `cache`, which was initialised with &store->backing and &store->layers,
 * with its names and what else it has to know before its first write. Layers of calls that are no more are dropped.
 * Without memory, or where the store fails: E_NOMEM, E_STORAGE, … */
enum aps_rc aps_cache_store_open(struct aps_cache_store *store, struct aps_db *db, struct aps_str prefix,
                                 struct aps_str identity, struct aps_cache *cache, struct aps_err *err);
/* The same for a part that is known by its number, only to be looked at, damage and all. */
enum aps_rc aps_cache_store_open_part(struct aps_cache_store *store, struct aps_db *db, int64_t part,
                                      struct aps_cache *cache, struct aps_err *err);
/* The same for a connection that only reads, which finds its part with each aps_cache_store_follow(). */
enum aps_rc aps_cache_store_open_reader(struct aps_cache_store *store, struct aps_db *db, struct aps_str prefix,
                                        struct aps_str identity, struct aps_err *err);
/* In the view of a reader's transaction: which generation it is, and what a reader has to know of it: its part, new
 * names. Where that is another part, the former one was dropped; names keep their numbers. */
enum aps_rc aps_cache_store_follow(struct aps_cache_store *store, struct aps_cache *cache, uint64_t *generation,
                                   struct aps_err *err);
/* In a transaction, the first of its: others may have saved since the last one, and the cache has no entries. What is
 * known of the part, and its names, become what they are. *is_same false: it is another part, or names that aren't
 * saved have others' numbers; then it is to be opened anew. */
enum aps_rc aps_cache_store_resume(struct aps_cache_store *store, struct aps_cache *cache, bool *is_same,
                                   struct aps_err *err);
/* Whether the part is the one that was found last, and not another one, whose names have other numbers. */
enum aps_rc aps_cache_store_is_same(const struct aps_cache_store *store, bool *is_same, struct aps_err *err);
/* The connection that it has from now on, in a transaction: one to memory that lies over the former one
 * (aps_db_set_base()), whose rows it sees through it; or back. The transaction that saves were made in is gone: the
 * part is dropped once more if it was, layers that were changed are what the cache has, and entries that were are for
 * aps_cache_store_save_again(). */
enum aps_rc aps_cache_store_move(struct aps_cache_store *store, struct aps_db *db, struct aps_cache *cache,
                                 struct aps_err *err);
/* Saves an entry as it is now, whatever is there of it. */
enum aps_rc aps_cache_store_save_again(struct aps_cache_store *store, const struct aps_entry *entry,
                                       struct aps_err *err);
enum aps_rc aps_cache_store_measure(const struct aps_cache_store *store, uint64_t number,
                                    struct aps_row_lengths *lengths, struct aps_err *err);
/* How the transaction ended that saves were made in. */
void aps_cache_store_committed(struct aps_cache_store *store);
void aps_cache_store_rolled_back(struct aps_cache_store *store);
/* What `open` and `open_reader` allocated; the connection is the caller's. Twice is legal. */
void aps_cache_store_clear(struct aps_cache_store *store);
/* Saves what a settled write changed; a transaction is open. */
enum aps_rc aps_cache_store_save(struct aps_cache_store *store, const struct aps_cache_write *write,
                                 struct aps_err *err);
/* The part, made where there is none yet, for what is kept beside the entries; a transaction is open. */
enum aps_rc aps_cache_store_part(struct aps_cache_store *store, int64_t *part, struct aps_err *err);
/* Saves what a layer in memory, which is whole, is of. */
enum aps_rc aps_cache_store_save_kind(struct aps_cache_store *store, const struct aps_layer *layer,
                                      struct aps_err *err);
/* At the end of the transaction: how many bytes there are by now. */
enum aps_rc aps_cache_store_save_bytes(const struct aps_cache_store *store, struct aps_err *err);
/* The part is gone, with all that it has; what is saved from now on is in a new one. Names keep their numbers. */
enum aps_rc aps_cache_store_drop(struct aps_cache_store *store, enum aps_part_drop how, struct aps_err *err);

APS_END_DECLS

#endif
