#include "client/entry_safety.h"

static enum aps_rc identity_of(const struct aps_entry_safety *question, struct aps_identity_field **fields, size_t *n,
                               struct aps_err *err)
{
	const struct aps_policies *policies = question->queue->partition->policies;
	const struct aps_type_policy *type = aps_policies_find_type(policies, aps_identity_type(question->made));
	size_t n_keys = type != NULL ? type->n_key_fields : 0;
	*n = n_keys != 0 ? n_keys : 1;
	return aps_identity_fields_of(question->made, n_keys != 0 ? type->key_fields : NULL, n_keys, question->arena,
	                              fields, err);
}

const struct aps_identity_part *aps_entry_identity_parts(struct aps_arena *arena,
                                                         const struct aps_identity_field *fields, size_t n)
{
	struct aps_identity_part *parts = aps_arena_get(arena, n * sizeof *parts);
	for (size_t i = 0; parts != NULL && i < n; i++) {
		char *name = aps_arena_get(arena, fields[i].name.n + 1);
		if (name == NULL) return NULL;
		memcpy(name, fields[i].name.p, fields[i].name.n);
		name[fields[i].name.n] = '\0';
		parts[i] = (struct aps_identity_part){name, fields[i].value};
	}
	return parts;
}

/* A key whose fields can't be told names nothing. */
enum aps_rc aps_entry_safety_of(const struct aps_entry_safety *question, struct aps_safety *safety, struct aps_err *err)
{
	struct aps_identity_field *fields;
	struct aps_safety_question asked = {
	        .is_idempotent = question->is_idempotent,
	        .n_roots = question->n_roots,
	        .variables = question->variables,
	};
	size_t n = 0;
	if (question->made.n != 0 && identity_of(question, &fields, &n, err) == APS_OK) {
		asked.made = aps_entry_identity_parts(question->arena, fields, n);
		asked.n_made = asked.made != NULL ? n : 0;
	}
	if (question->arena->rc != APS_OK) return aps_arena_fail(question->arena, "a queued mutation", err);
	*safety = aps_safety_of(&asked);
	return APS_OK;
}
