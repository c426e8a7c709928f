import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs'
import { types } from 'node:util'
import { Fd, pidfdOpen } from '@ctr/linux'
import type { Credentials, NamespaceKind, SpawnOptions, Stdio } from '@ctr/namespaces'
import { RuntimeError } from '../../errors.js'
import type { ConfigHook, ConfigHooks } from '../config/config.js'
import type { Log } from '../log.js'
import type { ContainerStatus, OciState } from '../state/status.js'
import { HookFailure, runHookProcess, type HookSetting } from './hook-process.js'

/** The points at which a bundle may have programs run; see the hooks of the runtime spec. */
export type HookKind = keyof ConfigHooks

/**
 * What a container is when hooks of a kind run. The steps of the spec's life cycle say it: the environment is made
 * before the first hook.
 */
const statusAt: Readonly<Record<HookKind, ContainerStatus>> = {
  prestart: 'created',
  createRuntime: 'created',
  createContainer: 'created',
  startContainer: 'created',
  poststart: 'running',
  poststop: 'stopped',
}

/** The container that hooks of the kinds `createContainer` and `startContainer` run in. */
export interface InContainer
  extends Credentials, Pick<SpawnOptions, 'before' | 'prepare' | 'prepareFds' | 'finish' | 'cgroup' | 'cwd'> {
  /** Its first process. */
  readonly pidfd: number
  /** Namespaces to join; those that it shares with us need not be named. */
  readonly kinds: readonly NamespaceKind[]
  /** Environment of hooks that have none of their own. Without it they have none. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** Settings of {@link runHooks}. */
export interface RunHooksOptions {
  /** Where warnings go. */
  readonly log: Log
  /** Where the hooks run. Default: in the namespaces of this process, in the folder of the bundle. */
  readonly inContainer?: InContainer | undefined
}

/**
 * Runs the hooks of a kind, one after the other, each to its end. Each has the container's state on standard input,
 * as JSON.
 *
 * A hook without an environment has this process's own, as with other runtimes; inside a container that of
 * `inContainer`. Its output goes where the annotations `run.oci.hooks.stdout` and `run.oci.hooks.stderr` say, and
 * else its end goes into the error.
 *
 * The first that fails stops the others and is thrown, but for `poststop`: there it is a warning in the log, and the
 * others follow. A hook that runs before the command of the container is killed when the container's process ends.
 *
 * @param kind - Says which status the hooks see.
 * @param hooks - What the config has of that kind.
 * @param state - The container's state, with its process id as we see it.
 * @throws {@link RuntimeError} `ERR_RUNTIME_HOOK`: with kind and number of the hook, counted from 0.
 * @see {@link https://github.com/opencontainers/runtime-spec/blob/main/config.md#posix-platform-hooks}
 */
export async function runHooks(
  kind: HookKind,
  hooks: readonly ConfigHook[] | undefined,
  state: Omit<OciState, 'status'>,
  { log, inContainer }: RunHooksOptions,
): Promise<void> {
  if (hooks === undefined || hooks.length === 0) return
  const pid = inContainer === undefined ? state.pid : pidInside(state.pid)
  // without it they would be for nothing: whoever deletes a container does not wait for hooks that never end
  using init = statusAt[kind] === 'created' ? openInit(state.pid, kind) : undefined
  const input = JSON.stringify({ ...state, status: statusAt[kind], pid })
  for (const [index, hook] of hooks.entries()) {
    log.debug(`running ${kind} hook #${index}: ${hook.path}`)
    try {
      using output = openOutput(state.annotations)
      await runHookProcess(hook, {
        input,
        output: output.stdio,
        only: init?.number,
        defaultEnv: inContainer === undefined ? process.env : (inContainer.env ?? {}),
        where: inContainer === undefined ? { cwd: folderOf(state.bundle) } : joining(inContainer),
      })
    } catch (error) {
      if (!types.isNativeError(error)) throw error
      if (kind !== 'poststop') {
        const message = `error running ${kind} hook #${index}: ${error.message}`
        throw new RuntimeError('ERR_RUNTIME_HOOK', message, { cause: error })
      }
      log.warn(failedPoststop(index, error))
    }
  }
}

/** Such a failure is in no error: whoever looks for it in the log looks for these words. */
function failedPoststop(index: number, error: Error): string {
  const code = error instanceof HookFailure ? error.exitCode : undefined
  const how = code === undefined ? '' : ` with exit code ${code}`
  return `poststop hook failed${how}: hook #${index}: ${error.message}`
}

function openInit(pid: number, kind: HookKind): Fd {
  try {
    return new Fd(pidfdOpen(pid))
  } catch (cause) {
    const message = `cannot run ${kind} hooks: the process of the container has ended`
    throw new RuntimeError('ERR_RUNTIME_HOOK', message, { cause })
  }
}

function joining({ pidfd, kinds, env: _, ...where }: InContainer): HookSetting['where'] {
  return { ...where, namespaces: Object.fromEntries(kinds.map((kind) => [kind, { pidfd }])) }
}

/** After a container has ended its bundle may be gone. */
function folderOf(bundle: string): string {
  return existsSync(bundle) ? bundle : '/'
}

/** Number of a process in its own pid namespace (`NSpid` of proc_pid_status(5)); 0 when it has ended. */
function pidInside(pid: number): number {
  try {
    const numbers = /^NSpid:\s*(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return Number(numbers?.split(/\s+/).at(-1) ?? pid)
  } catch {
    return 0
  }
}

interface HookOutput extends Disposable {
  readonly stdio: readonly [Stdio, Stdio]
}

function openOutput(annotations: Readonly<Record<string, string>>): HookOutput {
  const opened: number[] = []
  const close = (): void => {
    for (const fd of opened.splice(0)) closeSync(fd)
  }
  const open = (annotation: string): Stdio => {
    const path = annotations[annotation]
    if (path === undefined) return 'pipe'
    const fd = openForAppending(path, annotation)
    opened.push(fd)
    return fd
  }
  try {
    return {
      stdio: [open('run.oci.hooks.stdout'), open('run.oci.hooks.stderr')],
      [Symbol.dispose]: close,
    }
  } catch (error) {
    close()
    throw error
  }
}

const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants

/** Never waits: a named pipe that nobody reads is refused. */
function openForAppending(path: string, annotation: string): number {
  try {
    return openSync(path, O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK | O_WRONLY, 0o600)
  } catch (cause) {
    throw new Error(`cannot open ${path}, which the annotation ${annotation} names`, { cause })
  }
}
