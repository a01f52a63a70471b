#include "client/identity_commands.h"

#include "base/mem.h"

static void free_command(struct aps_op *op)
{
	struct aps_identity_command *command = (struct aps_identity_command *)op;
	aps_auth_material_clear(&command->material);
	aps_free(command->region);
	aps_free(command->service);
	aps_free(command);
}

static const struct aps_op_kind KIND = {"identity", free_command, NULL};

static void run_add(struct aps_core *core, struct aps_command *head)
{
	struct aps_identity_command *command = (struct aps_identity_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	struct aps_identity *identity = client != NULL ? aps_calloc(1, sizeof *identity) : NULL;
	if (identity == NULL) return; /* calls that name it are answered with an error */
	identity->id = head->id;
	identity->client = client;
	identity->region = command->region;
	identity->service = command->service;
	command->region = command->service = NULL;
	aps_auth_slot_init(&identity->slot, command->mode, command->is_dynamic);
	if (command->has_material) {
		aps_auth_slot_set(&identity->slot, &command->material);
		command->has_material = false;
	}
	aps_identity_add(core, identity);
}

static void run_set(struct aps_core *core, struct aps_command *head)
{
	struct aps_identity_command *command = (struct aps_identity_command *)head;
	struct aps_identity *identity = aps_table_get(&core->identities, head->id);
	if (identity == NULL) return;
	if ((identity->slot.mode == APS_AUTH_IAM) != (command->material.mode == APS_AUTH_IAM)) {
		struct aps_err err;
		aps_fail_word(&err, APS_E_AUTH, "no_token", 0, "mode %s got the material of another mode",
		              aps_auth_mode_name(identity->slot.mode));
		aps_identity_fail(core, identity, &err);
		return;
	}
	command->material.mode = identity->slot.mode;
	aps_identity_set(core, identity, &command->material);
}

static void run_fail(struct aps_core *core, struct aps_command *head)
{
	struct aps_identity *identity = aps_table_get(&core->identities, head->id);
	if (identity != NULL) aps_identity_fail(core, identity, &((struct aps_identity_command *)head)->err);
}

static void run_drop(struct aps_core *core, struct aps_command *head)
{
	struct aps_identity *identity = aps_table_get(&core->identities, head->id);
	if (identity != NULL) aps_identity_drop(core, identity);
}

struct aps_identity_command *aps_identity_command_new(enum aps_identity_verb verb, uint64_t client, uint64_t identity)
{
	static void (*const RUN[])(struct aps_core *, struct aps_command *) = {
	        [APS_IDENTITY_ADD] = run_add,
	        [APS_IDENTITY_SET] = run_set,
	        [APS_IDENTITY_FAIL] = run_fail,
	        [APS_IDENTITY_DROP] = run_drop,
	};
	struct aps_identity_command *command = aps_calloc(1, sizeof *command);
	if (command != NULL)
		command->head = (struct aps_command){{NULL, &KIND, sizeof *command}, RUN[verb], client, identity};
	return command;
}
