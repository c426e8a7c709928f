import { pidfdOpen, sendFd } from '@ctr/linux'
import { SpawnedProcess } from '@ctr/namespaces'
import { Rollback } from '../rollback.js'
import { joinCgroup } from '../setup/join-cgroup.js'
import { readBundle, type Bundle } from './bundle.js'
import { savedPathsOf } from './cgroup/container-cgroup.js'
import { makeCgroup } from './cgroup/make-cgroup.js'
import type { RestoreOptions as CriuRestoreOptions } from './checkpoint/options.js'
import type { RestoredStdio } from './checkpoint/restore.js'
import { checkHost } from './check-host.js'
import type { OciContext } from './context.js'
import { draftOf, tellProcess, withProcess, type CreatedContainer, type CreateOptions } from './create.js'
import { runHooks } from './hooks/run-hooks.js'
import type { LockedContainer } from './state/locked-container.js'
import { ociState } from './state/status.js'
import { openTerminalTarget } from './terminal.js'

/** What a container is restored from: its bundle, and the images of a checkpoint. */
export interface RestoreOptions
  extends CriuRestoreOptions, Omit<CreateOptions, 'noNewKeyring' | 'preserveFds' | 'stdio'> {
  /** What takes the place of pipes that were its standard streams. Default: ours. */
  readonly stdio?: readonly [RestoredStdio, RestoredStdio, RestoredStdio] | 'inherit' | undefined
}

/**
 * Makes a container whose processes go on where a checkpoint has saved them. When a step fails nothing is left.
 *
 * @throws {@link RuntimeError}
 */
export async function restoreContainer(
  context: OciContext,
  id: string,
  options: RestoreOptions,
): Promise<CreatedContainer> {
  const bundle = readBundle(context, options)
  checkHost(bundle.config)
  if (context.cgroupManager === 'systemd') (await import('./cgroup/scope.js')).checkSystemd()
  using container = await context.store.create(id, bundle.text)
  const rollback = new Rollback()
  rollback.defer(() => {
    container.remove()
  })
  try {
    return await make(context, container, bundle, options, rollback)
  } catch (error) {
    throw await rollback.run(error)
  }
}

const inherit = ['inherit', 'inherit', 'inherit'] as const

async function make(
  context: OciContext,
  container: LockedContainer,
  bundle: Bundle,
  options: RestoreOptions,
  rollback: Rollback,
): Promise<CreatedContainer> {
  const { restore } = await import('./checkpoint/restore.js') // with what speaks to CRIU
  const { id, folder } = container
  const { config } = bundle
  using terminal = openTerminalTarget({
    wanted: config.process.terminal === true,
    consoleSocket: options.consoleSocket,
    stream: options.terminal === 'stream',
  })
  const draft = draftOf(context, id, bundle)
  const made = await makeCgroup(context, id, bundle)
  if (made !== undefined) rollback.defer(() => made.remove())
  const cgroup = made?.cgroup
  const state = { ...draft, cgroupPaths: cgroup === undefined ? {} : savedPathsOf(cgroup) }
  container.save(state)
  using joinFds = cgroup?.openJoinFds()
  const stdio = options.stdio === undefined || options.stdio === 'inherit' ? inherit : options.stdio
  const { pid, externalDescriptors } = await restore(
    {
      config,
      bundle: bundle.path,
      rootfs: bundle.rootfs,
      folder,
      stdio: terminal.socket === undefined ? stdio : ['ignore', 'ignore', 'ignore'],
      joinCgroups: (program) => {
        if (joinFds !== undefined) joinCgroup(program, joinFds.writeZero)
      },
      onNamespaces: async (first) => {
        const { log } = context
        const hooked = ociState({ ...state, pid: first }, 'created')
        await runHooks('prestart', config.hooks?.prestart, hooked, { log })
        await runHooks('createRuntime', config.hooks?.createRuntime, hooked, { log })
      },
      onConsole: (fd) => {
        if (terminal.socket !== undefined) sendFd(terminal.socket, fd, Buffer.from('/dev/ptmx'))
      },
    },
    options,
  )
  const process = new SpawnedProcess(pid, pidfdOpen(pid), {
    stdin: undefined,
    stdout: undefined,
    stderr: undefined,
  })
  rollback.defer(() => process[Symbol.asyncDispose]())
  await made?.joined()
  const running = { ...withProcess(state, pid), externalDescriptors }
  container.save(running)
  tellProcess(process, options)
  return { state: running, process, terminal: await terminal.take() }
}
