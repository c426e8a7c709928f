// Constants of prctl(2), seccomp(2), sigaction(2), waitid(2), capset(2).
// Names and values are the kernel's (include/uapi).

export const PR_SET_PDEATHSIG = 1
export const PR_GET_DUMPABLE = 3
export const PR_SET_DUMPABLE = 4
export const PR_SET_KEEPCAPS = 8
export const PR_SET_NAME = 15
export const PR_CAPBSET_READ = 23
export const PR_CAPBSET_DROP = 24
export const PR_SET_SECUREBITS = 28
export const PR_SET_CHILD_SUBREAPER = 36
export const PR_SET_NO_NEW_PRIVS = 38
export const PR_CAP_AMBIENT = 47
export const PR_SET_PTRACER = 0x59616d61

export const PR_SET_PTRACER_ANY = -1

export const PR_CAP_AMBIENT_IS_SET = 1
export const PR_CAP_AMBIENT_RAISE = 2
export const PR_CAP_AMBIENT_LOWER = 3
export const PR_CAP_AMBIENT_CLEAR_ALL = 4

export const SECCOMP_SET_MODE_STRICT = 0
export const SECCOMP_SET_MODE_FILTER = 1
export const SECCOMP_GET_ACTION_AVAIL = 2

export const SECCOMP_FILTER_FLAG_TSYNC = 0x1
export const SECCOMP_FILTER_FLAG_LOG = 0x2
export const SECCOMP_FILTER_FLAG_SPEC_ALLOW = 0x4
export const SECCOMP_FILTER_FLAG_NEW_LISTENER = 0x8
export const SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 0x20

export const SIG_BLOCK = 0
export const SIG_UNBLOCK = 1
export const SIG_SETMASK = 2

export const P_ALL = 0
export const P_PID = 1
export const P_PGID = 2
export const P_PIDFD = 3

export const WNOHANG = 0x1
export const WEXITED = 0x4
export const WNOWAIT = 0x1000000

export const TIOCSCTTY = 0x540e
export const TIOCGPTN = 0x80045430
export const TIOCSPTLCK = 0x40045431
export const TIOCGPTPEER = 0x5441
export const TIOCSWINSZ = 0x5414
export const TIOCGWINSZ = 0x5413

export const FIOCLEX = 0x5451
export const FIONCLEX = 0x5450

export const EPOLL_CTL_ADD = 1
export const EPOLL_CTL_DEL = 2
export const EPOLL_CTL_MOD = 3
export const EPOLL_CLOEXEC = 0x80000
export const EPOLLIN = 0x1
export const EPOLLPRI = 0x2
