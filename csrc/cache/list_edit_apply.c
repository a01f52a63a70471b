/* A list as links, so that an edit moves nothing. A few edits look for their items from the beginning; many look them
 * up in an index. */
#include "cache/list_edit.h"

#include "base/mem.h"

#define NONE UINT32_MAX
/* Each edit has an item or two, of two bytes at least: with fewer an index doesn't pay. */
#define INDEX_FROM_BYTES 48

struct item {
	struct aps_str value;
	uint32_t next, previous; /* index, NONE at the ends */
	uint32_t next_alike;     /* in a slot of the index */
};

struct chain {
	struct aps_buf items; /* of struct item; [0] is before the first */
	uint32_t last;
	uint32_t *slots;
	size_t n_slots;
};

struct edit {
	char kind;
	struct aps_str item, neighbour;
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

static bool take_edit(struct aps_str *edits, struct edit *edit)
{
	struct aps_cell cell;
	*edit = (struct edit){.kind = edits->p[0]};
	if (edit->kind != '-' && edit->kind != '^' && edit->kind != '+') return false;
	edits->p++;
	edits->n--;
	if (!aps_cell_take(edits, &cell)) return false;
	edit->item = cell.whole;
	if (edit->kind != '+') return true;
	if (!aps_cell_take(edits, &cell)) return false;
	edit->neighbour = cell.whole;
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

/* The first that is equal; NONE: there is none. */
static uint32_t find(const struct chain *chain, struct aps_str value)
{
	uint32_t i = *slot_of(chain, value);
	while (i != NONE && !aps_str_eq(item_at(chain, i)->value, value)) i = item_at(chain, i)->next_alike;
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
	uint32_t *at = slot_of(chain, item->value);
	while (*at != gone) at = &item_at(chain, *at)->next_alike;
	*at = item->next_alike;
}

static bool apply_one(struct chain *chain, const struct edit *edit)
{
	uint32_t known = find(chain, edit->item), left = 0;
	if (edit->kind == '-' && known != NONE) remove_item(chain, known);
	if (edit->kind == '-' || known != NONE) return true; /* the service has it by now */
	if (edit->kind == '+') left = find(chain, edit->neighbour);
	return insert_after(chain, left != NONE ? left : chain->last, edit->item);
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

static enum aps_rc apply_many(struct aps_buf *out, struct aps_str items, struct aps_str edits, uint64_t *n_items,
                              struct aps_err *err)
{
	struct chain chain = {.last = 0};
	struct edit edit;
	aps_buf_init(&chain.items, APS_BUF_ANY_SIZE);
	enum aps_rc rc = read_items(&chain, items, err);
	if (rc == APS_OK && !index_all(&chain, edits.n / 3)) rc = fail_memory(err);
	while (rc == APS_OK && edits.n != 0) {
		if (!take_edit(&edits, &edit))
			rc = fail_damaged(err);
		else if (!apply_one(&chain, &edit))
			rc = fail_memory(err);
	}
	for (uint32_t i = rc == APS_OK ? item_at(&chain, 0)->next : NONE; i != NONE; i = item_at(&chain, i)->next) {
		aps_buf_add_str(out, item_at(&chain, i)->value);
		(*n_items)++;
	}
	aps_buf_clear(&chain.items);
	aps_free(chain.slots);
	return rc;
}

/* Where an edit has something to do. */
struct place {
	size_t item_at, item_end; /* SIZE_MAX: it isn't there */
	size_t left_end;          /* behind the neighbour; SIZE_MAX: likewise */
	uint64_t n_items;
};

static bool look(struct aps_str items, const struct edit *edit, struct place *place)
{
	struct aps_str rest = items;
	struct aps_cell value;
	*place = (struct place){SIZE_MAX, SIZE_MAX, SIZE_MAX, 0};
	while (rest.n != 0) {
		size_t at = items.n - rest.n;
		if (!aps_cell_take(&rest, &value)) return false;
		place->n_items++;
		size_t end = items.n - rest.n;
		if (place->item_at == SIZE_MAX && aps_str_eq(value.whole, edit->item)) {
			place->item_at = at;
			place->item_end = end;
		}
		if (place->left_end == SIZE_MAX && aps_str_eq(value.whole, edit->neighbour)) place->left_end = end;
	}
	return true;
}

static struct aps_str part(struct aps_str items, size_t from, size_t to)
{
	return (struct aps_str){items.p + from, to - from};
}

static void splice(struct aps_buf *out, struct aps_str items, const struct edit *edit, struct place *place)
{
	bool is_there = place->item_at != SIZE_MAX;
	size_t at = edit->kind == '^' ? 0 : place->left_end != SIZE_MAX ? place->left_end : items.n;
	if (edit->kind == '-' && is_there) {
		aps_buf_add_str(out, part(items, 0, place->item_at));
		aps_buf_add_str(out, part(items, place->item_end, items.n));
		place->n_items--;
	} else if (edit->kind != '-' && !is_there) {
		aps_buf_add_str(out, part(items, 0, at));
		aps_buf_add_str(out, edit->item);
		aps_buf_add_str(out, part(items, at, items.n));
		place->n_items++;
	} else {
		aps_buf_add_str(out, items);
	}
}

static enum aps_rc apply_few(struct aps_buf *out, struct aps_str items, struct aps_str edits, uint64_t *n_items,
                             struct aps_err *err)
{
	struct aps_buf made[2];
	struct edit edit;
	struct place place;
	enum aps_rc rc = APS_OK;
	for (int i = 0; i < 2; i++) aps_buf_init(&made[i], APS_BUF_ANY_SIZE);
	for (int turn = 0; rc == APS_OK && edits.n != 0; turn = 1 - turn) {
		if (!take_edit(&edits, &edit) || !look(items, &edit, &place)) {
			rc = fail_damaged(err);
			break;
		}
		aps_buf_reset(&made[turn]);
		struct aps_buf *target = edits.n == 0 ? out : &made[turn];
		splice(target, items, &edit, &place);
		if (target->rc != APS_OK) rc = fail_memory(err);
		items = made[turn].n != 0 ? aps_buf_str(&made[turn]) : APS_STR("");
		*n_items = place.n_items;
	}
	for (int i = 0; i < 2; i++) aps_buf_clear(&made[i]);
	return rc;
}

static enum aps_rc copy_all(struct aps_buf *out, struct aps_str items, uint64_t *n_items, struct aps_err *err)
{
	struct aps_cell value;
	aps_buf_add_str(out, items);
	for (; items.n != 0; (*n_items)++)
		if (!aps_cell_take(&items, &value)) return fail_damaged(err);
	return APS_OK;
}

enum aps_rc aps_list_edit_apply(struct aps_buf *out, struct aps_str items, struct aps_str edits, uint64_t *n_items,
                                struct aps_err *err)
{
	enum aps_rc rc;
	*n_items = 0;
	if (edits.n == 0)
		rc = copy_all(out, items, n_items, err);
	else
		rc = edits.n < INDEX_FROM_BYTES ? apply_few(out, items, edits, n_items, err)
		                                : apply_many(out, items, edits, n_items, err);
	return rc == APS_OK && out->rc != APS_OK ? fail_memory(err) : rc;
}
