/* Optimistic layers: what the application says will be, above what the service has said. Each is a set of patches, one
 * for an entry; they lie one above the other in the order of their numbers. An entry under a layer keeps what the
 * service said of it as its base, and shows what the layers make of that.
 *
 * Where a store has them, an entry that is in memory has all of its patches with it, and a layer those of its patches
 * whose entries are: it is there as long as one of them is, and whole once aps_layers_load() has asked for the rest. */
#ifndef APS_CACHE_LAYER_H
#define APS_CACHE_LAYER_H

#include "base/map.h"
#include "cache/entry.h"
#include "cache/patch.h"

/* Numbers that stores know. */
enum aps_layer_kind {
	APS_LAYER_PASSING = 0,  /* of a call that ends with its process: so does the layer */
	APS_LAYER_QUEUED = 1,   /* of a mutation that is queued */
	APS_LAYER_ANSWERED = 2, /* of one that was answered: what becomes of the layer is to be said */
};

struct aps_layer;

struct aps_layer_patch {
	struct aps_layer *layer;
	struct aps_entry *entry;
	struct aps_layer_patch *next;       /* of the layer */
	struct aps_layer_patch *next_above; /* of the entry */
	struct aps_layer_patch *next_below; /* likewise */
	bool is_leaving;                    /* with the write that is open, which has another one in its place */
	bool is_coming;                     /* likewise: that one */
	size_t n_bytes;
	char bytes[];
};

struct aps_layers;

struct aps_layer {
	struct aps_layers *layers;
	uint64_t id;
	enum aps_layer_kind kind;
	int slot;                        /* as the store knows it */
	struct aps_layer_patch *patches; /* of entries in memory */
	struct aps_buf identified;       /* struct aps_identified (cache/id_pairs.h): what its response has */
	bool is_whole;                   /* nothing of it is in the store alone */
	bool is_leaving;                 /* with the write that is open */
	bool is_changed;                 /* by it: other patches are in the place of some */
};

/* What a store knows of a layer beside its patches. */
struct aps_layer_row {
	bool is_there;
	enum aps_layer_kind kind;
	int slot;                  /* of the process whose call it is of; 0: it isn't known, or of none */
	struct aps_buf entries;    /* uint64_t: which it changes or mentions (cache/layer_mentions.h) */
	struct aps_buf identified; /* struct aps_identified */
};

/* A store of layers. Both append; E_NOMEM, E_STORAGE. */
struct aps_layer_source {
	enum aps_rc (*load)(struct aps_layer_source *source, uint64_t id, struct aps_layer_row *row,
	                    struct aps_err *err);
	/* The ids (uint64_t) of those that change or mention this entry. */
	enum aps_rc (*list)(struct aps_layer_source *source, uint64_t entry, struct aps_buf *ids, struct aps_err *err);
};

/* Zero-initialised: memory is all there is. */
struct aps_layers {
	struct aps_map by_id; /* struct aps_layer: those in memory */
	struct aps_entries *entries;
	struct aps_layer_source *source; /* NULL: none */
	struct aps_entry_layering layering;
};

APS_BEGIN_DECLS

/* For these entries, whose backing has the patches that `source` has; both are borrowed. They are empty. */
void aps_layers_init(struct aps_layers *layers, struct aps_entries *entries, struct aps_layer_source *source);
/* Frees all of them, as if they had never been: entries keep what they show. */
void aps_layers_clear(struct aps_layers *layers);
/* A new one, which is above those with lower ids. NULL when memory is out. */
struct aps_layer *aps_layers_add(struct aps_layers *layers, uint64_t id);
/* The one of this id, as far as it is in memory, or NULL. */
struct aps_layer *aps_layers_find(const struct aps_layers *layers, uint64_t id);
/* The same, whole; *out NULL: it is nowhere. E_NOMEM, what the store says. */
enum aps_rc aps_layers_load(struct aps_layers *layers, uint64_t id, struct aps_layer **out, struct aps_err *err);
/* Appends the ids (uint64_t) of those in memory, in order. */
void aps_layers_list(const struct aps_layers *layers, struct aps_buf *ids);
/* Its patches are taken from their entries, whose content is the caller's to make anew. */
void aps_layers_remove(struct aps_layers *layers, struct aps_layer *layer);
/* It is in no write any more: without a patch in memory it leaves that, if a store has it. */
void aps_layers_let_go(struct aps_layers *layers, struct aps_layer *layer);
void aps_layer_row_clear(struct aps_layer_row *row);

/* Makes the entry a layered one, where it isn't yet, with this base ({NULL, 0}: it is nowhere). False: no memory. */
bool aps_layer_hold(struct aps_entry *entry, struct aps_str base);
/* The opposite, once no layer changes it: the base is freed. */
void aps_layer_release(struct aps_entry *entry);
/* Gives a layer its patch for a layered entry, instead of one that it has. False: no memory. */
bool aps_layer_put(struct aps_layer *layer, struct aps_entry *entry, struct aps_str patch);
/* The layer's patch of a layered entry, leaving ones aside; NULL: it has none. */
struct aps_layer_patch *aps_layer_patch_of(const struct aps_layer *layer, const struct aps_entry *entry);
/* In an open write the patch leaves, and one for `entry` comes in its place (patch.n 0: none). False: no memory. */
bool aps_layer_exchange(struct aps_layer_patch *leaving, struct aps_entry *entry, struct aps_str patch);
/* The end of that write, for a layer that stays. */
void aps_layer_conclude(struct aps_layer *layer, bool is_committed);
/* Appends what the layers make of `base`; leaving ones don't count. *is_nowhere: there is
 * nothing to append. */
enum aps_rc aps_layer_compose(const struct aps_entry *entry, struct aps_str base, struct aps_entries *entries,
                              struct aps_buf *out, bool *is_nowhere, struct aps_err *err);

APS_END_DECLS

#endif
