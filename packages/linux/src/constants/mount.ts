// Constants of mount(2), umount2(2), fsopen(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2).
// Names and values are the kernel's (include/uapi).

export const MS_RDONLY = 0x1
export const MS_NOSUID = 0x2
export const MS_NODEV = 0x4
export const MS_NOEXEC = 0x8
export const MS_SYNCHRONOUS = 0x10
export const MS_REMOUNT = 0x20
export const MS_MANDLOCK = 0x40
export const MS_DIRSYNC = 0x80
export const MS_NOSYMFOLLOW = 0x100
export const MS_NOATIME = 0x400
export const MS_NODIRATIME = 0x800
export const MS_BIND = 0x1000
export const MS_MOVE = 0x2000
export const MS_REC = 0x4000
export const MS_SILENT = 0x8000
export const MS_UNBINDABLE = 0x20000
export const MS_PRIVATE = 0x40000
export const MS_SLAVE = 0x80000
export const MS_SHARED = 0x100000
export const MS_RELATIME = 0x200000
export const MS_STRICTATIME = 0x1000000
export const MS_LAZYTIME = 0x2000000

export const MNT_FORCE = 0x1
export const MNT_DETACH = 0x2
export const MNT_EXPIRE = 0x4
export const UMOUNT_NOFOLLOW = 0x8

export const OPEN_TREE_CLONE = 0x1
export const OPEN_TREE_CLOEXEC = 0x80000

export const MOVE_MOUNT_F_SYMLINKS = 0x1
export const MOVE_MOUNT_F_AUTOMOUNTS = 0x2
export const MOVE_MOUNT_F_EMPTY_PATH = 0x4
export const MOVE_MOUNT_T_SYMLINKS = 0x10
export const MOVE_MOUNT_T_AUTOMOUNTS = 0x20
export const MOVE_MOUNT_T_EMPTY_PATH = 0x40
export const MOVE_MOUNT_SET_GROUP = 0x100
export const MOVE_MOUNT_BENEATH = 0x200

export const FSOPEN_CLOEXEC = 0x1

export const FSCONFIG_SET_FLAG = 0
export const FSCONFIG_SET_STRING = 1
export const FSCONFIG_SET_BINARY = 2
export const FSCONFIG_SET_PATH = 3
export const FSCONFIG_SET_PATH_EMPTY = 4
export const FSCONFIG_SET_FD = 5
export const FSCONFIG_CMD_CREATE = 6
export const FSCONFIG_CMD_RECONFIGURE = 7
export const FSCONFIG_CMD_CREATE_EXCL = 8

export const FSMOUNT_CLOEXEC = 0x1

export const MOUNT_ATTR_RDONLY = 0x1
export const MOUNT_ATTR_NOSUID = 0x2
export const MOUNT_ATTR_NODEV = 0x4
export const MOUNT_ATTR_NOEXEC = 0x8
export const MOUNT_ATTR_NOATIME = 0x10
export const MOUNT_ATTR_STRICTATIME = 0x20
export const MOUNT_ATTR_NODIRATIME = 0x80
export const MOUNT_ATTR_IDMAP = 0x100000
export const MOUNT_ATTR_NOSYMFOLLOW = 0x200000
