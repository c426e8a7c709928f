import { setTimeout as sleep } from 'node:timers/promises'
import type { Container, TerminalSize } from '@ctr/runtime'
import type { ContainerDocument } from '../state/container-document.js'
import { Pipes, terminalStdio, type ContainerStdio, type OnOutput } from '../streams/container-stdio.js'
import type { ContainerContext } from './container-context.js'

/** How long what has ended may take to be read. */
const longestRestMs = 1000

/** Our side of what the program of a container reads and writes, one run after the other: pipes, or a terminal. */
export class ProgramStreams {
  readonly #context: ContainerContext
  readonly #document: ContainerDocument
  readonly #pipes: Pipes
  readonly #onOutput: OnOutput
  #stdio: ContainerStdio | undefined
  #size: TerminalSize | undefined

  constructor(context: ContainerContext, document: ContainerDocument, onOutput: OnOutput) {
    this.#context = context
    this.#document = document
    this.#pipes = new Pipes(context.pipesFolder(document.id))
    this.#onOutput = onOutput
    const [rows = 0, columns = 0] = document.body.HostConfig?.ConsoleSize ?? []
    if (rows > 0 && columns > 0) this.#size = { rows, columns }
  }

  /** Its input, while it is open. */
  get stdin(): ContainerStdio['stdin'] {
    return this.#stdio?.stdin
  }

  /** Resolves when everything that this run has printed was given on. */
  get drained(): Promise<void> | undefined {
    return this.#stdio?.drained
  }

  closeStdin(): void {
    this.#stdio?.closeStdin()
  }

  /** Changes the size of the terminal, now and for the runs to come. */
  resize(size: TerminalSize): void {
    this.#size = size
    this.#stdio?.terminal?.resize(size)
  }

  /** Starts the program on new streams. */
  async start(handle: Container): Promise<Container> {
    return this.#document.body.Tty === true ? await this.#startOnTerminal() : await this.#startOnPipes(handle)
  }

  /** Takes the streams of a program up that another daemon has started, as far as they are there. */
  takeUp(handle: Container): void {
    const { Tty, OpenStdin } = this.#document.body
    if (Tty === true) this.#stdio = this.#keptTerminal(handle)
    else if (this.#pipes.exist)
      this.#stdio = this.#pipes.reopen({ stdin: OpenStdin ?? false }, this.#onOutput)
  }

  /**
   * Reads what a program has left on its terminal that ended while no daemon was there.
   *
   * @returns False when there is no terminal.
   */
  async readRest(handle: Container): Promise<boolean> {
    const stdio = this.#document.body.Tty === true ? this.#keptTerminal(handle) : undefined
    if (stdio === undefined) return false
    // others of the host's processes may have it open, where it was among those
    await Promise.race([stdio.drained, sleep(longestRestMs, undefined, { ref: false })])
    stdio.close()
    return true
  }

  /** Closes our side. */
  close(): void {
    this.#stdio?.close()
    this.#stdio = undefined
  }

  /** Removes what outlives a daemon. */
  remove(): void {
    this.#pipes.remove()
  }

  async #startOnTerminal(): Promise<Container> {
    const { id, body } = this.#document
    const handle = await this.#context.runtime.start(id, {
      ...this.#context.linkedNames(id),
      terminalSize: this.#size,
    })
    this.#stdio = terminalStdio(handle.terminal!, body.OpenStdin ?? false, this.#onOutput)
    return handle
  }

  async #startOnPipes(before: Container): Promise<Container> {
    const { id, body } = this.#document
    const input = body.OpenStdin !== true ? 'none' : body.StdinOnce === true ? 'ends' : 'stays'
    const owner = before.inspect().user
    const { stdio, ends } = this.#pipes.open({ input, owner }, this.#onOutput)
    this.#stdio = stdio
    using _ends = ends
    return await this.#context.runtime.start(id, {
      ...this.#context.linkedNames(id),
      stdin: ends.stdin?.number ?? 'ignore',
      stdout: ends.stdout.number,
      stderr: ends.stderr.number,
    })
  }

  /** Its terminal, which outlives the daemon that has made it. */
  #keptTerminal(handle: Container): ContainerStdio | undefined {
    try {
      const terminal = handle.openTerminal()
      if (terminal === null) return undefined
      return terminalStdio(terminal, this.#document.body.OpenStdin ?? false, this.#onOutput)
    } catch (error) {
      this.#context.onError(error) // it goes on, with nobody at its terminal
      return undefined
    }
  }
}
