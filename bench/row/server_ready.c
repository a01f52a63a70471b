/* How long a server takes from its start to its first line. Arguments: workload, name of the row, the command. */
#include "base/clock.h"
#include "load/load_peer.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int n_args, char **args)
{
	int ends[2];
	char line[512] = "";
	if (n_args < 4 || pipe(ends) != 0) return 2;
	double began = aps_clock_mono_s();
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execvp(args[3], args + 3);
		_exit(127);
	}
	close(ends[1]);
	FILE *file = fdopen(ends[0], "r");
	bool ok = file != NULL && fgets(line, sizeof(line), file) != NULL && line[0] != '\0';
	double wall_s = aps_clock_mono_s() - began;
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	if (!ok) aps_load_die("it does not start");
	printf("{\"workload\":\"%s\",\"peer\":\"%s\",\"n\":1,\"wall_s\":%.6f,\"ok\":true}\n", args[1], args[2], wall_s);
	return 0;
}
