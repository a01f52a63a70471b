#include "client/lifecycle.h"

#include "base/mem.h"
#include "client/call.h"
#include "client/link.h"

struct online_command {
	struct aps_command head;
	bool is_online;
};

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

static void free_plain_mail(struct aps_mail *mail)
{
	aps_free(mail);
}

static const struct aps_mail_kind OPEN_KIND = {"open", free_open};
static const struct aps_mail_kind CLOSE_KIND = {"close", free_close};
static const struct aps_mail_kind ONLINE_KIND = {"online", free_plain_mail};

static void run_open(struct aps_core *core, struct aps_command *head)
{
	struct aps_open_command *command = (struct aps_open_command *)head;
	struct aps_client *client = aps_calloc(1, sizeof *client);
	if (client == NULL) return; /* its calls are answered with "closed" */
	client->id = head->client;
	client->settings = command->settings;
	aps_settings_init(&command->settings);
	client->stats = command->stats;
	command->stats = NULL;
	client->is_online = true;
	client->shown_state = APS_CONN_DISCONNECTED;
	client->core = core;
	client->next = core->clients;
	core->clients = client;
}

static void drop_credentials(struct aps_core *core, const struct aps_client *client)
{
	size_t cursor = 0;
	void *state = NULL;
	void *value;
	while (aps_map_next(&core->credentials.map, &cursor, &state, NULL, &value)) {
		struct aps_credential *credential = value;
		if (credential->client == client) aps_credential_drop(core, credential);
	}
}

/* The one order in which a client ends: no new work, calls answered, subscriptions ended, sockets closed, credentials
 * wiped. */
static void close_client(struct aps_core *core, struct aps_client *client)
{
	struct aps_err err;
	aps_fail(&err, APS_E_CLOSED, "the client was closed");
	client->is_closing = true;
	aps_call_fail_all(core, client, &err);
	aps_link_close_all(core, client, &err);
	drop_credentials(core, client);
	const char *proxy = client->settings.net.proxy;
	aps_http_forget(core->http, proxy != NULL && strchr(proxy, '@') != NULL); /* a password */
	if (core->ws != NULL) aps_ws_forget(core->ws);
	struct aps_client **at = &core->clients;
	while (*at != client) at = &(*at)->next;
	*at = client->next;
	aps_settings_clear(&client->settings);
	aps_stats_unref(client->stats);
	aps_free(client);
}

static void run_close(struct aps_core *core, struct aps_command *command)
{
	struct aps_client *client = aps_core_client(core, command->client);
	struct aps_note_event *closed = ((struct close_command *)command)->closed;
	((struct close_command *)command)->closed = NULL;
	if (client != NULL) close_client(core, client);
	aps_core_emit(core, &closed->head);
}

static void run_online(struct aps_core *core, struct aps_command *command)
{
	struct aps_client *client = aps_core_client(core, command->client);
	if (client != NULL) aps_link_set_online(core, client, ((struct online_command *)command)->is_online);
}

void aps_lifecycle_close_all(struct aps_core *core)
{
	while (core->clients != NULL) close_client(core, core->clients);
}

void aps_lifecycle_free_all(struct aps_core *core)
{
	aps_call_free_all(core);
}

struct aps_open_command *aps_open_command_new(uint64_t client)
{
	struct aps_open_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &OPEN_KIND, sizeof *command}, run_open, client, client};
	aps_settings_init(&command->settings);
	return command;
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
	command->head = (struct aps_command){{NULL, &CLOSE_KIND, sizeof *command}, run_close, client, client};
	return &command->head;
}

struct aps_command *aps_online_command_new(uint64_t client, bool is_online)
{
	struct online_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &ONLINE_KIND, sizeof *command}, run_online, client, client};
	command->is_online = is_online;
	return &command->head;
}
