#include "cache/hold.h"

#include "base/mem.h"
#include "cache/long_list.h"
#include "cache/lookup.h"

struct aps_hold_place {
	struct aps_hold_place *next;
	struct aps_selection *selection;
	struct aps_number_set seen;
};

enum step_kind { STEP_RECORD, STEP_LONG_LIST, STEP_BLOCK };

struct step {
	uint64_t entry;
	enum step_kind kind;
	struct aps_hold_place *place;
};

enum aps_rc aps_hold_init(struct aps_hold *hold, struct aps_collect *collect, const struct aps_gql_document *document,
                          const struct aps_gql_operation *operation, struct aps_str variables, struct aps_err *err)
{
	*hold = (struct aps_hold){.collect = collect};
	aps_buf_init(&hold->steps, APS_BUF_ANY_SIZE);
	aps_buf_init(&hold->content, APS_BUF_ANY_SIZE);
	aps_buf_init(&hold->value, APS_BUF_ANY_SIZE);
	aps_buf_init(&hold->key, APS_BUF_ANY_SIZE);
	hold->binding = (struct aps_binding){.policies = collect->policies, .names = &collect->cache->names};
	return aps_binding_init(&hold->binding, document, operation, variables, err);
}

void aps_hold_clear(struct aps_hold *hold)
{
	while (hold->places != NULL) {
		struct aps_hold_place *place = hold->places;
		hold->places = place->next;
		aps_number_set_clear(&place->seen);
		aps_free(place);
	}
	aps_buf_clear(&hold->steps);
	aps_buf_clear(&hold->content);
	aps_buf_clear(&hold->value);
	aps_buf_clear(&hold->key);
	aps_binding_clear(&hold->binding);
}

static struct aps_hold_place *place_of(struct aps_hold *hold, struct aps_selection *selection)
{
	struct aps_hold_place *place = hold->places;
	while (place != NULL && place->selection != selection) place = place->next;
	if (place != NULL) return place;
	place = aps_calloc(1, sizeof *place);
	if (place == NULL) return NULL;
	place->selection = selection;
	place->next = hold->places;
	hold->places = place;
	return place;
}

/* Each entry once by each selection. */
static void add_step(struct aps_hold *hold, uint64_t entry, enum step_kind kind, struct aps_selection *selection)
{
	struct aps_hold_place *place = place_of(hold, selection);
	bool is_new = false;
	if (entry == 0 || entry > *hold->collect->cache->entries.last_number) return;
	if (place == NULL || !aps_number_set_add(&place->seen, entry, &is_new)) hold->collect->is_short = true;
	if (!is_new) return;
	aps_collect_hold(hold->collect, entry);
	const struct step step = {entry, kind, place};
	aps_buf_add(&hold->steps, &step, sizeof step);
}

static enum aps_rc visit_value(struct aps_hold *hold, const struct aps_cell *value, struct aps_selection *selection,
                               unsigned depth, struct aps_err *err);

/* An entry by its key, its content in hold->value; *number 0: there is none. */
static enum aps_rc find(struct aps_hold *hold, uint64_t *number, struct aps_err *err)
{
	struct aps_entry_backing *rows = hold->collect->rows;
	struct aps_entry_row row = {.number = 0};
	aps_buf_reset(&hold->value);
	enum aps_rc rc = hold->key.rc == APS_OK ? rows->find(rows, aps_buf_str(&hold->key), &row, err)
	                                        : aps_fail(err, APS_E_NOMEM, "no memory to collect what isn't needed");
	*number = rc == APS_OK ? row.number : 0;
	if (*number != 0) aps_buf_add_str(&hold->value, row.content);
	rows->done(rows);
	if (hold->value.rc != APS_OK) hold->collect->is_short = true;
	return rc;
}

/* A field with arguments: an entry of its own, or the record that its arguments identify. */
static enum aps_rc visit_field_entry(struct aps_hold *hold, uint64_t record, const struct aps_selection_field *field,
                                     struct aps_err *err)
{
	uint64_t number;
	struct aps_cell value;
	aps_buf_reset(&hold->key);
	aps_buf_addf(&hold->key, "F%llu.", (unsigned long long)record);
	aps_buf_add_str(&hold->key, field->key);
	enum aps_rc rc = find(hold, &number, err);
	if (rc != APS_OK) return rc;
	if (number != 0) aps_collect_hold(hold->collect, number);
	struct aps_str content = aps_buf_str(&hold->value);
	if (number != 0 && aps_cell_take(&content, &value)) return visit_value(hold, &value, field->selection, 0, err);
	aps_buf_reset(&hold->key);
	if (field->selection == NULL) return APS_OK;
	if (!aps_lookup_key(&hold->key, &hold->binding, field) && hold->key.rc == APS_OK) return APS_OK;
	rc = find(hold, &number, err);
	if (rc == APS_OK) add_step(hold, number, STEP_RECORD, field->selection);
	return rc;
}

static struct aps_str type_of(const struct aps_hold *hold, struct aps_str fields)
{
	struct aps_cell type;
	uint32_t typename = aps_names_find(hold->binding.names, APS_STR("__typename"));
	bool has_type = typename != 0 && aps_cell_find_field(fields, typename, &type) && type.tag == APS_CELL_STRING;
	return has_type ? type.text : APS_STR("");
}

/* A record, or a part of one that is embedded: there fields with arguments stand among the others. */
struct object {
	bool is_embedded;
	uint64_t record;
	struct aps_str fields;
};

static enum aps_rc visit_object(struct aps_hold *hold, const struct object *object, struct aps_selection *selection,
                                unsigned depth, struct aps_err *err)
{
	struct aps_cell value;
	struct aps_str type = type_of(hold, object->fields);
	if (type.n == 0 && selection == hold->binding.root) type = hold->binding.root_type;
	const struct aps_selection_view *view = aps_selection_view(&hold->binding, selection, type);
	enum aps_rc rc = view != NULL ? APS_OK : aps_binding_fail(&hold->binding, err);
	for (size_t i = 0; rc == APS_OK && i < view->n_fields; i++) {
		const struct aps_selection_field *field = &view->fields[i];
		uint32_t number = field->number != 0 ? field->number : aps_names_find(hold->binding.names, field->name);
		if (!field->is_plain && !object->is_embedded)
			rc = visit_field_entry(hold, object->record, field, err);
		else if (field->is_plain ? number != 0 && aps_cell_find_field(object->fields, number, &value)
		                         : aps_cell_find_text_field(object->fields, field->key, &value))
			rc = visit_value(hold, &value, field->selection, depth, err);
	}
	return rc;
}

static enum aps_rc visit_value(struct aps_hold *hold, const struct aps_cell *value, struct aps_selection *selection,
                               unsigned depth, struct aps_err *err)
{
	const struct object embedded = {.is_embedded = true, .fields = value->text};
	struct aps_str rest = value->text;
	struct aps_cell item;
	enum aps_rc rc = APS_OK;
	if (selection == NULL || depth >= APS_CELL_MAX_DEPTH) return APS_OK;
	switch (value->tag) {
	case APS_CELL_REF: add_step(hold, value->as.entry, STEP_RECORD, selection); break;
	case APS_CELL_LONG_LIST: add_step(hold, value->as.entry, STEP_LONG_LIST, selection); break;
	case APS_CELL_OBJECT: return visit_object(hold, &embedded, selection, depth + 1, err);
	case APS_CELL_LIST:
		while (rc == APS_OK && aps_cell_take(&rest, &item))
			rc = visit_value(hold, &item, selection, depth + 1, err);
		break;
	default: break;
	}
	return rc;
}

static enum aps_rc visit_content(struct aps_hold *hold, const struct step *step, struct aps_err *err)
{
	struct aps_str content = aps_buf_str(&hold->content);
	struct aps_selection *selection = step->place->selection;
	struct aps_long_block block;
	struct aps_cell list;
	const struct object record = {.record = step->entry, .fields = content};
	switch (step->kind) {
	case STEP_RECORD: return visit_object(hold, &record, selection, 0, err);
	case STEP_BLOCK: return aps_cell_take(&content, &list) ? visit_value(hold, &list, selection, 0, err) : APS_OK;
	case STEP_LONG_LIST:
		while (aps_long_list_take(&content, &block)) add_step(hold, block.number, STEP_BLOCK, selection);
		break;
	}
	return APS_OK;
}

/* What the entry is without layers: those hold what is theirs. */
static enum aps_rc visit(struct aps_hold *hold, const struct step *step, struct aps_err *err)
{
	struct aps_entry_backing *rows = hold->collect->rows;
	struct aps_entry_row row = {.number = 0};
	aps_buf_reset(&hold->content);
	enum aps_rc rc = rows->load(rows, step->entry, &row, err);
	bool is_there = rc == APS_OK && row.number != 0;
	if (is_there) aps_buf_add_str(&hold->content, row.content);
	rows->done(rows);
	if (hold->content.rc != APS_OK) hold->collect->is_short = true;
	return is_there ? visit_content(hold, step, err) : rc;
}

static enum aps_rc visit_root(struct aps_hold *hold, struct aps_err *err)
{
	const struct object nowhere = {.record = 0, .fields = {"", 0}};
	hold->has_begun = true;
	if (hold->collect->root == 0) return visit_object(hold, &nowhere, hold->binding.root, 0, err);
	add_step(hold, hold->collect->root, STEP_RECORD, hold->binding.root);
	return APS_OK;
}

enum aps_rc aps_hold_step(struct aps_hold *hold, size_t max_rows, bool *is_done, struct aps_err *err)
{
	struct step step;
	enum aps_rc rc = hold->has_begun ? APS_OK : visit_root(hold, err);
	for (size_t n = 0; rc == APS_OK && n < max_rows && hold->steps.n != 0; n++) {
		hold->steps.n -= sizeof step;
		memcpy(&step, hold->steps.p + hold->steps.n, sizeof step);
		rc = visit(hold, &step, err);
		if (rc == APS_OK && (hold->collect->is_short || hold->steps.rc != APS_OK))
			rc = aps_fail(err, APS_E_NOMEM, "no memory to collect what isn't needed");
	}
	*is_done = hold->steps.n == 0;
	return rc;
}
