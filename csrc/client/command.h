/* What the application asks of the core: made on its thread, posted to the core's inbox. */
#ifndef APS_CLIENT_COMMAND_H
#define APS_CLIENT_COMMAND_H

#include "rt/mailbox.h"

struct aps_core;

/* First member of each command's struct. Its kind frees a command that was never run. */
struct aps_command {
	struct aps_mail mail;
	/* On the core thread. The command is its own from here on: it frees it (aps_command_free) or keeps it for as
	 * long as its work takes. */
	void (*run)(struct aps_core *core, struct aps_command *command);
	uint64_t client;
	uint64_t id; /* of the call, the subscription or the credential that it is about */
	/* It asks for something new, which is refused where too much waits for the core. What belongs to something that
	 * was begun (its answers, its end) never is: the one who waits for it would wait for ever. */
	bool begins;
};

APS_BEGIN_DECLS

/* By its kind. */
void aps_command_free(struct aps_command *command);
/* One that says no more than its head; NULL when memory is out. */
struct aps_command *aps_command_new(void (*run)(struct aps_core *core, struct aps_command *command), uint64_t client,
                                    uint64_t id);

APS_END_DECLS

#endif
