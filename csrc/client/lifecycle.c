#include "client/lifecycle.h"

#include "base/mem.h"

static void free_open(struct aps_mail *mail)
{
	struct aps_open_command *command = (struct aps_open_command *)mail;
	aps_settings_clear(&command->settings);
	aps_stats_unref(command->stats);
	aps_free(command);
}

struct close_command {
	struct aps_command head;
	struct aps_note_event *closed; /* CLOSED, made in advance */
};

static void free_close(struct aps_mail *mail)
{
	struct close_command *command = (struct close_command *)mail;
	if (command->closed != NULL) command->closed->head.mail.kind->free_mail(&command->closed->head.mail);
	aps_free(command);
}

static const struct aps_mail_kind OPEN_KIND = {"open", free_open};
static const struct aps_mail_kind CLOSE_KIND = {"close", free_close};

/* A client that can't be opened isn't there: its calls are answered with "closed". */
static void run_open(struct aps_core *core, struct aps_command *head)
{
	struct aps_open_command *command = (struct aps_open_command *)head;
	struct aps_client *client = aps_calloc(1, sizeof *client);
	if (client != NULL) {
		struct aps_err err;
		client->id = head->client;
		client->settings = command->settings;
		aps_settings_init(&command->settings);
		client->stats = command->stats;
		command->stats = NULL;
		aps_core_open_client(core, client, &err);
	}
	aps_command_free(head);
}

static void run_leave(struct aps_core *core, struct aps_command *command)
{
	struct aps_client *client = aps_core_client(core, command->client);
	if (client != NULL) aps_core_leave_client(core, client);
	aps_command_free(command);
}

static void run_close(struct aps_core *core, struct aps_command *head)
{
	struct close_command *command = (struct close_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	if (client != NULL) aps_core_close_client(core, client);
	aps_core_emit(core, &command->closed->head);
	command->closed = NULL;
	aps_command_free(head);
}

struct aps_open_command *aps_open_command_new(uint64_t client)
{
	struct aps_open_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &OPEN_KIND, sizeof *command}, run_open, client, client, true};
	aps_settings_init(&command->settings);
	return command;
}

struct aps_command *aps_leave_command_new(uint64_t client)
{
	return aps_command_new(run_leave, client, client);
}

struct aps_command *aps_close_command_new(uint64_t client)
{
	struct close_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->closed = aps_note_event_new(APS_EVENT_CLOSED, client, NULL, NULL);
	if (command->closed == NULL) {
		aps_free(command);
		return NULL;
	}
	command->head = (struct aps_command){{NULL, &CLOSE_KIND, sizeof *command}, run_close, client, client, false};
	return &command->head;
}
