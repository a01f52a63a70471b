/* What one response, one event or one write of the application changes: all of it or nothing. Entries change at once,
 * so that what follows in the write sees them; their former content is kept until the write is committed. One write at
 * a time on one cache. */
#ifndef APS_CACHE_WRITE_H
#define APS_CACHE_WRITE_H

#include "base/buf.h"
#include "cache/layer.h"
#include "cache/names.h"

struct aps_cache {
	struct aps_entries entries;
	struct aps_names names;
	struct aps_layers layers;
};

/* A field that has another value than before. */
struct aps_change {
	uint64_t entry;
	uint32_t name; /* 0: all that the entry has (a field with arguments, a list) */
};

struct aps_former;

struct aps_cache_write {
	struct aps_cache *cache;
	struct aps_layer *layer; /* that is written; NULL: the base */
	uint32_t moment; /* what it changes of the base was new then: aps_write_begin() sets 0, which says nothing */
	bool is_doubt;   /* nothing of it tells a value; aps_write_begin() sets false */
	bool is_open;
	struct aps_buf layers;      /* struct aps_layer *: those that leave or change with it, each once */
	struct aps_former *formers; /* of the entries that were touched, each once */
	size_t n_formers;
	size_t capacity;
	uint64_t last_number;   /* of the entries before it */
	struct aps_buf changes; /* of struct aps_change */
	struct aps_err err;     /* the first failure */
};

APS_BEGIN_DECLS

/* It is open until it is committed or aborted; both end it, and leave it to be begun again. */
void aps_write_begin(struct aps_cache_write *write, struct aps_cache *cache);
/* The same for a new layer above all others, which is written once; aborted, it has never been. */
void aps_write_begin_layer(struct aps_cache_write *write, struct aps_cache *cache, uint64_t id);
/* The layer, which is whole, leaves with this write to the base. */
void aps_write_leave(struct aps_cache_write *write, struct aps_layer *layer);
/* What the entry shows from now on is what layers make of its base, which is what the write goes on with. NULL: a
 * failure. For a write to the base. */
struct aps_entry *aps_write_under_layers(struct aps_cache_write *write, struct aps_entry *entry);
/* A layer, which is whole, says something else from now on: aps_layer_exchange(). */
void aps_write_exchange(struct aps_cache_write *write, struct aps_layer_patch *leaving, struct aps_entry *entry,
                        struct aps_str patch);
/* The patch of the new layer for an entry that the write hasn't touched; what the entry shows with it is made when it
 * is read. `name`: what it changes, for aps_write_report(). */
void aps_write_lay(struct aps_cache_write *write, struct aps_entry *entry, uint32_t name, struct aps_str patch);
/* After the last change: what entries under layers show now, and what has changed. False: a failure. */
bool aps_write_settle(struct aps_cache_write *write);
void aps_write_commit(struct aps_cache_write *write);
void aps_write_abort(struct aps_cache_write *write);
/* Frees what it holds for the next one; aborts. */
void aps_write_clear(struct aps_cache_write *write);

/* After a failure all of these do nothing; write->err tells. */

/* The entry of this key, made where there is none. NULL: a failure. */
struct aps_entry *aps_write_entry(struct aps_cache_write *write, struct aps_str key);
/* The entry of this number, which must be there. NULL: a failure, or there is none (write->err is OK). */
struct aps_entry *aps_write_at(struct aps_cache_write *write, uint64_t number);
/* A new one without a key. */
struct aps_entry *aps_write_add(struct aps_cache_write *write);
/* Gives the entry this content, a copy; NULL in content.p: it is nowhere from now on. */
void aps_write_set(struct aps_cache_write *write, struct aps_entry *entry, struct aps_str content);
/* Memory is out somewhere beside it: the write has failed. */
void aps_write_fail(struct aps_cache_write *write);
void aps_write_report(struct aps_cache_write *write, const struct aps_entry *entry, uint32_t name);

size_t aps_write_n_layers(const struct aps_cache_write *write);
struct aps_layer *aps_write_layer_at(const struct aps_cache_write *write, size_t index);
size_t aps_write_n_changes(const struct aps_cache_write *write);
const struct aps_change *aps_write_changes(const struct aps_cache_write *write);
/* The entries that were touched: a store writes them. */
size_t aps_write_n_entries(const struct aps_cache_write *write);
const struct aps_entry *aps_write_entry_at(const struct aps_cache_write *write, size_t index);
/* What it was before, without layers; {NULL, 0}: it was nowhere. For a write to the base. */
struct aps_str aps_write_before(const struct aps_cache_write *write, size_t index);
/* The bytes of that. */
size_t aps_write_n_bytes_before(const struct aps_cache_write *write, size_t index);
/* What the entry is without layers: {NULL, 0}: it is nowhere. */
struct aps_str aps_entry_base(const struct aps_entry *entry);
/* Layers speak of it. NULL: they don't. */
bool aps_entry_is_patched(const struct aps_entry *entry);

APS_END_DECLS

#endif
