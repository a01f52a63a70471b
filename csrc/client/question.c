#include "client/question.h"

#include "base/mem.h"

static void free_answer(struct aps_mail *mail)
{
	struct aps_answer_command *command = (struct aps_answer_command *)mail;
	aps_asked_unref(command->asked);
	aps_asked_merges_unref(command->merges);
	aps_free(command);
}

static const struct aps_mail_kind ANSWER_KIND = {"answer", free_answer};

static void free_question(struct aps_mail *mail)
{
	struct aps_question_event *event = (struct aps_question_event *)mail;
	if (event->answer != NULL) aps_command_free(&event->answer->head);
	aps_bytes_unref(event->data);
	aps_free(event);
}

static const struct aps_mail_kind QUESTION_KIND = {"question", free_question};

struct aps_answer_command *aps_answer_command_new(uint64_t client, uint64_t question, aps_run_answer *run)
{
	struct aps_answer_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &ANSWER_KIND, sizeof *command}, run, client, question, false};
	return command;
}

static struct aps_question_event *new_event(uint64_t client, uint64_t question, aps_run_answer *run, size_t n_bytes)
{
	struct aps_question_event *event = aps_calloc(1, sizeof *event);
	if (event == NULL) return NULL;
	event->head = (struct aps_event){{NULL, &QUESTION_KIND, sizeof *event + n_bytes}, APS_EVENT_ASK, client, 0};
	event->number = question;
	event->answer = aps_answer_command_new(client, question, run);
	if (event->answer != NULL) return event;
	free_question(&event->head.mail);
	return NULL;
}

struct aps_question_event *aps_question_event_new(uint64_t client, uint64_t question, aps_run_answer *run,
                                                  struct aps_asked *asked, struct aps_str data)
{
	struct aps_question_event *event = new_event(client, question, run, data.n + aps_asked_bytes(asked));
	if (event == NULL) return NULL;
	event->data = aps_bytes_new(data.n);
	if (event->data == NULL) {
		free_question(&event->head.mail);
		return NULL;
	}
	event->answer->asked = asked;
	memcpy(event->data->p, data.p, data.n);
	return event;
}

struct aps_question_event *aps_merge_question_event_new(uint64_t client, uint64_t question, aps_run_answer *run,
                                                        struct aps_asked_merges *merges)
{
	struct aps_question_event *event = new_event(client, question, run, aps_asked_merges_bytes(merges));
	if (event != NULL) event->answer->merges = merges;
	return event;
}

enum aps_rc aps_question_scan(struct aps_asked *asked, const struct aps_operation *operation,
                              const struct aps_policies *policies, struct aps_names *names, struct aps_str data,
                              struct aps_err *err)
{
	struct aps_binding binding = {.policies = policies, .names = names};
	enum aps_rc rc = aps_binding_init(&binding, operation->document, operation->definition,
	                                  aps_operation_variables(operation), err);
	if (rc == APS_OK) rc = aps_asked_scan(asked, &binding, data, err);
	aps_binding_clear(&binding);
	return rc;
}
