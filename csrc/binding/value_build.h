/* JSON text, or what is packed (cache/packed.h), to Lua values in steps: a step makes so many values, the next one goes
 * on where it stopped. What is pure is kept here, in C; the open tables and the keys that wait for them are kept by
 * Lua, in a table that is handed to each step. apl_value_push() is the same, run to its end. */
#ifndef APS_BINDING_VALUE_BUILD_H
#define APS_BINDING_VALUE_BUILD_H

#include "binding/strings.h"
#include "binding/value.h"
#include "cache/packed.h"
#include "codec/json_reader.h"

#define APL_VALUE_MAX_DEPTH 128
/* No frame waits for the values of a longer text. */
#define APL_LARGE_BYTES ((size_t)64 * 1024)
/* Texts repeat their keys: one that was seen lately in this step is pushed by its stack index, without hashing and
 * without a look into Lua's string table. */
#define APL_VALUE_SEEN_KEYS 64

enum apl_step {
	APL_STEP_FAILED,
	APL_STEP_MORE, /* the budget is used up */
	APL_STEP_DONE
};

struct apl_value_parts;

/* All private. Nothing in it has to be freed. */
struct apl_value_build {
	struct aps_json_reader r;      /* of the text, or of the JSON that is in what is packed */
	const struct aps_packed *from; /* NULL: JSON text is all there is */
	struct aps_str rest;           /* of it */
	bool is_in_json;
	unsigned json_depth; /* of open tables where it began */
	enum apl_big_integers big;
	bool is_over;     /* done, failed, or in a step that Lua may leave by a throw */
	unsigned depth;   /* of open tables */
	unsigned deepest; /* hints are set up to here */
	unsigned n_held;  /* values in the table that Lua keeps */
	struct apl_value_level {
		int n_items;
		uint32_t n_left; /* to come, of what is packed */
		bool is_object;
	} levels[APL_VALUE_MAX_DEPTH + 1];
	/* Tables are made with room for as many items as the last one at their depth had. */
	struct apl_value_hint {
		int n_fields;
		int n_items;
	} hints[APL_VALUE_MAX_DEPTH + 1];
	struct apl_document_strings strings;
	struct apl_value_parts *parts; /* of a view: binding/value_parts.h; NULL: none are known */

	/* Of the step that runs. */
	int slots;      /* stack index: the scratch buffer, above it the seen keys, above them the open tables */
	int labels;     /* stack index: the table of the keys of what is packed */
	bool sees_keys; /* not worth the slots for short texts and small steps */
	struct aps_buf *scratch; /* NULL until the first escape */
	struct aps_err *err;     /* may be NULL */
	struct apl_value_seen_key {
		const char *p; /* in the text */
		size_t n;
	} seen[APL_VALUE_SEEN_KEYS];
};

APS_BEGIN_DECLS

/* `json` must outlive the build, and stay where it is. */
void apl_value_build_init(struct apl_value_build *build, struct aps_str json, enum apl_big_integers big,
                          enum aps_json_strictness strictness);
/* `packed`, and what it refers to, likewise. */
void apl_value_build_init_packed(struct apl_value_build *build, const struct aps_packed *packed,
                                 enum apl_big_integers big);
/* Makes at most `max_values` values, at least one; a table counts when it is complete. DONE: pushes the value. FAILED:
 * pushes nothing; as of apl_value_push(). `held`: the stack index of the table, empty before the first step, untouched
 * by others between two; empty again after the last. Throws for another table, for a build that is over, and what Lua
 * throws (memory), after which the build is over. */
enum apl_step apl_value_build_step(lua_State *L, struct apl_value_build *build, int held, size_t max_values,
                                   struct aps_err *err);
/* Pushes the value of what is packed. `labels`: stack index of a table in which its keys are kept, by number, for the
 * next value of the same binding. As apl_value_push(). */
enum aps_rc apl_value_push_packed(lua_State *L, const struct aps_packed *packed, int labels, enum apl_big_integers big,
                                  struct aps_err *err);

APS_END_DECLS

#endif
