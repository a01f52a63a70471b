#include "rt/bell.h"

/* Sequentially consistent throughout: either the sleeper sees that it has rung, or the ringer sees that it sleeps. */

enum aps_rc aps_bell_init(struct aps_bell *bell, struct aps_err *err)
{
	atomic_init(&bell->is_asleep, false);
	atomic_init(&bell->has_rung, false);
	atomic_init(&bell->is_raised, false);
	atomic_init(&bell->is_watched, false);
	return aps_wake_init(&bell->wake, err);
}

void aps_bell_clear(struct aps_bell *bell)
{
	aps_wake_clear(&bell->wake);
}

void aps_bell_ring(struct aps_bell *bell)
{
	atomic_store(&bell->has_rung, true);
	if (!atomic_load(&bell->is_asleep) && !atomic_load(&bell->is_watched)) return;
	/* In this order, or the sleeper could wake before it knows that there is something to lower. Where it lowers
	 * between the two lines the descriptor stays readable: it then wakes once more, and lowers what it saw. Where
	 * it is raised already, or whoever has said so is about to, once is enough. */
	if (!atomic_exchange(&bell->is_raised, true)) aps_wake_raise(&bell->wake);
}

void aps_bell_silence(struct aps_bell *bell)
{
	atomic_store(&bell->has_rung, false);
	if (atomic_exchange(&bell->is_raised, false) || atomic_load(&bell->is_watched)) aps_wake_lower(&bell->wake);
}

bool aps_bell_sleep(struct aps_bell *bell)
{
	atomic_store(&bell->is_asleep, true);
	if (!atomic_load(&bell->has_rung)) return true;
	aps_bell_awake(bell, false);
	return false;
}

void aps_bell_awake(struct aps_bell *bell, bool is_readable)
{
	atomic_store(&bell->is_asleep, false);
	if (is_readable) atomic_store(&bell->is_raised, true);
	aps_bell_silence(bell);
}

int aps_bell_watch(struct aps_bell *bell)
{
	atomic_store(&bell->is_watched, true);
	if (atomic_load(&bell->has_rung)) aps_bell_ring(bell);
	return bell->wake.read_fd;
}

void aps_bell_watch_by(struct aps_bell *bell, const struct aps_wake *wake)
{
	aps_wake_clear(&bell->wake);
	bell->wake = *wake;
	atomic_store(&bell->is_raised, false);
	aps_bell_watch(bell);
}

void aps_bell_heard(struct aps_bell *bell)
{
	atomic_store(&bell->is_raised, false);
}
