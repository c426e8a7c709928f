import { constants, fstatSync } from 'node:fs'
import { posix } from 'node:path'
import {
  Fd,
  isSyscallError,
  O_DIRECTORY,
  O_PATH,
  OPEN_HOW_SIZE,
  openHow,
  RESOLVE_IN_ROOT,
  syscall,
  syscallOr,
  AT_FDCWD,
  O_CLOEXEC,
} from '@ctr/linux'
import { places } from '@ctr/namespaces'
import { RuntimeError } from '../errors.js'

const { S_IFMT, S_IFREG, S_IFDIR } = constants

/** What is looked for. */
export interface WantedCommand {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
}

/**
 * Looks for the command of a process that waits at its gate, so that a mistake is told by `create` rather than by
 * `start`. The kernel decides in the end: this only looks at files, below the root of the process.
 *
 * @param pid - The process, in its root already.
 * @throws {@link RuntimeError} `ERR_RUNTIME_COMMAND_NOT_FOUND`, `ERR_RUNTIME_COMMAND_NOT_EXECUTABLE`, in words that
 *   engines turn into exit codes 127 and 126.
 */
export function checkCommand(pid: number, { args, env, cwd }: WantedCommand): void {
  const name = args[0]!
  using root = openRoot(pid)
  let refused: string | undefined
  for (const place of places(name, env['PATH'])) {
    const found = look(root.number, posix.resolve('/', cwd, place))
    if (found === 'executable') return
    if (found !== 'missing') refused ??= found
  }
  const what = `exec: ${JSON.stringify(name)}:`
  if (refused !== undefined) {
    throw new RuntimeError('ERR_RUNTIME_COMMAND_NOT_EXECUTABLE', `${what} ${refused}`)
  }
  const why = name.includes('/')
    ? `stat ${name}: no such file or directory`
    : 'executable file not found in $PATH'
  throw new RuntimeError('ERR_RUNTIME_COMMAND_NOT_FOUND', `${what} ${why}`)
}

function openRoot(pid: number): Fd {
  try {
    return new Fd(syscall('openat', AT_FDCWD, `/proc/${pid}/root`, O_PATH + O_DIRECTORY + O_CLOEXEC))
  } catch (cause) {
    if (!isSyscallError(cause)) throw cause
    throw new RuntimeError('ERR_RUNTIME_NOT_RUNNING', 'the process of the container has ended', { cause })
  }
}

const asItIs = openHow({ flags: O_PATH, resolve: RESOLVE_IN_ROOT })

type Found = 'executable' | 'missing' | 'is a directory: permission denied' | 'permission denied'

function look(root: number, path: string): Found {
  try {
    // a magic link such as /proc/self/exe would be resolved for us, not for the process; the kernel will see
    const opened = syscallOr(['ENOENT'], 'openat2', root, path, asItIs, OPEN_HOW_SIZE)
    if (opened === 'ENOENT') return 'missing' // as in most folders of a PATH
    using file = new Fd(opened)
    const { mode } = fstatSync(file.number)
    if ((mode & S_IFMT) === S_IFDIR) return 'is a directory: permission denied'
    return (mode & S_IFMT) === S_IFREG && (mode & 0o111) !== 0 ? 'executable' : 'permission denied'
  } catch (error) {
    if (!isSyscallError(error)) throw error
    if (error.code === 'EACCES') return 'permission denied'
    return error.code === 'EXDEV' || error.code === 'ELOOP' ? 'executable' : 'missing'
  }
}

/** The error of a command that the kernel did not execute, by the errno that was reported. */
export function commandFailure(args: readonly string[], errno: number): RuntimeError {
  const what = `exec ${args[0] ?? ''}:`
  const [ENOENT, ENOEXEC, ENOTDIR] = [2, 8, 20]
  if (errno === ENOENT || errno === ENOTDIR) {
    return new RuntimeError('ERR_RUNTIME_COMMAND_NOT_FOUND', `${what} no such file or directory`)
  }
  const why = errno === ENOEXEC ? 'exec format error' : 'permission denied'
  return new RuntimeError('ERR_RUNTIME_COMMAND_NOT_EXECUTABLE', `${what} ${why}`)
}
