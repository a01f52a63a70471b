/* All patches of an entry are laid over it at once: field by field what each of them says, in their order. Of values
 * the last one counts, edits of a list are one run of edits, so that each list is gone through once, however many
 * layers there are. */
#include "cache/patch.h"

#include "cache/list_edit.h"
#include "cache/long_list.h"

#include <stdlib.h>

struct applying {
	struct aps_entries *entries;
	struct aps_err err;
};

/* What one patch says of one field. */
struct change {
	uint32_t name;
	struct aps_str text;
	struct aps_cell value;
	size_t order;
};

static void fail_damaged(struct applying *in)
{
	if (in->err.code == APS_OK)
		aps_fail_word(&in->err, APS_E_STORAGE, "corrupt", 0, "an optimistic layer is damaged");
}

static void fail_memory(struct applying *in)
{
	if (in->err.code == APS_OK) aps_fail(&in->err, APS_E_NOMEM, "no memory for an optimistic layer");
}

static bool is_list(const struct aps_cell *value)
{
	return value->tag == APS_CELL_LIST || value->tag == APS_CELL_LONG_LIST;
}

/* It needs what is below. */
static bool is_partial(const struct change *change)
{
	return change->value.tag == APS_CELL_EDIT || change->value.tag == APS_CELL_PATCH;
}

static void apply_fields(struct applying *in, struct aps_buf *out, struct aps_str content,
                         const struct aps_buf *patches, unsigned depth);

static void apply_edits(struct applying *in, struct aps_buf *out, const struct aps_cell *base,
                        const struct change *changes, size_t n)
{
	struct aps_buf loaded, all;
	uint64_t n_items;
	struct aps_str items = APS_STR(""), edits = changes[0].value.text;
	aps_buf_init(&loaded, APS_BUF_ANY_SIZE);
	aps_buf_init(&all, APS_BUF_ANY_SIZE);
	if (base != NULL && base->tag == APS_CELL_LONG_LIST)
		aps_long_list_items(in->entries, base->as.entry, &loaded, &in->err);
	if (base != NULL && is_list(base)) items = base->tag == APS_CELL_LIST ? base->text : aps_buf_str(&loaded);
	for (size_t i = 0; n > 1 && i < n; i++) aps_buf_add_str(&all, changes[i].value.text);
	if (n > 1) edits = aps_buf_str(&all);
	if (all.rc != APS_OK) fail_memory(in);
	size_t at = out->n;
	if (in->err.code == APS_OK && aps_list_edit_apply(out, items, edits, &n_items, &in->err) == APS_OK)
		aps_cell_close_list(out, at, n_items);
	aps_buf_clear(&loaded);
	aps_buf_clear(&all);
}

static void apply_patches(struct applying *in, struct aps_buf *out, const struct aps_cell *base,
                          const struct change *changes, size_t n, unsigned depth)
{
	struct aps_buf patches;
	size_t at = out->n;
	if (depth >= APS_CELL_MAX_DEPTH) {
		fail_damaged(in);
		return;
	}
	aps_buf_init(&patches, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < n; i++) aps_buf_add(&patches, &changes[i].value.text, sizeof(struct aps_str));
	bool is_object = base != NULL && base->tag == APS_CELL_OBJECT;
	apply_fields(in, out, is_object ? base->text : APS_STR(""), &patches, depth + 1);
	aps_cell_close_object(out, at);
	aps_buf_clear(&patches);
}

/* Edits, or patches of objects, all the same. */
static void apply_run(struct applying *in, struct aps_buf *out, const struct aps_cell *base,
                      const struct change *changes, size_t n, unsigned depth)
{
	if (changes[0].value.tag == APS_CELL_EDIT)
		apply_edits(in, out, base, changes, n);
	else
		apply_patches(in, out, base, changes, n, depth);
}

static size_t run_length(const struct change *changes, size_t n)
{
	size_t length = 1;
	while (length < n && changes[length].value.tag == changes[0].value.tag) length++;
	return length;
}

/* What was a list and became an object is made in turns. */
static void apply_runs(struct applying *in, struct aps_buf *out, const struct aps_cell *base,
                       const struct change *changes, size_t n, unsigned depth)
{
	struct aps_buf made[2];
	struct aps_cell value;
	size_t length;
	int turn = 0;
	for (int i = 0; i < 2; i++) aps_buf_init(&made[i], APS_BUF_ANY_SIZE);
	while ((length = run_length(changes, n)) < n && in->err.code == APS_OK) {
		struct aps_buf *now = &made[turn];
		turn = 1 - turn;
		aps_buf_reset(now);
		apply_run(in, now, base, changes, length, depth);
		struct aps_str text = aps_buf_str(now);
		if (now->rc != APS_OK) fail_memory(in);
		if (in->err.code == APS_OK && !aps_cell_take(&text, &value)) fail_damaged(in);
		base = &value;
		changes += length;
		n -= length;
	}
	if (in->err.code == APS_OK) apply_run(in, out, base, changes, n, depth);
	for (int i = 0; i < 2; i++) aps_buf_clear(&made[i]);
}

/* `base` NULL: there is nothing below. False: there is nothing now. */
static bool apply_changes(struct applying *in, struct aps_buf *out, const struct aps_cell *base,
                          const struct change *changes, size_t n, unsigned depth)
{
	size_t first = n;
	while (first > 0 && is_partial(&changes[first - 1])) first--;
	if (first > 0) base = &changes[first - 1].value;
	if (base != NULL && base->tag == APS_CELL_GONE) base = NULL;
	if (first != n)
		apply_runs(in, out, base, changes + first, n - first, depth);
	else if (base != NULL)
		aps_buf_add_str(out, base->whole);
	return first != n || base != NULL;
}

static int compare_changes(const void *a, const void *b)
{
	const struct change *left = a, *right = b;
	int order = aps_cell_compare_names(left->name, left->text, right->name, right->text);
	return order != 0 ? order : (left->order > right->order) - (left->order < right->order);
}

/* What all of them say, by field. */
static void gather(struct applying *in, const struct aps_buf *patches, struct aps_buf *changes)
{
	const struct aps_str *texts = (const struct aps_str *)(const void *)patches->p;
	size_t n = patches->n / sizeof *texts;
	struct aps_cell_field field;
	for (size_t i = 0; i < n; i++) {
		struct aps_str rest = texts[i];
		while (aps_cell_take_field(&rest, &field)) {
			const struct change change = {field.name, field.text, field.value, i};
			aps_buf_add(changes, &change, sizeof change);
		}
	}
	if (changes->rc != APS_OK || patches->rc != APS_OK)
		fail_memory(in);
	else if (n > 1 && changes->n != 0)
		qsort(changes->p, changes->n / sizeof(struct change), sizeof(struct change), compare_changes);
}

static void apply_field(struct applying *in, struct aps_buf *out, const struct aps_cell *base,
                        const struct change *changes, size_t n, unsigned depth)
{
	size_t at = out->n;
	aps_cell_put_name(out, changes[0].name, changes[0].text);
	if (!apply_changes(in, out, base, changes, n, depth)) out->n = at;
}

static size_t count_same(const struct change *changes, size_t n)
{
	size_t same = 1;
	while (same < n &&
	       aps_cell_compare_names(changes[0].name, changes[0].text, changes[same].name, changes[same].text) == 0)
		same++;
	return same;
}

/* `patches`: of struct aps_str, the fields of each. */
static void apply_fields(struct applying *in, struct aps_buf *out, struct aps_str content,
                         const struct aps_buf *patches, unsigned depth)
{
	struct aps_buf gathered;
	struct aps_cell_field base;
	aps_buf_init(&gathered, APS_BUF_ANY_SIZE);
	gather(in, patches, &gathered);
	const struct change *changes = (const struct change *)(const void *)gathered.p;
	size_t n = gathered.n / sizeof *changes;
	bool has_base = aps_cell_take_field(&content, &base);
	while ((has_base || n != 0) && in->err.code == APS_OK) {
		int order = !has_base ? 1
		            : n == 0  ? -1
		                      : aps_cell_compare_names(base.name, base.text, changes->name, changes->text);
		if (order < 0) {
			aps_buf_add_str(out, base.whole);
		} else {
			size_t n_same = count_same(changes, n);
			apply_field(in, out, order == 0 ? &base.value : NULL, changes, n_same, depth);
			changes += n_same;
			n -= n_same;
		}
		if (order <= 0) has_base = aps_cell_take_field(&content, &base);
	}
	aps_buf_clear(&gathered);
}

/* Of an entry that is one value. */
static void apply_value(struct applying *in, struct aps_buf *out, struct aps_str content, const struct aps_buf *patches)
{
	const struct aps_str *texts = (const struct aps_str *)(const void *)patches->p;
	struct aps_buf changes;
	struct aps_cell base;
	struct change change = {.name = 0};
	aps_buf_init(&changes, APS_BUF_ANY_SIZE);
	for (size_t i = 0; i < patches->n / sizeof *texts; i++) {
		struct aps_str rest = texts[i];
		if (!aps_cell_take(&rest, &change.value)) fail_damaged(in);
		aps_buf_add(&changes, &change, sizeof change);
	}
	if (changes.rc != APS_OK || patches->rc != APS_OK) fail_memory(in);
	bool has_base = aps_cell_take(&content, &base);
	if (in->err.code == APS_OK)
		apply_changes(in, out, has_base ? &base : NULL, (const struct change *)(const void *)changes.p,
		              changes.n / sizeof change, 0);
	aps_buf_clear(&changes);
}

/* Those above the last eviction, without their first byte. */
static void take_upper(struct applying *in, const struct aps_str *patches, size_t n, struct aps_buf *upper, char *kind)
{
	for (size_t i = 0; i < n; i++) {
		const struct aps_str patch = patches[i], rest = {patch.p + 1, patch.n - 1};
		bool is_known = patch.n != 0 && (patch.p[0] == 'F' || patch.p[0] == 'V' || patch.p[0] == 'X');
		bool is_mixed = is_known && upper->n != 0 && patch.p[0] != 'X' && patch.p[0] != *kind;
		if (!is_known || is_mixed) {
			fail_damaged(in);
			return;
		}
		*kind = patch.p[0];
		if (*kind == 'X')
			aps_buf_reset(upper);
		else
			aps_buf_add(upper, &rest, sizeof rest);
	}
	if (upper->rc != APS_OK) fail_memory(in);
}

static bool has_eviction(const struct aps_str *patches, size_t n)
{
	while (n != 0 && patches[n - 1].p[0] != 'X') n--;
	return n != 0;
}

enum aps_rc aps_patches_apply(struct aps_buf *out, struct aps_str content, const struct aps_buf *all, bool *is_nowhere,
                              struct aps_entries *entries, struct aps_err *err)
{
	const struct aps_str *patches = (const struct aps_str *)(const void *)all->p;
	size_t n = all->n / sizeof *patches;
	struct applying in = {.entries = entries};
	struct aps_buf upper;
	char kind = 'X';
	aps_buf_init(&upper, APS_BUF_ANY_SIZE);
	take_upper(&in, patches, n, &upper, &kind);
	if (in.err.code == APS_OK && has_eviction(patches, n)) content = (struct aps_str){NULL, 0};
	*is_nowhere = upper.n == 0 && content.p == NULL;
	struct aps_str base = content.p != NULL ? content : APS_STR("");
	if (in.err.code == APS_OK && upper.n == 0)
		aps_buf_add_str(out, base);
	else if (in.err.code == APS_OK && kind == 'F')
		apply_fields(&in, out, base, &upper, 0);
	else if (in.err.code == APS_OK)
		apply_value(&in, out, base, &upper);
	if (out->rc != APS_OK && in.err.code == APS_OK) aps_fail(&in.err, out->rc, "no memory for an optimistic layer");
	aps_buf_clear(&upper);
	if (in.err.code != APS_OK && err != NULL) *err = in.err;
	return in.err.code;
}

enum aps_rc aps_patch_apply(struct aps_buf *out, struct aps_str content, struct aps_str patch, bool *is_nowhere,
                            struct aps_entries *entries, struct aps_err *err)
{
	struct aps_buf one;
	aps_buf_init(&one, APS_BUF_ANY_SIZE);
	aps_buf_add(&one, &patch, sizeof patch);
	enum aps_rc rc = one.rc == APS_OK ? aps_patches_apply(out, content, &one, is_nowhere, entries, err)
	                                  : aps_fail(err, one.rc, "no memory for an optimistic layer");
	aps_buf_clear(&one);
	return rc;
}

void aps_patches_put(struct aps_buf *patches, uint64_t layer, struct aps_str patch)
{
	aps_cell_put_count(patches, layer);
	aps_cell_put_count(patches, patch.n);
	aps_buf_add_str(patches, patch);
}

bool aps_patches_take(struct aps_str *patches, struct aps_stored_patch *patch)
{
	uint64_t n_bytes;
	if (!aps_cell_take_count(patches, &patch->layer) || !aps_cell_take_count(patches, &n_bytes)) return false;
	if (n_bytes > patches->n) return false;
	patch->bytes = (struct aps_str){patches->p, (size_t)n_bytes};
	*patches = (struct aps_str){patches->p + n_bytes, patches->n - (size_t)n_bytes};
	return true;
}

enum aps_rc aps_patches_split(struct aps_buf *list, struct aps_str patches, struct aps_err *err)
{
	struct aps_stored_patch patch;
	while (patches.n != 0) {
		if (!aps_patches_take(&patches, &patch))
			return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "an optimistic layer is damaged");
		aps_buf_add(list, &patch.bytes, sizeof patch.bytes);
	}
	return list->rc == APS_OK ? APS_OK : aps_fail(err, list->rc, "no memory for an optimistic layer");
}

enum aps_rc aps_patches_apply_text(struct aps_buf *out, struct aps_str content, struct aps_str patches,
                                   bool *is_nowhere, struct aps_entries *entries, struct aps_err *err)
{
	struct aps_buf list;
	aps_buf_init(&list, APS_BUF_ANY_SIZE);
	enum aps_rc rc = aps_patches_split(&list, patches, err);
	if (rc == APS_OK) rc = aps_patches_apply(out, content, &list, is_nowhere, entries, err);
	aps_buf_clear(&list);
	return rc;
}
