import { openSync } from 'node:fs'
import type { Cgroup } from '@ctr/cgroups'
import { isNamespacesError, spawn, type SpawnedProcess } from '@ctr/namespaces'
import { Fd, isLinuxError } from '@ctr/linux'
import { readFileIn } from '@ctr/overlay'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { checkEnv, checkExecDetachment } from '../check-options.js'
import { DetachedExec } from '../execs/detached-exec.js'
import type { ExecOptions } from '../options.js'
import { apparmorEnabled, labelPieces } from '../oci/process/labels.js'
import { ContainerIds } from '../userns/container-ids.js'
import { resolveUser } from '../user/resolve-user.js'
import type { ContainerRecord } from './record.js'
import { openTerminalIn } from '../setup/terminal.js'
import type { TerminalStream } from '../setup/terminal-stream.js'
import { joinCgroup } from '../setup/join-cgroup.js'
import { credentialsOf } from './process-options.js'
import { capabilitySets } from './spec.js'
import { spoilRoot } from './warm-root.js'
import type { WatchedProcess } from './watched-process.js'

/** A program that runs in a container besides its own. */
export type ExecProcess = SpawnedProcess & {
  /** The other side of its terminal, where it has one. */
  readonly terminal: TerminalStream | null
}

/**
 * Runs a program in a running container: same namespaces, cgroup, capabilities, seccomp filter and AppArmor
 * profile as its own.
 *
 * Before it enters, the child makes itself undumpable, so that nothing in the container can reach this
 * process's memory through it.
 */
export async function execIn(
  context: Context,
  record: ContainerRecord,
  { init, cgroup }: { readonly init: WatchedProcess; readonly cgroup: Cgroup | undefined },
  command: readonly string[],
  options: ExecOptions,
): Promise<ExecProcess> {
  if (command.length === 0 || command[0] === '') {
    throw new RuntimeError(
      'ERR_RUNTIME_INVALID_ARG',
      `cannot run a program in container ${record.name}: the command is empty`,
    )
  }
  checkEnv(options.env ?? {})
  if (options.detach !== undefined) checkExecDetachment(options.detach)
  const { pidfd } = init
  const { mode } = record.network
  const { rootless } = context
  const ids = idsOf(context, record)
  using fuse = openFuseNamespace(context, init.pid)
  const found = options.user === undefined ? record.user : await lookUp(options.user, init.pid, fuse?.number)
  const user = ids?.userInside(found) ?? found
  const owner = rootless === undefined ? ids?.outside(user) : undefined
  using cgroupFds = cgroup?.openJoinFds()
  const joinFds = cgroupFds?.writeZero ?? []
  const size = typeof options.terminal === 'object' ? options.terminal : undefined
  using terminal =
    options.terminal === undefined || options.terminal === false
      ? undefined
      : openTerminalIn(init.pid, size, { owner, userNamespace: fuse?.number })
  const confined = { ...record, ...(options.privileged === true ? privileged(context, user.uid) : {}), user }
  if (options.privileged === true && record.rootId !== null)
    spoilRoot(await context.layers.openRoot(record.rootId))
  const { keepProc, ...labels } = labelPieces(confined)
  try {
    const process = await spawn({
      command,
      env: { ...record.env, ...(terminal === undefined ? {} : { TERM: 'xterm' }), ...options.env },
      cwd: options.cwd ?? record.cwd,
      namespaces: {
        ...(ids === undefined ? {} : { user: { pidfd } }),
        mount: { pidfd },
        uts: { pidfd },
        ipc: { pidfd },
        pid: { pidfd },
        cgroup: { pidfd },
        ...(mode === 'host' ? {} : { network: { pidfd } }),
      },
      stdio: [options.stdin ?? 'ignore', options.stdout ?? 'inherit', options.stderr ?? 'inherit'],
      terminal: terminal?.slave,
      pipeOwner: owner,
      session: true,
      ...credentialsOf(context, confined),
      ...labels,
      prepare: (program) => {
        keepProc(program)
      },
      groups: {
        fds: joinFds,
        join: (program) => {
          joinCgroup(program, joinFds)
        },
      },
    })
    if (options.detach !== undefined) {
      const streams = {
        master: terminal?.master,
        isRead: [options.stdin, options.stdout, options.stderr].includes('pipe'),
      }
      await new DetachedExec(context, record.id, options.detach, streams).follow(process)
    }
    return Object.assign(process, { terminal: terminal?.takeStream() ?? null })
  } catch (error) {
    throw explainFailure(error, record)
  }
}

/** What a program may do that is to have everything. */
function privileged(
  { host }: Context,
  uid: number,
): Pick<ContainerRecord, 'capabilities' | 'seccomp' | 'apparmorProfile'> {
  return {
    capabilities: capabilitySets(host.capabilities, uid),
    seccomp: 'unconfined',
    apparmorProfile: apparmorEnabled() ? 'unconfined' : undefined,
  }
}

/** The ids of the container's user namespace; undefined where it is in the host's. */
function idsOf({ rootless }: Context, { userNamespace }: ContainerRecord): ContainerIds | undefined {
  if (rootless !== undefined) return rootless.ids
  return userNamespace === null
    ? undefined
    : new ContainerIds(userNamespace, { remedy: 'the container was made without it' })
}

/** The container's user namespace, where only its members can come to its files. */
function openFuseNamespace({ layers }: Context, pid: number): Fd | undefined {
  return layers.strategy === 'fuse-overlayfs' ? new Fd(openSync(`/proc/${pid}/ns/user`, 'r')) : undefined
}

async function lookUp(
  user: string,
  pid: number,
  userNamespace: number | undefined,
): Promise<ContainerRecord['user']> {
  const root = `/proc/${pid}/root`
  const [passwd, group] = await Promise.all([
    readOptional(root, '/etc/passwd', userNamespace),
    readOptional(root, '/etc/group', userNamespace),
  ])
  const { uid, gid, additionalGids } = resolveUser(user, { passwd, group })
  return { uid, gid, groups: additionalGids }
}

async function readOptional(root: string, path: string, userNamespace: number | undefined): Promise<string> {
  try {
    return (await readFileIn(root, path, { maxBytes: 2 ** 20, userNamespace })).toString('utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_OVERLAY_NOT_FOUND') return ''
    throw error
  }
}

function explainFailure(error: unknown, { name }: ContainerRecord): unknown {
  if (!isNamespacesError(error) && !isLinuxError(error)) return error
  const message = `cannot run a program in container ${name}: ${error.message}`
  if (error.code === 'ERR_NAMESPACES_COMMAND_NOT_FOUND')
    return new RuntimeError('ERR_RUNTIME_COMMAND_NOT_FOUND', message, { cause: error })
  if (error.code === 'ERR_NAMESPACES_COMMAND_NOT_EXECUTABLE') {
    return new RuntimeError('ERR_RUNTIME_COMMAND_NOT_EXECUTABLE', message, { cause: error })
  }
  return new RuntimeError('ERR_RUNTIME_START', message, { cause: error })
}
