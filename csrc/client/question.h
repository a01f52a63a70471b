/* What the core asks the application about a response: the objects whose identity its function tells, or the fields
 * that its functions merge. The command that brings the answer is made together with the question, so that it can't be
 * lost for want of memory. */
#ifndef APS_CLIENT_QUESTION_H
#define APS_CLIENT_QUESTION_H

#include "cache/asked.h"
#include "cache/asked_merges.h"
#include "client/command.h"
#include "client/event.h"
#include "proto/operation.h"

struct aps_answer_command {
	struct aps_command head; /* its id is the question's number, which is the client's own */
	/* One of them, filled by whoever answers. NULL: nothing is told. */
	struct aps_asked *asked;
	struct aps_asked_merges *merges;
};

/* The event ASK. */
struct aps_question_event {
	struct aps_event head;
	uint64_t number;
	struct aps_answer_command *answer; /* NULL: it was taken */
	struct aps_bytes *data;            /* the response's, JSON text; NULL: its merges are asked for */
	bool big_integers_as_text;
};

typedef void aps_run_answer(struct aps_core *core, struct aps_command *command);

APS_BEGIN_DECLS

/* aps_asked_scan() of the response that an operation has brought. @thread any: that of the names */
enum aps_rc aps_question_scan(struct aps_asked *asked, const struct aps_operation *operation,
                              const struct aps_policies *policies, struct aps_names *names, struct aps_str data,
                              struct aps_err *err);
/* Both take what is asked for, but on failure; `data` is copied. NULL when memory is out. @thread core */
struct aps_question_event *aps_question_event_new(uint64_t client, uint64_t question, aps_run_answer *run,
                                                  struct aps_asked *asked, struct aps_str data);
struct aps_question_event *aps_merge_question_event_new(uint64_t client, uint64_t question, aps_run_answer *run,
                                                        struct aps_asked_merges *merges);
/* NULL when memory is out. @thread any */
struct aps_answer_command *aps_answer_command_new(uint64_t client, uint64_t question, aps_run_answer *run);

APS_END_DECLS

#endif
