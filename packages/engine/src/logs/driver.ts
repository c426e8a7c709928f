import type { LogSink } from './entry.js'
import type { FileSink } from './file-sink.js'
import type { LogSource } from './source.js'

/** What a driver needs of the engine. */
export interface LogPlace {
  /** Folder of the container's logs; need not exist. */
  readonly folder: string
  /** Told of what is lost. */
  readonly onError: (error: unknown) => void
}

/** A way to keep, or to send away, what containers print. */
export interface LogDriver {
  /** Options of its own, besides those that all have. */
  readonly options: readonly string[]
  /** What is said of an option that is none. */
  unknown(option: string): string
  /**
   * Checks the values of options.
   *
   * @throws `ApiError` 400 with Docker's words.
   */
  check(config: Readonly<Record<string, string>>): void
  open(
    source: LogSource,
    place: LogPlace,
  ): {
    readonly sink: LogSink
    /** Where it can be read itself; the others have a cache. */
    readonly readable?: FileSink
    /** As `inspect` shows it. */
    readonly path?: string
  }
}
