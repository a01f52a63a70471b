#include "cache/asked_merges.h"

#include "base/mem.h"

struct aps_asked_merges *aps_asked_merges_new(void)
{
	struct aps_asked_merges *merges = aps_calloc(1, sizeof *merges);
	if (merges == NULL) return NULL;
	atomic_init(&merges->n_refs, 1);
	aps_buf_init(&merges->items, APS_BUF_ANY_SIZE);
	aps_buf_init(&merges->text, APS_BUF_ANY_SIZE);
	return merges;
}

struct aps_asked_merges *aps_asked_merges_ref(struct aps_asked_merges *merges)
{
	atomic_fetch_add_explicit(&merges->n_refs, 1, memory_order_relaxed);
	return merges;
}

void aps_asked_merges_unref(struct aps_asked_merges *merges)
{
	if (merges == NULL || atomic_fetch_sub_explicit(&merges->n_refs, 1, memory_order_acq_rel) != 1) return;
	aps_buf_clear(&merges->items);
	aps_buf_clear(&merges->text);
	aps_free(merges);
}

size_t aps_asked_merges_bytes(const struct aps_asked_merges *merges)
{
	return sizeof *merges + merges->items.n + merges->text.n;
}

static struct aps_asked_merge *items_of(const struct aps_asked_merges *merges)
{
	return (struct aps_asked_merge *)(void *)merges->items.p;
}

size_t aps_asked_merges_count(const struct aps_asked_merges *merges)
{
	return merges->items.n / sizeof(struct aps_asked_merge);
}

const struct aps_asked_merge *aps_asked_merges_at(const struct aps_asked_merges *merges, size_t index)
{
	return &items_of(merges)[index];
}

struct aps_str aps_asked_merges_text(const struct aps_asked_merges *merges, struct aps_asked_text text)
{
	return text.n != 0 ? (struct aps_str){merges->text.p + text.at, text.n} : APS_STR("");
}

static struct aps_asked_text keep(struct aps_asked_merges *merges, struct aps_str text)
{
	const struct aps_asked_text kept = {merges->text.n, text.n};
	aps_buf_add_str(&merges->text, text);
	return kept;
}

/* Whether it was asked for as it is now. */
static bool is_same(const struct aps_asked_merges *merges, const struct aps_asked_merge *item,
                    const struct aps_merge_question *question)
{
	return aps_str_eq(aps_asked_merges_text(merges, item->existing), question->existing) &&
	       aps_str_eq(aps_asked_merges_text(merges, item->incoming), question->incoming);
}

/* False: no memory, and nothing has changed. */
static bool note(struct aps_asked_merges *merges, size_t index, const struct aps_merge_question *question)
{
	struct aps_asked_merge item = {.state = APS_MERGE_OPEN};
	size_t n_text = merges->text.n;
	item.field.at = n_text;
	aps_buf_add_str(&merges->text, question->type);
	aps_buf_add_byte(&merges->text, '.');
	aps_buf_add_str(&merges->text, question->name);
	item.field.n = merges->text.n - n_text;
	item.args = keep(merges, question->args);
	item.existing = keep(merges, question->existing);
	item.incoming = keep(merges, question->incoming);
	if (merges->text.rc == APS_OK && index == aps_asked_merges_count(merges))
		aps_buf_add(&merges->items, &item, sizeof item);
	else if (merges->text.rc == APS_OK)
		items_of(merges)[index] = item;
	if (merges->text.rc == APS_OK && merges->items.rc == APS_OK) return true;
	merges->text.rc = merges->items.rc = APS_OK;
	merges->text.n = n_text;
	return false;
}

bool aps_asked_merges_take(struct aps_asked_merges *merges, size_t index, const struct aps_merge_question *question,
                           enum aps_merge_state *state, struct aps_str *result)
{
	bool is_known = index < aps_asked_merges_count(merges);
	const struct aps_asked_merge *item = is_known ? aps_asked_merges_at(merges, index) : NULL;
	*result = APS_STR("");
	*state = APS_MERGE_UNTOLD;
	if (merges->is_settled && !is_known) return true;
	if (is_known && (merges->is_settled || (item->state != APS_MERGE_OPEN && is_same(merges, item, question)))) {
		*state = item->state == APS_MERGE_TOLD ? APS_MERGE_TOLD : APS_MERGE_UNTOLD;
		*result = aps_asked_merges_text(merges, item->result);
		return true;
	}
	*state = APS_MERGE_OPEN;
	return note(merges, index, question);
}

bool aps_asked_merges_are_open(const struct aps_asked_merges *merges)
{
	size_t i = 0, n = merges->is_settled ? 0 : aps_asked_merges_count(merges);
	while (i < n && items_of(merges)[i].state != APS_MERGE_OPEN) i++;
	return i < n;
}

bool aps_asked_merges_tell(struct aps_asked_merges *merges, size_t index, struct aps_str result)
{
	struct aps_asked_merge *item = &items_of(merges)[index];
	size_t n_text = merges->text.n;
	item->state = APS_MERGE_UNTOLD;
	if (result.n == 0) return true;
	item->result = keep(merges, result);
	if (merges->text.rc != APS_OK) {
		merges->text.rc = APS_OK;
		merges->text.n = n_text;
		item->result = (struct aps_asked_text){0, 0};
		return false;
	}
	item->state = APS_MERGE_TOLD;
	return true;
}
