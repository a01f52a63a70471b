/* A list as links, so that an edit moves nothing. A few edits look for their items from the beginning; many look them
 * up in an index. */
#include "cache/list_edit.h"

#include "base/mem.h"

#define NONE UINT32_MAX
/* With fewer an index doesn't pay: each has an item or two, of two bytes at least. */
#define INDEX_FROM_BYTES 64

struct item {
	struct aps_str value;
	uint32_t next, previous; /* index, NONE at the ends */
	uint32_t next_alike;     /* in a slot of the index */
};

struct chain {
	struct aps_buf items; /* of struct item; [0] is before the first */
	uint32_t last;
	uint32_t *slots; /* NULL: no index */
	size_t n_slots;
};

static enum aps_rc fail_memory(struct aps_err *err)
{
	return aps_fail(err, APS_E_NOMEM, "no memory for an edit of a list");
}

static enum aps_rc fail_damaged(struct aps_err *err)
{
	return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a list in the cache is damaged");
}

static struct item *item_at(const struct chain *chain, uint32_t index)
{
	return (struct item *)(void *)chain->items.p + index;
}

static uint32_t *slot_of(const struct chain *chain, struct aps_str value)
{
	return &chain->slots[aps_str_hash(value, 0) & (chain->n_slots - 1)];
}

static void index_item(struct chain *chain, uint32_t index)
{
	uint32_t *slot = slot_of(chain, item_at(chain, index)->value);
	item_at(chain, index)->next_alike = *slot;
	*slot = index;
}

/* From the end: of equal ones the first is found first. `n_more`: that may come. */
static bool index_all(struct chain *chain, size_t n_more)
{
	size_t n = chain->items.n / sizeof(struct item);
	chain->n_slots = 16;
	while (chain->n_slots < n + n_more) chain->n_slots *= 2;
	chain->slots = aps_malloc(chain->n_slots * sizeof *chain->slots);
	if (chain->slots == NULL) return false;
	for (size_t i = 0; i < chain->n_slots; i++) chain->slots[i] = NONE;
	for (uint32_t i = chain->last; i != 0; i = item_at(chain, i)->previous) index_item(chain, i);
	return true;
}

static bool insert_after(struct chain *chain, uint32_t before, struct aps_str value)
{
	size_t n = chain->items.n / sizeof(struct item);
	struct item item = {value, n != 0 ? item_at(chain, before)->next : NONE, n != 0 ? before : NONE, NONE};
	aps_buf_add(&chain->items, &item, sizeof item);
	if (chain->items.rc != APS_OK || n >= NONE) return false;
	if (n != 0) item_at(chain, before)->next = (uint32_t)n;
	if (item.next == NONE)
		chain->last = (uint32_t)n;
	else
		item_at(chain, item.next)->previous = (uint32_t)n;
	if (chain->slots != NULL) index_item(chain, (uint32_t)n);
	return true;
}

/* The first that is equal; NONE: there is none. */
static uint32_t find(const struct chain *chain, struct aps_str value)
{
	bool has_index = chain->slots != NULL;
	uint32_t i = has_index ? *slot_of(chain, value) : item_at(chain, 0)->next;
	while (i != NONE && !aps_str_eq(item_at(chain, i)->value, value))
		i = has_index ? item_at(chain, i)->next_alike : item_at(chain, i)->next;
	return i;
}

static void remove_item(struct chain *chain, uint32_t gone)
{
	const struct item *item = item_at(chain, gone);
	item_at(chain, item->previous)->next = item->next;
	if (item->next == NONE)
		chain->last = item->previous;
	else
		item_at(chain, item->next)->previous = item->previous;
	if (chain->slots == NULL) return;
	uint32_t *at = slot_of(chain, item->value);
	while (*at != gone) at = &item_at(chain, *at)->next_alike;
	*at = item->next_alike;
}

static enum aps_rc apply_one(struct chain *chain, struct aps_str *edits, struct aps_err *err)
{
	char kind = edits->p[0];
	struct aps_cell item, neighbour;
	edits->p++;
	edits->n--;
	if (!aps_cell_take(edits, &item)) return fail_damaged(err);
	uint32_t known = find(chain, item.whole), place = 0;
	if (kind == '-') {
		if (known != NONE) remove_item(chain, known);
		return APS_OK;
	}
	if (kind == '+') {
		if (!aps_cell_take(edits, &neighbour)) return fail_damaged(err);
		uint32_t left = known == NONE ? find(chain, neighbour.whole) : NONE;
		place = left != NONE ? left : chain->last;
	} else if (kind != '^') {
		return fail_damaged(err);
	}
	if (known != NONE) return APS_OK; /* the service has it by now */
	return insert_after(chain, place, item.whole) ? APS_OK : fail_memory(err);
}

static enum aps_rc read_items(struct chain *chain, struct aps_str items, struct aps_err *err)
{
	struct aps_cell value;
	if (!insert_after(chain, 0, APS_STR(""))) return fail_memory(err);
	while (items.n != 0) {
		if (!aps_cell_take(&items, &value)) return fail_damaged(err);
		if (!insert_after(chain, chain->last, value.whole)) return fail_memory(err);
	}
	return APS_OK;
}

enum aps_rc aps_list_edit_apply(struct aps_buf *out, struct aps_str items, struct aps_str edits, uint64_t *n_items,
                                struct aps_err *err)
{
	struct chain chain = {.last = 0};
	aps_buf_init(&chain.items, APS_BUF_ANY_SIZE);
	enum aps_rc rc = read_items(&chain, items, err);
	if (rc == APS_OK && edits.n >= INDEX_FROM_BYTES && !index_all(&chain, edits.n / 3)) rc = fail_memory(err);
	while (rc == APS_OK && edits.n != 0) rc = apply_one(&chain, &edits, err);
	*n_items = 0;
	for (uint32_t i = rc == APS_OK ? item_at(&chain, 0)->next : NONE; i != NONE; i = item_at(&chain, i)->next) {
		aps_buf_add_str(out, item_at(&chain, i)->value);
		(*n_items)++;
	}
	aps_buf_clear(&chain.items);
	aps_free(chain.slots);
	return rc == APS_OK && out->rc != APS_OK ? fail_memory(err) : rc;
}
