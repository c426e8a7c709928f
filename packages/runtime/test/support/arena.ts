import { execFileSync } from 'node:child_process'
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@ctr/testing'
import type { Config, ConfigProcess } from '../../src/oci/config/config.js'
import { defaultConfig } from '../../src/oci/config/default-config.js'
import type { OciContainer } from '../../src/oci/container.js'
import type { ContainerProcess } from '../../src/oci/container-process.js'
import type { CreateOptions } from '../../src/oci/create.js'
import type { ExecOptions } from '../../src/oci/exec.js'
import { OciRuntime } from '../../src/oci/runtime.js'

/** What a process has printed, and how it has ended. */
export interface Outcome {
  readonly exitCode: number | undefined
  readonly output: string
}

/** Changes the config of a container before it is written. */
export type Change = (config: Config) => Config

/** A container that a test attacks from. */
export interface Attacker extends AsyncDisposable {
  readonly container: OciContainer
  readonly bundle: string
  readonly rootfs: string
  /** What its first process has printed so far. */
  output(): string
  exec(command: string | readonly string[], options?: AttackExec): Promise<Outcome>
}

/** Settings of an `exec`, with what is other than usual in its process. */
export type AttackExec = Partial<Omit<ExecOptions, 'process'>> & { readonly process?: Partial<ConfigProcess> }

/** What containers of docker and podman have. */
export const engineCapabilities = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
] as const

/** A state folder, and bundles of Debian's static busybox with its Python bound from the host. */
export class Arena implements Disposable {
  readonly #folder = temporaryFolder()
  readonly runtime = OciRuntime.open({ root: join(this.#folder.path, 'state') })
  #count = 0

  get path(): string {
    return this.#folder.path
  }

  /** Writes a bundle whose process is a script of busybox's shell, or another command. */
  bundle(command: string | readonly string[], change: Change = (config) => config): string {
    const path = join(this.path, `bundle-${this.#count++}`)
    const rootfs = join(path, 'rootfs')
    for (const name of ['bin', 'proc', 'sys', 'dev', 'tmp', 'etc', 'usr', 'work'])
      mkdirSync(join(rootfs, name), { recursive: true })
    const busybox = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim()
    cpSync(busybox, join(rootfs, 'bin/busybox'))
    for (const name of applets) symlinkSync('busybox', join(rootfs, 'bin', name))
    for (const name of ['lib', 'lib64']) symlinkSync(`usr/${name}`, join(rootfs, name))
    writeFileSync(join(rootfs, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
    const base = defaultConfig({ cgroupNamespace: false })
    const usr = { destination: '/usr', source: '/usr', options: ['bind', 'ro'] }
    const config = change({
      ...base,
      root: { path: 'rootfs' },
      mounts: [...(base.mounts ?? []), usr],
      process: {
        terminal: false,
        user: { uid: 0, gid: 0 },
        args: commandOf(command),
        env: ['PATH=/bin:/usr/bin'],
        cwd: '/',
        ...capabilities(engineCapabilities),
      },
    })
    writeFileSync(join(path, 'config.json'), JSON.stringify(config))
    return path
  }

  /** Creates a container whose output is kept. */
  async create(
    command: string | readonly string[],
    change?: Change,
    options: Partial<CreateOptions> = {},
  ): Promise<Attacker> {
    const bundle = this.bundle(command, change)
    const id = `attack-${process.pid}-${this.#count}`
    const file = join(bundle, 'output')
    const fd = openSync(file, 'w+')
    try {
      const container = await this.runtime.create(id, { bundle, stdio: ['ignore', fd, fd], ...options })
      return {
        container,
        bundle,
        rootfs: join(bundle, 'rootfs'),
        output: () => readFileSync(file, 'utf8'),
        exec: (command, options) => this.exec(container, command, options),
        async [Symbol.asyncDispose]() {
          await container.delete({ force: true })
        },
      }
    } finally {
      closeSync(fd)
    }
  }

  /** Creates and starts one. */
  async start(...args: Parameters<Arena['create']>): Promise<Attacker> {
    const attacker = await this.create(...args)
    try {
      await attacker.container.start()
      return attacker
    } catch (error) {
      await attacker[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Runs one to its end. */
  async run(...args: Parameters<Arena['create']>): Promise<Outcome> {
    await using attacker = await this.start(...args)
    const { exitCode } = await attacker.container.wait()
    return { exitCode, output: attacker.output() }
  }

  /** Executes a command in a container to its end. */
  async exec(
    container: OciContainer,
    command: string | readonly string[],
    { process, ...options }: AttackExec = {},
  ): Promise<Outcome> {
    const file = join(this.path, `exec-${this.#count++}`)
    const fd = openSync(file, 'w+')
    let started: ContainerProcess
    try {
      started = await container.exec({
        stdio: ['ignore', fd, fd],
        ...options,
        process: {
          user: { uid: 0, gid: 0 },
          args: commandOf(command),
          env: ['PATH=/bin:/usr/bin'],
          cwd: '/',
          ...capabilities(engineCapabilities),
          ...process,
        },
      })
    } finally {
      closeSync(fd)
    }
    const { exitCode } = await started.wait()
    return { exitCode, output: readFileSync(file, 'utf8') }
  }

  [Symbol.dispose](): void {
    execFileSync('rm', ['-rf', this.path]) // paths may be longer than Node can remove
    this.#folder[Symbol.dispose]()
  }
}

/** The same four sets for a process. */
export function capabilities(names: readonly string[]): Pick<ConfigProcess, 'capabilities'> {
  const sets = { bounding: names, effective: names, permitted: names } as unknown
  return { capabilities: sets as NonNullable<ConfigProcess['capabilities']> }
}

/** Gives the first process more capabilities than usual. */
export function withCapabilities(...more: readonly string[]): Change {
  return (config) => ({
    ...config,
    process: { ...config.process!, ...capabilities([...engineCapabilities, ...more]) },
  })
}

/** Leaves a namespace out, so that the container shares the host's. */
export function without(kind: string): Change {
  return (config) => ({
    ...config,
    linux: { ...config.linux, namespaces: config.linux?.namespaces?.filter(({ type }) => type !== kind) },
  })
}

/** One change after the other. */
export function all(...changes: readonly Change[]): Change {
  return (config) => changes.reduce((changed, change) => change(changed), config)
}

function commandOf(command: string | readonly string[]): readonly string[] {
  return typeof command === 'string' ? ['sh', '-c', command] : command
}

const applets = [
  'sh cat chmod echo env grep head id kill ln ls mkdir mkfifo mknod mount mv nc od pivot_root ps readlink rm sed',
  'seq setsid sleep sort stat sync tail tee timeout touch tr true truncate tty umount uniq wc chroot cp dd sysctl',
]
  .join(' ')
  .split(' ')
