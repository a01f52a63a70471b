/* What a page of a base or delta query says, or an event of a subscription: its records, the token of the next page,
 * and when it was made. Read once from the text of the response's data; all spans are of that text. */
#ifndef APS_SYNC_PAGE_H
#define APS_SYNC_PAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "gql/document.h"

#define APS_PAGE_MAX_PATH    8
#define APS_PAGE_MAX_RECORDS ((size_t)1 << 20)

/* Response keys, as the operation's document has them (aliases included); empty: it isn't selected. */
struct aps_page_names {
	struct aps_arena arena;
	struct aps_map holders;    /* private: of fields with selections; a list of objects is under one of them */
	struct aps_str root;       /* of the first field */
	struct aps_str field;      /* its name in the schema */
	struct aps_str items;      /* of the field `items` that holds the list; empty: the list is to be found */
	struct aps_str next_token; /* nextToken, beside the list or around it */
	struct aps_str started_at; /* startedAt, likewise: that of a record is none */
	struct aps_str version;    /* of a record: options.version_field, or the first of _version, version,
	                              _lastChangedAt, updatedAt that is selected */
	struct aps_str changed_at; /* _lastChangedAt, else updatedAt */
	struct aps_str aws_ds, deleted, typename;
	struct aps_str version_field, changed_at_field; /* their names in the schema */
	bool is_page;                                   /* an object of the root field is never a record itself */
	bool is_event; /* it is one, unless it is a page: no list is looked for in it */
	bool has_list; /* the records' fields aren't the root field's own: it leads to a list of them */
};

struct aps_page_record {
	size_t index;           /* in the list; of a record that is no list's: 0 */
	struct aps_str text;    /* JSON object; p NULL: it is null, or no object */
	struct aps_str version; /* JSON text of a value; empty: it has none, or null */
	struct aps_str changed_at;
	bool is_deleted; /* aws_ds is "DELETE", or _deleted is true */
};

struct aps_page {
	struct aps_buf records; /* struct aps_page_record */
	struct aps_str token;   /* as it stands in the text, unescaped into `arena` where need be; empty: none */
	int64_t started_ms;     /* startedAt in milliseconds; 0: none */
	bool is_list;           /* else it is one record, or nothing */
	bool has_odd_token;     /* nextToken is neither a string nor a number nor null */
	bool is_scalar;         /* neither an object nor a list nor null stands in the place of the root field */
	bool has_scalars;       /* something in the list is neither an object nor null */
	bool is_null;           /* null stands where the list or the record may be, or an object around it */
	struct aps_str
	        path[APS_PAGE_MAX_PATH]; /* response keys from the root to the list or record, the root's first */
	size_t n_path;
	struct aps_arena arena;
};

APS_BEGIN_DECLS

/* `version_field`: the application's choice by its name in the schema; empty: by the rule above. `definition` is in the
 * document. Looks through fragments; conditions count for nothing. Its texts are in the arena, whatever becomes of the
 * document.
 *
 * The record's fields are those of `items` of the root field. Where it has no such field with selections: its own, or
 * those of the first selections in it, depth-first, that have a version, `_deleted` or aws_ds. A subscription's are the
 * root field's own (aws-appsync 4, deltaSync.ts), except of a page: it selects nextToken, or nothing beside `items` but
 * startedAt and __typename.
 *
 * E_NOMEM; E_USAGE with a message for people: the operation has several root fields, selects nothing of them, or
 * doesn't select `version_field`. A failure leaves nothing to clear. */
enum aps_rc aps_page_names_init(struct aps_page_names *names, const struct aps_gql_document *document,
                                const struct aps_gql_operation *definition, struct aps_str version_field,
                                struct aps_err *err);
/* Twice is legal. */
void aps_page_names_clear(struct aps_page_names *names);

/* `data`: JSON text of the response's data. The list is `items` of the root field's object where that is selected, else
 * the first list of objects found depth-first (aws-appsync 4, helpers/offline.ts); the token and the time stand in the
 * nearest object around it that has them. A root field that is an object without a list is one record, unless it is a
 * page; null is no record. Of a key that comes twice in a record the last one counts. E_NOMEM; E_TOO_BIG: more than
 * APS_PAGE_MAX_RECORDS; what the reader says of the text. A failure leaves an empty page. */
enum aps_rc aps_page_read(struct aps_page *page, const struct aps_page_names *names, struct aps_str data,
                          struct aps_err *err);
/* Also of a failure. Twice is legal. */
void aps_page_clear(struct aps_page *page);
size_t aps_page_count(const struct aps_page *page);
const struct aps_page_record *aps_page_at(const struct aps_page *page, size_t index);

APS_END_DECLS

#endif
