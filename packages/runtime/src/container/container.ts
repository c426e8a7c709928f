import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cgroup, CgroupStats } from '@ctr/cgroups'
import type { ExitStatus } from '@ctr/linux'
import type { Change } from '@ctr/overlay'
import { readFileIn } from '@ctr/overlay'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { capabilityNumber, defaultCapabilities } from '../security/capability.js'
import type { ExecOptions } from '../options.js'
import type { TerminalStream } from '../setup/terminal-stream.js'
import { execIn, type ExecProcess } from './exec.js'
import { readLogs, type LogEntry, type LogOptions } from './logs.js'
import type { ContainerExit, ContainerRecord } from './record.js'
import { cgroupOf } from './cgroups.js'
import { releaseRunning, removeFiles } from './release.js'
import { signalNumber } from './spec.js'
import type { StartedContainer } from './start.js'
import type { WarmRoot } from './warm-roots.js'
import { noDelegation } from '../rootless/limits.js'
import { processesWith } from '../rootless/processes-with.js'
import { foundProcess, ownProcess, type WatchedProcess } from './watched-process.js'

/** Most containers are removed as soon as they have ended: then how they ended need not be written. */
const saveAfterMs = 20

/** A container: running, or ended and not removed yet. */
export class Container implements AsyncDisposable {
  /** 64 hexadecimal digits. */
  readonly id: string
  /** Name, unique in its runtime. */
  readonly name: string
  /** Standard input, where it is a pipe of ours. */
  readonly stdin: Writable | null = null
  /** Standard output, where it is a pipe of ours. Read it: a program that cannot write on waits. */
  readonly stdout: Readable | null = null
  /** Standard error, where it is a pipe of ours. */
  readonly stderr: Readable | null = null
  /** The other side of the container's terminal, where it has one. */
  readonly terminal: TerminalStream | null = null

  readonly #context: Context
  /** The first process; of a container that was found it is looked for when it is first needed. */
  #known: WatchedProcess | undefined
  #lookedFor: boolean
  #record: ContainerRecord
  #cgroup: Cgroup | undefined
  #warm: WarmRoot | undefined
  #exit: Promise<ContainerExit> | undefined
  /** Set for a container that was started here. */
  #removed: (() => void) | undefined
  #saving: NodeJS.Timeout | undefined
  #gone = false

  private constructor(
    context: Context,
    record: ContainerRecord,
    init: WatchedProcess | undefined,
    cgroup: Cgroup | undefined,
  ) {
    this.#context = context
    this.#record = record
    this.#known = init
    this.#lookedFor = init !== undefined
    this.#cgroup = cgroup
    this.id = record.id
    this.name = record.name
  }

  /** @internal A container that was just started here. `removed` is told when it is no more. */
  static started(
    context: Context,
    { record, process, cgroup, terminal, warm }: StartedContainer,
    removed: () => void,
  ): Container {
    const container = new Container(context, record, ownProcess(process), cgroup)
    container.#removed = removed
    container.#warm = warm
    Object.assign(container, {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      terminal: terminal ?? null,
    })
    container.#exit = container.#finish(process.wait())
    container.#exit.catch(() => undefined) // told to whoever waits
    return container
  }

  /** @internal A container that is on disk. */
  static found(context: Context, record: ContainerRecord): Container {
    return new Container(context, record, undefined, undefined)
  }

  /** What it was made from and what it is now. */
  inspect(): ContainerRecord {
    return this.#record
  }

  /** Process id of the container's first process on the host; null once it has ended. */
  get pid(): number | null {
    return this.#record.status === 'running' ? this.#record.pid : null
  }

  /**
   * Resolves when the container's program has ended and what only a running container needs (cgroup, network)
   * was given back.
   *
   * @returns How it ended; `oomKilled` when the kernel killed in it for its memory limit.
   */
  wait(): Promise<ContainerExit> {
    this.#exit ??=
      this.#record.exit === null
        ? this.#finish(this.#init?.wait() ?? Promise.resolve(undefined))
        : Promise.resolve(this.#record.exit)
    return this.#exit
  }

  /**
   * Runs a program in the container.
   *
   * @param command - Program and arguments.
   * @returns The running program: its own streams and `wait()`.
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`; `ERR_RUNTIME_COMMAND_NOT_FOUND` (127),
   *   `ERR_RUNTIME_COMMAND_NOT_EXECUTABLE` (126); `ERR_RUNTIME_START` for any other step.
   */
  async exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecProcess> {
    using _turn = await this.#context.rootless?.turns.take('join')
    const init = this.#running('run a program in')
    const cgroup = this.#openCgroup()
    if (cgroup === undefined && this.#context.hasCgroups) throw this.#notRunning('run a program in')
    try {
      return await execIn(this.#context, this.#record, { init, cgroup }, command, options)
    } finally {
      this.#forgetFound()
    }
  }

  /**
   * Sends a signal to the container's first process.
   *
   * @param signal - Name or number. Default `SIGKILL`.
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`.
   */
  kill(signal: string | number = 'SIGKILL'): void {
    const number = signalNumber(signal)
    const reached = this.#running('signal').kill(number)
    this.#forgetFound()
    if (!reached) throw this.#notRunning('signal')
  }

  /**
   * Asks the program to end, and ends it when it does not.
   *
   * @param timeoutMs - How long it may take. Default 10000.
   */
  async stop({
    timeoutMs = 10_000,
  }: { readonly timeoutMs?: number | undefined } = {}): Promise<ContainerExit> {
    const ended = this.wait()
    this.#init?.kill(this.#record.stopSignal)
    const abort = new AbortController()
    const inTime = await Promise.race([
      ended.then(() => true),
      sleep(timeoutMs, false, { signal: abort.signal }).catch(() => false),
    ])
    abort.abort()
    if (!inTime) this.#init?.kill(9)
    return await ended
  }

  /** True between `pause()` and `unpause()`, whichever process has called them. */
  get isPaused(): boolean {
    return this.#record.status === 'running' && (this.#openCgroup()?.isFrozen() ?? false)
  }

  /** Stops every process of the container where it is, until `unpause()`. */
  async pause(): Promise<void> {
    this.#running('pause')
    this.#needCgroup('pause')
    this.#forgetFound()
    await this.#openCgroup()?.freeze()
  }

  /** Lets a paused container go on. */
  async unpause(): Promise<void> {
    this.#running('unpause')
    this.#forgetFound()
    await this.#openCgroup()?.thaw()
  }

  /**
   * What the container uses at this moment.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`.
   */
  stats(): CgroupStats {
    this.#running('read the figures of')
    this.#needCgroup('read the figures of')
    this.#forgetFound()
    const cgroup = this.#openCgroup()
    if (cgroup === undefined) throw this.#notRunning('read the figures of')
    return cgroup.stats()
  }

  /** Process ids on the host of everything that runs in the container. */
  processes(): number[] {
    const { pid } = this
    if (!this.#context.hasCgroups) return pid === null ? [] : processesWith(pid)
    return this.#openCgroup()?.processes() ?? []
  }

  /**
   * What it has written to streams that were `'log'`, oldest first.
   *
   * The two streams are two files: order is kept within each, not between them.
   */
  logs(options: LogOptions = {}): AsyncIterable<LogEntry> {
    return readLogs(this.#context.records.folder(this.id), { ...options, ended: () => this.wait() })
  }

  /** Files that differ from the image: added, changed, deleted. Empty for a root file system used as it is. */
  async changes(): Promise<readonly Change[]> {
    const { rootId } = this.#record
    return rootId === null ? [] : await (await this.#context.layers.openRoot(rootId)).changes()
  }

  /**
   * Reads a file of the container, running or not. The path is resolved inside its root: no link leads out.
   *
   * @param path - Absolute path in the container.
   * @throws `OverlayError` `ERR_OVERLAY_NOT_FOUND`, `ERR_OVERLAY_LIMIT` beyond 16 MiB.
   */
  async readFile(path: string): Promise<Buffer> {
    if (this.#record.status === 'running')
      return await readFileIn(`/proc/${this.#record.pid ?? 0}/root`, path)
    if (this.#warm !== undefined) return await readFileIn(this.#warm.mount.number, path)
    const { rootId, rootfs } = this.#record
    if (rootId === null) return await readFileIn(rootfs ?? '/', path)
    using mounted = (await this.#context.layers.openRoot(rootId)).mount()
    return await readFileIn(mounted.number, path)
  }

  /**
   * Removes the container with everything that it has written. Idempotent.
   *
   * @param force - Kill it first when it is running. Default false.
   * @param volumes - Remove the volumes that were made for it without a name. Default: only those of a container with
   *   `autoRemove`.
   * @throws {@link RuntimeError} `ERR_RUNTIME_RUNNING` without `force`.
   */
  async remove({
    force = false,
    volumes = false,
  }: { readonly force?: boolean | undefined; readonly volumes?: boolean | undefined } = {}): Promise<void> {
    if (this.#record.status === 'running' && this.#init !== undefined) {
      if (!force) {
        throw new RuntimeError(
          'ERR_RUNTIME_RUNNING',
          `cannot remove container ${this.name}: it is running; stop it, or remove it with force`,
        )
      }
      this.#init.kill(9)
      await this.#openCgroup()?.kill() // also what is paused
    }
    if (this.#context.records.has(this.id)) await this.wait()
    await this.#removeFiles(volumes)
    for (const stream of [this.stdin, this.stdout, this.stderr, this.terminal]) stream?.destroy()
  }

  /** Kills and removes the container, and its volumes without a name; lets go of a detached one. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#record.detached) this.#known?.release()
    else await this.remove({ force: true, volumes: true })
  }

  /** From the end of the program to the end of the container: figures, release, record. */
  async #finish(ended: Promise<ExitStatus | undefined>): Promise<ContainerExit> {
    const status = await ended
    if (this.#gone) return unwatched
    const cgroup = this.#openCgroup()
    const exit: ContainerExit = {
      exitCode: status?.exitCode ?? null,
      signal: status?.signal ?? null,
      oomKilled: (cgroup?.oomKills() ?? 0) > 0,
      finishedAt: status === undefined ? null : new Date().toISOString(),
    }
    await releaseRunning(this.#context, this.id, {
      cgroup,
      networked: this.#record.network.mode === 'bridge',
    })
    this.#cgroup = undefined
    this.#record = { ...this.#record, status: 'exited', exit }
    if (this.#record.autoRemove) await this.#removeFiles(true)
    else if (this.#removed === undefined) this.#save()
    else this.#saving = setTimeout(() => this.#save(), saveAfterMs)
    return exit
  }

  /** Writes how it ended, unless it was removed meanwhile. */
  #save(): void {
    this.#stopSaving()
    if (this.#context.records.has(this.id)) this.#context.records.save(this.#record)
  }

  #stopSaving(): void {
    clearTimeout(this.#saving)
    this.#saving = undefined
  }

  async #removeFiles(volumes: boolean): Promise<void> {
    this.#stopSaving()
    const warm = this.#warm
    this.#warm = undefined
    if (warm !== undefined) await this.#context.roots.giveBack(warm, isOrdinary(this.#record))
    const record = warm === undefined ? this.#record : { ...this.#record, rootId: null }
    await removeFiles(this.#context, record, { anonymousVolumes: volumes || record.autoRemove })
    this.#removed?.()
  }

  /**
   * @internal The runtime closes. An ended container stays on disk until it is removed; a detached one goes on, and
   * whoever opens the runtime next notes how it ends.
   */
  letGo(): void {
    this.#gone = true
    if (this.#saving !== undefined) this.#save()
    this.#warm?.mount.close()
    this.#warm = undefined
  }

  #openCgroup(): Cgroup | undefined {
    this.#cgroup ??= cgroupOf(this.#context, this.id)
    return this.#cgroup
  }

  get #init(): WatchedProcess | undefined {
    if (!this.#lookedFor && this.#record.status === 'running') {
      this.#lookedFor = true
      this.#known = foundProcess(this.#context, this.#record)
    }
    return this.#known
  }

  /** A found process is held open only while it is used or waited for, so that handles need no closing. */
  #forgetFound(): void {
    if (this.#removed !== undefined || this.#exit !== undefined) return
    this.#known?.release()
    this.#known = undefined
    this.#lookedFor = false
  }

  #running(what: string): WatchedProcess {
    if (this.#record.status !== 'running' || this.#init === undefined) throw this.#notRunning(what)
    return this.#init
  }

  #needCgroup(what: string): void {
    if (this.#context.hasCgroups) return
    throw new RuntimeError(
      'ERR_RUNTIME_LIMIT',
      `cannot ${what} container ${this.name}: it has no cgroup; ${noDelegation}`,
    )
  }

  #notRunning(what: string): RuntimeError {
    return new RuntimeError(
      'ERR_RUNTIME_NOT_RUNNING',
      `cannot ${what} container ${this.name}: its program has ended`,
    )
  }
}

const unwatched: ContainerExit = { exitCode: null, signal: null, oomKilled: false, finishedAt: null }

const ordinary = new Set(defaultCapabilities.map((name) => capabilityNumber(name)))

/** Without more than the default capabilities a container cannot change its mount or the flags of its files. */
function isOrdinary({ capabilities }: ContainerRecord): boolean {
  return capabilities.bounding.every((number) => ordinary.has(number))
}
