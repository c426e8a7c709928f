/**
 * Layout of a system-call program in memory. The trampolines (`trampoline/*.S`) read and write the same
 * offsets. All integers are in the machine's (little-endian) order.
 */

/** The control block, at the start of the program's memory. */
export const control = {
  cloneArgs: 0,
  cloneSize: 8,
  entries: 16,
  end: 24,
  current: 32,
  failed: 40,
  oldMask: 48,
  allSignals: 56,
  /** struct clone_args of clone3(2), 88 bytes. */
  cloneArgsBlock: 64,
  /** Where the kernel stores the pidfd of the child. */
  pidfd: 152,
  /** Where the kernel stores the child's pid, before the child runs. */
  pid: 156,
  /** In an executable of its own: the descriptor that a failure is reported to, and the report. */
  reportTo: 160,
  report: 48,
  size: 168,
} as const

/** One entry: a system call and what is expected of it. */
export const entry = {
  call: 0,
  references: 4,
  leave: 5,
  arguments: 8,
  minimum: 56,
  tolerated: 64,
  result: 72,
  size: 80,
} as const

/** How many errnos an entry can tolerate. */
export const MAX_TOLERATED = 4

/** Fills an unused slot of the tolerated results: no system call returns it, errors end at -4095. */
export const NO_ERRNO = -0x8000

/** Offsets in struct clone_args, see clone3(2). */
export const cloneArgs = {
  flags: 0,
  pidfd: 8,
  childTid: 16,
  parentTid: 24,
  exitSignal: 32,
  stack: 40,
  stackSize: 48,
  tls: 56,
  setTid: 64,
  setTidSize: 72,
  cgroup: 80,
  size: 88,
} as const
