#include "cache/identity.h"

#include "codec/decimal.h"
#include "codec/json_writer.h"

/* How JavaScript puts a string or number behind a colon: there is no zero below zero. Objects and lists tell nothing
 * apart: a service may write the same one in many ways. */
static bool put_bare(struct aps_buf *out, const struct aps_cell *value)
{
	char digits[APS_DECIMAL_CHARS];
	switch (value->tag) {
	case APS_CELL_STRING:
	case APS_CELL_NUMBER: aps_buf_add_str(out, value->text); return true;
	case APS_CELL_INT: aps_buf_add(out, digits, aps_decimal_print_int(value->as.integer, digits)); return true;
	case APS_CELL_DOUBLE:
		if (value->as.number == 0)
			aps_buf_add_byte(out, '0');
		else
			aps_buf_add(out, digits, aps_decimal_print(value->as.number, digits));
		return true;
	case APS_CELL_TRUE: aps_buf_add_text(out, "true"); return true;
	case APS_CELL_FALSE: aps_buf_add_text(out, "false"); return true;
	default: return false;
	}
}

static bool put_json(struct aps_buf *out, const struct aps_cell *value)
{
	if (value->tag == APS_CELL_NULL) aps_buf_add_text(out, "null");
	if (value->tag != APS_CELL_STRING) return value->tag == APS_CELL_NULL || put_bare(out, value);
	struct aps_json_writer w;
	aps_json_writer_init(&w, out);
	aps_json_write_string(&w, value->text);
	return w.err.code == APS_OK;
}

static bool put_default(struct aps_buf *out, aps_identity_get *get, void *object)
{
	struct aps_cell value;
	if (get(object, APS_STR("id"), &value) && put_bare(out, &value)) return true;
	return get(object, APS_STR("_id"), &value) && put_bare(out, &value);
}

/* {"a":…,"b.c":…} */
static bool put_fields(struct aps_buf *out, const struct aps_type_policy *policy, aps_identity_get *get, void *object)
{
	struct aps_cell value;
	if (policy->n_key_fields == 1) return get(object, policy->key_fields[0], &value) && put_bare(out, &value);
	aps_buf_add_byte(out, '{');
	for (size_t i = 0; i < policy->n_key_fields; i++) {
		if (!get(object, policy->key_fields[i], &value)) return false;
		if (i != 0) aps_buf_add_byte(out, ',');
		aps_buf_add_byte(out, '"');
		aps_buf_add_str(out, policy->key_fields[i]);
		aps_buf_add_text(out, "\":");
		if (!put_json(out, &value)) return false;
	}
	aps_buf_add_byte(out, '}');
	return true;
}

bool aps_identity_of(struct aps_buf *out, const struct aps_policies *policies, struct aps_str type,
                     aps_identity_get *get, void *object)
{
	if (type.n == 0) return false;
	const struct aps_type_policy *policy = aps_policies_find_type(policies, type);
	if (policy != NULL && policy->has_no_identity) return false;
	/* what a payload has of the root is the root's */
	if (aps_str_is(type, "Query")) {
		aps_buf_add_text(out, "ROOT_QUERY");
		return out->rc == APS_OK;
	}
	size_t at = out->n;
	aps_buf_add_str(out, type);
	aps_buf_add_byte(out, ':');
	bool is_known = policy != NULL && policy->n_key_fields != 0 ? put_fields(out, policy, get, object)
	                                                            : put_default(out, get, object);
	if (!is_known && out->rc == APS_OK) out->n = at;
	return is_known && out->rc == APS_OK;
}
