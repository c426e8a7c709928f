import { SIG_SETMASK, CLOSE_RANGE_CLOEXEC, stringVector, Struct, type Program, type Ref } from '@ctr/linux'

/** A program to execute. */
export interface Command {
  /** `argv`; the first is the program, searched in `PATH` of `env` unless it has a slash. */
  readonly argv: readonly string[]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
}

/** Signals that Node ignores; ignored signals would stay so across `execve`. */
const ignoredByNode = { SIGPIPE: 13, SIGXFSZ: 25 }

/** Closes what the new program must not have: everything but the standard streams goes with the `execve`. */
export function closeEverythingElse(program: Program, from = 3): void {
  program.step('close all other descriptors').call('close_range', [from, 0xffffffff, CLOSE_RANGE_CLOEXEC])
}

/** Signals as a new process expects them: default actions, none blocked. */
export function resetSignals(program: Program): void {
  program.step('reset signals')
  for (const [name, number] of Object.entries(ignoredByNode)) {
    program.call('rt_sigaction', [number, new Struct(new Uint8Array(32), `{${name}: SIG_DFL}`), null, 8])
  }
  program.call('rt_sigprocmask', [SIG_SETMASK, new Struct(new Uint8Array(8), '[]'), null, 8])
}

/**
 * Executes the command: each place where it can be, in the order of `PATH`. The first that is there wins.
 *
 * @returns The `execve` entries.
 */
export function execute(program: Program, { argv, env }: Command): readonly Ref[] {
  program.step(`execute ${JSON.stringify(argv[0])}`)
  const candidates = places(argv[0]!, env['PATH'])
  const vector = stringVector(argv)
  const environment = stringVector(
    Object.entries(env).map(([name, value]) => `${name}=${value}`),
    `[${Object.keys(env).length} variables]`,
  )
  return candidates.map((path, index) =>
    program.call('execve', [path, vector, environment], {
      tolerate: index < candidates.length - 1 ? ['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'] : [],
    }),
  )
}

/** Where execvp(3) looks for a program. */
export function places(
  name: string,
  path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
): string[] {
  if (name.includes('/') || name === '') return [name]
  return path.split(':').map((folder) => (folder === '' ? `./${name}` : `${folder}/${name}`))
}
