/* A model of the service that a simulation sends its mutations to: records with versions, records that are made with an
 * id of the client's, and plain effects, each counted per mutation. It also fails in every way that a service may. */
#ifndef APS_SPEC_SYNC_MODEL_SERVICE_H
#define APS_SPEC_SYNC_MODEL_SERVICE_H

#include "base/rand.h"
#include "sync/delivery.h"

#define MODEL_RECORDS 16
#define MODEL_UIDS    256
#define MODEL_ROUNDS  (APS_DELIVERY_MAX_ROUNDS + 1)

struct model_mutation {
	uint32_t uid;
	uint16_t round;
	uint8_t mode, nature, record; /* record: of VERSIONED */
	bool is_look, is_in_doubt, is_poisoned, is_invalid;
	uint32_t expected;
};

struct model_answer {
	enum aps_delivery_event_kind kind;
	bool has_record;
	uint32_t version; /* of the record, now */
};

struct model_service {
	bool has_faults, is_down, is_token_good[4];
	bool merges; /* what expects an older version, too */
	struct {
		uint32_t version, writer;
	} records[MODEL_RECORDS];
	uint32_t makers[MODEL_UIDS]; /* who made the record with the id of this mutation; 0: nobody */
	uint8_t effects[MODEL_UIDS][MODEL_ROUNDS];
	uint32_t first_effect[MODEL_UIDS], n_effects; /* in which order; 0: none */
	struct aps_rand *rand;
};

void model_service_init(struct model_service *service, struct aps_rand *rand);
struct model_answer model_service_execute(struct model_service *service, const struct model_mutation *mutation);
/* Somebody else's. */
void model_service_write(struct model_service *service, unsigned record);

#endif
