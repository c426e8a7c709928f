import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CLONE_CLEAR_SIGHAND,
  CLONE_PARENT,
  CLONE_VFORK,
  CLONE_VM,
  closeFd,
  onReadable,
  Program,
  SIG_SETMASK,
  start,
  stringVector,
  Struct,
  waitid,
  Words,
  type ExitStatus,
  type StartedChild,
} from '../../src/index.js'

/** Adds what runs `command` with this process's stdio. */
export function exec(command: readonly string[], program = new Program()): Program {
  program.call('rt_sigprocmask', [SIG_SETMASK, new Struct(new Uint8Array(8), '[]'), null, 8])
  program.call('execve', [command[0]!, stringVector(command), stringVector(['PATH=/usr/bin:/bin:/usr/sbin'])])
  return program
}

/** Runs a shell script after the calls of `program`, in new namespaces by `flags`. */
export async function shell(script: string, program = new Program(), flags = 0): Promise<ExitStatus> {
  return ended(await start(exec(['/bin/sh', '-c', script], program), { flags }).completed)
}

/** Waits for the end of a child, reaps it and closes its pidfd. */
export async function ended(child: StartedChild): Promise<ExitStatus> {
  await new Promise<void>((resolve) => onReadable(child.pidfd, resolve))
  const status = waitid(child.pidfd)
  closeFd(child.pidfd)
  return status
}

/** Adds a clone of the child, as its sibling, which goes on in its place. */
export function cloneOnceMore(program: Program): void {
  const bytes = Buffer.alloc(88)
  bytes.writeBigUInt64LE(BigInt(CLONE_VM + CLONE_VFORK + CLONE_PARENT + CLONE_CLEAR_SIGHAND), 0)
  program.call('clone3', [new Struct(bytes, '{flags: CLONE_VM|CLONE_VFORK|CLONE_PARENT}'), 88], {
    leave: true,
  })
}

/** Adds a sleep, in seconds. */
export function nap(program: Program, seconds: number): void {
  const whole = Math.floor(seconds)
  program.call('nanosleep', [new Words([whole, Math.round((seconds - whole) * 1e9)]), null])
}

/** Pids of all children of this process, zombies included. */
export function children(): number[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
}

/** Waits until `condition` holds, at most half a minute. */
export async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 3000 && !condition(); round++) await sleep(10)
  if (!condition()) throw new Error('it did not come to pass')
}
