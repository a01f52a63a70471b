#include "client/collect_commands.h"

#include "base/mem.h"
#include "client/caching.h"
#include "client/collecting.h"
#include "client/tidying.h"

/* A question, with the event that answers it. */
struct asking_command {
	struct aps_command head;
	struct aps_result_event *result; /* moved out by the core */
};

static void free_asking(struct aps_mail *mail)
{
	struct asking_command *command = (struct asking_command *)mail;
	if (command->result != NULL) command->result->head.mail.kind->free_mail(&command->result->head.mail);
	aps_free(command);
}

static const struct aps_mail_kind ASKING_KIND = {"ask cache", free_asking};

static struct aps_command *asking_new(void (*run)(struct aps_core *, struct aps_command *), uint64_t client,
                                      uint64_t cache, uint64_t call)
{
	struct asking_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &ASKING_KIND, sizeof *command}, run, client, cache, true};
	command->result = aps_number_event_new(call);
	if (command->result != NULL) return &command->head;
	aps_free(command);
	return NULL;
}

static struct aps_result_event *take_result(struct aps_command *head)
{
	struct asking_command *command = (struct asking_command *)head;
	struct aps_result_event *result = command->result;
	command->result = NULL;
	aps_command_free(head);
	return result;
}

static void refuse(struct aps_core *core, struct aps_result_event *result, const struct aps_client *client)
{
	struct aps_err err;
	if (client == NULL)
		aps_fail(&err, APS_E_CLOSED, "the client is closed");
	else
		aps_fail(&err, APS_E_STORAGE, "the store can't be used");
	aps_result_event_say(result, 0, &err);
	aps_core_emit(core, &result->head);
}

static void run_collect(struct aps_core *core, struct aps_command *head)
{
	const struct aps_client *client = aps_core_client(core, head->client);
	struct aps_collecting *collecting = client != NULL ? aps_caching_collecting(core, client, head->id) : NULL;
	struct aps_result_event *result = take_result(head);
	if (collecting != NULL)
		aps_collecting_ask(collecting, result);
	else
		refuse(core, result, client);
}

struct aps_command *aps_collect_command_new(uint64_t client, uint64_t cache, uint64_t call)
{
	return asking_new(run_collect, client, cache, call);
}

static void run_clear(struct aps_core *core, struct aps_command *head)
{
	struct aps_client *client = aps_core_client(core, head->client);
	if (client != NULL) aps_caching_clear(core, client, head->id, APS_PART_CLEARED);
	aps_command_free(head);
}

struct aps_command *aps_clear_command_new(uint64_t client, uint64_t cache)
{
	return aps_command_new(run_clear, client, cache);
}

static void run_wipe(struct aps_core *core, struct aps_command *head)
{
	struct aps_client *client = aps_core_client(core, head->client);
	struct aps_partition *partition = client != NULL ? aps_caching_partition(core, client, head->id) : NULL;
	if (client != NULL) aps_caching_clear(core, client, head->id, APS_PART_WIPED);
	struct aps_result_event *result = take_result(head);
	if (partition != NULL)
		aps_tidying_ask(partition->vault->tidying, result);
	else
		refuse(core, result, client);
}

struct aps_command *aps_wipe_command_new(uint64_t client, uint64_t cache, uint64_t call)
{
	return asking_new(run_wipe, client, cache, call);
}

static void free_retain(struct aps_mail *mail)
{
	struct aps_retain_command *command = (struct aps_retain_command *)mail;
	aps_operation_clear(&command->operation);
	aps_free(command);
}

static const struct aps_mail_kind RETAIN_KIND = {"retain", free_retain};

static void run_retain(struct aps_core *core, struct aps_command *head)
{
	struct aps_retain_command *command = (struct aps_retain_command *)head;
	const struct aps_client *client = aps_core_client(core, head->client);
	struct aps_collecting *collecting = client != NULL ? aps_caching_collecting(core, client, head->id) : NULL;
	struct aps_err unwanted;
	if (collecting != NULL) (void)aps_caching_put_ids(core, client, head->id, &command->operation, &unwanted);
	if (collecting != NULL) aps_collecting_retain(collecting, command->retention, &command->operation);
	aps_command_free(head);
}

static void run_release(struct aps_core *core, struct aps_command *head)
{
	const struct aps_client *client = aps_core_client(core, head->client);
	struct aps_collecting *collecting = client != NULL ? aps_caching_collecting(core, client, head->id) : NULL;
	if (collecting != NULL)
		aps_collecting_release(collecting, ((const struct aps_retain_command *)head)->retention);
	aps_command_free(head);
}

static struct aps_retain_command *retain_new(void (*run)(struct aps_core *, struct aps_command *), uint64_t client,
                                             uint64_t cache, uint64_t retention)
{
	struct aps_retain_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &RETAIN_KIND, sizeof *command}, run, client, cache, false};
	command->retention = retention;
	return command;
}

struct aps_retain_command *aps_retain_command_new(uint64_t client, uint64_t cache, uint64_t retention)
{
	struct aps_retain_command *command = retain_new(run_retain, client, cache, retention);
	if (command != NULL) command->head.begins = true;
	return command;
}

struct aps_command *aps_release_command_new(uint64_t client, uint64_t cache, uint64_t retention)
{
	struct aps_retain_command *command = retain_new(run_release, client, cache, retention);
	return command != NULL ? &command->head : NULL;
}

struct used_command {
	struct aps_command head;
	size_t n;
	uint64_t numbers[];
};

static void free_used(struct aps_mail *mail)
{
	aps_free(mail);
}

static const struct aps_mail_kind USED_KIND = {"used", free_used};

static void run_used(struct aps_core *core, struct aps_command *head)
{
	const struct used_command *command = (const struct used_command *)head;
	const struct aps_client *client = aps_core_client(core, head->client);
	struct aps_collecting *collecting = client != NULL ? aps_caching_collecting(core, client, head->id) : NULL;
	if (collecting != NULL) aps_collecting_use(collecting, command->numbers, command->n);
	aps_command_free(head);
}

struct aps_command *aps_used_command_new(uint64_t client, uint64_t cache, const uint64_t *numbers, size_t n)
{
	size_t n_bytes = sizeof(struct used_command) + n * sizeof *numbers;
	struct used_command *command = aps_malloc(n_bytes);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &USED_KIND, n_bytes}, run_used, client, cache, true};
	command->n = n;
	if (n != 0) memcpy(command->numbers, numbers, n * sizeof *numbers);
	return &command->head;
}
