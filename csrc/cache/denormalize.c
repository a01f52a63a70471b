#include "cache/denormalize.h"

#include "cache/doubt.h"
#include "cache/freshness.h"
#include "cache/long_list.h"
#include "cache/lookup.h"
#include "cache/result_writer.h"
#include "codec/decimal.h"

/* The record whose fields are read. */
struct whose {
	uint64_t record;
	bool is_expired;
	bool is_optimistic;
};

/* Where the read is, from the inside out. A path is made of it for those who ask for one. */
struct crumb {
	const struct crumb *outer;
	struct aps_str name; /* of a field; p NULL: */
	size_t index;        /* … an item of a list */
};

struct reading {
	struct aps_read_source *source;
	struct aps_binding *binding;
	const struct aps_read_options *options;
	struct aps_read_result *result;
	struct aps_result_writer out;
	const struct crumb *crumb;
	struct aps_buf *values; /* struct aps_cell: of the fields of all open objects */
	uint32_t typename;
	unsigned depth;
	bool is_optimistic; /* something in the segment that is open */
	struct whose whose;
	struct aps_err err;
	/* Where the last field was found whose number was learned late. */
	struct aps_str late_fields, late_rest;
	uint32_t late_number;
};

/* A record or an embedded object whose fields are read. */
struct object {
	bool is_embedded;
	bool is_root;    /* its type is known, whatever is kept */
	uint64_t record; /* 0: a root that is nowhere */
	struct aps_str fields;
	struct aps_str type;
	const struct aps_selection_view *view;
	size_t values_at; /* of the view's fields, those that have arguments being looked up when they are needed */
};

enum outcome { READ_OK, READ_MISSING, READ_FAILED };

static enum outcome write_value(struct reading *in, const struct aps_selection_field *field,
                                const struct aps_cell *value);

void aps_read_result_init(struct aps_read_result *result, size_t max_bytes)
{
	*result = (struct aps_read_result){.n_missing = 0};
	aps_buf_init(&result->data, max_bytes);
	aps_buf_init(&result->missing, APS_BUF_ANY_SIZE);
	aps_buf_init(&result->path, APS_BUF_ANY_SIZE);
	aps_buf_init(&result->key, APS_BUF_ANY_SIZE);
	aps_buf_init(&result->values, APS_BUF_ANY_SIZE);
	aps_segments_init(&result->segments);
}

void aps_read_result_reset(struct aps_read_result *result)
{
	aps_buf_reset(&result->data);
	aps_buf_reset(&result->missing);
	aps_buf_reset(&result->path);
	aps_buf_reset(&result->key);
	aps_buf_reset(&result->values);
	aps_segments_reset(&result->segments);
	result->n_missing = result->n_records = result->n_expired = 0;
	result->is_optimistic = false;
}

void aps_read_result_clear(struct aps_read_result *result)
{
	aps_buf_clear(&result->data);
	aps_buf_clear(&result->missing);
	aps_buf_clear(&result->path);
	aps_buf_clear(&result->key);
	aps_buf_clear(&result->values);
	aps_segments_clear(&result->segments);
}

static enum outcome fail_damaged(struct reading *in)
{
	aps_fail_word(&in->err, APS_E_STORAGE, "corrupt", 0, "a record of the cache is damaged");
	return READ_FAILED;
}

static enum outcome fail_memory(struct reading *in)
{
	aps_fail(&in->err, APS_E_NOMEM, "no memory for a read of the cache");
	return READ_FAILED;
}

static void depend(struct reading *in, uint64_t entry, struct aps_str key)
{
	if (in->options->reuse == NULL && in->options->dependencies == NULL) return;
	const struct aps_dependency dependency = {entry, entry == 0 ? aps_key_hash(key, in->options->key_seed) : 0};
	if (in->options->reuse != NULL) aps_buf_add(&in->result->segments.dependencies, &dependency, sizeof dependency);
	if (in->options->dependencies != NULL) aps_buf_add(in->options->dependencies, &dependency, sizeof dependency);
}

/* What was just read. */
static void note(struct reading *in, uint64_t entry, struct aps_str key)
{
	depend(in, entry, key);
	if (in->source->is_optimistic) in->is_optimistic = true;
}

static struct aps_str path_of(struct reading *in)
{
	const struct crumb *crumbs[APS_CELL_MAX_DEPTH + 1];
	size_t n = 0;
	for (const struct crumb *crumb = in->crumb; crumb != NULL; crumb = crumb->outer) crumbs[n++] = crumb;
	aps_buf_reset(&in->result->path);
	while (n-- != 0) {
		if (in->result->path.n != 0) aps_buf_add_byte(&in->result->path, '.');
		if (crumbs[n]->name.p != NULL)
			aps_buf_add_str(&in->result->path, crumbs[n]->name);
		else
			aps_buf_addf(&in->result->path, "%zu", crumbs[n]->index);
	}
	return aps_buf_str(&in->result->path);
}

static void observe(struct reading *in, enum aps_read_state state)
{
	struct aps_read_observer *observer = in->options->observer;
	if (observer != NULL) observer->field(observer, path_of(in), state, in->whose.record);
}

/* A value that is no object, and no list that has some. */
static void observe_value(struct reading *in, const struct aps_selection_field *field, const struct aps_cell *value)
{
	bool is_list = value->tag == APS_CELL_LIST || value->tag == APS_CELL_LONG_LIST;
	bool is_leaf = field->selection == NULL || value->tag == APS_CELL_NULL || (is_list && value->n_items == 0);
	bool is_optimistic = in->whose.is_optimistic || in->source->is_optimistic;
	if (!is_leaf || field->is_added) return;
	observe(in, in->whose.is_expired ? APS_READ_EXPIRED : is_optimistic ? APS_READ_OPTIMISTIC : APS_READ_CACHED);
}

static enum outcome miss(struct reading *in)
{
	struct aps_read_result *result = in->result;
	if (result->n_missing++ < APS_READ_MAX_MISSING) {
		aps_buf_add_str(&result->missing, path_of(in));
		aps_buf_add_byte(&result->missing, '\0');
	}
	observe(in, APS_READ_MISSING);
	return READ_MISSING;
}

/* The content of an entry; READ_MISSING: it is nowhere. */
static enum outcome content_at(struct reading *in, uint64_t entry, struct aps_str *content)
{
	in->source->is_optimistic = false;
	if (in->source->at(in->source, entry, content, &in->err) != APS_OK) return READ_FAILED;
	note(in, entry, APS_STR(""));
	return content->p != NULL ? READ_OK : READ_MISSING;
}

static enum outcome content_of(struct reading *in, struct aps_str key, uint64_t *entry, struct aps_str *content)
{
	in->source->is_optimistic = false;
	if (in->source->find(in->source, key, entry, content, &in->err) != APS_OK) return READ_FAILED;
	note(in, *entry, key);
	return *entry != 0 && content->p != NULL ? READ_OK : READ_MISSING;
}

static struct aps_str type_of(const struct reading *in, struct aps_str fields)
{
	struct aps_cell type;
	bool has_type =
	        in->typename != 0 && aps_cell_find_field(fields, in->typename, &type) && type.tag == APS_CELL_STRING;
	return has_type ? type.text : APS_STR("");
}

/* A record that the field's arguments identify: getPost(id: 1) finds what listPosts brought. */
static enum outcome look_up(struct reading *in, struct aps_selection_field *field, uint64_t *entry)
{
	struct aps_str content, key = aps_lookup_kept_key(in->binding, field);
	if (key.p == NULL) return fail_memory(in);
	return key.n != 0 ? content_of(in, key, entry, &content) : READ_MISSING;
}

/* A field with arguments of a record: an entry of its own. */
static enum outcome find_field_entry(struct reading *in, const struct object *object, struct aps_selection_field *field,
                                     struct aps_cell *value)
{
	struct aps_str content;
	uint64_t entry;
	char head[24] = "F";
	size_t n_head = 1 + aps_decimal_print_int((int64_t)object->record, head + 1);
	head[n_head++] = '.';
	aps_buf_reset(&in->result->key);
	aps_buf_add(&in->result->key, head, n_head);
	aps_buf_add_str(&in->result->key, field->key);
	if (in->result->key.rc != APS_OK) return fail_memory(in);
	enum outcome outcome =
	        object->record != 0 ? content_of(in, aps_buf_str(&in->result->key), &entry, &content) : READ_MISSING;
	bool is_here = outcome == READ_OK && content.n != 0; /* empty: it had to leave for want of room */
	if (is_here) return aps_cell_take(&content, value) ? READ_OK : fail_damaged(in);
	if (outcome == READ_FAILED) return outcome;
	outcome = look_up(in, field, &entry);
	if (outcome == READ_OK) *value = (struct aps_cell){.tag = APS_CELL_REF, .as.entry = entry};
	return outcome;
}

static const struct aps_cell *kept_value(const struct reading *in, const struct object *object, size_t index)
{
	return (const struct aps_cell *)(const void *)(in->values->p + object->values_at) + index;
}

/* A reader learns the numbers of names after it has bound the operation. */
static uint32_t number_of(const struct reading *in, const struct aps_selection_field *field)
{
	if (field->number != 0 || !field->is_plain) return field->number;
	return aps_names_find(in->binding->names, field->name);
}

/* Fields are asked for in the order in which their names came to be known, mostly: each search goes on behind the last.
 */
static bool find_late(struct reading *in, struct aps_str fields, uint32_t number, struct aps_cell *value)
{
	bool goes_on = in->late_fields.p == fields.p && in->late_fields.n == fields.n && number > in->late_number;
	struct aps_str rest = goes_on ? in->late_rest : fields;
	struct aps_cell_field field;
	while (aps_cell_take_field(&rest, &field) && field.name <= number) {
		if (field.name != number) continue;
		*value = field.value;
		in->late_fields = fields;
		in->late_rest = rest;
		in->late_number = number;
		return true;
	}
	return false;
}

static enum outcome find_value(struct reading *in, const struct object *object, size_t index, struct aps_cell *value)
{
	struct aps_selection_field *field = &object->view->fields[index];
	if (!field->is_plain && !object->is_embedded) return find_field_entry(in, object, field, value);
	*value = *kept_value(in, object, index);
	if (value->whole.n != 0) return READ_OK;
	uint32_t number = number_of(in, field);
	bool is_found = field->is_plain
	                        ? field->number == 0 && number != 0 && find_late(in, object->fields, number, value)
	                        : aps_cell_find_text_field(object->fields, field->key, value);
	if (is_found) return READ_OK;
	if (!object->is_root || !field->is_typename || !field->is_plain) return READ_MISSING;
	*value = (struct aps_cell){.tag = APS_CELL_STRING, .text = object->type};
	return READ_OK;
}

/* Takes the record's fields once, in their order, each into its place in the view. */
static enum outcome open_values(struct reading *in, struct object *object)
{
	size_t n_bytes = object->view->n_fields * sizeof(struct aps_cell);
	object->values_at = in->values->n;
	char *p = n_bytes != 0 ? aps_buf_reserve(in->values, n_bytes) : NULL;
	if (n_bytes == 0) return READ_OK;
	if (p == NULL) return fail_memory(in);
	in->values->n += n_bytes;
	struct aps_cell *values = (struct aps_cell *)(void *)p;
	for (size_t i = 0; i < object->view->n_fields; i++) values[i].whole = APS_STR("");
	struct aps_str rest = object->fields;
	struct aps_cell_field kept;
	bool has_kept = aps_cell_take_field(&rest, &kept);
	for (size_t i = 0; i < object->view->n_fields && has_kept; i++) {
		uint32_t index = object->view->by_name[i], number = object->view->fields[index].number;
		if (number == 0) continue;
		while (has_kept && kept.name < number) has_kept = aps_cell_take_field(&rest, &kept);
		if (has_kept && kept.name == number) values[index] = kept.value;
	}
	return READ_OK;
}

/* A fragment on a type of which nothing is known counts when all of its fields are there. */
static enum outcome is_guard_open(struct reading *in, const struct object *object, const struct aps_gql_node *guard)
{
	struct aps_cell value;
	for (size_t i = 0; i < object->view->n_fields; i++) {
		if (object->view->fields[i].guard != guard || object->view->fields[i].is_added) continue;
		enum outcome outcome = find_value(in, object, i, &value);
		if (outcome != READ_OK) return outcome;
	}
	return READ_OK;
}

static enum outcome write_field(struct reading *in, const struct object *object, size_t index, size_t *n_written)
{
	struct aps_cell value;
	const struct aps_selection_field *field = &object->view->fields[index];
	const struct crumb crumb = {in->crumb, field->response_key, 0};
	size_t began_at = in->out.w.buf->n;
	bool needed_comma = in->out.w.needs_comma;
	bool is_observed = in->options->observer != NULL;
	if (is_observed) in->source->is_optimistic = false; /* it is set where the field is an entry of its own */
	in->crumb = &crumb;
	enum outcome outcome = find_value(in, object, index, &value);
	if (outcome == READ_OK && is_observed) observe_value(in, field, &value);
	if (outcome == READ_MISSING && field->is_added) {
		outcome = READ_OK;
	} else if (outcome == READ_MISSING) {
		miss(in);
	} else if (outcome == READ_OK) {
		in->out.form->key(&in->out, field);
		outcome = write_value(in, field, &value);
		*n_written += outcome == READ_OK;
	}
	in->crumb = crumb.outer;
	if (outcome == READ_MISSING && in->out.w.buf->rc == APS_OK) { /* left out, name and all */
		in->out.w.buf->n = began_at;
		in->out.w.needs_comma = needed_comma;
	}
	return outcome;
}

/* What stands in the record as it is to be written. */
static bool write_kept_scalar(struct reading *in, const struct object *object, size_t index)
{
	const struct aps_selection_field *field = &object->view->fields[index];
	const struct aps_cell *value = kept_value(in, object, index);
	if (value->whole.n == 0 || value->tag > APS_CELL_JSON) return false;
	in->out.form->member(&in->out, field, value);
	return true;
}

static enum outcome write_fields(struct reading *in, const struct object *object)
{
	enum outcome all = READ_OK;
	bool is_unobserved = in->options->observer == NULL;
	size_t opened = in->out.form->open(&in->out, false), n_written = 0;
	for (size_t i = 0; i < object->view->n_fields; i++) {
		const struct aps_gql_node *guard = object->view->fields[i].guard;
		enum outcome outcome = guard != NULL ? is_guard_open(in, object, guard) : READ_OK;
		if (outcome == READ_MISSING) continue;
		if (is_unobserved && outcome == READ_OK && write_kept_scalar(in, object, i)) {
			n_written++;
			continue;
		}
		if (outcome == READ_OK) outcome = write_field(in, object, i, &n_written);
		if (outcome == READ_FAILED) return outcome;
		if (outcome == READ_MISSING) all = READ_MISSING;
		if (all == READ_MISSING && !in->options->is_partial) return all;
	}
	in->out.form->close(&in->out, false, opened, n_written);
	return in->options->is_partial ? READ_OK : all;
}

static enum outcome write_object(struct reading *in, struct object *object, struct aps_selection *selection)
{
	object->view = aps_selection_view(in->binding, selection, object->type);
	if (object->view == NULL) {
		aps_binding_fail(in->binding, &in->err);
		return READ_FAILED;
	}
	if (++in->depth > APS_CELL_MAX_DEPTH) return fail_damaged(in);
	if (in->out.w.buf->rc != APS_OK) return READ_FAILED; /* nobody will see more of it */
	enum outcome outcome = open_values(in, object);
	if (outcome == READ_OK) outcome = write_fields(in, object);
	in->values->n = object->values_at;
	in->depth--;
	return outcome;
}

/* In the place of a record that is nowhere. */
static enum outcome write_nothing(struct reading *in)
{
	enum outcome outcome = miss(in);
	if (!in->options->is_partial) return outcome;
	in->out.form->close(&in->out, false, in->out.form->open(&in->out, false), 0);
	return READ_OK;
}

/* Something that is read of a record has to be asked for again. */
static bool is_to_be_asked(struct reading *in, const struct object *object, struct aps_selection *selection)
{
	struct aps_str doubts;
	if (in->options->now_s == 0) return false;
	if (aps_freshness_is_over(in->binding->policies, object->type, object->fields, in->options->now_s)) return true;
	if (!aps_doubts_find(object->fields, &doubts)) return false;
	const struct aps_selection_view *view = aps_selection_view(in->binding, selection, object->type);
	return view != NULL && aps_doubts_concern(doubts, view);
}

static enum outcome write_content(struct reading *in, uint64_t entry, struct aps_str content,
                                  struct aps_selection *selection)
{
	struct object object = {.record = entry, .fields = content};
	in->result->n_records++;
	object.type = type_of(in, object.fields);
	bool is_over = is_to_be_asked(in, &object, selection);
	const struct whose outer = in->whose;
	in->whose = (struct whose){entry, is_over, in->source->is_optimistic};
	in->result->n_expired += is_over;
	enum outcome outcome = write_object(in, &object, selection);
	in->whose = outer;
	return outcome;
}

/* A record's place in what is noted, while it is read. */
struct opened {
	size_t index;  /* of the segment; its place in the text begins there */
	size_t former; /* of the one that is read again; SIZE_MAX: none */
	size_t n_missing;
	bool was_optimistic;
};

static bool open_segment(struct reading *in, struct opened *opened, uint64_t entry,
                         const struct aps_selection *selection, size_t former)
{
	struct aps_segments *segments = &in->result->segments;
	const struct aps_segment segment = {
	        .entry = entry,
	        .selection = selection,
	        .begin = in->out.w.buf->n + (in->out.w.needs_comma ? 1 : 0),
	        .first_dependency = aps_segments_count_dependencies(segments),
	};
	*opened = (struct opened){aps_segments_count(segments), former, in->result->n_missing, in->is_optimistic};
	aps_buf_add(&segments->items, &segment, sizeof segment);
	in->is_optimistic = false;
	if (former != SIZE_MAX) in->options->reuse->cursor = former + 1;
	return segments->items.rc == APS_OK;
}

/* The same data has the same number. */
static void number_segment(const struct reading *in, struct aps_segment *segment, size_t former)
{
	struct aps_reuse *reuse = in->options->reuse;
	struct aps_str now = {in->out.w.buf->p + segment->begin, segment->end - segment->begin};
	if (former != SIZE_MAX) {
		struct aps_segment *was = aps_segments_at(&reuse->former, former);
		struct aps_str former_data = {reuse->former_data.p + was->begin, was->end - was->begin};
		reuse->cursor = was->end_segment;
		segment->former_id = was->id;
		if (aps_str_eq(former_data, now)) {
			was->is_same = true;
			segment->id = was->id;
			return;
		}
	}
	segment->id = ++reuse->last_id;
}

static void close_segment(struct reading *in, const struct opened *opened, enum outcome outcome)
{
	struct aps_segments *segments = &in->result->segments;
	if (segments->items.rc != APS_OK || in->out.w.buf->rc != APS_OK) return;
	struct aps_segment *segment = aps_segments_at(segments, opened->index);
	segment->end = in->out.w.buf->n;
	segment->end_dependency = aps_segments_count_dependencies(segments);
	segment->end_segment = aps_segments_count(segments);
	segment->is_optimistic = in->is_optimistic;
	segment->is_stale = outcome != READ_OK || in->result->n_missing != opened->n_missing;
	number_segment(in, segment, opened->former);
	in->is_optimistic |= opened->was_optimistic;
}

/* There is no record: what was asked of it belongs to what it stands in. */
static void drop_segment(struct reading *in, const struct opened *opened)
{
	in->result->segments.items.n = opened->index * sizeof(struct aps_segment);
	in->is_optimistic |= opened->was_optimistic;
}

/* What was read before, where nothing of it has changed. READ_MISSING: it is to be read, in the place of *former. */
static enum outcome take_over(struct reading *in, uint64_t entry, const struct aps_selection *selection, size_t *former)
{
	struct aps_reuse *reuse = in->options->reuse;
	struct aps_segments *segments = &in->result->segments;
	*former = aps_reuse_find(reuse, entry, selection);
	if (*former == SIZE_MAX) return READ_MISSING;
	const struct aps_segment segment = *aps_segments_at(&reuse->former, *former);
	if (segment.is_stale || !aps_reuse_is_free(reuse, *former)) return READ_MISSING;
	in->out.form->again(&in->out,
	                    (struct aps_str){reuse->former_data.p + segment.begin, segment.end - segment.begin});
	if (in->out.w.buf->rc != APS_OK) return READ_OK; /* it fails at the end */
	in->is_optimistic |= segment.is_optimistic;
	size_t begin = in->out.w.buf->n - (segment.end - segment.begin);
	return aps_reuse_take(reuse, *former, segments, begin) ? READ_OK : fail_memory(in);
}

/* READ_MISSING with *is_nowhere: there is no record, and nothing was written. */
static enum outcome write_segment(struct reading *in, uint64_t entry, struct aps_selection *selection, bool *is_nowhere)
{
	struct aps_str content;
	struct opened opened = {.index = 0};
	size_t former;
	bool is_noted = in->options->reuse != NULL;
	*is_nowhere = false;
	enum outcome outcome = is_noted ? take_over(in, entry, selection, &former) : READ_MISSING;
	if (outcome != READ_MISSING) return outcome;
	if (is_noted && !open_segment(in, &opened, entry, selection, former)) return fail_memory(in);
	outcome = content_at(in, entry, &content);
	*is_nowhere = outcome == READ_MISSING;
	if (outcome == READ_OK) outcome = write_content(in, entry, content, selection);
	if (is_noted && *is_nowhere)
		drop_segment(in, &opened);
	else if (is_noted)
		close_segment(in, &opened, outcome);
	return outcome;
}

static enum outcome write_record(struct reading *in, uint64_t entry, struct aps_selection *selection)
{
	bool is_nowhere;
	enum outcome outcome = write_segment(in, entry, selection, &is_nowhere);
	return is_nowhere ? write_nothing(in) : outcome;
}

static enum outcome write_items(struct reading *in, const struct aps_selection_field *field, struct aps_str items,
                                size_t *index);

/* *is_left_out: it refers to a record that was evicted, and isn't there any more. */
static enum outcome write_item(struct reading *in, const struct aps_selection_field *field, const struct aps_cell *item,
                               size_t index, bool *is_left_out)
{
	const struct crumb crumb = {in->crumb, {NULL, 0}, index};
	in->crumb = &crumb;
	*is_left_out = false;
	enum outcome outcome = item->tag == APS_CELL_REF && field->selection != NULL
	                               ? write_segment(in, item->as.entry, field->selection, is_left_out)
	                               : write_value(in, field, item);
	in->crumb = crumb.outer;
	return outcome;
}

static enum outcome write_items(struct reading *in, const struct aps_selection_field *field, struct aps_str items,
                                size_t *index)
{
	struct aps_cell item;
	bool is_left_out;
	enum outcome all = READ_OK;
	while (items.n != 0) {
		if (!aps_cell_take(&items, &item)) return fail_damaged(in);
		enum outcome outcome = write_item(in, field, &item, *index, &is_left_out);
		if (outcome == READ_FAILED) return outcome;
		if (is_left_out) continue;
		++*index;
		if (outcome == READ_OK) continue;
		all = READ_MISSING;
		if (!in->options->is_partial) return all;
		in->out.form->scalar(&in->out, &(struct aps_cell){.tag = APS_CELL_NULL});
	}
	return all;
}

/* A list, or one of its blocks, had to leave: it isn't an empty one. What a list is made of goes with it, or not at
 * all. */
static enum outcome list_content_at(struct reading *in, uint64_t entry, struct aps_str *content)
{
	in->source->is_absent = false;
	enum outcome outcome = content_at(in, entry, content);
	if (outcome == READ_OK && in->source->is_absent) return fail_damaged(in);
	return outcome == READ_OK && content->n == 0 ? READ_MISSING : outcome;
}

static enum outcome write_blocks(struct reading *in, const struct aps_selection_field *field, uint64_t entry,
                                 size_t *index)
{
	struct aps_str content, items;
	struct aps_long_block block;
	struct aps_cell list;
	enum outcome all = list_content_at(in, entry, &content);
	if (all == READ_MISSING) return miss(in);
	while (all != READ_FAILED && content.n != 0) {
		if (!aps_long_list_take(&content, &block)) return fail_damaged(in);
		enum outcome outcome = list_content_at(in, block.number, &items);
		if (outcome == READ_FAILED) return outcome;
		if (outcome == READ_MISSING) return miss(in);
		if (!aps_cell_take(&items, &list) || list.tag != APS_CELL_LIST) return fail_damaged(in);
		outcome = write_items(in, field, list.text, index);
		if (outcome != READ_OK) all = outcome;
		if (all == READ_MISSING && !in->options->is_partial) return all;
	}
	return all;
}

static enum outcome write_list(struct reading *in, const struct aps_selection_field *field,
                               const struct aps_cell *value)
{
	size_t index = 0;
	if (++in->depth > APS_CELL_MAX_DEPTH) return fail_damaged(in);
	size_t opened = in->out.form->open(&in->out, true);
	enum outcome outcome = value->tag == APS_CELL_LONG_LIST ? write_blocks(in, field, value->as.entry, &index)
	                                                        : write_items(in, field, value->text, &index);
	in->out.form->close(&in->out, true, opened, index);
	in->depth--;
	return outcome == READ_MISSING && in->options->is_partial ? READ_OK : outcome;
}

static enum outcome write_embedded(struct reading *in, const struct aps_selection_field *field,
                                   const struct aps_cell *value)
{
	struct object object = {.is_embedded = true, .fields = value->text};
	if (field->selection == NULL) return miss(in); /* it was selected otherwise when it was written */
	object.type = type_of(in, value->text);
	return write_object(in, &object, field->selection);
}

static enum outcome write_value(struct reading *in, const struct aps_selection_field *field,
                                const struct aps_cell *value)
{
	switch (value->tag) {
	case APS_CELL_NULL:
	case APS_CELL_FALSE:
	case APS_CELL_TRUE:
	case APS_CELL_INT:
	case APS_CELL_DOUBLE:
	case APS_CELL_NUMBER:
	case APS_CELL_STRING:
	case APS_CELL_JSON: in->out.form->scalar(&in->out, value); break;
	case APS_CELL_REF:
		if (field->selection == NULL) return miss(in);
		return write_record(in, value->as.entry, field->selection);
	case APS_CELL_LIST:
	case APS_CELL_LONG_LIST: return write_list(in, field, value);
	case APS_CELL_OBJECT: return write_embedded(in, field, value);
	case APS_CELL_GONE:
	case APS_CELL_PATCH:
	case APS_CELL_EDIT:
	case APS_CELL_COUNT: return fail_damaged(in);
	}
	return READ_OK;
}

static enum outcome read_root(struct reading *in)
{
	struct object object = {.is_root = true};
	enum outcome outcome = content_of(in, in->options->root, &object.record, &object.fields);
	if (outcome == READ_FAILED) return outcome;
	if (outcome == READ_MISSING) object = (struct object){.is_root = true, .fields = {"", 0}};
	const bool is_optimistic = in->source->is_optimistic;
	object.type = type_of(in, object.fields);
	if (object.type.n == 0) object.type = in->binding->root_type;
	bool is_over = is_to_be_asked(in, &object, in->binding->root);
	in->whose = (struct whose){object.record, is_over, is_optimistic};
	in->result->n_expired += is_over;
	return write_object(in, &object, in->binding->root);
}

static enum aps_rc conclude(const struct reading *in, struct aps_err *err)
{
	if (in->err.code != APS_OK) {
		if (err != NULL) *err = in->err;
		return in->err.code;
	}
	/* a text that isn't UTF-8, or a number that isn't one: neither was written so */
	if (in->out.w.err.code == APS_E_UTF8 || in->out.w.err.code == APS_E_USAGE)
		return aps_fail_word(err, APS_E_STORAGE, "corrupt", 0, "a record of the cache is damaged");
	if (in->result->data.rc != APS_OK) return aps_fail(err, in->result->data.rc, "the result of a read is too big");
	bool is_short = in->result->path.rc != APS_OK || in->result->key.rc != APS_OK ||
	                in->result->missing.rc != APS_OK || in->result->segments.dependencies.rc != APS_OK;
	return is_short ? aps_fail(err, APS_E_NOMEM, "no memory for a read of the cache") : APS_OK;
}

enum aps_rc aps_denormalize(struct aps_read_source *source, struct aps_binding *binding,
                            const struct aps_read_options *options, struct aps_read_result *result, struct aps_err *err)
{
	struct reading in = {.source = source, .binding = binding, .options = options, .result = result};
	in.typename = aps_names_find(binding->names, APS_STR("__typename"));
	in.out.form = options->is_packed ? &aps_result_packed : &aps_result_text;
	aps_json_writer_init(&in.out.w, &result->data);
	in.values = &result->values;
	if (options->reuse != NULL) aps_reuse_begin(options->reuse);
	if (options->observer != NULL) options->observer->begin(options->observer);
	read_root(&in);
	if (options->reuse != NULL) aps_reuse_end(options->reuse);
	result->is_optimistic = in.is_optimistic;
	enum aps_rc rc = conclude(&in, err);
	return rc;
}
