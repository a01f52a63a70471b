#include "client/credential_commands.h"

#include "base/mem.h"

static void free_command(struct aps_mail *mail)
{
	struct aps_credential_command *command = (struct aps_credential_command *)mail;
	aps_auth_material_clear(&command->material);
	aps_free(command->region);
	aps_free(command->service);
	aps_free(command);
}

static const struct aps_mail_kind KIND = {"credential", free_command};

static void add(struct aps_core *core, struct aps_credential_command *command)
{
	struct aps_client *client = aps_core_client(core, command->head.client);
	struct aps_credential *credential = client != NULL ? aps_calloc(1, sizeof *credential) : NULL;
	if (credential == NULL) return; /* calls that name it are answered with an error */
	credential->id = command->head.id;
	credential->client = client;
	credential->region = command->region;
	credential->service = command->service;
	command->region = command->service = NULL;
	aps_auth_slot_init(&credential->slot, command->mode, command->is_dynamic);
	if (command->has_material) {
		aps_credential_give(credential, &command->material);
		command->has_material = false;
	}
	aps_credential_add(core, credential);
}

static void set(struct aps_core *core, struct aps_credential *credential, struct aps_auth_material *material)
{
	if ((credential->slot.mode == APS_AUTH_IAM) != (material->mode == APS_AUTH_IAM)) {
		struct aps_err err;
		aps_fail_word(&err, APS_E_AUTH, "no_token", 0, "mode %s got another mode's credentials",
		              aps_auth_mode_name(credential->slot.mode));
		aps_credential_fail(core, credential, &err);
		return;
	}
	material->mode = credential->slot.mode;
	aps_credential_set(core, credential, material);
}

static void run(struct aps_core *core, struct aps_command *head)
{
	struct aps_credential_command *command = (struct aps_credential_command *)head;
	struct aps_credential *credential = aps_credential_find(core, head->id);
	if (command->verb == APS_CREDENTIAL_ADD)
		add(core, command);
	else if (credential == NULL)
		; /* dropped meanwhile, or its client was closed */
	else if (command->verb == APS_CREDENTIAL_SET)
		set(core, credential, &command->material);
	else if (command->verb == APS_CREDENTIAL_FAIL)
		aps_credential_fail(core, credential, &command->err);
	else
		aps_credential_drop(core, credential);
	aps_command_free(head);
}

struct aps_credential_command *aps_credential_command_new(enum aps_credential_verb verb, uint64_t client,
                                                          uint64_t credential)
{
	struct aps_credential_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	bool begins = verb == APS_CREDENTIAL_ADD;
	command->head = (struct aps_command){{NULL, &KIND, sizeof *command}, run, client, credential, begins};
	command->verb = verb;
	return command;
}
