/* What the cache holds in memory: entries, each with a number for good, and some with a key.
 *
 *   record     key "R" and its identity ("RPost:1", "RROOT_QUERY"); content: the fields that have no arguments
 *   field      key "F", the number of the record, ".", the field with its arguments; content: one value
 *   long list  no key; content: v number and v items of each of its blocks, in order
 *   block      no key; content: one LIST
 *
 * A key that was looked for and is nowhere is remembered by an entry without a number, until one is made of it or it is
 * said to have come.
 *
 * Entries that are read are taken from the backing store when they are not here, and may leave whenever nothing holds
 * them; those that weren't used for a while go first. Content is one block of bytes that is replaced and never changed.
 */
#ifndef APS_CACHE_ENTRY_H
#define APS_CACHE_ENTRY_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

struct aps_layer_patch;

/* What belongs to an entry that some layer changes. */
struct aps_layered {
	char *base; /* NULL: it is nowhere without the layers */
	uint32_t n_base_bytes;
	uint32_t n_stored_bytes;
	uint32_t n_patches;
	bool is_stale;                   /* what the entry shows is to be made anew; until then it has no content */
	char *stored;                    /* a reader's: the patches as the store gives them, below all others */
	struct aps_layer_patch *patches; /* the lowest first */
	struct aps_layer_patch *top;
};

struct aps_entry {
	uint64_t number; /* 0: the key is nowhere */
	uint64_t hash;   /* of the key; 0 without one */
	union {
		struct aps_entry *next_number;
		uint64_t asked_at; /* of one that is nowhere: the moment when it was looked for */
	};
	struct aps_entry *next_hash;
	struct aps_entry *next_owned;    /* of a field: the next one that may be of the same record, */
	struct aps_entry **owned_at;     /* and what points to this one */
	struct aps_entry *newer, *older; /* as they came, or had a second chance */
	char *content;                   /* NULL: it is known to be nowhere */
	struct aps_layered *layered;     /* by optimistic layers; NULL: it isn't */
	uint32_t n_content_bytes;
	uint32_t n_key_bytes;
	uint32_t moment;  /* of the last write to its base that told of something new (cache/write.h); 0: before all */
	uint32_t told_at; /* likewise of the last one that told more than a doubt */
	uint32_t n_holds; /* writers, layers, watches: it stays in memory */
	bool is_used;     /* since it came, or had its last chance */
	bool is_in_write; /* changed by the write that is open */
	char key[];
};

/* Where entries come from that aren't in memory. Found: OK with row->number not 0; what the row has is borrowed until
 * done(). */
struct aps_entry_row {
	uint64_t number;
	struct aps_str key;
	struct aps_str content;
	uint32_t used_minute; /* Unix time */
	bool is_nowhere;
	bool is_damaged;        /* only told to those who want to see it all the same */
	struct aps_str patches; /* of layers (cache/patch.h); empty: none */
	bool is_covered;        /* a reader's: the content is what they make of it; then: */
	struct aps_str base;    /* {NULL, 0}: it is nowhere */
};

struct aps_entry_backing {
	enum aps_rc (*find)(struct aps_entry_backing *backing, struct aps_str key, struct aps_entry_row *row,
	                    struct aps_err *err);
	enum aps_rc (*load)(struct aps_entry_backing *backing, uint64_t number, struct aps_entry_row *row,
	                    struct aps_err *err);
	void (*done)(struct aps_entry_backing *backing);
	/* The numbers of the entries whose key begins like this, uint64_t, each once. */
	enum aps_rc (*list)(struct aps_entry_backing *backing, struct aps_str prefix, struct aps_buf *numbers,
	                    struct aps_err *err);
};

/* Layers, for entries that come from the backing and leave again (cache/layer.h). */
struct aps_entry_layering {
	/* Gives the entry, which has its content without them, its patches; they are copied. What is read meanwhile
	 * may be other entries. On failure the entry is forgotten. */
	enum aps_rc (*lay)(struct aps_entry_layering *layering, struct aps_entry *entry, struct aps_str patches,
	                   struct aps_err *err);
	/* It shows what they make of it from now on. */
	enum aps_rc (*show)(struct aps_entry_layering *layering, struct aps_entry *entry, struct aps_err *err);
	/* Takes them from an entry that leaves memory. */
	void (*forget)(struct aps_entry_layering *layering, struct aps_entry *entry);
};

struct aps_entries {
	struct aps_entry **by_number;
	struct aps_entry **by_hash;
	size_t n_slots;              /* of both, a power of two */
	struct aps_entry **by_owner; /* fields, by the number of their record */
	size_t n_owner_slots;        /* likewise */
	size_t n_owned;
	size_t n_entries;
	/* That those have that come from the backing, and may be older than they, by the rest that their numbers leave;
	 * behind these the one that what isn't a record, or is the root of queries, has at least. None: nothing is
	 * known to be new. */
	const uint32_t *told_moments;
	size_t n_told_moments;
	uint64_t moment; /* one more whenever keys that were nowhere may have come */
	struct aps_entry *newest, *oldest;
	size_t n_bytes; /* that they take */
	uint64_t seed;
	uint64_t *last_number; /* that was given; shared by what is kept in one store */
	uint64_t own_last_number;
	struct aps_entry_backing *backing;   /* NULL: memory is all there is */
	struct aps_entry_layering *layering; /* NULL: what lies on an entry stays in memory with it */
	bool is_whole; /* all that the backing has is here, so that it isn't asked; until the first entry leaves */
};

APS_BEGIN_DECLS

void aps_entries_init(struct aps_entries *entries, uint64_t seed, struct aps_entry_backing *backing);
/* Twice is legal. */
void aps_entries_clear(struct aps_entries *entries);

/* OK and NULL: there is none. E_NOMEM, and what the backing says. */
enum aps_rc aps_entries_find(struct aps_entries *entries, struct aps_str key, struct aps_entry **out,
                             struct aps_err *err);
enum aps_rc aps_entries_at(struct aps_entries *entries, uint64_t number, struct aps_entry **out, struct aps_err *err);
/* The same for whoever doesn't look at what layers make of it: the content of one that is under layers may be stale. */
enum aps_rc aps_entries_find_below(struct aps_entries *entries, struct aps_str key, struct aps_entry **out,
                                   struct aps_err *err);
enum aps_rc aps_entries_at_below(struct aps_entries *entries, uint64_t number, struct aps_entry **out,
                                 struct aps_err *err);
/* Appends the numbers (uint64_t) of all entries whose key begins like this, here and in the backing. */
enum aps_rc aps_entries_list(struct aps_entries *entries, struct aps_str prefix, struct aps_buf *numbers,
                             struct aps_err *err);
/* A new one, without content and with the next number; key: empty for none. NULL when memory is out. */
struct aps_entry *aps_entries_add(struct aps_entries *entries, struct aps_str key);
/* Takes `content` (of aps_malloc; NULL: it is nowhere). */
void aps_entries_set(struct aps_entries *entries, struct aps_entry *entry, char *content, size_t n_bytes);
/* It leaves memory, and only that. */
void aps_entries_forget(struct aps_entries *entries, struct aps_entry *entry);
/* The same for the entry of this number, if it is here. */
void aps_entries_forget_number(struct aps_entries *entries, uint64_t number);
/* Keys that were nowhere may be somewhere by now. */
void aps_entries_forget_absent(struct aps_entries *entries);
/* Lets go of entries that nothing holds until they take no more than max_bytes, the least lately used ones: those that
 * weren't used since they came get no second chance. */
void aps_entries_trim(struct aps_entries *entries, size_t max_bytes);

/* Of the key of a field, "F17.title(…)", the number of its record; 0: it is none, or what begins like several records'
 * fields. */
uint64_t aps_key_owner(struct aps_str key);
/* entry->hash of an entry of this key. */
uint64_t aps_key_hash(struct aps_str key, uint64_t seed);
/* The one of this number, if it is here. */
struct aps_entry *aps_entries_peek(const struct aps_entries *entries, uint64_t number);
uint64_t aps_entries_hash(const struct aps_entries *entries, struct aps_str key);

/* About what an entry takes in a store: its row, and its key once more in an index. */
size_t aps_entry_disk_bytes(size_t n_key_bytes, size_t n_content_bytes);
struct aps_str aps_entry_key(const struct aps_entry *entry);
/* What a read sees of it: {NULL, 0} where the application has evicted it, nothing where there is no entry (NULL). */
struct aps_str aps_entry_shown(const struct aps_entry *entry);
/* Empty where it is nowhere. */
struct aps_str aps_entry_content(const struct aps_entry *entry);

APS_END_DECLS

#endif
