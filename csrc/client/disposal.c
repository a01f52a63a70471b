#include "client/disposal.h"

#include "base/mem.h"

struct disposal {
	struct aps_command head;
	void (*let_go)(void *object);
	void *object;
};

static void free_disposal(struct aps_mail *mail)
{
	struct disposal *disposal = (struct disposal *)mail;
	disposal->let_go(disposal->object);
	aps_free(disposal);
}

static const struct aps_mail_kind KIND = {"disposal", free_disposal};

static void run(struct aps_core *core APS_UNUSED, struct aps_command *command)
{
	aps_command_free(command);
}

struct aps_command *aps_disposal_command_new(void (*let_go)(void *object), void *object)
{
	struct disposal *disposal = aps_calloc(1, sizeof *disposal);
	if (disposal == NULL) return NULL;
	disposal->head = (struct aps_command){{NULL, &KIND, sizeof *disposal}, run, 0, 0, false};
	disposal->let_go = let_go;
	disposal->object = object;
	return &disposal->head;
}
