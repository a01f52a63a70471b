/* What a model of the service says, in the words of a real one: its answers as HTTP statuses and GraphQL errors, its
 * records and the variables of mutations as JSON. What they mean is read from them by the code under test. */
#ifndef APS_SPEC_SYNC_MODEL_TEXTS_H
#define APS_SPEC_SYNC_MODEL_TEXTS_H

#include "base/rand.h"
#include "sync/delivery.h"

/* One of the answers that mean `kind`, as proto/verdict.h reads it. */
enum aps_delivery_event_kind model_texts_verdict(enum aps_delivery_event_kind kind, bool is_versioned,
                                                 struct aps_rand *rand);

struct model_texts_mutation {
	uint32_t uid, round;
	enum aps_resend resend; /* that it is meant to be */
	uint32_t expected;      /* version; 0: none */
};

/* What sync/safety.h reads from it. */
enum aps_resend model_texts_resend(const struct model_texts_mutation *mutation);
/* What sync/in_doubt.h reads from the record: that of `writer`, 0: there is none. */
enum aps_delivery_event_kind model_texts_look(const struct model_texts_mutation *mutation, uint32_t version,
                                              uint32_t writer);

#endif
