import type { OutputChunk } from '../streams/frame.js'
import type { LogBatch, LogLine, LogQuery, LogSink } from './entry.js'
import type { FileSink } from './file-sink.js'
import { LineSplitter } from './line-splitter.js'
import { timestamp } from './timestamp.js'

/** What a container's output is written to. */
export interface LogOutputs {
  readonly sinks: readonly LogSink[]
  /** The one of them that can be read. */
  readonly readable: FileSink | undefined
  /** Docker shows it for `json-file` only. */
  readonly path: string
  /** Of every entry, for `logs --details`. */
  readonly attributes: Readonly<Record<string, string>>
}

/** The log of a container, whatever its driver is. */
export class ContainerLog {
  readonly #outputs: LogOutputs
  #splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() }

  constructor(outputs: LogOutputs) {
    this.#outputs = outputs
  }

  /** File of the log, as `inspect` shows it; empty when there is none to show. */
  get path(): string {
    return this.#outputs.path
  }

  get attributes(): Readonly<Record<string, string>> {
    return this.#outputs.attributes
  }

  /** Whether {@link read} can be called. */
  get isReadable(): boolean {
    return this.#outputs.readable !== undefined
  }

  /** @returns Undefined, or what to wait for before the next chunk. */
  write({ stream, bytes }: OutputChunk): Promise<unknown> | undefined {
    if (this.#outputs.sinks.length === 0) return undefined
    const time = timestamp()
    return allOf(this.#splitters[stream].push(bytes).map((cut) => this.#give({ ...cut, stream, time })))
  }

  /** A run has ended: resolves when everything was written, or given up. */
  async endRun(): Promise<void> {
    const time = timestamp()
    for (const stream of ['stdout', 'stderr'] as const)
      for (const cut of this.#splitters[stream].flush()) void this.#give({ ...cut, stream, time })
    await Promise.all(this.#outputs.sinks.map((sink) => sink.end()))
  }

  /**
   * Reads entries, oldest first.
   *
   * @param running - Whether more will come, for whoever follows.
   */
  read(query: LogQuery, running: () => boolean, signal?: AbortSignal): AsyncGenerator<LogLine, void> {
    return this.#outputs.readable!.read(query, running, signal)
  }

  /** Wakes those who follow: they look whether more will come. */
  wake(): void {
    this.#outputs.readable?.wake()
  }

  #give(batch: LogBatch): Promise<unknown> | undefined {
    return allOf(this.#outputs.sinks.map((sink) => sink.write(batch)))
  }
}

function allOf(busy: readonly (Promise<unknown> | undefined)[]): Promise<unknown> | undefined {
  const waits = busy.filter((one) => one !== undefined)
  return waits.length === 0 ? undefined : Promise.all(waits)
}
