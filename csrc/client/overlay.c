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
}

static struct aps_pending_edits **place_of_last(struct aps_overlay *overlay)
{
	struct aps_pending_edits **at = &overlay->first;
	while (*at != NULL && (*at)->next != NULL) at = &(*at)->next;
	return at;
}

struct aps_edits *aps_overlay_edits(struct aps_overlay *overlay)
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

void aps_overlay_drop(struct aps_overlay *overlay, uint64_t number)
{
	while (overlay->first != NULL && overlay->first->number != 0 && overlay->first->number <= number) {
		struct aps_pending_edits *pending = overlay->first;
		aps_overlay_hide(overlay);
		overlay->first = pending->next;
		free_pending(pending);
	}
}

static enum aps_rc begin(struct aps_overlay *overlay, struct aps_err *err)
{
	if (overlay->write.is_open) return APS_OK;
	aps_names_lend(&overlay->cache->names);
	aps_write_begin(&overlay->write, overlay->cache);
	aps_merge_clear(&overlay->merge);
	if (aps_merge_init(&overlay->merge, &overlay->write)) return APS_OK;
	return aps_fail(err, APS_E_NOMEM, "no memory for what was written into the cache");
}

/* Whether there are such lists, or with something in them that isn't shown. */
static bool has_any(const struct aps_overlay *overlay, bool is_hoped, bool is_new)
{
	const struct aps_pending_edits *pending = overlay->first;
	while (pending != NULL && (pending->is_hoped != is_hoped ||
	                           (is_new && pending->n_shown == aps_edits_count(pending->edits))))
		pending = pending->next;
	return pending != NULL;
}

bool aps_overlay_shows_hopes(const struct aps_overlay *overlay)
{
	return overlay->write.is_open && overlay->write.is_above && has_any(overlay, true, false);
}

static enum aps_rc show_some(struct aps_overlay *overlay, bool is_hoped, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	for (struct aps_pending_edits *pending = overlay->first; rc == APS_OK && pending != NULL;
	     pending = pending->next) {
		size_t n = aps_edits_count(pending->edits);
		if (pending->is_hoped != is_hoped || pending->n_shown == n) continue;
		rc = begin(overlay, err);
		if (rc == APS_OK)
			rc = aps_edits_apply(pending->edits, pending->n_shown, &overlay->merge, overlay->policies, err);
		if (rc == APS_OK) pending->n_shown = n;
	}
	return rc;
}

/* What is below is done before anything above it. */
static enum aps_rc rise(struct aps_overlay *overlay, struct aps_err *err)
{
	enum aps_rc rc = begin(overlay, err);
	if (rc != APS_OK || aps_write_rise(&overlay->write)) return rc;
	*err = overlay->write.err;
	return err->code;
}

enum aps_rc aps_overlay_show(struct aps_overlay *overlay, struct aps_err *err)
{
	struct aps_cache_write *write = &overlay->write;
	bool shows_hopes = !overlay->is_below && has_any(overlay, true, false);
	if (write->is_open && write->is_above && has_any(overlay, false, true)) aps_overlay_hide(overlay);
	enum aps_rc rc = show_some(overlay, false, err);
	bool rises = shows_hopes || (write->is_open && aps_write_is_under_layers(write));
	if (rc == APS_OK && rises) rc = rise(overlay, err);
	if (rc == APS_OK && shows_hopes) rc = show_some(overlay, true, err);
	if (rc != APS_OK) aps_overlay_hide(overlay);
	return rc;
}

void aps_overlay_hide(struct aps_overlay *overlay)
{
	if (!overlay->write.is_open) return;
	aps_write_abort(&overlay->write);
	aps_names_take_back(&overlay->cache->names);
	for (struct aps_pending_edits *pending = overlay->first; pending != NULL; pending = pending->next)
		pending->n_shown = 0;
}
