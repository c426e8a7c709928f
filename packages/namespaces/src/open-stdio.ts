import { fchownSync } from 'node:fs'
import { closeFd, O_CLOEXEC, pipe2 } from '@ctr/linux'
import type { Console } from './setup/console.js'
import type { Stdio, StdioFds } from './setup/stdio.js'

/** The caller's own standard streams. */
export const inherit = ['inherit', 'inherit', 'inherit'] as const

/** What a terminal takes the place of. */
const nothing = ['ignore', 'ignore', 'ignore'] as const

/** Standard streams of a child, opened. */
export interface OpenStdio extends Disposable {
  /** The child's side. */
  readonly child: StdioFds
  /** Our side, which from then on is the caller's. */
  keepParentEnds(): { stdin: number | undefined; stdout: number | undefined; stderr: number | undefined }
}

/** Opens the pipes among the standard streams; they are `owner`'s, or ours. */
export function openStdio(
  stdio: readonly [Stdio, Stdio, Stdio] = inherit,
  terminal?: number | Console,
  owner?: { readonly uid: number; readonly gid: number },
): OpenStdio {
  const close: number[] = []
  let ours: (number | undefined)[] = []
  const child = (terminal === undefined ? stdio : typeof terminal === 'number' ? inherit : nothing).map(
    (value, target) => {
      if (value === 'inherit') return target
      if (value === 'ignore') return undefined
      if (typeof value === 'number') return value
      const [read, write] = pipe2(O_CLOEXEC)
      close.push(target === 0 ? read : write)
      ours[target] = target === 0 ? write : read
      if (owner !== undefined) fchownSync(read, owner.uid, owner.gid)
      return target === 0 ? read : write
    },
  )
  return {
    child: child as unknown as StdioFds,
    keepParentEnds() {
      const [stdin, stdout, stderr] = ours
      ours = []
      return { stdin, stdout, stderr }
    },
    [Symbol.dispose]() {
      for (const fd of [...close, ...ours]) if (fd !== undefined) closeFd(fd)
    },
  }
}
