import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import type { Cgroup } from '../src/index.js'

/** A path of its own for each test: other runs use the same hierarchies. */
export function uniquePath(): string {
  return `/ctr-test-${process.pid}-${randomBytes(4).toString('hex')}`
}

/** A program that a test runs inside a group. */
export interface Inside {
  readonly process: ChildProcess
  readonly pid: number
  /** The first line that it prints. */
  readonly line: Promise<string>
  /** How it ends: exit code, or the signal's name. */
  readonly end: Promise<number | string>
}

/**
 * Runs a shell script in a group. The shell writes `0` to the files of `openJoinFds` first, as a container's
 * first process does.
 */
export function runInside(group: Cgroup, script: string): Inside {
  using fds = group.openJoinFds()
  const join = fds.writeZero.map((_, n) => `echo 0 >&${n + 3}; exec ${n + 3}>&-`).join('; ')
  const child = spawn('bash', ['-c', `set -e; ${join}; set +e; ${script}`], {
    stdio: ['ignore', 'pipe', 'inherit', ...fds.writeZero],
  })
  let text = ''
  const line = new Promise<string>((resolve) => {
    child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')))
    })
    child.once('exit', () => resolve(text))
  })
  const end = once(child, 'close').then(([code, signal]: unknown[]) => (signal ?? code) as number | string)
  return { process: child, pid: child.pid!, line, end }
}
