/* A core without a thread, with one client: its turns are run by the test, its events are kept. Include after cmocka.h.
 */
#ifndef APS_SPEC_CORE_WORLD_H
#define APS_SPEC_CORE_WORLD_H

#include "base/clock.h"
#include "base/mem.h"
#include "client/caching.h"
#include "client/core.h"
#include "client/credential.h"
#include "client/features.h"

struct core_world {
	struct aps_core *core;
	struct aps_client *client; /* number 7 */
	struct aps_mail *events;   /* published and not looked at */
	size_t n_live;
};

static inline void core_world_publish(void *context, struct aps_mail *chain)
{
	struct core_world *world = context;
	struct aps_mail **at = &world->events;
	while (*at != NULL) at = &(*at)->next;
	*at = chain;
}

static inline void core_world_raise(void *context APS_UNUSED)
{
}

static inline bool core_world_is_flooded(void *context APS_UNUSED, bool was_flooded APS_UNUSED)
{
	return false;
}

static inline void core_world_begin(struct core_world *world)
{
	struct aps_err err;
	*world = (struct core_world){.n_live = aps_mem_live()};
	struct aps_outlet outlet = {world, core_world_publish, core_world_raise, core_world_is_flooded};
	world->core = aps_core_new(outlet, aps_features, &err);
	assert_non_null(world->core);
	aps_rand_init(&world->core->rand, 1); /* no pause is 0 ms long in one run of a hundred */
	world->client = aps_calloc(1, sizeof *world->client);
	assert_non_null(world->client);
	world->client->id = 7;
	world->client->stats = aps_stats_new();
	aps_settings_init(&world->client->settings);
	assert_int_equal(aps_core_open_client(world->core, world->client, &err), APS_OK);
}

/* An API key. */
static inline void core_world_add_key(struct core_world *world, uint64_t id)
{
	struct aps_auth_material material;
	struct aps_credential *credential = aps_calloc(1, sizeof *credential);
	assert_non_null(credential);
	credential->id = id;
	credential->client = world->client;
	aps_auth_slot_init(&credential->slot, APS_AUTH_API_KEY, false);
	assert_int_equal(aps_auth_material_init(&material, APS_AUTH_API_KEY, APS_STR("key"), NULL, NULL), APS_OK);
	aps_credential_give(credential, &material);
	assert_true(aps_credential_add(world->core, credential));
}

/* Time passes where a test says so, however long the machine takes; until aps_clock_go_on(). */
static inline void stand_still(void)
{
	aps_clock_stand(aps_clock_mono_ms(), aps_clock_wall_ms());
}

/* Runs a turn; the number of events that wait to be taken. */
static inline size_t core_world_turn(struct core_world *world)
{
	size_t n = 0;
	aps_core_turn(world->core);
	for (const struct aps_mail *mail = world->events; mail != NULL; mail = mail->next) n++;
	return n;
}

/* The oldest event, which the caller frees; NULL: none. */
static inline struct aps_event *core_world_take(struct core_world *world)
{
	struct aps_mail *mail = world->events;
	if (mail == NULL) return NULL;
	world->events = mail->next;
	mail->next = NULL;
	return (struct aps_event *)mail;
}

/* A response into a partition, of which nothing is asked: it is written at once. */
static inline void core_world_keep(struct core_world *world, struct aps_client *client, uint64_t cache,
                                   const struct aps_operation *operation, struct aps_str data)
{
	struct aps_parked parked = {.operation = operation, .data = data, .errors = APS_STR("")};
	assert_true(aps_caching_write(world->core, client, cache, &parked));
}

/* Closes the client and frees everything: nothing may be left. */
static inline void core_world_finish(struct core_world *world)
{
	aps_core_close_client(world->core, world->client);
	aps_core_turn(world->core);
	aps_core_free(world->core);
	aps_mail_free_chain(world->events);
	assert_int_equal(aps_mem_live(), world->n_live);
}

#endif
