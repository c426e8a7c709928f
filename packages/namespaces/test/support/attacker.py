# Plays a hostile process: stops each process that appears beside it, looks for what it can get of it, and lets it go
# on ("go") or not ("hold"). Prints one line of JSON for each. It looks for memory with the text "ctr-sec" + "ret-".
import ctypes, json, os, signal, sys

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
__WALL = 0x40000000
WANTED = b"ctr-sec" + b"ret-"


def trying(work):
    try:
        return work()
    except OSError as error:
        return -error.errno


def newest():
    return int(open("/proc/loadavg").read().split()[-1])


def memory(at):
    """Whether the secret is in any memory that can be read: None where none can."""
    found = None
    with open(at + "maps") as maps, open(at + "mem", "rb", 0) as mem:
        for line in maps:
            addresses, flags = line.split()[:2]
            start, end = (int(part, 16) for part in addresses.split("-"))
            if "r" not in flags or end - start > 1 << 28 or "[v" in line:
                continue
            try:
                mem.seek(start)
                found = WANTED in mem.read(end - start) or bool(found)
            except (OSError, ValueError):
                continue
    return found


def attach(pid):
    if libc.ptrace(PTRACE_SEIZE, pid, 0, 0) != 0:
        return -ctypes.get_errno()
    libc.ptrace(PTRACE_INTERRUPT, pid, 0, 0)
    os.waitpid(pid, __WALL)
    libc.ptrace(PTRACE_DETACH, pid, 0, 0)
    return 0


def look(pid):
    at = "/proc/%d/" % pid
    return {
        "pid": pid,
        "exe": trying(lambda: os.readlink(at + "exe")),
        "root": trying(lambda: os.path.exists(at + "root" + sys.argv[2])),
        "environ": trying(lambda: WANTED in open(at + "environ", "rb").read()),
        "memory": trying(lambda: memory(at)),
        "attach": trying(lambda: attach(pid)),
        "fd": trying(lambda: [trying(lambda: os.readlink(at + "fd/" + fd)) for fd in os.listdir(at + "fd")]),
    }


last = newest()
print("ready", flush=True)
while True:
    now = newest()
    for pid in range(last + 1, now + 1):
        if trying(lambda: os.kill(pid, signal.SIGSTOP)) is not None:
            continue
        print(json.dumps(look(pid)), flush=True)
        if sys.argv[1] == "go":
            trying(lambda: os.kill(pid, signal.SIGCONT))
    last = max(last, now)
