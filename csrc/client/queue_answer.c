#include "client/queue_answer.h"

#include "base/mem.h"

static const char *const WORDS[] = {
#define WORD(name, text) text,
        APS_QUEUE_ASK_MAP(WORD)
#undef WORD
};

bool aps_queue_ask_find(struct aps_str word, enum aps_queue_ask *what)
{
	for (int i = 0; i < APS_QUEUE_ASK_COUNT; i++) {
		if (!aps_str_is(word, WORDS[i])) continue;
		*what = (enum aps_queue_ask)i;
		return true;
	}
	return false;
}

void aps_queue_answer(struct aps_core *core, struct aps_queue *queue, struct aps_ask_queue_command *command)
{
	struct aps_result_event *event = command->result;
	command->result = NULL;
	event->source = APS_RESULT_FROM_CACHE;
	if (command->why.code == APS_OK && event->bytes == NULL)
		(void)aps_result_event_set_json(event, &command->answer, &command->why);
	if (command->why.code != APS_OK) event->response.data = (struct aps_str){NULL, 0};
	event->response.err = command->why;
	event->big_integers_as_text = queue != NULL && queue->client->settings.big_integers_as_text;
	aps_core_emit(core, &event->head);
	aps_command_free(&command->head);
}

void aps_queue_answer_asked(struct aps_queue *queue, const struct aps_err *why)
{
	struct aps_ask_queue_command **at = &queue->asked;
	while (*at != NULL) {
		struct aps_ask_queue_command *command = *at;
		if (why != NULL ? !command->is_lost : !command->is_committed) {
			at = &command->next;
			continue;
		}
		*at = command->next;
		if (why != NULL) command->why = *why;
		aps_queue_answer(queue->core, queue, command);
	}
}

void aps_queue_drop_asked(struct aps_queue *queue, const struct aps_err *why)
{
	for (struct aps_ask_queue_command *asked = queue->asked; asked != NULL; asked = asked->next)
		asked->is_lost = true;
	aps_queue_answer_asked(queue, why);
}
