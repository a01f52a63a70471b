/* What time it is, asked of a client's API once: a WebSocket's answers tell no time, and a signature that the clock has
 * spoilt is refused like any other. Embedded in whoever asks. @thread core */
#ifndef APS_CLIENT_TIME_QUESTION_H
#define APS_CLIENT_TIME_QUESTION_H

#include "client/core.h"

struct aps_time_question;

/* The client knows the time now, where it was told. `was_wrong`: what was signed before was signed for another time. */
typedef void aps_time_answered_fn(struct aps_core *core, struct aps_time_question *question, bool was_wrong);

struct aps_time_question {
	struct aps_answer_sink sink;
	struct aps_client *client;
	aps_time_answered_fn *answered;
	uint64_t exchange; /* under way; 0: none */
	bool was_asked;
};

APS_BEGIN_DECLS

void aps_time_question_init(struct aps_time_question *question, struct aps_client *client,
                            aps_time_answered_fn *answered);
/* True: `answered` will be called, unless aps_time_question_stop() comes first. False: the client was told before, or
 * it was asked already, or can't be. */
bool aps_time_question_ask(struct aps_core *core, struct aps_time_question *question);
/* Twice is legal. */
void aps_time_question_stop(struct aps_core *core, struct aps_time_question *question);

APS_END_DECLS

#endif
