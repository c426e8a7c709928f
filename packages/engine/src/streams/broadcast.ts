import type { OutputChunk } from './frame.js'

/** Somebody who wants a container's output as it comes. */
export interface Listener {
  /** Returns false when it cannot take more for now; {@link Listener.ready} tells when it can. */
  write(chunk: OutputChunk): boolean
  /** Resolves when it can take more, or is gone. */
  ready(): Promise<void>
  end(): void
}

/**
 * Gives a container's output to all who listen. A listener that is slow slows the container down, as in Docker, and not
 * the daemon's memory up; one that goes away does not.
 */
export class Broadcast {
  readonly #listeners = new Set<Listener>()

  add(listener: Listener): Disposable {
    this.#listeners.add(listener)
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) }
  }

  /** @returns Undefined, or what to wait for before the next chunk. */
  write(chunk: OutputChunk): Promise<unknown> | undefined {
    const slow = [...this.#listeners].filter((listener) => !listener.write(chunk))
    return slow.length === 0 ? undefined : Promise.all(slow.map((listener) => listener.ready()))
  }

  /** No more will come in this run. */
  end(): void {
    for (const listener of this.#listeners) listener.end()
    this.#listeners.clear()
  }
}
