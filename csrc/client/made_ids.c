#include "client/made_ids.h"

#include "base/mem.h"
#include "store/id_map.h"
#include "store/owners.h"
#include "sync/id_substitute.h"
#include "sync/identity_fields.h"
#include "sync/uuid_text.h"

#define MAX_FOUND 1024 /* then they are looked up again */

struct found {
	bool is_made;
	size_t n;
	char text[];
};

static void forget(struct aps_made_ids *ids)
{
	size_t cursor = 0;
	void *state = NULL, *value;
	struct aps_str key;
	while (aps_map_next(&ids->found, &cursor, &state, &key, &value)) aps_free(value);
	aps_map_clear(&ids->found);
	aps_map_init(&ids->found, aps_channel_seed(ids->channel));
}

void aps_made_ids_init(struct aps_made_ids *ids, struct aps_reader *reader, const struct aps_channel *channel,
                       const char *prefix, const char *identity)
{
	*ids = (struct aps_made_ids){.reader = reader, .channel = channel, .prefix = prefix, .identity = identity};
	aps_map_init(&ids->found, aps_channel_seed(channel));
}

void aps_made_ids_clear(struct aps_made_ids *ids)
{
	if (ids->channel == NULL) return;
	forget(ids);
	aps_map_clear(&ids->found);
	ids->channel = NULL;
}

/* What is counted up after a commit is asked for before the store is read: that shows it then. */
static void keep_up(struct aps_made_ids *ids)
{
	uint64_t version = aps_channel_ids(ids->channel), place = aps_channel_place(ids->channel);
	if (version == ids->version && place == ids->place) return;
	forget(ids);
	ids->version = version;
	ids->place = place;
	ids->is_known = false;
}

static enum aps_rc look_for_any(void *context, struct aps_db *db, struct aps_err *err)
{
	struct aps_made_ids *ids = context;
	bool has_any = false;
	enum aps_rc rc = aps_owners_find(db, aps_str_of(ids->prefix), aps_str_of(ids->identity), &ids->owner, err);
	if (rc == APS_OK && ids->owner != 0) rc = aps_id_map_has_any(db, ids->owner, &has_any, err);
	ids->has_any = has_any;
	ids->is_known = rc == APS_OK;
	return rc;
}

/* A store that can't be read now, which the core is told of, has none for now. */
static enum aps_rc look(struct aps_made_ids *ids, aps_reader_look *at, void *context, struct aps_err *err)
{
	enum aps_rc rc = aps_reader_look_inside(ids->reader, at, context, err);
	return rc == APS_E_STORAGE || rc == APS_E_CANCELLED ? APS_OK : rc;
}

enum aps_rc aps_made_ids_look(struct aps_made_ids *ids, bool *has_any, struct aps_err *err)
{
	enum aps_rc rc = APS_OK;
	keep_up(ids);
	if (!ids->is_known && !aps_channel_has_no_ids(ids->channel)) rc = look(ids, look_for_any, ids, err);
	*has_any = ids->is_known && ids->has_any;
	return rc;
}

bool aps_made_ids_are_at_hand(struct aps_made_ids *ids)
{
	keep_up(ids);
	return ids->is_known || aps_channel_has_no_ids(ids->channel) || aps_channel_is_at_hand(ids->channel);
}

struct question {
	struct aps_made_ids *ids;
	struct aps_str temporary;
	struct aps_id_made pair;
	bool is_answered;
};

static enum aps_rc look_for_one(void *context, struct aps_db *db, struct aps_err *err)
{
	struct question *question = context;
	enum aps_rc rc = aps_id_map_find(db, question->ids->owner, question->temporary, &question->pair, err);
	question->is_answered = rc == APS_OK;
	return rc;
}

static enum aps_rc keep(struct aps_made_ids *ids, const struct question *question, const struct found **kept,
                        struct aps_err *err)
{
	bool is_made = question->pair.owner != 0 && question->pair.is_made;
	struct aps_str made = is_made ? question->pair.made : APS_STR("");
	struct found *found = aps_malloc(sizeof *found + made.n);
	if (ids->found.n_items >= MAX_FOUND) forget(ids);
	if (found != NULL && !aps_map_set(&ids->found, question->temporary, found)) {
		aps_free(found);
		found = NULL;
	}
	if (found == NULL) return aps_fail(err, APS_E_NOMEM, "out of memory");
	found->is_made = is_made;
	found->n = made.n;
	if (made.n != 0) memcpy(found->text, made.p, made.n);
	*kept = found;
	return APS_OK;
}

static enum aps_rc ask(struct aps_made_ids *ids, struct aps_str temporary, const struct found **found,
                       struct aps_err *err)
{
	struct question question = {.ids = ids, .temporary = temporary};
	aps_id_made_init(&question.pair);
	enum aps_rc rc = look(ids, look_for_one, &question, err);
	if (rc == APS_OK && question.is_answered) rc = keep(ids, &question, found, err);
	aps_id_made_clear(&question.pair);
	return rc;
}

enum aps_rc aps_made_ids_find(struct aps_made_ids *ids, struct aps_str temporary, struct aps_str *made,
                              struct aps_err *err)
{
	bool has_any;
	*made = (struct aps_str){NULL, 0};
	if (!aps_is_uuid(temporary)) return APS_OK;
	enum aps_rc rc = aps_made_ids_look(ids, &has_any, err);
	if (rc != APS_OK || !has_any) return rc;
	const struct found *found = aps_map_get(&ids->found, temporary);
	if (found == NULL) rc = ask(ids, temporary, &found, err);
	if (rc == APS_OK && found != NULL && found->is_made) *made = (struct aps_str){found->text, found->n};
	return rc;
}

struct replacing {
	struct aps_made_ids *ids;
	struct aps_err *err;
	enum aps_rc rc;
};

static struct aps_str find(void *context, struct aps_str id)
{
	struct replacing *in = context;
	struct aps_str made = {NULL, 0};
	if (in->rc == APS_OK) in->rc = aps_made_ids_find(in->ids, id, &made, in->err);
	return made;
}

enum aps_rc aps_made_ids_replace(struct aps_made_ids *ids, struct aps_str json, struct aps_buf *out, bool *is_changed,
                                 struct aps_err *err)
{
	struct replacing in = {.ids = ids, .err = err};
	size_t n_before = out->n;
	bool has_any = false;
	*is_changed = false;
	enum aps_rc rc = json.n > APS_UUID_CHARS ? aps_made_ids_look(ids, &has_any, err) : APS_OK;
	if (rc != APS_OK || !has_any) return rc;
	rc = aps_id_substitute(json, find, &in, out, is_changed, err);
	if (rc == APS_OK) rc = in.rc;
	if (!*is_changed || rc != APS_OK) out->n = n_before;
	return rc;
}

/* Of one that is made of several fields each value is looked up: {"blogId":"…","slug":"…"}. */
enum aps_rc aps_made_ids_replace_in_key(struct aps_made_ids *ids, struct aps_str key, struct aps_buf *out,
                                        bool *is_changed, struct aps_err *err)
{
	struct aps_str id = aps_identity_tail(key), made = {NULL, 0};
	size_t n_before = out->n;
	bool is_object = aps_str_starts(id, "{");
	aps_buf_add(out, key.p, key.n - id.n);
	enum aps_rc rc = is_object ? aps_made_ids_replace(ids, id, out, is_changed, err)
	                           : aps_made_ids_find(ids, id, &made, err);
	if (!is_object) *is_changed = rc == APS_OK && made.p != NULL && !aps_str_eq(made, id);
	if (!is_object && *is_changed) aps_buf_add_str(out, made);
	if (rc == APS_OK && out->rc != APS_OK) rc = aps_fail(err, APS_E_NOMEM, "out of memory");
	if (rc == APS_E_SYNTAX || rc == APS_E_DEPTH) rc = APS_OK; /* an application's own kind of key */
	if (rc != APS_OK || !*is_changed) out->n = n_before;
	return rc;
}
