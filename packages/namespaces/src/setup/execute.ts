import {
  AT_FDCWD,
  O_PATH,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_NO_MAGICLINKS,
  SIG_SETMASK,
  stringVector,
  Struct,
  type Program,
  type Ref,
} from '@ctr/linux'

/** A program to execute. */
export interface Command {
  /** `argv`; the first is the program, searched in `PATH` of `env` unless it has a slash. */
  readonly argv: readonly string[]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
}

/** Signals that Node ignores; ignored signals would stay so across `execve`. */
const ignoredByNode = { SIGPIPE: 13, SIGXFSZ: 25 }

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
  return candidates.map((path, index) => {
    // a link to /proc/self/exe would be the program of our own process, on the host's file system
    program.call('openat2', [AT_FDCWD, path, noMagicLinks, OPEN_HOW_SIZE], { tolerate: missing })
    return program.call('execve', [path, vector, environment], {
      tolerate: index < candidates.length - 1 ? missing : [],
    })
  })
}

const missing = ['ENOENT', 'ENOTDIR', 'EACCES', 'ENAMETOOLONG'] as const
const noMagicLinks = openHow({ flags: O_PATH, resolve: RESOLVE_NO_MAGICLINKS })

/** Where execvp(3) looks for a program. */
export function places(
  name: string,
  path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
): string[] {
  if (name.includes('/') || name === '') return [name]
  return path.split(':').map((folder) => (folder === '' ? `./${name}` : `${folder}/${name}`))
}
