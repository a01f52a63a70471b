#include "cache/merge.h"

#include "cache/doubt.h"
#include "cache/freshness.h"
#include "cache/long_list_write.h"

struct aps_settling {
	const struct aps_entry *record;
	const struct aps_settling *outer;
};

bool aps_merge_init(struct aps_merge *merge, struct aps_cache_write *write)
{
	merge->write = write;
	merge->entry = NULL;
	merge->settling = NULL;
	merge->replaces = false;
	aps_buf_init(&merge->out, APS_BUF_ANY_SIZE);
	merge->typename = aps_names_intern(&write->cache->names, APS_STR("__typename"));
	return merge->typename != 0;
}

void aps_merge_clear(struct aps_merge *merge)
{
	aps_buf_clear(&merge->out);
}

static bool merge_value(struct aps_merge *merge, const struct aps_cell *old, const struct aps_cell *now,
                        unsigned depth);

/* Long lists in what is replaced. */
static void drop_value(struct aps_merge *merge, const struct aps_cell *old, unsigned depth)
{
	struct aps_str rest = old->text;
	struct aps_cell item;
	struct aps_cell_field field;
	if (depth > APS_CELL_MAX_DEPTH || merge->write->layer != NULL) return;
	if (old->tag == APS_CELL_LONG_LIST) aps_long_list_drop(merge->write, old->as.entry);
	if (old->tag == APS_CELL_LIST)
		while (aps_cell_take(&rest, &item)) drop_value(merge, &item, depth + 1);
	if (old->tag == APS_CELL_OBJECT)
		while (aps_cell_take_field(&rest, &field)) drop_value(merge, &field.value, depth + 1);
}

static bool put_as_it_is(struct aps_merge *merge, const struct aps_cell *old, const struct aps_cell *now)
{
	bool is_new = old == NULL || !aps_str_eq(old->whole, now->whole);
	if (old != NULL && is_new) drop_value(merge, old, 0);
	aps_buf_add_str(&merge->out, now->whole);
	return is_new;
}

static void put_field_name(struct aps_merge *merge, const struct aps_cell_field *field)
{
	aps_cell_put_name(&merge->out, field->name, field->text);
}

/* Of the record that is being merged: what is said now isn't in doubt any more. What layers say is only expected. */
static bool merge_doubts(struct aps_merge *merge, const struct aps_cell_field *known, struct aps_str given)
{
	if (merge->write->layer == NULL) return aps_doubts_put_without(&merge->out, &known->value, given);
	aps_buf_add_str(&merge->out, known->whole);
	return false;
}

/* Appends both, the new ones winning. With a record its changes are told. True when something is new. */
static bool merge_fields(struct aps_merge *merge, struct aps_str old, struct aps_str now,
                         const struct aps_entry *record, unsigned depth)
{
	struct aps_cell_field known, given;
	bool is_new = false, drops = merge->replaces && record == NULL && merge->settling == NULL;
	bool has_known = aps_cell_take_field(&old, &known);
	if (record != NULL && has_known && aps_doubts_are(&known)) {
		is_new = merge_doubts(merge, &known, now);
		has_known = aps_cell_take_field(&old, &known);
	}
	bool has_given = aps_cell_take_field(&now, &given);
	while (has_known || has_given) {
		int order = !has_known   ? 1
		            : !has_given ? -1
		                         : aps_cell_compare_names(known.name, known.text, given.name, given.text);
		if (order < 0 && drops) {
			drop_value(merge, &known.value, depth);
			is_new = true;
		} else if (order < 0) {
			aps_buf_add_str(&merge->out, known.whole);
		} else {
			put_field_name(merge, &given);
			bool is_changed = merge_value(merge, order == 0 ? &known.value : NULL, &given.value, depth + 1);
			bool is_told = record != NULL && given.name != APS_NAME_CAME;
			if (is_changed && is_told) aps_write_report(merge->write, record, given.name);
			is_new = is_new || is_changed;
		}
		if (order <= 0) has_known = aps_cell_take_field(&old, &known);
		if (order >= 0) has_given = aps_cell_take_field(&now, &given);
	}
	return is_new;
}

static struct aps_str type_of(const struct aps_merge *merge, const struct aps_cell *object)
{
	struct aps_cell type;
	bool has_type = aps_cell_find_field(object->text, merge->typename, &type) && type.tag == APS_CELL_STRING;
	return has_type ? type.text : APS_STR("");
}

static bool is_same_type(const struct aps_merge *merge, const struct aps_cell *a, const struct aps_cell *b)
{
	struct aps_str type = type_of(merge, a), other = type_of(merge, b);
	return type.n == 0 || other.n == 0 || aps_str_eq(type, other);
}

static bool merge_object(struct aps_merge *merge, const struct aps_cell *old, const struct aps_cell *now,
                         unsigned depth)
{
	bool is_known = old != NULL && old->tag == APS_CELL_OBJECT && is_same_type(merge, old, now);
	if (old != NULL && !is_known) drop_value(merge, old, depth);
	size_t at = merge->out.n;
	bool is_new = merge_fields(merge, is_known ? old->text : APS_STR(""), now->text, NULL, depth);
	aps_cell_close_object(&merge->out, at);
	return is_new || !is_known;
}

static bool has_nested(const struct aps_cell *list)
{
	struct aps_str rest = list->text;
	struct aps_cell item;
	while (aps_cell_take(&rest, &item))
		if (item.tag == APS_CELL_OBJECT || item.tag == APS_CELL_LIST) return true;
	return false;
}

static bool merge_list(struct aps_merge *merge, const struct aps_cell *old, const struct aps_cell *now, unsigned depth)
{
	bool is_known = old != NULL && old->tag == APS_CELL_LIST;
	struct aps_str old_rest = is_known ? old->text : APS_STR(""), rest = now->text;
	struct aps_cell known, item;
	if (old != NULL && !is_known) drop_value(merge, old, depth);
	bool is_new = !is_known || old->n_items != now->n_items;
	size_t at = merge->out.n;
	while (aps_cell_take(&rest, &item)) {
		bool has_known = aps_cell_take(&old_rest, &known);
		const struct aps_cell *former = has_known ? &known : NULL;
		/* what is at the same place isn't the same thing: a record takes nothing from there */
		bool is_changed = item.tag == APS_CELL_REF ? put_as_it_is(merge, former, &item)
		                                           : merge_value(merge, former, &item, depth + 1);
		if (is_changed) is_new = true;
	}
	while (aps_cell_take(&old_rest, &known)) drop_value(merge, &known, depth + 1);
	aps_cell_close_list(&merge->out, at, now->n_items);
	return is_new;
}

static bool merge_long_list(struct aps_merge *merge, const struct aps_cell *old, const struct aps_cell *now)
{
	bool is_known = old != NULL && old->tag == APS_CELL_LONG_LIST, is_changed;
	if (old != NULL && !is_known) drop_value(merge, old, 0);
	uint64_t number = aps_long_list_write(merge->write, is_known ? old->as.entry : 0, now, &is_changed);
	aps_cell_put_long_list(&merge->out, number, now->n_items);
	return is_changed || !is_known || old->n_items != now->n_items;
}

/* Gives the entry what was appended since `at`, and takes that away again. */
static void set_content(struct aps_merge *merge, struct aps_entry *entry, size_t at)
{
	if (merge->out.rc != APS_OK) return;
	struct aps_str content = {merge->out.n != at ? merge->out.p + at : "", merge->out.n - at};
	aps_write_set(merge->write, entry, content);
	merge->out.n = at;
}

/* What was appended since `at` is what the record has from now on; tells of those of `fields` that are new in it. */
static void settle_fields(struct aps_merge *merge, struct aps_entry *record, struct aps_str fields, size_t at)
{
	struct aps_str former = aps_entry_content(record);
	struct aps_str now = {merge->out.p + at, merge->out.n - at};
	struct aps_cell_field field;
	struct aps_cell was, is;
	bool is_new = false;
	while (merge->out.rc == APS_OK && aps_cell_take_field(&fields, &field)) {
		bool has_former = aps_cell_find_field(former, field.name, &was);
		if (!aps_cell_find_field(now, field.name, &is) || (has_former && aps_str_eq(was.whole, is.whole)))
			continue;
		aps_write_report(merge->write, record, field.name);
		is_new = true;
	}
	if (is_new)
		set_content(merge, record, at);
	else
		merge->out.n = at;
}

/* A field with arguments, which stands in an embedded object and beside a record. */
static void settle_field(struct aps_merge *merge, const struct aps_entry *record, const struct aps_cell_field *field)
{
	struct aps_buf key;
	struct aps_entry *entry = NULL;
	aps_buf_init(&key, APS_BUF_ANY_SIZE);
	aps_buf_addf(&key, "F%llu.", (unsigned long long)record->number);
	aps_buf_add_str(&key, field->text);
	if (key.rc == APS_OK)
		entry = aps_write_entry(merge->write, aps_buf_str(&key));
	else
		aps_write_fail(merge->write);
	aps_buf_clear(&key);
	if (entry == NULL || entry == merge->entry) return;
	struct aps_cell known;
	struct aps_str former = aps_entry_content(entry), content = former;
	size_t at = merge->out.n;
	if (aps_cell_take(&content, &known))
		merge_value(merge, &field->value, &known, 0);
	else
		aps_buf_add_str(&merge->out, field->value.whole);
	bool is_new =
	        merge->out.rc == APS_OK && !aps_str_eq(former, (struct aps_str){merge->out.p + at, merge->out.n - at});
	if (is_new) aps_write_report(merge->write, entry, 0);
	if (is_new)
		set_content(merge, entry, at);
	else
		merge->out.n = at;
}

/* Its content is being read. */
static bool is_busy(const struct aps_merge *merge, const struct aps_entry *record)
{
	for (const struct aps_settling *settling = merge->settling; settling != NULL; settling = settling->outer)
		if (settling->record == record) return true;
	return record == merge->entry;
}

/* What an embedded object knew goes into the record that stands for it now. */
static void settle_object(struct aps_merge *merge, const struct aps_cell *old, struct aps_entry *record)
{
	struct aps_str rest = old->text, fields = rest;
	struct aps_cell_field field;
	const struct aps_cell content = {.tag = APS_CELL_OBJECT, .text = aps_entry_content(record)};
	const struct aps_settling settling = {record, merge->settling};
	if (content.text.n != 0 && !is_same_type(merge, old, &content)) return;
	merge->settling = &settling;
	for (; aps_cell_take_field(&rest, &field) && field.name == 0; fields = rest)
		settle_field(merge, record, &field);
	size_t at = merge->out.n;
	/* the other way round: the record's fields win */
	merge_fields(merge, fields, content.text, NULL, 0);
	settle_fields(merge, record, fields, at);
	merge->settling = settling.outer;
}

static bool merge_ref(struct aps_merge *merge, const struct aps_cell *old, const struct aps_cell *ref)
{
	if (old == NULL || old->tag != APS_CELL_OBJECT) return put_as_it_is(merge, old, ref);
	struct aps_entry *record = aps_write_at(merge->write, ref->as.entry);
	if (record != NULL && !is_busy(merge, record)) settle_object(merge, old, record);
	aps_buf_add_str(&merge->out, ref->whole);
	return true;
}

static bool merge_value(struct aps_merge *merge, const struct aps_cell *old, const struct aps_cell *now, unsigned depth)
{
	if (depth > APS_CELL_MAX_DEPTH) return put_as_it_is(merge, old, now);
	switch (now->tag) {
	case APS_CELL_OBJECT: return merge_object(merge, old, now, depth);
	case APS_CELL_LIST:
		/* a layer keeps its lists whole: it stores edits of them only */
		if (merge->write->layer == NULL && aps_long_list_wants(now)) return merge_long_list(merge, old, now);
		/* a record's lists are its own, whatever an embedded object had in theirs */
		return has_nested(now) && merge->settling == NULL ? merge_list(merge, old, now, depth)
		                                                  : put_as_it_is(merge, old, now);
	case APS_CELL_REF: return merge_ref(merge, old, now);
	default: return put_as_it_is(merge, old, now);
	}
}

/* Gives the entry what was appended since it was empty, and empties it. */
static void settle(struct aps_merge *merge, struct aps_entry *entry, bool is_new)
{
	if (merge->out.rc != APS_OK) aps_write_fail(merge->write);
	if (is_new) set_content(merge, entry, 0);
	aps_buf_reset(&merge->out);
}

bool aps_merge_into_record(struct aps_merge *merge, struct aps_entry *record, struct aps_str fields)
{
	bool was_nowhere = record->content == NULL;
	merge->entry = record;
	bool is_new = merge_fields(merge, aps_entry_content(record), fields, record, 0) || was_nowhere;
	merge->entry = NULL;
	settle(merge, record, is_new);
	return is_new;
}

bool aps_merge_into_field(struct aps_merge *merge, struct aps_entry *field, struct aps_str value)
{
	struct aps_str content = aps_entry_content(field);
	struct aps_cell old, now;
	bool has_old = aps_cell_take(&content, &old);
	if (!aps_cell_take(&value, &now)) return false;
	merge->entry = field;
	bool is_new = merge_value(merge, has_old ? &old : NULL, &now, 0);
	merge->entry = NULL;
	if (is_new) aps_write_report(merge->write, field, 0);
	settle(merge, field, is_new);
	return is_new;
}

void aps_merge_two(struct aps_merge *merge, struct aps_str first, struct aps_str second, struct aps_buf *out)
{
	struct aps_cell old, now;
	if (!aps_cell_take(&first, &old) || !aps_cell_take(&second, &now)) return;
	merge_value(merge, &old, &now, 0);
	aps_buf_add_str(out, aps_buf_str(&merge->out));
	if (merge->out.rc != APS_OK) aps_write_fail(merge->write);
	aps_buf_reset(&merge->out);
}
