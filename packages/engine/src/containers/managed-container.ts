import {
  isRuntimeError,
  signalNumber,
  type Container,
  type ContainerExit,
  type TerminalSize,
} from '@ctr/runtime'
import { ApiError } from '../errors.js'
import type { UpdateBody } from '../http/schemas/create-container.js'
import { HealthMonitor } from '../health/health-monitor.js'
import { ProbeNote } from '../health/probe-note.js'
import type { ContainerLog } from '../logs/container-log.js'
import type { ContainerDocument } from '../state/container-document.js'
import { Broadcast } from '../streams/broadcast.js'
import type { ContainerStdio } from '../streams/container-stdio.js'
import type { OutputChunk } from '../streams/frame.js'
import { logSource } from '../translate/log-source.js'
import type { ContainerContext } from './container-context.js'
import { updated, withoutLink } from './changed-body.js'
import { endProgram } from './end-program.js'
import { ProgramStreams } from './program-streams.js'
import { wantsRestart } from './restart-policy.js'
import { Restarts } from './restarts.js'
import { hasNewEnd, noteEnd, noteFailure, noteStart } from './run-notes.js'
import { RunWaiters, type RunResult } from './run-waiters.js'

/** Docker's words for what a container is doing. */
export type ContainerStatus = 'created' | 'running' | 'paused' | 'restarting' | 'exited' | 'removing'

/** A container of the engine: the runtime's, with what Docker keeps beside it. */
export class ManagedContainer {
  readonly document: ContainerDocument
  readonly output = new Broadcast()
  readonly log: ContainerLog
  readonly waiters = new RunWaiters()
  readonly health: HealthMonitor
  readonly #context: ContainerContext
  readonly #streams: ProgramStreams
  #handle: Container
  /** The run that is going on, to its end and everything that follows from that. */
  #run: Promise<void> | undefined
  /** Until the runtime's container has given back all that it held while it ran. */
  #released: Promise<unknown> = Promise.resolve()
  #starting: Promise<void> | undefined
  #removing = false
  readonly #restarts = new Restarts()
  /** When the run began, by a clock that nobody sets. */
  #beganAt = 0

  constructor(context: ContainerContext, document: ContainerDocument, handle: Container) {
    this.#context = context
    this.document = document
    this.#handle = handle
    this.#streams = new ProgramStreams(context, document, (chunk) => this.#onOutput(chunk))
    this.log = context.openLog(
      document.body.HostConfig?.LogConfig?.Type ?? 'json-file',
      logSource(document, handle),
    )
    this.health = new HealthMonitor({
      document,
      note: new ProbeNote(context.probePath(document.id)),
      handle: () => this.#handle,
      ranMs: () => this.#ranMs,
      emit: (action, attributes) => this.#emit(action, attributes),
      save: () => this.#save(),
      probed: (isWell) => context.probed(isWell),
      onError: (error) => context.onError(error),
    })
  }

  get id(): string {
    return this.document.id
  }

  get name(): string {
    return this.document.name
  }

  /** The runtime's container. */
  get handle(): Container {
    return this.#handle
  }

  /** Whether its program runs, paused or not. */
  get isRunning(): boolean {
    return this.#run !== undefined
  }

  get status(): ContainerStatus {
    if (this.#removing) return 'removing'
    if (this.isRunning) return this.#handle.isPaused ? 'paused' : 'running'
    if (this.#restarts.isWaiting) return 'restarting'
    return this.document.startedAt === null ? 'created' : 'exited'
  }

  /** Its input, while it is open. */
  get stdin(): ContainerStdio['stdin'] {
    return this.#streams.stdin
  }

  closeStdin(): void {
    this.#streams.closeStdin()
  }

  /** Starts it. @returns False when it runs already. */
  async start(): Promise<boolean> {
    if (this.#removing) throw this.#conflict('it is being removed')
    if (this.isRunning) return false
    this.#restarts.cancel()
    if (this.#starting === undefined) {
      this.document.stopped = false
      this.document.restartCount = 0
      this.#restarts.reset()
    }
    try {
      await this.#startOnce()
    } catch (error) {
      this.#removeItself()
      throw error
    }
    return true
  }

  /** Sends a signal. Resolves when it has come, one that ends every program when that has ended. */
  async kill(signal: string): Promise<void> {
    if (!this.isRunning) throw this.#conflict('is not running')
    if (/^(SIG)?(KILL|TERM|INT|QUIT|HUP)$|^(9|15|2|3|1)$/i.test(signal)) this.document.stopped = true
    const run = this.#run
    this.#handle.kill(signal)
    this.#emit('kill', { signal: String(signalNumber(signal)) })
    if (/^(SIG)?KILL$|^9$/i.test(signal) && !this.#handle.isPaused) await run
  }

  /**
   * Stops it.
   *
   * @param signal - What it is asked to end by. Default: its stop signal.
   * @returns False when it does not run.
   */
  async stop(timeoutSeconds?: number, signal?: string): Promise<boolean> {
    this.document.stopped = true
    if (this.#restarts.isWaiting) {
      this.#restarts.cancel()
      this.#save()
      return true
    }
    const run = this.#run
    if (run === undefined) return false
    await endProgram(this.#handle, timeoutSeconds ?? this.document.body.StopTimeout, {
      ended: run,
      signal,
      kill: (number) => this.#tryKill(number),
    })
    await run
    this.#emit('stop')
    this.#save()
    return true
  }

  async restart(timeoutSeconds?: number, signal?: string): Promise<void> {
    await this.stop(timeoutSeconds, signal)
    await this.start()
    this.#emit('restart')
  }

  async pause(): Promise<void> {
    if (!this.isRunning) throw this.#conflict('is not running')
    if (this.#handle.isPaused) throw this.#conflict('is already paused')
    await this.#handle.pause()
    this.health.rest()
    this.#emit('pause')
  }

  async unpause(): Promise<void> {
    if (!this.isRunning || !this.#handle.isPaused) throw this.#conflict('is not paused')
    await this.#handle.unpause()
    this.health.resume()
    this.#emit('unpause')
  }

  rename(name: string): void {
    const oldName = this.name
    this.#handle.rename(name)
    this.document.name = name
    this.#write()
    this.#emit('rename', { oldName: `/${oldName}` })
  }

  /** Forgets another container that it was linked to: from its next start on. */
  removeLink(alias: string): void {
    this.document.body = withoutLink(this.document.body, this.name, alias)
    this.#write()
  }

  /** Changes limits, at once where it runs, and its restart policy. */
  update(change: UpdateBody): void {
    if (this.#removing) throw this.#conflict('is being removed')
    this.document.body = updated(this.document.body, change, this.#handle)
    this.#write()
    this.#emit('update')
  }

  resize(size: TerminalSize): void {
    this.#streams.resize(size)
    if (this.isRunning) this.#emit('resize', { height: String(size.rows), width: String(size.columns) })
  }

  /** Removes it with everything that it has written. */
  async remove({ force, volumes }: { readonly force: boolean; readonly volumes: boolean }): Promise<void> {
    if (this.#removing) throw this.#conflict('removal is already in progress')
    const isActive = this.isRunning || this.#starting !== undefined || this.#restarts.isWaiting
    if (isActive && !force)
      throw this.#conflict(`is ${this.status}: stop the container before removing or force remove`)
    this.#removing = true
    try {
      this.#restarts.cancel()
      await this.#starting?.catch(() => undefined)
      if (this.isRunning) {
        if (this.#handle.isPaused) await this.#handle.unpause()
        this.#tryKill('SIGKILL')
        await this.#run
      }
      const { volumes: used } = this.#handle.inspect()
      await this.#handle.remove({ volumes })
      for (const { name, anonymous } of used)
        if (anonymous && this.#context.runtime.volumes.get(name) === undefined)
          this.#context.emitVolume('destroy', name)
      this.#streams.remove()
      this.#context.forget(this)
    } catch (error) {
      this.#removing = false
      throw error
    }
    this.#emit('destroy')
    this.waiters.removed({ exitCode: this.document.exitCode })
  }

  /** The daemon has found it as it started: takes up its streams and its end. */
  takeUp(): void {
    const { startedAt } = this.document
    this.#beganAt = performance.now() - Math.max(0, Date.now() - Date.parse(startedAt ?? ''))
    this.#streams.takeUp(this.#handle)
    this.#watch()
    if (!this.#handle.isPaused) this.health.resume()
  }

  /** Whether it has ended and that was not noted. */
  get hasNewEnd(): boolean {
    return hasNewEnd(this.document, this.#handle)
  }

  /** It has ended while no daemon was there: what is left on its terminal goes into its log. */
  async noteEnd(exit: ContainerExit | null): Promise<void> {
    if (await this.#streams.readRest(this.#handle)) await this.log.endRun()
    this.#ended(exit)
    this.#save()
  }

  /** The daemon ends: the container goes on. */
  async letGo(): Promise<void> {
    this.#restarts.cancel()
    this.health.rest()
    this.#streams.close()
    this.output.end()
    await this.log.endRun()
    if (!this.isRunning) await this.#released
  }

  async #startOnce(): Promise<void> {
    this.#starting ??= this.#begin().finally(() => (this.#starting = undefined))
    await this.#starting
  }

  async #begin(): Promise<void> {
    await this.#released
    try {
      this.#handle = await this.#streams.start(this.#handle)
    } catch (error) {
      this.#streams.close()
      this.#streams.remove()
      noteFailure(this.document, error)
      this.#save()
      this.output.end()
      this.waiters.ended({ exitCode: this.document.exitCode })
      throw error
    }
    const isFirst = noteStart(this.document)
    this.#beganAt = performance.now()
    this.health.begin()
    this.#watch()
    // of a first start a daemon that is killed before it is written finds out all but the time
    if (isFirst) this.#context.documents.saveSoon(this.id, this.document)
    else this.#save()
    this.#context.emitUse(this, true)
    this.#emit('start')
    this.waiters.started()
  }

  #watch(): void {
    const { drained } = this.#streams
    this.#released = this.#handle.wait().catch((error: unknown) => this.#context.onError(error))
    const run = this.#handle.exited().then(
      async (exit) => {
        await drained
        await this.#onEnd(exit)
      },
      // what went wrong was told already
      () => this.#onEnd(null),
    )
    this.#run = run
    run.catch((error: unknown) => this.#context.onError(error))
  }

  async #onEnd(exit: ContainerExit | null): Promise<void> {
    this.#streams.close()
    await this.log.endRun()
    this.#run = undefined
    this.#ended(exit)
    this.log.wake() // who follows looks whether it runs
    this.#streams.remove()
    if (exit?.oomKilled === true) this.#emit('oom')
    this.#context.emitUse(this, false)
    this.#emit('die', this.#dieAttributes())
    const result: RunResult = { exitCode: this.document.exitCode }
    this.output.end()
    const restarts = !this.#removing && this.#wantsRestart()
    if (restarts) this.#restarts.later(this.#ranMs, () => this.#restart())
    this.waiters.ended(result)
    // most are removed now; a daemon that is killed before it is written finds it out anew
    if (!this.#removing) this.#context.documents.saveSoon(this.id, this.document)
    if (!restarts) this.#removeItself()
  }

  /** With `--rm`, at its end or when it cannot be started. */
  #removeItself(): void {
    if (this.#removing || this.document.body.HostConfig?.AutoRemove !== true) return
    this.remove({ force: true, volumes: true }).catch((error: unknown) => this.#context.onError(error))
  }

  get #ranMs(): number {
    return performance.now() - this.#beganAt
  }

  #ended(exit: ContainerExit | null): void {
    this.health.end()
    noteEnd(this.document, this.#handle, exit)
  }

  #wantsRestart(): boolean {
    const { exitCode, stopped, restartCount: restarts, body } = this.document
    return !this.#context.isClosing() && wantsRestart(body.HostConfig ?? {}, { exitCode, stopped, restarts })
  }

  async #restart(): Promise<void> {
    this.document.restartCount++
    await this.#startOnce().catch((error: unknown) => this.#context.onError(error))
  }

  #tryKill(signal: string | number): void {
    try {
      this.#handle.kill(signal)
      this.#emit('kill', { signal: signal === 'SIGKILL' ? '9' : String(signal) })
    } catch (error) {
      if (!isRuntimeError(error) || error.code !== 'ERR_RUNTIME_NOT_RUNNING') throw error
    }
  }

  #onOutput(chunk: OutputChunk): Promise<unknown> | undefined {
    const logged = this.log.write(chunk)
    const given = this.output.write(chunk)
    return logged === undefined || given === undefined ? (logged ?? given) : Promise.all([logged, given])
  }

  #dieAttributes(): Record<string, string> {
    return {
      execDuration: String(Math.round(this.#ranMs / 1000)),
      exitCode: String(this.document.exitCode),
    }
  }

  #emit(action: string, attributes: Readonly<Record<string, string>> = {}): void {
    this.#context.emit(this, action, attributes)
  }

  /** What cannot be written is told, and changes nothing. */
  #save(): void {
    if (this.#removing) return
    try {
      this.#write()
    } catch (error) {
      this.#context.onError(error)
    }
  }

  #write(): void {
    this.#context.documents.save(this.id, this.document)
  }

  #conflict(why: string): ApiError {
    return new ApiError(409, `Container ${this.id} ${why}`)
  }
}
