import { execFileSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@ctr/testing'
import type { Config, ConfigMount } from '../../src/oci/config/config.js'
import type { OciContainer } from '../../src/oci/container.js'
import { OciRuntime } from '../../src/oci/runtime.js'

/** What becomes of a container. */
export interface Outcome {
  readonly exitCode: number | undefined
  /** Output and error output together, without the line end behind it. */
  readonly output: string
}

/** What a container is to have beside a minimum. */
export interface Wish {
  readonly mounts?: readonly ConfigMount[]
  /** Before the standard ones. */
  readonly first?: readonly ConfigMount[]
  /** Instead of the standard ones. */
  readonly standard?: readonly ConfigMount[]
  readonly linux?: Partial<NonNullable<Config['linux']>>
  readonly user?: boolean
  readonly readonly?: boolean
  readonly cwd?: string
  readonly noPivot?: boolean
  readonly apparmorProfile?: string
  readonly terminal?: boolean
}

export const standardMounts: readonly ConfigMount[] = [
  { destination: '/proc', type: 'proc', source: 'proc' },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
  { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
]

/** A user namespace in which ids begin at 100000 on the host. */
export const mappings = [{ containerID: 0, hostID: 100_000, size: 65_536 }]

/** A bundle with busybox in a temporary folder, whose containers run one script each. */
export class TestBundle implements Disposable {
  readonly #folder = temporaryFolder('ctr-oci-')
  readonly rootfs = join(this.#folder.path, 'bundle', 'rootfs')
  readonly runtime = OciRuntime.open({ root: join(this.#folder.path, 'state') })
  #count = 0

  constructor() {
    for (const folder of ['bin', 'proc', 'sys', 'dev', 'tmp', 'mnt'])
      mkdirSync(join(this.rootfs, folder), { recursive: true })
    const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
    copyFileSync(busybox, join(this.rootfs, 'bin/busybox'))
    symlinkSync('busybox', join(this.rootfs, 'bin/sh'))
    execFileSync('chmod', ['755', this.#folder.path])
  }

  /** A path beside the bundle. */
  beside(name: string): string {
    return join(this.#folder.path, name)
  }

  /** Path of the bundle, which relative sources are in. */
  get path(): string {
    return join(this.#folder.path, 'bundle')
  }

  /** Runs a script of busybox in a container. Rejects when the container cannot be made. */
  async run(script: string, wish: Wish = {}): Promise<Outcome> {
    const container = await this.start(script, wish)
    const { exitCode } = await container.wait()
    await container.delete()
    return { exitCode, output: readFileSync(this.beside('output'), 'utf8').trimEnd() }
  }

  /** Starts a container; what it prints goes to the file `output` beside the bundle. */
  async start(script: string, wish: Wish = {}): Promise<OciContainer> {
    this.#configure(script, wish)
    const output = openSync(this.beside('output'), 'w')
    try {
      const container = await this.runtime.create(`box${++this.#count}`, {
        bundle: this.path,
        stdio: ['ignore', output, output],
        noPivot: wish.noPivot,
        ...(wish.terminal === true ? { terminal: 'stream' } : {}),
      })
      await container.start()
      return container
    } finally {
      closeSync(output)
    }
  }

  #configure(script: string, wish: Wish): void {
    const { mounts = [], first = [], standard = standardMounts, user = false } = wish
    const namespaces = (['pid', 'mount', 'ipc', 'uts', 'network'] as const).map((type) => ({ type }))
    const config: Config = {
      ociVersion: '1.2.0',
      root: { path: 'rootfs', readonly: wish.readonly ?? false },
      process: {
        args: ['busybox', 'sh', '-c', script],
        terminal: wish.terminal ?? false,
        cwd: wish.cwd ?? '/',
        env: ['PATH=/bin'],
        user: { uid: 0, gid: 0 },
        capabilities: { bounding: caps, effective: caps, permitted: caps },
        ...(wish.apparmorProfile === undefined ? {} : { apparmorProfile: wish.apparmorProfile }),
      },
      mounts: [...first, ...standard, ...mounts],
      linux: {
        namespaces: [...namespaces, ...(user ? [{ type: 'user' as const }] : [])],
        ...(user ? { uidMappings: mappings, gidMappings: mappings } : {}),
        ...wish.linux,
      },
    }
    writeFileSync(join(this.path, 'config.json'), JSON.stringify(config))
  }

  /** The output of a script that ends well. */
  async output(script: string, wish?: Wish): Promise<string> {
    const { exitCode, output } = await this.run(script, wish)
    if (exitCode !== 0) throw new Error(`the script ended with ${exitCode}: ${output}`)
    return output
  }

  /** What is said about a container that cannot be made. */
  async refusal(wish: Wish): Promise<string> {
    const made = this.run('true', wish)
    return await made.then(
      () => 'made',
      (error: unknown) => (error as Error).message,
    )
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]()
  }
}

const caps = ['CAP_SYS_ADMIN', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_MKNOD'] as const
