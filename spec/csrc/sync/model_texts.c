#include "sync/model_texts.h"

#include "proto/verdict.h"
#include "sync/in_doubt.h"

#include <stdio.h>
#include <string.h>

#define TYPED(type)   "[{\"path\":[\"put\"],\"errorType\":\"" type "\",\"message\":\"no\"}]"
#define WITHOUT(type) "[{\"errorType\":\"" type "\",\"message\":\"no\"}]"

struct said {
	enum aps_delivery_event_kind kind;
	enum aps_rc code;
	bool sent;
	long status;
	const char *type, *errors;
};

static const struct said SAID[] = {
        {APS_DELIVERY_ON_UNSENT, APS_E_NETWORK, false, 0, "", ""},
        {APS_DELIVERY_ON_UNSENT, APS_E_TLS, false, 0, "", ""},
        {APS_DELIVERY_ON_UNSENT, APS_E_TIMEOUT, false, 0, "", ""},
        {APS_DELIVERY_ON_LATER, APS_E_HTTP, true, 429, "", ""},
        {APS_DELIVERY_ON_LATER, APS_E_HTTP, true, 503, "", ""},
        {APS_DELIVERY_ON_LATER, APS_E_HTTP, true, 302, "", ""},
        {APS_DELIVERY_ON_LATER, APS_E_GRAPHQL, true, 200, "", TYPED("DynamoDB:ThrottlingException")},
        {APS_DELIVERY_ON_LATER, APS_E_HTTP, true, 400, "ThrottlingException", ""},
        {APS_DELIVERY_ON_AUTH, APS_E_AUTH, true, 401, "UnauthorizedException", ""},
        {APS_DELIVERY_ON_AUTH, APS_E_AUTH, true, 401, "", ""},
        {APS_DELIVERY_ON_AUTH, APS_E_AUTH, false, 0, "", ""},
        {APS_DELIVERY_ON_AUTH, APS_E_AUTH, true, 403, "ExpiredTokenException", ""},
        {APS_DELIVERY_ON_DOUBT, APS_E_NETWORK, true, 0, "", ""},
        {APS_DELIVERY_ON_DOUBT, APS_E_TIMEOUT, true, 0, "", ""},
        {APS_DELIVERY_ON_DOUBT, APS_E_HTTP, true, 500, "", ""},
        {APS_DELIVERY_ON_DOUBT, APS_E_HTTP, true, 502, "", ""},
        {APS_DELIVERY_ON_DOUBT, APS_E_HTTP, true, 504, "", ""},
        {APS_DELIVERY_ON_DOUBT, APS_E_PROTOCOL, true, 200, "", ""},
        {APS_DELIVERY_ON_DOUBT, APS_E_GRAPHQL, true, 200, "", TYPED("Lambda:Unhandled")},
        {APS_DELIVERY_ON_DOUBT, APS_E_GRAPHQL, true, 200, "", TYPED("ExecutionTimeout")},
        {APS_DELIVERY_ON_DOUBT, APS_E_GRAPHQL, true, 200, "", "[7]"},
        {APS_DELIVERY_ON_DONE, APS_OK, true, 200, "", ""},
        {APS_DELIVERY_ON_DONE, APS_E_GRAPHQL, true, 200, "",
         "[{\"path\":[\"put\",\"note\"],\"errorType\":\"Unauthorized\",\"message\":\"no\"}]"},
        {APS_DELIVERY_ON_REFUSED, APS_E_GRAPHQL, true, 200, "", TYPED("Unauthorized")},
        {APS_DELIVERY_ON_REFUSED, APS_E_GRAPHQL, true, 200, "", WITHOUT("ValidationException")},
        {APS_DELIVERY_ON_REFUSED, APS_E_GRAPHQL, true, 200, "", "[{\"message\":\"no\"}]"},
        {APS_DELIVERY_ON_REFUSED, APS_E_GRAPHQL, true, 400, "", "[{\"message\":\"no\"}]"},
        {APS_DELIVERY_ON_REFUSED, APS_E_HTTP, true, 413, "", ""},
        {APS_DELIVERY_ON_CONFLICT, APS_E_GRAPHQL, true, 200, "", TYPED("ConflictUnhandled")},
        {APS_DELIVERY_ON_CONFLICT, APS_E_GRAPHQL, true, 200, "", TYPED("MaxConflicts")},
};

static enum aps_delivery_event_kind event_of(enum aps_verdict verdict)
{
	switch (verdict) {
	case APS_VERDICT_DONE: return APS_DELIVERY_ON_DONE;
	case APS_VERDICT_UNSENT: return APS_DELIVERY_ON_UNSENT;
	case APS_VERDICT_LATER: return APS_DELIVERY_ON_LATER;
	case APS_VERDICT_AUTH: return APS_DELIVERY_ON_AUTH;
	case APS_VERDICT_CONFLICT: return APS_DELIVERY_ON_CONFLICT;
	case APS_VERDICT_REFUSED: return APS_DELIVERY_ON_REFUSED;
	case APS_VERDICT_DOUBT:
	default: return APS_DELIVERY_ON_DOUBT;
	}
}

enum aps_delivery_event_kind model_texts_verdict(enum aps_delivery_event_kind kind, bool is_versioned,
                                                 struct aps_rand *rand)
{
	size_t first = 0, n = 0;
	while (SAID[first].kind != kind) first++;
	while (first + n < APS_COUNTOF(SAID) && SAID[first + n].kind == kind) n++;
	const struct said *said = &SAID[first + aps_rand_below(rand, n)];
	const struct aps_verdict_question question = {
	        .code = said->code,
	        .sent = said->sent,
	        .status = said->status,
	        .error_type = aps_str_of(said->type),
	        .errors = aps_str_of(said->errors),
	        .has_data = said->status == 200,
	        .has_value = kind == APS_DELIVERY_ON_DONE,
	        .is_versioned = is_versioned,
	        .n_roots = 1,
	};
	return event_of(aps_verdict_of(&question));
}

struct texts {
	char variables[128], id[24];
	struct aps_identity_part identity;
	struct aps_safety safety;
};

static void write_mutation(struct texts *texts, const struct model_texts_mutation *mutation)
{
	char version[40] = "";
	bool is_versioned = mutation->resend == APS_RESEND_VERSIONED;
	if (is_versioned) snprintf(version, sizeof version, ",\"expectedVersion\":%u", mutation->expected);
	snprintf(texts->id, sizeof texts->id, "\"id%u\"", is_versioned ? 0 : mutation->uid);
	snprintf(texts->variables, sizeof texts->variables, "{\"input\":{\"id\":%s%s,\"text\":\"%u\"}}", texts->id,
	         version, mutation->uid * 16 + mutation->round);
	texts->identity = (struct aps_identity_part){"id", aps_str_of(texts->id)};
	const struct aps_safety_question question = {
	        .is_idempotent = mutation->resend == APS_RESEND_AT_ONCE,
	        .n_roots = 1,
	        .variables = aps_str_of(texts->variables),
	        .made = &texts->identity,
	        .n_made = mutation->resend == APS_RESEND_IDENTIFIED ? 1 : 0,
	};
	texts->safety = aps_safety_of(&question);
}

enum aps_resend model_texts_resend(const struct model_texts_mutation *mutation)
{
	struct texts texts;
	write_mutation(&texts, mutation);
	switch (texts.safety.class) {
	case APS_SAFETY_IDEMPOTENT: return APS_RESEND_AT_ONCE;
	case APS_SAFETY_VERSIONED: return APS_RESEND_VERSIONED;
	case APS_SAFETY_CREATES: return APS_RESEND_IDENTIFIED;
	case APS_SAFETY_NOT_SAFE:
	default: return APS_RESEND_NEVER;
	}
}

enum aps_delivery_event_kind model_texts_look(const struct model_texts_mutation *mutation, uint32_t version,
                                              uint32_t writer)
{
	struct texts texts;
	char record[128] = "";
	write_mutation(&texts, mutation);
	if (writer != 0)
		snprintf(record, sizeof record, "{\"id\":%s,\"version\":%u,\"text\":\"%u\"}", texts.id, version,
		         writer);
	const struct aps_in_doubt_question question = {
	        .safety = &texts.safety,
	        .variables = aps_str_of(texts.variables),
	        .identity = &texts.identity,
	        .n_identity = 1,
	        .is_read = true,
	        .record = aps_str_of(record),
	};
	switch (aps_in_doubt_judge(&question)) {
	case APS_IN_DOUBT_SEND: return APS_DELIVERY_ON_SEEN_SEND;
	case APS_IN_DOUBT_APPLIED: return APS_DELIVERY_ON_SEEN_APPLIED;
	case APS_IN_DOUBT_UNKNOWN:
	default: return APS_DELIVERY_ON_SEEN_UNKNOWN;
	}
}
