// A container runtime of one's own in under 100 lines, from the lower packages and without @ctr/runtime: image,
// layers, root file system, cgroup, namespaces, exec. As root: node run.mjs custom-runtime [IMAGE [COMMAND...]]
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createCgroup, cpuBandwidth } from '@ctr/cgroups'
import * as linux from '@ctr/linux'
import { spawn } from '@ctr/namespaces'
import { LayerStore } from '@ctr/overlay'
import { ImageStore, type StoredImage } from '@ctr/registry'
import { localRegistry } from './support/local-registry.js'
import { temporaryFolder } from './support/temporary-folder.js'
import { needRoot } from './support/need-root.js'

needRoot(
  'it has no user namespace; with one, and whatever else it takes, an ordinary user has: node run.mjs run',
)

/** Runs a command in an image with 64 MiB, half a processor and no network; resolves with its exit code. */
async function runContainer(
  folder: string,
  image: StoredImage,
  command: readonly string[],
): Promise<number | undefined> {
  const id = `ctr-custom-${process.pid}`
  const mountpoint = join(folder, 'mountpoint') // empty; only the child sees what is mounted there
  mkdirSync(mountpoint, { recursive: true })

  // 1. image layers become folders, and one overlay with a writable layer on top
  const layers = await LayerStore.open(join(folder, 'layers'))
  for (const layer of image.layers) await layers.add(layer.open(), { diffId: layer.diffId })
  await using root = await layers.createRoot(id, { layers: image.layers.map(({ diffId }) => diffId) })
  using rootMount = root.mount() // detached: at no path yet

  // 2. limits
  await using cgroup = createCgroup(`/${id}`, {
    memory: { limit: 64 * 2 ** 20, swap: 64 * 2 ** 20 },
    cpu: cpuBandwidth(0.5),
    pids: { limit: 64 },
  })
  using joining = cgroup.openJoinFds()

  // 3. namespaces, and what the child does in them before it becomes the command: one list of system calls
  const env = Object.fromEntries(
    (image.config.config.Env ?? []).map((line) => line.split(/=(.*)/s, 2)),
  ) as Record<string, string>
  await using child = await spawn({
    command,
    env,
    cwd: '/',
    hostname: 'custom',
    namespaces: { mount: 'new', pid: 'new', uts: 'new', ipc: 'new', network: 'new', cgroup: 'new' },
    noNewPrivileges: true,
    before: (program) => {
      program.step('join the cgroup')
      for (const fd of joining.writeZero) program.call('write', [fd, '0', 1])
    },
    prepareFds: [rootMount.number],
    prepare: (program) => enterRoot(program, rootMount.number, mountpoint),
  })
  const { exitCode } = await child.wait()
  console.log(`used ${cgroup.stats().cpu?.usageUsec ?? 0} µs and ${cgroup.stats().memory?.peak ?? 0} bytes`)
  for (const { kind, path } of await root.changes()) console.log(`changed: ${kind} ${path}`)
  return exitCode
}

/** The new root, a `/proc` and a `/dev` for it, and no way back to the old one. */
function enterRoot(program: linux.Program, root: number, mountpoint: string): void {
  const { MS_NOSUID, MS_NODEV, MS_NOEXEC } = linux
  program
    .step('keep mounts to ourselves')
    .call('mount', [null, '/', null, linux.MS_REC + linux.MS_PRIVATE, null])
  program
    .step('mount the root')
    .call('move_mount', [root, '', linux.AT_FDCWD, mountpoint, linux.MOVE_MOUNT_F_EMPTY_PATH])
  program.call('chdir', [mountpoint])
  program.step('change the root').call('pivot_root', ['.', '.'])
  program.call('umount2', ['.', linux.MNT_DETACH])
  program.call('chdir', ['/'])
  for (const folder of ['/proc', '/dev'])
    program.call('mkdirat', [linux.AT_FDCWD, folder, 0o755], { tolerate: ['EEXIST'] })
  program.step('mount /proc').call('mount', ['proc', '/proc', 'proc', MS_NOSUID + MS_NODEV + MS_NOEXEC, null])
  program.step('mount /dev').call('mount', ['tmpfs', '/dev', 'tmpfs', MS_NOSUID + MS_NOEXEC, 'mode=755'])
  for (const [name, minor] of Object.entries({ null: 3, zero: 5, random: 8, urandom: 9 })) {
    program.call('mknodat', [linux.AT_FDCWD, `/dev/${name}`, linux.S_IFCHR + 0o666, linux.makedev(1, minor)])
  }
}

const [wanted, ...command] = process.argv.slice(2)
await using registry =
  wanted === undefined ? await localRegistry({ programs: ['sh', 'ls', 'id'] }) : undefined
using folder = temporaryFolder()
const images = await ImageStore.open(join(folder.path, 'images'))
const image = await images.pull(wanted ?? registry!.image)
const script = 'id; ls /; echo "process $$ in $(ls -d /proc/[0-9]*)"; echo kept > /note; exit 7'
const exitCode = await runContainer(folder.path, image, command.length > 0 ? command : ['sh', '-c', script])
console.log(`exit code ${String(exitCode)}`)
