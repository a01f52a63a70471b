#include "sync/model_service.h"

#include "sync/model_texts.h"

#include <string.h>

#define STRANGER UINT32_MAX

void model_service_init(struct model_service *service, struct aps_rand *rand)
{
	memset(service, 0, sizeof *service);
	service->has_faults = true;
	service->rand = rand;
	for (size_t i = 0; i < APS_COUNTOF(service->is_token_good); i++) service->is_token_good[i] = true;
	for (size_t i = 0; i < MODEL_RECORDS; i++) model_service_write(service, (unsigned)i);
}

static bool chance(struct model_service *service, unsigned percent)
{
	return service->has_faults && aps_rand_below(service->rand, 100) < percent;
}

static struct model_answer answer(enum aps_delivery_event_kind kind)
{
	return (struct model_answer){.kind = kind};
}

static uint32_t writer_of(const struct model_mutation *mutation)
{
	return mutation->uid * 16 + mutation->round;
}

static void take_effect(struct model_service *service, const struct model_mutation *mutation)
{
	uint8_t *n = &service->effects[mutation->uid][mutation->round];
	if (*n < UINT8_MAX) ++*n;
	service->n_effects++;
	if (service->first_effect[mutation->uid] == 0) service->first_effect[mutation->uid] = service->n_effects;
}

static struct model_answer execute(struct model_service *service, const struct model_mutation *mutation)
{
	struct model_answer done = answer(APS_DELIVERY_ON_DONE);
	struct model_answer conflict = {
	        .kind = APS_DELIVERY_ON_CONFLICT, .has_record = !chance(service, 50), .version = 1};
	if (mutation->nature == APS_RESEND_VERSIONED) {
		uint32_t *version = &service->records[mutation->record].version;
		conflict.version = *version;
		if (*version != mutation->expected && !service->merges) return conflict;
		done.version = ++*version;
		service->records[mutation->record].writer = writer_of(mutation);
	}
	if (mutation->nature == APS_RESEND_IDENTIFIED) {
		if (service->makers[mutation->uid] != 0)
			return chance(service, 50) ? answer(APS_DELIVERY_ON_REFUSED) : conflict;
		service->makers[mutation->uid] = writer_of(mutation);
	}
	take_effect(service, mutation);
	return done;
}

static struct model_answer look(struct model_service *service, const struct model_mutation *mutation)
{
	struct model_answer seen = {.version = service->records[mutation->record].version};
	bool is_versioned = mutation->nature == APS_RESEND_VERSIONED;
	if (!mutation->is_in_doubt) {
		seen.kind = chance(service, 20) ? APS_DELIVERY_ON_SEEN_UNKNOWN : APS_DELIVERY_ON_SEEN_RECORD;
		return seen;
	}
	const struct model_texts_mutation about = {mutation->uid, mutation->round, (enum aps_resend)mutation->nature,
	                                           mutation->expected};
	uint32_t writer = is_versioned ? service->records[mutation->record].writer : service->makers[mutation->uid];
	seen.kind = model_texts_look(&about, is_versioned ? seen.version : 1, writer);
	return seen;
}

static struct model_answer answer_to(struct model_service *service, const struct model_mutation *mutation)
{
	if (!service->is_token_good[mutation->mode]) return answer(APS_DELIVERY_ON_AUTH);
	if (mutation->is_poisoned || service->is_down || chance(service, 8)) return answer(APS_DELIVERY_ON_LATER);
	if (chance(service, 4)) return answer(APS_DELIVERY_ON_DOUBT);
	if (mutation->is_look) return look(service, mutation);
	if (mutation->is_invalid || chance(service, 7)) return answer(APS_DELIVERY_ON_REFUSED);
	if (chance(service, 4))
		return (struct model_answer){.kind = APS_DELIVERY_ON_CONFLICT,
		                             .has_record = chance(service, 50),
		                             .version = service->records[mutation->record].version};
	struct model_answer result = execute(service, mutation);
	return chance(service, 6) ? answer(APS_DELIVERY_ON_DOUBT) : result;
}

struct model_answer model_service_execute(struct model_service *service, const struct model_mutation *mutation)
{
	struct model_answer result = answer_to(service, mutation);
	if (result.kind < APS_DELIVERY_ON_SEEN_SEND)
		result.kind = model_texts_verdict(result.kind, mutation->nature == APS_RESEND_VERSIONED, service->rand);
	return result;
}

void model_service_write(struct model_service *service, unsigned record)
{
	service->records[record].version++;
	service->records[record].writer = STRANGER;
}
