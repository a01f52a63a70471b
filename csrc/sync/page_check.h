/* Whether a page says what its query asks: what a service leaves out without an error, or beside one, is no end of a
 * list. */
#ifndef APS_SYNC_PAGE_CHECK_H
#define APS_SYNC_PAGE_CHECK_H

#include "sync/page.h"

/* Longer ones are no service's: a token is kept with the page. DynamoDB's are about a thousand bytes. */
#define APS_PAGE_MAX_TOKEN_BYTES ((size_t)64 * 1024)

struct aps_page_duty {
	bool is_base;        /* all records: what it doesn't have leaves. Else null says that nothing has changed */
	bool keeps_list;     /* a base query's: its records are a list, by rule */
	bool may_be_nothing; /* a root field that is null and isn't known to be a list is taken for no record */
	bool asks_next;      /* there is a page behind it if it has a token */
	bool is_catch_up;    /* the query is a subscription's own, given as catch_up */
};

/* The word of an error that says of what has come that it can't become records: it is neither a list of them, nor holds
 * one, nor is one where it may be. */
#define APS_PAGE_NO_LIST "no_list"

APS_BEGIN_DECLS

/* `errors`: the response's, JSON text, may be empty. E_PROTOCOL, with a message for people: it has no list where one
 * has to be; an error of the service has taken it, or its token; the token is too long. */
enum aps_rc aps_page_check(const struct aps_page *page, const struct aps_page_names *names,
                           const struct aps_page_duty *duty, struct aps_str errors, struct aps_err *err);

APS_END_DECLS

#endif
