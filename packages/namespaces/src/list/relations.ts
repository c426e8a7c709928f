import { closeSync, fstatSync } from 'node:fs'
import { Fd, out, syscallOr } from '@ctr/linux'
import type { NamespaceKind } from '../kinds.js'

const NS_GET_USERNS = 0xb701
const NS_GET_PARENT = 0xb702
const NS_GET_OWNER_UID = 0xb704

/** Nothing to see: no descriptor of a namespace, none of that kind, or not ours to see. */
const nothing = ['EPERM', 'ENOTTY', 'EINVAL'] as const

/** What the kernel says of a namespace (ioctl_nsfs(2)). Undefined is what there is not, or is not ours to see. */
export interface Relations {
  /** Inode number of the user namespace that it belongs to; of a user namespace, its parent. */
  readonly userNamespace: number | undefined
  /** Inode number of the namespace that a user or pid namespace was made in. */
  readonly parent: number | undefined
  /** Of a user namespace, or of the one that it belongs to: the user that made that, as this process sees it. */
  readonly owner: number | undefined
}

/** A namespace that others led to. */
export interface Related {
  readonly kind: NamespaceKind
  readonly fd: number
}

/**
 * Asks for the relations of a namespace.
 *
 * @param visit - Is given the user namespace and the parent, for as long as it takes.
 */
export function relationsOf(fd: number, kind: NamespaceKind, visit: (related: Related) => void): Relations {
  using user = related(fd, NS_GET_USERNS)
  using parent = kind === 'user' || kind === 'pid' ? related(fd, NS_GET_PARENT) : undefined
  if (user !== undefined) visit({ kind: 'user', fd: user.number })
  if (parent !== undefined) visit({ kind, fd: parent.number })
  const owner = kind === 'user' ? fd : user?.number
  return {
    userNamespace: user && fstatSync(user.number).ino,
    parent: parent && fstatSync(parent.number).ino,
    owner: owner === undefined ? undefined : ownerUid(owner),
  }
}

/** Inode of the user namespace that a namespace belongs to; undefined where that is not ours to see. */
export function ownerNamespace(fd: number): number | undefined {
  const user = syscallOr(nothing, 'ioctl', fd, NS_GET_USERNS, 0)
  if (typeof user === 'string') return undefined
  try {
    return fstatSync(user).ino
  } finally {
    closeSync(user)
  }
}

function related(fd: number, request: number): Fd | undefined {
  const found = syscallOr(nothing, 'ioctl', fd, request, 0)
  return typeof found === 'string' ? undefined : new Fd(found)
}

function ownerUid(fd: number): number | undefined {
  const uid = Buffer.alloc(4)
  return syscallOr(nothing, 'ioctl', fd, NS_GET_OWNER_UID, out(uid)) === 0 ? uid.readUInt32LE(0) : undefined
}
