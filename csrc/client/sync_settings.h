/* What a delta sync asks for, as the application has given it. */
#ifndef APS_CLIENT_SYNC_SETTINGS_H
#define APS_CLIENT_SYNC_SETTINGS_H

#include "auth/appsync_headers.h"
#include "proto/operation.h"
#include "sync/delta_sync.h"
#include "sync/page.h"

/* X(name, text) */
#define APS_SYNC_PART_MAP(X) X(BASE, "base") X(DELTA, "delta") X(SUBSCRIPTION, "subscription")

enum aps_sync_part_kind {
#define APS_SYNC_PART_ENUM(name, text) APS_SYNC_PART_##name,
	APS_SYNC_PART_MAP(APS_SYNC_PART_ENUM)
#undef APS_SYNC_PART_ENUM
	        APS_SYNC_PARTS
};

struct aps_sync_part {
	struct aps_operation operation; /* document NULL: there is none */
	struct aps_page_names names;    /* set when the sync opens */
	bool has_update;                /* a function of the application is told of each page or event */
	bool has_page;                  /* or tells the variables of the next page */
	char *limit_variable;           /* that the operation declares; NULL: none */
	char *token_variable;
};

enum aps_last_sync_unit { APS_LAST_SYNC_BY_DOCUMENT, APS_LAST_SYNC_SECONDS, APS_LAST_SYNC_MILLISECONDS };

struct aps_sync_settings {
	struct aps_sync_part parts[APS_SYNC_PARTS];
	struct aps_delta_sync_options options;
	char *version_field;    /* NULL: by the rule of sync/page.h; "": none */
	bool keeps_list;        /* records join and leave the base query's list by rule: appsync.build_sync */
	bool has_cache_updates; /* a function of the application is told of each record that is kept */
	enum aps_last_sync_unit unit;
	/* Pages and events go to the application, who settles each, in the place of a cache: a delta query and a
	 * subscription, and a checkpoint in memory only (client/sync_hand.h). */
	bool hands_over;
	size_t max_events, max_bytes; /* of the subscription that wait; 0: as of any sync */
	uint64_t credential;
	bool asks_headers; /* a function gives them */
	struct aps_header_list headers;
	struct aps_arena arena; /* of the headers */
};

APS_BEGIN_DECLS

const char *aps_sync_part_name(enum aps_sync_part_kind kind);
bool aps_sync_has_part(const struct aps_sync_settings *settings, enum aps_sync_part_kind kind);
/* Zero-initialised ones are made ready to be filled. */
void aps_sync_settings_init(struct aps_sync_settings *settings);
/* Twice is legal. */
void aps_sync_settings_clear(struct aps_sync_settings *settings);
/* Once they are filled: what can be known from the documents alone. E_NOMEM, E_USAGE. */
enum aps_rc aps_sync_settings_look(struct aps_sync_settings *settings, struct aps_err *err);
/* Every part selects the field that tells which of two states of a record is newer. */
bool aps_sync_settings_are_ordered(const struct aps_sync_settings *settings);
/* A name for what is asked for, 64 hexadecimal digits and a zero: the hash of documents and variables. `n_equal`: how
 * many ask for the same, and have another name. False: no memory. */
bool aps_sync_settings_name(const struct aps_sync_settings *settings, unsigned n_equal, char name[65]);
/* Appends the variables of a page: those of the part, and what `fetch` says. E_NOMEM. */
enum aps_rc aps_sync_settings_variables(const struct aps_sync_settings *settings, const struct aps_sync_fetch *fetch,
                                        struct aps_buf *out, struct aps_err *err);

APS_END_DECLS

#endif
