#include "client/ids_ignored.h"

#include "client/partition.h"
#include "codec/json_members.h"
#include "store/outcomes.h"
#include "sync/id_evidence.h"
#include "sync/identity_fields.h"

#define MAX_OUTCOMES 1000

static void take_names(const struct aps_queue *queue, struct aps_str made, struct aps_id_evidence_question *question)
{
	static const struct aps_str ID = {"id", 2};
	const struct aps_policies *policies = queue->partition->policies;
	const struct aps_type_policy *policy = aps_policies_find_type(policies, aps_identity_type(made));
	bool has_own_keys = policy != NULL && policy->n_key_fields != 0;
	question->names = has_own_keys ? policy->key_fields : &ID;
	question->n_names = has_own_keys ? policy->n_key_fields : 1;
}

/* An alias is no field's name: another mutation may have the same one. */
static bool is_of(struct aps_json_members *content, struct aps_str mutation)
{
	struct aps_json_reader r;
	struct aps_str name;
	if (!aps_json_members_get(content, "field", &name) && !aps_json_members_get(content, "mutation", &name))
		return false;
	aps_json_reader_init(&r, name, 0);
	return aps_json_next(&r) == APS_JSON_STRING && aps_str_eq(r.text, mutation);
}

static enum aps_id_evidence evidence_of(struct aps_id_evidence_question *question, struct aps_str content,
                                        struct aps_str mutation)
{
	struct aps_json_members members;
	aps_json_members_init(&members, content);
	if (!is_of(&members, mutation)) return APS_ID_EVIDENCE_NONE;
	bool is_whole = aps_json_members_get(&members, "variables", &question->variables) &&
	                aps_json_members_get(&members, "data", &question->data);
	return is_whole ? aps_id_evidence_of(question) : APS_ID_EVIDENCE_NONE;
}

enum aps_rc aps_ids_are_ignored(const struct aps_queue *queue, struct aps_str mutation, struct aps_str made,
                                bool *are_ignored, struct aps_err *err)
{
	struct aps_kept_outcome outcome;
	struct aps_id_evidence_question question;
	enum aps_id_evidence evidence = APS_ID_EVIDENCE_NONE;
	enum aps_rc rc = APS_OK;
	int64_t before = INT64_MAX;
	take_names(queue, made, &question);
	aps_kept_outcome_init(&outcome);
	for (int i = 0; evidence == APS_ID_EVIDENCE_NONE && i < MAX_OUTCOMES; i++) {
		rc = aps_outcomes_last(aps_queue_db(queue), queue->owner, before, &outcome, err);
		before = outcome.number;
		if (before == 0 || rc == APS_E_NOMEM) break;
		if (rc == APS_OK) evidence = evidence_of(&question, outcome.content, mutation);
		rc = APS_OK; /* a damaged one tells nothing */
	}
	aps_kept_outcome_clear(&outcome);
	*are_ignored = evidence == APS_ID_EVIDENCE_IGNORED;
	return rc;
}
