/* Optimistic layers: what the application says will be, above what the service has said. Each is a set of patches, one
 * for an entry; they lie one above the other in the order of the mutations they belong to. An entry under a layer keeps
 * what the service said of it as its base, and shows what the layers make of that. */
#ifndef APS_CACHE_LAYER_H
#define APS_CACHE_LAYER_H

#include "cache/entry.h"
#include "cache/patch.h"

struct aps_layer;

struct aps_layer_patch {
	struct aps_layer *layer;
	struct aps_entry *entry;
	struct aps_layer_patch *next;       /* of the layer */
	struct aps_layer_patch *next_above; /* of the entry */
	bool is_leaving;                    /* with the write that is open, which has another one in its place */
	bool is_coming;                     /* likewise: that one */
	size_t n_bytes;
	char bytes[];
};

struct aps_layer {
	struct aps_layer *above, *below;
	uint64_t id;
	struct aps_layer_patch *patches;
	struct aps_buf identified; /* struct aps_identified (cache/id_pairs.h): what its optimistic response has */
	uint64_t mentioned;        /* a bit of each entry that its patches are of or refer to */
	bool is_leaving;           /* with the write that is open */
};

struct aps_layers {
	struct aps_layer *lowest, *highest;
};

APS_BEGIN_DECLS

/* Frees all of them, as if they had never been: entries keep what they show. */
void aps_layers_clear(struct aps_layers *layers);
/* On top of all others; ids only grow. NULL when memory is out. */
struct aps_layer *aps_layers_add(struct aps_layers *layers, uint64_t id);
struct aps_layer *aps_layers_find(const struct aps_layers *layers, uint64_t id);
/* Its patches are taken from their entries, whose content is the caller's to make anew. */
void aps_layers_remove(struct aps_layers *layers, struct aps_layer *layer);

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
/* The end of that write, for a layered entry that it touched. */
void aps_layer_conclude(struct aps_entry *entry, bool is_committed);
/* False: no patch of the layer is of that entry, of a field of it, or refers to it. */
bool aps_layer_may_mention(const struct aps_layer *layer, uint64_t entry);
/* Appends what the layers make of `base`; leaving ones don't count. *is_nowhere: there is
 * nothing to append. */
enum aps_rc aps_layer_compose(const struct aps_entry *entry, struct aps_str base, struct aps_entries *entries,
                              struct aps_buf *out, bool *is_nowhere, struct aps_err *err);

APS_END_DECLS

#endif
