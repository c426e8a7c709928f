import { constants } from 'node:os'
import { once } from 'node:events'
import { PassThrough, type Readable } from 'node:stream'
import type { Change } from '@ctr/overlay'
import {
  processRows,
  type CommitOptions,
  type Container,
  type ContainerLimits,
  type Runtime,
} from '@ctr/runtime'
import type { Attached } from '../../attach/attach.js'
import type { CopySide } from '../../copy/copy-side.js'
import { CliError, needsDaemon } from '../../errors.js'
import { exitCodeOf } from '../../output/container-status.js'
import { describeContainer } from '../../output/describe.js'
import type {
  AttachRequest,
  BackendContainer,
  ExecRequest,
  LogRequest,
  ProcessTable,
  StopRequest,
} from '../backend.js'
import type { Usage } from '../rows.js'
import { containerSide } from './container-side.js'
import { localUsage } from './local-usage.js'
import { mergedLimits } from './merged-limits.js'

/** A time-out of -1 is none. setTimeout(3) takes 31 bits of milliseconds: 24 days. */
const forever = 2 ** 31 - 1

/** A container of this machine's runtime. */
export class LocalContainer implements BackendContainer {
  readonly #runtime: Runtime
  readonly #container: Container

  constructor(runtime: Runtime, container: Container) {
    this.#runtime = runtime
    this.#container = container
  }

  async start(): Promise<void> {
    if (this.#isRunning) return
    this.#needStartable()
    if (this.#container.inspect().terminal)
      throw needsDaemon('keep the terminal of a container in the background (start -a stays with it)')
    await this.#runtime.start(this.#container.id)
  }

  async stop({ signal, timeoutSeconds = 10 }: StopRequest): Promise<void> {
    if (!this.#isRunning) return
    if (this.#container.isPaused) await this.#container.unpause()
    const timeoutMs = timeoutSeconds < 0 ? forever : Math.min(timeoutSeconds * 1000, forever)
    await this.#container.stop({ timeoutMs, signal })
  }

  async restart(how: StopRequest): Promise<void> {
    this.#needStartable() // before it is stopped
    await this.stop(how)
    await this.#again.start()
  }

  async kill(signal: string): Promise<void> {
    this.#container.kill(signal)
    // when this returns, the container is no longer shown as running
    if (/^(SIG)?KILL$|^9$/i.test(signal) && !this.#container.isPaused) await this.#container.wait()
  }

  async pause(): Promise<void> {
    await this.#container.pause()
  }

  async unpause(): Promise<void> {
    await this.#container.unpause()
  }

  rename(name: string): Promise<void> {
    this.#container.rename(name)
    return Promise.resolve()
  }

  update(limits: ContainerLimits, restart: string | undefined): Promise<void> {
    if (restart !== undefined && restart !== 'no') throw needsDaemon('restart containers by themselves')
    if (Object.keys(limits).length > 0)
      this.#container.updateLimits(mergedLimits(this.#container.inspect(), limits))
    return Promise.resolve()
  }

  async remove(options: { readonly force: boolean; readonly volumes: boolean }): Promise<void> {
    await this.#container.remove(options)
  }

  async wait(): Promise<number | null> {
    if (this.#container.inspect().status === 'created') return 0
    await this.#container.wait()
    return exitCodeOf(this.#container)
  }

  async inspect({ size = false }: { readonly size?: boolean } = {}): Promise<unknown> {
    const document = describeContainer(this.#container)
    if (!size) return document
    const { written, total } = await this.#container.size()
    return { ...document, SizeRw: written, SizeRootFs: total }
  }

  top(options: readonly string[]): Promise<ProcessTable> {
    if (!this.#isRunning)
      throw new CliError('ERR_CLI_USAGE', `cannot list processes of ${this.#container.name}: it does not run`)
    return Promise.resolve(processRows(this.#container.processes(), options))
  }

  usage(): Promise<Usage> {
    return localUsage(this.#container)
  }

  logs({ follow, tail, signal, ...rest }: LogRequest): ReturnType<Container['logs']> {
    if ((rest.since ?? rest.until) !== undefined || rest.timestamps)
      throw needsDaemon('tell when a container has printed what')
    if (rest.details) throw needsDaemon('serve --details')
    return this.#container.logs({ follow, tail, signal })
  }

  async attach({ start, stdin, size, detachKeys }: AttachRequest): Promise<Attached> {
    refuseDetachKeys(detachKeys)
    const { detached, terminal } = this.#container.inspect()
    if (start && !this.#isRunning) {
      this.#needStartable()
      if (terminal) return program(await this.#runtime.start(this.#container.id, { terminalSize: size }))
    }
    if (terminal || !detached)
      throw needsDaemon(
        `attach to ${this.#container.name}, whose streams belong to the command that runs it,`,
      )
    if (stdin) throw needsDaemon('pass input to a container in the background')
    return await this.#follow(start)
  }

  async exec(request: ExecRequest): Promise<Attached | undefined> {
    const { command, detach, tty, stdin, size, detachKeys, ...options } = request
    refuseDetachKeys(detachKeys)
    const stream = detach || tty ? 'ignore' : 'pipe'
    const started = await this.#container.exec(command, {
      ...options,
      ...(tty && !detach ? { terminal: size ?? true } : {}),
      stdin: stdin ? stream : 'ignore',
      stdout: stream,
      stderr: stream,
    })
    if (detach) {
      started.unref()
      return undefined
    }
    const { stdin: input, stdout, stderr, terminal } = started
    const kill = (signal: NodeJS.Signals): boolean => started.kill(constants.signals[signal])
    return { stdin: input, stdout, stderr, terminal, wait: () => started.wait(), kill }
  }

  get files(): CopySide {
    return containerSide(this.#container)
  }

  changes(): Promise<readonly Change[]> {
    return this.#container.changes()
  }

  async commit(options: CommitOptions): Promise<string> {
    return (await this.#container.commit(options)).id
  }

  export(signal: AbortSignal): Promise<Readable> {
    return this.#container.export({ signal })
  }

  /** What it prints from now on, from its logs. */
  async #follow(start: boolean): Promise<Attached> {
    const after = this.#container.logPosition()
    const running =
      start && !this.#isRunning ? await this.#runtime.start(this.#container.id) : this.#container
    const streams = { stdout: new PassThrough(), stderr: new PassThrough() }
    const copy = async (): Promise<void> => {
      for await (const { stream, bytes } of running.logs({ follow: true, after })) {
        const sink = streams[stream]
        if (!sink.destroyed && !sink.write(bytes))
          await Promise.race([once(sink, 'drain'), once(sink, 'close')])
      }
      for (const sink of Object.values(streams)) sink.end()
    }
    const copied = copy()
    copied.catch(() => undefined) // told to whoever waits
    const wait = async (): ReturnType<Container['wait']> => {
      const exit = await running.wait()
      await copied
      return exit
    }
    return { stdin: null, ...streams, terminal: null, wait, kill: (signal) => running.kill(signal) }
  }

  get #isRunning(): boolean {
    return this.#container.inspect().status === 'running'
  }

  /** What is known of it now. */
  get #again(): LocalContainer {
    return new LocalContainer(this.#runtime, this.#runtime.container(this.#container.id))
  }

  #needStartable(): void {
    const { options, name } = this.#container.inspect()
    if (options !== null) return
    throw needsDaemon(
      `start ${name} again, which was not made by create or by run -d, or removes itself, or has a user namespace of its own,`,
    )
  }
}

/** Who leaves a program of this command ends it. */
function refuseDetachKeys(keys: string | undefined): void {
  if (keys !== undefined) throw needsDaemon('serve --detach-keys')
}

/** A container that was started here, with its terminal. */
function program(container: Container): Attached {
  const { stdin, stdout, stderr, terminal } = container
  return {
    ...{ stdin, stdout, stderr, terminal },
    wait: () => container.wait(),
    kill: (signal) => {
      container.kill(signal)
    },
  }
}
