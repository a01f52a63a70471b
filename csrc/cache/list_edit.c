#include "cache/list_edit.h"

#include "base/map.h"
#include "base/mem.h"

#define NONE UINT32_MAX

/* The items of a list, and where in the other one each stands. */
struct side {
	struct aps_str *items;
	uint32_t *twin; /* index there, or NONE */
	uint32_t n;
};

struct editing {
	struct side former, now;
	uint32_t *slots; /* of the former items by hash, linked by `next` */
	uint32_t *next;
	size_t n_slots;
	bool is_exact;
};

static enum aps_rc fail_memory(struct aps_err *err)
{
	return aps_fail(err, APS_E_NOMEM, "no memory for an edit of a list");
}

static bool split(struct editing *in, struct side *side, struct aps_str list)
{
	struct aps_cell value;
	size_t n = 0;
	for (struct aps_str rest = list; aps_cell_take(&rest, &value);) n++;
	if (n >= NONE) return false;
	side->items = aps_malloc((n + 1) * sizeof *side->items);
	side->twin = aps_malloc((n + 1) * sizeof *side->twin);
	if (side->items == NULL || side->twin == NULL) return false;
	for (; aps_cell_take(&list, &value); side->n++) {
		side->items[side->n] = value.whole;
		if (value.tag != APS_CELL_REF) in->is_exact = false;
		side->twin[side->n] = NONE;
	}
	return true;
}

static uint32_t *slot_of(const struct editing *in, struct aps_str item)
{
	return &in->slots[aps_str_hash(item, 0) & (in->n_slots - 1)];
}

static bool index_former(struct editing *in)
{
	in->n_slots = 16;
	while (in->n_slots < (size_t)in->former.n * 2) in->n_slots *= 2;
	in->slots = aps_malloc(in->n_slots * sizeof *in->slots);
	in->next = aps_malloc(((size_t)in->former.n + 1) * sizeof *in->next);
	if (in->slots == NULL || in->next == NULL) return false;
	for (size_t i = 0; i < in->n_slots; i++) in->slots[i] = NONE;
	for (uint32_t i = 0; i < in->former.n; i++) {
		uint32_t *slot = slot_of(in, in->former.items[i]);
		for (uint32_t other = *slot; other != NONE; other = in->next[other])
			if (aps_str_eq(in->former.items[other], in->former.items[i])) in->is_exact = false;
		in->next[i] = *slot;
		*slot = i;
	}
	return true;
}

static void pair(struct editing *in)
{
	for (uint32_t i = 0; i < in->now.n; i++) {
		uint32_t twin = *slot_of(in, in->now.items[i]);
		while (twin != NONE && !aps_str_eq(in->former.items[twin], in->now.items[i])) twin = in->next[twin];
		if (twin == NONE) continue;
		if (in->former.twin[twin] != NONE) in->is_exact = false; /* it is there twice */
		in->now.twin[i] = twin;
		in->former.twin[twin] = i;
	}
}

/* New items that are there twice. */
static bool look_for_doubles(struct editing *in)
{
	struct aps_map seen;
	aps_map_init(&seen, 0);
	bool is_ok = true;
	for (uint32_t i = 0; i < in->now.n && is_ok && in->is_exact; i++) {
		if (in->now.twin[i] != NONE) continue;
		if (aps_map_get(&seen, in->now.items[i]) != NULL) in->is_exact = false;
		is_ok = aps_map_set(&seen, in->now.items[i], in);
	}
	aps_map_clear(&seen);
	return is_ok;
}

static void part(struct editing *in, uint32_t now)
{
	in->former.twin[in->now.twin[now]] = NONE;
	in->now.twin[now] = NONE;
}

/* Parts the pairs that are not in the longest run of pairs in the same order in both: those items have moved.
 * Patience sorting: tails[k] is the item that ends the best run of k + 1. */
static bool part_moved(struct editing *in)
{
	uint32_t *tails = aps_malloc(((size_t)in->now.n + 1) * sizeof *tails);
	uint32_t *before = aps_malloc(((size_t)in->now.n + 1) * sizeof *before);
	uint32_t n = 0;
	if (tails == NULL || before == NULL) {
		aps_free(tails);
		aps_free(before);
		return false;
	}
	for (uint32_t i = 0; i < in->now.n; i++) {
		if (in->now.twin[i] == NONE) continue;
		uint32_t low = 0, high = n;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;
			if (in->now.twin[tails[middle]] < in->now.twin[i])
				low = middle + 1;
			else
				high = middle;
		}
		before[i] = low != 0 ? tails[low - 1] : NONE;
		tails[low] = i;
		if (low == n) n++;
	}
	uint32_t keep = n != 0 ? tails[n - 1] : NONE;
	for (uint32_t i = in->now.n; i-- > 0;) {
		if (i == keep)
			keep = before[i];
		else if (in->now.twin[i] != NONE)
			part(in, i);
	}
	aps_free(tails);
	aps_free(before);
	return true;
}

static void put_edits(const struct editing *in, struct aps_buf *out)
{
	for (uint32_t i = 0; i < in->former.n; i++) {
		if (in->former.twin[i] != NONE) continue;
		aps_buf_add_byte(out, '-');
		aps_buf_add_str(out, in->former.items[i]);
	}
	for (uint32_t i = 0; i < in->now.n; i++) {
		if (in->now.twin[i] != NONE) continue;
		aps_buf_add_byte(out, i == 0 ? '^' : '+');
		aps_buf_add_str(out, in->now.items[i]);
		if (i != 0) aps_buf_add_str(out, in->now.items[i - 1]);
	}
}

static void clear(struct editing *in)
{
	aps_free(in->former.items);
	aps_free(in->former.twin);
	aps_free(in->now.items);
	aps_free(in->now.twin);
	aps_free(in->slots);
	aps_free(in->next);
}

enum aps_rc aps_list_edit_make(struct aps_buf *out, struct aps_str former, struct aps_str now, bool *is_exact,
                               struct aps_err *err)
{
	struct editing in = {.is_exact = true};
	bool is_ok = split(&in, &in.former, former) && split(&in, &in.now, now) && index_former(&in);
	if (is_ok && in.is_exact) pair(&in);
	if (is_ok && in.is_exact) is_ok = look_for_doubles(&in);
	if (is_ok && in.is_exact) is_ok = part_moved(&in);
	if (is_ok && in.is_exact) put_edits(&in, out);
	clear(&in);
	*is_exact = in.is_exact;
	return is_ok && out->rc == APS_OK ? APS_OK : fail_memory(err);
}
