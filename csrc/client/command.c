#include "client/command.h"

#include "base/mem.h"

static void free_plain(struct aps_mail *mail)
{
	aps_free(mail);
}

static const struct aps_mail_kind PLAIN_KIND = {"command", free_plain};

void aps_command_free(struct aps_command *command)
{
	command->mail.kind->free_mail(&command->mail);
}

struct aps_command *aps_command_new(void (*run)(struct aps_core *core, struct aps_command *command), uint64_t client,
                                    uint64_t id)
{
	struct aps_command *command = aps_calloc(1, sizeof *command);
	if (command != NULL)
		*command = (struct aps_command){{NULL, &PLAIN_KIND, sizeof *command}, run, client, id, false};
	return command;
}
