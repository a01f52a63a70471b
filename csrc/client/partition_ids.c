#include "client/partition_ids.h"

#include "store/id_map.h"
#include "store/owners.h"
#include "sync/id_substitute.h"
#include "sync/uuid_text.h"

/* What lies over a file in memory has no tables but the cache's. NULL: there is no store. */
static struct aps_db *db_of(const struct aps_ids_owner *of)
{
	return of->vault->base != NULL ? of->vault->base : of->vault->db;
}

static enum aps_rc look_for_any(const struct aps_ids_owner *of, int64_t *owner, bool *has_any, struct aps_err *err)
{
	struct aps_db *db = db_of(of);
	*owner = 0;
	*has_any = false;
	if (db == NULL) return aps_fail(err, APS_E_STORAGE, "there is no store now");
	enum aps_rc rc = aps_owners_find(db, aps_str_of(of->prefix), aps_str_of(of->identity), owner, err);
	return rc == APS_OK && *owner != 0 ? aps_id_map_has_any(db, *owner, has_any, err) : rc;
}

bool aps_partition_ids_are_none(const struct aps_ids_owner *of)
{
	struct aps_err unwanted;
	int64_t owner;
	bool has_any;
	return look_for_any(of, &owner, &has_any, &unwanted) == APS_OK && !has_any;
}

struct replacing {
	struct aps_db *db;
	int64_t owner;
	struct aps_id_made pair; /* that was found last */
	struct aps_err err;
	enum aps_rc rc;
};

static struct aps_str find(void *context, struct aps_str id)
{
	struct replacing *in = context;
	if (in->rc == APS_OK) in->rc = aps_id_map_find(in->db, in->owner, id, &in->pair, &in->err);
	bool is_known = in->rc == APS_OK && in->pair.owner != 0 && in->pair.is_made;
	return is_known ? in->pair.made : (struct aps_str){NULL, 0};
}

static enum aps_rc put(struct aps_operation *operation, struct aps_str variables, struct aps_err *err)
{
	struct aps_operation changed;
	enum aps_rc rc = aps_operation_init(&changed, operation->document, operation->definition,
	                                    operation->has_typenames, variables, err);
	if (rc != APS_OK) return rc;
	aps_operation_clear(operation);
	*operation = changed;
	return APS_OK;
}

enum aps_rc aps_partition_ids_put(const struct aps_ids_owner *of, struct aps_operation *operation, struct aps_err *err)
{
	struct replacing in = {.db = db_of(of)};
	struct aps_buf text;
	bool has_any, is_changed = false;
	if (operation->n_variables_bytes <= APS_UUID_CHARS) return APS_OK;
	enum aps_rc rc = look_for_any(of, &in.owner, &has_any, err);
	if (rc == APS_E_NOMEM) return rc;
	if (rc != APS_OK || !has_any) return APS_OK;
	aps_id_made_init(&in.pair);
	aps_buf_init(&text, APS_BUF_ANY_SIZE);
	rc = aps_id_substitute(aps_operation_variables(operation), find, &in, &text, &is_changed, err);
	if (rc == APS_OK && is_changed) rc = put(operation, aps_buf_str(&text), err);
	aps_buf_clear(&text);
	aps_id_made_clear(&in.pair);
	return rc == APS_E_NOMEM ? rc : APS_OK;
}
