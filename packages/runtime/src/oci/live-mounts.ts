import { openSync } from 'node:fs'
import { posix } from 'node:path'
import {
  CLONE_NEWNS,
  CLONE_NEWUSER,
  closeFd,
  Fd,
  isSyscallError,
  MNT_DETACH,
  MS_SLAVE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_PATH,
  onReadable,
  Program,
  start,
  syscall,
  UMOUNT_NOFOLLOW,
  waitid,
} from '@ctr/linux'
import { RuntimeError } from '../errors.js'
import type { Config, ConfigMount } from './config/config.js'
import { parseMountOptions } from './config/mount-options.js'
import { foreignNamespaces } from './namespaces.js'
import { openParent } from './setup/attach.js'
import { IdmapNamespaces } from './setup/idmap.js'
import { attachMount, finishMount, makeMount } from './setup/mounts.js'
import { MountPlanner } from './setup/plan-mount.js'
import type { PlannedMount } from './setup/plan.js'
import { RootView } from './setup/root-view.js'

/** A running container whose mounts change. */
export interface LiveContainer {
  readonly config: Config
  /** Absolute path of its bundle, which relative sources are in. */
  readonly bundle: string
  readonly pid: number
  /** Descriptor of the same process. */
  readonly init: Fd
}

/**
 * Mounts in a running container, as the mounts of a config. Sources are opened here, before its namespaces are joined;
 * nothing in the container is executed, and no link of its leads a mount elsewhere. When one fails those before it are
 * taken away again.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`, `ERR_RUNTIME_CONFIG`: a source does not exist, a mount is refused.
 */
export async function addMounts(container: LiveContainer, mounts: readonly ConfigMount[]): Promise<void> {
  using joined = openNamespaces(container)
  const done: string[] = []
  try {
    for (const mount of mounts) {
      using plan = await planOne(container, joined, mount)
      const { planned } = plan
      await execute(joined, `mount at ${mount.destination}`, (program) => {
        const attached = attachMount(program, joined.root, makeMount(program, planned))
        if (attached !== undefined) finishMount(program, planned, attached)
      })
      done.push(planned.place.path)
    }
  } catch (error) {
    await remove(joined, done)
    throw error
  }
}

/**
 * Takes mounts of a running container away, the last one first. What is in use stays usable until it is closed.
 *
 * @param destinations - Paths in the container.
 * @throws {@link RuntimeError} `ERR_RUNTIME_START`: nothing is mounted there.
 */
export async function removeMounts(container: LiveContainer, destinations: readonly string[]): Promise<void> {
  using joined = openNamespaces(container)
  await remove(joined, destinations)
}

/** Where a container is, opened. */
interface Joined extends Disposable {
  /** Its root. */
  readonly root: number
  readonly pidfd: number
  /** `CLONE_NEW*` of the namespaces to join. */
  readonly flags: number
}

function openNamespaces({ pid, init }: LiveContainer): Joined {
  const root = new Fd(openSync(`/proc/${pid}/root`, O_PATH | O_DIRECTORY | O_CLOEXEC))
  try {
    // this is asked last: while the process lives the number is its own
    const kinds = foreignNamespaces(pid, init.number)
    if (!kinds.includes('mount')) {
      throw new RuntimeError(
        'ERR_RUNTIME_CONFIG',
        'cannot change the mounts of the container: it has no mount namespace of its own',
      )
    }
    const flags = CLONE_NEWNS + (kinds.includes('user') ? CLONE_NEWUSER : 0)
    return {
      root: root.number,
      pidfd: init.number,
      flags,
      [Symbol.dispose]: () => {
        root.close()
      },
    }
  } catch (error) {
    root.close()
    throw error
  }
}

interface PlannedOne extends Disposable {
  readonly planned: PlannedMount
}

async function planOne(
  { config, bundle }: LiveContainer,
  joined: Joined,
  mount: ConfigMount,
): Promise<PlannedOne> {
  const opened: number[] = []
  const take = (fd: number): number => {
    opened.push(fd)
    return fd
  }
  const close = (): void => {
    for (const fd of opened.splice(0)) closeFd(fd)
  }
  try {
    const planner = new MountPlanner({
      config,
      bundle,
      roots: [], // a source is a path of the host, whatever the container has mounted there
      base: MS_SLAVE,
      view: viewOf(joined),
      namespaces: new IdmapNamespaces(config, async (open) => take(await open())),
      call: syscall,
      take,
      joins: true,
    })
    const planned = await planner.plan({ mount, options: parseMountOptions(mount.options ?? []) })
    if (planned.making.how !== 'opened' && planned.making.how !== 'new') {
      throw new RuntimeError(
        'ERR_RUNTIME_CONFIG',
        `cannot mount at ${mount.destination}: only binds and new file systems can be added to a running container`,
      )
    }
    return { planned, [Symbol.dispose]: close }
  } catch (error) {
    close()
    throw error
  }
}

async function remove(joined: Joined, destinations: readonly string[]): Promise<void> {
  for (const destination of [...destinations].reverse()) {
    const place = viewOf(joined).find(destination)
    await execute(joined, `unmount ${destination}`, (program) => {
      program.step('take the mount away')
      const parent = openParent(program, joined.root, place)
      program.call('fchdir', [parent])
      // of the root there is no name, and the kernel says so
      program.call('umount2', [posix.basename(place.path), MNT_DETACH + UMOUNT_NOFOLLOW])
    })
  }
}

/** What its root looks like now, with all that is mounted in it. */
function viewOf({ root }: Joined): RootView {
  return new RootView(`/proc/self/fd/${root}/.`)
}

/** Executes system calls in the container's namespaces, by a child that is none of its processes. */
async function execute(joined: Joined, what: string, add: (program: Program) => void): Promise<void> {
  const program = new Program()
  program.step('join the namespaces').call('setns', [joined.pidfd, joined.flags])
  if ((joined.flags & CLONE_NEWUSER) !== 0) {
    program.call('setresgid', [0, 0, 0])
    program.call('setresuid', [0, 0, 0])
  }
  program.call('umask', [0])
  add(program)
  program.call('exit_group', [0])
  try {
    const { pidfd } = await start(program, { flags: 0 }).completed
    using child = new Fd(pidfd)
    await new Promise<void>((resolve) => onReadable(child.number, resolve))
    waitid(child.number)
  } catch (error) {
    if (!isSyscallError(error)) throw error
    throw new RuntimeError('ERR_RUNTIME_START', `cannot ${what}: ${error.message}`, { cause: error })
  }
}
