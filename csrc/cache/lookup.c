#include "cache/lookup.h"

#include "cache/identity.h"
#include "codec/json_reader.h"

/* Arguments as the key fields of what they look up. */
struct lookup {
	struct aps_binding *binding;
	const struct aps_selection_field *field;
	struct aps_buf text;
};

static bool get_argument(void *of, struct aps_str path, struct aps_cell *value)
{
	struct lookup *lookup = of;
	struct aps_binding *binding = lookup->binding;
	struct aps_arena *arena = aps_selection_arena(binding, lookup->field);
	struct aps_str json = aps_argument_variable(lookup->field->node, path, &binding->variables);
	aps_buf_reset(&lookup->text);
	if (json.n == 0) {
		if (!aps_argument_value(&lookup->text, lookup->field->node, path, &binding->variables, arena))
			return false;
		json = aps_buf_str(&lookup->text);
	}
	struct aps_json_reader r;
	aps_json_reader_init(&r, json, 0);
	switch (aps_json_next(&r)) {
	case APS_JSON_STRING:
		*value = (struct aps_cell){.tag = APS_CELL_STRING, .text = aps_json_unescape(&r, arena)};
		return value->text.p != NULL;
	case APS_JSON_INT: *value = (struct aps_cell){.tag = APS_CELL_INT, .as.integer = r.integer}; return true;
	case APS_JSON_BIGINT: *value = (struct aps_cell){.tag = APS_CELL_NUMBER, .text = r.text}; return true;
	default: return false;
	}
}

bool aps_lookup_key(struct aps_buf *out, struct aps_binding *binding, const struct aps_selection_field *field)
{
	struct lookup lookup = {.binding = binding, .field = field};
	if (field->policy == NULL || field->policy->lookup.n == 0) return false;
	aps_buf_init(&lookup.text, APS_BUF_ANY_SIZE);
	aps_buf_add_byte(out, 'R');
	bool is_known = aps_identity_of(out, binding->policies, field->policy->lookup, get_argument, &lookup);
	if (lookup.text.rc != APS_OK || aps_selection_arena(binding, field)->rc != APS_OK) out->rc = APS_E_NOMEM;
	aps_buf_clear(&lookup.text);
	return is_known;
}

struct aps_str aps_lookup_kept_key(struct aps_binding *binding, struct aps_selection_field *field)
{
	struct aps_buf *key = &binding->scratch;
	if (field->lookup_key.p != NULL) return field->lookup_key;
	if (field->policy == NULL || field->policy->lookup.n == 0) return APS_STR("");
	aps_buf_reset(key);
	if (!aps_lookup_key(key, binding, field)) key->n = 0;
	if (key->rc == APS_OK) field->lookup_key = aps_arena_dup(aps_selection_arena(binding, field), aps_buf_str(key));
	return field->lookup_key;
}
