/* In the place of the cache, the outbox and the store. Lua gives no client a cache here, so nothing is kept, and
 * nothing asks for what isn't. */
#include "base/mem.h"
#include "binding/cache_edit_lua.h"
#include "binding/cache_lua.h"
#include "binding/merges_lua.h"
#include "binding/objects_lua.h"
#include "binding/view_lua.h"
#include "client/caching.h"
#include "client/queueing.h"
#include "client/view.h"
#include "store/scratch.h"

uint32_t aps_caching_moment(const struct aps_core *core APS_UNUSED, const struct aps_client *client APS_UNUSED,
                            uint64_t id APS_UNUSED)
{
	return 0;
}

enum aps_rc aps_caching_put_ids(const struct aps_core *core APS_UNUSED, const struct aps_client *client APS_UNUSED,
                                uint64_t id APS_UNUSED, struct aps_operation *operation APS_UNUSED,
                                struct aps_err *err APS_UNUSED)
{
	return APS_OK;
}

bool aps_caching_write(struct aps_core *core APS_UNUSED, struct aps_client *client APS_UNUSED, uint64_t id APS_UNUSED,
                       struct aps_parked *parked APS_UNUSED)
{
	return false;
}

void aps_caching_run_answer(struct aps_core *core APS_UNUSED, struct aps_command *command)
{
	aps_command_free(command);
}

bool aps_queueing_cancel(struct aps_core *core APS_UNUSED, struct aps_client *client APS_UNUSED,
                         uint64_t call APS_UNUSED, const struct aps_err *why APS_UNUSED)
{
	return false;
}

void aps_view_unref(struct aps_view *view APS_UNUSED)
{
}

size_t aps_view_bytes(const struct aps_view *view APS_UNUSED)
{
	return 0;
}

void aps_scratch_free(struct aps_scratch *scratch APS_UNUSED)
{
}

struct aps_scratch *aps_scratch_new(const char *parent APS_UNUSED, struct aps_err *err)
{
	aps_fail(err, APS_E_SYSTEM, "the light build has no store");
	return NULL;
}

const char *aps_scratch_path(const struct aps_scratch *scratch APS_UNUSED)
{
	return "";
}

int apl_identify(lua_State *L, const struct aps_policies *policies APS_UNUSED)
{
	lua_pushnil(L);
	return 1;
}

struct apl_caches *apl_caches_new(struct apl_runtime *box APS_UNUSED, uint64_t client APS_UNUSED,
                                  struct aps_cache_settings *settings APS_UNUSED, enum apl_big_integers big APS_UNUSED)
{
	return NULL;
}

void apl_caches_unref(struct apl_caches *caches APS_UNUSED)
{
}

void apl_caches_close(struct apl_caches *caches APS_UNUSED)
{
}

enum aps_rc apl_cache_push(lua_State *L APS_UNUSED, struct apl_caches *caches APS_UNUSED,
                           const char *identity APS_UNUSED, int64_t patience_ms APS_UNUSED, struct aps_err *err)
{
	return aps_fail(err, APS_E_SYSTEM, "the light build has no store");
}

void apl_merges_push_question(lua_State *L, struct aps_question_event *event APS_UNUSED)
{
	lua_pushnil(L);
}

struct aps_answer_command *apl_merges_take_answer(lua_State *L APS_UNUSED, int index APS_UNUSED)
{
	return NULL;
}

void apl_objects_push_question(lua_State *L, struct aps_question_event *event APS_UNUSED)
{
	lua_pushnil(L);
}

struct aps_answer_command *apl_objects_take_answer(lua_State *L APS_UNUSED, int index APS_UNUSED)
{
	return NULL;
}

void apl_view_push(lua_State *L, struct aps_view *view APS_UNUSED, enum apl_big_integers big APS_UNUSED)
{
	lua_pushnil(L);
}
