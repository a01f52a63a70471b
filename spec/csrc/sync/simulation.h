/* A world for the queue of mutations: a journal that loses what wasn't committed or synced, processes that die, a
 * network that loses and delays, a service that fails, an application that discards, retries and resolves. One seed is
 * one schedule: some steps with all of these, then quiet until the queue has settled. */
#ifndef APS_SPEC_SYNC_SIMULATION_H
#define APS_SPEC_SYNC_SIMULATION_H

#include "sync/memory_journal.h"
#include "sync/model_service.h"

#include <stdio.h>

#define SIMULATION_MAX_REQUESTS 64

enum request_state { REQUEST_ON_WAY, REQUEST_ANSWERED, REQUEST_LATE };

struct simulation_request {
	uint32_t id; /* 0: free */
	uint64_t number;
	enum request_state state;
	struct model_mutation mutation;
	struct model_answer answer;
};

/* What the process knows of an entry. */
struct simulation_hand {
	uint32_t request; /* whose answer it waits for; 0: none */
	bool is_asked;
	uint32_t seen, resolved; /* versions */
};

/* What was promised about a mutation, and what has become of it. */
struct simulation_promise {
	uint8_t nature, outcome, round, mode;
	bool is_made, is_acknowledged, is_over, is_discarded, is_told, is_invalid, is_poisoned;
};

struct simulation {
	uint64_t seed;
	struct aps_rand rand;
	FILE *log; /* NULL: it runs silently */
	struct memory_journal journal;
	struct model_service service;
	struct aps_outbox outbox;
	struct aps_outbox_options options;
	bool is_alive, is_quiet;
	int64_t now_ms;
	uint32_t last_uid, last_request;
	unsigned n_records; /* that its mutations are about */
	size_t fails_at;    /* the allocation of this step that fails; 0: none */
	struct simulation_request requests[SIMULATION_MAX_REQUESTS];
	struct simulation_hand hands[JOURNAL_MAX_ENTRIES];
	struct simulation_promise promises[MODEL_UIDS];
	char violation[256]; /* empty: none */
	unsigned n_outcomes[APS_DELIVERY_OUTCOME_COUNT], n_steps;
};

/* NULL, or what was violated. The numbers of outcomes and steps are added to what is there. */
const char *simulation_run(struct simulation *world, uint64_t seed, FILE *log);

#endif
