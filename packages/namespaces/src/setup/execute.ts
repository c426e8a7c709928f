import { readFileSync } from 'node:fs'
import { SIG_SETMASK, stringVector, Struct, type Program, type Ref } from '@ctr/linux'

/** A program to execute. */
export interface Command {
  /** `argv`; the first is the program, searched in `PATH` of `env` unless it has a slash. */
  readonly argv: readonly string[]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** Where the program is, when `argv` begins with another name. */
  readonly path?: string | undefined
}

/**
 * Signals that this process ignores, and the child with it: across `execve` ignored signals stay so. Node ignores
 * two itself (SIGPIPE and SIGXFSZ); others come from whoever has started it, as nohup(1) or a shell does.
 */
function ignoredSignals(): number[] {
  const mask = BigInt(
    `0x${/^SigIgn:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0'}`,
  )
  return Array.from({ length: 64 }, (_, bit) => bit + 1).filter((number) => (mask >> BigInt(number - 1)) & 1n)
}

let ignored: readonly number[] | undefined

/**
 * Closes all descriptors from `from` on but those in `keep`. The child has a descriptor table of its own, so
 * nothing of the parent is closed.
 */
export function closeDescriptors(program: Program, from: number, keep: readonly number[]): void {
  program.step('close all other descriptors')
  let next = from
  for (const fd of [...new Set(keep)].filter((kept) => kept >= from).sort((a, b) => a - b)) {
    if (fd > next) program.call('close_range', [next, fd - 1, 0])
    next = fd + 1
  }
  program.call('close_range', [next, 0xffffffff, 0])
}

/** Signals as a new process expects them: default actions, none blocked. */
export function resetSignals(program: Program): void {
  program.step('reset signals')
  ignored ??= ignoredSignals() // nothing in Node changes that later
  for (const number of ignored) {
    program.call('rt_sigaction', [number, new Struct(new Uint8Array(32), '{SIG_DFL}'), null, 8])
  }
  program.call('rt_sigprocmask', [SIG_SETMASK, new Struct(new Uint8Array(8), '[]'), null, 8])
}

/**
 * Executes the command: each place where it can be, in the order of `PATH`. The first that is there wins.
 *
 * @returns The `execve` entries.
 */
export function execute(program: Program, { argv, env, path }: Command): readonly Ref[] {
  program.step(`execute ${JSON.stringify(path ?? argv[0])}`)
  const candidates = places(path ?? argv[0]!, env['PATH'])
  const vector = stringVector(argv)
  const environment = stringVector(
    Object.entries(env).map(([name, value]) => `${name}=${value}`),
    `[${Object.keys(env).length} variables]`,
  )
  return candidates.map((candidate, index) =>
    program.call('execve', [candidate, vector, environment], {
      tolerate: index < candidates.length - 1 ? missing : [],
    }),
  )
}

const missing = ['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'] as const

/** Where execvp(3) looks for a program. */
export function places(
  name: string,
  path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
): string[] {
  if (name.includes('/') || name === '') return [name]
  return path.split(':').map((folder) => (folder === '' ? `./${name}` : `${folder}/${name}`))
}
