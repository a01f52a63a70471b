#include "client/overlay.h"

#include "base/mem.h"

struct aps_pending_edits {
	struct aps_pending_edits *next;
	struct aps_edits *edits;
	size_t n_shown;
	uint64_t number; /* 0: the list isn't complete */
	bool is_hoped;   /* an optimistic layer */
};

void aps_overlay_init(struct aps_overlay *overlay, struct aps_cache *cache, const struct aps_policies *policies)
{
	*overlay = (struct aps_overlay){.cache = cache, .policies = policies};
	aps_buf_init(&overlay->touched, APS_BUF_ANY_SIZE);
	aps_buf_init(&overlay->changes, APS_BUF_ANY_SIZE);
}

static void free_pending(struct aps_pending_edits *pending)
{
	aps_edits_unref(pending->edits);
	aps_free(pending);
}

void aps_overlay_clear(struct aps_overlay *overlay)
{
	aps_overlay_hide(overlay);
	while (overlay->first != NULL) {
		struct aps_pending_edits *pending = overlay->first;
		overlay->first = pending->next;
		free_pending(pending);
	}
	aps_write_clear(&overlay->write);
	aps_merge_clear(&overlay->merge);
	aps_buf_clear(&overlay->touched);
	aps_buf_clear(&overlay->changes);
}

static struct aps_pending_edits **place_of_last(struct aps_overlay *overlay)
{
	struct aps_pending_edits **at = &overlay->first;
	while (*at != NULL && (*at)->next != NULL) at = &(*at)->next;
	return at;
}

static struct aps_edits *open_edits(struct aps_overlay *overlay)
{
	struct aps_pending_edits **at = place_of_last(overlay);
	if (*at != NULL && (*at)->number == 0) return (*at)->edits;
	struct aps_pending_edits *pending = aps_calloc(1, sizeof *pending);
	if (pending == NULL) return NULL;
	pending->is_hoped = overlay->hopes;
	pending->edits = aps_edits_new();
	if (pending->edits == NULL) {
		aps_free(pending);
		return NULL;
	}
	*(*at != NULL ? &(*at)->next : at) = pending;
	return pending->edits;
}

bool aps_overlay_has_open_edits(struct aps_overlay *overlay)
{
	const struct aps_pending_edits *last = *place_of_last(overlay);
	return last != NULL && last->number == 0;
}

uint64_t aps_overlay_close(struct aps_overlay *overlay, struct aps_edits **edits)
{
	struct aps_pending_edits *last = *place_of_last(overlay);
	if (last == NULL || last->number != 0) return 0;
	last->number = ++overlay->last_number;
	*edits = aps_edits_ref(last->edits);
	return last->number;
}

struct aps_edits *aps_overlay_take_back(struct aps_overlay *overlay)
{
	struct aps_pending_edits **at = place_of_last(overlay), *last = *at;
	if (last == NULL) return NULL;
	if (last->n_shown != 0) aps_overlay_hide(overlay);
	struct aps_edits *edits = last->edits;
	*at = NULL;
	aps_free(last);
	return edits;
}

static void drop_empty(struct aps_overlay *overlay, const struct aps_edits *edits)
{
	if (aps_edits_count(edits) == 0) aps_edits_unref(aps_overlay_take_back(overlay));
}

bool aps_overlay_add(struct aps_overlay *overlay, const struct aps_edit_what *what)
{
	struct aps_edits *edits = open_edits(overlay);
	bool is_added = edits != NULL && aps_edits_add(edits, what);
	if (edits != NULL) drop_empty(overlay, edits);
	return is_added;
}

void aps_overlay_drop_last(struct aps_overlay *overlay)
{
	struct aps_edits *edits = open_edits(overlay);
	aps_edits_drop_last(edits);
	drop_empty(overlay, edits);
}

void aps_overlay_drop(struct aps_overlay *overlay, uint64_t number)
{
	while (overlay->first != NULL && overlay->first->number != 0 && overlay->first->number <= number) {
		struct aps_pending_edits *pending = overlay->first;
		aps_overlay_hide(overlay);
		overlay->first = pending->next;
		free_pending(pending);
	}
}

bool aps_overlay_has_hopes(const struct aps_overlay *overlay)
{
	const struct aps_pending_edits *pending = overlay->first;
	while (pending != NULL && !pending->is_hoped) pending = pending->next;
	return pending != NULL;
}

static enum aps_rc fail_memory(struct aps_err *err)
{
	return aps_fail(err, APS_E_NOMEM, "no memory for what was written into the cache");
}

static enum aps_rc begin(struct aps_overlay *overlay, bool is_hoped, struct aps_err *err)
{
	if (!overlay->is_shown) {
		aps_names_lend(&overlay->cache->names);
		overlay->last_entry = *overlay->cache->entries.last_number;
	}
	overlay->is_shown = true;
	if (is_hoped)
		aps_write_begin_layer(&overlay->write, overlay->cache, ++overlay->last_layer);
	else
		aps_write_begin(&overlay->write, overlay->cache);
	aps_merge_clear(&overlay->merge);
	return aps_merge_init(&overlay->merge, &overlay->write) ? APS_OK : fail_memory(err);
}

/* What was touched stays in memory until it is hidden. */
static bool note_touched(struct aps_overlay *overlay)
{
	struct aps_cache_write *write = &overlay->write;
	for (size_t i = 0; i < aps_write_n_entries(write); i++) {
		uint64_t number = aps_write_entry_at(write, i)->number;
		aps_buf_add(&overlay->touched, &number, sizeof number);
	}
	aps_buf_add(&overlay->changes, aps_write_changes(write),
	            aps_write_n_changes(write) * sizeof(struct aps_change));
	if (overlay->touched.rc != APS_OK || overlay->changes.rc != APS_OK) return false;
	for (size_t i = 0; i < aps_write_n_entries(write); i++)
		aps_entries_peek(&overlay->cache->entries, aps_write_entry_at(write, i)->number)->n_holds++;
	return true;
}

static enum aps_rc show_list(struct aps_overlay *overlay, struct aps_pending_edits *pending, struct aps_err *err)
{
	size_t n = aps_edits_count(pending->edits);
	enum aps_rc rc = begin(overlay, pending->is_hoped, err);
	if (rc == APS_OK)
		rc = aps_edits_apply(pending->edits, pending->n_shown, &overlay->merge, overlay->policies, err);
	if (rc == APS_OK && !aps_write_settle(&overlay->write)) {
		*err = overlay->write.err;
		rc = err->code;
	}
	if (rc == APS_OK && !note_touched(overlay)) rc = fail_memory(err);
	if (rc != APS_OK) {
		aps_write_abort(&overlay->write);
		return rc;
	}
	aps_write_commit(&overlay->write);
	overlay->n_showings++;
	pending->n_shown = n;
	return APS_OK;
}

/* Only the last list grows: what is new is above what is shown. */
enum aps_rc aps_overlay_show(struct aps_overlay *overlay, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (struct aps_pending_edits *pending = overlay->first; rc == APS_OK && pending != NULL;
	     pending = pending->next) {
		bool is_skipped = pending->is_hoped && overlay->is_below;
		if (!is_skipped && pending->n_shown != aps_edits_count(pending->edits))
			rc = show_list(overlay, pending, err);
	}
	if (rc != APS_OK) aps_overlay_hide(overlay);
	return rc;
}

void aps_overlay_hide(struct aps_overlay *overlay)
{
	const uint64_t *touched = (const uint64_t *)(const void *)overlay->touched.p;
	if (!overlay->is_shown) return;
	overlay->is_shown = false;
	overlay->n_showings++;
	aps_layers_clear(&overlay->cache->layers);
	for (size_t i = 0; i < overlay->touched.n / sizeof *touched; i++)
		aps_entries_forget_number(&overlay->cache->entries, touched[i]);
	aps_buf_clear(&overlay->touched);
	aps_buf_clear(&overlay->changes);
	*overlay->cache->entries.last_number = overlay->last_entry;
	aps_names_take_back(&overlay->cache->names);
	for (struct aps_pending_edits *pending = overlay->first; pending != NULL; pending = pending->next)
		pending->n_shown = 0;
}

void aps_overlay_changes_since(const struct aps_overlay *overlay, size_t n_before, struct aps_buf *out)
{
	const struct aps_change *changes = (const struct aps_change *)(const void *)overlay->changes.p;
	for (size_t i = n_before; i < overlay->changes.n / sizeof *changes; i++) {
		struct aps_entry *entry = NULL;
		if (aps_entries_at(&overlay->cache->entries, changes[i].entry, &entry, NULL) != APS_OK || entry == NULL)
			continue;
		struct aps_str key = aps_entry_key(entry);
		struct aps_str name = aps_names_text(&overlay->cache->names, changes[i].name);
		if (key.n != 0) aps_buf_add(out, key.p + 1, key.n - 1);
		if (name.n != 0) aps_buf_add_byte(out, '.');
		aps_buf_add_str(out, name);
		aps_buf_add_byte(out, '\0');
	}
}
