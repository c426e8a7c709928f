import { closeSync, readFileSync } from 'node:fs'
import { AT_FDCWD, O_CLOEXEC, O_RDONLY } from '@ctr/linux'
import { asRoot, type StoreUserNamespace } from './user-namespace.js'

/** What stands for an id that a user namespace has no name for, as the kernel shows it. */
const overflowId = 65534

interface Range {
  readonly inside: number
  readonly outside: number
  readonly size: number
}

/** Which ids of a user namespace the ids that we see are: what a tree of an ordinary user is packed with. */
export class InsideIds {
  readonly #uid: readonly Range[]
  readonly #gid: readonly Range[]

  constructor(namespace: StoreUserNamespace) {
    this.#uid = readMap(namespace, 'uid_map')
    this.#gid = readMap(namespace, 'gid_map')
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
  if (ids === undefined) known.set(namespace, (ids = new InsideIds(namespace)))
  return ids
}

const known = new WeakMap<StoreUserNamespace, InsideIds>()

/** The text is made for whoever opens the file: a process in the namespace sees its parent's ids on the right. */
function readMap(namespace: StoreUserNamespace, file: string): Range[] {
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

function inside(ranges: readonly Range[], id: number): number {
  const range = ranges.find(({ outside, size }) => id >= outside && id < outside + size)
  return range === undefined ? overflowId : range.inside + (id - range.outside)
}
