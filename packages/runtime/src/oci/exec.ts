import type { Cgroup } from '@ctr/cgroups'
import type { Fd } from '@ctr/linux'
import { isNamespacesError, spawn, type SpawnedProcess } from '@ctr/namespaces'
import type { TerminalStream } from '../setup/terminal-stream.js'
import { checkProcess } from './check-host.js'
import type { Config } from './config/config.js'
import type { ConfigProcess } from './config/config-process.js'
import type { OciContext } from './context.js'
import { explainFailure, stdioOf, tellProcess, type ProcessOptions } from './create.js'
import { commandFailure, checkCommand } from './find-command.js'
import { foreignNamespaces, hasOwn, keepsGroups } from './namespaces.js'
import { environmentOf } from './process/environment.js'
import { homeIn } from './process/home.js'
import { processPieces } from './process-pieces.js'
import { debugStart } from './debug.js'
import { prepareSeccomp, startedWith } from './seccomp.js'
import { consoleOf } from './setup/console.js'
import type { ContainerState } from './state/container-state.js'
import { ociState } from './state/status.js'
import { openTerminalTarget } from './terminal.js'

/** What is executed in a container. */
export interface ExecOptions extends ProcessOptions {
  readonly process: ConfigProcess
  /** Also in a paused container, where it waits until that is resumed. */
  readonly ignorePaused?: boolean | undefined
  /** `PATH` or `CONTROLLER[,CONTROLLER]:PATH`, below the container's cgroup. */
  readonly cgroup?: readonly string[] | undefined
}

/** A process of ours in a container. */
export interface ExecutedProcess {
  readonly process: SpawnedProcess
  readonly terminal: TerminalStream | null
}

/** The container that a process joins. */
export interface Target {
  readonly state: ContainerState
  readonly config: Config
  /** Descriptor of its first process. */
  readonly init: Fd
  /** Where the process belongs; undefined for a container without cgroups. */
  readonly cgroup: Cgroup | undefined
}

/**
 * Starts one more process in a running container. It is undumpable from before it joins until it executes the
 * command, and has nothing of this process: no memory, no descriptor, not its program.
 *
 * @throws {@link RuntimeError}
 */
export async function executeIn(
  { log }: OciContext,
  { state, config, init, cgroup }: Target,
  options: ExecOptions & { readonly given: readonly number[] },
): Promise<ExecutedProcess> {
  const { process } = options
  checkProcess(process)
  const pid = state.pid!
  const kinds = foreignNamespaces(pid, init.number)
  using terminal = openTerminalTarget({
    wanted: process.terminal === true,
    consoleSocket: options.consoleSocket,
    stream: options.terminal === 'stream',
  })
  using seccomp = await prepareSeccomp(config.linux?.seccomp, log)
  using joinFds = // on v2 a frozen group would stop the child while it has our memory
    cgroup?.openJoinFds({ cloneInto: cgroup.hierarchy.mode !== 'v2' })
  const env = environmentOf(process.env ?? [], () => homeIn({ root: `/proc/${pid}/root` }, process.user.uid))
  checkCommand(pid, { args: process.args, env, cwd: process.cwd })
  const { keepProc, ...pieces } = processPieces({
    process,
    id: state.id,
    userNamespace: hasOwn(config.linux, 'user'),
    keepGroups: keepsGroups(config, process.user),
    cgroupFds: joinFds?.writeZero ?? [],
    keyring: true,
    joins: true,
    personality: config.linux?.personality,
    memoryPolicy: config.linux?.memoryPolicy,
    log,
  })
  const { socket, ours } = terminal
  try {
    const spawning = spawn({
      ...pieces,
      ...seccomp.credentials,
      command: process.args,
      env,
      cwd: process.cwd,
      namespaces: Object.fromEntries(kinds.map((kind) => [kind, { pidfd: init.number }])),
      session: true,
      cgroup: joinFds?.cloneInto,
      stdio: stdioOf(options),
      terminal: socket === undefined ? undefined : consoleOf(process, { socket, ours }),
      preserveFds: options.given,
      prepare: (program) => {
        keepProc(program)
      },
    })
    const started = await startedWith(spawning, seccomp, () => ociState(state, 'running'))
    debugStart(log, 'setns_init: about to exec', process.execCPUAffinity)
    try {
      tellProcess(started, options)
      return { process: started, terminal: await terminal.take() }
    } catch (error) {
      await started[Symbol.asyncDispose]()
      throw error
    }
  } catch (error) {
    throw explainExecFailure(error, process)
  }
}

function explainExecFailure(error: unknown, { args }: ConfigProcess): unknown {
  if (isNamespacesError(error)) {
    if (error.code === 'ERR_NAMESPACES_COMMAND_NOT_FOUND') return commandFailure(args, 2)
    if (error.code === 'ERR_NAMESPACES_COMMAND_NOT_EXECUTABLE') {
      return commandFailure(args, error.message.includes('exec format error') ? 8 : 13)
    }
  }
  return explainFailure(error)
}
