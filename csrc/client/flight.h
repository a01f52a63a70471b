/* A request that is under way, and the calls that wait for it: equal queries share one, whose answer goes into the
 * cache of one identity. @thread core
 *
 *     passenger --aps_flight_board()--> flight --its outcome--> told(), to each that is still there
 *                                         |                ^
 *                                         |                +-- parked: until the application has told what the cache
 *                                         |                    needs to know; nobody is late any more
 *                                         +-- aps_flight_leave(), aps_flight_leave_late(): the last one ends it
 *
 * Other calls, which no cache serves, are sent one by one. A query joins only what began after the last answer of a
 * mutation of its client: so that whoever changes something and asks then sees what it has changed. */
#ifndef APS_CLIENT_FLIGHT_H
#define APS_CLIENT_FLIGHT_H

#include "client/request.h"
#include "client/shared.h"

struct aps_flight;

/* Embedded in whoever waits. */
struct aps_passenger {
	struct aps_passenger *next; /* of the same flight */
	struct aps_flight *flight;  /* NULL: it was told, or has left */
	/* Takes *outcome. The passenger is of no flight any more. */
	void (*told)(struct aps_core *core, struct aps_passenger *passenger, struct aps_outcome *outcome);
};

struct aps_flight_options {
	struct aps_client *client;
	bool is_safe;   /* may be sent again although it may have been executed */
	int64_t end_ms; /* of the passenger's time, by the monotonic clock */
	int64_t timeout_ms;
};

APS_BEGIN_DECLS

extern const struct aps_feature aps_flight_feature;

/* Takes the topic, also on failure. The passenger may be told from within, where the request can't even begin. False:
 * no memory. */
bool aps_flight_board(struct aps_core *core, const struct aps_flight_options *options, struct aps_topic *topic,
                      struct aps_passenger *passenger);
/* A mutation of the client was answered that was no flight: the outbox sends by itself. */
void aps_flight_note_answer(const struct aps_core *core, const struct aps_client *client);
/* It goes before there is an outcome: fills *outcome, the caller's, with what it is told instead. */
void aps_flight_leave(struct aps_core *core, struct aps_passenger *passenger, const struct aps_err *why,
                      struct aps_outcome *outcome);
/* False: its outcome is there, and only the application has to be waited for. */
bool aps_flight_leave_late(struct aps_core *core, struct aps_passenger *passenger, int64_t timeout_ms,
                           struct aps_outcome *outcome);

APS_END_DECLS

#endif
