import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { onTerminal } from '@ctr/testing'
import { CtrRuntime, type Ended } from './ctr-runtime.js'

// what engines keep outside of the folders that they are given
const hidden = [
  '/run',
  '/dev/shm',
  '/var/lib/containers',
  '/var/lib/cni',
  '/etc/cni',
  '/var/cache/containers',
]

/**
 * A place for an engine and its daemon: a mount and a network namespace of their own, in which what they keep at
 * fixed paths is hidden, a folder, and the built `ctr-runtime`. All of it goes with {@link close}.
 */
export class EngineHost {
  readonly folder = mkdtempSync(join(tmpdir(), 'ctr-engine-'))
  readonly runtime = new CtrRuntime(this.folder)
  readonly #env: NodeJS.ProcessEnv
  readonly #namespaces: ChildProcess
  readonly #cgroups: ReadonlySet<string>
  readonly #groups: readonly string[]

  private constructor(groups: readonly string[], env: NodeJS.ProcessEnv) {
    this.#groups = groups
    this.#cgroups = new Set(cgroupsNamed(groups))
    this.#env = {
      ...process.env,
      NODE_OPTIONS: '',
      HOME: this.folder,
      TMPDIR: join(this.folder, 'temporary'),
      ...env,
    }
    mkdirSync(join(this.folder, 'temporary'))
    const hide = hidden.map((path) => `! [ -d ${path} ] || mount -t tmpfs tmpfs ${path}`).join(' && ')
    this.#namespaces = spawn(
      'unshare',
      ['--mount', '--net', 'sh', '-c', `${hide} && ip link set lo up && echo ready && exec sleep infinity`],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
  }

  /**
   * @param groups - Names of cgroups that the engine makes at the top and leaves behind.
   * @param env - Settings of the engine.
   */
  static async open(groups: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<EngineHost> {
    const host = new EngineHost(groups, env)
    await once(host.#namespaces.stdout!, 'data')
    return host
  }

  /** The command line that runs a program here. */
  line(...command: readonly string[]): readonly [string, ...string[]] {
    return ['nsenter', '-t', String(this.#namespaces.pid), '-m', '-n', ...command]
  }

  /** Runs a program to its end. */
  run(command: readonly string[], { input = '', env = {} }: RunOptions = {}): Ended {
    const [program, ...args] = this.line(...command)
    // what it leaves in the background must not keep us waiting for its streams
    const out = join(this.folder, 'stdout')
    const err = join(this.folder, 'stderr')
    const { status } = spawnSync('sh', ['-c', 'exec "$@" >"$OUT" 2>"$ERR"', 'sh', program, ...args], {
      input,
      env: { ...this.#env, ...env, OUT: out, ERR: err },
      timeout: 60_000,
    })
    return { code: status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') }
  }

  /** Runs one on a terminal; see `onTerminal`. */
  onTerminal(typed: string, command: readonly string[]): Promise<string> {
    return onTerminal(typed, this.line(...command), this.#env)
  }

  /** Starts a daemon, which writes to `NAME.log`, and waits until a command succeeds. */
  async startDaemon(command: readonly string[], ready: readonly string[]): Promise<ChildProcess> {
    const [program, ...args] = this.line('sh', '-c', 'exec "$@" >"$LOG" 2>&1', 'sh', ...command)
    const log = join(this.folder, 'daemon.log')
    const daemon = spawn(program, args, { stdio: 'ignore', env: { ...this.#env, LOG: log } })
    for (let attempt = 0; this.run(ready).code !== 0; attempt++) {
      if (attempt === 900 || daemon.exitCode !== null)
        throw new Error(`${command[0]!} does not start: ${readFileSync(log, 'utf8').slice(-2000)}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    return daemon
  }

  /** Makes an image of Debian's static busybox, as an archive that all engines load. */
  imageArchive(name: string): string {
    const root = join(this.folder, 'busybox')
    for (const folder of ['bin', 'etc', 'tmp', 'work']) mkdirSync(join(root, folder), { recursive: true })
    const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
    cpSync(busybox, join(root, 'bin/busybox'))
    for (const applet of execFileSync(busybox, ['--list'], { encoding: 'utf8' }).trim().split('\n'))
      if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
    writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/work:/bin/sh\n')
    const image = join(this.folder, 'image')
    mkdirSync(image)
    execFileSync('tar', ['-C', root, '-cf', join(image, 'layer.tar'), '.'])
    const digest = createHash('sha256')
      .update(readFileSync(join(image, 'layer.tar')))
      .digest('hex')
    const config = {
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: { Env: ['PATH=/bin'], Cmd: ['sh'] },
      rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
      history: [{ created_by: 'test' }], // builders count it
    }
    const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]
    writeFileSync(join(image, 'config.json'), JSON.stringify(config))
    writeFileSync(join(image, 'manifest.json'), JSON.stringify(manifest))
    const archive = join(this.folder, 'image.tar')
    execFileSync('tar', ['-C', image, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar'])
    return archive
  }

  /** Ends what {@link open} has begun. Containers and daemons must have ended. */
  async close(): Promise<void> {
    const ended = once(this.#namespaces, 'exit')
    this.#namespaces.kill('SIGKILL')
    await ended
    rmSync(this.folder, { recursive: true, force: true })
    for (const path of cgroupsNamed(this.#groups).reverse()) if (!this.#cgroups.has(path)) removeGroup(path)
  }
}

interface RunOptions {
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Ends a daemon and waits for it. */
export async function endDaemon(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return
  const ended = once(daemon, 'exit')
  daemon.kill('SIGTERM')
  await ended
}

/** In each hierarchy of v1, or the one of v2, with what is below them; parents first. */
function cgroupsNamed(names: readonly string[]): string[] {
  const top = '/sys/fs/cgroup'
  const found = [top, ...foldersIn(top)].flatMap((hierarchy) =>
    foldersIn(hierarchy).filter((path) => names.includes(basename(path))),
  )
  return [...new Set(found.flatMap(withChildren))].sort()
}

// podman makes groups of controllers that no hierarchy is mounted for, of folders and files
function removeGroup(path: string): void {
  try {
    rmdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
    rmSync(path, { recursive: true })
  }
}

function withChildren(path: string): string[] {
  return [path, ...foldersIn(path).flatMap(withChildren)]
}

function foldersIn(path: string): string[] {
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(path, name))
}
