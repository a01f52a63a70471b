"""Starts and ends the programs of a spec: a shell for each, and a Python that loads its modules, take longer than most tests.

usage: launcher.py ANSWERS
Commands come on standard input, each a line: its number of words, then each word as `LENGTH:BYTES`, separated by spaces.
Answers go to the FIFO, a line each. At the end of the commands all that still runs is killed.

  start LOG WORD…   the program's number, and on a second line the first one that it prints. What follows, and what it
                    writes to standard error, goes to LOG.
  signal NAME PID   `sent`
  stop PID          TERM; `over` once it has ended, or after 10 seconds

A Python program becomes a copy of this one, which has the modules already.
"""
import importlib
import os
import selectors
import signal
import sys
import time

# What Python programs of the specs use and takes long to load; loaded before the first of them.
MODULES = ["base64", "gzip", "hashlib", "itertools", "json", "select", "socket", "ssl", "struct", "threading", "urllib.parse"]
STOP_SECONDS = 10
CHUNK = 65536

selector = selectors.DefaultSelector()
commands, answers = b"", None
is_over = False
alive = set()
code = {}


class Output:
    """A program's: its first line, once that is there; all else goes to the log."""

    def __init__(self, pipe, log):
        self.pipe, self.log = pipe, log
        self.head, self.first = b"", None
        selector.register(pipe, selectors.EVENT_READ, self.read)

    def read(self):
        data = os.read(self.pipe, CHUNK)
        if not data:
            selector.unregister(self.pipe)
            os.close(self.pipe)
            if self.first is None:
                self.first = self.head
            os.close(self.log)
            return
        if self.first is None:
            self.head += data
            if b"\n" not in self.head:
                return
            self.first, data = self.head.split(b"\n", 1)
        while data:
            data = data[os.write(self.log, data):]


def read_commands():
    global commands, is_over
    data = os.read(0, CHUNK)
    commands += data
    is_over = not data


def reap():
    os.read(bell, CHUNK)
    for pid in list(alive):
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            alive.discard(pid)


def wait(seconds=None):
    for key, _ in selector.select(seconds):
        key.data()


def is_there(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def answer(*lines):
    os.write(answers, b"".join(line + b"\n" for line in lines))


def take_command():
    """The next one, a list of its words; None: it isn't there yet."""
    global commands
    line, is_line, rest = commands.partition(b" ")
    if not is_line:
        return None
    words = []
    for _ in range(int(line)):
        length, is_length, rest = rest.partition(b":")
        if not is_length or len(rest) <= int(length):
            return None
        words.append(rest[:int(length)])
        rest = rest[int(length) + 1:]
    commands = rest
    return words


def is_python(words):
    return os.path.basename(words[0]).startswith(b"python3") and len(words) > 1 and words[1].endswith(b".py")


def start(log_path, words):
    """None: this is the copy that becomes the program."""
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    pipe, end = os.pipe()
    null = os.open(os.devnull, os.O_RDONLY)
    if is_python(words):
        for name in MODULES:
            importlib.import_module(name)
        if words[1] not in code:
            with open(words[1], "rb") as file:
                code[words[1]] = compile(file.read(), words[1], "exec")
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for number, to in enumerate((null, end, log)):
                os.dup2(to, number)
            selector.close()
            os.closerange(3, max(null, end, log, answers) + 1)
            return None
    else:
        moves = [(os.POSIX_SPAWN_DUP2, to, number) for number, to in enumerate((null, end, log))]
        try:
            pid = os.posix_spawnp(words[0], words, os.environb, file_actions=moves,
                                  setsigdef=[signal.SIGPIPE, signal.SIGCHLD])
        except OSError as failure:
            pid = 0
            os.write(log, b"%s: %s\n" % (words[0], failure.strerror.encode()))
    if pid:
        alive.add(pid)
    os.close(null)
    os.close(end)
    output = Output(pipe, log)
    while output.first is None and not is_over:
        wait()
    answer(b"%d" % pid, output.first or b"")
    return pid


def stop(pid):
    try:
        os.kill(pid, signal.SIGTERM)
    except OSError:
        pass
    until = time.monotonic() + STOP_SECONDS
    while is_there(pid) and time.monotonic() < until:
        wait(0.005)
    answer(b"over")


def serve():
    """Returns the words of the program to become; None: all is over."""
    while not is_over:
        words = take_command()
        if words is None:
            wait()
        elif words[0] == b"start":
            if start(words[1], words[2:]) is None:
                return words[2:]
        elif words[0] == b"signal":
            try:
                os.kill(int(words[2]), signal.Signals["SIG" + words[1].decode()])
            except OSError:
                pass
            answer(b"sent")
        else:
            stop(int(words[1]))
    for pid in list(alive):
        os.kill(pid, signal.SIGKILL)
    return None


answers = os.open(sys.argv[1], os.O_WRONLY)
# The end of a program is an event like any other. A handler would run too late where the signal comes just before a wait,
# and twice at once where two programs end together.
bell, ringer = os.pipe()
os.set_blocking(ringer, False)
signal.set_wakeup_fd(ringer, warn_on_full_buffer=False)
signal.signal(signal.SIGCHLD, lambda *_: None)
selector.register(bell, selectors.EVENT_READ, reap)
selector.register(0, selectors.EVENT_READ, read_commands)
program = serve()
if program:
    sys.argv = [os.fsdecode(word) for word in program[1:]]
    sys.path[0] = os.path.dirname(sys.argv[0])
    exec(code[program[1]], {"__name__": "__main__", "__file__": sys.argv[0]})
