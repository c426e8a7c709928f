import { closeSync, readFileSync } from 'node:fs'
import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from '@ctr/linux'
import { asRoot, type StoreUserNamespace } from './user-namespace.js'

/** What stands for an id that a user namespace has no name for, as the kernel shows it. */
const overflowId = 65534

/** Consecutive ids inside a user namespace, and those that they are outside of it. */
export interface IdRange {
  readonly inside: number
  readonly outside: number
  readonly size: number
}

/** The maps of a user namespace. */
export interface OwnerMaps {
  readonly uid: readonly IdRange[]
  readonly gid: readonly IdRange[]
}

/** Which ids of a user namespace the ids that we see are: what a tree that belongs to one is packed with. */
export class InsideIds {
  readonly #uid: readonly IdRange[]
  readonly #gid: readonly IdRange[]

  constructor({ uid, gid }: OwnerMaps) {
    this.#uid = uid
    this.#gid = gid
  }

  uid(outside: number): number {
    return inside(this.#uid, outside)
  }

  gid(outside: number): number {
    return inside(this.#gid, outside)
  }
}

/** The maps of a namespace, read once: they never change. */
export function insideIds(namespace: StoreUserNamespace): InsideIds {
  let ids = known.get(namespace)
  if (ids === undefined) known.set(namespace, (ids = new InsideIds(readMaps(namespace))))
  return ids
}

const known = new WeakMap<StoreUserNamespace, InsideIds>()

function readMaps(namespace: StoreUserNamespace): OwnerMaps {
  return { uid: readMap(namespace, 'uid_map'), gid: readMap(namespace, 'gid_map') }
}

/** The text is made for whoever opens the file: a process in the namespace sees its parent's ids on the right. */
function readMap(namespace: StoreUserNamespace, file: string): IdRange[] {
  const fd = asRoot(namespace, (program) =>
    program.call('openat', [AT_FDCWD, `/proc/self/${file}`, O_RDONLY | O_CLOEXEC, 0]),
  )
  try {
    return readFileSync(fd, 'utf8')
      .trim()
      .split('\n')
      .map((line) => {
        const [first = 0, outside = 0, size = 0] = line.trim().split(/\s+/).map(Number)
        return { inside: first, outside, size }
      })
  } finally {
    closeSync(fd)
  }
}

function inside(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ outside, size }) => id >= outside && id < outside + size)
  return range === undefined ? overflowId : range.inside + (id - range.outside)
}
