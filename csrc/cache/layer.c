#include "cache/layer.h"

#include "base/mem.h"
#include "cache/id_pairs.h"

#include <stdlib.h>

static size_t patch_bytes(const struct aps_layer_patch *patch)
{
	return sizeof *patch + patch->n_bytes;
}

static void account(const struct aps_layers *layers, const struct aps_layer_patch *patch, bool comes)
{
	if (layers->entries == NULL) return;
	layers->entries->n_bytes += comes ? patch_bytes(patch) : 0 - patch_bytes(patch);
}

static void take_from_entry(struct aps_layer_patch *patch)
{
	struct aps_layered *layered = patch->entry->layered;
	struct aps_layer_patch *above = patch->next_above, *below = patch->next_below;
	*(below != NULL ? &below->next_above : &layered->patches) = above;
	*(above != NULL ? &above->next_below : &layered->top) = below;
	layered->n_patches--;
}

static void take_from_layer(struct aps_layer_patch *patch)
{
	struct aps_layer_patch **at = &patch->layer->patches;
	while (*at != patch) at = &(*at)->next;
	*at = patch->next;
}

static void free_patch(struct aps_layer_patch *patch)
{
	account(patch->layer->layers, patch, false);
	aps_free(patch);
}

/* By its bytes, which are the same wherever it is looked for. */
static struct aps_str key_of(const uint64_t *id)
{
	return (struct aps_str){(const char *)id, sizeof *id};
}

static void free_layer(struct aps_layer *layer)
{
	while (layer->patches != NULL) {
		struct aps_layer_patch *patch = layer->patches;
		layer->patches = patch->next;
		take_from_entry(patch);
		free_patch(patch);
	}
	aps_buf_clear(&layer->identified);
	aps_free(layer);
}

struct aps_layer *aps_layers_add(struct aps_layers *layers, uint64_t id)
{
	struct aps_layer *layer = aps_calloc(1, sizeof *layer);
	if (layer == NULL) return NULL;
	layer->layers = layers;
	layer->id = id;
	layer->is_whole = true;
	aps_buf_init(&layer->identified, APS_BUF_ANY_SIZE);
	if (aps_map_set(&layers->by_id, key_of(&id), layer)) return layer;
	aps_free(layer);
	return NULL;
}

struct aps_layer *aps_layers_find(const struct aps_layers *layers, uint64_t id)
{
	return aps_map_get(&layers->by_id, key_of(&id));
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return (one > other) - (one < other);
}

void aps_layers_list(const struct aps_layers *layers, struct aps_buf *ids)
{
	size_t cursor = 0;
	void *state = NULL, *found;
	struct aps_str key;
	while (aps_map_next(&layers->by_id, &cursor, &state, &key, &found))
		aps_buf_add(ids, &((const struct aps_layer *)found)->id, sizeof(uint64_t));
	if (ids->n != 0) qsort(ids->p, ids->n / sizeof(uint64_t), sizeof(uint64_t), compare_ids);
}

void aps_layers_remove(struct aps_layers *layers, struct aps_layer *layer)
{
	aps_map_take(&layers->by_id, key_of(&layer->id));
	free_layer(layer);
}

void aps_layers_let_go(struct aps_layers *layers, struct aps_layer *layer)
{
	if (layers->source != NULL && layer->patches == NULL) aps_layers_remove(layers, layer);
}

static void clear_layer(struct aps_layer *layer)
{
	while (layer->patches != NULL) {
		struct aps_layer_patch *patch = layer->patches;
		struct aps_entry *entry = patch->entry;
		layer->patches = patch->next;
		take_from_entry(patch);
		free_patch(patch);
		if (entry->layered->patches == NULL && entry->layered->stored == NULL) aps_layer_release(entry);
	}
}

void aps_layers_clear(struct aps_layers *layers)
{
	size_t cursor = 0;
	void *state = NULL, *found;
	struct aps_str key;
	while (aps_map_next(&layers->by_id, &cursor, &state, &key, &found)) {
		clear_layer(found);
		free_layer(found);
	}
	aps_map_clear(&layers->by_id);
}

void aps_layer_row_clear(struct aps_layer_row *row)
{
	aps_buf_clear(&row->entries);
	aps_buf_clear(&row->identified);
}

static enum aps_rc fail_memory(struct aps_err *err)
{
	return aps_fail(err, APS_E_NOMEM, "no memory for an optimistic layer");
}

static enum aps_rc fail_damaged(struct aps_err *err)
{
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "an optimistic layer is damaged");
}

/* With its entries come its patches. */
static enum aps_rc complete(struct aps_layers *layers, uint64_t id, struct aps_layer_row *row, struct aps_layer **out,
                            struct aps_err *err)
{
	const uint64_t *numbers = (const uint64_t *)(const void *)row->entries.p;
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < row->entries.n / sizeof *numbers; i++) {
		struct aps_entry *entry;
		rc = aps_entries_at_below(layers->entries, numbers[i], &entry, err);
		if (rc == APS_OK && entry == NULL) rc = fail_damaged(err);
	}
	if (rc != APS_OK) return rc;
	struct aps_layer *layer = aps_layers_find(layers, id);
	if (layer == NULL) layer = aps_layers_add(layers, id);
	if (layer == NULL) return fail_memory(err);
	aps_buf_clear(&layer->identified);
	layer->identified = row->identified;
	aps_buf_init(&row->identified, APS_BUF_ANY_SIZE);
	layer->kind = row->kind;
	layer->slot = row->slot;
	layer->is_whole = true;
	*out = layer;
	return APS_OK;
}

enum aps_rc aps_layers_load(struct aps_layers *layers, uint64_t id, struct aps_layer **out, struct aps_err *err)
{
	struct aps_layer_row row = {.is_there = false};
	struct aps_layer *layer = aps_layers_find(layers, id);
	*out = layer;
	if (id == 0 || layers->source == NULL || (layer != NULL && layer->is_whole)) return APS_OK;
	*out = NULL;
	aps_buf_init(&row.entries, APS_BUF_ANY_SIZE);
	aps_buf_init(&row.identified, APS_BUF_ANY_SIZE);
	enum aps_rc rc = layers->source->load(layers->source, id, &row, err);
	if (rc == APS_OK && !row.is_there && layer != NULL) rc = fail_damaged(err);
	if (rc == APS_OK && row.is_there) rc = complete(layers, id, &row, out, err);
	aps_layer_row_clear(&row);
	return rc;
}

bool aps_layer_hold(struct aps_entry *entry, struct aps_str base)
{
	if (entry->layered != NULL) return true;
	struct aps_layered *layered = aps_calloc(1, sizeof *layered);
	char *copy = base.p != NULL ? aps_strndup(base.p, base.n) : NULL;
	if (layered == NULL || (base.p != NULL && copy == NULL)) {
		aps_free(layered);
		aps_free(copy);
		return false;
	}
	layered->base = copy;
	layered->n_base_bytes = (uint32_t)base.n;
	entry->layered = layered;
	entry->n_holds++;
	return true;
}

void aps_layer_release(struct aps_entry *entry)
{
	aps_free(entry->layered->base);
	aps_free(entry->layered);
	entry->layered = NULL;
	entry->n_holds--;
}

/* Either the layer changes few entries, or the entry is changed by few layers: both lists are gone through at once. */
struct aps_layer_patch *aps_layer_patch_of(const struct aps_layer *layer, const struct aps_entry *entry)
{
	struct aps_layer_patch *of_entry = entry->layered->patches, *of_layer = layer->patches;
	for (; of_entry != NULL && of_layer != NULL; of_entry = of_entry->next_above, of_layer = of_layer->next) {
		if (of_entry->layer == layer && !of_entry->is_leaving) return of_entry;
		if (of_layer->entry == entry && !of_layer->is_leaving) return of_layer;
	}
	return NULL;
}

static void drop(struct aps_layer_patch *patch)
{
	take_from_layer(patch);
	take_from_entry(patch);
	free_patch(patch);
}

static void put_above(struct aps_layer_patch *patch, struct aps_layer_patch *below)
{
	struct aps_layered *layered = patch->entry->layered;
	struct aps_layer_patch **at = below != NULL ? &below->next_above : &layered->patches;
	patch->next_below = below;
	patch->next_above = *at;
	*(patch->next_above != NULL ? &patch->next_above->next_below : &layered->top) = patch;
	*at = patch;
	layered->n_patches++;
}

/* What is to be below a patch of this layer. Nearly all that come come on top. */
static struct aps_layer_patch *place_in(const struct aps_entry *entry, const struct aps_layer *layer)
{
	struct aps_layer_patch *below = entry->layered->top;
	while (below != NULL && below->layer->id > layer->id) below = below->next_below;
	return below;
}

static struct aps_layer_patch *add(struct aps_layer *layer, struct aps_entry *entry, struct aps_str bytes,
                                   struct aps_layer_patch *below)
{
	struct aps_layer_patch *patch = aps_malloc(sizeof *patch + bytes.n);
	if (patch == NULL) return NULL;
	*patch = (struct aps_layer_patch){.layer = layer, .entry = entry, .next = layer->patches, .n_bytes = bytes.n};
	memcpy(patch->bytes, bytes.p, bytes.n);
	layer->patches = patch;
	put_above(patch, below);
	account(layer->layers, patch, true);
	return patch;
}

bool aps_layer_put(struct aps_layer *layer, struct aps_entry *entry, struct aps_str bytes)
{
	struct aps_layer_patch *former = aps_layer_patch_of(layer, entry);
	if (add(layer, entry, bytes, place_in(entry, layer)) == NULL) return false;
	if (former != NULL) drop(former);
	return true;
}

bool aps_layer_exchange(struct aps_layer_patch *leaving, struct aps_entry *entry, struct aps_str bytes)
{
	struct aps_layer_patch *below = leaving->entry == entry ? leaving : place_in(entry, leaving->layer);
	struct aps_layer_patch *coming = bytes.n != 0 ? add(leaving->layer, entry, bytes, below) : NULL;
	if (bytes.n != 0 && coming == NULL) return false;
	leaving->is_leaving = true;
	if (coming != NULL) coming->is_coming = true;
	return true;
}

void aps_layer_conclude(struct aps_layer *layer, bool is_committed)
{
	struct aps_layer_patch *patch = layer->patches, *next;
	for (; patch != NULL; patch = next) {
		bool goes = is_committed ? patch->is_leaving : patch->is_coming;
		next = patch->next;
		patch->is_leaving = patch->is_coming = false;
		if (goes) drop(patch);
	}
}

enum aps_rc aps_layer_compose(const struct aps_entry *entry, struct aps_str base, struct aps_entries *entries,
                              struct aps_buf *out, bool *is_nowhere, struct aps_err *err)
{
	const struct aps_layered *layered = entry->layered;
	struct aps_buf patches;
	aps_buf_init(&patches, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_patches_split(&patches, (struct aps_str){layered->stored, layered->n_stored_bytes}, err);
	for (const struct aps_layer_patch *patch = layered->patches; patch != NULL; patch = patch->next_above) {
		const struct aps_str bytes = {patch->bytes, patch->n_bytes};
		if (!patch->layer->is_leaving && !patch->is_leaving) aps_buf_add(&patches, &bytes, sizeof bytes);
	}
	if (rc == APS_OK && patches.rc != APS_OK) rc = fail_memory(err);
	if (rc == APS_OK) rc = aps_patches_apply(out, base, &patches, is_nowhere, entries, err);
	aps_buf_clear(&patches);
	return rc;
}

static enum aps_rc lay_one(struct aps_layers *layers, struct aps_entry *entry, const struct aps_stored_patch *stored,
                           struct aps_err *err)
{
	struct aps_layer *layer = aps_layers_find(layers, stored->layer);
	if (layer == NULL) {
		layer = aps_layers_add(layers, stored->layer);
		if (layer == NULL) return fail_memory(err);
		layer->is_whole = false;
	}
	if (add(layer, entry, stored->bytes, place_in(entry, layer)) != NULL) return APS_OK;
	aps_layers_let_go(layers, layer);
	return fail_memory(err);
}

static enum aps_rc lay(struct aps_entry_layering *layering, struct aps_entry *entry, struct aps_str patches,
                       struct aps_err *err)
{
	struct aps_layers *layers = APS_CONTAINER_OF(layering, struct aps_layers, layering);
	struct aps_stored_patch patch;
	enum aps_rc rc = aps_layer_hold(entry, aps_entry_shown(entry)) ? APS_OK : fail_memory(err);
	while (rc == APS_OK && patches.n != 0)
		rc = aps_patches_take(&patches, &patch) ? lay_one(layers, entry, &patch, err) : fail_damaged(err);
	return rc;
}

static enum aps_rc show(struct aps_entry_layering *layering, struct aps_entry *entry, struct aps_err *err)
{
	struct aps_layers *layers = APS_CONTAINER_OF(layering, struct aps_layers, layering);
	const struct aps_str base = {entry->layered->base, entry->layered->n_base_bytes};
	struct aps_buf now;
	bool is_nowhere = false;
	aps_buf_init(&now, UINT32_MAX);
	enum aps_rc rc = aps_layer_compose(entry, base, layers->entries, &now, &is_nowhere, err);
	char *content = rc == APS_OK && !is_nowhere ? aps_strndup(now.n != 0 ? now.p : "", now.n) : NULL;
	if (rc == APS_OK && !is_nowhere && content == NULL) rc = fail_memory(err);
	if (rc == APS_OK) aps_entries_set(layers->entries, entry, content, is_nowhere ? 0 : now.n);
	if (rc == APS_OK) entry->layered->is_stale = false;
	aps_buf_clear(&now);
	return rc;
}

/* Each of its layers lacks a patch from now on. */
static void forget(struct aps_entry_layering *layering, struct aps_entry *entry)
{
	struct aps_layers *layers = APS_CONTAINER_OF(layering, struct aps_layers, layering);
	struct aps_layered *layered = entry->layered;
	while (layered->patches != NULL) {
		struct aps_layer_patch *patch = layered->patches;
		struct aps_layer *layer = patch->layer;
		layered->patches = patch->next_above;
		layered->n_patches--;
		take_from_layer(patch);
		free_patch(patch);
		layer->is_whole = false;
		aps_layers_let_go(layers, layer);
	}
	layered->top = NULL;
}

void aps_layers_init(struct aps_layers *layers, struct aps_entries *entries, struct aps_layer_source *source)
{
	*layers = (struct aps_layers){.entries = entries, .source = source, .layering = {lay, show, forget}};
	entries->layering = source != NULL ? &layers->layering : NULL;
}
