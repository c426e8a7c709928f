import { createWriteStream, existsSync, mkdirSync, type WriteStream } from 'node:fs'
import { dirname } from 'node:path'
import { LineSplitter } from './line-splitter.js'
import type { OutputChunk } from './frame.js'
import { readLog, type LogLine, type LogQuery } from './read-log.js'
import { timestamp } from './timestamp.js'

/** The log of a container in Docker's json-file format: a JSON object a line. */
export class JsonLog {
  readonly path: string
  readonly #splitters = { stdout: new LineSplitter('stdout'), stderr: new LineSplitter('stderr') }
  #file: WriteStream | undefined
  #changed: (() => void)[] = []

  constructor(path: string) {
    this.path = path
  }

  /** @returns Undefined, or what to wait for before the next chunk. */
  write({ stream, bytes }: OutputChunk): Promise<void> | undefined {
    return this.#append(this.#splitters[stream].push(bytes), stream)
  }

  /** A run has ended: resolves when everything is in the file. */
  async endRun(): Promise<void> {
    for (const stream of ['stdout', 'stderr'] as const)
      void this.#append(this.#splitters[stream].flush(), stream)
    const file = this.#file
    this.#file = undefined
    if (file !== undefined) await new Promise<void>((resolve) => file.end(resolve))
    this.wake()
  }

  /**
   * Reads entries, oldest first.
   *
   * @param running - Whether more will come, for whoever follows.
   */
  read(query: LogQuery, running: () => boolean, signal?: AbortSignal): AsyncGenerator<LogLine, void> {
    return readLog(this.path, query, { running, changed: () => this.#whenChanged(signal) }, signal)
  }

  /** Wakes those who follow: there is more, or no more will come. */
  wake(): void {
    for (const resolve of this.#changed.splice(0)) resolve()
  }

  #whenChanged(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      this.#changed.push(resolve)
      signal?.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  #append(lines: readonly string[], stream: OutputChunk['stream']): Promise<void> | undefined {
    if (lines.length === 0) return undefined
    const time = timestamp()
    const text = lines.map((log) => `${JSON.stringify({ log, stream, time })}\n`).join('')
    const file = (this.#file ??= this.#open())
    const hasRoom = file.write(text, () => this.wake())
    if (hasRoom) return undefined
    return new Promise((resolve) => {
      file.once('drain', resolve)
      file.once('close', resolve)
    })
  }

  #open(): WriteStream {
    const folder = dirname(this.path)
    if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
    const file = createWriteStream(this.path, { flags: 'a', mode: 0o640 })
    file.on('error', () => {
      // a full disk must not stop the container: what cannot be written is lost, and tried again with the next line
      if (this.#file === file) this.#file = undefined
    })
    return file
  }
}
