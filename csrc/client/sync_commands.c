#include "client/sync_commands.h"

#include "base/mem.h"
#include "client/sync_fetch.h"
#include "client/sync_hand.h"
#include "client/sync_hear.h"
#include "client/sync_keep.h"
#include "client/sync_quarantine.h"
#include "client/sync_tell.h"
#include "client/syncing.h"

static void free_settings(struct aps_sync_settings *settings)
{
	if (settings == NULL) return;
	aps_sync_settings_clear(settings);
	aps_free(settings);
}

static void free_open(struct aps_mail *mail)
{
	free_settings(((struct aps_open_sync_command *)mail)->settings);
	aps_result_event_unref(((struct aps_open_sync_command *)mail)->end);
	aps_free(mail);
}

static void free_answer(struct aps_mail *mail)
{
	struct aps_sync_answer_command *command = (struct aps_sync_answer_command *)mail;
	aps_edits_unref(command->edits.edits);
	aps_buf_clear(&command->more);
	aps_arena_clear(&command->arena);
	aps_free(command);
}

static void free_ask(struct aps_mail *mail)
{
	struct aps_ask_sync_command *command = (struct aps_ask_sync_command *)mail;
	if (command->result != NULL) command->result->head.mail.kind->free_mail(&command->result->head.mail);
	aps_free(command);
}

static const struct aps_mail_kind OPEN_KIND = {"open sync", free_open};
static const struct aps_mail_kind ANSWER_KIND = {"answer to sync", free_answer};
static const struct aps_mail_kind ASK_KIND = {"ask sync", free_ask};

static struct aps_sync_run *run_of(struct aps_core *core, const struct aps_command *head)
{
	struct aps_client *client = aps_core_client(core, head->client);
	return client != NULL ? aps_syncing_find(core, client, head->id) : NULL;
}

/* Without memory for it they stay as they are: the service says what it thinks of them. */
static void put_ids(const struct aps_core *core, const struct aps_client *client,
                    const struct aps_open_sync_command *command)
{
	struct aps_err unwanted;
	for (int i = 0; i < APS_SYNC_PARTS; i++) {
		struct aps_operation *operation = &command->settings->parts[i].operation;
		if (operation->document != NULL)
			(void)aps_caching_put_ids(core, client, command->ids, operation, &unwanted);
	}
}

static void run_open(struct aps_core *core, struct aps_command *head)
{
	APS_ON_THREAD(core->thread);
	struct aps_open_sync_command *command = (struct aps_open_sync_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	if (client != NULL) {
		put_ids(core, client, command);
		aps_syncing_open(core, client, command->cache, head->id, command->settings, command->end);
		command->settings = NULL;
		command->end = NULL;
	}
	aps_command_free(head);
}

static void run_stop(struct aps_core *core, struct aps_command *head)
{
	struct aps_client *client = aps_core_client(core, head->client);
	if (client != NULL) aps_syncing_close(core, client, head->id);
	aps_command_free(head);
}

/* What nobody waits for any more is decided all the same: its reader shows it until then. */
static void run_settle(struct aps_core *core, struct aps_command *head)
{
	const struct aps_sync_answer_command *command = (struct aps_sync_answer_command *)head;
	struct aps_sync_run *run = run_of(core, head);
	struct aps_client *client = aps_core_last_client(core, head->client);
	bool hands_over = run != NULL && run->settings->hands_over;
	bool is_taken = run != NULL && command->has_failed && aps_sync_keep_fail(run, command->question);
	if (run != NULL && !hands_over && !is_taken)
		is_taken = aps_sync_keep_settle(run, command->question, &command->edits, aps_buf_str(&command->more));
	if (hands_over) aps_sync_hand_settle(run, command->question, command->n);
	if (!is_taken && client != NULL && command->edits.number != 0) {
		const struct aps_caching_edits none = {.number = command->edits.number};
		aps_caching_edit(core, client, command->cache, &none);
	}
	aps_command_free(head);
}

static void run_headers(struct aps_core *core, struct aps_command *head)
{
	struct aps_sync_answer_command *command = (struct aps_sync_answer_command *)head;
	struct aps_sync_run *run = run_of(core, head);
	const struct aps_err *failed = command->are_given ? NULL : &command->failed;
	if (run != NULL && !aps_sync_fetch_give_headers(run, command->question, &command->headers, failed))
		aps_sync_hear_give_headers(run, command->question, &command->arena, &command->headers,
		                           failed != NULL ? failed->msg : NULL);
	aps_command_free(head);
}

static void run_more(struct aps_core *core, struct aps_command *head)
{
	struct aps_sync_run *run = run_of(core, head);
	struct aps_sync_event event = {.kind = APS_SYNC_ON_MORE, .n_more = ((struct aps_sync_answer_command *)head)->n};
	if (run != NULL) aps_sync_work_feed(run, &event);
	aps_command_free(head);
}

static void run_ask(struct aps_core *core, struct aps_command *head)
{
	struct aps_ask_sync_command *command = (struct aps_ask_sync_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	struct aps_sync_run *run = client != NULL ? aps_syncing_find(core, client, command->sync) : NULL;
	struct aps_result_event *result = command->result;
	struct aps_buf list;
	struct aps_err err;
	aps_buf_init(&list, APS_BUF_ANY_SIZE);
	command->result = NULL;
	enum aps_rc rc = run != NULL ? aps_sync_quarantine_list(run, &list, &err)
	                             : aps_fail(&err, APS_E_CLOSED, "the delta sync has ended");
	if (rc == APS_OK) rc = aps_result_event_set_json(result, &list, &err);
	result->source = APS_RESULT_FROM_CACHE;
	if (rc != APS_OK) result->response.err = err;
	aps_core_emit(core, &result->head);
	aps_buf_clear(&list);
	aps_command_free(head);
}

struct aps_open_sync_command *aps_open_sync_command_new(uint64_t client, uint64_t sync)
{
	struct aps_open_sync_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &OPEN_KIND, sizeof *command}, run_open, client, sync, true};
	command->settings = aps_calloc(1, sizeof *command->settings);
	if (command->settings != NULL) aps_sync_settings_init(command->settings);
	command->end = aps_sync_end_event_new(sync);
	if (command->settings != NULL && command->end != NULL) return command;
	aps_command_free(&command->head);
	return NULL;
}

struct aps_command *aps_stop_sync_command_new(uint64_t client, uint64_t sync)
{
	return aps_command_new(run_stop, client, sync);
}

static struct aps_sync_answer_command *answer_new(void (*run)(struct aps_core *core, struct aps_command *head),
                                                  uint64_t client, uint64_t sync)
{
	struct aps_sync_answer_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &ANSWER_KIND, sizeof *command}, run, client, sync, false};
	aps_buf_init(&command->more, APS_BUF_ANY_SIZE);
	aps_arena_init(&command->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&command->headers, &command->arena);
	return command;
}

struct aps_sync_answer_command *aps_settle_sync_command_new(uint64_t client, uint64_t sync)
{
	return answer_new(run_settle, client, sync);
}

struct aps_sync_answer_command *aps_sync_headers_command_new(uint64_t client, uint64_t sync)
{
	return answer_new(run_headers, client, sync);
}

struct aps_sync_answer_command *aps_sync_more_command_new(uint64_t client, uint64_t sync)
{
	return answer_new(run_more, client, sync);
}

struct aps_ask_sync_command *aps_ask_sync_command_new(uint64_t client, uint64_t call)
{
	struct aps_ask_sync_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &ASK_KIND, sizeof *command}, run_ask, client, call, true};
	command->result = aps_result_event_new(call);
	if (command->result != NULL) return command;
	aps_command_free(&command->head);
	return NULL;
}
