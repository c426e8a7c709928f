// Constants of sched_setattr(2), ioprio_set(2), set_mempolicy(2), personality(2).
// Names and values are the kernel's (include/uapi).

export const SCHED_OTHER = 0
export const SCHED_FIFO = 1
export const SCHED_RR = 2
export const SCHED_BATCH = 3
export const SCHED_ISO = 4
export const SCHED_IDLE = 5
export const SCHED_DEADLINE = 6

export const SCHED_FLAG_RESET_ON_FORK = 0x1
export const SCHED_FLAG_RECLAIM = 0x2
export const SCHED_FLAG_DL_OVERRUN = 0x4
export const SCHED_FLAG_KEEP_POLICY = 0x8
export const SCHED_FLAG_KEEP_PARAMS = 0x10
export const SCHED_FLAG_UTIL_CLAMP_MIN = 0x20
export const SCHED_FLAG_UTIL_CLAMP_MAX = 0x40

export const IOPRIO_CLASS_NONE = 0
export const IOPRIO_CLASS_RT = 1
export const IOPRIO_CLASS_BE = 2
export const IOPRIO_CLASS_IDLE = 3
export const IOPRIO_CLASS_SHIFT = 13

export const IOPRIO_WHO_PROCESS = 1
export const IOPRIO_WHO_PGRP = 2
export const IOPRIO_WHO_USER = 3

export const MPOL_DEFAULT = 0
export const MPOL_PREFERRED = 1
export const MPOL_BIND = 2
export const MPOL_INTERLEAVE = 3
export const MPOL_LOCAL = 4
export const MPOL_PREFERRED_MANY = 5
export const MPOL_WEIGHTED_INTERLEAVE = 6

export const MPOL_F_NUMA_BALANCING = 0x2000
export const MPOL_F_RELATIVE_NODES = 0x4000
export const MPOL_F_STATIC_NODES = 0x8000

export const PER_LINUX = 0x0
export const PER_LINUX32 = 0x8
