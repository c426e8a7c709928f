import { types } from 'node:util'
import { connectUnix, Fd, isLinuxError, isSyscallError, pidfdOpen, sendFd } from '@ctr/linux'
import { isNamespacesError, spawn, type SpawnedProcess, type Stdio } from '@ctr/namespaces'
import { RuntimeError } from '../errors.js'
import { Rollback } from '../rollback.js'
import type { TerminalStream } from '../setup/terminal-stream.js'
import { readBundle, type Bundle } from './bundle.js'
import { cgroupViewOf } from './cgroup/cgroup-view.js'
import { savedPathsOf } from './cgroup/container-cgroup.js'
import { makeCgroup } from './cgroup/make-cgroup.js'
import { readDescriptors } from './checkpoint/descriptors.js'
import { checkHost } from './check-host.js'
import type { OciContext } from './context.js'
import { checkCommand } from './find-command.js'
import { initOptions } from './init-options.js'
import { makesNew } from './namespaces.js'
import { givenFds } from './given-fds.js'
import { runCreateHooks } from './create-hooks.js'
import { withNotify } from './notify.js'
import { environmentOf } from './process/environment.js'
import { homeIn } from './process/home.js'
import { checkIntelRdt, prepareIntelRdt, releaseIntelRdt } from './process/intel-rdt.js'
import { listenFds, type ListenFds } from './process/listen-fds.js'
import { debugStart } from './debug.js'
import { failsUnknown, prepareSeccomp, startedWith } from './seccomp.js'
import { checkMasked } from './setup/paths.js'
import { openRootlessCalls } from './setup/call.js'
import { planSetup } from './setup/plan-setup.js'
import { bootId } from './state/boot-id.js'
import type { ContainerState } from './state/container-state.js'
import type { LockedContainer } from './state/locked-container.js'
import { writePidFile } from './state/pid-file.js'
import { processStat } from './state/process-stat.js'
import { makeStartGate } from './state/start-gate.js'
import { ociState } from './state/status.js'
import { openTerminalTarget } from './terminal.js'

/** What `create` and `exec` have in common. */
export interface ProcessOptions {
  /** File that the process id is written to. */
  readonly pidFile?: string | undefined
  /** Unix socket that our side of the terminal is sent to. */
  readonly consoleSocket?: string | undefined
  /** Unix socket that a pidfd of the process is sent to. */
  readonly pidfdSocket?: string | undefined
  /** Number of descriptors from 3 on that the process is to have. Default 0. */
  readonly preserveFds?: number | undefined
  /**
   * Where our side of a terminal goes that is not sent to `consoleSocket`: `stream` makes it the process's
   * `terminal`. Unset: a config with a terminal and without a socket is an error, and the other way round.
   */
  readonly terminal?: 'stream' | undefined
  /** Standard streams of a process without a terminal. Default: ours. */
  readonly stdio?: 'inherit' | readonly [Stdio, Stdio, Stdio] | undefined
}

/** What a container is made from. */
export interface CreateOptions extends ProcessOptions {
  /** Folder of the bundle. */
  readonly bundle: string
  /** Path of another `config.json`. */
  readonly config?: string | undefined
  /** Move the root instead of `pivot_root`, for hosts that run from an initramfs. */
  readonly noPivot?: boolean | undefined
  /** Keep the caller's session keyring. */
  readonly noNewKeyring?: boolean | undefined
  /** `NOTIFY_SOCKET` of a service manager, for a container that says when it is ready (sd_notify(3)); see `start`. */
  readonly notifySocket?: string | undefined
}

/** A container whose process waits at its gate. */
export interface CreatedContainer {
  readonly state: ContainerState
  readonly process: SpawnedProcess
  readonly terminal: TerminalStream | null
}

/**
 * Makes a container; its process waits to be started. When a step fails nothing is left.
 *
 * @throws {@link RuntimeError}
 */
export async function createContainer(
  context: OciContext,
  id: string,
  options: CreateOptions,
): Promise<CreatedContainer> {
  const listen = listenFds()
  const given = givenFds((options.preserveFds ?? 0) + (listen?.count ?? 0)) // before we open any
  const bundle = readBundle(context, options)
  checkHost(bundle.config)
  if (context.cgroupManager === 'systemd') (await import('./cgroup/scope.js')).checkSystemd()
  using container = await context.store.create(id, bundle.text)
  const rollback = new Rollback()
  rollback.defer(() => {
    container.remove()
  })
  try {
    return await make(context, container, bundle, { ...options, given, listen }, rollback)
  } catch (error) {
    throw await rollback.run(explainFailure(error))
  }
}

/** What the caller has handed over. */
interface Given {
  readonly given: readonly number[]
  readonly listen: ListenFds | undefined
}

async function make(
  context: OciContext,
  container: LockedContainer,
  read: Bundle,
  options: CreateOptions & Given,
  rollback: Rollback,
): Promise<CreatedContainer> {
  const { id, folder } = container
  const { bundle, env: notifyEnv } = withNotify(read, folder, options.notifySocket)
  const { config } = bundle
  const { given, listen } = options
  const { process, linux } = config
  using terminal = openTerminalTarget({
    wanted: process.terminal === true,
    consoleSocket: options.consoleSocket,
    stream: options.terminal === 'stream',
  })
  const draft = draftOf(context, id, bundle)
  const made = await makeCgroup(context, id, bundle)
  if (made !== undefined) rollback.defer(() => made.remove())
  const cgroup = made?.cgroup
  const rdt =
    linux?.intelRdt === undefined
      ? undefined
      : prepareIntelRdt(linux.intelRdt, id, checkIntelRdt(linux.intelRdt))
  if (rdt !== undefined) {
    rollback.defer(() => {
      releaseIntelRdt(rdt)
    })
  }
  const state = {
    ...draft,
    cgroupPaths: cgroup === undefined ? {} : savedPathsOf(cgroup),
    intelRdtPath: rdt?.folder ?? '',
  }
  container.save(state)
  using rootless = globalThis.process.geteuid?.() === 0 ? undefined : await openRootlessCalls()
  using plan = await planSetup(config, {
    bundle: bundle.path,
    rootfs: bundle.rootfs,
    mounts: bundle.mounts,
    call: rootless?.call,
  })
  if (plan === undefined && bundle.mounts.length > 0) {
    context.log.warn(
      'leaving out mounts: without a mount namespace of the container they would stay on the host',
    )
  }
  using seccomp = await prepareSeccomp(linux?.seccomp, context.log, { failUnknown: failsUnknown(config) })
  using gate = makeStartGate(folder)
  using joinFds = cgroup?.openJoinFds(made?.join)
  const env = environmentOf([...(process.env ?? []), ...(listen?.env ?? []), ...notifyEnv], () =>
    homeIn({ root: bundle.rootfs, mounts: config.mounts, bundle: bundle.path }, process.user.uid),
  )
  let running = state
  const spawning = spawn(
    initOptions(context, bundle, {
      id,
      env,
      plan,
      cgroupFds: joinFds?.writeZero ?? [],
      cgroup: joinFds?.cloneInto,
      cgroups: cgroupViewOf(context.hierarchy, linux, cgroup),
      consoleSocket: terminal.socket,
      terminalIsOurs: terminal.ours,
      seccomp: seccomp.credentials,
      gate,
      stdio: stdioOf(options),
      preserveFds: given,
      keyring: options.noNewKeyring !== true,
      noPivot: options.noPivot ?? false,
      meanwhile: needsPause(bundle)
        ? async (pid) => {
            running = withProcess(state, pid)
            container.save(running)
            await runCreateHooks(context, bundle, running, rdt)
          }
        : undefined,
    }),
  )
  const started = await startedWith(spawning, seccomp, () => ociState(running, 'creating'))
  debugStart(context.log, 'init: closing the pipe to signal completion')
  rollback.defer(() => started[Symbol.asyncDispose]())
  await made?.joined()
  if (plan !== undefined) checkMasked(started.pid, plan.masked)
  if (process.args.length > 0) checkCommand(started.pid, { args: process.args, env, cwd: process.cwd })
  const created = { ...withProcess(state, started.pid), externalDescriptors: readDescriptors(started.pid) }
  container.save(created)
  tellProcess(started, options)
  return { state: created, process: started, terminal: await terminal.take() }
}

/** What is known of a container before it has anything. */
export function draftOf(
  { cgroupManager, rootless }: OciContext,
  id: string,
  { config, path, rootfs }: Bundle,
): ContainerState {
  return {
    id,
    ociVersion: config.ociVersion,
    bundle: path,
    rootfs,
    created: new Date().toISOString(),
    pid: null,
    startTicks: null,
    bootId: bootId(),
    annotations: config.annotations ?? {},
    cgroupManager,
    cgroupPaths: {},
    intelRdtPath: '',
    externalDescriptors: [],
    terminal: config.process.terminal === true,
    rootless,
  }
}

/** The same with its process. */
export function withProcess(state: ContainerState, pid: number): ContainerState {
  return { ...state, pid, startTicks: processStat(pid)?.startTicks ?? null }
}

/** The container must wait while something of the host's is done to it. */
export function needsPause({ config: { hooks, linux, process } }: Bundle): boolean {
  const { prestart = [], createRuntime = [], createContainer = [] } = hooks ?? {}
  return (
    prestart.length + createRuntime.length + createContainer.length > 0 ||
    Object.keys(linux?.netDevices ?? {}).length > 0 ||
    linux?.intelRdt !== undefined ||
    (makesNew(linux, 'user') &&
      (process.oomScoreAdj !== undefined ||
        process.ioPriority !== undefined ||
        (process.rlimits ?? []).length > 0))
  )
}

/** Standard streams as `spawn` takes them. */
export function stdioOf({ stdio = 'inherit' }: ProcessOptions): readonly [Stdio, Stdio, Stdio] {
  return stdio === 'inherit' ? ['inherit', 'inherit', 'inherit'] : stdio
}

/** Tells whoever wants to know which process it is. */
export function tellProcess(
  { pid }: { readonly pid: number },
  { pidFile, pidfdSocket }: ProcessOptions,
): void {
  if (pidfdSocket !== undefined) {
    using socket = new Fd(connectUnix(pidfdSocket))
    using pidfd = new Fd(pidfdOpen(pid))
    sendFd(socket.number, pidfd.number, Buffer.from('pidfd'))
  }
  if (pidFile !== undefined) writePidFile(pidFile, pid)
}

/** Errors of lower packages in the terms of this one. */
export function explainFailure(error: unknown): unknown {
  if (isSyscallError(error) || isLinuxError(error) || isSystemError(error)) {
    return new RuntimeError('ERR_RUNTIME_START', error.message, { cause: error })
  }
  if (!isNamespacesError(error)) return error
  const code =
    error.code === 'ERR_NAMESPACES_INVALID_ARG' || error.code === 'ERR_NAMESPACES_NOT_FOUND'
      ? 'ERR_RUNTIME_CONFIG'
      : 'ERR_RUNTIME_START'
  return new RuntimeError(code, error.message, { cause: error })
}

/** An error of Node's own file system calls. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return types.isNativeError(error) && 'syscall' in error && 'errno' in error
}
