import {
  AT_FDCWD,
  AT_RECURSIVE,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  type Program,
  type Ref,
} from '@ctr/linux'
import type { Tmpfs } from '../sandbox/tmpfs.js'
import type { DeviceLink, LinuxDevice } from '../security/default-devices.js'
import { mountCgroups, openCgroups, type CgroupFolder } from './cgroup-mounts.js'
import {
  devptsAttributes,
  devptsParameters,
  hostDevices,
  newDev,
  placeDevices,
  sharedMemory,
} from './devices.js'
import { writeFiles, type RuntimeFile } from './files.js'
import { maskPaths, readOnlyPaths, type MaskedPath } from './hide.js'
import { loopbackUp, writeSysctls } from './network.js'
import { makeFolders, makeReadOnly, namesOf, place } from './place.js'
import { bindSource, enterRoot, isolateMounts, newFileSystem, type RootSource } from './rootfs.js'

/** A file or folder of the host inside the container. */
export interface Bind {
  /** Absolute path on the host. */
  readonly source: string
  /** Absolute path in the container. */
  readonly target: string
  readonly readOnly: boolean
  readonly kind: 'folder' | 'file'
  /** Where it is read-only, so is what is mounted below it. Default true. */
  readonly readOnlyBelow?: boolean | undefined
  /** Detached mount of it, where it was opened before; else the child opens it. */
  readonly mount?: number | undefined
}

/** Everything that a container sees when its program begins. Plain data; nothing is done yet. */
export interface ContainerSetup {
  readonly root: RootSource
  /** Empty folder of the host that the root is mounted on, seen by nobody but the child. */
  readonly mountpoint: string
  readonly readOnlyRoot: boolean
  /** Device nodes in the root file system have no effect: where no device rules can be set. */
  readonly rootWithoutDevices: boolean
  readonly binds: readonly Bind[]
  /** Whether the kernel copies mounts that are not attached. */
  readonly clonesDetachedMounts: boolean
  /** Files that tell the container who and where it is. */
  readonly files: readonly RuntimeFile[]
  readonly devices: readonly LinuxDevice[]
  /** The child may not make device nodes: those of the host are mounted. */
  readonly hostDevices: boolean
  readonly deviceLinks: readonly DeviceLink[]
  /** Detached mount that becomes `/dev/pts`, where the container has a terminal of ours. */
  readonly devpts: number | undefined
  /** Whether the group of terminals is mapped. */
  readonly hasTerminalGroup: boolean
  /** New file systems in memory. */
  readonly tmpfs: readonly Tmpfs[]
  /** What `/dev/shm` is: its own, the host's, not there, or a detached mount of another container's. */
  readonly sharedMemory: 'private' | 'host' | 'none' | number
  /** `/sys` and its cgroups can be written to. */
  readonly writableSystem: boolean
  /** Size of `/dev/shm` in bytes. */
  readonly shmSize: number
  readonly maskedPaths: readonly MaskedPath[]
  readonly readOnlyPaths: readonly string[]
  /** Its own groups of v1, to show at `/sys/fs/cgroup`; none on v2, undefined where it has no cgroup of its own. */
  readonly cgroups: readonly CgroupFolder[] | undefined
  /** Show the host's `/sys`: where the network is the host's, only its owner may mount another one. */
  readonly hostSys: boolean
  readonly sysctls: Readonly<Record<string, string>>
  /** Set `lo` up: for a network namespace that the child has made itself. */
  readonly loopback: boolean
  /** Working directory, made where it is missing. */
  readonly cwd: string
}

const restricted = MOUNT_ATTR_NOSUID + MOUNT_ATTR_NODEV + MOUNT_ATTR_NOEXEC

/** Adds the set-up of a container to the program of its child, which is in its namespaces by then. */
export function setUpContainer(program: Program, setup: ContainerSetup): void {
  program.call('umask', [0])
  isolateMounts(program)
  const sources = setup.binds.map((bind) => bind.mount ?? bindSource(program, bind.source))
  const cgroups = setup.cgroups && openCgroups(program, setup.cgroups)
  const shm = setup.sharedMemory === 'host' ? bindSource(program, '/dev/shm') : given(setup.sharedMemory)
  const bound = setup.hostDevices ? hostDevices(program, setup.devices) : undefined
  // made while the host's can be seen: without those the kernel lets nobody in a user namespace make them
  program.step('open proc and sysfs')
  const proc = newFileSystem(program, 'proc', [], restricted)
  const sys = setup.hostSys
    ? hostSys(program)
    : newFileSystem(program, 'sysfs', [], restricted + (setup.writableSystem ? 0 : MOUNT_ATTR_RDONLY))
  const root = enterRoot(
    program,
    setup.root,
    setup.mountpoint,
    setup.rootWithoutDevices ? MOUNT_ATTR_NODEV : 0,
  )
  const dev = mountDev(program, root, setup, { bound, shm })
  mountAt(program, root, proc, '/proc')
  mountAt(program, root, sys, '/sys')
  if (cgroups !== undefined) mountCgroups(program, root, cgroups, setup.writableSystem)
  writeFiles(program, root, setup.files, setup.clonesDetachedMounts ? undefined : dev)
  const mounts = [
    ...setup.binds.map((bind, index) => ({
      target: bind.target,
      attach: () => attachBind(program, root, bind, sources[index]!),
    })),
    ...setup.tmpfs.map((tmpfs) => ({
      target: tmpfs.target,
      attach: () => attachTmpfs(program, root, tmpfs),
    })),
  ]
  // a folder before what is mounted in it
  mounts.sort((a, b) => namesOf(a.target).length - namesOf(b.target).length)
  for (const { attach } of mounts) attach()
  if (setup.loopback) loopbackUp(program)
  writeSysctls(program, setup.sysctls)
  const mounted = { '/proc': proc, '/sys': sys }
  readOnlyPaths(program, setup.readOnlyPaths, mounted)
  maskPaths(program, setup.maskedPaths, mounted, dev)
  program.step(`make ${setup.cwd}`)
  makeFolders(program, root, setup.cwd)
  if (setup.readOnlyRoot) {
    program.step('make the root read-only')
    makeReadOnly(program, root)
  }
  program.step(undefined).call('umask', [0o022])
}

/** A mount that was opened before. */
function given(mount: string | number): number | undefined {
  return typeof mount === 'number' ? mount : undefined
}

function mountAt(program: Program, root: Ref, mount: Ref, path: string): void {
  program.step(`mount ${path}`)
  place(program, root, mount, path, 'folder')
}

/** A read-only copy of the host's `/sys`, with everything mounted below it. */
function hostSys(program: Program): Ref {
  const sys = program.call('open_tree', [
    AT_FDCWD,
    '/sys',
    OPEN_TREE_CLONE + OPEN_TREE_CLOEXEC + AT_RECURSIVE,
  ])
  makeReadOnly(program, sys, true)
  return sys
}

function mountDev(
  program: Program,
  root: Ref,
  setup: ContainerSetup,
  {
    bound,
    shm: hostShm,
  }: { readonly bound: readonly Ref[] | undefined; readonly shm: Ref | number | undefined },
): Ref {
  const dev = newDev(program, setup.devices, setup.deviceLinks, bound)
  place(program, root, dev, '/dev', 'folder')
  if (bound !== undefined) placeDevices(program, dev, setup.devices, bound)
  const shm = sharedMemory(setup.shmSize)
  const pts =
    setup.devpts ??
    newFileSystem(program, 'devpts', devptsParameters(setup.hasTerminalGroup), devptsAttributes)
  attachBelow(program, pts, dev, 'pts')
  if (setup.sharedMemory !== 'none') {
    const memory = hostShm ?? newFileSystem(program, 'tmpfs', shm.parameters, shm.attributes)
    attachBelow(program, memory, dev, 'shm')
  }
  attachBelow(program, newFileSystem(program, 'mqueue', [], restricted), dev, 'mqueue')
  return dev
}

function attachBelow(program: Program, mount: Ref | number, folder: Ref, name: string): void {
  program.call('move_mount', [mount, '', folder, name, MOVE_MOUNT_F_EMPTY_PATH])
}

function attachTmpfs(program: Program, root: Ref, { target, parameters, attributes }: Tmpfs): void {
  program.step(`mount a tmpfs at ${target}`)
  place(program, root, newFileSystem(program, 'tmpfs', parameters, attributes), target, 'folder')
}

function attachBind(
  program: Program,
  root: Ref,
  { source, target, readOnly, readOnlyBelow = true, kind }: Bind,
  mount: Ref | number,
): void {
  program.step(`mount ${source} at ${target}`)
  if (readOnly) makeReadOnly(program, mount, readOnlyBelow)
  place(program, root, mount, target, kind)
}
