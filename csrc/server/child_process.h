/* Child processes that answer on their standard output: started without a shell, watched by libevent, killed with their
 * whole process group. What they write to their standard error is the server's.
 * @thread app: the one that runs the event base. */
#ifndef APS_SERVER_CHILD_PROCESS_H
#define APS_SERVER_CHILD_PROCESS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>

struct event_base;
struct aps_child_set;

/* How a process ended. */
struct aps_child_end {
	int status;    /* of exit(); 0 when a signal ended it */
	int signal;    /* 0: it exited */
	bool is_cut;   /* it wrote more than it may, and was killed for it */
	bool is_known; /* false: something else in this process waited for it */
};

/* Each gets the context. False: there is no memory for it. A process whose output can't be kept is killed; its end is
 * told again later. */
struct aps_child_hooks {
	void *context;
	/* One line without its end; or all that a process wrote that isn't read by lines, just before its end. Of lines
	 * that answer none that it was given, the first only. Borrowed. */
	bool (*output)(void *context, uint64_t id, struct aps_str text);
	/* The last of its id. */
	bool (*ended)(void *context, uint64_t id, const struct aps_child_end *end);
};

struct aps_child_options {
	char *const *argv; /* ends with NULL; the first is looked up in PATH unless it has a slash. Borrowed */
	bool by_lines; /* it is given lines and answers each with one; it is killed soon after it has closed its output
	                */
	size_t max_output_bytes; /* of a line, or of all */
};

APS_BEGIN_DECLS

/* E_NOMEM. A process of the program that ignores SIGCHLD handles it as the system does from now on: ignored, the system
 * would forget how children ended, and give their numbers to others. */
enum aps_rc aps_child_set_new(struct event_base *base, const struct aps_child_hooks *hooks, struct aps_child_set **out,
                              struct aps_err *err);
/* Kills what runs and waits until it is gone; NULL is legal. No hook is called. */
void aps_child_set_free(struct aps_child_set *set);
/* How many run. */
size_t aps_child_set_count(const struct aps_child_set *set);

/* Starts one; its id is never 0 and never used again. E_USAGE: there is no such program, or it can't be run; E_NOMEM:
 * no memory, descriptors or processes left. */
enum aps_rc aps_child_spawn(struct aps_child_set *set, const struct aps_child_options *options, uint64_t *id,
                            struct aps_err *err);
/* Queues bytes for its standard input, which ends after them when `is_last`. What it doesn't read is forgotten when it
 * ends. False: it is gone, its input has ended, there is no memory; or it reads lines and has closed its output, or
 * wrote a line that answers none, so that nobody would know what the next one answers. */
bool aps_child_write(struct aps_child_set *set, uint64_t id, struct aps_str bytes, bool is_last);
/* Ends its process group at once; its end is told as ever. False when it is gone. */
bool aps_child_kill(struct aps_child_set *set, uint64_t id);

APS_END_DECLS

#endif
