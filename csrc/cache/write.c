#include "cache/write.h"

#include "base/mem.h"
#include "cache/cell.h"
#include "cache/doubt.h"
#include "cache/freshness.h"

/* An entry under so many layers is composed when it is read, others at once. */
#define LAZY_FROM_PATCHES 4

struct aps_former {
	struct aps_entry *entry;
	char *content;
	uint32_t n_bytes;
	bool was_stale;
	bool is_exposed; /* it shows its base; `base` is what that was */
	char *base;
	uint32_t n_base_bytes;
};

void aps_write_begin(struct aps_cache_write *write, struct aps_cache *cache)
{
	write->cache = cache;
	write->layer = NULL;
	write->moment = 0;
	write->is_doubt = false;
	write->is_open = true;
	write->last_number = *cache->entries.last_number;
	write->n_formers = 0;
	aps_buf_init(&write->changes, APS_BUF_ANY_SIZE);
	aps_buf_init(&write->layers, APS_BUF_ANY_SIZE);
	aps_err_clear(&write->err);
}

void aps_write_begin_layer(struct aps_cache_write *write, struct aps_cache *cache, uint64_t id)
{
	aps_write_begin(write, cache);
	write->layer = aps_layers_add(&cache->layers, id);
	if (write->layer == NULL) aps_write_fail(write);
}

static struct aps_str nowhere(void)
{
	return (struct aps_str){NULL, 0};
}

static struct aps_str content_of(const struct aps_entry *entry)
{
	return entry->content != NULL ? aps_entry_content(entry) : nowhere();
}

bool aps_entry_is_patched(const struct aps_entry *entry)
{
	return entry != NULL && entry->layered != NULL && entry->layered->n_patches != 0;
}

struct aps_str aps_entry_base(const struct aps_entry *entry)
{
	if (entry->layered == NULL) return content_of(entry);
	return (struct aps_str){entry->layered->base, entry->layered->n_base_bytes};
}

static void end(struct aps_cache_write *write)
{
	write->is_open = false;
	write->n_formers = 0;
	aps_buf_clear(&write->changes);
	aps_buf_clear(&write->layers);
}

/* No layer changes it any more. */
static bool is_free(const struct aps_layered *layered)
{
	return layered->patches == NULL && layered->stored == NULL;
}

/* Layers that have left go, and entries that are under none any more are plain ones again. */
static void conclude_layers(struct aps_cache_write *write, bool is_committed)
{
	for (size_t i = 0; i < aps_write_n_layers(write); i++) {
		struct aps_layer *layer = aps_write_layer_at(write, i);
		bool leaves = layer->is_leaving && is_committed;
		if (layer->is_changed) aps_layer_conclude(layer, is_committed);
		layer->is_leaving = layer->is_changed = false;
		if (leaves) aps_layers_remove(&write->cache->layers, layer);
	}
}

void aps_write_commit(struct aps_cache_write *write)
{
	conclude_layers(write, true);
	for (size_t i = 0; i < write->n_formers; i++) {
		struct aps_former *former = &write->formers[i];
		former->entry->is_in_write = false;
		aps_free(former->content);
		aps_free(former->base);
		if (former->entry->layered != NULL && is_free(former->entry->layered)) aps_layer_release(former->entry);
	}
	end(write);
}

static void restore(struct aps_entries *entries, struct aps_former *former)
{
	struct aps_entry *entry = former->entry;
	entry->is_in_write = false;
	aps_entries_set(entries, entry, former->content, former->n_bytes);
	if (entry->layered != NULL) entry->layered->is_stale = former->was_stale;
	if (former->is_exposed) {
		aps_free(entry->layered->base);
		entry->layered->base = former->base;
		entry->layered->n_base_bytes = former->n_base_bytes;
	}
}

/* Backwards: an entry that is gone again was touched after it was made. */
void aps_write_abort(struct aps_cache_write *write)
{
	struct aps_entries *entries = &write->cache->entries;
	struct aps_layers *layers = &write->cache->layers;
	conclude_layers(write, false);
	if (write->layer != NULL) aps_layers_remove(layers, write->layer);
	for (size_t i = write->n_formers; i-- > 0;) {
		struct aps_former *former = &write->formers[i];
		restore(entries, former);
		if (former->entry->layered != NULL && is_free(former->entry->layered)) aps_layer_release(former->entry);
		if (former->entry->number > write->last_number) aps_entries_forget(entries, former->entry);
	}
	*entries->last_number = write->last_number;
	end(write);
}

/* Frees what it holds for the next one; aborts. */
void aps_write_clear(struct aps_cache_write *write)
{
	if (write->is_open) aps_write_abort(write);
	aps_free(write->formers);
	*write = (struct aps_cache_write){.cache = NULL};
}

void aps_write_fail(struct aps_cache_write *write)
{
	if (write->err.code == APS_OK) aps_fail(&write->err, APS_E_NOMEM, "no memory for the cache");
}

static struct aps_former *add_former(struct aps_cache_write *write, struct aps_entry *entry)
{
	if (write->n_formers == write->capacity) {
		size_t capacity = write->capacity == 0 ? 64 : write->capacity * 2;
		struct aps_former *formers = aps_realloc(write->formers, capacity * sizeof *formers);
		if (formers == NULL) return NULL;
		write->formers = formers;
		write->capacity = capacity;
	}
	struct aps_former *former = &write->formers[write->n_formers++];
	*former = (struct aps_former){.entry = entry, .content = entry->content, .n_bytes = entry->n_content_bytes};
	write->cache->entries.n_bytes -= entry->n_content_bytes;
	entry->content = NULL;
	entry->n_content_bytes = 0;
	entry->is_in_write = true;
	if (entry->layered != NULL) {
		former->was_stale = entry->layered->is_stale;
		entry->layered->is_stale = false;
	}
	return former;
}

/* Keeps what it has until the end; once for each entry. */
static bool touch(struct aps_cache_write *write, struct aps_entry *entry)
{
	return entry->is_in_write || add_former(write, entry) != NULL;
}

/* An entry under layers shows its base to a write to the base. */
static bool expose(struct aps_cache_write *write, struct aps_entry *entry)
{
	struct aps_layered *layered = entry->layered;
	char *shown = layered->base != NULL ? aps_strndup(layered->base, layered->n_base_bytes) : NULL;
	if (layered->base != NULL && shown == NULL) return false;
	struct aps_former *former = add_former(write, entry);
	if (former == NULL) {
		aps_free(shown);
		return false;
	}
	former->is_exposed = true;
	former->base = layered->base;
	former->n_base_bytes = layered->n_base_bytes;
	layered->base = NULL;
	layered->n_base_bytes = 0;
	aps_entries_set(&write->cache->entries, entry, shown, former->n_base_bytes);
	return true;
}

static struct aps_entry *shown(struct aps_cache_write *write, struct aps_entry *entry)
{
	bool is_hidden = entry != NULL && entry->layered != NULL && write->layer == NULL && !entry->is_in_write;
	if (!is_hidden || expose(write, entry)) return entry;
	aps_write_fail(write);
	return NULL;
}

/* What this write keeps of an entry that it touches. */
static struct aps_former *former_of(const struct aps_cache_write *write, const struct aps_entry *entry)
{
	size_t i = write->n_formers;
	while (write->formers[--i].entry != entry) continue;
	return &write->formers[i];
}

/* Under layers for the first time: what it has is its base. */
static bool cover_first(struct aps_cache_write *write, struct aps_entry *entry)
{
	if (!entry->is_in_write) {
		struct aps_str content = content_of(entry);
		char *copy = content.p != NULL ? aps_strndup(content.p, content.n) : NULL;
		if ((content.p != NULL && copy == NULL) || add_former(write, entry) == NULL) {
			aps_free(copy);
			return false;
		}
		aps_entries_set(&write->cache->entries, entry, copy, content.n);
	}
	if (!aps_layer_hold(entry, nowhere())) return false;
	struct aps_former *former = former_of(write, entry);
	former->is_exposed = true;
	former->base = NULL;
	former->n_base_bytes = former->n_bytes; /* that it had on disk; an abort takes the base away altogether */
	return true;
}

struct aps_entry *aps_write_under_layers(struct aps_cache_write *write, struct aps_entry *entry)
{
	if (write->err.code != APS_OK) return NULL;
	if (entry->layered != NULL) return shown(write, entry);
	if (cover_first(write, entry)) return entry;
	aps_write_fail(write);
	return NULL;
}

static bool note_layer(struct aps_cache_write *write, struct aps_layer *layer)
{
	if (layer->is_leaving || layer->is_changed) return true;
	aps_buf_add(&write->layers, &layer, sizeof layer);
	if (write->layers.rc == APS_OK) return true;
	aps_write_fail(write);
	return false;
}

size_t aps_write_n_layers(const struct aps_cache_write *write)
{
	return write->layers.n / sizeof(struct aps_layer *);
}

struct aps_layer *aps_write_layer_at(const struct aps_cache_write *write, size_t index)
{
	return ((struct aps_layer *const *)(const void *)write->layers.p)[index];
}

void aps_write_exchange(struct aps_cache_write *write, struct aps_layer_patch *leaving, struct aps_entry *entry,
                        struct aps_str patch)
{
	if (write->err.code != APS_OK || !note_layer(write, leaving->layer)) return;
	leaving->layer->is_changed = true;
	if (!aps_layer_exchange(leaving, entry, patch)) aps_write_fail(write);
}

void aps_write_lay(struct aps_cache_write *write, struct aps_entry *entry, uint32_t name, struct aps_str patch)
{
	bool was_layered = entry->layered != NULL;
	if (write->err.code != APS_OK) return;
	bool is_held = aps_layer_hold(entry, content_of(entry));
	if (!is_held || add_former(write, entry) == NULL) {
		if (is_held && !was_layered) aps_layer_release(entry);
		aps_write_fail(write);
		return;
	}
	entry->layered->is_stale = true;
	if (!aps_layer_put(write->layer, entry, patch)) aps_write_fail(write);
	aps_write_report(write, entry, name);
}

void aps_write_leave(struct aps_cache_write *write, struct aps_layer *layer)
{
	if (!note_layer(write, layer)) return;
	layer->is_leaving = true;
	for (const struct aps_layer_patch *patch = layer->patches; patch != NULL; patch = patch->next)
		if (shown(write, patch->entry) == NULL) return;
}

static struct aps_entry *made(struct aps_cache_write *write, struct aps_entry *entry)
{
	if (entry != NULL && touch(write, entry)) return entry;
	if (entry != NULL) aps_entries_forget(&write->cache->entries, entry);
	aps_write_fail(write);
	return NULL;
}

struct aps_entry *aps_write_entry(struct aps_cache_write *write, struct aps_str key)
{
	struct aps_entry *entry = NULL;
	if (write->err.code != APS_OK) return NULL;
	enum aps_rc rc = write->layer != NULL
	                         ? aps_entries_find(&write->cache->entries, key, &entry, &write->err)
	                         : aps_entries_find_below(&write->cache->entries, key, &entry, &write->err);
	if (rc != APS_OK) return NULL;
	return entry != NULL ? shown(write, entry) : made(write, aps_entries_add(&write->cache->entries, key));
}

struct aps_entry *aps_write_at(struct aps_cache_write *write, uint64_t number)
{
	struct aps_entry *entry = NULL;
	if (write->err.code != APS_OK) return NULL;
	if (write->layer != NULL)
		aps_entries_at(&write->cache->entries, number, &entry, &write->err);
	else
		aps_entries_at_below(&write->cache->entries, number, &entry, &write->err);
	return shown(write, entry);
}

struct aps_entry *aps_write_add(struct aps_cache_write *write)
{
	if (write->err.code != APS_OK) return NULL;
	return made(write, aps_entries_add(&write->cache->entries, APS_STR("")));
}

void aps_write_set(struct aps_cache_write *write, struct aps_entry *entry, struct aps_str content)
{
	if (write->err.code != APS_OK) return;
	char *copy = content.p != NULL ? aps_strndup(content.p, content.n) : NULL;
	if ((content.p != NULL && copy == NULL) || content.n > UINT32_MAX || !touch(write, entry)) {
		aps_free(copy);
		aps_write_fail(write);
		return;
	}
	aps_entries_set(&write->cache->entries, entry, copy, content.n);
	if (write->moment == 0) return;
	entry->moment = write->moment;
	if (!write->is_doubt) entry->told_at = write->moment;
}

void aps_write_report(struct aps_cache_write *write, const struct aps_entry *entry, uint32_t name)
{
	const struct aps_change change = {entry->number, name};
	if (write->err.code != APS_OK) return;
	aps_buf_add(&write->changes, &change, sizeof change);
	if (write->changes.rc != APS_OK) aps_write_fail(write);
}

static bool is_record(const struct aps_entry *entry)
{
	return entry->n_key_bytes != 0 && entry->key[0] == 'R';
}

/* Tells of each field of a record that is other than before. */
static void compare_fields(struct aps_cache_write *write, const struct aps_entry *entry, struct aps_str was,
                           struct aps_str is)
{
	struct aps_cell_field former, now;
	bool has_former = aps_cell_take_field(&was, &former), has_now = aps_cell_take_field(&is, &now);
	while (has_former || has_now) {
		int order = !has_former ? 1
		            : !has_now  ? -1
		                        : aps_cell_compare_names(former.name, former.text, now.name, now.text);
		const struct aps_cell_field *either = order < 0 ? &former : &now;
		bool is_same = order == 0 && aps_str_eq(former.whole, now.whole);
		bool is_told = either->name != APS_NAME_CAME && !aps_doubts_are(either);
		if (!is_same && is_told) aps_write_report(write, entry, either->name);
		if (order <= 0) has_former = aps_cell_take_field(&was, &former);
		if (order >= 0) has_now = aps_cell_take_field(&is, &now);
	}
}

static void compare(struct aps_cache_write *write, const struct aps_former *former)
{
	struct aps_str was = {former->content, former->n_bytes}, is = content_of(former->entry);
	if (is_record(former->entry))
		compare_fields(write, former->entry, was, is);
	else if (!aps_str_eq(was, is) || (was.p == NULL) != (is.p == NULL))
		aps_write_report(write, former->entry, 0);
}

/* What was told of entries under layers was told of their base. */
static void drop_hidden_changes(struct aps_cache_write *write)
{
	struct aps_change *changes = (struct aps_change *)(void *)write->changes.p;
	size_t n = aps_write_n_changes(write), n_kept = 0;
	for (size_t i = 0; i < n; i++) {
		const struct aps_entry *entry = aps_entries_peek(&write->cache->entries, changes[i].entry);
		if (entry == NULL || entry->layered == NULL) changes[n_kept++] = changes[i];
	}
	write->changes.n = n_kept * sizeof *changes;
}

/* What was written becomes the base. */
static void keep_base(struct aps_cache_write *write, struct aps_entry *entry)
{
	entry->layered->base = entry->content;
	entry->layered->n_base_bytes = entry->n_content_bytes;
	write->cache->entries.n_bytes -= entry->n_content_bytes;
	entry->content = NULL;
	entry->n_content_bytes = 0;
}

/* Layers that leave or change with the write have one or two of the patches. */
static bool is_lazy(const struct aps_cache_write *write, const struct aps_entry *entry)
{
	return write->cache->entries.layering != NULL &&
	       entry->layered->n_patches >= LAZY_FROM_PATCHES + 2 * aps_write_n_layers(write);
}

/* The entry shows what its layers make of what was written. */
static void cover(struct aps_cache_write *write, struct aps_former *former)
{
	struct aps_entry *entry = former->entry;
	struct aps_buf now;
	bool is_nowhere = false;
	size_t n_bytes;
	if (is_lazy(write, entry)) {
		keep_base(write, entry);
		entry->layered->is_stale = true;
		aps_write_report(write, entry, 0);
		return;
	}
	aps_buf_init(&now, UINT32_MAX);
	aps_buf_add(&now, "", 0);
	enum aps_rc rc =
	        aps_layer_compose(entry, content_of(entry), &write->cache->entries, &now, &is_nowhere, &write->err);
	char *content = rc == APS_OK && !is_nowhere ? aps_strndup(now.n != 0 ? now.p : "", now.n) : NULL;
	n_bytes = is_nowhere ? 0 : now.n;
	aps_buf_clear(&now);
	if (rc == APS_OK && !is_nowhere && content == NULL) aps_write_fail(write);
	if (write->err.code != APS_OK) {
		aps_free(content);
		return;
	}
	keep_base(write, entry);
	aps_entries_set(&write->cache->entries, entry, content, n_bytes);
	compare(write, former);
}

/* What an entry shows without the patch that it was given as it is. */
static struct aps_str compose_without(struct aps_cache_write *write, struct aps_layer_patch *own, struct aps_buf *out)
{
	bool is_nowhere = false;
	own->is_leaving = true;
	aps_layer_compose(own->entry, aps_entry_base(own->entry), &write->cache->entries, out, &is_nowhere,
	                  &write->err);
	own->is_leaving = false;
	return is_nowhere ? nowhere() : aps_buf_str(out);
}

/* What was written becomes the layer's patch. */
static void keep_patch(struct aps_cache_write *write, struct aps_former *former)
{
	struct aps_entry *entry = former->entry;
	struct aps_layer_patch *own = entry->layered != NULL ? aps_layer_patch_of(write->layer, entry) : NULL;
	struct aps_buf patch, below;
	struct aps_str was = {former->content, former->n_bytes};
	if (own != NULL && entry->layered->is_stale) return; /* nothing was written beside it */
	aps_buf_init(&patch, APS_BUF_ANY_SIZE);
	aps_buf_init(&below, APS_BUF_ANY_SIZE);
	aps_buf_add(&below, "", 0);
	if (own != NULL) was = compose_without(write, own, &below);
	enum aps_patch_kind kind = is_record(entry) ? APS_PATCH_FIELDS : APS_PATCH_VALUE;
	if (aps_patch_make(&patch, kind, was, content_of(entry), &write->cache->entries, &write->err) == APS_OK &&
	    patch.n != 0) {
		if (!aps_layer_hold(entry, was) || !aps_layer_put(write->layer, entry, aps_buf_str(&patch)))
			aps_write_fail(write);
	}
	aps_buf_clear(&patch);
	aps_buf_clear(&below);
}

bool aps_write_settle(struct aps_cache_write *write)
{
	if (write->err.code != APS_OK) return false;
	if (write->layer == NULL && write->cache->layers.by_id.n_items != 0) drop_hidden_changes(write);
	for (size_t i = 0; i < write->n_formers && write->err.code == APS_OK; i++) {
		struct aps_former *former = &write->formers[i];
		if (write->layer != NULL)
			keep_patch(write, former);
		else if (former->is_exposed)
			cover(write, former);
	}
	return write->err.code == APS_OK;
}

size_t aps_write_n_changes(const struct aps_cache_write *write)
{
	return write->changes.n / sizeof(struct aps_change);
}

const struct aps_change *aps_write_changes(const struct aps_cache_write *write)
{
	return (const struct aps_change *)(const void *)write->changes.p;
}

size_t aps_write_n_entries(const struct aps_cache_write *write)
{
	return write->n_formers;
}

const struct aps_entry *aps_write_entry_at(const struct aps_cache_write *write, size_t index)
{
	return write->formers[index].entry;
}

struct aps_str aps_write_before(const struct aps_cache_write *write, size_t index)
{
	const struct aps_former *former = &write->formers[index];
	if (former->is_exposed) return (struct aps_str){former->base, former->base != NULL ? former->n_base_bytes : 0};
	return (struct aps_str){former->content, former->content != NULL ? former->n_bytes : 0};
}

/* A layer leaves what is below it as it is. */
size_t aps_write_n_bytes_before(const struct aps_cache_write *write, size_t index)
{
	const struct aps_former *former = &write->formers[index];
	if (former->is_exposed) return former->n_base_bytes;
	return write->layer != NULL ? aps_entry_base(former->entry).n : former->n_bytes;
}
