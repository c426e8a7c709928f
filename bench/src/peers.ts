import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { openCgroup, isCgroupError } from '@ctr/cgroups'
import { bundleConfig } from './bundle.js'
import type { RootTree } from './rootfs.js'
import { TimingShell } from './timing-shell.js'
import { idle } from './workload.js'

const execute = promisify(execFile)

/** Those that we are compared with. */
export const peerNames = ['crun', 'runc', 'podman', 'docker', 'containerd'] as const
export type PeerName = (typeof peerNames)[number]

/** The other runtimes on this machine, ready to run what we run. */
export class Peers implements AsyncDisposable {
  /** Those that are there, with the first line of `--version`. */
  readonly versions: ReadonlyMap<PeerName, string>
  /** One line for each that is not. */
  readonly missing: readonly string[]
  /** A name of our own for everything that is made among the peers. */
  readonly mark = `ctr-bench-${process.pid}`
  /** The image that docker and podman run. */
  readonly image = `localhost/ctr-bench:${process.pid}`
  readonly #enter: readonly string[]
  readonly #images: string[] = [this.image]
  #shell: TimingShell | undefined
  #folder = ''
  #stopDaemon = false

  private constructor(
    enter: readonly string[],
    versions: ReadonlyMap<PeerName, string>,
    missing: readonly string[],
  ) {
    this.#enter = enter
    this.versions = versions
    this.missing = missing
  }

  /**
   * Finds the peers, and gives each the root file system: as a bundle's folder, as an image.
   *
   * @param wanted - Those that will be asked for; nothing is done for the others.
   * @param script - The peers' script, else what is on the PATH.
   */
  static async open(wanted: readonly PeerName[], tree: RootTree, script: string | undefined): Promise<Peers> {
    const versions = new Map<PeerName, string>()
    const missing: string[] = []
    const peers = new Peers(script === undefined ? [] : [script, 'exec'], versions, missing)
    try {
      for (const name of peerNames.filter((peer) => wanted.includes(peer))) {
        const version = await peers.run(
          `command -v ${name} >/dev/null && ${name} --version | head -n 1 || true`,
        )
        if (version === '') missing.push(`not measured: ${name} is not installed`)
        else if (name === 'docker' && !(await peers.#findDaemon(script))) {
          missing.push('not measured: docker has no daemon that answers')
        } else versions.set(name, version)
      }
      await peers.#prepare(tree)
      return peers
    } catch (error) {
      await peers[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Whether a peer is there. */
  has(name: PeerName): boolean {
    return this.versions.has(name)
  }

  /** The shell that times the peers' commands. */
  get shell(): TimingShell {
    this.#shell ??= new TimingShell(this.#enter)
    return this.#shell
  }

  /** Folder of a bundle, where the peers see it. */
  bundle(name: 'true' | 'idle'): string {
    return `${this.#folder}/${name}`
  }

  /**
   * Runs a command among the peers, not timed.
   *
   * @param input - Its standard input. Default none.
   * @returns What it has printed.
   */
  async run(command: string, input?: Readable | string): Promise<string> {
    const [program, ...args] = [...this.#enter, 'bash', '-c', `set -e; ${command}`]
    const options = { maxBuffer: 2 ** 24 }
    if (input === undefined) return (await execute(program, args, options)).stdout.trim()
    const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
    const ended = once(child, 'close') as Promise<[number | null]>
    const source = typeof input === 'string' ? Readable.from([Buffer.from(input)]) : input
    const [[code]] = await Promise.all([ended, pipeline(source, child.stdin).catch(() => undefined)])
    if (code !== 0)
      throw new Error(
        `cannot run ${command} among the peers: ${complaint.trim() || `exit code ${String(code)}`}`,
      )
    return ''
  }

  /**
   * Gives docker and podman another image.
   *
   * @returns Its name.
   */
  async addImage(name: string, tree: RootTree): Promise<string> {
    const image = `localhost/ctr-bench-${name}:${process.pid}`
    this.#images.push(image)
    for (const peer of ['podman', 'docker'] as const) {
      if (this.has(peer)) await this.run(`${peer} import - ${image}`, tree.tar())
    }
    return image
  }

  /** Starts a container that stays, by docker or podman; it goes at the end. */
  async startIdle(name: 'docker' | 'podman', containerName: string, flags = ''): Promise<void> {
    await this.run(
      `${name} run -d --name ${containerName} --label ${this.mark} ${flags} ${this.image} ${idle.join(' ')}`,
    )
  }

  /** Removes every container that was started among the peers, in whatever state. */
  async removeContainers(): Promise<void> {
    for (const name of ['crun', 'runc'] as const) {
      if (!this.has(name)) continue
      await this.run(
        `for id in $(${name} list -q | grep '^${this.mark}' || true); do ${name} delete --force $id; done`,
      )
    }
    for (const name of ['podman', 'docker'] as const) {
      if (!this.has(name)) continue
      const time = name === 'podman' ? '-t 0' : ''
      await this.run(`${name} ps -aq --filter label=${this.mark} | xargs -r ${name} rm -f ${time} >/dev/null`)
    }
  }

  /** Takes everything away again, and ends the daemon if it was started for us. One failure keeps nothing else. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#shell?.[Symbol.dispose]()
    const failures: unknown[] = []
    const attempt = async (step: () => Promise<unknown>): Promise<void> => {
      await step().catch((error: unknown) => failures.push(error))
    }
    await attempt(() => this.removeContainers())
    for (const name of ['podman', 'docker'] as const) {
      if (this.has(name))
        await attempt(() => this.run(`${name} rmi -f ${this.#images.join(' ')} >/dev/null 2>&1 || true`))
    }
    if (this.#folder !== '') await attempt(() => this.run(`rm -rf ${this.#folder}`))
    await attempt(() => removeCgroup(`/${this.mark}`))
    if (this.#stopDaemon) await attempt(() => execute(this.#enter[0]!, ['stop']))
    if (failures.length > 0) {
      throw new AggregateError(
        failures,
        `cannot clean up among the peers: ${failures.map(String).join('; ')}`,
      )
    }
  }

  async #findDaemon(script: string | undefined): Promise<boolean> {
    const answers = (): Promise<boolean> =>
      this.run('docker info').then(
        () => true,
        () => false,
      )
    if (await answers()) return true
    if (script === undefined) return false
    this.#stopDaemon = true
    await execute(script, ['dockerd'])
    return await answers()
  }

  async #prepare(tree: RootTree): Promise<void> {
    if (this.has('crun') || this.has('runc')) {
      this.#folder = await this.run('mktemp -d')
      const rootfs = `${this.#folder}/rootfs`
      const etc = `${this.#folder}/etc`
      await this.run(`mkdir ${rootfs} ${etc}; touch ${etc}/hosts ${etc}/hostname ${etc}/resolv.conf`)
      await this.run(`tar -x -C ${rootfs}`, tree.tar())
      for (const [name, command] of [
        ['true', ['true']],
        ['idle', idle],
      ] as const) {
        const config = bundleConfig({ command, rootfs, etc, cgroupsPath: `/${this.mark}/${name}` })
        await this.run(`mkdir ${this.bundle(name)}; cat >${this.bundle(name)}/config.json`, config)
      }
    }
    for (const name of ['podman', 'docker'] as const) {
      if (this.has(name)) await this.run(`${name} import - ${this.image}`, tree.tar())
    }
  }
}

/** What crun and runc leave above a container's own group. */
async function removeCgroup(path: string): Promise<void> {
  try {
    await openCgroup(path).remove()
  } catch (error) {
    if (!isCgroupError(error) || error.code !== 'ERR_CGROUP_NOT_FOUND') throw error
  }
}
