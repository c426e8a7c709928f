import { readFileSync } from 'node:fs'
import {
  closeFd,
  isLinuxError,
  isSyscallError,
  O_CLOEXEC,
  onReadable,
  pipe2,
  Program,
  start,
  syscall,
  type Ref,
  type StartingChild,
} from '@ctr/linux'
import { NamespacesError } from './errors.js'
import { checkIdMaps, ownIdMaps, writeIdMaps, type IdMaps } from './id-map.js'
import { SpawnedProcess } from './process.js'
import { takeCredentials, type Credentials } from './setup/credentials.js'
import {
  cloneFlags,
  joinNamespaces,
  makeLateNamespaces,
  waitForMaps,
  type MapPipes,
  type TimeOffsets,
} from './setup/enter.js'
import { closeDescriptors, execute, resetSignals } from './setup/execute.js'
import { newSession, openNull, placeStdio, type Stdio, type StdioFds } from './setup/stdio.js'
import { resolveSources, type NamespaceSources, type ResolvedSources } from './source.js'

/** What to start, where, and as whom. */
export interface SpawnOptions extends Credentials {
  /** Program and arguments, at least one. Without a slash the program is searched in `PATH` of `env`. */
  readonly command: readonly string[]
  /** The whole environment. Default: this process's own. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Working directory inside. Default: unchanged, `/` once `prepare` has changed the root. */
  readonly cwd?: string | undefined
  /** Namespaces by kind; a kind that is not named is inherited. */
  readonly namespaces?: NamespaceSources | undefined
  /** Id maps of a new user namespace. Default: the caller's own ids become root inside. */
  readonly idMaps?: IdMaps | undefined
  /** Clock offsets of a new time namespace. */
  readonly timeOffsets?: TimeOffsets | undefined
  /** Host name in a new or joined UTS namespace. */
  readonly hostname?: string | undefined
  /** Standard input, output and error. Default `'inherit'`. */
  readonly stdio?: readonly [Stdio, Stdio, Stdio] | undefined
  /** The process's side of a terminal: becomes its controlling terminal and all three streams. */
  readonly terminal?: number | undefined
  /** Begin a session of its own, apart from our terminal. Default: when namespaces are given or joined. */
  readonly session?: boolean | undefined
  /** v2 cgroup folder to begin in, open with `O_PATH`. */
  readonly cgroup?: number | undefined
  /** Descriptors from 3 on that the program is to have besides, as they are: that many from 3 upwards. */
  readonly preserveFds?: number | undefined
  /** Adds what the child does first, while it still sees everything as we do: joining cgroups. */
  readonly before?: ((program: Program) => void) | undefined
  /** Descriptors of ours that `prepare` uses; the child has no others left by then. */
  readonly prepareFds?: readonly number[] | undefined
  /** Adds what the child does once it is in its namespaces: mounts, a new root. */
  readonly prepare?: ((program: Program) => void) | undefined
}

/** The program that `spawn` would execute; print it with `explain()` of `@ctr/linux`. */
export function describe(options: SpawnOptions): Program {
  using sources = resolveSources(options.namespaces ?? {})
  const pipes = sources.made.includes('user') ? { ready: 0, go: 0, goOther: 0 } : undefined
  const fds = (options.stdio ?? inherit).map((value, target) =>
    typeof value === 'number' ? value : value === 'ignore' ? undefined : target,
  )
  return assemble(options, sources, fds as unknown as StdioFds, pipes).program
}

/**
 * Starts a process in any mix of new, joined and inherited namespaces, without a helper program: everything
 * it does before its `execve` is one system-call program.
 *
 * Resolves once the program has been executed. When a step fails nothing is left.
 *
 * @throws {@link NamespacesError}
 *   - `ERR_NAMESPACES_INVALID_ARG`: no command, bad maps, a NUL byte.
 *   - `ERR_NAMESPACES_NOT_FOUND`: a namespace to join does not exist.
 *   - `ERR_NAMESPACES_COMMAND_NOT_FOUND`, `ERR_NAMESPACES_COMMAND_NOT_EXECUTABLE`.
 *   - `ERR_NAMESPACES_ID_MAP`: the kernel refuses the id maps.
 *   - `ERR_NAMESPACES_START`: any other step; `cause` is the `SyscallError` with call, arguments and errno.
 *
 * @example A shell that sees only itself
 * const child = await spawn({ command: ['ps', 'ax'], namespaces: { pid: 'new', mount: 'new' }, prepare: mountProc })
 * const { exitCode } = await child.wait()
 */
export async function spawn(options: SpawnOptions): Promise<SpawnedProcess> {
  if (options.command.length === 0) {
    throw new NamespacesError('ERR_NAMESPACES_INVALID_ARG', 'cannot start a process: the command is empty')
  }
  if (options.idMaps !== undefined) checkIdMaps(options.idMaps)
  using sources = resolveSources(options.namespaces ?? {})
  using pipes = sources.made.includes('user') ? openMapPipes() : undefined
  using stdio = openStdio(options)
  const { program, executes } = assemble(options, sources, stdio.child, pipes)
  try {
    const starting = start(program, { flags: cloneFlags(sources), cgroup: options.cgroup })
    if (pipes !== undefined) await mapIds(starting, pipes, options.idMaps ?? ownIdMaps())
    const { pid, pidfd } = await starting.completed
    return new SpawnedProcess(pid, pidfd, stdio.keepParentEnds())
  } catch (error) {
    throw explainFailure(error, options.command, executes)
  }
}

const inherit = ['inherit', 'inherit', 'inherit'] as const

/** The whole program, in order. */
function assemble(
  options: SpawnOptions,
  sources: ResolvedSources,
  fds: StdioFds,
  pipes: MapPipes | undefined,
): { program: Program; executes: readonly Ref[] } {
  const program = new Program()
  options.before?.(program)
  if (pipes !== undefined) waitForMaps(program, pipes)
  const nul = openNull(program, fds)
  joinNamespaces(program, sources)
  makeLateNamespaces(program, sources, options.timeOffsets)
  const { terminal, preserveFds = 0 } = options
  if (terminal !== undefined || (options.session ?? options.namespaces !== undefined)) {
    newSession(program, terminal)
  }
  placeStdio(program, terminal === undefined ? fds : [terminal, terminal, terminal], nul)
  // from here on paths may be a container's: nothing of this process may be open that /proc/self/fd could lead to
  closeDescriptors(program, 3 + preserveFds, options.prepareFds ?? [])
  if (options.hostname !== undefined) {
    program
      .step('set the host name')
      .call('sethostname', [options.hostname, Buffer.byteLength(options.hostname)])
  }
  if (options.prepare !== undefined) {
    options.prepare(program.step(undefined))
    closeDescriptors(program, 3 + preserveFds, [])
  }
  if (options.cwd !== undefined) program.step(`change to ${options.cwd}`).call('chdir', [options.cwd])
  takeCredentials(program, options, options.capabilities === undefined ? 0 : lastCapability())
  resetSignals(program)
  const env = options.env ?? (process.env as Readonly<Record<string, string>>)
  return { program, executes: execute(program, { argv: options.command, env }) }
}

let knownLastCapability: number | undefined

function lastCapability(): number {
  knownLastCapability ??= Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'))
  return knownLastCapability
}

interface OpenMapPipes extends MapPipes, Disposable {
  readonly readyOther: number
}

function openMapPipes(): OpenMapPipes {
  const [readyOther, ready] = pipe2(O_CLOEXEC)
  const [go, goOther] = pipe2(O_CLOEXEC)
  return {
    ready,
    readyOther,
    go,
    goOther,
    [Symbol.dispose]() {
      for (const fd of [ready, readyOther, go, goOther]) closeFd(fd)
    },
  }
}

/** Waits until the child exists, writes its maps, and lets it go on; or sees it fail. */
async function mapIds(starting: StartingChild, pipes: OpenMapPipes, maps: IdMaps): Promise<void> {
  await new Promise<void>((resolve) => {
    const wait = onReadable(pipes.readyOther, resolve)
    const failed = (): void => {
      wait.cancel()
      resolve()
    }
    starting.completed.then(failed, failed)
  })
  if (starting.pid === 0) return // it never came to be; `completed` says why
  try {
    writeIdMaps(starting.pid, maps)
  } catch (error) {
    process.kill(starting.pid, 'SIGKILL') // it waits for us, so the pid is still its own
    await starting.completed.catch(() => undefined)
    throw error
  }
  syscall('write', pipes.goOther, new Uint8Array(1), 1)
}

interface OpenStdio extends Disposable {
  /** The child's side. */
  readonly child: StdioFds
  /** Our side, which from then on is the caller's. */
  keepParentEnds(): { stdin: number | undefined; stdout: number | undefined; stderr: number | undefined }
}

function openStdio({ stdio = inherit, terminal }: SpawnOptions): OpenStdio {
  const close: number[] = []
  let ours: (number | undefined)[] = []
  const child = (terminal === undefined ? stdio : inherit).map((value, target) => {
    if (value === 'inherit') return target
    if (value === 'ignore') return undefined
    if (typeof value === 'number') return value
    const [read, write] = pipe2(O_CLOEXEC)
    close.push(target === 0 ? read : write)
    ours[target] = target === 0 ? write : read
    return target === 0 ? read : write
  })
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

const notExecutable = new Set(['ELOOP', 'EACCES', 'EPERM', 'ENOEXEC', 'EISDIR', 'ELIBBAD', 'ETXTBSY'])

/** Adds what the step was for; says plainly when it is the command that cannot be executed. */
function explainFailure(error: unknown, command: readonly string[], executes: readonly Ref[]): unknown {
  if (isLinuxError(error) && error.code === 'ERR_LINUX_INVALID_ARG') {
    return new NamespacesError('ERR_NAMESPACES_INVALID_ARG', `cannot start a process: ${error.message}`, {
      cause: error,
    })
  }
  if (!isSyscallError(error)) return error
  const name = JSON.stringify(command[0])
  const first = executes[0]
  if (
    first !== undefined &&
    error.entry !== undefined &&
    error.entry >= first.entry - 1 &&
    (error.syscall === 'execve' || error.syscall === 'openat2')
  ) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      return new NamespacesError(
        'ERR_NAMESPACES_COMMAND_NOT_FOUND',
        `cannot execute ${name}: no such file or directory`,
        { cause: error },
      )
    }
    if (notExecutable.has(error.code)) {
      const why = error.code === 'ENOEXEC' ? 'exec format error' : 'permission denied'
      return new NamespacesError('ERR_NAMESPACES_COMMAND_NOT_EXECUTABLE', `cannot execute ${name}: ${why}`, {
        cause: error,
      })
    }
  }
  return new NamespacesError('ERR_NAMESPACES_START', `cannot start ${name}: ${error.message}`, {
    cause: error,
  })
}
