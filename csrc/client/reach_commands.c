#include "client/reach_commands.h"

#include "base/mem.h"
#include "client/connections.h"
#include "client/reach.h"

struct online_command {
	struct aps_command head;
	bool is_online;
};

static void free_online(struct aps_mail *mail)
{
	aps_free(mail);
}

static const struct aps_mail_kind ONLINE_KIND = {"online", free_online};

/* Said once more, it is a hint for what waits all the same. */
static void run_online(struct aps_core *core, struct aps_command *head)
{
	struct aps_client *client = aps_core_client(core, head->client);
	bool is_online = ((struct online_command *)head)->is_online;
	if (client != NULL) {
		aps_connections_set_online(core, client, is_online);
		aps_reach_set_online(core, client, is_online);
		if (is_online) aps_reach_hint(core, client);
	}
	aps_command_free(head);
}

static void run_suspend(struct aps_core *core, struct aps_command *command)
{
	aps_core_suspend(core, true);
	aps_command_free(command);
}

static void run_resumed(struct aps_core *core, struct aps_command *command)
{
	aps_core_suspend(core, false);
	aps_reach_hint(core, NULL);
	aps_command_free(command);
}

struct aps_command *aps_online_command_new(uint64_t client, bool is_online)
{
	struct online_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &ONLINE_KIND, sizeof *command}, run_online, client, client, false};
	command->is_online = is_online;
	return &command->head;
}

struct aps_command *aps_suspend_command_new(void)
{
	return aps_command_new(run_suspend, 0, 0);
}

struct aps_command *aps_resumed_command_new(void)
{
	return aps_command_new(run_resumed, 0, 0);
}
