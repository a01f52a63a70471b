#include "cache/layer.h"

#include "base/mem.h"
#include "cache/references.h"

static void take_from_entry(struct aps_layer_patch *patch)
{
	struct aps_layer_patch **at = &patch->entry->layered->patches;
	while (*at != patch) at = &(*at)->next_above;
	*at = patch->next_above;
}

static void free_layer(struct aps_layer *layer)
{
	while (layer->patches != NULL) {
		struct aps_layer_patch *patch = layer->patches;
		layer->patches = patch->next;
		take_from_entry(patch);
		aps_free(patch);
	}
	aps_buf_clear(&layer->identified);
	aps_free(layer);
}

struct aps_layer *aps_layers_add(struct aps_layers *layers, uint64_t id)
{
	struct aps_layer *layer = aps_calloc(1, sizeof *layer);
	if (layer == NULL) return NULL;
	layer->id = id;
	aps_buf_init(&layer->identified, APS_BUF_ANY_SIZE);
	layer->below = layers->highest;
	if (layers->highest != NULL)
		layers->highest->above = layer;
	else
		layers->lowest = layer;
	layers->highest = layer;
	return layer;
}

struct aps_layer *aps_layers_find(const struct aps_layers *layers, uint64_t id)
{
	struct aps_layer *layer = layers->lowest;
	while (layer != NULL && layer->id != id) layer = layer->above;
	return layer;
}

void aps_layers_remove(struct aps_layers *layers, struct aps_layer *layer)
{
	if (layer->above != NULL)
		layer->above->below = layer->below;
	else
		layers->highest = layer->below;
	if (layer->below != NULL)
		layer->below->above = layer->above;
	else
		layers->lowest = layer->above;
	free_layer(layer);
}

void aps_layers_clear(struct aps_layers *layers)
{
	while (layers->highest != NULL) {
		struct aps_layer *layer = layers->highest;
		while (layer->patches != NULL) {
			struct aps_entry *entry = layer->patches->entry;
			struct aps_layer_patch *patch = layer->patches;
			layer->patches = patch->next;
			take_from_entry(patch);
			aps_free(patch);
			if (entry->layered->patches == NULL && entry->layered->stored == NULL) aps_layer_release(entry);
		}
		aps_layers_remove(layers, layer);
	}
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

struct aps_layer_patch *aps_layer_patch_of(const struct aps_layer *layer, const struct aps_entry *entry)
{
	struct aps_layer_patch *patch = entry->layered->patches;
	while (patch != NULL && (patch->layer != layer || patch->is_leaving)) patch = patch->next_above;
	return patch;
}

static void drop(struct aps_layer *layer, struct aps_layer_patch *patch)
{
	struct aps_layer_patch **at = &layer->patches;
	while (*at != patch) at = &(*at)->next;
	*at = patch->next;
	take_from_entry(patch);
	aps_free(patch);
}

static uint64_t bit_of(uint64_t entry)
{
	return UINT64_C(1) << (entry * UINT64_C(0x9e3779b97f4a7c15) >> 58);
}

struct mentions {
	struct aps_reference_sink sink;
	struct aps_layer *layer;
};

static void mention(struct aps_reference_sink *sink, const struct aps_reference *reference)
{
	APS_CONTAINER_OF(sink, struct mentions, sink)->layer->mentioned |= bit_of(reference->entry);
}

static void note_mentioned(struct aps_layer *layer, const struct aps_layer_patch *patch)
{
	struct mentions mentions = {{mention}, layer};
	layer->mentioned |= bit_of(patch->entry->number) | bit_of(aps_key_owner(aps_entry_key(patch->entry)));
	aps_references_of_patch((struct aps_str){patch->bytes, patch->n_bytes}, &mentions.sink);
}

bool aps_layer_may_mention(const struct aps_layer *layer, uint64_t entry)
{
	return (layer->mentioned & bit_of(entry)) != 0;
}

static struct aps_layer_patch *add(struct aps_layer *layer, struct aps_entry *entry, struct aps_str bytes)
{
	struct aps_layer_patch *patch = aps_malloc(sizeof *patch + bytes.n);
	if (patch == NULL) return NULL;
	*patch = (struct aps_layer_patch){.layer = layer, .entry = entry, .next = layer->patches, .n_bytes = bytes.n};
	memcpy(patch->bytes, bytes.p, bytes.n);
	layer->patches = patch;
	struct aps_layer_patch **at = &entry->layered->patches;
	while (*at != NULL && (*at)->layer->id <= layer->id) at = &(*at)->next_above;
	patch->next_above = *at;
	*at = patch;
	note_mentioned(layer, patch);
	return patch;
}

bool aps_layer_put(struct aps_layer *layer, struct aps_entry *entry, struct aps_str bytes)
{
	struct aps_layer_patch *former = aps_layer_patch_of(layer, entry);
	if (add(layer, entry, bytes) == NULL) return false;
	if (former != NULL) drop(layer, former);
	return true;
}

bool aps_layer_exchange(struct aps_layer_patch *leaving, struct aps_entry *entry, struct aps_str bytes)
{
	struct aps_layer_patch *coming = bytes.n != 0 ? add(leaving->layer, entry, bytes) : NULL;
	if (bytes.n != 0 && coming == NULL) return false;
	leaving->is_leaving = true;
	if (coming != NULL) coming->is_coming = true;
	return true;
}

void aps_layer_conclude(struct aps_entry *entry, bool is_committed)
{
	struct aps_layer_patch *patch = entry->layered->patches, *above;
	for (; patch != NULL; patch = above) {
		bool goes = is_committed ? patch->is_leaving : patch->is_coming;
		above = patch->next_above;
		patch->is_leaving = patch->is_coming = false;
		if (goes) drop(patch->layer, patch);
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
	if (rc == APS_OK && patches.rc != APS_OK) rc = aps_fail(err, APS_E_NOMEM, "no memory for an optimistic layer");
	if (rc == APS_OK) rc = aps_patches_apply(out, base, &patches, is_nowhere, entries, err);
	aps_buf_clear(&patches);
	return rc;
}
