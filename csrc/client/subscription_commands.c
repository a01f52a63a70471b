#include "client/subscription_commands.h"

#include "base/mem.h"
#include "client/caching.h"
#include "client/connections.h"
#include "client/feed.h"
#include "client/subscriber.h"

static void free_subscribe(struct aps_mail *mail)
{
	struct aps_subscribe_command *command = (struct aps_subscribe_command *)mail;
	if (command->end != NULL) command->end->head.mail.kind->free_mail(&command->end->head.mail);
	aps_topic_free(command->topic);
	aps_free(command);
}

static void free_headers(struct aps_mail *mail)
{
	struct aps_headers_command *command = (struct aps_headers_command *)mail;
	aps_free(command->error);
	aps_arena_clear(&command->arena);
	aps_free(command);
}

static void free_flat(struct aps_mail *mail)
{
	aps_free(mail);
}

struct consumed_command {
	struct aps_command head;
	size_t n;
};

static const struct aps_mail_kind SUBSCRIBE_KIND = {"subscribe", free_subscribe};
static const struct aps_mail_kind HEADERS_KIND = {"headers", free_headers};
static const struct aps_mail_kind CONSUMED_KIND = {"consumed", free_flat};

static void refuse(struct aps_core *core, struct aps_subscribe_command *command, enum aps_rc code, const char *why)
{
	struct aps_err err;
	aps_fail(&err, code, "%s", why);
	aps_note_event_set_err(command->end, &err);
	aps_core_emit(core, &command->end->head);
	command->end = NULL;
}

static void subscribe(struct aps_core *core, struct aps_subscribe_command *command)
{
	struct aps_client *client = aps_core_client(core, command->head.client);
	if (client == NULL) {
		refuse(core, command, APS_E_CLOSED, "the client is closed");
		return;
	}
	struct aps_topic *topic = command->topic;
	struct aps_err err;
	if (aps_caching_put_ids(core, client, topic->ids, &topic->operation, &err) != APS_OK) {
		refuse(core, command, err.code, err.msg);
		return;
	}
	command->limits.big_integers_as_text = client->settings.big_integers_as_text;
	struct aps_subscriber *subscriber = aps_subscriber_new(core, client, &command->limits, command->end);
	if (subscriber == NULL) {
		refuse(core, command, APS_E_NOMEM, "out of memory");
		return;
	}
	struct aps_subscription what = {topic, command->is_shared};
	command->end = NULL;
	command->topic = NULL;
	aps_connections_subscribe(core, client, &what, &subscriber->consumer);
}

static void run_subscribe(struct aps_core *core, struct aps_command *head)
{
	subscribe(core, (struct aps_subscribe_command *)head);
	aps_command_free(head);
}

static void run_unsubscribe(struct aps_core *core, struct aps_command *command)
{
	struct aps_subscriber *subscriber = aps_subscriber_find(core, command->id);
	if (subscriber != NULL) aps_subscriber_leave(core, subscriber);
	aps_command_free(command);
}

static void run_consumed(struct aps_core *core, struct aps_command *head)
{
	struct aps_subscriber *subscriber = aps_subscriber_find(core, head->id);
	if (subscriber != NULL) aps_subscriber_consumed(core, subscriber, ((struct consumed_command *)head)->n);
	aps_command_free(head);
}

static void run_headers(struct aps_core *core, struct aps_command *head)
{
	struct aps_headers_command *command = (struct aps_headers_command *)head;
	struct aps_subscriber *subscriber = aps_subscriber_find(core, head->id);
	if (subscriber != NULL && command->error != NULL)
		aps_feed_fail_headers(core, &subscriber->consumer, command->error);
	else if (subscriber != NULL)
		aps_feed_set_headers(core, &subscriber->consumer, &command->arena, &command->headers);
	aps_command_free(head);
}

struct aps_subscribe_command *aps_subscribe_command_new(uint64_t client, uint64_t sub)
{
	struct aps_subscribe_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head =
	        (struct aps_command){{NULL, &SUBSCRIBE_KIND, sizeof *command}, run_subscribe, client, sub, true};
	command->topic = aps_topic_new();
	command->end = aps_note_event_new(APS_EVENT_SUB_END, sub, NULL, NULL);
	if (command->topic != NULL && command->end != NULL) return command;
	aps_command_free(&command->head);
	return NULL;
}

struct aps_command *aps_unsubscribe_command_new(uint64_t client, uint64_t sub)
{
	return aps_command_new(run_unsubscribe, client, sub);
}

struct aps_command *aps_consumed_command_new(uint64_t client, uint64_t sub, size_t n)
{
	struct consumed_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &CONSUMED_KIND, sizeof *command}, run_consumed, client, sub, false};
	command->n = n;
	return &command->head;
}

struct aps_headers_command *aps_headers_command_new(uint64_t client, uint64_t sub)
{
	struct aps_headers_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &HEADERS_KIND, sizeof *command}, run_headers, client, sub, false};
	aps_arena_init(&command->arena, APS_BUF_ANY_SIZE);
	aps_header_list_init(&command->headers, &command->arena);
	return command;
}
