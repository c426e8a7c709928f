import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCgroup, type Cgroup } from '@ctr/cgroups'
import { AT_FDCWD, MNT_DETACH, O_PATH, OPEN_TREE_CLONE, type Program } from '@ctr/linux'
import { spawn, type SpawnedProcess, type Stdio } from '@ctr/namespaces'
import type { Config } from '../../src/oci/config/config.js'
import { defaultDeviceLinks, defaultDevices } from '../../src/security/default-devices.js'
import { setUpContainer } from '../../src/setup/container-setup.js'
import { place } from '../../src/setup/place.js'
import { newFileSystem } from '../../src/setup/rootfs.js'
import type { Terminal } from '../../src/setup/terminal.js'

/** Where a test's container is, on the host. */
export interface Bundle {
  readonly path: string
  readonly rootfs: string
  readonly config: Config
}

/** A root file system of busybox with a TCP server, and the configuration of a container that serves there. */
export function makeBundle(path: string, network: string): Bundle {
  const rootfs = join(path, 'rootfs')
  for (const folder of ['bin', 'proc', 'sys', 'dev', 'tmp', 'real'])
    mkdirSync(join(rootfs, folder), { recursive: true })
  mkdirSync(join(path, 'volume'))
  writeFileSync(join(path, 'volume', 'note'), 'from the volume\n')
  writeFileSync(join(path, 'hosts'), '127.0.0.1 localhost\n')
  symlinkSync('/real', join(rootfs, 'link'))
  const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
  copyFileSync(busybox, join(rootfs, 'bin/busybox'))
  for (const name of ['sh', 'nc', 'cat', 'sleep']) symlinkSync('busybox', join(rootfs, 'bin', name))
  // what it counts is in the memory of a process for each connection
  writeFileSync(
    join(rootfs, 'bin/count'),
    '#!/bin/sh\nn=0\nwhile read -r line; do n=$((n + 1)); echo "$n $line"; done\n',
  )
  chmodSync(join(rootfs, 'bin/count'), 0o755)
  const config: Config = {
    ociVersion: '1.2.0',
    root: { path: 'rootfs' },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
      { destination: '/dev/pts', type: 'devpts', source: 'devpts' },
      { destination: '/dev/shm', type: 'tmpfs', source: 'shm' },
      { destination: '/link/volume', type: 'bind', source: 'volume', options: ['rbind'] },
      { destination: '/etc/hosts', source: join(path, 'hosts'), options: ['bind', 'ro'] },
    ],
    linux: {
      namespaces: [
        { type: 'pid' },
        { type: 'mount' },
        { type: 'uts' },
        { type: 'ipc' },
        { type: 'network', path: network },
      ],
      maskedPaths: ['/proc/keys', '/proc/not-there'],
      readonlyPaths: ['/proc/sys', '/proc/irq'],
    },
  }
  return { path, rootfs, config }
}

/** A group for a container: at the end of its block what is in it is killed, and it is removed. */
export function makeCgroup(name: string): Cgroup {
  return createCgroup(`/ctr-checkpoint-${process.pid}-${name}`)
}

/** Adds joining a group to the program of a child; the open files are the caller's. */
export function joining(fds: readonly number[]): (program: Program) => void {
  return (program) => {
    for (const fd of fds) program.call('write', [fd, '0', 1])
  }
}

/** How a test's container is started. */
export interface StartOptions {
  readonly command: readonly string[]
  readonly stdio?: readonly [Stdio, Stdio, Stdio]
  readonly terminal?: Terminal
}

/** Starts the container of a bundle, without any code of the commands. */
export async function startContainer(
  { path, rootfs, config }: Bundle,
  cgroup: Cgroup,
  { command, stdio, terminal }: StartOptions,
): Promise<SpawnedProcess> {
  const mountpoint = join(path, 'mountpoint')
  mkdirSync(mountpoint)
  const network = config.linux!.namespaces!.find(({ type }) => type === 'network')!.path!
  // as a container without a cgroup namespace sees its groups on v1
  const groups = cgroup.hierarchy.mounts.flatMap(({ version, name, controllers, mountpoint }) =>
    version === 2 ? [] : [{ name: name ?? controllers.join(','), folder: join(mountpoint, cgroup.path) }],
  )
  using joinFds = cgroup.openJoinFds()
  return await spawn({
    command,
    env: { PATH: '/bin' },
    stdio,
    terminal: terminal?.slave,
    session: true,
    namespaces: { pid: 'new', mount: 'new', uts: 'new', ipc: 'new', network: { path: network } },
    before: joining(joinFds.writeZero),
    prepareFds: terminal === undefined ? [] : [terminal.mount],
    prepare: (program) => {
      const open = groups.map(({ folder }) => program.call('open_tree', [AT_FDCWD, folder, OPEN_TREE_CLONE]))
      setUpContainer(program, {
        root: { folder: rootfs },
        mountpoint,
        readOnlyRoot: false,
        rootWithoutDevices: false,
        hostDevices: false,
        hasTerminalGroup: true,
        hostSys: false,
        clonesDetachedMounts: true,
        binds: [
          { source: join(path, 'volume'), target: '/link/volume', readOnly: false, kind: 'folder' },
          { source: join(path, 'hosts'), target: '/etc/hosts', readOnly: true, kind: 'file' },
        ],
        files: [],
        tmpfs: [],
        sharedMemory: 'private',
        writableSystem: false,
        devices: defaultDevices,
        deviceLinks: defaultDeviceLinks,
        devpts: terminal?.mount,
        shmSize: 1 << 20,
        maskedPaths: [{ path: '/proc/keys', kind: 'file' }],
        readOnlyPaths: ['/proc/sys', '/proc/irq'],
        cgroups: [],
        sysctls: {},
        loopback: false,
        cwd: '/',
      })
      if (groups.length === 0) return
      program.call('umount2', ['/sys/fs/cgroup', MNT_DETACH])
      const root = program.call('openat', [AT_FDCWD, '/', O_PATH])
      place(program, root, newFileSystem(program, 'tmpfs', [], 0), '/sys/fs/cgroup', 'folder')
      groups.forEach(({ name }, index) => {
        place(program, root, open[index]!, `/sys/fs/cgroup/${name}`, 'folder')
      })
    },
  })
}
