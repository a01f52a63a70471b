/* A store, as the core has it: one connection that writes, and one transaction a turn for all that is kept in it. Where
 * its file can't be used, what is kept is kept in memory, and the file is tried again and again:
 *
 *             opened
 *   (nothing) ------> FILE <--------------- what memory has goes into the file ------------- OVER
 *        |             |  \--- can't be written (full, read-only, locked, …) ----------------^
 *        |             |
 *        |             +-- damaged: the file is set aside, a new one begun; all that is known is forgotten
 *        |             |                                    |
 *        | can't be    |                                    | can't be
 *        v opened      |                                    v
 *      MEMORY --------/  <----------------------------- MEMORY
 *             the file has nothing any more of what memory has had; all that is known is forgotten
 *
 * So a file never has what was replaced while it couldn't be written: it gets that (OVER), or loses what it had of it
 * (MEMORY). What is in memory when the process ends is gone, and the file is as it was.
 *
 * Other processes may have the file as well (client/claim.h). What they have committed is seen by each transaction when
 * it begins, and by a look from time to time: what is in memory of the file is dropped then. Nothing lies over a file,
 * and no file is set aside, that others have: where that would be done, it is MEMORY. One process leads.
 * @thread core */
#ifndef APS_CLIENT_VAULT_H
#define APS_CLIENT_VAULT_H

#include "client/store_file.h"
#include "rt/descriptor.h"
#include "rt/timer.h"
#include "store/counters.h"
#include "store/db_bulk.h"
#include "store/parts.h"

/* What is kept in a store, as the store knows it: embedded in each partition. */
struct aps_vault_part {
	struct aps_vault_part *next;
	/* The last word in the transaction. */
	enum aps_rc (*finish)(struct aps_vault_part *part, struct aps_err *err);
	/* This generation is about to be committed: readers are told what it changes. */
	void (*announce)(struct aps_vault_part *part, uint64_t generation);
	void (*committed)(struct aps_vault_part *part, uint64_t generation);
	/* Nothing of the turn is in the store: what is in memory is worth nothing. */
	void (*failed)(struct aps_vault_part *part);
	/* The store is vault->db from now on (NULL: there is none), whose transaction is open, and readers find it at
	 * vault->place. `keeps`: it has all that it had, but for this turn's changes, which are saved once more; else
	 * nothing that is known of it holds, the numbers of entries and names neither. */
	enum aps_rc (*moved)(struct aps_vault_part *part, bool keeps, struct aps_err *err);
	/* The file goes by another place. NULL: it doesn't matter. */
	void (*renamed)(struct aps_vault_part *part);
	/* Another process has committed: in the transaction that is open the file is what it is, and nothing that was
	 * known of it holds; `is_own`: it is this transaction that has changed it. *is_other: names and entries have
	 * other numbers. NULL: nothing is known of it. */
	enum aps_rc (*overtaken)(struct aps_vault_part *part, bool is_own, bool *is_other, struct aps_err *err);
	/* This process leads from now on, and didn't before. NULL: it doesn't matter. */
	void (*leading)(struct aps_vault_part *part);
	/* Of a file that is shared, from time to time: another process may have let go of something. NULL: likewise. */
	void (*looked)(struct aps_vault_part *part);
};

struct aps_tidying;

struct aps_vault {
	struct aps_vault *next;
	struct aps_timers *timers; /* NULL: the file isn't tried again */
	struct aps_store_file file;
	struct aps_db *db;      /* NULL: there is no memory even for a store in memory */
	struct aps_db *base;    /* what `db` lies over; NULL: over nothing */
	struct aps_err trouble; /* why the file isn't used, while it isn't */
	struct aps_err lost;    /* why the last transaction that was lost failed */
	uint64_t place;
	uint64_t generation;     /* the last one that was committed */
	uint64_t last_number;    /* of an entry */
	uint64_t told;           /* the generation up to which what was told anew is known (store/counters.h); */
	bool tells;              /* the transaction that is open tells something: */
	struct aps_told telling; /* of this; */
	bool others_told;        /* and what another process has committed, of which drop_known tells: */
	struct aps_told others_telling;
	size_t n_refs;           /* partitions */
	bool is_writing;         /* the transaction of this turn is open */
	bool is_durable;         /* it isn't committed before it is on the disk; */
	bool is_urgent;          /* and another process waits for it */
	enum aps_db_sync level;  /* of the connection's next transaction */
	size_t n_bulks;          /* who writes much */
	struct aps_db_bulk bulk; /* of the file's connection */
	struct aps_timer fold;   /* afterwards */
	unsigned n_folds;        /* that somebody who reads was in the way of */
	uint32_t version;        /* of the file's connection, up to which all that was committed is known */
	uint64_t n_overtaken;    /* how often other processes had committed */
	bool has_others;         /* they have the file as well, or had it at the last look */
	struct aps_timer look;   /* at the others; without a function nobody does */
	int64_t looked_ms;       /* when that was last, */
	int64_t behind_ms;       /* how soon again, because a file that is locked couldn't be looked at; 0: it could */
	int64_t lead_ms;         /* the lead isn't tried before */
	struct aps_descriptors *descriptors;
	struct aps_descriptor door; /* that of file.neighbours, or one that was: then it is removed once it is ready */
	struct aps_vault_part *parts;
	struct aps_tidying *tidying; /* whoever opened the vault ends it before */
	struct aps_buf drops;        /* of parts, in memory: how, and the owner's prefix and identity */
	struct aps_timer retry;
	bool is_lost;    /* the file was moved or deleted while it was open: it may come back, no other one is made */
	bool is_suspect; /* damage was met */
	int64_t full_ms; /* when the file was full last; 0: never */
	bool is_doubted; /* it was so soon before: that may be damage */
	int64_t wait_ms;
};

struct aps_vaults {
	struct aps_vault *first;
	struct aps_timers *timers;
	struct aps_descriptors *descriptors; /* NULL: nobody waits for any */
};

APS_BEGIN_DECLS

/* The vault of this file, opened if need be; one reference. NULL: there is no memory. */
struct aps_vault *aps_vault_open(struct aps_vaults *vaults, const struct aps_store_options *options,
                                 struct aps_err *err);
/* With the last reference the file is tried once more. */
void aps_vault_close(struct aps_vaults *vaults, struct aps_vault *vault);
void aps_vault_add(struct aps_vault *vault, struct aps_vault_part *part);
void aps_vault_remove(struct aps_vault *vault, struct aps_vault_part *part);
/* False: it works from memory; vault->trouble says why. */
bool aps_vault_is_available(const struct aps_vault *vault);
/* Other processes may have the file that is used (client/sharing.h). */
bool aps_vault_is_shared(const struct aps_vault *vault);
/* This process syncs and tidies. Also where the file isn't used. */
bool aps_vault_leads(const struct aps_vault *vault);
/* Why it doesn't: E_STORAGE, "locked". */
enum aps_rc aps_vault_fail_led(const struct aps_vault *vault, struct aps_err *err);
/* Between two transactions, of a file that is shared: what others have committed is known. "locked" where one of them
 * is just writing. */
enum aps_rc aps_vault_view(struct aps_vault *vault, struct aps_err *err);
/* In the transaction that is open: nothing that was known of the file holds, because others have committed, or because
 * of what this one has changed behind everybody's back. */
enum aps_rc aps_vault_drop_known(struct aps_vault *vault, bool is_own, struct aps_err *err);
/* The file is the others' from now on: what is kept in memory instead has nothing of it. What this turn had is lost.
 * False: there is no memory. */
bool aps_vault_leave(struct aps_vault *vault, const struct aps_err *why);
/* Before what is saved first in a turn; later ones find it open. */
enum aps_rc aps_vault_begin(struct aps_vault *vault, struct aps_err *err);
/* The same for what is worth nothing before it is on the disk; what was saved in this turn before is committed by
 * itself, if it wasn't such. */
enum aps_rc aps_vault_begin_durable(struct aps_vault *vault, struct aps_err *err);
/* Much is going to be written, in many turns: until aps_vault_end_bulk() the file's connection takes more memory
 * (store/db_bulk.h). With the last end the write-ahead log is folded into the file, in a turn of its own: else the next
 * small write would have that to do. */
void aps_vault_begin_bulk(struct aps_vault *vault);
void aps_vault_end_bulk(struct aps_vault *vault);
/* Nothing of this turn is kept, and the parts are told: something was saved half. What comes next begins anew. */
void aps_vault_abandon(struct aps_vault *vault);
/* A part was dropped: the file loses it as well, where it can't be written now. E_NOMEM. */
enum aps_rc aps_vault_dropped(struct aps_vault *vault, const char *prefix, const char *identity, enum aps_part_drop how,
                              struct aps_err *err);
/* The turn is over: its transaction is committed, and the parts are told. */
enum aps_rc aps_vault_commit(struct aps_vault *vault, struct aps_err *err);
/* Readers begin anew in the same file, once they have come to its new place. */
void aps_vault_rename(struct aps_vault *vault);
/* After a failure of the store: true when it has moved somewhere where the same can be tried once more. */
bool aps_vault_cope(struct aps_vault *vault, const struct aps_err *why);
/* A reader has found damage at that place. */
void aps_vault_damaged(struct aps_vault *vault, uint64_t place);
/* The core has, if that is what this failure says, at a moment at which nothing may move: later. */
void aps_vault_suspect(struct aps_vault *vault, const struct aps_err *why);
/* Tries the file again, as its timer does. */
void aps_vault_retry(struct aps_vault *vault, int64_t now_ms);

APS_END_DECLS

#endif
