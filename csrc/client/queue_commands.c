#include "client/queue_commands.h"

#include "base/clock.h"
#include "base/mem.h"
#include "client/queue_answer.h"
#include "client/queue_change.h"
#include "client/queue_finish.h"
#include "client/queue_lead.h"
#include "client/queue_list.h"
#include "client/queue_run.h"
#include "client/queue_settle.h"
#include "client/queue_tell.h"
#include "client/queue_told.h"
#include "client/queue_waits.h"
#include "client/queueing.h"

static void free_result_event(struct aps_result_event *event)
{
	if (event != NULL) event->head.mail.kind->free_mail(&event->head.mail);
}

static void free_open(struct aps_mail *mail)
{
	struct aps_open_queue_command *command = (struct aps_open_queue_command *)mail;
	aps_queue_settings_clear(&command->settings);
	aps_free(command);
}

static void free_enqueue(struct aps_mail *mail)
{
	struct aps_enqueue_command *command = (struct aps_enqueue_command *)mail;
	if (command->operation.document != NULL) aps_operation_clear(&command->operation);
	aps_arena_clear(&command->arena);
	aps_buf_clear(&command->own_headers);
	aps_buf_clear(&command->response);
	aps_buf_clear(&command->rules);
	aps_buf_clear(&command->own_ids);
	aps_edits_unref(command->edits.edits);
	free_result_event(command->result);
	aps_free(command);
}

static void free_ask(struct aps_mail *mail)
{
	struct aps_ask_queue_command *command = (struct aps_ask_queue_command *)mail;
	aps_buf_clear(&command->text);
	aps_buf_clear(&command->json);
	aps_buf_clear(&command->answer);
	aps_edits_unref(command->edits.edits);
	free_result_event(command->result);
	aps_free(command);
}

static void free_answer(struct aps_mail *mail)
{
	struct aps_queue_answer_command *command = (struct aps_queue_answer_command *)mail;
	aps_buf_clear(&command->variables);
	aps_arena_clear(&command->arena);
	aps_edits_unref(command->edits.edits);
	aps_free(command);
}

static const struct aps_mail_kind OPEN_KIND = {"open queue", free_open};
static const struct aps_mail_kind ENQUEUE_KIND = {"enqueue", free_enqueue};
static const struct aps_mail_kind ASK_KIND = {"ask queue", free_ask};
static const struct aps_mail_kind ANSWER_KIND = {"answer to queue", free_answer};

static struct aps_queue *queue_of(struct aps_core *core, const struct aps_command *head, uint64_t cache)
{
	struct aps_client *client = aps_core_client(core, head->client);
	return client != NULL ? aps_queueing_find(core, client, cache) : NULL;
}

static void run_open(struct aps_core *core, struct aps_command *head)
{
	struct aps_open_queue_command *command = (struct aps_open_queue_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	struct aps_err err;
	if (client != NULL && aps_queueing_open(core, client, head->id, &command->settings, &err) != APS_OK)
		aps_core_log(core, client->id, "error", "the outbox can't be opened: %s", err.msg);
	aps_command_free(head);
}

/* The answer of a call that begins nothing. */
static void refuse(struct aps_core *core, struct aps_enqueue_command *command, const struct aps_err *why)
{
	command->result->response.err = *why;
	aps_core_emit(core, &command->result->head);
	command->result = NULL;
}

static struct aps_enqueue what_of(const struct aps_enqueue_command *command)
{
	return (struct aps_enqueue){
	        .operation = &command->operation,
	        .mode = command->mode,
	        .is_idempotent = command->is_idempotent,
	        .is_uncached = command->is_uncached,
	        .has_update = command->has_update,
	        .own_headers = aps_buf_str(&command->own_headers),
	        .response = aps_buf_str(&command->response),
	        .rules = aps_buf_str(&command->rules),
	        .own_ids = aps_buf_str(&command->own_ids),
	        .headers = command->has_headers ? &command->headers : NULL,
	        .edits = command->edits,
	        .has_layer = command->has_layer,
	};
}

static enum aps_rc look(const struct aps_client *client, struct aps_queue *queue, struct aps_err *err)
{
	if (client == NULL) return aps_fail(err, APS_E_CLOSED, "the client is closed: nothing was queued");
	if (queue == NULL) return aps_fail(err, APS_E_STORAGE, "nothing was queued: the client has no outbox");
	aps_queue_heed(queue);
	enum aps_rc rc = aps_queue_look(queue, err);
	if (rc == APS_OK) return APS_OK;
	struct aps_err why = *err;
	return aps_fail_word(err, APS_E_STORAGE, why.word, why.native, "nothing was queued: %s", why.msg);
}

/* Whoever waits is among those that are told where the turn can't be kept. */
static void run_enqueue(struct aps_core *core, struct aps_command *head)
{
	APS_ON_THREAD(core->thread);
	struct aps_enqueue_command *command = (struct aps_enqueue_command *)head;
	struct aps_queue *queue = queue_of(core, head, command->cache);
	struct aps_err err;
	uint64_t number = 0;
	if (look(aps_core_client(core, head->client), queue, &err) != APS_OK) {
		refuse(core, command, &err);
		aps_command_free(head);
		return;
	}
	int64_t timeout_ms =
	        command->timeout_ms != 0 ? command->timeout_ms : queue->client->settings.request_timeout_ms;
	const struct aps_enqueue what = what_of(command);
	enum aps_rc rc = aps_queue_enqueue(queue, &what, &number, &err);
	struct aps_result_event *result = command->result;
	command->result = NULL;
	bool waits = aps_queue_waits_add(queue, head->id, number, result, command->made_ms + timeout_ms, timeout_ms);
	if (rc == APS_OK && !waits) rc = aps_fail(&err, APS_E_NOMEM, "out of memory");
	if (rc != APS_OK) aps_queue_fail(queue, &err);
	aps_command_free(head);
}

static void say_bool(struct aps_buf *answer, bool is_true)
{
	aps_buf_add_text(answer, is_true ? "true" : "false");
}

/* Those that were told say so. */
static enum aps_rc list_outcomes(struct aps_queue *queue, int64_t after, struct aps_buf *answer, struct aps_err *err)
{
	struct aps_err why;
	bool is_begun = queue->confirmed.n != 0 && aps_queue_begin(queue, false, &why) == APS_OK;
	if (is_begun && aps_queue_store_told(queue, &why) != APS_OK) aps_queue_fail(queue, &why);
	return aps_queue_list_outcomes(queue, after, answer, err);
}

static enum aps_rc read(struct aps_queue *queue, const struct aps_ask_queue_command *command, int64_t number,
                        struct aps_buf *answer, struct aps_err *err)
{
	struct aps_json_writer w;
	switch (command->what) {
	case APS_QUEUE_ASK_LIST: return aps_queue_list(queue, answer, err);
	case APS_QUEUE_ASK_DEAD_LETTERS: return aps_queue_list_dead(queue, answer, err);
	case APS_QUEUE_ASK_RESULTS: return list_outcomes(queue, (int64_t)command->number, answer, err);
	case APS_QUEUE_ASK_FIND: return aps_queue_find(queue, number, answer, err);
	case APS_QUEUE_ASK_BLOCKED: return aps_queue_list_blocked(queue, number, answer, err);
	default:
		aps_json_writer_init(&w, answer);
		aps_json_write_object(&w);
		aps_queue_write_state(&w, queue);
		aps_json_write_object_end(&w);
		return aps_json_writer_finish(&w) == APS_OK ? APS_OK : aps_fail(err, APS_E_NOMEM, "out of memory");
	}
}

/* All that another identity has queued is queued under this one, once check_leads() has said that nobody sends it. */
static enum aps_rc adopt(struct aps_queue *queue, struct aps_str identity, int64_t *n, struct aps_err *err)
{
	enum aps_rc rc = aps_queue_adopt(queue, identity, n, err);
	if (aps_queueing_find_identity(queue->core, queue->client, identity) == NULL)
		aps_queue_return_lead(queue, identity);
	return rc;
}

static enum aps_rc change(struct aps_queue *queue, struct aps_ask_queue_command *command, int64_t number,
                          struct aps_err *err)
{
	bool is_done = false;
	int64_t n = 0;
	enum aps_rc rc;
	switch (command->what) {
	case APS_QUEUE_ASK_DISCARD: rc = aps_queue_discard(queue, number, &is_done, err); break;
	case APS_QUEUE_ASK_EDIT: rc = aps_queue_edit(queue, number, aps_buf_str(&command->json), &is_done, err); break;
	case APS_QUEUE_ASK_RETRY:
		rc = aps_queue_retry(queue, number, &command->edits, command->has_layer, &is_done, err);
		break;
	case APS_QUEUE_ASK_BURY_ALL: rc = aps_queue_bury_all(queue, &n, err); break;
	case APS_QUEUE_ASK_WIPE: rc = aps_queue_wipe(queue, &n, err); break;
	default: rc = adopt(queue, aps_buf_str(&command->text), &n, err); break;
	}
	if (rc == APS_OK && command->what >= APS_QUEUE_ASK_BURY_ALL)
		aps_buf_addf(&command->answer, "%lld", (long long)n);
	else
		say_bool(&command->answer, is_done);
	return rc;
}

static void change_and_wait(struct aps_queue *queue, struct aps_ask_queue_command *command, int64_t number)
{
	struct aps_err err;
	aps_queue_heed(queue);
	enum aps_rc rc = change(queue, command, number, &err);
	struct aps_ask_queue_command **at = &queue->asked;
	bool is_unchanged = rc == APS_E_USAGE && err.word != NULL;
	bool is_committed = rc == APS_OK && command->what == APS_QUEUE_ASK_ADOPT;
	if (rc == APS_OK && !is_committed) rc = aps_queue_check_begun(queue, true, &err);
	if (is_unchanged || is_committed) {
		if (rc != APS_OK) command->why = err;
		aps_queue_answer(queue->core, queue, command);
		return;
	}
	/* what is done can't be told otherwise for want of memory */
	if (rc == APS_OK) rc = aps_result_event_set_json(command->result, &command->answer, &err);
	while (*at != NULL) at = &(*at)->next;
	*at = command;
	if (rc != APS_OK) aps_queue_fail(queue, &err);
}

static enum aps_rc take_other(const struct aps_queue *queue, struct aps_ask_queue_command *command)
{
	struct aps_str identity = aps_buf_str(&command->text);
	const struct aps_queue *other = aps_queueing_find_identity(queue->core, queue->client, identity);
	return other != NULL ? aps_queue_check_leads(other, &command->why)
	                     : aps_queue_borrow_lead(queue, identity, &command->why);
}

/* Entries are changed by whoever sends them. Where there are none there is nothing that is sent, until the transaction
 * that is begun here ends. */
static enum aps_rc check_leads(struct aps_queue *queue, struct aps_ask_queue_command *command)
{
	struct aps_err err;
	bool drops_all = command->what == APS_QUEUE_ASK_BURY_ALL || command->what == APS_QUEUE_ASK_WIPE;
	if (aps_queue_leads(queue) && command->what == APS_QUEUE_ASK_ADOPT) return take_other(queue, command);
	if (aps_queue_leads(queue)) return APS_OK;
	bool is_empty = drops_all && aps_queue_begin(queue, true, &err) == APS_OK &&
	                aps_queue_count(queue, &err) == APS_OK && queue->is_counted && queue->n_entries == 0;
	return is_empty ? APS_OK : aps_queue_check_leads(queue, &command->why);
}

/* What follows it has to be committed is answered then; the rest at once. */
static void run_ask(struct aps_core *core, struct aps_command *head)
{
	APS_ON_THREAD(core->thread);
	struct aps_ask_queue_command *command = (struct aps_ask_queue_command *)head;
	struct aps_queue *queue = queue_of(core, head, command->cache);
	int64_t number = 0;
	if (queue == NULL) {
		aps_fail(&command->why, APS_E_CLOSED, "the client is closed");
		aps_queue_answer(core, NULL, command);
		return;
	}
	if (!aps_entry_text_read(aps_buf_str(&command->text), queue->nonce, &number)) number = 0;
	if (command->what == APS_QUEUE_ASK_FINISH) {
		aps_queue_finish(queue, command);
		return;
	}
	if (command->what >= APS_QUEUE_ASK_DISCARD && check_leads(queue, command) != APS_OK) {
		aps_queue_answer(core, queue, command);
		return;
	}
	if (command->what >= APS_QUEUE_ASK_DISCARD) {
		change_and_wait(queue, command, number);
		return;
	}
	enum aps_rc rc = aps_queue_know(queue, &command->why);
	bool is_told_anyway = command->what == APS_QUEUE_ASK_STATUS;
	if (is_told_anyway) aps_err_clear(&command->why);
	if (rc == APS_OK || is_told_anyway) rc = read(queue, command, number, &command->answer, &command->why);
	/* Rows that are damaged were passed: the rest is told, and then the store is replaced. */
	aps_vault_suspect(queue->vault, &command->why);
	if (rc == APS_OK) aps_err_clear(&command->why);
	aps_queue_answer(core, queue, command);
}

static void run_settle(struct aps_core *core, struct aps_command *head)
{
	const struct aps_queue_answer_command *command = (struct aps_queue_answer_command *)head;
	struct aps_client *client = aps_core_last_client(core, head->client);
	struct aps_queue *queue = client != NULL ? queue_of(core, head, head->id) : NULL;
	if (client != NULL) aps_caching_settle_queued(core, client, head->id, command->entry, &command->edits);
	if (queue != NULL) aps_queue_settle_done(queue, command->entry);
	aps_command_free(head);
}

static void run_told(struct aps_core *core, struct aps_command *head)
{
	const struct aps_queue_answer_command *command = (struct aps_queue_answer_command *)head;
	struct aps_queue *queue = queue_of(core, head, head->id);
	if (queue != NULL) aps_queue_told(queue, command->entry);
	aps_command_free(head);
}

/* The entry has other variables once they are stored. */
static void run_resolve(struct aps_core *core, struct aps_command *head)
{
	struct aps_queue_answer_command *command = (struct aps_queue_answer_command *)head;
	struct aps_queue *queue = queue_of(core, head, head->id);
	struct aps_sending *sending = queue != NULL ? aps_sending_find(queue, command->entry) : NULL;
	const struct aps_outbox_item *item = queue != NULL ? aps_outbox_item(&queue->outbox, command->entry) : NULL;
	if (sending != NULL && item != NULL && item->delivery.state == APS_DELIVERY_RESOLVING) {
		if (command->is_given) {
			aps_buf_clear(&sending->variables);
			sending->variables = command->variables;
			aps_buf_init(&command->variables, APS_BUF_ANY_SIZE);
		}
		aps_queue_feed_kind(queue, command->entry,
		                    command->is_given ? APS_DELIVERY_ON_CHANGED : APS_DELIVERY_ON_GAVE_UP);
		aps_queue_run(queue);
	}
	aps_command_free(head);
}

static void run_headers(struct aps_core *core, struct aps_command *head)
{
	struct aps_queue_answer_command *command = (struct aps_queue_answer_command *)head;
	struct aps_queue *queue = queue_of(core, head, head->id);
	struct aps_sending *sending = queue != NULL ? aps_sending_find(queue, command->entry) : NULL;
	if (sending != NULL) {
		aps_sending_give_headers(sending, &command->headers, command->is_given ? NULL : &command->failed);
		aps_queue_run(queue);
	}
	aps_command_free(head);
}

struct aps_open_queue_command *aps_open_queue_command_new(uint64_t client, uint64_t cache)
{
	struct aps_open_queue_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &OPEN_KIND, sizeof *command}, run_open, client, cache, true};
	aps_arena_init(&command->settings.arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&command->settings.headers, &command->settings.arena);
	return command;
}

struct aps_enqueue_command *aps_enqueue_command_new(uint64_t client, uint64_t call)
{
	struct aps_enqueue_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &ENQUEUE_KIND, sizeof *command}, run_enqueue, client, call, true};
	command->made_ms = aps_clock_mono_ms();
	aps_arena_init(&command->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&command->headers, &command->arena);
	aps_buf_init(&command->own_headers, APS_BUF_ANY_SIZE);
	aps_buf_init(&command->response, APS_BUF_ANY_SIZE);
	aps_buf_init(&command->rules, APS_BUF_ANY_SIZE);
	aps_buf_init(&command->own_ids, APS_BUF_ANY_SIZE);
	command->result = aps_result_event_new(call);
	if (command->result != NULL) return command;
	aps_command_free(&command->head);
	return NULL;
}

struct aps_ask_queue_command *aps_ask_queue_command_new(uint64_t client, uint64_t call)
{
	struct aps_ask_queue_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &ASK_KIND, sizeof *command}, run_ask, client, call, true};
	aps_buf_init(&command->text, APS_BUF_ANY_SIZE);
	aps_buf_init(&command->json, APS_BUF_ANY_SIZE);
	aps_buf_init(&command->answer, APS_BUF_ANY_SIZE);
	command->result = aps_result_event_new(call);
	if (command->result != NULL) return command;
	aps_command_free(&command->head);
	return NULL;
}

static struct aps_queue_answer_command *answer_new(void (*run)(struct aps_core *core, struct aps_command *command),
                                                   uint64_t client, uint64_t cache)
{
	struct aps_queue_answer_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &ANSWER_KIND, sizeof *command}, run, client, cache, false};
	aps_buf_init(&command->variables, APS_BUF_ANY_SIZE);
	aps_arena_init(&command->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&command->headers, &command->arena);
	return command;
}

struct aps_queue_answer_command *aps_settle_entry_command_new(uint64_t client, uint64_t cache)
{
	return answer_new(run_settle, client, cache);
}

struct aps_queue_answer_command *aps_told_command_new(uint64_t client, uint64_t cache)
{
	return answer_new(run_told, client, cache);
}

struct aps_queue_answer_command *aps_resolve_command_new(uint64_t client, uint64_t cache)
{
	return answer_new(run_resolve, client, cache);
}

struct aps_queue_answer_command *aps_queue_headers_command_new(uint64_t client, uint64_t cache)
{
	return answer_new(run_headers, client, cache);
}
