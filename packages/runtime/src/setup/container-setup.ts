import {
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_RDONLY,
  MOVE_MOUNT_F_EMPTY_PATH,
  type Program,
  type Ref,
} from '@ctr/linux'
import type { HierarchyMount } from '@ctr/cgroups'
import type { DeviceLink, LinuxDevice } from '../security/default-devices.js'
import { mountCgroups } from './cgroup-mounts.js'
import { devptsAttributes, devptsParameters, newDev, sharedMemory } from './devices.js'
import { writeFiles, type RuntimeFile } from './files.js'
import { maskPaths, readOnlyPaths, type MaskedPath } from './hide.js'
import { loopbackUp, writeSysctls } from './network.js'
import { makeFolders, makeReadOnly, place } from './place.js'
import { bindSource, enterRoot, isolateMounts, newFileSystem, type RootSource } from './rootfs.js'

/** A file or folder of the host inside the container. */
export interface Bind {
  /** Absolute path on the host. */
  readonly source: string
  /** Absolute path in the container. */
  readonly target: string
  readonly readOnly: boolean
  readonly kind: 'folder' | 'file'
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
  readonly deviceLinks: readonly DeviceLink[]
  /** Detached mount that becomes `/dev/pts`, where the container has a terminal of ours. */
  readonly devpts: number | undefined
  /** Size of `/dev/shm` in bytes. */
  readonly shmSize: number
  readonly maskedPaths: readonly MaskedPath[]
  readonly readOnlyPaths: readonly string[]
  /** Cgroup hierarchies to show at `/sys/fs/cgroup`. */
  readonly hierarchies: readonly HierarchyMount[]
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
  const sources = setup.binds.map((bind) => bindSource(program, bind.source))
  const root = enterRoot(
    program,
    setup.root,
    setup.mountpoint,
    setup.rootWithoutDevices ? MOUNT_ATTR_NODEV : 0,
  )
  const dev = mountDev(program, root, setup)
  const shelf = setup.clonesDetachedMounts ? undefined : dev
  const proc = mountAt(program, root, 'proc', '/proc', restricted)
  const sys = mountAt(program, root, 'sysfs', '/sys', restricted + MOUNT_ATTR_RDONLY)
  mountCgroups(program, root, setup.hierarchies)
  writeFiles(program, root, setup.files, shelf)
  setup.binds.forEach((bind, index) => {
    attachBind(program, root, bind, sources[index]!)
  })
  if (setup.loopback) loopbackUp(program)
  writeSysctls(program, setup.sysctls)
  const mounted = { '/proc': proc, '/sys': sys }
  readOnlyPaths(program, setup.readOnlyPaths, mounted)
  maskPaths(program, setup.maskedPaths, mounted, dev, shelf)
  program.step(`make ${setup.cwd}`)
  makeFolders(program, root, setup.cwd)
  if (setup.readOnlyRoot) {
    program.step('make the root read-only')
    makeReadOnly(program, root)
  }
  program.step(undefined).call('umask', [0o022])
}

function mountAt(program: Program, root: Ref, type: string, path: string, attributes: number): Ref {
  program.step(`mount ${type} at ${path}`)
  const mount = newFileSystem(program, type, [], attributes)
  place(program, root, mount, path, 'folder')
  return mount
}

function mountDev(program: Program, root: Ref, setup: ContainerSetup): Ref {
  const dev = newDev(program, setup.devices, setup.deviceLinks)
  place(program, root, dev, '/dev', 'folder')
  const shm = sharedMemory(setup.shmSize)
  const pts = setup.devpts ?? newFileSystem(program, 'devpts', devptsParameters, devptsAttributes)
  attachBelow(program, pts, dev, 'pts')
  attachBelow(program, newFileSystem(program, 'tmpfs', shm.parameters, shm.attributes), dev, 'shm')
  attachBelow(program, newFileSystem(program, 'mqueue', [], restricted), dev, 'mqueue')
  return dev
}

function attachBelow(program: Program, mount: Ref | number, folder: Ref, name: string): void {
  program.call('move_mount', [mount, '', folder, name, MOVE_MOUNT_F_EMPTY_PATH])
}

function attachBind(program: Program, root: Ref, { source, target, readOnly, kind }: Bind, mount: Ref): void {
  program.step(`mount ${source} at ${target}`)
  if (readOnly) makeReadOnly(program, mount, true)
  place(program, root, mount, target, kind)
}
