import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cgroup, CgroupStats } from '@ctr/cgroups'
import { interfaceStats, type LinkStats } from '@ctr/netbridge'
import type { Change } from '@ctr/overlay'
import type { StoredImage } from '@ctr/registry'
import type { Context } from '../context.js'
import { RuntimeError } from '../errors.js'
import { isEnding } from '../host.js'
import { checkContainerName } from '../check-options.js'
import type { ExecOptions } from '../options.js'
import type { TerminalStream } from '../setup/terminal-stream.js'
import { KeptExec } from '../execs/kept-exec.js'
import { execIn, type ExecProcess } from './exec.js'
import { commitContainer, exportOf, type CommitOptions } from './commit.js'
import { unlessRemoved } from './cgroups.js'
import { changesOf, readFileOf, sizeOf, type ContainerSize } from './container-files.js'
import { ContainerFiles } from './copy.js'
import { unwatched } from './exit.js'
import { FirstProcess } from './first-process.js'
import { endedBefore, Holdings, type Ending, type StartedHere } from './holdings.js'
import { KeptRecord } from './kept-record.js'
import { logPosition, readLogs, type LogEntry, type LogOptions, type LogPosition } from './logs.js'
import type { ContainerLimits } from './container-limits.js'
import type { ContainerExit, ContainerNetwork, ContainerRecord } from './record.js'
import { needCgroup, notRunning } from './refusals.js'
import { NetworkLoss, withNetworkFailure } from './network-loss.js'
import { checkName, signalNumber } from './spec.js'
import type { StartedContainer } from './start.js'
import { withLimits } from './update.js'
import { processesWith } from '../rootless/processes-with.js'
import { ownProcess, type WatchedProcess } from './watched-process.js'

/** What a container uses: the figures of its cgroup and of its interfaces. */
export interface ContainerFigures extends CgroupStats {
  /**
   * What it has received and sent since it was started, by name of the interface, such as `eth0` for its first network.
   * Undefined where its network is the host's.
   */
  readonly networks: Readonly<Record<string, LinkStats>> | undefined
}

/** A container: created, running, or ended and not removed yet. */
export class Container implements AsyncDisposable {
  /** 64 hexadecimal digits. */
  readonly id: string
  /** Standard input, where it is a pipe of ours. */
  readonly stdin: Writable | null = null
  /** Standard output, where it is a pipe of ours. Read it: a program that cannot write on waits. */
  readonly stdout: Readable | null = null
  /** Standard error, where it is a pipe of ours. */
  readonly stderr: Readable | null = null
  /** The other side of the container's terminal, where it has one and was started by this process. */
  readonly terminal: TerminalStream | null = null

  readonly #context: Context
  readonly #init: FirstProcess
  readonly #kept: KeptRecord
  readonly #network: NetworkLoss
  readonly #holdings: Holdings
  /** Its files, to be copied out and in. */
  readonly files: ContainerFiles
  /** It was started here. */
  readonly #own: boolean
  #ending: Ending | undefined

  private constructor(
    context: Context,
    record: ContainerRecord,
    init?: WatchedProcess,
    here?: StartedHere,
    cgroup?: Cgroup,
  ) {
    this.#context = context
    this.#kept = new KeptRecord(context.records, record)
    this.#init = new FirstProcess(context, init)
    this.#network = new NetworkLoss(context, this.#kept)
    this.#holdings = new Holdings(context, { kept: this.#kept, network: this.#network }, here, cgroup)
    this.#own = here !== undefined
    this.id = record.id
    this.files = new ContainerFiles(context, {
      record: () => this.#record,
      init: (current) => this.#init.of(current),
      warm: () => this.#holdings.warm,
      ended: () => this.wait(),
    })
  }

  /** @internal A container that was just started here. `removed` is told when it is no more. */
  static started(
    context: Context,
    { record, process, cgroup, terminal, warm }: StartedContainer,
    removed: () => void,
  ): Container {
    const container = new Container(context, record, ownProcess(process), { warm, removed }, cgroup)
    Object.assign(container, {
      stdin: process.stdin,
      stdout: process.stdout,
      stderr: process.stderr,
      terminal: terminal ?? null,
    })
    container.#ending = container.#holdings.finish(process.wait())
    if (!record.detached) void container.networkLost()
    return container
  }

  /** @internal A container that is on disk. */
  static found(context: Context, record: ContainerRecord): Container {
    return new Container(context, record)
  }

  /** Name, unique in its runtime. */
  get name(): string {
    return this.#record.name
  }

  /**
   * Gives it another name.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_NAME_TAKEN`; `ERR_RUNTIME_INVALID_ARG`.
   */
  rename(name: string): void {
    if (name === this.name) return
    checkContainerName(name)
    checkName(this.#context, name)
    this.#kept.current = { ...this.#record, name }
    this.#kept.save()
  }

  /** What it was made from and what it is now. */
  inspect(): ContainerRecord {
    this.#kept.current = withNetworkFailure(this.#context, this.#record)
    return this.#record
  }

  /** @internal It was connected to a network, or taken off one. */
  async networksAre(
    change: (networks: readonly ContainerNetwork[]) => readonly ContainerNetwork[],
  ): Promise<void> {
    const { network } = this.#record
    const networks = change(network.networks)
    this.#kept.current = { ...this.#record, network: { ...network, networks } }
    this.#kept.save()
    await this.#context.names.changed(this.#record)
  }

  /**
   * Opens the terminal of a container that outlives its runtime, in another process than that which has started it: what
   * was printed while nobody was there is read first. Two streams of one terminal share what is printed.
   *
   * @returns Null where it has none, or none any more: it was read to its end.
   * @throws `SyscallError`: `EPERM` where we may not trace the process that keeps it.
   */
  openTerminal(): TerminalStream | null {
    const { detached, terminal } = this.#record
    return detached && terminal ? (this.#context.terminals.open(this.id) ?? null) : null
  }

  /** Process id of the container's first process on the host; null once it has ended. */
  get pid(): number | null {
    return this.#record.status === 'running' ? this.#record.pid : null
  }

  /**
   * Whether its program runs at this instant: false from when it begins to end, before the kernel kills what else runs in
   * the container, and before {@link wait} resolves.
   */
  get isAlive(): boolean {
    const { pid } = this
    return pid !== null && !isEnding(pid, this.#record.startTicks)
  }

  /**
   * Resolves when the container's program has ended and what only a running container needs (cgroup, network)
   * was given back.
   *
   * @returns How it ended; `oomKilled` when the kernel killed in it for its memory limit.
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`: it was not started yet.
   */
  wait(): Promise<ContainerExit> {
    return this.#whenEnded()?.released ?? Promise.reject(notRunning(this.name, 'wait for'))
  }

  /**
   * Resolves sooner than {@link wait}: when its program has ended, that was noted, and its addresses and ports are free.
   * Its cgroup may be there for a moment yet. Starting and removing it wait for that by themselves.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`: it was not started yet.
   */
  exited(): Promise<ContainerExit> {
    return this.#whenEnded()?.noted ?? Promise.reject(notRunning(this.name, 'wait for'))
  }

  /** @internal Resolves when it has given back what it held, where its program has ended here. */
  async settled(): Promise<void> {
    if (this.#record.status !== 'running') await this.#ending?.released
  }

  /**
   * Resolves when the program that connects it to the network (`pasta`, for an ordinary user) has ended before it: with
   * words for a person, which `inspect().network.failure` and its log have from then on, too. With null when the
   * container ends first, and where no program does that.
   */
  networkLost(): Promise<string | null> {
    return this.#network.lost()
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
    const cgroup = this.#holdings.cgroup()
    if (cgroup === undefined && this.#context.hasCgroups) throw notRunning(this.name, 'run a program in')
    try {
      return await execIn(this.#context, this.#record, { init, cgroup }, command, options)
    } finally {
      this.#forgetFound()
    }
  }

  /**
   * Programs that {@link exec} has started with `detach` and that run, or have ended while nobody was there: whichever
   * process has started them. Wait for each, or dispose of it.
   */
  execs(): KeptExec[] {
    return this.#context.execs.of(this.id).map((record) => new KeptExec(this.#context, record))
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
    if (!reached) throw notRunning(this.name, 'signal')
  }

  /**
   * Asks the program to end, and ends it when it does not.
   *
   * @param timeoutMs - How long it may take. Default 10000.
   * @param signal - What it is asked by. Default: its stop signal.
   */
  async stop({
    timeoutMs = 10_000,
    signal = this.#record.stopSignal,
  }: {
    readonly timeoutMs?: number | undefined
    readonly signal?: string | number | undefined
  } = {}): Promise<ContainerExit> {
    const number = signalNumber(signal)
    const ended = this.wait()
    this.#init.of(this.#record)?.kill(number)
    const abort = new AbortController()
    const inTime = await Promise.race([
      ended.then(() => true),
      sleep(timeoutMs, false, { signal: abort.signal }).catch(() => false),
    ])
    abort.abort()
    if (!inTime) this.#init.of(this.#record)?.kill(9)
    return await ended
  }

  /** True between `pause()` and `unpause()`, whichever process has called them. */
  get isPaused(): boolean {
    if (this.#record.status !== 'running') return false
    return unlessRemoved(() => this.#holdings.cgroup()?.isFrozen()) ?? false
  }

  /** Stops every process of the container where it is, until `unpause()`. */
  async pause(): Promise<void> {
    this.#running('pause')
    needCgroup(this.#context, this.name, 'pause')
    this.#forgetFound()
    await this.#holdings.cgroup()?.freeze()
  }

  /** Lets a paused container go on. */
  async unpause(): Promise<void> {
    this.#running('unpause')
    this.#forgetFound()
    await this.#holdings.cgroup()?.thaw()
  }

  /**
   * What the container uses at this moment.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_NOT_RUNNING`.
   */
  stats(): ContainerFigures {
    this.#running('read the figures of')
    needCgroup(this.#context, this.name, 'read the figures of')
    this.#forgetFound()
    const figures = unlessRemoved(() => this.#holdings.cgroup()?.stats())
    if (figures === undefined) throw notRunning(this.name, 'read the figures of')
    const { pid } = this
    const isHosts = this.#record.network.mode === 'host' || pid === null
    return { ...figures, networks: isHosts ? undefined : interfaceStats(pid) }
  }

  /**
   * Gives it other limits, at once where it runs, and for its next starts.
   *
   * @param limits - All of its limits from now on.
   * @throws `CgroupError`: the kernel refuses one; {@link RuntimeError} `ERR_RUNTIME_LIMIT`: it has no cgroup.
   */
  updateLimits(limits: ContainerLimits): void {
    needCgroup(this.#context, this.name, 'limit')
    const cgroup = this.#record.status === 'running' ? this.#holdings.cgroup() : undefined
    this.#kept.current = withLimits(this.#context, this.#record, cgroup, limits)
    this.#kept.save()
  }

  /** Process ids on the host of everything that runs in the container. */
  processes(): number[] {
    const { pid } = this
    if (!this.#context.hasCgroups) return pid === null ? [] : processesWith(pid)
    return unlessRemoved(() => this.#holdings.cgroup()?.processes()) ?? []
  }

  /**
   * What it has written to streams that were `'log'`, oldest first.
   *
   * The two streams are two files: order is kept within each, not between them.
   */
  logs(options: LogOptions = {}): AsyncIterable<LogEntry> {
    return readLogs(this.#context.records.folder(this.id), { ...options, ended: () => this.wait() })
  }

  /** The end of its logs now. */
  logPosition(): LogPosition {
    return logPosition(this.#context.records.folder(this.id))
  }

  /** Files that differ from the image: added, changed, deleted. Empty for a root file system used as it is. */
  changes(): Promise<readonly Change[]> {
    return changesOf(this.#context, this.#record)
  }

  /**
   * Bytes that its files take. Reads the whole tree of what it has written, while it may go on.
   *
   * @throws `OverlayError` `ERR_OVERLAY_NOT_FOUND`: it was removed meanwhile.
   */
  size(): Promise<ContainerSize> {
    return sizeOf(this.#context, this.#record)
  }

  /**
   * Makes an image of it: its own image and what it has written, with what it was started with. Volumes are no part of
   * it. Without an image, all its files are one layer.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_INVALID_ARG`: a change that cannot be; `ERR_RUNTIME_LIMIT`: it cannot be
   *   paused; `OverlayError`, `RegistryError`; Node's `AbortError`. No image is left then.
   */
  commit(options: CommitOptions = {}): Promise<StoredImage> {
    return commitContainer(this.#context, this, options)
  }

  /**
   * All its files as a plain tar, without those of volumes. Pause it before where they must be of one instant.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_UNSUPPORTED`: it has a user namespace of its own. By the stream:
   *   `OverlayError`; Node's `AbortError`.
   */
  export({ signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<Readable> {
    return exportOf(this.#context, this.#record, signal)
  }

  /**
   * Reads a file of the container, running or not. The path is resolved inside its root: no link leads out.
   *
   * @param path - Absolute path in the container.
   * @throws `OverlayError` `ERR_OVERLAY_NOT_FOUND`, `ERR_OVERLAY_LIMIT` beyond 16 MiB.
   */
  readFile(path: string): Promise<Buffer> {
    return readFileOf(this.#context, this.#record, this.#holdings.warm, path)
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
    const init = this.#init.of(this.#record)
    if (this.#record.status === 'running' && init !== undefined) {
      if (!force) {
        throw new RuntimeError(
          'ERR_RUNTIME_RUNNING',
          `cannot remove container ${this.name}: it is running; stop it, or remove it with force`,
        )
      }
      init.kill(9)
      await this.#holdings.cgroup()?.kill() // also what is paused
    }
    if (this.#record.status === 'running' && this.#context.records.has(this.id)) await this.wait()
    await this.settled()
    await this.#holdings.remove({ volumes })
    for (const stream of [this.stdin, this.stdout, this.stderr, this.terminal]) stream?.destroy()
  }

  /** Kills and removes the container, and its volumes without a name; lets go of a detached one. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#network[Symbol.dispose]()
    if (this.#record.detached) this.#init.release()
    else await this.remove({ force: true, volumes: true })
  }

  /**
   * @internal The runtime closes. An ended container stays on disk until it is removed; a detached one goes on, and
   * whoever opens the runtime next notes how it ends.
   */
  letGo(): void {
    this.#holdings.letGo()
  }

  get #record(): ContainerRecord {
    return this.#kept.current
  }

  /** A found process is held open only while it is used or waited for, so that handles need no closing. */
  #forgetFound(): void {
    if (this.#own || this.#ending !== undefined) return
    this.#init.forget()
  }

  /** What follows from the end of its program, which keeps our process alive from then on; undefined before its start. */
  #whenEnded(): Ending | undefined {
    if (this.#record.status === 'created') return undefined
    if (this.#ending !== undefined) this.#init.ref()
    this.#ending ??=
      this.#record.status === 'running'
        ? this.#holdings.finish(this.#init.of(this.#record)?.wait() ?? Promise.resolve(undefined))
        : endedBefore(this.#record.exit ?? unwatched)
    return this.#ending
  }

  #running(what: string): WatchedProcess {
    const init = this.#init.of(this.#record)
    if (this.#record.status !== 'running' || init === undefined) throw notRunning(this.name, what)
    return init
  }
}
