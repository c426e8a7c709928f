import type { LogCodec } from './codec.js'
import type { LogBatch, LogLine, LogQuery, LogSink } from './entry.js'
import { readLog } from './read-log.js'
import { RotatedFile, type RotationLimits } from './rotated-file.js'

/** A log in files, that can be read: `json-file`, `local`, and the cache of the others. */
export class FileSink implements LogSink {
  readonly #file: RotatedFile
  readonly #codec: LogCodec

  constructor(path: string, codec: LogCodec, limits: RotationLimits, onError: (error: unknown) => void) {
    this.#file = new RotatedFile(path, limits, onError)
    this.#codec = codec
  }

  get path(): string {
    return this.#file.path
  }

  write(batch: LogBatch): Promise<void> | undefined {
    return this.#file.append(this.#codec.encode(batch))
  }

  async end(): Promise<void> {
    await this.#file.close()
    this.wake()
  }

  /** Wakes those who follow: they look whether more will come. */
  wake(): void {
    this.#file.wake()
  }

  /** @param running - Whether more will come, for whoever follows. */
  read(query: LogQuery, running: () => boolean, signal?: AbortSignal): AsyncGenerator<LogLine, void> {
    return readLog(this.#file, this.#codec, query, { running, signal })
  }
}
