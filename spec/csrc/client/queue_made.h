/* An outbox with a mutation that makes a record under a temporary id. Include after cmocka.h. */
#ifndef APS_SPEC_QUEUE_MADE_H
#define APS_SPEC_QUEUE_MADE_H

#include "queue_world.h"

#define TEMPORARY "0a1b2c3d-0000-4000-8000-00000000000a"
#define INPUT     "{\"input\":{\"id\":\"" TEMPORARY "\",\"n\":1}}"
#define MADE      "{\"createTodo\":{\"__typename\":\"Todo\",\"id\":\"" TEMPORARY "\",\"n\":1}}"
#define REFUSED   "{\"data\":null,\"errors\":[{\"errorType\":\"ValidationException\",\"message\":\"no \\\"quotes\\\"\"}]}"

static inline void make_one(void)
{
	enqueue(&(struct asked){
	        .document = CREATE, .variables = INPUT, .response = MADE, .edits = make_edits(CREATE, INPUT, MADE)});
}

#endif
