#include "cache/layer_mentions.h"

#include "cache/references.h"

#include <stdlib.h>

struct gathering {
	struct aps_reference_sink sink;
	struct aps_buf *numbers;
};

static void add(struct aps_buf *numbers, uint64_t number)
{
	if (number != 0) aps_buf_add(numbers, &number, sizeof number);
}

static void found(struct aps_reference_sink *sink, const struct aps_reference *reference)
{
	struct gathering *gathering = APS_CONTAINER_OF(sink, struct gathering, sink);
	if (reference->kind == APS_REFERS_TO_RECORD) add(gathering->numbers, reference->entry);
}

static int compare(const void *a, const void *b)
{
	uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
	return (one > other) - (one < other);
}

static void sort_once(struct aps_buf *numbers)
{
	uint64_t *all = (uint64_t *)(void *)numbers->p;
	size_t n = numbers->n / sizeof *all, n_kept = 0;
	if (n != 0) qsort(all, n, sizeof *all, compare);
	for (size_t i = 0; i < n; i++)
		if (n_kept == 0 || all[n_kept - 1] != all[i]) all[n_kept++] = all[i];
	numbers->n = n_kept * sizeof *all;
}

/* Those that are nowhere without layers, but for the ones among `patched`. */
static enum aps_rc keep_unknown(struct aps_buf *numbers, const struct aps_buf *patched, struct aps_entries *entries,
                                struct aps_err *err)
{
	uint64_t *all = (uint64_t *)(void *)numbers->p;
	size_t n = numbers->n / sizeof *all, n_patched = patched->n / sizeof *all, n_kept = 0;
	enum aps_rc rc = APS_OK;
	for (size_t i = 0; rc == APS_OK && i < n; i++) {
		struct aps_entry *entry;
		if (n_patched != 0 && bsearch(&all[i], patched->p, n_patched, sizeof *all, compare) != NULL) continue;
		rc = aps_entries_at_below(entries, all[i], &entry, err);
		if (rc == APS_OK && entry != NULL && aps_entry_base(entry).p == NULL) all[n_kept++] = all[i];
	}
	numbers->n = n_kept * sizeof *all;
	return rc;
}

enum aps_rc aps_layer_mentions(const struct aps_layer *layer, struct aps_entries *entries, struct aps_buf *numbers,
                               struct aps_err *err)
{
	struct aps_buf patched;
	aps_buf_init(&patched, APS_BUF_ANY_SIZE);
	struct gathering gathering = {{found}, numbers};
	for (const struct aps_layer_patch *patch = layer->patches; patch != NULL; patch = patch->next) {
		if (patch->is_leaving) continue;
		add(&patched, patch->entry->number);
		add(numbers, aps_key_owner(aps_entry_key(patch->entry)));
		aps_references_of_patch((struct aps_str){patch->bytes, patch->n_bytes}, &gathering.sink);
	}
	sort_once(&patched);
	sort_once(numbers);
	bool is_short = patched.rc != APS_OK || numbers->rc != APS_OK;
	enum aps_rc rc = is_short ? aps_fail(err, APS_E_NOMEM, "no memory for an optimistic layer")
	                          : keep_unknown(numbers, &patched, entries, err);
	aps_buf_clear(&patched);
	return rc;
}
