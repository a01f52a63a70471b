#include "client/cache_commands.h"

#include "base/mem.h"
#include "client/caching.h"
#include "client/event.h"

struct open_command {
	struct aps_command head;
	struct aps_cached *cached; /* moved out by the core */
};

static void free_open(struct aps_mail *mail)
{
	struct open_command *command = (struct open_command *)mail;
	aps_cached_free(command->cached);
	aps_free(command);
}

static const struct aps_mail_kind OPEN_KIND = {"open cache", free_open};

static void run_open(struct aps_core *core, struct aps_command *head)
{
	struct open_command *command = (struct open_command *)head;
	struct aps_client *client = aps_core_last_client(core, head->client);
	if (client != NULL) {
		aps_caching_open(core, client, command->cached);
		command->cached = NULL;
	}
	aps_command_free(head);
}

struct aps_command *aps_cache_open_command_new(uint64_t client, uint64_t cache, const char *identity,
                                               struct aps_channel *channel)
{
	struct open_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &OPEN_KIND, sizeof *command}, run_open, client, cache, true};
	command->cached = aps_cached_new(cache, identity, channel);
	if (command->cached != NULL) return &command->head;
	aps_free(command);
	return NULL;
}

struct edit_command {
	struct aps_command head;
	uint64_t layer;          /* that comes or leaves; 0: none */
	uint64_t number;         /* of the edits */
	struct aps_edits *edits; /* NULL: none */
};

static void free_edit(struct aps_mail *mail)
{
	struct edit_command *command = (struct edit_command *)mail;
	aps_edits_unref(command->edits);
	aps_free(command);
}

static const struct aps_mail_kind EDIT_KIND = {"edit cache", free_edit};

/* A program that ends after it has written finds that when it runs again. */
typedef void edit_cache(struct aps_core *core, struct aps_client *client, uint64_t id,
                        const struct aps_caching_edits *edits);

static void run_with(struct aps_core *core, struct aps_command *head, edit_cache *edit)
{
	const struct edit_command *command = (const struct edit_command *)head;
	struct aps_client *client = aps_core_last_client(core, head->client);
	const struct aps_caching_edits edits = {command->layer, command->number, command->edits};
	if (client != NULL) edit(core, client, head->id, &edits);
	aps_command_free(head);
}

static void run_edit(struct aps_core *core, struct aps_command *head)
{
	run_with(core, head, aps_caching_edit);
}

static void run_layer(struct aps_core *core, struct aps_command *head)
{
	run_with(core, head, aps_caching_add_layer);
}

static void run_settle(struct aps_core *core, struct aps_command *head)
{
	run_with(core, head, aps_caching_settle_layer);
}

static struct aps_command *edit_command_new(void (*run)(struct aps_core *core, struct aps_command *command),
                                            uint64_t client, uint64_t cache, const struct aps_caching_edits *what)
{
	struct edit_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	size_t n_bytes = sizeof *command + (what->edits != NULL ? aps_edits_bytes(what->edits) : 0);
	command->head = (struct aps_command){{NULL, &EDIT_KIND, n_bytes}, run, client, cache, run != run_settle};
	command->layer = what->layer;
	command->number = what->number;
	if (what->edits != NULL) command->edits = aps_edits_ref(what->edits);
	return &command->head;
}

struct aps_command *aps_edit_command_new(uint64_t client, uint64_t cache, const struct aps_caching_edits *edits)
{
	return edit_command_new(run_edit, client, cache, edits);
}

struct aps_command *aps_layer_command_new(uint64_t client, uint64_t cache, const struct aps_caching_edits *edits)
{
	return edit_command_new(run_layer, client, cache, edits);
}

struct aps_command *aps_settle_command_new(uint64_t client, uint64_t cache, const struct aps_caching_edits *edits)
{
	return edit_command_new(run_settle, client, cache, edits);
}

static void run_close(struct aps_core *core, struct aps_command *command)
{
	struct aps_client *client = aps_core_client(core, command->client);
	if (client != NULL) aps_caching_close(core, client, command->id);
	aps_command_free(command);
}

struct aps_command *aps_cache_close_command_new(uint64_t client, uint64_t cache)
{
	return aps_command_new(run_close, client, cache);
}

struct look_command {
	struct aps_command head;
	struct aps_result_event *result; /* made in advance: it can't be lost for want of memory */
};

static void free_look(struct aps_mail *mail)
{
	struct look_command *command = (struct look_command *)mail;
	if (command->result != NULL) command->result->head.mail.kind->free_mail(&command->result->head.mail);
	aps_free(command);
}

static const struct aps_mail_kind LOOK_KIND = {"look at cache", free_look};

static void run_look(struct aps_core *core, struct aps_command *head)
{
	struct look_command *command = (struct look_command *)head;
	struct aps_client *client = aps_core_client(core, head->client);
	struct aps_gqlhttp_response *response = &command->result->response;
	enum aps_rc rc = client != NULL ? aps_caching_look(core, client, head->id, &response->err)
	                                : aps_fail(&response->err, APS_E_CLOSED, "the client is closed");
	if (rc == APS_OK) response->data = APS_STR("true");
	command->result->source = APS_RESULT_FROM_CACHE;
	aps_core_emit(core, &command->result->head);
	command->result = NULL;
	aps_command_free(head);
}

struct aps_command *aps_cache_look_command_new(uint64_t client, uint64_t cache, uint64_t call)
{
	struct look_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &LOOK_KIND, sizeof *command}, run_look, client, cache, true};
	command->result = aps_result_event_new(call);
	if (command->result != NULL) return &command->head;
	aps_free(command);
	return NULL;
}

struct damage_command {
	struct aps_command head;
	uint64_t place;
};

static void free_damage(struct aps_mail *mail)
{
	aps_free(mail);
}

static const struct aps_mail_kind DAMAGE_KIND = {"damage", free_damage};

static void run_damage(struct aps_core *core, struct aps_command *head)
{
	struct aps_client *client = aps_core_client(core, head->client);
	if (client != NULL) aps_caching_damaged(core, client, head->id, ((struct damage_command *)head)->place);
	aps_command_free(head);
}

struct aps_command *aps_cache_damage_command_new(uint64_t client, uint64_t cache, uint64_t place)
{
	struct damage_command *command = aps_calloc(1, sizeof *command);
	if (command == NULL) return NULL;
	command->head = (struct aps_command){{NULL, &DAMAGE_KIND, sizeof *command}, run_damage, client, cache, true};
	command->place = place;
	return &command->head;
}
