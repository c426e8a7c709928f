"""Runs a command on a terminal of 30 rows and 100 columns: `on-terminal.py INPUT COMMAND...`. INPUT is typed once the
command has printed "ready". Prints what the command printed, then its exit code, and whether the terminal was as
before when it had ended."""
import fcntl, os, pty, select, struct, sys, termios

typed = sys.argv[1].encode().decode("unicode_escape").encode("latin-1")
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
before = termios.tcgetattr(slave)
pid = os.fork()
if pid == 0:
    os.close(master)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.execvp(sys.argv[2], sys.argv[2:])
printed = b""
status = None
while True:
    readable, _, _ = select.select([master], [], [], 0.05)
    if readable:
        printed += os.read(master, 65536)
        if typed and b"ready" in printed:
            os.write(master, typed)
            typed = b""
        continue
    if status is not None:
        break
    done, code = os.waitpid(pid, os.WNOHANG)
    if done:
        status = os.waitstatus_to_exitcode(code)
sys.stdout.buffer.write(printed)
print(f"\nexit code {status}, terminal {'restored' if termios.tcgetattr(slave) == before else 'changed'}")
