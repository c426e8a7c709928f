// Constants of keyctl(2), see keyrings(7).
// Names and values are the kernel's (include/uapi/linux/keyctl.h, include/linux/key.h).

export const KEYCTL_JOIN_SESSION_KEYRING = 1
export const KEYCTL_SETPERM = 5

/** Rights of a process that possesses the key. */
export const KEY_POS_ALL = 0x3f000000
/** Rights of processes of the key's user. */
export const KEY_USR_VIEW = 0x00010000
export const KEY_USR_READ = 0x00020000
export const KEY_USR_SEARCH = 0x00080000
export const KEY_USR_LINK = 0x00100000
/** Rights of all others. */
export const KEY_OTH_SEARCH = 0x00000008
