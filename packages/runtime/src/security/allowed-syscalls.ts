/** System calls that Docker's default profile allows to every container, by what they are for. */
const byPurpose = {
  paths: `
    access chdir creat faccessat faccessat2 fchdir getcwd link linkat lstat lstat64 mkdir mkdirat mknod mknodat
    name_to_handle_at newfstatat fstatat64 open openat openat2 readlink readlinkat rename renameat renameat2 rmdir
    stat stat64 statx symlink symlinkat unlink unlinkat`,
  attributes: `
    chmod chown chown32 fchmod fchmodat fchmodat2 fchown fchown32 fchownat lchown lchown32 umask
    utime utimes futimesat utimensat utimensat_time64
    getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat
    listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat`,
  fileSystems: `fstatfs fstatfs64 listmount statfs statfs64 statmount sync syncfs`,
  descriptors: `
    close close_range copy_file_range dup dup2 dup3 eventfd eventfd2 fadvise64 fadvise64_64 fallocate fcntl fcntl64
    fdatasync flock fstat fstat64 fsync ftruncate ftruncate64 getdents getdents64 ioctl _llseek lseek memfd_create
    memfd_secret pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readv sendfile sendfile64
    splice sync_file_range tee truncate truncate64 vmsplice write writev`,
  waiting: `
    epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old _newselect
    poll ppoll ppoll_time64 pselect6 pselect6_time64 select
    fanotify_mark inotify_add_watch inotify_init inotify_init1 inotify_rm_watch`,
  asynchronous: `io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup io_submit`,
  memory: `
    brk cachestat madvise map_shadow_stack membarrier mincore mlock mlock2 mlockall mmap mmap2 mprotect mremap mseal
    msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect process_mrelease remap_file_pages`,
  processes: `
    execve execveat exit exit_group fork getpgid getpgrp getpid getppid getsid gettid pidfd_open pidfd_send_signal
    prctl setpgid setsid vfork wait4 waitid waitpid`,
  threads: `
    futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake get_robust_list get_thread_area getcpu rseq
    set_robust_list set_thread_area set_tid_address`,
  signals: `
    alarm kill pause restart_syscall rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
    rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack signalfd signalfd4 sigprocmask
    sigreturn tgkill tkill`,
  identity: `
    capget capset getegid getegid32 geteuid geteuid32 getgid getgid32 getgroups getgroups32 getresgid getresgid32
    getresuid getresuid32 getuid getuid32 setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups
    setgroups32 setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setuid setuid32`,
  limits: `
    getpriority getrlimit getrusage ioprio_get ioprio_set prlimit64 setpriority setrlimit sysinfo times ugetrlimit
    uname`,
  scheduling: `
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam
    sched_setscheduler sched_yield`,
  time: `
    adjtimex clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64
    clock_nanosleep clock_nanosleep_time64 getitimer gettimeofday nanosleep setitimer time timer_create timer_delete
    timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
    timerfd_gettime64 timerfd_settime timerfd_settime64`,
  sockets: `
    accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom recvmmsg recvmmsg_time64
    recvmsg send sendmmsg sendmsg sendto setsockopt shutdown socketcall socketpair`,
  messages: `
    ipc mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64
    mq_unlink msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget`,
  confinement: `landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp`,
  other: `getrandom riscv_hwprobe uretprobe`,
} as const

/** Names of the calls that need no capability, whatever the architecture. */
export const allowedSyscalls: readonly string[] = words(Object.values(byPurpose).join(' '))

/** Calls that a container with the capability may make, beyond {@link allowedSyscalls}. */
export const syscallsByCapability: Readonly<Record<string, readonly string[]>> = {
  CAP_BPF: ['bpf'],
  CAP_DAC_READ_SEARCH: ['open_by_handle_at'],
  CAP_PERFMON: ['perf_event_open'],
  CAP_SYS_ADMIN: words(`
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr lsm_list_modules
    lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname
    sethostname setns syslog umount umount2 unshare`),
  CAP_SYS_BOOT: ['reboot'],
  CAP_SYS_CHROOT: ['chroot'],
  CAP_SYS_MODULE: ['delete_module', 'finit_module', 'init_module'],
  CAP_SYS_NICE: ['get_mempolicy', 'mbind', 'set_mempolicy', 'set_mempolicy_home_node'],
  CAP_SYS_PACCT: ['acct'],
  CAP_SYS_PTRACE: words('kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace'),
  CAP_SYS_RAWIO: ['ioperm', 'iopl'],
  CAP_SYS_TIME: ['clock_settime', 'clock_settime64', 'settimeofday', 'stime'],
  CAP_SYS_TTY_CONFIG: ['vhangup'],
  CAP_SYSLOG: ['syslog'],
}

/** Calls that only one kind of machine has or needs, by `process.arch`. */
export const syscallsByMachine = {
  x64: ['arch_prctl', 'modify_ldt'],
  arm64: words('arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2'),
} as const

/** Safe since Linux 4.8, where a tracer can no longer lead a call around the filter. */
export const tracingSyscalls: readonly string[] = ['process_vm_readv', 'process_vm_writev', 'ptrace']

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}
